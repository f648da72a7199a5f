//! Consumers, their turns and one ledger.

use hybridscaler_core::{
    Connections, Replicas,
    budget::{Capacity, Footprint, Growth, Ledger, Plan, RolloutReserve, Shape, Surge, Turn, plan},
    observation::{Rollout, Workload},
};

use super::target::{Happening, SURGE, Target, Way};

/// Consumers of the budget; each replica opens one connection.
pub(crate) const CONSUMERS: usize = 2;
/// Controllers that take turns for the same consumer at the same time, as an old and a new leader may.
pub(crate) const CONTROLLERS: usize = 2;
/// What one replica of each consumer needs, its rollout included.
pub(crate) const LEAST_BUDGET: u32 = 4;
/// The most replicas that anybody wants.
pub(crate) const MOST_WANTED: u32 = 6;

const NAMES: [&str; CONSUMERS] = ["orders/core-api", "orders/order-worker"];

/// A safeguard that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Omission {
    CountTerminating,
    AwaitGeneration,
    AwaitRollout,
    ReserveRollout,
    ReleaseVersion,
    AwaitWrites,
    TargetVersion,
    CompareAndSwap,
    StoreFirst,
}

/// Something that happens next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// Something about one consumer.
    Do(usize, Deed),
    /// The capacity's source is asked, and answers as before or not at all.
    ReadCapacity { readable: bool },
}

/// Something about one consumer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    /// So many replicas are wanted from now on.
    Want(u32),
    /// A controller does the next step of its turn; a write has the given fate.
    Advance(usize, Fate),
    /// The first controller finishes its turn.
    TakeTurn,
    /// A late write arrives.
    Deliver,
    /// Something happens to its target of itself.
    Happen(Happening),
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Arrives,
    /// It fails, and the writer learns so.
    IsLost,
    /// The writer learns nothing; it may arrive at any time.
    IsLate,
}

/// How far a turn has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Idle,
    /// The ledger was read.
    Looked { ledger: Ledger, seen_version: Option<u64> },
    /// The target was read.
    Observed { ledger: Ledger, seen_version: Option<u64>, workload: Workload, target_version: u64 },
    /// The plan was stored; the target is to be written.
    Stored { write: Write },
    /// The target was written; the plan is to be stored: the wrong way round.
    Written { ledger: Ledger },
}

/// A write of a target, on condition of its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Write {
    replicas: u32,
    target_version: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Consumer {
    wanted: u32,
    target: Target,
    turns: [Stage; CONTROLLERS],
    late: Option<Write>,
}

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct World {
    budget: u32,
    ledger: Ledger,
    consumers: [Consumer; CONSUMERS],
    controllers: usize,
    omission: Option<Omission>,
}

impl World {
    pub(crate) fn new(budget: u32, controllers: usize, omission: Option<Omission>) -> Self {
        let consumer =
            || Consumer { wanted: 1, target: Target::new(Way::Deployment), turns: Default::default(), late: None };
        let mut world = Self {
            budget,
            ledger: Ledger { capacity: Capacity::fixed(Connections(budget)), ..Ledger::default() },
            consumers: [consumer(), consumer()],
            controllers,
            omission,
        };
        // Nobody grows before everybody is charged: that much the caller sees to.
        (0..CONSUMERS).for_each(|consumer| world.take_turn(consumer));
        world
    }

    /// Whether every consumer's grant covers what may live of it, and the budget all of that together.
    pub(crate) fn keeps_its_promise(&self) -> bool {
        let may_live: Vec<u32> = self.consumers.iter().map(|consumer| consumer.target.may_live()).collect();
        let grant = |name| self.ledger.entries.get(name).map_or(0, |entry| entry.grant.0);
        may_live.iter().zip(NAMES).all(|(may_live, name)| *may_live <= grant(name))
            && may_live.iter().sum::<u32>() <= self.budget
    }

    /// Whether the grants fit. They may not while one of several controllers has charged what it saw of the past: nobody grows then.
    pub(crate) fn grants_fit(&self) -> bool {
        self.granted() <= self.budget
    }

    pub(crate) fn desired(&self) -> u32 {
        self.consumers.iter().map(|consumer| consumer.target.desired).sum()
    }

    pub(crate) fn granted(&self) -> u32 {
        self.ledger.granted().0
    }

