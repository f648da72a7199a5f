//! One consumer's entry during its turn, charged as it is.

use alloc::{
    borrow::Cow,
    string::{String, ToString},
    vec::Vec,
};
use core::cmp::Reverse;

use super::{Growth, Turn};
use crate::{
    budget::{Cheaper, Control, Entry, Footprint, Holder, Ledger, Surplus, Waiting, drain},
    observation::Rollout,
    units::{Connections, Replicas},
};

/// An entry, what it was before the turn, and the ledger it stands in.
pub(super) struct Account<'a> {
    pub(super) turn: &'a Turn<'a>,
    /// The entry as it will be stored.
    pub(super) entry: Entry,
    /// The entry as it is stored; `None` for a consumer that was never charged.
    before: Option<Entry>,
    ledger: Cow<'a, Ledger>,
}

impl<'a> Account<'a> {
    /// Opens the consumer's entry and charges it for what is there, beyond the capacity if need be.
    pub(super) fn open(ledger: &'a Ledger, turn: &'a Turn<'a>) -> Self {
        let ledger = match ledger.entries.get(turn.consumer) {
            Some(entry) if entry.target != turn.target => Cow::Owned(ledger.clone().set_aside(turn.consumer)),
            _ => Cow::Borrowed(ledger),
        };
        let before = ledger.entries.get(turn.consumer).cloned();
        let entry = before.clone().map_or_else(|| adopt(turn), |entry| recharge(entry, turn));
        let mut account = Self { turn, entry, before, ledger };
        let there = account.there();
        if there > account.entry.grant {
            account.entry.surplus = account.surplus().or(account.entry.surplus);
            account.entry.due = None;
            account.entry.grant = there;
        }
        account
    }

    /// Whether the consumer was never charged.
    pub(super) const fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// How more came to be there than was granted, where nothing but others' doing explains it.
    fn surplus(&self) -> Option<Surplus> {
        let Entry { grant, per_replica, .. } = *self.before.as_ref()?;
        let beyond = |replicas: Replicas| replicas.connections(per_replica) > grant;
        match &self.turn.workload {
            workload if beyond(workload.desired) => Some(Surplus::ScaledByOthers),
            workload if beyond(workload.live()) => Some(Surplus::BeyondReserve),
            _ => None,
        }
    }

    /// What its replicas may open, at the rate that is charged.
    fn footprint(&self) -> Footprint {
        Footprint { per_replica: self.entry.per_replica, ..self.turn.footprint }
    }

    /// The connections of what lives, and of the rollout or evictions that the reserve covers for what is desired.
    ///
    /// Replicas that terminate are not counted a second time beside that reserve: as a rule they are its rollout or evictions.
    fn there(&self) -> Connections {
        let workload = &self.turn.workload;
        let beside =
            if self.before.is_none() { workload.terminating.plus(self.surplus_replicas()) } else { Replicas::ZERO };
        self.footprint().connections(workload.desired, beside).max(self.live())
    }

    fn live(&self) -> Connections {
        self.turn.workload.live().connections(self.entry.per_replica)
    }

    /// Replicas that leave, or will, and may live beside a later rollout.
    fn draining(&self) -> Replicas {
        let workload = &self.turn.workload;
        match workload.rollout {
            Rollout::Settled => workload.terminating.plus(self.surplus_replicas()),
            Rollout::InProgress | Rollout::NotObserved => workload.terminating,
        }
    }

    /// Replicas beyond the number desired: of a rollout, or not ended yet after a lowering.
    fn surplus_replicas(&self) -> Replicas {
        let workload = &self.turn.workload;
        workload.running.plus(workload.starting).minus(workload.desired)
    }

    /// Those, and what may live beside the rollout under way when the target is scaled up in it.
    fn leaving(&self) -> Replicas {
        let Turn { workload, wanted, footprint, .. } = self.turn;
        match workload.rollout {
            Rollout::InProgress if *wanted > workload.desired => footprint.beside_rollout(*wanted, workload),
            _ => self.draining(),
        }
    }

    /// The connections to reserve before `replicas` are asked for.
    pub(super) fn connections(&self, replicas: Replicas) -> Connections {
        self.footprint().connections(replicas, self.leaving())
    }

    /// The connections that must stay reserved now that the target has settled.
    fn needed(&self) -> Connections {
        self.connections(self.turn.workload.desired).max(self.live())
    }

