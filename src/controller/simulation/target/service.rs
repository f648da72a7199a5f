//! An ECS service: one scheduler starts and stops its tasks, within 100 and 200 percent of the number desired.

use super::{Phase, Set, Target};

impl Target {
    /// One look of the scheduler.
    pub(super) fn tend_service(&mut self) {
        (self.caught_up, self.observed) = (true, self.desired);
        let (fresh, outdated) = (self.active_of(self.revision), self.outdated());
        let most = if outdated > 0 { 2 * self.desired } else { self.desired };
        let more = self.desired.saturating_sub(fresh).min(most.saturating_sub(fresh + outdated));
        (0..more).for_each(|_| self.start(self.revision));
        self.stop(self.revision, fresh.saturating_sub(self.desired), false);
        let replaced = self.count(|replica| replica.revision == self.revision && replica.phase == Phase::Ready);
        let spare = if replaced >= self.desired { outdated } else { self.ready().saturating_sub(self.desired) };
        let mut spare = spare.min(outdated);
        for revision in 1..self.revision {
            let step = self.active_of(revision).min(spare);
            spare -= step;
            self.stop(revision, step, true);
        }
        self.sets = (1..=self.revision)
            .filter(|revision| *revision == self.revision || self.active_of(*revision) > 0)
            .map(|revision| {
                let told = if revision == self.revision { self.desired } else { self.active_of(revision) };
                Set { revision, told, observed: true }
            })
            .collect();
    }
}
