//! The dense state-vector simulator.

pub mod python;
