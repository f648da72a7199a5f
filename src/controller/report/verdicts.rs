//! The conditions that a reconcile leads to.

use hybridscaler_core::{
    demand::Verdict as Ruled,
    explanation::{Cause, Limit},
    reading::Unknown,
};

use super::Found;
use crate::{
    api::{
        Mode,
        conditions::{ConditionStatus, ConditionType, Verdict, reasons},
    },
    targets::Note,
};

pub(super) fn verdicts(found: &Found) -> Vec<Verdict> {
    let able = able_to_scale(found);
    let active = scaling_active(found);
    let limited = scaling_limited(found);
    let ready = ready(found, &able, &active);
    [Some(ready), Some(able), Some(active), limited].into_iter().flatten().collect()
}

fn verdict(type_: ConditionType, status: ConditionStatus, reason: &'static str, message: impl Into<String>) -> Verdict {
    Verdict { type_, status, reason, message: message.into() }
}

fn able_to_scale(found: &Found) -> Verdict {
    let type_ = ConditionType::AbleToScale;
    match &found.trouble {
        Some(trouble) if trouble.type_ == type_ => {
            verdict(type_, ConditionStatus::False, trouble.reason, trouble.message.clone())
        }
        Some(trouble) => verdict(type_, ConditionStatus::Unknown, trouble.reason, "not looked at: see Ready"),
        None => found.observed.as_ref().map_or_else(
            || readable(&[]),
            |observed| match &observed.rival {
                Some(rival) => {
                    verdict(type_, ConditionStatus::False, reasons::TARGET_OWNED_BY_ANOTHER, rival.to_string())
                }
                None => readable(&observed.notes),
            },
        ),
    }
}

fn readable(notes: &[Note]) -> Verdict {
    let notes = notes.iter().map(ToString::to_string);
    let message: Vec<String> = std::iter::once("the target can be read and scaled".to_owned()).chain(notes).collect();
    verdict(ConditionType::AbleToScale, ConditionStatus::True, reasons::AS_EXPECTED, message.join("; "))
}

fn scaling_active(found: &Found) -> Verdict {
    let type_ = ConditionType::ScalingActive;
    if found.mode == Mode::Paused {
        return verdict(type_, ConditionStatus::False, reasons::PAUSED, "mode is Paused: set it to Active to scale");
    }
    let Some(decision) = &found.decision else {
        let reason = found.trouble.as_ref().map_or(reasons::NO_SIGNAL, |trouble| trouble.reason);
        return verdict(type_, ConditionStatus::Unknown, reason, "nothing was decided: see Ready");
    };
    let unknown: Vec<(&str, Unknown, &str)> = decision
        .explanation
        .demand
        .proposals
        .iter()
        .filter_map(|proposal| match &proposal.verdict {
            Ruled::Unknown(unread) => Some((&*proposal.trigger, unread.why, &*unread.message)),
            Ruled::Known(_) => None,
        })
        .collect();
    let Some((_, why, _)) = unknown.iter().min_by_key(|(_, why, _)| *why) else {
        return verdict(type_, ConditionStatus::True, reasons::AS_EXPECTED, "every signal can be read");
    };
    let message = unknown.iter().map(|(name, why, message)| format!("trigger {name}: {}: {message}", why.as_str()));
    // Right after the start nothing has been read yet, which is no fault.
    let status = match why {
        Unknown::NotReadYet => ConditionStatus::Unknown,
        _ => ConditionStatus::False,
    };
    verdict(type_, status, why.as_str(), message.collect::<Vec<_>>().join("; "))
}

fn scaling_limited(found: &Found) -> Option<Verdict> {
    let decision = found.decision.as_ref()?;
    let type_ = ConditionType::ScalingLimited;
    let message = decision.explanation.headline().to_string();
    Some(match decision.limited_by {
        Limit::None => verdict(type_, ConditionStatus::False, Limit::None.as_str(), message),
        limit => verdict(type_, ConditionStatus::True, limit.as_str(), message),
    })
}

fn ready(found: &Found, able: &Verdict, active: &Verdict) -> Verdict {
    let type_ = ConditionType::Ready;
    if let Some(trouble) = &found.trouble {
        return verdict(type_, ConditionStatus::False, trouble.reason, trouble.message.clone());
    }
    if found.mode == Mode::Paused {
        return verdict(type_, ConditionStatus::True, reasons::PAUSED, "paused as told");
    }
    if able.status != ConditionStatus::True && found.mode.acts() {
        return verdict(type_, able.status, able.reason, able.message.clone());
    }
    if let Some((limit, message)) = by_a_person(found) {
        return verdict(type_, ConditionStatus::True, limit.as_str(), message);
    }
    if active.status != ConditionStatus::True {
        return verdict(type_, active.status, active.reason, active.message.clone());
    }
    let (reason, message) = match found.mode {
        Mode::DryRun => (reasons::DRY_RUN, "decides and tells, writes nothing"),
        Mode::ScaleUpOnly => (Limit::ScaleDownPaused.as_str(), "scales up on demand and never down, as mode says"),
        Mode::ScaleDownOnly => (Limit::ScaleUpPaused.as_str(), "scales down on demand and never up, as mode says"),
        Mode::Active | Mode::Paused => (reasons::AS_EXPECTED, "scales on demand"),
    };
    verdict(type_, ConditionStatus::True, reason, message)
}

