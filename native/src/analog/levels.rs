//! Atoms of three levels, a qubit in 0 and 1 and the Rydberg level r = 2: a state vector over 3^n, the same splitting.
//!
//! Pairs in r interact, which is diagonal and the same at all times. Everything else, detunings too, is of single atoms:
//! the exponential of a 3x3 matrix an atom. Atom 0 is the highest digit of an index in base 3. `level_jumps` are
//! trajectories of such atoms with noise.

use std::collections::VecDeque;

use super::evolve::{converge, paced, winding, BETWEEN};
use super::fields::{segments, Drive, Segment};
use super::flow::{times, unit, Complex};
use super::level_kernels::{apply, exponential, Matrix};
use super::{Refused, Report, Scheme};
use crate::dice::Dice;

/// Levels (a, b) that light couples, as W/2 (e^{ip} |a><b| + h.c.) - D |b><b|.
pub type Transition = (usize, usize);
const TRANSITIONS: [Transition; 3] = [(0, 1), (0, 2), (1, 2)];
/// Tables of interaction phases that are kept.
const TABLES: usize = 8;
/// Exponentials of single atoms that are kept: those of a step, where fields do not change, for a few kinds of atoms.
const KEPT: usize = 32;
/// 3^20 amplitudes are 56 GB.
const ATOMS: usize = 20;

pub struct Levels {
    pub(super) atoms: usize,
    allowed: u64,
    pub(super) state: State,
}

#[derive(Clone)]
pub(super) struct State {
    pub(super) re: Vec<f64>,
    pub(super) im: Vec<f64>,
}

/// What a run needs beside the state and the number of its steps.
pub(super) struct Course {
    pub(super) atoms: usize,
    pub(super) pairs: Vec<f64>,
    energies: Vec<f64>,
    /// For each of `TRANSITIONS` all drives, those of others without weight.
    pub(super) drives: [Vec<Drive>; 3],
    pub(super) segments: Vec<Segment>,
    pub(super) duration: f64,
    /// Rate at which the amplitude of each atom in r shrinks.
    pub(super) fading: f64,
    lengths: (Vec<f64>, Vec<f64>),
}

/// The diagonal flow that waits, and what is kept of earlier steps: tables of it, and exponentials of single atoms.
#[derive(Default)]
pub(super) struct Waiting {
    time: f64,
    tables: Vec<(u64, Vec<Complex>)>,
    made: VecDeque<(Matrix, u64, Matrix)>,
}

impl Levels {
    /// All atoms in level 0. `allowed`: bytes that an evolution may take.
    pub fn ground(atoms: usize, allowed: u64) -> Result<Levels, Refused> {
        let needed = Levels::bytes(atoms);
        if needed > allowed {
            return Err(Refused::Memory { needed, allowed });
        }
        let size = 3usize.pow(atoms as u32);
        let mut state = State { re: vec![0.0; size], im: vec![0.0; size] };
        state.re[0] = 1.0;
        Ok(Levels { atoms, allowed, state })
    }

    /// Bytes of an evolution: three states, energies, and tables of phases.
    pub fn bytes(atoms: usize) -> u64 {
        if atoms > ATOMS {
            return u64::MAX;
        }
        3u64.pow(atoms as u32) * (3 * 16 + 8 + TABLES as u64 * 16)
    }

    pub fn atoms(&self) -> usize {
        self.atoms
    }

