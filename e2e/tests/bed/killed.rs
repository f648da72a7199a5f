//! What is left of a run whose process was killed.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use hybridscaler_e2e::bed::postgres::{Postgres, Settings};
use hybridscaler_e2e::bed::process::{Process, supervised};
use hybridscaler_e2e::bed::run::Run;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::eventually;

/// Set for the second process of the next test: it is the one that gets killed.
const VICTIM: &str = "HYBRIDSCALER_E2E_VICTIM";

#[tokio::test]
async fn a_killed_run_leaves_its_logs_and_nothing_else() {
    if std::env::var_os(VICTIM).is_some() {
        return be_killed().await;
    }
    let this_test = ["--exact", "--nocapture", "killed::a_killed_run_leaves_its_logs_and_nothing_else"];
    let mut victim = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(this_test)
        .env(VICTIM, "")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut told = async |what: &str| loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(path) = line.strip_prefix(what) {
            return PathBuf::from(path);
        }
    };
    let (logs, data) = (told("logs ").await, told("data ").await);
    let (program, server) = (told("program ").await, told("server ").await);
    assert!(data.exists() && program.exists() && server.exists());
    victim.kill().await.unwrap();

    eventually("the program is gone", async || !program.exists()).await;
    eventually("the server is gone", async || !server.exists()).await;
    eventually("the data is gone", async || !data.exists()).await;
    // By our death, and not since its files went.
    let log = std::fs::read_to_string(logs.join("postgres-victim.log")).unwrap();
    assert!(log.contains("received immediate shutdown request"), "{log}");
    std::fs::remove_dir_all(logs).unwrap();
}

/// Starts a program and a server, tells where everything is, and waits for the end.
async fn be_killed() {
    let run = Arc::new(Run::create().unwrap());
    let _claim = run.claim().unwrap();
    let data = run.data("marker").unwrap();
    let mut sleep = supervised("sleep");
    sleep.arg("1000");
    let program = Process::spawn("program", sleep, run.logs()).unwrap();
    let server = Postgres::start(Arc::clone(&run), "victim", Settings::default()).await.unwrap();
    println!("\nlogs {}\ndata {}", run.logs().display(), data.parent().unwrap().display());
    println!("program /proc/{}\nserver /proc/{}", program.id(), server.process_id());
    std::future::pending::<()>().await;
}
