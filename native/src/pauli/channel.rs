//! Error channels that are no Pauli channels, by what they make of a string that is taken back through them.
//!
//! Row P of a channel's Pauli transfer matrix is what P becomes: the sum of tr(P E(Q)) / 2^n times Q. As the channel
//! preserves the trace, the identity stays what it is; other strings may get a part of it (amplitude damping takes Z to
//! (1 - g) Z + g).

use std::sync::Arc;

use super::Refused;
use crate::circuit::{Circuit, NONE};
use crate::frame::pauli::{flip, Pauli};

/// A channel of a program, which acts just before op `at`.
#[derive(Clone, Debug)]
pub struct Channel {
    pub at: usize,
    /// The second one is NONE for a channel on one qubit.
    pub q: [u32; 2],
    pub rows: Arc<Rows>,
}

/// One part of what a string becomes: the product with the letters of that number is taken, times i to this power (their
/// product is Hermitian then), and multiplied by the factor.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub times: usize,
    pub power: u32,
    pub factor: f64,
}

/// For each string of letters on two qubits what it becomes. A letter's number is 1 for X, 2 for Z, 3 for Y; a string's is
/// that of its first letter and four times that of its second.
#[derive(Debug)]
pub struct Rows {
    parts: [Vec<Part>; 16],
}

/// Entries that are not larger are taken for roundings of 0.
const ROUNDING: f64 = 2e-15;
/// How far an entry may be above 1, or the first row from that of the identity.
const TOLERANCE: f64 = 1e-6;

/// The number of the letter at this place of I, X, Y, Z.
const LETTERS: [usize; 4] = [0, 1, 3, 2];

/// A string by its number, without a sign.
pub fn string(number: usize) -> Pauli<1> {
    let mut made = Pauli::I;
    for q in 0..2 {
        if number >> (2 * q) & 1 == 1 {
            flip(&mut made.x, q);
        }
        if number >> (2 * q) & 2 == 2 {
            flip(&mut made.z, q);
        }
    }
    made
}

impl Rows {
    /// From a transfer matrix of one or two qubits, row by row, in the order II, IX, IY, .. ZZ, first qubit first. Says
    /// what it is not.
    pub fn new(matrix: &[Vec<f64>]) -> Result<Rows, String> {
        let size = matrix.len();
        if !matches!(size, 4 | 16) || matrix.iter().any(|row| row.len() != size) {
            return Err("a transfer matrix has 4 rows of 4, or 16 of 16".into());
        }
        if !matrix.iter().flatten().all(|x| x.abs() <= 1.0 + TOLERANCE) {
            return Err("an entry of a transfer matrix is a number from -1 to 1".into());
        }
        if !matrix[0].iter().enumerate().all(|(k, x)| (x - (k == 0) as u8 as f64).abs() <= TOLERANCE) {
            return Err("the first row of a transfer matrix is 1, 0, .. 0: it preserves the trace".into());
        }
        let number = |k: usize| if size == 4 { LETTERS[k] } else { LETTERS[k / 4] + 4 * LETTERS[k % 4] };
        let mut parts = std::array::from_fn(|_| Vec::new());
        for (row, entries) in matrix.iter().enumerate().skip(1) {
            for (column, &factor) in entries.iter().enumerate().filter(|(_, x)| x.abs() > ROUNDING) {
                let times = number(row) ^ number(column);
                let power = (4 - string(number(row)).multiply(&string(times))) & 3;
                parts[number(row)].push(Part { times, power, factor });
            }
        }
        Ok(Rows { parts })
    }

    pub fn of(&self, string: usize) -> &[Part] {
        &self.parts[string]
    }

    /// The factor of each string, if the channel makes no other one of it.
    pub fn factors(&self) -> Option<[f64; 16]> {
        if self.parts.iter().flatten().any(|part| part.times != 0) {
            return None;
        }
        Some(std::array::from_fn(
            |at| if at == 0 { 1.0 } else { self.parts[at].first().map_or(0.0, |part| part.factor) },
        ))
    }

    /// Whether a string may be multiplied by X or Y on a qubit, and whether by Z or Y.
    pub fn makes(&self, operand: usize) -> [bool; 2] {
        [1, 2].map(|bit| self.parts.iter().flatten().any(|part| part.times >> (2 * operand) & bit != 0))
    }

    /// The mean values of X, Y, Z after a channel on one qubit.
    pub fn bring(&self, r: &mut [f64; 3]) {
        let before = |string: usize| match string {
            0 => 1.0,
            1 => r[0],
            2 => r[2],
            _ => r[1],
        };
        let after = |a: usize| self.parts[a].iter().map(|part| part.factor * before(a ^ part.times)).sum();
        *r = [1, 3, 2].map(after);
    }
}

/// What happens in a program, in order.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// An op of the circuit, by its number.
    Op(usize),
    /// A channel, by its number.
    Channel(usize),
}

/// The steps of a circuit with channels between its ops, which stand in order.
pub fn steps(circuit: &Circuit, channels: &[Channel]) -> Result<Vec<Step>, Refused> {
    let (mut steps, mut next) = (Vec::with_capacity(circuit.ops.len() + channels.len()), 0);
    for at in 0..=circuit.ops.len() {
        while channels.get(next).is_some_and(|channel| channel.at == at) {
            let [a, b] = channels[next].q;
            if a >= circuit.n_qubits || b != NONE && (b >= circuit.n_qubits || a == b) {
                return Err(Refused::Unsuitable(format!("channel {next} is on no qubits of {}", circuit.n_qubits)));
            }
            steps.push(Step::Channel(next));
            next += 1;
        }
        if at < circuit.ops.len() {
            steps.push(Step::Op(at));
        }
    }
    match channels.get(next) {
        Some(channel) => Err(Refused::Unsuitable(format!("channel {next} is before op {}, out of order", channel.at))),
        None => Ok(steps),
    }
}
