//! A steady look takes no memory: what it decides stands on the stack, and its words are made when they are read.

#[path = "../benches/decision/steady.rs"]
mod steady;

use steady::Steady;

#[test]
fn a_steady_look_with_three_triggers_and_a_full_hour_of_history_allocates_nothing() {
    let mut steady = Steady::after_an_hour();
    let remembered = [
        steady.history.recommendations.scale_up.len(),
        steady.history.recommendations.scale_down.len(),
        steady.history.events.len(),
        steady.history.trends.len(),
    ];
    assert!(remembered.iter().zip([12, 20, 30, 1]).all(|(found, full)| *found >= full), "{remembered:?}");

    let first = steady.look();
    let counted = allocation_counter::measure(|| {
        for _ in 0..1_000 {
            assert_eq!(steady.look().replicas, first.replicas);
        }
    });
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0));

    let words = allocation_counter::measure(|| drop(steady.look().explanation.to_string()));
    assert!(words.count_total > 0, "the counter counts");
}
