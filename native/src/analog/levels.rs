//! Atoms of three levels, a qubit in 0 and 1 and the Rydberg level r = 2: a state vector over 3^n, the same splitting.
//!
//! Pairs in r interact, which is diagonal and the same at all times. Everything else, detunings too, is of single atoms:
//! the exponential of a 3x3 matrix an atom. Atom 0 is the highest digit of an index in base 3.

use super::evolve::{converge, paced, winding, BETWEEN};
use super::fields::{segments, Drive, Segment};
use super::flow::{times, unit, Complex};
use super::{Refused, Report, Scheme};
use crate::dice::Dice;

/// Levels (a, b) that light couples, as W/2 (e^{ip} |a><b| + h.c.) - D |b><b|.
pub type Transition = (usize, usize);
const TRANSITIONS: [Transition; 3] = [(0, 1), (0, 2), (1, 2)];
/// Tables of interaction phases that are kept.
const TABLES: usize = 8;
/// 3^20 amplitudes are 56 GB.
const ATOMS: usize = 20;

type Matrix = [[Complex; 3]; 3];

pub struct Levels {
    atoms: usize,
    allowed: u64,
    state: State,
}

#[derive(Clone)]
struct State {
    re: Vec<f64>,
    im: Vec<f64>,
}

/// What a run needs beside the state and the number of its steps.
struct Course {
    atoms: usize,
    energies: Vec<f64>,
    /// For each of `TRANSITIONS` all drives, those of others without weight.
    drives: [Vec<Drive>; 3],
    segments: Vec<Segment>,
    duration: f64,
    lengths: (Vec<f64>, Vec<f64>),
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
        let n = self.atoms;
        if pairs.len() != n * n || pairs.iter().any(|v| !v.is_finite()) {
            return Err(Refused::Malformed("an interaction is missing or not finite"));
        }
        if !drives.iter().all(|(couples, drive)| drive.is_sound(n) && TRANSITIONS.contains(couples)) {
            return Err(Refused::Malformed("a drive's knots, weights or levels do not fit"));
        }
        if !(duration > 0.0 && duration.is_finite() && tolerance > 0.0) {
            return Err(Refused::Malformed("duration and tolerance are positive"));
        }
        if Levels::bytes(n) > self.allowed {
            return Err(Refused::Memory { needed: Levels::bytes(n), allowed: self.allowed });
        }
        let all: Vec<Drive> = drives.iter().map(|(_, drive)| drive.clone()).collect();
        let course = Course {
            atoms: n,
            energies: energies(pairs, n),
            drives: TRANSITIONS.map(|wanted| of(drives, wanted)),
            segments: segments(&all, duration),
            duration,
            lengths: Scheme::BlanesMoan.lengths(),
        };
        let wound = winding(pairs, &all, n, duration);
        let (first, second) = paced(Scheme::BlanesMoan, tolerance, wound, n);
        let more = course.segments.len() as f64;
        let steps = (first.max(1.0) + more, second.max(1.0) + more);
        let run = |steps| course.run(self.state.clone(), steps, stop);
        let (state, report) = converge(steps, Scheme::BlanesMoan.order(), tolerance, run, distance)?;
        self.state = state;
        Ok(report)
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
        let mut tables: Vec<(u64, Vec<Complex>)> = vec![];
        let (mut done, mut since, mut waiting) = (0, 0, 0.0);
        for segment in &self.segments {
            let length = segment.end - segment.start;
            let count = (steps * length / self.duration).ceil().max(1.0);
            let h = length / count;
            for k in 0..count as u64 {
                let mut t = segment.start + k as f64 * h;
                for (at, &a) in self.lengths.0.iter().enumerate() {
                    waiting += a * h;
                    t += a * h;
                    let Some(&b) = self.lengths.1.get(at) else { break };
                    self.shift(&mut state, std::mem::take(&mut waiting), &mut tables);
                    self.turn(&mut state, segment, t, b * h);
                    since += state.re.len() as u64;
                }
                if since > BETWEEN {
                    since = 0;
                    if stop() {
                        return Err(Refused::Stopped);
                    }
                }
            }
            done += count as u64;
        }
        self.shift(&mut state, waiting, &mut tables);
        Ok((state, done))
    }

    /// The flow of the interactions.
    fn shift(&self, state: &mut State, time: f64, tables: &mut Vec<(u64, Vec<Complex>)>) {
        let at = tables.iter().position(|(known, _)| *known == time.to_bits()).unwrap_or_else(|| {
            if tables.len() == TABLES {
                tables.remove(0);
            }
            tables.push((time.to_bits(), self.energies.iter().map(|energy| unit(-time * energy)).collect()));
            tables.len() - 1
        });
        for ((re, im), by) in state.re.iter_mut().zip(&mut state.im).zip(&tables[at].1) {
            (*re, *im) = times((*re, *im), *by);
        }
    }

    /// The flow of single atoms, with the fields of time `t`.
    fn turn(&self, state: &mut State, segment: &Segment, t: f64, time: f64) {
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
        let mut last: Option<(Matrix, Matrix)> = None;
        for (atom, h) in matrices.iter().enumerate() {
            let made = match last {
                Some((same, made)) if same == *h => made,
                _ => exponential(h, time),
            };
            last = Some((*h, made));
            apply(state, 3usize.pow((n - 1 - atom) as u32), h, &made);
        }
    }
}

