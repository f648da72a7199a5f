//! The scopes that are checked.

use hybridscaler_core::budget::OnShrink;

use crate::scope::{
    Discipline,
    Event::{self, Capacity, Crash, Evict, LateWrite, Pause, RollOut, RollOutAgain, StaleRead},
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
pub const SAFE: [Row; 7] = [
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
    row("Deployment and ECS service: late writes, crashes", scope(PAIR, 1, &[LateWrite, Crash])),
    row("Deployment: two controllers, with a fence that is not built yet", FENCED),
];

/// The same, larger: minutes to hours.
pub const SAFE_AND_LARGE: [Row; 4] = [
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
];

const fn brings(name: &'static str, rounds: u32, scope: Scope) -> Row {
    Row { name, scope: Scope { rounds: Some(rounds), ..scope } }
}

/// Where a fair schedule without faults brings everybody what fits from every world, within the rounds that stand here.
pub const LIVE: [Row; 4] = [
    brings(
        "Deployment: rollouts, evictions, late writes, crashes",
        6,
        scope(DEPLOYMENT, 2, &[RollOut, Evict, LateWrite, Crash]),
    ),
    brings("Deployment: the capacity shrinks, grows, cannot be read", 6, scope(DEPLOYMENT, 2, &[Capacity])),
    brings("ECS service: late writes, reads that lag", 6, scope(SERVICE, 1, &[LateWrite, StaleRead])),
    brings("Deployment and ECS service: late writes, crashes", 6, scope(PAIR, 1, &[LateWrite, Crash])),
];

/// What is not covered, each with a way to break the promise.
pub const NOT_COVERED: [Row; 6] = [
    row("Deployment: a second rollout while the first one drains", scope(DEPLOYMENT, 2, &[RollOutAgain])),
    row("ECS service: a second deployment while the first one drains", scope(SERVICE, 1, &[RollOutAgain])),
    row("Deployment: a writer stands still, is replaced, and goes on", scope(DEPLOYMENT, 2, &[Pause])),
    row("ECS service: a writer stands still, is replaced, and goes on", scope(SERVICE, 1, &[Pause])),
    row("Deployment: two controllers at the same time", Scope { controllers: 2, ..scope(DEPLOYMENT, 1, &[]) }),
    row("ECS service: two controllers at the same time", Scope { controllers: 2, ..scope(SERVICE, 1, &[]) }),
];

const fn without(omission: Omission, name: &'static str, scope: Scope) -> Row {
    Row { name, scope: Scope { omission: Some(omission), ..scope } }
}

/// Each safeguard left out, with a way to break the promise. Every scope is part of one in [`SAFE`].
pub const OMISSIONS: [Row; 20] = [
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
];
