//! QVM binary to circuits.

pub mod python;
