#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;

/// A Deployment of `replicas`, generation 7, all of it observed and updated; `edit` is merged into it.
fn deployment_of(replicas: u32, edit: &Value) -> Deployment {
    let mut object = json!({
        "metadata": {"uid": "d", "generation": 7},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "x"}}, "template": {}},
        "status": {"observedGeneration": 7, "replicas": replicas, "updatedReplicas": replicas},
    });
    merge(&mut object, edit);
    serde_json::from_value(object).unwrap()
}

/// A `ReplicaSet` of that Deployment, told to run `told` and with `there` pods.
fn replica_set(told: u32, there: u32) -> Value {
    json!({
        "metadata": {"generation": 3, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "d", "controller": true}
        ]},
        "spec": {"replicas": told, "selector": {}},
        "status": {"observedGeneration": 3, "replicas": there},
    })
}

fn merge(object: &mut Value, edit: &Value) {
    match (object, edit) {
        (Value::Object(object), Value::Object(edit)) => {
            edit.iter().for_each(|(key, value)| merge(object.entry(key).or_insert(Value::Null), value));
        }
        (object, edit) => *object = edit.clone(),
    }
}

fn told(deployment: &Deployment, replica_sets: &[Value]) -> Told {
    let sets: Vec<_> = replica_sets.iter().map(|set| serde_json::from_value(set.clone()).unwrap()).collect();
    super::deployment(deployment, &sets, "app=x".to_owned())
}

fn rollout(edit: &Value, replica_sets: &[Value]) -> Rollout {
    told(&deployment_of(5, edit), replica_sets).rollout
}

fn shape(strategy: &Value) -> Shape {
    told(&deployment_of(5, &json!({"spec": {"strategy": strategy}})), &[replica_set(5, 5)]).shape
}

#[test]
fn a_deployment_at_rest_is_settled() {
    assert_eq!(rollout(&json!({}), &[replica_set(5, 5), replica_set(0, 0)]), Rollout::Settled);
}

#[test]
fn a_deployment_that_is_scaled_is_settled_while_its_pods_still_come_and_go() {
    let coming = json!({"status": {"replicas": 2, "updatedReplicas": 2}});
    assert_eq!(rollout(&coming, &[replica_set(5, 2)]), Rollout::Settled);
    let going = json!({"status": {"replicas": 9, "updatedReplicas": 9}});
    assert_eq!(rollout(&going, &[replica_set(5, 9)]), Rollout::Settled);
}

#[test]
fn a_deployment_is_not_observed_before_it_and_its_replica_sets_are() {
    let sets = [replica_set(5, 5)];
    assert_eq!(rollout(&json!({"metadata": {"generation": 8}}), &sets), Rollout::NotObserved);
    assert_eq!(rollout(&json!({"status": {"observedGeneration": null}}), &sets), Rollout::NotObserved);
    let mut unobserved = replica_set(5, 9);
    merge(&mut unobserved, &json!({"metadata": {"generation": 4}}));
    assert_eq!(rollout(&json!({}), &[unobserved]), Rollout::NotObserved);
    let mut new = replica_set(5, 0);
    merge(&mut new, &json!({"status": null}));
    assert_eq!(rollout(&json!({}), &[new]), Rollout::NotObserved);
}

#[test]
fn a_rolling_update_is_in_progress_until_one_replica_set_has_all_pods() {
    let old_and_new = json!({"status": {"replicas": 6, "updatedReplicas": 2}});
    assert_eq!(rollout(&old_and_new, &[replica_set(4, 4), replica_set(2, 2)]), Rollout::InProgress);
    assert_eq!(rollout(&json!({}), &[replica_set(0, 1), replica_set(5, 5)]), Rollout::InProgress);
    assert_eq!(rollout(&old_and_new, &[replica_set(5, 6)]), Rollout::InProgress);
}

