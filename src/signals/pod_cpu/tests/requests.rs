//! Requests and readiness of single pods.

use super::{super::pods, *};

fn read_pod(pod: Value, compared: Compared) -> Result<Pod, String> {
    let pod = serde_json::from_value(pod).unwrap();
    pods::read(&pod, None, compared).map_err(|error| error.to_string())
}

fn with(path: &str, value: Value) -> Value {
    let mut pod = pod("web-1");
    *pod.pointer_mut(path).unwrap() = value;
    pod
}

/// The summed requests of a pod with these further fields of its spec.
fn requested(fields: &[(&str, Value)]) -> Result<Option<u64>, String> {
    let mut pod = pod("web-1");
    for (field, value) in fields {
        pod["spec"][field] = value.clone();
    }
    read_pod(pod, Compared::WithRequests).map(|pod| pod.request_milli)
}

#[test]
fn a_container_without_a_request_leaves_no_utilization_and_names_the_mend() {
    let without = with("/spec/containers/1/resources", json!({"requests": {"memory": "1Gi"}}));
    let message = "container proxy of pod web-1 requests no CPU: set resources.requests.cpu in the pod template, or aim at cpu.targetAverageValue";
    assert_eq!(read_pod(without.clone(), Compared::WithRequests), Err(message.to_owned()));
    assert_eq!(read_pod(without.clone(), Compared::WithAmount).unwrap().request_milli, None);
    // One that is on its way out carries no load: an older template does not matter.
    let mut leaving = without;
    leaving["metadata"]["deletionTimestamp"] = json!("2026-11-23T12:00:00Z");
    assert_eq!(read_pod(leaving, Compared::WithRequests).unwrap().request_milli, None);
    let odd = with("/spec/containers/1/resources", json!({"requests": {"cpu": "half"}}));
    let message = "the CPU request \"half\" of container proxy of pod web-1 is not a quantity";
    assert_eq!(read_pod(odd, Compared::WithRequests), Err(message.to_owned()));
}

#[test]
fn containers_that_run_beside_the_others_count_and_those_that_run_before_them_do_not() {
    let of = |name, restart: Option<&str>| json!({"name": name, "restartPolicy": restart, "resources": {"requests": {"cpu": "50m"}}});
    let before_and_beside = json!([of("migrate", None), of("mesh", Some("Always"))]);
    assert_eq!(requested(&[("initContainers", before_and_beside)]), Ok(Some(650)));
    let without = json!([{"name": "mesh", "restartPolicy": "Always"}]);
    assert!(requested(&[("initContainers", without)]).unwrap_err().contains("container mesh of pod web-1"));
}

#[test]
fn a_request_of_the_whole_pod_counts_instead_of_its_containers() {
    let whole = json!({"requests": {"cpu": "2"}});
    assert_eq!(requested(&[("resources", whole), ("containers", json!([{"name": "app"}]))]), Ok(Some(2000)));
}

#[test]
fn phase_deletion_and_readiness_are_the_pods_own() {
    let phase = |text: Value| read_pod(with("/status/phase", text), Compared::WithAmount).unwrap().phase;
    assert_eq!(phase(json!("Pending")), Phase::Pending);
    assert_eq!(phase(Value::Null), Phase::Pending);
    assert_eq!(phase(json!("Running")), Phase::Running);
    assert_eq!(phase(json!("Succeeded")), Phase::Succeeded);
    assert_eq!(phase(json!("Failed")), Phase::Failed);
    assert_eq!(phase(json!("Unknown")), Phase::Unknown);

    let ready =
        |conditions: Value| read_pod(with("/status/conditions", conditions), Compared::WithAmount).unwrap().ready;
    let condition =
        |kind, status| json!([{"type": kind, "status": status, "lastTransitionTime": "2026-11-23T11:00:30Z"}]);
    assert!(ready(condition("Ready", "True")).unwrap().ready);
    assert!(!ready(condition("Ready", "False")).unwrap().ready);
    assert!(ready(condition("Ready", "Unknown")).unwrap().ready);
    assert_eq!(ready(condition("PodScheduled", "True")), None);
    assert_eq!(ready(json!([])), None);

    let unstarted = with("/status/startTime", Value::Null);
    assert_eq!(read_pod(unstarted, Compared::WithAmount).unwrap().started, None);
}
