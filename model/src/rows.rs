//! The scopes that are checked.

use hybridscaler_core::budget::OnShrink;

use crate::scope::{
    Discipline,
    Event::{
        self, Capacity, Crash, DeleteScaler, Evict, LateWrite, LoseLedger, Pause, RestoreCluster, RestoreLedger,
        RollOut, RollOutAgain, ScaleByHand, StaleRead,
    },
    Kind::{self, Deployment, EcsService, Rest},
    Omission, Scope,
};

/// A scope, in words.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What is tried.
    pub name: &'static str,
    /// What may happen.
    pub scope: Scope,
}

/// One controller that waits for its own writes and its predecessor's; nothing left out.
const fn scope(consumers: [Kind; 2], most: u32, events: &'static [Event]) -> Scope {
    Scope {
        consumers,
        most,
        // One replica more than fits beside its rollout, so that somebody always waits.
        capacity: 2 * most + 2,
        shrunk: most + 1,
        on_shrink: OnShrink::Hold,
        controllers: 1,
        events,
        discipline: Discipline::Waits,
        omission: None,
        rounds: None,
    }
}

const DEPLOYMENT: [Kind; 2] = [Deployment, Rest];
const SERVICE: [Kind; 2] = [EcsService, Rest];
const PAIR: [Kind; 2] = [Deployment, EcsService];

/// Two controllers at the same time, each of which marks the target before it gives anything back.
const FENCED: Scope = Scope { controllers: 2, discipline: Discipline::Fences, ..scope(DEPLOYMENT, 1, &[]) };

const fn row(name: &'static str, scope: Scope) -> Row {
    Row { name, scope }
}

/// What is claimed to be safe, small enough for every run of the tests.
pub const SAFE: [Row; 17] = [
    row(
        "Deployment: rollouts, evictions, late writes, crashes",
        scope(DEPLOYMENT, 2, &[RollOut, Evict, LateWrite, Crash]),
    ),
    row("Deployment: rollouts of three replicas", scope(DEPLOYMENT, 3, &[RollOut])),
    row("Deployment: the capacity shrinks, grows, cannot be read", scope(DEPLOYMENT, 2, &[Capacity, LateWrite])),
    row(
        "Deployment: the same, lowered when it shrinks",
        Scope { on_shrink: OnShrink::Drain, ..scope(DEPLOYMENT, 2, &[Capacity, LateWrite]) },
    ),
    row(
        "ECS service: deployments, replacements, late writes, crashes, reads that lag",
        scope(SERVICE, 1, &[RollOut, Evict, LateWrite, Crash, StaleRead]),
    ),
    row("ECS service: two tasks, replacements, late writes", scope(SERVICE, 2, &[Evict, LateWrite])),
    row("Deployment and ECS service: late writes, crashes", scope(PAIR, 1, &[LateWrite, Crash])),
    row("Deployment: two controllers, with a fence that is not built yet", FENCED),
    row("Deployment: the ledger is lost; late writes, crashes", scope(DEPLOYMENT, 2, &[LoseLedger, LateWrite, Crash])),
    row(
        "ECS service: the ledger is lost; deployments, late writes",
        scope(SERVICE, 1, &[LoseLedger, RollOut, LateWrite]),
    ),
    row("ECS service: the ledger is lost; late writes, crashes", scope(SERVICE, 1, &[LoseLedger, LateWrite, Crash])),
    row("Deployment: the cluster is restored; rollouts", scope(DEPLOYMENT, 2, &[RestoreCluster, RollOut])),
    row("ECS service: the cluster is restored; deployments", scope(SERVICE, 1, &[RestoreCluster, RollOut])),
    row("Deployment: a person scales it", scope(DEPLOYMENT, 1, &[ScaleByHand])),
    row("ECS service: a person scales it", scope(SERVICE, 1, &[ScaleByHand])),
    row(
        "Deployment: its scaler is deleted and made again; late writes, crashes",
        scope(DEPLOYMENT, 1, &[DeleteScaler, LateWrite, Crash]),
    ),
    row(
        "ECS service: its scaler is deleted and made again; late writes, crashes",
        scope(SERVICE, 1, &[DeleteScaler, LateWrite, Crash]),
    ),
];

