//! The decisions of a record, made again.

use std::io::{self, Write};

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::input::windows;
use crate::{
    api::{
        decision::{DecisionInput, DecisionRecord},
        yaml::{self, YamlError},
    },
    cli::manifest::Source,
};

/// Makes each decision of a record again.
///
/// # Errors
/// The first line that cannot be read, or comes out differently: not byte for byte as it was recorded.
pub(super) fn run(record: &Source) -> anyhow::Result<()> {
    let mut decisions = 0_usize;
    for (at, line) in record.text.lines().enumerate() {
        again(line).with_context(|| format!("{}:{}", record.name, at + 1))?;
        decisions += 1;
    }
    if decisions == 0 {
        bail!("{} holds no decision: name the file that --record wrote", record.name);
    }
    Ok(writeln!(io::stdout(), "{decisions} decisions made again, each as it was recorded")?)
}

fn again(line: &str) -> anyhow::Result<()> {
    // Not by the JSON parser, which rounds the last digit of some numbers.
    let recorded: Value = yaml::read(line).map_err(|YamlError { column, problem, .. }| {
        let what = problem.rsplit_once(": ").map_or(&*problem, |(what, _)| what);
        anyhow!("no whole line of a record (column {column}: {what}): remove it; an operator that is killed leaves its last line so")
    })?;
    let name: String = part(&recorded, "name")?;
    let input: DecisionInput = part(&recorded, "input")?;
    let output = input.decide(|| windows(&input))?;
    let now = input.now;
    let decided = DecisionRecord { name, input, output };
    if serde_json::to_string(&decided)? == line {
        return Ok(());
    }
    match first_difference(&recorded, &serde_json::to_value(&decided)?, "") {
        Some(difference) => bail!("{} at {now}: {difference}", decided.name),
        None => bail!("{} at {now} has the same values in another order or form", decided.name),
    }
}

/// One part of a record's line.
fn part<T: DeserializeOwned>(recorded: &Value, name: &str) -> anyhow::Result<T> {
    let Some(part) = recorded.get(name) else {
        bail!("has no {name}, so it is no line of a record: name a file that --record wrote");
    };
    let read = serde_json::from_value(part.clone());
    read.map_err(|error| anyhow!("its {name} cannot be read ({error}): replay it by the version that recorded it"))
}

/// Where two documents differ first.
fn first_difference(recorded: &Value, decided: &Value, path: &str) -> Option<String> {
    let below =
        |name: &dyn std::fmt::Display| if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
    match (recorded, decided) {
        (Value::Object(one), Value::Object(two)) => {
            let names = one.keys().chain(two.keys().filter(|name| !one.contains_key(*name)));
            let field = |fields: &serde_json::Map<String, Value>, name: &String| fields.get(name).cloned();
            names.into_iter().find_map(|name| match (field(one, name), field(two, name)) {
                (Some(one), Some(two)) => first_difference(&one, &two, &below(name)),
                (one, two) => Some(differ(one.as_ref(), two.as_ref(), &below(name))),
            })
        }
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            one.iter().zip(two).enumerate().find_map(|(at, (one, two))| first_difference(one, two, &below(&at)))
        }
        (one, two) => (one != two).then(|| differ(Some(one), Some(two), path)),
    }
}

fn differ(recorded: Option<&Value>, decided: Option<&Value>, path: &str) -> String {
    let words = |value: Option<&Value>| value.map_or_else(|| "nothing".into(), Value::to_string);
    format!("{path} was {}, and is {} now", words(recorded), words(decided))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_told_with_both_values() {
        let recorded = json!({"a": {"b": [1, 2.5, {"c": null}]}, "d": 1});
        for (change, expected) in [
            (json!({"a": {"b": [1, 2.5, {"c": null}]}, "d": 1}), None),
            (json!({"a": {"b": [1, 2.25, {"c": 1}]}, "d": 1}), Some("a.b.1 was 2.5, and is 2.25 now")),
            (json!({"a": {"b": [1, 2.5, {}]}, "d": 1}), Some("a.b.2.c was null, and is nothing now")),
            (json!({"a": {"b": [1, 2.5]}, "d": 1}), Some("a.b was [1,2.5,{\"c\":null}], and is [1,2.5] now")),
            (json!({"a": {"b": [1, 2.5, {"c": null}]}, "d": 1, "e": 2}), Some("e was nothing, and is 2 now")),
        ] {
            assert_eq!(first_difference(&recorded, &change, "").as_deref(), expected);
        }
    }
}
