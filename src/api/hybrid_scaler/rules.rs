//! The rules that span more than one field of a scaler.

use kube::core::Rule;

use super::super::rule::rule;

pub(super) fn bounds_in_order() -> Rule {
    rule(
        "self.minReplicas <= self.maxReplicas",
        "minReplicas %s is above maxReplicas %s: lower minReplicas or raise maxReplicas",
        &["self.minReplicas", "self.maxReplicas"],
    )
    .field_path(".minReplicas")
}

pub(super) fn idle_below_min() -> Rule {
    rule(
        "!has(self.idleReplicas) || self.idleReplicas < self.minReplicas",
        "idleReplicas %s is not below minReplicas %s: lower idleReplicas or leave it out",
        &["self.idleReplicas", "self.minReplicas"],
    )
    .field_path(".idleReplicas")
}

/// CPU use does not tell work from its absence: what runs idle uses some, and what does not run uses none.
const TELLS_OF_WORK: &str = "self.triggers.exists(t, has(t.sqs) || has(t.external) || has(t.formula))";

pub(super) fn idle_needs_somebody_to_tell() -> Rule {
    rule(
        &format!("!has(self.idleReplicas) || {TELLS_OF_WORK}"),
        "idleReplicas %s would never be run, since no trigger tells that there is no work: add a trigger sqs or external, or leave idleReplicas out",
        &["self.idleReplicas"],
    )
    .field_path(".idleReplicas")
}

pub(super) fn zero_needs_somebody_to_wake() -> Rule {
    rule(
        &format!(
            "self.minReplicas > 0 || {TELLS_OF_WORK}
             || (has(self.schedules) && self.schedules.exists(s, has(s.floorReplicas) || (has(s.minReplicas) && s.minReplicas > 0)))"
        ),
        "minReplicas %s leaves nothing that would start the first replica again: add a trigger sqs or external, or a schedule with floorReplicas or minReplicas",
        &["self.minReplicas"],
    )
    .field_path(".minReplicas")
}

/// What is only read needs somebody that reads it. Which formula reads what is told by `check`, and by the condition `Ready`.
pub(super) fn no_target_without_formula() -> Rule {
    let missing = "!has(t.formula)
        && !(has(t.sqs) && (has(t.sqs.messagesPerReplica) || has(t.sqs.targetLatencySeconds)))
        && !(has(t.cpu) && (has(t.cpu.targetUtilization) || has(t.cpu.targetAverageValue)))
        && !(has(t.external) && (has(t.external.targetValue) || has(t.external.targetAverageValue)))";
    rule(
        &format!("self.triggers.exists(t, has(t.formula)) || !self.triggers.exists(t, {missing})"),
        "triggers %s have no target, and no formula is there to read them: set a target, such as sqs.messagesPerReplica or cpu.targetUtilization, or add a formula",
        &[&format!("self.triggers.filter(t, {missing}).map(t, t.name)")],
    )
    .field_path(".triggers")
}

pub(super) fn formulas_read_triggers() -> Rule {
    let reads_none = "has(f.formula) && !self.triggers.exists(t,
        !has(t.formula) && f.formula.expression.contains(t.name.replace('-', '_') + '.'))";
    rule(
        &format!("!self.triggers.exists(f, {reads_none})"),
        "formulas %s read no other trigger: name one in expression, such as backlog.visible, with _ for each - of its name",
        &[&format!("self.triggers.filter(f, {reads_none}).map(f, f.name)")],
    )
    .field_path(".triggers")
}

pub(super) fn service_reads_utilization() -> Rule {
    let averages = "has(t.cpu) && has(t.cpu.targetAverageValue)";
    rule(
        &format!("!has(self.targetRef.ecs) || !self.triggers.exists(t, {averages})"),
        "triggers %s set cpu.targetAverageValue, which CloudWatch does not measure of an ECS service: set cpu.targetUtilization",
        &[&format!("self.triggers.filter(t, {averages}).map(t, t.name)")],
    )
    .field_path(".triggers")
}

