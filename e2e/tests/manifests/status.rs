//! What the operator reports: stored whole, and shown by `kubectl get`.

use hybridscaler::api::{
    ConnectionBudget, ConnectionBudgetStatus, HybridScaler, HybridScalerStatus,
    conditions::{self, ConditionStatus, ConditionType, Verdict, reasons},
    status::{
        ConnectionStatus, DecisionStatus, MeasureStatus, ObservedConnections, PromisesStatus, ProposalStatus,
        Recommendation, Recommendations, ScaleActivity, ScaleEvent, ScaleHistory, SignalState, StepStatus,
        TriggerStatus, WinnerStatus,
    },
};
use hybridscaler_core::budget::{Ledger, Seen, promise};
use jiff::{Timestamp, ToSpan};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde::Serialize;
use serde_json::json;

use crate::lay;

/// Half a minute more than half an hour ago, to the nanosecond.
fn instant() -> Timestamp {
    Timestamp::now() - 1830.seconds()
}

fn ready() -> Vec<Condition> {
    let mut conditions = Vec::new();
    for type_ in [ConditionType::Ready, ConditionType::ScalingLimited] {
        let verdict =
            Verdict {
                type_, status: ConditionStatus::True, reason: reasons::AS_EXPECTED, message: "é".repeat(20_000)
            };
        conditions::set(&mut conditions, verdict, Some(1), instant());
    }
    conditions
}

fn scaler_status() -> HybridScalerStatus {
    let activity = ScaleActivity { base: 5, to: 18, at: instant(), settled: Some(instant()) };
    HybridScalerStatus {
        observed_generation: Some(1),
        current_replicas: Some(5),
        desired_replicas: Some(18),
        wanted_replicas: Some(24),
        allowed_replicas: Some(u32::MAX),
        limited_by: Some("ConnectionBudget".into()),
        last_scale_time: Some(Time(instant().round(jiff::Unit::Second).unwrap())),
        headline: Some("5 -> 18: backlog wants 24; orders-db allows 18".into()),
        explanation: Some("several\nlines\n".into()),
        decision: Some(decision()),
        triggers: vec![TriggerStatus {
            name: "backlog".into(),
            state: SignalState::Unknown,
            reason: Some("Throttled".into()),
            value: Some("the queue asks us to slow down".into()),
            proposal: Some(24),
            read_at: Some(Time(Timestamp::UNIX_EPOCH)),
        }],
        connections: vec![ConnectionStatus {
            budget: "orders/orders-db".into(),
            granted_connections: Some(180),
            allowed_replicas: Some(18),
            covers: Some("covers nothing".into()),
        }],
        history: Some(ScaleHistory {
            since: Some(instant()),
            desired: Some(18),
            scale_up: Some(activity.clone()),
            scale_down: Some(ScaleActivity { settled: None, ..activity }),
            recommendations: Some(Recommendations {
                scale_up: vec![Recommendation { replicas: 0, from: instant(), until: None }],
                scale_down: vec![Recommendation { replicas: u32::MAX, from: instant(), until: Some(instant()) }],
            }),
            events: vec![
                ScaleEvent { change: -i64::from(u32::MAX), at: instant(), until: Some(instant()) },
                ScaleEvent { change: u32::MAX.into(), at: instant(), until: None },
            ],
        }),
        conditions: ready(),
    }
}

fn decision() -> DecisionStatus {
    let (count, word) = (Some(u32::MAX), || "backlog".to_owned());
    let read = MeasureStatus {
        // The largest number that the API server keeps as a whole one.
        visible: Some(i64::MAX.unsigned_abs()),
        in_flight: Some(0),
        ahead: Some(1),
        arrivals: Some("12.5".into()),
        ready_pods: count,
        unready_pods: Some(0),
        missing_pods: count,
        percent: Some("65.1".into()),
        value: Some("500m".into()),
    };
    DecisionStatus {
        at: instant(),
        proposals: vec![ProposalStatus {
            trigger: word(),
            read,
            base: count,
            replicas: 24,
            ruling: "Backlog".into(),
            more_above: Some("1800".into()),
            fewer_below: Some("1200".into()),
        }],
        winner: Some(WinnerStatus {
            reason: "Trigger".into(),
            name: Some(word()),
            since: Some(instant()),
            until: Some(instant()),
        }),
        demand: u32::MAX,
        steps: vec![StepStatus {
            reason: "ConnectionBudget".into(),
            from: 24,
            to: 18,
            since: Some(instant()),
            until: Some(instant()),
            then: count,
            name: Some("orders/orders-db".into()),
            waiting: Some("Room".into()),
        }],
    }
}