    pub(crate) fn everyone_has_what_they_want(&self) -> bool {
        self.consumers.iter().all(|consumer| consumer.target.desired == consumer.wanted)
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Do(consumer, deed) => self.act_for(consumer, deed),
            Action::ReadCapacity { readable } => {
                let reading = readable.then_some(Connections(self.budget));
                self.ledger.capacity = self.ledger.capacity.read(reading);
            }
        }
    }

    fn act_for(&mut self, consumer: usize, deed: Deed) {
        match deed {
            Deed::Want(replicas) => self.consumers[consumer].wanted = replicas,
            Deed::Advance(controller, fate) => self.advance(consumer, controller % self.controllers, fate),
            Deed::TakeTurn => self.take_turn(consumer),
            Deed::Happen(happening) => self.consumers[consumer].target.happen(happening),
            Deed::Deliver => {
                if let Some(write) = self.consumers[consumer].late.take() {
                    self.apply(consumer, write);
                }
            }
        }
    }

    /// Lets everything under way finish, then everybody take turns until nothing is left to do.
    pub(crate) fn calm_down(&mut self) {
        self.act(Action::ReadCapacity { readable: true });
        for consumer in 0..CONSUMERS {
            self.act_for(consumer, Deed::Deliver);
            self.consumers[consumer].turns = Default::default();
        }
        (0..40).for_each(|_| self.round());
    }

    /// Everything that may happen of itself happens, and everybody takes a turn.
    pub(crate) fn round(&mut self) {
        for consumer in 0..CONSUMERS {
            for happening in
                [Happening::Observe, Happening::Retire, Happening::Vanish, Happening::Start, Happening::BecomeReady]
            {
                self.act_for(consumer, Deed::Happen(happening));
            }
            self.take_turn(consumer);
        }
    }

    fn take_turn(&mut self, consumer: usize) {
        self.advance(consumer, 0, Fate::Arrives);
        while self.consumers[consumer].turns[0] != Stage::Idle {
            self.advance(consumer, 0, Fate::Arrives);
        }
    }

    fn advance(&mut self, consumer: usize, controller: usize, fate: Fate) {
        let stage = std::mem::take(&mut self.consumers[consumer].turns[controller]);
        self.consumers[consumer].turns[controller] = match stage {
            Stage::Idle => self.look(consumer),
            Stage::Looked { ledger, seen_version } => {
                let target = &self.consumers[consumer].target;
                let (workload, target_version) = (self.as_seen(target.observe()), target.version);
                Stage::Observed { ledger, seen_version, workload, target_version }
            }
            Stage::Observed { ledger, seen_version, workload, target_version } => {
                self.store(consumer, ledger, seen_version, workload, target_version)
            }
            Stage::Stored { write } => {
                match fate {
                    Fate::Arrives => self.apply(consumer, write),
                    Fate::IsLost => {}
                    Fate::IsLate => self.consumers[consumer].late = Some(write),
                }
                Stage::Idle
            }
            Stage::Written { ledger } => {
                self.ledger = ledger;
                Stage::Idle
            }
        };
    }

    fn look(&self, consumer: usize) -> Stage {
        let Consumer { turns, late, .. } = &self.consumers[consumer];
        let under_way = late.is_some() || turns.iter().any(|turn| matches!(turn, Stage::Stored { .. }));
        let known = !under_way || self.omits(Omission::AwaitWrites);
        let entry = self.ledger.entries.get(NAMES[consumer]).filter(|_| known);
        Stage::Looked { ledger: self.ledger.clone(), seen_version: entry.map(|entry| entry.version) }
    }

    fn as_seen(&self, workload: Workload) -> Workload {
        match (self.omission, workload.rollout) {
            (Some(Omission::CountTerminating), _) => Workload { terminating: Replicas::ZERO, ..workload },
            (Some(Omission::AwaitGeneration), Rollout::NotObserved)
            | (Some(Omission::AwaitRollout), Rollout::InProgress) => Workload { rollout: Rollout::Settled, ..workload },
            _ => workload,
        }
    }

    /// Plans on the ledger that was read, or, when that has changed, on the newer one.
    fn store(
        &mut self,
        consumer: usize,
        read: Ledger,
        seen_version: Option<u64>,
        workload: Workload,
        target_version: u64,
    ) -> Stage {
        let name = NAMES[consumer];
        let newest = self.ledger.entries.get(name).map(|entry| entry.version);
        let reserve = if self.omits(Omission::ReserveRollout) { RolloutReserve::None } else { RolloutReserve::Full };
        let shape = Shape::RollingUpdate { max_surge: Surge::Count(SURGE) };
        let turn = Turn {
            consumer: name,
            uid: name,
            target: name,
            footprint: Footprint { shape, reserve, per_replica: Connections(1) },
            workload,
            wanted: Replicas(self.consumers[consumer].wanted),
            growth: Growth::Allowed,
            seen_version: if self.omits(Omission::ReleaseVersion) { newest } else { seen_version },
        };
        let base = if self.omits(Omission::CompareAndSwap) { read } else { self.ledger.clone() };
        let Plan { ledger, write, .. } = plan(&base, &turn);
        let write = write.map(|replicas| Write { replicas: replicas.0, target_version });
        match (write, ledger) {
            (Some(write), Some(ledger)) if self.omits(Omission::StoreFirst) => {
                self.apply(consumer, write);
                Stage::Written { ledger }
            }
            (write, ledger) => {
                self.ledger = ledger.unwrap_or(base);
                write.map_or(Stage::Idle, |write| Stage::Stored { write })
            }
        }
    }

    fn apply(&mut self, consumer: usize, write: Write) {
        let unconditional = self.omits(Omission::TargetVersion);
        let target = &mut self.consumers[consumer].target;
        if unconditional || target.version == write.target_version {
            target.write(write.replicas);
        }
    }

    fn omits(&self, omission: Omission) -> bool {
        self.omission == Some(omission)
    }
}
