//! Messages into replicas: what waits asks for more, what waits or is being worked on keeps what there is.

use super::{Band, Ruling};
use crate::{policy::Behavior, units::Replicas};

/// The replicas that a queue asks for, where `desired` are asked for now and each should carry `per_replica` messages.
///
/// Scale-up looks at visible messages only: those that consumers hold are being worked on already. Scale-down looks at both, since a
/// worker still needs its replica for what it holds. Between the two the number stays. The tolerance is the HPA's for average values:
/// nothing changes while `messages / (per_replica × desired)` is within it, bounds included.
pub(super) fn count(
    visible: u64,
    in_flight: u64,
    per_replica: u32,
    desired: Replicas,
    pace: &Behavior,
) -> (Replicas, Ruling, Band) {
    let per_replica = u64::from(per_replica.max(1));
    let working = visible.saturating_add(in_flight);
    let replicas = |messages: u64| Replicas(u32::try_from(messages.div_ceil(per_replica)).unwrap_or(u32::MAX));

    let carried = u128::from(per_replica) * u128::from(desired.0);
    let share = |permille: u32| carried * u128::from(permille);
    let more_above = share(1000_u32.saturating_add(pace.scale_up.tolerance_permille)) / 1000;
    let tolerated = share(1000_u32.saturating_sub(pace.scale_down.tolerance_permille)).div_ceil(1000);
    // One replica fewer can carry this much; with a single message more it cannot.
    let carried_by_one_fewer = u128::from(per_replica) * u128::from(desired.0.saturating_sub(1));
    let fewer_below = tolerated.min(if desired == Replicas::ZERO { 0 } else { carried_by_one_fewer + 1 });

    let (proposed, ruling) = if u128::from(visible) > more_above {
        (replicas(visible), Ruling::More)
    } else if u128::from(working) < fewer_below {
        (replicas(working), Ruling::Fewer)
    } else if u128::from(working) < tolerated {
        (desired, Ruling::WholeReplicas)
    } else if u128::from(visible) < fewer_below {
        (desired, Ruling::WorkInFlight)
    } else {
        (desired, Ruling::WithinTolerance)
    };
    let narrow = |messages: u128| u64::try_from(messages).unwrap_or(u64::MAX);
    (proposed, ruling, Band::Messages { more_above: narrow(more_above), fewer_below: narrow(fewer_below) })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "tests")]

    use jiff::SignedDuration;

    use super::*;
    use crate::policy::Pace;

    fn tenth() -> Behavior {
        let pace = Pace { cooldown: SignedDuration::ZERO, tolerance_permille: 100 };
        Behavior { scale_up: pace, scale_down: pace }
    }

    fn asked(visible: u64, in_flight: u64, desired: u32) -> (u32, Ruling) {
        let (replicas, ruling, _) = count(visible, in_flight, 60, Replicas(desired), &tenth());
        (replicas.0, ruling)
    }

    #[test]
    fn waiting_messages_ask_for_enough_replicas_to_carry_them() {
        assert_eq!(asked(420, 0, 5), (7, Ruling::More));
        assert_eq!(asked(421, 0, 5), (8, Ruling::More));
        assert_eq!(asked(1_440, 300, 5), (24, Ruling::More));
    }

    #[test]
    fn messages_that_consumers_hold_keep_their_replicas_but_ask_for_no_more() {
        assert_eq!(asked(60, 600, 5), (5, Ruling::WorkInFlight));
        assert_eq!(asked(60, 61, 5), (3, Ruling::Fewer));
        assert_eq!(asked(0, 0, 5), (0, Ruling::Fewer));
    }

    #[test]
    fn the_tolerance_includes_its_bounds() {
        assert_eq!(asked(330, 0, 5), (5, Ruling::WithinTolerance));
        assert_eq!(asked(331, 0, 5), (6, Ruling::More));
        assert_eq!(asked(540, 0, 10), (10, Ruling::WithinTolerance));
        assert_eq!(asked(539, 0, 10), (9, Ruling::Fewer));
    }

    #[test]
    fn a_replica_stays_while_one_fewer_could_not_carry_the_load() {
        assert_eq!(asked(70, 0, 2), (2, Ruling::WholeReplicas));
        assert_eq!(asked(60, 0, 2), (1, Ruling::Fewer));
    }

    #[test]
    fn the_band_names_the_loads_at_which_the_answer_changes() {
        for desired in 1..40 {
            let (_, _, band) = count(0, 0, 60, Replicas(desired), &tenth());
            let Band::Messages { more_above, fewer_below } = band else { panic!("a queue counts messages: {band:?}") };
            assert_eq!(asked(more_above, 0, desired).0, desired);
            assert!(asked(more_above + 1, 0, desired).0 > desired);
            assert_eq!(asked(fewer_below, 0, desired).0, desired);
            assert!(asked(fewer_below - 1, 0, desired).0 < desired);
        }
    }

    #[test]
    fn numbers_at_the_edge_neither_wrap_nor_divide_by_zero() {
        let at_edge =
            |visible, in_flight, per, desired| count(visible, in_flight, per, Replicas(desired), &tenth()).0.0;
        assert_eq!(at_edge(u64::MAX, u64::MAX, 1, 5), u32::MAX);
        assert_eq!(at_edge(u64::MAX, 0, u32::MAX, u32::MAX), u32::MAX);
        assert_eq!(at_edge(0, u64::MAX, u32::MAX, u32::MAX), u32::MAX);
        assert_eq!(at_edge(7, 0, 0, 1), 7);
        assert_eq!(at_edge(0, 0, 60, 0), 0);
        assert_eq!(at_edge(1, 0, 60, 0), 1);
    }
}
