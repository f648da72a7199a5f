//! What must be true whatever happens, and what comes true once nothing goes wrong any more.

use std::fmt::Write as _;

use hybridscaler_core::{Connections, budget::Ledger};

use super::{
    target::Kind,
    world::{NAMESPACE, World},
};

/// The ledger in one line.
pub(super) fn in_words(ledger: &Ledger) -> String {
    let mut words = match ledger.capacity.usable() {
        Some(usable) => format!("{usable} accepted, {} reserved", ledger.reserve),
        None => "capacity unknown".to_owned(),
    };
    if ledger.capacity.frozen() {
        words += ", frozen";
    }
    for (consumer, entry) in &ledger.entries {
        let lowering = entry.lowering.map(|replicas| format!(" lowering to {replicas}")).unwrap_or_default();
        let _ = write!(words, "; {consumer} {} (version {}{lowering})", entry.grant, entry.version);
    }
    words
}

/// What must be true after every event.
pub(super) fn check(world: &mut World) {
    for budget in 0..world.databases.len() {
        let (mut live, mut charged, mut by_hand) = (0, true, false);
        for at in 0..world.targets.len() {
            if !world.takes[at].contains(&budget) {
                continue;
            }
            let target = &world.targets[at];
            live += target.live();
            let entry = world.databases[budget].ledger.entries.get(&format!("{NAMESPACE}/{}", target.name));
            // Before the first look nobody knows of it, and nobody grows.
            charged &= entry.is_some();
            if let Some(until) = world.by_hand[at] {
                (by_hand, charged) = (true, false);
                if until <= world.now && is_charged_in_full(world, at) {
                    world.by_hand[at] = None;
                }
            } else if let Some(entry) = entry
                && entry.grant.0 < target.live()
            {
                let how = format!("{} holds {} connections of a grant of {}", target.name, target.live(), entry.grant);
                world.break_promise(how);
            }
        }
        let database = &mut world.databases[budget];
        database.forgiven |= by_hand;
        let (most, granted) = (database.usable.saturating_sub(database.reserve), database.ledger.granted().0);
        if database.forgiven {
            // Over for as long as what was granted before has not come back; known to the ledger or not yet.
            let known = database.ledger.capacity.usable().is_some_and(|usable| usable.0 <= database.usable);
            database.forgiven = granted > most || !known || !charged;
        } else if live > most {
            let how = format!("{live} connections live on database {budget} which has {most} to give");
            world.break_promise(how);
        }
    }
}

/// Whether every budget of the target is charged for all that it may run.
fn is_charged_in_full(world: &World, at: usize) -> bool {
    let target = &world.targets[at];
    let needed = target.live().max(2 * target.desired * target.per_replica);
    world.takes[at].iter().all(|budget| {
        let entry = world.databases[*budget].ledger.entries.get(&format!("{NAMESPACE}/{}", target.name));
        entry.is_some_and(|entry| entry.grant.0 >= needed)
    })
}

/// What must be true of every store: nothing grows beyond what fits, nor while nobody knows what fits now.
pub(super) fn check_store(world: &mut World, budget: usize, before: &Ledger, after: &Ledger) {
    let unread = !world.read.contains(&(world.served, budget));
    for at in 0..world.targets.len() {
        let name = world.targets[at].name;
        let consumer = format!("{NAMESPACE}/{name}");
        let grant = |ledger: &Ledger| ledger.entries.get(&consumer).map(|entry| entry.grant);
        // A store carries the steps of several scalers: what others give back may come before this one grows, and what others are
        // charged as they are may come after it.
        let mut grown = after.clone();
        for (of, entry) in &mut grown.entries {
            let had = before.entries.get(of).map_or(Connections::ZERO, |entry| entry.grant);
            entry.grant = if *of == consumer { entry.grant } else { entry.grant.min(had) };
        }
        let over = grown.over_by().0 > 0;
        if !over && !unread {
            continue;
        }
        // What is found at the first look is charged as it is. So is what ECS shows: its reads are of different moments, and count a
        // task twice rather than not at all. And so is what a person told the target.
        let charged_as_it_is =
            grant(before).is_none() || world.targets[at].kind == Kind::Service || world.by_hand[at].is_some();
        if !charged_as_it_is && grant(after) > grant(before) {
            let why = if over { "it is over" } else { "its capacity has not been read since the start" };
            let how = format!("{name} is granted more of budget {budget} while {why}");
            world.break_promise(how);
        }
    }
}

/// What must be true once all has been quiet for long: everybody runs what is wanted, or as many as fit, but for who was paused
/// by hand; nothing is held beyond need.
pub(super) fn check_quiet(world: &mut World) {
    for at in 0..world.targets.len() {
        let target = world.targets[at].clone();
        if world.deleted[at] {
            continue;
        }
        let mut fits_one_more = true;
        for budget in world.takes[at].clone() {
            let ledger = &world.databases[budget].ledger;
            let grant = ledger.entries.get(&format!("{NAMESPACE}/{}", target.name)).map_or(0, |entry| entry.grant.0);
            let needed = 2 * target.desired * target.per_replica;
            let room = ledger.available().map_or(0, |available| available.0);
            fits_one_more &= room + grant >= needed + 2 * target.per_replica && !ledger.capacity.frozen();
            if grant != needed {
                let how = format!("{} is quiet and holds {grant} of budget {budget}, needs {needed}", target.name);
                return world.break_promise(how);
            }
        }
        if world.paused[at] && target.desired == 0 {
            continue;
        }
        let wanted = world.loads[at];
        if target.desired > wanted || (target.desired < wanted && fits_one_more) {
            let how =
                format!("{} is quiet at {} replicas, wants {wanted}, and there is room", target.name, target.desired);
            return world.break_promise(how);
        }
    }
}
