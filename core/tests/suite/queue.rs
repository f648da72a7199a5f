//! Queues over time: a latency target against a simulated queue, look-ahead, message groups, saturation.

use hybridscaler_core::{
    Decision, Replicas,
    demand::{Counted, Measure, Ruling, Verdict},
    explanation::Limit,
    observation::Workload,
    policy::{Enough, Policy, Queue, Target},
    reading::{Load, Reading},
};
use jiff::SignedDuration;

use crate::{
    life::Life,
    support::{at, messages, policy, queue_of},
};

fn counted(decision: &Decision) -> Counted {
    match &decision.explanation.demand.proposals[0].verdict {
        Verdict::Known(counted) => *counted,
        Verdict::Unknown(unread) => unreachable!("{unread}"),
    }
}

/// Messages may wait for `wait` seconds; a replica works for a quarter of a second on each, on two at once.
fn latency(wait: u64) -> Target {
    let enough = Enough::Latency { target: wait * 1_000, per_message: 250 };
    Target::Queue(Queue { enough, concurrency: Some(2), message_groups: None })
}

/// A queue and its consumers, simulated second by second in messages (fractions included).
struct Simulated {
    life: Life,
    visible: f64,
    /// Seconds at which replicas added become ready, and how many.
    starting: Vec<(i64, u32)>,
    running: u32,
    startup: i64,
    changes: Vec<(i64, u32, u32)>,
    longest_wait: f64,
}

impl Simulated {
    fn new(policy: Policy, running: u32, startup: i64) -> Self {
        let life = Life::new(policy, running);
        Self { life, visible: 0.0, starting: Vec::new(), running, startup, changes: Vec::new(), longest_wait: 0.0 }
    }

