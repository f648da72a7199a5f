//! Lowering consumers while more is granted than the database accepts: whom, how far, and on what evidence.

use hybridscaler_core::{
    Connections, Replicas,
    budget::{
        Capacity, Control, Entry, Footprint, Growth, Ledger, OnShrink, Plan, RolloutReserve, Shape, Surge, Turn,
        Waiting, plan,
    },
    observation::{Rollout, Workload},
};
use proptest::{prelude::*, sample::subsequence};

use crate::support::at_rest;

/// A consumer with nothing under way: its target runs what its grant was raised for.
#[derive(Clone, Debug)]
struct Consumer {
    name: String,
    replicas: u32,
    footprint: Footprint,
    control: Control,
}

impl Consumer {
    fn entry(&self) -> Entry {
        let Footprint { per_replica, .. } = self.footprint;
        let grant = self.footprint.connections(Replicas(self.replicas), Replicas::ZERO);
        let (uid, target, control) = ("7".into(), self.name.clone(), self.control);
        Entry { uid, target, grant, per_replica, version: 1, control, ..Entry::default() }
    }

    /// A turn that wants what runs, or `wanted`, with `workload` seen.
    fn turn(&self, workload: Workload, wanted: u32) -> Turn<'_> {
        let growth = match self.control {
            Control::Active => Growth::Allowed,
            Control::Watching => Growth::Frozen(Waiting::Paused),
        };
        let wanted = if self.control == Control::Watching { workload.desired } else { Replicas(wanted) };
        let (consumer, footprint) = (&*self.name, self.footprint);
        Turn { consumer, uid: "7", target: consumer, footprint, workload, wanted, growth, seen_version: None }
    }

    fn at_rest(&self) -> Turn<'_> {
        self.turn(at_rest(self.replicas), self.replicas)
    }
}

fn consumer(name: &str, replicas: u32) -> Consumer {
    let shape = Shape::RollingUpdate { max_surge: Surge::Percent(25) };
    let footprint = Footprint { shape, reserve: RolloutReserve::None, per_replica: Connections(10) };
    Consumer { name: name.into(), replicas, footprint, control: Control::Active }
}

/// A ledger whose capacity was `before` when all was granted, and is read as `now`.
fn shrunk(consumers: &[Consumer], before: u32, now: &[Option<u32>]) -> Ledger {
    let fixed = Capacity::fixed(Connections(before));
    Ledger {
        capacity: now.iter().fold(fixed, |capacity, reading| capacity.read(reading.map(Connections))),
        on_shrink: OnShrink::Drain,
        entries: consumers.iter().map(|consumer| (consumer.name.clone(), consumer.entry())).collect(),
        ..Ledger::default()
    }
}

fn told(plan: &Plan, consumer: &Consumer) -> u32 {
    plan.write.map_or(consumer.replicas, |replicas| replicas.0)
}

const CONFIRMED: [Option<u32>; 3] = [Some(200); 3];

#[test]
fn the_largest_is_lowered_to_its_part_and_told_by_how_much_too_much_is_granted() {
    let (large, small) = (consumer("a/large", 30), consumer("b/small", 6));
    let ledger = shrunk(&[large.clone(), small.clone()], 360, &CONFIRMED);
    let lowered = plan(&ledger, &large.at_rest());
    assert_eq!((lowered.write, lowered.allowed), (Some(Replicas(14)), Replicas(14)));
    assert_eq!(lowered.waiting, Some(Waiting::Drained { by: Connections(160) }));
    let entry = &lowered.ledger.unwrap().entries["a/large"];
    assert_eq!(
        (entry.grant, entry.lowering),
        (Connections(300), Some(Replicas(14))),
        "the grant stays until they are gone"
    );
    assert_eq!(plan(&ledger, &small.at_rest()).write, None);
}

#[test]
fn on_hold_nobody_is_lowered() {
    let large = consumer("a/large", 30);
    let ledger = Ledger { on_shrink: OnShrink::Hold, ..shrunk(std::slice::from_ref(&large), 360, &CONFIRMED) };
    assert_eq!(plan(&ledger, &large.at_rest()).write, None);
    let raised = plan(&ledger, &large.turn(at_rest(30), 31));
    assert_eq!((raised.write, raised.waiting), (None, Some(Waiting::OverBudget { by: Connections(100) })));
}