    pub fn amplitudes(&self) -> impl Iterator<Item = Complex> + '_ {
        self.state.re.iter().copied().zip(self.state.im.iter().copied())
    }

    /// Other amplitudes, all of them.
    pub fn load(&mut self, amplitudes: &[Complex]) {
        assert_eq!(amplitudes.len(), self.state.re.len());
        (self.state.re, self.state.im) = amplitudes.iter().copied().unzip();
    }

    /// `pairs` as in `Evolution`; every drive with what it couples.
    pub fn evolve(
        &mut self,
        pairs: &[f64],
        drives: &[(Transition, Drive)],
        duration: f64,
        tolerance: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Report, Refused> {
        if tolerance.is_nan() || tolerance <= 0.0 {
            return Err(Refused::Malformed("the tolerance is positive"));
        }
        let course = self.course(pairs, drives, duration)?;
        let all: Vec<Drive> = drives.iter().map(|(_, drive)| drive.clone()).collect();
        let wound = winding(pairs, &all, self.atoms, duration);
        let (first, second) = paced(Scheme::BlanesMoan, tolerance, wound, self.atoms, 1.0);
        let more = course.segments.len() as f64;
        let steps = (first + more, second + more);
        let run = |steps| course.run(self.state.clone(), steps, stop);
        let (state, report) = converge(steps, Scheme::BlanesMoan.order(), tolerance, run, distance)?;
        self.state = state;
        Ok(report)
    }

    pub(super) fn course(
        &self,
        pairs: &[f64],
        drives: &[(Transition, Drive)],
        duration: f64,
    ) -> Result<Course, Refused> {
        let n = self.atoms;
        if pairs.len() != n * n || pairs.iter().any(|v| !v.is_finite()) {
            return Err(Refused::Malformed("an interaction is missing or not finite"));
        }
        if !drives.iter().all(|(couples, drive)| drive.is_sound(n) && TRANSITIONS.contains(couples)) {
            return Err(Refused::Malformed("a drive's knots, weights or levels do not fit"));
        }
        if !(duration > 0.0 && duration.is_finite()) {
            return Err(Refused::Malformed("a duration is positive"));
        }
        if Levels::bytes(n) > self.allowed {
            return Err(Refused::Memory { needed: Levels::bytes(n), allowed: self.allowed });
        }
        let all: Vec<Drive> = drives.iter().map(|(_, drive)| drive.clone()).collect();
        Ok(Course {
            atoms: n,
            pairs: pairs.to_vec(),
            energies: energies(pairs, n),
            drives: TRANSITIONS.map(|wanted| of(drives, wanted)),
            segments: segments(&all, duration),
            duration,
            fading: 0.0,
            lengths: Scheme::BlanesMoan.lengths(),
        })
    }

    /// Looks whether an atom is in r, and leaves it in level 0 then, else in what it has of 0 and 1.
    pub fn take(&mut self, atom: usize, seed: u64) -> bool {
        let stride = 3usize.pow((self.atoms - 1 - atom) as u32);
        let state = &mut self.state;
        let weight = |x: usize| state.re[x] * state.re[x] + state.im[x] * state.im[x];
        let inside = |x: &usize| x / stride % 3 == 2;
        let total: f64 = (0..state.re.len()).map(weight).sum();
        let chance: f64 = (0..state.re.len()).filter(inside).map(weight).sum();
        let excited = Dice::new(seed, &[3]).unit() * total < chance;
        let by = 1.0 / if excited { chance } else { total - chance }.sqrt();
        for x in 0..state.re.len() {
            for part in [&mut state.re, &mut state.im] {
                part[x] = match (x / stride % 3, excited) {
                    (2, _) | (1, true) => 0.0,
                    (0, true) => by * part[x + 2 * stride],
                    _ => by * part[x],
                }
            }
        }
        excited
    }

    /// Indexes drawn from the weights.
    pub fn sample(&self, shots: usize, seed: u64) -> Vec<u64> {
        let mut upto: Vec<f64> = Vec::with_capacity(self.state.re.len());
        let mut total = 0.0;
        for (re, im) in self.amplitudes() {
            total += re * re + im * im;
            upto.push(total);
        }
        let last = upto.partition_point(|&sum| sum < total); // the last one with weight
        let mut dice = Dice::new(seed, &[4]);
        (0..shots)
            .map(|_| {
                let target = dice.unit() * total;
                upto.partition_point(|&sum| sum <= target).min(last) as u64
            })
            .collect()
    }
}

fn of(drives: &[(Transition, Drive)], wanted: Transition) -> Vec<Drive> {
    let mine = |(couples, drive): &(Transition, Drive)| {
        let keep = f64::from(u8::from(*couples == wanted));
        Drive { weights: drive.weights.iter().map(|w| keep * w).collect(), ..drive.clone() }
    };
    drives.iter().map(mine).collect()
}

/// Interaction energy by index.
fn energies(pairs: &[f64], atoms: usize) -> Vec<f64> {
    let mut out = vec![0.0];
    // grown from the last atom to the first: an index of fewer atoms, then a digit before it
    for atom in (0..atoms).rev() {
        let size = out.len();
        let mut excited = out.clone();
        for (x, energy) in excited.iter_mut().enumerate() {
            let mut rest = x;
            for other in (atom + 1..atoms).rev() {
                if rest % 3 == 2 {
                    *energy += pairs[atom * atoms + other];
                }
                rest /= 3;
            }
        }
        let low = out.clone();
        out.reserve(2 * size);
        out.extend(low);
        out.extend(excited);
    }
    out
}

impl Course {
    fn run(&self, mut state: State, steps: f64, stop: &dyn Fn() -> bool) -> Result<(State, u64), Refused> {
        let mut waiting = Waiting::default();
        let (mut done, mut since) = (0, 0);
        for segment in &self.segments {
            let length = segment.end - segment.start;
            let count = (steps * length / self.duration).ceil().max(1.0);
            let h = length / count;
            for k in 0..count as u64 {
                self.step(&mut state, segment, segment.start + k as f64 * h, h, &mut waiting);
                since += self.passed();
                if since > BETWEEN {
                    since = 0;
                    if stop() {
                        return Err(Refused::Stopped);
                    }
                }
            }
            done += count as u64;
        }
        self.shift(&mut state, &mut waiting);
        Ok((state, done))
    }

