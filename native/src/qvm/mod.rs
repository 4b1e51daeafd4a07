//! QVM binary to circuits.

#[cfg(feature = "python")]
pub mod python;
