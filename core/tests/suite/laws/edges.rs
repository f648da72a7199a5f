//! No number and no moment breaks anything.

use hybridscaler_core::look;
use jiff::Timestamp;
use proptest::prelude::*;

use super::{
    bounds::decided,
    generate::{Case, case},
};
use crate::support::at;

fn any_moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![4 => (-400_000..400_000_i64).prop_map(at), 1 => Just(Timestamp::MIN), 1 => Just(Timestamp::MAX)]
}

proptest! {
    #[test]
    fn no_headline_is_longer_than_a_column_and_no_explanation_empty(case in case()) {
        let decision = decided(&case);
        prop_assert!(decision.explanation.headline().to_string().chars().count() <= 160);
        prop_assert!(decision.explanation.to_string().lines().count() >= 4);
    }

    #[test]
    fn a_clock_that_jumps_breaks_no_look_and_leaves_no_memory_of_the_future(
        case in case(), moments in prop::collection::vec(any_moment(), 1..5),
    ) {
        let Case { policy, seen, mut history } = case;
        for now in moments {
            let decision = look(&policy, &seen, &mut history, now);
            history.scaled(&seen.workload, decision.replicas, &policy, now);
            prop_assert!(history.looked <= Some(now) && history.idle_since.is_none_or(|since| since <= now));
            for activity in [history.scale_up, history.scale_down].into_iter().flatten() {
                prop_assert!(activity.at <= now && activity.settled.is_none_or(|settled| settled <= now));
            }
            for event in &history.events {
                prop_assert!(event.at <= now && event.until.is_none_or(|until| until <= now));
            }
            let runs = history.recommendations.scale_up.iter().chain(&history.recommendations.scale_down);
            for run in runs {
                prop_assert!(run.until.is_none_or(|until| until <= now));
            }
        }
    }
}
