//! The core's promises, from the outside: one table or one law a file.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod aas;
mod by_the_clock;
mod causes;
mod cooldown;
mod decision;
mod dial;
mod differential;
mod drain;
mod explanation;
mod fallback;
mod history;
mod hpa;
mod laws;
mod life;
mod modes;
mod pledge;
mod promise;
mod protocol;
mod queue;
mod rulings;
mod schedules;
mod sentences;
mod share;
mod support;
mod zero;