    /// Amplitudes that a step passes over.
    pub(super) fn passed(&self) -> u64 {
        (self.energies.len() * self.lengths.1.len()) as u64
    }

    /// One step of length `h` from time `t` of a segment; `h` may be negative. The last diagonal flow waits.
    pub(super) fn step(&self, state: &mut State, segment: &Segment, t: f64, h: f64, waiting: &mut Waiting) {
        let mut t = t;
        for (at, &a) in self.lengths.0.iter().enumerate() {
            waiting.time += a * h;
            t += a * h;
            let Some(&b) = self.lengths.1.get(at) else { break };
            self.shift(state, waiting);
            self.turn(state, segment, t, b * h, waiting);
        }
    }

    /// The flow of the interactions, and of what shrinks, for the time that waits.
    pub(super) fn shift(&self, state: &mut State, waiting: &mut Waiting) {
        let time = std::mem::take(&mut waiting.time);
        let tables = &mut waiting.tables;
        let at = tables.iter().position(|(known, _)| *known == time.to_bits()).unwrap_or_else(|| {
            if tables.len() == TABLES {
                tables.remove(0);
            }
            tables.push((time.to_bits(), self.factors(time)));
            tables.len() - 1
        });
        for ((re, im), by) in state.re.iter_mut().zip(&mut state.im).zip(&tables[at].1) {
            (*re, *im) = times((*re, *im), *by);
        }
    }

    fn factors(&self, time: f64) -> Vec<Complex> {
        let mut out: Vec<Complex> = self.energies.iter().map(|energy| unit(-time * energy)).collect();
        if self.fading > 0.0 {
            let by = (-self.fading * time).exp();
            for atom in 0..self.atoms {
                let stride = 3usize.pow(atom as u32);
                for (re, im) in out.chunks_exact_mut(3 * stride).flat_map(|chunk| &mut chunk[2 * stride..]) {
                    (*re, *im) = (by * *re, by * *im);
                }
            }
        }
        out
    }

    /// The energies anew, of what `pairs` are now.
    pub(super) fn refresh(&mut self) {
        self.energies = energies(&self.pairs, self.atoms);
    }

    /// The flow of single atoms, with the fields of time `t`.
    fn turn(&self, state: &mut State, segment: &Segment, t: f64, time: f64, waiting: &mut Waiting) {
        let n = self.atoms;
        let mut matrices: Vec<Matrix> = vec![[[(0.0, 0.0); 3]; 3]; n];
        let (mut couplings, mut detunings) = (vec![(0.0, 0.0); n], vec![0.0; n]);
        for (drives, (a, b)) in self.drives.iter().zip(TRANSITIONS) {
            segment.couplings(drives, t, &mut couplings);
            segment.detunings(drives, t, &mut detunings);
            for (atom, h) in matrices.iter_mut().enumerate() {
                let (re, im) = couplings[atom];
                h[a][b] = (0.5 * re, 0.5 * im);
                h[b][a] = (0.5 * re, -0.5 * im);
                h[b][b].0 -= detunings[atom];
            }
        }
        for (atom, h) in matrices.iter().enumerate() {
            let same = |(of, known, _): &&(Matrix, u64, Matrix)| *known == time.to_bits() && of == h;
            let known = waiting.made.iter().rev().find(same).map(|(_, _, made)| *made);
            let made = known.unwrap_or_else(|| {
                let made = exponential(h, time);
                if waiting.made.len() == KEPT {
                    waiting.made.pop_front();
                }
                waiting.made.push_back((*h, time.to_bits(), made));
                made
            });
            apply(state, 3usize.pow((n - 1 - atom) as u32), h, &made);
        }
    }
}

/// Distance of two states up to a phase.
fn distance(a: &State, b: &State) -> f64 {
    let both = || a.re.iter().zip(&a.im).zip(b.re.iter().zip(&b.im));
    let overlap =
        both().fold((0.0, 0.0), |sum, ((ar, ai), (br, bi))| (sum.0 + ar * br + ai * bi, sum.1 + ar * bi - ai * br));
    let phase = unit(overlap.1.atan2(overlap.0));
    let one = |((ar, ai), (br, bi)): ((&f64, &f64), (&f64, &f64))| {
        let turned = times((*ar, *ai), phase);
        (turned.0 - br).powi(2) + (turned.1 - bi).powi(2)
    };
    both().map(one).sum::<f64>().sqrt()
}
