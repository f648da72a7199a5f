//! What was done before, as far as a later decision depends on it. It is kept in the scaler's status, so a restart forgets nothing.

use alloc::vec::Vec;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    bounds::Bounds,
    observation::{Observation, Workload},
    policy::{Outage, Policy},
    units::Replicas,
};

pub(crate) mod event;
mod idleness;
mod recommendations;
mod trend;

pub use event::ScaleEvent;
pub(crate) use event::{added, removed};
pub use recommendations::{Recommendations, Run};
pub use trend::{Standstill, Trend};

/// A change that has not settled after this long is given up waiting for: its cooldown starts then (reason `SettleTimeout`).
///
/// Replicas that crash or find no place would otherwise hold up every later decision.
pub const SETTLE_TIMEOUT: SignedDuration = SignedDuration::from_secs(300);

/// Evidence that nothing is to be done is believed once it has lasted this long: SQS's counts may take "at least 1 minute after the
/// producers stop sending messages" to agree (`GetQueueAttributes`, API reference).
pub const EVIDENCE: SignedDuration = SignedDuration::from_secs(60);

/// What was done and recommended before, as far as a later decision depends on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct History {
    /// When the workload was first looked at; none: never.
    pub since: Option<Timestamp>,
    /// When it was last looked at.
    pub looked: Option<Timestamp>,
    /// When the signals last told enough for a recommendation; none: not since the process started.
    pub told: Option<Timestamp>,
    /// What it was told to run, when it was last looked at or written.
    pub desired: Option<Replicas>,
    /// The newest change to more replicas whose cooldown was not cancelled.
    pub scale_up: Option<Activity>,
    /// The newest change to fewer replicas whose cooldown was not cancelled.
    pub scale_down: Option<Activity>,
    /// What was recommended within the stabilization windows.
    pub recommendations: Recommendations,
    /// Changes within the longest period of the rate policies.
    pub events: Vec<ScaleEvent>,
    /// Since when every trigger that could be active was read as idle, in one row of readings.
    pub idle_since: Option<Timestamp>,
    /// How each queue has moved, by trigger.
    pub trends: Vec<Trend>,
}

/// One change of a target's replicas that we made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Activity {
    /// Replicas that ran before the first change of this cooldown: the base that ratio triggers count from while it lasts.
    pub base: Replicas,
    /// Replicas asked for.
    pub to: Replicas,
    /// When the target accepted the change.
    pub at: Timestamp,
    /// When the change settled (or was given up waiting for): the cooldown's clock starts here.
    pub settled: Option<Timestamp>,
}

/// How far a cooldown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all_fields = "camelCase")]
pub enum Cooling {
    /// It is over.
    Over,
    /// The change has not settled, so its clock has not started.
    Settling {
        /// When it ends at the latest.
        latest: Timestamp,
    },
    /// Its clock runs.
    Until {
        /// When it ends.
        end: Timestamp,
        /// What started the clock.
        since: Settled,
    },
}

/// How a change was found settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub enum Settled {
    /// As many replicas run as were asked for.
    AtRest,
    /// [`SETTLE_TIMEOUT`] passed before that.
    SettleTimeout,
}

impl History {
    /// Takes note of one more look, before it is decided on: of changes that have arrived, or waited [`SETTLE_TIMEOUT`]; of how queues
    /// moved; of idleness.
    ///
    /// On the first look of a process, what runs counts as recommended (as in the HPA), and so does until now what was recommended
    /// when the history was stored: nothing is scaled in before a window has passed. A scale-up that has arrived is no base to count less
    /// from: it may have done so before. A desired number that nobody is known to have set
    /// counts as a change made now, with its cooldown: it may be our own, written before a crash or without an answer.
    pub fn observed(&mut self, policy: &Policy, seen: &Observation, now: Timestamp) {
        let workload = &seen.workload;
        if self.since.is_none() {
            self.since = Some(now);
            self.start_scale_down_cooldown(workload, now);
        }
        let first = self.looked.is_none();
        // A look of the future is one of a clock that was set back.
        self.looked = Some(self.looked.map_or(now, |looked| looked.min(now)));
        self.told = self.told.map(|told| told.min(now));
        if first {
            self.scale_up = self.scale_up.map(|up| up.resumed(workload));
            self.recommendations.note(workload.desired, self.looked, &policy.behavior, now);
        }
        for activity in [&mut self.scale_up, &mut self.scale_down].into_iter().flatten() {
            *activity = activity.observed(workload, now);
        }
        self.note_change_by_others(policy, seen, now);
        trend::observe(&mut self.trends, policy, seen, now);
        self.idle_since = idleness::since(self.idle_since, policy, seen, now);
        self.forget(policy, now);
    }

