#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};

use super::*;
use crate::api::SqsTrigger;

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
    let triggers: Vec<_> = policy.triggers.iter().map(|t| (&*t.name, t.target, t.stale_after.as_secs())).collect();
    let queue = policy::Queue { enough: policy::Enough::Messages(100), concurrency: None, message_groups: None };
    assert_eq!(
        triggers,
        [("cpu", policy::Target::Utilization(65), 300), ("backlog", policy::Target::Queue(queue), 60)]
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
    assert_eq!((policy.idle, policy.startup, policy.pinned), (None, SignedDuration::ZERO, None));
    assert_eq!(
        (policy.schedules, policy.fallback, policy.mode),
        (vec![], policy::Fallback::default(), policy::Mode::Active)
    );
}

#[test]
fn what_shapes_a_decision_becomes_the_policy_as_written() {
    let policy = spec(|spec| {
        spec["minReplicas"] = json!(0);
        spec["idleReplicas"] = json!(0);
        spec["startupSeconds"] = json!(40);
        spec["schedules"] = json!([{
            "name": "day", "start": "0 8 * * *", "end": "0 18 * * *", "floorReplicas": 10, "minReplicas": 5, "maxReplicas": 30,
        }]);
        spec["fallback"] = json!({"behavior": "OnlyIfHigher", "replicas": 6, "afterFailures": 5, "afterSeconds": 90});
        spec["mode"] = json!("ScaleUpOnly");
        spec["pinnedReplicas"] = json!(8);
    })
    .policy()
    .unwrap();
    assert_eq!((policy.min, policy.idle, policy.pinned), (Replicas(0), Some(Replicas(0)), Some(Replicas(8))));
    assert_eq!((policy.startup.as_secs(), policy.mode), (40, policy::Mode::ScaleUpOnly));
    let some = |replicas| Some(Replicas(replicas));
    assert_eq!(
        policy.schedules,
        [policy::Schedule { name: "day".into(), floor: some(10), min: some(5), max: some(30) }]
    );
    assert_eq!(
        policy.fallback,
        policy::Fallback {
            behavior: policy::FallbackBehavior::OnlyIfHigher,
            replicas: Replicas(6),
            after_failures: 5,
            after: SignedDuration::from_secs(90),
        }
    );
}

#[test]
fn a_number_out_of_range_is_named_wherever_it_stands() {
    for (field, value, expected) in [
        ("idleReplicas", json!(-1), "spec.idleReplicas: `-1` is out of range: set 0 to 10000"),
        ("startupSeconds", json!(3601), "spec.startupSeconds: `3601` is out of range: set 0 to 3600"),
        ("pinnedReplicas", json!(10_001), "spec.pinnedReplicas: `10001` is out of range: set 0 to 10000"),
        (
            "fallback",
            json!({"behavior": "Static", "replicas": 51}),
            "spec.fallback.replicas: `51` is out of range: set 0 to 50",
        ),
        (
            "schedules",
            json!([{"name": "day", "start": "0 8 * * *", "end": "0 18 * * *", "floorReplicas": 0}]),
            "spec.schedules[0].floorReplicas: `0` is out of range: set 1 to 10000",
        ),
    ] {
        assert_eq!(spec(|spec| spec[field] = value).policy().unwrap_err().to_string(), expected);
    }
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
        (set("/minReplicas", json!(-1)), "spec.minReplicas: `-1` is out of range: set 0 to 10000"),
        (set("/maxReplicas", json!(-3)), "spec.maxReplicas: `-3` is out of range: set 1 to 10000"),
        (set("/minReplicas", json!(51)), "spec.minReplicas: `51` is above spec.maxReplicas 50: lower it"),
        (set("/triggers", json!([])), "spec.triggers: `[]` asks for nothing: set at least one trigger with a target"),
        (
            set("/triggers/0", json!({"name": "x"})),
            "spec.triggers[0].name: `x` is not one source: set exactly one of sqs, cpu, external and formula",
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
            set("/triggers/0/cpu/targetUtilization", json!(101)),
            "spec.triggers[0].cpu.targetUtilization: `101` is more than an ECS service reserves: set 1 to 100",
        ),
        (
            set("/triggers/0/cpu", json!({"targetAverageValue": "1.5"})),
            "spec.triggers[0].cpu.targetAverageValue: `1500m` is not measured of an ECS service: use targetUtilization",
        ),
        (
            set("/behavior/scaleUp", json!({"policies": [{"type": "Pods", "value": 10_001, "periodSeconds": 60}]})),
            "spec.behavior.scaleUp.policies[0].value: `10001` is out of range: set 1 to 10000",
        ),
        (
            set("/behavior/scaleDown", json!({"policies": [{"type": "Percent", "value": 1, "periodSeconds": 0}]})),
            "spec.behavior.scaleDown.policies[0].periodSeconds: `0` is out of range: set 1 to 1800",
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
fn a_queue_url_or_the_trigger_itself_tells_the_region() {
    let sqs = |url: &str, region: Option<&str>| SqsTrigger {
        queue_url: url.into(),
        region: region.map(Into::into),
        messages_per_replica: Some(1),
        ..SqsTrigger::default()
    };
    for (url, region, expected) in [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/orders", None, Some("eu-west-1")),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/a.fifo", None, Some("cn-north-1")),
        ("http://127.0.0.1:4566/123456789012/orders", Some("us-gov-west-1"), Some("us-gov-west-1")),
        ("http://127.0.0.1:4566/123456789012/orders", None, None),
        ("https://sqs.eu-west-1.example.com/123456789012/orders", None, None),
        ("orders", None, None),
    ] {
        assert_eq!(sqs(url, region).region().ok(), expected, "{url}");
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

#[test]
fn a_budget_that_is_named_twice_is_refused_also_where_one_entry_leaves_the_namespace_out() {
    let twice = json!([
        {"budgetRef": {"name": "orders-db"}, "perReplica": 10},
        {"budgetRef": {"name": "orders-db", "namespace": "orders"}, "perReplica": 2},
    ]);
    let error = spec(set("/connections", twice.clone())).connection_demands("orders").unwrap_err();
    assert_eq!(
        error.to_string(),
        "spec.connections[1].budgetRef: `orders/orders-db` is named twice: write one entry with all connections that a replica opens \
         there"
    );
    let apart = spec(set("/connections", twice)).connection_demands("billing").unwrap();
    assert_eq!(apart.iter().map(|demand| demand.namespace.as_str()).collect::<Vec<_>>(), ["billing", "orders"]);
}
