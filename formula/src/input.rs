//! What a formula may read of a trigger, and what it is worth.

use std::sync::Arc;

use hybridscaler_core::{
    Replicas,
    demand::{PodsUse, pods::Rules},
    observation::Workload,
    policy::Behavior,
    reading::{Load, Unknown, Unread},
};
use jiff::Timestamp;

/// Words that CEL keeps for itself (its specification, `RESERVED` and the literals): none of them can be an identifier.
const RESERVED: [&str; 22] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
    "math",
];

/// A trigger that a formula may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable<'a> {
    /// The trigger's name, a DNS label.
    pub trigger: &'a str,
    /// What it reads; nothing when it is a formula itself.
    pub fields: &'a [Field],
}

/// One number that a formula reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The trigger's name.
    pub trigger: Arc<str>,
    /// What of its reading.
    pub field: Field,
}

/// A number of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Messages of a queue that may be received now.
    Visible,
    /// Messages of a queue that consumers hold.
    InFlight,
    /// Messages of a queue that become visible later.
    Delayed,
    /// CPU use in percent: of what a service's tasks reserve, or of what pods request, the latter in whole percent as the HPA counts it.
    Utilization,
    /// CPU use of a pod on average, in CPUs; of pods that request CPU or not.
    AverageValue,
    /// The sum of an external metric's series.
    Value,
}

impl Field {
    /// Of a queue.
    pub const QUEUE: &'static [Self] = &[Self::Visible, Self::InFlight, Self::Delayed];
    /// Of an external metric.
    pub const EXTERNAL: &'static [Self] = &[Self::Value];

    /// Its name in formulas.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::InFlight => "inFlight",
            Self::Delayed => "delayed",
            Self::Utilization => "utilization",
            Self::AverageValue => "averageValue",
            Self::Value => "value",
        }
    }

    /// The number that `load` has for it.
    ///
    /// # Errors
    /// The load says nothing of it: no replica runs that a percentage could be taken of, no pod has a usable value, a pod requests
    /// nothing.
    pub(crate) fn of(self, load: &Load, seen: Seen<'_>) -> Result<f64, Unread> {
        match (self, load) {
            (Self::Visible, &Load::Queue { visible, .. }) => Ok(float(visible)),
            (Self::InFlight, &Load::Queue { in_flight, .. }) => Ok(float(in_flight)),
            (Self::Delayed, &Load::Queue { delayed, .. }) => Ok(float(delayed)),
            (Self::Utilization, &Load::Utilization { percent }) => match seen.workload.running {
                Replicas::ZERO => Err(Unread::new(Unknown::Empty, "no replica runs whose CPU could be used")),
                _ => Ok(percent),
            },
            (Self::Utilization | Self::AverageValue, Load::Pods { resource, pods }) => {
                let rules = Rules { now: seen.now, ..Rules::of(*resource, seen.behavior) };
                // The use of pods does not depend on what it is compared with.
                let answer = match self {
                    Self::Utilization => rules.utilization(pods, 100),
                    _ => rules.average_value(pods, 1000),
                };
                Ok(match answer?.seen.usage {
                    PodsUse::Percent(percent) => float(percent),
                    PodsUse::AverageMilli(milli) => float(milli) / 1000.0,
                })
            }
            (Self::Value, &Load::Value { milli }) => Ok(float(milli) / 1000.0),
            _ => Err(Unread::new(Unknown::Invalid, "the signal measures something else")),
        }
    }
}

/// What a number may depend on beside its reading.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) workload: &'a Workload,
    pub(crate) behavior: &'a Behavior,
    pub(crate) now: Timestamp,
}

#[expect(clippy::cast_precision_loss, reason = "a double is all that CEL has, and exact up to 2^53")]
const fn float(count: u64) -> f64 {
    count as f64
}

impl Variable<'_> {
    /// Everything that a formula may read of it, as it is written: `backlog.visible`.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = String> {
        let identifier = identifier(self.trigger);
        self.fields.iter().map(move |field| format!("{identifier}.{}", field.as_str()))
    }
}

impl Input {
    /// How formulas write it: `order_backlog.visible`.
    pub fn written(&self) -> String {
        format!("{}.{}", identifier(&self.trigger), self.field.as_str())
    }
}

/// How formulas name a trigger: `_` for each `-`, and one in front of what CEL would not take for a name, a digit first or a word of its
/// own. No two triggers share one, since their names have no `_`.
pub fn identifier(trigger: &str) -> String {
    let name = trigger.replace('-', "_");
    let is_name = !RESERVED.contains(&&*name) && !name.starts_with(|first: char| first.is_ascii_digit());
    if is_name { name } else { format!("_{name}") }
}
