#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::api::config::OperatorConfig;

const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:orders-eu";
const ROLE: &str = "arn:aws:iam::123456789012:role/scaling";

fn queue(role: Option<&str>) -> Resource {
    Resource::Queue { arn: QUEUE.into(), identity: Identity::of(role) }
}

fn service(role: Option<&str>) -> Resource {
    Resource::EcsService {
        region: "eu-west-1".into(),
        cluster: "prod".into(),
        service: "core-api".into(),
        identity: Identity::of(role),
    }
}

fn trust(yaml: &str) -> Trust {
    OperatorConfig::parse(yaml).unwrap().trust
}

#[test]
fn without_configuration_nothing_is_allowed() {
    for resource in [queue(None), queue(Some(ROLE)), service(None), Resource::DatabaseHost("db.internal:5432".into())] {
        assert!(Trust::default().allows("orders", &resource).is_err(), "{resource}");
    }
}

#[test]
fn a_grant_holds_for_its_namespaces_and_resources_only() {
    let trust = trust(
        r#"
trust:
  - namespaces: [orders, "team-*"]
    queues: ["arn:aws:sqs:eu-west-1:123456789012:orders-*"]
    ecsServices: ["eu-west-1/prod/core-*"]
    databaseHosts: ["orders-db.internal:5432"]
"#,
    );
    assert!(trust.allows("orders", &queue(None)).is_ok());
    assert!(trust.allows("team-a", &service(None)).is_ok());
    assert!(trust.allows("orders", &Resource::DatabaseHost("Orders-DB.internal:5432".into())).is_ok());
    assert!(trust.allows("payments", &queue(None)).is_err());
    assert!(trust.allows("orders", &Resource::DatabaseHost("orders-db.internal:6432".into())).is_err());
    let other = Resource::Queue { arn: QUEUE.replace("orders-eu", "payments"), identity: Identity::Operator };
    assert!(trust.allows("orders", &other).is_err());
}

#[test]
fn a_grant_through_a_role_is_no_grant_through_the_operators_identity() {
    let through_role =
        trust(&format!("trust: [{{namespaces: [orders], roleArns: [\"{ROLE}\"], queues: [\"{QUEUE}\"]}}]"));
    assert!(through_role.allows("orders", &queue(Some(ROLE))).is_ok());
    assert!(through_role.allows("orders", &queue(None)).is_err());
    assert!(through_role.allows("orders", &queue(Some("arn:aws:iam::123456789012:role/admin"))).is_err());

    let own = trust(&format!("trust: [{{namespaces: [orders], queues: [\"{QUEUE}\"]}}]"));
    assert!(own.allows("orders", &queue(None)).is_ok());
    assert!(own.allows("orders", &queue(Some(ROLE))).is_err());
}

#[test]
fn two_grants_do_not_lend_each_other_their_roles() {
    let trust = trust(&format!(
        "trust:\n  - {{namespaces: [orders], roleArns: [\"{ROLE}\"], ecsServices: [eu-west-1/prod/core-api]}}\n  \
         - {{namespaces: [orders], queues: [\"{QUEUE}\"]}}\n"
    ));
    assert!(trust.allows("orders", &service(Some(ROLE))).is_ok());
    assert!(trust.allows("orders", &queue(Some(ROLE))).is_err());
}

#[test]
fn what_a_refusal_prints_allows_what_was_refused() {
    for resource in [
        queue(None),
        queue(Some(ROLE)),
        service(None),
        service(Some(ROLE)),
        Resource::DatabaseHost("[::1]:5432".into()),
        Resource::DatabaseHost("orders-db.internal:5432".into()),
    ] {
        let refusal = Trust::default().allows("orders", &resource).unwrap_err().to_string();
        let (_, values) = refusal.split_once("config:\n").unwrap();
        assert!(trust(values).allows("orders", &resource).is_ok(), "{refusal}");
    }
}

#[test]
fn a_refusal_names_who_asked_for_what_as_whom() {
    let refusal = Trust::default().allows("orders", &queue(Some(ROLE))).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the operator's configuration does not let namespace orders use queue arn:aws:sqs:eu-west-1:123456789012:orders-eu through \
         role arn:aws:iam::123456789012:role/scaling. To allow it, add to the chart's values:\n\
         config:\n  trust:\n    - namespaces: [\"orders\"]\n      roleArns: [\"arn:aws:iam::123456789012:role/scaling\"]\n      \
         queues: [\"arn:aws:sqs:eu-west-1:123456789012:orders-eu\"]\n"
    );
}
