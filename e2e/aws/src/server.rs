//! The HTTP server: from a connection to an operation and back.

use std::{convert::Infallible, fmt, io::Read as _, sync::Arc, time::Duration};

use http::{HeaderMap, Request, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    AwsError, Ecs, Service, Sqs,
    error::Refusal,
    faults::Effect,
    identity::sts,
    model::Model,
    protocol::{self, Input, Route, text},
};

/// The largest body taken: no request of the modelled operations comes near it.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// How long to wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves connections until dropped; they are dropped with it.
pub(crate) async fn serve(listener: TcpListener, model: Arc<Model>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let model = Arc::clone(&model);
                    connections.spawn(async move {
                        let answer = service_fn(|request| answer(Arc::clone(&model), request));
                        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                        if let Err(error) = connection.await {
                            tracing::debug!(%error, "a connection ended early");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Out of file descriptors, most likely: the next attempt needs one to be closed first.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Why a request gets no answer: the connection is to be closed.
#[derive(Debug)]
enum Unanswered {
    Dropped,
    Broken(String),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped => f.write_str("dropped by an injected fault"),
            Self::Broken(why) => write!(f, "the request could not be read: {why}"),
        }
    }
}

impl std::error::Error for Unanswered {}

async fn answer(model: Arc<Model>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Unanswered> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| Unanswered::Broken(error.to_string()))?;
    let body = unpack(&parts.headers, body.to_bytes())?;
    let Some(route) = protocol::route(&parts, &body) else {
        let mut response = Response::new(Full::from("<UnknownOperationException/>\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    };
    model.calls.add(route.service, &route.operation);
    let request_id = format!("{:032x}", rand::random::<u128>());
    let outcome = carry_out(&model, &route, &parts, body).await?;
    if let Err(error) = &outcome {
        tracing::debug!(service = %route.service, operation = route.operation, %error, "refused");
    }
    Ok(protocol::reply(&route, &request_id, outcome))
}

async fn carry_out(
    model: &Model,
    route: &Route,
    parts: &Parts,
    body: Vec<u8>,
) -> Result<Result<Vec<u8>, AwsError>, Unanswered> {
    let Route { service, operation } = route;
    let admitted = model.identity.authenticate(&parts.headers, *service).and_then(|principal| {
        let input = protocol::read(*service, body)?;
        let resources = resources(*service, operation, &input);
        // Whom a role trusts decides alone on AssumeRole, as for principals of one account.
        if *service != Service::Sts {
            let action = format!("{}:{operation}", service.action_prefix());
            model.identity.authorize(&principal, &action, &resources)?;
        }
        Ok((principal, input, resources))
    });
    let (principal, input, resources) = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => return Ok(Err(refusal.of(*service))),
    };
    match model.faults.meet(*service, operation, &resources) {
        None => {}
        Some(Effect::Fail(error)) => return Ok(Err(error)),
        Some(Effect::Throttle) => return Ok(Err(Refusal::Throttled.of(*service))),
        Some(Effect::Hang) => std::future::pending().await,
        Some(Effect::Delay(time)) => tokio::time::sleep(time).await,
        Some(Effect::Drop) => return Err(Unanswered::Dropped),
    }
    let json = |outcome: Result<serde_json::Value, AwsError>| outcome.map(|value| value.to_string().into_bytes());
    Ok(match (service, input) {
        (Service::Sqs, Input::Json(input)) => json(model.sqs.call(operation, input).await),
        (Service::Ecs, Input::Json(input)) => json(model.ecs.call(operation, input)),
        (Service::Autoscaling, Input::Json(input)) => json(model.autoscaling.call(operation, input)),
        (Service::CloudWatch, Input::Cbor(input)) => model.cloudwatch.call(operation, &input),
        (Service::Sts, Input::Form(fields)) => sts::call(&model.identity, model.clock, &principal, operation, &fields),
        (service, _) => Err(Refusal::UnknownOperation.of(*service)),
    })
}

/// The ARNs a request is about; `*` where the service knows none.
fn resources(service: Service, operation: &str, input: &Input) -> Vec<String> {
    match (service, input) {
        (Service::Sqs, Input::Json(input)) => Sqs::resources(input),
        (Service::Ecs, Input::Json(input)) => Ecs::resources(operation, input),
        (_, Input::Form(fields)) => {
            vec![fields.get("RoleArn").map_or("*", String::as_str).to_owned()]
        }
        _ => vec!["*".to_owned()],
    }
}

/// Undoes the compression that SDKs use for large `PutMetricData` requests.
fn unpack(headers: &HeaderMap, body: Bytes) -> Result<Vec<u8>, Unanswered> {
    if text(headers, "content-encoding") != Some("gzip") {
        return Ok(body.into());
    }
    let mut unpacked = Vec::new();
    let limit = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
    flate2::read::GzDecoder::new(&*body)
        .take(limit)
        .read_to_end(&mut unpacked)
        .map_err(|error| Unanswered::Broken(error.to_string()))?;
    Ok(unpacked)
}
