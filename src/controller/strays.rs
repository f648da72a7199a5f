//! Entries of a ledger whose scaler is gone, or refers to another budget now. The replicas live on, and so does their charge, until
//! they are seen to be gone, to be charged elsewhere, or, after a change of budgets, to be replaced by a rollout: only a replica that
//! was started since then can be told to connect to the other database.

use std::sync::Arc;

use hybridscaler_core::{
    Connections, Replicas,
    budget::{Cheaper, Control, Entry, Ledger},
    observation::{Rollout, Workload},
};
use kube::{Resource as _, ResourceExt as _};

use super::{
    context::{Context, Scaler, Subject, key},
    memory::{DRAINED, Missed},
    scaler::LONGEST_REQUEST,
    target_id::TargetId,
};
use crate::{
    targets::{Observed, TargetError},
    telemetry::metrics::ObjectName,
};

/// An entry without a scaler, and what was seen of its target.
pub(super) struct Stray {
    consumer: String,
    /// The entry's version before its target was observed.
    version: u64,
    fate: Fate,
}

enum Fate {
    /// None of its replicas is left, or another entry is charged for them.
    Gone,
    /// So much may be open: somebody else scaled it.
    Charged {
        connections: Connections,
        /// What its replicas are made of, when its scaler takes from another budget now.
        revision: Option<String>,
    },
    /// Its scaler takes from another budget now, and the replicas that were started for this one are being replaced.
    Replaced,
}

/// Whether `ledger` has such entries.
pub(super) fn are_there(ledger: &Ledger, budget: &Subject, ctx: &Context) -> bool {
    ledger.entries.iter().any(|(consumer, entry)| !lives(consumer, entry, budget, ctx))
}

/// Looks at the target of every stray entry of `budget`.
pub(super) async fn find(ledger: &Ledger, budget: &Subject, ctx: &Context) -> Vec<Stray> {
    let mut strays = Vec::new();
    for (consumer, entry) in &ledger.entries {
        let Ok(target) = entry.target.parse::<TargetId>() else { continue };
        if lives(consumer, entry, budget, ctx) {
            continue;
        }
        let charged_elsewhere = ledger.entries.iter().any(|(other, twin)| {
            other != consumer
                && twin.grant >= entry.grant
                && twin.target.parse::<TargetId>().is_ok_and(|theirs| theirs.is(&target))
                && lives(other, twin, budget, ctx)
        });
        let fate = if charged_elsewhere {
            Some(Fate::Gone)
        } else {
            let moved = scaler_of(consumer, entry, ctx).is_some();
            let scaler = if moved { Whereabouts::Moved } else { Whereabouts::Gone };
            let waits = format!("{} {consumer} {}", budget.key(), entry.uid);
            look(consumer, entry, scaler, &target, ctx).await.filter(|fate| is_sure(fate, &waits, &ctx.spent))
        };
        strays.extend(fate.map(|fate| Stray { consumer: consumer.clone(), version: entry.version, fate }));
    }
    strays
}

/// Carries out what was found, unless somebody has taken the entry up meanwhile.
pub(super) fn settle(strays: &[Stray], ledger: &mut Ledger) {
    for Stray { consumer, version, fate } in strays {
        let Some(entry) = ledger.entries.get_mut(consumer).filter(|entry| entry.version == *version) else { continue };
        // Nobody would carry it out if the budget lowered it.
        let mut next = Entry { control: Control::Watching, ..entry.clone() };
        match fate {
            Fate::Gone => {
                ledger.entries.remove(consumer);
                continue;
            }
            Fate::Charged { connections, revision } => {
                next.grant = next.grant.max(*connections);
                next.revision = next.revision.or_else(|| revision.clone());
            }
            Fate::Replaced => next.cheaper = Some(Cheaper::RollingOut),
        }
        if next != *entry {
            next.version = next.version.saturating_add(1);
            *entry = next;
        }
    }
}

/// Whether `fate` may be carried out. What would free connections has to be seen for as long as a write to the target may be under way,
/// its scaler's last one or one of a process before this one; by then ECS, which is read without a quorum, has shown it too.
fn is_sure(fate: &Fate, stray: &str, spent: &Missed) -> bool {
    match fate {
        Fate::Gone if spent.for_how_long(stray) < LONGEST_REQUEST => false,
        Fate::Gone | Fate::Charged { .. } | Fate::Replaced => {
            spent.found(stray);
            true
        }
    }
}

