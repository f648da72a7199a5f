//! The structural schema of a kind: types, required fields, bounds, patterns, and the keys of lists.
//!
//! A walk of our own and not a validator of JSON Schema: structural schemas are a small dialect of it (`nullable`,
//! `x-kubernetes-int-or-string`, list keys) with words of its own, and the words are half of the verdict. A test in `kinds.rs` names
//! the keywords that are judged by, and fails when a CRD has another one.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value};

use super::{
    bounds::{in_bounds, length, number, pattern, size},
    join,
};
use crate::{
    api::yaml::likely,
    cli::manifest::finding::{Check, Problem},
};

/// What is wrong with an object by the schema of its kind.
pub(super) fn check(schema: &JSONSchemaProps, object: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    Walk { problems: &mut problems }.value(schema, object, "");
    problems
}

/// What is wrong with the field at `path`, in the form of the API server: `PATH: WHAT`.
pub(super) fn problem(path: &str, what: impl AsRef<str>, mend: impl Into<String>) -> Problem {
    Problem {
        check: Check::Schema,
        field: path.into(),
        message: format!("{path}: {}", what.as_ref()),
        mend: mend.into(),
    }
}

struct Walk<'a> {
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn value(&mut self, schema: &JSONSchemaProps, value: &Value, path: &str) {
        if let Some(mistyped) = mistyped(schema, value, path) {
            self.problems.push(mistyped);
            return;
        }
        match value {
            Value::String(text) => {
                self.problems.extend(length(schema, text, path));
                self.problems.extend(pattern(schema, text, path));
            }
            Value::Number(given) => self.problems.extend(number(schema, given, path)),
            Value::Array(items) => self.list(schema, items, path),
            Value::Object(fields) => self.object(schema, fields, path),
            Value::Null | Value::Bool(_) => {}
        }
        self.problems.extend(choice(schema, value, path));
    }

    fn object(&mut self, schema: &JSONSchemaProps, fields: &Map<String, Value>, path: &str) {
        let bounds = (schema.min_properties, schema.max_properties);
        self.problems.extend(size(fields.len(), bounds, "properties", path));
        for name in schema.required.iter().flatten().filter(|name| !fields.contains_key(*name)) {
            let known = schema.properties.as_ref().and_then(|known| known.get(name));
            let about = known.map(meaning).map(uncapitalized).unwrap_or_default();
            self.problems.push(problem(&join(path, name), "Required value", format!("set {name}: {about}")));
        }
        for (name, below) in schema.properties.iter().flatten() {
            if let Some(value) = fields.get(name) {
                self.value(below, value, &join(path, name));
            }
        }
        if let Some(JSONSchemaPropsOrBool::Schema(below)) = &schema.additional_properties {
            fields.iter().for_each(|(key, value)| self.value(below, value, &join(path, key)));
        }
    }

    fn list(&mut self, schema: &JSONSchemaProps, items: &[Value], path: &str) {
        self.problems.extend(size(items.len(), (schema.min_items, schema.max_items), "items", path));
        if let Some(JSONSchemaPropsOrArray::Schema(below)) = &schema.items {
            items.iter().enumerate().for_each(|(at, item)| self.value(below, item, &format!("{path}[{at}]")));
        }
        let identity = |item: &Value| match schema.x_kubernetes_list_type.as_deref() {
            Some("map") => {
                let keys = schema.x_kubernetes_list_map_keys.iter().flatten();
                Some(keys.filter_map(|key| Some((key.clone(), item.get(key)?.clone()))).collect::<Value>())
            }
            Some("set") => Some(item.clone()),
            _ => None,
        };
        let identities: Vec<_> = items.iter().filter_map(identity).collect();
        for (at, identity) in identities.iter().enumerate() {
            // The second one only: a third says nothing new.
            if identities.iter().take(at).filter(|earlier| *earlier == identity).count() == 1 {
                let keys = schema.x_kubernetes_list_map_keys.as_ref().map(|keys| keys.join(" and "));
                let mend =
                    keys.map_or("leave it out".into(), |keys| format!("give each of {path} a {keys} of its own"));
                self.problems.push(problem(&format!("{path}[{at}]"), format!("Duplicate value: {identity}"), mend));
            }
        }
    }
}

