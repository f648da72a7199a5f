//! The conditions that a budget's reconcile leads to.

use hybridscaler_core::{
    Connections,
    budget::{Evidence, Ledger, OnShrink, Promise, capacity::DRAIN_READINGS},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::{
    api::{
        StoredLedger,
        conditions::{ConditionStatus, ConditionType, Verdict, reasons},
        ledger::LedgerSize,
    },
    controller::{capacity::Reading, trouble::Trouble},
};

/// What a reconcile found.
pub(super) struct Found<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) reading: Result<&'a Reading, &'a Trouble>,
    pub(super) promise: &'a Promise,
    /// How large the ledger is, as it will be stored.
    pub(super) size: LedgerSize,
    /// The conditions as they stand.
    pub(super) before: &'a [Condition],
    pub(super) now: Timestamp,
}

/// The budget's conditions.
pub(super) fn verdicts(found: &Found<'_>) -> [Verdict; 6] {
    let (known, over, shared) = (capacity_known(found), over_budget(found), shared_database(found));
    let ready = ready(&known, &shared);
    [ready, known, over, shared, pools_guaranteed(found.promise), ledger_has_room(found.size)]
}

fn verdict(type_: ConditionType, status: ConditionStatus, reason: &'static str, message: impl Into<String>) -> Verdict {
    Verdict { type_, status, reason, message: message.into() }
}

fn ready(known: &Verdict, shared: &Verdict) -> Verdict {
    let bad = match (known.status, shared.status) {
        (ConditionStatus::True, ConditionStatus::True) => shared,
        (ConditionStatus::True, _) => {
            return verdict(
                ConditionType::Ready,
                ConditionStatus::True,
                reasons::AS_EXPECTED,
                "connections are granted",
            );
        }
        _ => known,
    };
    verdict(ConditionType::Ready, ConditionStatus::False, bad.reason, bad.message.clone())
}

fn capacity_known(found: &Found<'_>) -> Verdict {
    let type_ = ConditionType::CapacityKnown;
    let usable = found.ledger.capacity.usable();
    match found.reading {
        Ok(reading) => {
            let arithmetic = match reading {
                Reading::Fixed(_) => String::new(),
                Reading::Live(read) => format!("; it says {}", read.limits),
            };
            let usable = usable.unwrap_or_default();
            let message = format!("the database accepts {usable} connections from ordinary roles{arithmetic}");
            verdict(type_, ConditionStatus::True, reasons::AS_EXPECTED, message)
        }
        Err(trouble) => {
            let last = usable.map_or_else(
                || "it was never read, so nothing is granted".to_owned(),
                |usable| format!("the last value, {usable}, stands; no grant grows and nobody is lowered for it"),
            );
            let message = format!("{}\n{last}", trouble.message.trim_end());
            verdict(type_, ConditionStatus::False, trouble.reason, message)
        }
    }
}

/// By how much, since when, and until when, as far as that is known.
fn over_budget(Found { ledger, before, now, .. }: &Found<'_>) -> Verdict {
    let type_ = ConditionType::OverBudget;
    let by = ledger.over_by();
    if by == Connections::ZERO {
        return verdict(type_, ConditionStatus::False, reasons::AS_EXPECTED, "the grants fit into the capacity");
    }
    let standing =
        before.iter().find(|held| held.type_ == type_.as_str() && held.status == ConditionStatus::True.as_str());
    let since = standing.map_or(*now, |held| held.last_transition_time.0);
    let message = format!(
        "the scalers' replicas may open {by} connections more than the database accepts beside the reserve of {}, since {since:.0}: \
         nobody grows; {}",
        ledger.reserve,
        until(ledger)
    );
    verdict(type_, ConditionStatus::True, reasons::GRANTS_EXCEED_CAPACITY, message)
}

fn until(ledger: &Ledger) -> String {
    match (ledger.on_shrink, ledger.drain_level()) {
        (OnShrink::Hold, _) => {
            "onShrink is Hold, so it lasts until loads fall, the capacity grows or the reserve shrinks".to_owned()
        }
        (OnShrink::Drain, Some(level)) => {
            format!("the largest are lowered to {level} connections each, and it lasts until their replicas have ended")
        }
        (OnShrink::Drain, None) => format!(
            "nobody is lowered unless {DRAIN_READINGS} readings in a row confirm it; it lasts until replicas have ended that leave, or \
             that no scaler lowers"
        ),
    }
}

fn shared_database(Found { ledger, reading, .. }: &Found<'_>) -> Verdict {
    let type_ = ConditionType::SharedDatabase;
    match (ledger.shared_with.as_slice(), reading) {
        ([], Ok(Reading::Live(_))) => {
            verdict(type_, ConditionStatus::False, reasons::AS_EXPECTED, "no other ledger was seen on the database")
        }
        ([], _) => verdict(
            type_,
            ConditionStatus::Unknown,
            reasons::NOT_OBSERVED,
            "the database was not asked for other ledgers",
        ),
        (others, _) => {
            let message = format!(
                "each grants what the other may have granted already, so nobody grows: {}. Let one ConnectionBudget keep the ledger of \
                 this database; where that cannot be, as between clusters, give each a static capacity of its own",
                others.join(", ")
            );
            verdict(type_, ConditionStatus::True, reasons::SHARED_DATABASE, message)
        }
    }
}

fn pools_guaranteed(Promise { standing, findings }: &Promise) -> Verdict {
    let status = match standing.holds() {
        Some(true) => ConditionStatus::True,
        Some(false) => ConditionStatus::False,
        None => ConditionStatus::Unknown,
    };
    let against =
        findings.iter().filter(|finding| matches!(finding.evidence, Evidence::InDoubt | Evidence::Contradicted));
    let names: Vec<&str> = against.map(|finding| finding.assumption.as_str()).collect();
    let message = match names.as_slice() {
        [] => standing.to_string(),
        names => format!("{standing}; see in status.promises: {}", names.join(", ")),
    };
    verdict(ConditionType::PoolsGuaranteed, status, standing.as_str(), message)
}

fn ledger_has_room(size: LedgerSize) -> Verdict {
    let type_ = ConditionType::LedgerHasRoom;
    let percent = size.bytes.saturating_mul(100) / StoredLedger::LIMIT;
    let mend = "let some scalers refer to a second ConnectionBudget with a static share of the database";
    if size.is_full() {
        let message = format!(
            "the ledger takes {percent} % of its {} bytes: no new scaler is entered; {mend}",
            StoredLedger::LIMIT
        );
        return verdict(type_, ConditionStatus::False, reasons::LEDGER_FULL, message);
    }
    if size.is_nearly_full() {
        let message = format!("the ledger takes more than 75 % of its {} bytes; {mend}", StoredLedger::LIMIT);
        return verdict(type_, ConditionStatus::False, reasons::LEDGER_NEARLY_FULL, message);
    }
    verdict(type_, ConditionStatus::True, reasons::AS_EXPECTED, "the ledger takes less than 75 % of what it may")
}