/// Why an entry has no scaler in this budget.
#[derive(Clone, Copy)]
enum Whereabouts {
    /// It exists no more.
    Gone,
    /// It refers to another budget.
    Moved,
}

/// The scaler that the entry is of, as long as it exists.
fn scaler_of(consumer: &str, entry: &Entry, ctx: &Context) -> Option<Arc<Scaler>> {
    let is = |object: &Scaler| {
        let named = || key(&object.namespace().unwrap_or_default(), &object.name_any()) == consumer;
        object.meta().uid.as_deref() == Some(&entry.uid) && named()
    };
    ctx.scalers.state().into_iter().find(|object| is(object))
}

/// Whether the entry's scaler exists and still refers to this budget.
fn lives(consumer: &str, entry: &Entry, budget: &Subject, ctx: &Context) -> bool {
    scaler_of(consumer, entry, ctx).is_some_and(|object| {
        let ObjectName { namespace: of, name } = &budget.name;
        let own = object.namespace().unwrap_or_default();
        // A scaler that cannot be read may refer to any budget.
        object.0.as_ref().map_or(true, |scaler| scaler.spec.refers_to(&own, of, name))
    })
}

async fn look(consumer: &str, entry: &Entry, scaler: Whereabouts, target: &TargetId, ctx: &Context) -> Option<Fate> {
    match ctx.target(target).observe().await {
        Ok(observed) => {
            ctx.missed.found(&entry.target);
            Some(fate(&observed, scaler, entry))
        }
        Err(TargetError::NotFound(_)) => {
            let missed = ctx.missed.for_how_long(&entry.target);
            match ctx.target(target).left_behind().await {
                Ok(Some(left)) => Some(what_is_left(&left, entry)),
                Ok(None) | Err(_) => (missed >= DRAINED).then_some(Fate::Gone),
            }
        }
        Err(error) => {
            tracing::info!(consumer, %error, "the replicas of a scaler that is gone cannot be counted: they stay charged");
            None
        }
    }
}

fn what_is_left(left: &Workload, entry: &Entry) -> Fate {
    // What an orphaned ReplicaSet is told to run, it may still start.
    let live = left.desired.max(left.running.plus(left.starting)).plus(left.terminating);
    if live == Replicas::ZERO { Fate::Gone } else { charged(live, entry, None) }
}

const fn charged(live: Replicas, entry: &Entry, revision: Option<String>) -> Fate {
    Fate::Charged { connections: live.connections(entry.per_replica), revision }
}

