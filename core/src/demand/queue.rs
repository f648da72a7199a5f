//! Messages into replicas: what waits asks for more, what waits or is being worked on keeps what there is.

use jiff::SignedDuration;

use super::{Band, Counted, Measure, Ruling};
use crate::{
    history::Trend,
    policy::{self, Enough, Policy},
    units::Replicas,
};

/// A queue as it was read, what a replica should carry of it, and how it has moved.
pub(super) struct Queue<'a> {
    pub(super) visible: u64,
    pub(super) in_flight: u64,
    pub(super) delayed: u64,
    pub(super) target: policy::Queue,
    pub(super) trend: Option<&'a Trend>,
}

impl Queue<'_> {
    /// The replicas that the queue asks for, where `desired` are asked for now.
    ///
    /// Scale-up looks at visible messages only: those that consumers hold are being worked on already. Scale-down looks at those too,
    /// since a worker still needs its replica for what it holds: with messages a replica they count as if they waited, and where it is
    /// known how many a replica works on at once, no fewer replicas stay than that takes. Between the two the number stays. The
    /// tolerance is the HPA's for average values: nothing changes while the load of the `desired` replicas is within it, bounds
    /// included.
    pub(super) fn count(&self, age: SignedDuration, desired: Replicas, policy: &Policy) -> Counted {
        let &Self { visible, in_flight, delayed, target, trend } = self;
        let arrivals = trend.and_then(|trend| trend.arrivals);
        let need = Need::of(target, arrivals);
        let ahead = visible.saturating_add(self.growth_ahead(policy.startup));
        let kept = if need.by_latency { ahead } else { ahead.saturating_add(in_flight) };

        let carried = need.per_replica.saturating_mul(desired.0.into());
        let share = |permille: u32| carried.saturating_mul(permille.into());
        let most = share(1000_u32.saturating_add(policy.behavior.scale_up.tolerance_permille)) / 1000;
        let tolerated = share(1000_u32.saturating_sub(policy.behavior.scale_down.tolerance_permille)).div_ceil(1000);
        // One replica fewer can carry this much; with anything more it cannot.
        let by_one_fewer = need.per_replica.saturating_mul(desired.0.saturating_sub(1).into());
        let least = tolerated.min(if desired == Replicas::ZERO { 0 } else { by_one_fewer.saturating_add(1) });
        let looks_ahead = policy.startup > SignedDuration::ZERO;
        let unmeasured = (need.by_latency && arrivals.is_none())
            || (looks_ahead && trend.is_none_or(|trend| trend.growth.is_none()));

        let (replicas, ruling) = if need.load(ahead) > most {
            (need.replicas(ahead), Ruling::More)
        } else if need.load(kept) < least {
            match need.replicas(kept).max(self.held().min(desired)) {
                _ if unmeasured => (desired, Ruling::RateUnknown),
                fewer if fewer < desired => (fewer, Ruling::Fewer),
                _ => (desired, Ruling::WorkInFlight),
            }
        } else if need.load(kept) < tolerated {
            (desired, Ruling::WholeReplicas)
        } else if need.load(ahead) < least {
            (desired, Ruling::WorkInFlight)
        } else {
            (desired, Ruling::WithinTolerance)
        };
        let most_useful = self.useful();
        let (replicas, ruling) =
            if replicas > most_useful { (most_useful, Ruling::MessageGroups) } else { (replicas, ruling) };
        let still_since = trend.and_then(Trend::saturated_since);
        let tells = !looks_ahead && !unmeasured && ruling != Ruling::MessageGroups;
        Counted {
            measure: Measure::Queue { visible, in_flight, delayed, ahead, arrivals, still_since },
            age,
            replicas,
            after_cooldown: replicas,
            ruling,
            band: tells.then(|| need.band(most, least)),
        }
    }

    /// The fewest replicas that can work on the messages in flight, as far as it is known how many each works on at once.
    fn held(&self) -> Replicas {
        let known = self.target.concurrency.or(matches!(self.target.enough, Enough::Latency { .. }).then_some(1));
        let held = known.map_or(0, |at_once| self.in_flight.div_ceil(u64::from(at_once.max(1))));
        Replicas(u32::try_from(held).unwrap_or(u32::MAX))
    }

    /// The most replicas that find something to do: a consumer works on one message of a group at a time.
    fn useful(&self) -> Replicas {
        let at_once = self.target.concurrency.unwrap_or(1).max(1);
        self.target.message_groups.map_or(Replicas(u32::MAX), |groups| Replicas(groups.div_ceil(at_once)))
    }

    /// Messages that become visible before a replica started now carries load, as the queue has grown lately. At most as many as are
    /// visible: a rate says little about the time after.
    fn growth_ahead(&self, startup: SignedDuration) -> u64 {
        let growth =
            self.trend.and_then(|trend| trend.growth).and_then(|growth| u64::try_from(growth).ok()).unwrap_or(0);
        let millis = u128::try_from(startup.as_millis()).unwrap_or(0);
        let more = u128::from(growth).saturating_mul(millis) / 1_000_000;
        u64::try_from(more).unwrap_or(u64::MAX).min(self.visible)
    }
}

