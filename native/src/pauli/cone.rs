//! What an observable depends on: rotations, channels and resets in its causal cone, the latest first, and the product
//! state that the first gates on single qubits make.
//!
//! A rotation whose generator commutes with every string that may have come so far is left out: for each qubit the set
//! of letters that a string may have there is kept.

use std::sync::Arc;

use super::channel::{steps, Channel, Rows, Step};
use super::Refused;
use crate::circuit::{Circuit, Kind, NONE};
use crate::frame::{rotations, Operand};

/// One thing that happens to the observable.
#[derive(Clone, Debug)]
pub enum Act {
    /// exp(-i angle/2 P), P on these qubits.
    Turn { q: [u32; 3], p: Operand, angle: f64 },
    /// A string is multiplied by the factor with the number of its letters on these qubits (`letters_of`).
    Channel { q: [u32; 2], factors: [f64; 16] },
    /// A string becomes several, by its letters on these qubits.
    Mix { q: [u32; 2], rows: Arc<Rows> },
    /// The qubit starts again from |0>.
    Reset(u32),
}

impl Act {
    /// NONE where there are fewer.
    pub fn qubits(&self) -> [u32; 3] {
        match *self {
            Act::Turn { q, .. } => q,
            Act::Channel { q: [a, b], .. } | Act::Mix { q: [a, b], .. } => [a, b, NONE],
            Act::Reset(q) => [q, NONE, NONE],
        }
    }
}

/// Of one observable of a circuit.
pub struct Cone {
    /// The latest first; qubits are numbers of `qubits`.
    pub acts: Vec<Act>,
    /// Qubits of the circuit that a string may act on, ascending.
    pub qubits: Vec<u32>,
}

/// A circuit whose first gates on single qubits are done.
pub struct Start {
    /// Of each qubit: the mean values of X, Y, Z before the first step that `done` does not name.
    pub bloch: Vec<[f64; 3]>,
    channels: Vec<Channel>,
    pub steps: Vec<Step>,
    /// Steps that are in `bloch`, and final measurements.
    done: Vec<bool>,
}

/// Bits of a string's letters on two qubits: X or Y on the first, Z or Y on the first, and the same of the second.
const X_OR_Y: [usize; 2] = [0, 2];
const Z_OR_Y: [usize; 2] = [1, 3];

/// (x, z) of I, X, Y, Z.
const LETTERS: [(usize, usize); 4] = [(0, 0), (1, 0), (1, 1), (0, 1)];

/// The factors of a Pauli channel, from its probabilities as `Circuit` has them; a measurement that nobody looks at takes
/// X and Y to 0.
fn factors(kind: Kind, p: &[f64]) -> [f64; 16] {
    let error = |k: usize| match kind {
        Kind::Noise => [LETTERS[k + 1], LETTERS[0]],
        _ => [LETTERS[(k + 1) / 4], LETTERS[(k + 1) % 4]],
    };
    std::array::from_fn(|string| {
        if kind == Kind::Measure {
            return if string >> X_OR_Y[0] & 1 == 1 { 0.0 } else { 1.0 };
        }
        let anticommutes = |k: usize| {
            let odd = |at: usize| {
                let (x, z) = error(k)[at];
                (string >> X_OR_Y[at] & z) ^ (string >> Z_OR_Y[at] & x)
            };
            (odd(0) ^ odd(1)) & 1 == 1
        };
        1.0 - 2.0 * p.iter().enumerate().filter(|&(k, _)| anticommutes(k)).map(|(_, p)| p).sum::<f64>()
    })
}

