//! A real server's limits are read over one connection, and its refusals are told apart.

use std::{path::Path, sync::Arc};

use hybridscaler::databases::{DatabaseError, Postgres, Roots};
use hybridscaler_core::{Connections, budget::PostgresLimits};
use hybridscaler_e2e::bed::{
    keys::{Authority, KeyPair},
    postgres::{HELD_BY_THE_BED, Postgres as Server, SUPERUSER_RESERVED_CONNECTIONS, Settings, Tls},
    run::{Claim, Run},
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio_postgres::{Client, NoTls};

use crate::eventually;

/// A server with the role `scaler`.
struct Scene {
    server: Server,
    _claim: Claim,
}

impl Scene {
    async fn lay(name: &str, settings: Settings) -> Self {
        let run = Arc::new(Run::create().unwrap());
        let claim = run.claim().unwrap();
        let server = Server::start(run, name, settings).await.unwrap();
        server.create_role("scaler").await.unwrap();
        Self { server, _claim: claim }
    }

    fn url(&self) -> String {
        self.server.url("scaler")
    }

    async fn connect(&self, role: &str) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.server.url(role), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// How many connections of the operator the server sees, by their application name.
    async fn operators(&self, looker: &Client) -> i64 {
        let query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hybridscaler/uid-1'";
        looker.query_one(query, &[]).await.unwrap().get(0)
    }
}

/// The operator's reader of the server at `url`, with no certificate authorities.
fn reader(url: &str) -> Postgres {
    Postgres::new(url, "uid-1", &RootCertStore::empty().into()).unwrap()
}

#[tokio::test]
async fn the_limits_are_those_of_the_server_with_all_its_reserves() {
    let settings = Settings { max_connections: 50, reserved_connections: 4, ..Settings::default() };
    let scene = Scene::lay("limits", settings).await;
    let limits = reader(&scene.url()).read().await.unwrap();
    assert_eq!(
        limits,
        PostgresLimits {
            max_connections: Connections(50),
            superuser_reserved: Connections(3),
            reserved: Connections(4),
            rds_superuser_reserved: Connections(0),
        }
    );
    assert_eq!(limits.usable(), Connections(43));
}

#[tokio::test]
async fn one_connection_serves_all_reads_and_bears_the_budgets_uid() {
    let scene = Scene::lay("kept", Settings::default()).await;
    let looker = scene.connect("postgres").await.unwrap();
    let reader = reader(&scene.url());
    for _ in 0..5 {
        reader.read().await.unwrap();
        assert_eq!(scene.operators(&looker).await, 1);
    }
    drop(reader);
    eventually("the connection is closed", async || scene.operators(&looker).await == 0).await;
}

#[tokio::test]
async fn a_connection_that_the_server_ended_is_replaced_at_the_next_read() {
    let scene = Scene::lay("ended", Settings::default()).await;
    let looker = scene.connect("postgres").await.unwrap();
    let reader = reader(&scene.url());
    reader.read().await.unwrap();
    let end =
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE 'hybridscaler/%'";
    looker.batch_execute(end).await.unwrap();
    reader.read().await.unwrap();
    assert_eq!(scene.operators(&looker).await, 1);
}

#[tokio::test]
async fn a_full_server_refuses_a_new_reader_and_still_answers_the_one_that_is_connected() {
    let settings = Settings { max_connections: 10, ..Settings::default() };
    let scene = Scene::lay("full", settings).await;
    scene.server.create_role("orders").await.unwrap();
    let early = reader(&scene.url());
    early.read().await.unwrap();
    let ordinary = 10 - SUPERUSER_RESERVED_CONNECTIONS - HELD_BY_THE_BED - 1;
    let mut held = Vec::new();
    for _ in 0..ordinary {
        held.push(scene.connect("orders").await.unwrap());
    }
    let late = reader(&scene.url());
    let refused = late.read().await.unwrap_err();
    assert!(matches!(&refused, DatabaseError::TooManyConnections { user, .. } if user == "scaler"), "{refused}");
    early.read().await.unwrap();

    // It waits before it tries again, and says the same meanwhile.
    let refusals = scene.server.refusals().unwrap();
    assert_eq!(late.read().await.unwrap_err(), refused);
    assert_eq!(scene.server.refusals().unwrap(), refusals);
    drop(held);
    eventually("there is room again", async || late.read().await.is_ok()).await;
}

#[tokio::test]
async fn a_wrong_password_is_an_authentication_error_that_does_not_repeat_it() {
    let scene = Scene::lay("password", Settings::default()).await;
    let url = scene.url().replacen("scaler:", "scaler:hunter2", 1);
    let refused = reader(&url).read().await.unwrap_err();
    assert!(matches!(&refused, DatabaseError::Authentication { user, .. } if user == "scaler"), "{refused}");
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
}

#[tokio::test]
async fn a_certificate_is_checked_as_far_as_sslmode_asks() {
    let scene = Scene::lay("tls", Settings { tls: Tls::Required, ..Settings::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let other = Authority::create(folder.path(), "other").unwrap();
    let (issuer, stranger) = (roots_of(scene.server.certificate_authority().unwrap()), roots_of(other.certificate()));
    assert_eq!(accepting(&scene, &issuer).await, ["prefer", "require", "verify-ca", "verify-full"]);
    assert_eq!(accepting(&scene, &stranger).await, ["prefer", "require"]);

    // The right authority, for another host.
    let elsewhere = other.issue("elsewhere", "DNS:elsewhere.example").unwrap();
    certify(&scene, &elsewhere).await;
    eventually("the server has its new certificate", async || accepting(&scene, &issuer).await.len() == 2).await;
    assert_eq!(accepting(&scene, &stranger).await, ["prefer", "require", "verify-ca"]);

    let refused = read(&scene, "disable", &issuer).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Authentication { .. }), "{refused}");
}

async fn read(scene: &Scene, sslmode: &str, roots: &Roots) -> Result<PostgresLimits, DatabaseError> {
    let url = scene.url().replace("sslmode=require", &format!("sslmode={sslmode}"));
    Postgres::new(&url, "uid-1", roots).unwrap().read().await
}

/// The modes in which the server is accepted; in the others TLS fails.
async fn accepting(scene: &Scene, roots: &Roots) -> Vec<&'static str> {
    let mut accepting = Vec::new();
    for sslmode in ["prefer", "require", "verify-ca", "verify-full"] {
        match read(scene, sslmode, roots).await {
            Ok(_) => accepting.push(sslmode),
            Err(error) => assert!(matches!(error, DatabaseError::Tls { .. }), "{sslmode}: {error}"),
        }
    }
    accepting
}

fn roots_of(authority: &Path) -> Roots {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    roots.into()
}

/// Gives the server another certificate. It writes the files itself, since they must be its own.
async fn certify(scene: &Scene, pair: &KeyPair) {
    let superuser = scene.connect("postgres").await.unwrap();
    for (setting, file) in [("ssl_cert_file", &pair.certificate), ("ssl_key_file", &pair.key)] {
        let path: String = superuser.query_one(&format!("SHOW {setting}"), &[]).await.unwrap().get(0);
        let content = std::fs::read_to_string(file).unwrap();
        let lines = format!("SELECT unnest(string_to_array('{}', E'\\n'))", content.trim_end());
        superuser.batch_execute(&format!("COPY ({lines}) TO PROGRAM 'cat > \"{path}\"'")).await.unwrap();
    }
    superuser.batch_execute("SELECT pg_reload_conf()").await.unwrap();
}
