//! What happens to the world of itself, and what the watches show of it.

use super::{
    scene::MOST_WANTED,
    world::{Changed, Database, Event, World},
};

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
