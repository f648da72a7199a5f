#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use hybridscaler_core::{
    Replicas,
    observation::Rollout,
    reading::{Load, Resource, Unread},
};
use serde_json::{Value, json};

use super::*;

const URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders";

/// A Deployment with a queue that is only read, a CPU that asks for replicas too, and a formula.
fn spec(change: impl FnOnce(&mut Value)) -> HybridScalerSpec {
    let mut value = json!({
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"},
        "minReplicas": 1,
        "maxReplicas": 50,
        "triggers": [
            {"name": "order-backlog", "sqs": {"queueUrl": URL}},
            {"name": "cpu", "cpu": {"targetUtilization": 65}},
            {"name": "blend", "formula": {
                "expression": "order_backlog.visible / 4.0 + (cpu.utilization > 80.0 ? 10.0 : 0.0)", "targetAverageValue": "10",
            }},
        ],
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn expression(text: &str) -> impl FnOnce(&mut Value) {
    move |spec| spec["triggers"][2]["formula"]["expression"] = json!(text)
}

fn errors(spec: &HybridScalerSpec) -> Vec<String> {
    spec.formulas().1.iter().map(ToString::to_string).collect()
}

fn workload(replicas: u32) -> Workload {
    let (running, none) = (Replicas(replicas), Replicas::ZERO);
    Workload { desired: running, running, starting: none, terminating: none, rollout: Rollout::Settled }
}

#[test]
fn a_formula_stands_among_the_readings_and_what_is_only_read_does_not() {
    let spec = spec(|_| {});
    let (policy, (formulas, errors)) = (spec.policy().unwrap(), spec.formulas());
    assert_eq!(errors, []);
    let names: Vec<&str> = policy.triggers.iter().map(|trigger| &*trigger.name).collect();
    assert_eq!(names, ["cpu", "blend"]);
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let at = |age: i64| now - SignedDuration::from_secs(age);
    let cpu = Reading::Known { load: Load::Pods { resource: Resource::Cpu, pods: [].into() }, at: at(170) };
    let queue = |age| Reading::Known { load: Load::Queue { visible: 420, in_flight: 0, delayed: 0 }, at: at(age) };
    let mut read = Readings::from([("order-backlog".into(), queue(1)), ("cpu".into(), cpu.clone())]);
    let seen = formulas.readings(&read, &policy, &workload(3), now);
    assert_eq!((seen.len(), &seen[0], seen[1].why()), (2, &cpu, Some(Unknown::Empty)));

    read.insert("order-backlog".into(), queue(61));
    let Reading::Unknown(Unread { why, message, .. }) = &formulas.readings(&read, &policy, &workload(3), now)[1] else {
        unreachable!("an input is stale")
    };
    let expected =
        "its input order_backlog.visible is unknown (Stale): the newest value is 1m 1s old, more than the 1m allowed";
    assert_eq!((*why, &**message), (Unknown::Stale, expected));
    let nothing = formulas.readings(&Readings::new(), &policy, &workload(3), now);
    assert!(nothing.iter().all(|reading| reading.why() == Some(Unknown::NotReadYet)));
}

#[test]
fn a_formula_is_stale_by_the_limits_of_what_it_reads_unless_it_has_one() {
    let policy = spec(|_| {}).policy().unwrap();
    assert_eq!(policy.triggers[1].stale_after.as_secs(), 3600);
    let policy = spec(|spec| spec["triggers"][2]["staleAfterSeconds"] = json!(90)).policy().unwrap();
    assert_eq!(policy.triggers[1].stale_after.as_secs(), 90);
}

#[test]
fn what_cannot_be_computed_is_told_with_path_value_and_mend() {
    for (text, expected) in [
        ("order_backlg.visible", "`order_backlg` names no trigger: did you mean `order_backlog`?"),
        ("order-backlog.visible", "`order` names no trigger: use one of order_backlog, cpu"),
        (
            "order_backlog.inflight",
            "`order_backlog.inflight` is nothing that the trigger reads: did you mean `inFlight`?",
        ),
        ("blend.value", "`blend` is a formula itself: write out what it computes, since formulas read signals only"),
        ("order_backlog.visible / 4", "`4` is a whole number and inputs are doubles: write 4.0"),
    ] {
        let expected = format!("spec.triggers[2].formula.expression: `{text}` cannot be computed, since {expected}");
        assert_eq!(errors(&spec(expression(text))), [expected]);
    }
}

#[test]
fn the_cpu_has_the_fields_that_are_measured() {
    let fields = |change: &dyn Fn(&mut Value), text: &str| {
        let spec = spec(|spec| {
            change(spec);
            spec["triggers"][0]["sqs"]["messagesPerReplica"] = json!(60);
            expression(text)(spec);
        });
        errors(&spec).is_empty()
    };
    let service = |spec: &mut Value| {
        spec["targetRef"] = json!({"ecs": {"cluster": "prod", "service": "api", "region": "eu-west-1"}});
    };
    let bare = |spec: &mut Value| spec["triggers"][1]["cpu"] = json!({});
    let amount = |spec: &mut Value| spec["triggers"][1]["cpu"] = json!({"targetAverageValue": "500m"});
    for (change, percent, average) in [
        (&(|_: &mut Value| {}) as &dyn Fn(&mut Value), true, true),
        (&bare, true, true),
        (&amount, false, true),
        (&service, true, false),
    ] {
        assert_eq!((fields(change, "cpu.utilization"), fields(change, "cpu.averageValue")), (percent, average));
    }
}

#[test]
fn a_trigger_without_a_target_is_read_by_somebody() {
    let expected = "spec.triggers[0].name: `order-backlog` has no target, and no formula reads it: set a target, or read \
                    order_backlog in a formula";
    assert_eq!(errors(&spec(expression("cpu.utilization"))), [expected]);
}

#[test]
fn a_formula_that_needs_a_cpu_cannot_start_the_first_replica() {
    let at_zero = |change: &dyn Fn(&mut Value)| {
        spec(|spec| {
            spec["minReplicas"] = json!(0);
            change(spec);
        })
    };
    let expected = "spec.minReplicas: `0` leaves nothing that would start the first replica again, since no formula with a CPU has a \
                    value while none runs: give a trigger sqs or external a target, or raise it to 1";
    assert_eq!(errors(&at_zero(&|_| {})), [expected]);
    let idle = |spec: &mut Value| {
        spec["minReplicas"] = json!(2);
        spec["idleReplicas"] = json!(0);
    };
    assert!(errors(&at_zero(&idle))[0].starts_with("spec.idleReplicas: `0` leaves nothing"));
    let of_the_queue = |spec: &mut Value| expression("order_backlog.visible")(spec);
    let target = |spec: &mut Value| spec["triggers"][0]["sqs"]["messagesPerReplica"] = json!(60);
    let schedule = |spec: &mut Value| {
        spec["schedules"] = json!([{"name": "day", "start": "0 8 * * *", "end": "0 18 * * *", "floorReplicas": 1}]);
    };
    for change in [&of_the_queue as &dyn Fn(&mut Value), &target, &schedule] {
        assert_eq!(errors(&at_zero(change)), Vec::<String>::new());
    }
}

#[test]
fn every_formula_that_is_wrong_is_told() {
    let spec = spec(|spec| {
        expression("cpu")(spec);
        spec["triggers"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "sum", "formula": {"expression": "1.0", "targetValue": "1"}}));
    });
    let said = errors(&spec);
    assert!(
        said.len() == 2 && said[0].starts_with("spec.triggers[2].") && said[1].starts_with("spec.triggers[3]."),
        "{said:?}"
    );
}