pub(super) fn service_reads_no_more_than_it_reserves() -> Rule {
    let above = "has(t.cpu) && has(t.cpu.targetUtilization) && t.cpu.targetUtilization > 100";
    rule(
        &format!("!has(self.targetRef.ecs) || !self.triggers.exists(t, {above})"),
        "triggers %s set cpu.targetUtilization above 100, the most that CloudWatch reports of an ECS service: lower it",
        &[&format!("self.triggers.filter(t, {above}).map(t, t.name)")],
    )
    .field_path(".triggers")
}

pub(super) fn schedules_leave_room_for_min() -> Rule {
    let below = "!has(s.minReplicas) && has(s.maxReplicas) && s.maxReplicas < self.minReplicas";
    of_schedules(
        below,
        "schedule %s has maxReplicas %s below minReplicas %s of the scaler: raise it or set minReplicas of the schedule",
        "maxReplicas",
        "self.minReplicas",
    )
}

pub(super) fn schedules_stay_below_max() -> Rule {
    let above = "has(s.minReplicas) && !has(s.maxReplicas) && s.minReplicas > self.maxReplicas";
    of_schedules(
        above,
        "schedule %s has minReplicas %s above maxReplicas %s of the scaler: lower it or set maxReplicas of the schedule",
        "minReplicas",
        "self.maxReplicas",
    )
}

pub(super) fn schedules_ask_for_no_more_than_max() -> Rule {
    let above = "has(s.floorReplicas) && !has(s.maxReplicas) && s.floorReplicas > self.maxReplicas";
    of_schedules(
        above,
        "schedule %s has floorReplicas %s above maxReplicas %s of the scaler: lower it or set maxReplicas of the schedule",
        "floorReplicas",
        "self.maxReplicas",
    )
}

pub(super) fn schedules_stay_above_idle() -> Rule {
    let below = "has(self.idleReplicas) && has(s.minReplicas) && s.minReplicas <= self.idleReplicas";
    of_schedules(
        below,
        "schedule %s has minReplicas %s, not above idleReplicas %s of the scaler: raise it or lower idleReplicas",
        "minReplicas",
        "self.idleReplicas",
    )
}

pub(super) fn fallback_within_bounds() -> Rule {
    rule(
        "!has(self.fallback) || !has(self.fallback.replicas) || self.fallback.replicas <= self.maxReplicas",
        "fallback.replicas %s is above maxReplicas %s: lower fallback.replicas or raise maxReplicas",
        &["self.fallback.replicas", "self.maxReplicas"],
    )
    .field_path(".fallback.replicas")
}

/// No schedule `s` is `wrong`. The message names the first that is, with its field `what` and the value it is held against.
fn of_schedules(wrong: &str, text: &str, what: &str, against: &str) -> Rule {
    let first = format!("self.schedules.filter(s, {wrong})[0]");
    rule(
        &format!("!has(self.schedules) || !self.schedules.exists(s, {wrong})"),
        text,
        &[&format!("{first}.name"), &format!("{first}.{what}"), against],
    )
    .field_path(".schedules")
}

/// Two entries for one budget would be two accounts of the same replicas. That the scaler's own namespace may be left out is seen when
/// the spec is read: a rule on the spec does not know it.
pub(super) fn each_budget_once() -> Rule {
    let once = "self.exists_one(d, d.budgetRef == c.budgetRef)";
    rule(
        &format!("self.all(c, {once})"),
        "connections name budget %s more than once: write one entry for it, with all connections that a replica opens there",
        &[&format!("self.filter(c, !{once})[0].budgetRef.name")],
    )
}

pub(super) fn target_stays() -> Rule {
    let name = |of: &str| {
        format!(
            "has({of}.ecs) ? 'ECS service ' + {of}.ecs.region + '/' + {of}.ecs.cluster + '/' + {of}.ecs.service
                           : {of}.apiVersion + ' ' + {of}.kind + ' ' + {of}.name"
        )
    };
    rule(
        "self == oldSelf",
        "targetRef cannot change from %s to %s: make a new HybridScaler for the new target and delete this one",
        &[&name("oldSelf"), &name("self")],
    )
}
