//! What `hybridscaler budget init-sql` prints, run on the real servers, is enough to read them, full ones included.

use std::sync::Arc;

use futures::future::join_all;
use hybridscaler::databases::{Database, DatabaseError, Dialect, Engine, LeastPrivilege, Method, Roots};
use hybridscaler_core::Connections;
use hybridscaler_e2e::bed::{
    mariadb::{self, MariaDb},
    postgres::{self, Postgres, Tls, Version},
    run::Run,
};
use mysql_async::Conn;
use tokio_postgres::NoTls;

fn printed(dialect: Dialect) -> String {
    LeastPrivilege { dialect, role: "hybrid-scaler".parse().unwrap() }.to_string()
}

fn reader(engine: Engine, url: &str) -> Database {
    Database::new(engine, url, "uid-1", &Roots::from_iter([])).unwrap()
}

/// A client of an ordinary role; none when the server is full.
async fn connect(server: &Postgres, role: &str) -> Option<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(&server.url(role), NoTls).await.ok()?;
    tokio::spawn(connection);
    Some(client)
}

#[tokio::test]
async fn the_printed_role_reads_every_version_of_postgres_and_a_full_one_from_16_on() {
    join_all(Version::ALL.map(postgres_of)).await;
}

async fn postgres_of(version: Version) {
    let run = Arc::new(Run::create().unwrap());
    let _claim = run.claim().unwrap();
    let reserved = if version >= Version::V16 { 2 } else { 0 };
    let settings = postgres::Settings {
        version,
        max_connections: 12,
        reserved_connections: reserved,
        ..postgres::Settings::default()
    };
    let server = Postgres::start(run, &format!("init-{version:?}"), settings).await.unwrap();
    server.create_role("orders").await.unwrap();
    server.execute(&printed(Dialect::Postgres)).await.unwrap();

    let reader = || reader(Engine::Postgres, &server.url("hybrid-scaler"));
    let refused = reader().read().await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Authentication { .. }), "it has no password yet: {refused}");
    server.let_in("hybrid-scaler").await.unwrap();
    let first = reader();
    let reading = first.read().await.unwrap();
    assert_eq!(reading.usable(), Connections(9 - u32::from(reserved)), "{version:?}");
    assert_eq!(reading.open.method, Method::ClientBackends, "{version:?}");

    let mut held = Vec::new();
    while let Some(client) = connect(&server, "orders").await {
        held.push(client);
    }
    assert_eq!(first.read().await.unwrap().open.count, reading.usable(), "{version:?}");
    match reader().read().await {
        Ok(full) => assert!(version >= Version::V16 && full.usable() == reading.usable(), "{version:?}"),
        Err(refused) => {
            assert!(matches!(refused, DatabaseError::TooManyConnections { .. }), "{version:?}: {refused}");
            assert_eq!(version, Version::V15, "{refused}");
        }
    }
}

#[tokio::test]
async fn the_printed_account_reads_mariadb_and_keeps_reading_when_it_is_full() {
    let run = Arc::new(Run::create().unwrap());
    let _claim = run.claim().unwrap();
    let settings = mariadb::Settings { max_connections: 10, tls: Tls::Required };
    let server = MariaDb::start(run, "init", settings).await.unwrap();
    server.create_account("orders").await.unwrap();
    server.execute(&printed(Dialect::Mariadb)).await.unwrap();
    assert_eq!(statements(Dialect::Mysql), statements(Dialect::Mariadb));

    let nobody = format!("mysql://hybrid-scaler@127.0.0.1:{}?ssl-mode=REQUIRED", server.port());
    let refused = reader(Engine::MySql, &nobody).read().await.unwrap_err();
    assert!(
        matches!(refused, DatabaseError::Authentication { .. }),
        "it is locked while it has no password: {refused}"
    );
    server.let_in("hybrid-scaler").await.unwrap();
    let reader = || reader(Engine::MySql, &server.url("hybrid-scaler"));
    let first = reader();
    let reading = first.read().await.unwrap();
    assert_eq!(reading.usable(), Connections(10));

    let mut held = Vec::new();
    while let Ok(connection) = Conn::new(server.opts("orders")).await {
        held.push(connection);
    }
    assert_eq!(held.len(), 9);
    assert_eq!(first.read().await.unwrap().open.count, Connections(10));
    let refused = reader().read().await.unwrap_err();
    assert!(matches!(refused, DatabaseError::TooManyConnections { .. }), "{refused}");
}

/// What is printed but for comments.
fn statements(dialect: Dialect) -> Vec<String> {
    let printed = printed(dialect);
    printed.lines().filter(|line| !line.starts_with("--")).map(str::to_owned).collect()
}
