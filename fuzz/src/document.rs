//! Whatever text `hybridscaler decide` is given, it panics nowhere: it says where the text is wrong and how to mend it, or decides, and
//! then again to the byte.
#![no_main]

use std::sync::Arc;

use hybridscaler::{
    api::decision::{DecisionInput, DecisionOutput},
    cli::decide::{Source, read},
};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Corpus::Reject;
    };
    let source = |text: &str| Arc::new(Source { name: "fuzz".into(), text: text.into() });
    let input = match read(&source(text)) {
        Ok(input) => input,
        Err(findings) => {
            assert!(!findings.is_empty(), "refused without a word");
            for finding in findings {
                let mended = !finding.problem.mend.is_empty() || finding.problem.message.contains(": ");
                assert!(mended && !finding.to_string().contains('\n'), "{finding:?}");
            }
            return Corpus::Keep;
        }
    };
    let Ok(output) = input.decide() else { return Corpus::Keep };
    let words = &output.decision.headline;
    assert!(words.chars().count() <= 160, "{words}");
    let written = serde_json::to_string(&output).expect("an output can be written");
    assert_eq!(serde_json::from_str::<DecisionOutput>(&written).expect("and read"), output);
    let document = serde_json::to_string(input.document()).expect("an input can be written");
    let again: DecisionInput = serde_json::from_str(&document).expect("and read");
    assert_eq!(&again, input.document());
    let again = read(&source(&document)).unwrap_or_else(|findings| panic!("{document}: {findings:?}"));
    let again = again.decide().expect("what was decided once is decided again");
    assert_eq!(serde_json::to_string(&again).expect("an output can be written"), written);
    Corpus::Keep
});
