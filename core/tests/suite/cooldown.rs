//! Application Auto Scaling's cooldowns as cases: a workload's life in a few lines, each line a moment, its readings and the outcome.
//!
//! The wording is the user guide's ("Target tracking scaling policies", cooldown period): after a scale-out the capacity is not
//! raised again "unless either a larger scale out is triggered or the cooldown period ends"; scale-in is blocked for the scale-in
//! cooldown, and a scale-out in it goes ahead at once and ends it; the clock starts when the activity has completed.

use hybridscaler_core::{
    Replicas,
    explanation::Limit,
    history::{Cooling, History, Settled},
    look,
    observation::{Rollout, Workload},
    policy::{Policy, Target},
    reading::Reading,
};
use jiff::SignedDuration;

use crate::support::{at, at_rest, messages, policy, queue};

/// One workload over time. CPU at 65 %, 60 messages a replica, 2 to 50 replicas, cooldowns of 30 s up and 180 s down.
struct Life {
    policy: Policy,
    workload: Workload,
    history: History,
}

impl Life {
    fn new(replicas: u32, trigger: Target) -> Self {
        let policy = policy(2, 50, &[("signal", trigger)]);
        Self { policy, workload: at_rest(replicas), history: crate::support::long_known() }
    }

    fn of_cpu(replicas: u32) -> Self {
        Self::new(replicas, Target::Utilization(65))
    }

    fn of_queue(replicas: u32) -> Self {
        Self::new(replicas, messages(60))
    }

    /// One turn: look, decide, write. The outcome is what is desired then, and what limits it.
    fn turn(&mut self, seconds: i64, reading: Reading) -> (u32, Limit) {
        let now = at(seconds);
        let reading = match reading {
            Reading::Known { load, .. } => Reading::Known { load, at: now },
            unknown @ Reading::Unknown(_) => unknown,
        };
        let seen = crate::support::seen(self.workload, &[reading]);
        let decision = look(&self.policy, &seen, &mut self.history, now);
        self.history.scaled(&self.workload, decision.replicas, &self.policy, now);
        self.workload.desired = decision.replicas;
        (decision.replicas.0, decision.limited_by)
    }

    fn cpu(&mut self, seconds: i64, percent: f64) -> (u32, Limit) {
        self.turn(seconds, crate::support::utilization(percent))
    }

    fn queue(&mut self, seconds: i64, visible: u64) -> (u32, Limit) {
        self.turn(seconds, queue(visible))
    }

    /// All the replicas asked for run.
    fn arrive(&mut self) {
        self.workload = at_rest(self.workload.desired.0);
    }
}

#[test]
fn a_pinned_cpu_is_answered_once_until_the_cooldown_ends() {
    let mut life = Life::of_cpu(5);
    assert_eq!(life.cpu(0, 100.0), (8, Limit::None));
    assert_eq!(life.cpu(10, 100.0), (8, Limit::None), "five still run, and eight are what they ask for");
    life.arrive();
    assert_eq!(life.cpu(20, 100.0), (8, Limit::ScaleUpCooldown));
    assert_eq!(life.cpu(49, 100.0), (8, Limit::ScaleUpCooldown));
    assert_eq!(life.cpu(50, 100.0), (13, Limit::None));
}

#[test]
fn a_larger_scale_out_in_the_cooldown_adds_only_the_difference() {
    let mut life = Life::of_cpu(10);
    assert_eq!(life.cpu(0, 78.0), (12, Limit::None));
    life.arrive();
    assert_eq!(life.cpu(10, 78.0), (12, Limit::ScaleUpCooldown));
    assert_eq!(
        life.cpu(20, 84.5),
        (13, Limit::ScaleUpCooldown),
        "ten asked for three more: one more than the two added"
    );
}

#[test]
fn the_base_stays_that_of_the_first_scale_out_while_cooldowns_follow_one_another() {
    let mut life = Life::of_cpu(10);
    life.cpu(0, 78.0);
    life.arrive();
    life.cpu(10, 84.5);
    life.arrive();
    assert_eq!(life.cpu(20, 91.0), (14, Limit::ScaleUpCooldown));
    assert_eq!(life.history.scale_up.unwrap().base, Replicas(10));
}

#[test]
fn the_base_is_what_ran_and_not_what_was_desired() {
    let mut life = Life::of_cpu(10);
    life.workload.running = Replicas(9);
    assert_eq!(life.cpu(0, 97.5), (14, Limit::None));
    assert_eq!(life.cpu(10, 97.5), (14, Limit::None), "a base of ten would ask for fifteen");
}