#[test]
fn a_paused_deployment_is_settled_unless_the_pause_came_in_the_middle_of_a_rollout() {
    let paused = json!({"spec": {"paused": true}, "status": {"replicas": 5, "updatedReplicas": 0}});
    assert_eq!(rollout(&paused, &[replica_set(5, 5)]), Rollout::Settled);
    assert_eq!(rollout(&paused, &[replica_set(4, 4), replica_set(2, 2)]), Rollout::InProgress);
}

#[test]
fn a_recreate_is_in_progress_while_no_replica_set_is_told_to_make_pods() {
    let none = json!({"status": {"replicas": 0, "updatedReplicas": 0}, "spec": {"strategy": {"type": "Recreate"}}});
    assert_eq!(rollout(&none, &[replica_set(0, 0), replica_set(0, 0)]), Rollout::InProgress);
    assert_eq!(rollout(&none, &[]), Rollout::InProgress);
}

#[test]
fn replica_sets_of_other_owners_do_not_count() {
    let owned_by = |uid: &str, controller: bool| {
        let mut set = replica_set(3, 3);
        let owner = json!({"apiVersion": "v1", "kind": "X", "name": "x", "uid": uid, "controller": controller});
        merge(&mut set, &json!({"metadata": {"generation": 9, "ownerReferences": [owner]}}));
        set
    };
    let others = [replica_set(5, 5), owned_by("e", true), owned_by("d", false)];
    assert_eq!(rollout(&json!({}), &others), Rollout::Settled);
    assert_eq!(rollout(&json!({}), &[replica_set(5, 5), owned_by("d", true)]), Rollout::NotObserved);
}

#[test]
fn a_deployment_without_replicas_runs_one() {
    let deployment = deployment_of(1, &json!({"spec": {"replicas": null}}));
    assert_eq!(told(&deployment, &[replica_set(1, 1)]).desired, Replicas(1));
}

#[test]
fn the_shape_follows_the_strategy() {
    let surge = |max_surge| Shape::RollingUpdate { max_surge };
    assert_eq!(shape(&json!(null)), surge(Surge::Percent(25)));
    assert_eq!(shape(&json!({"type": "RollingUpdate"})), surge(Surge::Percent(25)));
    assert_eq!(shape(&json!({"rollingUpdate": {"maxSurge": "30%"}})), surge(Surge::Percent(30)));
    assert_eq!(shape(&json!({"rollingUpdate": {"maxSurge": 0}})), surge(Surge::Count(0)));
    assert_eq!(shape(&json!({"type": "Recreate"})), Shape::Recreate);
}

#[test]
fn a_surge_that_cannot_be_read_is_taken_for_unbounded() {
    for surge in [json!("many"), json!("-5%"), json!(-1), json!("25")] {
        assert_eq!(shape(&json!({"rollingUpdate": {"maxSurge": surge}})), Shape::Other, "{surge}");
    }
}

