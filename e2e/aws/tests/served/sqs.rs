//! Simple Queue Service through its SDK.

use std::{collections::HashMap, time::Duration};

use aws_sdk_sqs::{
    Client,
    operation::send_message::SendMessageError,
    types::{
        DeleteMessageBatchRequestEntry, MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
    },
};
use hybridscaler_e2e_aws::{Aws, Depth, Service};

use crate::clients::{code, config, pass, refusal};

async fn queue() -> (Aws, Client, String) {
    let aws = Aws::start().await.unwrap();
    let client = Client::new(&config(aws.endpoint()));
    let url = client.create_queue().queue_name("orders").send().await.unwrap().queue_url.unwrap();
    (aws, client, url)
}

fn depth(visible: usize, in_flight: usize, delayed: usize) -> Depth {
    Depth { visible, in_flight, delayed }
}

/// The three counts as an autoscaler reads them.
async fn read_depth(client: &Client, url: &str) -> Depth {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let request = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
    let attributes = request.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes.len(), names.len(), "only what was asked for");
    let count = |name: &QueueAttributeName| attributes[name].parse().unwrap();
    depth(count(&names[0]), count(&names[1]), count(&names[2]))
}

fn attributes(pairs: &[(&str, &str)]) -> HashMap<QueueAttributeName, String> {
    pairs.iter().map(|(name, value)| (QueueAttributeName::from(*name), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_message_is_sent_received_and_deleted() {
    let (aws, client, url) = queue().await;
    assert_eq!(url, format!("{}/123456789012/orders", aws.endpoint()));
    let sent = client.send_message().queue_url(&url).message_body("hello").send().await.unwrap();
    assert_eq!(sent.md5_of_message_body.unwrap(), "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(read_depth(&client, &url).await, depth(1, 0, 0));

    let received = client
        .receive_message()
        .queue_url(&url)
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
        .send()
        .await
        .unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.body(), Some("hello"));
    assert_eq!(message.message_id(), sent.message_id.as_deref());
    assert_eq!(message.md5_of_body(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!(message.attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount], "1");
    assert_eq!(read_depth(&client, &url).await, depth(0, 1, 0));

    let handle = message.receipt_handle().unwrap();
    client.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
    client.delete_message().queue_url(&url).receipt_handle(handle).send().await.expect("deleting twice is no error");
    assert_eq!(read_depth(&client, &url).await, depth(0, 0, 0));
}

#[tokio::test]
async fn a_receive_takes_at_most_ten_messages() {
    let (aws, client, url) = queue().await;
    for _ in 0..12 {
        aws.sqs().send("orders", "m").unwrap();
    }
    let receive = |max| client.receive_message().queue_url(&url).max_number_of_messages(max).send();
    assert_eq!(receive(10).await.unwrap().messages().len(), 10);
    assert_eq!(receive(10).await.unwrap().messages().len(), 2);
    assert_eq!(receive(10).await.unwrap().messages().len(), 0);
    for max in [0, 11] {
        let (code, message) = refusal(receive(max).await);
        assert_eq!(code, "InvalidParameterValue");
        assert!(message.contains("MaxNumberOfMessages") && message.contains("between 1 and 10"), "{message}");
    }
}

#[tokio::test]
async fn a_message_not_deleted_in_time_is_received_again_and_its_old_handle_deletes_nothing() {
    let (_aws, client, url) = queue().await;
    client.send_message().queue_url(&url).message_body("m").send().await.unwrap();
    let receive = || client.receive_message().queue_url(&url).visibility_timeout(60).send();
    let first = receive().await.unwrap().messages()[0].receipt_handle().unwrap().to_owned();
    pass(Duration::from_secs(59)).await;
    assert_eq!(receive().await.unwrap().messages().len(), 0, "still hidden");
    pass(Duration::from_secs(1)).await;
    let second = receive().await.unwrap().messages()[0].receipt_handle().unwrap().to_owned();
    assert_ne!(first, second);

    let delete = |handle: &str| client.delete_message().queue_url(&url).receipt_handle(handle).send();
    delete(&first).await.expect("an old handle is no error");
    assert_eq!(read_depth(&client, &url).await, depth(0, 1, 0), "and deletes nothing");
    delete(&second).await.unwrap();
    assert_eq!(read_depth(&client, &url).await, depth(0, 0, 0));
}

#[tokio::test]
async fn changing_the_visibility_hides_a_message_longer_or_shows_it_at_once() {
    let (_aws, client, url) = queue().await;
    client.send_message().queue_url(&url).message_body("m").send().await.unwrap();
    let receive = || client.receive_message().queue_url(&url).visibility_timeout(30).send();
    let handle = receive().await.unwrap().messages()[0].receipt_handle().unwrap().to_owned();
    let change = |handle: &str, seconds| {
        client.change_message_visibility().queue_url(&url).receipt_handle(handle).visibility_timeout(seconds).send()
    };
    change(&handle, 100).await.unwrap();
    pass(Duration::from_secs(99)).await;
    assert_eq!(read_depth(&client, &url).await, depth(0, 1, 0));
    change(&handle, 0).await.unwrap();
    assert_eq!(read_depth(&client, &url).await, depth(1, 0, 0));
    assert_eq!(code(change(&handle, 30).await), "AWS.SimpleQueueService.MessageNotInflight");
    assert_eq!(code(change(&handle, 43_201).await), "InvalidParameterValue");
    client.delete_message().queue_url(&url).receipt_handle(&handle).send().await.unwrap();
    assert_eq!(read_depth(&client, &url).await, depth(0, 0, 0), "the latest handle deletes a visible message");
    let (code, message) = refusal(change(&handle, 30).await);
    assert_eq!(code, "InvalidParameterValue");
    assert!(message.contains("Message does not exist"), "{message}");
}

#[tokio::test]
async fn a_delayed_message_is_counted_apart_until_its_delay_has_passed() {
    let (_aws, client, url) = queue().await;
    client.send_message().queue_url(&url).message_body("m").delay_seconds(90).send().await.unwrap();
    assert_eq!(read_depth(&client, &url).await, depth(0, 0, 1));
    assert_eq!(client.receive_message().queue_url(&url).send().await.unwrap().messages().len(), 0);
    pass(Duration::from_secs(90)).await;
    assert_eq!(read_depth(&client, &url).await, depth(1, 0, 0));
    let refused = client.send_message().queue_url(&url).message_body("m").delay_seconds(901).send().await;
    assert_eq!(code(refused), "InvalidParameterValue");
}

#[tokio::test]
async fn a_long_poll_is_answered_by_the_message_that_arrives() {
    let (aws, client, url) = queue().await;
    let poll = client.receive_message().queue_url(&url).wait_time_seconds(20).send();
    let poll = tokio::spawn(poll);
    aws.calls().reached(Service::Sqs, "ReceiveMessage", 1).await;
    aws.sqs().send("orders", "late").unwrap();
    assert_eq!(poll.await.unwrap().unwrap().messages()[0].body(), Some("late"));
}

#[tokio::test]
async fn batches_report_each_entry_by_its_id() {
    let (_aws, client, url) = queue().await;
    let entry = |id: &str, delay| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body("m").delay_seconds(delay);
        entry.build().unwrap()
    };
    let sent = client
        .send_message_batch()
        .queue_url(&url)
        .set_entries(Some(vec![entry("good", 0), entry("bad", 901), entry("also-good", 0)]))
        .send()
        .await
        .unwrap();
    let ids: Vec<_> = sent.successful().iter().map(aws_sdk_sqs::types::SendMessageBatchResultEntry::id).collect();
    assert_eq!(ids, ["good", "also-good"]);
    assert_eq!(sent.failed()[0].id(), "bad");
    assert_eq!(sent.failed()[0].code(), "InvalidParameterValue");
    assert!(sent.failed()[0].sender_fault());

    let received = client.receive_message().queue_url(&url).max_number_of_messages(10).send().await.unwrap();
    let entries = received.messages().iter().enumerate().map(|(i, message)| {
        let handle = message.receipt_handle().unwrap();
        DeleteMessageBatchRequestEntry::builder().id(i.to_string()).receipt_handle(handle).build().unwrap()
    });
    let wrong = DeleteMessageBatchRequestEntry::builder().id("wrong").receipt_handle("nonsense").build().unwrap();
    let entries: Vec<_> = entries.chain([wrong]).collect();
    let deleted = client.delete_message_batch().queue_url(&url).set_entries(Some(entries)).send().await.unwrap();
    assert_eq!(deleted.successful().len(), 2);
    assert_eq!(deleted.failed()[0].code(), "ReceiptHandleIsInvalid");
    assert_eq!(read_depth(&client, &url).await, depth(0, 0, 0));
}

#[tokio::test]
async fn a_malformed_batch_is_refused_as_a_whole() {
    let (_aws, client, url) = queue().await;
    let send = |ids: Vec<String>, body: String| {
        let entry = |id| SendMessageBatchRequestEntry::builder().id(id).message_body(body.clone()).build().unwrap();
        let entries = ids.into_iter().map(entry).collect();
        client.send_message_batch().queue_url(&url).set_entries(Some(entries)).send()
    };
    let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
    let eleven = (0..11).map(|i| i.to_string()).collect();
    let large = "x".repeat(600_000);
    for (ids, body, expected) in [
        (ids(&[]), "m", "AWS.SimpleQueueService.EmptyBatchRequest"),
        (eleven, "m", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
        (ids(&["a", "a"]), "m", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        (ids(&["a b"]), "m", "AWS.SimpleQueueService.InvalidBatchEntryId"),
        (ids(&["a", "b"]), large.as_str(), "AWS.SimpleQueueService.BatchRequestTooLong"),
    ] {
        assert_eq!(code(send(ids, body.to_owned()).await), expected);
    }
    assert_eq!(read_depth(&client, &url).await, depth(0, 0, 0));
}

#[tokio::test]
async fn attributes_are_set_read_and_checked() {
    let (_aws, client, url) = queue().await;
    let set = |pairs: &[(&str, &str)]| {
        client.set_queue_attributes().queue_url(&url).set_attributes(Some(attributes(pairs))).send()
    };
    let get = |name: &str| client.get_queue_attributes().queue_url(&url).attribute_names(name.into()).send();
    set(&[("VisibilityTimeout", "7"), ("ReceiveMessageWaitTimeSeconds", "1")]).await.unwrap();
    let all = get("All").await.unwrap().attributes.unwrap();
    assert_eq!(all[&QueueAttributeName::VisibilityTimeout], "7");
    assert_eq!(all[&QueueAttributeName::QueueArn], "arn:aws:sqs:eu-west-1:123456789012:orders");
    assert_eq!(all[&QueueAttributeName::MessageRetentionPeriod], "345600");
    assert!(get("Policy").await.unwrap().attributes.is_none(), "a queue without a policy has no such attribute");

    assert_eq!(code(set(&[("VisibilityTimeout", "43201")]).await), "InvalidAttributeValue");
    assert_eq!(code(set(&[("QueueArn", "mine")]).await), "InvalidAttributeName");
    assert_eq!(code(set(&[("RedrivePolicy", "{}")]).await), "AWS.SimpleQueueService.UnsupportedOperation");
    assert_eq!(code(get("Colour").await), "InvalidAttributeName");
}

#[tokio::test]
async fn the_queues_own_timeout_applies_where_a_receiver_names_none() {
    let (aws, client, url) = queue().await;
    let seven = attributes(&[("VisibilityTimeout", "7")]);
    client.set_queue_attributes().queue_url(&url).set_attributes(Some(seven)).send().await.unwrap();
    aws.sqs().send("orders", "m").unwrap();
    client.receive_message().queue_url(&url).send().await.unwrap();
    pass(Duration::from_secs(7)).await;
    assert_eq!(read_depth(&client, &url).await, depth(1, 0, 0));
}

#[tokio::test]
async fn creating_a_queue_again_needs_the_same_attributes_and_fifo_is_refused() {
    let (_aws, client, url) = queue().await;
    let create = |name: &str, pairs: &[(&str, &str)]| {
        client.create_queue().queue_name(name).set_attributes(Some(attributes(pairs))).send()
    };
    assert_eq!(create("orders", &[]).await.unwrap().queue_url.unwrap(), url);
    let (code_, message) = refusal(create("orders", &[("VisibilityTimeout", "31")]).await);
    assert_eq!(code_, "QueueAlreadyExists");
    assert!(message.contains("VisibilityTimeout"), "{message}");
    assert_eq!(code(create("no spaces", &[]).await), "InvalidParameterValue");
    for (name, pairs) in [("orders.fifo", &[][..]), ("other", &[("FifoQueue", "true")][..])] {
        let (code, message) = refusal(create(name, pairs).await);
        assert_eq!(code, "AWS.SimpleQueueService.UnsupportedOperation");
        assert!(message.contains("not modelled"), "{message}");
    }
}

#[tokio::test]
async fn a_queue_is_found_by_the_path_of_its_url_alone() {
    let (_aws, client, url) = queue().await;
    let found = client.get_queue_url().queue_name("orders").send().await.unwrap();
    assert_eq!(found.queue_url.unwrap(), url);
    let send = |url: &str| client.send_message().queue_url(url).message_body("m").send();
    send("https://sqs.eu-west-1.amazonaws.com/123456789012/orders").await.unwrap();
    assert_eq!(read_depth(&client, &url).await, depth(1, 0, 0));
    assert_eq!(code(send("https://h/999999999999/orders").await), "AWS.SimpleQueueService.NonExistentQueue");
    assert_eq!(code(send("orders").await), "InvalidAddress");
}

#[tokio::test]
async fn what_does_not_exist_or_is_missing_gets_the_services_own_error() {
    let (aws, client, url) = queue().await;
    let unknown = aws.sqs().url("unknown");
    let error = client.send_message().queue_url(&unknown).message_body("m").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    assert!(matches!(error.into_service_error(), SendMessageError::QueueDoesNotExist(_)), "the SDK knows the type");
    let refused = client.get_queue_url().queue_name("unknown").send().await;
    assert_eq!(code(refused), "AWS.SimpleQueueService.NonExistentQueue");

    assert_eq!(code(client.get_queue_attributes().send().await), "MissingParameter");
    assert_eq!(code(client.send_message().queue_url(&url).send().await), "MissingParameter");
    let refused = client.send_message().queue_url(&url).message_body("\u{1}").send().await;
    assert_eq!(code(refused), "InvalidMessageContents");
    let refused = client.delete_message().queue_url(&url).receipt_handle("nonsense").send().await;
    assert_eq!(code(refused), "ReceiptHandleIsInvalid");

    aws.sqs().delete_queue("orders");
    let refused = client.receive_message().queue_url(&url).send().await;
    assert_eq!(code(refused), "AWS.SimpleQueueService.NonExistentQueue");
}

#[tokio::test]
async fn a_queue_is_purged_once_a_minute() {
    let (aws, client, url) = queue().await;
    aws.sqs().send("orders", "m").unwrap();
    let purge = || client.purge_queue().queue_url(&url).send();
    purge().await.unwrap();
    assert_eq!(read_depth(&client, &url).await, depth(0, 0, 0));
    assert_eq!(code(purge().await), "AWS.SimpleQueueService.PurgeQueueInProgress");
    pass(Duration::from_mins(1)).await;
    purge().await.unwrap();
}

#[tokio::test]
async fn a_member_the_model_does_not_know_is_refused_rather_than_ignored() {
    let (_aws, client, url) = queue().await;
    let refused = client.send_message().queue_url(&url).message_body("m").message_group_id("g").send().await;
    let (code, message) = refusal(refused);
    assert_eq!(code, "MalformedInput");
    assert!(message.contains("MessageGroupId"), "{message}");
}
