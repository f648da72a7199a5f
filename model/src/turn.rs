//! The controllers' turns: what the caller of the core's `plan` sees to.

use hybridscaler_core::{
    Connections, Replicas,
    budget::{Capacity, Entry},
    observation::{Rollout, Workload},
};

use crate::{
    people::{ByHand, Scaler},
    plan::{Answer, Grows, Question},
    promise::Breach,
    scope::{Discipline, Event, Kind, Omission, Scope},
    target::{Target, Way},
    world::{Action, CONSUMERS, Consumer, World},
    writes::Fate,
};

/// A controller's turn for a consumer, and what it remembers between two turns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Turn {
    pub(crate) stage: Stage,
    calm: Calm,
}

/// How far a turn has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    #[default]
    Idle,
    /// The ledger was read; `release` while the entry is still as it was then.
    Opened { release: bool, fenced: bool },
    /// The target was read; `fresh` while it is still of the version that was seen.
    Seen {
        workload: Workload,
        fresh: bool,
        release: bool,
        /// What was lowered to, while a count from before that may still show.
        lowered: Option<u32>,
        /// Whether a write may still arrive, which matters where no entry says what it needs.
        in_doubt: bool,
        /// The other consumer's entry at that time, where stores do not compare.
        other: Option<Box<Entry>>,
    },
    /// The plan was stored; the target is to be written.
    Reserved { replicas: u32, fresh: bool },
    /// The target was written; the plan is to be stored: the wrong way round.
    Wrote(Box<Entry>),
}

/// For how long a controller has been looking at an ECS service since its last write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Calm {
    #[default]
    NotSeen,
    Seen,
    /// As long as reads lag and writes take.
    Settled,
}

impl Turn {
    /// The target has another version now.
    pub(crate) fn outdate(&mut self) {
        if let Stage::Seen { fresh, .. } | Stage::Reserved { fresh, .. } = &mut self.stage {
            *fresh = false;
        }
    }

    /// What an ECS service shows is of no use yet.
    pub(crate) fn look_anew(&mut self) {
        self.calm = Calm::NotSeen;
    }

    /// The entry has another version now.
    fn forbid_release(&mut self) {
        if let Stage::Seen { release, .. } | Stage::Opened { release, .. } = &mut self.stage {
            *release = false;
        }
    }
}

impl World {
    /// What a controller may do next for a consumer.
    pub(crate) fn choices_of_turn(&self, at: usize, controller: usize, scope: &Scope, actions: &mut Vec<Action>) {
        let consumer = &self.consumers[at];
        let stage = &consumer.turns[controller].stage;
        let at_once = scope.controllers == 1 && scope.discipline == Discipline::Waits;
        match stage {
            Stage::Idle if consumer.scaler == Scaler::Deleted => {}
            Stage::Idle if !at_once => actions.push(Action::Open(at, controller)),
            Stage::Idle | Stage::Opened { .. } => {
                actions.push(Action::Look(at, controller));
                if consumer.past.is_some() {
                    actions.push(Action::LookBack(at, controller));
                }
                if matches!(stage, Stage::Opened { fenced: false, .. }) && scope.discipline == Discipline::Fences {
                    actions.push(Action::Fence(at, controller));
                }
            }
            Stage::Seen { .. } => actions.extend((0..=scope.most).map(|wanted| Action::Plan(at, controller, wanted))),
            Stage::Reserved { .. } | Stage::Wrote(_) => {
                actions.extend([Fate::Arrives, Fate::IsLost].map(|fate| Action::Send(at, controller, fate)));
                if scope.has(Event::LateWrite) && consumer.late.is_none() {
                    actions.push(Action::Send(at, controller, Fate::IsLate));
                }
            }
        }
        if self.may_settle(at, controller) {
            actions.push(Action::Settle(at, controller));
        }
    }

    /// Whether everything from before a controller's first look at an ECS service has arrived and shows.
    pub(crate) fn may_settle(&self, at: usize, controller: usize) -> bool {
        let Consumer { target, turns, late, past, .. } = &self.consumers[at];
        let under_way = late.is_some_and(|late| !late.paused);
        turns[controller].calm == Calm::Seen && !under_way && past.is_none() && target.caught_up()
    }

