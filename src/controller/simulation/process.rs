//! One process of the operator: its context, the reconciles under way, and what wakes them. This stands where kube's `Controller` does.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures::channel::mpsc::{self, UnboundedReceiver};
use hybridscaler_core::{
    Connections,
    reading::{Load, Reading, Unknown},
};
use jiff::{SignedDuration, Timestamp};
use kube::{
    ResourceExt,
    core::DeserializeGuard,
    runtime::{
        controller::Action,
        reflector::{self, ObjectRef, store::Writer},
        watcher,
    },
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    dice::Dice,
    network::{self, Ecs},
    omission::Omission,
    world::{Changed, NAMESPACE, Object, Shared},
};
use crate::{
    api::{
        HybridScaler,
        conditions::{ConditionType, reasons},
        config::OperatorConfig,
        rbac::ServiceAccount,
    },
    controller::{
        budget,
        capacity::Databases,
        clock::Clock,
        context::{Budget, Context, Scaler, ScalerRef},
        events::Events,
        grants::Grants,
        memory::{Memory, Missed},
        scaler, scaler_failed, source_requests,
        trouble::Trouble,
        watches,
    },
    ledger::Ledgers,
    record::Recorder,
    signals::{Source, Sources},
    targets::{EcsTargets, KubernetesTargets},
    telemetry::{health::Readiness, metrics::Metrics},
};

/// When all lives begin.
const BEGINNING: Timestamp = Timestamp::constant(1_780_000_000, 0);

/// What a reconcile ended with: which object, and after how many milliseconds it is looked at again.
type Ended = (Object, Option<u64>);

pub(super) struct Process {
    pub(super) id: u64,
    world: Shared,
    ctx: Arc<Context>,
    offset: Arc<AtomicI64>,
    scalers: Writer<Scaler>,
    budgets: Writer<Budget>,
    woken: UnboundedReceiver<ScalerRef>,
    late: mpsc::UnboundedSender<ObjectRef<Budget>>,
    behind: UnboundedReceiver<ObjectRef<Budget>>,
    ended: Arc<Mutex<Vec<Ended>>>,
    work: BTreeMap<Object, Work>,
}

#[derive(Default)]
struct Work {
    under_way: Option<AbortOnDropHandle<()>>,
    /// Woken meanwhile.
    again: bool,
    /// When it is looked at next, in milliseconds since the beginning.
    due: Option<u64>,
}

/// The clock of one process.
struct Simulated {
    world: Shared,
    /// Milliseconds that it is ahead.
    offset: Arc<AtomicI64>,
    dice: Mutex<Dice>,
}

impl Clock for Simulated {
    fn now(&self) -> Timestamp {
        time(&self.world, &self.offset)
    }

    fn jitter(&self, whole: Duration) -> Duration {
        whole.mul_f64(f64::from(self.dice.lock().unwrap().count(500, 1000)) / 1000.0)
    }
}

fn time(world: &Shared, offset: &AtomicI64) -> Timestamp {
    let now = i64::try_from(world.lock().now).unwrap_or(i64::MAX);
    BEGINNING + SignedDuration::from_millis(now + offset.load(Ordering::Relaxed))
}

fn config() -> OperatorConfig {
    OperatorConfig::parse("trust: [{namespaces: [orders], ecsServices: ['eu-west-1/prod/*']}]").unwrap()
}

impl Process {
    pub(super) fn start(id: u64, world: &Shared, dice: &mut Dice) -> Self {
        let client = network::client(id, world);
        let offset = Arc::new(AtomicI64::new(0));
        let sources = {
            let (world, offset) = (world.clone(), Arc::clone(&offset));
            Sources::scripted(move |source| reading(source, &world, &offset))
        };
        let database = {
            let world = world.clone();
            move |uid: &str| capacity(id, uid, &world)
        };
        let (scaler_store, scalers) = reflector::store();
        let (budget_store, budgets) = reflector::store();
        let (wake, woken) = mpsc::unbounded();
        let (late, behind) = mpsc::unbounded();
        let ctx = Context {
            clock: Arc::new(Simulated {
                world: world.clone(),
                offset: Arc::clone(&offset),
                dice: Mutex::new(dice.split()),
            }),
            kubernetes: KubernetesTargets::new(client.clone()),
            ecs: EcsTargets::modelled(Arc::new(Ecs { process: id, world: world.clone() })),
            ledgers: Ledgers::new(client.clone()),
            databases: Databases::modelled(database),
            events: Events::new(client.clone()),
            memory: Memory::default(),
            missed: Missed::default(),
            spent: Missed::default(),
            grants: Grants::default(),
            config: config(),
            account: ServiceAccount { namespace: "hybridscaler".to_owned(), name: "hybridscaler".to_owned() },
            metrics: Metrics::new(source_requests(sources.clone()).unwrap()).unwrap(),
            sources,
            recorder: Recorder::default(),
            scalers: scaler_store,
            budgets: budget_store,
            client,
            readiness: Readiness::waiting_for([crate::controller::SCALERS, crate::controller::BUDGETS]),
            read_capacities: Mutex::default(),
            rooms: Mutex::default(),
            wake,
        };
        Self {
            id,
            world: world.clone(),
            ctx: Arc::new(ctx),
            offset,
            scalers,
            budgets,
            woken,
            late,
            behind,
            ended: Arc::default(),
            work: BTreeMap::new(),
        }
    }

