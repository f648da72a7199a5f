//! Stabilization windows, as in the HPA (`stabilizeRecommendationWithBehaviors`).

use jiff::Timestamp;

use super::Stand;
use crate::{
    explanation::Cause,
    history::{History, Run, after},
    policy::Policy,
    units::Replicas,
};

/// Follows the least number recommended within the window up and the largest within the window down; between the two it stays.
pub(crate) fn stabilize(
    stand: &Stand,
    number: Replicas,
    policy: &Policy,
    history: &History,
    now: Timestamp,
) -> Option<(Replicas, Cause)> {
    let (up, down) = (policy.behavior.scale_up.window, policy.behavior.scale_down.window);
    let low = history.recommendations.least(number, up, history.looked, now);
    let high = history.recommendations.largest(number, down, history.looked, now);
    let followed = |run: Option<Run>| run.map_or(number, |run| run.replicas);
    let to = stand.desired.max(followed(low)).min(followed(high));
    let until = |run: Run, window| run.until.map(|until| after(until, window));
    match (low, high) {
        (Some(run), _) if to < number => {
            Some((to, Cause::ScaleUpStabilized { run, until: until(run, up), then: number }))
        }
        (_, Some(run)) if to > number => {
            Some((to, Cause::ScaleDownStabilized { run, until: until(run, down), then: number }))
        }
        _ => None,
    }
}
