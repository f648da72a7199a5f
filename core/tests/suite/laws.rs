//! What holds for every decision, whatever the policy, the observation and the history.

mod bounds;
mod edges;
mod generate;
mod lives;
mod load;
mod restarts;
mod sameness;
