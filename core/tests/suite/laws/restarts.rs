//! A process that starts anew knows what was stored, and nothing else.

use hybridscaler_core::{
    Replicas,
    history::{Activity, History, Recommendations, Run, ScaleEvent},
    policy::{Enough, Policy, Queue, Target, Trigger},
};
use jiff::SignedDuration;
use proptest::prelude::*;

use super::lives::{Life, POLL, lived};
use crate::support::at;

/// What is measured over a time is measured anew after a start, and at first not smoothed by what was before: where messages arrive
/// more slowly than they did, or a queue grows more slowly, less may be asked for than by a process that remembers. A stabilization
/// window bridges that; without one these two lie outside the law.
fn without_rates(policy: Policy) -> Policy {
    let counted = |mut trigger: Trigger| {
        if let Target::Queue(queue @ Queue { enough: Enough::Latency { .. }, .. }) = trigger.target {
            trigger.target = Target::Queue(Queue { enough: Enough::Messages(60), ..queue });
        }
        trigger
    };
    let triggers = policy.triggers.into_iter().map(counted).collect();
    Policy { triggers, startup: SignedDuration::ZERO, ..policy }
}

/// What a process finds in the status: JSON, written when it matters.
#[derive(Default)]
struct Status(Option<(History, String)>);

impl Status {
    fn keep(&mut self, history: &History, second: i64) {
        if self.0.as_ref().is_none_or(|(stored, _)| history.outgrew(stored)) {
            let stored = history.to_store(at(second));
            let json = serde_json::to_string(&stored).unwrap();
            self.0 = Some((stored, json));
        }
    }

    fn read(&self) -> History {
        self.0.as_ref().map(|(_, json)| serde_json::from_str::<History>(json).unwrap().resumed()).unwrap_or_default()
    }
}

#[test]
fn each_thing_that_a_later_decision_depends_on_is_a_reason_to_store() {
    let stored = History { since: Some(at(0)), desired: Some(Replicas(5)), ..History::default() };
    let change = Activity { base: Replicas(5), to: Replicas(8), at: at(0), settled: None };
    let run = Run { replicas: Replicas(9), from: at(0), until: Some(at(15)) };
    let event = ScaleEvent { change: 3, at: at(0), until: None };
    let later = [
        History { desired: Some(Replicas(8)), ..stored.clone() },
        History { scale_up: Some(change), ..stored.clone() },
        History { scale_down: Some(change), ..stored.clone() },
        History { events: vec![event], ..stored.clone() },
        History {
            recommendations: Recommendations { scale_up: vec![run], ..Recommendations::default() },
            ..stored.clone()
        },
        History {
            recommendations: Recommendations { scale_down: vec![run], ..Recommendations::default() },
            ..stored.clone()
        },
    ];
    for history in &later {
        assert!(history.outgrew(&stored), "{history:?}");
        assert!(!history.outgrew(history), "{history:?}");
    }
    assert!(stored.outgrew(&History { since: None, ..stored.clone() }));
    // What only went away is none: a process that starts from it holds on a little longer.
    assert!(!stored.outgrew(&later[3]) && !stored.outgrew(&later[4]));
}

#[test]
fn a_stored_recommendation_stands_for_another_only_if_it_holds_as_far_and_as_long() {
    let of = |up: bool, replicas, until| {
        let run = vec![Run { replicas: Replicas(replicas), from: at(0), until: Some(at(until)) }];
        let (scale_up, scale_down) = if up { (run, Vec::new()) } else { (Vec::new(), run) };
        History { recommendations: Recommendations { scale_up, scale_down }, ..History::default() }
    };
    for up in [true, false] {
        let [closer, further] = if up { [10, 8] } else { [8, 10] };
        let stored = of(up, 9, 15);
        assert!(!of(up, 9, 15).outgrew(&stored) && !of(up, closer, 14).outgrew(&stored));
        assert!(of(up, further, 14).outgrew(&stored), "not as far");
        assert!(of(up, 9, 16).outgrew(&stored), "not as long");
    }
}

#[test]
fn a_recommendation_that_ended_within_the_last_minute_is_stored_as_if_it_lasted() {
    let run = |until| Run { replicas: Replicas(9), from: at(0), until: Some(at(until)) };
    let recommendations = Recommendations { scale_up: vec![run(30)], scale_down: vec![run(30), run(31)] };
    let history = History { recommendations, ..History::default() };
    let Recommendations { scale_up, scale_down } = history.to_store(at(90)).recommendations;
    assert_eq!(scale_up, [run(30)]);
    assert_eq!(scale_down, [run(30), Run { until: None, ..run(31) }]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Two lives in step until they differ: from the restart on, the one that restarted never is the one that lowers further.
    #[test]
    fn a_restart_at_any_point_never_makes_a_scale_in_earlier(
        (policy, works) in lived(6), replicas in 1..60_u32, restart in 0..120_i64, gap in 0..3_i64,
    ) {
        let policy = without_rates(policy);
        let work = |look: i64| works.iter().map(|work| work[usize::try_from(look / 20).unwrap()]).collect::<Vec<_>>();
        let mut life = Life::new(policy, replicas);
        let mut status = Status::default();
        for look in 0..restart {
            life.poll(&work(look), look * POLL);
            status.keep(&life.history, look * POLL);
        }
        let mut restarted = Life { history: status.read(), ..life.clone() };
        for look in restart..120 {
            let before = life.workload.desired;
            let whole = life.poll(&work(look), look * POLL);
            if look < restart + gap {
                // It starts a little later: what the other does meanwhile is somebody else's doing.
                if whole != before { return Ok(()); }
                continue;
            }
            let anew = restarted.poll(&work(look), look * POLL);
            prop_assert!(anew >= whole.min(before), "look {look}: {before} -> {anew}, without the restart {whole}");
            if anew != whole { return Ok(()); }
        }
    }
}
