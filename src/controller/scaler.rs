//! One scaler's reconcile: observe, decide, reserve, write, tell.

use std::{sync::Arc, time::Duration};

use hybridscaler_core::{
    Decision, Replicas, look,
    observation::Observation,
    policy::Policy,
    reading::{Reading, Unknown},
};
use jiff::Timestamp;
use kube::runtime::controller::Action;
use tokio::time::Instant;

use super::{
    context::{Context, Scaler, ScalerRef, Subject},
    intent::Intent,
    memory::{DRAINED, RefusedWrite, Remembered, back_off},
    report,
    reservation::{Accounts, Left, Settled},
    trouble::Trouble,
};
use crate::{
    api::{
        HybridScaler, Mode,
        conditions::{ConditionType, reasons},
        formulas::Readings,
        rbac,
    },
    record::Noted,
    targets::{LONGEST_IN_FLIGHT, Observed, Target, TargetError, WriteError},
};

/// The longest that a scaler is left alone when nothing wakes it: its signals do, at every new reading.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// A write that was refused is tried again after this long, or when the scaler's spec changes.
const REFUSED_FOR: Duration = Duration::from_mins(1);
/// The longest that an API server works on a request that nobody waits for any more (`--request-timeout`, its default).
pub(super) const LONGEST_REQUEST: Duration = Duration::from_mins(1);

