//! Circuit cutting: a chain of blocks of qubits, each a dense state, joined by few gates.
//!
//! A gate across a cut is a sum over the two values of one of its wires in a basis in which the gate is diagonal; gates
//! that follow while that value stands share the sum (Markov et al., arXiv:1807.10749, describe such sums for gates one
//! by one). With c such sums a block of m qubits is a state of m + c bits, where the whole would be one of all qubits.
//! Exact up to single precision. Gates and one read-out only.
//!
//! | file | does |
//! |---|---|
//! | `wires` | the circuit on wires, and what each gate leaves diagonal |
//! | `partition` | which wires make a block |
//! | `blocks` | the circuit of each block, with ancillas for the paths |
//! | `tree` | the state of a block, and sampling from it |

mod blocks;
mod partition;
mod plan;
#[cfg(feature = "python")]
pub mod python;
mod tree;
mod wires;

pub use plan::{Plan, Refused};