#[test]
fn one_wrong_reading_or_a_source_that_cannot_be_read_lowers_nobody_but_stops_growth() {
    let large = consumer("a/large", 30);
    for readings in
        [&[Some(0)][..], &[Some(200); 2], &[Some(200), Some(200), None], &[Some(200), Some(200), Some(200), None]]
    {
        let ledger = shrunk(std::slice::from_ref(&large), 360, readings);
        assert_eq!(plan(&ledger, &large.at_rest()).write, None, "{readings:?}");
        let raised = plan(&ledger, &large.turn(at_rest(30), 31));
        assert!(matches!(raised.waiting, Some(Waiting::OverBudget { .. })), "{readings:?}: {:?}", raised.waiting);
    }
}

#[test]
fn a_consumer_that_wants_fewer_than_its_part_is_lowered_as_it_wants_and_waits_for_nothing() {
    let large = consumer("a/large", 30);
    let lowered = plan(&shrunk(std::slice::from_ref(&large), 360, &CONFIRMED), &large.turn(at_rest(30), 12));
    assert_eq!((lowered.write, lowered.waiting), (Some(Replicas(12)), None));
}

#[test]
fn what_a_consumer_gives_up_of_itself_spares_the_others() {
    let (one, two) = (consumer("a/one", 15), consumer("b/two", 15));
    let ledger = shrunk(&[one.clone(), two.clone()], 360, &CONFIRMED);
    assert_eq!(plan(&ledger, &two.at_rest()).write, Some(Replicas(10)));
    let given_up = plan(&ledger, &one.turn(at_rest(15), 5)).ledger.unwrap();
    assert_eq!(given_up.granted(), Connections(300), "nothing is free yet");
    assert_eq!(plan(&given_up, &two.at_rest()).write, None);
}

#[test]
fn a_lowering_that_did_not_come_about_is_ordered_again() {
    let large = consumer("a/large", 30);
    let intent = plan(&shrunk(std::slice::from_ref(&large), 360, &CONFIRMED), &large.at_rest()).ledger.unwrap();
    let again = plan(&intent, &large.at_rest());
    assert_eq!((again.ledger, again.write), (None, Some(Replicas(20))));
}

#[test]
fn a_lowered_consumer_neither_grows_nor_shrinks_until_all_fit_and_then_takes_what_is_free() {
    let (one, two) = (consumer("a/one", 18), consumer("b/two", 18));
    let before = shrunk(&[one.clone(), two.clone()], 360, &[Some(250); 3]);
    let ledger = plan(&before, &one.at_rest()).ledger.unwrap();
    let ledger = plan(&ledger, &two.at_rest()).ledger.unwrap();
    let draining = Workload { running: Replicas(12), terminating: Replicas(6), ..at_rest(12) };
    let waits = plan(&ledger, &one.turn(draining, 18));
    assert_eq!((waits.write, waits.waiting), (None, Some(Waiting::OverBudget { by: Connections(110) })));

    let gone = |ledger: &Ledger, consumer: &Consumer| {
        let seen_version = Some(ledger.entries[&consumer.name].version);
        plan(ledger, &Turn { seen_version, ..consumer.turn(at_rest(12), 18) })
    };
    let ledger = gone(&ledger, &one).ledger.unwrap();
    assert_eq!(ledger.granted(), Connections(300));
    let ledger = gone(&ledger, &two).ledger.unwrap();
    assert_eq!((ledger.granted(), ledger.entries["b/two"].due), (Connections(240), None));
    assert_eq!(gone(&ledger, &one).write, Some(Replicas(13)), "the rounding left room for one");
}

#[test]
fn who_only_watches_is_not_lowered_and_the_others_make_room_for_it() {
    let paused = Consumer { control: Control::Watching, ..consumer("a/paused", 15) };
    let active = consumer("b/active", 10);
    let ledger = shrunk(&[paused.clone(), active.clone()], 360, &CONFIRMED);
    assert_eq!(plan(&ledger, &paused.at_rest()).write, None);
    assert_eq!(plan(&ledger, &active.at_rest()).write, Some(Replicas(5)));
}

