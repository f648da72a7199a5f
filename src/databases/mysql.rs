//! MySQL and MariaDB.

mod address;
mod presence;
mod session;

pub(super) use self::{address::Address, session::Session};
