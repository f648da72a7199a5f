//! Everything there is, and what may happen to it next.

use hybridscaler_core::{
    Connections,
    budget::{Capacity, Entry},
    observation::Workload,
};

use crate::{
    people::{ByHand, Entries, Scaler, Stray},
    promise::Breach,
    scope::{Event, Kind, Scope},
    target::{Happening, Target},
    turn::{Stage, Turn},
    writes::{Fate, Late},
};

/// Consumers of the budget.
pub(crate) const CONSUMERS: usize = 2;

/// A ledger, two consumers of it, and what was seen to go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// What the ledger believes of the capacity.
    pub(crate) capacity: Capacity,
    pub(crate) consumers: [Consumer; CONSUMERS],
    /// The capacity shrank below what was granted, which still holds.
    pub(crate) over: bool,
    pub(crate) breach: Option<Breach>,
    /// A copy of the ledger that somebody keeps.
    pub(crate) copy: Option<Box<Entries>>,
}

/// One consumer: its entry in the ledger, its target, and who takes turns for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Consumer {
    /// Nothing before it is charged. Its version is always [`VERSION`](crate::plan::VERSION): who has read an older one holds a mark.
    pub(crate) entry: Option<Entry>,
    pub(crate) target: Target,
    /// One for each controller.
    pub(crate) turns: [Turn; 2],
    /// A write that may still be carried out.
    pub(crate) late: Option<Late>,
    /// What a read that lags shows.
    pub(crate) past: Option<Workload>,
    /// The entry that the controller remembers when the ledger has none.
    pub(crate) remembered: Option<Entry>,
    pub(crate) scaler: Scaler,
    pub(crate) by_hand: ByHand,
    /// What the budget's reconcile has seen of it while it has no scaler, and not entered yet.
    pub(crate) stray: Option<Stray>,
}

/// What happens next. Consumers and controllers are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Something happens to a consumer's target.
    #[expect(private_interfaces, reason = "actions are for reading, not for making")]
    Happen(usize, Happening),
    /// For a consumer a controller reads the ledger.
    Open(usize, usize),
    /// It marks the target, so that no earlier write that is conditional can be carried out.
    Fence(usize, usize),
    /// It looks at the target, having opened the entry.
    Look(usize, usize),
    /// It looks, and sees the past.
    LookBack(usize, usize),
    /// It plans for so many replicas on the newest ledger, and stores the plan.
    Plan(usize, usize, u32),
    /// It sends the write that it reserved for.
    #[expect(private_interfaces, reason = "actions are for reading, not for making")]
    Send(usize, usize, Fate),
    /// A late write is carried out.
    Deliver(usize),
    /// A late write never is.
    Lose(usize),
    /// A controller has been looking at an ECS service for as long as reads lag and writes take.
    Settle(usize, usize),
    /// From now on reads may show this moment.
    Lag(usize),
    /// Reads show the present again.
    CatchUp(usize),
    /// A controller dies and is replaced.
    Crash(usize),
    /// A controller stands still before a write; another one replaces it.
    Pause(usize),
    /// Everybody else wants so many connections.
    Rest(u32),
    /// The database says how many connections it accepts, or nothing.
    Read(Option<u32>),
    /// The ledger is lost.
    LoseLedger,
    /// The cluster is restored from a backup.
    RestoreCluster,
    /// Somebody keeps a copy of the ledger.
    CopyLedger,
    /// The copy takes the ledger's place.
    RestoreLedger,
    /// A person scales a target.
    ScaleByHand(usize, u32),
    /// A person deletes a scaler.
    DeleteScaler(usize),
    /// A person makes it again.
    MakeScaler(usize),
    /// The budget's reconcile looks at the target of a scaler that was deleted.
    LookForStray(usize),
    /// It looks, and sees the past.
    LookBackForStray(usize),
    /// It enters what it found.
    SettleStray(usize),
}

impl World {
    pub(crate) fn new(scope: &Scope) -> Self {
        let consumer = |kind: Kind| Consumer {
            entry: None,
            target: Target::new(kind.way()),
            turns: <[Turn; 2]>::default(),
            late: None,
            past: None,
            remembered: None,
            scaler: Scaler::There,
            by_hand: ByHand::No,
            stray: None,
        };
        Self {
            capacity: Capacity::fixed(Connections(scope.capacity)),
            consumers: scope.consumers.map(consumer),
            over: false,
            breach: None,
            copy: None,
        }
    }

    /// What may happen next.
    pub(crate) fn choices(&self, scope: &Scope, actions: &mut Vec<Action>) {
        for (at, kind) in scope.consumers.into_iter().enumerate() {
            if kind == Kind::Rest {
                actions.extend([0, scope.capacity].map(Action::Rest));
                continue;
            }
            self.choices_of_target(at, scope, actions);
            self.choices_of_people(at, scope, actions);
            for controller in 0..scope.controllers {
                self.choices_of_turn(at, controller, scope, actions);
            }
        }
        for controller in 0..scope.controllers {
            if scope.has(Event::Crash) {
                actions.push(Action::Crash(controller));
            }
            let reserved = |consumer: &Consumer| matches!(consumer.turns[controller].stage, Stage::Reserved { .. });
            if scope.has(Event::Pause) && self.consumers.iter().any(reserved) {
                actions.push(Action::Pause(controller));
            }
        }
        if scope.has(Event::Capacity) {
            actions.extend([None, Some(scope.shrunk), Some(scope.capacity)].map(Action::Read));
        }
        if scope.has(Event::LoseLedger) {
            actions.push(Action::LoseLedger);
        }
        if scope.has(Event::RestoreCluster) && self.is_quiet(scope) {
            actions.push(Action::RestoreCluster);
        }
        if scope.has(Event::RestoreLedger) {
            actions.push(if self.copy.is_none() { Action::CopyLedger } else { Action::RestoreLedger });
        }
    }

