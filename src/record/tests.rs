#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, sync::mpsc::sync_channel};

use hybridscaler_core::{
    Connections, Replicas,
    budget::{Plan, Waiting},
    look,
    observation::{Rollout, Workload},
    reading::{Load, Phase, Pod, Reading, Ready, Resource, Unknown, Unread, Usage},
};
use jiff::SignedDuration;
use serde_json::json;

use super::*;

fn spec() -> HybridScalerSpec {
    serde_json::from_value(json!({
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"},
        "minReplicas": 1,
        "maxReplicas": 50,
        "triggers": [
            {"name": "blend", "formula": {
                "expression": "backlog.visible / 4.0 + requests.value", "targetAverageValue": "10",
            }},
            {"name": "requests", "external": {"metricName": "requests", "targetValue": "100"}},
            {"name": "backlog", "sqs": {
                "queueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders", "messagesPerReplica": 60,
            }},
            {"name": "cpu", "cpu": {"targetUtilization": 65}},
            {"name": "other", "external": {"metricName": "other", "targetValue": "1"}},
        ],
        "schedules": [
            {"name": "day", "start": "0 8 * * *", "end": "0 18 * * *", "floorReplicas": 3},
            {"name": "night", "start": "0 18 * * *", "end": "0 8 * * *", "maxReplicas": 9},
        ],
        "connections": [{"budgetRef": {"name": "orders-db"}, "perReplica": 10}],
    }))
    .unwrap()
}

/// One reading of each kind, after that of the formula, with numbers that no shorter form has.
fn seen(now: Timestamp) -> Observation {
    let at = now - SignedDuration::new(3, 123_456_789);
    let workload = Workload {
        desired: Replicas(5),
        running: Replicas(4),
        starting: Replicas(1),
        terminating: Replicas(2),
        rollout: Rollout::InProgress,
    };
    let pod = Pod {
        phase: Phase::Running,
        deleting: true,
        started: Some(at),
        ready: Some(Ready { ready: false, since: now }),
        request_milli: Some(500),
        usage: Some(Usage { milli: 1234, at, window: SignedDuration::new(16, 337_000_001) }),
    };
    let bare =
        Pod { phase: Phase::Pending, deleting: false, started: None, ready: None, request_milli: None, usage: None };
    let unread = Unread { why: Unknown::Throttled, message: "slow down".into(), since: Some(at), failures: 7 };
    Observation {
        workload,
        readings: vec![
            Reading::Known { load: Load::Value { milli: 12_705_678 }, at },
            Reading::Known { load: Load::Value { milli: 12_345_678 }, at },
            Reading::Known { load: Load::Queue { visible: 1_440, in_flight: 61, delayed: 3 }, at },
            Reading::Known { load: Load::Pods { resource: Resource::Cpu, pods: [pod, bare].into() }, at },
            Reading::Unknown(unread),
        ],
        schedules: vec![Some(now + SignedDuration::from_hours(1)), None],
    }
}

/// A decision that a budget has cut.
fn noted() -> Noted {
    let (spec, now) = (spec(), "2027-01-15T08:00:00.000000123Z".parse().unwrap());
    let seen = seen(now);
    let names = ["requests", "backlog", "cpu", "other"].map(str::to_owned);
    let read: Readings = names.into_iter().zip(seen.readings.iter().skip(1).cloned()).collect();
    let before = History { since: Some(now - SignedDuration::from_hours(1)), ..History::default() };
    let mut after = before.clone();
    let mut decision = look(&spec.policy().unwrap(), &seen, &mut after, now);
    let waiting = Waiting::Room { needed: Connections(70), available: Connections(3), holders: Vec::new() };
    let plan = Plan { ledger: None, write: Some(Replicas(7)), allowed: Replicas(7), waiting: Some(waiting) };
    decision.explanation = decision.explanation.with_budget("orders/orders-db", &plan);
    decision.limited_by = decision.explanation.limited_by();
    Noted { name: "orders/worker".into(), spec, read, seen, before, now, decision, after }
}

#[test]
fn what_is_recorded_leads_to_the_recorded_decision_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let (recorder, recording) = Recorder::start(&path, 1 << 20).unwrap();
    for _ in 0..3 {
        recorder.note(noted);
    }
    recording.end();
    assert_eq!(recorder.left_out(), 0);
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count(), 3);
    for line in text.lines() {
        let DecisionRecord { name, input, output } = serde_json::from_str(line).unwrap();
        let numbers = (output.decision.replicas, output.decision.wanted);
        assert_eq!((name.as_str(), numbers), ("orders/worker", (Replicas(7), Replicas(50))));
        let Noted { spec, seen, before, now, .. } = noted();
        let observed = input.observation.to_core(&spec.policy().unwrap(), &spec.formulas().0, now, || {
            unreachable!("the record says which windows are open")
        });
        assert_eq!((observed.unwrap(), &input.scaler, &input.history, input.now), (seen, &spec, &before, now));
        let again = input.decide(|| unreachable!("as above")).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(&output).unwrap());
    }
}

#[test]
fn a_turn_does_not_wait_for_a_disk_that_cannot_keep_up() {
    let (papers, nobody_reads) = sync_channel(2);
    let recorder = Recorder(Some(Arc::new(Desk { papers, left_out: AtomicU64::new(0) })));
    for _ in 0..5 {
        recorder.note(noted);
    }
    assert_eq!(recorder.left_out(), 3);
    assert_eq!(nobody_reads.try_iter().count(), 2);
}

#[test]
fn what_cannot_be_written_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, recording) = Recorder::start(&folder.path().join("decisions.jsonl"), 100).unwrap();
    recorder.note(noted);
    recording.end();
    assert_eq!(recorder.left_out(), 1);
}

#[test]
fn nothing_is_copied_while_no_record_is_kept() {
    Recorder::default().note(|| unreachable!("nobody wants it"));
}