#[test]
fn nobody_is_lowered_before_everybody_is_known() {
    let large = consumer("a/large", 30);
    let ledger = shrunk(std::slice::from_ref(&large), 360, &CONFIRMED);
    let growth = Growth::Frozen(Waiting::ConsumersUnknown { consumers: vec!["b/new".into()] });
    assert_eq!(plan(&ledger, &Turn { growth, ..large.at_rest() }).write, None);
    let new = consumer("b/new", 30);
    assert_eq!(plan(&ledger, &new.at_rest()).write, None, "the first turn only charges");
}

fn footprint() -> impl Strategy<Value = Footprint> {
    let shape = prop_oneof![
        (0..4_u32).prop_map(|count| Shape::RollingUpdate { max_surge: Surge::Count(count) }),
        (0..=100_u32).prop_map(|percent| Shape::RollingUpdate { max_surge: Surge::Percent(percent) }),
        Just(Shape::StatefulSet),
        Just(Shape::Recreate),
        (100..=300_u32).prop_map(|maximum_percent| Shape::EcsRolling { maximum_percent }),
    ];
    (shape, prop::sample::select(RolloutReserve::ALL.as_slice()), 1..20_u32)
        .prop_map(|(shape, reserve, per_replica)| Footprint { shape, reserve, per_replica: Connections(per_replica) })
}

fn consumers() -> impl Strategy<Value = Vec<Consumer>> {
    let one = (0..40_u32, footprint(), prop::bool::weighted(0.15)).prop_map(|(replicas, footprint, watches)| {
        let control = if watches { Control::Watching } else { Control::Active };
        Consumer { name: String::new(), replicas, footprint, control }
    });
    let named = |(at, consumer): (usize, Consumer)| Consumer { name: format!("orders/{at:02}"), ..consumer };
    prop::collection::vec(one, 1..8).prop_map(move |all| all.into_iter().enumerate().map(named).collect())
}

/// Lowers in the given order, each consumer seeing the ledger that the one before it left, and says what each was told.
fn lower_all(ledger: &mut Ledger, consumers: &[Consumer], order: &[usize]) -> Vec<u32> {
    let mut told_to: Vec<u32> = consumers.iter().map(|consumer| consumer.replicas).collect();
    for &at in order {
        let plan = plan(ledger, &consumers[at].at_rest());
        told_to[at] = told(&plan, &consumers[at]);
        if let Some(next) = plan.ledger {
            *ledger = next;
        }
    }
    told_to
}

/// Every consumer is seen to have carried out what it was told.
fn carry_out(ledger: &mut Ledger, consumers: &[Consumer], told_to: &[u32]) {
    for (consumer, replicas) in consumers.iter().zip(told_to) {
        let seen_version = Some(ledger.entries[&consumer.name].version);
        let turn = Turn { seen_version, ..consumer.turn(at_rest(*replicas), *replicas) };
        if let Some(next) = plan(ledger, &turn).ledger {
            *ledger = next;
        }
    }
}

fn held_by_watchers(consumers: &[Consumer]) -> u32 {
    let watchers = consumers.iter().filter(|consumer| consumer.control == Control::Watching);
    watchers.map(|consumer| consumer.entry().grant.0).sum()
}

