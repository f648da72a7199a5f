//! What may happen in a world, and how large it may get.

use hybridscaler_core::{
    Connections,
    budget::{Footprint, OnShrink, RolloutReserve, Shape, Surge},
};

use crate::target::{SURGE, Way};

/// Who takes from the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A Deployment: read by quorum, written on condition of its version.
    Deployment,
    /// An ECS service: read from the past, written without condition.
    EcsService,
    /// Everybody else together, using at once whatever it is granted.
    Rest,
}

/// What may happen beside scaling, starting and ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A person changes a template, when nothing drains of a former change.
    RollOut,
    /// A person changes a template again while replicas drain.
    RollOutAgain,
    /// A replica is evicted.
    Evict,
    /// A write gets no answer, and may be carried out later.
    LateWrite,
    /// A controller dies with what it remembers, and is replaced.
    Crash,
    /// A controller stands still before a write, is replaced, and goes on at any later time.
    Pause,
    /// A read of an ECS service shows an earlier moment.
    StaleRead,
    /// The database accepts fewer connections, or cannot be asked.
    Capacity,
    /// The ledger is lost: its status was wiped, or its object was deleted and made again.
    LoseLedger,
    /// The cluster is restored from a backup, without the ledger, while no write is under way.
    RestoreCluster,
    /// The ledger is replaced by a copy of an earlier moment.
    RestoreLedger,
    /// A person scales a target that is at rest, also past its grant.
    ScaleByHand,
    /// A person deletes a scaler, and may make it again.
    DeleteScaler,
}

/// How a controller makes sure that no write from before its look may still arrive when it gives connections back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Discipline {
    /// It waits for as long as its own unanswered write, or one of its predecessor, may take.
    Waits,
    /// It writes a mark into the target between opening the entry and looking, so that every earlier conditional write fails.
    Fences,
}

/// A safeguard that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Omission {
    /// The budget is divided by what the others were seen to run, not by what they were granted.
    Grants,
    /// Replicas that terminate count.
    CountTerminating,
    /// A number that is not observed yet is no number to rely on.
    AwaitGeneration,
    /// A rollout is no rest.
    AwaitRollout,
    /// A reserve for rollouts and evictions.
    Reserve,
    /// A release only while the entry is as it was before the look.
    ReleaseVersion,
    /// A release only while none of the controller's own writes may still arrive.
    AwaitWrites,
    /// A controller that starts takes it that its predecessor's last write may still arrive.
    AwaitPredecessor,
    /// A release only after an ECS service was seen for as long as its reads may lag.
    AwaitLag,
    /// A raise of an ECS service only after a lowering was seen for as long as its reads may lag and its scheduler takes.
    AwaitLowering,
    /// What seems to lower an ECS service further, after a lowering of which counts may not tell yet, lowers it in truth.
    HoldLowering,
    /// A consumer first seen is charged for what it may run, not only for what runs.
    ChargePeak,
    /// A consumer first seen is charged for what runs, not only for what it was told to run.
    ChargeLive,
    /// A consumer whose entry is lost is charged for what it is remembered to have been granted.
    Remember,
    /// A consumer of whom neither a ledger nor anybody's memory tells is charged once no write for it may still arrive.
    AwaitLost,
    /// A consumer first seen is charged once its number is observed.
    ChargeObserved,
    /// Nobody is raised before everybody is charged, not even within a grant.
    StopUncharged,
    /// The entry of a deleted scaler stays while its replicas live.
    KeepStrays,
    /// It stays while a write of the deleted scaler may still arrive.
    AwaitWritesOfStrays,
    /// It stays until its target's number is observed, and until an ECS service was seen for as long as its reads may lag.
    AwaitSightOfStrays,
    /// It goes only if it is as it was before the look.
    StrayVersion,
    /// A write only if the target is as it was seen.
    TargetVersion,
    /// A store only if the ledger is as it was read.
    CompareAndSwap,
    /// The store before the write.
    StoreFirst,
    /// Nobody grows before everybody is charged.
    ChargeAll,
    /// A smaller capacity counts at once.
    ShrinkAtOnce,
    /// Nobody grows while the capacity cannot be read.
    FreezeUnread,
}

impl Omission {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::Grants,
        Self::CountTerminating,
        Self::AwaitGeneration,
        Self::AwaitRollout,
        Self::Reserve,
        Self::ReleaseVersion,
        Self::AwaitWrites,
        Self::AwaitPredecessor,
        Self::AwaitLag,
        Self::AwaitLowering,
        Self::HoldLowering,
        Self::ChargePeak,
        Self::ChargeLive,
        Self::Remember,
        Self::AwaitLost,
        Self::ChargeObserved,
        Self::StopUncharged,
        Self::KeepStrays,
        Self::AwaitWritesOfStrays,
        Self::AwaitSightOfStrays,
        Self::StrayVersion,
        Self::TargetVersion,
        Self::CompareAndSwap,
        Self::StoreFirst,
        Self::ChargeAll,
        Self::ShrinkAtOnce,
        Self::FreezeUnread,
    ];
}

/// What a world may become.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Who takes from the budget.
    pub consumers: [Kind; 2],
    /// The most replicas that anybody wants; each opens one connection.
    pub most: u32,
    /// The connections that the database accepts.
    pub capacity: u32,
    /// What it accepts after a change of [`Event::Capacity`].
    pub shrunk: u32,
    /// What happens to consumers then.
    pub on_shrink: OnShrink,
    /// Controllers that are active at the same time: 1 or 2.
    pub controllers: usize,
    /// What may happen.
    pub events: &'static [Event],
    /// How writes under way are reckoned with.
    pub discipline: Discipline,
    /// What is left out on purpose.
    pub omission: Option<Omission>,
    /// Rounds of a fair schedule in which everybody gets what fits; none where that is not asked.
    pub rounds: Option<u32>,
}

impl Scope {
    /// Whether `event` may happen.
    #[must_use]
    pub fn has(&self, event: Event) -> bool {
        self.events.contains(&event)
    }

    /// Whether `omission` is left out.
    #[must_use]
    pub fn omits(&self, omission: Omission) -> bool {
        self.omission == Some(omission)
    }

    /// What a consumer's replicas may open together.
    pub(crate) fn footprint(&self, kind: Kind) -> Footprint {
        let reserve = if self.omits(Omission::Reserve) { RolloutReserve::None } else { RolloutReserve::Full };
        let shape = match kind {
            Kind::Deployment => Shape::RollingUpdate { max_surge: Surge::Count(SURGE) },
            Kind::EcsService => Shape::EcsRolling { maximum_percent: 200 },
            Kind::Rest => Shape::StatefulSet,
        };
        Footprint { shape, reserve, per_replica: Connections(1) }
    }
}

impl Kind {
    pub(crate) fn way(self) -> Way {
        match self {
            Self::Deployment | Self::Rest => Way::Deployment,
            Self::EcsService => Way::EcsService,
        }
    }
}
