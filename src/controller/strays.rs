//! Entries of a ledger whose scaler is gone, or refers to another budget now. The replicas live on, and so does their charge, until
//! they are seen to be gone or to be charged elsewhere.

use hybridscaler_core::{
    Connections, Replicas,
    budget::{Entry, Ledger},
};
use kube::ResourceExt;

use super::{
    context::{Context, Subject, key},
    memory::DRAINED,
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
    Charged(Connections),
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
        let fate = if charged_elsewhere { Some(Fate::Gone) } else { look(consumer, entry, &target, ctx).await };
        strays.extend(fate.map(|fate| Stray { consumer: consumer.clone(), version: entry.version, fate }));
    }
    strays
}

/// Carries out what was found, unless somebody has taken the entry up meanwhile.
pub(super) fn settle(strays: &[Stray], ledger: &mut Ledger) {
    for Stray { consumer, version, fate } in strays {
        let Some(entry) = ledger.entries.get_mut(consumer).filter(|entry| entry.version == *version) else { continue };
        match fate {
            Fate::Gone => drop(ledger.entries.remove(consumer)),
            Fate::Charged(connections) if *connections > entry.grant => {
                entry.grant = *connections;
                entry.version = entry.version.saturating_add(1);
            }
            Fate::Charged(_) => {}
        }
    }
}

/// Whether the entry's scaler exists and still refers to this budget.
fn lives(consumer: &str, entry: &Entry, budget: &Subject, ctx: &Context) -> bool {
    ctx.scalers.state().iter().any(|object| {
        let namespace = object.namespace().unwrap_or_default();
        let same = object.uid().as_deref() == Some(&entry.uid) && key(&namespace, &object.name_any()) == consumer;
        // A scaler that cannot be read may refer to any budget.
        let ObjectName { namespace: of, name } = &budget.name;
        same && object.0.as_ref().map_or(true, |scaler| scaler.spec.refers_to(&namespace, of, name))
    })
}

async fn look(consumer: &str, entry: &Entry, target: &TargetId, ctx: &Context) -> Option<Fate> {
    match ctx.target(target).observe().await {
        Ok(observed) => {
            ctx.missed.found(&entry.target);
            Some(fate(&observed, entry))
        }
        Err(TargetError::NotFound(_)) => {
            let missed = ctx.missed.for_how_long(&entry.target, ctx.clock.now());
            (missed >= DRAINED).then_some(Fate::Gone)
        }
        Err(error) => {
            tracing::info!(consumer, %error, "the replicas of a scaler that is gone cannot be counted: they stay charged");
            None
        }
    }
}

fn fate(observed: &Observed, entry: &Entry) -> Fate {
    let workload = &observed.workload;
    if workload.desired == Replicas::ZERO && workload.live() == Replicas::ZERO {
        return Fate::Gone;
    }
    Fate::Charged(workload.live().connections(entry.per_replica))
}
