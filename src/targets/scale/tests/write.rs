//! A write is conditional, and its errors tell whether it may have been carried out.

use hybridscaler_core::Replicas;
use serde_json::{Value, json};

use super::{DEPLOYMENT, api_server, target};
use crate::{
    kubernetes::fake::{Fake, refusal},
    targets::WriteError,
};

/// What writing comes to when the write is answered so.
async fn write_with(answer: Option<(u16, Value)>) -> Result<(), WriteError> {
    let fake =
        Fake::new(move |asked, _| if asked.starts_with("PUT ") { answer.clone() } else { Some(api_server(asked)) });
    let target = target(&fake);
    let seen = target.observe().await.unwrap();
    target.write(&seen, Replicas(5)).await
}

#[tokio::test]
async fn a_write_carries_the_version_and_identity_of_what_was_seen() {
    let fake = Fake::new(|line, _| Some(api_server(line)));
    let target = target(&fake);
    let seen = target.observe().await.unwrap();
    target.write(&seen, Replicas(5)).await.unwrap();
    let (line, body) = fake.asked().pop().unwrap();
    assert!(line.starts_with(&format!("PUT {DEPLOYMENT}/scale?")), "{line}");
    assert!(line.contains("fieldManager=hybridscaler"), "{line}");
    assert_eq!(
        (&body["metadata"]["resourceVersion"], &body["metadata"]["uid"], &body["spec"]["replicas"]),
        (&json!("42"), &json!("d-1"), &json!(5))
    );
}

#[tokio::test]
async fn a_target_that_changed_since_is_a_conflict() {
    let conflict = refusal(409, "Conflict", "the object has been modified");
    assert_eq!(write_with(Some(conflict)).await, Err(WriteError::Conflict));
}

#[tokio::test]
async fn a_write_that_was_refused_is_told_from_one_whose_outcome_is_unknown() {
    let write = async |code, reason: &str| write_with(Some(refusal(code, reason, "its words"))).await.unwrap_err();
    assert!(matches!(write(403, "Forbidden").await, WriteError::Forbidden(_)));
    assert!(matches!(write(404, "NotFound").await, WriteError::NotFound(_)));
    assert!(matches!(write(422, "Invalid").await, WriteError::Refused(text) if text.contains("its words")));
    assert!(matches!(write(429, "TooManyRequests").await, WriteError::Throttled(_)));
    assert!(matches!(write(504, "Timeout").await, WriteError::UnknownOutcome(_)));
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_has_an_unknown_outcome() {
    assert!(matches!(write_with(None).await, Err(WriteError::UnknownOutcome(_))));
}
