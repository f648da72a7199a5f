//! Floors that do not fit their budget: what scalers run at least, in the connections that a rollout of it may open.

mod floors;

use hybridscaler_core::budget::Footprint;

use self::floors::{Draw, floors};
use crate::{
    api::{HybridScaler, into_core::ConnectionDemand},
    cli::{
        budget::{Assumptions, Capacity, Reference, own_shape},
        manifest::{Finding, Found, Manifests},
    },
};

/// Floors that do not fit, alone or together; references to budgets that do not admit them, or are not there.
pub(super) fn check(manifests: &Manifests, assumptions: &Assumptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut draws: Vec<Draw<'_>> = Vec::new();
    for scaler in &manifests.scalers {
        match scaler.object.spec.connection_demands(&scaler.namespace()) {
            Ok(demands) => {
                for (index, demand) in demands.iter().enumerate() {
                    match draw(scaler, index, demand, manifests, assumptions) {
                        Ok(draw) => draws.push(draw),
                        Err(problem) => findings.push(*problem),
                    }
                }
            }
            Err(error) => findings.push(scaler.unusable(&error)),
        }
    }
    for budget in &manifests.budgets {
        let draws: Vec<&Draw<'_>> = draws.iter().filter(|draw| std::ptr::eq(draw.budget, budget)).collect();
        match Capacity::of(budget, assumptions) {
            Ok(Some(capacity)) => findings.extend(floors(budget, &capacity, &draws)),
            Ok(None) => {}
            Err(error) => findings.push(budget.unusable(&error)),
        }
    }
    findings
}

/// What a scaler takes from the budget of its connections at `index`.
fn draw<'a>(
    scaler: &'a Found<HybridScaler>,
    index: usize,
    demand: &ConnectionDemand,
    manifests: &'a Manifests,
    assumptions: &Assumptions,
) -> Result<Draw<'a>, Box<Finding>> {
    let budget = match Reference::of(demand, index, scaler, manifests) {
        Reference::Admitted(budget) => budget,
        Reference::Refused(problem) | Reference::Missing(problem) => return Err(problem.into()),
    };
    let target = scaler.object.spec.target_ref.target().map_err(|error| scaler.unusable(&error))?;
    let shape = own_shape(target, &scaler.namespace(), manifests, assumptions.maximum_percent())?;
    let footprint = Footprint { shape, reserve: demand.reserve, per_replica: demand.per_replica };
    Ok(Draw { scaler, budget, footprint })
}
