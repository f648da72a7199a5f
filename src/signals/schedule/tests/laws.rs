//! The schedule against a slow witness: every fifth minute of the wall clock is asked whether it is a start or an end.

use croner::Cron;
use jiff::{SignedDuration, Timestamp, ToSpan as _, Unit, civil::DateTime, tz};
use proptest::prelude::*;

use super::super::{Schedule, TOUCHING_WINDOWS, Window};

/// Their minutes are multiples of five.
const CRONS: [&str; 12] = [
    "0 8 * * 1-5",
    "0 18 * * 1-5",
    "30 2 * * *",
    "0 3 * * *",
    "30 1,2,3 * * *",
    "*/15 * * * *",
    "50 * * * *",
    "0 0 * * *",
    "0 12 * * 3",
    "5 4 * * 0",
    "0 22 * * *",
    "45 23 * * 5,6",
];

/// Moments around which clocks change, and zones whose clocks do; Lord Howe's by half an hour.
const PLACES: [(&str, &str); 7] = [
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Pacific/Kiritimati", "2026-11-22T10:00:00Z"),
    ("UTC", "2028-02-29T00:00:00Z"),
];

/// How many days around a moment the witness knows: each of the expressions has times in them before the moment and after it.
const DAYS: i64 = 20;

/// The first moments at which the clock has reached each time of `cron` within `days` of `around`.
fn times(cron: &str, zone: &str, around: Timestamp, days: i64) -> Vec<Timestamp> {
    let (cron, zone): (Cron, _) = (cron.parse().unwrap(), tz::db().get(zone).unwrap());
    let mut shown: DateTime = zone.to_datetime(around).round(Unit::Hour).unwrap() - days.days();
    let end = shown + (2 * days).days();
    let mut found = Vec::new();
    while shown < end {
        if cron.is_time_matching(&shown).unwrap() {
            // Where the clock jumps, neither reading of the time it jumps over is right: the jump lies between them.
            let both = zone.to_ambiguous_timestamp(shown);
            let (earlier, later) = (both.earlier().unwrap(), both.later().unwrap());
            let seconds = earlier.min(later).as_second()..=earlier.max(later).as_second();
            let mut moments = seconds.map(|at| Timestamp::from_second(at).unwrap());
            found.extend(moments.find(|moment| zone.to_datetime(*moment) >= shown));
        }
        shown += 5.minutes();
    }
    found
}

/// The windows that open at `starts`, each until the first of `ends` after it; those that touch are one.
fn windows(starts: &[Timestamp], ends: &[Timestamp], lead: SignedDuration) -> Vec<(Timestamp, Timestamp)> {
    let mut windows: Vec<(Timestamp, Timestamp)> = Vec::new();
    for start in starts {
        let end = ends.get(ends.partition_point(|end| end <= start)).copied().unwrap_or(Timestamp::MAX);
        match windows.last_mut() {
            Some((_, last)) if *start - lead <= *last => *last = end,
            _ => windows.push((*start - lead, end)),
        }
    }
    windows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_window_opens_and_closes_when_the_witness_s_does(
        start in prop::sample::select(&CRONS[..]),
        end in prop::sample::select(&CRONS[..]),
        (zone, change) in prop::sample::select(&PLACES[..]),
        minutes in prop_oneof![-90_i64..90, -1500_i64..1500],
        second in prop::sample::select(vec![-1_i64, 0, 1]),
        lead in prop::sample::select(vec![0_i64, 60, 900, 86_400]),
    ) {
        let lead = SignedDuration::from_secs(lead);
        let now = change.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(minutes * 60 + second);
        let (starts, ends) = (times(start, zone, now, DAYS), times(end, zone, now, DAYS));
        let windows = windows(&starts, &ends, lead);
        let expected = match windows.iter().find(|(_, close)| now < *close) {
            Some(&(open, close)) if open <= now => Window::Open { until: close },
            Some(&(open, _)) => Window::Closed { until: open },
            None => Window::Closed { until: Timestamp::MAX },
        };
        let window = Schedule::parse(start, end, zone, lead).unwrap().at(now);
        prop_assert_eq!(window.open_until().is_some(), expected.open_until().is_some(), "at {}", now);

        // The witness knows only its days, and the schedule does not follow windows that touch for ever.
        let known = now + SignedDuration::from_hours(24 * (DAYS - 8));
        let (until, expected) = (window.next_change().min(known), expected.next_change().min(known));
        if window.open_until().is_some() && until < expected {
            let followed = ends.iter().filter(|end| now < **end && **end <= until).count();
            prop_assert!(followed > TOUCHING_WINDOWS, "open until {}, not {}", until, expected);
        } else {
            prop_assert_eq!(until, expected, "at {}", now);
        }
    }

    #[test]
    fn no_text_breaks_the_parser(text in "[0-9*/,#LW?+A-F -]{0,24}", zone in "[A-Za-z/_+-]{0,16}") {
        let fields = text.split_whitespace().count();
        if let Ok(schedule) = Schedule::parse(&text, &text, "UTC", SignedDuration::ZERO) {
            prop_assert_eq!(fields, 5);
            schedule.at(Timestamp::UNIX_EPOCH);
        }
        let _ = Schedule::parse("0 0 * * *", "0 1 * * *", &zone, SignedDuration::ZERO);
    }
}
