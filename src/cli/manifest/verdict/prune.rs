//! Fields that do not exist, and those that are `null`: the server drops both before it looks at an object.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value};

use super::join;
use crate::{
    api::yaml::likely,
    cli::manifest::finding::{Check, Problem},
};

/// Takes out of `object` what does not exist, and tells it.
pub(super) fn prune(schema: &JSONSchemaProps, object: &mut Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    walk(schema, object, "", &mut problems);
    problems
}

fn walk(schema: &JSONSchemaProps, value: &mut Value, path: &str, problems: &mut Vec<Problem>) {
    match value {
        Value::Object(fields) => walk_fields(schema, fields, path, problems),
        Value::Array(items) => {
            if let Some(JSONSchemaPropsOrArray::Schema(of_item)) = &schema.items {
                for (at, item) in items.iter_mut().enumerate() {
                    walk(of_item, item, &format!("{path}[{at}]"), problems);
                }
            }
        }
        _ => {}
    }
}

fn walk_fields(schema: &JSONSchemaProps, fields: &mut Map<String, Value>, path: &str, problems: &mut Vec<Problem>) {
    if let Some(JSONSchemaPropsOrBool::Schema(of_value)) = &schema.additional_properties {
        fields.retain(|_, value| kept(of_value, value));
        fields.iter_mut().for_each(|(key, value)| walk(of_value, value, &join(path, key), problems));
        return;
    }
    // A field of another type than `object` that is given fields is told as such.
    if schema.x_kubernetes_preserve_unknown_fields == Some(true) || schema.type_.as_deref() != Some("object") {
        return;
    }
    let names: Vec<&str> = schema.properties.iter().flatten().map(|(name, _)| name.as_str()).collect();
    let unknown = fields.keys().filter(|key| !names.contains(&key.as_str()));
    problems.extend(unknown.map(|key| Problem {
        check: Check::Unknown,
        field: join(path, key),
        message: format!("unknown field \"{}\"", join(path, key)),
        mend: likely(key, &names),
    }));
    let known = |key: &String| schema.properties.as_ref().and_then(|known| known.get(key));
    fields.retain(|key, value| known(key).is_some_and(|below| kept(below, value)));
    for (key, value) in fields {
        if let Some(below) = known(key) {
            walk(below, value, &join(path, key), problems);
        }
    }
}

/// A field that is `null` counts as left out, unless `null` is one of its values.
fn kept(schema: &JSONSchemaProps, value: &Value) -> bool {
    !value.is_null() || schema.nullable == Some(true)
}
