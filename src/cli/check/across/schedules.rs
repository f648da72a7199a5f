//! Times that a pattern cannot tell: what the fields of a cron expression hold, and the names of time zones.

use jiff::SignedDuration;

use crate::{
    cli::manifest::{Finding, Manifests},
    signals::Schedule,
};

/// A cron expression and a time zone that are right, beside which each of the others is judged.
const MIDNIGHT: &str = "0 0 * * *";
const UTC: &str = "UTC";

/// Schedules that never open, never close, or live in no time zone.
pub(super) fn check(manifests: &Manifests) -> Vec<Finding> {
    let mut findings = Vec::new();
    for scaler in &manifests.scalers {
        for (at, schedule) in scaler.object.spec.schedules.iter().enumerate() {
            let parts = [
                (schedule.start.as_str(), MIDNIGHT, UTC),
                (MIDNIGHT, schedule.end.as_str(), UTC),
                (MIDNIGHT, MIDNIGHT, schedule.time_zone.as_str()),
            ];
            let wrong = parts
                .iter()
                .filter_map(|(start, end, zone)| Schedule::parse(start, end, zone, SignedDuration::ZERO).err());
            findings.extend(wrong.map(|error| scaler.unusable(&error.within(&format!("spec.schedules[{at}]")))));
        }
    }
    findings
}
