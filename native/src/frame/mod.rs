//! The Clifford-frame simulator: a tableau round a small dense state.

pub mod python;
