//! A real MariaDB: its limit, its refusals, and budgets that share it.

use std::sync::Arc;

use hybridscaler::databases::{Database, DatabaseError, Engine, Limits, Method, OtherLedger, Reading, Roots};
use hybridscaler_core::Connections;
use hybridscaler_e2e::bed::{
    keys::Authority,
    mariadb::{MariaDb as Server, Settings},
    postgres::Tls,
    run::{Claim, Run},
};
use mysql_async::{Conn, Error, prelude::Queryable as _};
use tokio::net::TcpStream;

use crate::{eventually, roots_of};

/// A server with the account `scaler`, which has no privilege.
struct Scene {
    server: Server,
    _claim: Claim,
}

impl Scene {
    async fn lay(name: &str, settings: Settings) -> Self {
        let run = Arc::new(Run::create().unwrap());
        let claim = run.claim().unwrap();
        let server = Server::start(run, name, settings).await.unwrap();
        server.create_account("scaler").await.unwrap();
        Self { server, _claim: claim }
    }

    fn reader(&self, budget_uid: &str) -> Database {
        Database::new(Engine::MySql, &self.server.url("scaler"), budget_uid, &Roots::from_iter([])).unwrap()
    }

    async fn connect(&self) -> Result<Conn, Error> {
        Conn::new(self.server.opts("scaler")).await
    }

    /// Connects until the server has no more.
    async fn fill(&self) -> Vec<Conn> {
        let mut held = Vec::new();
        loop {
            match self.connect().await {
                Ok(connection) => held.push(connection),
                Err(refusal) => {
                    assert!(matches!(&refusal, Error::Server(refusal) if refusal.code == 1040), "{refusal}");
                    return held;
                }
            }
        }
    }
}

#[tokio::test]
async fn an_ordinary_account_gets_as_many_connections_as_were_read() {
    let scene = Scene::lay("usable", Settings { max_connections: 12, ..Settings::default() }).await;
    let reader = scene.reader("uid-1");
    let reading = reader.read().await.unwrap();
    assert_eq!(reading.limits, Limits::MySql { max_connections: Connections(12) });
    assert_eq!((reading.open.count, reading.open.method), (Connections(1), Method::ThreadsConnected));
    let held = scene.fill().await;
    assert_eq!(Connections(u32::try_from(held.len()).unwrap() + 1), reading.usable());
    assert_eq!(scene.server.refusals().await.unwrap(), 1);

    // The connection that is there already is answered, a new one is refused, and one beyond the limit is for administrators.
    assert_eq!(reader.read().await.unwrap().open.count, Connections(12));
    let refused = scene.reader("uid-1").read().await.unwrap_err();
    assert!(matches!(&refused, DatabaseError::TooManyConnections { user, .. } if user == "scaler"), "{refused}");
    drop(held);
    eventually("they are gone", async || reader.read().await.unwrap().open.count == Connections(1)).await;
}

#[tokio::test]
async fn a_limit_that_is_changed_while_the_server_runs_is_in_the_next_reading() {
    let scene = Scene::lay("dynamic", Settings { max_connections: 40, ..Settings::default() }).await;
    let reader = scene.reader("uid-1");
    assert_eq!(reader.read().await.unwrap().usable(), Connections(40));
    scene.server.execute("SET GLOBAL max_connections = 20").await.unwrap();
    assert_eq!(reader.read().await.unwrap().usable(), Connections(20));
}

#[tokio::test]
async fn clients_that_are_logging_in_are_counted_and_the_administrators_port_is_not() {
    let scene = Scene::lay("half", Settings::default()).await;
    let reader = scene.reader("uid-1");
    // The bed holds a connection to that port all the time.
    assert_eq!(reader.read().await.unwrap().open.count, Connections(1));
    let port = scene.server.port();
    let _half = [TcpStream::connect(("127.0.0.1", port)).await, TcpStream::connect(("127.0.0.1", port)).await];
    eventually("they are counted", async || reader.read().await.unwrap().open.count == Connections(3)).await;
}

#[tokio::test]
async fn one_connection_serves_all_reads_and_is_replaced_when_the_server_ends_it() {
    let scene = Scene::lay("kept", Settings::default()).await;
    let mut looker = scene.connect().await.unwrap();
    let reader = scene.reader("uid-1");
    reader.read().await.unwrap();
    let first = operators(&mut looker).await;
    reader.read().await.unwrap();
    assert_eq!(operators(&mut looker).await, first);
    assert_eq!(first.len(), 1);
    scene.server.execute(&format!("KILL {}", first[0])).await.unwrap();
    reader.read().await.unwrap();
    let second = operators(&mut looker).await;
    assert!(second.len() == 1 && second != first, "{first:?} {second:?}");
    drop(reader);
    let looker = tokio::sync::Mutex::new(looker);
    eventually("the connection is closed", async || operators(&mut *looker.lock().await).await.is_empty()).await;
}

