//! Why a decision is what it is: structured for programs, in words for people, from the same data.

use alloc::string::String;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{
    budget::{Plan, Waiting},
    demand::Demand,
    observation::Workload,
    units::Replicas,
};

mod headline;
mod limit;
mod text;
mod words;

use headline::Headline;
pub use limit::{Bound, Cause, Limit};

/// The steps of one decision, in their order.
pub type Steps = SmallVec<[Step; 4]>;

/// A decision's whole way from the readings to the number of replicas.
///
/// [`fmt::Display`] prints all of it on several lines; [`Explanation::headline`] one sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// When it was decided.
    pub at: Timestamp,
    /// The replicas seen.
    pub workload: Workload,
    /// What the signals ask for.
    pub demand: Demand,
    /// The rules that had something to say, in their order.
    pub steps: Steps,
    /// The number that they led to, before the budget.
    pub replicas: Replicas,
    /// What the connection budget made of it; `None` when the scaler has none, or before it was asked.
    pub budget: Option<BudgetStep>,
}

/// What one rule made of the number that reached it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The number that reached it.
    pub from: Replicas,
    /// The number that left it.
    pub to: Replicas,
    /// The rule.
    pub cause: Cause,
}

/// What the connection budget made of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BudgetStep {
    /// The budget's name.
    pub name: String,
    /// The number wanted.
    pub from: Replicas,
    /// The number that the target is told now.
    pub to: Replicas,
    /// The most replicas that may run now.
    pub allowed: Replicas,
    /// What is waited for when that is fewer than wanted.
    pub waiting: Option<Waiting>,
}

impl Explanation {
    /// The replicas that the target is told now.
    #[must_use]
    pub fn told(&self) -> Replicas {
        self.budget.as_ref().map_or(self.replicas, |budget| budget.to)
    }

    /// Adds what the budget made of the decision.
    #[must_use]
    pub fn with_budget(self, name: impl Into<String>, plan: &Plan) -> Self {
        let budget = BudgetStep {
            name: name.into(),
            from: self.replicas,
            to: plan.write.unwrap_or(self.workload.desired),
            allowed: plan.allowed,
            waiting: plan.waiting.clone(),
        };
        Self { budget: Some(budget), ..self }
    }

    /// One sentence of at most 160 characters, for events and columns.
    pub fn headline(&self) -> impl fmt::Display + '_ {
        Headline(self)
    }
}
