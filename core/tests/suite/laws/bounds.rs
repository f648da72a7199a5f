//! How far a decision may go.

use hybridscaler_core::{
    Connections, Decision, Replicas,
    budget::{Capacity, Entry, Footprint, Growth, Ledger, RolloutReserve, Shape, Surge, Turn, plan},
    decide,
    demand::Winner,
    explanation::{Cause, Limit, Step},
    policy::{Fallback, FallbackBehavior, Mode},
    reading::{Reading, Unknown},
};
use proptest::prelude::*;

use super::generate::{Case, case};
use crate::support::now;

pub(super) fn decided(case: &Case) -> Decision {
    decide(&case.policy, &case.seen, &case.history, now())
}

/// The fewest and the most replicas with the schedules that are open now.
fn bounds(case: &Case) -> (Replicas, Replicas) {
    let Case { policy, seen, .. } = case;
    let open =
        || policy.schedules.iter().zip(&seen.schedules).filter(|(_, open)| open.is_some()).map(|(window, _)| window);
    let most = open().filter_map(|window| window.max).min().unwrap_or(policy.max);
    let least = open().filter_map(|window| window.min).max().unwrap_or(policy.min);
    let fewest = policy.idle.map_or(least, |idle| idle.min(least));
    (fewest.min(most), most)
}

/// A person's word: a mode, a pin, zero replicas set by hand.
fn by_person(case: &Case, decision: &Decision) -> bool {
    use Limit::{Paused, PausedByHand, Pinned, ScaleDownPaused, ScaleUpPaused};
    let Case { policy, seen, .. } = case;
    let limit = decision.limited_by;
    let spoke = match limit {
        Paused => policy.mode == Mode::Paused,
        Pinned => policy.pinned.is_some(),
        ScaleDownPaused => policy.mode == Mode::ScaleUpOnly,
        ScaleUpPaused => policy.mode == Mode::ScaleDownOnly,
        PausedByHand => seen.workload.desired == Replicas::ZERO,
        _ => return false,
    };
    assert!(spoke, "{limit:?} without a person");
    true
}

