//! The inner loops, written over `Lanes` and compiled for every instruction set.
//!
//! A block is 8 real parts, then 8 imaginary parts: the lowest three bits of an index are lanes. Turns are real, so
//! both halves of a block meet the same numbers.

use crate::dense::{Lanes, Level, Real};

pub const LANE_BITS: usize = 3;
/// Amplitudes of a block, and its reals.
pub const W: usize = 8;
pub const BLOCK: usize = 16;

/// Blocks of a group, at most: their bits follow those of the lanes.
pub const GROUP_BITS: usize = 3;
const GROUP: usize = 1 << GROUP_BITS;

/// A factor for every amplitude of a group.
#[repr(align(64))]
#[derive(Clone)]
pub struct Near(pub [[f64; BLOCK]; GROUP]);

/// Multiplies block `j` of group `k` with its part of the table, `near.0[j]` and `far[k]`, then turns the atoms of the
/// lanes and of the K bits inside a group: a pair (a, b) becomes (a - t b, b + t a).
///
/// # Safety
/// `data` and `table` hold `far.len() << K` blocks, `data` for nobody else; K is at most `GROUP_BITS`; the instruction
/// set of `V` is there.
#[inline(always)]
unsafe fn diagonal<V: Lanes<R = f64>, const K: usize>(
    data: *mut f64,
    table: *const f64,
    near: &Near,
    far: &[(f64, f64)],
    turns: &[f64; LANE_BITS + GROUP_BITS],
) {
    // SAFETY: all addresses are those of blocks, which the caller vouches for, and of local arrays.
    unsafe {
        let flips: [V::Flip; LANE_BITS] = std::array::from_fn(|b| V::flip_by(1 << b));
        let signed: [V; LANE_BITS] = std::array::from_fn(|b| {
            let row: [f64; W] = std::array::from_fn(|k| if k >> b & 1 == 1 { turns[b] } else { -turns[b] });
            V::load(row.as_ptr())
        });
        let by: [V; 4] = std::array::from_fn(|k| V::splat(turns.get(LANE_BITS + k).copied().unwrap_or(0.0)));
        for (k, &(fr, fi)) in far.iter().enumerate() {
            let at = (k << K) * BLOCK;
            let (data, table) = (data.add(at), table.add(at));
            let (fr, fi) = (V::splat(fr), V::splat(fi));
            let (mut re, mut im) = ([fr; GROUP], [fi; GROUP]);
            for j in 0..1 << K {
                let (own, phase) = (data.add(j * BLOCK), table.add(j * BLOCK));
                let near = near.0[j].as_ptr();
                let (gr, gi) = times::<V>(V::load(near), V::load(near.add(W)), fr, fi);
                let (x, y) = times::<V>(V::load(own), V::load(own.add(W)), V::load(phase), V::load(phase.add(W)));
                (re[j], im[j]) = times::<V>(x, y, gr, gi);
                for b in 0..LANE_BITS {
                    re[j] = re[j].flip(flips[b]).fma(signed[b], re[j]);
                    im[j] = im[j].flip(flips[b]).fma(signed[b], im[j]);
                }
            }
            turn_rows::<V, K, GROUP>(&mut re, &by);
            turn_rows::<V, K, GROUP>(&mut im, &by);
            for j in 0..1 << K {
                re[j].store(data.add(j * BLOCK));
                im[j].store(data.add(j * BLOCK + W));
            }
        }
    }
}

/// Turns K atoms, at most four, whose bits number the first 2^K rows. Written out bit by bit, so that the rows stay in
/// registers.
///
/// # Safety
/// The instruction set of `V` is there; R is at least 2^K.
#[inline(always)]
unsafe fn turn_rows<V: Lanes<R = f64>, const K: usize, const R: usize>(rows: &mut [V; R], by: &[V; 4]) {
    // SAFETY: handed on from the caller.
    unsafe {
        if K > 0 {
            turn_bit::<V, K, R>(rows, 0, by[0]);
        }
        if K > 1 {
            turn_bit::<V, K, R>(rows, 1, by[1]);
        }
        if K > 2 {
            turn_bit::<V, K, R>(rows, 2, by[2]);
        }
        if K > 3 {
            turn_bit::<V, K, R>(rows, 3, by[3]);
        }
    }
}

