//! The bed itself: the parts are real, count what they say they count, and leave nothing behind.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod control_plane;
mod killed;
mod pods;
mod postgres;

use std::process::Output;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The value as a Kubernetes type.
fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Waits for something that no event tells of; a minute is many times what it takes.
async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
