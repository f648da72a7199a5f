//! What to run when nothing can be read for long enough.

use jiff::Timestamp;

use super::{Proposal, Verdict};
use crate::{
    policy::{Fallback, FallbackBehavior},
    units::Replicas,
};

/// Since when no trigger could be read, if every one has failed as often and for as long as the policy says. The first good reading
/// ends it.
pub(super) fn since(proposals: &[Proposal], fallback: Fallback, now: Timestamp) -> Option<Timestamp> {
    let Fallback { behavior, after_failures, after, replicas: _ } = fallback;
    if behavior == FallbackBehavior::Hold {
        return None;
    }
    let mut since = None;
    for proposal in proposals {
        let Verdict::Unknown(unread) = &proposal.verdict else { return None };
        if unread.failures < after_failures.max(1) {
            return None;
        }
        since = since.max(Some(unread.since?));
    }
    let since = since?.min(now);
    (now.duration_since(since) >= after).then_some(since)
}

/// The replicas that a fallback names.
pub(super) fn replicas(fallback: Fallback, desired: Replicas) -> Replicas {
    let Fallback { behavior, replicas, .. } = fallback;
    match behavior {
        FallbackBehavior::Hold => desired,
        FallbackBehavior::Static => replicas,
        FallbackBehavior::OnlyIfHigher => desired.max(replicas),
        FallbackBehavior::OnlyIfLower => desired.min(replicas),
    }
}
