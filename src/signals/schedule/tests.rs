#![expect(clippy::unwrap_used, reason = "tests")]

mod laws;

use jiff::{SignedDuration, Timestamp};

use super::{Schedule, Window};

const NO_LEAD: SignedDuration = SignedDuration::ZERO;
const OK: &str = "0 8 * * 1-5";

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(start: &str, end: &str, zone: &str) -> Schedule {
    Schedule::parse(start, end, zone, NO_LEAD).unwrap()
}

fn open(until: &str) -> Window {
    Window::Open { until: moment(until) }
}

fn closed(until: &str) -> Window {
    Window::Closed { until: moment(until) }
}

/// What the schedule says at each moment.
fn assert_windows(schedule: &Schedule, expected: &[(&str, Window)]) {
    for (now, window) in expected {
        assert_eq!(schedule.at(moment(now)), *window, "at {now}");
    }
}

#[test]
fn a_window_is_open_from_its_start_until_just_before_its_end() {
    let office = schedule("0 8 * * 1-5", "0 18 * * 1-5", "UTC");
    assert_windows(
        &office,
        &[
            ("2026-11-23T07:59:59.999Z", closed("2026-11-23T08:00:00Z")),
            ("2026-11-23T08:00:00Z", open("2026-11-23T18:00:00Z")),
            ("2026-11-23T17:59:59.999Z", open("2026-11-23T18:00:00Z")),
            ("2026-11-23T18:00:00Z", closed("2026-11-24T08:00:00Z")),
            // Friday evening: not before Monday.
            ("2026-11-27T18:00:00Z", closed("2026-11-30T08:00:00Z")),
        ],
    );
}

#[test]
fn a_lead_opens_the_window_earlier_and_closes_it_no_earlier() {
    let lead = SignedDuration::from_secs(300);
    let office = Schedule::parse("0 8 * * *", "0 18 * * *", "UTC", lead).unwrap();
    assert_windows(
        &office,
        &[
            ("2026-11-23T07:54:59Z", closed("2026-11-23T07:55:00Z")),
            ("2026-11-23T07:55:00Z", open("2026-11-23T18:00:00Z")),
            ("2026-11-23T17:59:00Z", open("2026-11-23T18:00:00Z")),
            ("2026-11-23T18:00:00Z", closed("2026-11-24T07:55:00Z")),
        ],
    );
}

#[test]
fn a_window_may_reach_over_midnight() {
    let night = schedule("0 22 * * *", "0 6 * * *", "UTC");
    assert_windows(
        &night,
        &[
            ("2026-11-23T23:30:00Z", open("2026-11-24T06:00:00Z")),
            ("2026-11-24T00:00:00Z", open("2026-11-24T06:00:00Z")),
            ("2026-11-24T06:00:00Z", closed("2026-11-24T22:00:00Z")),
        ],
    );
}

#[test]
fn windows_that_touch_are_one_without_a_dip() {
    let halves = schedule("0 8,12 * * *", "0 12,18 * * *", "UTC");
    assert_windows(
        &halves,
        &[
            ("2026-11-23T11:59:59Z", open("2026-11-23T18:00:00Z")),
            ("2026-11-23T12:00:00Z", open("2026-11-23T18:00:00Z")),
            ("2026-11-23T18:00:00Z", closed("2026-11-24T08:00:00Z")),
        ],
    );
}

#[test]
fn a_lead_that_reaches_into_the_window_before_joins_the_two() {
    let lead = SignedDuration::from_secs(3600);
    let halves = Schedule::parse("0 8,13 * * *", "0 12,18 * * *", "UTC", lead).unwrap();
    assert_windows(&halves, &[("2026-11-23T07:00:00Z", open("2026-11-23T18:00:00Z"))]);
}

#[test]
fn a_schedule_that_never_closes_is_open_for_longer_than_anybody_waits() {
    let always = schedule("0 0 * * *", "0 0 * * *", "UTC");
    let now = moment("2026-11-23T12:00:00Z");
    assert!(always.at(now).open_until().unwrap() > now + SignedDuration::from_hours(24 * 60));
}

#[test]
fn a_start_that_the_clock_jumps_over_comes_when_it_jumps() {
    // 02:00 to 03:00 does not exist on this day; the clock jumps at 01:00 UTC.
    let berlin = schedule("30 2 * * *", "0 6 * * *", "Europe/Berlin");
    assert_windows(
        &berlin,
        &[
            ("2026-03-29T00:59:59Z", closed("2026-03-29T01:00:00Z")),
            ("2026-03-29T01:00:00Z", open("2026-03-29T04:00:00Z")),
            ("2026-03-30T00:29:59Z", closed("2026-03-30T00:30:00Z")),
        ],
    );
    // The jump is at 07:00 UTC.
    let new_york = schedule("30 2,14 * * *", "0 6,18 * * *", "America/New_York");
    assert_windows(
        &new_york,
        &[
            ("2026-03-08T06:59:59Z", closed("2026-03-08T07:00:00Z")),
            ("2026-03-08T07:00:00Z", open("2026-03-08T10:00:00Z")),
        ],
    );
}

#[test]
fn an_end_that_the_clock_jumps_over_comes_when_it_jumps() {
    let berlin = schedule("0 22 * * *", "30 2 * * *", "Europe/Berlin");
    assert_windows(
        &berlin,
        &[
            ("2026-03-28T22:00:00Z", open("2026-03-29T01:00:00Z")),
            ("2026-03-29T01:00:00Z", closed("2026-03-29T20:00:00Z")),
        ],
    );
}

