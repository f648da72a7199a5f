#![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;

fn trigger(source: Value) -> Trigger {
    let mut trigger = json!({"name": "load"});
    trigger.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
    serde_json::from_value(trigger).unwrap()
}

fn sqs(fields: Value) -> SqsTrigger {
    let mut sqs = json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo"});
    sqs.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(sqs).unwrap()
}

fn external(fields: Value) -> ExternalTrigger {
    let mut external = json!({"metricName": "requests"});
    external.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(external).unwrap()
}

#[test]
fn a_trigger_has_exactly_one_source() {
    let cpu = json!({"targetUtilization": 65});
    let requests = json!({"metricName": "requests", "targetValue": "100"});
    assert!(matches!(trigger(json!({"cpu": cpu})).source(), Ok(Source::Cpu(_))));
    assert!(matches!(trigger(json!({"external": requests})).source(), Ok(Source::External(_))));
    for wrong in [json!({}), json!({"cpu": cpu, "external": requests})] {
        assert_eq!(
            trigger(wrong).source().unwrap_err().to_string(),
            "name: `load` is not one source: set exactly one of sqs, cpu, external and formula"
        );
    }
}

#[test]
fn a_queue_aims_at_messages_a_replica_or_at_a_latency() {
    let target = |fields| sqs(fields).target();
    assert_eq!(target(json!({"messagesPerReplica": 60})).unwrap(), Some(QueueTarget::MessagesPerReplica(60)));
    assert_eq!(
        target(json!({"targetLatencySeconds": 30, "secondsPerMessage": 0.25})).unwrap(),
        Some(QueueTarget::Latency {
            wait: SignedDuration::from_secs(30),
            per_message: SignedDuration::from_millis(250)
        })
    );
    for (fields, expected) in [
        (json!({"targetLatencySeconds": 30}), "has not one target"),
        (json!({"messagesPerReplica": 60, "targetLatencySeconds": 30, "secondsPerMessage": 1}), "has not one target"),
        (
            json!({"targetLatencySeconds": 0, "secondsPerMessage": 1}),
            "sqs.targetLatencySeconds: `0` is out of range: set 0.1 to 86400",
        ),
        (json!({"targetLatencySeconds": 1, "secondsPerMessage": 1e308}), "is out of range: set 0.001 to 43200"),
    ] {
        let said = target(fields).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn what_a_queue_leaves_out_gets_the_documented_default() {
    let bare = sqs(json!({"messagesPerReplica": 60}));
    assert_eq!(
        (bare.concurrency().unwrap(), bare.activation().unwrap(), bare.message_groups().unwrap()),
        (None, 1, None)
    );
    let full = sqs(json!({"concurrency": 4, "activationMessages": 7, "messageGroups": 20}));
    assert_eq!(
        (full.concurrency().unwrap(), full.activation().unwrap(), full.message_groups().unwrap()),
        (Some(4), 7, Some(20))
    );
    let wrong = sqs(json!({"concurrency": 0, "activationMessages": -1, "messageGroups": 0}));
    assert!(wrong.concurrency().is_err() && wrong.activation().is_err() && wrong.message_groups().is_err());
}

#[test]
fn cpu_aims_at_a_percentage_or_at_cpus_a_pod() {
    let target = |cpu: Value| serde_json::from_value::<CpuTrigger>(cpu).unwrap().target();
    assert_eq!(target(json!({"targetUtilization": 65})).unwrap(), Some(CpuTarget::Utilization(65)));
    assert_eq!(target(json!({"targetAverageValue": "1.5"})).unwrap(), Some(CpuTarget::AverageMilli(1500)));
    for (cpu, expected) in [
        (
            json!({"targetUtilization": 65, "targetAverageValue": "500m"}),
            "cpu: `65, 500m` is not one target: set exactly one of targetUtilization and targetAverageValue",
        ),
        (
            json!({"targetAverageValue": "half"}),
            "cpu.targetAverageValue: `half` is not a quantity from 1m to 1k: write one such as 500m or 2",
        ),
    ] {
        assert_eq!(target(cpu).unwrap_err().to_string(), expected);
    }
}

#[test]
fn an_external_metric_aims_at_a_sum_or_at_a_share() {
    let sum = external(json!({"targetValue": "100", "selector": {"matchLabels": {"queue": "orders", "tier": ""}}}));
    assert_eq!(sum.target().unwrap(), Some(ExternalTarget::ValueMilli(100_000)));
    assert_eq!(sum.activation_milli().unwrap(), 1);
    assert_eq!(sum.match_labels().collect::<Vec<_>>(), [("queue", "orders"), ("tier", "")]);
    let share = external(json!({"targetAverageValue": "2k", "activationValue": "0.5"}));
    assert_eq!(share.target().unwrap(), Some(ExternalTarget::AverageMilli(2_000_000)));
    assert_eq!(share.activation_milli().unwrap(), 500);
    assert_eq!(share.match_labels().count(), 0);
    for wrong in [json!({"targetValue": "1", "targetAverageValue": "1"}), json!({"targetValue": "0"})] {
        assert!(external(wrong.clone()).target().is_err(), "{wrong}");
    }
    assert!(external(json!({"activationValue": "-1"})).activation_milli().is_err());
}

#[test]
fn a_signal_without_a_target_is_only_read() {
    assert_eq!(sqs(json!({})).target(), Ok(None));
    assert_eq!(CpuTrigger::default().target(), Ok(None));
    assert_eq!(external(json!({})).target(), Ok(None));
}

#[test]
fn a_formula_aims_as_an_external_metric_does() {
    let formula = |fields: Value| {
        let mut formula = json!({"expression": "backlog.visible\n  / 4.0"});
        formula.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value::<FormulaTrigger>(formula).unwrap()
    };
    let share = formula(json!({"targetAverageValue": "10", "activationValue": "1.5"}));
    assert_eq!((share.target(), share.activation_milli()), (Ok(ExternalTarget::AverageMilli(10_000)), Ok(1_500)));
    let sum = formula(json!({"targetValue": "2k"}));
    assert_eq!((sum.target(), sum.activation_milli()), (Ok(ExternalTarget::ValueMilli(2_000_000)), Ok(1)));
    for (fields, expected) in [
        (
            json!({}),
            "formula.expression: `backlog.visible / 4.0` has no target: set exactly one of targetValue and targetAverageValue",
        ),
        (
            json!({"targetValue": "1", "targetAverageValue": "2"}),
            "formula: `1, 2` is not one target: set exactly one of targetValue and targetAverageValue",
        ),
        (
            json!({"targetValue": "0"}),
            "formula.targetValue: `0` is not a quantity from 1m to 1P: write one such as 500m, 100 or 2k",
        ),
    ] {
        assert_eq!(formula(fields).target().unwrap_err().to_string(), expected);
    }
    assert_eq!(
        formula(json!({"expression": "a.value + ".repeat(10)})).in_short(),
        format!("{}…", "a.value + ".repeat(6))
    );
}
