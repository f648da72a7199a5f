//! What was recommended within the stabilization windows, kept as runs: only what can still matter.

use alloc::vec::Vec;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{policy::Behavior, units::Replicas};

/// Runs kept at most in each direction. Beyond it the two oldest become one that holds for as long as both.
const KEPT: usize = 24;

/// A recommendation that ended less than this ago is stored as if it lasted.
const LINGERS: SignedDuration = SignedDuration::from_mins(1);

/// A number that was recommended for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Run {
    /// The number.
    pub replicas: Replicas,
    /// When it was first recommended.
    pub from: Timestamp,
    /// When it was last recommended; none while it still is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What was recommended, oldest first, as far as a stabilization window may look at it.
///
/// A window up follows the least number in it and a window down the largest. So of the numbers before a given one, a window up needs
/// only the smaller ones and a window down only the larger ones: each list is strictly monotone, and a number that comes and goes
/// leaves one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Recommendations {
    /// For the window of scale-up: each larger than the one before.
    pub scale_up: Vec<Run>,
    /// For the window of scale-down: each smaller than the one before.
    pub scale_down: Vec<Run>,
}

impl Recommendations {
    /// Notes what is recommended now; what was recommended before ended when it was `looked` at last.
    pub(crate) fn note(&mut self, replicas: Replicas, looked: Option<Timestamp>, behavior: &Behavior, now: Timestamp) {
        let looked = looked.unwrap_or(now).min(now);
        note(&mut self.scale_up, |earlier| earlier < replicas, replicas, looked, now);
        note(&mut self.scale_down, |earlier| earlier > replicas, replicas, looked, now);
        self.forget(behavior, now);
    }

    /// Notes for the window of scale-down alone that nothing speaks for less than `replicas` up to now. A window of scale-up needs no
    /// such word: it would keep a workload from growing.
    pub(crate) fn hold(&mut self, replicas: Replicas, looked: Option<Timestamp>, behavior: &Behavior, now: Timestamp) {
        let held = self.scale_down.last().is_some_and(|last| last.replicas == replicas);
        if !held {
            let looked = looked.unwrap_or(now).min(now);
            note(&mut self.scale_down, |earlier| earlier > replicas, replicas, looked, now);
        }
        if let Some(last) = self.scale_down.last_mut() {
            last.until = Some(now);
        }
        self.forget(behavior, now);
    }

    /// Takes for recommended still what was so a moment ago.
    pub(crate) fn reopen(&mut self, now: Timestamp) {
        for run in self.scale_up.iter_mut().chain(&mut self.scale_down) {
            run.until = run.until.filter(|until| now.duration_since(*until) >= LINGERS);
        }
    }

    /// Drops what no window looks at any more.
    pub(crate) fn forget(&mut self, behavior: &Behavior, now: Timestamp) {
        let lists =
            [(&mut self.scale_up, behavior.scale_up.window), (&mut self.scale_down, behavior.scale_down.window)];
        for (runs, window) in lists {
            // A run of the future is one of a clock that was set back: it counts from now.
            for run in runs.iter_mut() {
                run.until = run.until.map(|until| until.min(now));
            }
            runs.retain(|run| window > SignedDuration::ZERO && run.within(window, None, now));
        }
    }

    /// The recommendation within the window of scale-up that is the least, if it is less than what is recommended now.
    pub(crate) fn least(
        &self,
        now_recommended: Replicas,
        window: SignedDuration,
        looked: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Run> {
        first_within(&self.scale_up, window, looked, now).filter(|run| run.replicas < now_recommended)
    }

    /// The recommendation within the window of scale-down that is the largest, if it is more than what is recommended now.
    pub(crate) fn largest(
        &self,
        now_recommended: Replicas,
        window: SignedDuration,
        looked: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Run> {
        first_within(&self.scale_down, window, looked, now).filter(|run| run.replicas > now_recommended)
    }

    /// Whether a decision from `self` holds wherever one from `other` does.
    pub(crate) fn cover(&self, other: &Self) -> bool {
        let lasts = |mine: &Run, theirs: &Run| match (mine.until, theirs.until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => mine >= theirs,
        };
        let up = other
            .scale_up
            .iter()
            .all(|theirs| self.scale_up.iter().any(|mine| mine.replicas <= theirs.replicas && lasts(mine, theirs)));
        let down = other
            .scale_down
            .iter()
            .all(|theirs| self.scale_down.iter().any(|mine| mine.replicas >= theirs.replicas && lasts(mine, theirs)));
        up && down
    }
}

impl Run {
    /// Whether it was recommended strictly less than `window` ago, as in the HPA. What is still recommended was so at the last look.
    fn within(&self, window: SignedDuration, looked: Option<Timestamp>, now: Timestamp) -> bool {
        match self.until.or(looked) {
            Some(until) => now.duration_since(until) < window,
            None => true,
        }
    }
}

/// The oldest run within the window: in a monotone list the one to follow.
fn first_within(runs: &[Run], window: SignedDuration, looked: Option<Timestamp>, now: Timestamp) -> Option<Run> {
    runs.iter().find(|run| run.within(window, looked, now)).copied()
}

/// Adds a run to a list that keeps those of the earlier ones which `matters` still.
fn note(
    runs: &mut Vec<Run>,
    matters: impl Fn(Replicas) -> bool,
    replicas: Replicas,
    looked: Timestamp,
    now: Timestamp,
) {
    if runs.last().is_some_and(|last| last.replicas == replicas && last.until.is_none()) {
        return;
    }
    if let Some(last) = runs.last_mut() {
        last.until.get_or_insert(looked);
    }
    runs.retain(|run| matters(run.replicas));
    runs.push(Run { replicas, from: now, until: None });
    if runs.len() > KEPT
        && let [first, second, ..] = runs.as_mut_slice()
    {
        first.until = second.until;
        runs.remove(1);
    }
}
