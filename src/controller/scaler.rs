//! One scaler's reconcile: observe, decide, reserve, write, tell.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hybridscaler_core::{Decision, Replicas, decide, observation::Observation, reading::Reading};
use jiff::Timestamp;
use kube::runtime::controller::Action;
use rand::RngExt;

use super::{
    context::{Context, Scaler, ScalerRef, Subject},
    intent::Intent,
    memory::{Remembered, back_off},
    report,
    reservation::{Account, Reserved},
    trouble::Trouble,
};
use crate::{
    api::{
        HybridScaler, Mode,
        conditions::{ConditionType, reasons},
    },
    targets::{LONGEST_IN_FLIGHT, Observed, Target, TargetError, WriteError},
};

/// The longest that a scaler is left alone when nothing wakes it: its signals do, at every new reading.
const LONGEST_REST: Duration = Duration::from_secs(30);

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
    pub(super) reserved: Option<Reserved>,
    /// What the target was told to run, if it was told anything.
    pub(super) wrote: Option<Replicas>,
    pub(super) trouble: Option<Trouble>,
    interval: Duration,
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
    let started = Instant::now();
    let subject = Subject::of(&*object);
    let reference = ScalerRef::from_obj(&*object);
    let stored = object.0.as_ref().ok().and_then(|scaler| scaler.status.clone());
    let mut memory = ctx.memory.recall(&subject.uid, || Remembered::first(reference.clone(), stored, Timestamp::now()));
    let mut found = Found::default();
    let turn = match &object.0 {
        Ok(scaler) => found.take_turn(scaler, &object, &subject, &mut memory, &ctx).await,
        Err(invalid) => Err(Trouble::new(ConditionType::Ready, reasons::INVALID_SPEC, invalid.error.clone())),
    };
    let action = match turn {
        Ok(Turn::Again) => {
            ctx.memory.keep(&subject.uid, memory);
            ctx.metrics.reconciled("HybridScaler", "conflict", started.elapsed());
            return Ok(Action::requeue(Duration::from_millis(rand::rng().random_range(20..=100))));
        }
        Ok(Turn::Done) => {
            memory.failures = 0;
            Action::requeue(if found.settled(&memory) { LONGEST_REST.max(found.interval) } else { found.interval })
        }
        Err(trouble) => {
            memory.failures = memory.failures.saturating_add(1);
            tracing::warn!(scaler = subject.key(), reason = trouble.reason, message = trouble.message, "trouble");
            found.trouble = Some(trouble);
            Action::requeue(back_off(memory.failures))
        }
    };
    memory.waits_for_room = found.waits_for_room();
    let told = report::tell(&found, &object, &subject, &mut memory, &ctx).await;
    ctx.memory.keep(&subject.uid, memory);
    let outcome = if found.trouble.is_some() { "trouble" } else { "ok" };
    ctx.metrics.reconciled("HybridScaler", outcome, started.elapsed());
    told.map(|()| action)
}

impl Found {
    async fn take_turn(
        &mut self,
        scaler: &HybridScaler,
        object: &Scaler,
        subject: &Subject,
        memory: &mut Remembered,
        ctx: &Context,
    ) -> Result<Turn, Trouble> {
        self.mode = scaler.spec.mode;
        let reference = memory.reference.clone();
        let intent = match ctx.admit(scaler, object) {
            Ok(intent) => intent,
            Err(trouble) => {
                ctx.sources.forget(&reference);
                return Err(trouble);
            }
        };
        self.interval = intent.interval;
        let refused = intent.refused_sources(&subject.name.namespace, &ctx.config);
        let allowed = intent.sources.iter().filter(|source| !refused.contains_key(source));
        ctx.sources.watch(&reference, allowed.map(|source| (source.clone(), intent.interval)));
        let reading = |source| refused.get(source).cloned().unwrap_or_else(|| ctx.sources.latest(source));
        self.readings = intent.sources.iter().map(reading).collect();

        let account = Account::open(&intent, subject, ctx)?;
        let target = ctx.target(&intent.target);
        let observed = match target.observe().await {
            Ok(observed) => observed,
            Err(error) => {
                if let (TargetError::NotFound(_), Some(account)) = (&error, &account) {
                    account.charge_nothing(ctx).await?;
                }
                return Err(error.into());
            }
        };
        let now = Timestamp::now();
        let workload = observed.workload;
        memory.history = memory.history.observed(&workload, now);
        if memory.alike.is_none_or(|(seen, _)| seen != workload) {
            memory.alike = Some((workload, now));
        }
        self.observed = Some(observed.clone());

        let seen = Observation { workload, readings: self.readings.clone() };
        let mut decision = decide(&intent.policy, &seen, &memory.history, now);
        let wanted = decision.replicas;
        let write = match account {
            None => (wanted != workload.desired && intent.mode == Mode::Active).then_some(wanted),
            Some(account) => {
                let reserved = match account.settle(&observed, wanted, &intent, memory, ctx, now).await {
                    Ok(reserved) => reserved,
                    Err(trouble) => {
                        self.decision = Some(decision);
                        return Err(trouble);
                    }
                };
                decision.explanation = decision.explanation.with_budget(&reserved.budget, &reserved.plan);
                decision.limited_by = decision.explanation.limited_by();
                let write = reserved.plan.write;
                self.reserved = Some(reserved);
                write
            }
        };
        self.decision = Some(decision);
        let Some(to) = write else { return Ok(Turn::Done) };
        self.write(&target, &observed, to, &intent, memory, ctx, now).await
    }

    #[expect(clippy::too_many_arguments, reason = "one step of the turn, apart for its length")]
    async fn write(
        &mut self,
        target: &Target,
        observed: &Observed,
        to: Replicas,
        intent: &Intent,
        memory: &mut Remembered,
        ctx: &Context,
        now: Timestamp,
    ) -> Result<Turn, Trouble> {
        let from = observed.workload.desired;
        let direction = if to > from { "up" } else { "down" };
        let wrote = target.write(observed, to).await;
        ctx.metrics.wrote(direction, wrote.as_ref().map_or_else(WriteError::reason, |()| "ok"));
        match wrote {
            Ok(()) => {
                tracing::info!(%target, %from, %to, "scaled");
                memory.history = memory.history.scaled(&observed.workload, to, &intent.policy.behavior, now);
                self.wrote = Some(to);
                Ok(Turn::Done)
            }
            Err(WriteError::Conflict) => Ok(Turn::Again),
            Err(error) => {
                if let WriteError::UnknownOutcome(_) = error {
                    memory.in_flight_until = Some(now.checked_add(LONGEST_IN_FLIGHT).unwrap_or(Timestamp::MAX));
                }
                Err(error.into())
            }
        }
    }

    /// What the target is told to run, as far as is known.
    pub(super) fn desired(&self) -> Option<Replicas> {
        self.wrote.or(self.observed.as_ref().map(|observed| observed.workload.desired))
    }

    fn waits_for_room(&self) -> bool {
        self.reserved.as_ref().is_some_and(|reserved| reserved.plan.waiting.is_some())
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
