//! What kernels cost: one table, measured, from which the planner and `.cost()` follow.
//!
//! The unit is a clock cycle a block of 64 bytes of real parts (16 f32 or 8 f64 amplitudes) with its imaginary parts.

use super::compile::{Program, Step};
use super::fuse::Item;
use super::lanes::Real;
use crate::circuit::NONE;

/// Arithmetic of a dense matrix on 0 to 3 qubits, all complex.
const DENSE: [f64; 4] = [2.0, 4.0, 8.5, 17.5];
/// Moving a block through the registers once.
const MOVE: f64 = 2.0;
/// States that fit do not go to memory between passes.
const CACHE_BYTES: f64 = 2.0 * 1024.0 * 1024.0;
/// One pass of phases.
const PHASES: f64 = 5.0;
/// More cycles than merging two blocks can save.
pub const DEAREST: f64 = 24.0;
/// Cycles that multiplying two matrices in the planner takes.
pub const MERGE: f64 = 800.0;
/// What this machine does in a second, and what fixed things take: `calibrate` fills it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    pub cycles_per_second: f64,
    /// Of a pass over a state beyond the cache, read and write together.
    pub bytes_per_second: f64,
    pub seconds_per_shot: f64,
    /// A measurement or an error on a branch, beyond its pass over the state.
    pub seconds_per_split: f64,
    /// Of a run, whatever the circuit.
    pub seconds_per_run: f64,
}

/// Of a server of 2023.
pub const RATES: Rates = Rates {
    cycles_per_second: 3.0e9,
    bytes_per_second: 12.0e9,
    seconds_per_shot: 30e-9,
    seconds_per_split: 0.3e-6,
    seconds_per_run: 3e-6,
};

/// Cycles of planning and calling a kernel once.
const CALL: f64 = 300.0;

/// A matrix on `k` qubits under `controls`.
pub fn block(k: usize, controls: usize, real_matrix: bool, real_state: bool) -> f64 {
    let work = DENSE[k] * if real_matrix { 0.5 } else { 1.0 } + MOVE;
    work * if real_state { 0.5 } else { 1.0 } / (1 << controls) as f64
}

pub fn phases(real_state: bool) -> f64 {
    PHASES * if real_state { 0.5 } else { 1.0 }
}

/// Blocks of a state of `bits` bits.
pub fn blocks_at(bits: u32, _real: bool) -> f64 {
    (1u64 << bits.clamp(4, 60)) as f64 / 16.0
}

/// Cycles of `items` on a state of `bits` bits.
pub fn items(items: &[Item], bits: u32, real_state: bool) -> f64 {
    let one = |item: &Item| match item {
        Item::Block(b) => block(b.mat.k, b.controls().len(), b.mat.is_real(), real_state),
        Item::Phases(_) => phases(real_state),
    };
    items.iter().map(one).sum::<f64>() * blocks_at(bits, real_state) + CALL * items.len() as f64
}

/// Predicted seconds of a run of `shots`. A step costs its branches times its work on one state.
pub fn seconds<R: Real>(program: &Program<R>, shots: f64, rates: &Rates) -> f64 {
    work(program, shots, rates).0
}

/// Predicted seconds of a run of `shots`, and the most branches that it ends in.
pub fn work<R: Real>(program: &Program<R>, shots: f64, rates: &Rates) -> (f64, f64) {
    let parts = 2.0 - program.real as u8 as f64;
    let bytes = |bits: u32| parts * size_of::<R>() as f64 * (1u64 << bits) as f64;
    let trip = |bits: u32| if bytes(bits) > CACHE_BYTES { 2.0 * bytes(bits) / rates.bytes_per_second } else { 0.0 };
    let read = |bits: u32| blocks_at(bits, program.real) * MOVE / rates.cycles_per_second + trip(bits) / 2.0;
    let (mut total, mut branches, mut width) = (rates.seconds_per_run, 1.0f64, 0);
    for step in &program.steps {
        match step {
            Step::Gates { width: after, passes, .. } => {
                let one: f64 = passes.iter().map(|p| p.cycles / rates.cycles_per_second + trip(p.bits)).sum();
                total += branches * one;
                width = *after;
            }
            Step::Enter { at, .. } => width = at + 1,
            Step::Observe { cond, .. } => {
                total += branches * (3.0 * read(width) + rates.seconds_per_split);
                branches = (2.0 * branches).min(shots);
                width -= (*cond == NONE) as u32;
            }
            Step::Noise { chances, .. } => {
                let hit = chances.iter().sum::<f64>();
                total += branches * rates.seconds_per_split + shots * hit * 2.0 * read(width);
                branches = (branches + shots * hit).min(shots);
            }
            _ => total += branches * rates.seconds_per_split,
        }
    }
    (total + branches * read(width) + shots * rates.seconds_per_shot, branches)
}
