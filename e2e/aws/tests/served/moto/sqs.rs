//! Questions about queues.

use aws_sdk_sqs::{
    Client,
    operation::receive_message::ReceiveMessageOutput,
    types::{DeleteMessageBatchRequestEntry, QueueAttributeName, SendMessageBatchRequestEntry},
};

use super::Transcript;

pub(super) async fn ask(t: &mut Transcript, client: &Client) {
    let url = create(t, client).await;
    send(t, client, &url).await;
    let handles = receive(t, client, &url).await;
    hide_and_delete(t, client, &url, &handles).await;
    set_and_purge(t, client, &url).await;
}

async fn create(t: &mut Transcript, client: &Client) -> String {
    let create = || client.create_queue().queue_name("orders").send();
    let url = create().await.unwrap().queue_url.unwrap();
    t.note("create the queue again", create().await, |it| path(it.queue_url()));
    let find = |name: &str| client.get_queue_url().queue_name(name).send();
    t.note("its url", find("orders").await, |it| path(it.queue_url()));
    t.note("url of no queue", find("absent").await, |it| path(it.queue_url()));
    depth(t, client, &url, "the empty queue").await;
    url
}

async fn send(t: &mut Transcript, client: &Client, url: &str) {
    let one = |body: &str| client.send_message().queue_url(url).message_body(body);
    let digest = |it: Option<&str>| it.unwrap_or("none").to_owned();
    t.note("send", one("a").send().await, |it| digest(it.md5_of_message_body()));
    t.note("send delayed", one("later").delay_seconds(900).send().await, |it| digest(it.md5_of_message_body()));
    t.note("send delayed too long", one("m").delay_seconds(901).send().await, done);
    t.note("send to no queue", one("m").queue_url(absent(url)).send().await, done);
    let batch = |ids: &[&str]| {
        let entry = |id: &&str| SendMessageBatchRequestEntry::builder().id(*id).message_body(*id).build().unwrap();
        let entries = ids.iter().map(entry).collect();
        client.send_message_batch().queue_url(url).set_entries(Some(entries)).send()
    };
    t.note("send a batch", batch(&["b", "c", "d"]).await, |it| halves(it.successful().len(), it.failed().len()));
    t.note("send a batch of no entry", batch(&[]).await, done);
    t.note("send a batch with one id twice", batch(&["b", "b"]).await, done);
    depth(t, client, url, "four messages and one delayed").await;
}

/// Returns the handles of the four messages received.
async fn receive(t: &mut Transcript, client: &Client, url: &str) -> Vec<String> {
    let receive = || client.receive_message().queue_url(url);
    let eleven = receive().max_number_of_messages(11).send().await;
    t.note("receive eleven", eleven, |it| bodies(&it));
    t.note("wait too long", receive().wait_time_seconds(21).send().await, |it| bodies(&it));
    t.note("receive from no queue", receive().queue_url(absent(url)).send().await, |it| bodies(&it));
    let ten = receive().max_number_of_messages(10).visibility_timeout(60).send().await;
    let messages = ten.as_ref().unwrap().messages.clone().unwrap();
    t.note("receive ten", ten, |it| bodies(&it));
    t.note("receive what is left", receive().wait_time_seconds(1).send().await, |it| bodies(&it));
    depth(t, client, url, "everything in flight").await;
    messages.into_iter().map(|it| it.receipt_handle.unwrap()).collect()
}

async fn hide_and_delete(t: &mut Transcript, client: &Client, url: &str, handles: &[String]) {
    let delete = |handle: &str| client.delete_message().queue_url(url).receipt_handle(handle).send();
    t.note("delete", delete(&handles[0]).await, done);
    t.note("delete again", delete(&handles[0]).await, done);
    t.note("delete with a wrong handle", delete("nonsense").await, done);
    let hide = |handle: &str, seconds| {
        let hide = client.change_message_visibility().queue_url(url);
        hide.receipt_handle(handle).visibility_timeout(seconds).send()
    };
    t.note("show a message at once", hide(&handles[1], 0).await, done);
    t.note("hide one too long", hide(&handles[2], 43_201).await, done);
    depth(t, client, url, "one shown again").await;
    let again = client.receive_message().queue_url(url).wait_time_seconds(2).send().await;
    let new = again.as_ref().unwrap().messages()[0].receipt_handle.clone().unwrap();
    let is_new = new != handles[1];
    t.note("receive it again", again, |it| format!("{}, with a new handle: {is_new}", bodies(&it)));

    let entry = |(id, handle): (&str, &String)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle);
        entry.build().unwrap()
    };
    let wrong = "nonsense".to_owned();
    let entries = [("new", &new), ("first", &handles[2]), ("wrong", &wrong)].map(entry).to_vec();
    let deleted = client.delete_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
    t.note("delete a batch", deleted, |it| halves(it.successful().len(), it.failed().len()));
    depth(t, client, url, "one in flight and one delayed").await;
    t.note("show the last", hide(&handles[3], 0).await, done);
    t.note("hide it, which is not in flight", hide(&handles[3], 60).await, done);
}

async fn set_and_purge(t: &mut Transcript, client: &Client, url: &str) {
    let set = |seconds: &str| {
        let set = client.set_queue_attributes().queue_url(url);
        set.attributes(QueueAttributeName::VisibilityTimeout, seconds).send()
    };
    let get = |name: &str| client.get_queue_attributes().queue_url(url).attribute_names(name.into()).send();
    t.note("set the timeout", set("7").await, done);
    t.note("read it", get("VisibilityTimeout").await, |it| format!("{:?}", it.attributes()));
    t.note("set it too high", set("43201").await, done);
    t.note("read an unknown attribute", get("Colour").await, done);
    t.note("purge", client.purge_queue().queue_url(url).send().await, done);
    depth(t, client, url, "the purged queue").await;
    t.note("send nothing", client.send_message().queue_url(url).message_body("").send().await, done);
}

async fn depth(t: &mut Transcript, client: &Client, url: &str, of: &str) {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        QueueAttributeName::QueueArn,
    ];
    let get = client.get_queue_attributes().queue_url(url);
    let answer = get.set_attribute_names(Some(names.to_vec())).send().await;
    t.note(&format!("depth of {of}"), answer, |it| {
        let attributes = it.attributes.unwrap();
        format!("{:?}", names.map(|name| attributes[&name].clone()))
    });
}

fn done<T>(_: T) -> String {
    "done".to_owned()
}

fn halves(successful: usize, failed: usize) -> String {
    format!("{successful} done, {failed} failed")
}

/// The part of a queue's URL that does not depend on the server.
fn path(url: Option<&str>) -> String {
    let (_, rest) = url.unwrap().split_once("://").unwrap();
    rest.split_once('/').unwrap().1.to_owned()
}

fn absent(url: &str) -> String {
    url.replace("orders", "absent")
}

/// What was received, in no order: a standard queue promises none.
fn bodies(received: &ReceiveMessageOutput) -> String {
    let mut bodies: Vec<_> = received.messages().iter().map(|it| it.body().unwrap()).collect();
    bodies.sort_unstable();
    format!("{bodies:?}")
}
