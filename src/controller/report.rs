//! What a scaler's reconcile tells: its status, its events, its metrics.

mod verdicts;

use hybridscaler_core::{
    Replicas,
    demand::{Proposal, Verdict as Ruled},
    explanation::Limit,
    reading::{Load, Reading},
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::Api;

use super::{
    context::{Context, Scaler, Subject},
    events::Story,
    memory::Remembered,
    reservation::Reserved,
    scaler::{Found, NotStored},
};
use crate::{
    api::{
        HybridScaler, HybridScalerStatus, Mode,
        conditions::{self, ConditionType, cut},
        status::{ConnectionStatus, ScaleHistory, SignalState, TriggerStatus},
    },
    ledger::{in_time, written_by_us},
    telemetry::metrics::{ScalerView, TriggerView},
};

/// Values in a status that move while the decision stays are refreshed at most this often: who wants them live has the metrics.
const REFRESH: SignedDuration = SignedDuration::from_mins(1);
/// The longest headline, in bytes.
const HEADLINE: usize = 256;
/// The longest explanation, in bytes.
const EXPLANATION: usize = 4096;
/// The longest value of a trigger, in bytes.
const VALUE: usize = 1024;

/// Shows what was `found` where people and machines look.
pub(super) async fn tell(
    found: &Found,
    object: &Scaler,
    subject: &Subject,
    memory: &mut Remembered,
    ctx: &Context,
) -> Result<(), NotStored> {
    let now = ctx.clock.now();
    if found.has_read_nothing() && memory.status.observed_generation == subject.generation {
        // Right after the start nothing has been read yet. What stands in the status is truer than a moment without signals.
        return Ok(());
    }
    let status = status(found, subject.generation, memory, now);
    ctx.metrics.scaler(subject.name.clone(), view(found, &status));
    for story in stories(found, &memory.status, &status) {
        ctx.events.publish(&subject.reference, story).await;
    }
    if let Some(replicas) = rehearsal(found, memory, now) {
        memory.rehearsed = Some((replicas, now));
        ctx.events.publish(&subject.reference, Story::would_scale(&headline(found))).await;
    }
    let changed = decision_of(&status) != decision_of(&memory.status) || memory.history.outgrew(&memory.stored);
    let moved = values_of(&status) != values_of(&memory.status) && now.duration_since(memory.stored_at) >= REFRESH;
    if changed || moved {
        store(object, &status, subject, ctx).await?;
        memory.stored = memory.history.to_store(now);
        memory.status = status;
        memory.stored_at = now;
    }
    Ok(())
}

/// The status that `found` leads to.
fn status(found: &Found, generation: Option<i64>, memory: &Remembered, now: Timestamp) -> HybridScalerStatus {
    let before = &memory.status;
    let mut conditions = before.conditions.clone();
    for verdict in verdicts::verdicts(found) {
        conditions::set(&mut conditions, verdict, generation, now);
    }
    let decision = found.decision.as_ref();
    let allowed = found.settled.allowed().map(|replicas| replicas.0);
    HybridScalerStatus {
        observed_generation: generation,
        current_replicas: found.observed.as_ref().map(|observed| observed.workload.running.0),
        desired_replicas: found.desired().map(|replicas| replicas.0),
        wanted_replicas: decision.map(|decision| decision.replicas.0),
        allowed_replicas: allowed,
        limited_by: Some(limited_by(found).to_owned()),
        last_scale_time: if found.wrote.is_some() { Some(Time(now)) } else { before.last_scale_time.clone() },
        headline: Some(cut(headline(found), HEADLINE)),
        explanation: decision.map(|decision| cut(decision.explanation.to_string(), EXPLANATION)),
        decision: decision.map(|decision| (&decision.explanation).into()),
        triggers: decision
            .map(|decision| decision.explanation.demand.proposals.iter().zip(&found.readings).map(trigger).collect())
            .unwrap_or_default(),
        connections: found
            .settled
            .each()
            .map(|reserved| ConnectionStatus {
                budget: reserved.budget.clone(),
                granted_connections: Some(reserved.grant.0),
                allowed_replicas: Some(reserved.shown().allowed.0),
                covers: Some(cut(covers(reserved), VALUE)),
            })
            .collect(),
        history: Some(ScaleHistory::from(&memory.history.to_store(now)))
            .filter(|history| *history != ScaleHistory::default()),
        conditions,
    }
}

/// What the reserve covers, and what that costs of the connections that this scaler could hold.
fn covers(reserved: &Reserved) -> String {
    let footprint = reserved.footprint;
    let covers = footprint.covers();
    match reserved.room {
        Some(room) => format!("{covers}; {}", footprint.cost(room)),
        None => covers.to_string(),
    }
}

fn trigger((proposal, reading): (&Proposal, &Reading)) -> TriggerStatus {
    let read_at = match reading {
        Reading::Known { at, .. } => Some(Time(*at)),
        Reading::Unknown(_) => None,
    };
    let (state, reason, value, replicas) = match &proposal.verdict {
        Ruled::Known(counted) => (SignalState::Known, None, words(reading), Some(counted.replicas.0)),
        Ruled::Unknown(unread) => {
            (SignalState::Unknown, Some(unread.why.as_str().to_owned()), unread.message.to_string(), None)
        }
    };
    TriggerStatus {
        name: proposal.trigger.to_string(),
        state,
        reason,
        value: Some(cut(value, VALUE)),
        proposal: replicas,
        read_at,
    }
}

fn words(reading: &Reading) -> String {
    let Reading::Known { load, .. } = reading else { return String::new() };
    match load {
        Load::Queue { visible, in_flight, delayed } => {
            format!("{visible} visible, {in_flight} in flight, {delayed} delayed")
        }
        Load::Utilization { percent } => format!("{percent:.1} %"),
        Load::Pods { pods, .. } => format!("{} pods", pods.len()),
        Load::Value { milli } => format!("{}.{:03}", milli / 1000, milli % 1000),
    }
}

/// What keeps the replicas from following demand; a stable word.
fn limited_by(found: &Found) -> &'static str {
    match (&found.trouble, &found.decision) {
        (Some(trouble), _) => trouble.reason,
        (None, Some(decision)) => decision.limited_by.as_str(),
        (None, None) => Limit::None.as_str(),
    }
}

