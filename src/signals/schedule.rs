//! When a schedule's window is open. Pure: the moment is an argument.
//!
//! A window opens at each start and closes at the first end after it; windows that overlap or touch are one. Cron times are times of a
//! wall clock, and each comes exactly once: one that the clock jumps over comes when it jumps, one that it shows twice comes the first
//! time.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{self, AmbiguousOffset, TimeZone},
};

use crate::api::{schedule, spec_error::SpecError};

/// What a cron expression looks like.
const FIVE_FIELDS: &str = "write five fields, minute hour day-of-month month day-of-week, such as 0 8 * * 1-5";
/// Windows that touch are followed this far at most, or a schedule that never closes would be followed for ever.
const TOUCHING_WINDOWS: usize = 64;
/// A cron expression without a time in the 400 years from here on, after which calendars repeat, has none at all.
const CALENDAR: DateTime = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);

/// Windows of time that come again and again. Made once, then asked at each decision.
#[derive(Clone, Debug)]
pub struct Schedule {
    start: Cron,
    end: Cron,
    zone: TimeZone,
    lead: SignedDuration,
}

/// Whether a schedule's window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// It is open.
    Open {
        /// When it will have closed. A schedule that is open for very long may turn out to be open still: ask again then.
        until: Timestamp,
    },
    /// It is closed.
    Closed {
        /// When it opens; the end of all time when it never does again.
        until: Timestamp,
    },
}

impl Window {
    /// When the answer may change.
    pub const fn next_change(self) -> Timestamp {
        match self {
            Self::Open { until } | Self::Closed { until } => until,
        }
    }

    /// When it will have closed, if it is open.
    pub const fn open_until(self) -> Option<Timestamp> {
        match self {
            Self::Open { until } => Some(until),
            Self::Closed { .. } => None,
        }
    }
}

impl Schedule {
    /// `start` and `end` are cron expressions of five fields, in the IANA time zone `zone`; the window opens `lead` before its start.
    ///
    /// # Errors
    /// An expression that cannot be read or has no time at all, an unknown time zone; the fields are `start`, `end` and `timeZone`.
    pub fn parse(start: &str, end: &str, zone: &str, lead: SignedDuration) -> Result<Self, SpecError> {
        let (start, end) = (cron("start", start)?, cron("end", end)?);
        let unknown =
            || SpecError::new("timeZone", zone, "is not a time zone of IANA: use a name such as Europe/Berlin");
        let zone = tz::db().get(zone).map_err(|_| unknown())?;
        Ok(Self { start, end, zone, lead })
    }

    /// The windows of a scaler's schedule.
    ///
    /// # Errors
    /// As [`Schedule::parse`]; also a lead that is out of range.
    pub fn of(schedule: &schedule::Schedule) -> Result<Self, SpecError> {
        let schedule::Schedule { start, end, time_zone, .. } = schedule;
        let lead = SignedDuration::try_from(schedule.lead()?).unwrap_or(SignedDuration::MAX);
        Self::parse(start, end, time_zone, lead)
    }

    /// Whether the window is open at `now`, and until when.
    pub fn at(&self, now: Timestamp) -> Window {
        let Some(mut until) = self.open_until(now) else {
            let opens = self.next(&self.start, later(now, self.lead)).map(|start| later(start, -self.lead));
            return Window::Closed { until: opens.unwrap_or(Timestamp::MAX) };
        };
        for _ in 0..TOUCHING_WINDOWS {
            match self.open_until(until) {
                Some(end) => until = end,
                None => break,
            }
        }
        Window::Open { until }
    }

    /// The end of the window that is open at `now`, if one is. The last one that has opened is also the last to close.
    fn open_until(&self, now: Timestamp) -> Option<Timestamp> {
        let start = self.last(&self.start, later(now, self.lead))?;
        let end = self.next(&self.end, start).unwrap_or(Timestamp::MAX);
        (now < end).then_some(end)
    }

    /// The last time of `cron` at or before `moment`.
    fn last(&self, cron: &Cron, moment: Timestamp) -> Option<Timestamp> {
        let shown = self.zone.to_datetime(moment);
        // While the clock shows times again, all that it has shown before came before: also the later ones.
        let mut latest = match self.zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Fold { before, .. } => before.to_datetime(moment),
            AmbiguousOffset::Gap { .. } | AmbiguousOffset::Unambiguous { .. } => shown,
        };
        let mut inclusive = true;
        loop {
            latest = cron.find_previous_occurrence(&latest, inclusive).ok()?;
            match self.instant(latest)? {
                came if came <= moment => return Some(came),
                _ => inclusive = false,
            }
        }
    }

    /// The first time of `cron` after `moment`.
    fn next(&self, cron: &Cron, moment: Timestamp) -> Option<Timestamp> {
        let mut shown = self.zone.to_datetime(moment);
        loop {
            shown = cron.find_next_occurrence(&shown, false).ok()?;
            match self.instant(shown)? {
                comes if comes > moment => return Some(comes),
                // The clock shows it again.
                _ => {}
            }
        }
    }

    /// When a time of the wall clock comes.
    fn instant(&self, shown: DateTime) -> Option<Timestamp> {
        match self.zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                offset.to_timestamp(shown).ok()
            }
            AmbiguousOffset::Gap { after, .. } => {
                let before_the_jump = after.to_timestamp(shown).ok()?;
                self.zone.following(before_the_jump).next().map(|jump| jump.timestamp())
            }
        }
    }
}

fn cron(field: &str, text: &str) -> Result<Cron, SpecError> {
    let fields = text.split_whitespace().count();
    if fields != 5 {
        return Err(SpecError::new(field, text, format!("has {fields} fields: {FIVE_FIELDS}")));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(text).map_err(|error| {
        let error = error.to_string();
        SpecError::new(field, text, format!("is no cron expression ({}): {FIVE_FIELDS}", error.trim_end_matches('.')))
    })?;
    if cron.find_next_occurrence(&CALENDAR, true).is_err() {
        return Err(SpecError::new(field, text, "never comes: choose a day that its month has"));
    }
    Ok(cron)
}

fn later(moment: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    moment.checked_add(by).unwrap_or(end)
}

#[cfg(test)]
mod tests;
