//! What must run at least, against what a budget has to give.

use hybridscaler_core::{Connections, Replicas, budget::Footprint};

use crate::{
    api::{ConnectionBudget, HybridScaler},
    cli::{
        budget::Capacity,
        manifest::{Finding, Found, Severity},
    },
};

/// What a scaler takes from a budget.
pub(super) struct Draw<'a> {
    pub(super) scaler: &'a Found<HybridScaler>,
    pub(super) budget: &'a Found<ConnectionBudget>,
    pub(super) footprint: Footprint,
}

/// Replicas that a scaler runs at least, at times.
struct Floor {
    field: String,
    replicas: Replicas,
    severity: Severity,
}

/// Floors of the scalers `draws` that one budget cannot give: each by itself, else all of them together.
pub(super) fn floors(budget: &Found<ConnectionBudget>, capacity: &Capacity, draws: &[&Draw<'_>]) -> Vec<Finding> {
    let alone: Vec<Finding> = draws.iter().flat_map(|draw| draw.beyond(capacity)).collect();
    if alone.is_empty() { together(budget, capacity, draws).into_iter().collect() } else { alone }
}

impl Draw<'_> {
    /// The floors of this scaler that the budget cannot give even while nobody else draws on it.
    fn beyond(&self, capacity: &Capacity) -> Vec<Finding> {
        let Self { scaler, budget, footprint } = self;
        let greatest = footprint.greatest(capacity.usable, Replicas::ZERO);
        let mend = match greatest {
            Replicas::ZERO => "lower perReplica or raise the capacity".into(),
            greatest => {
                format!("set at most {greatest}, or raise the capacity; `hybridscaler budget fit` shows more ways")
            }
        };
        let finding = |Floor { field, replicas, severity }: Floor| {
            let message = format!(
                "{field} {replicas} needs {} connections, up to {} replicas of {} with rolloutReserve {:?}, and \
                 ConnectionBudget {} has {} ({})",
                self.needs(replicas),
                footprint.peak(replicas, Replicas::ZERO),
                footprint.per_replica,
                footprint.reserve,
                budget.path(),
                capacity.usable,
                capacity.arithmetic,
            );
            scaler.finding(severity, &field, message, mend.clone())
        };
        self.floors().into_iter().filter(|floor| floor.replicas > greatest).map(finding).collect()
    }

    fn needs(&self, replicas: Replicas) -> Connections {
        self.footprint.connections(replicas, Replicas::ZERO)
    }

    /// What the scaler always runs, and what it runs at times.
    fn floors(&self) -> Vec<Floor> {
        let spec = &self.scaler.object.spec;
        let floor = |field: String, replicas: i32, severity| {
            let replicas = Replicas(u32::try_from(replicas).unwrap_or_default());
            Floor { field, replicas, severity }
        };
        let mut floors = vec![match spec.pinned_replicas {
            Some(pinned) => floor("spec.pinnedReplicas".into(), pinned, Severity::Error),
            None => floor("spec.minReplicas".into(), spec.min_replicas, Severity::Error),
        }];
        for (at, schedule) in spec.schedules.iter().enumerate() {
            let field = |name| format!("spec.schedules[{at}].{name}");
            let min = schedule.min_replicas.map(|min| floor(field("minReplicas"), min, Severity::Error));
            // It asks, as a trigger does, and takes what there is.
            let asked = schedule.floor_replicas.map(|asked| floor(field("floorReplicas"), asked, Severity::Warning));
            floors.extend(min.into_iter().chain(asked));
        }
        floors
    }

    /// What it always runs.
    fn least(&self) -> Replicas {
        self.floors().first().map_or(Replicas::ZERO, |floor| floor.replicas)
    }
}

/// Floors that fit one by one and not together.
fn together(budget: &Found<ConnectionBudget>, capacity: &Capacity, draws: &[&Draw<'_>]) -> Option<Finding> {
    let needed = draws.iter().fold(Connections::ZERO, |sum, draw| sum.plus(draw.needs(draw.least())));
    if needed <= capacity.usable {
        return None;
    }
    let each = draws.iter().map(|draw| {
        let (scaler, least) = (draw.scaler.path(), draw.least());
        format!("{scaler} {} for {least} replicas", draw.needs(least))
    });
    let message = format!(
        "what must run at least needs {needed} connections of {} ({}): {}",
        capacity.usable,
        capacity.arithmetic,
        each.collect::<Vec<_>>().join(", "),
    );
    Some(budget.error("spec.capacity", message, "lower minReplicas of one of them, or raise the capacity"))
}
