//! An API server behind the client's own HTTP service: it answers what a test scripts and records what it was asked.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use kube::{Client, client::Body};
use serde_json::{Value, json};

/// One request: method and path with query, as `GET /api/…`, and its body (null without one).
pub(crate) type Asked = (String, Value);

/// Answers a request (`GET /path`, without the query) with a status and a body; none: never.
type Script = dyn Fn(&str, &Value) -> Option<(u16, Value)> + Send + Sync;

pub(crate) struct Fake {
    pub(crate) client: Client,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    pub(crate) fn new(script: impl Fn(&str, &Value) -> Option<(u16, Value)> + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, log): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&asked));
        let service = tower::service_fn(move |request: Request<Body>| {
            let (script, log) = (Arc::clone(&script), Arc::clone(&log));
            async move {
                let (parts, body) = request.into_parts();
                let body = serde_json::from_slice(&body.collect_bytes().await.unwrap()).unwrap_or(Value::Null);
                log.lock().unwrap().push((format!("{} {}", parts.method, parts.uri), body.clone()));
                let Some((status, answer)) = script(&format!("{} {}", parts.method, parts.uri.path()), &body) else {
                    return std::future::pending().await;
                };
                let answer = Response::builder().status(status).body(Body::from(answer.to_string().into_bytes()));
                Ok::<_, Infallible>(answer.unwrap())
            }
        });
        Self { client: Client::new(service, "default"), asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Requests whose line contains `text`.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.asked().iter().filter(|(line, _)| line.contains(text)).count()
    }
}

/// A refusal as the API server words it.
pub(crate) fn refusal(code: u16, reason: &str, message: &str) -> (u16, Value) {
    (code, json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}))
}

pub(crate) fn list(items: &[Value]) -> (u16, Value) {
    (200, json!({"metadata": {"resourceVersion": "500"}, "items": items}))
}