#[test]
fn an_empty_selector_is_refused_since_it_would_count_every_pod() {
    let selected = |text: &str| selector(Some(&serde_json::from_str(text).unwrap()));
    assert_eq!(selector(None), Err(Unusable::Selector));
    assert_eq!(selected("{}"), Err(Unusable::Selector));
    assert_eq!(selected(r#"{"matchLabels": {"app": "x"}}"#), Ok("app=x".to_owned()));
    let strange = r#"{"matchExpressions": [{"key": "app", "operator": "Near", "values": ["x"]}]}"#;
    assert_eq!(selected(strange), Err(Unusable::Selector));
}

/// A `StatefulSet` of 5, told apart by `edit`.
fn set_of(edit: &Value) -> Told {
    let mut object = json!({
        "metadata": {"generation": 7},
        "spec": {"replicas": 5, "selector": {"matchLabels": {"app": "x"}}, "serviceName": "x", "template": {}},
        "status": {
            "observedGeneration": 7, "replicas": 5, "updatedReplicas": 5, "currentRevision": "a", "updateRevision": "a"
        },
    });
    merge(&mut object, edit);
    stateful_set(&serde_json::from_value(object).unwrap()).unwrap()
}

#[test]
fn a_stateful_set_is_settled_once_observed_and_of_one_revision() {
    let Told { desired, shape, rollout, .. } = set_of(&json!({}));
    assert_eq!((desired, shape, rollout), (Replicas(5), Shape::StatefulSet, Rollout::Settled));
    assert_eq!(set_of(&json!({"metadata": {"generation": 8}})).rollout, Rollout::NotObserved);
    let rolling = json!({"status": {"updateRevision": "b", "updatedReplicas": 2}});
    assert_eq!(set_of(&rolling).rollout, Rollout::InProgress);
}

#[test]
fn a_stateful_set_is_settled_when_its_partition_is_updated_or_people_update_it() {
    let mut halted = json!({
        "spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}},
        "status": {"updateRevision": "b", "updatedReplicas": 2},
    });
    assert_eq!(set_of(&halted).rollout, Rollout::Settled);
    merge(&mut halted, &json!({"status": {"updatedReplicas": 1}}));
    assert_eq!(set_of(&halted).rollout, Rollout::InProgress);
    let by_hand = json!({
        "spec": {"updateStrategy": {"type": "OnDelete"}},
        "status": {"updateRevision": "b", "updatedReplicas": 1},
    });
    assert_eq!(set_of(&by_hand).rollout, Rollout::Settled);
}

/// Some other kind, told to run 5; `object` and `scale` are merged into it and its scale.
fn other_of(object: &Value, scale: &Value) -> Result<Told, Unusable> {
    let mut of = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "x", "generation": 7, "resourceVersion": "100"},
        "status": {"observedGeneration": "7"},
    });
    merge(&mut of, object);
    let mut scaled = json!({
        "metadata": {"resourceVersion": "100"},
        "spec": {"replicas": 5},
        "status": {"replicas": 5, "selector": "app=x"},
    });
    merge(&mut scaled, scale);
    other(&serde_json::from_value(of).unwrap(), &serde_json::from_value(scaled).unwrap())
}

#[test]
fn another_kind_is_settled_once_it_says_that_it_observed_its_generation() {
    let nothing = json!({});
    let rollout = |object: &Value, scale: &Value| other_of(object, scale).unwrap().rollout;
    assert_eq!(other_of(&nothing, &nothing).unwrap().shape, Shape::Other);
    assert_eq!(rollout(&nothing, &nothing), Rollout::Settled);
    assert_eq!(rollout(&json!({"status": {"observedGeneration": 7}}), &nothing), Rollout::Settled);
    assert_eq!(rollout(&json!({"status": {"observedGeneration": 6}}), &nothing), Rollout::NotObserved);
    assert_eq!(rollout(&json!({"status": {"observedGeneration": "6"}}), &nothing), Rollout::NotObserved);
}

#[test]
fn another_kind_that_does_not_say_so_is_settled_once_it_has_as_many_replicas_as_told() {
    let silent = json!({"status": {"observedGeneration": null}});
    let rollout = |scale: &Value| other_of(&silent, scale).unwrap().rollout;
    assert_eq!(rollout(&json!({})), Rollout::Settled);
    assert_eq!(rollout(&json!({"status": {"replicas": 4}})), Rollout::NotObserved);
}

#[test]
fn another_kind_that_changed_between_its_two_reads_is_not_observed() {
    let newer = json!({"metadata": {"resourceVersion": "101"}});
    assert_eq!(other_of(&json!({}), &newer).unwrap().rollout, Rollout::NotObserved);
}

#[test]
fn another_kind_without_selector_or_replicas_cannot_be_used() {
    let of = |scale: &Value| other_of(&json!({}), scale);
    assert_eq!(of(&json!({"status": {"selector": ""}})), Err(Unusable::ScaleSelector));
    assert_eq!(of(&json!({"status": null})), Err(Unusable::ScaleSelector));
    assert_eq!(of(&json!({"spec": {"replicas": null}})), Err(Unusable::ScaleReplicas));
}
