//! What later decisions depend on, as the status keeps it.

use hybridscaler_core::{
    Replicas,
    history::{Activity, History, Recommendations, Run, ScaleEvent},
};

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

use crate::api::status::{self, Recommendation, ScaleActivity, ScaleHistory};

impl From<ScaleHistory> for History {
    /// The history with which a process starts that finds this one.
    fn from(stored: ScaleHistory) -> Self {
        let ScaleHistory { since, desired, scale_up, scale_down, recommendations, events } = stored;
        let runs = |runs: Vec<Recommendation>| runs.into_iter().map(Run::from).collect();
        let status::Recommendations { scale_up: for_up, scale_down: for_down } = recommendations.unwrap_or_default();
        Self {
            since,
            desired: desired.map(Replicas),
            scale_up: scale_up.map(Into::into),
            scale_down: scale_down.map(Into::into),
            recommendations: Recommendations { scale_up: runs(for_up), scale_down: runs(for_down) },
            events: events.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
        .resumed()
    }
}

impl From<&History> for ScaleHistory {
    fn from(history: &History) -> Self {
        let runs = |runs: &[Run]| runs.iter().copied().map(Into::into).collect();
        let Recommendations { scale_up, scale_down } = &history.recommendations;
        let recommendations = status::Recommendations { scale_up: runs(scale_up), scale_down: runs(scale_down) };
        Self {
            since: history.since,
            desired: history.desired.map(|desired| desired.0),
            scale_up: history.scale_up.map(Into::into),
            scale_down: history.scale_down.map(Into::into),
            recommendations: Some(recommendations).filter(|runs| *runs != status::Recommendations::default()),
            events: history.events.iter().copied().map(Into::into).collect(),
        }
    }
}

impl From<Recommendation> for Run {
    fn from(Recommendation { replicas, from, until }: Recommendation) -> Self {
        Self { replicas: Replicas(replicas), from, until }
    }
}

impl From<Run> for Recommendation {
    /// In whole seconds, outwards: shorter to store, and held a little longer rather than shorter.
    fn from(Run { replicas, from, until }: Run) -> Self {
        let whole = |instant: Timestamp, mode| {
            instant.round(TimestampRound::new().smallest(Unit::Second).mode(mode)).unwrap_or(instant)
        };
        let until = until.map(|until| whole(until, RoundMode::Ceil));
        Self { replicas: replicas.0, from: whole(from, RoundMode::Floor), until }
    }
}

impl From<status::ScaleEvent> for ScaleEvent {
    fn from(status::ScaleEvent { change, at, until }: status::ScaleEvent) -> Self {
        Self { change, at, until }
    }
}

impl From<ScaleEvent> for status::ScaleEvent {
    fn from(ScaleEvent { change, at, until }: ScaleEvent) -> Self {
        Self { change, at, until }
    }
}

impl From<ScaleActivity> for Activity {
    fn from(ScaleActivity { base, to, at, settled }: ScaleActivity) -> Self {
        Self { base: Replicas(base), to: Replicas(to), at, settled }
    }
}

impl From<Activity> for ScaleActivity {
    fn from(Activity { base, to, at, settled }: Activity) -> Self {
        Self { base: base.0, to: to.0, at, settled }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::{collection::vec, option, prelude::*};

    use super::*;
    use crate::api::HybridScalerStatus;

    fn instant() -> impl Strategy<Value = Timestamp> {
        (0..=4_000_000_000_i64, 0..1_000_000_000_i32).prop_map(|(s, ns)| Timestamp::new(s, ns).unwrap())
    }

    fn activity() -> impl Strategy<Value = Activity> {
        (any::<u32>(), any::<u32>(), instant(), option::of(instant())).prop_map(|(base, to, at, settled)| Activity {
            base: Replicas(base),
            to: Replicas(to),
            at,
            settled,
        })
    }

    fn runs() -> impl Strategy<Value = Vec<Run>> {
        let run = (any::<u32>(), instant(), option::of(instant()));
        vec(run.prop_map(|(replicas, from, until)| Run { replicas: Replicas(replicas), from, until }), 0..4)
    }

    fn events() -> impl Strategy<Value = Vec<ScaleEvent>> {
        let event = (any::<i32>(), instant(), option::of(instant()));
        vec(event.prop_map(|(change, at, until)| ScaleEvent { change: change.into(), at, until }), 0..4)
    }

    fn history() -> impl Strategy<Value = History> {
        let looks = (option::of(instant()), option::of(any::<u32>()));
        let changes = (option::of(activity()), option::of(activity()), events());
        (looks, changes, runs(), runs()).prop_map(|((since, desired), (scale_up, scale_down, events), up, down)| {
            History {
                since,
                desired: desired.map(Replicas),
                scale_up,
                scale_down,
                recommendations: Recommendations { scale_up: up, scale_down: down },
                events,
                ..History::default()
            }
        })
    }

    proptest! {
        #[test]
        fn a_history_survives_being_stored(history in history()) {
            let status = HybridScalerStatus { history: Some((&history).into()), ..Default::default() };
            let stored = serde_json::to_string(&status).unwrap();
            let read: HybridScalerStatus = serde_json::from_str(&stored).unwrap();
            let read = History::from(read.history.unwrap());
            prop_assert!(!history.outgrew(&read), "what is read holds wherever what was stored did");
            let second = jiff::SignedDuration::from_secs(1);
            let (were, are) = (&history.recommendations, &read.recommendations);
            for (was, is) in were.scale_up.iter().zip(&are.scale_up).chain(were.scale_down.iter().zip(&are.scale_down)) {
                prop_assert!(is.from <= was.from && was.from.duration_since(is.from) < second);
                prop_assert!(was.until.zip(is.until).is_none_or(|(was, is)| is.duration_since(was) < second));
            }
            let recommendations = history.recommendations.clone();
            prop_assert_eq!(History { recommendations, ..read }, history.resumed());
        }
    }

    #[test]
    fn a_load_that_falls_at_every_poll_of_the_default_window_takes_less_than_2_kib() {
        let at = |poll: u32| Timestamp::new(1_800_000_000 + i64::from(poll) * 15, 123_456_789).unwrap();
        let run = |poll| Run { replicas: Replicas(50 - poll), from: at(poll), until: Some(at(poll + 1)) };
        let activity = Activity { base: Replicas(10), to: Replicas(50), at: at(0), settled: Some(at(1)) };
        let history = History {
            since: Some(at(0)),
            desired: Some(Replicas(50)),
            scale_up: Some(activity),
            recommendations: Recommendations { scale_up: Vec::new(), scale_down: (0..20).map(run).collect() },
            ..History::default()
        };
        let stored = serde_json::to_string(&ScaleHistory::from(&history)).unwrap();
        assert!(stored.len() < 2048, "{} bytes: {stored}", stored.len());
    }
}