    /// What everyone else was promised.
    fn others(&self) -> Connections {
        self.rivals().map(|(_, grant)| grant).sum()
    }

    fn rivals(&self) -> impl Iterator<Item = (&String, Connections)> {
        let rivals = self.ledger.entries.iter().filter(|(consumer, _)| *consumer != self.turn.consumer);
        rivals.map(|(consumer, entry)| (consumer, entry.grant))
    }

    /// What keeps every raise from happening, whatever its size.
    pub(super) fn obstacle(&self) -> Option<Waiting> {
        let workload = &self.turn.workload;
        let live = workload.running.plus(workload.starting);
        let peak = self.turn.footprint.peak(workload.desired, Replicas::ZERO);
        match self.over_by() {
            _ if let Growth::Frozen(waiting @ (Waiting::ConsumersUnknown { .. } | Waiting::Moving { .. })) =
                &self.turn.growth =>
            {
                Some(waiting.clone())
            }
            _ if workload.rollout == Rollout::NotObserved => Some(Waiting::NotObserved),
            _ if live > peak => Some(Waiting::NotSettled { live, peak }),
            // Nobody knows whether what was charged fits, so what was charged is no promise yet.
            _ if self.ledger.limit().is_none() => Some(Waiting::CapacityUnknown),
            Connections::ZERO => None,
            by => Some(Waiting::OverBudget { by }),
        }
    }

    fn over_by(&self) -> Connections {
        let granted = self.others().plus(self.entry.grant);
        self.ledger.limit().map_or(Connections::ZERO, |limit| granted.minus(limit))
    }

    /// The most replicas that the consumer's part of a budget that must shrink lets run, when more are desired.
    pub(super) fn drain(&self) -> Option<Replicas> {
        // Before everybody is known, and charged, is no time for a judgement.
        if self.before.is_none() || self.turn.growth != Growth::Allowed {
            return None;
        }
        // What this turn was to lower may not have come about.
        let own = Entry { due: None, ..self.entry.clone() };
        let others = self.ledger.entries.iter().filter(|(consumer, _)| *consumer != self.turn.consumer);
        let level = drain::level(&self.ledger, others.map(|(_, entry)| entry).chain([&own]))?;
        let replicas = self.footprint().greatest(level.min(self.entry.grant), Replicas::ZERO);
        (replicas < self.turn.workload.desired).then_some(replicas)
    }

    /// What the replicas that are drained wait for.
    pub(super) fn drained(&self) -> Waiting {
        Waiting::Drained { by: self.over_by() }
    }

    /// Notes that `replicas` are lowered to, of the consumer's own accord.
    pub(super) fn intend(&mut self, replicas: Replicas) {
        self.entry.lowering = Some(replicas);
        self.entry.due = Some(self.at_rest(replicas)).filter(|due| *due < self.entry.grant);
    }

    /// Notes that `replicas` are lowered to for the budget's sake. The others' parts were counted with all that it holds, and stay so.
    pub(super) fn intend_drain(&mut self, replicas: Replicas) {
        self.entry.lowering = Some(replicas);
        self.entry.due = None;
    }

    /// What `replicas` hold once all others have ended.
    fn at_rest(&self, replicas: Replicas) -> Connections {
        self.footprint().connections(replicas, Replicas::ZERO)
    }

    /// Gives back what the target was seen to do without.
    pub(super) fn release(&mut self) {
        self.believe_lower_rate();
        let entry = &self.entry;
        let (grant, at_rest) = (entry.grant.min(self.needed()), self.at_rest(self.turn.workload.desired));
        self.entry.due = entry.due.filter(|due| at_rest <= *due && *due < grant);
        self.entry.grant = grant;
        self.entry.lowering = None;
        // It is told for a turn at least.
        if self.over_by() == Connections::ZERO {
            self.entry.surplus =
                self.entry.surplus.filter(|_| self.before.as_ref().is_some_and(|was| was.surplus.is_none()));
        }
    }

