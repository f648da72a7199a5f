//! What no object shows by itself: two that contradict each other, and floors that do not fit their budget.

mod budgets;
mod formulas;
mod schedules;
mod targets;

use crate::cli::{
    budget::Assumptions,
    manifest::{Finding, Manifests},
};

/// What is wrong between the objects of some manifests, of those that can be understood one by one.
pub(super) fn check(manifests: &Manifests, assumptions: &Assumptions) -> Vec<Finding> {
    let mut findings = targets::check(manifests);
    findings.extend(formulas::check(manifests));
    findings.extend(schedules::check(manifests));
    findings.extend(budgets::check(manifests, assumptions));
    findings
}