/// A value of another type than the schema's. Text says `string`, a number with a fraction `float64`, as the server does.
fn mistyped(schema: &JSONSchemaProps, value: &Value, path: &str) -> Option<Problem> {
    let wanted: &[&str] = match (schema.x_kubernetes_int_or_string, schema.type_.as_deref()) {
        (Some(true), _) => &["integer", "string"],
        (_, Some(type_)) => &[type_],
        (_, None) => return None,
    };
    let given = match value {
        Value::Null if schema.nullable == Some(true) => return None,
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(given) if given.as_f64().is_some_and(|given| given.fract() == 0.0) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if wanted.contains(&given) || (given == "integer" && wanted.contains(&"number")) {
        return None;
    }
    let (wanted, given) = match (&schema.format, given) {
        (Some(format), "number") => (format.clone(), "float64"),
        (Some(format), "boolean" | "object") => (format.clone(), ""),
        _ => (wanted.join(","), given),
    };
    let what = format!("Invalid value: \"{given}\": {path} in body must be of type {wanted}: \"{given}\"");
    Some(problem(path, what, unquoted(schema, value).unwrap_or_else(|| meaning(schema))))
}

/// A number that is written as text.
fn unquoted(schema: &JSONSchemaProps, value: &Value) -> Option<String> {
    let number: f64 = value.as_str()?.parse().ok()?;
    matches!(schema.type_.as_deref(), Some("integer" | "number")).then(|| format!("write {number} without quotes"))
}

/// A value that is none of those there are.
fn choice(schema: &JSONSchemaProps, value: &Value, path: &str) -> Option<Problem> {
    let choices: Vec<&Value> = schema.enum_.iter().flatten().map(|choice| &choice.0).collect();
    if choices.is_empty() || choices.contains(&value) {
        return None;
    }
    let supported: Vec<String> = choices.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = choices.iter().filter_map(|choice| choice.as_str()).collect();
    let what = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
    Some(problem(path, what, value.as_str().map(|text| likely(text, &names)).unwrap_or_default()))
}

/// What a field is, in the first sentence of its description, with its bounds.
pub(super) fn meaning(schema: &JSONSchemaProps) -> String {
    let description = schema.description.as_deref().unwrap_or_default();
    // One that comes from the source and not from a CRD still has its line breaks.
    let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let first = description.split_once(". ").map_or(&*description, |(first, _)| first).trim_end_matches('.');
    match in_bounds(schema) {
        Some(bounds) if !first.contains(" to ") => format!("{first}; {bounds}"),
        _ => first.to_owned(),
    }
}

/// A sentence as the second half of one; an abbreviation stays as it is.
fn uncapitalized(sentence: String) -> String {
    let mut letters = sentence.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain([second]).chain(letters).collect()
        }
        _ => sentence,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    /// The table in `e2e/tests/manifests` has what our kinds use; this is the rest of the dialect.
    fn messages(schema: &Value, value: &Value) -> Vec<String> {
        let schema = serde_json::from_value(json!({"type": "object", "properties": {"a": schema}})).unwrap();
        check(&schema, &json!({"a": value})).into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn a_number_or_text_is_either_and_nothing_else() {
        let schema = json!({"x-kubernetes-int-or-string": true});
        assert_eq!(messages(&schema, &json!(3)), Vec::<String>::new());
        assert_eq!(messages(&schema, &json!("25%")), Vec::<String>::new());
        let wrong = ["a: Invalid value: \"boolean\": a in body must be of type integer,string: \"boolean\""];
        assert_eq!(messages(&schema, &json!(true)), wrong);
    }

    #[test]
    fn null_is_a_value_only_where_it_may_be() {
        assert_eq!(messages(&json!({"type": "integer", "nullable": true}), &Value::Null), Vec::<String>::new());
        let wrong = ["a: Invalid value: \"null\": a in body must be of type integer: \"null\""];
        assert_eq!(messages(&json!({"type": "integer"}), &Value::Null), wrong);
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        assert_eq!(messages(&json!({"type": "integer", "format": "int32"}), &json!(2.0)), Vec::<String>::new());
        assert_eq!(messages(&json!({"type": "number"}), &json!(2)), Vec::<String>::new());
    }

    #[test]
    fn the_items_of_a_set_differ() {
        let schema = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
        assert_eq!(messages(&schema, &json!(["a", "b", "a", "a"])), ["a[2]: Duplicate value: \"a\""]);
    }

    #[test]
    fn entries_of_a_map_have_their_own_schema_and_number() {
        let schema =
            json!({"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string", "maxLength": 1}});
        assert_eq!(
            messages(&schema, &json!({"x": "ab", "y": "b"})),
            ["a: Too many: 2: must have at most 1 item", "a.x: Too long: may not be more than 1 bytes"]
        );
    }
}
