//! The `CustomResourceDefinition` of each kind, as it is installed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use super::{ConnectionBudget, HybridScaler};
use crate::text::one_line;

/// Both definitions.
pub fn all() -> [CustomResourceDefinition; 2] {
    [HybridScaler::crd(), ConnectionBudget::crd()].map(|mut crd| {
        for version in &mut crd.spec.versions {
            if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
                tidy(schema);
            }
        }
        crd
    })
}

/// Mends what the derive makes of a type, here and in everything below it.
///
/// A field that may be left out is not one that may be `null`: the derive cannot tell them apart, and a rule that asks `has(…)` would
/// take a `null` for a value. Descriptions lose the line breaks of the source, which `kubectl explain` would print.
fn tidy(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    if let Some(description) = &mut schema.description {
        *description = description.split("\n\n").map(one_line).collect::<Vec<_>>().join("\n\n");
    }
    schema.properties.iter_mut().flat_map(|properties| properties.values_mut()).for_each(tidy);
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => tidy(items),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(tidy),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        tidy(values);
    }
}
