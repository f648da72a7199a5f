//! A server on a loopback port that speaks AWS's JSON protocols (and STS's XML) as far as a test scripts it.

use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;

use super::{Access, Aws, Options};

/// Answers a call: the operation's name and its body (null where that is not JSON).
type Script = Arc<dyn Fn(&str, &Value) -> Answer + Send + Sync>;
type Calls = Arc<Mutex<Vec<(String, Value)>>>;

/// What the server answers.
pub(crate) enum Answer {
    Json(Value),
    /// HTTP status, error code, message.
    Error(u16, &'static str, &'static str),
    /// HTTP status and body, as they are.
    Raw(u16, &'static str),
    /// No answer at all.
    Hang,
}

pub(crate) struct Fake {
    url: String,
    calls: Calls,
    _server: AbortOnDropHandle<()>,
}

impl Fake {
    pub(crate) async fn serve(script: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static) -> Self {
        let calls = Calls::default();
        let state: (Script, Calls) = (Arc::new(script), Arc::clone(&calls));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(state);
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, calls, _server: AbortOnDropHandle::new(server) }
    }

    /// Clients that call this server with made-up credentials.
    pub(crate) fn aws(&self) -> Aws {
        let credentials = Credentials::new("AKIATEST", "secret-of-the-test", None, None, "test");
        self.aws_as(SharedCredentialsProvider::new(credentials))
    }

    pub(crate) fn aws_as(&self, credentials: SharedCredentialsProvider) -> Aws {
        Aws::new(Options { endpoint_url: Some(self.url.clone()), credentials: Some(credentials) })
    }

    /// The operations called so far, in order.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|(operation, _)| operation).collect()
    }

    /// The calls so far, in order.
    pub(crate) fn calls(&self) -> Vec<(String, Value)> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The operator's own identity in Ireland.
pub(crate) fn access() -> Access {
    Access { region: "eu-west-1".to_owned(), role_arn: None }
}

async fn answer(State((script, calls)): State<(Script, Calls)>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
    let form = String::from_utf8_lossy(&body).into_owned();
    let operation = match target {
        Some(target) => target.rsplit('.').next().unwrap().to_owned(),
        None => form.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default().to_owned(),
    };
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    calls.lock().unwrap_or_else(PoisonError::into_inner).push((operation.clone(), body.clone()));
    let status = |status| StatusCode::from_u16(status).unwrap();
    match script(&operation, &body) {
        Answer::Json(json) => axum::Json(json).into_response(),
        Answer::Error(code, name, message) => {
            let body = serde_json::json!({"__type": format!("com.amazonaws.test#{name}"), "message": message});
            (status(code), axum::Json(body)).into_response()
        }
        Answer::Raw(code, body) => (status(code), body).into_response(),
        Answer::Hang => std::future::pending().await,
    }
}
