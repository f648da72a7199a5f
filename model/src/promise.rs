//! What has to hold in every world.

use crate::{people::ByHand, world::World};

/// What a plan did that no plan may do; kept in the world, since it shows in the step and not in what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Breach {
    /// A target was told to grow while the grants exceeded the capacity.
    GrewOverBudget,
    /// A grant grew while the capacity could not be read.
    GrewUnread,
}

impl World {
    /// Connections that a consumer's replicas may hold now.
    pub(crate) fn live(&self, at: usize) -> u32 {
        self.consumers[at].target.live()
    }

    /// What lives of every charged consumer was granted, unless a person scaled it.
    pub(crate) fn grants_cover_what_lives(&self) -> bool {
        let consumers = self.consumers.iter().enumerate();
        consumers
            .filter(|(_, consumer)| consumer.by_hand == ByHand::No)
            .filter_map(|(at, consumer)| Some((at, consumer.entry.as_ref()?)))
            .all(|(at, entry)| self.live(at) <= entry.grant.0)
    }

    /// What lives of all consumers fits, unless the capacity shrank below what was granted or a person scaled beyond it.
    pub(crate) fn fits(&self) -> bool {
        let live: u32 = (0..self.consumers.len()).map(|at| self.live(at)).sum();
        live <= self.limit() || self.over
    }
}