/// How many replicas a number of messages needs: `(steady + per_message × messages) / per_replica`, in whole numbers.
#[derive(Clone, Copy)]
struct Need {
    /// The load of what arrives, whatever waits.
    steady: u128,
    per_message: u128,
    per_replica: u128,
    /// Whether a latency is the target, so that `steady` stands for what consumers hold.
    by_latency: bool,
}

impl Need {
    /// For a latency: Little's law says that `arrivals × seconds a message` messages are being worked on at any time, and
    /// `messages × seconds a message / latency` more have to be, so that what waits now is done within the latency.
    fn of(target: policy::Queue, arrivals: Option<u64>) -> Self {
        match target.enough {
            Enough::Messages(enough) => {
                Self { steady: 0, per_message: 1, per_replica: enough.max(1).into(), by_latency: false }
            }
            Enough::Latency { target: latency, per_message } => {
                let (latency, per_message) = (u128::from(latency.max(1)), u128::from(per_message.max(1)));
                let at_once = u128::from(target.concurrency.unwrap_or(1).max(1));
                Self {
                    steady: u128::from(arrivals.unwrap_or(0)).saturating_mul(per_message).saturating_mul(latency),
                    per_message: per_message.saturating_mul(1_000_000),
                    per_replica: latency.saturating_mul(1_000_000).saturating_mul(at_once),
                    by_latency: true,
                }
            }
        }
    }

    fn load(&self, messages: u64) -> u128 {
        self.steady.saturating_add(self.per_message.saturating_mul(messages.into()))
    }

    fn replicas(&self, messages: u64) -> Replicas {
        let replicas = self.load(messages).div_ceil(self.per_replica);
        Replicas(u32::try_from(replicas).unwrap_or(u32::MAX)).min(Replicas::MOST)
    }

    /// The messages at which a load leaves `least` to `most`.
    fn band(&self, most: u128, least: u128) -> Band {
        let narrow = |messages: u128| u64::try_from(messages).unwrap_or(u64::MAX);
        let more_above = narrow(most.saturating_sub(self.steady) / self.per_message);
        let fewer_below = narrow(least.saturating_sub(self.steady).div_ceil(self.per_message));
        if self.by_latency {
            Band::Visible { more_above, fewer_below }
        } else {
            Band::Messages { more_above, fewer_below }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "tests")]

    use jiff::SignedDuration;

    use super::*;
    use crate::policy::{Behavior, Fallback, Mode, Outage, Pace, SelectPolicy};

