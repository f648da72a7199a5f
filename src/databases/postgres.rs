//! PostgreSQL.
//!
//! The connection's `application_name` is `hybridscaler/UID` with the budget's UID: every role sees that name of all
//! sessions on the server, in whatever database they are.

mod address;
mod answer;
mod session;

pub(super) use self::{address::Address, session::Session};
