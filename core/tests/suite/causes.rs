//! What a cause tells of itself beside its name: since when, until when, what would be without it, and whose it is.

use hybridscaler_core::{
    Replicas,
    explanation::{Bound, Cause},
    history::{Cooling, Run, Settled},
    policy::{RateKind, RatePolicy},
};
use jiff::{SignedDuration, Timestamp};

use crate::support::at;

/// Since when, until when, the number without it, and the schedule.
type Told<'a> = (Option<Timestamp>, Option<Timestamp>, Option<Replicas>, Option<&'a str>);

fn told(cause: &Cause) -> Told<'_> {
    (cause.since(), cause.until(), cause.then(), cause.schedule())
}

#[test]
fn each_cause_tells_all_that_is_known_of_it() {
    let then = Replicas(7);
    let run = Run { replicas: Replicas(5), from: at(-60), until: Some(at(-10)) };
    let policy = RatePolicy { kind: RateKind::Pods, value: 4, period: SignedDuration::from_secs(15) };
    let until = Some(at(290));
    let settling = Cooling::Settling { latest: at(330) };
    let cooling = Cooling::Until { end: at(30), since: Settled::AtRest };
    let by = |schedule: Option<&str>| Bound { schedule: schedule.map(Into::into) };
    let bare = (None, None, None, None);
    let instead = (None, None, Some(then), None);
    for (cause, expected) in [
        (Cause::ScaleUpStabilized { run, until, then }, (Some(at(-60)), until, Some(then), None)),
        (Cause::ScaleDownStabilized { run, until: None, then }, (Some(at(-60)), None, Some(then), None)),
        (Cause::ScaleUpCooldown { cooling, then }, (None, Some(at(30)), Some(then), None)),
        (Cause::ScaleDownCooldown { cooling: settling, then }, (None, Some(at(330)), Some(then), None)),
        (Cause::ScaleUpCooldown { cooling: Cooling::Over, then }, instead),
        (Cause::ScaleUpLimit { policy, then }, instead),
        (Cause::ScaleDownLimit { policy, then }, instead),
        (Cause::ScaleUpDisabled { then }, instead),
        (Cause::ScaleDownDisabled { then }, instead),
        (Cause::Paused { then }, instead),
        (Cause::ScaleUpPaused { then }, instead),
        (Cause::ScaleDownPaused { then }, instead),
        (Cause::Pinned { then }, instead),
        (Cause::MinReplicas(by(Some("day"))), (None, None, None, Some("day"))),
        (Cause::MaxReplicas(by(Some("night"))), (None, None, None, Some("night"))),
        (Cause::MaxReplicas(by(None)), bare),
        (Cause::UnknownSignal, bare),
        (Cause::IdleReplicas, bare),
        (Cause::LastReplica, bare),
        (Cause::RolloutInProgress, bare),
        (Cause::PausedByHand, bare),
    ] {
        assert_eq!(told(&cause), expected, "{cause:?}");
    }
}
