//! Everything outside the operator: the calendar of what happens, the API server's objects, the targets and the databases.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    sync::{Arc, Mutex, MutexGuard},
};

use hybridscaler_core::budget::Ledger;

use super::{
    dice::Dice,
    network::{Call, Reply},
    omission::Omission,
    target::{Kind, Phase, Target},
};
use crate::{
    api::{ConnectionBudget, HybridScaler},
    ledger,
};

/// The namespace of everything.
pub(super) const NAMESPACE: &str = "orders";
/// How far back a read of ECS may look, in milliseconds: less than a count has to be seen alike.
const LONGEST_LAG: u64 = 7_500;

/// One thing that happens at its time.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A call reaches the server.
    Arrive(u64),
    /// Its answer reaches the caller, if that one still waits.
    Answer(u64),
    /// Time-outs may have passed.
    Tick,
    /// Something that was answered already is stored.
    StoreLate(Call),
    /// A process starts.
    Start,
    /// A process has listed both kinds.
    Listed(u64),
    /// A process sees a change of a budget or of a scaler.
    Seen(u64, Changed),
    /// A process looks at an object again.
    Wake(u64, Object),
    /// A target's controllers look at it.
    Tend(usize),
    /// A replica moves on: opens its pool, becomes ready, is gone.
    Move(usize, u32),
    /// The load of a scaler changes.
    Load(usize),
    /// A person rolls a target out.
    RollOut(usize),
    /// A replica is evicted.
    Evict(usize),
    /// A ledger is lost: its budget's status is wiped, or its object is made again.
    Wipe(usize),
    /// A person scales a target.
    Scale(usize, u32),
    /// A person deletes a scaler; its target runs on.
    Delete(usize),
    /// A database fails over to a smaller or larger server, or cannot be read for a while.
    FailOver(usize),
    /// The clocks of the processes are set.
    SetClocks,
    /// From here on everything works.
    Calm,
}

/// How often something goes wrong, in thousandths. Each life has rates of its own: what breaks a protocol is often one kind of trouble
/// again and again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    /// Of writes that arrive after nobody waits for them any more.
    pub(super) late: u64,
    /// Of calls that are lost, and as many whose answer is.
    pub(super) lost: u64,
    /// Of calls at which the process is killed, before or after.
    pub(super) killed: u64,
}

/// An object that is reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Object {
    Scaler(usize),
    Budget(usize),
}

/// A new version of an object.
#[derive(Clone, Debug)]
pub(super) enum Changed {
    Scaler(Box<HybridScaler>),
    Budget(Box<ConnectionBudget>),
    /// A scaler is gone.
    Deleted(Box<HybridScaler>),
    /// A budget is gone, and there is another one of its name.
    Replaced(Box<ConnectionBudget>, Box<ConnectionBudget>),
}

/// A database and the budget that speaks for it.
#[derive(Clone, Debug)]
pub(super) struct Database {
    /// Connections that it accepts from ordinary roles now.
    pub(super) usable: u32,
    /// What it accepts when it has not failed over.
    pub(super) whole: u32,
    /// Connections of others: within the budget's reserve.
    pub(super) reserve: u32,
    pub(super) readable: bool,
    /// Whether its capacity shrank below what was granted, and what is granted has not come back below it yet.
    pub(super) forgiven: bool,
    /// The ledger as it is stored.
    pub(super) ledger: Ledger,
}