    fn policy() -> Policy {
        let pace = Pace {
            cooldown: SignedDuration::ZERO,
            window: SignedDuration::ZERO,
            tolerance_permille: 100,
            policies: Vec::new(),
            select: SelectPolicy::Max,
        };
        Policy {
            min: Replicas(1),
            max: Replicas(50),
            idle: None,
            startup: SignedDuration::ZERO,
            triggers: Vec::new(),
            schedules: Vec::new(),
            behavior: Behavior { scale_up: pace.clone(), scale_down: pace, outage: Outage::Hold },
            fallback: Fallback::default(),
            mode: Mode::Active,
            pinned: None,
        }
    }

    fn count(visible: u64, in_flight: u64, enough: u32, desired: u32) -> Counted {
        let target = policy::Queue { enough: Enough::Messages(enough), concurrency: None, message_groups: None };
        let queue = Queue { visible, in_flight, delayed: 0, target, trend: None };
        queue.count(SignedDuration::ZERO, Replicas(desired), &policy())
    }

    fn asked(visible: u64, in_flight: u64, desired: u32) -> (u32, Ruling) {
        let counted = count(visible, in_flight, 60, desired);
        (counted.replicas.0, counted.ruling)
    }

    #[test]
    fn waiting_messages_ask_for_enough_replicas_to_carry_them() {
        assert_eq!(asked(420, 0, 5), (7, Ruling::More));
        assert_eq!(asked(421, 0, 5), (8, Ruling::More));
        assert_eq!(asked(1_440, 300, 5), (24, Ruling::More));
    }

    #[test]
    fn messages_that_consumers_hold_keep_their_replicas_but_ask_for_no_more() {
        assert_eq!(asked(60, 600, 5), (5, Ruling::WorkInFlight));
        assert_eq!(asked(60, 61, 5), (3, Ruling::Fewer));
        assert_eq!(asked(0, 0, 5), (0, Ruling::Fewer));
    }

    #[test]
    fn the_tolerance_includes_its_bounds() {
        assert_eq!(asked(330, 0, 5), (5, Ruling::WithinTolerance));
        assert_eq!(asked(331, 0, 5), (6, Ruling::More));
        assert_eq!(asked(540, 0, 10), (10, Ruling::WithinTolerance));
        assert_eq!(asked(539, 0, 10), (9, Ruling::Fewer));
    }

    #[test]
    fn a_replica_stays_while_one_fewer_could_not_carry_the_load() {
        assert_eq!(asked(70, 0, 2), (2, Ruling::WholeReplicas));
        assert_eq!(asked(60, 0, 2), (1, Ruling::Fewer));
    }

    #[test]
    fn the_band_names_the_loads_at_which_the_answer_changes() {
        for desired in 1..40 {
            let Some(Band::Messages { more_above, fewer_below }) = count(0, 0, 60, desired).band else {
                panic!("a queue counts messages")
            };
            assert_eq!(asked(more_above, 0, desired).0, desired);
            assert!(asked(more_above + 1, 0, desired).0 > desired);
            assert_eq!(asked(fewer_below, 0, desired).0, desired);
            assert!(asked(fewer_below - 1, 0, desired).0 < desired);
        }
    }

    #[test]
    fn numbers_at_the_edge_neither_wrap_nor_divide_by_zero() {
        let at_edge = |visible, in_flight, enough, desired| count(visible, in_flight, enough, desired).replicas.0;
        assert_eq!(at_edge(u64::MAX, u64::MAX, 1, 5), Replicas::MOST.0);
        assert_eq!(at_edge(u64::MAX, 0, u32::MAX, Replicas::MOST.0), Replicas::MOST.0);
        assert_eq!(at_edge(0, u64::MAX, u32::MAX, u32::MAX), u32::MAX);
        assert_eq!(at_edge(7, 0, 0, 1), 7);
        assert_eq!(at_edge(0, 0, 60, 0), 0);
        assert_eq!(at_edge(1, 0, 60, 0), 1);
    }
}
