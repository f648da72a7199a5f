//! A real server's limits are read over one connection, and its refusals are told apart.

use std::sync::Arc;

use futures::future::join_all;
use hybridscaler::databases::{Database, DatabaseError, Engine, Limits, Method, OtherLedger, Reading, Roots};
use hybridscaler_core::{Connections, budget::PostgresLimits};
use hybridscaler_e2e::bed::{
    keys::{Authority, KeyPair},
    postgres::{HELD_BY_THE_BED, Postgres as Server, SUPERUSER_RESERVED_CONNECTIONS, Settings, Tls, Version},
    run::{Claim, Run},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_postgres::{Client, NoTls};

use crate::{eventually, roots_of};

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
fn reader(url: &str) -> Database {
    reader_of("uid-1", url)
}

fn reader_of(budget_uid: &str, url: &str) -> Database {
    Database::new(Engine::Postgres, url, budget_uid, &Roots::from_iter([])).unwrap()
}

#[tokio::test]
async fn an_ordinary_role_gets_as_many_connections_as_were_read_on_every_version() {
    join_all(Version::ALL.map(opened_until_refused)).await;
}

async fn opened_until_refused(version: Version) {
    let reserved = if version >= Version::V16 { 4 } else { 0 };
    let settings = Settings { version, max_connections: 25, reserved_connections: reserved, ..Settings::default() };
    let scene = Scene::lay(&format!("usable-{version:?}"), settings).await;
    let reader = reader(&scene.url());
    let usable = reader.read().await.unwrap().usable();
    let mut held = Vec::new();
    while let Ok(client) = scene.connect("scaler").await {
        held.push(client);
    }
    let readers = 1;
    let opened = u32::try_from(held.len()).unwrap() + u32::from(HELD_BY_THE_BED) + readers;
    assert_eq!(Connections(opened), usable, "{version:?}");
    assert_eq!(
        usable,
        Connections(25 - u32::from(SUPERUSER_RESERVED_CONNECTIONS) - u32::from(reserved)),
        "{version:?}"
    );

    let full = reader.read().await.unwrap();
    assert_eq!((full.open.count, full.open.method), (usable, Method::Sessions), "{version:?}");
    drop(held);
    eventually("they are gone", async || {
        reader.read().await.unwrap().open.count == Connections(u32::from(HELD_BY_THE_BED) + readers)
    })
    .await;
}

#[tokio::test]
async fn what_amazon_rds_keeps_for_its_superuser_is_not_usable() {
    let settings = Settings { rds_superuser_reserved_connections: Some(2), ..Settings::default() };
    let scene = Scene::lay("rds", settings).await;
    let reading = reader(&scene.url()).read().await.unwrap();
    let limits = PostgresLimits {
        max_connections: Connections(100),
        superuser_reserved: Connections(3),
        reserved: Connections(0),
        rds_superuser_reserved: Connections(2),
    };
    assert_eq!(reading.limits, Limits::Postgres(limits));
    assert_eq!(reading.usable(), Connections(95));
}

#[tokio::test]
async fn sessions_that_are_logging_in_take_a_slot_and_are_seen_from_version_18_on() {
    join_all(Version::ALL.map(half_authenticated)).await;
}

async fn half_authenticated(version: Version) {
    let scene =
        Scene::lay(&format!("half-{version:?}"), Settings { version, max_connections: 12, ..Settings::default() })
            .await;
    scene.server.execute("GRANT pg_read_all_stats TO scaler").await.unwrap();
    let reader = reader(&scene.url());
    let before = reader.read().await.unwrap();
    assert_eq!((before.open.count, before.open.method), (Connections(2), Method::ClientBackends), "{version:?}");

    let half = join_all((0..4).map(|_| start_to_log_in(scene.server.port()))).await;
    let seen = reader.read().await.unwrap().open.count;
    assert_eq!(seen, Connections(if version >= Version::V18 { 6 } else { 2 }), "{version:?}");
    let mut held = Vec::new();
    while let Ok(client) = scene.connect("scaler").await {
        held.push(client);
    }
    assert_eq!(held.len() + half.len() + 2, 9, "{version:?}");
}

/// A connection whose client was asked for its password and does not answer.
async fn start_to_log_in(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let parameters = b"\0\x03\0\0user\0scaler\0database\0postgres\0\0";
    let length = u32::try_from(parameters.len() + 4).unwrap().to_be_bytes();
    stream.write_all(&[length.as_slice(), parameters].concat()).await.unwrap();
    // AuthenticationSASL.
    assert_eq!(stream.read_u8().await.unwrap(), b'R');
    stream
}

#[tokio::test]
async fn a_worker_of_a_parallel_query_is_told_from_a_client_with_pg_read_all_stats_only() {
    let scene = Scene::lay("parallel", Settings::default()).await;
    scene.server.create_role("watcher").await.unwrap();
    scene.server.execute("GRANT pg_read_all_stats TO watcher").await.unwrap();
    let (plain, watcher) = (reader(&scene.url()), reader(&scene.server.url("watcher")));
    plain.read().await.unwrap();
    watcher.read().await.unwrap();
    let client = scene.connect("scaler").await.unwrap();
    client.batch_execute("SET debug_parallel_query = on").await.unwrap();
    let query = tokio::spawn(async move { client.batch_execute("SELECT pg_sleep(60)").await });
    let looker = scene.connect("postgres").await.unwrap();
    let workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'";
    eventually("the worker runs", async || looker.query_one(workers, &[]).await.unwrap().get::<_, i64>(0) == 1).await;
    // The bed's, the two readers', the client's, the looker's.
    assert_eq!(watcher.read().await.unwrap().open.count, Connections(5));
    assert_eq!(plain.read().await.unwrap().open.count, Connections(6));
    query.abort();
}

#[tokio::test]
async fn budgets_on_one_server_see_each_other_as_ordinary_roles_of_different_databases() {
    join_all(Version::ALL.map(ledgers_on_one_server)).await;
}

async fn ledgers_on_one_server(version: Version) {
    let scene = Scene::lay(&format!("shared-{version:?}"), Settings { version, ..Settings::default() }).await;
    scene.server.create_role("other").await.unwrap();
    scene.server.execute("CREATE DATABASE elsewhere").await.unwrap();
    let ours = reader(&scene.url());
    assert_eq!(ours.read().await.unwrap().other_ledgers, []);
    // A second process of the same operator, or a session of ours that lingers after a crash.
    let again = reader(&scene.url());
    assert_eq!(again.read().await.unwrap().other_ledgers, []);
    assert_eq!(ours.read().await.unwrap().other_ledgers, []);

    let url = scene.server.url("other").replace("/postgres?", "/elsewhere?");
    let theirs = reader_of("uid-2", &url);
    assert_eq!(theirs.read().await.unwrap().other_ledgers, [OtherLedger::Budget("uid-1".into())], "{version:?}");
    assert_eq!(ours.read().await.unwrap().other_ledgers, [OtherLedger::Budget("uid-2".into())], "{version:?}");
    drop(theirs);
    eventually("it is gone", async || ours.read().await.unwrap().other_ledgers.is_empty()).await;
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

async fn read(scene: &Scene, sslmode: &str, roots: &Roots) -> Result<Reading, DatabaseError> {
    let url = scene.url().replace("sslmode=require", &format!("sslmode={sslmode}"));
    Database::new(Engine::Postgres, &url, "uid-1", roots).unwrap().read().await
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