pub(super) struct World {
    /// Milliseconds since the beginning.
    pub(super) now: u64,
    calendar: BinaryHeap<Reverse<(u64, u64, usize)>>,
    events: BTreeMap<usize, Event>,
    noted: usize,
    pub(super) dice: Dice,
    pub(super) scalers: Vec<HybridScaler>,
    pub(super) budgets: Vec<ConnectionBudget>,
    pub(super) version: u64,
    pub(super) targets: Vec<Target>,
    /// What ECS services looked like, newest last, by target.
    pub(super) past: Vec<Vec<(u64, Target)>>,
    /// The budgets that each target takes from.
    pub(super) takes: Vec<Vec<usize>>,
    pub(super) databases: Vec<Database>,
    /// Which scalers a person deleted.
    pub(super) deleted: Vec<bool>,
    /// Until when, at least, a target runs what a person told it, past what was granted for it.
    pub(super) by_hand: Vec<Option<u64>>,
    /// Which targets a person told to run no replicas: with a least of one, that pauses the scaler.
    pub(super) paused: Vec<bool>,
    /// The replicas that each load asks for; none while it cannot be read.
    pub(super) loads: Vec<u32>,
    pub(super) readable: Vec<bool>,
    tending: Vec<bool>,
    /// Processes that watch, each with the times of its newest deliveries.
    pub(super) watchers: BTreeMap<u64, u64>,
    /// Which processes have read the capacity of which budgets.
    pub(super) read: BTreeSet<(u64, usize)>,
    /// The process whose call is carried out.
    pub(super) served: u64,
    pub(super) calls: BTreeMap<u64, Call>,
    pub(super) replies: BTreeMap<u64, Reply>,
    pub(super) called: u64,
    pub(super) calm: bool,
    pub(super) rates: Rates,
    pub(super) omission: Option<Omission>,
    /// Ledgers and targets written, ever and last.
    pub(super) writes: u64,
    pub(super) written_at: u64,
    pub(super) broken: Option<String>,
    /// What happened, when somebody wants to read it.
    pub(super) story: Option<Vec<String>>,
}

/// The world, which processes and the schedule share.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(super) fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the simulated world")
    }
}

impl World {
    pub(super) fn new(mut dice: Dice, omission: Option<Omission>, told: bool) -> Self {
        let scene = super::scene::draw(&mut dice);
        let databases = scene.databases;
        let mut world = Self {
            now: 0,
            calendar: BinaryHeap::new(),
            events: BTreeMap::new(),
            noted: 0,
            past: scene.targets.iter().map(|target| vec![(0, target.clone())]).collect(),
            tending: vec![false; scene.targets.len()],
            loads: scene.loads,
            readable: vec![true; scene.targets.len()],
            deleted: vec![false; scene.targets.len()],
            by_hand: vec![None; scene.targets.len()],
            paused: vec![false; scene.targets.len()],
            takes: scene.takes,
            scalers: scene.scalers,
            budgets: scene.budgets,
            targets: scene.targets,
            databases,
            version: 100,
            dice,
            watchers: BTreeMap::new(),
            read: BTreeSet::new(),
            served: 0,
            calls: BTreeMap::new(),
            replies: BTreeMap::new(),
            called: 0,
            calm: false,
            rates: scene.rates,
            omission,
            writes: 0,
            written_at: 0,
            broken: None,
            story: told.then(Vec::new),
        };
        for (after, event) in scene.events {
            world.note(after, event);
        }
        world
    }

    /// Puts `event` on the calendar, so many milliseconds from now.
    pub(super) fn note(&mut self, after: u64, event: Event) {
        self.noted += 1;
        self.calendar.push(Reverse((self.now + after, self.noted as u64, self.noted)));
        self.events.insert(self.noted, event);
    }

    /// The next event, and how far it lies ahead.
    pub(super) fn next(&mut self) -> Option<(u64, Event)> {
        let Reverse((at, _, key)) = self.calendar.pop()?;
        let ahead = at - self.now;
        self.now = at;
        self.events.remove(&key).map(|event| (ahead, event))
    }

    pub(super) fn omits(&self, omission: Omission) -> bool {
        self.omission == Some(omission)
    }

    pub(super) fn tell(&mut self, what: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(story) = &mut self.story {
            story.push(format!("{:>4}.{:03}  {}", now / 1000, now % 1000, what()));
        }
    }

    /// The promise is broken.
    pub(super) fn break_promise(&mut self, how: String) {
        self.tell(|| format!("BROKEN: {how}"));
        self.broken.get_or_insert(how);
    }

    /// A time until something that is usually quick: the tail is what breaks protocols.
    pub(super) fn delay(&mut self, usual: u64, slow: u64) -> u64 {
        match self.dice.within(0, 99) {
            _ if self.calm => self.dice.within(1, usual),
            0..=79 => self.dice.within(1, usual),
            80..=95 => self.dice.within(usual, usual + slow / 10),
            _ => self.dice.within(slow / 10, slow),
        }
    }