proptest! {
    #[test]
    fn once_the_cuts_are_carried_out_the_grants_fit_beside_what_nobody_may_lower(
        consumers in consumers(), limit in 0..3_000_u32, seed in any::<prop::sample::Index>(),
    ) {
        let mut ledger = shrunk(&consumers, 10_000, &[Some(limit); 3]);
        let mut order: Vec<usize> = (0..consumers.len()).collect();
        order.rotate_left(seed.index(consumers.len()));
        let told_to = lower_all(&mut ledger, &consumers, &order);
        carry_out(&mut ledger, &consumers, &told_to);
        prop_assert!(ledger.granted().0 <= limit.max(held_by_watchers(&consumers)), "{ledger:?}");
        prop_assert!(ledger.entries.values().all(|entry| entry.due.is_none() && entry.lowering.is_none()));
    }

    #[test]
    fn nobody_is_lowered_who_need_not_be_and_nobody_further_than_to_the_level(
        consumers in consumers(), limit in 0..3_000_u32,
    ) {
        let ledger = shrunk(&consumers, 10_000, &[Some(limit); 3]);
        let level = ledger.drain_level();
        let fits = ledger.granted().0 <= limit;
        let unlowerable = consumers.iter().all(|consumer| consumer.control == Control::Watching);
        prop_assert!(!fits || level.is_none());
        prop_assert!(fits || level.is_some() || unlowerable || held_by_watchers(&consumers) == ledger.granted().0);
        for consumer in &consumers {
            let told = told(&plan(&ledger, &consumer.at_rest()), consumer);
            let (footprint, grant) = (consumer.footprint, consumer.entry().grant);
            match level.filter(|level| consumer.control == Control::Active && *level < grant) {
                None => prop_assert_eq!(told, consumer.replicas),
                Some(level) => prop_assert_eq!(told, footprint.greatest(level, Replicas::ZERO).0.min(consumer.replicas)),
            }
        }
        if let Some(level) = level {
            let cut_to = |level: u32| -> u32 {
                let active = consumers.iter().filter(|consumer| consumer.control == Control::Active);
                active.map(|consumer| consumer.entry().grant.0.min(level)).sum()
            };
            let room = limit.saturating_sub(held_by_watchers(&consumers));
            prop_assert!(cut_to(level.0) <= room && room < cut_to(level.0 + 1), "the greatest level that fits");
        }
    }

    #[test]
    fn what_each_is_lowered_to_depends_neither_on_the_order_of_turns_nor_on_names(
        consumers in consumers(), limit in 0..3_000_u32,
        order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(), twice in subsequence((0..8_usize).collect::<Vec<_>>(), 0..8),
    ) {
        let count = consumers.len();
        let plain: Vec<usize> = (0..count).collect();
        let shuffled: Vec<usize> = order.iter().chain(&twice).copied().filter(|at| *at < count).collect();
        let readings = [Some(limit); 3];
        let expected = lower_all(&mut shrunk(&consumers, 10_000, &readings), &consumers, &plain);
        prop_assert_eq!(&lower_all(&mut shrunk(&consumers, 10_000, &readings), &consumers, &shuffled), &expected);
        let renamed: Vec<Consumer> = consumers
            .iter()
            .zip(&order)
            .map(|(consumer, at)| Consumer { name: format!("orders/{at:02}"), ..consumer.clone() })
            .collect();
        prop_assert_eq!(&lower_all(&mut shrunk(&renamed, 10_000, &readings), &renamed, &plain), &expected);
    }

    #[test]
    fn a_smaller_capacity_never_leaves_anybody_more(consumers in consumers(), limit in 1..3_000_u32, less in 1..500_u32) {
        let order: Vec<usize> = (0..consumers.len()).collect();
        let told_to = |limit: u32| lower_all(&mut shrunk(&consumers, 10_000, &[Some(limit); 3]), &consumers, &order);
        let (more, fewer) = (told_to(limit), told_to(limit.saturating_sub(less)));
        prop_assert!(fewer.iter().zip(&more).all(|(fewer, more)| fewer <= more), "{fewer:?} of {more:?}");
    }

    #[test]
    fn whatever_is_seen_of_a_target_a_drain_lowers_and_never_grants(
        consumers in consumers(), limit in 0..3_000_u32, running in 0..60_u32, starting in 0..20_u32, terminating in 0..20_u32,
        rollout in prop::sample::select(vec![Rollout::Settled, Rollout::InProgress, Rollout::NotObserved]), wanted in 0..60_u32,
    ) {
        let ledger = shrunk(&consumers, 10_000, &[Some(limit); 3]);
        let first = &consumers[0];
        let [running, starting, terminating] = [running, starting, terminating].map(Replicas);
        let workload = Workload { desired: Replicas(first.replicas), running, starting, terminating, rollout };
        let plan = plan(&ledger, &first.turn(workload, wanted));
        if let Some(Waiting::Drained { .. }) = plan.waiting {
            prop_assert!(plan.write.is_some_and(|to| to < workload.desired && to < Replicas(wanted)));
            let stored = plan.ledger.as_ref().unwrap_or(&ledger);
            let there = workload.live().connections(first.footprint.per_replica);
            prop_assert!(stored.entries[&first.name].grant <= first.entry().grant.max(there));
        }
    }
}