/// What a status could not be stored for; the scaler itself went on.
#[derive(Debug, thiserror::Error)]
#[error("status not stored: {0}")]
pub(super) struct NotStored(#[from] kube::Error);

/// What one reconcile found and did, as far as it came.
#[derive(Default)]
pub(super) struct Found {
    pub(super) mode: Mode,
    pub(super) readings: Vec<Reading>,
    pub(super) observed: Option<Observed>,
    pub(super) decision: Option<Decision>,
    pub(super) settled: Settled,
    /// What the target was told to run, if it was told anything.
    pub(super) wrote: Option<Replicas>,
    pub(super) trouble: Option<Trouble>,
    interval: Duration,
    /// When a schedule opens or closes next.
    next_change: Option<Timestamp>,
}

/// How a turn ended.
enum Turn {
    /// All is done.
    Done,
    /// The target changed between read and write, which is the normal course of things: look again.
    Again,
}

/// Reconciles one scaler. Its trouble is its own: it becomes a condition, and every other object goes on at its pace.
pub(super) async fn reconcile(object: Arc<Scaler>, ctx: Arc<Context>) -> Result<Action, NotStored> {
    // Half a view is no view: a scaler that decides before the budgets are known would find none.
    ctx.readiness.ready().await;
    let started = Instant::now();
    let subject = Subject::of(&*object);
    let reference = ScalerRef::from_obj(&*object);
    let stored = object.0.as_ref().ok().and_then(|scaler| scaler.status.clone());
    let mut memory = ctx.memory.recall(&subject.uid, || {
        // A write of a process before this one may still be under way, if there was one.
        let known = stored.is_some() || ctx.is_charged(&subject);
        let in_flight_until = known.then(|| Instant::now() + LONGEST_REQUEST);
        Remembered::first(reference.clone(), stored, in_flight_until, ctx.clock.now())
    });
    let charged_before = memory.charged.len();
    let mut found = Found::default();
    let turn = match &object.0 {
        Ok(scaler) => Box::pin(found.take_turn(scaler, &object, &subject, &mut memory, &ctx)).await,
        Err(invalid) => Err(Trouble::new(ConditionType::Ready, reasons::INVALID_SPEC, invalid.error.clone())),
    };
    let action = match turn {
        Ok(Turn::Again) => {
            memory.conflicts = memory.conflicts.saturating_add(1);
            let wait = ctx.clock.jitter(soon(memory.conflicts));
            ctx.memory.keep(&subject.uid, memory);
            ctx.metrics.reconciled("HybridScaler", "conflict", started.elapsed());
            return Ok(Action::requeue(wait));
        }
        Ok(Turn::Done) => {
            (memory.failures, memory.conflicts) = (0, 0);
            Action::requeue(found.rest(&memory, ctx.clock.now()))
        }
        Err(trouble) => {
            memory.failures = memory.failures.saturating_add(1);
            tracing::warn!(scaler = subject.key(), reason = trouble.reason, message = trouble.message, "trouble");
            found.trouble = Some(trouble);
            Action::requeue(back_off(memory.failures, &*ctx.clock))
        }
    };
    memory.waits_for_room = found.waits_for_room();
    let first_look = !std::mem::replace(&mut memory.looked, true);
    let told = report::tell(&found, &object, &subject, &mut memory, &ctx).await;
    let news = first_look || memory.charged.len() > charged_before;
    ctx.memory.keep(&subject.uid, memory);
    if news {
        ctx.wake_who_waits_for_others();
    }
    if ctx.scalers.get(&reference).is_none() {
        // It was deleted meanwhile, and what was kept of it just now would stay.
        ctx.sweep();
    }
    let outcome = if found.trouble.is_some() { "trouble" } else { "ok" };
    ctx.metrics.reconciled("HybridScaler", outcome, started.elapsed());
    told.map(|()| action)
}

/// The longest to wait after so many conflicts in a row: hardly at first, since they are the normal course of things.
fn soon(conflicts: u32) -> Duration {
    let whole = Duration::from_millis(50).saturating_mul(2_u32.saturating_pow(conflicts.saturating_sub(1)));
    whole.min(Duration::from_secs(2))
}

/// What follows from a target that could not be observed.
async fn not_observed(
    error: TargetError,
    accounts: &Accounts,
    subject: &Subject,
    memory: &mut Remembered,
    ctx: &Context,
) -> Result<Trouble, Trouble> {
    match &error {
        TargetError::NotFound(_) if !accounts.is_empty() => {
            let missed = ctx.missed.for_how_long(&accounts.target.to_string());
            let left = match ctx.target(&accounts.target).left_behind().await {
                Ok(Some(workload)) => Left::Counted(workload),
                Ok(None) | Err(_) => Left::Uncounted { drained: missed >= DRAINED },
            };
            accounts.settle_missing(left, memory).await?;
        }
        TargetError::NotScalable(_) | TargetError::Forbidden(_) => {
            memory.unmanaged = true;
        }
        _ => {}
    }
    Ok(with_role(error.into(), subject, ctx))
}

/// Adds the Role to paste when the operator lacks a right in the cluster.
fn with_role(mut trouble: Trouble, subject: &Subject, ctx: &Context) -> Trouble {
    if let Some(role) = rbac::missing(&subject.name.namespace, &trouble.message, &ctx.account) {
        trouble.message = format!("{}. To allow it, apply:\n{role}", trouble.message);
    }
    trouble
}

/// Watches the sources that the namespace may use, and takes their newest readings.
fn read(intent: &Intent, subject: &Subject, memory: &Remembered, ctx: &Context) -> Readings {
    let refused = intent.refused_sources(&subject.name.namespace, &ctx.config);
    let allowed = intent.sources.iter().map(|(_, source)| source).filter(|source| !refused.contains_key(source));
    ctx.sources.watch(&memory.reference, allowed.map(|source| (source.clone(), intent.interval)));
    let reading = |source| refused.get(source).cloned().unwrap_or_else(|| ctx.sources.latest(source));
    intent.sources.iter().map(|(name, source)| (name.clone(), reading(source))).collect()
}

impl Found {
    async fn take_turn(
        &mut self,
        scaler: &HybridScaler,
        object: &Scaler,
        subject: &Subject,
        memory: &mut Remembered,
        ctx: &Arc<Context>,
    ) -> Result<Turn, Trouble> {
        self.mode = scaler.spec.mode;
        let intent = match ctx.admit(scaler, object) {
            Ok(intent) => intent,
            Err(trouble) => {
                ctx.sources.forget(&memory.reference);
                return Err(trouble);
            }
        };
        self.interval = intent.interval;
        let read = read(&intent, subject, memory, ctx);

        let accounts = Accounts::open(&intent, subject, ctx);
        let target = ctx.target(&intent.target);
        let observed = match target.observe().await {
            Ok(observed) => observed,
            Err(error) => return Err(not_observed(error, &accounts, subject, memory, ctx).await?),
        };
        let now = ctx.clock.now();
        let workload = observed.workload;
        ctx.missed.found(&intent.target.to_string());
        memory.unmanaged = false;
        if memory.alike.is_none_or(|(seen, _)| seen != workload) {
            memory.alike = Some((workload, Instant::now()));
        }
        memory.refused = memory
            .refused
            .take()
            .filter(|refused| refused.generation == subject.generation && Instant::now() < refused.until);
        self.observed = Some(observed.clone());
        if let Some(rival) = observed.rival.as_ref().filter(|_| intent.mode.acts()) {
            // What the other one makes it run is charged, or others would be granted it too.
            self.settled = accounts.settle(&observed, workload.desired, memory).await?;
            return Err(rival.into());
        }

        let formulas = match memory.formulas(&scaler.spec, subject.generation) {
            Ok(formulas) => formulas,
            Err(trouble) => {
                // What it runs is charged all the same, or the budget's others would wait to learn it.
                self.settled = accounts.settle(&observed, workload.desired, memory).await?;
                return Err(trouble);
            }
        };
        let windows = intent.windows(now);
        self.next_change = windows.next_change;
        self.readings = formulas.readings(&read, &intent.policy, &workload, now);
        let seen = Observation { workload, readings: self.readings.clone(), schedules: windows.open_until };
        let before = ctx.recorder.is_on().then(|| memory.history.clone());
        let decision = look(&intent.policy, &seen, &mut memory.history, now);
        // After a refusal nothing is asked for, so that what was reserved goes back to the others.
        let wanted = if memory.refused.is_some() { workload.desired } else { decision.replicas };
        let decision = self.decision.insert(decision);
        let write = if accounts.is_empty() {
            (wanted != workload.desired && intent.mode.acts()).then_some(wanted)
        } else {
            let settled = accounts.settle(&observed, wanted, memory).await?;
            if let Some(tightest) = settled.tightest() {
                decision.explanation = decision.explanation.clone().with_budget(&tightest.budget, tightest.shown());
                decision.limited_by = decision.explanation.limited_by();
            }
            self.settled = settled;
            self.settled.write(workload.desired)
        };
        if let Some(before) = before {
            ctx.recorder.note(|| Noted {
                name: subject.key(),
                spec: scaler.spec.clone(),
                read,
                seen,
                before,
                now,
                decision: decision.clone(),
                after: memory.history.clone(),
            });
        }
        if let Some(RefusedWrite { trouble, .. }) = &memory.refused {
            return Err(trouble.clone());
        }
        let Some(to) = write else { return Ok(Turn::Done) };
        self.write(&target, &observed, to, &intent.policy, subject, memory, ctx).await
    }

    #[expect(clippy::too_many_arguments, reason = "one step of the turn, apart for its length")]
    async fn write(
        &mut self,
        target: &Target,
        observed: &Observed,
        to: Replicas,
        policy: &Policy,
        subject: &Subject,
        memory: &mut Remembered,
        ctx: &Context,
    ) -> Result<Turn, Trouble> {
        let from = observed.workload.desired;
        let direction = if to > from { "up" } else { "down" };
        let wrote = target.write(observed, to).await;
        let now = ctx.clock.now();
        ctx.metrics.wrote(direction, wrote.as_ref().map_or_else(WriteError::reason, |()| "ok"));
        // What was seen before a write says nothing of after it.
        memory.alike = None;
        let error = match wrote {
            Ok(()) => {
                tracing::info!(%target, %from, %to, "scaled");
                memory.history.scaled(&observed.workload, to, policy, now);
                self.wrote = Some(to);
                return Ok(Turn::Done);
            }
            Err(WriteError::Conflict) => return Ok(Turn::Again),
            Err(error) => error,
        };
        let after = |wait: Duration| Instant::now() + wait;
        match &error {
            WriteError::UnknownOutcome(_) => {
                memory.in_flight_until = Some(after(match target {
                    Target::Scale(_) => LONGEST_REQUEST,
                    Target::Ecs(_) => LONGEST_IN_FLIGHT,
                }));
            }
            WriteError::Forbidden(_) | WriteError::Refused(_) | WriteError::NotFound(_) => {
                let until = after(REFUSED_FOR);
                memory.refused =
                    Some(RefusedWrite { generation: subject.generation, until, trouble: error.clone().into() });
            }
            WriteError::Conflict | WriteError::Throttled(_) | WriteError::Unreachable(_) | WriteError::Held { .. } => {}
        }
        Err(with_role(error.into(), subject, ctx))
    }

    /// Whether the operator has only just started to read its signals.
    pub(super) fn has_read_nothing(&self) -> bool {
        let not_yet = |reading: &Reading| reading.why() == Some(Unknown::NotReadYet);
        self.trouble.is_none() && self.wrote.is_none() && self.readings.iter().any(not_yet)
    }

    /// What the target is told to run, as far as is known.
    pub(super) fn desired(&self) -> Option<Replicas> {
        self.wrote.or(self.observed.as_ref().map(|observed| observed.workload.desired))
    }

    /// How long nothing has to be looked at unless something wakes us.
    fn rest(&self, memory: &Remembered, now: Timestamp) -> Duration {
        let rest = if self.settled(memory) { LONGEST_REST.max(self.interval) } else { self.interval };
        let to_change = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
        rest.min(self.next_change.map_or(Duration::MAX, to_change))
    }

    fn waits_for_room(&self) -> bool {
        self.settled.waits()
    }

    /// Whether nothing is under way that must be watched more closely than a source does.
    fn settled(&self, memory: &Remembered) -> bool {
        let settled = |activity: Option<hybridscaler_core::history::Activity>| {
            activity.is_none_or(|activity| activity.settled.is_some())
        };
        self.wrote.is_none()
            && !self.waits_for_room()
            && settled(memory.history.scale_up)
            && settled(memory.history.scale_down)
    }
}