fn fate(observed: &Observed, scaler: Whereabouts, entry: &Entry) -> Fate {
    let Observed { workload, revision, .. } = observed;
    // A rollout may come and go between two looks.
    let rolled_out = entry.cheaper == Some(Cheaper::RollingOut)
        || matches!((&entry.revision, revision), (Some(then), Some(now)) if then != now);
    let replaced = rolled_out && workload.terminating == Replicas::ZERO;
    match (scaler, workload.rollout) {
        // What its controller was told before it may still start.
        (_, Rollout::NotObserved) => charged(workload.live(), entry, None),
        _ if workload.desired == Replicas::ZERO && workload.live() == Replicas::ZERO => Fate::Gone,
        (Whereabouts::Moved, Rollout::Settled) if replaced => Fate::Gone,
        (Whereabouts::Moved, Rollout::Settled) => charged(workload.live(), entry, revision.clone()),
        (Whereabouts::Moved, Rollout::InProgress) => Fate::Replaced,
        (Whereabouts::Gone, _) => charged(workload.live(), entry, None),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hybridscaler_core::budget::Shape;
    use tokio::time::advance;

    use super::*;
    use crate::targets::Version;

    fn entry(cheaper: Option<Cheaper>) -> Entry {
        Entry { grant: Connections(100), per_replica: Connections(10), cheaper, ..Entry::default() }
    }

    fn seen(running: u32, terminating: u32, rollout: Rollout) -> Observed {
        let [desired, running, starting, terminating] = [running, running, 0, terminating].map(Replicas);
        let workload = Workload { desired, running, starting, terminating, rollout };
        Observed {
            workload,
            shape: Shape::Other,
            revision: None,
            version: Version::Ecs,
            rival: None,
            notes: Vec::new(),
        }
    }

    fn settled(running: u32, terminating: u32, revision: &str) -> Observed {
        Observed { revision: Some(revision.to_owned()), ..seen(running, terminating, Rollout::Settled) }
    }

    fn story(scaler: Whereabouts, looks: &[Observed]) -> Vec<Option<Connections>> {
        let mut ledger = Ledger { entries: [("orders/worker".to_owned(), entry(None))].into(), ..Ledger::default() };
        looks
            .iter()
            .map(|observed| {
                let before = ledger.entries.get("orders/worker")?.clone();
                let fate = fate(observed, scaler, &before);
                settle(&[Stray { consumer: "orders/worker".to_owned(), version: before.version, fate }], &mut ledger);
                ledger.entries.get("orders/worker").map(|entry| entry.grant)
            })
            .collect()
    }

    #[test]
    fn a_scaler_that_left_the_budget_is_charged_until_a_rollout_has_replaced_its_replicas() {
        let looks = [
            seen(8, 0, Rollout::Settled),
            seen(12, 0, Rollout::InProgress),
            seen(8, 3, Rollout::Settled),
            seen(8, 0, Rollout::Settled),
        ];
        // While old replicas drain, eleven live.
        let charged = [100, 100, 110].map(|connections| Some(Connections(connections)));
        assert_eq!(story(Whereabouts::Moved, &looks), [charged[0], charged[1], charged[2], None]);
    }

    #[test]
    fn a_rollout_that_nobody_saw_is_told_by_the_revision() {
        let looks = [settled(8, 0, "3"), settled(8, 0, "3"), settled(8, 2, "4"), settled(8, 0, "4")];
        let charged = Some(Connections(100));
        assert_eq!(story(Whereabouts::Moved, &looks), [charged, charged, charged, None]);
        assert_eq!(story(Whereabouts::Gone, &looks), [charged; 4], "who follows may have made it of the same");
    }

    #[test]
    fn a_deleted_target_is_charged_for_what_it_may_still_run_until_nothing_is_left() {
        let left = |desired, running, terminating| {
            let [desired, running, starting, terminating] = [desired, running, 0, terminating].map(Replicas);
            Workload { desired, running, starting, terminating, rollout: Rollout::Settled }
        };
        let charged = |workload| match what_is_left(&workload, &entry(None)) {
            Fate::Charged { connections, .. } => connections.0,
            Fate::Gone | Fate::Replaced => 0,
        };
        assert_eq!([left(0, 0, 3), left(4, 2, 1), left(0, 2, 0), left(0, 0, 0)].map(charged), [30, 50, 20, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_given_back_before_a_write_that_is_under_way_would_have_shown() {
        let spent = Missed::default();
        let sure = |fate: Fate| is_sure(&fate, "orders/worker", &spent);
        assert!(!sure(Fate::Gone));
        advance(LONGEST_REQUEST.saturating_sub(Duration::from_secs(1))).await;
        assert!(!sure(Fate::Gone));
        assert!(sure(charged(Replicas(1), &entry(None), None)), "a late write has shown");
        advance(Duration::from_secs(1)).await;
        assert!(!sure(Fate::Gone), "it counts from there anew");
        advance(LONGEST_REQUEST).await;
        assert!(sure(Fate::Gone));
    }

    #[test]
    fn the_replicas_of_a_deleted_scaler_are_charged_as_long_as_they_live_whatever_is_rolled_out() {
        let looks = [
            seen(12, 0, Rollout::InProgress),
            seen(8, 0, Rollout::Settled),
            seen(0, 2, Rollout::Settled),
            seen(0, 0, Rollout::NotObserved),
            seen(0, 0, Rollout::Settled),
        ];
        let found = story(Whereabouts::Gone, &looks);
        let charged = Some(Connections(120));
        assert_eq!(found, [charged, charged, charged, charged, None]);
    }
}