fn budget_status() -> ConnectionBudgetStatus {
    // The version is the largest number that the API server keeps as a whole one.
    let ledger = json!({
        "capacity": {"usable": 357, "source": "Readable", "growing": {"to": 400, "readings": 1}},
        "reserve": 20,
        "entries": {"orders/order-worker": {
            "uid": "5f1c", "target": "Deployment order-worker", "grant": 180, "perReplica": 10, "version": i64::MAX, "lowering": 4,
        }},
    });
    ConnectionBudgetStatus {
        observed_generation: Some(1),
        capacity: Some(357),
        reserve: Some(20),
        granted: Some(180),
        available: Some(157),
        consumers: Some(1),
        ledger: Some(serde_json::from_value(ledger).unwrap()),
        last_read_time: Some(Time(Timestamp::UNIX_EPOCH)),
        observed: Some(ObservedConnections { connections: 123, method: "ClientBackends".into() }),
        promises: Some(PromisesStatus::from(&promise(&Ledger::default(), Seen::default()))),
        conditions: ready(),
    }
}

/// The status as a patch that says nothing else. No field of it is left out, or the tests below would not notice its loss.
fn patch(status: &impl Serialize) -> Patch<serde_json::Value> {
    Patch::Merge(json!({"status": status}))
}

#[tokio::test]
async fn what_the_operator_reports_is_stored_whole() {
    let (bed, _server) = lay("status").await;
    let kube = bed.control_plane.admin().await.unwrap();

    let scalers: Api<HybridScaler> = Api::namespaced(kube.clone(), &bed.namespace);
    let status = scaler_status();
    let stored = scalers.patch_status("worker", &PatchParams::default(), &patch(&status)).await.unwrap();
    assert_eq!(stored.status, Some(status));

    let budgets: Api<ConnectionBudget> = Api::namespaced(kube, &bed.namespace);
    let status = budget_status();
    let stored = budgets.patch_status("live", &PatchParams::default(), &patch(&status)).await.unwrap();
    assert_eq!(stored.status, Some(status));
}

#[tokio::test]
async fn a_ledger_keeps_a_field_that_this_crd_does_not_know() {
    let (bed, _server) = lay("ledger").await;
    let budgets: Api<ConnectionBudget> = Api::namespaced(bed.control_plane.admin().await.unwrap(), &bed.namespace);
    let newer = json!({"epoch": 3, "entries": {"orders/order-worker": {"quarantine": {"replicas": 2}}}});
    let stored =
        budgets.patch_status("live", &PatchParams::default(), &patch(&json!({"ledger": newer}))).await.unwrap();
    assert_eq!(serde_json::to_value(stored.status.unwrap().ledger).unwrap(), newer);
}

#[tokio::test]
async fn kubectl_get_tells_how_many_how_many_are_wanted_what_limits_since_when_and_whether_it_is_ready() {
    let (bed, _server) = lay("columns").await;
    let kube = bed.control_plane.admin().await.unwrap();
    let scalers: Api<HybridScaler> = Api::namespaced(kube.clone(), &bed.namespace);
    scalers.patch_status("worker", &PatchParams::default(), &patch(&scaler_status())).await.unwrap();
    let budgets: Api<ConnectionBudget> = Api::namespaced(kube, &bed.namespace);
    budgets.patch_status("live", &PatchParams::default(), &patch(&budget_status())).await.unwrap();

    let table = async |kind: &str, name: &str, wide: &str| {
        let output = bed
            .control_plane
            .kubectl(["get", kind, name, "--namespace", &bed.namespace, "--output", wide])
            .await
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
    };
    let rows = table("hs", "worker", "wide").await;
    let (head, row) = rows.split_once('\n').unwrap();
    assert_eq!(head, "NAME CURRENT DESIRED WANTED LIMITED BY SINCE READY AGE WORKLOAD ECS SERVICE WHY");
    assert!(row.starts_with("worker 5 18 24 ConnectionBudget 30m"), "{row}");
    assert!(row.ends_with("order-worker 5 -> 18: backlog wants 24; orders-db allows 18"), "{row}");

    let rows = table("cb", "live", "wide").await;
    let (head, row) = rows.split_once('\n').unwrap();
    assert_eq!(head, "NAME CAPACITY RESERVE GRANTED AVAILABLE CONSUMERS OPEN GUARANTEED READY AGE");
    assert!(row.starts_with("live 357 20 180 157 1 123 True "), "{row}");
}