/// One sentence for columns and events.
fn headline(found: &Found) -> String {
    match (&found.trouble, found.mode, &found.decision) {
        (Some(trouble), _, _) => format!("{}: {}", trouble.reason, trouble.message.lines().next().unwrap_or_default()),
        (None, Mode::DryRun, Some(decision)) => format!("dry run: {}", decision.explanation.headline()),
        (None, _, Some(decision)) => decision.explanation.headline().to_string(),
        (None, _, None) => String::new(),
    }
}

/// The events between two statuses.
fn stories(found: &Found, before: &HybridScalerStatus, after: &HybridScalerStatus) -> Vec<Story> {
    let sentence = headline(found);
    let mut stories = Vec::new();
    if let (Some(to), Some(observed)) = (found.wrote, &found.observed) {
        let direction = if to > observed.workload.desired { "ScaledUp" } else { "ScaledDown" };
        stories.push(Story::scaled(direction, &sentence));
    }
    let capped = |status: &HybridScalerStatus| status.limited_by.as_deref() == Some(Limit::ConnectionBudget.as_str());
    match (capped(before), capped(after)) {
        (false, true) => stories.push(Story::capped(&sentence)),
        // Nobody knows what a load wants that cannot be read.
        (true, false)
            if after.limited_by.as_deref() != Some(Limit::UnknownSignal.as_str()) && found.trouble.is_none() =>
        {
            stories.push(Story::uncapped(&sentence));
        }
        _ => {}
    }
    let (was, is) = (condition(before), condition(after));
    match (was, is) {
        (was, Some(is))
            if is.status == "False" && was.is_none_or(|was| was.status != "False" || was.reason != is.reason) =>
        {
            stories.push(Story::trouble(&is.reason, &is.message));
        }
        (Some(was), Some(is)) if was.status == "False" && is.status == "True" => {
            stories.push(Story::recovered(&is.message));
        }
        _ => {}
    }
    stories
}

fn condition(status: &HybridScalerStatus) -> Option<&Condition> {
    status.conditions.iter().find(|condition| condition.type_ == ConditionType::Ready.as_str())
}

/// What a dry run would write, when it is worth an event: another number than it told, and not one more in the same minute.
fn rehearsal(found: &Found, memory: &Remembered, now: Timestamp) -> Option<Replicas> {
    let decision = found.decision.as_ref().filter(|_| found.mode == Mode::DryRun)?;
    let replicas = decision.replicas;
    let told = memory.rehearsed.is_some_and(|(last, at)| last == replicas || now.duration_since(at) < REFRESH);
    (!told && found.desired() != Some(replicas)).then_some(replicas)
}

