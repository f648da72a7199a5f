//! Load is read as it is, and what cannot be read is unknown and says what to mend.

use std::time::Duration;

use futures::StreamExt as _;
use hybridscaler::{
    api::rbac::ServiceAccount,
    aws::{self, Queue, Service},
    signals::{Readers, Source, Sources},
};
use hybridscaler_core::reading::{Load, Reading, Unknown};
use hybridscaler_e2e_aws::{self as served, Aws, Effect, Fault};
use jiff::Timestamp;

use crate::{access, administrator, operator};

const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

fn queue(url: String, role_arn: Option<&str>) -> Source {
    Source::Sqs(Queue { url, access: access(role_arn) })
}

fn cpu(service: &str) -> Source {
    Source::EcsCpu(Service { cluster: "prod".to_owned(), name: service.to_owned(), access: access(None) })
}

/// Readers of AWS, and of no cluster.
fn readers(aws: aws::Aws) -> Readers {
    let nowhere = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
    let account = ServiceAccount { namespace: "ops".to_owned(), name: "scaler".to_owned() };
    Readers::new(aws, kube::Client::try_from(nowhere).unwrap(), account)
}

fn unknown(reading: Reading) -> (Unknown, String) {
    match reading {
        Reading::Unknown(unread) => (unread.why, unread.message.to_string()),
        known @ Reading::Known { .. } => unreachable!("{known:?}"),
    }
}

#[tokio::test]
async fn a_queue_is_read_with_what_waits_and_what_is_held() {
    let aws = Aws::start().await.unwrap();
    let url = aws.sqs().create_queue("orders").unwrap();
    (0..5).for_each(|_| aws.sqs().send("orders", "{}").unwrap());
    let clients = administrator(&aws).clients(&access(None)).await;
    let held = clients.sqs.receive_message().queue_url(&url).max_number_of_messages(2).send().await.unwrap();
    assert_eq!(held.messages().len(), 2);
    clients.sqs.send_message().queue_url(&url).message_body("{}").delay_seconds(60).send().await.unwrap();
    match queue(url, None).read(&readers(administrator(&aws))).await {
        Reading::Known { load, .. } => assert_eq!(load, Load::Queue { visible: 3, in_flight: 2, delayed: 1 }),
        unknown @ Reading::Unknown(_) => unreachable!("{unknown:?}"),
    }
}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_not_found() {
    let aws = Aws::start().await.unwrap();
    let (why, message) = unknown(queue(aws.sqs().url("nowhere"), None).read(&readers(administrator(&aws))).await);
    assert_eq!(why, Unknown::NotFound, "{message}");
}

#[tokio::test]
async fn the_statement_that_a_refusal_prints_is_the_one_that_was_missing() {
    let aws = Aws::start().await.unwrap();
    let source = queue(aws.sqs().create_queue("orders").unwrap(), None);
    let key = aws.identity().add_user("scaler");
    let (why, message) = unknown(source.read(&readers(operator(&aws, &key))).await);
    assert_eq!(why, Unknown::Forbidden, "{message}");
    allow_as_told(&aws, "arn:aws:iam::123456789012:user/scaler", &message);
    assert!(matches!(source.read(&readers(operator(&aws, &key))).await, Reading::Known { .. }));
}

/// Allows the principal what the statement in `message` says.
fn allow_as_told(aws: &Aws, principal: &str, message: &str) {
    let statement = &message[message.find('{').unwrap()..=message.rfind('}').unwrap()];
    let statement: serde_json::Value = serde_json::from_str(statement).unwrap();
    let text = |field: &str| statement[field].as_str().unwrap();
    aws.identity().allow(principal, text("Action"), text("Resource"));
}

#[tokio::test]
async fn a_queue_is_read_through_a_role_that_trusts_the_operator_and_may_read_it() {
    let aws = Aws::start().await.unwrap();
    let source = queue(aws.sqs().create_queue("orders").unwrap(), Some(ROLE));
    let key = aws.identity().add_user("scaler");
    let user = "arn:aws:iam::123456789012:user/scaler";
    let read = async || source.read(&readers(operator(&aws, &key))).await;

    let (why, message) = unknown(read().await);
    assert_eq!(why, Unknown::Forbidden, "{message}");
    assert!(message.contains("sts:AssumeRole"), "{message}");
    aws.identity().add_role(ROLE, &[user]);
    allow_as_told(&aws, user, &message);

    let (why, message) = unknown(read().await);
    assert_eq!(why, Unknown::Forbidden, "{message}");
    assert!(message.contains("sqs:GetQueueAttributes"), "{message}");
    allow_as_told(&aws, ROLE, &message);
    assert!(matches!(read().await, Reading::Known { .. }));
}

