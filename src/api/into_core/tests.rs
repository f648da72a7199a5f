#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use hybridscaler_core::history::{Activity, History};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::api::{HybridScalerStatus, SqsTrigger};

fn spec(change: impl FnOnce(&mut Value)) -> HybridScalerSpec {
    let mut value = json!({
        "targetRef": {"ecs": {"cluster": "prod", "service": "core-api", "region": "eu-west-1"}},
        "minReplicas": 2,
        "maxReplicas": 50,
        "triggers": [
            {"name": "cpu", "cpu": {"targetUtilization": 65}},
            {"name": "backlog", "sqs": {
                "queueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders", "messagesPerReplica": 100,
            }},
        ],
        "behavior": {"scaleUp": {"cooldownSeconds": 30}, "scaleDown": {"cooldownSeconds": 180}},
        "connections": [{"budgetRef": {"name": "orders-db"}, "perReplica": 10, "rolloutReserve": "Surge"}],
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn set(pointer: &str, to: Value) -> impl FnOnce(&mut Value) {
    move |spec| *spec.pointer_mut(pointer).unwrap() = to
}

#[test]
fn a_teams_terraform_numbers_become_the_policy_as_written() {
    let policy = spec(|_| {}).policy().unwrap();
    assert_eq!((policy.min, policy.max), (Replicas(2), Replicas(50)));
    assert_eq!(policy.behavior.scale_up.cooldown, SignedDuration::from_secs(30));
    assert_eq!(policy.behavior.scale_down.cooldown, SignedDuration::from_secs(180));
    let triggers: Vec<_> =
        policy.triggers.iter().map(|t| (t.name.as_str(), t.target, t.stale_after.as_secs())).collect();
    assert_eq!(
        triggers,
        [("cpu", policy::Target::Utilization(65), 300), ("backlog", policy::Target::MessagesPerReplica(100), 60)]
    );
}

#[test]
fn what_is_left_out_gets_the_documented_default() {
    let bare = spec(|spec| {
        for field in ["minReplicas", "behavior", "connections"] {
            spec.as_object_mut().unwrap().remove(field);
        }
    });
    let policy = bare.policy().unwrap();
    assert_eq!(policy.min, Replicas(1));
    assert_eq!(bare.poll_interval().unwrap().as_secs(), 15);
    assert_eq!(bare.connection_demands("orders").unwrap(), []);
    let pace = |pace: policy::Pace| (pace.cooldown.as_secs(), pace.tolerance_permille);
    assert_eq!(pace(policy.behavior.scale_up), (0, 100));
    assert_eq!(pace(policy.behavior.scale_down), (300, 100));
}

#[test]
fn a_queue_is_stale_after_three_polls_but_not_before_a_minute() {
    for (interval, expected) in [(1, 60), (20, 60), (21, 63), (300, 900)] {
        let policy = spec(|spec| spec["pollIntervalSeconds"] = json!(interval)).policy().unwrap();
        assert_eq!(policy.triggers.last().unwrap().stale_after.as_secs(), expected, "interval {interval}");
    }
}

#[test]
fn connections_default_to_the_scalers_own_namespace() {
    let own = spec(|_| {}).connection_demands("orders").unwrap();
    let expected = ConnectionDemand {
        namespace: "orders".into(),
        budget: "orders-db".into(),
        per_replica: Connections(10),
        reserve: budget::RolloutReserve::Surge,
    };
    assert_eq!(own, [expected]);
    let shared = spec(|spec| spec["connections"][0]["budgetRef"]["namespace"] = json!("databases"));
    assert_eq!(shared.connection_demands("orders").unwrap().remove(0).namespace, "databases");
}

#[test]
fn a_value_that_no_schema_would_admit_is_an_error_that_names_its_field() {
    let cases = [
        (set("/minReplicas", json!(0)), "spec.minReplicas: `0` is out of range: set 1 to 10000"),
        (set("/maxReplicas", json!(-3)), "spec.maxReplicas: `-3` is out of range: set 1 to 10000"),
        (set("/minReplicas", json!(51)), "spec.minReplicas: `51` is above spec.maxReplicas 50: lower it"),
        (set("/triggers", json!([])), "spec.triggers: `[]` names no signal: set at least one trigger"),
        (
            set("/triggers/0", json!({"name": "x"})),
            "spec.triggers[0].name: `x` is not one source: set exactly one of sqs, cpu and external",
        ),
        (
            set("/triggers/1/sqs/messagesPerReplica", json!(0)),
            "spec.triggers[1].sqs.messagesPerReplica: `0` is out of range: set 1 to 1000000",
        ),
        (
            set("/triggers/0/cpu/targetUtilization", json!(1001)),
            "spec.triggers[0].cpu.targetUtilization: `1001` is out of range: set 1 to 1000",
        ),
        (
            set("/behavior/scaleUp/cooldownSeconds", json!(i32::MAX)),
            "spec.behavior.scaleUp.cooldownSeconds: `2147483647` is out of range: set 0 to 3600",
        ),
        (
            set("/targetRef", json!({"kind": "Deployment"})),
            "spec.targetRef: `Deployment` is not one target: set either apiVersion, kind and name, or ecs",
        ),
        (
            set("/targetRef", json!({"kind": "Deployment", "ecs": {"cluster": "c", "service": "s", "region": "r"}})),
            "spec.targetRef: `Deployment` is not one target: set either apiVersion, kind and name, or ecs",
        ),
        (
            set("/targetRef", json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"})),
            "spec.triggers[0].cpu: `cpu` works for an ECS service only so far: use sqs",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(spec(change).policy().unwrap_err().to_string(), expected);
    }
    let error = spec(set("/connections/0/perReplica", json!(0))).connection_demands("orders").unwrap_err();
    assert_eq!(error.to_string(), "spec.connections[0].perReplica: `0` is out of range: set 1 to 10000");
    let error = spec(|spec| spec["pollIntervalSeconds"] = json!(0)).poll_interval().unwrap_err();
    assert_eq!(error.to_string(), "spec.pollIntervalSeconds: `0` is out of range: set 1 to 300");
}

#[test]
fn a_tolerance_is_kept_in_thousandths_and_within_one() {
    for (written, expected) in [
        (0.0, Some(0)),
        (0.05, Some(50)),
        (0.0005, Some(1)),
        (1.0, Some(1000)),
        (1.001, None),
        (-0.1, None),
        (f64::NAN, None),
    ] {
        assert_eq!(permille("tolerance", written).ok(), expected, "{written}");
    }
}

#[test]
fn a_queue_url_determines_region_and_arn() {
    let sqs = |url: &str, region: Option<&str>| SqsTrigger {
        queue_url: url.into(),
        region: region.map(Into::into),
        messages_per_replica: Some(1),
        ..SqsTrigger::default()
    };
    for (url, region, expected) in [
        (
            "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
            None,
            Some("arn:aws:sqs:eu-west-1:123456789012:orders"),
        ),
        (
            "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/a.fifo",
            None,
            Some("arn:aws-cn:sqs:cn-north-1:123456789012:a.fifo"),
        ),
        (
            "http://127.0.0.1:4566/123456789012/orders",
            Some("us-gov-west-1"),
            Some("arn:aws-us-gov:sqs:us-gov-west-1:123456789012:orders"),
        ),
        ("http://127.0.0.1:4566/123456789012/orders", None, None),
        ("https://sqs.eu-west-1.example.com/123456789012/orders", None, None),
        ("orders", None, None),
    ] {
        assert_eq!(sqs(url, region).arn().ok().as_deref(), expected, "{url}");
    }
}

#[test]
fn a_budgets_numbers_are_checked_again() {
    let budget = |value: Value| serde_json::from_value::<ConnectionBudgetSpec>(value).unwrap();
    let fixed = budget(json!({"capacity": {"static": 360}, "reserve": {"connections": 20}}));
    assert_eq!(fixed.fixed_capacity().unwrap(), Some(Connections(360)));
    assert_eq!(fixed.reserved().unwrap(), Connections(20));
    assert_eq!(fixed.poll_interval().unwrap().as_secs(), 30);
    let live = budget(json!({"capacity": {"postgres": {"secretRef": {"name": "orders-db"}}}}));
    assert_eq!((live.fixed_capacity().unwrap(), live.reserved().unwrap()), (None, Connections(0)));

    let eaten = budget(json!({"capacity": {"static": 20}, "reserve": {"connections": 20}}));
    assert_eq!(
        eaten.reserved().unwrap_err().to_string(),
        "spec.reserve.connections: `20` leaves nothing of spec.capacity.static 20: lower it"
    );
    assert!(budget(json!({"capacity": {}})).fixed_capacity().is_err());
    assert!(budget(json!({"capacity": {"static": 0}})).fixed_capacity().is_err());
}

#[test]
fn a_budget_admits_its_own_namespace_or_all() {
    let budget = |value: Value| serde_json::from_value::<ConnectionBudgetSpec>(value).unwrap();
    for (allowed, own, other) in [
        (json!({"capacity": {"static": 1}}), true, false),
        (json!({"capacity": {"static": 1}, "allowedNamespaces": {}}), true, false),
        (json!({"capacity": {"static": 1}, "allowedNamespaces": {"from": "Same"}}), true, false),
        (json!({"capacity": {"static": 1}, "allowedNamespaces": {"from": "All"}}), true, true),
    ] {
        let budget = budget(allowed.clone());
        assert_eq!((budget.admits("db", "db"), budget.admits("db", "orders")), (own, other), "{allowed}");
    }
}

fn activity() -> impl Strategy<Value = Activity> {
    let instant = || (0..=4_000_000_000_i64, 0..1_000_000_000_i32).prop_map(|(s, ns)| Timestamp::new(s, ns).unwrap());
    (any::<u32>(), any::<u32>(), instant(), proptest::option::of(instant()))
        .prop_map(|(base, to, at, settled)| Activity { base: Replicas(base), to: Replicas(to), at, settled })
}

proptest! {
    #[test]
    fn a_history_survives_being_stored(up in proptest::option::of(activity()), down in proptest::option::of(activity())) {
        let history = History { scale_up: up, scale_down: down };
        let status = HybridScalerStatus { history: Some(history.into()), ..Default::default() };
        let stored = serde_json::to_string(&status).unwrap();
        let read: HybridScalerStatus = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(History::from(read.history.unwrap()), history);
    }
}
