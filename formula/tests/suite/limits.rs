//! A formula must not hang the operator, nor exhaust the stack of a thread.

use std::{thread, time::Instant};

use hybridscaler_core::{
    Replicas,
    observation::{Rollout, Workload},
    reading::{Load, Reading},
};
use hybridscaler_formula::{FormulaError, Signal};
use jiff::{SignedDuration, Timestamp};

use super::{compile, evaluation::behavior};

/// A quarter of what a thread of the operator has.
const STACK: usize = 512 << 10;

#[test]
fn length_depth_and_operators_are_bounded() {
    let long = format!("backlog.visible{}", " ".repeat(1024));
    assert_eq!(compile(&long).unwrap_err(), FormulaError::TooLong(1039));
    let deep = |brackets: usize| format!("{}backlog.visible{}", "(".repeat(brackets), ")".repeat(brackets));
    assert!(compile(&deep(16)).is_ok());
    assert_eq!(compile(&deep(17)).unwrap_err(), FormulaError::TooDeep(17));
    let wide = |operators: usize| format!("backlog.visible{}", " + 1.0".repeat(operators));
    assert!(compile(&wide(64)).is_ok());
    assert_eq!(compile(&wide(65)).unwrap_err(), FormulaError::TooManyOperators(65));
}

#[test]
fn the_deepest_formulas_fit_into_a_small_stack_and_a_moment() {
    let texts = [
        format!("{}backlog.visible{}", "math.ceil(".repeat(16), ")".repeat(16)),
        format!("{}backlog.visible{}", "-(".repeat(16), ")".repeat(16)),
        format!("backlog.visible{}", " + 1.0".repeat(64)),
        format!("{}backlog.visible", "1.0 > 2.0 ? 1.0 : ".repeat(21)),
        format!("backlog.visible > 1.0{} ? 1.0 : 2.0", " && 1.0 < 2.0".repeat(20)),
        format!("{}backlog.visible{}", "(1.0 - ".repeat(16), " + 1.0)".repeat(16)),
    ];
    for text in texts {
        let run = move || {
            let started = Instant::now();
            let formula = compile(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let now = Timestamp::UNIX_EPOCH;
            let reading = Reading::Known { load: Load::Queue { visible: 7, in_flight: 0, delayed: 0 }, at: now };
            let signal = |_: &_| Signal { reading: Some(&reading), stale_after: SignedDuration::from_secs(60) };
            let one = Replicas(1);
            let workload = Workload {
                desired: one,
                running: one,
                starting: Replicas(0),
                terminating: Replicas(0),
                rollout: Rollout::Settled,
            };
            drop(formula.evaluate(signal, &workload, &behavior(), now));
            started.elapsed()
        };
        let took = thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap();
        assert!(took.as_secs() < 1, "{took:?}");
    }
}
