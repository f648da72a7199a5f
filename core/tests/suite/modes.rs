//! What is done with a decision: none of the modes loses history.

use hybridscaler_core::{
    Replicas,
    explanation::Limit,
    policy::{Mode, Policy},
    reading::Unknown,
};
use jiff::SignedDuration;

use crate::{
    life::Life,
    support::{messages, policy, queue, unknown},
};

fn mode(mode: Mode) -> Policy {
    Policy { mode, ..policy(2, 50, &[("backlog", messages(60))]) }
}

fn pinned(replicas: u32) -> Policy {
    Policy { pinned: Some(Replicas(replicas)), ..mode(Mode::Active) }
}

#[test]
fn each_mode_lets_through_what_its_name_says() {
    for (of, more, fewer) in [
        (Mode::Active, (24, Limit::None), (5, Limit::None)),
        (Mode::DryRun, (24, Limit::None), (5, Limit::None)),
        (Mode::Paused, (10, Limit::Paused), (10, Limit::Paused)),
        (Mode::ScaleUpOnly, (24, Limit::None), (10, Limit::ScaleDownPaused)),
        (Mode::ScaleDownOnly, (10, Limit::ScaleUpPaused), (5, Limit::None)),
    ] {
        assert_eq!(Life::new(mode(of), 10).turn(0, &[queue(1_440)]), more, "{of:?}");
        assert_eq!(Life::new(mode(of), 10).turn(0, &[queue(300)]), fewer, "{of:?}");
    }
}

#[test]
fn a_paused_direction_is_paused_for_the_bounds_too() {
    assert_eq!(Life::new(mode(Mode::ScaleUpOnly), 60).turn(0, &[queue(300)]), (60, Limit::ScaleDownPaused));
    assert_eq!(Life::new(mode(Mode::ScaleDownOnly), 1).turn(0, &[queue(0)]), (1, Limit::ScaleUpPaused));
    assert_eq!(Life::new(mode(Mode::Paused), 60).turn(0, &[queue(300)]), (60, Limit::Paused));
}

#[test]
fn a_pin_is_kept_whatever_is_read_and_whatever_else_limits() {
    for readings in [[queue(6_000)], [queue(0)], [unknown(Unknown::Throttled)]] {
        assert_eq!(Life::new(pinned(8), 10).turn(0, &readings), (8, Limit::Pinned));
        assert_eq!(Life::new(pinned(8), 0).turn(0, &readings), (8, Limit::Pinned), "a pause by hand included");
        assert_eq!(Life::new(pinned(80), 10).turn(0, &readings), (80, Limit::Pinned), "the maximum included");
        assert_eq!(Life::new(pinned(0), 10).turn(0, &readings), (0, Limit::Pinned), "the minimum included");
    }
}

#[test]
fn a_pin_needs_no_cooldown_to_end() {
    let mut life = Life::new(mode(Mode::Active), 5);
    assert_eq!(life.turn(0, &[queue(600)]).0, 10);
    life.policy.pinned = Some(Replicas(3));
    assert_eq!(life.turn(15, &[queue(600)]), (3, Limit::Pinned));
}

#[test]
fn zero_by_a_pin_ends_with_the_pin() {
    let mut life = Life::new(pinned(0), 10);
    assert_eq!(life.turn(0, &[queue(600)]).0, 0);
    life.policy.pinned = None;
    assert_eq!(life.turn(15, &[queue(600)]), (10, Limit::None));
}

#[test]
fn no_mode_forgets_what_is_recommended() {
    let paused = [Mode::Paused, Mode::ScaleUpOnly, Mode::ScaleDownOnly, Mode::DryRun].map(mode);
    for held in paused.into_iter().chain([pinned(10)]) {
        let what = format!("{:?} {:?}", held.mode, held.pinned);
        let mut life = Life::new(held, 10);
        life.policy.behavior.scale_down.cooldown = SignedDuration::ZERO;
        life.policy.behavior.scale_down.window = SignedDuration::from_mins(5);
        let _ = life.look(0, &crate::life::new(0, &[queue(600)]));
        let _ = life.look(100, &crate::life::new(100, &[queue(480)]));
        life.policy = Policy { mode: Mode::Active, pinned: None, ..life.policy };
        assert_eq!(life.turn(299, &[queue(60)]), (10, Limit::ScaleDownStabilized), "{what}");
        assert_eq!(life.turn(300, &[queue(60)]).0, 8, "{what}");
    }
}
