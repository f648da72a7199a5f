//! What later decisions depend on: it survives a restart, and a restart never makes a scale-in earlier.

use hybridscaler_core::{
    Replicas,
    explanation::Limit,
    history::{History, Run},
    look,
    observation::Observation,
    policy::{Outage, Policy, RateKind, RatePolicy, Target},
    reading::{Reading, Unknown},
};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::{
    life::{Life, new},
    support::{at, at_rest, messages, policy, queue, unhurried, unknown, utilization},
};

fn windowed(up: i64, down: i64) -> Policy {
    let mut policy = policy(1, 50, &[("backlog", messages(60))]);
    policy.behavior.scale_up = unhurried();
    policy.behavior.scale_down = unhurried();
    policy.behavior.scale_up.window = SignedDuration::from_secs(up);
    policy.behavior.scale_down.window = SignedDuration::from_secs(down);
    policy
}

#[test]
fn without_history_nothing_is_scaled_in_before_a_window_has_been_seen() {
    let mut life = Life { history: History::default(), ..Life::new(windowed(0, 300), 10) };
    for seconds in [0, 15, 299] {
        assert_eq!(life.turn(seconds, &[queue(60)]), (10, Limit::ScaleDownStabilized), "after {seconds} s");
    }
    assert_eq!(life.turn(300, &[queue(60)]), (1, Limit::None));
}

#[test]
fn a_number_that_comes_and_goes_leaves_one_run() {
    let policy = windowed(600, 600);
    let mut history = History::default();
    for (seconds, replicas) in [(0, 5), (10, 3), (20, 5), (30, 3), (40, 4)] {
        history.recommended(Replicas(replicas), &policy, at(seconds));
    }
    let runs = |runs: &[Run]| runs.iter().map(|run| (run.replicas.0, run.from)).collect::<Vec<_>>();
    assert_eq!(runs(&history.recommendations.scale_up), [(3, at(30)), (4, at(40))]);
    assert_eq!(runs(&history.recommendations.scale_down), [(5, at(20)), (4, at(40))]);
}

#[test]
fn of_more_than_24_runs_the_two_oldest_become_one_that_holds_for_as_long_as_both() {
    let policy = windowed(0, 3_600);
    let mut history = History::default();
    let recommended = |many: i64, history: &mut History| {
        (0..many)
            .for_each(|at_| history.recommended(Replicas(u32::try_from(50 - at_).unwrap()), &policy, at(10 * at_)));
        history.recommendations.scale_down.clone()
    };
    assert_eq!(recommended(24, &mut history).len(), 24);
    let runs = recommended(25, &mut History::default());
    assert_eq!((runs.len(), runs[0].replicas, runs[0].until), (24, Replicas(50), Some(at(10))));
    assert_eq!(runs[1].replicas, Replicas(48));
}

#[test]
fn a_restart_within_the_first_window_does_not_begin_it_anew() {
    let mut life = Life { history: History::default(), ..Life::new(windowed(0, 300), 10) };
    life.turn(0, &[queue(600)]);
    life.turn(200, &[queue(60)]);
    assert!(life.stored.since == Some(at(0)), "the first look is stored");
    life.restart();
    assert_eq!(life.turn(215, &[queue(60)]).0, 10);
    assert_eq!(life.turn(515, &[queue(60)]).0, 1, "at the latest a window after the restart");
}

#[test]
fn after_an_outage_as_long_as_the_window_nothing_is_scaled_in_before_a_window_has_been_seen() {
    let mut life = Life::new(windowed(0, 300), 10);
    life.turn(0, &[queue(600)]);
    for look in 1..=40 {
        assert_eq!(life.turn(look * 15, &[unknown(Unknown::Unreachable)]).0, 10);
    }
    for seconds in [615, 899] {
        assert_eq!(life.turn(seconds, &[queue(60)]), (10, Limit::ScaleDownStabilized), "after {seconds} s");
    }
    assert_eq!(life.turn(900, &[queue(60)]), (1, Limit::None));
}

#[test]
fn a_shorter_outage_leaves_the_window_as_it_is() {
    let mut life = Life::new(windowed(0, 300), 10);
    life.turn(0, &[queue(600)]);
    for look in 1..20 {
        life.turn(look * 15, &[unknown(Unknown::Unreachable)]);
    }
    assert_eq!(life.turn(299, &[queue(60)]), (10, Limit::ScaleDownStabilized));
    assert_eq!(life.turn(300, &[queue(60)]), (1, Limit::None));
}

#[test]
fn an_outage_begun_on_a_low_reading_proves_as_little() {
    let mut life = Life::new(windowed(0, 300), 10);
    life.turn(0, &[queue(600)]);
    for look in 1..=40 {
        let reading = if look < 3 { queue(60) } else { unknown(Unknown::Unreachable) };
        assert_eq!(life.turn(look * 15, &[reading]).0, 10);
    }
    assert_eq!(life.turn(615, &[queue(60)]), (10, Limit::ScaleDownStabilized));
}