    /// Why this consumer's grant may not grow; `Ok` with what it may grow to.
    fn room(&self) -> Result<Connections, Waiting> {
        if let Growth::Frozen(waiting) = &self.turn.growth {
            return Err(waiting.clone());
        }
        if !self.ledger.shared_with.is_empty() {
            return Err(Waiting::SharedDatabase { ledgers: self.ledger.shared_with.clone() });
        }
        match self.ledger.limit() {
            None => Err(Waiting::CapacityUnknown),
            Some(_) if self.ledger.capacity.frozen() => Err(Waiting::CapacityFrozen),
            Some(limit) => Ok(limit.minus(self.others())),
        }
    }

    /// The most replicas that may run now; never fewer than desired: lowering for the budget's sake is [`Account::drain`]'s.
    pub(super) fn allowed(&self) -> Replicas {
        let desired = self.turn.workload.desired;
        if self.over_by() > Connections::ZERO || self.ledger.limit().is_none() {
            return desired;
        }
        let room = self.room().unwrap_or(self.entry.grant);
        self.footprint().greatest(room, self.leaving()).max(desired)
    }

    /// What all the replicas wanted are short of, beyond the grant as it is now.
    pub(super) fn shortage(&self) -> Waiting {
        let room = match self.room() {
            Err(waiting) => return waiting,
            Ok(room) => room,
        };
        let mut holders: Vec<Holder> = self
            .rivals()
            .filter(|(_, grant)| *grant > Connections::ZERO)
            .map(|(consumer, grant)| Holder { consumer: consumer.clone(), grant })
            .collect();
        holders.sort_by_key(|holder| Reverse(holder.grant));
        holders.truncate(Holder::NAMED);
        let needed = self.connections(self.turn.wanted).minus(self.entry.grant);
        Waiting::Room { needed, available: room.minus(self.entry.grant), holders }
    }

    /// Whether the target was seen to do without what is not needed any more, and nothing has been promised to it since.
    pub(super) fn may_release(&self) -> bool {
        let unchanged = |entry: &Entry| self.turn.seen_version == Some(entry.version);
        self.before.as_ref().is_some_and(unchanged) && self.turn.workload.rollout == Rollout::Settled
    }

    /// Charges the lower rate once no replica lives that may hold more.
    fn believe_lower_rate(&mut self) {
        let workload = &self.turn.workload;
        let replaced = self.entry.cheaper == Some(Cheaper::RollingOut) && workload.terminating == Replicas::ZERO;
        if replaced || workload.live() == Replicas::ZERO {
            self.entry.per_replica = self.turn.footprint.per_replica;
            self.entry.cheaper = None;
        }
    }

    /// The ledger with this entry in it, if it differs from the one stored.
    pub(super) fn store_if_changed(self) -> Option<Ledger> {
        (self.before.as_ref() != Some(&self.entry)).then(|| self.store())
    }

    /// The ledger with this entry in it, under a new version.
    pub(super) fn store(self) -> Ledger {
        let Self { turn, mut entry, before: _, ledger } = self;
        entry.version = entry.version.saturating_add(1);
        let mut ledger = ledger.into_owned();
        ledger.entries.insert(turn.consumer.to_string(), entry);
        ledger
    }
}

/// The entry of a consumer that was never charged.
fn adopt(turn: &Turn<'_>) -> Entry {
    Entry {
        uid: turn.uid.to_string(),
        target: turn.target.to_string(),
        grant: Connections::ZERO,
        per_replica: turn.footprint.per_replica,
        control: control(turn),
        ..Entry::default()
    }
}

fn control(turn: &Turn<'_>) -> Control {
    match turn.growth {
        Growth::Frozen(Waiting::DryRun | Waiting::Paused) => Control::Watching,
        Growth::Allowed | Growth::Frozen(_) => Control::Active,
    }
}

/// A known consumer's entry at the rate that is charged now: a higher one at once, a lower one when old replicas are replaced.
fn recharge(mut entry: Entry, turn: &Turn<'_>) -> Entry {
    let declared = turn.footprint.per_replica;
    entry.cheaper = match turn.workload.rollout {
        _ if declared >= entry.per_replica => None,
        Rollout::InProgress => Some(Cheaper::RollingOut),
        Rollout::Settled | Rollout::NotObserved => entry.cheaper.or(Some(Cheaper::AwaitingRollout)),
    };
    entry.per_replica = declared.max(entry.per_replica);
    // It has come back to this budget.
    entry.revision = None;
    entry.uid = turn.uid.to_string();
    entry.control = control(turn);
    entry
}
