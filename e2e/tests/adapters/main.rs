//! The adapters against what they are made for: an AWS that is served, a real control plane, a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod ecs;
mod least_privilege;
mod ledger;
mod mariadb;
mod postgres;
mod scale;
mod signals;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use hybridscaler::{
    aws::{Access, Aws, Options},
    databases::Roots,
};
use hybridscaler_e2e_aws::{self as served, ACCESS_KEY_ID, AccessKey, REGION, SECRET_ACCESS_KEY};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// The operator's clients, calling the served AWS as its administrator.
fn administrator(served: &served::Aws) -> Aws {
    operator(served, &AccessKey { id: ACCESS_KEY_ID.to_owned(), secret: SECRET_ACCESS_KEY.to_owned() })
}

/// The operator's clients, calling the served AWS with this key.
fn operator(served: &served::Aws, key: &AccessKey) -> Aws {
    let credentials = Credentials::from_keys(&key.id, &key.secret, None);
    Aws::new(Options {
        endpoint_url: Some(served.endpoint().to_owned()),
        credentials: Some(SharedCredentialsProvider::new(credentials)),
    })
}

fn access(role_arn: Option<&str>) -> Access {
    Access { region: REGION.to_owned(), role_arn: role_arn.map(str::to_owned) }
}

/// The authority whose certificate is in this PEM file, and no other.
fn roots_of(authority: &Path) -> Roots {
    [CertificateDer::from_pem_file(authority).unwrap()].into_iter().collect()
}

/// Waits for something that no event tells of; a minute is many times what it takes.
async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
