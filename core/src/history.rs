//! What was done before, as far as a later decision depends on it. It is kept in the scaler's status, so a restart forgets nothing.

use core::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{observation::Workload, policy::Behavior, units::Replicas};

/// A change that has not settled after this long is given up waiting for: its cooldown starts then (reason `SettleTimeout`).
///
/// Replicas that crash or find no place would otherwise hold up every later decision.
pub const SETTLE_TIMEOUT: SignedDuration = SignedDuration::from_secs(300);

/// The newest change in each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The newest change to more replicas whose cooldown was not cancelled.
    pub scale_up: Option<Activity>,
    /// The newest change to fewer replicas whose cooldown was not cancelled.
    pub scale_down: Option<Activity>,
}

/// One change of a target's replicas that we made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
pub enum Settled {
    /// As many replicas run as were asked for.
    AtRest,
    /// [`SETTLE_TIMEOUT`] passed before that.
    SettleTimeout,
}

impl History {
    /// The history after one more look at the workload: changes that have arrived, or waited [`SETTLE_TIMEOUT`], are marked settled.
    #[must_use]
    pub fn observed(self, workload: &Workload, now: Timestamp) -> Self {
        let see = |activity: Activity| activity.observed(workload, now);
        Self { scale_up: self.scale_up.map(see), scale_down: self.scale_down.map(see) }
    }

    /// The history after the target accepted to run `to` replicas where it stood at `before`.
    ///
    /// A scale-up ends the scale-down cooldown; in a scale-up cooldown it keeps the capacity that the first one started from.
    #[must_use]
    pub fn scaled(self, before: &Workload, to: Replicas, cooldowns: &Behavior, now: Timestamp) -> Self {
        let change = |base| Activity { base, to, at: now, settled: None };
        match to.cmp(&before.desired) {
            Ordering::Equal => self,
            Ordering::Greater => {
                let base = self.base(cooldowns.scale_up.cooldown, now).unwrap_or(before.running);
                Self { scale_up: Some(change(base)), scale_down: None }
            }
            Ordering::Less => {
                let scale_up = self.scale_up.map(|up| up.superseded(now));
                Self { scale_up, scale_down: Some(change(before.running)) }
            }
        }
    }

    /// The replicas that ran before the lasting scale-up cooldown; `None` when none lasts.
    pub(crate) fn base(&self, cooldown: SignedDuration, now: Timestamp) -> Option<Replicas> {
        let lasting = self.scale_up.filter(|up| up.cooling(cooldown, now) != Cooling::Over);
        lasting.map(|up| up.base)
    }
}

impl Activity {
    /// How far this change's cooldown has come at `now`.
    #[must_use]
    pub fn cooling(&self, cooldown: SignedDuration, now: Timestamp) -> Cooling {
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

    /// The change after another one took its place: it will not settle any more, so its clock starts.
    fn superseded(self, now: Timestamp) -> Self {
        Self { settled: self.settled.or(Some(now)), ..self }
    }
}

/// `instant + time`, held within the representable range; a negative time counts as none.
fn after(instant: Timestamp, time: SignedDuration) -> Timestamp {
    instant.checked_add(time.max(SignedDuration::ZERO)).unwrap_or(Timestamp::MAX)
}
