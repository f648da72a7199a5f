//! What depends on time or on size, in process and on paused time.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Depth, Sqs, queue::MAX_IN_FLIGHT};
use crate::clock::Clock;

fn sqs() -> (Sqs, String) {
    let sqs = Sqs::new(Clock::start(), "http://127.0.0.1:1".to_owned());
    let url = sqs.create_queue("orders").unwrap();
    (sqs, url)
}

async fn receive(sqs: &Sqs, url: &str, wait: u32) -> Vec<Value> {
    let input = json!({ "QueueUrl": url, "WaitTimeSeconds": wait, "VisibilityTimeout": 15 });
    let answer = sqs.call("ReceiveMessage", input).await.unwrap();
    answer.get("Messages").and_then(Value::as_array).cloned().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_of_an_empty_queue_ends_when_its_time_is_up() {
    let (sqs, url) = sqs();
    let started = Instant::now();
    assert!(receive(&sqs, &url, 20).await.is_empty());
    assert_eq!(started.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_gets_the_message_whose_timeout_expires_meanwhile() {
    let (sqs, url) = sqs();
    sqs.send("orders", "m").unwrap();
    assert_eq!(receive(&sqs, &url, 0).await.len(), 1);
    let started = Instant::now();
    assert_eq!(receive(&sqs, &url, 20).await.len(), 1);
    assert_eq!(started.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn each_of_several_long_polls_gets_one_of_the_messages_that_arrive() {
    let (sqs, url) = sqs();
    let polls: Vec<_> = (0..3)
        .map(|_| {
            let (sqs, url) = (sqs.clone(), url.clone());
            tokio::spawn(async move { receive(&sqs, &url, 20).await.len() })
        })
        .collect();
    tokio::task::yield_now().await;
    let started = Instant::now();
    for _ in 0..3 {
        sqs.send("orders", "m").unwrap();
    }
    for poll in polls {
        assert_eq!(poll.await.unwrap(), 1);
    }
    assert_eq!(started.elapsed(), Duration::ZERO, "no poll waited for its time to be up");
}

#[tokio::test(start_paused = true)]
async fn a_full_flight_refuses_a_short_poll_and_lets_a_long_one_wait() {
    let (sqs, url) = sqs();
    for _ in 0..=MAX_IN_FLIGHT {
        sqs.send("orders", "m").unwrap();
    }
    for _ in 0..MAX_IN_FLIGHT / 10 {
        let input = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 15 });
        sqs.call("ReceiveMessage", input).await.unwrap();
    }
    assert_eq!(sqs.depth("orders").unwrap(), Depth { visible: 1, in_flight: MAX_IN_FLIGHT, delayed: 0 });
    let refused = sqs.call("ReceiveMessage", json!({ "QueueUrl": url })).await.unwrap_err();
    assert_eq!(refused.code(), "OverLimit");
    assert_eq!(receive(&sqs, &url, 20).await.len(), 1, "once the others are visible again");
}

#[tokio::test(start_paused = true)]
async fn first_in_is_first_out_as_long_as_nothing_is_received_twice() {
    let (sqs, url) = sqs();
    for body in ["a", "b", "c"] {
        sqs.send("orders", body).unwrap();
    }
    for body in ["a", "b", "c"] {
        assert_eq!(receive(&sqs, &url, 0).await[0]["Body"], body);
    }
}

/// Time of 200 rounds of send, receive, hide, count and delete on a queue with a backlog of each kind; the best of
/// some, since a busy machine can only make it longer.
fn best_time(backlog: usize) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (sqs, url) = sqs();
        for _ in 0..backlog {
            sqs.send("orders", "in flight").unwrap();
            let input = json!({ "QueueUrl": url, "VisibilityTimeout": 43_200 });
            sqs.call("ReceiveMessage", input).await.unwrap();
            let input = json!({ "QueueUrl": url, "MessageBody": "delayed", "DelaySeconds": 900 });
            sqs.call("SendMessage", input).await.unwrap();
        }
        for _ in 0..backlog {
            sqs.send("orders", "waiting").unwrap();
        }
        let mut best = Duration::MAX;
        for _ in 0..20 {
            let started = std::time::Instant::now();
            for _ in 0..200 {
                sqs.send("orders", "m").unwrap();
                let received = sqs.call("ReceiveMessage", json!({ "QueueUrl": url })).await.unwrap();
                let handle = &received["Messages"][0]["ReceiptHandle"];
                let hide = json!({ "QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 60 });
                sqs.call("ChangeMessageVisibility", hide).await.unwrap();
                sqs.depth("orders").unwrap();
                let delete = json!({ "QueueUrl": url, "ReceiptHandle": handle });
                sqs.call("DeleteMessage", delete).await.unwrap();
            }
            best = best.min(started.elapsed());
        }
        best
    })
}

#[test]
fn a_call_costs_the_same_at_a_backlog_of_ten_thousand_as_at_ten() {
    let (few, many) = (best_time(10), best_time(10_000));
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    println!("200 rounds at 10: {few:?}, at 10,000: {many:?}, ratio {ratio:.2}");
    // A scan of the backlog would cost some hundred times as much; caches and the timers' logarithm at most twice.
    assert!(ratio < 5.0, "200 rounds took {few:?} at a backlog of 10 and {many:?} at 10,000");
}
