//! Fair shares: a table of rulings, the laws, and a second implementation that scans instead of keeping a queue.

use std::num::NonZeroU32;

use hybridscaler_core::{
    Connections, Replicas,
    budget::{Claim, Footprint, RolloutReserve, Shape, Surge, allocate},
};
use proptest::{prelude::*, sample::select};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn claim(consumer: &'static str, wanted: u32) -> Claim<'static> {
    Claim {
        consumer,
        footprint: Footprint { shape: Shape::StatefulSet, reserve: RolloutReserve::None, per_replica: Connections(10) },
        terminating: Replicas::ZERO,
        wanted: Replicas(wanted),
        floor: Replicas::ZERO,
        priority: 0,
        weight: NonZeroU32::MIN,
    }
}

fn shares(capacity: u32, claims: &[Claim<'_>]) -> Vec<u32> {
    allocate(Connections(capacity), claims).iter().map(|share| share.0).collect()
}

fn held(claim: &Claim<'_>, share: u32) -> u64 {
    u64::from(claim.footprint.connections(Replicas(share), claim.terminating).0)
}

fn used(claims: &[Claim<'_>], shares: &[u32]) -> u64 {
    claims.iter().zip(shares).map(|(claim, share)| held(claim, *share)).sum()
}

#[test]
fn room_for_all_gives_all_that_is_wanted() {
    assert_eq!(shares(100, &[claim("a", 3), claim("b", 7)]), [3, 7]);
}

#[test]
fn what_a_modest_consumer_leaves_goes_to_the_others_alike() {
    assert_eq!(shares(110, &[claim("a", 1), claim("b", 20), claim("c", 20)]), [1, 5, 5]);
}

#[test]
fn twice_the_weight_gets_twice_the_connections() {
    let heavy = Claim { weight: NonZeroU32::new(2).unwrap(), ..claim("b", 20) };
    assert_eq!(shares(90, &[claim("a", 20), heavy]), [3, 6]);
}

#[test]
fn a_higher_class_is_served_before_a_lower_one_but_after_its_floor() {
    let high = Claim { priority: 1, ..claim("b", 20) };
    let low = Claim { floor: Replicas(2), ..claim("a", 20) };
    assert_eq!(shares(100, &[low, high]), [2, 8]);
}

#[test]
fn floors_that_do_not_fit_are_filled_by_class() {
    let high = Claim { priority: 1, floor: Replicas(4), ..claim("b", 20) };
    let low = Claim { floor: Replicas(4), ..claim("a", 20) };
    assert_eq!(shares(50, &[low, high]), [1, 4]);
}

#[test]
fn the_last_replica_among_equals_goes_to_the_first_by_name() {
    assert_eq!(shares(50, &[claim("b", 9), claim("a", 9)]), [2, 3]);
}

#[test]
fn what_terminates_is_charged_before_anything_is_shared() {
    let footprint = Footprint { shape: Shape::Recreate, reserve: RolloutReserve::Full, per_replica: Connections(10) };
    let leaving = Claim { footprint, terminating: Replicas(3), ..claim("a", 0) };
    assert_eq!(shares(50, &[leaving, claim("b", 9)]), [0, 2]);
}

#[test]
fn replicas_beyond_all_counting_are_not_free() {
    let many = Footprint { per_replica: Connections(u32::MAX), ..claim("a", 0).footprint };
    let huge = Claim { footprint: many, ..claim("a", 9) };
    assert_eq!(shares(u32::MAX, &[huge, claim("b", 9)]), [0, 9]);
    assert_eq!(shares(u32::MAX, &[huge]), [1]);
}

fn claims() -> impl Strategy<Value = Vec<Claim<'static>>> {
    let shape = select(vec![
        Shape::StatefulSet,
        Shape::RollingUpdate { max_surge: Surge::Percent(25) },
        Shape::RollingUpdate { max_surge: Surge::Count(2) },
        Shape::EcsRolling { maximum_percent: 150 },
    ]);
    let footprint = (shape, select(RolloutReserve::ALL.to_vec()), 0_u32..12)
        .prop_map(|(shape, reserve, each)| Footprint { shape, reserve, per_replica: Connections(each) });
    let one = (footprint, 0_u32..3, 0_u32..12, 0_u32..6, -1_i32..2, 1_u32..4);
    prop::collection::vec(one, 1..=NAMES.len()).prop_map(|all| {
        let named = all.into_iter().zip(NAMES);
        let claim = |((footprint, terminating, wanted, floor, priority, weight), consumer)| Claim {
            consumer,
            footprint,
            terminating: Replicas(terminating),
            wanted: Replicas(wanted),
            floor: Replicas(floor),
            priority,
            weight: NonZeroU32::new(weight).unwrap(),
        };
        named.map(claim).collect()
    })
}

/// One replica at a time, found by a scan of everybody.
fn by_scanning(capacity: u32, claims: &[Claim<'_>]) -> Vec<u32> {
    let mut shares = vec![0; claims.len()];
    for floors in [true, false] {
        loop {
            let fits = |i: usize| {
                let mut tried = shares.clone();
                tried[i] += 1;
                used(claims, &tried) <= u64::from(capacity) || held(&claims[i], tried[i]) == held(&claims[i], shares[i])
            };
            let goal = |c: &Claim<'_>| if floors { c.floor.min(c.wanted).0 } else { c.wanted.0 };
            let open = (0..claims.len()).filter(|i| shares[*i] < goal(&claims[*i]) && fits(*i));
            // Weights are 1 to 3, so sixths of a connection are exact.
            let rank = |i: &usize| {
                let claim = &claims[*i];
                let level = held(claim, shares[*i] + 1) * 6 / u64::from(claim.weight.get());
                (-claim.priority, level, claim.consumer)
            };
            let Some(next) = open.min_by_key(rank) else { break };
            shares[next] += 1;
        }
    }
    shares
}

proptest! {
    #[test]
    fn a_scan_of_everybody_finds_the_same_shares(claims in claims(), capacity in 0_u32..600) {
        prop_assert_eq!(shares(capacity, &claims), by_scanning(capacity, &claims));
    }

    #[test]
    fn the_order_of_the_claims_changes_nothing(claims in claims(), capacity in 0_u32..600) {
        let backwards: Vec<_> = claims.iter().rev().copied().collect();
        let mut found = shares(capacity, &backwards);
        found.reverse();
        prop_assert_eq!(found, shares(capacity, &claims));
    }

    #[test]
    fn nobody_gets_more_than_wanted_and_all_together_no_more_than_there_is(claims in claims(), capacity in 0_u32..600) {
        let found = shares(capacity, &claims);
        prop_assert!(claims.iter().zip(&found).all(|(claim, share)| *share <= claim.wanted.0));
        let unavoidable = used(&claims, &vec![0; claims.len()]);
        prop_assert!(used(&claims, &found) <= u64::from(capacity).max(unavoidable));
    }

    #[test]
    fn no_floor_is_broken_while_the_floors_fit(claims in claims(), capacity in 0_u32..600) {
        let floors: Vec<_> = claims.iter().map(|claim| claim.floor.min(claim.wanted).0).collect();
        prop_assume!(used(&claims, &floors) <= u64::from(capacity));
        prop_assert!(shares(capacity, &claims).iter().zip(&floors).all(|(share, floor)| share >= floor));
    }

    #[test]
    fn no_room_is_left_that_the_next_replica_of_anybody_fits_into(claims in claims(), capacity in 0_u32..600) {
        let found = shares(capacity, &claims);
        let left = u64::from(capacity).saturating_sub(used(&claims, &found));
        for (claim, share) in claims.iter().zip(&found).filter(|(claim, share)| **share < claim.wanted.0) {
            prop_assert!(held(claim, share + 1) - held(claim, *share) > left, "{claim:?} at {share} with {left} left");
        }
    }

    #[test]
    fn more_capacity_is_never_shared_out_to_less_use(claims in claims(), capacity in 0_u32..600) {
        let (less, more) = (shares(capacity, &claims), shares(capacity + 1, &claims));
        prop_assert!(used(&claims, &less) <= used(&claims, &more));
    }

    #[test]
    fn nobody_starves_among_equals(wants in prop::collection::vec(1_u32..50, NAMES.len()), capacity in 60_u32..600) {
        let claims: Vec<_> = wants.iter().zip(NAMES).map(|(wanted, name)| claim(name, *wanted)).collect();
        prop_assert!(shares(capacity, &claims).iter().all(|share| *share >= 1));
    }
}
