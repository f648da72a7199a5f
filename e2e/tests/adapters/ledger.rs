//! Ledgers in a real API server: who asks at the same time shares a write, and nothing that anybody was promised is lost.

use std::{sync::Arc, time::Instant};

use futures::future::join_all;
use hybridscaler::{
    api::{ConnectionBudget, crds},
    ledger::{self, Counts, LedgerError, Ledgers},
};
use hybridscaler_core::{
    Connections, Replicas,
    budget::{Capacity, Footprint, Growth, Ledger, Plan, RolloutReserve, Shape, Turn, plan},
    observation::{Rollout, Workload},
};
use hybridscaler_e2e::bed::Bed;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
    runtime::{conditions::is_crd_established, reflector::ObjectRef, wait::await_condition},
};
use serde_json::json;

/// A budget without a ledger yet.
struct Scene {
    bed: Bed,
    client: Client,
    budget: ObjectRef<ConnectionBudget>,
}

impl Scene {
    async fn lay(label: &str) -> Self {
        let bed = Bed::shared(label).await.unwrap();
        let client = bed.control_plane.admin().await.unwrap();
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for crd in crds::all() {
            let name = crd.metadata.name.clone().unwrap();
            definitions.patch(&name, &PatchParams::apply("ledger").force(), &Patch::Apply(&crd)).await.unwrap();
            await_condition(definitions.clone(), &name, is_crd_established()).await.unwrap();
        }
        let budget = serde_json::from_value(json!({
            "apiVersion": "hybridscaler.dev/v1alpha1",
            "kind": "ConnectionBudget",
            "metadata": {"name": "orders-db"},
            "spec": {"capacity": {"static": 10_000}},
        }));
        let api: Api<ConnectionBudget> = Api::namespaced(client.clone(), &bed.namespace);
        api.create(&PostParams::default(), &budget.unwrap()).await.unwrap();
        let budget = ObjectRef::new("orders-db").within(&bed.namespace);
        Self { bed, client, budget }
    }

    async fn stored(&self) -> Ledger {
        let api: Api<ConnectionBudget> = Api::namespaced(self.client.clone(), &self.bed.namespace);
        ledger::read(api.get("orders-db").await.unwrap().status.as_ref()).unwrap()
    }

    /// A consumer of two replicas that wants five, ten connections each.
    async fn raise(&self, ledgers: &Ledgers, consumer: String) -> Plan {
        let step = move |_: &ConnectionBudget, ledger: &mut Ledger, _: &mut _| {
            ledger.capacity = Capacity::fixed(Connections(10_000));
            let planned = plan(ledger, &turn(&consumer));
            if let Some(next) = &planned.ledger {
                ledger.clone_from(next);
            }
            planned
        };
        loop {
            match ledgers.update(&self.budget, step.clone()).await {
                Ok((_, planned)) => return planned,
                // Nothing was granted: start over, as the operator does.
                Err(LedgerError::Contended(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn turn(consumer: &str) -> Turn<'_> {
    Turn {
        consumer,
        uid: consumer,
        target: consumer,
        footprint: Footprint { shape: Shape::StatefulSet, reserve: RolloutReserve::Full, per_replica: Connections(10) },
        workload: Workload {
            desired: Replicas(2),
            running: Replicas(2),
            starting: Replicas(0),
            terminating: Replicas(0),
            rollout: Rollout::Settled,
        },
        wanted: Replicas(5),
        growth: Growth::Allowed,
        seen_version: None,
    }
}

#[tokio::test]
async fn a_burst_of_a_hundred_costs_one_write() {
    let scene = Scene::lay("burst").await;
    let ledgers = Ledgers::new(scene.client.clone());
    let started = Instant::now();
    let plans = join_all((0..100).map(|i| scene.raise(&ledgers, format!("orders/worker-{i}")))).await;
    println!("100 raises in {:.1} ms", started.elapsed().as_secs_f64() * 1000.0);

    assert!(plans.iter().all(|plan| plan.write == Some(Replicas(5))), "{plans:?}");
    assert_eq!(ledgers.counts(), Counts { steps: 100, writes: 1, conflicts: 0 });
    let stored = scene.stored().await;
    assert_eq!((stored.entries.len(), stored.granted()), (100, Connections(5000)));
}

#[tokio::test]
async fn two_processes_that_write_at_the_same_time_lose_nothing() {
    let scene = Arc::new(Scene::lay("two-writers").await);
    let writers = [0, 1].map(|process| {
        let (scene, ledgers) = (Arc::clone(&scene), Ledgers::new(scene.client.clone()));
        tokio::spawn(async move {
            for burst in 0..10 {
                let consumers = (0..5).map(|i| format!("orders/worker-{process}-{burst}-{i}"));
                join_all(consumers.map(|consumer| scene.raise(&ledgers, consumer))).await;
            }
            ledgers.counts()
        })
    });
    let counts: Vec<Counts> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
    let stored = scene.stored().await;
    assert_eq!((stored.entries.len(), stored.granted()), (100, Connections(5000)), "{counts:?}");
    assert!(counts.iter().any(|counts| counts.conflicts > 0), "they never met: {counts:?}");
}

#[tokio::test]
async fn whoever_gives_up_is_forgotten_and_hinders_nobody() {
    let scene = Scene::lay("given-up").await;
    let ledgers = Ledgers::new(scene.client.clone());
    {
        let impatient = scene.raise(&ledgers, "orders/impatient".to_owned());
        tokio::pin!(impatient);
        assert!(futures::poll!(&mut impatient).is_pending());
        let waiting = scene.raise(&ledgers, "orders/waiting".to_owned());
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
    }
    assert_eq!(scene.raise(&ledgers, "orders/patient".to_owned()).await.write, Some(Replicas(5)));
    let stored = scene.stored().await;
    assert_eq!(stored.entries.keys().collect::<Vec<_>>(), ["orders/patient"]);
}
