//! The test bed: real parts on loopback, started by the tests and the demo themselves and gone when those end.

pub mod bed;
pub mod demo;
pub mod measure;
pub mod operator;
pub mod runner;