impl Start {
    pub fn of(circuit: &Circuit, channels: Vec<Channel>) -> Result<Start, Refused> {
        let n = circuit.n_qubits as usize;
        let steps = steps(circuit, &channels)?;
        let mut done = final_measurements(circuit, &steps, &channels);
        let (mut bloch, mut first) = (vec![[0.0, 0.0, 1.0]; n], vec![true; n]);
        for (at, step) in steps.iter().enumerate() {
            match (qubits(circuit, &channels, step), step) {
                _ if done[at] => {}
                (&[q], &Step::Channel(k)) if first[q as usize] => {
                    channels[k].rows.bring(&mut bloch[q as usize]);
                    done[at] = true;
                }
                (&[q], &Step::Op(k)) if circuit.ops[k].cond == NONE && first[q as usize] => {
                    bring(&mut bloch[q as usize], circuit.ops[k].kind, circuit.angles(&circuit.ops[k]));
                    done[at] = true;
                }
                (qubits, _) => qubits.iter().for_each(|&q| first[q as usize] = false),
            }
        }
        Ok(Start { bloch, channels, steps, done })
    }

    /// The cone of strings with these letters, for each qubit of the circuit a set: bit 1 for X, 2 for Z, 3 for Y. Says
    /// why where there is none: an op in it depends on a measurement.
    pub fn cone(&self, circuit: &Circuit, mut letters: Vec<u8>) -> Result<Cone, String> {
        let mut acts = Vec::new();
        for (number, step) in self.steps.iter().enumerate().rev() {
            let on = qubits(circuit, &self.channels, step);
            if self.done[number] || on.iter().all(|&q| letters[q as usize] == 0) {
                continue;
            }
            let (at, op) = match *step {
                Step::Op(at) => (at, &circuit.ops[at]),
                Step::Channel(k) => {
                    acts.push(mixed(&mut letters, &self.channels[k]));
                    continue;
                }
            };
            let before = acts.len();
            match op.kind {
                Kind::Reset => {
                    acts.push(Act::Reset(op.q[0]));
                    if op.cond == NONE {
                        letters[op.q[0] as usize] = 0;
                    }
                }
                Kind::Measure | Kind::Noise | Kind::Noise2 => {
                    let second = if op.kind == Kind::Noise2 { op.q[1] } else { NONE };
                    acts.push(Act::Channel { q: [op.q[0], second], factors: factors(op.kind, circuit.angles(op)) });
                }
                kind => {
                    for &(p, angle) in rotations(kind, circuit.angles(op)).list().iter().rev() {
                        if meets(&mut letters, op.qubits(), p) {
                            acts.push(Act::Turn { q: op.q, p, angle });
                        }
                    }
                }
            }
            if acts.len() > before && op.cond != NONE {
                return Err(format!("op {at} ({}) depends on a measurement", op.kind.name()));
            }
        }
        Ok(renumbered(acts, letters))
    }
}

fn qubits<'a>(circuit: &'a Circuit, channels: &'a [Channel], step: &Step) -> &'a [u32] {
    match *step {
        Step::Op(at) => circuit.ops[at].qubits(),
        Step::Channel(k) => &channels[k].q[..1 + (channels[k].q[1] != NONE) as usize],
    }
}

/// A channel as it acts on strings of these letters, which become those of what it makes.
fn mixed(letters: &mut [u8], channel: &Channel) -> Act {
    let (q, rows) = (channel.q, &channel.rows);
    if let Some(factors) = rows.factors() {
        return Act::Channel { q, factors };
    }
    let on = q.map(|q| if q == NONE { 1 } else { letters[q as usize] | 1 });
    let mut made = [0u8; 2];
    for string in (1..16).filter(|string| on[0] >> (string & 3) & on[1] >> (string >> 2) & 1 == 1) {
        for part in rows.of(string) {
            let to = string ^ part.times;
            made[0] |= 1 << (to & 3);
            made[1] |= 1 << (to >> 2);
        }
    }
    for (q, made) in q.into_iter().zip(made).filter(|&(q, _)| q != NONE) {
        letters[q as usize] = made & !1;
    }
    Act::Mix { q, rows: rows.clone() }
}

