//! How many connections a budget has to give, as far as manifests tell.

use hybridscaler_core::{Connections, budget::PostgresLimits};

use crate::{
    api::{ConnectionBudget, HybridScaler, into_core::ConnectionDemand, spec_error::SpecError},
    cli::manifest::{Finding, Found, Manifests},
};

/// What manifests do not say of servers and services.
#[derive(clap::Args)]
pub(in crate::cli) struct Assumptions {
    /// What `SHOW max_connections` says, for budgets that read their capacity from PostgreSQL.
    #[arg(long, value_name = "CONNECTIONS")]
    max_connections: Option<u32>,
    /// What that server keeps for itself: `superuser_reserved_connections` plus `reserved_connections`, on RDS also
    /// `rds.rds_superuser_reserved_connections`.
    #[arg(long, value_name = "CONNECTIONS", default_value_t = Self::default().reserved)]
    reserved: u32,
    /// `maximumPercent` in the deployment configuration of the ECS services.
    #[arg(long, value_name = "PERCENT", default_value_t = Self::default().maximum_percent)]
    maximum_percent: u32,
}

impl Default for Assumptions {
    /// What the command line takes when nothing is said.
    fn default() -> Self {
        Self { max_connections: None, reserved: 3, maximum_percent: 200 }
    }
}

impl Assumptions {
    /// `maximumPercent` of the ECS services.
    pub(in crate::cli) fn maximum_percent(&self) -> u32 {
        self.maximum_percent
    }
}

/// What a budget has to give, and how that came about.
pub(in crate::cli) struct Capacity {
    pub(in crate::cli) usable: Connections,
    /// The arithmetic, such as `360 - 3 kept by the server - 20 in reserve`.
    pub(in crate::cli) arithmetic: String,
}

/// What the budget that a scaler refers to turns out to be.
pub(in crate::cli) enum Reference<'a> {
    /// One that the scaler may draw on.
    Admitted(&'a Found<ConnectionBudget>),
    /// One that does not admit the scaler's namespace: an error.
    Refused(Finding),
    /// One that is in none of the files: a warning.
    Missing(Finding),
}

impl<'a> Reference<'a> {
    /// The budget of the scaler's connections at `index`.
    pub(in crate::cli) fn of(
        demand: &ConnectionDemand,
        index: usize,
        scaler: &Found<HybridScaler>,
        manifests: &'a Manifests,
    ) -> Self {
        let ConnectionDemand { namespace, budget: name, .. } = demand;
        let field = format!("spec.connections[{index}].budgetRef");
        let Some(budget) = manifests.budgets.iter().find(|budget| budget.is(namespace, name)) else {
            let missing = format_args!("ConnectionBudget {namespace}/{name} is in none of the files");
            return Self::Missing(scaler.warning(&field, missing, "name its file too"));
        };
        if budget.object.spec.admits(namespace, &scaler.namespace()) {
            return Self::Admitted(budget);
        }
        let refused =
            format_args!("ConnectionBudget {namespace}/{name} does not admit namespace {}", scaler.namespace());
        Self::Refused(scaler.error(&field, refused, "set its spec.allowedNamespaces.from to All"))
    }
}

impl Capacity {
    /// What a budget has to give; nothing when its capacity is read from a server of which nothing was told.
    ///
    /// # Errors
    /// A value of its spec cannot be used.
    pub(in crate::cli) fn of(
        budget: &Found<ConnectionBudget>,
        assumptions: &Assumptions,
    ) -> Result<Option<Self>, SpecError> {
        let Assumptions { max_connections, reserved, .. } = *assumptions;
        let spec = &budget.object.spec;
        let (fixed, reserve) = (spec.fixed_capacity()?, spec.reserved()?);
        let (capacity, origin) = match (fixed, max_connections) {
            (Some(fixed), _) => (fixed, fixed.to_string()),
            (None, Some(max_connections)) => {
                let limits = PostgresLimits {
                    max_connections: Connections(max_connections),
                    superuser_reserved: Connections(reserved),
                    reserved: Connections::ZERO,
                    rds_superuser_reserved: Connections::ZERO,
                };
                (limits.usable(), format!("{max_connections} - {reserved} kept by the server"))
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(Self { usable: capacity.minus(reserve), arithmetic: format!("{origin} - {reserve} in reserve") }))
    }
}
