//! From HTTP to an operation and back, in the four protocols the current SDKs speak.
//!
//! | service | protocol | operation | error |
//! |---|---|---|---|
//! | SQS | AWS JSON 1.0 | `X-Amz-Target: AmazonSQS.Op` | JSON `__type`, older code in `x-amzn-query-error` |
//! | ECS | AWS JSON 1.1 | `X-Amz-Target: AmazonEC2ContainerServiceV20141113.Op` | JSON `__type` |
//! | Application Auto Scaling | AWS JSON 1.1 | `X-Amz-Target: AnyScaleFrontendService.Op` | JSON `__type` |
//! | CloudWatch | Smithy RPC v2 CBOR | `/service/GraniteServiceVersion20100801/operation/Op` | CBOR `__type`, older code likewise |
//! | STS | AWS Query | form field `Action` | XML |

use std::collections::BTreeMap;

use http::{HeaderMap, Method, Response, header, request::Parts};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::{
    AwsError, Service,
    error::{Origin, Refusal},
};

const JSON_1_0: &str = "application/x-amz-json-1.0";
const JSON_1_1: &str = "application/x-amz-json-1.1";
const CBOR: &str = "application/cbor";
const FORM: &str = "application/x-www-form-urlencoded";
const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Which operation of which service a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) service: Service,
    pub(crate) operation: String,
}

/// What an operation is given.
#[derive(Debug)]
pub(crate) enum Input {
    Json(Value),
    Cbor(Vec<u8>),
    Form(BTreeMap<String, String>),
}

/// Finds the operation of a request; `None` when it is none of the four protocols.
pub(crate) fn route(parts: &Parts, body: &[u8]) -> Option<Route> {
    if parts.method != Method::POST {
        return None;
    }
    let content_type = text(&parts.headers, "content-type").and_then(|value| value.split(';').next())?;
    let path = parts.uri.path();
    if let Some(target) = text(&parts.headers, "x-amz-target") {
        let (name, operation) = target.split_once('.')?;
        let service = match (name, content_type, path) {
            ("AmazonSQS", JSON_1_0, "/") => Service::Sqs,
            ("AmazonEC2ContainerServiceV20141113", JSON_1_1, "/") => Service::Ecs,
            ("AnyScaleFrontendService", JSON_1_1, "/") => Service::Autoscaling,
            _ => return None,
        };
        return Some(Route { service, operation: operation.to_owned() });
    }
    if text(&parts.headers, "smithy-protocol") == Some("rpc-v2-cbor") {
        let operation = path.strip_prefix("/service/GraniteServiceVersion20100801/operation/")?;
        return Some(Route { service: Service::CloudWatch, operation: operation.to_owned() });
    }
    if content_type == FORM && path == "/" {
        let fields = form(body);
        let operation = fields.get("Action").filter(|_| fields.get("Version").is_some_and(|v| v == "2011-06-15"))?;
        return Some(Route { service: Service::Sts, operation: operation.clone() });
    }
    None
}

/// Reads the body in the service's protocol.
pub(crate) fn read(service: Service, body: Vec<u8>) -> Result<Input, Refusal> {
    match service {
        Service::Sqs | Service::Ecs | Service::Autoscaling => match serde_json::from_slice(&body) {
            Ok(value @ Value::Object(_)) => Ok(Input::Json(value)),
            Ok(_) => Err(Refusal::Unreadable("the body must be a JSON object".into())),
            Err(error) => Err(Refusal::Unreadable(format!("the body is not JSON: {error}"))),
        },
        Service::CloudWatch => Ok(Input::Cbor(body)),
        Service::Sts => Ok(Input::Form(form(&body))),
    }
}

/// Writes what an operation gave, or its error, in the service's protocol.
pub(crate) fn reply(route: &Route, request_id: &str, outcome: Result<Vec<u8>, AwsError>) -> Response<Full<Bytes>> {
    let content_type = match route.service {
        Service::Sqs => JSON_1_0,
        Service::Ecs | Service::Autoscaling => JSON_1_1,
        Service::CloudWatch => CBOR,
        Service::Sts => "text/xml",
    };
    let mut response = Response::new(Full::default());
    insert(response.headers_mut(), header::CONTENT_TYPE.as_str(), content_type);
    insert(response.headers_mut(), "x-amzn-requestid", request_id);
    if route.service == Service::CloudWatch {
        insert(response.headers_mut(), "smithy-protocol", "rpc-v2-cbor");
    }
    let body = match outcome {
        Ok(body) if route.service == Service::Sts => wrap_xml(&route.operation, request_id, &body),
        Ok(body) => body,
        Err(error) => {
            *response.status_mut() = http::StatusCode::from_u16(error.status).unwrap_or_default();
            if let Some(code) = &error.query_code {
                insert(response.headers_mut(), "x-amzn-query-error", &format!("{code};{}", error.fault()));
            }
            error_body(route.service, request_id, &error)
        }
    };
    *response.body_mut() = Full::new(Bytes::from(body));
    response
}

fn error_body(service: Service, request_id: &str, error: &AwsError) -> Vec<u8> {
    let namespace = match (service, error.origin) {
        (Service::Ecs | Service::Autoscaling | Service::Sts, _) => "",
        (_, Origin::Platform) => "com.amazon.coral.service#",
        (Service::Sqs, Origin::Service) => "com.amazonaws.sqs#",
        (Service::CloudWatch, Origin::Service) => "com.amazonaws.cloudwatch#",
    };
    let body = json!({ "__type": format!("{namespace}{}", error.code), "message": error.message });
    match service {
        Service::Sqs | Service::Ecs | Service::Autoscaling => body.to_string().into_bytes(),
        Service::CloudWatch => cbor(&body),
        Service::Sts => format!(
            "<ErrorResponse xmlns=\"{STS_NAMESPACE}\"><Error><Type>{}</Type><Code>{}</Code><Message>{}</Message>\
             </Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            error.fault(),
            escape(error.code()),
            escape(&error.message),
        )
        .into_bytes(),
    }
}

fn wrap_xml(operation: &str, request_id: &str, result: &[u8]) -> Vec<u8> {
    format!(
        "<{operation}Response xmlns=\"{STS_NAMESPACE}\"><{operation}Result>{}</{operation}Result>\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>",
        String::from_utf8_lossy(result),
    )
    .into_bytes()
}

/// Encodes a value that CBOR can always hold.
pub(crate) fn cbor(value: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail, and the model's answers have no value CBOR lacks.
    if let Err(error) = ciborium::into_writer(value, &mut bytes) {
        tracing::error!(%error, "an answer could not be encoded");
    }
    bytes
}

/// Replaces the characters that XML text may not hold.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A header's value where it is there once and is text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // Every value is printable ASCII that the model itself wrote.
    if let Ok(value) = value.parse() {
        headers.insert(name, value);
    }
}
