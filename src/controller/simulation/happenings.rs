//! What happens to the world of itself, and what the watches show of it.

use super::{
    scene::MOST_WANTED,
    server,
    target::Target,
    world::{Changed, Database, Event, NAMESPACE, World},
};

/// For how long, in milliseconds, what a person did may be missed: by a call that was sent before and arrives late.
const UNTIL_SEEN: u64 = 120_000;

impl World {
    /// Another load, or one that cannot be read.
    pub(super) fn load(&mut self, at: usize) {
        self.loads[at] = self.dice.count(1, MOST_WANTED);
        self.readable[at] = !self.dice.chance(100);
        let (name, load, readable) = (self.targets[at].name, self.loads[at], self.readable[at]);
        self.tell(|| format!("{name}: wants {load}{}", if readable { "" } else { ", which nobody can read" }));
    }

    pub(super) fn roll_out(&mut self, at: usize) {
        let version = self.targets[at].version + 1;
        if self.targets[at].roll_out(version) {
            let name = self.targets[at].name;
            self.tell(|| format!("{name}: a person rolls it out"));
            self.follow(at);
        }
    }

    /// A storm: several at once, as far as the reserve covers them.
    pub(super) fn evict(&mut self, at: usize) {
        for _ in 0..self.dice.within(1, 4) {
            if self.targets[at].evict() {
                let name = self.targets[at].name;
                self.tell(|| format!("{name}: a replica is evicted"));
                self.follow(at);
            }
        }
    }

    /// The database is another one from now on: of half the capacity, of all of it, or not to be read for now.
    pub(super) fn fail_over(&mut self, at: usize) {
        let Database { whole, reserve, .. } = self.databases[at];
        let usable = match self.dice.within(0, 2) {
            0 => reserve + (whole - reserve) / 2,
            1 => whole,
            _ => self.databases[at].usable,
        };
        let readable = self.dice.chance(700);
        let database = &mut self.databases[at];
        database.forgiven |= usable < database.usable;
        (database.usable, database.readable) = (usable, readable);
        self.tell(|| format!("database {at} accepts {usable}{}", if readable { "" } else { ", and cannot be read" }));
    }

    /// The ledger is lost, as in a cluster restored from a backup, which has no statuses; or with its object, which is made again.
    pub(super) fn wipe(&mut self, at: usize) {
        self.version += 1;
        let version = self.version;
        let made_again = self.dice.chance(500);
        let before = self.budgets[at].clone();
        let budget = &mut self.budgets[at];
        budget.status = None;
        budget.metadata.resource_version = Some(version.to_string());
        if made_again {
            budget.metadata.uid = Some(format!("budget-{at}-{version}"));
        }
        let after = Box::new(budget.clone());
        self.tell(|| format!("budget {at} {}", if made_again { "is made again" } else { "loses its status" }));
        self.stored(at);
        let changed = if made_again { Changed::Replaced(Box::new(before), after) } else { Changed::Budget(after) };
        self.show(&changed);
    }

    /// A person scales a target. Upwards that is a promise's end, which the operator has to see, to say and to survive.
    pub(super) fn scale_by_hand(&mut self, at: usize, replicas: u32) {
        let Target { name, desired, .. } = self.targets[at];
        self.tell(|| format!("{name}: a person scales it from {desired} to {replicas}"));
        if replicas > desired {
            self.by_hand[at] = Some(self.now + UNTIL_SEEN);
        }
        self.paused[at] |= replicas == 0;
        server::tell_target(self, at, replicas);
    }

    /// A person deletes a scaler that is charged; of one that is not, nobody will ever know.
    pub(super) fn delete(&mut self, at: usize) {
        let consumer = format!("{NAMESPACE}/{}", self.targets[at].name);
        if self.takes[at].iter().all(|budget| self.databases[*budget].ledger.entries.contains_key(&consumer)) {
            self.tell(|| format!("the scaler {consumer} is deleted"));
            self.deleted[at] = true;
            let changed = Changed::Deleted(Box::new(self.scalers[at].clone()));
            self.show(&changed);
        }
    }

    /// Everything works from here on.
    pub(super) fn calm_down(&mut self) {
        self.calm = true;
        self.tell(|| "from here on everything works".to_owned());
        for database in &mut self.databases {
            (database.usable, database.readable) = (database.whole, true);
        }
        self.readable.fill(true);
        self.written_at = self.now;
    }

    /// Every process that watches will see `changed`, in order.
    pub(super) fn show(&mut self, changed: &Changed) {
        for id in self.watchers.keys().copied().collect::<Vec<_>>() {
            let after = self.delay(30, 4_000);
            let now = self.now;
            let newest = self.watchers.entry(id).or_default();
            *newest = (*newest).max(now + after);
            let after = *newest - now;
            self.note(after, Event::Seen(id, changed.clone()));
        }
    }
}