#[test]
fn what_runs_in_an_outage_counts_beside_the_larger_numbers_before_it_and_in_place_of_the_smaller() {
    let mut life = Life::new(windowed(0, 300), 24);
    life.turn(0, &[queue(1_440)]);
    life.turn(15, &[queue(600)]);
    life.restart();
    life.workload.desired = Replicas(10);
    life.turn(30, &[unknown(Unknown::Unreachable)]);
    life.workload.desired = Replicas(12);
    life.turn(45, &[unknown(Unknown::Unreachable)]);
    let runs = |life: &Life| -> Vec<u32> {
        life.history.recommendations.scale_down.iter().map(|run| run.replicas.0).collect()
    };
    assert_eq!(runs(&life), [24, 12]);
    life.workload.desired = Replicas(24);
    life.turn(60, &[unknown(Unknown::Unreachable)]);
    assert_eq!(runs(&life), [24]);
}

#[test]
fn one_failed_poll_in_every_window_keeps_nothing_from_shrinking() {
    let mut life = Life::new(windowed(0, 60), 10);
    life.turn(0, &[queue(600)]);
    life.turn(15, &[queue(60)]);
    life.turn(30, &[unknown(Unknown::Throttled)]);
    life.turn(45, &[queue(60)]);
    assert_eq!(life.turn(60, &[queue(60)]), (1, Limit::None));
}

#[test]
fn an_outage_holds_up_no_growth() {
    let mut life = Life::new(windowed(60, 60), 10);
    life.turn(0, &[queue(600)]);
    for look in 1..=20 {
        life.turn(look * 15, &[unknown(Unknown::Unreachable)]);
    }
    assert_eq!(life.turn(315, &[queue(1_200)]), (20, Limit::None));
}

#[test]
fn an_outage_is_passed_over_where_the_hpa_is_followed() {
    let mut life = Life::new(windowed(0, 300), 10);
    life.policy.behavior.outage = Outage::PassOver;
    life.turn(0, &[queue(600)]);
    for look in 1..=40 {
        life.turn(look * 15, &[unknown(Unknown::Unreachable)]);
    }
    assert_eq!(life.turn(615, &[queue(60)]), (1, Limit::None));
}

#[test]
fn an_outage_is_written_once_and_a_restart_in_it_shortens_nothing() {
    let mut life = Life::new(windowed(0, 300), 10);
    life.turn(0, &[queue(300)]);
    for look in 1..=30 {
        life.turn(look * 15, &[unknown(Unknown::Unreachable)]);
    }
    let stored = life.stored.clone();
    for look in 31..=40 {
        life.turn(look * 15, &[unknown(Unknown::Unreachable)]);
        assert_eq!(life.stored, stored);
    }
    life.restart();
    for look in 41..=50 {
        life.turn(look * 15, &[unknown(Unknown::Unreachable)]);
    }
    assert_eq!(life.turn(1_049, &[queue(60)]), (10, Limit::ScaleDownStabilized));
    assert_eq!(life.turn(1_050, &[queue(60)]), (1, Limit::None));
}

#[test]
fn a_restart_delays_no_scale_up() {
    let mut life = Life::new(windowed(0, 300), 5);
    life.turn(0, &[queue(300)]);
    life.restart();
    assert_eq!(life.turn(15, &[queue(1_440)]), (24, Limit::None));
}

#[test]
fn what_only_went_away_is_not_written() {
    let mut life = Life::new(windowed(0, 300), 10);
    life.turn(0, &[queue(600)]);
    let stored = life.stored.clone();
    for seconds in 1..19 {
        life.turn(seconds * 15, &[queue(600 - u64::try_from(seconds).unwrap() * 30)]);
        assert_eq!(life.stored, stored, "after {} s", seconds * 15);
    }
}

#[test]
fn a_constant_life_is_written_once() {
    let mut life = Life::new(windowed(60, 300), 10);
    life.turn(0, &[queue(600)]);
    let stored = life.stored.clone();
    for seconds in 1..200 {
        life.turn(seconds * 15, &[queue(600)]);
    }
    assert_eq!(life.stored, stored);
}

#[test]
fn what_a_policy_no_longer_counts_is_not_written() {
    let mut life = Life::new(windowed(0, 0), 5);
    life.policy.behavior.scale_up.policies =
        vec![RatePolicy { kind: RateKind::Pods, value: 4, period: SignedDuration::from_secs(15) }];
    life.turn(0, &[queue(420)]);
    life.turn(1, &[queue(420)]);
    let stored = life.stored.clone();
    assert_eq!(stored.events.len(), 1);
    life.turn(600, &[queue(420)]);
    assert!(life.history.events.is_empty());
    assert_eq!(life.stored.events, stored.events);
}

