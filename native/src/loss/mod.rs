//! Clifford circuits whose atoms can be lost: each shot follows one stabilizer state.
//!
//! A gate on a lost atom does not happen, which is no Pauli error: shots that lost different atoms do not differ from
//! each other by Pauli frames (`docs/adr/0037`). So every shot has a tableau of its own, and takes only the steps that
//! its dice leave. Any condition may stand before any step.

mod frames;
mod plan;
#[cfg(feature = "python")]
pub mod python;
mod reads;
mod run;
mod tableau;
#[cfg(test)]
mod tests;
mod write;

use crate::samples::Samples;

pub use plan::{Plan, Toss, MAX_QUBITS};
pub use run::Stopped;

impl Plan {
    /// Shot `k` draws from a stream of its own, of `seed` and `k`. `given`: of the shots in which at least one toss falls.
    /// `stopped` is asked now and then whether to give up.
    pub fn run(&self, shots: usize, seed: u64, given: bool, stopped: &dyn Fn() -> bool) -> Result<Samples, Stopped> {
        match plan::words(self.n_qubits) / 4 {
            1 => run::run::<1>(self, shots, seed, given, stopped),
            2 => run::run::<2>(self, shots, seed, given, stopped),
            3 => run::run::<3>(self, shots, seed, given, stopped),
            4 => run::run::<4>(self, shots, seed, given, stopped),
            6 => run::run::<6>(self, shots, seed, given, stopped),
            8 => run::run::<8>(self, shots, seed, given, stopped),
            12 => run::run::<12>(self, shots, seed, given, stopped),
            _ => run::run::<16>(self, shots, seed, given, stopped),
        }
    }
}
