//! Pauli propagation: expectation values of wide programs, by taking the observable back through the program.
//!
//! An observable is a sum of Pauli strings. Taken back through a gate it is another one: Clifford gates and Pauli errors
//! give each string one other, a rotation that anticommutes with a string gives two, and other error channels (`channel`)
//! as many as their transfer matrices have entries. What counts is how many strings there are, not how many qubits.
//! `cone` leaves out what the observable does not depend on, `segment` groups the rest, `run` takes the sum through it,
//! and `adapt` finds where to cut small strings off so that a given error is kept.
//!
//! Every string that is cut off has a mean value between -1 and 1 in every state. What comes before it is a channel; taken
//! back through it (a map that is positive and keeps the identity, whether or not the channel does) no operator becomes
//! larger, so that the sum of the sizes of what was cut off bounds the error.

mod adapt;
pub mod channel;
mod cone;
mod predict;
#[cfg(feature = "python")]
pub mod python;
mod run;
mod segment;
mod sum;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::circuit::Circuit;

pub use adapt::{Estimate, Kind as ErrorKind};
use channel::Channel;
use cone::{Cone, Start};
pub use predict::{Prediction, WORK};
use run::Run;

/// A string of letters I, X, Y, Z, qubit 0 first, with its coefficient.
pub type Term = (String, f64);

/// What is left out.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Strings with a smaller coefficient, looked at when all that is equal has been added up.
    pub coefficient: f64,
    /// The same within a group of rotations, before it is added up.
    pub early: f64,
    /// Strings on more qubits.
    pub weight: u32,
}

impl Cut {
    pub const NOTHING: Cut = Cut { coefficient: 0.0, early: 0.0, weight: u32::MAX };

    /// Coefficients below `least`.
    pub fn below(least: f64) -> Cut {
        Cut { coefficient: least, early: least * EARLY, weight: u32::MAX }
    }
}

/// Which part of the least coefficient a string must have before it is added to its equals.
const EARLY: f64 = 0.25;

/// What a run may take.
pub struct Limits<'a> {
    pub memory: u64,
    /// Strings made, counted before equal ones are added up.
    pub work: u64,
    pub stopped: &'a dyn Fn() -> bool,
}

/// What came out, or how far a run came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    pub value: f64,
    /// Sum of the sizes of what was cut off, and of their squares.
    pub bound: f64,
    pub lost: f64,
    pub work: u64,
    pub peak_terms: usize,
    /// Groups of rotations that are behind it, and all of them.
    pub done: usize,
    pub segments: usize,
}

#[derive(Clone, Copy, Debug)]
pub enum Stopped {
    Work { at: Outcome },
    Memory { allowed: u64, at: Outcome },
    Interrupted,
}

/// Why there is no value.
#[derive(Clone, Debug)]
pub enum Refused {
    /// The circuit is not one that an observable can be taken back through, or the observable does not fit it.
    Unsuitable(String),
    Stopped(Stopped),
}

/// Most qubits that one observable may depend on.
pub const MAX_QUBITS: usize = 4096;

/// A circuit whose observables can be asked for.
pub struct Plan {
    circuit: Arc<Circuit>,
    start: Start,
}

impl Plan {
    /// The circuit must have passed `Circuit::check`. `channels` stand in the order of what they precede.
    pub fn new(circuit: &Arc<Circuit>, channels: Vec<Channel>) -> Result<Plan, Refused> {
        Ok(Plan { circuit: circuit.clone(), start: Start::of(circuit, channels)? })
    }

    /// The mean value of a sum of strings before the final read-out.
    pub fn value(&self, observable: &[Term], cut: Cut, limits: &Limits) -> Result<Outcome, Refused> {
        let (cone, strings) = self.look(observable)?;
        let bloch: Vec<[f64; 3]> = cone.qubits.iter().map(|&q| self.start.bloch[q as usize]).collect();
        macro_rules! by_words {
            ($($words:literal)*) => {
                match cone.qubits.len().div_ceil(64) {
                    $(0..=$words => Run::<$words>::new(&cone, bloch, cut, limits).value(&strings),)*
                    _ => Run::<64>::new(&cone, bloch, cut, limits).value(&strings),
                }
            };
        }
        by_words!(1 2 3 4 8 16).map_err(Refused::Stopped)
    }

    /// The cone of an observable, and its strings as letters of the cone's qubits.
    #[allow(clippy::type_complexity)]
    fn look(&self, observable: &[Term]) -> Result<(Cone, Vec<(Vec<(usize, u8)>, f64)>), Refused> {
        let n = self.circuit.n_qubits as usize;
        let mut letters = vec![0u8; n];
        let mut strings = Vec::with_capacity(observable.len());
        for (text, factor) in observable {
            let mut string = Vec::new();
            let number = |letter: u8| b"IXZY".iter().position(|&known| known == letter);
            if text.len() != n || !text.bytes().all(|letter| number(letter).is_some()) {
                return Err(Refused::Unsuitable(format!("'{text:.40}' is not a Pauli string of {n} qubits")));
            }
            for (q, letter) in text.bytes().enumerate().filter(|&(_, letter)| letter != b'I') {
                let letter = number(letter).unwrap_or(0) as u8;
                letters[q] |= 1 << letter;
                string.push((q, letter));
            }
            strings.push((string, *factor));
        }
        let cone = self.start.cone(&self.circuit, letters).map_err(Refused::Unsuitable)?;
        if cone.qubits.len() > MAX_QUBITS {
            let why = format!("the observable depends on {} qubits, at most {MAX_QUBITS} are taken", cone.qubits.len());
            return Err(Refused::Unsuitable(why));
        }
        for (string, _) in &mut strings {
            for (q, _) in string {
                *q = cone.qubits.binary_search(&(*q as u32)).expect("the cone holds the observable");
            }
        }
        Ok((cone, strings))
    }
}
