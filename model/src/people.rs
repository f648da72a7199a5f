//! What people do behind the operator's back: they lose its ledger, scale by hand, delete scalers and make them again.

use hybridscaler_core::{
    Connections,
    budget::{Control, Entry},
    observation::Rollout,
};

use crate::{
    scope::{Kind, Omission, Scope},
    turn::{Stage, Turn},
    world::{CONSUMERS, Consumer, World},
};

/// The entries of the ledger.
pub(crate) type Entries = [Option<Entry>; CONSUMERS];

/// A consumer's scaler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Scaler {
    #[default]
    There,
    /// What it was charged for stays in the ledger: a stray entry.
    Deleted,
    /// Under its old name; the entry is of the one before.
    MadeAgain,
}

/// Whether a person scaled a target, so that more may live there than was granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum ByHand {
    #[default]
    No,
    Unseen,
    /// Its scaler has seen so many replicas, and charged for them.
    Seen(u32),
}

/// What was seen of the target of a stray entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stray {
    /// The replicas to charge for; none when nothing is left, and nothing will come.
    live: Option<u32>,
    /// The entry is as it was before the look.
    pub(crate) unchanged: bool,
}

impl World {
    /// The ledger is gone: its status was wiped, or its object was deleted and made again.
    pub(crate) fn lose_ledger(&mut self, scope: &Scope) {
        for consumer in &mut self.consumers {
            let lost = consumer.entry.take();
            consumer.remembered = lost.or(consumer.remembered.take()).filter(|_| !scope.omits(Omission::Remember));
        }
    }

    /// The cluster is restored from a backup, which has no statuses: the ledger is lost, and the operator starts anew.
    pub(crate) fn restore_cluster(&mut self, scope: &Scope) {
        self.lose_ledger(scope);
        for controller in 0..scope.controllers {
            self.replace(controller, scope, false);
        }
    }

    /// Whether nothing but pods is under way, as it is by the time that a cluster is restored; a Deployment may be unobserved.
    pub(crate) fn is_quiet(&self, scope: &Scope) -> bool {
        self.consumers.iter().zip(scope.consumers).all(|(consumer, kind)| {
            let shows = kind != Kind::EcsService || (consumer.past.is_none() && consumer.target.caught_up());
            consumer.no_write_is_under_way() && shows
        })
    }

    /// Somebody keeps a copy of the ledger.
    pub(crate) fn copy_ledger(&mut self) {
        self.copy = Some(Box::new(self.consumers.each_ref().map(|consumer| consumer.entry.clone())));
    }

    /// The copy is put in the ledger's place.
    pub(crate) fn restore_ledger(&mut self) {
        let entries = self.copy.take().map(|copy| *copy).unwrap_or_default();
        for (consumer, entry) in self.consumers.iter_mut().zip(entries) {
            consumer.entry = entry;
        }
    }

    pub(crate) fn scale_by_hand(&mut self, at: usize, replicas: u32) {
        self.write(at, replicas);
        self.consumers[at].by_hand = ByHand::Unseen;
        self.consumers[at].turns.iter_mut().for_each(Turn::look_anew);
    }

    pub(crate) fn delete_scaler(&mut self, at: usize, scope: &Scope) {
        let consumer = &mut self.consumers[at];
        consumer.scaler = Scaler::Deleted;
        if scope.omits(Omission::KeepStrays) {
            consumer.entry = None;
        }
    }

    pub(crate) fn make_scaler(&mut self, at: usize) {
        let consumer = &mut self.consumers[at];
        consumer.remembered = None;
        let charged = consumer.entry.is_some();
        consumer.scaler = if charged { Scaler::MadeAgain } else { Scaler::There };
        for (controller, turn) in consumer.turns.iter_mut().enumerate() {
            *turn = Turn::default();
            if let Some(late) = &mut consumer.late {
                late.known_to[controller] = charged;
            }
        }
    }

    /// The budget's reconcile looks at the target of an entry without a scaler.
    pub(crate) fn look_for_stray(&mut self, at: usize, back: bool, scope: &Scope) {
        let consumer = &mut self.consumers[at];
        let seen = consumer.past.filter(|_| back).unwrap_or_else(|| consumer.target.observe());
        let gone = seen.desired.0 == 0 && seen.live().0 == 0;
        let all_has_come = consumer.no_write_is_under_way() || scope.omits(Omission::AwaitWritesOfStrays);
        let caught_up = match scope.consumers[at] {
            Kind::EcsService => consumer.past.is_none() && consumer.target.caught_up(),
            Kind::Deployment | Kind::Rest => seen.rollout != Rollout::NotObserved,
        };
        let all_shows = caught_up || scope.omits(Omission::AwaitSightOfStrays);
        let live = (!gone || !all_has_come || !all_shows).then_some(seen.live().0);
        consumer.stray = Some(Stray { live, unchanged: true });
    }

    /// It enters what it found, if the entry is still as it was before.
    pub(crate) fn settle_stray(&mut self, at: usize, scope: &Scope) {
        let consumer = &mut self.consumers[at];
        let Some(Stray { live, unchanged }) = consumer.stray.take() else { return };
        let Some(entry) = consumer.entry.clone().filter(|_| unchanged || scope.omits(Omission::StrayVersion)) else {
            return;
        };
        match live {
            None => consumer.entry = None,
            Some(live) => {
                let grant = entry.grant.max(Connections(live));
                let next = Entry { grant, control: Control::Watching, ..entry.clone() };
                if next != entry {
                    self.store(at, next, None, scope);
                }
            }
        }
    }

    /// A target that a person scaled counts again once it has come to rest, within a grant.
    pub(crate) fn forgive(&mut self) {
        let mut beyond = false;
        for consumer in &mut self.consumers {
            if consumer.by_hand == ByHand::No {
                continue;
            }
            let granted = consumer.entry.as_ref().is_some_and(|entry| consumer.target.may_live() <= entry.grant.0);
            if granted && consumer.target.is_at_rest() && consumer.no_write_is_under_way() {
                consumer.by_hand = ByHand::No;
            }
            beyond = true;
            self.over = true;
        }
        let beyond = beyond || self.consumers.iter().any(Consumer::is_uncharged);
        self.over = self.over && (beyond || self.granted() > self.limit());
    }

    /// Connections that are granted, or were seen to be taken by somebody who was not granted them.
    pub(crate) fn spoken_for(&self) -> u32 {
        let seen = |by_hand: ByHand| if let ByHand::Seen(replicas) = by_hand { replicas } else { 0 };
        let each =
            |consumer: &Consumer| consumer.entry.as_ref().map_or(0, |entry| entry.grant.0).max(seen(consumer.by_hand));
        self.consumers.iter().map(each).sum()
    }
}

impl Consumer {
    /// Whether every write that was on its way when the scaler was deleted has been carried out, or never will be.
    fn no_write_is_under_way(&self) -> bool {
        self.late.is_none_or(|late| late.paused) && self.turns.iter().all(|turn| turn.stage == Stage::Idle)
    }
}