/// # Safety
/// As `turn_rows`.
#[inline(always)]
unsafe fn turn_bit<V: Lanes<R = f64>, const K: usize, const R: usize>(rows: &mut [V; R], bit: usize, t: V) {
    for pair in 0..(1 << K) / 2 {
        let low = (pair >> bit) << (bit + 1) | pair & ((1 << bit) - 1);
        let (a, b) = (rows[low], rows[low | 1 << bit]);
        // SAFETY: the caller vouches for the instruction set.
        (rows[low], rows[low | 1 << bit]) = unsafe { (b.fnma(t, a), a.fma(t, b)) };
    }
}

/// # Safety
/// The instruction set of `V` is there.
#[inline(always)]
unsafe fn times<V: Lanes<R = f64>>(ar: V, ai: V, br: V, bi: V) -> (V, V) {
    // SAFETY: the caller vouches for the instruction set.
    unsafe { (ai.fnma(bi, ar.mul(br)), ai.fma(br, ar.mul(bi))) }
}

/// Rows that one pass over a state turns together, at most.
const ROWS: usize = 16;

/// Turns K atoms whose bits are `bit .. bit + K`, none of them a lane, in blocks `0..blocks`.
///
/// # Safety
/// `data` holds `blocks` blocks for nobody else, a multiple of `1 << (bit - LANE_BITS + K)`; the instruction set is there.
#[inline(always)]
unsafe fn turn<V: Lanes<R = f64>, const K: usize>(data: *mut f64, blocks: usize, bit: usize, turns: &[f64]) {
    let stride = 1usize << (bit - LANE_BITS);
    // SAFETY: block numbers stay below `blocks`, which is a multiple of the rows' span.
    unsafe {
        let by: [V; 4] = std::array::from_fn(|k| V::splat(turns.get(k).copied().unwrap_or(0.0)));
        for outer in (0..blocks).step_by(stride << K) {
            for half in 0..2 * stride {
                let base = data.add(outer * BLOCK + half * W);
                let mut rows = [V::splat(0.0); ROWS];
                for (r, row) in rows[..1 << K].iter_mut().enumerate() {
                    *row = V::load(base.add(r * stride * BLOCK));
                }
                turn_rows::<V, K, ROWS>(&mut rows, &by);
                for (r, row) in rows[..1 << K].iter().enumerate() {
                    row.store(base.add(r * stride * BLOCK));
                }
            }
        }
    }
}

/// Turns the atoms of bits `bit .. bit + turns.len()`, as many in one go as `most`, and all passes about alike.
///
/// # Safety
/// As `turn`.
#[inline(always)]
unsafe fn turn_all<V: Lanes<R = f64>>(data: *mut f64, blocks: usize, mut bit: usize, mut turns: &[f64], most: usize) {
    while !turns.is_empty() {
        let k = turns.len().div_ceil(turns.len().div_ceil(most));
        // SAFETY: handed on from the caller.
        unsafe {
            match k {
                4 => turn::<V, 4>(data, blocks, bit, turns),
                3 => turn::<V, 3>(data, blocks, bit, turns),
                2 => turn::<V, 2>(data, blocks, bit, turns),
                _ => turn::<V, 1>(data, blocks, bit, turns),
            }
        }
        (bit, turns) = (bit + k, &turns[k..]);
    }
}

/// What is done to one chunk: the diagonal flow, then the turns of all atoms whose bits lie inside it.
pub struct Chunk<'a> {
    pub table: &'a [f64],
    /// Factors of the blocks in a group; those of the first `1 << group` are read.
    pub near: &'a Near,
    pub group: usize,
    /// Factors of the groups.
    pub far: &'a [(f64, f64)],
    pub turns: &'a [f64],
}

