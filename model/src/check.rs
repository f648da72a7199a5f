//! Visiting every world of a scope.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::{
    goal::Wants,
    scope::{Kind, Scope},
    world::{Action, World},
};

const COVERED: &str = "what lives was granted";
const FITS: &str = "what lives fits";
const GROWS_WITHIN: &str = "nobody grows beyond";
const COMES_TO_REST: &str = "everybody gets what fits";
const ALL_IS_GRANTED: &str = "all is granted";
const PEAK_IS_REACHED: &str = "a grant is used in full";

/// What came of a check.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Worlds that were visited.
    pub worlds: usize,
    /// The most steps from the beginning to a world.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// The most rounds until everybody had what fits; 0 when that was not asked.
    pub rounds: u32,
    /// What failed, if anything did.
    pub found: Option<Found>,
    /// What never happened although it should: a scope in which nothing can go wrong proves nothing.
    pub idle: Vec<&'static str>,
}

/// The shortest way to a world in which something fails.
#[derive(Clone, Debug)]
pub struct Found {
    /// What fails.
    pub property: &'static str,
    /// The steps that lead to it.
    pub steps: Vec<Action>,
}

/// A scope as the checker walks it.
struct Walk {
    scope: Scope,
    /// Rounds that worlds were found to need, by the hash of the world and what is wanted.
    needed: Mutex<HashMap<u64, u32>>,
    most_needed: AtomicU32,
    /// Something failed: of a block of worlds the checker would report the last failure, and the first is the shortest.
    failed: AtomicBool,
}

/// Visits every world of `scope`, breadth first, or as many as it takes to find a failure.
#[must_use]
pub fn check(scope: &Scope) -> Outcome {
    let begun = Instant::now();
    let walk = Walk {
        scope: *scope,
        needed: Mutex::default(),
        most_needed: AtomicU32::new(0),
        failed: AtomicBool::new(false),
    };
    let checker = walk.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let mut discoveries = checker.discoveries();
    let failed = [COVERED, FITS, GROWS_WITHIN, COMES_TO_REST].into_iter().find_map(|property| {
        let path = discoveries.remove(property)?;
        Some(Found { property, steps: path.into_actions() })
    });
    let expected = [ALL_IS_GRANTED, PEAK_IS_REACHED].into_iter();
    Outcome {
        worlds: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: begun.elapsed(),
        rounds: checker.model().most_needed.load(Ordering::Relaxed),
        idle: expected.filter(|property| !discoveries.contains_key(property)).collect(),
        found: failed,
    }
}

impl Model for Walk {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.scope)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        world.choices(&self.scope, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        Some(world.clone().after(action, &self.scope))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::<Self>::always(COVERED, |walk, world| walk.notes(world.grants_cover_what_lives())),
            Property::<Self>::always(FITS, |walk, world| walk.notes(world.fits())),
            Property::<Self>::always(GROWS_WITHIN, |walk, world| walk.notes(world.breach.is_none())),
            Property::<Self>::sometimes(ALL_IS_GRANTED, |walk, world| world.granted() == walk.scope.capacity),
            Property::<Self>::sometimes(PEAK_IS_REACHED, |walk, world| {
                world.consumers[0]
                    .entry
                    .as_ref()
                    .is_some_and(|entry| entry.grant.0 == 2 * walk.scope.most && world.live(0) == entry.grant.0)
            }),
        ];
        if self.scope.rounds.is_some() {
            properties
                .push(Property::<Self>::always(COMES_TO_REST, |walk, world| walk.notes(walk.comes_to_rest(world))));
        }
        properties
    }
}

impl Walk {
    /// What to tell the checker of a world in which a property `holds` or not.
    fn notes(&self, holds: bool) -> bool {
        holds || self.failed.swap(true, Ordering::Relaxed)
    }

    /// Whether everybody has what fits after the rounds that the scope grants, whatever is wanted.
    fn comes_to_rest(&self, world: &World) -> bool {
        let wanted = |at: usize| match self.scope.consumers[at] {
            Kind::Rest => vec![0, self.scope.capacity],
            Kind::Deployment | Kind::EcsService => (0..=self.scope.most).collect(),
        };
        let (first, second) = (wanted(0), wanted(1));
        let mut wants = first.iter().flat_map(|first| second.iter().map(|second| [*first, *second]));
        wants.all(|wants| self.rounds_of(world, wants).is_some_and(|rounds| Some(rounds) <= self.scope.rounds))
    }

    /// The rounds that a fair schedule takes until it changes nothing more and everybody has what fits; none when it never does.
    fn rounds_of(&self, world: &World, wants: Wants) -> Option<u32> {
        let mut needed = self.needed.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut way, mut now) = (Vec::new(), world.clone());
        let mut rounds = loop {
            let key = BuildHasherDefault::<DefaultHasher>::default().hash_one((&now, wants));
            if let Some(known) = needed.get(&key) {
                break *known;
            }
            if way.contains(&key) {
                return None;
            }
            let next = now.clone().round(wants, &self.scope);
            if next == now {
                if !now.has_what_fits(wants, &self.scope) {
                    return None;
                }
                needed.insert(key, 0);
                break 0;
            }
            way.push(key);
            now = next;
        };
        for passed in way.into_iter().rev() {
            rounds += 1;
            needed.insert(passed, rounds);
        }
        self.most_needed.fetch_max(rounds, Ordering::Relaxed);
        Some(rounds)
    }
}

impl Outcome {
    /// Whether nothing failed in any world, and enough happened for that to mean something.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.found.is_none() && self.idle.is_empty()
    }

    /// Whether something failed.
    #[must_use]
    pub fn breaks(&self) -> bool {
        self.found.is_some()
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {} after {} steps:", self.property, self.steps.len())?;
        self.steps.iter().try_for_each(|step| write!(f, " {step:?}"))
    }
}
