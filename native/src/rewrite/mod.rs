//! Rewrites of circuits that keep the distribution of their classical bits.

pub mod python;
