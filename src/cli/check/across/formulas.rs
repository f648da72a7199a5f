//! What the API server cannot read: the expressions of formulas.

use crate::cli::manifest::{Finding, Manifests};

/// Formulas that cannot be computed, and what only a formula would make useful.
pub(super) fn check(manifests: &Manifests) -> Vec<Finding> {
    let mut findings = Vec::new();
    for scaler in &manifests.scalers {
        let (_, errors) = scaler.object.spec.formulas();
        findings.extend(errors.iter().map(|error| scaler.unusable(error)));
    }
    findings
}
