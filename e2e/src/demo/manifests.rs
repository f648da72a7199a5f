//! What a user would apply for the story, made from its numbers.

use anyhow::Result;
use hybridscaler::api::rbac::{self, ServiceAccount};
use hybridscaler_e2e_aws::REGION;
use serde_json::{Value, json};

use super::{
    record::SERVICES,
    stage::NAMESPACE,
    story::{self, MIN_REPLICAS, POOL, RESERVE},
};
use crate::{operator::RELEASE, runner};

/// The ECS cluster of `core-api`.
pub(super) const CLUSTER: &str = "prod";

/// The name of the budget.
const BUDGET: &str = "orders-db";

/// The Secret that tells the operator where the budget's database is.
const SECRET: &str = "orders-db-url";

/// The manifests of a run, as one YAML file: the Deployment, the scalers, which may run `most` replicas, and with `database_url` the
/// budget that holds them. `queue_urls` are in the order of [`SERVICES`].
///
/// The operator, in the namespace `operator`, may read the one Secret that the budget names.
pub(super) fn manifests(
    operator: &str,
    queue_urls: &[String; 2],
    most: u32,
    database_url: Option<&str>,
) -> Result<String> {
    let [order_worker, core_api] = SERVICES;
    let [orders, calls] = queue_urls;
    let service = json!({"ecs": {"cluster": CLUSTER, "service": core_api, "region": REGION}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": order_worker});
    let mut manifests = vec![serde_json::to_string(&runner::deployment(order_worker, MIN_REPLICAS, story::TIMING)?)?];
    let mut connections = json!([]);
    if let Some(url) = database_url {
        let operator = ServiceAccount { namespace: operator.to_owned(), name: RELEASE.to_owned() };
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, "stringData": {"url": url}});
        let role = rbac::read_secret(NAMESPACE, SECRET, &operator);
        connections = json!([{"budgetRef": {"name": BUDGET}, "perReplica": POOL, "rolloutReserve": "Surge"}]);
        manifests.extend([secret.to_string(), role.to_string(), budget().to_string()]);
    }
    manifests.push(scaler(order_worker, &deployment, most, &[backlog(orders)], &connections).to_string());
    manifests.push(scaler(core_api, &service, most, &[backlog(calls), cpu()], &connections).to_string());
    Ok(manifests.join("\n---\n"))
}

fn budget() -> Value {
    json!({
        "apiVersion": "hybridscaler.dev/v1alpha1",
        "kind": "ConnectionBudget",
        "metadata": {"name": BUDGET},
        "spec": {
            "capacity": {"postgres": {"secretRef": {"name": SECRET}}},
            "reserve": {"connections": RESERVE},
            "pollIntervalSeconds": 5,
        },
    })
}

fn scaler(name: &str, target: &Value, most: u32, triggers: &[Value], connections: &Value) -> Value {
    json!({
        "apiVersion": "hybridscaler.dev/v1alpha1",
        "kind": "HybridScaler",
        "metadata": {"name": name},
        "spec": {
            "targetRef": target,
            "minReplicas": MIN_REPLICAS,
            "maxReplicas": most,
            "pollIntervalSeconds": story::POLL_SECONDS,
            "triggers": triggers,
            "behavior": {
                "scaleUp": {"cooldownSeconds": story::UP_COOLDOWN_SECONDS},
                "scaleDown": {"cooldownSeconds": story::DOWN_COOLDOWN_SECONDS},
            },
            "connections": connections,
        },
    })
}

fn backlog(queue_url: &str) -> Value {
    let sqs = json!({"queueUrl": queue_url, "region": REGION, "messagesPerReplica": story::MESSAGES_PER_REPLICA});
    json!({"name": "backlog", "sqs": sqs})
}

fn cpu() -> Value {
    json!({"name": "cpu", "cpu": {"targetUtilization": story::CPU_TARGET}})
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use hybridscaler::api::HybridScaler;

    use super::*;

    /// The scalers among the manifests of a run, by the types that the operator reads them with.
    fn scalers(database_url: Option<&str>) -> Vec<HybridScaler> {
        let yaml =
            manifests("system", &["http://queue/1".to_owned(), "http://queue/2".to_owned()], 50, database_url).unwrap();
        let documents = yaml.split("\n---\n").filter(|document| document.contains("\"HybridScaler\""));
        documents.map(|document| serde_json::from_str(document).unwrap()).collect()
    }

    #[test]
    fn the_scalers_of_the_two_runs_differ_in_their_connections_only() {
        let mut budgeted = scalers(Some("postgres://database"));
        assert_eq!(budgeted.len(), 2);
        for scaler in &mut budgeted {
            let connections = std::mem::take(&mut scaler.spec.connections);
            assert_eq!(connections.len(), 1, "{}", scaler.spec.max_replicas);
        }
        assert_eq!(budgeted, scalers(None));
    }
}
