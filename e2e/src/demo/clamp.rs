//! What autoscalers do that read a database's open connections as a metric: each service may grow by what it sees free.
//!
//! That is how it is done with what is there, such as a formula over two triggers in KEDA. It is done here as well as it can be: the
//! number is read at every look instead of every 15 or 30 s, replicas that start are not taken for ones that have their connections
//! already, and the reserve is the budget's. What no such clamp has is a word of the other service's intentions.

use std::{convert::Infallible, time::Duration};

use anyhow::Result;
use hybridscaler::api::HybridScaler;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tokio::time::interval;

use super::{
    fleet::Fleet,
    stage::{NAMESPACE, Stage},
    story,
};

/// Holds both services of `fleet` to it, for ever.
///
/// # Errors
///
/// A part does not answer.
pub(super) async fn hold(stage: &Stage<'_>, fleet: &Fleet<'_>) -> Result<Infallible> {
    let scalers = Api::<HybridScaler>::namespaced(stage.kube.clone(), NAMESPACE);
    let mut looks = interval(Duration::from_secs(story::POLL_SECONDS.into()));
    loop {
        looks.tick().await;
        let open = fleet.sampler.latest()?.map_or(0, |sample| sample.connections());
        for service in &fleet.services {
            let most = most(u32::try_from(service.counters.totals().working)?, open);
            let patch = Patch::Merge(json!({"spec": {"maxReplicas": most}}));
            scalers.patch(&service.name, &PatchParams::default(), &patch).await?;
        }
    }
}

/// The most replicas of a service of which so many are `running`, with `open` connections of all.
fn most(running: u32, open: u32) -> u32 {
    let free = story::grantable().saturating_sub(open);
    (running + free / story::POOL).clamp(story::MIN_REPLICAS, story::MAX_REPLICAS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_alone_never_gets_beyond_what_the_database_carries_and_two_may() {
        assert_eq!(most(5, 50) * story::POOL, story::grantable());
        assert!(2 * most(5, 100) * story::POOL > story::grantable());
        assert_eq!(most(30, 360), 30);
        assert_eq!(most(0, 360), story::MIN_REPLICAS);
    }
}
