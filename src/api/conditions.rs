//! The conditions of both kinds: their types, their reasons, and the one way to set them.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// Both kinds: everything the object asks for is being done.
    Ready,
    /// Scaler: the target can be read and written.
    AbleToScale,
    /// Scaler: at least one trigger is known, so decisions are made.
    ScalingActive,
    /// Scaler: something keeps it from running the replicas that the load asks for.
    ScalingLimited,
    /// Budget: its capacity is known now.
    CapacityKnown,
    /// Budget: more is granted than the database accepts, so nobody grows.
    OverBudget,
    /// Budget: another ledger grants connections of the same database, so nobody grows.
    SharedDatabase,
    /// Budget: every replica that was started can open its whole pool, given the assumptions in the status.
    PoolsGuaranteed,
    /// Budget: its ledger has room for new consumers.
    LedgerHasRoom,
}

impl ConditionType {
    /// The type as it stands in the object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::AbleToScale => "AbleToScale",
            Self::ScalingActive => "ScalingActive",
            Self::ScalingLimited => "ScalingLimited",
            Self::CapacityKnown => "CapacityKnown",
            Self::OverBudget => "OverBudget",
            Self::SharedDatabase => "SharedDatabase",
            Self::PoolsGuaranteed => "PoolsGuaranteed",
            Self::LedgerHasRoom => "LedgerHasRoom",
        }
    }
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It cannot be told.
    Unknown,
}

impl ConditionStatus {
    /// The status as it stands in the object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// Why, as one stable word. Reasons that the core gives (a limit, an unknown signal, what a grant waits for) are used as they are.
pub mod reasons {
    /// Everything is as it should be.
    pub const AS_EXPECTED: &str = "AsExpected";
    /// The spec holds a value that cannot be used.
    pub const INVALID_SPEC: &str = "InvalidSpec";
    /// The operator's configuration does not allow it to this namespace.
    pub const NOT_TRUSTED: &str = "NotTrusted";
    /// Another autoscaler owns the target.
    pub const TARGET_OWNED_BY_ANOTHER: &str = "TargetOwnedByAnother";
    /// The operator lacks a right in the cluster or in AWS.
    pub const FORBIDDEN: &str = "Forbidden";
    /// The budget does not exist.
    pub const BUDGET_NOT_FOUND: &str = "BudgetNotFound";
    /// The budget cannot be read or written.
    pub const BUDGET_FAILED: &str = "BudgetFailed";
    /// The budget does not allow this namespace.
    pub const BUDGET_NOT_ALLOWED: &str = "BudgetNotAllowed";
    /// The Secret does not exist, or lacks the key.
    pub const SECRET_NOT_FOUND: &str = "SecretNotFound";
    /// The database cannot be read.
    pub const DATABASE_FAILED: &str = "DatabaseFailed";
    /// More is granted than the database accepts.
    pub const GRANTS_EXCEED_CAPACITY: &str = "GrantsExceedCapacity";
    /// Another ledger was seen on the budget's database.
    pub const SHARED_DATABASE: &str = "SharedDatabase";
    /// The budget's capacity is static, so nobody looks at the database.
    pub const NOT_OBSERVED: &str = "NotObserved";
    /// The ledger is nearly as large as it may become.
    pub const LEDGER_NEARLY_FULL: &str = "LedgerNearlyFull";
    /// The ledger is as large as it may become: no new consumer is entered.
    pub const LEDGER_FULL: &str = "LedgerFull";
    /// The ledger knows nothing of a scaler for which an earlier process may still be writing.
    pub const LEDGER_LOST: &str = "LedgerLost";
    /// An assumption of the budget's promise was seen not to hold.
    pub const ASSUMPTION_CONTRADICTED: &str = "AssumptionContradicted";
    /// The stored ledger cannot be read.
    pub const LEDGER_INVALID: &str = "LedgerInvalid";
    /// No trigger is known.
    pub const NO_SIGNAL: &str = "NoSignal";
    /// `spec.mode` is `DryRun`.
    pub const DRY_RUN: &str = "DryRun";
    /// `spec.mode` is `Paused`.
    pub const PAUSED: &str = "Paused";
}

/// One condition as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it is about.
    pub type_: ConditionType,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why, as one stable word of [`reasons`] or of the core: letters and digits.
    pub reason: &'static str,
    /// Why, in words. Cut at [`MESSAGE_BYTES`].
    pub message: String,
}

/// The longest message that the schema accepts.
pub const MESSAGE_BYTES: usize = 32_768;

