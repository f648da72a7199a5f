//! What a life begins with, and what will happen to it.

use serde_json::{Value, json};

use super::{
    dice::Dice,
    target::{Kind, Target},
    world::{Database, Event, NAMESPACE, Rates},
};
use crate::api::{ConnectionBudget, HybridScaler};

/// How long things go wrong, in milliseconds.
const TURBULENCE: u64 = 150_000;

const NAMES: [&str; 4] = ["api", "batch", "mail", "web"];
const BUDGETS: [&str; 2] = ["writer", "reader"];

/// The most replicas that a load asks for.
pub(super) const MOST_WANTED: u32 = 9;

pub(super) struct Scene {
    pub(super) scalers: Vec<HybridScaler>,
    pub(super) budgets: Vec<ConnectionBudget>,
    pub(super) targets: Vec<Target>,
    pub(super) takes: Vec<Vec<usize>>,
    pub(super) databases: Vec<Database>,
    pub(super) rates: Rates,
    /// The replicas that each load asks for at first: what runs, or at once something else.
    pub(super) loads: Vec<u32>,
    /// Each after so many milliseconds.
    pub(super) events: Vec<(u64, Event)>,
}

pub(super) fn draw(dice: &mut Dice) -> Scene {
    let count = dice.index(2) + 2;
    let budgets = if dice.chance(250) { 2 } else { 1 };
    let mut targets: Vec<Target> = Vec::new();
    let mut takes = Vec::new();
    for name in NAMES.into_iter().take(count) {
        let kind = if dice.chance(350) {
            Kind::Service
        } else {
            Kind::Deployment { surge: dice.count(1, 3), unavailable: dice.count(0, 1) }
        };
        let (per_replica, replicas) = (dice.count(1, 4), dice.count(1, 4));
        targets.push(Target::new(name, kind, per_replica, replicas));
        takes.push(match budgets {
            1 => vec![0],
            _ if dice.chance(400) => vec![0, 1],
            _ => vec![dice.index(2)],
        });
    }
    let databases = (0..budgets).map(|budget| {
        let peak: u32 = (0..count)
            .filter(|at| takes[*at].contains(&budget))
            .map(|at| 2 * targets[at].desired * targets[at].per_replica)
            .sum();
        let reserve = dice.count(0, 3);
        let whole = reserve + peak + dice.count(2, 24);
        let ledger = hybridscaler_core::budget::Ledger::default();
        Database { usable: whole, whole, reserve, readable: true, forgiven: false, ledger }
    });
    let databases: Vec<Database> = databases.collect();
    // Dice of their own, so that the rest of a life is as it was.
    let mut early = dice.clone().split();
    let mut rare = early.clone().split();
    let changes = early.chance(400);
    let load = |target: &Target| if changes { early.count(1, MOST_WANTED) } else { target.desired };
    Scene {
        loads: targets.iter().map(load).collect(),
        scalers: (0..count).map(|at| scaler(at, &targets[at], &takes[at])).collect(),
        budgets: (0..budgets).map(|at| budget(at, databases[at].reserve)).collect(),
        rates: Rates {
            late: one_of(dice, [0, 20, 150]),
            lost: one_of(dice, [0, 10, 50]),
            killed: one_of(dice, [0, 4, 15]),
        },
        events: events(dice, count, budgets).into_iter().chain(rarities(&mut rare, count, budgets)).collect(),
        targets,
        takes,
        databases,
    }
}

fn one_of(dice: &mut Dice, rates: [u64; 3]) -> u64 {
    rates[dice.index(rates.len())]
}

/// What happens of itself, and that it ends.
fn events(dice: &mut Dice, targets: usize, budgets: usize) -> Vec<(u64, Event)> {
    let mut events = vec![(0, Event::Start), (TURBULENCE, Event::Calm)];
    let mut add = |dice: &mut Dice, most: u64, event: &mut dyn FnMut(&mut Dice) -> Event| {
        for _ in 0..dice.within(0, most) {
            let after = dice.within(1_000, TURBULENCE - 5_000);
            let event = event(dice);
            events.push((after, event));
        }
    };
    for at in 0..targets {
        let (loads, rollouts, evictions) =
            (one_of(dice, [2, 8, 20]), one_of(dice, [0, 3, 15]), one_of(dice, [0, 4, 8]));
        add(dice, loads, &mut |_| Event::Load(at));
        add(dice, rollouts, &mut |_| Event::RollOut(at));
        add(dice, evictions, &mut |_| Event::Evict(at));
    }
    for at in 0..budgets {
        add(dice, 2, &mut |_| Event::FailOver(at));
    }
    add(dice, 1, &mut |_| Event::SetClocks);
    events
}

/// What befalls few lives, and those not together: of a deleted scaler only the ledger knows, and it must not be lost too.
fn rarities(dice: &mut Dice, targets: usize, budgets: usize) -> Vec<(u64, Event)> {
    let mut when = dice.split();
    let mut when = || when.within(1_000, TURBULENCE - 5_000);
    let at = dice.index(targets);
    match dice.index(10) {
        0 | 1 => (0..dice.within(1, 2)).map(|_| (when(), Event::Wipe(dice.index(budgets)))).collect(),
        2 | 3 => (0..dice.within(1, 3)).map(|_| (when(), Event::Scale(at, dice.count(1, MOST_WANTED)))).collect(),
        4 => {
            let deleted = when();
            let emptied = deleted + dice.within(500, 60_000);
            vec![(deleted, Event::Delete(at)), (emptied, Event::Scale(at, 0))]
        }
        _ => Vec::new(),
    }
}

fn metadata(name: &str, kind: &str, at: usize) -> Value {
    json!({
        "name": name, "namespace": NAMESPACE, "uid": format!("{kind}-{at}"), "generation": 1,
        "resourceVersion": (at + 1).to_string(), "creationTimestamp": "2026-01-01T00:00:00Z",
    })
}

fn scaler(at: usize, target: &Target, takes: &[usize]) -> HybridScaler {
    let target_ref = match target.kind {
        Kind::Deployment { .. } => json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": target.name}),
        Kind::Service => json!({"ecs": {"cluster": "prod", "service": target.name, "region": "eu-west-1"}}),
    };
    let connections: Vec<Value> = takes
        .iter()
        .map(|budget| json!({"budgetRef": {"name": BUDGETS[*budget]}, "perReplica": target.per_replica}))
        .collect();
    let scaler = json!({
        "apiVersion": "hybridscaler.dev/v1alpha1", "kind": "HybridScaler", "metadata": metadata(target.name, "scaler", at),
        "spec": {
            "targetRef": target_ref, "minReplicas": 1, "maxReplicas": MOST_WANTED, "pollIntervalSeconds": 15,
            "triggers": [{"name": "load", "external": {"metricName": format!("load-{at}"), "targetAverageValue": "1"}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0, "tolerance": 0}, "scaleUp": {"tolerance": 0}},
            "connections": connections,
        },
    });
    serde_json::from_value(scaler).unwrap()
}

fn budget(at: usize, reserve: u32) -> ConnectionBudget {
    let budget = json!({
        "apiVersion": "hybridscaler.dev/v1alpha1", "kind": "ConnectionBudget", "metadata": metadata(BUDGETS[at], "budget", at),
        "spec": {
            "capacity": {"postgres": {"secretRef": {"name": "db"}}}, "reserve": {"connections": reserve},
            "pollIntervalSeconds": 15,
        },
    });
    serde_json::from_value(budget).unwrap()
}
