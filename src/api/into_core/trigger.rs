//! One signal and what a replica should carry of it.

use hybridscaler_core::policy::{self, Enough};
use jiff::SignedDuration;

use crate::api::{
    spec_error::{SpecError, in_range},
    target_ref::Target,
    trigger::{CpuTarget, CpuTrigger, ExternalTarget, QueueTarget, Source, SqsTrigger, Trigger},
};

/// Age in seconds from which the CPU of an ECS service is unknown: CloudWatch delivers a period some minutes after its end.
const CLOUDWATCH_STALE_AFTER: i32 = 300;

/// Age in seconds from which another value is unknown: polls that may fail in a row, and the least whatever the interval.
const STALE_AFTER_POLLS: i32 = 3;
const STALE_AFTER: i32 = 60;

/// The metrics API measures pods every 15 s to a minute and serves what it has: a value is unknown this many seconds after its window.
const METRICS_API_STALE_AFTER: i32 = 180;

/// A formula's value is as fresh as what it reads, each by its own limit, unless its trigger says otherwise.
const FORMULA_STALE_AFTER: i32 = 3600;

/// None when it asks for nothing by itself: formulas read it.
pub(super) fn into_core(
    trigger: &Trigger,
    target: Target<'_>,
    poll_interval: i32,
) -> Result<Option<policy::Trigger>, SpecError> {
    let amount = |target| match target {
        ExternalTarget::ValueMilli(milli) => policy::Target::Value { milli },
        ExternalTarget::AverageMilli(milli) => policy::Target::AverageValue { milli },
    };
    let load = match trigger.source()? {
        Source::Sqs(sqs) => queue(sqs)?.map(|load| (load, sqs.activation().map(|messages| Some(messages.into())))),
        Source::Cpu(cpu) => match target {
            Target::Ecs(_) => service_cpu(cpu)?,
            Target::Workload { .. } => pods_cpu(cpu)?,
        }
        .map(|load| (load, Ok(None))),
        Source::External(external) => {
            external.target()?.map(|target| (amount(target), external.activation_milli().map(Some)))
        }
        Source::Formula(formula) => Some((amount(formula.target()?), formula.activation_milli().map(Some))),
    };
    let stale_after = stale_after(trigger, target, poll_interval)?;
    load.map(|(target, activation)| {
        Ok(policy::Trigger { name: trigger.name.as_str().into(), target, activation: activation?, stale_after })
    })
    .transpose()
}

/// The age from which a value of the trigger's signal is unknown.
pub(in crate::api) fn stale_after(
    trigger: &Trigger,
    target: Target<'_>,
    poll_interval: i32,
) -> Result<SignedDuration, SpecError> {
    let polls = poll_interval.saturating_mul(STALE_AFTER_POLLS).max(STALE_AFTER);
    let usual = match (trigger.source()?, target) {
        (Source::Sqs(_) | Source::External(_), _) => polls,
        (Source::Cpu(_), Target::Ecs(_)) => CLOUDWATCH_STALE_AFTER,
        (Source::Cpu(_), Target::Workload { .. }) => polls.max(METRICS_API_STALE_AFTER),
        (Source::Formula(_), _) => FORMULA_STALE_AFTER,
    };
    let seconds = in_range("staleAfterSeconds", trigger.stale_after_seconds.unwrap_or(usual), 10, 3600)?;
    Ok(SignedDuration::from_secs(seconds.into()))
}

fn queue(sqs: &SqsTrigger) -> Result<Option<policy::Target>, SpecError> {
    let millis = |time: SignedDuration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let enough = match sqs.target()? {
        None => return Ok(None),
        Some(QueueTarget::MessagesPerReplica(messages)) => Enough::Messages(messages),
        Some(QueueTarget::Latency { wait, per_message }) => {
            Enough::Latency { target: millis(wait), per_message: millis(per_message) }
        }
    };
    let (concurrency, message_groups) = (sqs.concurrency()?, sqs.message_groups()?);
    Ok(Some(policy::Target::Queue(policy::Queue { enough, concurrency, message_groups })))
}

