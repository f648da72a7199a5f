//! From the start of the operator's process to its first decision, and from SIGTERM to its end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::{try_join, try_join_all};
use hybridscaler::api::{HybridScaler, status::SignalState};
use kube::{Api, runtime::wait::await_condition};
use tokio::time::timeout;

use super::scene::{SCALERS, Scene};
use crate::operator::{Launch, Operator};

/// The longest that anything awaited here may take.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// One start with scalers that were there before; each time counts from just before the process was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Until `/readyz` succeeded, which was asked every 20 ms.
    pub(super) ready: Duration,
    /// Until each scaler had a status.
    pub(super) told: Duration,
    /// Until each scaler's status was that of a decision on what its queue said.
    pub(super) decided: Duration,
}

/// An end in order.
#[derive(Debug)]
pub(super) struct Stopped {
    /// From SIGTERM to the end.
    pub(super) took: Duration,
    /// How to start it again.
    pub(super) launch: Launch,
}

impl Scene<'_> {
    /// Stops the operator.
    ///
    /// # Errors
    ///
    /// It was stopped before, or does not end in order.
    pub(super) async fn stop(&mut self) -> Result<Stopped> {
        let operator = self.operator.take().context("the operator is stopped")?;
        let launch = operator.launch().clone();
        Ok(Stopped { took: operator.stop().await?, launch })
    }

    /// Starts the operator and times it.
    ///
    /// # Errors
    ///
    /// It does not decide in time.
    pub(super) async fn start(&mut self, launch: Launch) -> Result<Start> {
        let began = Instant::now();
        let started = async {
            let operator = Operator::start(self.bed, "operator", launch).await?;
            Ok((operator, began.elapsed()))
        };
        let seen = async {
            let both = try_join(self.until(began, has_status), self.until(began, has_decided));
            timeout(PATIENCE, both).await.context("the scalers are not decided on in time")?
        };
        let ((operator, ready), (told, decided)) = tokio::try_join!(started, seen)?;
        self.operator = Some(operator);
        Ok(Start { ready, told, decided })
    }

    /// How long after `began` both scalers were as `wanted`.
    async fn until(&self, began: Instant, wanted: fn(Option<&HybridScaler>) -> bool) -> Result<Duration> {
        let scalers: Api<HybridScaler> = Api::namespaced(self.kube.clone(), &self.bed.namespace);
        try_join_all(SCALERS.map(|name| await_condition(scalers.clone(), name, wanted))).await?;
        Ok(began.elapsed())
    }
}

fn has_status(scaler: Option<&HybridScaler>) -> bool {
    scaler.is_some_and(|scaler| scaler.status.is_some())
}

fn has_decided(scaler: Option<&HybridScaler>) -> bool {
    let status = scaler.and_then(|scaler| scaler.status.as_ref());
    status.is_some_and(|status| {
        !status.triggers.is_empty() && status.triggers.iter().all(|trigger| trigger.state == SignalState::Known)
    })
}
