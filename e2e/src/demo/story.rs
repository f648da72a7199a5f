//! The numbers of the demo, each with its reason. They are a story of an hour told in a minute: real services have minutes where
//! these have seconds.

use std::time::Duration;

use crate::runner::{Pace, Schedule, Timing};

/// What the database accepts: `max_connections`.
pub(super) const MAX_CONNECTIONS: u32 = 360;

/// Of those, what PostgreSQL keeps for superusers (`superuser_reserved_connections`, its default).
pub(super) const SUPERUSER_RESERVED: u32 = 3;

/// What the budget leaves to others: one for the controller, which reads the capacity; one for the sampler, which counts the
/// connections; two for the bystander, whose old connection may still be closing while it opens the next; three to spare.
pub(super) const RESERVE: u32 = 7;

/// Each replica opens a pool of ten, and dies when it cannot.
pub(super) const POOL: u32 = 10;

/// What a service runs before the spike, and at least. Five handle 20 messages a second, the base load is 16.
pub(super) const MIN_REPLICAS: u32 = 5;

/// What a service may run at most: twice fifty replicas would open 1,000 connections.
pub(super) const MAX_REPLICAS: u32 = 50;

/// A message keeps a replica busy for 150 ms of the 250 ms that it has for each: 60 % at full pace. That is near the target of
/// 65 % that `core-api` has for its CPU, so the CPU holds the service's size while there is a backlog, and never raises it.
pub(super) const PACE: Pace = Pace { per_second: 4, busy: Duration::from_millis(150) };

/// How many waiting messages justify a replica: what one handles in 12.5 seconds. At the end of the spike some 2,900 wait in each
/// queue, which is work for more than the 50 replicas that each service may run.
pub(super) const MESSAGES_PER_REPLICA: u32 = 50;

/// The CPU use that `core-api` is scaled to, in percent: its second trigger.
pub(super) const CPU_TARGET: u32 = 65;

/// How often a decision is made, in seconds.
pub(super) const POLL_SECONDS: u32 = 2;

/// Seconds from a settled change to the next one to more replicas: a little more than a start-up.
pub(super) const UP_COOLDOWN_SECONDS: u32 = 5;

/// Seconds from a settled change to the next one to fewer: long enough that a service works off the end of its backlog with what
/// it has. With 10 s a queue lost its replicas faster than its messages and took half a minute more.
pub(super) const DOWN_COOLDOWN_SECONDS: u32 = 20;

/// The load of each service: tenfold for half a minute.
pub(super) const SCHEDULE: Schedule =
    Schedule { base: 16.0, spike: 160.0, spike_at: Duration::from_secs(5), spike_for: Duration::from_secs(30) };

/// How long a new replica takes until it runs, and how long a terminating one has until it is killed
/// (`terminationGracePeriodSeconds`, `stopTimeout`).
pub(super) const TIMING: Timing = Timing { start_up: Duration::from_secs(3), grace: Duration::from_secs(10) };

/// How long a replica that cannot open its pool takes to exit. Real ones take seconds, of a start-up ten times as long.
pub(super) const EXIT: Duration = Duration::from_millis(250);

/// How long a terminating replica keeps its connections after its last message.
pub(super) const DRAIN: Duration = Duration::from_secs(2);

/// A queue counts as drained when no more waits than arrives in two seconds of base load: a queue in use is hardly ever empty.
pub(super) const DRAINED: u64 = 32;

/// The budgeted run ends when both queues are drained, or has failed by then.
pub(super) const LONGEST: Duration = Duration::from_secs(150);

/// The run without a budget is cut: it is not the budget's merit how long that takes.
pub(super) const CUT: Duration = Duration::from_secs(90);

/// The fewest replicas that each service must reach with the budget: a fair half would be 17, and who asks first gets more.
pub(super) const FAIR: u32 = 12;

/// How much of the budget must have been used at the peak, in percent. A budget that starves its services protects nobody.
pub(super) const USED_PERCENT: u32 = 95;

/// The most replicas of a service that gets half of what may be granted, for good.
pub(super) const STATIC_MAXIMUM: u32 = grantable() / POOL / 2;

/// The connections that the budget may grant.
pub(super) const fn grantable() -> u32 {
    MAX_CONNECTIONS - SUPERUSER_RESERVED - RESERVE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_allows_35_replicas_which_is_98_percent_of_what_the_database_accepts() {
        assert_eq!(grantable() / POOL, 35);
        assert_eq!(35 * POOL * 100 / (MAX_CONNECTIONS - SUPERUSER_RESERVED), 98);
        assert!(2 * FAIR * POOL <= grantable(), "both services can reach their fair share");
    }

    #[test]
    fn five_replicas_carry_the_base_load_and_the_budget_carries_less_than_the_spike() {
        let each = f64::from(PACE.per_second);
        assert!(f64::from(MIN_REPLICAS) * each > SCHEDULE.base);
        assert!(35.0 * each < 2.0 * SCHEDULE.spike);
        assert!(35.0 * each > 2.0 * SCHEDULE.base, "the backlog shrinks after the spike");
    }
}