    /// Sees to it that what follows of itself from a target's state is on the calendar.
    pub(super) fn follow(&mut self, at: usize) {
        if self.targets[at].is_restless() && !std::mem::replace(&mut self.tending[at], true) {
            let after = self.delay(400, 9_000);
            self.note(after, Event::Tend(at));
        }
        for index in 0..self.targets[at].replicas.len() {
            let replica = &mut self.targets[at].replicas[index];
            if std::mem::replace(&mut replica.scheduled, true) {
                continue;
            }
            let (number, phase, open) = (replica.number, replica.phase, replica.open);
            let after = match phase {
                Phase::Starting if !open => self.delay(1_500, 10_000),
                Phase::Starting | Phase::Ready => self.delay(2_000, 20_000),
                Phase::Leaving => self.delay(10_000, 90_000),
            };
            self.note(after, Event::Move(at, number));
        }
        if self.targets[at].kind == Kind::Service {
            let now = self.now;
            let target = self.targets[at].clone();
            self.past[at].retain(|(then, _)| *then + 120_000 > now);
            self.past[at].push((now, target));
        }
    }

    /// Controllers look at their target.
    pub(super) fn tend(&mut self, at: usize) {
        self.tending[at] = false;
        self.targets[at].tend();
        let Self { targets, .. } = self;
        let (name, replicas) = (targets[at].name, targets[at].replicas.len());
        self.tell(|| format!("{name}: its controllers look; {replicas} replicas live"));
        self.follow(at);
    }

    /// A replica takes its next step.
    pub(super) fn step(&mut self, at: usize, number: u32) {
        let Some(index) = self.targets[at].replicas.iter().position(|replica| replica.number == number) else { return };
        let name = self.targets[at].name;
        let replica = &mut self.targets[at].replicas[index];
        replica.scheduled = false;
        match replica.phase {
            Phase::Starting if !replica.open => {
                replica.open = true;
                self.tell(|| format!("{name}: replica {number} opens its pool"));
                self.admit(at);
            }
            Phase::Starting => {
                (replica.phase, replica.scheduled) = (Phase::Ready, true);
                self.tell(|| format!("{name}: replica {number} is ready"));
            }
            Phase::Ready => replica.scheduled = true,
            Phase::Leaving => {
                self.targets[at].replicas.remove(index);
                self.tell(|| format!("{name}: replica {number} is gone"));
            }
        }
        self.follow(at);
    }

    /// The databases of a target whose replica just opened its pool accept its connections, or refuse them.
    fn admit(&mut self, at: usize) {
        for budget in self.takes[at].clone() {
            let open: u32 = (0..self.targets.len())
                .filter(|other| self.takes[*other].contains(&budget))
                .map(|other| self.targets[other].open())
                .sum();
            let Database { usable, reserve, forgiven, .. } = self.databases[budget];
            if open + reserve > usable && !forgiven {
                let name = self.targets[at].name;
                self.break_promise(format!(
                    "database {budget} refuses a replica of {name}: {open} connections and {reserve} of others, {usable} accepted"
                ));
            }
        }
    }

    /// The scaler of this name, unless it is deleted.
    pub(super) fn scaler(&self, name: &str) -> Option<usize> {
        let at = self.scalers.iter().position(|scaler| scaler.metadata.name.as_deref() == Some(name))?;
        (!self.deleted[at]).then_some(at)
    }

    /// The lag of one read of ECS, in milliseconds.
    pub(super) fn lag(&mut self) -> u64 {
        let longest = if self.omits(Omission::SeenAlike) { 60_000 } else { LONGEST_LAG };
        if self.calm { self.dice.within(0, 500) } else { self.dice.within(0, longest) }
    }

    /// A budget has a new status.
    pub(super) fn stored(&mut self, budget: usize) {
        let Ok(ledger) = ledger::read(self.budgets[budget].status.as_ref()) else {
            return self.break_promise(format!("the ledger of budget {budget} cannot be read"));
        };
        let before = std::mem::replace(&mut self.databases[budget].ledger, ledger.clone());
        if before == ledger {
            return;
        }
        (self.writes, self.written_at) = (self.writes + 1, self.now);
        self.tell(|| format!("budget {budget} is stored: {}", super::promise::in_words(&ledger)));
        super::promise::check_store(self, budget, &before, &ledger);
    }
}
