//! How many connections a budget has to give.

use hybridscaler_core::{Connections, budget::PostgresLimits};

use super::Args;
use crate::{
    api::{HybridScaler, into_core::ConnectionDemand},
    cli::manifest::{Found, Manifests},
};

/// What a budget has to give, and how that came about.
pub(super) struct Capacity {
    pub(super) usable: Connections,
    /// The arithmetic, such as `360 - 3 kept by the server - 20 in reserve`.
    pub(super) arithmetic: String,
}

impl Capacity {
    /// What the budget that `demand` of `scaler` refers to has to give.
    ///
    /// # Errors
    /// The budget is in none of the files, does not admit the scaler, or has a capacity that was not given.
    pub(super) fn of(
        demand: &ConnectionDemand,
        scaler: &Found<HybridScaler>,
        manifests: &Manifests,
        args: &Args,
    ) -> anyhow::Result<Self> {
        let ConnectionDemand { namespace, budget: name, .. } = demand;
        let reference = "spec.connections[0].budgetRef";
        let budget = manifests.budgets.iter().find(|budget| budget.is(namespace, name)).ok_or_else(|| {
            scaler.at(
                reference,
                format_args!("ConnectionBudget {namespace}/{name} is in none of the files: name its file too"),
            )
        })?;
        let spec = &budget.object.spec;
        if !spec.admits(namespace, &scaler.namespace()) {
            let problem = format_args!(
                "ConnectionBudget {namespace}/{name} does not admit namespace {}: set its spec.allowedNamespaces.from to All",
                scaler.namespace()
            );
            return Err(scaler.at(reference, problem).into());
        }
        let fixed = spec.fixed_capacity().map_err(|error| budget.problem(&error))?;
        let reserve = spec.reserved().map_err(|error| budget.problem(&error))?;
        let (capacity, origin) = match (fixed, args.max_connections) {
            (Some(fixed), _) => (fixed, fixed.to_string()),
            (None, Some(max_connections)) => {
                let limits = PostgresLimits {
                    max_connections: Connections(max_connections),
                    superuser_reserved: Connections(args.reserved),
                    reserved: Connections::ZERO,
                    rds_superuser_reserved: Connections::ZERO,
                };
                (limits.usable(), format!("{max_connections} - {} kept by the server", args.reserved))
            }
            (None, None) => {
                let problem = "is read from the server, which is not asked here: pass --max-connections and --reserved";
                return Err(budget.at("spec.capacity.postgres", format_args!("spec.capacity {problem}")).into());
            }
        };
        Ok(Self { usable: capacity.minus(reserve), arithmetic: format!("{origin} - {reserve} in reserve") })
    }
}
