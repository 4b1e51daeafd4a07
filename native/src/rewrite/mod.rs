//! Rewrites of circuits that keep the distribution of their classical bits.

#[cfg(feature = "python")]
pub mod python;