fn service_cpu(cpu: &CpuTrigger) -> Result<Option<policy::Target>, SpecError> {
    match cpu.target()? {
        None => Ok(None),
        Some(CpuTarget::Utilization(percent @ 1..=100)) => Ok(Some(policy::Target::Utilization(percent))),
        Some(CpuTarget::Utilization(percent)) => {
            Err(SpecError::new("cpu.targetUtilization", percent, "is more than an ECS service reserves: set 1 to 100"))
        }
        Some(CpuTarget::AverageMilli(milli)) => Err(SpecError::new(
            "cpu.targetAverageValue",
            format!("{milli}m"),
            "is not measured of an ECS service: use targetUtilization",
        )),
    }
}

fn pods_cpu(cpu: &CpuTrigger) -> Result<Option<policy::Target>, SpecError> {
    Ok(cpu.target()?.map(|target| match target {
        CpuTarget::Utilization(percent) => policy::Target::Utilization(percent),
        CpuTarget::AverageMilli(milli) => policy::Target::AverageValue { milli },
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;
    use crate::api::EcsService;

    const WORKLOAD: Target<'_> = Target::Workload { api_version: "apps/v1", kind: "Deployment", name: "worker" };

    /// What a replica should carry, from where on the trigger is active, and the age in seconds from which a value is stale.
    fn read(written: Value, target: Target<'_>, poll_interval: i32) -> (policy::Target, Option<u64>, i64) {
        let trigger: Trigger = serde_json::from_value(written).unwrap();
        let policy::Trigger { target, activation, stale_after, .. } =
            into_core(&trigger, target, poll_interval).unwrap().unwrap();
        (target, activation, stale_after.as_secs())
    }

    #[test]
    fn a_queue_with_a_latency_is_told_in_milliseconds() {
        let written = json!({"name": "backlog", "sqs": {
            "queueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo", "targetLatencySeconds": 30,
            "secondsPerMessage": 0.25, "concurrency": 4, "activationMessages": 7, "messageGroups": 20,
        }});
        let enough = Enough::Latency { target: 30_000, per_message: 250 };
        let queue = policy::Queue { enough, concurrency: Some(4), message_groups: Some(20) };
        assert_eq!(read(written, WORKLOAD, 15), (policy::Target::Queue(queue), Some(7), 60));
    }

    #[test]
    fn the_cpu_of_pods_is_fresh_for_longer_than_the_metrics_api_takes() {
        let percent = json!({"name": "cpu", "cpu": {"targetUtilization": 250}});
        assert_eq!(read(percent.clone(), WORKLOAD, 15), (policy::Target::Utilization(250), None, 180));
        assert_eq!(read(percent, WORKLOAD, 100), (policy::Target::Utilization(250), None, 300));
        let average = json!({"name": "cpu", "cpu": {"targetAverageValue": "500m"}, "staleAfterSeconds": 10});
        assert_eq!(read(average, WORKLOAD, 15), (policy::Target::AverageValue { milli: 500 }, None, 10));
    }

    #[test]
    fn an_external_metric_is_active_above_nothing_or_from_its_threshold_on() {
        let service = EcsService::default();
        let sum = json!({"name": "requests", "external": {"metricName": "requests", "targetValue": "100"}});
        let expected = (policy::Target::Value { milli: 100_000 }, Some(1), 60);
        assert_eq!(read(sum, Target::Ecs(&service), 15), expected);
        let share = json!({"name": "requests", "external": {
            "metricName": "requests", "targetAverageValue": "10", "activationValue": "1.5",
        }});
        assert_eq!(read(share, WORKLOAD, 30), (policy::Target::AverageValue { milli: 10_000 }, Some(1500), 90));
    }
}
