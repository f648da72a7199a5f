#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};

use super::*;

/// A scaler that a budget limits, one trigger of which cannot be read.
fn scaler() -> Value {
    json!({
        "apiVersion": "hybridscaler.dev/v1alpha1",
        "kind": "HybridScaler",
        "metadata": {"namespace": "orders", "name": "order-worker", "generation": 3},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "order-worker"},
            "maxReplicas": 50,
            "triggers": [{"name": "requests", "external": {"metricName": "requests", "targetValue": "100"}}],
            "behavior": {"scaleUp": {"cooldownSeconds": 60}, "scaleDown": {"cooldownSeconds": 180}},
        },
        "status": {
            "observedGeneration": 3,
            "currentReplicas": 16, "desiredReplicas": 18, "wantedReplicas": 24, "allowedReplicas": 18,
            "limitedBy": "ConnectionBudget",
            "lastScaleTime": "2027-01-15T07:59:40Z",
            "headline": "18 stays: backlog wants 24 (1,440 visible / 60)",
            "explanation": "18 stays: backlog wants 24 (1,440 visible / 60)\ndecided at 2027-01-15T07:59:57Z\nnext: room",
            "triggers": [
                {"name": "backlog", "state": "Known", "value": "1,440 visible", "proposal": 24, "readAt": "2027-01-15T07:59:55Z"},
                {"name": "cpu", "state": "Unknown", "reason": "Throttled", "value": "CloudWatch asked to slow down"},
            ],
            "connections": [{"budget": "orders/orders-db", "grantedConnections": 180, "allowedReplicas": 18, "covers": "a surge"}],
            "history": {
                "scaleUp": {"base": 5, "to": 18, "at": "2027-01-15T07:59:40Z"},
                "scaleDown": {"base": 9, "to": 5, "at": "2027-01-15T07:40:00Z", "settled": "2027-01-15T07:41:00Z"},
            },
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "AsExpected", "message": "all is well",
                    "lastTransitionTime": "2027-01-15T06:58:30Z"},
                {"type": "ScalingActive", "status": "False", "reason": "Throttled", "message": "cpu is unknown",
                    "lastTransitionTime": "2027-01-15T07:58:00Z"},
                {"type": "ScalingLimited", "status": "True", "reason": "ConnectionBudget", "message": "6 short",
                    "lastTransitionTime": "2027-01-15T07:59:00Z"},
            ],
        },
    })
}

fn page(scaler: Value, paint: Paint) -> String {
    let scaler: HybridScaler = serde_json::from_value(scaler).unwrap();
    Page { scaler: &scaler, now: "2027-01-15T08:00:00Z".parse().unwrap(), paint }.to_string()
}

#[test]
fn a_page_shows_what_was_decided_and_all_that_it_rests_on_in_columns() {
    assert_eq!(
        page(scaler(), Paint::Plain),
        "\
orders/order-worker  Deployment order-worker
18 stays: backlog wants 24 (1,440 visible / 60)

  running                16
  told to run            18
  wanted                 24
  allowed by the budget  18
  limited by             ConnectionBudget
  last scaled            20s ago
  mode                   Active

CONDITIONS
  Ready           True   AsExpected        for 1h 1m 30s  all is well
  ScalingActive   False  Throttled         for 2m         cpu is unknown
  ScalingLimited  True   ConnectionBudget  for 1m         6 short

TRIGGERS
  backlog  Known    wants 24   5s old      1,440 visible
  cpu      Unknown  Throttled  never read  CloudWatch asked to slow down

CONNECTIONS
  orders/orders-db  grants 180 connections  allows 18 replicas  a surge

COOLDOWNS
  scale-up    starts when the change has settled, over in 5m 40s at the latest  to 18, 20s ago
  scale-down  over                                                              to 5, 20m ago

LAST DECISION
  decided at 2027-01-15T07:59:57Z
  next: room
"
    );
}

#[test]
fn colours_stand_around_words_and_move_no_column() {
    let colored = page(scaler(), Paint::Colored);
    for painted in
        ["\x1b[32mKnown\x1b[0m    wants", "\x1b[1m\x1b[31mUnknown\x1b[0m  Throttled", "\x1b[1mTRIGGERS\x1b[0m\n"]
    {
        assert!(colored.contains(painted), "{painted:?} is not in {colored:?}");
    }
    let mut plain = colored;
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, page(scaler(), Paint::Plain));
}

#[test]
fn a_status_that_is_missing_or_older_than_the_spec_is_told() {
    let mut scaler = scaler();
    scaler["metadata"]["generation"] = 4.into();
    assert!(
        page(scaler.clone(), Paint::Plain)
            .contains("\nthe spec has changed, and the operator has not looked at it since\n")
    );
    scaler.as_object_mut().unwrap().remove("status");
    assert_eq!(
        page(scaler, Paint::Plain),
        "orders/order-worker  Deployment order-worker\n\
         the operator has not looked at it yet: see that it runs, and that it watches this namespace\n"
    );
}
