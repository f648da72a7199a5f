//! What kept a reconcile from doing its work: always one object's matter, told as that object's condition.

use crate::{
    api::{
        conditions::{ConditionType, reasons},
        spec_error::SpecError,
    },
    ledger::LedgerError,
    targets::{Rival, TargetError, WriteError},
};

/// One object's trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The condition that is not as it should be.
    pub(super) type_: ConditionType,
    /// Its reason.
    pub(super) reason: &'static str,
    /// What is wrong, with the mend.
    pub(super) message: String,
}

impl Trouble {
    pub(super) fn new(type_: ConditionType, reason: &'static str, message: impl Into<String>) -> Self {
        Self { type_, reason, message: message.into() }
    }
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        let reason = match &error {
            LedgerError::NotFound(_) => reasons::BUDGET_NOT_FOUND,
            LedgerError::Contended(_) | LedgerError::Abandoned(_) | LedgerError::Kube { .. } => reasons::BUDGET_FAILED,
            LedgerError::Invalid { .. } => reasons::LEDGER_INVALID,
        };
        Self::new(ConditionType::AbleToScale, reason, error.to_string())
    }
}

impl From<SpecError> for Trouble {
    fn from(error: SpecError) -> Self {
        Self::new(ConditionType::Ready, reasons::INVALID_SPEC, error.to_string())
    }
}

impl From<TargetError> for Trouble {
    fn from(error: TargetError) -> Self {
        Self::new(ConditionType::AbleToScale, error.reason(), error.to_string())
    }
}

impl From<&Rival> for Trouble {
    fn from(rival: &Rival) -> Self {
        Self::new(ConditionType::AbleToScale, reasons::TARGET_OWNED_BY_ANOTHER, rival.to_string())
    }
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Self {
        Self::new(ConditionType::AbleToScale, error.reason(), error.to_string())
    }
}
