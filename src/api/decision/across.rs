//! What only a look across a document shows: names of nothing, readings of another kind than their trigger's. It looks at the document
//! as it was written, so that all of this is told together with what the schema refuses.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::budget::BudgetAnswer;
use crate::api::{spec_error::SpecError, yaml::likely};

/// Pods that one reading may stand for: more than a target with the most replicas has, its terminating ones included.
const MOST_PODS: u64 = 100_000;

/// What a reading may hold, besides `unknown`.
const ANSWERS: [&str; 4] = ["queue", "utilization", "pods", "value"];

/// What is wrong across the fields of a document.
pub fn problems(document: &Value) -> Vec<SpecError> {
    let at = |path| document.pointer(path).unwrap_or(&Value::Null);
    let triggers = list(at("/scaler/triggers"));
    let (readings, open) = (at("/observation/readings"), at("/observation/openSchedules"));
    let readings: BTreeMap<&str, &Value> = fields(readings).map(|(name, reading)| (name.as_str(), reading)).collect();
    let (formulas, signals): (Vec<_>, Vec<_>) = triggers.iter().partition(|trigger| trigger.get("formula").is_some());
    let (formulas, signals) = (names(formulas), names(signals));
    let (computed, read): (Vec<&str>, Vec<_>) = readings.keys().partition(|name| formulas.contains(name));
    let mut problems: Vec<_> = computed.into_iter().map(of_a_formula).collect();
    // Without a single trigger the schema has its say, and every name would be wrong.
    if !triggers.is_empty() {
        problems.extend(strangers("observation.readings", read.into_iter(), "trigger", &signals));
    }
    let schedules = names(list(at("/scaler/schedules")));
    problems.extend(strangers(
        "observation.openSchedules",
        fields(open).map(|(name, _)| &**name),
        "schedule",
        &schedules,
    ));
    let ecs = at("/scaler/targetRef/ecs").is_object();
    for trigger in triggers {
        let name = text(trigger, "name").unwrap_or_default();
        let Some(reading) = readings.get(name) else { continue };
        problems.extend(of_another_kind(name, trigger, reading, ecs));
        problems.extend(too_many_pods(name, reading));
    }
    if let Some(budget) = text(at("/budget"), "name") {
        let uses = list(at("/scaler/connections")).iter();
        let known: Vec<&str> = uses.filter_map(|one| text(one.get("budgetRef")?, "name")).collect();
        problems.extend(BudgetAnswer::stranger(budget, &known));
    }
    problems
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str()
}

fn names<'a>(items: impl IntoIterator<Item = &'a Value>) -> Vec<&'a str> {
    items.into_iter().filter_map(|item| text(item, "name")).collect()
}

/// The names that are none of the known ones.
fn strangers<'a>(field: &str, names: impl Iterator<Item = &'a str>, what: &str, known: &[&str]) -> Vec<SpecError> {
    let problem = |name| format!("is no {what} of the scaler: {}", likely(name, known));
    let unknown = names.filter(|name| !known.contains(name));
    unknown.map(|name| SpecError::new(format!("{field}.{name}"), name, problem(name))).collect()
}

fn of_a_formula(name: &str) -> SpecError {
    let problem = "is a formula, whose reading is computed from the others: leave it out";
    SpecError::new(format!("observation.readings.{name}"), name, problem)
}

/// A reading that its trigger could not give.
fn of_another_kind(name: &str, trigger: &Value, reading: &Value, ecs: bool) -> Option<SpecError> {
    let (source, belongs) = match ["sqs", "cpu", "external"].map(|source| trigger.get(source).is_some()) {
        [true, false, false] => ("an SQS queue", "queue"),
        [false, true, false] if ecs => ("the CPU of an ECS service", "utilization"),
        [false, true, false] => ("the CPU of a workload", "pods"),
        [false, false, true] => ("an external metric", "value"),
        _ => return None,
    };
    let given: Vec<&str> = ANSWERS.into_iter().filter(|answer| reading.get(answer).is_some()).collect();
    // Several answers are refused whatever they are.
    let [given] = given[..] else { return None };
    let problem = format!("is no reading of {source}: give {belongs}");
    (given != belongs).then(|| SpecError::new(format!("observation.readings.{name}"), given, problem))
}

fn too_many_pods(name: &str, reading: &Value) -> Option<SpecError> {
    let count = |pod: &Value| pod.get("count").map_or(1, |count| count.as_u64().unwrap_or(0));
    let pods = list(reading.get("pods")?).iter().map(count).fold(0, u64::saturating_add);
    let problem = format!("is too many pods together: give {MOST_PODS} at most");
    (pods > MOST_PODS).then(|| SpecError::new(format!("observation.readings.{name}.pods"), pods, problem))
}
