//! A Deployment or an ECS service as its own controllers run it: one that rolls out, scales and replaces without asking anybody. The
//! random lives of this suite and the exhaustive search of the package `hybridscaler-model` share it.

use hybridscaler_core::{
    Replicas,
    observation::{Rollout, Workload},
};

/// Replicas that a rolling update may start beyond the number desired.
pub(crate) const SURGE: u32 = 2;

/// Whose controllers run a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// A Deployment's: what they have not observed yet shows, and a scale-up in a rollout is spread over the revisions.
    Deployment,
    /// An ECS service's, with `maximumPercent` 200: it shows a number that its scheduler may not have seen, and the newest deployment
    /// gets all of a scale-up.
    EcsService,
}

/// One target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    way: Way,
    /// What it is told to run.
    pub(crate) desired: u32,
    /// Changes with every write of its spec.
    pub(crate) version: u64,
    /// What its controller believes it is told.
    observed: u32,
    /// Replicas of the former revision.
    old: u32,
    /// Replicas of the newest revision that run.
    new: u32,
    /// Replicas of the newest revision that start.
    starting: u32,
    /// Replicas that terminate.
    draining: u32,
    /// Those of them that a rollout or an eviction replaced.
    replaced: u32,
}

/// What happens to a target of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Happening {
    /// Its controller sees what it is told.
    Observe,
    /// It starts a replica.
    Start,
    /// A replica becomes ready.
    BecomeReady,
    /// A replica too many, or an old one, is told to end.
    Retire,
    /// A replica that terminates has ended.
    Vanish,
    /// A person changes its template. The promise covers one rollout at a time, and none while evicted replicas drain.
    RollOut,
    /// A person changes its template while the former rollout or evicted replicas drain, which the promise does not cover.
    RollOutAgain,
    /// A replica is evicted. The promise covers each once, outside rollouts.
    Evict,
}

impl Target {
    pub(crate) fn new(way: Way) -> Self {
        Self::at_rest(way, 1)
    }

    /// One that runs what it is told.
    pub(crate) fn at_rest(way: Way, replicas: u32) -> Self {
        let (desired, observed, new) = (replicas, replicas, replicas);
        Self { way, desired, version: 0, observed, old: 0, new, starting: 0, draining: 0, replaced: 0 }
    }

    /// What a fresh read of it shows.
    pub(crate) fn observe(&self) -> Workload {
        let rollout = match self {
            _ if self.way == Way::Deployment && !self.caught_up() => Rollout::NotObserved,
            _ if self.old > 0 => Rollout::InProgress,
            _ => Rollout::Settled,
        };
        Workload {
            desired: Replicas(self.desired),
            running: Replicas(self.old + self.new),
            starting: Replicas(self.starting),
            terminating: Replicas(self.draining),
            rollout,
        }
    }

    /// The most replicas that may live from here on if nobody writes: what it starts before it sees what it is told, then a rollout
    /// or evictions faster than anything drains.
    pub(crate) fn may_live(&self) -> u32 {
        use Happening::{Evict, Observe, Retire, RollOut, Start};
        let rollout = self.after(&[&[Start], &[Observe], &[Start], &[RollOut], &[Start, Retire]]);
        let evictions = self.after(&[&[Start], &[Observe], &[Evict, Start]]);
        rollout.max(evictions)
    }

    /// The replicas that live when each phase went on until it changed nothing more.
    fn after(&self, phases: &[&[Happening]]) -> u32 {
        let mut target = *self;
        for phase in phases {
            let mut before = None;
            while before != Some(target) {
                before = Some(target);
                phase.iter().for_each(|happening| target.happen(*happening));
            }
        }
        target.live()
    }

    /// Whether its controller has seen what it is told.
    pub(crate) fn caught_up(&self) -> bool {
        self.observed == self.desired
    }

    /// Whether nothing happens to it unless somebody sees to it.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.caught_up() && self.new == self.desired && self.live() == self.new
    }

    /// Replicas that may hold connections now.
    pub(crate) fn live(&self) -> u32 {
        self.old + self.new + self.starting + self.draining
    }

    pub(crate) fn write(&mut self, replicas: u32) {
        self.desired = replicas;
        self.version += 1;
    }

    pub(crate) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Observe => self.see(),
            Happening::Start if self.may_start() => self.starting += 1,
            Happening::BecomeReady if self.starting > 0 => {
                self.starting -= 1;
                self.new += 1;
            }
            Happening::Retire => self.retire(),
            Happening::Vanish if self.draining > 0 => {
                self.draining -= 1;
                self.replaced = self.replaced.min(self.draining);
            }
            Happening::RollOut if self.old == 0 && self.replaced == 0 => self.roll_out(),
            Happening::RollOutAgain => self.roll_out(),
            Happening::Evict if self.old == 0 && self.new > 0 && self.replaced < self.desired.min(self.observed) => {
                self.new -= 1;
                self.draining += 1;
                self.replaced += 1;
            }
            _ => {}
        }
    }

    fn roll_out(&mut self) {
        if self.new + self.starting > 0 {
            self.see();
            self.version += 1;
            self.old += self.new + self.starting;
            (self.new, self.starting) = (0, 0);
        }
    }

    /// A Deployment spreads a scale-up in the middle of a rollout over the revisions by their size, surge included; with only the old
    /// one there, that one gets all of it, without surge.
    fn see(&mut self) {
        let (fresh, total) = (self.new + self.starting, self.old + self.new + self.starting);
        if self.way == Way::Deployment && self.desired > self.observed && self.old > 0 {
            let room = if fresh == 0 { self.desired } else { self.desired + SURGE };
            self.old += (room.saturating_sub(total) * self.old).div_ceil(total);
        }
        self.observed = self.desired;
    }

    fn may_start(&self) -> bool {
        let surge = match self.way {
            _ if self.old == 0 => 0,
            Way::Deployment => SURGE,
            Way::EcsService => self.observed,
        };
        let fresh = self.new + self.starting;
        fresh < self.observed && self.old + fresh < self.observed + surge
    }

    fn retire(&mut self) {
        if self.new + self.starting > self.observed {
            let from = if self.starting > 0 { &mut self.starting } else { &mut self.new };
            *from -= 1;
            self.draining += 1;
        } else if self.old > 0 {
            self.old -= 1;
            self.draining += 1;
            self.replaced += 1;
        }
    }
}
