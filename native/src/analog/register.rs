//! The amplitudes of a register of atoms, and what can be asked of them. Atom 0 is the highest bit of an index.

use super::evolve::Course;
use super::flow::Flow;
use super::jumps::{self, Rates};
use super::kernels::{BLOCK, W};
use super::{Evolution, Refused, Report, Scheme, ATOMS, STEPS};
use crate::dense::{level, Buffer, Level};
use crate::dice::Dice;

/// Amplitudes whose weights are added up before a shot is decided among them.
const GROUP: usize = 256;

pub struct Register {
    atoms: usize,
    level: Level,
    allowed: u64,
    /// Blocks of 8 real and 8 imaginary parts.
    state: Buffer<f64>,
}

impl Register {
    /// All atoms in the ground state. `allowed`: bytes that an evolution may take.
    pub fn ground(atoms: usize, allowed: u64) -> Result<Register, Refused> {
        let needed = Register::bytes(atoms);
        if needed > allowed {
            return Err(Refused::Memory { needed, allowed });
        }
        let mut state = Buffer::zeroed(((1usize << atoms) * 2).max(BLOCK));
        state[0] = 1.0;
        Ok(Register { atoms, level: level(), allowed, state })
    }

    /// The same on another instruction set, one that the machine has.
    pub fn with_level(mut self, level: Level) -> Register {
        self.level = level;
        self
    }

    /// Bytes of an evolution: the state before it, and two runs that are compared.
    pub fn bytes(atoms: usize) -> u64 {
        if atoms > ATOMS {
            return u64::MAX;
        }
        ((3 * 16) << atoms.max(3)) + Flow::bytes(atoms)
    }

    pub fn atoms(&self) -> usize {
        self.atoms
    }

    pub fn evolve(
        &mut self,
        evolution: &Evolution,
        tolerance: f64,
        scheme: Scheme,
        stop: &dyn Fn() -> bool,
    ) -> Result<Report, Refused> {
        self.check(evolution, tolerance)?;
        let course = Course::new(evolution, self.atoms, scheme, self.level, &self.state);
        let (state, report) = course.solve(tolerance, stop)?;
        self.state = state;
        Ok(report)
    }

    /// One trajectory of about `steps` steps (see `jumps`). Atoms that are `lost` take no part; those that get lost on
    /// the way join them. Gives the number of jumps.
    pub fn wander(
        &mut self,
        evolution: &Evolution,
        steps: f64,
        rates: Rates,
        lost: &mut [bool],
        seed: u64,
        stop: &dyn Fn() -> bool,
    ) -> Result<u64, Refused> {
        self.check(evolution, 1.0)?;
        if !rates.is_sound() || lost.len() != self.atoms || !(steps >= 1.0 && steps <= STEPS as f64) {
            return Err(Refused::Malformed("rates, steps or lost atoms do not fit"));
        }
        let mut course = Course::new(evolution, self.atoms, Scheme::BlanesMoan, self.level, &self.state);
        (0..self.atoms).filter(|&atom| lost[atom]).for_each(|atom| course.forget(self.atoms - 1 - atom));
        let (state, gone, jumps) = course.wander(steps, rates, &mut Dice::new(seed, &[1]), stop)?;
        gone.iter().for_each(|bit| lost[self.atoms - 1 - bit] = true);
        self.state = state;
        Ok(jumps)
    }

    /// Looks whether an atom is in r, and leaves it in g.
    pub fn take(&mut self, atom: usize, seed: u64) -> bool {
        let (bits, bit) = (self.atoms, self.bit(atom));
        let chance = jumps::weight(&self.state, bits, bit);
        let total: f64 = self.state.iter().map(|x| x * x).sum();
        let excited = Dice::new(seed, &[2]).unit() * total < chance;
        jumps::keep(&mut self.state, bits, bit, excited);
        if excited {
            jumps::drop(&mut self.state, bits, bit);
        }
        jumps::scale(&mut self.state);
        excited
    }

    /// Other amplitudes, all of them.
    pub fn load(&mut self, amplitudes: &[(f64, f64)]) {
        assert_eq!(amplitudes.len(), 1 << self.atoms);
        for (x, &(re, im)) in amplitudes.iter().enumerate() {
            let at = x / W * BLOCK + x % W;
            (self.state[at], self.state[at + W]) = (re, im);
        }
    }