#[test]
fn a_change_that_nobody_recorded_starts_its_cooldown() {
    let mut life = Life::new(policy(2, 50, &[("backlog", messages(60))]), 5);
    life.turn(0, &[queue(300)]);
    life.workload.desired = Replicas(10);
    assert_eq!(life.turn(15, &[queue(300)]), (10, Limit::ScaleUpCooldown), "a person's, or our own before a crash");
    life.turn(30, &[queue(300)]);
    assert_eq!(life.turn(59, &[queue(300)]), (10, Limit::ScaleUpCooldown));
    assert_eq!(life.turn(60, &[queue(300)]), (5, Limit::None));
}

#[test]
fn a_change_by_others_frees_no_rate() {
    let mut life = Life::new(windowed(0, 0), 10);
    life.policy.behavior.scale_down.policies =
        vec![RatePolicy { kind: RateKind::Pods, value: 2, period: SignedDuration::from_secs(60) }];
    life.turn(0, &[queue(600)]);
    life.workload.desired = Replicas(20);
    assert_eq!(life.turn(15, &[queue(60)]), (18, Limit::ScaleDownLimit));
}

#[test]
fn a_removed_trigger_leaves_nothing_behind_and_an_added_one_blocks_until_it_is_read() {
    let mut life = Life::new(policy(2, 50, &[("backlog", messages(60)), ("mails", messages(60))]), 5);
    life.turn(0, &[queue(300), queue(0)]);
    let added = policy(2, 50, &[("mails", messages(60)), ("cpu", Target::Utilization(65))]).triggers;
    life.policy.triggers = added;
    assert_eq!(life.turn(15, &[queue(0)]), (5, Limit::UnknownSignal), "the new one has not been read");
    let names: Vec<_> = life.history.trends.iter().map(|trend| &*trend.trigger).collect();
    assert_eq!(names, ["mails"]);
}

/// The longest that a status may hold, in bytes.
fn stored_size(policy: Policy, looks: i64, readings: impl Fn(i64) -> Vec<Reading>) -> usize {
    let mut life = Life::new(policy, 50);
    let mut largest = 0;
    for turn in 0..looks {
        life.turn(turn * 15, &readings(turn));
        largest = largest.max(serde_json::to_vec(&life.history.to_store(at(turn * 15)).resumed()).unwrap().len());
    }
    largest
}

#[test]
fn at_defaults_a_history_takes_at_most_two_kibibytes_and_never_more_than_eight() {
    let swinging = |turn: i64| vec![queue(u64::try_from((turn * 7_919).rem_euclid(50)).unwrap() * 60)];
    let falling = |turn: i64| vec![queue(u64::try_from(50 - turn.rem_euclid(50)).unwrap() * 60)];
    for readings in [&swinging as &dyn Fn(i64) -> Vec<Reading>, &falling] {
        let usual = stored_size(windowed(0, 300), 400, readings);
        assert!(usual <= 2_048, "{usual}");
        let mut worst = windowed(3_600, 3_600);
        let rate = |kind| RatePolicy { kind, value: 1, period: SignedDuration::from_mins(30) };
        worst.behavior.scale_up.policies = vec![rate(RateKind::Pods), rate(RateKind::Percent)];
        worst.behavior.scale_down.policies = worst.behavior.scale_up.policies.clone();
        let worst = stored_size(worst, 400, readings);
        assert!(worst <= 8_192, "{worst}");
    }
}

/// One moment: seconds since the last, messages (none: unknown), CPU, and whether all that was asked for runs.
type Moment = (i64, Option<u64>, f64, bool);

fn moments() -> impl Strategy<Value = Vec<Moment>> {
    let messages = prop_oneof![5 => (0..3_000_u64).prop_map(Some), 1 => Just(None)];
    prop::collection::vec((1..90_i64, messages, 0.0..150.0, any::<bool>()), 2..60)
}

prop_compose! {
    fn paced()(
        cooldowns in (prop_oneof![Just(0), 1..300_i64], prop_oneof![Just(0), 1..300_i64]),
        windows in (prop_oneof![Just(0), 1..300_i64], prop_oneof![Just(0), 1..300_i64]),
        rates in prop::collection::vec((any::<bool>(), any::<bool>(), 1..100_u32, 1..300_i64), 0..4),
        min in 0..3_u32,
    ) -> Policy {
        let mut policy = policy(min, 50, &[("backlog", messages(60)), ("cpu", Target::Utilization(65))]);
        let behavior = &mut policy.behavior;
        for (pace, cooldown, window) in [
            (&mut behavior.scale_up, cooldowns.0, windows.0),
            (&mut behavior.scale_down, cooldowns.1, windows.1),
        ] {
            pace.cooldown = SignedDuration::from_secs(cooldown);
            pace.window = SignedDuration::from_secs(window);
        }
        for (up, percent, value, period) in rates {
            let kind = if percent { RateKind::Percent } else { RateKind::Pods };
            let pace = if up { &mut behavior.scale_up } else { &mut behavior.scale_down };
            pace.policies.push(RatePolicy { kind, value, period: SignedDuration::from_secs(period) });
        }
        policy
    }
}