#[tokio::test]
async fn an_aws_that_hangs_makes_its_source_unknown_and_no_other() {
    let aws = Aws::start().await.unwrap();
    let stuck = queue(aws.sqs().create_queue("stuck").unwrap(), None);
    let fine = queue(aws.sqs().create_queue("fine").unwrap(), None);
    let hang = Fault::new(served::Service::Sqs, "GetQueueAttributes", Effect::Hang).on("stuck");
    let hang = aws.faults().add(hang);
    let (sources, wakes) = Sources::new(readers(administrator(&aws)));
    let mut wakes = wakes.boxed();
    let interval = Duration::from_millis(200);
    sources.watch(&"stuck", [(stuck.clone(), interval)]);
    sources.watch(&"fine", [(fine.clone(), interval)]);

    let mut fine_wakes = 0;
    while wakes.next().await.unwrap() != "stuck" {
        fine_wakes += 1;
    }
    assert!(fine_wakes >= 5, "{fine_wakes}");
    assert!(matches!(sources.latest(&fine), Reading::Known { .. }));
    let (why, message) = unknown(sources.latest(&stuck));
    assert_eq!(why, Unknown::Unreachable, "{message}");

    aws.faults().remove(hang);
    while wakes.next().await.unwrap() != "stuck" {}
    assert!(matches!(sources.latest(&stuck), Reading::Known { .. }));
}

#[tokio::test]
async fn a_queue_that_many_watch_is_polled_once_an_interval() {
    let aws = Aws::start().await.unwrap();
    let source = queue(aws.sqs().create_queue("orders").unwrap(), None);
    let (sources, wakes) = Sources::new(readers(administrator(&aws)));
    for watcher in 0..100 {
        sources.watch(&watcher, [(source.clone(), Duration::from_mins(1))]);
    }
    let woken: std::collections::BTreeSet<i32> = wakes.take(100).collect().await;
    assert_eq!((woken.len(), aws.calls().count(served::Service::Sqs, "GetQueueAttributes")), (100, 1));
}

/// Takes up to a minute: the one that is under way when the test starts has to end.
#[tokio::test]
async fn the_cpu_of_a_service_is_that_of_the_newest_minute_once_it_is_over() {
    let aws = Aws::start().await.unwrap();
    let operator = readers(administrator(&aws));
    let read = async || cpu("core-api").read(&operator).await;
    let (why, message) = unknown(read().await);
    assert_eq!(why, Unknown::Empty, "{message}");

    // Both samples must fall into one minute: not in its last second.
    while Timestamp::now().as_second() % 60 == 59 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let minute = Timestamp::now().as_second() / 60;
    for percent in [60.0, 80.0] {
        aws.cloudwatch().report_cpu("prod", "core-api", percent);
    }
    let (why, message) = unknown(read().await);
    assert_eq!(why, Unknown::Empty, "the minute is not over: {message}");

    let end = Timestamp::from_second((minute + 1) * 60).unwrap();
    tokio::time::sleep(Duration::try_from(end - Timestamp::now()).unwrap()).await;
    assert_eq!(read().await, Reading::Known { load: Load::Utilization { percent: 70.0 }, at: end });
}

#[tokio::test]
async fn a_refused_cpu_names_the_statement_that_is_missing() {
    let aws = Aws::start().await.unwrap();
    let key = aws.identity().add_user("scaler");
    let (why, message) = unknown(cpu("core-api").read(&readers(operator(&aws, &key))).await);
    assert_eq!(why, Unknown::Forbidden, "{message}");
    allow_as_told(&aws, "arn:aws:iam::123456789012:user/scaler", &message);
    let (why, message) = unknown(cpu("core-api").read(&readers(operator(&aws, &key))).await);
    assert_eq!(why, Unknown::Empty, "{message}");
}
