//! An independent check: moto, another model of AWS, is asked the same questions as ours.
//!
//! Each call HybridScaler and its test bed make is put to both, and what the answers mean is compared line by line.
//! Where the two differ, [`DIFFERENCES`] says why ours is kept; a difference that has gone is a failure too. Queues are
//! short, since moto takes 1.4 s for one receive at a backlog of 3,000.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use hybridscaler_e2e_aws::Aws;

use crate::clients::config;

mod cloudwatch;
mod ecs;
mod sqs;

/// Where moto's answer differs: the question, moto's answer, and why ours is another.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("send nothing", "done", "the API reference asks for a body of at least one character"),
    ("set it too high", "done", "the API reference limits the timeout to 12 hours; moto checks no attribute"),
    (
        "hide it, which is not in flight",
        "done",
        "the API reference has MessageNotInflight for it; moto hides a visible message",
    ),
    (
        "create the service again",
        "ACTIVE REPLICA FARGATE desired 5",
        "the real service answers that the creation was not idempotent; moto replaces the service",
    ),
    ("its percentages", "None", "moto does not keep the deployment configuration"),
    (
        "describe a service that is not",
        "arn:aws:ecs:eu-west-1:123456789012:service/absent MISSING",
        "service ARNs have held the cluster since 2018; moto leaves it out of this one",
    ),
    ("list tasks", "0 tasks", "moto's services start no tasks"),
    ("list stopped tasks", "0 tasks", "nor do they stop any"),
    ("list tasks of no service", "0 tasks", "the API reference has ServiceNotFoundException for it"),
    ("describe a task that is not", "nothing", "the API reference has failures for it; moto says nothing"),
    ("delete it by force", "INACTIVE", "the API reference has DRAINING until its tasks stop; moto has no tasks"),
    (
        "update it after that",
        "INACTIVE",
        "the API reference has ServiceNotActiveException for it; moto changes the deleted service",
    ),
];

/// What was asked and what the answer means.
#[derive(Debug, Default)]
struct Transcript(Vec<(String, String)>);

impl Transcript {
    /// Notes the answer to a question, or its error code.
    fn note<T, E>(&mut self, question: &str, answer: Result<T, SdkError<E>>, meaning: impl FnOnce(T) -> String)
    where
        E: ProvideErrorMetadata + Debug,
    {
        let answer = match answer {
            Ok(answer) => meaning(answer),
            Err(SdkError::ServiceError(error)) => format!("error {}", error.err().code().unwrap_or("without code")),
            Err(other) => format!("no answer: {other:?}"),
        };
        self.0.push((question.to_owned(), answer));
    }

    /// Notes a part of an answer.
    fn fact(&mut self, question: &str, value: &impl Debug) {
        self.0.push((question.to_owned(), format!("{value:?}")));
    }
}

/// A moto server on a free port, killed when dropped.
struct Moto {
    server: Child,
    endpoint: String,
}

impl Moto {
    fn start() -> Self {
        let server = std::env::var("HYBRIDSCALER_MOTO").unwrap_or_else(|_| set_up());
        // The signal ends moto even when the tests are killed.
        let mut server = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", &server, "-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("setpriv is a part of util-linux");
        let mut log = BufReader::new(server.stderr.take().unwrap());
        let mut lines = String::new();
        let endpoint = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "moto has ended: {lines}");
            if let Some((_, endpoint)) = line.split_once("Running on ") {
                break endpoint.trim().to_owned();
            }
            lines.push_str(&line);
        };
        // Its log of requests is read to the end, or moto would block on a full pipe.
        std::thread::spawn(move || log.read_to_string(&mut String::new()));
        Self { server, endpoint }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing more to do then.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The path of `moto_server`, fetched if it is not there yet.
fn set_up() -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../setup/moto.sh");
    let output = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{script} failed");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn moto_understands_every_call_as_the_model_does() {
    let (moto, aws) = (Moto::start(), Aws::start().await.unwrap());
    let mut transcripts = Vec::new();
    for endpoint in [moto.endpoint.as_str(), aws.endpoint()] {
        let mut transcript = Transcript::default();
        sqs::ask(&mut transcript, &aws_sdk_sqs::Client::new(&config(endpoint))).await;
        ecs::ask(&mut transcript, &aws_sdk_ecs::Client::new(&config(endpoint))).await;
        transcripts.push(transcript.0);
    }
    let [moto, ours] = transcripts.try_into().unwrap();
    let questions: BTreeSet<_> = ours.iter().map(|(question, _)| question.as_str()).collect();
    assert_eq!(questions.len(), ours.len(), "each question has words of its own");
    assert!(DIFFERENCES.iter().all(|(question, ..)| questions.contains(question)), "{DIFFERENCES:?}");
    let mut unexplained = Vec::new();
    for ((question, theirs), (_, ours)) in moto.iter().zip(&ours) {
        let explained = DIFFERENCES.iter().find(|(asked, ..)| asked == question);
        let expected = explained.map_or(ours.as_str(), |(_, theirs, _)| theirs);
        let gone = explained.is_some() && theirs == ours;
        if theirs != expected || gone {
            unexplained.push(format!("{question}\n  moto: {theirs}\n  ours: {ours}"));
        }
    }
    assert!(unexplained.is_empty(), "differences that are not explained, or gone:\n{}", unexplained.join("\n"));
    assert_eq!(moto.len(), ours.len());
}