    pub(crate) fn step(&mut self, at: usize, controller: usize, action: Action, scope: &Scope) {
        let consumer = &mut self.consumers[at];
        let turn = &mut consumer.turns[controller];
        match action {
            Action::Open(..) => turn.stage = Stage::Opened { release: consumer.entry.is_some(), fenced: false },
            Action::Fence(..) => {
                if let Stage::Opened { fenced, .. } = &mut turn.stage {
                    *fenced = true;
                }
                consumer.target.version = 1;
                self.forget_version(at);
            }
            Action::Look(..) => {
                let present = consumer.target.observe();
                self.look(at, controller, present, scope);
            }
            Action::LookBack(..) => {
                let past = consumer.past.unwrap_or_else(|| consumer.target.observe());
                self.look(at, controller, past, scope);
            }
            Action::Plan(_, _, wanted) => self.reserve(at, controller, wanted, scope),
            Action::Send(_, _, fate) => self.send(at, controller, fate, scope),
            _ => turn.calm = Calm::Settled,
        }
    }

    fn look(&mut self, at: usize, controller: usize, workload: Workload, scope: &Scope) {
        let other =
            self.consumers[1 - at].entry.clone().filter(|_| scope.omits(Omission::CompareAndSwap)).map(Box::new);
        let consumer = &mut self.consumers[at];
        let in_doubt = consumer.reckons_with_a_write(controller);
        let lowering = consumer.known().and_then(|entry| entry.lowering);
        let turn = &mut consumer.turns[controller];
        let (unchanged, fenced) = match turn.stage {
            Stage::Opened { release, fenced } => (release, fenced),
            _ => (consumer.entry.is_some(), false),
        };
        let no_write_arrives = match scope.discipline {
            Discipline::Waits => !in_doubt || scope.omits(Omission::AwaitWrites),
            Discipline::Fences => fenced,
        };
        let ecs = scope.consumers[at] == Kind::EcsService;
        let seen_long_enough = !ecs || turn.calm == Calm::Settled || scope.omits(Omission::AwaitLag);
        let lowering = lowering.filter(|_| !seen_long_enough);
        // The wait after a start is longer than a service lags.
        let started = scope.has(Event::Crash);
        if turn.calm == Calm::NotSeen && ecs {
            turn.calm = Calm::Seen;
        }
        let holds_back = !scope.omits(Omission::AwaitLowering) && !scope.omits(Omission::HoldLowering);
        let rollout = match workload.rollout {
            _ if ecs && in_doubt && !scope.omits(Omission::AwaitWrites) => Rollout::NotObserved,
            _ if lowering.is_some() && !scope.omits(Omission::AwaitLowering) => Rollout::NotObserved,
            Rollout::NotObserved if scope.omits(Omission::AwaitGeneration) => Rollout::Settled,
            Rollout::InProgress if scope.omits(Omission::AwaitRollout) => Rollout::Settled,
            rollout => rollout,
        };
        let terminating = if scope.omits(Omission::CountTerminating) { Replicas::ZERO } else { workload.terminating };
        turn.stage = Stage::Seen {
            workload: Workload { rollout, terminating, ..workload },
            fresh: true,
            release: unchanged && no_write_arrives && seen_long_enough,
            lowered: lowering.filter(|_| holds_back).map(|lowered| lowered.0),
            in_doubt: (in_doubt || started && !seen_long_enough)
                && scope.has(Event::LoseLedger)
                && !scope.omits(Omission::AwaitLost),
            other,
        };
    }

    /// Plans on the newest ledger, and stores: the compare-and-swap was refused until it was that one.
    fn reserve(&mut self, at: usize, controller: usize, wanted: u32, scope: &Scope) {
        let stage = std::mem::take(&mut self.consumers[at].turns[controller].stage);
        let Stage::Seen { workload, fresh, release, lowered, in_doubt, other } = stage else { return };
        if in_doubt && self.consumers[at].known().is_none() {
            return;
        }
        // The number desired may be of the past, and what seems to lower it once more would raise it in truth.
        let wanted = if lowered.is_some_and(|lowered| wanted > lowered) { workload.desired.0 } else { wanted };
        if let Some(other) = other {
            self.consumers[1 - at].entry = Some(*other);
        }
        let Answer { entry, write } = self.planned(at, workload, wanted, release, scope);
        if self.consumers[at].scaler == Scaler::MadeAgain {
            self.consumers[at].scaler = Scaler::There;
        }
        let raise = write.is_some_and(|replicas| replicas > workload.desired);
        let write = write.map(|replicas| replicas.0);
        match (entry, write) {
            (Some(entry), Some(replicas)) if scope.omits(Omission::StoreFirst) => {
                if fresh {
                    self.write(at, replicas);
                }
                self.consumers[at].turns[controller].stage = Stage::Wrote(Box::new(entry));
            }
            (entry, write) => {
                if let Some(entry) = entry {
                    let entry = self.first_charge(at, entry, &workload, scope);
                    let by_hand = self.consumers[at].by_hand;
                    if matches!(by_hand, ByHand::Seen(_)) || (fresh && by_hand == ByHand::Unseen) {
                        self.consumers[at].by_hand = ByHand::Seen(workload.desired.max(workload.live()).0);
                    }
                    self.store(at, entry, raise.then_some(workload), scope);
                }
                let stage = write.map_or(Stage::Idle, |replicas| Stage::Reserved { replicas, fresh });
                self.consumers[at].turns[controller].stage = stage;
            }
        }
    }

