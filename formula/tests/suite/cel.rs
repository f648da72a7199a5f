//! What is accepted means what CEL says: against CEL's own evaluator, over generated formulas.

use ::cel::{Context, Program, Value};
use hybridscaler_core::{
    Replicas,
    observation::{Rollout, Workload},
    reading::{Load, Reading},
};
use hybridscaler_formula::Signal;
use jiff::{SignedDuration, Timestamp};
use kube_cel::KubeCelExt as _;
use proptest::prelude::*;

use super::{compile, evaluation::behavior};

/// Text of a number, at most `depth` operations deep.
fn number(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("backlog.visible".to_owned()),
        Just("backlog.inFlight".to_owned()),
        Just("open_requests.value".to_owned()),
        (0_u32..100).prop_map(|tenths| format!("{}.{}", tenths / 10, tenths % 10)),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let below = || number(depth - 1);
    prop_oneof![
        leaf,
        (below(), prop::sample::select(vec!["+", "-", "*", "/"]), below())
            .prop_map(|(one, sign, two)| format!("{one} {sign} {two}")),
        below().prop_map(|number| format!("({number})")),
        below().prop_map(|number| format!("-({number})")),
        (condition(depth - 1), below(), below())
            .prop_map(|(condition, one, two)| format!("({condition} ? {one} : {two})")),
        (prop::sample::select(vec!["ceil", "floor", "abs"]), below())
            .prop_map(|(name, number)| format!("math.{name}({number})")),
        (prop::sample::select(vec!["greatest", "least"]), prop::collection::vec(below(), 1..4))
            .prop_map(|(name, numbers)| format!("math.{name}({})", numbers.join(", "))),
    ]
    .boxed()
}

fn condition(depth: u32) -> BoxedStrategy<String> {
    let comparison = || prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]);
    let leaf = (number(0), comparison(), number(0)).prop_map(|(one, sign, two)| format!("{one} {sign} {two}"));
    if depth == 0 {
        return leaf.boxed();
    }
    let below = || condition(depth - 1);
    prop_oneof![
        leaf,
        (number(depth - 1), comparison(), number(depth - 1)).prop_map(|(one, sign, two)| format!("{one} {sign} {two}")),
        (below(), prop::sample::select(vec!["&&", "||"]), below())
            .prop_map(|(one, sign, two)| format!("{one} {sign} {two}")),
        below().prop_map(|condition| format!("!({condition})")),
    ]
    .boxed()
}

/// What CEL's evaluator says.
fn by_cel(text: &str, visible: u64, in_flight: u64, milli: u64) -> f64 {
    let mut context = Context::default();
    context.register_all();
    let count = |count: u64| f64::from(u32::try_from(count).unwrap());
    let queue = [("visible", count(visible)), ("inFlight", count(in_flight))];
    context.add_variable_from_value("backlog", std::collections::HashMap::from(queue));
    context
        .add_variable_from_value("open_requests", std::collections::HashMap::from([("value", count(milli) / 1000.0)]));
    match Program::compile(text).unwrap().execute(&context) {
        Ok(Value::Float(number)) => number,
        other => panic!("{text}: {other:?}"),
    }
}

/// Whether two whole numbers are the same.
fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < 0.5
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_value_is_the_one_that_cel_computes(text in number(4), visible in 0_u64..20, in_flight in 0_u64..5, milli in 0_u64..5_000) {
        let Ok(formula) = compile(&text) else { return Ok(()) };
        let now = Timestamp::UNIX_EPOCH;
        let queue = Reading::Known { load: Load::Queue { visible, in_flight, delayed: 0 }, at: now };
        let value = Reading::Known { load: Load::Value { milli }, at: now };
        let signal = |input: &hybridscaler_formula::Input| {
            let reading = if &*input.trigger == "backlog" { &queue } else { &value };
            Signal { reading: Some(reading), stale_after: SignedDuration::from_secs(60) }
        };
        let workload = Workload {
            desired: Replicas(1), running: Replicas(1), starting: Replicas(0), terminating: Replicas(0), rollout: Rollout::Settled,
        };
        if let Reading::Known { load: Load::Value { milli: ours }, .. } = formula.evaluate(signal, &workload, &behavior(), now) {
            let theirs = (by_cel(&text, visible, in_flight, milli) * 1000.0).round();
            #[expect(clippy::cast_precision_loss, reason = "both are rounded to the nearest")]
            let ours = ours as f64;
            prop_assert!(same(ours, theirs.abs()), "{}: {} and {}", text, ours, theirs);
        }
    }
}