    /// A second in which so many messages arrive. The wait is that of a message that comes in last.
    fn second(&mut self, now: i64, arriving: f64) {
        let ready: u32 = self.starting.iter().filter(|(at, _)| *at <= now).map(|(_, added)| added).sum();
        self.starting.retain(|(at, _)| *at > now);
        self.running += ready;
        let rate = f64::from(self.running) * 2.0 / 0.25;
        let finished = (self.visible + arriving).min(rate);
        self.visible += arriving - finished;
        self.longest_wait = self.longest_wait.max(self.visible / rate);
        if now % 15 == 0 {
            self.look(now, finished * 0.25);
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of messages")]
    fn look(&mut self, now: i64, in_flight: f64) {
        let desired = self.life.workload.desired;
        let starting = Replicas(desired.0.saturating_sub(self.running));
        self.life.workload = Workload { running: Replicas(self.running), starting, ..self.life.workload };
        let load = Load::Queue { visible: self.visible as u64, in_flight: in_flight as u64, delayed: 0 };
        let (told, _) = self.life.turn_as_read(now, &[Reading::Known { load, at: at(now) }]);
        if told > desired.0 {
            self.starting.push((now + self.startup, told - desired.0));
            self.changes.push((now, desired.0, told));
        } else if told < desired.0 {
            self.running = self.running.min(told);
            self.starting.clear();
            self.changes.push((now, desired.0, told));
        }
    }
}

fn by_latency(wait: u64, startup: i64) -> Policy {
    let mut policy = policy(1, 200, &[("orders", latency(wait))]);
    policy.startup = SignedDuration::from_secs(startup);
    policy.behavior.scale_up.cooldown = SignedDuration::ZERO;
    policy.behavior.scale_down.cooldown = SignedDuration::ZERO;
    policy.behavior.scale_down.window = SignedDuration::from_mins(5);
    policy
}

#[test]
fn a_steady_stream_is_carried_within_its_latency_and_by_as_few_as_littles_law_asks_for() {
    for (arriving, wait, startup) in [(100.0, 30, 40), (800.0, 30, 40), (100.0, 10, 5), (30.0, 60, 90), (4.0, 30, 0)] {
        let mut queue = Simulated::new(by_latency(wait, startup), 1, startup);
        for now in 0..1_800 {
            queue.second(now, arriving);
        }
        queue.longest_wait = 0.0;
        queue.changes.clear();
        for now in 1_800..7_200 {
            queue.second(now, arriving);
        }
        let what = format!("{arriving} a second, {wait} s to wait, {startup} s to start");
        assert!(queue.longest_wait <= f64::from(u32::try_from(wait).unwrap()), "{what}: {} s", queue.longest_wait);
        assert!(queue.changes.len() <= 1, "{what}: {:?}", queue.changes);
        let least = arriving * 0.25 / 2.0;
        let running = f64::from(queue.running);
        assert!(running >= least.floor() && running <= least * 1.25 + 1.0, "{what}: {running} for {least}");
    }
}

#[test]
fn a_step_in_the_stream_is_answered_without_swinging() {
    let mut queue = Simulated::new(by_latency(30, 40), 13, 40);
    for now in 0..900 {
        queue.second(now, 100.0);
    }
    queue.changes.clear();
    for now in 900..3_600 {
        queue.second(now, 300.0);
    }
    let downs = queue.changes.iter().filter(|(_, from, to)| to < from).count();
    let turns = queue.changes.windows(2).filter(|two| (two[0].2 > two[0].1) != (two[1].2 > two[1].1)).count();
    assert!(turns <= 1, "up, then down once to what it needs: {:?}", queue.changes);
    assert!(downs <= 3, "{:?}", queue.changes);
    assert!((37..=48).contains(&queue.running), "{} of 38", queue.running);
}

#[test]
fn until_the_rate_is_known_a_latency_gives_nothing_up() {
    let mut life = Life::new(by_latency(30, 0), 10);
    life.policy.behavior.scale_down.window = SignedDuration::ZERO;
    assert_eq!(counted(&life.look(0, &crate::life::new(0, &[queue_of(0, 0, 0)]))).ruling, Ruling::RateUnknown);
    assert_eq!(life.turn(15, &[queue_of(0, 0, 0)]).0, 1);
}

#[test]
fn what_a_consumer_holds_keeps_the_replicas_that_work_on_it_and_is_not_counted_twice() {
    let mut life = Life::new(by_latency(1, 0), 10);
    life.policy.behavior.scale_down.window = SignedDuration::ZERO;
    life.turn(0, &[queue_of(0, 8, 0)]);
    // 8 in flight for 0.25 s each are 32 a second: four replicas at two a time.
    assert_eq!(life.turn(15, &[queue_of(0, 8, 0)]), (4, Limit::None));
}

#[test]
fn growth_is_looked_ahead_for_as_long_as_a_replica_starts_and_to_no_more_than_twice_what_waits() {
    let growing = |startup, step: u64| {
        let mut life = Life::new(policy(1, 200, &[("orders", messages(60))]), 1);
        life.policy.startup = SignedDuration::from_secs(startup);
        let _ = life.look(0, &crate::life::new(0, &[queue_of(600, 0, 0)]));
        counted(&life.look(10, &crate::life::new(10, &[queue_of(600 + step, 0, 0)])))
    };
    let ahead = |counted: Counted| match counted.measure {
        Measure::Queue { ahead, .. } => ahead,
        _ => unreachable!("a queue"),
    };
    // 60 more in 10 s are 6 a second, so 240 in 40 s.
    assert_eq!((ahead(growing(40, 60)), growing(40, 60).replicas), (660 + 240, Replicas(15)));
    assert_eq!((ahead(growing(0, 60)), growing(0, 60).replicas), (660, Replicas(11)));
    assert_eq!(ahead(growing(3_600, 600)), 2 * 1_200);
}

#[test]
fn message_groups_bound_every_proposal() {
    let grouped = |desired: u32, visible, in_flight| {
        let enough = Enough::Messages(10);
        let target = Target::Queue(Queue { enough, concurrency: Some(4), message_groups: Some(20) });
        let mut life = Life::new(policy(1, 50, &[("fifo", target)]), desired);
        let counted = counted(&life.look(0, &crate::life::new(0, &[queue_of(visible, in_flight, 0)])));
        (counted.replicas.0, counted.ruling)
    };
    assert_eq!(grouped(1, 40, 0), (4, Ruling::More));
    assert_eq!(grouped(1, 5_000, 0), (5, Ruling::MessageGroups));
    assert_eq!(grouped(10, 100, 0), (5, Ruling::MessageGroups), "within the tolerance of ten");
    assert_eq!(grouped(10, 20, 80), (5, Ruling::MessageGroups), "of ten that hold work");
    assert_eq!(grouped(10, 10, 0), (1, Ruling::Fewer));
}

fn saturated(moments: &[(i64, u64, u64, u32)]) -> bool {
    let mut life = Life::new(policy(1, 50, &[("orders", messages(60))]), 5);
    let mut last = false;
    for &(seconds, visible, in_flight, running) in moments {
        life.workload = crate::support::at_rest(running);
        let counted = counted(&life.look(seconds, &crate::life::new(seconds, &[queue_of(visible, in_flight, 0)])));
        last = matches!(counted.measure, Measure::Queue { still_since: Some(_), .. });
    }
    last
}

#[test]
fn consumers_that_take_no_more_although_more_run_are_told_after_a_minute() {
    assert!(saturated(&[(0, 600, 100, 5), (30, 700, 100, 10), (90, 800, 100, 10)]));
    assert!(!saturated(&[(0, 600, 100, 5), (30, 700, 100, 10), (89, 800, 100, 10)]), "not yet a minute");
    assert!(
        !saturated(&[(0, 600, 100, 5), (30, 700, 100, 5), (290, 800, 100, 5)]),
        "all of them are busy: more would help"
    );
    assert!(!saturated(&[(0, 600, 100, 5), (30, 700, 120, 10), (90, 800, 140, 10)]), "they take more");
    assert!(!saturated(&[(0, 600, 100, 5), (30, 600, 100, 10), (90, 600, 100, 10)]), "no more waits");
}

#[test]
fn the_queues_own_ceiling_is_told_whoever_runs() {
    assert!(saturated(&[(0, 600, 120_000, 5), (60, 700, 120_000, 5)]));
    assert!(!saturated(&[(0, 600, 119_000, 5), (60, 700, 119_000, 5)]));
}

#[test]
fn no_replica_is_scaled_in_below_what_is_in_flight() {
    let target = Target::Queue(Queue { enough: Enough::Messages(100), concurrency: Some(4), message_groups: None });
    let mut life = Life::new(policy(1, 50, &[("orders", target)]), 10);
    assert_eq!(life.turn(0, &[queue_of(0, 22, 0)]), (6, Limit::None), "22 at four a time take six");
    let mut life = Life::new(policy(1, 50, &[("orders", target)]), 10);
    assert_eq!(life.turn(0, &[queue_of(0, 400, 0)]), (10, Limit::None), "never more than run");
    let held = counted(&life.look(1, &crate::life::new(1, &[queue_of(0, 400, 0)])));
    assert_eq!((held.replicas, held.ruling), (Replicas(10), Ruling::WorkInFlight));
}

#[test]
fn what_takes_time_to_start_gives_nothing_up_before_it_is_known_how_the_queue_grows() {
    let mut life = Life::new(policy(1, 50, &[("orders", messages(60))]), 10);
    life.policy.startup = SignedDuration::from_secs(40);
    let first = counted(&life.look(0, &crate::life::new(0, &[queue_of(60, 0, 0)])));
    assert_eq!((first.replicas, first.ruling, first.band), (Replicas(10), Ruling::RateUnknown, None));
    let second = counted(&life.look(10, &crate::life::new(10, &[queue_of(60, 0, 0)])));
    assert_eq!((second.replicas, second.ruling, second.band), (Replicas(1), Ruling::Fewer, None));
}

#[test]
fn the_trend_of_a_queue_begins_anew_after_five_minutes_and_with_a_value_from_before() {
    let known = |seconds: i64| {
        let mut life = Life::new(policy(1, 50, &[("orders", messages(60))]), 5);
        let _ = life.look(1_000, &crate::life::new(1_000, &[queue_of(600, 0, 0)]));
        let _ = life.look(seconds.max(1_000), &crate::life::new(seconds, &[queue_of(700, 0, 0)]));
        life.history.trends[0].growth
    };
    assert_eq!(known(1_300), Some(333), "100 messages in 300 s");
    assert_eq!([1_301, 2_000, 999].map(known), [None; 3]);
}

#[test]
fn a_growth_beyond_all_numbers_is_the_greatest_of_its_side() {
    let growth = |before, after| {
        let mut life = Life::new(policy(1, 50, &[("orders", messages(60))]), 5);
        let _ = life.look(0, &crate::life::new(0, &[queue_of(before, 0, 0)]));
        let _ = life.look(1, &crate::life::new(1, &[queue_of(after, 0, 0)]));
        life.history.trends[0].growth
    };
    assert_eq!([growth(u64::MAX, 0), growth(0, u64::MAX)], [Some(i64::MIN), Some(i64::MAX)]);
}

#[test]
fn nothing_stands_still_where_nothing_waits_or_nothing_is_worked_on() {
    let stands = |visible, in_flight| {
        let mut life = Life::new(policy(1, 50, &[("orders", messages(60))]), 5);
        let _ = life.look(0, &crate::life::new(0, &[queue_of(visible, in_flight, 0)]));
        life.history.trends[0].still.is_some()
    };
    assert_eq!(
        [(1, 1), (0, 1), (1, 0), (0, 0)].map(|(visible, in_flight)| stands(visible, in_flight)),
        [true, false, false, false]
    );
}