    /// Takes note of what was recommended at this look, after it was decided on.
    pub fn recommended(&mut self, recommendation: Replicas, policy: &Policy, now: Timestamp) {
        self.recommendations.note(recommendation, self.looked, &policy.behavior, now);
        (self.looked, self.told) = (Some(now), Some(now));
    }

    /// Takes note that the signals told too little for a recommendation at this look. Once that has lasted for a whole window of
    /// scale-down, nothing in it proves that fewer replicas are enough, so what runs counts as recommended ([`Outage::Hold`]).
    ///
    /// A shorter gap leaves the readings on both its sides in the window. If it counted too, one failed poll in every window would keep
    /// a workload from shrinking for ever.
    pub fn untold(&mut self, workload: &Workload, policy: &Policy, now: Timestamp) {
        let behavior = &policy.behavior;
        let lasted = self.told.is_none_or(|told| now.duration_since(told) >= behavior.scale_down.window);
        if lasted && behavior.outage == Outage::Hold {
            self.recommendations.hold(workload.desired, self.looked, behavior, now);
        }
    }

    /// Takes note that the target accepted to run `to` replicas where it stood at `before`.
    ///
    /// A scale-up ends the scale-down cooldown; in a scale-up cooldown it keeps the capacity that the first one started from.
    pub fn scaled(&mut self, before: &Workload, to: Replicas, policy: &Policy, now: Timestamp) {
        if to == before.desired {
            return;
        }
        self.note_activity(before, to, policy, now);
        self.note_event(policy, ScaleEvent::between(before.desired, to, now));
        self.desired = Some(to);
    }

    /// Whether a process that starts from `stored` might do what one that remembers `self` would not: then `self` has to be stored.
    ///
    /// What is recommended when it is stored counts as recommended until a process starts from it, so a recommendation that merely
    /// went away needs no write.
    #[must_use]
    pub fn outgrew(&self, stored: &Self) -> bool {
        self.since.is_some() != stored.since.is_some()
            || self.desired != stored.desired
            || self.scale_up != stored.scale_up
            || self.scale_down != stored.scale_down
            || self.events.iter().any(|event| !stored.events.contains(event))
            || !stored.recommendations.cover(&self.recommendations)
    }

    /// The history to store at `now`: recommendations that ended only just count as if they still lasted, so that a number that comes
    /// and goes is not a write each time.
    #[must_use]
    pub fn to_store(&self, now: Timestamp) -> Self {
        let mut stored = self.clone();
        stored.recommendations.reopen(now);
        stored
    }

    /// The history with which a process starts that finds this one stored: what was seen by another process, and might have changed
    /// unseen since, is not evidence.
    #[must_use]
    pub fn resumed(self) -> Self {
        Self { looked: None, told: None, idle_since: None, trends: Vec::new(), ..self }
    }

    /// The replicas that ran before the lasting scale-up cooldown; `None` when none lasts.
    pub(crate) fn base(&self, cooldown: SignedDuration, now: Timestamp) -> Option<Replicas> {
        let lasting = self.scale_up.filter(|up| up.cooling(cooldown, now) != Cooling::Over);
        lasting.map(|up| up.base)
    }

    /// Whether the replicas are none because we made them none.
    pub(crate) fn went_to_zero(&self) -> bool {
        self.scale_down.is_some_and(|down| down.to == Replicas::ZERO)
    }

    /// What ran at the first look of all may have been started a moment ago, by a process that could not store it: it is given the time of
    /// a cooldown. Zero is left alone, since nothing is below it, and whose zero it is must not be mistaken.
    fn start_scale_down_cooldown(&mut self, workload: &Workload, now: Timestamp) {
        if workload.desired > Replicas::ZERO && self.scale_down.is_none() {
            let Workload { running: base, desired: to, .. } = *workload;
            self.scale_down = Some(Activity { base, to, at: now, settled: Some(now) });
        }
    }

