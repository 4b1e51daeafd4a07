//! The dense state-vector simulator.

#[cfg(feature = "python")]
pub mod python;
