//! Our kinds as the API server knows them.

use std::{collections::BTreeSet, sync::LazyLock};

use k8s_openapi::{
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSONSchemaProps},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::core::cel::{CompiledSchema, compile_schema};
use schemars::generate::SchemaSettings;
use serde_json::json;

use super::finding::{Check, Problem};
use crate::api::{crds, yaml::likely};

/// One version of one kind.
pub(super) struct Kind {
    pub(super) name: String,
    pub(super) api_version: String,
    /// Of a whole object, with `apiVersion`, `kind` and `metadata`.
    pub(super) schema: JSONSchemaProps,
    pub(super) rules: CompiledSchema,
    /// The rules that are about a field below theirs.
    pub(super) pointing: BTreeSet<String>,
}

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| crds::all().into_iter().flat_map(Kind::all).collect());

/// What an `apiVersion` and a `kind` name.
pub(super) enum Lookup {
    Ours(&'static Kind),
    /// Another one's.
    Other,
    /// Our group, and no kind of it.
    Unknown(Problem),
}

impl Kind {
    fn all(crd: CustomResourceDefinition) -> Vec<Self> {
        let (group, name) = (crd.spec.group, crd.spec.names.kind);
        let versions = crd.spec.versions.into_iter().filter(|version| version.served);
        versions
            .filter_map(|version| {
                let api_version = format!("{group}/{}", version.name);
                let own = Self::by(name.clone(), api_version, version.schema?.open_api_v3_schema?);
                Some(Self { schema: whole(own.schema), ..own })
            })
            .collect()
    }

    /// What is judged by this schema, as it is.
    pub(super) fn by(name: String, api_version: String, schema: JSONSchemaProps) -> Self {
        let rules = compile_schema(&serde_json::to_value(&schema).unwrap_or_default());
        let mut pointing = BTreeSet::new();
        pointing_rules(&schema, &mut pointing);
        Self { name, api_version, schema, rules, pointing }
    }