    /// What one turn's plan stores and writes.
    fn planned(&self, at: usize, workload: Workload, wanted: u32, release: bool, scope: &Scope) -> Answer {
        let uncharged = self.consumers[1 - at].is_uncharged() && !scope.omits(Omission::ChargeAll);
        let growth = match uncharged {
            true if scope.omits(Omission::StopUncharged) => Grows::WithinItsGrant,
            true => Grows::OnceAllAreCharged,
            false => Grows::Now,
        };
        let new = self.consumers[at].known().is_none();
        let rollout = match workload.rollout {
            Rollout::NotObserved if new && scope.omits(Omission::ChargeObserved) => Rollout::Settled,
            rollout => rollout,
        };
        let workload = Workload { rollout, ..workload };
        let mut entries = self.consumers.each_ref().map(|consumer| consumer.entry.clone());
        // What was granted by a ledger that is lost was granted.
        entries[at] = self.consumers[at].known().cloned();
        if scope.omits(Omission::Grants)
            && let Some(other) = &mut entries[1 - at]
        {
            other.grant = Connections(self.live(1 - at));
        }
        let capacity = match scope.omission {
            Some(Omission::ShrinkAtOnce) => Capacity::fixed(Connections(scope.capacity)),
            Some(Omission::FreezeUnread) => Capacity::fixed(Connections(self.limit())),
            _ => self.capacity,
        };
        let lost = self.consumers[at].remembered.clone().filter(|_| self.consumers[at].entry.is_none());
        let question = Question {
            at,
            capacity,
            on_shrink: scope.on_shrink,
            entries,
            footprint: scope.footprint(scope.consumers[at]),
            workload,
            wanted: Replicas(wanted),
            growth,
            release: release || scope.omits(Omission::ReleaseVersion),
        };
        let Answer { entry, write } = question.answer();
        // An entry that was lost is stored again though the plan does not change it.
        Answer { entry: entry.or(lost), write }
    }

    /// What is stored of a first charge.
    fn first_charge(&self, at: usize, entry: Entry, workload: &Workload, scope: &Scope) -> Entry {
        if self.consumers[at].known().is_some() {
            return entry;
        }
        let grant = match scope.omission {
            Some(Omission::ChargePeak) => Connections(workload.live().0),
            Some(Omission::ChargeLive) => {
                scope.footprint(scope.consumers[at]).connections(workload.desired, Replicas::ZERO)
            }
            _ => entry.grant,
        };
        Entry { grant, ..entry }
    }

    /// Stores an entry, for a raise from what was seen if it is one.
    pub(crate) fn store(&mut self, at: usize, entry: Entry, raised_from: Option<Workload>, scope: &Scope) {
        let consumer = &mut self.consumers[at];
        let grant = entry.grant;
        let before = consumer.entry.replace(entry);
        consumer.remembered = None;
        if !scope.omits(Omission::ReleaseVersion) {
            consumer.turns.iter_mut().for_each(Turn::forbid_release);
        }
        if let Some(stray) = &mut consumer.stray {
            stray.unchanged = false;
        }
        if let Some(seen) = raised_from {
            let held = before.map_or(grant, |before| before.grant.max(Connections(seen.live().0)));
            self.breach = match self.breach {
                None if self.spoken_for() > self.limit() => Some(Breach::GrewOverBudget),
                None if self.capacity.frozen() && grant > held => Some(Breach::GrewUnread),
                breach => breach,
            };
        }
    }

    /// Everybody else wants `wanted` connections, and uses what it is granted of them at once.
    pub(crate) fn rest(&mut self, wanted: u32, scope: &Scope) {
        let at = CONSUMERS - 1;
        let workload = self.consumers[at].target.observe();
        let known = self.consumers[at].entry.is_some();
        let Answer { entry, write } = self.planned(at, workload, wanted, known, scope);
        let raised_from = write.is_some_and(|replicas| replicas > workload.desired).then_some(workload);
        if let Some(entry) = entry {
            self.store(at, entry, raised_from, scope);
        }
        if let Some(replicas) = write {
            self.consumers[at].target = Target::at_rest(Way::Deployment, replicas.0);
        }
        let now = self.consumers[at].target.observe();
        let Answer { entry, .. } = self.planned(at, now, now.desired.0, true, scope);
        if let Some(entry) = entry {
            self.store(at, entry, None, scope);
        }
    }
}
