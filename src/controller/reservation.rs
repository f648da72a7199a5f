//! A scaler's turn at its budget's ledger: what it may run, reserved before anything is written to the target.

use std::{sync::Arc, time::Duration};

use hybridscaler_core::{
    Connections, Replicas,
    budget::{Footprint, Growth, Ledger, Plan, Shape, Turn, Waiting, plan},
    observation::{Rollout, Workload},
};
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use tokio::time::Instant;

use super::{
    context::{Budget, Context, Scaler, Subject, key},
    intent::Intent,
    memory::Remembered,
    scaler::LONGEST_REQUEST,
    target_id::TargetId,
    trouble::Trouble,
};
use crate::{
    api::{
        ConnectionBudget, ConnectionBudgetStatus, Mode, StoredLedger,
        conditions::{ConditionType, reasons},
        into_core::ConnectionDemand,
    },
    ledger,
    targets::{LONGEST_IN_FLIGHT, Observed},
};

/// ECS is read without a quorum: a count is relied on, for giving connections back, once it has been seen for this long.
const SEEN_ALIKE: Duration = Duration::from_secs(10);
/// Within that time a write that was given up is carried out or never is.
const _: () = assert!(SEEN_ALIKE.as_secs() >= LONGEST_IN_FLIGHT.as_secs());

/// What one budget said.
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
    /// What it could hold while the others hold what they do; none while the capacity is unknown.
    pub(super) room: Option<Connections>,
    /// The replicas that this budget lets the target be told, or would.
    replicas: Replicas,
}

impl Reserved {
    /// The plan to show: what is done, or what would be done by a scaler that only watches.
    pub(super) fn shown(&self) -> &Plan {
        self.rehearsed.as_ref().unwrap_or(&self.plan)
    }

    /// Whether nothing is to be stored or written.
    const fn is_steady(&self) -> bool {
        self.plan.ledger.is_none() && self.plan.write.is_none()
    }
}

/// What all budgets of a scaler said: each was asked for no more than those before it left.
#[derive(Clone, Debug, Default)]
pub(super) struct Settled(Vec<Reserved>);

impl Settled {
    pub(super) fn each(&self) -> impl Iterator<Item = &Reserved> {
        self.0.iter()
    }

    /// The budget that leaves least, and of those that leave the same one that says why.
    pub(super) fn tightest(&self) -> Option<&Reserved> {
        self.0.iter().min_by_key(|reserved| (reserved.replicas, reserved.shown().waiting.is_none()))
    }

    /// The most replicas that all budgets together let run.
    pub(super) fn allowed(&self) -> Option<Replicas> {
        self.0.iter().map(|reserved| reserved.shown().allowed).min()
    }

    /// What the target is to be told, once every budget has stored its part.
    pub(super) fn write(&self, desired: Replicas) -> Option<Replicas> {
        let acts = self.0.iter().all(|reserved| reserved.rehearsed.is_none());
        self.tightest().map(|reserved| reserved.replicas).filter(|replicas| acts && *replicas != desired)
    }

    pub(super) fn waits(&self) -> bool {
        self.0.iter().any(|reserved| reserved.plan.waiting.is_some())
    }

    fn is_steady(&self) -> bool {
        self.0.iter().all(Reserved::is_steady)
    }
}

/// Where and how a scaler's connections are counted: one account a budget.
pub(super) struct Accounts {
    each: Vec<Arc<Account>>,
    pub(super) target: TargetId,
}

/// A consumer of one budget.
struct Account {
    ctx: Arc<Context>,
    demand: ConnectionDemand,
    reference: ObjectRef<ConnectionBudget>,
    subject: Subject,
    consumer: String,
    target: TargetId,
    mode: Mode,
    /// The entry's version before the target was observed.
    version: Option<u64>,
    /// Budgets that the scaler does not refer to any more, and that are charged for its replicas all the same.
    moved_from: Vec<String>,
}

