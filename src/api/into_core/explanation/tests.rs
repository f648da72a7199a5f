#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fmt::Write;

use serde_json::{Value, json};

use super::*;
use crate::api::{conditions::cut, decision::DecisionInput};

/// The decision of a document, as the status keeps it, and in words.
fn decided(document: Value) -> (Value, String) {
    let input: DecisionInput = serde_json::from_value(document).unwrap();
    let output = input.decide(|| Ok(Vec::new())).unwrap();
    let status = DecisionStatus::from(&output.explanation.steps);
    (serde_json::to_value(status).unwrap(), output.explanation.text)
}

fn document(triggers: &Value, readings: &Value) -> Value {
    json!({
        "now": "2027-01-15T08:00:00Z",
        "scaler": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"},
            "maxReplicas": 20,
            "triggers": triggers,
            "behavior": {"scaleUp": {"cooldownSeconds": 60}, "scaleDown": {"cooldownSeconds": 60}},
            "connections": [{"budgetRef": {"name": "orders-db"}, "perReplica": 10}],
        },
        "observation": {"replicas": {"desired": 5}, "readings": readings},
        "budget": {"name": "orders/orders-db", "allowedReplicas": 12},
    })
}

fn queue(name: &str) -> Value {
    let url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders";
    json!({"name": name, "sqs": {"queueUrl": url, "messagesPerReplica": 60}})
}

#[test]
fn every_number_of_the_words_is_kept_for_programs() {
    let triggers = json!([
        queue("backlog"),
        {"name": "cpu", "cpu": {"targetUtilization": 65}},
        {"name": "requests", "external": {"metricName": "requests", "targetValue": "100"}},
        {"name": "silent", "external": {"metricName": "silent", "targetValue": "1"}},
    ]);
    let pod = json!({"count": 5, "started": "2027-01-15T07:00:00Z", "ready": true, "request": "500m", "usage": "455m"});
    let readings = json!({
        "backlog": {"queue": {"visible": 1440, "inFlight": 12}},
        "cpu": {"pods": [pod]},
        "requests": {"value": "120500m"},
    });
    let (status, words) = decided(document(&triggers, &readings));
    assert_eq!(
        status,
        json!({
            "at": "2027-01-15T08:00:00Z",
            "proposals": [
                {"trigger": "backlog", "read": {"visible": 1440, "inFlight": 12}, "replicas": 24, "ruling": "More",
                    "moreAbove": "330", "fewerBelow": "241"},
                {"trigger": "cpu", "read": {"readyPods": 5, "unreadyPods": 0, "missingPods": 0, "percent": "91"},
                    "base": 5, "replicas": 7, "ruling": "More"},
                {"trigger": "requests", "read": {"value": "120500m"}, "base": 5, "replicas": 7, "ruling": "More"},
            ],
            "winner": {"reason": "Trigger", "name": "backlog"},
            "demand": 24,
            "steps": [
                {"reason": "MaxReplicas", "from": 24, "to": 20},
                {"reason": "ConnectionBudget", "from": 20, "to": 12, "name": "orders/orders-db", "waiting": "Room"},
            ],
        })
    );
    for said in ["backlog: wants 24, the largest", "cpu: wants 7 (5 x 91 %", "24 -> 20: maxReplicas", "20 -> 12"] {
        assert!(words.contains(said), "{said} is not in\n{words}");
    }
}

#[test]
fn a_rule_that_holds_a_number_says_since_when_until_when_and_what_then() {
    let asks_for_one = document(&json!([queue("backlog")]), &json!({"backlog": {"queue": {"visible": 60}}}));
    let mut cooling = asks_for_one.clone();
    let change = json!({"base": 9, "to": 5, "at": "2027-01-15T07:59:30Z", "settled": "2027-01-15T07:59:40Z"});
    cooling["history"] = json!({"since": "2027-01-15T06:00:00Z", "desired": 5, "scaleDown": change});
    let held = json!({"reason": "ScaleDownCooldown", "from": 1, "to": 5, "until": "2027-01-15T08:00:40Z", "then": 1});
    assert_eq!(decided(cooling).0.pointer("/steps/0"), Some(&held));

    let mut stable = asks_for_one;
    stable["scaler"]["behavior"]["scaleDown"] = json!({"stabilizationWindowSeconds": 300});
    let held = json!({"reason": "ScaleDownStabilized", "from": 1, "to": 5, "since": "2027-01-15T08:00:00Z", "then": 1});
    assert_eq!(decided(stable).0.pointer("/steps/0"), Some(&held));
}

#[test]
fn what_ten_triggers_say_takes_less_than_2_kib() {
    let mut words = String::new();
    let names: Vec<String> = (0..10).map(|number| format!("backlog-{number}")).collect();
    let triggers: Vec<Value> = names.iter().map(|name| queue(name)).collect();
    let reading = json!({"queue": {"visible": 123_456, "inFlight": 1234}});
    let readings: serde_json::Map<String, Value> = names.iter().map(|name| (name.clone(), reading.clone())).collect();
    let (status, text) = decided(document(&json!(triggers), &readings.into()));
    write!(words, "{status}").unwrap();
    assert!(words.len() < 2048, "{} bytes: {words}", words.len());
    assert_eq!(cut(text.clone(), 4096), text, "and the words are not cut");
}