    fn check(&self, evolution: &Evolution, tolerance: f64) -> Result<(), Refused> {
        let n = self.atoms;
        if evolution.pairs.len() != n * n || evolution.pairs.iter().any(|v| !v.is_finite()) {
            return Err(Refused::Malformed("an interaction is missing or not finite"));
        }
        if !evolution.drives.iter().all(|drive| drive.is_sound(n)) {
            return Err(Refused::Malformed("a drive's knots or weights do not fit"));
        }
        if !(evolution.duration > 0.0 && evolution.duration.is_finite() && tolerance > 0.0) {
            return Err(Refused::Malformed("duration and tolerance are positive"));
        }
        if Register::bytes(n) > self.allowed {
            return Err(Refused::Memory { needed: Register::bytes(n), allowed: self.allowed });
        }
        Ok(())
    }

    pub fn amplitude(&self, x: usize) -> (f64, f64) {
        let at = x / W * BLOCK + x % W;
        (self.state[at], self.state[at + W])
    }

    fn weight(&self, x: usize) -> f64 {
        let (re, im) = self.amplitude(x);
        re * re + im * im
    }

    fn bit(&self, atom: usize) -> usize {
        self.atoms - 1 - atom
    }

    /// Of every value of these atoms, the first the highest bit.
    pub fn probabilities(&self, atoms: &[usize]) -> Vec<f64> {
        let mut out = vec![0.0; 1 << atoms.len()];
        let bits: Vec<usize> = atoms.iter().map(|&atom| self.bit(atom)).collect();
        for x in 0..1usize << self.atoms {
            let value = bits.iter().fold(0, |value, bit| value << 1 | (x >> bit & 1));
            out[value] += self.weight(x);
        }
        out
    }

    /// Probability of every atom to be in the Rydberg state.
    pub fn densities(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.atoms];
        for x in 0..1usize << self.atoms {
            let weight = self.weight(x);
            for (atom, sum) in out.iter_mut().enumerate() {
                if x >> (self.atoms - 1 - atom) & 1 == 1 {
                    *sum += weight;
                }
            }
        }
        out
    }

    /// Expectation value of a Pauli string, one letter an atom.
    pub fn expectation(&self, letters: &[u8]) -> f64 {
        let (mut flip, mut sign, mut ys) = (0usize, 0usize, 0u32);
        for (atom, letter) in letters.iter().enumerate() {
            let bit = 1usize << self.bit(atom);
            flip |= if matches!(letter, b'X' | b'Y') { bit } else { 0 };
            sign |= if matches!(letter, b'Z' | b'Y') { bit } else { 0 };
            ys += (*letter == b'Y') as u32;
        }
        let mut sum = (0.0, 0.0);
        for x in 0..1usize << self.atoms {
            let ((ar, ai), (br, bi)) = (self.amplitude(x ^ flip), self.amplitude(x));
            let minus = if (x & sign).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
            sum = (sum.0 + minus * (ar * br + ai * bi), sum.1 + minus * (ar * bi - ai * br));
        }
        // Y = i X Z: of a product of k of them the factor is i^k.
        [sum.0, -sum.1, -sum.0, sum.1][ys as usize % 4]
    }

    /// Indexes drawn from the weights.
    pub fn sample(&self, shots: usize, seed: u64) -> Vec<u64> {
        let size = 1usize << self.atoms;
        let mut upto = vec![0.0];
        let mut total = 0.0;
        for first in (0..size).step_by(GROUP) {
            total += (first..size.min(first + GROUP)).map(|x| self.weight(x)).sum::<f64>();
            upto.push(total);
        }
        let mut dice = Dice::new(seed, &[0]);
        (0..shots).map(|_| self.pick(&upto, dice.unit() * total, size)).collect()
    }

    /// The index in whose weight `target` falls; never one without weight.
    fn pick(&self, upto: &[f64], target: f64, size: usize) -> u64 {
        let group = (upto.partition_point(|&sum| sum <= target) - 1).min(upto.len() - 2);
        let mut sum = upto[group];
        let mut last = None;
        for x in group * GROUP..size.min((group + 1) * GROUP) {
            let weight = self.weight(x);
            if weight > 0.0 {
                sum += weight;
                last = Some(x as u64);
                if target < sum {
                    break;
                }
            }
        }
        last.unwrap_or_else(|| (0..size).rev().find(|&x| self.weight(x) > 0.0).unwrap_or(0) as u64)
    }
}
