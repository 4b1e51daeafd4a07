//! Neutral atoms under a time-dependent Hamiltonian, exactly: a state vector over the atoms, every pair interacting.
//!
//! H(t) = sum_i [W_i(t)/2 (e^{i p_i(t)} |g><r| + h.c.) - D_i(t) n_i] + sum_{i<j} V_ij n_i n_j, with energies in rad/us,
//! times in us, |g> = 0 and |r> = 1. The part in n is diagonal and the rest turns each atom by itself, so a step is
//! alternating exact flows of the two (`scheme`); the fields are read off at the scheme's own times (`fields`), and the
//! number of steps is raised until two runs agree (`evolve`). `kernels` are the two flows over vectors, `register` the
//! amplitudes with what can be asked of them. `jumps` are trajectories of atoms that decay, and `levels`,
//! `level_kernels` and `level_jumps` are the same for atoms of three levels.

mod evolve;
mod fields;
mod flow;
mod jumps;
mod kernels;
mod level_jumps;
mod level_kernels;
mod levels;
#[cfg(feature = "python")]
pub mod python;
mod register;
mod scheme;
#[cfg(test)]
mod tests;

pub use fields::{Drive, Wave};
pub use jumps::Rates;
pub use level_jumps::LevelRates;
pub use levels::{Levels, Transition};
pub use register::Register;
pub use scheme::Scheme;

/// What the atoms are and what is done to them; lists of atoms are in the order of the register's atoms.
#[derive(Clone, Debug)]
pub struct Evolution {
    /// `pairs[i * n + j]`, symmetric, rad/us; the diagonal is not read.
    pub pairs: Vec<f64>,
    pub drives: Vec<Drive>,
    /// us.
    pub duration: f64,
}

/// What an evolution took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Estimated distance of the state from the exact one.
    pub error: f64,
    /// Steps of the run that was kept, and of all runs.
    pub steps: u64,
    pub all_steps: u64,
}

/// Why a state is not made.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// Bytes that it would take, and bytes allowed.
    Memory {
        needed: u64,
        allowed: u64,
    },
    /// The steps that the tolerance would take, beyond what is ever run, and the error that was reached.
    Steps {
        steps: u64,
        error: f64,
    },
    Malformed(&'static str),
    Stopped,
}

/// Atoms of the widest register: an index must fit.
const ATOMS: usize = 40;
/// Steps of one run, at most.
const STEPS: u64 = 1 << 26;
