//! The one HTTP request that a kubelet and a Prometheus make: GET over a fresh connection.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The body, as text.
    pub body: String,
}

impl Response {
    /// Whether a probe would take it for a success: a status from 200 to 399.
    pub fn is_success(&self) -> bool {
        (200..400).contains(&self.status)
    }
}

/// Asks for `path` (absolute, with its query). HTTP/1.0, so the end of the connection is the end of the answer.
///
/// # Errors
/// When no complete answer came within `within`.
pub async fn get(server: SocketAddr, path: &str, within: Duration) -> Result<Response> {
    let answer =
        timeout(within, exchange(server, path)).await.with_context(|| format!("no answer within {within:?}"))?;
    parse(&answer.with_context(|| format!("cannot get http://{server}{path}"))?)
        .with_context(|| format!("http://{server}{path}"))
}

async fn exchange(server: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {server}\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn parse(answer: &str) -> Result<Response> {
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer ends before its body")?;
    let mut status_line = head.split(' ');
    ensure!(status_line.next().is_some_and(|version| version.starts_with("HTTP/")), "this is not HTTP: {head}");
    let status = status_line.next().and_then(|code| code.parse().ok()).context("the answer has no status code")?;
    Ok(Response { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_split_into_status_and_body() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 512];
            let read = stream.read(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.0 503 Service Unavailable\r\nX: y\r\n\r\nwaiting\r\n\r\n").await.unwrap();
            String::from_utf8(request.get(..read).unwrap().to_vec()).unwrap()
        });
        let answer = get(server, "/readyz?a=b", Duration::from_secs(10)).await.unwrap();
        assert_eq!(answer, Response { status: 503, body: "waiting\r\n\r\n".to_owned() });
        assert!(serving.await.unwrap().starts_with("GET /readyz?a=b HTTP/1.0\r\n"));
    }

    #[tokio::test]
    async fn a_server_that_never_answers_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let error = get(listener.local_addr().unwrap(), "/", Duration::from_millis(50)).await.unwrap_err();
        assert!(error.to_string().contains("no answer within 50ms"), "{error:#}");
    }

    #[test]
    fn what_is_not_http_is_refused() {
        parse("SSH-2.0-x\r\n\r\n").unwrap_err();
        parse("HTTP/1.0 abc\r\n\r\n").unwrap_err();
        parse("HTTP/1.0 200 OK\r\n").unwrap_err();
    }
}
