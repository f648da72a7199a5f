//! Checks every scope, the large ones included, and prints what came of it as Markdown.

use std::process::ExitCode;

use hybridscaler_model::{LIVE, NOT_COVERED, OMISSIONS, Outcome, Row, SAFE, SAFE_AND_LARGE, check};

fn main() -> ExitCode {
    println!("| claimed safe | worlds | depth | seconds | |\n| --- | ---: | ---: | ---: | --- |");
    let safe = all(SAFE.iter().chain(&SAFE_AND_LARGE), Outcome::holds);
    println!("\n| brings everybody what fits | worlds | depth | seconds | |\n| --- | ---: | ---: | ---: | --- |");
    let live = all(LIVE.iter(), Outcome::holds);
    println!("\n| not covered | worlds | depth | seconds | |\n| --- | ---: | ---: | ---: | --- |");
    let not_covered = all(NOT_COVERED.iter(), Outcome::breaks);
    println!("\n| safeguard left out | worlds | depth | seconds | |\n| --- | ---: | ---: | ---: | --- |");
    let omissions = all(OMISSIONS.iter(), Outcome::breaks);
    if safe && live && not_covered && omissions { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Checks every row, also after one that did not come out as expected; whether all did.
fn all<'a>(rows: impl Iterator<Item = &'a Row>, expected: impl Fn(&Outcome) -> bool) -> bool {
    rows.filter(|row| !tell(row, &expected)).count() == 0
}

/// Checks a scope and prints its line; whether it came out as expected.
fn tell(row: &Row, expected: impl Fn(&Outcome) -> bool) -> bool {
    let outcome = check(&row.scope);
    let as_expected = if expected(&outcome) { "" } else { " (NOT AS EXPECTED)" };
    let Outcome { worlds, depth, rounds, .. } = outcome;
    let seconds = outcome.took.as_secs_f64();
    let result = match &outcome.found {
        Some(found) => format!("broken in {} steps", found.steps.len()),
        None if row.scope.rounds.is_some() => format!("within {rounds} rounds"),
        None => "holds".to_owned(),
    };
    println!("| {} | {worlds} | {depth} | {seconds:.1} | {result}{as_expected} |", row.name);
    as_expected.is_empty()
}
