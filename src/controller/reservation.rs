//! A scaler's turn at its budget's ledger: what it may run, reserved before anything is written to the target.

use hybridscaler_core::{
    Connections, Replicas,
    budget::{Footprint, Growth, Ledger, Plan, Shape, Turn, Waiting, plan},
    observation::{Rollout, Workload},
};
use jiff::{SignedDuration, Timestamp};
use kube::{ResourceExt, runtime::reflector::ObjectRef};

use super::{
    context::{Budget, Context, Scaler, Subject, key},
    intent::Intent,
    memory::Remembered,
    target_id::TargetId,
    trouble::Trouble,
};
use crate::{
    api::{
        ConnectionBudget, Mode,
        conditions::{ConditionType, reasons},
        into_core::ConnectionDemand,
    },
    ledger,
    targets::Observed,
};

/// ECS is read without a quorum: a count is relied on, for giving connections back, once it has been seen for this long.
const SEEN_ALIKE: SignedDuration = SignedDuration::from_secs(10);

/// What the budget said.
#[derive(Clone, Debug)]
pub(super) struct Reserved {
    /// Namespace and name of the budget, as statuses and events show it.
    pub(super) budget: String,
    pub(super) footprint: Footprint,
    pub(super) plan: Plan,
    /// What the plan would be if the scaler did not only watch; none when it does more.
    pub(super) rehearsed: Option<Plan>,
    /// What the consumer holds now.
    pub(super) grant: Connections,
}

impl Reserved {
    /// The plan to show: what is done, or what would be done by a scaler that only watches.
    pub(super) fn shown(&self) -> &Plan {
        self.rehearsed.as_ref().unwrap_or(&self.plan)
    }
}

/// Where and how a scaler's connections are counted.
pub(super) struct Account<'a> {
    demand: &'a ConnectionDemand,
    reference: ObjectRef<ConnectionBudget>,
    subject: &'a Subject,
    consumer: String,
    pub(super) target: &'a TargetId,
    mode: Mode,
    /// The entry's version before the target was observed.
    version: Option<u64>,
}

impl<'a> Account<'a> {
    /// Opens the account. Call it BEFORE the target is observed: a release rests on that order.
    pub(super) fn open(intent: &'a Intent, subject: &'a Subject, ctx: &Context) -> Option<Self> {
        let demand = intent.connections.as_ref()?;
        let reference = ObjectRef::new(&demand.budget).within(&demand.namespace);
        let ledger = known_ledger(cached(ctx, &reference).as_deref());
        let consumer = subject.key();
        let version = ledger.and_then(|ledger| ledger.entries.get(&consumer).map(|entry| entry.version));
        let (target, mode) = (&intent.target, intent.mode);
        Some(Self { demand, reference, subject, consumer, target, mode, version })
    }

    /// Reserves what the consumer wants, charges what it runs, gives back what is seen to be gone.
    pub(super) async fn settle(
        &self,
        observed: &Observed,
        wanted: Replicas,
        memory: &Remembered,
        ctx: &Context,
        now: Timestamp,
    ) -> Result<Reserved, Trouble> {
        let sure = may_release(self.target, &observed.workload, memory, now);
        self.keep_books(observed.shape, observed.workload, wanted, sure, ctx).await
    }

    /// Charges a target that does not exist: nothing when it was never charged, so that the others need not wait to learn what it runs;
    /// what it was charged while it may be `draining`.
    pub(super) async fn settle_missing(&self, draining: bool, ctx: &Context) -> Result<(), Trouble> {
        let nothing = Workload {
            desired: Replicas::ZERO,
            running: Replicas::ZERO,
            starting: Replicas::ZERO,
            terminating: Replicas::ZERO,
            rollout: Rollout::Settled,
        };
        self.keep_books(Shape::Other, nothing, Replicas::ZERO, !draining, ctx).await.map(drop)
    }