#[test]
fn a_larger_scale_out_starts_the_cooldown_anew() {
    let mut life = Life::of_cpu(10);
    life.cpu(0, 78.0);
    life.arrive();
    life.cpu(10, 84.5);
    life.arrive();
    assert_eq!(life.cpu(20, 84.5), (13, Limit::ScaleUpCooldown));
    assert_eq!(life.cpu(49, 84.5), (13, Limit::ScaleUpCooldown));
    assert_eq!(life.cpu(50, 84.5), (17, Limit::None));
}

#[test]
fn the_clock_starts_when_the_scale_out_has_settled() {
    let mut life = Life::of_cpu(5);
    life.cpu(0, 100.0);
    assert_eq!(life.cpu(100, 100.0), (8, Limit::None));
    life.workload.starting = Replicas(3);
    life.workload.running = Replicas(7);
    assert_eq!(life.cpu(110, 100.0), (8, Limit::ScaleUpCooldown), "not settled while one is missing");
    life.arrive();
    life.cpu(120, 100.0);
    assert_eq!(life.cpu(149, 100.0), (8, Limit::ScaleUpCooldown));
    assert_eq!(life.cpu(150, 100.0), (13, Limit::None));
}

#[test]
fn a_write_that_is_seen_late_starts_its_cooldown_when_it_is_seen() {
    let mut life = Life::of_cpu(5);
    assert_eq!(life.cpu(0, 100.0), (8, Limit::None));
    let old = crate::support::seen(at_rest(5), &[]);
    life.history.observed(&life.policy, &old, at(5));
    life.arrive();
    life.cpu(10, 65.0);
    assert_eq!(life.history.scale_up.map(|up| (up.to, up.at)), Some((Replicas(8), at(10))));
}

#[test]
fn a_change_that_another_one_replaces_will_not_settle_so_its_clock_starts() {
    let mut life = Life::of_cpu(5);
    life.cpu(0, 100.0);
    life.policy.max = Replicas(6);
    assert_eq!(life.cpu(10, 100.0), (6, Limit::MaxReplicas));
    assert_eq!(life.history.scale_up.unwrap().settled, Some(at(10)));
}

#[test]
fn a_scale_out_that_never_settles_is_given_up_after_300_seconds() {
    let mut life = Life::of_cpu(5);
    life.cpu(0, 100.0);
    life.workload.running = Replicas(7);
    assert_eq!(life.cpu(299, 100.0), (8, Limit::ScaleUpCooldown));
    assert_eq!(life.cpu(329, 100.0), (8, Limit::ScaleUpCooldown));
    assert_eq!(life.cpu(330, 100.0), (11, Limit::None));
}

#[test]
fn a_cooldown_tells_whether_its_change_settled_or_was_given_up() {
    let cooldown = SignedDuration::from_secs(30);
    let mut life = Life::of_cpu(5);
    life.cpu(0, 100.0);
    let up = |life: &Life, seconds| {
        let mut history = life.history.clone();
        history.observed(&life.policy, &crate::support::seen(life.workload, &[]), at(seconds));
        history.scale_up.unwrap().cooling(cooldown, at(seconds))
    };
    assert_eq!(up(&life, 299), Cooling::Settling { latest: at(330) });
    assert_eq!(up(&life, 310), Cooling::Until { end: at(330), since: Settled::SettleTimeout });
    assert_eq!(up(&life, 330), Cooling::Over);
    life.arrive();
    assert_eq!(up(&life, 10), Cooling::Until { end: at(40), since: Settled::AtRest });
}

#[test]
fn a_queue_asks_for_absolute_numbers_so_a_larger_one_acts_in_the_cooldown() {
    let mut life = Life::of_queue(5);
    assert_eq!(life.queue(0, 600), (10, Limit::None));
    assert_eq!(life.queue(5, 600), (10, Limit::None));
    assert_eq!(life.queue(10, 720), (12, Limit::None));
}

#[test]
fn a_scale_in_blocks_the_next_one_for_its_cooldown() {
    let mut life = Life::of_queue(10);
    assert_eq!(life.queue(0, 480), (8, Limit::None));
    life.arrive();
    assert_eq!(life.queue(10, 300), (8, Limit::ScaleDownCooldown));
    assert_eq!(life.queue(189, 300), (8, Limit::ScaleDownCooldown));
    assert_eq!(life.queue(190, 300), (5, Limit::None));
}

#[test]
fn a_scale_in_that_has_not_settled_blocks_the_next_one() {
    let mut life = Life::of_queue(10);
    life.queue(0, 480);
    assert_eq!(life.queue(200, 300), (8, Limit::ScaleDownCooldown));
    life.arrive();
    assert_eq!(life.queue(210, 300), (8, Limit::ScaleDownCooldown));
    assert_eq!(life.queue(390, 300), (5, Limit::None));
}