/// e^{-i time h} by its series, squared until it is exact.
fn exponential(h: &Matrix, time: f64) -> Matrix {
    let size: f64 = h.iter().flatten().map(|z| z.0.abs() + z.1.abs()).sum::<f64>() * time.abs();
    let halvings = size.max(0.5).log2().ceil().max(0.0) as i32 + 1;
    let step = time / 2f64.powi(halvings);
    let small: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| times(h[i][j], (0.0, -step))));
    let one: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| (f64::from(u8::from(i == j)), 0.0)));
    let (mut out, mut term) = (one, one);
    for k in 1..=16 {
        term = product(&term, &small);
        for (row, from) in out.iter_mut().zip(&mut term) {
            for (z, part) in row.iter_mut().zip(from) {
                *part = (part.0 / f64::from(k), part.1 / f64::from(k));
                *z = (z.0 + part.0, z.1 + part.1);
            }
        }
    }
    (0..halvings).fold(out, |out, _| product(&out, &out))
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            (0..3).map(|k| times(a[i][k], b[k][j])).fold((0.0, 0.0), |sum, z| (sum.0 + z.0, sum.1 + z.1))
        })
    })
}

/// Applies `u`, made of `h`, to the atom of this stride. A level that `h` leaves alone is not touched.
fn apply(state: &mut State, stride: usize, h: &Matrix, u: &Matrix) {
    let moved: Vec<usize> = (0..3).filter(|&level| (0..3).any(|other| h[level][other] != (0.0, 0.0))).collect();
    if moved.is_empty() {
        return;
    }
    for (re, im) in state.re.chunks_exact_mut(3 * stride).zip(state.im.chunks_exact_mut(3 * stride)) {
        let ([r0, r1, r2], [i0, i1, i2]) = (thirds(re, stride), thirds(im, stride));
        match moved[..] {
            [0, 1] => two([r0, r1], [i0, i1], [[u[0][0], u[0][1]], [u[1][0], u[1][1]]]),
            [0, 2] => two([r0, r2], [i0, i2], [[u[0][0], u[0][2]], [u[2][0], u[2][2]]]),
            [1, 2] => two([r1, r2], [i1, i2], [[u[1][1], u[1][2]], [u[2][1], u[2][2]]]),
            _ => three([r0, r1, r2], [i0, i1, i2], u),
        }
    }
}

fn thirds(all: &mut [f64], stride: usize) -> [&mut [f64]; 3] {
    let (low, rest) = all.split_at_mut(stride);
    let (middle, high) = rest.split_at_mut(stride);
    [low, middle, high]
}

fn two(re: [&mut [f64]; 2], im: [&mut [f64]; 2], u: [[Complex; 2]; 2]) {
    let ([r0, r1], [i0, i1]) = (re, im);
    for (((r0, r1), i0), i1) in r0.iter_mut().zip(r1).zip(i0).zip(i1) {
        let (a, b) = ((*r0, *i0), (*r1, *i1));
        let row = |row: [Complex; 2]| {
            let (x, y) = (times(row[0], a), times(row[1], b));
            (x.0 + y.0, x.1 + y.1)
        };
        ((*r0, *i0), (*r1, *i1)) = (row(u[0]), row(u[1]));
    }
}

fn three(re: [&mut [f64]; 3], im: [&mut [f64]; 3], u: &Matrix) {
    let ([r0, r1, r2], [i0, i1, i2]) = (re, im);
    for k in 0..r0.len() {
        let (a, b, c) = ((r0[k], i0[k]), (r1[k], i1[k]), (r2[k], i2[k]));
        let row = |row: &[Complex; 3]| {
            let (x, y, z) = (times(row[0], a), times(row[1], b), times(row[2], c));
            (x.0 + y.0 + z.0, x.1 + y.1 + z.1)
        };
        ((r0[k], i0[k]), (r1[k], i1[k]), (r2[k], i2[k])) = (row(&u[0]), row(&u[1]), row(&u[2]));
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