proptest! {
    /// Two operators see the same life. One lives through it; the other starts somewhere in it from what was stored, with or without
    /// what the last turn would have stored, once anything is. Whatever the second lowers, the first had lowered as far.
    #[test]
    fn a_restart_never_makes_a_scale_in_earlier(
        policy in paced(), moments in moments(), start in 1..50_u32, which: prop::sample::Index, crashes: bool,
    ) {
        let restart = which.index(moments.len());
        let mut first = Life::new(policy.clone(), start);
        let mut second: Option<History> = None;
        let mut seconds = 0;
        for (turn, (wait, messages, percent, arrived)) in moments.into_iter().enumerate() {
            seconds += wait;
            let backlog = messages.map_or_else(|| unknown(Unknown::Throttled), queue);
            let readings = new(seconds, &[backlog, utilization(percent)]);
            if arrived {
                first.workload = at_rest(first.workload.desired.0);
            }
            let before = first.workload;
            let stored = first.stored.clone();
            let (lived, _) = first.turn_as_read(seconds, &readings);
            if let Some(history) = &mut second {
                let seen = Observation { workload: before, readings, schedules: Vec::new() };
                let restarted = look(&policy, &seen, history, at(seconds)).replicas;
                prop_assert!(
                    restarted >= Replicas(lived).min(before.desired),
                    "after {seconds} s: {restarted} by the second, {lived} by the first, {} before", before.desired
                );
                history.scaled(&before, first.workload.desired, &policy, at(seconds));
            }
            if turn == restart {
                second = Some(if crashes && stored.since.is_some() { stored } else { first.stored.clone() }.resumed());
            }
        }
    }

    #[test]
    fn what_is_stored_is_read_back_as_it_was(policy in paced(), moments in moments()) {
        let mut life = Life::new(policy, 5);
        let mut seconds = 0;
        for (wait, messages, percent, _) in moments {
            seconds += wait;
            life.turn(seconds, &[queue(messages.unwrap_or(0)), utilization(percent)]);
        }
        let json = serde_json::to_string(&life.history).unwrap();
        prop_assert_eq!(serde_json::from_str::<History>(&json).unwrap(), life.history);
    }
}

#[test]
fn what_another_process_measured_is_measured_anew() {
    let mut life = Life::new(windowed(0, 300), 10);
    life.turn(0, &[queue(600)]);
    life.turn(15, &[queue(600)]);
    let history = life.history.clone();
    assert!(!history.trends.is_empty() && history.told == Some(at(15)) && history.looked == Some(at(15)));
    let History { trends, told, looked, idle_since, .. } = history.resumed();
    assert_eq!((trends, told, looked, idle_since), (Vec::new(), None, None, None));
}

#[test]
fn a_growth_by_others_counts_from_no_more_than_was_told_before() {
    let mut life = Life::new(policy(2, 50, &[("backlog", messages(60))]), 5);
    life.turn(0, &[queue(300)]);
    life.workload = at_rest(10);
    let _ = life.look(15, &new(15, &[queue(300)]));
    assert_eq!(life.history.scale_up.unwrap().base, Replicas(5), "ten run already");
}

#[test]
fn after_a_restart_what_has_arrived_is_the_base_to_count_from() {
    let mut cautious = policy(2, 50, &[("cpu", Target::Utilization(65))]);
    cautious.behavior.scale_up.cooldown = SignedDuration::from_secs(60);
    let mut life = Life::new(cautious, 10);
    assert_eq!(life.turn(0, &[utilization(130.0)]).0, 20);
    life.restart();
    let half_of_it_is_missing = life.turn_as_read(15, &new(15, &[utilization(97.5)])).0;
    assert_eq!(half_of_it_is_missing, 20);
    life.restart();
    // It may have been seen to arrive, long ago, by a process that could not store it.
    assert_eq!(life.turn(30, &[utilization(97.5)]), (30, Limit::None));
}

#[test]
fn what_is_scaled_in_is_no_base_to_count_from() {
    let mut life = Life::new(windowed(0, 0), 8);
    life.turn(0, &[queue(720)]);
    assert_eq!(life.history.scale_up.unwrap().base, Replicas(8));
    assert_eq!(life.turn(15, &[queue(240)]).0, 4);
    assert_eq!(life.history.scale_up.unwrap().base, Replicas(4));
}
