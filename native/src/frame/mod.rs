//! The Clifford-frame simulator: a tableau round a small dense state.

#[cfg(feature = "python")]
pub mod python;
