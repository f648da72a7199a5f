//! The answer, as it is printed.

use std::fmt;

use hybridscaler_core::{
    Replicas,
    budget::{Footprint, RolloutReserve, fit},
};

use crate::{
    api::into_core::ConnectionDemand,
    cli::budget::{capacity::Capacity, setting::Setting},
};

/// How many replicas of one scaler fit into one budget: a row for each setting of the target, a column for each reserve.
pub(super) struct Table {
    pub(super) scaler: String,
    pub(super) target: String,
    pub(super) bounds: (Replicas, Replicas),
    pub(super) demand: ConnectionDemand,
    pub(super) capacity: Capacity,
    /// The target's own setting first.
    pub(super) settings: Vec<Setting>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scaler, target, bounds: (min, max), demand, capacity, settings } = self;
        let ConnectionDemand { namespace, budget, per_replica, reserve } = demand;
        let Capacity { usable, arithmetic } = capacity;
        writeln!(f, "HybridScaler {scaler}: {target}, {min} to {max} replicas, {per_replica} connections each")?;
        writeln!(f, "ConnectionBudget {namespace}/{budget}: {arithmetic} = {usable} connections\n")?;
        writeln!(f, "  {:<28}{:>6}{:>8}{:>7}", "replicas at rolloutReserve:", "Full", "Surge", "None")?;
        for (at, Setting { name, shape }) in settings.iter().enumerate() {
            write!(f, "  {name:<28}")?;
            for (row, width) in fit(*usable, *per_replica, &[*shape]).iter().zip([6, 8, 7]) {
                let chosen = at == 0 && row.footprint.reserve == *reserve;
                let cell = if chosen { format!("[{}]", row.replicas) } else { row.replicas.to_string() };
                write!(f, "{cell:>width$}")?;
            }
            writeln!(f)?;
        }
        if let Some(Setting { shape, .. }) = settings.first() {
            let footprint = Footprint { shape: *shape, reserve: *reserve, per_replica: *per_replica };
            let allowed = footprint.greatest(*usable, Replicas::ZERO);
            writeln!(
                f,
                "\n  As it is [{}]: {allowed} replicas, while nobody else draws on the budget.",
                name(*reserve)
            )?;
            writeln!(f, "  rolloutReserve {}: {}.", name(*reserve), footprint.covers())?;
        }
        Ok(())
    }
}

fn name(reserve: RolloutReserve) -> &'static str {
    match reserve {
        RolloutReserve::Full => "Full",
        RolloutReserve::Surge => "Surge",
        RolloutReserve::None => "None",
    }
}