/// The same, larger: minutes to hours.
pub const SAFE_AND_LARGE: [Row; 7] = [
    row(
        "Deployment: three replicas, rollouts, evictions, late writes, crashes",
        scope(DEPLOYMENT, 3, &[RollOut, Evict, LateWrite, Crash]),
    ),
    row(
        "ECS service: two tasks, deployments, replacements, late writes, crashes",
        scope(SERVICE, 2, &[RollOut, Evict, LateWrite, Crash]),
    ),
    row("Deployment and ECS service: rollouts, late writes, crashes", scope(PAIR, 1, &[RollOut, LateWrite, Crash])),
    row(
        "Deployment: two controllers, with a fence, late writes, writers that stand still",
        Scope { events: &[LateWrite, Pause], ..FENCED },
    ),
    row(
        "Deployment: the ledger is lost; rollouts, evictions, late writes",
        scope(DEPLOYMENT, 2, &[LoseLedger, RollOut, Evict, LateWrite]),
    ),
    row(
        "Deployment: a person scales it; rollouts, late writes",
        scope(DEPLOYMENT, 1, &[ScaleByHand, RollOut, LateWrite]),
    ),
    row(
        "Deployment: its scaler is deleted and made again; two replicas, rollouts, late writes, crashes",
        scope(DEPLOYMENT, 2, &[DeleteScaler, RollOut, LateWrite, Crash]),
    ),
];

const fn brings(name: &'static str, rounds: u32, scope: Scope) -> Row {
    Row { name, scope: Scope { rounds: Some(rounds), ..scope } }
}

/// Where a fair schedule without faults brings everybody what fits from every world, within the rounds that stand here.
pub const LIVE: [Row; 7] = [
    brings(
        "Deployment: rollouts, evictions, late writes, crashes",
        6,
        scope(DEPLOYMENT, 2, &[RollOut, Evict, LateWrite, Crash]),
    ),
    brings("Deployment: the capacity shrinks, grows, cannot be read", 6, scope(DEPLOYMENT, 2, &[Capacity])),
    brings("ECS service: late writes, reads that lag", 6, scope(SERVICE, 1, &[LateWrite, StaleRead])),
    brings("Deployment and ECS service: late writes, crashes", 6, scope(PAIR, 1, &[LateWrite, Crash])),
    brings("Deployment: the ledger is lost; late writes", 6, scope(DEPLOYMENT, 1, &[LoseLedger, LateWrite])),
    brings("Deployment: a person scales it", 6, scope(DEPLOYMENT, 1, &[ScaleByHand])),
    brings(
        "Deployment: its scaler is deleted and made again; late writes",
        6,
        scope(DEPLOYMENT, 1, &[DeleteScaler, LateWrite]),
    ),
];

/// What is not covered, each with a way to break the promise.
pub const NOT_COVERED: [Row; 8] = [
    row("Deployment: a second rollout while the first one drains", scope(DEPLOYMENT, 2, &[RollOutAgain])),
    row("ECS service: a second deployment while the first one drains", scope(SERVICE, 1, &[RollOutAgain])),
    row("Deployment: a writer stands still, is replaced, and goes on", scope(DEPLOYMENT, 2, &[Pause])),
    row("ECS service: a writer stands still, is replaced, and goes on", scope(SERVICE, 1, &[Pause])),
    row("Deployment: two controllers at the same time", Scope { controllers: 2, ..scope(DEPLOYMENT, 1, &[]) }),
    row("ECS service: two controllers at the same time", Scope { controllers: 2, ..scope(SERVICE, 1, &[]) }),
    row(
        "Deployment: the ledger is lost while a deleted scaler's replicas live",
        scope(DEPLOYMENT, 1, &[LoseLedger, DeleteScaler]),
    ),
    row("Deployment: the ledger is replaced by an older one", scope(DEPLOYMENT, 2, &[RestoreLedger])),
];

const fn without(omission: Omission, name: &'static str, scope: Scope) -> Row {
    Row { name, scope: Scope { omission: Some(omission), ..scope } }
}

