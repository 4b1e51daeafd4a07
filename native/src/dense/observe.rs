//! What one final state tells besides samples: amplitudes, marginals, expectation values.
//!
//! Qubit 0 is the first character of a bitstring and the most significant bit of an index.

use super::compile::{Program, Source};
use super::lanes::Real;
use super::state::State;
use super::Refused;
use crate::complex::{c, C64};

/// A final state with the places of the circuit's qubits.
pub struct Final<'a, R: Real> {
    pub program: &'a Program<R>,
    pub state: &'a State<R>,
}

/// A Pauli string on positions: X and Y flip (`flip`), Z and Y sign (`sign`), with `i^ys`.
struct Pauli {
    flip: usize,
    sign: usize,
    ys: u32,
    /// -1 or 0 from qubits outside the state.
    factor: f64,
}

impl<R: Real> Final<'_, R> {
    /// The index in the state of basis state `value` (by qubit), or `None`: its amplitude is 0.
    fn index(&self, value: impl Fn(usize) -> bool) -> Option<usize> {
        let mut x = 0;
        for (q, place) in self.program.places.iter().enumerate() {
            match *place {
                Source::At(p) => x |= (value(q) as usize) << p,
                Source::Known(known) if known != value(q) => return None,
                _ => {}
            }
        }
        Some(x)
    }

    /// The amplitude of basis state `value`, by qubit.
    pub fn amplitude(&self, value: impl Fn(usize) -> bool) -> C64 {
        let Some(x) = self.index(value) else { return C64::default() };
        let (re, im) = self.state.get(x);
        c(re, im) * C64::cis(self.program.phase)
    }

    /// All amplitudes in order, real and imaginary part in turn.
    pub fn amplitudes(&self) -> Vec<R> {
        let n = self.program.places.len();
        let turn = C64::cis(self.program.phase);
        let mut out = vec![R::of(0.0); 2 << n];
        // The index of every basis state, by adding one qubit at a time from the least significant.
        let mut fixed = 0usize;
        let mut strides = Vec::with_capacity(n);
        for (k, place) in self.program.places.iter().rev().enumerate() {
            match *place {
                Source::At(p) => strides.push((k, p)),
                Source::Known(true) => fixed |= 1 << k,
                _ => {}
            }
        }
        for x in 0..1usize << self.state.width {
            let to = strides.iter().fold(fixed, |to, &(k, p)| to | (x >> p & 1) << k);
            let (re, im) = self.state.get(x);
            let z = c(re, im) * turn;
            out[2 * to] = R::of(z.re);
            out[2 * to + 1] = R::of(z.im);
        }
        out
    }

    /// Probabilities of the values of `qubits`, the first the most significant bit; they sum to 1.
    pub fn probabilities(&self, qubits: &[u32]) -> Vec<f64> {
        let mut out = vec![0.0; 1 << qubits.len()];
        let mut fixed = 0usize;
        let mut bits = Vec::new();
        for (k, &q) in qubits.iter().rev().enumerate() {
            match self.program.places[q as usize] {
                Source::At(p) => bits.push((k, p)),
                Source::Known(true) => fixed |= 1 << k,
                _ => {}
            }
        }
        let mut total = 0.0;
        for x in 0..1usize << self.state.width {
            let (re, im) = self.state.get(x);
            let weight = re * re + im * im;
            total += weight;
            out[bits.iter().fold(fixed, |to, &(k, p)| to | (x >> p & 1) << k)] += weight;
        }
        out.iter_mut().for_each(|p| *p /= total);
        out
    }

    fn pauli(&self, text: &str) -> Result<Pauli, Refused> {
        let n = self.program.places.len();
        if text.len() != n {
            return Err(Refused::Malformed(format!("Pauli string of {} characters for {n} qubits", text.len())));
        }
        let mut out = Pauli { flip: 0, sign: 0, ys: 0, factor: 1.0 };
        for (letter, place) in text.bytes().zip(&self.program.places) {
            let (x, z) = match letter {
                b'I' => continue,
                b'X' => (true, false),
                b'Y' => (true, true),
                b'Z' => (false, true),
                _ => return Err(Refused::Malformed(format!("'{text}' has a letter that is none of I, X, Y, Z"))),
            };
            match *place {
                Source::At(p) => {
                    out.flip |= (x as usize) << p;
                    out.sign |= (z as usize) << p;
                    out.ys += (x && z) as u32;
                }
                Source::Known(value) if !x => out.factor *= if value { -1.0 } else { 1.0 },
                _ => out.factor = 0.0,
            }
        }
        Ok(out)
    }

    /// Expectation value of a Pauli string, one letter a qubit.
    pub fn expectation(&self, text: &str) -> Result<f64, Refused> {
        let p = self.pauli(text)?;
        if p.factor == 0.0 {
            return Ok(0.0);
        }
        let (mut sum, mut total) = (0.0, 0.0);
        let turn = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][p.ys as usize % 4];
        for x in 0..1usize << self.state.width {
            let (a, b) = self.state.get(x);
            total += a * a + b * b;
            let (re, im) = if p.flip == 0 { (a, b) } else { self.state.get(x ^ p.flip) };
            // <x ^ flip| P |x> = i^ys (-1)^(x . sign), times conj(amp[x ^ flip]) amp[x]
            let (real, imag) = (re * a + im * b, re * b - im * a);
            let value = real * turn.0 - imag * turn.1;
            sum += if (x & p.sign).count_ones() % 2 == 1 { -value } else { value };
        }
        Ok(p.factor * sum / total)
    }
}