proptest! {
    #[test]
    fn a_decision_is_within_the_bounds_unless_a_person_says_otherwise(case in case()) {
        let decision = decided(&case);
        let (fewest, most) = bounds(&case);
        if by_person(&case, &decision) {
            let said = [Some(case.seen.workload.desired), case.policy.pinned];
            prop_assert!(said.contains(&Some(decision.replicas)), "{}", decision.replicas);
        } else {
            prop_assert!((fewest..=most).contains(&decision.replicas), "{} not in {fewest}..={most}", decision.replicas);
        }
    }

    #[test]
    fn a_pin_is_kept_to_the_replica_whatever_is_read(mut case in case(), pinned in 0..10_000_u32) {
        case.policy.pinned = Some(Replicas(pinned));
        let replicas = decided(&case).replicas;
        let kept = if case.policy.mode == Mode::Paused { case.seen.workload.desired } else { Replicas(pinned) };
        prop_assert_eq!(replicas, kept);
    }

    #[test]
    fn with_the_budget_a_target_is_told_no_more_than_is_allowed_or_runs_already(
        case in case(), usable in 0..2_000_u32, granted in 0..600_u32, per_replica in 0..20_u32, other in 0..1_000_u32,
    ) {
        let decision = decided(&case);
        let entry = |consumer: &str, grant| {
            let per_replica = Connections(per_replica);
            let grant = Connections(grant);
            let entry = Entry { uid: "7".into(), target: consumer.into(), grant, per_replica, version: 4, ..Entry::default() };
            (consumer.into(), entry)
        };
        let capacity = Capacity::fixed(Connections(usable));
        let entries = [entry("a", granted), entry("b", other)].into_iter().collect();
        let ledger = Ledger { capacity, reserve: Connections(7), entries, ..Ledger::default() };
        let footprint = Footprint {
            shape: Shape::RollingUpdate { max_surge: Surge::Percent(25) },
            reserve: RolloutReserve::Full,
            per_replica: Connections(per_replica),
        };
        let workload = case.seen.workload;
        let turn = Turn {
            consumer: "a", uid: "7", target: "a", footprint, workload, wanted: decision.replicas, growth: Growth::Allowed,
            seen_version: None,
        };
        let plan = plan(&ledger, &turn);
        let told = decision.explanation.with_budget("db", &plan).told();
        prop_assert!(told <= plan.allowed.max(workload.desired), "told {told}, allowed {}", plan.allowed);
        prop_assert!(told <= decision.replicas.max(workload.desired));
    }

    #[test]
    fn an_unknown_signal_never_lowers_the_number(mut case in case(), which: prop::sample::Index) {
        let which = which.index(case.seen.readings.len());
        case.seen.readings[which] = Reading::unknown(Unknown::Unreachable, "");
        let decision = decided(&case);
        let (_, most) = bounds(&case);
        if decision.limited_by != Limit::Pinned {
            prop_assert!(decision.replicas >= case.seen.workload.desired.min(most), "{}", decision.replicas);
        }
    }

    #[test]
    fn a_fallback_lowers_only_where_it_is_asked_to(mut case in case(), higher: bool, replicas in 0..60_u32) {
        let behavior = if higher { FallbackBehavior::OnlyIfHigher } else { FallbackBehavior::Hold };
        case.policy.fallback = Fallback { behavior, replicas: Replicas(replicas), ..case.policy.fallback };
        case.policy.pinned = None;
        for reading in &mut case.seen.readings {
            if !matches!(reading, Reading::Unknown(_)) {
                *reading = Reading::unknown(Unknown::Unreachable, "");
            }
        }
        let decision = decided(&case);
        let (_, most) = bounds(&case);
        prop_assert!(decision.replicas >= case.seen.workload.desired.min(most), "{}", decision.replicas);
        let fell = matches!(decision.explanation.demand.winner, Some(Winner::Fallback { .. }));
        prop_assert!(higher || !fell);
    }

    #[test]
    fn a_rule_that_holds_or_moves_a_number_is_named_only_where_it_does(case in case()) {
        for Step { from, to, cause } in &decided(&case).explanation.steps {
            // It also tells why nothing could be asked for, what the next number will be, or that a person spoke.
            let may_only_tell = matches!(
                cause,
                Cause::UnknownSignal | Cause::ScaleUpCooldown { .. } | Cause::PausedByHand | Cause::Paused { .. } | Cause::Pinned { .. }
            );
            prop_assert!(from != to || may_only_tell, "{from} -> {to} by {cause:?}");
        }
    }

    /// A fewer number is never the work of a rule that only ever limits growth, and the other way round.
    #[test]
    fn each_rule_moves_a_number_in_its_own_direction(case in case()) {
        for Step { from, to, cause } in &decided(&case).explanation.steps {
            let down = matches!(
                cause,
                Cause::MaxReplicas(_) | Cause::ScaleUpStabilized { .. } | Cause::ScaleUpLimit { .. }
                    | Cause::ScaleUpDisabled { .. } | Cause::ScaleUpPaused { .. }
            );
            let up = matches!(
                cause,
                Cause::MinReplicas(_) | Cause::ScaleDownStabilized { .. } | Cause::ScaleDownLimit { .. }
                    | Cause::ScaleDownDisabled { .. } | Cause::ScaleDownPaused { .. } | Cause::RolloutInProgress
                    | Cause::ScaleUpCooldown { .. } | Cause::ScaleDownCooldown { .. }
            );
            prop_assert!(!down || to < from, "{from} -> {to} by {cause:?}");
            prop_assert!(!up || to >= from, "{from} -> {to} by {cause:?}");
        }
    }

    #[test]
    fn a_rollout_or_a_cooldown_holds_what_is_desired_and_never_more(case in case()) {
        let decision = decided(&case);
        let (fewest, most) = bounds(&case);
        if matches!(decision.limited_by, Limit::RolloutInProgress | Limit::ScaleDownCooldown) {
            let work = fewest.max(Replicas(1)).max(case.policy.min).min(most);
            let desired = case.seen.workload.desired;
            let held = [desired.clamp(fewest, most), desired.clamp(work, most)];
            prop_assert!(held.contains(&decision.replicas), "{} instead of {held:?}", decision.replicas);
        }
    }
}
