//! What the user asked for: a validated `HybridScaler` spec, free of Kubernetes and AWS types.

use alloc::{sync::Arc, vec::Vec};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::units::Replicas;

/// How one workload is to be scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The fewest replicas while there is work.
    pub min: Replicas,
    /// The most replicas; at least `min`.
    pub max: Replicas,
    /// Replicas while no trigger is active, below `min`; none: `min`, which may be 0.
    pub idle: Option<Replicas>,
    /// How long a new replica takes before it carries load: proposals look this far ahead. 0: they look at what is.
    pub startup: SignedDuration,
    /// At least one; the largest proposal wins.
    pub triggers: Vec<Trigger>,
    /// Windows of time with bounds of their own.
    pub schedules: Vec<Schedule>,
    /// How fast to follow demand.
    pub behavior: Behavior,
    /// What to run when no trigger can be read.
    pub fallback: Fallback,
    /// What is done with a decision.
    pub mode: Mode,
    /// Exactly this many, whatever is read: bounds, windows and cooldowns do not apply, the connection budget does.
    pub pinned: Option<Replicas>,
}

/// One signal and the load a replica should carry of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// Unique within the policy.
    pub name: Arc<str>,
    /// What a replica should carry.
    pub target: Target,
    /// The amount from which the trigger is active (visible messages, or thousandths of a value): at least one replica is needed then.
    /// None when the signal says nothing while no replica runs, as a CPU.
    pub activation: Option<u64>,
    /// A value older than this is unknown.
    pub stale_after: SignedDuration,
}

/// The load that one replica should carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Target {
    /// Messages of a queue.
    Queue(Queue),
    /// Percent of the reserved amount, at least 1: of a service's tasks on average, or of the requests of a workload's pods.
    Utilization(u32),
    /// This much a replica (the HPA's `AverageValue`), in thousandths of the unit; at least 1.
    AverageValue {
        /// Thousandths.
        milli: u64,
    },
    /// This much in all (the HPA's `Value`), in thousandths of the unit; at least 1. Replicas grow in proportion to its excess.
    Value {
        /// Thousandths.
        milli: u64,
    },
}

/// What a replica should carry of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// How many messages are enough for a replica.
    pub enough: Enough,
    /// Messages that one replica works on at once; at least 1. None: it is not known, and taken for 1 where a number is needed.
    pub concurrency: Option<u32>,
    /// Message groups of a FIFO queue that can be worked on at once: more replicas than `groups / concurrency` would find nothing to do.
    pub message_groups: Option<u32>,
}

/// How many messages are enough for a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Enough {
    /// This many; at least 1.
    Messages(u32),
    /// As many as let no message wait for longer than `target`, when a replica works on one for `per_message`.
    Latency {
        /// How long a message may wait, in milliseconds; at least 1.
        target: u64,
        /// How long one replica works on one message, in milliseconds; at least 1.
        per_message: u64,
    },
}

/// A window of time, opened and closed by the observation ([`crate::observation::Observation::schedules`]), and what holds while it is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Unique within the policy.
    pub name: Arc<str>,
    /// Joins the triggers' proposals: the largest wins, within the bounds.
    pub floor: Option<Replicas>,
    /// In place of the policy's `min`; the largest of all open windows counts.
    pub min: Option<Replicas>,
    /// In place of the policy's `max`; the smallest of all open windows counts, and it counts more than any `min`.
    pub max: Option<Replicas>,
}

/// How fast demand is followed, in each direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// Rules for more replicas.
    pub scale_up: Pace,
    /// Rules for fewer replicas.
    pub scale_down: Pace,
    /// What the window of scale-down makes of a time without signals.
    pub outage: Outage,
}

/// What the window of scale-down makes of an outage: of looks at which an unknown signal left nothing to recommend, after all that was
/// recommended before has left the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outage {
    /// It is a gap in the evidence: what runs counts as recommended for as long as it lasts, so a whole window of readings follows it
    /// before the first scale-in, as after a start.
    #[default]
    Hold,
    /// It is passed over: the first reading after it may scale in at once (as in the HPA, which records nothing without metrics).
    PassOver,
}

/// The rules of one direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pace {
    /// After a change in this direction has settled, this long passes before the next (Application Auto Scaling's meaning).
    pub cooldown: SignedDuration,
    /// The replicas follow the least (up) or the largest (down) number recommended within this time (the HPA's meaning).
    pub window: SignedDuration,
    /// A ratio of load to target within this fraction of 1 changes nothing in this direction; 0 to 1, in thousandths.
    pub tolerance_permille: u32,
    /// How much may change in a time; none: without limit.
    pub policies: Vec<RatePolicy>,
    /// Which of them counts.
    pub select: SelectPolicy,
}

/// How much may change in a time (the HPA's scaling policy).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RatePolicy {
    /// Unit of `value`.
    pub kind: RateKind,
    /// Replicas, or percent of the replicas at the start of the period; at least 1.
    pub value: u32,
    /// The time; the HPA allows 1 s to 30 min.
    pub period: SignedDuration,
}

/// Unit of a [`RatePolicy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub enum RateKind {
    /// Replicas.
    Pods,
    /// Percent of the replicas at the start of the period.
    Percent,
}

/// Which of several rate policies counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelectPolicy {
    /// The one that allows the largest change.
    #[default]
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: no change in this direction.
    Disabled,
}

/// What to run when no trigger can be read for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    /// What becomes of the number of replicas.
    pub behavior: FallbackBehavior,
    /// The number that it names.
    pub replicas: Replicas,
    /// After this many failed polls in a row, of every trigger,
    pub after_failures: u32,
    /// and after this long.
    pub after: SignedDuration,
}

/// What becomes of the number of replicas when no trigger can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FallbackBehavior {
    /// It stays.
    #[default]
    Hold,
    /// It becomes the fallback's.
    Static,
    /// It becomes the fallback's if that is more.
    OnlyIfHigher,
    /// It becomes the fallback's if that is less.
    OnlyIfLower,
}

/// What is done with a decision. None of these loses history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// It is carried out.
    #[default]
    Active,
    /// It is shown.
    DryRun,
    /// The target is left alone.
    Paused,
    /// Only if it asks for more replicas.
    ScaleUpOnly,
    /// Only if it asks for fewer replicas.
    ScaleDownOnly,
}

impl Default for Fallback {
    /// The replicas stay.
    fn default() -> Self {
        Self {
            behavior: FallbackBehavior::Hold,
            replicas: Replicas::ZERO,
            after_failures: 3,
            after: SignedDuration::ZERO,
        }
    }
}
