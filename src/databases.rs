//! Databases, as far as a connection budget asks: how many connections do they accept?

mod errors;
mod postgres;

pub use self::{
    errors::DatabaseError,
    postgres::{HostPort, Postgres, Roots},
};