/// What is known of a target that does not exist any more.
#[derive(Clone, Copy)]
pub(super) enum Left {
    /// Its replicas were counted.
    Counted(Workload),
    /// They cannot be.
    Uncounted {
        /// Whether all of them must have ended by now.
        drained: bool,
    },
}

/// What was seen of the target.
#[derive(Clone, Copy)]
struct Look {
    shape: Shape,
    workload: Workload,
    /// Whether it has been seen for so long that nothing is about to change it but a write.
    steady: bool,
    /// Whether it may be relied on for giving connections back.
    sure: bool,
    /// Whether a write that nobody waits for any more may still change it.
    in_flight: bool,
}

impl Accounts {
    /// Opens the accounts. Call it BEFORE the target is observed: a release rests on that order.
    pub(super) fn open(intent: &Intent, subject: &Subject, ctx: &Arc<Context>) -> Self {
        let moved_from = if intent.connections.is_empty() { Vec::new() } else { moved_from(intent, subject, ctx) };
        let open = |demand: &ConnectionDemand| Arc::new(Account::open(demand, intent, subject, &moved_from, ctx));
        Self { each: intent.connections.iter().map(open).collect(), target: intent.target.clone() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// Reserves what the consumer wants, charges what it runs, gives back what is seen to be gone.
    pub(super) async fn settle(
        &self,
        observed: &Observed,
        wanted: Replicas,
        memory: &mut Remembered,
    ) -> Result<Settled, Trouble> {
        let workload = observed.workload;
        let steady = is_steady(&self.target, &workload, memory);
        let in_flight = memory.in_flight_until.is_some_and(|until| Instant::now() < until);
        let look = Look { shape: observed.shape, workload, steady, sure: steady && !in_flight, in_flight };
        self.keep_books(look, wanted, memory).await
    }

    /// Charges a target that does not exist for what it `left` behind: nothing when that is nothing, so that the others need not wait to
    /// learn what it runs. Where its replicas cannot be counted, it stays charged for what it was while they may be draining.
    pub(super) async fn settle_missing(&self, left: Left, memory: &mut Remembered) -> Result<(), Trouble> {
        let nothing = Workload {
            desired: Replicas::ZERO,
            running: Replicas::ZERO,
            starting: Replicas::ZERO,
            terminating: Replicas::ZERO,
            rollout: Rollout::Settled,
        };
        let (workload, sure) = match left {
            Left::Counted(workload) => (workload, true),
            Left::Uncounted { drained } => (nothing, drained),
        };
        let look = Look { shape: Shape::Other, workload, steady: true, sure, in_flight: false };
        self.keep_books(look, workload.desired, memory).await.map(drop)
    }

    /// One turn at every ledger.
    ///
    /// The budget that seems to leave least is asked first, and the others for no more than it gave: what they would reserve beyond
    /// that could not be used. No ledger waits for another one, so the order may differ from turn to turn, and what is reserved too
    /// much when a later budget gives less after all goes back in a later turn.
    async fn keep_books(&self, look: Look, wanted: Replicas, memory: &mut Remembered) -> Result<Settled, Trouble> {
        // One that is not known comes first: it may fail.
        let mut in_order: Vec<&Arc<Account>> = self.each.iter().collect();
        in_order.sort_by_cached_key(|account| {
            account.as_watched(look, wanted).ok().flatten().map(|reserved| reserved.replicas)
        });
        if let Some(settled) = steady(&in_order, look, wanted) {
            memory.charged.extend(self.each.iter().map(|account| account.reference.clone()));
            return Ok(settled);
        }
        let (mut settled, mut trouble) = (Settled::default(), None);
        let mut wanted = wanted;
        for account in in_order {
            match account.keep_book(look, wanted).await {
                Ok(reserved) => {
                    memory.charged.insert(account.reference.clone());
                    wanted = reserved.replicas;
                    settled.0.push(reserved);
                }
                // The others are still charged for what runs, and get back what is gone, or nobody there would know what is left.
                Err(error) => {
                    wanted = look.workload.desired;
                    trouble.get_or_insert(error);
                }
            }
        }
        trouble.map_or(Ok(settled), Err)
    }
}

/// What all budgets say by their watched copies, when nothing changes hands: those are enough to see that.
fn steady(accounts: &[&Arc<Account>], look: Look, mut wanted: Replicas) -> Option<Settled> {
    let mut settled = Settled::default();
    for account in accounts {
        let reserved = account.as_watched(look, wanted).ok()??;
        wanted = reserved.replicas;
        settled.0.push(reserved);
    }
    Some(settled).filter(Settled::is_steady)
}

impl Account {
    fn open(
        demand: &ConnectionDemand,
        intent: &Intent,
        subject: &Subject,
        moved_from: &[String],
        ctx: &Arc<Context>,
    ) -> Self {
        let reference = ObjectRef::new(&demand.budget).within(&demand.namespace);
        let ledger = known_ledger(cached(ctx, &reference).as_deref());
        let consumer = subject.key();
        let entry = ledger.and_then(|mut ledger| ledger.entries.remove(&consumer));
        if let Some(entry) = &entry {
            ctx.grants.learn(&subject.uid, &reference, entry);
        }
        let version = entry.map(|entry| entry.version);
        Self {
            ctx: Arc::clone(ctx),
            demand: demand.clone(),
            reference,
            subject: subject.clone(),
            consumer,
            target: intent.target.clone(),
            mode: intent.mode,
            version,
            moved_from: moved_from.to_vec(),
        }
    }

    /// What the budget says by its watched copy; `None` when that cannot tell.
    fn as_watched(&self, look: Look, wanted: Replicas) -> Result<Option<Reserved>, Trouble> {
        let watched = cached(&self.ctx, &self.reference);
        let Some(budget) = watched.as_deref().and_then(|budget| budget.0.as_ref().ok()) else { return Ok(None) };
        let Ok(ledger) = ledger::read(budget.status.as_ref()) else { return Ok(None) };
        self.plan(budget, &ledger, look, wanted).map(Some)
    }

    /// One turn at the ledger itself.
    async fn keep_book(self: &Arc<Self>, look: Look, wanted: Replicas) -> Result<Reserved, Trouble> {
        let account = Arc::clone(self);
        let step = move |budget: &ConnectionBudget, ledger: &mut Ledger, _: &mut ConnectionBudgetStatus| {
            let reserved = account.plan(budget, ledger, look, wanted)?;
            if let Some(next) = &reserved.plan.ledger {
                ledger.clone_from(next);
            }
            let entry = ledger.entries.get(&account.consumer).cloned();
            let grant = entry.as_ref().map_or(Connections::ZERO, |entry| entry.grant);
            Ok::<_, Trouble>((Reserved { grant, ..reserved }, entry))
        };
        let (reserved, entry) = self.ctx.ledgers.update(&self.reference, step).await?.1?;
        if let Some(entry) = entry {
            self.ctx.grants.keep(&self.subject.uid, &self.reference, entry);
        }
        Ok(reserved)
    }

    /// What this turn does to `ledger`, and what it lets the target be told.
    fn plan(
        &self,
        budget: &ConnectionBudget,
        ledger: &Ledger,
        Look { shape, mut workload, steady, sure, in_flight }: Look,
        mut wanted: Replicas,
    ) -> Result<Reserved, Trouble> {
        self.check_admission(budget)?;
        if !ledger.entries.contains_key(&self.consumer) && is_full(ledger) {
            return Err(self.refused_entry());
        }
        let rebuilt = self.ctx.grants.put_back(&self.subject.uid, &self.reference, &self.consumer, ledger);
        let ledger = rebuilt.as_ref().unwrap_or(ledger);
        if in_flight && !ledger.entries.contains_key(&self.consumer) {
            return Err(self.lost_entry());
        }
        let ConnectionDemand { reserve, per_replica, .. } = self.demand;
        let footprint = Footprint { shape, reserve, per_replica };
        let target = self.target.to_string();
        let lowering = ledger.entries.get(&self.consumer).and_then(|entry| entry.lowering);
        if let Some(lowered) = lowering.filter(|_| !steady) {
            // Tasks may have started and be draining that no count has shown yet: a raise on top of them would not pay for them.
            workload.rollout = Rollout::NotObserved;
            // The number desired may be of the past too, and what seems to lower it once more would raise it in truth.
            wanted = if wanted > lowered { workload.desired } else { wanted };
        }
        let acting = Turn {
            consumer: &self.consumer,
            uid: &self.subject.uid,
            target: &target,
            footprint,
            workload,
            wanted,
            growth: self.growth(budget, ledger),
            seen_version: self.version.filter(|_| sure),
        };
        let (mut planned, rehearsed) = match self.watches() {
            None => (plan(ledger, &acting), None),
            Some(waiting) => {
                let rehearsed = plan(ledger, &acting);
                let watching = Turn { wanted: workload.desired, growth: Growth::Frozen(waiting), ..acting };
                (plan(ledger, &watching), Some(rehearsed))
            }
        };
        // It is stored again even when the plan does not change it.
        planned.ledger = planned.ledger.or_else(|| rebuilt.clone());
        let told = rehearsed.as_ref().unwrap_or(&planned).write;
        let grant = ledger.entries.get(&self.consumer).map_or(Connections::ZERO, |entry| entry.grant);
        Ok(Reserved {
            budget: key(&self.demand.namespace, &self.demand.budget),
            footprint,
            grant,
            room: ledger.available().map(|available| available.plus(grant)),
            replicas: told.unwrap_or(workload.desired),
            plan: planned,
            rehearsed,
        })
    }

    /// Whether the budget lets this namespace have of it.
    fn check_admission(&self, budget: &ConnectionBudget) -> Result<(), Trouble> {
        let (ConnectionDemand { namespace, budget: name, .. }, own) = (&self.demand, &self.subject.name.namespace);
        if budget.spec.admits(namespace, own) {
            return Ok(());
        }
        let message = format!(
            "connection budget {namespace}/{name} admits scalers of its own namespace only, and this one is in {own}: set the budget's \
             spec.allowedNamespaces.from to All, or use a budget in this namespace"
        );
        Err(Trouble::new(ConditionType::AbleToScale, reasons::BUDGET_NOT_ALLOWED, message))
    }

    fn refused_entry(&self) -> Trouble {
        let ConnectionDemand { namespace, budget, .. } = &self.demand;
        let message = format!(
            "the ledger of connection budget {namespace}/{budget} is full, so this scaler is not entered, and what its replicas open has \
             to fit into the reserve: refer to another budget, with a static share of the database"
        );
        Trouble::new(ConditionType::AbleToScale, reasons::LEDGER_FULL, message)
    }

    /// What runs now is not all that such a scaler may come to run, and nobody knows any more what it was granted. Until that is over
    /// it is not charged, so that nobody grows.
    fn lost_entry(&self) -> Trouble {
        let ConnectionDemand { namespace, budget, .. } = &self.demand;
        let message = format!(
            "the ledger of connection budget {namespace}/{budget} does not say what this scaler was granted, and what an earlier process \
             wrote may still be carried out: within {} s the scaler is charged for what runs then; nobody who shares the budget grows \
             before that",
            LONGEST_REQUEST.as_secs()
        );
        Trouble::new(ConditionType::AbleToScale, reasons::LEDGER_LOST, message)
    }

    /// Why the scaler only watches, if it does: it is charged for what runs, and asks for no more.
    const fn watches(&self) -> Option<Waiting> {
        match self.mode {
            Mode::DryRun => Some(Waiting::DryRun),
            Mode::Paused => Some(Waiting::Paused),
            Mode::Active | Mode::ScaleUpOnly | Mode::ScaleDownOnly => None,
        }
    }

    fn growth(&self, budget: &ConnectionBudget, ledger: &Ledger) -> Growth {
        // What an earlier process read may be long ago.
        if !self.ctx.has_read_capacity(budget) && ledger.capacity.usable().is_some() {
            return Growth::Frozen(Waiting::CapacityFrozen);
        }
        let consumers = self.uncharged(budget, ledger);
        if !consumers.is_empty() {
            return Growth::Frozen(Waiting::ConsumersUnknown { consumers });
        }
        let from = self.moved_from.clone();
        if from.is_empty() { Growth::Allowed } else { Growth::Frozen(Waiting::Moving { from }) }
    }

    /// Other scalers that refer to the budget and are not charged yet, or not by this process: before they are, nobody knows what is
    /// left.
    fn uncharged(&self, budget: &ConnectionBudget, ledger: &Ledger) -> Vec<String> {
        let Self { demand, consumer, ctx, .. } = self;
        let missing = |object: &Scaler| {
            let scaler = object.0.as_ref().ok()?;
            let namespace = scaler.namespace()?;
            let refers = scaler.spec.refers_to(&namespace, &demand.namespace, &demand.budget);
            let key = key(&namespace, &scaler.name_any());
            let counts = refers && budget.spec.admits(&demand.namespace, &namespace);
            let uid = scaler.uid().unwrap_or_default();
            // An entry of the same name may be of a scaler before it, which had another target.
            let entered = || ledger.entries.get(&key).is_some_and(|entry| entry.uid == uid);
            let charged = key == *consumer || (entered() && ctx.memory.has_charged(&uid, &self.reference));
            let managed = || ctx.admit(scaler, object).is_ok() && !ctx.memory.unmanaged(&uid);
            (counts && !charged && managed()).then_some(key)
        };
        let mut consumers: Vec<String> = ctx.scalers.state().iter().filter_map(|scaler| missing(scaler)).collect();
        if consumers.iter().any(|consumer| !ledger.entries.contains_key(consumer)) && is_full(ledger) {
            // They will not be entered either: what they open has to fit into the reserve, and nobody need wait to learn it.
            consumers.retain(|consumer| ledger.entries.contains_key(consumer));
        }
        consumers.sort();
        consumers
    }
}

/// Budgets that are charged for the scaler's replicas, and that it does not refer to any more.
fn moved_from(intent: &Intent, subject: &Subject, ctx: &Context) -> Vec<String> {
    let consumer = subject.key();
    let left = |budget: &ConnectionBudget| {
        let (namespace, name) = (budget.namespace()?, budget.name_any());
        let refers = intent.connections.iter().any(|demand| (&demand.namespace, &demand.budget) == (&namespace, &name));
        let charged = budget.status.as_ref()?.ledger.as_ref()?.charges(&consumer, &subject.uid);
        (charged && !refers).then(|| key(&namespace, &name))
    };
    let mut from: Vec<String> = ctx.budgets.state().iter().filter_map(|budget| left(budget.0.as_ref().ok()?)).collect();
    from.sort();
    from
}

/// Whether no new consumer may be entered. One that cannot be stored is told by the store.
fn is_full(ledger: &Ledger) -> bool {
    StoredLedger::try_from(ledger).is_ok_and(|stored| stored.size().is_full())
}

/// Whether what was observed is more than a passing moment. Kubernetes is read by quorum; ECS is not, and its scheduler follows a change
/// in its own time.
fn is_steady(target: &TargetId, workload: &Workload, memory: &Remembered) -> bool {
    match target {
        TargetId::Workload(_) => true,
        TargetId::Ecs(_) => {
            memory.alike.is_some_and(|(seen, since)| seen == *workload && since.elapsed() >= SEEN_ALIKE)
        }
    }
}

fn cached(ctx: &Context, reference: &ObjectRef<ConnectionBudget>) -> Option<Arc<Budget>> {
    let mut guarded = ObjectRef::<Budget>::new(&reference.name);
    guarded.namespace.clone_from(&reference.namespace);
    ctx.budgets.get(&guarded)
}

/// The ledger in a watched budget, when it can be read.
fn known_ledger(budget: Option<&Budget>) -> Option<Ledger> {
    let budget = budget?.0.as_ref().ok()?;
    ledger::read(budget.status.as_ref()).ok()
}
