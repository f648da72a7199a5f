//! The budget's promise in a small world: consumers take turns through [`plan`] while their targets start, drain, roll out and lose
//! replicas, while writes get lost or arrive late, and while the capacity cannot be read. Whatever the order, every grant covers what
//! may live of its consumer, and the budget covers all of that. What is left out on purpose is in [`omissions`].
//!
//! [`plan`]: hybridscaler_core::budget::plan

use proptest::prelude::*;

mod omissions;
#[expect(dead_code, reason = "ECS services, and rollouts that are not covered, are the exhaustive model's")]
mod target;
mod world;

use self::{
    target::Happening,
    world::{Action, Deed, Fate, Omission, World},
};

/// Lives that are tried at least; `PROPTEST_CASES` asks for more.
const CASES: u32 = 600;

fn action() -> impl Strategy<Value = Action> {
    let happening = prop_oneof![
        6 => Just(Happening::Observe),
        8 => Just(Happening::Start),
        3 => Just(Happening::BecomeReady),
        6 => Just(Happening::Retire),
        3 => Just(Happening::Vanish),
        2 => Just(Happening::RollOut),
        1 => Just(Happening::Evict),
    ];
    let step = (
        0..world::CONTROLLERS,
        prop_oneof![4 => Just(Fate::Arrives), 1 => Just(Fate::IsLost), 2 => Just(Fate::IsLate)],
    );
    let deed = prop_oneof![
        3 => (1..=world::MOST_WANTED).prop_map(Deed::Want),
        6 => Just(Deed::TakeTurn),
        12 => step.prop_map(|(controller, fate)| Deed::Advance(controller, fate)),
        18 => happening.prop_map(Deed::Happen),
        2 => Just(Deed::Deliver),
    ];
    prop_oneof![
        40 => (0..world::CONSUMERS, deed).prop_map(|(consumer, deed)| Action::Do(consumer, deed)),
        1 => any::<bool>().prop_map(|readable| Action::ReadCapacity { readable }),
    ]
}

/// A budget, the controllers that take turns for each consumer, and what happens.
#[derive(Clone, Debug)]
struct Life {
    budget: u32,
    controllers: usize,
    actions: Vec<Action>,
}

fn life() -> impl Strategy<Value = Life> {
    let budget = world::LEAST_BUDGET..=20;
    (budget, 1..=world::CONTROLLERS, prop::collection::vec(action(), 1..150))
        .prop_map(|(budget, controllers, actions)| Life { budget, controllers, actions })
}

fn run(life: &Life, omission: Option<Omission>) -> Result<World, TestCaseError> {
    let mut world = World::new(life.budget, life.controllers, omission);
    for action in &life.actions {
        world.act(*action);
        prop_assert!(world.keeps_its_promise(), "after {action:?}: {world:?}");
        prop_assert!(world.grants_fit() || life.controllers > 1 || omission.is_some(), "after {action:?}: {world:?}");
    }
    Ok(world)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(CASES), ..ProptestConfig::default() })]

    #[test]
    fn what_may_live_never_exceeds_its_grant_nor_the_budget(life in life()) {
        run(&life, None)?;
    }

    #[test]
    fn once_all_is_quiet_everybody_gets_what_fits_and_nothing_more_is_written(life in life()) {
        let mut world = run(&life, None)?;
        world.calm_down();
        let quiet = world.clone();
        world.round();
        prop_assert_eq!(&world, &quiet, "a quiet world still changes");
        prop_assert_eq!(world.granted(), 2 * world.desired(), "grants are the peaks of what is desired");
        let left = life.budget - world.granted();
        prop_assert!(world.everyone_has_what_they_want() || left < 2, "{left} connections left over: {world:?}");
    }
}