    /// It has listed both kinds, as they are now.
    pub(super) fn list(&mut self) {
        let (scalers, budgets) = {
            let world = self.world.lock();
            let there = (0..world.scalers.len()).filter(|at| !world.deleted[*at]);
            let scalers: Vec<_> = there.map(|at| (Object::Scaler(at), world.scalers[at].clone())).collect();
            (scalers, world.budgets.clone())
        };
        let objects = scalers.iter().map(|(object, _)| *object).chain((0..budgets.len()).map(Object::Budget));
        let objects: Vec<Object> = objects.collect();
        self.see_scaler(&watcher::Event::Init);
        for (_, scaler) in scalers {
            self.see_scaler(&watcher::Event::InitApply(self.watched(scaler)));
        }
        self.see_scaler(&watcher::Event::InitDone);
        self.see_budget(&watcher::Event::Init);
        for budget in budgets {
            self.see_budget(&watcher::Event::InitApply(DeserializeGuard(Ok(budget))));
        }
        self.see_budget(&watcher::Event::InitDone);
        for object in objects {
            self.wake(object);
        }
    }

    /// It sees a change.
    pub(super) fn see(&mut self, changed: Changed) {
        match changed {
            Changed::Scaler(scaler) => self.see_scaler(&watcher::Event::Apply(self.watched(*scaler))),
            Changed::Budget(budget) => self.see_budget(&watcher::Event::Apply(DeserializeGuard(Ok(*budget)))),
            Changed::Deleted(scaler) => self.see_scaler(&watcher::Event::Delete(self.watched(*scaler))),
            Changed::Replaced(before, after) => {
                let at = self.world.lock().budgets.iter().position(|known| known.name_any() == after.name_any());
                self.see_budget(&watcher::Event::Delete(DeserializeGuard(Ok(*before))));
                self.see_budget(&watcher::Event::Apply(DeserializeGuard(Ok(*after))));
                if let Some(at) = at {
                    self.wake(Object::Budget(at));
                }
            }
        }
    }

    fn watched(&self, mut scaler: HybridScaler) -> Scaler {
        if self.world.lock().omits(Omission::ChargeAllFirst) {
            scaler.spec.connections.clear();
        }
        DeserializeGuard(Ok(scaler))
    }

    fn see_scaler(&mut self, event: &watcher::Event<Scaler>) {
        self.scalers.apply_watcher_event(event);
        watches::heed_scaler(event, &self.ctx, &self.late);
    }

    fn see_budget(&mut self, event: &watcher::Event<Budget>) {
        self.budgets.apply_watcher_event(event);
        watches::heed_budget(event, &self.ctx, &self.late);
    }

    /// Its clock is set.
    pub(super) fn set_clock(&self, ahead: i64) {
        self.offset.store(ahead, Ordering::Relaxed);
    }

    /// Looks at `object` if it is due.
    pub(super) fn look_if_due(&mut self, object: Object) {
        let now = self.world.lock().now;
        if self.work.get(&object).is_some_and(|work| work.due.is_some_and(|due| due <= now)) {
            self.wake(object);
        }
    }