    /// One turn at the ledger. What it gives back rests on `sure`: that the workload is what it was observed to be.
    async fn keep_books(
        &self,
        shape: Shape,
        workload: Workload,
        wanted: Replicas,
        sure: bool,
        ctx: &Context,
    ) -> Result<Reserved, Trouble> {
        let ConnectionDemand { reserve, per_replica, .. } = *self.demand;
        let footprint = Footprint { shape, reserve, per_replica };
        let target = self.target.to_string();
        let acting = |budget: &ConnectionBudget, ledger: &Ledger| Turn {
            consumer: &self.consumer,
            uid: &self.subject.uid,
            target: &target,
            footprint,
            workload,
            wanted,
            growth: self.growth(budget, ledger, ctx),
            seen_version: self.version.filter(|_| sure),
        };
        let only_watches = self.watches();
        let turn = |budget: &ConnectionBudget, ledger: &Ledger| match &only_watches {
            None => acting(budget, ledger),
            Some(waiting) => {
                Turn { wanted: workload.desired, growth: Growth::Frozen(waiting.clone()), ..acting(budget, ledger) }
            }
        };
        let reserved = |budget: &ConnectionBudget, turn: Plan, ledger: &Ledger| Reserved {
            budget: key(&self.demand.namespace, &self.demand.budget),
            footprint,
            grant: ledger.entries.get(&self.consumer).map_or(Connections::ZERO, |entry| entry.grant),
            rehearsed: only_watches.as_ref().map(|_| plan(ledger, &acting(budget, ledger))),
            plan: turn,
        };
        // In the steady state nothing changes hands: the watched copy of the ledger is enough to see that.
        let watched = cached(ctx, &self.reference);
        if let Some(budget) = watched.as_deref().and_then(|budget| budget.0.as_ref().ok())
            && let Ok(ledger) = ledger::read(budget.status.as_ref())
        {
            self.check_admission(budget)?;
            let plan = plan(&ledger, &turn(budget, &ledger));
            if plan.ledger.is_none() && plan.write.is_none() {
                return Ok(reserved(budget, plan, &ledger));
            }
        }
        let step = |budget: &ConnectionBudget, ledger: &mut Ledger, _: &mut _| {
            self.check_admission(budget)?;
            let plan = plan(ledger, &turn(budget, ledger));
            if let Some(next) = &plan.ledger {
                ledger.clone_from(next);
            }
            Ok(reserved(budget, plan, ledger))
        };
        ctx.ledgers.update(&self.reference, step).await?.1
    }

    /// Whether the budget lets this namespace have of it.
    fn check_admission(&self, budget: &ConnectionBudget) -> Result<(), Trouble> {
        let (ConnectionDemand { namespace, budget: name, .. }, own) = (self.demand, &self.subject.name.namespace);
        if budget.spec.admits(namespace, own) {
            return Ok(());
        }
        let message = format!(
            "connection budget {namespace}/{name} admits scalers of its own namespace only, and this one is in {own}: set the budget's \
             spec.allowedNamespaces.from to All, or use a budget in this namespace"
        );
        Err(Trouble::new(ConditionType::AbleToScale, reasons::BUDGET_NOT_ALLOWED, message))
    }

    /// Why the scaler only watches, if it does: it is charged for what runs, and asks for no more.
    const fn watches(&self) -> Option<Waiting> {
        match self.mode {
            Mode::DryRun => Some(Waiting::DryRun),
            Mode::Paused => Some(Waiting::Paused),
            Mode::Active | Mode::ScaleUpOnly | Mode::ScaleDownOnly => None,
        }
    }

    fn growth(&self, budget: &ConnectionBudget, ledger: &Ledger, ctx: &Context) -> Growth {
        // What an earlier process read may be long ago.
        if !ctx.has_read_capacity(budget) && ledger.capacity.usable().is_some() {
            return Growth::Frozen(Waiting::CapacityFrozen);
        }
        let consumers = self.uncharged(budget, ledger, ctx);
        if consumers.is_empty() { Growth::Allowed } else { Growth::Frozen(Waiting::ConsumersUnknown { consumers }) }
    }

    /// Other scalers that refer to the budget and are not charged yet: before they are, nobody knows what is left.
    fn uncharged(&self, budget: &ConnectionBudget, ledger: &Ledger, ctx: &Context) -> Vec<String> {
        let Self { demand, consumer, .. } = self;
        let missing = |object: &Scaler| {
            let scaler = object.0.as_ref().ok()?;
            let namespace = scaler.namespace()?;
            let refers = scaler.spec.refers_to(&namespace, &demand.namespace, &demand.budget);
            let key = key(&namespace, &scaler.name_any());
            let counts = refers && budget.spec.admits(&demand.namespace, &namespace);
            let charged = key == *consumer || ledger.entries.contains_key(&key);
            let managed =
                || ctx.admit(scaler, object).is_ok() && !ctx.memory.unmanaged(&scaler.uid().unwrap_or_default());
            (counts && !charged && managed()).then_some(key)
        };
        let mut consumers: Vec<String> = ctx.scalers.state().iter().filter_map(|scaler| missing(scaler)).collect();
        consumers.sort();
        consumers
    }
}

/// Whether what was observed may be relied on for giving connections back.
fn may_release(target: &TargetId, workload: &Workload, memory: &Remembered, now: Timestamp) -> bool {
    if memory.in_flight_until.is_some_and(|until| now < until) {
        return false;
    }
    match target {
        TargetId::Workload(_) => true,
        TargetId::Ecs(_) => {
            memory.alike.is_some_and(|(seen, since)| seen == *workload && now.duration_since(since) >= SEEN_ALIKE)
        }
    }
}

fn cached(ctx: &Context, reference: &ObjectRef<ConnectionBudget>) -> Option<std::sync::Arc<Budget>> {
    let mut guarded = ObjectRef::<Budget>::new(&reference.name);
    guarded.namespace.clone_from(&reference.namespace);
    ctx.budgets.get(&guarded)
}

/// The ledger in a watched budget, when it can be read.
fn known_ledger(budget: Option<&Budget>) -> Option<Ledger> {
    let budget = budget?.0.as_ref().ok()?;
    ledger::read(budget.status.as_ref()).ok()
}
