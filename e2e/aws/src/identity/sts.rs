//! `AssumeRole` of the Security Token Service.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::{
    AwsError, Service,
    clock::Clock,
    error::Refusal,
    identity::{Identity, Issued, Principal},
    protocol::escape,
};

/// Length of a session without `DurationSeconds`, in seconds (API reference of `AssumeRole`).
const DEFAULT_DURATION: u64 = 3_600;

/// What the model understands of a request; `Action` and `Version` name the operation.
const FIELDS: [&str; 5] = ["Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds"];

/// Carries out an operation of STS and returns the XML inside its result element.
pub(crate) fn call(
    identity: &Identity,
    clock: Clock,
    principal: &Principal,
    operation: &str,
    fields: &BTreeMap<String, String>,
) -> Result<Vec<u8>, AwsError> {
    if operation != "AssumeRole" {
        return Err(Refusal::UnknownOperation.of(Service::Sts));
    }
    if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(invalid(format!("the model does not know the parameter {name}")));
    }
    let role = required(fields, "RoleArn")?;
    if !role.starts_with("arn:aws:iam::") || !role.contains(":role/") {
        return Err(invalid(format!("{role} is invalid")));
    }
    let session = required(fields, "RoleSessionName")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&session.len()) || !session.chars().all(allowed) {
        return Err(invalid(format!(
            "Value '{session}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: [\\w+=,.@-]* and have a length of 2 to 64"
        )));
    }
    let lasts = match fields.get("DurationSeconds").map(|seconds| seconds.parse()) {
        None => DEFAULT_DURATION,
        Some(Ok(seconds @ 900..=43_200)) => seconds,
        Some(_) => {
            return Err(invalid("Value at 'durationSeconds' failed to satisfy constraint: 900 to 43200".into()));
        }
    };
    let lasts = Duration::from_secs(lasts);
    let Some(Issued { key, token, arn }) = identity.assume(principal, role, session, lasts) else {
        let principal = &principal.arn;
        let message = format!("User: {principal} is not authorized to perform: sts:AssumeRole on resource: {role}");
        return Err(AwsError::new("AccessDenied", message).status(403));
    };
    let expiration = clock.date(Instant::now() + lasts).strftime("%Y-%m-%dT%H:%M:%SZ");
    Ok(format!(
        "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>{expiration}</Expiration></Credentials>\
         <AssumedRoleUser><AssumedRoleId>AROA:{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>",
        key.id,
        key.secret,
        escape(session),
        escape(&arn),
    )
    .into_bytes())
}

fn required<'a>(fields: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, AwsError> {
    match fields.get(name) {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(invalid(format!("Value null at '{name}' failed to satisfy constraint: Member must not be null"))),
    }
}

fn invalid(message: String) -> AwsError {
    AwsError::new("ValidationError", message)
}