/// Bits of a group, for chunks of so many blocks: as many as there are registers for.
pub fn group_bits(level: Level, block_bits: usize) -> usize {
    block_bits.min(if has_many(level) { GROUP_BITS } else { 1 })
}

/// Whether this instruction set has registers for sixteen rows.
fn has_many(level: Level) -> bool {
    match level {
        #[cfg(all(target_arch = "x86_64", avx512_stable))]
        Level::Avx512 => true,
        _ => false,
    }
}

/// The kernels for one instruction set.
macro_rules! compiled {
    ($(#[$gate:meta])* $module:ident, $vector:ident, $most:literal, [$($feature:literal)?]) => {
        $(#[$gate])*
        mod $module {
            use super::*;

            /// # Safety
            /// As `diagonal` and `turn`.
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn chunk(data: &mut [f64], work: &Chunk) {
                let turns = std::array::from_fn(|b| work.turns.get(b).copied().unwrap_or(0.0));
                let (at, by) = (data.as_mut_ptr(), work.table.as_ptr());
                // SAFETY: `super::chunk` has checked the lengths.
                unsafe {
                    match work.group {
                        3 => diagonal::<<f64 as Real>::$vector, 3>(at, by, work.near, work.far, &turns),
                        2 => diagonal::<<f64 as Real>::$vector, 2>(at, by, work.near, work.far, &turns),
                        1 => diagonal::<<f64 as Real>::$vector, 1>(at, by, work.near, work.far, &turns),
                        _ => diagonal::<<f64 as Real>::$vector, 0>(at, by, work.near, work.far, &turns),
                    }
                    let first = LANE_BITS + work.group;
                    if let Some(rest) = work.turns.get(first..) {
                        turn_all::<<f64 as Real>::$vector>(at, data.len() / BLOCK, first, rest, $most);
                    }
                }
            }

            /// # Safety
            /// As `turn`.
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn turns(data: &mut [f64], bit: usize, turns: &[f64]) {
                // SAFETY: `super::turns` has checked the lengths.
                unsafe { turn_all::<<f64 as Real>::$vector>(data.as_mut_ptr(), data.len() / BLOCK, bit, turns, $most) }
            }
        }
    };
}

compiled!(portable, Portable, 3, []);
compiled!(
    #[cfg(target_arch = "x86_64")]
    avx2,
    Avx2,
    3,
    ["avx2,fma"]
);
compiled!(
    #[cfg(all(target_arch = "x86_64", avx512_stable))]
    avx512,
    Avx512,
    4,
    ["avx512f,avx512dq,avx2,fma"]
);

/// The diagonal flow on a chunk, then the turns inside it.
pub fn chunk(level: Level, data: &mut [f64], work: &Chunk) {
    let blocks = work.far.len() << work.group;
    assert!(work.group <= GROUP_BITS && data.len() == blocks * BLOCK && work.table.len() == data.len());
    assert!(work.turns.len() <= LANE_BITS || blocks == 1 << (work.turns.len() - LANE_BITS));
    // SAFETY: the lengths are checked above, and `level` was found on this machine.
    unsafe {
        match level {
            Level::Portable => portable::chunk(data, work),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::chunk(data, work),
            #[cfg(all(target_arch = "x86_64", avx512_stable))]
            Level::Avx512 => avx512::chunk(data, work),
        }
    }
}

/// Turns the atoms of bits `bit .. bit + turns.len()` of the whole state.
pub fn turns(level: Level, data: &mut [f64], bit: usize, turns: &[f64]) {
    assert!(bit >= LANE_BITS && (data.len() / BLOCK) % (1 << (bit - LANE_BITS + turns.len())) == 0);
    // SAFETY: the lengths are checked above, and `level` was found on this machine.
    unsafe {
        match level {
            Level::Portable => portable::turns(data, bit, turns),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::turns(data, bit, turns),
            #[cfg(all(target_arch = "x86_64", avx512_stable))]
            Level::Avx512 => avx512::turns(data, bit, turns),
        }
    }
}
