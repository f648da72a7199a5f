//! Whatever a formula says, checking and evaluating it panics nowhere, and a value is the one that CEL's own evaluator computes.
#![no_main]

use std::collections::HashMap;

use cel::{Context, Program, Value};
use hybridscaler_core::{
    Replicas,
    observation::{Rollout, Workload},
    policy::{Behavior, Outage, Pace, SelectPolicy},
    reading::{Load, Reading},
};
use hybridscaler_formula::{Field, Formula, Input, Signal, Variable};
use jiff::{SignedDuration, Timestamp};
use kube_cel::KubeCelExt as _;
use libfuzzer_sys::{Corpus, fuzz_target};

const VARIABLES: [Variable<'_>; 4] = [
    Variable { trigger: "a", fields: Field::QUEUE },
    Variable { trigger: "b-c", fields: Field::EXTERNAL },
    Variable { trigger: "d", fields: &[Field::Utilization] },
    Variable { trigger: "e", fields: &[] },
];

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = str::from_utf8(bytes) else { return Corpus::Reject };
    let formula = match Formula::compile(text, &VARIABLES) {
        Ok(formula) => formula,
        Err(error) => {
            assert!(error.to_string().contains(": "), "{error} has no mend");
            return Corpus::Keep;
        }
    };
    let now = Timestamp::UNIX_EPOCH;
    for (visible, in_flight, delayed, milli, percent) in
        [(0, 0, 0, 0, 0.0), (420, 7, 1, 12_500, 85.5), (u64::MAX, 1, 0, u64::MAX, 1e6)]
    {
        let known = |load| Reading::Known { load, at: now };
        let queue = known(Load::Queue { visible, in_flight, delayed });
        let value = known(Load::Value { milli });
        let cpu = known(Load::Utilization { percent });
        let signal = |input: &Input| {
            let reading = match &*input.trigger {
                "a" => &queue,
                "b-c" => &value,
                _ => &cpu,
            };
            Signal { reading: Some(reading), stale_after: SignedDuration::from_secs(60) }
        };
        let ours = match formula.evaluate(signal, &workload(), &behavior(), now) {
            Reading::Known { load: Load::Value { milli }, .. } => milli as f64,
            Reading::Known { load, .. } => panic!("{load:?} is no amount"),
            Reading::Unknown(unread) => {
                assert!(unread.message.contains(": "), "{unread} has no mend");
                continue;
            }
        };
        let mut context = Context::default();
        context.register_all();
        let queue = [("visible", visible as f64), ("inFlight", in_flight as f64), ("delayed", delayed as f64)];
        context.add_variable_from_value("a", HashMap::from(queue));
        context.add_variable_from_value("b_c", HashMap::from([("value", milli as f64 / 1000.0)]));
        context.add_variable_from_value("d", HashMap::from([("utilization", percent)]));
        let theirs = match Program::compile(text).map(|program| program.execute(&context)) {
            Ok(Ok(Value::Float(number))) => number,
            other => panic!("{text}: CEL has {other:?}"),
        };
        assert!(ours == (theirs * 1000.0).round(), "{text}: {ours} here, {theirs} in CEL");
    }
    Corpus::Keep
});

fn workload() -> Workload {
    let (one, none) = (Replicas(1), Replicas::ZERO);
    Workload { desired: one, running: one, starting: none, terminating: none, rollout: Rollout::Settled }
}

fn behavior() -> Behavior {
    let pace = Pace {
        cooldown: SignedDuration::ZERO,
        window: SignedDuration::ZERO,
        tolerance_permille: 100,
        policies: Vec::new(),
        select: SelectPolicy::Max,
    };
    Behavior { scale_up: pace.clone(), scale_down: pace, outage: Outage::Hold }
}
