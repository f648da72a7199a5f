//! What changes nothing: asking again, another order of the triggers, a way through JSON.

use hybridscaler_core::{Decision, decide, history::History, look, observation::Observation, policy::Policy};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    bounds::decided,
    generate::{Case, case},
};
use crate::support::now;

fn through_json<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn a_second_look_at_the_same_moment_decides_the_same_and_remembers_nothing_new(case in case()) {
        let Case { policy, seen, mut history } = case;
        // Nobody else has changed the target: that would be a change of now, which only the next look can find settled.
        history.desired = Some(seen.workload.desired);
        let number = |history: &mut History| {
            let Decision { replicas, limited_by, recommendation, .. } = look(&policy, &seen, history, now());
            (replicas, limited_by, recommendation)
        };
        let first = number(&mut history);
        let once = history.clone();
        prop_assert_eq!(first, number(&mut history));
        prop_assert!(!history.outgrew(&once), "{history:?} instead of {once:?}");
    }

    #[test]
    fn the_order_of_the_triggers_changes_only_the_order_of_the_report(case in case(), by in any::<prop::sample::Index>()) {
        let first = decided(&case);
        let mut turned = case.clone();
        let by = by.index(case.policy.triggers.len());
        turned.policy.triggers.rotate_left(by);
        turned.seen.readings.rotate_left(by);
        let mut second = decided(&turned);
        second.explanation.demand.proposals.rotate_right(by);
        prop_assert_eq!(first, second);
    }

    #[test]
    fn what_was_decided_on_survives_json_and_leads_to_the_same_decision_to_the_byte(case in case()) {
        let decision = decided(&case);
        let (policy, seen, history): (Policy, Observation, History) =
            (through_json(&case.policy), through_json(&case.seen), through_json(&case.history));
        prop_assert_eq!(&seen, &case.seen);
        let again = decide(&policy, &seen, &history, now());
        let written = serde_json::to_string(&decision).unwrap();
        prop_assert_eq!(&written, &serde_json::to_string(&again).unwrap());
        prop_assert_eq!(serde_json::from_str::<Decision>(&written).unwrap(), decision);
    }
}