#[test]
fn a_scale_out_goes_ahead_in_a_scale_in_cooldown_and_ends_it() {
    let mut life = Life::of_queue(10);
    life.queue(0, 480);
    life.arrive();
    assert_eq!(life.queue(10, 600), (10, Limit::None));
    assert_eq!(life.history.scale_down, None);
    life.arrive();
    life.queue(20, 600);
    assert_eq!(
        life.queue(50, 300),
        (5, Limit::None),
        "30 s after the scale-out settled, long before 180 s after the scale-in"
    );
}

#[test]
fn a_scale_in_waits_for_the_scale_out_cooldown() {
    let mut life = Life::of_queue(5);
    life.queue(0, 600);
    life.arrive();
    assert_eq!(life.queue(10, 0), (10, Limit::ScaleUpCooldown));
    assert_eq!(life.queue(39, 0), (10, Limit::ScaleUpCooldown));
    assert_eq!(life.queue(40, 0), (2, Limit::MinReplicas));
}

#[test]
fn without_a_cooldown_nothing_waits_for_a_change_to_settle() {
    let mut life = Life::of_cpu(5);
    life.policy.behavior.scale_up.cooldown = SignedDuration::ZERO;
    life.cpu(0, 100.0);
    life.workload.running = Replicas(7);
    assert_eq!(life.cpu(10, 100.0), (11, Limit::None));
    assert_eq!(life.cpu(20, 10.0), (2, Limit::None));
}

#[test]
fn bounds_are_moved_into_at_once_in_any_cooldown() {
    let mut life = Life::of_queue(10);
    life.queue(0, 480);
    life.arrive();
    life.policy.max = Replicas(6);
    assert_eq!(life.queue(10, 120), (6, Limit::ScaleDownCooldown));
    life.policy.min = Replicas(7);
    life.policy.max = Replicas(9);
    life.arrive();
    assert_eq!(life.queue(20, 120), (7, Limit::MinReplicas));
}

#[test]
fn a_rollout_keeps_a_change_from_settling() {
    let mut life = Life::of_cpu(5);
    life.cpu(0, 100.0);
    life.arrive();
    life.workload.rollout = Rollout::InProgress;
    assert_eq!(life.cpu(100, 100.0), (8, Limit::ScaleUpCooldown));
    life.arrive();
    life.cpu(110, 100.0);
    assert_eq!(life.cpu(140, 100.0), (13, Limit::None));
}

#[test]
fn a_clock_that_steps_back_an_hour_lengthens_a_cooldown_by_no_more_than_itself() {
    let mut life = Life::of_queue(10);
    life.queue(0, 480);
    life.arrive();
    life.queue(10, 300);
    assert_eq!(life.queue(-3_600, 300), (8, Limit::ScaleDownCooldown));
    assert_eq!(life.queue(-3_421, 300), (8, Limit::ScaleDownCooldown));
    assert_eq!(life.queue(-3_420, 300), (5, Limit::None));
}

#[test]
fn a_clock_that_steps_back_before_a_change_settles_gives_it_up_no_later() {
    let mut life = Life::of_cpu(5);
    life.cpu(0, 100.0);
    life.workload.running = Replicas(7);
    assert_eq!(life.cpu(-3_600, 100.0), (8, Limit::ScaleUpCooldown));
    assert_eq!(life.cpu(-3_600 + 329, 100.0), (8, Limit::ScaleUpCooldown));
    assert_eq!(life.cpu(-3_600 + 330, 100.0), (11, Limit::None));
}

#[test]
fn a_restart_in_a_cooldown_forgets_nothing() {
    let mut life = Life::of_queue(10);
    life.queue(0, 480);
    life.arrive();
    life.queue(10, 300);
    let stored = serde_json::to_string(&life.history).unwrap();
    life.history = serde_json::from_str(&stored).unwrap();
    assert_eq!(life.queue(189, 300), (8, Limit::ScaleDownCooldown));
    assert_eq!(life.queue(190, 300), (5, Limit::None));
}

#[test]
fn what_runs_at_the_first_look_of_all_is_given_the_time_of_a_cooldown() {
    let mut life = Life { history: History::default(), ..Life::of_queue(10) };
    assert_eq!(
        life.queue(0, 0),
        (10, Limit::ScaleDownCooldown),
        "it may have been started a moment ago, and not stored"
    );
    assert_eq!(life.queue(179, 0), (10, Limit::ScaleDownCooldown));
    assert_eq!(life.queue(180, 0), (2, Limit::MinReplicas));
    let mut wakes = Life { history: History::default(), ..Life::of_queue(10) };
    assert_eq!(wakes.queue(0, 1_200), (20, Limit::None), "it holds back no scale-out");
}
