#![expect(clippy::unwrap_used, reason = "tests")]

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{kept::Session as _, *};
use crate::databases::Roots;

/// What a server says to the first message of a client, before it hangs up; none: nothing, and it does not.
type Says = Option<Vec<u8>>;

/// How connecting ends with a server that says this.
async fn open(sslmode: &str, says: Says) -> DatabaseError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("postgres://scaler:hunter2@127.0.0.1:{port}/orders?sslmode={sslmode}");
    let address = Address::parse(&url, "uid-1", &Roots::from_iter([])).unwrap();
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut startup = [0; 512];
        assert!(client.read(&mut startup).await.unwrap() > 0);
        match says {
            Some(answer) => client.write_all(&answer).await.unwrap(),
            None => std::future::pending().await,
        }
    });
    let failed = Session::open(&address).await.unwrap_err();
    server.abort();
    let text = failed.to_string();
    assert!(text.contains(&format!("127.0.0.1:{port}")) && !text.contains("hunter2"), "{text}");
    failed
}

/// An `ErrorResponse` of the wire protocol.
fn fatal(code: &str, message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    [b"E", length.as_slice(), fields.as_bytes()].concat()
}

#[tokio::test]
async fn a_full_server_is_told_from_one_that_refuses_the_user() {
    let full = open("disable", Some(fatal("53300", "sorry, too many clients already"))).await;
    assert!(matches!(&full, DatabaseError::TooManyConnections { user, .. } if user == "scaler"), "{full}");
    assert!(full.to_string().contains("sorry, too many clients already"), "{full}");
    for code in ["28P01", "28000", "42501"] {
        let refused = open("disable", Some(fatal(code, "not you"))).await;
        assert!(matches!(&refused, DatabaseError::Authentication { user, .. } if user == "scaler"), "{refused}");
    }
}

#[tokio::test]
async fn a_server_that_starts_or_stops_is_unreachable_and_one_without_the_database_invalid() {
    let starting = open("disable", Some(fatal("57P03", "the database system is starting up"))).await;
    assert!(matches!(starting, DatabaseError::Unreachable { .. }), "{starting}");
    let unknown = open("disable", Some(fatal("3D000", "database \"orders\" does not exist"))).await;
    assert!(matches!(unknown, DatabaseError::Invalid { .. }), "{unknown}");
}

#[tokio::test]
async fn a_password_that_the_server_asks_for_in_an_unknown_way_is_an_authentication_error() {
    // AuthenticationKerberosV5.
    let asked = open("disable", Some(vec![b'R', 0, 0, 0, 8, 0, 0, 0, 2])).await;
    assert!(matches!(asked, DatabaseError::Authentication { .. }), "{asked}");
}

#[tokio::test]
async fn a_server_without_tls_fails_where_tls_is_required() {
    let refused = open("require", Some(b"N".to_vec())).await;
    assert!(matches!(refused, DatabaseError::Tls { .. }), "{refused}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_after_all_fails_with_tls() {
    let broken = open("require", Some(b"S+++".to_vec())).await;
    assert!(matches!(broken, DatabaseError::Tls { .. }), "{broken}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_unreachable_after_five_seconds() {
    let started = tokio::time::Instant::now();
    let silent = open("disable", None).await;
    assert!(matches!(silent, DatabaseError::Unreachable { .. }), "{silent}");
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_server_that_does_not_listen_is_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("postgres://scaler@127.0.0.1:{port}/orders");
    let address = Address::parse(&url, "uid-1", &Roots::from_iter([])).unwrap();
    let refused = Session::open(&address).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Unreachable { .. }), "{refused}");
    assert!(refused.to_string().contains("refused"), "{refused}");
}