    /// Looks at `object` now, or once more when it is looking.
    pub(super) fn wake(&mut self, object: Object) {
        let whole = self.whole(object);
        let work = self.work.entry(object).or_default();
        work.due = None;
        if work.under_way.is_some() {
            work.again = true;
            return;
        }
        let (ctx, ended) = (Arc::clone(&self.ctx), Arc::clone(&self.ended));
        let task = match object {
            Object::Scaler(_) => {
                let Some(scaler) = whole else { return };
                tokio::spawn(async move {
                    let action = Box::pin(scaler::reconcile(Arc::clone(&scaler), Arc::clone(&ctx))).await;
                    let action = action.unwrap_or_else(|error| scaler_failed(&scaler, &error, &ctx));
                    ended.lock().unwrap().push((object, wait(&action)));
                })
            }
            Object::Budget(at) => {
                let watched = self.world.lock().budgets[at].name_any();
                let Some(budget) = ctx.budgets.get(&ObjectRef::new(&watched).within(NAMESPACE)) else { return };
                tokio::spawn(async move {
                    let action = Box::pin(budget::reconcile(budget, ctx)).await;
                    let action = action.unwrap_or_else(|error| budget::failed(&error));
                    ended.lock().unwrap().push((object, wait(&action)));
                })
            }
        };
        work.under_way = Some(AbortOnDropHandle::new(task));
    }

    /// The scaler as it is, also where the watched copy is made to hide its budgets.
    fn whole(&self, object: Object) -> Option<Arc<Scaler>> {
        let Object::Scaler(at) = object else { return None };
        let known = self.world.lock().scalers[at].clone();
        let watched = self.ctx.scalers.get(&ScalerRef::new(&known.name_any()).within(NAMESPACE))?;
        let mut scaler = Arc::unwrap_or_clone(watched);
        if let Ok(scaler) = &mut scaler.0 {
            scaler.spec.connections = known.spec.connections;
        }
        Some(Arc::new(scaler))
    }

    /// Takes up what has ended and who was woken. Names what is to be looked at later, and after how many milliseconds.
    pub(super) fn go_on(&mut self) -> Vec<(u64, Object)> {
        let mut later = Vec::new();
        let ended = std::mem::take(&mut *self.ended.lock().unwrap());
        for (object, after) in ended {
            let now = self.world.lock().now;
            let work = self.work.entry(object).or_default();
            work.under_way = None;
            if std::mem::take(&mut work.again) {
                self.wake(object);
            } else if let Some(after) = after {
                work.due = Some(now + after);
                later.push((after, object));
            }
        }
        // In an order of their own: the operator finds whom to wake in a hash map.
        let mut woken = BTreeSet::new();
        while let Ok(scaler) = self.woken.try_recv() {
            let at = self.world.lock().scalers.iter().position(|known| known.name_any() == scaler.name);
            woken.extend(at.map(Object::Scaler));
        }
        while let Ok(budget) = self.behind.try_recv() {
            let at = self.world.lock().budgets.iter().position(|known| known.name_any() == budget.name);
            woken.extend(at.map(Object::Budget));
        }
        for object in woken {
            self.wake(object);
        }
        later
    }

    /// Whether a reconcile panicked.
    pub(super) fn has_panicked(&self) -> bool {
        self.work.values().any(|work| work.under_way.as_ref().is_some_and(AbortOnDropHandle::is_finished))
    }
}

fn wait(action: &Action) -> Option<u64> {
    // An action shows its wait to nobody but kube's scheduler.
    let shown = format!("{action:?}");
    let seconds = shown.split("Some(").nth(1)?.split(')').next()?;
    let (number, unit) = seconds.split_at(seconds.find(|c: char| c.is_alphabetic() || c == 'µ')?);
    let number: f64 = number.parse().ok()?;
    let millis = match unit {
        "s" => number * 1000.0,
        "ms" => number,
        _ => 1.0,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a wait of at most minutes")]
    Some(millis.ceil().max(1.0) as u64)
}

fn reading(source: &Source, world: &Shared, offset: &AtomicI64) -> Reading {
    let Source::External(metric) = source else { return Reading::unknown(Unknown::NotFound, "no such source") };
    let at: Option<usize> = metric.name.rsplit('-').next().and_then(|number| number.parse().ok());
    let now = time(world, offset);
    let world = world.lock();
    match at.filter(|at| world.readable[*at]) {
        Some(at) => Reading::Known { load: Load::Value { milli: u64::from(world.loads[at]) * 1000 }, at: now },
        None => Reading::unknown(Unknown::Unreachable, "the metric cannot be read"),
    }
}

fn capacity(process: u64, uid: &str, world: &Shared) -> Result<Connections, Trouble> {
    let mut world = world.lock();
    let at = world.budgets.iter().position(|budget| budget.uid().as_deref() == Some(uid));
    let read = at.filter(|at| world.databases[*at].readable);
    world.read.extend(read.map(|at| (process, at)));
    match at.map(|at| &world.databases[at]).filter(|database| database.readable) {
        Some(database) => Ok(Connections(database.usable)),
        None => {
            Err(Trouble::new(ConditionType::CapacityKnown, reasons::DATABASE_FAILED, "it cannot be read".to_owned()))
        }
    }
}
