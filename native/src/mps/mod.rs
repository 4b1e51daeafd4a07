//! The matrix-product-state simulator: for circuits whose qubits are many and whose entanglement is small.
//!
//! Exact up to a bounded, reported truncation, or no answer: a state that outgrows the bound on its bonds, or the time
//! given to it, ends in `Stopped`, never in a wrong distribution. Measurements must be final and unconditional; the
//! scheduler and the other engines take the rest.

mod chain;
mod hermitian;
pub(crate) mod linear;
mod observe;
mod onward;
pub(crate) mod order;
mod plan;
#[cfg(feature = "python")]
pub mod python;
#[cfg(feature = "python")]
mod python_onward;
mod schmidt;

pub use observe::{Refused, State};
pub use plan::{Bounds, Plan, Stopped};