/// Sets one condition, in place or at the end. `lastTransitionTime` moves only when the status changes, so it says since when.
pub fn set(conditions: &mut Vec<Condition>, verdict: Verdict, generation: Option<i64>, now: Timestamp) {
    let Verdict { type_, status, reason, message } = verdict;
    let held = conditions.iter().position(|c| c.type_ == type_.as_str());
    let since = held
        .and_then(|at| conditions.get(at))
        .filter(|c| c.status == status.as_str())
        .map_or_else(|| Time(whole_seconds(now)), |c| c.last_transition_time.clone());
    let condition = Condition {
        type_: type_.as_str().into(),
        status: status.as_str().into(),
        reason: reason.into(),
        message: cut(message, MESSAGE_BYTES),
        last_transition_time: since,
        observed_generation: generation,
    };
    match held.and_then(|at| conditions.get_mut(at)) {
        Some(slot) => *slot = condition,
        None => conditions.push(condition),
    }
}

/// The instant as `metav1.Time` writes it, so that a condition that is read back equals the one that was set.
pub(crate) fn whole_seconds(instant: Timestamp) -> Timestamp {
    let seconds = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Trunc);
    instant.round(seconds).unwrap_or(instant)
}

/// The text, ended at a character's boundary so that it holds at most `bytes`.
pub(crate) fn cut(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    const TYPES: [ConditionType; 9] = [
        ConditionType::Ready,
        ConditionType::AbleToScale,
        ConditionType::ScalingActive,
        ConditionType::ScalingLimited,
        ConditionType::CapacityKnown,
        ConditionType::OverBudget,
        ConditionType::SharedDatabase,
        ConditionType::PoolsGuaranteed,
        ConditionType::LedgerHasRoom,
    ];

    fn verdict() -> impl Strategy<Value = Verdict> {
        let status =
            prop_oneof![Just(ConditionStatus::True), Just(ConditionStatus::False), Just(ConditionStatus::Unknown)];
        let reason = prop_oneof![Just(reasons::AS_EXPECTED), Just(reasons::NO_SIGNAL)];
        (proptest::sample::select(TYPES.as_slice()), status, reason, "[aé]{0,3}")
            .prop_map(|(type_, status, reason, message)| Verdict { type_, status, reason, message })
    }

    proptest! {
        #[test]
        fn each_type_stands_once_with_its_last_verdict_and_the_time_of_its_last_change(verdicts in proptest::collection::vec(verdict(), 0..40)) {
            let mut conditions = Vec::new();
            for (second, verdict) in (0_i64..).zip(&verdicts) {
                set(&mut conditions, verdict.clone(), Some(second), Timestamp::from_second(second).unwrap());
            }
            for type_ in TYPES {
                let of_type: Vec<_> = (0_i64..).zip(&verdicts).filter(|(_, v)| v.type_ == type_).collect();
                let held: Vec<_> = conditions.iter().filter(|c| c.type_ == type_.as_str()).collect();
                prop_assert_eq!(held.len(), usize::from(!of_type.is_empty()));
                let Some((newest, last)) = of_type.last() else { continue };
                let since = of_type.iter().rev().take_while(|(_, v)| v.status == last.status).last().unwrap().0;
                prop_assert_eq!(&held[0].message, &last.message);
                prop_assert_eq!(&held[0].reason, last.reason);
                prop_assert_eq!(&held[0].status, last.status.as_str());
                prop_assert_eq!(held[0].observed_generation, Some(*newest));
                prop_assert_eq!(held[0].last_transition_time.0.as_second(), since);
            }
        }
    }

    #[test]
    fn a_condition_of_somebody_else_is_left_alone() {
        let foreign = Condition {
            type_: "Audited".into(),
            status: "True".into(),
            reason: "Sampled".into(),
            message: "by another controller".into(),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            observed_generation: None,
        };
        let mut conditions = vec![foreign.clone()];
        let ready = Verdict {
            type_: ConditionType::Ready,
            status: ConditionStatus::True,
            reason: reasons::AS_EXPECTED,
            message: String::new(),
        };
        set(&mut conditions, ready, None, Timestamp::UNIX_EPOCH);
        assert_eq!(conditions.first(), Some(&foreign));
        assert_eq!(conditions.len(), 2);
    }

    #[test]
    fn a_condition_that_is_read_back_equals_the_one_that_was_set() {
        let mut conditions = Vec::new();
        let ready = Verdict {
            type_: ConditionType::Ready,
            status: ConditionStatus::True,
            reason: reasons::AS_EXPECTED,
            message: String::new(),
        };
        set(&mut conditions, ready, Some(1), Timestamp::new(7, 999_999_999).unwrap());
        let stored = serde_json::to_string(&conditions).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Condition>>(&stored).unwrap(), conditions);
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        assert_eq!(cut("aéé".into(), 4), "aé");
        assert_eq!(cut("aéé".into(), 5), "aéé");
    }
}
