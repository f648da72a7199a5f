//! The end of the demo: the runs side by side, and whether they showed what they should.

use std::fmt;

use super::{
    record::{Record, SERVICES, Variant},
    story,
};

/// The runs that were made.
pub struct Comparison<'a>(pub &'a [Record]);

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.row(f, "", |record| match record.variant {
            Variant::Budgeted => "with the budget".to_owned(),
            Variant::Unbudgeted => "without it".to_owned(),
            Variant::StaticMaximum => "static maximum".to_owned(),
            Variant::Clamped => "clamped".to_owned(),
        })?;
        self.row(f, &format!("most connections at once, of {}", story::MAX_CONNECTIONS), |record| {
            thousands(record.peak_connections.into())
        })?;
        self.row(f, "connections refused", |record| thousands(record.end().refused))?;
        self.row(f, "crashes of replicas", |record| thousands(record.end().crashed))?;
        self.row(f, "failures of payments", |record| {
            let end = record.end();
            format!("{} of {}", thousands(end.bystander_failed), thousands(end.bystander_asked))
        })?;
        for (index, service) in SERVICES.iter().enumerate() {
            self.row(f, &format!("most replicas of {service}"), |record| {
                record.most().get(index).map(u32::to_string).unwrap_or_default()
            })?;
        }
        self.row(f, "messages sent", |record| thousands(record.sent))?;
        self.row(f, "messages left", |record| thousands(record.left()))?;
        self.row(f, "both queues drained", |record| match record.drained_after {
            Some(seconds) => format!("after {seconds:.0} s"),
            None => format!("not in {:.0} s", record.end().at),
        })
    }
}

impl Comparison<'_> {
    fn row(&self, f: &mut fmt::Formatter<'_>, label: &str, cell: impl Fn(&Record) -> String) -> fmt::Result {
        write!(f, "{label:<36}")?;
        for record in self.0 {
            write!(f, "{:>18}", cell(record))?;
        }
        writeln!(f)
    }
}

/// What the runs failed to show, each with its number. Nothing when the demo succeeded.
pub fn failures(records: &[Record]) -> Vec<String> {
    let failures = |record: &Record| match record.variant {
        Variant::Budgeted => budgeted(record),
        Variant::Unbudgeted => unbudgeted(record),
        // They are shown as they are.
        Variant::StaticMaximum | Variant::Clamped => Vec::new(),
    };
    records.iter().flat_map(failures).collect()
}

fn budgeted(record: &Record) -> Vec<String> {
    let end = record.end();
    let mut failures = Vec::new();
    let mut expect = |holds: bool, failure: String| {
        if !holds {
            failures.push(format!("with the budget, {failure}"));
        }
    };
    expect(end.refused == 0, format!("the database refused {} connections instead of none", end.refused));
    expect(end.bystander_asked > 0, "payments asked nothing, so nothing is known of it".to_owned());
    expect(end.bystander_failed == 0, format!("payments failed {} times instead of never", end.bystander_failed));
    let floor = (story::grantable() * story::USED_PERCENT).div_ceil(100);
    expect(
        record.peak_connections >= floor,
        format!(
            "at most {} connections were open, fewer than the {floor} that show it was used",
            record.peak_connections
        ),
    );
    for (service, most) in SERVICES.iter().zip(record.most()) {
        expect(most >= story::FAIR, format!("{service} reached {most} replicas instead of {}", story::FAIR));
    }
    for (service, state) in SERVICES.iter().zip(&end.services) {
        expect(
            record.drained_after.is_some() || state.waiting <= story::DRAINED,
            format!("the queue of {service} still held {} messages after {:.0} s", state.waiting, end.at),
        );
    }
    failures
}

fn unbudgeted(record: &Record) -> Vec<String> {
    let end = record.end();
    let mut failures = Vec::new();
    if end.refused == 0 {
        failures.push(
            "without the budget, the database refused no connection, so the budget made no difference".to_owned(),
        );
    }
    if end.bystander_failed == 0 {
        failures.push(format!("without the budget, payments failed in none of {} requests", end.bystander_asked));
    }
    failures
}

/// A number with its thousands set apart by commas.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::record::{Moment, Service};

    fn record(variant: Variant) -> Record {
        let budgeted = variant == Variant::Budgeted;
        let service = |running| Service { running, ..Service::default() };
        let end = Moment {
            at: 88.0,
            refused: if budgeted { 0 } else { 1234 },
            bystander_asked: 176,
            bystander_failed: if budgeted { 0 } else { 90 },
            services: [service(18), service(17)],
            ..Moment::default()
        };
        Record {
            variant,
            seed: 1,
            moments: vec![end],
            peak_connections: 352,
            sent: 9_000,
            handled: 9_000,
            drained_after: budgeted.then_some(88.0),
        }
    }

    #[test]
    fn runs_that_show_the_difference_have_no_failure() {
        assert_eq!(failures(&[record(Variant::Budgeted), record(Variant::Unbudgeted)]), Vec::<String>::new());
    }

    #[test]
    fn each_condition_is_told_with_its_number() {
        type Spoil = fn(&mut Record, &mut Moment);
        let cases: [(Variant, Spoil, &str); 8] = [
            (Variant::Budgeted, |_, end| end.refused = 3, "refused 3 connections"),
            (Variant::Budgeted, |_, end| end.bystander_failed = 1, "payments failed 1 times"),
            (Variant::Budgeted, |_, end| end.bystander_asked = 0, "payments asked nothing"),
            (
                Variant::Budgeted,
                |record, _| record.peak_connections = 332,
                "at most 332 connections were open, fewer than the 333",
            ),
            (Variant::Budgeted, |_, end| end.services[1].running = 11, "core-api reached 11 replicas instead of 12"),
            (
                Variant::Budgeted,
                |record, end| (record.drained_after, end.services[0].waiting) = (None, 77),
                "queue of order-worker still held 77",
            ),
            (Variant::Unbudgeted, |_, end| end.refused = 0, "refused no connection"),
            (Variant::Unbudgeted, |_, end| end.bystander_failed = 0, "none of 176 requests"),
        ];
        for (variant, spoil, told) in cases {
            let mut spoiled = record(variant);
            let mut end = spoiled.end();
            spoil(&mut spoiled, &mut end);
            spoiled.moments = vec![end];
            let failures = failures(&[spoiled]);
            assert!(matches!(&failures[..], [only] if only.contains(told)), "{failures:?} do not say just {told:?}");
        }
    }

    #[test]
    fn the_runs_stand_side_by_side() {
        let text = Comparison(&[record(Variant::Budgeted), record(Variant::Unbudgeted)]).to_string();
        let rows: Vec<_> = text.lines().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for row in [
            "connections refused 0 1,234",
            "both queues drained after 88 s not in 88 s",
            "failures of payments 0 of 176 90 of 176",
        ] {
            assert!(rows.iter().any(|found| found == row), "no {row:?} in\n{text}");
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1_000, 12_345_678].map(thousands), ["0", "999", "1,000", "12,345,678"]);
    }
}
