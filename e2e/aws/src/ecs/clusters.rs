//! The operations on clusters.

use serde_json::{Value, json};

use super::{
    Ecs,
    names::{DEFAULT_CLUSTER, cluster_arn, cluster_name},
    service::Status,
    shapes::{CreateCluster, DescribeClusters},
    show,
    world::Cluster,
};

impl Ecs {
    /// Creating a cluster again is no error.
    pub(super) fn create(&self, input: CreateCluster) -> Value {
        let name = input.cluster_name.unwrap_or_else(|| DEFAULT_CLUSTER.to_owned());
        self.change(|world, _| {
            let cluster = world.clusters.entry(name.clone()).or_default();
            json!({ "cluster": describe(&name, cluster) })
        })
    }

    pub(super) fn describe_clusters(&self, input: DescribeClusters) -> Value {
        let mut asked = input.clusters;
        if asked.is_empty() {
            asked.push(DEFAULT_CLUSTER.to_owned());
        }
        self.look(|world| {
            let (mut clusters, mut failures) = (Vec::new(), Vec::new());
            for name_or_arn in &asked {
                let name = cluster_name(Some(name_or_arn));
                match world.clusters.get(name) {
                    Some(cluster) => clusters.push(describe(name, cluster)),
                    None => failures.push(show::missing(name_or_arn, cluster_arn(name))),
                }
            }
            json!({ "clusters": clusters, "failures": failures })
        })
    }
}

fn describe(name: &str, cluster: &Cluster) -> Value {
    let tasks = cluster.tasks.values();
    json!({
        "clusterArn": cluster_arn(name),
        "clusterName": name,
        "status": "ACTIVE",
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": tasks.clone().filter(|task| task.running()).count(),
        "pendingTasksCount": tasks.filter(|task| task.pending()).count(),
        "activeServicesCount": cluster.services.values().filter(|service| service.status == Status::Active).count(),
    })
}