/// Which steps are measurements after which nothing happens to their qubits, and on which no op depends: they are no part
/// of the state.
fn final_measurements(circuit: &Circuit, steps: &[Step], channels: &[Channel]) -> Vec<bool> {
    let mut last = vec![true; circuit.n_qubits as usize];
    let mut needed = vec![false; circuit.n_cbits as usize];
    let mut found = vec![false; steps.len()];
    for (at, step) in steps.iter().enumerate().rev() {
        let Step::Op(number) = *step else {
            qubits(circuit, channels, step).iter().for_each(|&q| last[q as usize] = false);
            continue;
        };
        let op = &circuit.ops[number];
        let read = op.cbit != NONE && needed[op.cbit as usize];
        if op.kind == Kind::Logic {
            if read {
                circuit.cond_bits(op.cond, &mut |bit| needed[bit as usize] = true);
                circuit.tables[op.param as usize].inputs.iter().for_each(|&bit| needed[bit as usize] = true);
            }
            continue;
        }
        found[at] = op.kind == Kind::Measure && op.cond == NONE && !read && last[op.q[0] as usize];
        circuit.cond_bits(op.cond, &mut |bit| needed[bit as usize] = true);
        op.qubits().iter().for_each(|&q| last[q as usize] = false);
    }
    found
}

/// A Bloch vector after an op on its qubit.
fn bring(r: &mut [f64; 3], kind: Kind, angles: &[f64]) {
    match kind {
        Kind::Reset => *r = [0.0, 0.0, 1.0],
        Kind::Measure | Kind::Noise => {
            let factors = factors(kind, angles);
            for (k, letter) in [1 << X_OR_Y[0], 1 << X_OR_Y[0] | 1 << Z_OR_Y[0], 1 << Z_OR_Y[0]].into_iter().enumerate()
            {
                r[k] *= factors[letter];
            }
        }
        _ => {
            for &((x, z), angle) in rotations(kind, angles).list() {
                let axis = match (x, z) {
                    (1, 0) => 0,
                    (1, 1) => 1,
                    _ => 2,
                };
                let (a, b) = ((axis + 1) % 3, (axis + 2) % 3);
                let (sin, cos) = angle.sin_cos();
                (r[a], r[b]) = (cos * r[a] - sin * r[b], sin * r[a] + cos * r[b]);
            }
        }
    }
}

/// The number 1, 2, 3 of X, Z, Y: a product's is the XOR of its factors'.
fn letter((x, z): Operand, operand: usize) -> u8 {
    (x >> operand & 1) | (z >> operand & 1) << 1
}

/// Whether a rotation about `p` may change a string of these letters; if so they grow by what it makes.
fn meets(letters: &mut [u8], qubits: &[u32], p: Operand) -> bool {
    let on = |k: usize| letter(p, k);
    if !qubits.iter().enumerate().any(|(k, &q)| on(k) != 0 && letters[q as usize] & !(1 << on(k)) != 0) {
        return false;
    }
    for (k, &q) in qubits.iter().enumerate().filter(|&(k, _)| on(k) != 0) {
        let old = letters[q as usize];
        let made = (1..4).filter(|a| old >> a & 1 == 1).fold(1 << on(k), |set, a| set | 1 << (a ^ on(k)));
        letters[q as usize] = (old | made) & !1;
    }
    true
}

fn renumbered(mut acts: Vec<Act>, letters: Vec<u8>) -> Cone {
    let mut place = vec![NONE; letters.len()];
    acts.iter().flat_map(Act::qubits).filter(|&q| q != NONE).for_each(|q| place[q as usize] = 0);
    let used = |q: &u32| place[*q as usize] == 0 || letters[*q as usize] != 0;
    let qubits: Vec<u32> = (0..letters.len() as u32).filter(used).collect();
    qubits.iter().enumerate().for_each(|(at, &q)| place[q as usize] = at as u32);
    let put = |q: &mut u32| {
        if *q != NONE {
            *q = place[*q as usize];
        }
    };
    for act in &mut acts {
        match act {
            Act::Turn { q, .. } => q.iter_mut().for_each(put),
            Act::Channel { q, .. } | Act::Mix { q, .. } => q.iter_mut().for_each(put),
            Act::Reset(q) => put(q),
        }
    }
    Cone { acts, qubits }
}
