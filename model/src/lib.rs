//! The connection budget's protocol, tried in every order that a small scope allows.
//!
//! [`World`] holds a ledger, two consumers with their targets, and the controllers that take turns for them. What may happen next are its
//! [`Action`]s: a step of a turn, a crash, a write that arrives late, a pod that starts, a rollout, a capacity that shrinks. Every plan is
//! made by [`hybridscaler_core::budget::plan`], the function that the operator calls; what a controller has to see to beside it (the
//! four rules of `core/src/budget/protocol.rs`) is modelled beside it. A [`Scope`] says what may happen and how
//! large it may get; [`check`] visits every [`World`] that can come of it.
//!
//! # What is checked
//!
//! In every world:
//!
//! 1. what lives of a charged consumer opens no more than its grant, unless a person has scaled its target since it was last at rest;
//! 2. everything that lives together opens no more than the capacity, unless that is so or the capacity shrank below what was granted;
//! 3. nobody is told to grow while the grants, or what was seen of a target that a person scaled, exceed the capacity, nor on more than
//!    it holds while the capacity cannot be read;
//! 4. a fair schedule without faults brings everybody what fits, within a number of rounds that the scope names.
//!
//! # What keeps it small, and why nothing is lost
//!
//! * Versions are compared for equality only, by the plan as by the API server, so whoever holds one holds a mark instead: whether it is
//!   still the newest. Numbers that only grow would make every world a new one.
//! * What is wanted is no part of a world: every plan is made for every number that may be wanted.
//! * A replica that has started is ready at once, since the plan adds up those that start and those that run.
//! * [`Kind::Rest`] stands for everybody else: it takes and gives back through the same plan, and what it was granted it uses at once.
#![expect(clippy::indexing_slicing, reason = "consumers and controllers are numbered by the model itself")]

mod check;
mod goal;
mod people;
mod plan;
mod promise;
mod rows;
mod scope;
#[path = "../../core/tests/suite/promise/target.rs"]
mod target;
mod turn;
mod world;
mod writes;

pub use check::{Found, Outcome, check};
pub use rows::{LIVE, NOT_COVERED, OMISSIONS, Row, SAFE, SAFE_AND_LARGE};
pub use scope::{Discipline, Event, Kind, Omission, Scope};
pub use world::{Action, World};