/// Each safeguard left out, with a way to break the promise. Every scope is part of one in [`SAFE`].
pub const OMISSIONS: [Row; 33] = [
    without(Omission::Grants, "divides by what is seen to run, not by what was granted", scope(PAIR, 1, &[])),
    without(Omission::TargetVersion, "writes whatever the target's version, two controllers", FENCED),
    without(Omission::TargetVersion, "the same, one controller, rollouts", scope(DEPLOYMENT, 3, &[RollOut])),
    without(Omission::AwaitWrites, "releases while its own write may arrive", scope(DEPLOYMENT, 2, &[LateWrite])),
    without(
        Omission::AwaitWrites,
        "writes to ECS while its own write may arrive",
        scope(SERVICE, 1, &[RollOut, LateWrite]),
    ),
    without(
        Omission::AwaitPredecessor,
        "releases while its predecessor's write may arrive",
        scope(DEPLOYMENT, 2, &[LateWrite, Crash]),
    ),
    without(
        Omission::AwaitPredecessor,
        "writes to ECS while its predecessor's write may arrive",
        scope(SERVICE, 1, &[RollOut, LateWrite, Crash]),
    ),
    without(Omission::AwaitLag, "releases at the first look at an ECS service", scope(SERVICE, 1, &[StaleRead])),
    without(Omission::AwaitLowering, "raises an ECS service at once after a lowering", scope(SERVICE, 1, &[Evict])),
    without(
        Omission::HoldLowering,
        "takes a raise of an ECS service for another lowering",
        scope(SERVICE, 2, &[Evict, LateWrite]),
    ),
    without(Omission::AwaitGeneration, "takes a number for observed that is not", scope(DEPLOYMENT, 2, &[])),
    without(Omission::AwaitRollout, "takes a rollout for rest", scope(DEPLOYMENT, 3, &[RollOut])),
    without(Omission::CountTerminating, "does not count replicas that terminate", scope(DEPLOYMENT, 2, &[])),
    without(Omission::ReleaseVersion, "releases although the entry has changed since the look", FENCED),
    without(Omission::Reserve, "keeps no reserve, rollouts", scope(DEPLOYMENT, 2, &[RollOut])),
    without(Omission::Reserve, "keeps no reserve, evictions", scope(DEPLOYMENT, 2, &[Evict])),
    without(Omission::CompareAndSwap, "stores the ledger without compare-and-swap", scope(DEPLOYMENT, 2, &[])),
    without(Omission::StoreFirst, "writes the target before the ledger", scope(DEPLOYMENT, 2, &[])),
    without(Omission::ChargeAll, "grows before everybody is charged", scope(DEPLOYMENT, 2, &[])),
    without(Omission::ShrinkAtOnce, "does not believe a smaller capacity at once", scope(DEPLOYMENT, 2, &[Capacity])),
    without(Omission::FreezeUnread, "grows while the capacity cannot be read", scope(DEPLOYMENT, 2, &[Capacity])),
    without(Omission::ChargePeak, "charges a consumer first seen for what lives", scope(DEPLOYMENT, 2, &[RollOut])),
    without(Omission::ChargeLive, "charges it for what it is told to run", scope(DEPLOYMENT, 2, &[RollOut])),
    without(
        Omission::ChargeObserved,
        "charges it before its number is observed",
        scope(DEPLOYMENT, 2, &[RestoreCluster]),
    ),
    without(
        Omission::StopUncharged,
        "raises within a grant before everybody is charged",
        scope(SERVICE, 1, &[RestoreCluster, RollOut]),
    ),
    without(
        Omission::AwaitLost,
        "charges who is lost while a write of its predecessor may arrive",
        scope(DEPLOYMENT, 2, &[LoseLedger, LateWrite, Crash]),
    ),
    without(
        Omission::AwaitLost,
        "charges who is lost while a write of its predecessor may arrive, ECS",
        scope(SERVICE, 1, &[LoseLedger, LateWrite, Crash]),
    ),
    without(Omission::Remember, "forgets what a lost ledger granted, ECS", scope(SERVICE, 1, &[LoseLedger])),
    without(Omission::KeepStrays, "drops the entry of a deleted scaler", scope(DEPLOYMENT, 1, &[DeleteScaler])),
    without(
        Omission::AwaitWritesOfStrays,
        "drops it while a write of that scaler may arrive",
        scope(DEPLOYMENT, 1, &[DeleteScaler]),
    ),
    without(
        Omission::AwaitSightOfStrays,
        "drops it before the target's number is observed",
        scope(DEPLOYMENT, 1, &[DeleteScaler]),
    ),
    without(
        Omission::AwaitSightOfStrays,
        "drops it at the first look at an ECS service",
        scope(SERVICE, 1, &[DeleteScaler]),
    ),
    without(
        Omission::StrayVersion,
        "drops it although the entry has changed since the look",
        scope(DEPLOYMENT, 1, &[DeleteScaler]),
    ),
];
