#![expect(clippy::unwrap_used, reason = "tests")]

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{kept::Session as _, *};
use crate::databases::Roots;

/// How connecting ends with a server that greets like this; none: it says nothing.
async fn open(greeting: Option<Vec<u8>>, ssl_mode: &str) -> DatabaseError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("mysql://scaler:hunter2@127.0.0.1:{port}/orders?ssl-mode={ssl_mode}");
    let address = Address::parse(&url, "uid-1", &Roots::from_iter([])).unwrap();
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        match greeting {
            Some(greeting) => client.write_all(&greeting).await.unwrap(),
            None => std::future::pending().await,
        }
        // Until the client has had enough.
        let _ = client.read(&mut [0; 512]).await;
    });
    let failed = Session::open(&address).await.unwrap_err();
    server.abort();
    let text = failed.to_string();
    assert!(text.contains(&format!("127.0.0.1:{port}")) && !text.contains("hunter2"), "{text}");
    failed
}

/// An error packet of the wire protocol, in place of a greeting, when there is no state in it yet.
fn error(code: u16, message: &str) -> Vec<u8> {
    let length = u8::try_from(3 + message.len()).unwrap();
    [&[length, 0, 0, 0, 0xff], code.to_le_bytes().as_slice(), message.as_bytes()].concat()
}

/// A greeting (protocol 10) of a server without TLS.
fn greeting() -> Vec<u8> {
    // PROTOCOL_41, SECURE_CONNECTION; PLUGIN_AUTH.
    let (lower, upper) = (0x8200_u16.to_le_bytes(), 0x0008_u16.to_le_bytes());
    let body = [
        b"\x0a8.4.0\0".as_slice(),
        &7_u32.to_le_bytes(),
        b"12345678\0",
        &lower,
        &[0x21, 2, 0],
        &upper,
        &[21],
        &[0; 10],
        b"123456789012\0",
        b"mysql_native_password\0",
    ]
    .concat();
    [&[u8::try_from(body.len()).unwrap(), 0, 0, 0], body.as_slice()].concat()
}

#[tokio::test]
async fn a_full_server_is_told_from_one_that_refuses_the_user() {
    for (code, message) in [(1040, "Too many connections"), (1203, "has more than"), (1226, "max_user_connections")] {
        let full = open(Some(error(code, message)), "DISABLED").await;
        assert!(matches!(&full, DatabaseError::TooManyConnections { user, .. } if user == "scaler"), "{full}");
        assert!(full.to_string().contains(message), "{full}");
    }
    for code in [1044, 1045, 1130, 1698] {
        let refused = open(Some(error(code, "not you")), "DISABLED").await;
        assert!(matches!(&refused, DatabaseError::Authentication { user, .. } if user == "scaler"), "{refused}");
    }
}

#[tokio::test]
async fn a_server_that_stops_is_unreachable_and_one_without_the_database_invalid() {
    let stopping = open(Some(error(1053, "Server shutdown in progress")), "DISABLED").await;
    assert!(matches!(stopping, DatabaseError::Unreachable { .. }), "{stopping}");
    let unknown = open(Some(error(1049, "Unknown database 'orders'")), "DISABLED").await;
    assert!(matches!(unknown, DatabaseError::Invalid { .. }), "{unknown}");
}

#[tokio::test]
async fn a_server_without_tls_fails_where_tls_is_required() {
    let refused = open(Some(greeting()), "REQUIRED").await;
    assert!(matches!(refused, DatabaseError::Tls { .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_unreachable_after_five_seconds() {
    let started = tokio::time::Instant::now();
    let silent = open(None, "DISABLED").await;
    assert!(matches!(silent, DatabaseError::Unreachable { .. }), "{silent}");
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_server_that_does_not_listen_is_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("mysql://scaler@127.0.0.1:{port}/orders?ssl-mode=DISABLED");
    let address = Address::parse(&url, "uid-1", &Roots::from_iter([])).unwrap();
    let refused = Session::open(&address).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Unreachable { .. }), "{refused}");
    assert!(refused.to_string().contains("refused"), "{refused}");
}