/// A number that a person set, which is run whatever the signals say, and whether or not they can be read.
fn by_a_person(found: &Found) -> Option<(Limit, String)> {
    let decision = found.decision.as_ref().filter(|_| found.mode != Mode::DryRun)?;
    let step = decision.explanation.steps.last()?;
    match step.cause {
        Cause::Pinned { .. } => Some((
            Limit::Pinned,
            format!("asks for {} replicas whatever the signals say: pinnedReplicas is set", step.to),
        )),
        Cause::PausedByHand => {
            Some((Limit::PausedByHand, "stays at the 0 replicas that a person set: set at least 1 to go on".into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

    use hybridscaler_core::{
        Replicas, decide,
        history::History,
        observation::{Observation, Rollout, Workload},
        reading::{Load, Reading},
    };
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::HybridScalerSpec;

    /// What a scaler's spec comes to with a queue of 300 messages, or one that cannot be read.
    fn found(change: Value, desired: u32, readable: bool) -> Found {
        let mut spec = json!({
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"},
            "maxReplicas": 50,
            "triggers": [{"name": "backlog", "sqs": {
                "queueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders", "messagesPerReplica": 60,
            }}],
        });
        spec.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let spec: HybridScalerSpec = serde_json::from_value(spec).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let workload = Workload {
            desired: Replicas(desired),
            running: Replicas(desired),
            starting: Replicas::ZERO,
            terminating: Replicas::ZERO,
            rollout: Rollout::Settled,
        };
        let load = Load::Queue { visible: 300, in_flight: 0, delayed: 0 };
        let unreadable = || Reading::unknown(Unknown::Forbidden, "no right");
        let reading = if readable { Reading::Known { load, at: now } } else { unreadable() };
        let seen = Observation { workload, readings: vec![reading], schedules: Vec::new() };
        let mut found = Found::default();
        found.mode = spec.mode;
        found.decision = Some(decide(&spec.policy().unwrap(), &seen, &History::default(), now));
        found
    }

    fn ready(found: &Found) -> (ConditionStatus, &'static str, String) {
        let ready = verdicts(found).into_iter().find(|verdict| verdict.type_ == ConditionType::Ready).unwrap();
        (ready.status, ready.reason, ready.message)
    }

    #[test]
    fn ready_says_what_is_true_of_each_mode() {
        let said = |change, desired| ready(&found(change, desired, true));
        for (change, desired, reason, message) in [
            (json!({}), 5, "AsExpected", "scales on demand"),
            (json!({"mode": "ScaleUpOnly"}), 5, "ScaleDownPaused", "scales up on demand and never down, as mode says"),
            (json!({"mode": "ScaleDownOnly"}), 5, "ScaleUpPaused", "scales down on demand and never up, as mode says"),
            (json!({"mode": "DryRun"}), 5, "DryRun", "decides and tells, writes nothing"),
            (json!({"mode": "DryRun", "pinnedReplicas": 8}), 5, "DryRun", "decides and tells, writes nothing"),
            (json!({"mode": "Paused", "pinnedReplicas": 8}), 5, "Paused", "paused as told"),
            (
                json!({"pinnedReplicas": 8}),
                5,
                "Pinned",
                "asks for 8 replicas whatever the signals say: pinnedReplicas is set",
            ),
            (json!({}), 0, "PausedByHand", "stays at the 0 replicas that a person set: set at least 1 to go on"),
        ] {
            assert_eq!(said(change, desired), (ConditionStatus::True, reason, message.to_owned()));
        }
    }

    #[test]
    fn a_signal_that_cannot_be_read_is_no_fault_of_who_follows_none() {
        let status = |change, desired| ready(&found(change, desired, false)).0;
        assert_eq!(status(json!({}), 5), ConditionStatus::False);
        assert_eq!(status(json!({"mode": "DryRun", "pinnedReplicas": 8}), 5), ConditionStatus::False);
        assert_eq!(status(json!({"pinnedReplicas": 8}), 5), ConditionStatus::True);
        assert_eq!(status(json!({}), 0), ConditionStatus::True);
    }
}
