//! The conditions that a reconcile leads to.

use hybridscaler_core::{demand::Verdict as Ruled, explanation::Limit, reading::Unknown};

use super::Found;
use crate::api::{
    Mode,
    conditions::{ConditionStatus, ConditionType, Verdict, reasons},
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
        None => {
            let notes = found.observed.iter().flat_map(|observed| &observed.notes).map(ToString::to_string);
            let message =
                std::iter::once("the target can be read and scaled".to_owned()).chain(notes).collect::<Vec<_>>();
            verdict(type_, ConditionStatus::True, reasons::AS_EXPECTED, message.join("; "))
        }
    }
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
    for part in [able, active] {
        if part.status != ConditionStatus::True {
            return verdict(type_, part.status, part.reason, part.message.clone());
        }
    }
    match found.mode {
        Mode::DryRun => verdict(type_, ConditionStatus::True, reasons::DRY_RUN, "decides and tells, writes nothing"),
        Mode::Active | Mode::ScaleUpOnly | Mode::ScaleDownOnly | Mode::Paused => {
            verdict(type_, ConditionStatus::True, reasons::AS_EXPECTED, "scales on demand")
        }
    }
}