    /// What `api_version` and `kind` name.
    pub(super) fn find(api_version: &str, kind: &str) -> Lookup {
        if let Some(found) = KINDS.iter().find(|known| known.api_version == api_version && known.name == kind) {
            return Lookup::Ours(found);
        }
        let group = |version: &str| version.split('/').next().unwrap_or_default().to_owned();
        let Some(served) = KINDS.iter().find(|known| group(&known.api_version) == group(api_version)) else {
            return Lookup::Other;
        };
        let kinds: Vec<&str> = KINDS.iter().map(|known| known.name.as_str()).collect();
        let (field, mend) = if kinds.contains(&kind) {
            ("apiVersion", format!("write {}", served.api_version))
        } else {
            ("kind", likely(kind, &kinds))
        };
        Lookup::Unknown(Problem {
            check: Check::Unknown,
            field: field.into(),
            message: format!("no matches for kind {kind:?} in version {api_version:?}"),
            mend,
        })
    }
}

/// A kind's schema with what every object has beside it.
fn whole(mut schema: JSONSchemaProps) -> JSONSchemaProps {
    let text = || JSONSchemaProps { type_: Some("string".into()), ..JSONSchemaProps::default() };
    let properties = schema.properties.get_or_insert_default();
    properties.insert("apiVersion".into(), text());
    properties.insert("kind".into(), text());
    properties.insert("metadata".into(), metadata());
    schema
}

fn metadata() -> JSONSchemaProps {
    let settings = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<ObjectMeta>().to_value();
    let mut schema: JSONSchemaProps = serde_json::from_value(schema).unwrap_or_default();
    // What the server keeps for itself, in a form of its own; it comes with what `kubectl get` prints.
    if let Some(managed) = schema.properties.as_mut().and_then(|fields| fields.get_mut("managedFields")) {
        *managed = serde_json::from_value(json!({"x-kubernetes-preserve-unknown-fields": true})).unwrap_or_default();
    }
    schema
}

fn pointing_rules(schema: &JSONSchemaProps, found: &mut BTreeSet<String>) {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaPropsOrArray::Schema;
    let rules = schema.x_kubernetes_validations.iter().flatten();
    found.extend(rules.filter(|rule| rule.field_path.is_some()).map(|rule| rule.rule.clone()));
    schema.properties.iter().flat_map(|fields| fields.values()).for_each(|field| pointing_rules(field, found));
    if let Some(Schema(items)) = &schema.items {
        pointing_rules(items, found);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::Value;

    use super::*;

    /// What [`super::super::verdict`] judges by, and what says nothing about a value.
    const KEYWORDS: &[&str] = &[
        "$schema",
        "additionalProperties",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "nullable",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ];

    #[test]
    fn no_schema_has_a_keyword_that_is_not_judged_by() {
        fn walk(schema: &Value, found: &mut BTreeSet<String>) {
            let Value::Object(keywords) = schema else { return };
            found.extend(keywords.keys().cloned());
            let named = keywords.get("properties").and_then(Value::as_object);
            named.into_iter().flat_map(|named| named.values()).for_each(|field| walk(field, found));
            for below in ["items", "additionalProperties"].iter().filter_map(|keyword| keywords.get(*keyword)) {
                walk(below, found);
            }
        }
        for kind in KINDS.iter() {
            let mut found = BTreeSet::new();
            walk(&serde_json::to_value(&kind.schema).unwrap(), &mut found);
            let missing: Vec<_> = found.iter().filter(|keyword| !KEYWORDS.contains(&keyword.as_str())).collect();
            assert!(missing.is_empty(), "{}: {missing:?}", kind.name);
        }
    }

    #[test]
    fn every_pattern_can_be_read_offline() {
        fn walk(schema: &Value, found: &mut Vec<String>) {
            found.extend(schema.get("pattern").and_then(Value::as_str).map(str::to_owned));
            let below = schema.as_object().into_iter().flat_map(|keywords| keywords.values());
            let fields = below.clone().filter_map(Value::as_object).flat_map(|fields| fields.values());
            below.chain(fields).filter(|below| below.is_object()).for_each(|below| walk(below, found));
        }
        let mut patterns = Vec::new();
        KINDS.iter().for_each(|kind| walk(&serde_json::to_value(&kind.schema).unwrap(), &mut patterns));
        assert!(patterns.len() > 10, "{patterns:?}");
        for pattern in patterns {
            assert!(regex::Regex::new(&pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn every_rule_can_be_read_offline() {
        fn errors(schema: &CompiledSchema) -> Vec<String> {
            let own = schema.compilation_errors().into_iter().map(ToString::to_string);
            let below = schema.properties.values().chain(schema.items.as_deref());
            own.chain(below.flat_map(errors)).collect()
        }
        for kind in KINDS.iter() {
            assert_eq!(errors(&kind.rules), Vec::<String>::new(), "{}", kind.name);
        }
    }

    #[test]
    fn a_kind_of_our_group_that_does_not_exist_is_no_other_ones() {
        let words = |version, kind| match Kind::find(version, kind) {
            Lookup::Ours(_) => "ours".into(),
            Lookup::Other => "another one's".into(),
            Lookup::Unknown(Problem { message, mend, .. }) => format!("{message}: {mend}"),
        };
        assert_eq!(words("hybridscaler.dev/v1alpha1", "HybridScaler"), "ours");
        assert_eq!(words("apps/v1", "Deployment"), "another one's");
        assert_eq!(
            words("hybridscaler.dev/v1alpha1", "HybridScalr"),
            r#"no matches for kind "HybridScalr" in version "hybridscaler.dev/v1alpha1": did you mean `HybridScaler`?"#
        );
        assert_eq!(
            words("hybridscaler.dev/v1", "ConnectionBudget"),
            r#"no matches for kind "ConnectionBudget" in version "hybridscaler.dev/v1": write hybridscaler.dev/v1alpha1"#
        );
    }
}