/// The numbers of the operator's connections, as another one of its account sees them.
async fn operators(looker: &mut Conn) -> Vec<u64> {
    let query = "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = 'scaler' \
        AND command <> 'Killed' ORDER BY id";
    looker.query(query).await.unwrap()
}

#[tokio::test]
async fn budgets_on_one_server_see_each_other_without_any_privilege() {
    let scene = Scene::lay("shared", Settings::default()).await;
    scene.server.create_account("other").await.unwrap();
    let ours = scene.reader("uid-1");
    assert_eq!(others(&ours).await, []);
    // A second process of the same operator, or a session of ours that lingers after a crash.
    let again = scene.reader("uid-1");
    assert_eq!(others(&again).await, []);
    assert_eq!(others(&ours).await, []);

    let url = scene.server.url("other");
    let theirs = Database::new(Engine::MySql, &url, "uid-2", &Roots::from_iter([])).unwrap();
    assert!(matches!(others(&theirs).await[..], [OtherLedger::Connection(_)]));
    assert!(matches!(others(&ours).await[..], [OtherLedger::Connection(_)]));
    assert!(matches!(others(&again).await[..], [OtherLedger::Connection(_)]));

    // Whichever session of ours holds the locks: when it ends, the other takes them at its next reading.
    drop(ours);
    eventually("the second session takes over", async || {
        let (by_ours, by_theirs) = (others(&again).await, others(&theirs).await);
        matches!((&by_ours[..], &by_theirs[..]), ([OtherLedger::Connection(_)], [OtherLedger::Connection(_)]))
    })
    .await;
    drop(theirs);
    eventually("it is gone", async || others(&again).await.is_empty()).await;
}

async fn others(reader: &Database) -> Vec<OtherLedger> {
    reader.read().await.unwrap().other_ledgers
}

#[tokio::test]
async fn a_wrong_password_is_an_authentication_error_that_does_not_repeat_it() {
    let scene = Scene::lay("password", Settings::default()).await;
    let url = scene.server.url("scaler").replacen("scaler:", "scaler:hunter2", 1);
    let refused = Database::new(Engine::MySql, &url, "uid-1", &Roots::from_iter([])).unwrap().read().await.unwrap_err();
    assert!(matches!(&refused, DatabaseError::Authentication { user, .. } if user == "scaler"), "{refused}");
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
}

#[tokio::test]
async fn a_certificate_is_checked_as_far_as_ssl_mode_asks() {
    let scene = Scene::lay("tls", Settings { tls: Tls::Required, ..Settings::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let stranger = Authority::create(folder.path(), "other").unwrap();
    let (issuer, stranger) =
        (roots_of(scene.server.certificate_authority().unwrap()), roots_of(stranger.certificate()));
    assert_eq!(accepting(&scene, "127.0.0.1", &issuer).await, ["REQUIRED", "VERIFY_IDENTITY"]);
    assert_eq!(accepting(&scene, "127.0.0.1", &stranger).await, ["REQUIRED"]);
    // The certificate names the address only.
    assert_eq!(accepting(&scene, "localhost", &issuer).await, ["REQUIRED"]);

    let refused = read(&scene, "127.0.0.1", "DISABLED", &issuer).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Authentication { .. }), "{refused}");
}

async fn read(scene: &Scene, host: &str, ssl_mode: &str, roots: &Roots) -> Result<Reading, DatabaseError> {
    let url = scene.server.url("scaler").replace("127.0.0.1", host);
    let url = url.replace("ssl-mode=REQUIRED", &format!("ssl-mode={ssl_mode}"));
    Database::new(Engine::MySql, &url, "uid-1", roots).unwrap().read().await
}

/// The modes in which the server is accepted; in the others TLS fails.
async fn accepting(scene: &Scene, host: &str, roots: &Roots) -> Vec<&'static str> {
    let mut accepting = Vec::new();
    for ssl_mode in ["REQUIRED", "VERIFY_IDENTITY"] {
        match read(scene, host, ssl_mode, roots).await {
            Ok(_) => accepting.push(ssl_mode),
            Err(error) => assert!(matches!(error, DatabaseError::Tls { .. }), "{ssl_mode}: {error}"),
        }
    }
    accepting
}