/// A status without the ages of what was read, and without what is only reckoned from it: they move when nothing else does.
fn values_of(status: &HybridScalerStatus) -> HybridScalerStatus {
    let mut kept = HybridScalerStatus { explanation: None, decision: None, ..status.clone() };
    kept.triggers.iter_mut().for_each(|trigger| trigger.read_at = None);
    kept
}

/// A status without what moves while the decision stays.
fn decision_of(status: &HybridScalerStatus) -> HybridScalerStatus {
    let mut kept = HybridScalerStatus {
        current_replicas: None,
        wanted_replicas: None,
        allowed_replicas: None,
        headline: None,
        explanation: None,
        decision: None,
        connections: Vec::new(),
        history: None,
        ..status.clone()
    };
    for TriggerStatus { value, proposal, read_at, .. } in &mut kept.triggers {
        (*value, *proposal, *read_at) = (None, None, None);
    }
    for condition in &mut kept.conditions {
        condition.message.clear();
    }
    // A load that varies within its windows comes and goes as their reason, and the number stays: that is no other decision.
    let word = kept.limited_by.take_if(|word| !PASSING.map(Limit::as_str).contains(&word.as_str()));
    if word.is_none() {
        kept.conditions.retain(|condition| condition.type_ != ConditionType::ScalingLimited.as_str());
    }
    HybridScalerStatus { limited_by: word, ..kept }
}

/// What limits a number that stays, and is gone at the next reading.
const PASSING: [Limit; 3] = [Limit::None, Limit::ScaleUpStabilized, Limit::ScaleDownStabilized];

fn view(found: &Found, status: &HybridScalerStatus) -> ScalerView {
    let replicas = |count: Option<u32>| count.map(Replicas);
    let triggers =
        found.decision.iter().flat_map(|decision| &decision.explanation.demand.proposals).zip(&found.readings);
    ScalerView {
        running: replicas(status.current_replicas),
        desired: replicas(status.desired_replicas),
        wanted: replicas(status.wanted_replicas),
        allowed: replicas(status.allowed_replicas),
        limited_by: limited_by(found),
        ready: condition(status).is_some_and(|ready| ready.status == "True"),
        triggers: triggers
            .map(|(proposal, reading)| {
                let (values, read_at) = match reading {
                    Reading::Known { load, at } => (values(load), Some(*at)),
                    Reading::Unknown(_) => (Vec::new(), None),
                };
                let proposal_replicas = match &proposal.verdict {
                    Ruled::Known(counted) => Some(counted.replicas),
                    Ruled::Unknown(_) => None,
                };
                TriggerView { name: proposal.trigger.to_string(), values, proposal: proposal_replicas, read_at }
            })
            .collect(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus values are floats; a queue of 2^53 messages may be rounded")]
fn values(load: &Load) -> Vec<(&'static str, f64)> {
    match *load {
        Load::Queue { visible, in_flight, delayed } => {
            vec![("visible", visible as f64), ("in_flight", in_flight as f64), ("delayed", delayed as f64)]
        }
        Load::Utilization { percent } => vec![("utilization_percent", percent)],
        Load::Pods { ref pods, .. } => vec![("pods", pods.len() as f64)],
        Load::Value { milli } => vec![("value", milli as f64 / 1000.0)],
    }
}

/// Stores the status, on condition that nobody wrote the object since it was read: a deposed controller must not replace newer
/// history. One that lost the race against a change of the spec reads once more; its next turn sees that change anyway.
async fn store(
    object: &Scaler,
    status: &HybridScalerStatus,
    subject: &Subject,
    ctx: &Context,
) -> Result<(), NotStored> {
    let Ok(scaler) = &object.0 else {
        // An object that cannot be read cannot be written back whole: its events and the log have to do.
        return Ok(());
    };
    let api: Api<HybridScaler> = Api::namespaced(ctx.client.clone(), &subject.name.namespace);
    let mut next = scaler.clone();
    for attempt in 0..2 {
        next.status = Some(status.clone());
        match in_time(api.replace_status(&subject.name.name, &written_by_us(), &next)).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(answer)) if answer.is_not_found() => return Ok(()),
            Err(kube::Error::Api(answer)) if answer.is_conflict() && attempt == 0 => {
                next = in_time(api.get(&subject.name.name)).await?;
                if next.metadata.uid != scaler.metadata.uid {
                    return Ok(());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