    /// Zero replicas where the policy would never go there are a person's pause, which starts nothing. A read that is older than our
    /// write looks like a change back; the next one, like a change made then, starts the cooldown anew.
    fn note_change_by_others(&mut self, policy: &Policy, seen: &Observation, now: Timestamp) {
        let desired = seen.workload.desired;
        if let Some(known) = self.desired.replace(desired).filter(|known| *known != desired) {
            // It happened at some time since the last look: it limits as if it were new, and frees as if it were old.
            let old = now.checked_sub(event::longest_period(&policy.behavior)).unwrap_or(Timestamp::MIN);
            self.note_event(policy, ScaleEvent { until: Some(now), ..ScaleEvent::between(known, desired, old) });
            if desired > Replicas::ZERO || Bounds::of(policy, seen).rest == Replicas::ZERO {
                let before = Workload { desired: known, running: seen.workload.running.min(known), ..seen.workload };
                self.note_activity(&before, desired, policy, now);
            }
        }
    }

    fn note_activity(&mut self, before: &Workload, to: Replicas, policy: &Policy, now: Timestamp) {
        let change = |base| Activity { base, to, at: now, settled: None };
        if to > before.desired {
            let base = self.base(policy.behavior.scale_up.cooldown, now).unwrap_or(before.running);
            self.scale_up = Some(change(base));
            self.scale_down = None;
        } else {
            self.scale_up = self.scale_up.map(|up| up.superseded(to, now));
            self.scale_down = Some(change(before.running));
        }
    }

    fn note_event(&mut self, policy: &Policy, event: ScaleEvent) {
        let longest = event::longest_period(&policy.behavior);
        if longest > SignedDuration::ZERO {
            event::note(&mut self.events, event);
        }
    }

    fn forget(&mut self, policy: &Policy, now: Timestamp) {
        let longest = event::longest_period(&policy.behavior);
        // An event of the future is one of a clock that was set back: it counts from now.
        self.events.iter_mut().for_each(|event| event.held_at(now));
        self.events.retain(|event| now.duration_since(event.last()) < longest);
        self.recommendations.forget(&policy.behavior, now);
        self.trends.retain(|trend| policy.triggers.iter().any(|trigger| trigger.name == trend.trigger));
    }
}

impl Activity {
    /// How far this change's cooldown has come at `now`. Without a cooldown there is nothing to wait for, a change on its way
    /// included (as in the HPA).
    #[must_use]
    pub fn cooling(&self, cooldown: SignedDuration, now: Timestamp) -> Cooling {
        if cooldown <= SignedDuration::ZERO {
            return Cooling::Over;
        }
        let gives_up = after(self.at.min(now), SETTLE_TIMEOUT);
        let (start, since) = match self.settled {
            Some(settled) if settled == after(self.at, SETTLE_TIMEOUT) => (settled, Settled::SettleTimeout),
            Some(settled) => (settled, Settled::AtRest),
            None if now < gives_up => {
                return Cooling::Settling { latest: after(gives_up, cooldown) };
            }
            None => (gives_up, Settled::SettleTimeout),
        };
        let end = after(start.min(now), cooldown);
        if now < end { Cooling::Until { end, since } } else { Cooling::Over }
    }

    /// The change at the first look of a process. One that has arrived may have done so long ago, unseen, and what it started from would
    /// make a need look smaller than it was to whoever saw it.
    fn resumed(self, workload: &Workload) -> Self {
        let arrived = self.settled.is_none() && workload.running >= self.to;
        Self { base: if arrived { self.base.max(self.to) } else { self.base }, ..self }
    }

    /// The change after one more look at the workload.
    fn observed(self, workload: &Workload, now: Timestamp) -> Self {
        let at = self.at.min(now);
        let settled = match self.settled {
            Some(settled) => Some(settled.min(now)),
            None if workload.at_rest() && workload.desired == self.to => Some(now),
            None => Some(after(at, SETTLE_TIMEOUT)).filter(|gives_up| *gives_up <= now),
        };
        Self { at, settled, ..self }
    }

    /// The change after one to fewer replicas took its place: it will not settle any more, so its clock starts; and what is gone is no
    /// base to count from.
    fn superseded(self, to: Replicas, now: Timestamp) -> Self {
        Self { base: self.base.min(to), settled: self.settled.or(Some(now)), ..self }
    }
}

/// `instant + time`, held within the representable range; a negative time counts as none.
pub(crate) fn after(instant: Timestamp, time: SignedDuration) -> Timestamp {
    instant.checked_add(time.max(SignedDuration::ZERO)).unwrap_or(Timestamp::MAX)
}
