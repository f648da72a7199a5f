//! A Deployment as its own controllers run it: one that rolls out, scales and replaces without asking anybody.

use hybridscaler_core::{
    Replicas,
    observation::{Rollout, Workload},
};

/// Replicas that a rolling update may start beyond the number desired.
pub(crate) const SURGE: u32 = 2;

/// One target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
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
#[derive(Clone, Copy, Debug)]
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
    /// A replica is evicted. The promise covers each once, outside rollouts.
    Evict,
}

impl Target {
    pub(crate) fn new() -> Self {
        Self { desired: 1, version: 0, observed: 1, old: 0, new: 1, starting: 0, draining: 0, replaced: 0 }
    }

    /// What a fresh read of it shows.
    pub(crate) fn observe(&self) -> Workload {
        let rollout = match self {
            _ if self.observed != self.desired => Rollout::NotObserved,
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
        let mut target = self.clone();
        for phase in phases {
            let mut before = None;
            while before.as_ref() != Some(&target) {
                before = Some(target.clone());
                phase.iter().for_each(|happening| target.happen(*happening));
            }
        }
        target.live()
    }

    fn live(&self) -> u32 {
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
            Happening::RollOut if self.old == 0 && self.replaced == 0 && self.new + self.starting > 0 => {
                self.see();
                self.version += 1;
                self.old = self.new + self.starting;
                (self.new, self.starting) = (0, 0);
            }
            Happening::Evict if self.old == 0 && self.new > 0 && self.replaced < self.desired.min(self.observed) => {
                self.new -= 1;
                self.draining += 1;
                self.replaced += 1;
            }
            _ => {}
        }
    }

    /// A scale-up in the middle of a rollout is spread over the revisions by their size, surge included; with only the old one there,
    /// that one gets all of it, without surge.
    fn see(&mut self) {
        let (fresh, total) = (self.new + self.starting, self.old + self.new + self.starting);
        if self.desired > self.observed && self.old > 0 {
            let room = if fresh == 0 { self.desired } else { self.desired + SURGE };
            self.old += (room.saturating_sub(total) * self.old).div_ceil(total);
        }
        self.observed = self.desired;
    }

    fn may_start(&self) -> bool {
        let surge = if self.old > 0 { SURGE } else { 0 };
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
