//! Life for simulated replicas.
//!
//! The test bed's pods and ECS tasks are objects without processes. The runner watches them and runs a *worker* for each one that
//! becomes running: it opens a real pool of database connections, takes real messages from its queue at a set pace, runs a statement
//! for each, and deletes it. What production does to a replica happens here too:
//!
//! - a refused connection crashes it: the pod goes to `CrashLoopBackOff`, the task stops with exit code 1;
//! - told to terminate, it stops taking messages, finishes those it holds, keeps its connections for its drain time, closes them;
//! - it is gone for its platform only after the server has freed its connections: a pod is kept by [`FINALIZER`], a task stays
//!   STOPPING.
//!
//! [`Pods`] runs the pods of one Deployment, [`Tasks`] those of the served ECS. [`Producer`] fills a queue. [`Bystander`] is
//! another service of the same database, which nobody scales: what it suffers is what a connection budget protects from.

mod bystander;
mod connection;
mod container;
mod counters;
mod deployment;
mod pods;
mod producer;
mod sdk;
mod tasks;
mod worker;

use std::{sync::Arc, time::Duration};

pub use bystander::{Bystander, Suffered};
pub use connection::{ConnectionError, Login};
pub use counters::{Counters, Totals};
pub use deployment::{Timing, deployment};
pub use pods::{FINALIZER, Pods};
pub use producer::{Producer, Schedule};
pub use sdk::sdk_config;
pub use tasks::Tasks;

/// The table that workers write to, one row a handled message. Create it as the database's owner before the first worker starts.
pub const SCHEMA: &str =
    "CREATE TABLE handled (queue text, message text, PRIMARY KEY (queue, message)); GRANT INSERT ON handled TO PUBLIC";

/// The same for MariaDB. Every account that works needs `GRANT INSERT ON work.handled`.
pub const SCHEMA_IN_MARIADB: [&str; 2] = [
    "CREATE DATABASE work",
    "CREATE TABLE work.handled (queue varchar(100), message varchar(100), PRIMARY KEY (queue, message))",
];

/// One workload: what each of its replicas does.
#[derive(Clone, Debug)]
pub struct Service {
    /// The workload's name, as it stands in the table of handled messages.
    pub name: String,
    /// Where and as whom a replica connects. The replica's name becomes the `application_name`.
    pub database: Login,
    /// Connections of a replica's pool. All are opened before the first message is taken.
    pub pool: u32,
    /// The client that messages are taken with.
    pub sqs: aws_sdk_sqs::Client,
    /// The queue that messages are taken from.
    pub queue_url: String,
    /// How fast a replica works.
    pub pace: Pace,
    /// How long a replica that was refused a connection takes to log why, unwind and exit, holding those it got.
    pub exit: Duration,
    /// How long a terminating replica keeps its connections after its last message. It should be below the grace period (pods) or
    /// the stop timeout (tasks).
    pub drain: Duration,
    /// What the workload's replicas did.
    pub counters: Arc<Counters>,
}

/// How fast one replica works.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The most messages a replica takes in a second, 1 to 10 (SQS hands out at most 10 at once).
    pub per_second: i32,
    /// How long one message keeps the replica busy, its statement included. Messages are handled one after the other.
    pub busy: Duration,
}
