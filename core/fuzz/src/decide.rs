//! Whatever a document says, looking at it twice panics nowhere, and what was decided can be said, written and read again.
#![no_main]

use hybridscaler_core::{Decision, history::History, look, observation::Observation, policy::Policy};
use jiff::Timestamp;
use libfuzzer_sys::{Corpus, fuzz_target};
use serde::Deserialize;

#[derive(Deserialize)]
struct Document {
    now: Timestamp,
    policy: Policy,
    observation: Observation,
    #[serde(default)]
    history: History,
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(Document { now, policy, observation, mut history }) = serde_json::from_slice(bytes) else {
        return Corpus::Reject;
    };
    for _ in 0..2 {
        let decision = look(&policy, &observation, &mut history, now);
        assert!(decision.explanation.headline().to_string().chars().count() <= 160);
        assert!(!decision.explanation.to_string().is_empty());
        let written = serde_json::to_string(&decision).expect("a decision can be written");
        assert_eq!(serde_json::from_str::<Decision>(&written).expect("and read"), decision);
        history.scaled(&observation.workload, decision.replicas, &policy, now);
    }
    Corpus::Keep
});
