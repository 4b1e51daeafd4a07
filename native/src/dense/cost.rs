//! What kernels cost: one table, measured, from which the planner and `.cost()` follow.
//!
//! The unit is a clock cycle a block of 64 bytes of real parts (16 f32 or 8 f64 amplitudes) with its imaginary parts.

use super::fuse::Item;

/// Arithmetic of a dense matrix on 0 to 3 qubits, all complex.
const DENSE: [f64; 4] = [2.0, 4.0, 8.5, 17.5];
/// Moving a block through the registers once.
const MOVE: f64 = 2.0;
/// One pass of phases.
const PHASES: f64 = 5.0;
/// Cycles that multiplying two matrices in the planner takes.
pub const MERGE: f64 = 800.0;
/// Cycles of a nanosecond, where none was measured.
pub const CYCLES_PER_NS: f64 = 2.8;

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
