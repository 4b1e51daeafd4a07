//! OpenQASM 2 and 3 text to circuits.

pub mod python;
