//! The database refuses what is too much, and its own log and statistics say so.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use futures::future::join_all;
use hybridscaler_e2e::bed::postgres::{HELD_BY_THE_BED, Postgres, SUPERUSER_RESERVED_CONNECTIONS, Settings, Tls};
use hybridscaler_e2e::bed::run::Run;
use tokio_postgres::{Client, Error, NoTls};

use crate::{eventually, stdout};

/// A connection as `role`, or why there is none.
async fn connect(postgres: &Postgres, role: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(&postgres.url(role), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test]
async fn postgres_refuses_what_is_above_its_limit_and_the_log_counts_it() {
    let run = Arc::new(Run::create().unwrap());
    let _claim = run.claim().unwrap();
    let started = Instant::now();
    let postgres =
        Postgres::start(run, "limit", Settings { max_connections: 20, ..Settings::default() }).await.unwrap();
    println!("PostgreSQL up after {:?}", started.elapsed());
    for role in ["orders", "payments"] {
        postgres.create_role(role).await.unwrap();
    }
    let sampler = postgres.sampler();
    assert_eq!(postgres.refusals().unwrap(), 0);

    let usable = usize::from(20 - SUPERUSER_RESERVED_CONNECTIONS - HELD_BY_THE_BED);
    let held = join_all((0..usable).map(|i| connect(&postgres, ["orders", "payments"][usize::from(i >= 10)]))).await;
    assert!(held.iter().all(Result::is_ok));
    let refused = join_all((0..7).map(|_| connect(&postgres, "payments"))).await;
    assert!(refused.iter().all(|answer| answer.as_ref().is_err_and(|e| e.code().unwrap().code() == "53300")));
    assert_eq!(postgres.refusals().unwrap(), 7);

    eventually("a sample shows all", async || {
        let latest = sampler.latest().unwrap();
        latest
            .is_some_and(|sample| sample.connections_of(&["orders"]) == 10 && sample.connections_of(&["payments"]) == 6)
    })
    .await;
    drop(held);
    eventually("a sample shows none", async || sampler.latest().unwrap().unwrap().connections() == 0).await;
    // One that is going to be refused has a slot for a moment, but is never counted as its role's.
    assert!(usize::try_from(sampler.peak().unwrap()).unwrap() >= usable);
    let taken = sampler.samples().unwrap();
    let most = taken.iter().map(|sample| sample.connections_of(&["orders", "payments"])).max().unwrap();
    assert_eq!(usize::try_from(most).unwrap(), usable);
    // A wrong password is a failure, but not a refusal for want of a slot.
    let wrong = postgres.url("orders").replacen("orders:", "orders:not-", 1);
    assert!(tokio_postgres::connect(&wrong, NoTls).await.is_err());
    assert_eq!(postgres.refusals().unwrap(), 7);
}

#[tokio::test]
async fn postgres_can_insist_on_tls() {
    let run = Arc::new(Run::create().unwrap());
    let _claim = run.claim().unwrap();
    let settings = Settings { tls: Tls::Required, ..Settings::default() };
    let postgres = Postgres::start(run, "tls", settings).await.unwrap();
    postgres.create_role("orders").await.unwrap();
    let plain = postgres.url("orders").replace("sslmode=require", "sslmode=disable");
    let refused = tokio_postgres::connect(&plain, NoTls).await.err().unwrap();
    assert_eq!(refused.code().unwrap().code(), "28000");

    let address = format!("127.0.0.1:{}", postgres.port());
    let handshake = Command::new("openssl")
        .args([
            "s_client",
            "-starttls",
            "postgres",
            "-verify_return_error",
            "-verify_ip",
            "127.0.0.1",
            "-connect",
            &address,
        ])
        .arg("-CAfile")
        .arg(postgres.certificate_authority().unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(stdout(&handshake).contains("Verify return code: 0 (ok)"));
}
