//! Ours against the Horizontal Pod Autoscaler's published arithmetic, over whole generated lives: random policies, metrics, pods and
//! times, many looks in a row, each side with a memory of its own.
//!
//! `HYBRIDSCALER_LIVES` says how many lives; `make differential` runs 100,000 and writes the result into `docs/proof.md`.
//!
//! A life ends where the two part on purpose:
//! * Out of bounds, the HPA moves into the bounds and reads its metrics at the next look; here both are one step.
//! * The HPA goes to zero on one reading; here zero needs evidence that lasts, and an idle external metric is that evidence whatever
//!   the CPU of the last replica says. The last replica is kept, and recommended, where the HPA wants none or cannot tell.
//! * At zero a window or a rate in percent holds the HPA; here a signal that is active gets one replica at once.
//!
//! Everything else has to be the same number, look by look. The lives pass over an outage, as the HPA and `preset: HPA` do.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::panic,
    reason = "the autoscaler casts between its integers and floating point, and a test panics"
)]

use std::fmt;

use hybridscaler_core::{Replicas, history::History, look};

mod dice;
mod life;
mod reference;
mod world;

use self::{
    life::{Life, Look},
    reference::{
        Hpa, Outcome,
        metrics::{Sample, Scale},
    },
};
use crate::support::at;

/// So many looks leave no list of ours long enough to be shortened.
const LOOKS: i64 = 23;

/// How often what was compared.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    lives: u64,
    looks: u64,
    ups: u64,
    downs: u64,
    blind: u64,
    limited: u64,
    parted: u64,
}

fn lives() -> u64 {
    std::env::var("HYBRIDSCALER_LIVES").map_or(2000, |lives| lives.parse().unwrap())
}

#[test]
fn whole_lives_go_as_with_the_hpa() {
    let (mut tally, mut mismatches) = (Tally::default(), 0);
    for number in 0..lives() {
        let life = Life::of(number, 1, LOOKS);
        let mut both = Both::new(&life);
        for (nth, look) in life.looks.iter().enumerate() {
            let looked = both.look(&life, look);
            tally.count(&looked);
            if looked.parts(&life) {
                tally.parted += 1;
                break;
            }
            if looked.ours != looked.theirs {
                mismatches += 1;
                println!("life {number}, look {nth}: {looked:?}\n{life:?}\n{:?}", both.history);
                break;
            }
            both.write(&looked);
        }
        tally.lives += 1;
        assert!(mismatches < 3, "more than enough mismatches");
    }
    println!("{tally}; {mismatches} mismatches");
    assert_eq!(mismatches, 0);
    for seen in [tally.ups, tally.downs, tally.blind, tally.limited, tally.parted] {
        assert!(seen * 50 > tally.lives, "hardly ever compared: {tally:?}");
    }
}

/// The list of changes is bounded: in a long life ours may know less. Then it scales less, never more.
#[test]
fn where_a_long_life_parts_from_the_hpa_it_errs_towards_not_scaling() {
    let mut shorter = 0;
    for number in 0..lives() / 4 {
        let life = Life::of(number, 100, 150).restless();
        let mut both = Both::new(&life);
        for look in &life.looks {
            let looked = both.look(&life, look);
            if looked.parts(&life) {
                break;
            }
            if looked.ours != looked.theirs {
                shorter += 1;
                let between = looked.scale.spec.min(looked.theirs)..=looked.scale.spec.max(looked.theirs);
                assert!(between.contains(&looked.ours), "life {number}: {looked:?}\n  {life:?}");
                break;
            }
            both.write(&looked);
        }
    }
    println!("{shorter} long lives parted");
    assert!(shorter > 0, "no list was long enough to be shortened");
}

/// Both sides of a life.
struct Both {
    theirs: Hpa,
    policy: hybridscaler_core::policy::Policy,
    history: History,
    replicas: i64,
    now: i64,
}

/// What both sides made of a look.
#[derive(Debug)]
struct Looked {
    scale: Scale,
    samples: Vec<Sample>,
    outcome: Outcome,
    theirs: i64,
    ours: i64,
    /// Seconds since the life began.
    at: i64,
}

impl Both {
    fn new(life: &Life) -> Self {
        Self {
            theirs: world::theirs(life),
            policy: world::ours(life),
            history: History::default(),
            replicas: life.start,
            now: 0,
        }
    }

    fn look(&mut self, life: &Life, seen: &Look) -> Looked {
        self.now += seen.after;
        let scale = world::scale(seen, self.replicas);
        let samples = world::samples(life, seen, scale, self.now);
        let (theirs, outcome) = self.theirs.reconcile(self.now, scale, &samples);
        let observed = world::observation(life, scale, &samples, self.now);
        let ours = look(&self.policy, &observed, &mut self.history, at(self.now)).replicas.0.into();
        Looked { scale, samples, outcome, theirs, ours, at: self.now }
    }

    /// The target accepts what both sides say.
    fn write(&mut self, looked: &Looked) {
        let workload = world::workload(looked.scale);
        let to = Replicas(looked.ours.try_into().unwrap());
        self.history.scaled(&workload, to, &self.policy, at(looked.at));
        self.replicas = looked.ours;
    }
}

impl Looked {
    /// Whether the two part here on purpose, having done what each is to do.
    fn parts(&self, life: &Life) -> bool {
        let Self { scale, outcome, ours, theirs, .. } = *self;
        let at_rest = |sample: &Sample| match sample {
            Sample::Series(series) => series.iter().sum::<i64>() == 0,
            Sample::Pods(_) => true,
            Sample::Failed => false,
        };
        match outcome {
            Outcome::Bounds => {
                assert!((life.min..=life.max).contains(&ours), "{self:?}");
                true
            }
            _ if life.min == 0 && self.samples.iter().all(at_rest) => true,
            Outcome::Followed { wanted: 0 } if life.min == 0 => {
                assert!(ours <= scale.spec.max(1), "{self:?}");
                true
            }
            Outcome::Failed if life.min == 0 && scale.spec == 1 => {
                assert_eq!(ours, 1, "{self:?}");
                true
            }
            Outcome::Followed { .. } if scale.spec == 0 && theirs == 0 => {
                assert!(ours <= 1, "{self:?}");
                true
            }
            _ => false,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lives, looks, ups, downs, blind, limited, parted } = self;
        write!(
            f,
            "{lives} lives of {looks} looks: {ups} to more replicas, {downs} to fewer, {limited} held back by a window, a rate or a \
             bound, {blind} without a number; {parted} lives ended where the two part on purpose"
        )
    }
}

impl Tally {
    fn count(&mut self, looked: &Looked) {
        self.looks += 1;
        self.ups += u64::from(looked.theirs > looked.scale.spec);
        self.downs += u64::from(looked.theirs < looked.scale.spec);
        match looked.outcome {
            Outcome::Failed => self.blind += 1,
            Outcome::Followed { wanted } => self.limited += u64::from(wanted != looked.theirs),
            Outcome::Disabled | Outcome::Bounds => {}
        }
    }
}
