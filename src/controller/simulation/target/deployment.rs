//! A Deployment: its controller shares the replicas out to the sets of each revision, and their controller makes them so.

use super::{Phase, Set, Target};

impl Target {
    /// One look of both controllers, at what the other had done before.
    pub(super) fn tend_deployment(&mut self, surge: u32, unavailable: u32) {
        self.fill();
        let scaled = self.observed != self.desired;
        self.caught_up = true;
        if scaled {
            self.scale(surge);
        } else {
            self.roll(surge, unavailable);
        }
        self.observed = self.desired;
        let idle = |set: &Set| set.told == 0 && set.revision != self.revision && self.active_of(set.revision) == 0;
        let sets = self.sets.iter().filter(|set| !idle(set)).cloned().collect();
        self.sets = sets;
    }

    /// The sets' controller makes and ends replicas as it is told.
    fn fill(&mut self) {
        let newest = self.revision;
        for Set { revision, told, .. } in self.sets.clone() {
            let active = self.active_of(revision);
            (active..told).for_each(|_| self.start(revision));
            self.stop(revision, active.saturating_sub(told), revision != newest);
        }
        self.sets.iter_mut().for_each(|set| set.observed = true);
    }

    /// Another number: a single set gets all of it; several share it by their size, the surge included.
    fn scale(&mut self, surge: u32) {
        let total: u32 = self.sets.iter().map(|set| set.told).sum();
        let in_use = self.sets.iter().filter(|set| set.told > 0).count();
        if in_use <= 1 {
            let newest = self.sets.len().saturating_sub(1);
            let at = self.sets.iter().position(|set| set.told > 0).unwrap_or(newest);
            self.tell(at, self.desired);
            return;
        }
        let allowed = if self.desired > 0 { self.desired + surge } else { 0 };
        let mut left = i64::from(allowed) - i64::from(total);
        let mut by_size: Vec<usize> = (0..self.sets.len()).collect();
        by_size.sort_by_key(|at| std::cmp::Reverse(self.sets[*at].told));
        for at in &by_size {
            let told = i64::from(self.sets[*at].told);
            let whole = i64::from(self.observed + surge).max(1);
            let share = (2 * told * i64::from(allowed) + whole) / (2 * whole) - told;
            let share = if left > 0 { share.clamp(0, left) } else { share.clamp(left, 0) };
            left -= share;
            self.tell(*at, u32::try_from(told + share).unwrap_or_default());
        }
        if let Some(largest) = by_size.first() {
            let told = i64::from(self.sets[*largest].told) + left;
            self.tell(*largest, u32::try_from(told).unwrap_or_default());
        }
    }

    /// One step of a rolling update: as many new ones as the surge allows, then as few old ones as availability allows.
    fn roll(&mut self, surge: u32, unavailable: u32) {
        if self.sets.iter().all(|set| set.revision != self.revision) {
            self.sets.push(Set { revision: self.revision, told: 0, observed: false });
        }
        let newest = self.sets.len() - 1;
        let total: u32 = self.sets.iter().map(|set| set.told).sum();
        let told = self.sets[newest].told;
        let more = (self.desired + surge).saturating_sub(total).min(self.desired.saturating_sub(told));
        self.tell(newest, told.min(self.desired) + more);
        let new_unavailable = self.sets[newest]
            .told
            .saturating_sub(self.count(|replica| replica.revision == self.revision && replica.phase == Phase::Ready));
        let total: u32 = self.sets.iter().map(|set| set.told).sum();
        let least = self.desired.saturating_sub(unavailable);
        let mut fewer = total.saturating_sub(least).saturating_sub(new_unavailable);
        let spare = self.ready().saturating_sub(least);
        for at in 0..newest {
            let starting = self.sets[at].told.saturating_sub(
                self.count(|replica| replica.revision == self.sets[at].revision && replica.phase == Phase::Ready),
            );
            let told = self.sets[at].told;
            let step = told.min(fewer).min(spare + starting);
            fewer -= step;
            self.tell(at, told - step);
        }
    }

    fn tell(&mut self, at: usize, replicas: u32) {
        let set = &mut self.sets[at];
        if set.told != replicas {
            (set.told, set.observed) = (replicas, false);
        }
    }
}