#[test]
fn a_time_that_the_clock_shows_twice_comes_the_first_time() {
    // 02:00 to 03:00 comes at 00:00 UTC and again at 01:00 UTC.
    let berlin = schedule("30 2 * * *", "45 2 * * *", "Europe/Berlin");
    assert_windows(
        &berlin,
        &[
            ("2026-10-25T00:29:59Z", closed("2026-10-25T00:30:00Z")),
            ("2026-10-25T00:30:00Z", open("2026-10-25T00:45:00Z")),
            ("2026-10-25T00:45:00Z", closed("2026-10-26T01:30:00Z")),
            ("2026-10-25T01:15:00Z", closed("2026-10-26T01:30:00Z")),
            ("2026-10-25T01:30:00Z", closed("2026-10-26T01:30:00Z")),
        ],
    );
    // What opened the first time is open while the clock shows an earlier time again.
    let until_four = schedule("30 2 * * *", "0 4 * * *", "Europe/Berlin");
    assert_windows(
        &until_four,
        &[
            ("2026-10-25T00:30:00Z", open("2026-10-25T03:00:00Z")),
            ("2026-10-25T01:15:00Z", open("2026-10-25T03:00:00Z")),
        ],
    );
    // 01:00 to 02:00 comes at 05:00 UTC and again at 06:00 UTC: what lies around it is an hour longer.
    let new_york = schedule("0 1 * * *", "0 3 * * *", "America/New_York");
    assert_windows(
        &new_york,
        &[
            ("2026-11-01T04:59:59Z", closed("2026-11-01T05:00:00Z")),
            ("2026-11-01T06:00:00Z", open("2026-11-01T08:00:00Z")),
            ("2026-11-01T08:00:00Z", closed("2026-11-02T06:00:00Z")),
        ],
    );
}

#[test]
fn a_clock_that_shows_an_hour_again_opens_nothing_a_second_time() {
    let each_quarter = schedule("0,30 * * * *", "15,45 * * * *", "Europe/Berlin");
    assert_windows(
        &each_quarter,
        &[
            ("2026-10-25T00:35:00Z", open("2026-10-25T00:45:00Z")),
            // The hour that is shown again has been.
            ("2026-10-25T01:05:00Z", closed("2026-10-25T02:00:00Z")),
            ("2026-10-25T02:00:00Z", open("2026-10-25T02:15:00Z")),
        ],
    );
}

#[test]
fn months_without_the_day_are_left_out() {
    let month_end = schedule("0 0 31 * *", "0 12 31 * *", "UTC");
    assert_windows(
        &month_end,
        &[
            ("2026-10-31T12:00:00Z", closed("2026-12-31T00:00:00Z")),
            ("2027-01-31T12:00:00Z", closed("2027-03-31T00:00:00Z")),
        ],
    );
}

#[test]
fn a_leap_day_comes_in_leap_years() {
    let leap_day = schedule("0 0 29 2 *", "0 0 1 3 *", "UTC");
    assert_windows(
        &leap_day,
        &[
            ("2026-11-23T00:00:00Z", closed("2028-02-29T00:00:00Z")),
            ("2028-02-29T12:00:00Z", open("2028-03-01T00:00:00Z")),
            // 2100 is none.
            ("2096-03-01T00:00:00Z", closed("2104-02-29T00:00:00Z")),
        ],
    );
}

#[test]
fn a_zone_far_from_utc_has_its_own_days() {
    // Monday there begins at 10:00 UTC on Sunday.
    let kiritimati = schedule("0 0 * * 1", "0 0 * * 2", "Pacific/Kiritimati");
    assert_windows(
        &kiritimati,
        &[
            ("2026-11-22T09:59:59Z", closed("2026-11-22T10:00:00Z")),
            ("2026-11-22T10:00:00Z", open("2026-11-23T10:00:00Z")),
            ("2026-11-23T10:00:00Z", closed("2026-11-29T10:00:00Z")),
        ],
    );
}

#[test]
fn what_cannot_be_used_is_refused_with_field_value_and_mend() {
    let refusal = |start: &str, end: &str, zone: &str| {
        Schedule::parse(start, end, zone, NO_LEAD).map(|_| ()).unwrap_err().to_string()
    };
    let mend = "write five fields, minute hour day-of-month month day-of-week, such as 0 8 * * 1-5";
    assert_eq!(refusal("0 0 8 * * *", OK, "UTC"), format!("start: `0 0 8 * * *` has 6 fields: {mend}"));
    assert_eq!(refusal(OK, "@daily", "UTC"), format!("end: `@daily` has 1 fields: {mend}"));
    assert_eq!(refusal("", OK, "UTC"), format!("start: `` has 0 fields: {mend}"));
    let bad_hour = refusal(OK, "0 24 * * *", "UTC");
    assert!(
        bad_hour.starts_with("end: `0 24 * * *` is no cron expression (") && bad_hour.ends_with(mend),
        "{bad_hour}"
    );
    for never in ["0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
        let expected = format!("start: `{never}` never comes: choose a day that its month has");
        assert_eq!(refusal(never, OK, "UTC"), expected);
    }
    for zone in ["Europe/Atlantis", "", "local", "CET-1CEST", "../etc/passwd"] {
        let expected = format!("timeZone: `{zone}` is not a time zone of IANA: use a name such as Europe/Berlin");
        assert_eq!(refusal(OK, OK, zone), expected);
    }
}
