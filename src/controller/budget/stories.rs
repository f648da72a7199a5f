//! The events between two statuses of a budget.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::{
    api::{
        ConnectionBudgetStatus,
        conditions::{ConditionStatus, ConditionType, reasons},
        status::{AssumptionStatus, EvidenceState},
    },
    controller::events::Story,
};

/// The conditions whose changes are told, with the status that is trouble.
const TOLD: [(ConditionType, ConditionStatus); 5] = [
    (ConditionType::CapacityKnown, ConditionStatus::False),
    (ConditionType::OverBudget, ConditionStatus::True),
    (ConditionType::SharedDatabase, ConditionStatus::True),
    (ConditionType::PoolsGuaranteed, ConditionStatus::False),
    (ConditionType::LedgerHasRoom, ConditionStatus::False),
];

/// What is worth telling of the way from one status to the next.
pub(super) fn stories(before: &ConnectionBudgetStatus, after: &ConnectionBudgetStatus) -> Vec<Story> {
    let of_condition = |(type_, bad): (ConditionType, ConditionStatus)| {
        let find = |status: &'_ ConnectionBudgetStatus| {
            status.conditions.iter().find(|condition| condition.type_ == type_.as_str()).cloned()
        };
        of_condition(find(before).as_ref(), &find(after)?, bad)
    };
    TOLD.into_iter().filter_map(of_condition).chain(contradicted(before, after)).collect()
}

fn of_condition(was: Option<&Condition>, is: &Condition, bad: ConditionStatus) -> Option<Story> {
    let was_bad = was.filter(|was| was.status == bad.as_str());
    match (was_bad, is.status == bad.as_str()) {
        (None, true) => Some(Story::trouble(&is.reason, &is.message)),
        (Some(was), true) if was.reason != is.reason => Some(Story::trouble(&is.reason, &is.message)),
        (Some(_), false) => Some(Story::recovered(&is.message)),
        _ => None,
    }
}

/// The assumptions that are contradicted now and were not before. That they are not any more is no news: it proves nothing.
fn contradicted(before: &ConnectionBudgetStatus, after: &ConnectionBudgetStatus) -> impl Iterator<Item = Story> {
    let contradicted = |said: &&AssumptionStatus| said.evidence == EvidenceState::Contradicted;
    let of = |status: &ConnectionBudgetStatus| -> Vec<AssumptionStatus> {
        let assumptions = status.promises.iter().flat_map(|promises| &promises.assumptions);
        assumptions.filter(contradicted).cloned().collect()
    };
    let were = of(before);
    let news = of(after).into_iter().filter(move |said| !were.iter().any(|were| were.name == said.name));
    news.map(|said| Story::trouble(reasons::ASSUMPTION_CONTRADICTED, &format!("{}: {}", said.name, said.message)))
}