    fn choices_of_people(&self, at: usize, scope: &Scope, actions: &mut Vec<Action>) {
        let consumer = &self.consumers[at];
        if scope.has(Event::ScaleByHand) && consumer.target.is_at_rest() {
            actions.extend((0..=scope.most + 1).map(|replicas| Action::ScaleByHand(at, replicas)));
        }
        match consumer.scaler {
            Scaler::There | Scaler::MadeAgain if scope.has(Event::DeleteScaler) && consumer.entry.is_some() => {
                actions.push(Action::DeleteScaler(at));
            }
            Scaler::There | Scaler::MadeAgain => {}
            Scaler::Deleted => {
                // A name is worked on by one turn at a time.
                if consumer.turns.iter().all(|turn| turn.stage == Stage::Idle) {
                    actions.push(Action::MakeScaler(at));
                }
                if consumer.entry.is_some() && consumer.stray.is_none() {
                    actions.push(Action::LookForStray(at));
                    if consumer.past.is_some() {
                        actions.push(Action::LookBackForStray(at));
                    }
                }
            }
        }
        if consumer.stray.is_some() {
            actions.push(Action::SettleStray(at));
        }
    }

    fn choices_of_target(&self, at: usize, scope: &Scope, actions: &mut Vec<Action>) {
        use Happening::{Evict, Observe, Retire, RollOut, RollOutAgain, Start, Vanish};
        let consumer = &self.consumers[at];
        actions.extend([Observe, Start, Retire, Vanish].map(|happening| Action::Happen(at, happening)));
        let unusual = [(Event::RollOut, RollOut), (Event::RollOutAgain, RollOutAgain), (Event::Evict, Evict)];
        let unusual = unusual.into_iter().filter(|(event, _)| scope.has(*event));
        actions.extend(unusual.map(|(_, happening)| Action::Happen(at, happening)));
        if consumer.late.is_some() {
            actions.extend([Action::Deliver(at), Action::Lose(at)]);
        }
        match consumer.past {
            Some(_) => actions.push(Action::CatchUp(at)),
            None if scope.has(Event::StaleRead) => actions.push(Action::Lag(at)),
            None => {}
        }
    }

    /// The world after `action`.
    pub(crate) fn after(mut self, action: Action, scope: &Scope) -> Self {
        match action {
            Action::Happen(at, happening) => self.happen(at, happening),
            Action::Deliver(at) => self.deliver(at, scope),
            Action::Lose(at) => self.consumers[at].late = None,
            Action::Lag(at) => self.consumers[at].past = Some(self.consumers[at].target.observe()),
            Action::CatchUp(at) => self.consumers[at].past = None,
            Action::Read(reading) => self.read(reading),
            Action::Rest(wanted) => self.rest(wanted, scope),
            Action::Crash(controller) => self.replace(controller, scope, false),
            Action::Pause(controller) => self.replace(controller, scope, true),
            Action::LoseLedger => self.lose_ledger(scope),
            Action::RestoreCluster => self.restore_cluster(scope),
            Action::CopyLedger => self.copy_ledger(),
            Action::RestoreLedger => self.restore_ledger(),
            Action::ScaleByHand(at, replicas) => self.scale_by_hand(at, replicas),
            Action::DeleteScaler(at) => self.delete_scaler(at, scope),
            Action::MakeScaler(at) => self.make_scaler(at),
            Action::LookForStray(at) => self.look_for_stray(at, false, scope),
            Action::LookBackForStray(at) => self.look_for_stray(at, true, scope),
            Action::SettleStray(at) => self.settle_stray(at, scope),
            Action::Open(at, controller)
            | Action::Fence(at, controller)
            | Action::Look(at, controller)
            | Action::LookBack(at, controller)
            | Action::Plan(at, controller, _)
            | Action::Send(at, controller, _)
            | Action::Settle(at, controller) => self.step(at, controller, action, scope),
        }
        self.drop_hopeless_writes(scope);
        self.forgive();
        self
    }

    fn happen(&mut self, at: usize, happening: Happening) {
        let target = &mut self.consumers[at].target;
        target.happen(happening);
        if happening == Happening::Start {
            target.happen(Happening::BecomeReady);
        }
        self.forget_version(at);
    }

    /// Whoever holds the target's version holds an old one if it has just changed.
    pub(crate) fn forget_version(&mut self, at: usize) {
        let consumer = &mut self.consumers[at];
        if std::mem::take(&mut consumer.target.version) != 0 {
            consumer.turns.iter_mut().for_each(Turn::outdate);
            if let Some(late) = &mut consumer.late {
                late.fresh = false;
            }
        }
    }

    fn read(&mut self, reading: Option<u32>) {
        self.capacity = self.capacity.read(reading.map(Connections));
        self.over = self.granted() > self.limit();
    }

    pub(crate) fn granted(&self) -> u32 {
        self.consumers.iter().filter_map(|consumer| consumer.entry.as_ref()).map(|entry| entry.grant.0).sum()
    }

    /// What the ledger says that the database accepts.
    pub(crate) fn limit(&self) -> u32 {
        self.capacity.usable().map_or(0, |usable| usable.0)
    }
}

impl Consumer {
    /// Its entry, or the one that was lost.
    pub(crate) fn known(&self) -> Option<&Entry> {
        self.entry.as_ref().or(self.remembered.as_ref())
    }

    /// Whether it has a scaler that the ledger does not know.
    pub(crate) fn is_uncharged(&self) -> bool {
        match self.scaler {
            Scaler::There => self.entry.is_none(),
            Scaler::MadeAgain => true,
            Scaler::Deleted => false,
        }
    }
}
