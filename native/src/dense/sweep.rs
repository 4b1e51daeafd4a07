//! One circuit at many points of its parameters: the points are the lanes of the vectors.
//!
//! A state of n qubits at `W` points is a state whose lowest bits number the point, so every gate is a kernel call on
//! whole vectors: with one coefficient a lane where the gate has angles, one for all where it has none.

use super::flat::{gates_of, letters, merged, Flat};
use super::isa::Level;
use super::lanes::Real;
use super::matrix::{always_real, of_gate, Mat};
use super::sample::pick;
use super::Refused;
use crate::circuit::{Circuit, Kind, Op, NONE};
use crate::dice::Dice;
use crate::samples::Samples;

/// Calls `look` with the final states of up to `W` points at a time, and the number of the first.
fn each_group<R: Real>(
    circuit: &Circuit,
    points: &[Vec<f64>],
    level: Level,
    stop: &dyn Fn(u64) -> bool,
    mut look: impl FnMut(&Flat<R>, usize),
) -> Result<(), Refused> {
    if let Some(bad) = points.iter().find(|p| p.len() != circuit.params.len() || p.iter().any(|x| !x.is_finite())) {
        return Err(Refused::Malformed(format!(
            "a point of {} parameters, where the circuit has {} and all must be finite",
            bad.len(),
            circuit.params.len()
        )));
    }
    let gates = merged(&gates_of(circuit)?);
    let real = gates.iter().flatten().all(|op| always_real(op.kind));
    for (number, group) in points.chunks(R::W).enumerate() {
        let mut state = Flat::<R>::zero(circuit.n_qubits, R::LANE_BITS, 2 - real as usize, level);
        let mut mats: Vec<Mat> = Vec::with_capacity(R::W);
        for run in &gates {
            mats.clear();
            let varies = run.iter().any(|op| op.kind.n_params() > 0);
            for lane in 0..if varies { R::W } else { 1 } {
                let point = &group[lane.min(group.len() - 1)];
                let matrix = |op: &Op| {
                    let at = if op.param == NONE { 0 } else { op.param as usize };
                    of_gate(op.kind, &point[at..at + op.kind.n_params()])
                };
                let mut mat = matrix(run[0]);
                for op in &run[1..] {
                    mat.left(&matrix(op), &[0]);
                }
                mats.push(mat);
            }
            state.apply_each(&mats, run[0].qubits());
            if stop(state.amplitudes.len() as u64) {
                return Err(Refused::Stopped);
            }
        }
        look(&state, number * R::W);
    }
    Ok(())
}

/// Expectation values of Pauli strings at every point: shape (points, strings).
pub fn expectations<R: Real>(
    circuit: &Circuit,
    points: &[Vec<f64>],
    paulis: &[String],
    level: Level,
    stop: &dyn Fn(u64) -> bool,
) -> Result<Vec<Vec<f64>>, Refused> {
    let strings: Vec<Vec<(u32, u8)>> =
        paulis.iter().map(|text| letters(text, circuit.n_qubits as usize)).collect::<Result<_, _>>()?;
    let mut out = vec![vec![0.0; paulis.len()]; points.len()];
    each_group::<R>(circuit, points, level, stop, |state, first| {
        let signed = signed_sums(state);
        for (k, string) in strings.iter().enumerate() {
            let z = string.iter().fold(0usize, |m, (q, _)| m | 1 << q);
            let diagonal = string.iter().all(|&(_, letter)| letter == 3);
            let crossed = if diagonal { [0.0; 16] } else { value(state, string) };
            for (lane, row) in out[first..].iter_mut().take(R::W).enumerate() {
                let sum = if diagonal { signed[z * R::W + lane].f64() } else { crossed[lane] };
                row[k] = sum / signed[lane].f64();
            }
        }
    })?;
    Ok(out)
}

/// Weights with the signs of every product of Zs, for every lane: row m is the sum over x of `(-1)^(m . x) |a_x|^2`
/// (the Walsh-Hadamard transform), so row 0 is the norm.
fn signed_sums<R: Real>(state: &Flat<R>) -> Vec<R> {
    let (n, w) = (state.bits - R::LANE_BITS, R::W);
    let mut out: Vec<R> = Vec::with_capacity(w << n);
    for row in state.amplitudes.chunks_exact(w * state.parts) {
        let (re, im) = row.split_at(w);
        if im.is_empty() {
            out.extend(re.iter().map(|&a| a * a));
        } else {
            out.extend(re.iter().zip(im).map(|(&a, &b)| a * a + b * b));
        }
    }
    for q in 0..n {
        for pair in out.chunks_exact_mut((2 << q) * w) {
            let (zero, one) = pair.split_at_mut((1 << q) * w);
            for (a, b) in zero.iter_mut().zip(one) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
    }
    out
}

/// `<P>` of every lane, not divided by the norm.
fn value<R: Real>(state: &Flat<R>, string: &[(u32, u8)]) -> [f64; 16] {
    let mask = |which: [u8; 2]| string.iter().filter(|(_, p)| which.contains(p)).fold(0usize, |m, (q, _)| m | 1 << q);
    let (flip, sign, ys) = (mask([1, 2]), mask([2, 3]), string.iter().filter(|(_, p)| *p == 2).count());
    let turn = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][ys % 4];
    let (rows, w) = (1usize << (state.bits - R::LANE_BITS), R::W);
    let mut out = [0.0; 16];
    // <y|P|x> and <x|P|y> are conjugate, so a pair of rows counts twice its real part.
    for x in (0..rows).filter(|x| x ^ flip > *x) {
        let weight = if (x & sign).count_ones() % 2 == 1 { -2.0 } else { 2.0 };
        for (lane, sum) in out[..w].iter_mut().enumerate() {
            let (x, y) = (state.get(x * w + lane), state.get((x ^ flip) * w + lane));
            let z = y.conj() * x;
            *sum += weight * (z.re * turn.0 - z.im * turn.1);
        }
    }
    out
}

/// Samples at every point.
pub fn samples<R: Real>(
    circuit: &Circuit,
    points: &[Vec<f64>],
    shots: usize,
    seed: u64,
    level: Level,
    stop: &dyn Fn(u64) -> bool,
) -> Result<Vec<Samples>, Refused> {
    if circuit.ops.iter().any(|op| op.kind == Kind::Logic) {
        return Err(Refused::NotUnitary);
    }
    let measured: Vec<(u32, u32)> = circuit
        .ops
        .iter()
        .filter(|op| op.kind == Kind::Measure && op.cbit != NONE)
        .map(|op| (op.cbit, op.q[0]))
        .collect();
    let mut out = Vec::with_capacity(points.len());
    each_group::<R>(circuit, points, level, stop, |state, first| {
        let (rows, w) = (1usize << (state.bits - R::LANE_BITS), R::W);
        for lane in 0..w.min(points.len() - first) {
            let mut upto = Vec::with_capacity(rows + 1);
            let mut sum = 0.0;
            upto.push(0.0);
            for x in 0..rows {
                let z = state.get(x * w + lane);
                sum += z.norm();
                upto.push(sum);
            }
            let mut dice = Dice::new(seed, &[2, (first + lane) as u64]);
            let outcomes = pick(&upto, shots, &mut dice);
            let mut samples = Samples::zeros(shots, circuit.n_cbits as usize);
            super::run::scatter(&mut samples, &outcomes, &measured);
            out.push(samples);
        }
    })?;
    Ok(out)
}
