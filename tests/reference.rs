//! The reference pages name every stable word and every metric of the code, so that alerts can be written from them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hybridscaler::telemetry::metrics::{BudgetView, Counted, Metrics, ObjectName, ScalerView, TriggerView};
use hybridscaler_core::{Connections, Replicas};
use jiff::Timestamp;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn every_reason_and_condition_is_explained() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/conditions.md")).unwrap();
    let mut words = BTreeSet::new();
    // Where a stable word is a constant, or what `as_str` and `reason` answer.
    for file in
        ["src/api/conditions.rs", "src/targets/errors.rs", "src/databases/errors.rs", "src/controller/events.rs"]
            .map(|file| Path::new(ROOT).join(file))
            .into_iter()
            .chain(sources(&Path::new(ROOT).join("core/src")))
    {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        words.extend(code.lines().filter_map(stable_word).map(str::to_owned));
    }
    assert!(words.len() > 50 && words.contains("NotTrusted") && words.contains("Throttled"), "{words:?}");
    // How a condition's status is written, and no reason.
    let known = |word: &str| ["True", "False", "Unknown"].contains(&word) || page.contains(&format!("`{word}`"));
    let missing: Vec<_> = words.iter().filter(|word| !known(word)).collect();
    assert!(missing.is_empty(), "docs/conditions.md does not name {missing:?}");
}

#[test]
fn every_metric_is_explained_as_it_explains_itself_and_no_other_is() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/metrics.md")).unwrap();
    // | `name` | labels | meaning |
    let row = |line: &str| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?.to_owned();
        Some(format!("{name} {}", cells.nth(1)?)).filter(|row| row.starts_with("hybridscaler_"))
    };
    let documented: BTreeSet<String> = page.lines().filter_map(row).collect();

    let polls = Counted::new(
        "hybridscaler_source_requests_total",
        "Polls of signal sources, by kind of source and outcome",
        ["source", "outcome"],
        || vec![(["sqs", "ok"], 1)],
    );
    let metrics = Metrics::new(Box::new(polls.unwrap())).unwrap();
    let ledgers = Counted::new(
        "hybridscaler_ledger_operations_total",
        "Steps asked of ledgers, the writes that stored them, and the writes that met a newer ledger",
        ["operation"],
        || vec![(["step"], 1)],
    );
    metrics.add(Box::new(ledgers.unwrap())).unwrap();
    let left_out = Counted::new(
        "hybridscaler_record_left_out_total",
        "Decisions that the record lacks, since they came too fast or could not be written",
        [],
        || vec![([], 1)],
    );
    metrics.add(Box::new(left_out.unwrap())).unwrap();
    let name = ObjectName { namespace: "orders".to_owned(), name: "core-api".to_owned() };
    let trigger = TriggerView {
        name: "backlog".to_owned(),
        values: vec![("visible", 1.0)],
        proposal: Some(Replicas(1)),
        read_at: Some(Timestamp::UNIX_EPOCH),
    };
    let one = Some(Replicas(1));
    let known = ScalerView { running: one, desired: one, wanted: one, allowed: one, ..ScalerView::default() };
    metrics.scaler(name.clone(), ScalerView { triggers: vec![trigger], ..known });
    let (connections, guaranteed) = (Some(Connections(1)), Some(true));
    metrics.budget(name, BudgetView { capacity: connections, open: connections, guaranteed, ..BudgetView::default() });
    metrics.reconciled("HybridScaler", "ok", Duration::ZERO);
    metrics.wrote("up", "ok");
    let text = String::from_utf8(metrics.render().unwrap()).unwrap();
    let exposed: BTreeSet<String> =
        text.lines().filter_map(|line| line.strip_prefix("# HELP ")).map(str::to_owned).collect();
    assert_eq!(documented, exposed);
}

/// The word of a line such as `Self::Room { .. } => "Room",` or `pub const PAUSED: &str = "Paused";`.
fn stable_word(line: &str) -> Option<&str> {
    let (before, after) = line.split_once('"')?;
    let (word, rest) = after.split_once('"')?;
    let is_word = word.starts_with(char::is_uppercase) && word.chars().all(char::is_alphabetic);
    let answered = before.ends_with("=> ") && rest == ",";
    let constant = before.contains("pub const ") && rest == ";";
    let event = before.ends_with("EventType::Normal, ") || before.ends_with("EventType::Warning, ");
    (is_word && (answered || constant || event)).then_some(word)
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}
