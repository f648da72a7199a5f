//! Schemas that a derive cannot know: bounds of types that belong to other crates.

use schemars::{Schema, SchemaGenerator, json_schema};

/// The conditions of an object: a list with one entry a type, bounded as `metav1.Condition` is.
///
/// The derive of `k8s-openapi` has neither the bounds nor the merge key.
pub fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {"type": "string", "maxLength": 316, "description": "What the condition is about, in CamelCase."},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"], "description": "Whether it holds."},
                "reason": {
                    "type": "string", "minLength": 1, "maxLength": 1024,
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                    "description": "Why, as one stable word for programs.",
                },
                "message": {"type": "string", "maxLength": 32768, "description": "Why, in words, with what to do about it."},
                "lastTransitionTime": {
                    "type": "string", "format": "date-time", "maxLength": 64,
                    "description": "When `status` last changed.",
                },
                "observedGeneration": {
                    "type": "integer", "format": "int64", "minimum": 0,
                    "description": "The `metadata.generation` that the condition was set for.",
                },
            },
        },
    })
}

/// An instant as RFC 3339 text.
pub fn instant(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time", "maxLength": 64})
}

/// A number of replicas or connections, from 0 upward.
pub fn count(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int64", "minimum": 0})
}

/// A difference of two numbers of replicas.
pub fn change(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int64", "minimum": -i64::from(u32::MAX), "maximum": u32::MAX})
}

/// A stored ledger: its outline for `kubectl explain`, open for the rest.
///
/// Unknown fields are preserved on purpose. Helm installs CRDs once and never upgrades them, so a newer operator meets an older
/// CRD; a closed schema would silently drop the fields it does not list, and a grant that loses a field is a broken promise.
/// It is atomic, since `managedFields` would otherwise list every field of every entry again.
pub fn ledger(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 16,
        "x-kubernetes-map-type": "atomic",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "entries": {
                "type": "object",
                "maxProperties": 4096,
                "x-kubernetes-preserve-unknown-fields": true,
                "description": "One grant for each scaler, by `namespace/name`.",
            },
        },
    })
}
