//! The protocol in every order that a small scope allows: what is claimed safe is, what is not covered is not, and no safeguard is
//! there for nothing.

#![expect(clippy::panic, reason = "tests")]

use std::collections::HashSet;

use hybridscaler_model::{LIVE, NOT_COVERED, OMISSIONS, Omission, Row, SAFE, check};

fn holds(rows: &[Row]) {
    for row in rows {
        let outcome = check(&row.scope);
        println!("{}: {} worlds, {} rounds, {:?}", row.name, outcome.worlds, outcome.rounds, outcome.took);
        if let Some(found) = &outcome.found {
            panic!("{}: {found}", row.name);
        }
        assert!(outcome.idle.is_empty(), "{}: never {:?}, so it proves little", row.name, outcome.idle);
    }
}

fn breaks(rows: &[Row]) {
    for row in rows {
        let outcome = check(&row.scope);
        let found = outcome.found.unwrap_or_else(|| panic!("{}: holds in all {} worlds", row.name, outcome.worlds));
        println!("{}: {} worlds, {found}", row.name, outcome.worlds);
    }
}

#[test]
fn what_is_claimed_safe_is_safe_in_every_world() {
    holds(&SAFE);
}

#[test]
fn from_every_world_a_fair_schedule_brings_everybody_what_fits() {
    holds(&LIVE);
}

#[test]
fn what_is_not_covered_breaks_the_promise() {
    breaks(&NOT_COVERED);
}

#[test]
fn no_safeguard_can_be_left_out() {
    breaks(&OMISSIONS);
    let tried: HashSet<Omission> = OMISSIONS.iter().filter_map(|row| row.scope.omission).collect();
    assert_eq!(tried.len(), Omission::ALL.len(), "a safeguard is never left out");
}

#[test]
fn each_scope_with_an_omission_is_part_of_one_that_is_safe() {
    for row in OMISSIONS {
        let covers = |safe: &Row| {
            let (whole, part) = (safe.scope, row.scope);
            let same = (whole.consumers, whole.controllers, whole.discipline, whole.on_shrink)
                == (part.consumers, part.controllers, part.discipline, part.on_shrink);
            same && whole.most == part.most && part.events.iter().all(|event| whole.has(*event))
        };
        assert!(SAFE.iter().any(covers), "{}: what it breaks was never whole", row.name);
    }
}
