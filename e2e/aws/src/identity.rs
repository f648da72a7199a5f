//! Who asks, and what they may do: access keys, roles, and allow-only policies.
//!
//! Signatures are not verified, since a test has no secret worth keeping. The access key is: it tells the principals
//! apart, so that a missing permission, a role that may not be assumed and an expired session can be played out.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::HeaderMap;
use tokio::time::Instant;

use crate::{ACCOUNT, REGION, Service, error::Refusal, identity::authorization::Authorization, protocol::text};

mod authorization;
mod policy;
pub(crate) mod sts;

use policy::Policy;

/// The access key of the administrator, who may do everything.
pub const ACCESS_KEY_ID: &str = "AKIAADMINISTRATOR000";

/// A secret for [`ACCESS_KEY_ID`]. SDKs want one to sign with; the model accepts any.
pub const SECRET_ACCESS_KEY: &str = "signatures-are-not-verified";

/// Credentials to sign requests with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The public part; the model knows the principal by it.
    pub id: String,
    /// The secret part; the model accepts any.
    pub secret: String,
}

/// The principals of the account and what they may do.
#[derive(Debug)]
pub struct Identity {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// ARN of the user or role → what it may do.
    policies: HashMap<String, Policy>,
    /// Access key → user ARN.
    keys: HashMap<String, String>,
    /// Role ARN → ARNs of the users and roles that may assume it.
    roles: HashMap<String, Vec<String>>,
    /// Access key → what `AssumeRole` issued.
    sessions: HashMap<String, Session>,
}

#[derive(Debug)]
struct Session {
    role: String,
    /// The ARN that error messages name, with the session's name.
    arn: String,
    token: String,
    expires: Instant,
}

/// What `AssumeRole` hands out.
struct Issued {
    key: AccessKey,
    token: String,
    /// Of the session.
    arn: String,
}

/// The one who made a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// As messages name it.
    pub(crate) arn: String,
    /// The user or role that policies and trust name.
    pub(crate) policy_arn: String,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let administrator = user_arn("administrator");
        let mut state = State::default();
        state.keys.insert(ACCESS_KEY_ID.to_owned(), administrator.clone());
        state.policies.entry(administrator).or_default().allow("*", "*");
        Self { state: Mutex::new(state) }
    }

    /// Adds a user without permissions, `arn:aws:iam::123456789012:user/<name>`, and returns its access key.
    pub fn add_user(&self, name: &str) -> AccessKey {
        let id = new_key("AKIA");
        self.lock().keys.insert(id.clone(), user_arn(name));
        AccessKey { id, secret: SECRET_ACCESS_KEY.to_owned() }
    }

    /// Adds a role without permissions that the named users and roles may assume, or changes who may.
    pub fn add_role(&self, arn: &str, trusted: &[&str]) {
        let trusted = trusted.iter().map(|&arn| arn.to_owned()).collect();
        self.lock().roles.insert(arn.to_owned(), trusted);
    }

    /// Lets a user or role (by ARN) do `action` on `resource`; `*` stands for any run of characters, as in
    /// `sqs:*` on `arn:aws:sqs:eu-west-1:123456789012:orders`.
    pub fn allow(&self, principal_arn: &str, action: &str, resource: &str) {
        self.lock().policies.entry(principal_arn.to_owned()).or_default().allow(action, resource);
    }

    /// Takes every permission from a user or role.
    pub fn withdraw(&self, principal_arn: &str) {
        self.lock().policies.remove(principal_arn);
    }

    /// Finds the principal of a request by its `Authorization` header.
    pub(crate) fn authenticate(&self, headers: &HeaderMap, service: Service) -> Result<Principal, Refusal> {
        let header = text(headers, "authorization").ok_or(Refusal::NoToken)?;
        let Authorization { access_key, region, service: signed_for } = Authorization::parse(header)?;
        if region != REGION {
            return Err(Refusal::WrongScope("Credential should be scoped to a valid region.".into()));
        }
        if signed_for != service.signing_name() {
            let expected = service.signing_name();
            return Err(Refusal::WrongScope(format!("Credential should be scoped to correct service: '{expected}'.")));
        }
        let state = self.lock();
        if let Some(user) = state.keys.get(access_key) {
            return Ok(Principal { arn: user.clone(), policy_arn: user.clone() });
        }
        let session = state.sessions.get(access_key).ok_or(Refusal::UnknownKey)?;
        if text(headers, "x-amz-security-token") != Some(session.token.as_str()) {
            return Err(Refusal::UnknownKey);
        }
        if session.expires <= Instant::now() {
            return Err(Refusal::Expired);
        }
        Ok(Principal { arn: session.arn.clone(), policy_arn: session.role.clone() })
    }

    /// Checks that the principal may do `action` on every one of `resources`.
    pub(crate) fn authorize(&self, principal: &Principal, action: &str, resources: &[String]) -> Result<(), Refusal> {
        let state = self.lock();
        let policy = state.policies.get(&principal.policy_arn);
        match resources.iter().find(|resource| !policy.is_some_and(|policy| policy.allows(action, resource))) {
            None => Ok(()),
            Some(resource) => Err(Refusal::Denied {
                principal: principal.arn.clone(),
                action: action.to_owned(),
                resource: resource.clone(),
            }),
        }
    }

    /// Issues credentials of `role`, if it exists and trusts the principal.
    fn assume(&self, principal: &Principal, role: &str, session_name: &str, lasts: Duration) -> Option<Issued> {
        let mut state = self.lock();
        if !state.roles.get(role)?.contains(&principal.policy_arn) {
            return None;
        }
        let id = new_key("ASIA");
        let token = format!("session-token-of-{id}");
        let name = role.rsplit('/').next().unwrap_or(role);
        let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session_name}");
        let session =
            Session { role: role.to_owned(), arn: arn.clone(), token: token.clone(), expires: Instant::now() + lasts };
        state.sessions.insert(id.clone(), session);
        Some(Issued { key: AccessKey { id, secret: SECRET_ACCESS_KEY.to_owned() }, token, arn })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn user_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

/// A key id of the usual 20 characters.
fn new_key(prefix: &str) -> String {
    format!("{prefix}{:016X}", rand::random::<u64>())
}
