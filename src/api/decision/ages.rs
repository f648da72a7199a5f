//! Times written as ages: `90s ago`.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::api::spec_error::SpecError;

/// Replaces each age in a document, wherever its `schema` has a time, by the time so long before the document's `now`.
///
/// Returns what is neither a time nor an age.
pub fn resolve(schema: &Value, document: &mut Value) -> Vec<SpecError> {
    let now = document.get("now").and_then(Value::as_str).and_then(|now| now.parse().ok());
    let mut walk = Walk { now, wrong: Vec::new() };
    walk.value(schema, document, "");
    walk.wrong
}

struct Walk {
    /// None when the document's own time cannot be read.
    now: Option<Timestamp>,
    wrong: Vec<SpecError>,
}

impl Walk {
    fn value(&mut self, schema: &Value, value: &mut Value, path: &str) {
        match value {
            Value::Object(fields) => {
                for (name, below) in fields {
                    let known = schema.get("properties").and_then(|known| known.get(name));
                    if let Some(schema) = known.or_else(|| schema.get("additionalProperties")) {
                        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                        self.value(schema, below, &path);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = schema.get("items") {
                    for (at, item) in items.iter_mut().enumerate() {
                        self.value(schema, item, &format!("{path}[{at}]"));
                    }
                }
            }
            Value::String(text) if schema.get("format").is_some_and(|format| format == "date-time") => {
                match self.time(text, path) {
                    Ok(time) => *text = time,
                    Err(wrong) => self.wrong.push(wrong),
                }
            }
            _ => {}
        }
    }

    fn time(&self, text: &str, path: &str) -> Result<String, SpecError> {
        if text.parse::<Timestamp>().is_ok() {
            return Ok(text.to_owned());
        }
        let wrong = |problem: &str| SpecError::new(path, text, problem);
        if path == "now" {
            return Err(wrong("is no time: write one such as 2027-01-15T08:00:00Z"));
        }
        let age = age(text)
            .ok_or_else(|| wrong("is no time: write one such as 2027-01-15T08:00:00Z, or an age such as 90s ago"))?;
        let Some(now) = self.now else {
            return Err(wrong("is an age at a time that is not known: set now to a time such as 2027-01-15T08:00:00Z"));
        };
        let time = now.checked_sub(age).map_err(|_| wrong("is before all time: write a smaller age"))?;
        Ok(time.to_string())
    }
}

/// How long ago, when the text says so: `90s ago`, `1h 30m ago`.
fn age(text: &str) -> Option<SignedDuration> {
    let before: SignedDuration = text.strip_suffix("ago").map(|_| text.parse())?.ok()?;
    Some(-before).filter(|age| *age >= SignedDuration::ZERO)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolved(mut document: Value) -> (Value, Vec<String>) {
        let time = json!({"type": "string", "format": "date-time"});
        let schema = json!({"properties": {
            "now": time, "word": {"type": "string"},
            "list": {"items": {"properties": {"at": time}}}, "map": {"additionalProperties": time},
        }});
        let wrong = resolve(&schema, &mut document);
        (document, wrong.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_age_becomes_a_time_wherever_a_time_belongs() {
        let (document, wrong) = resolved(json!({
            "now": "2027-01-15T08:00:00Z", "word": "90s ago",
            "list": [{"at": "90s ago"}, {"at": "2027-01-15T07:00:00Z"}, {"at": "1.5s ago"}],
            "map": {"one": "1h 30m ago", "two": "0s ago"},
        }));
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(
            document,
            json!({
                "now": "2027-01-15T08:00:00Z", "word": "90s ago",
                "list": [{"at": "2027-01-15T07:58:30Z"}, {"at": "2027-01-15T07:00:00Z"}, {"at": "2027-01-15T07:59:58.5Z"}],
                "map": {"one": "2027-01-15T06:30:00Z", "two": "2027-01-15T08:00:00Z"},
            })
        );
    }

    #[test]
    fn what_is_neither_is_told_with_its_path() {
        let mend = "write one such as 2027-01-15T08:00:00Z, or an age such as 90s ago";
        let (_, wrong) = resolved(json!({"now": "2027-01-15T08:00:00Z", "list": [{"at": "90s"}, {"at": "soon"}]}));
        assert_eq!(
            wrong,
            [format!("list[0].at: `90s` is no time: {mend}"), format!("list[1].at: `soon` is no time: {mend}")]
        );
        let (_, wrong) = resolved(json!({"now": "9s ago", "map": {"one": "9s ago"}}));
        assert_eq!(
            wrong,
            [
                "map.one: `9s ago` is an age at a time that is not known: set now to a time such as 2027-01-15T08:00:00Z",
                "now: `9s ago` is no time: write one such as 2027-01-15T08:00:00Z",
            ]
        );
        let (_, wrong) = resolved(json!({"now": "2027-01-15T08:00:00Z", "map": {"one": "999999999h ago"}}));
        assert_eq!(wrong, ["map.one: `999999999h ago` is before all time: write a smaller age"]);
    }
}
