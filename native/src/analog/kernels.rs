//! The inner loops, written over `Lanes` and compiled for every instruction set.
//!
//! A block is 8 real parts, then 8 imaginary parts: the lowest three bits of an index are lanes. Turns are real, so
//! both halves of a block meet the same numbers.

use crate::dense::{Lanes, Level, Real};

pub const LANE_BITS: usize = 3;
/// Amplitudes of a block, and its reals.
pub const W: usize = 8;
pub const BLOCK: usize = 16;

/// Multiplies block `k` with `table[k]`, `lane` and `factors[k]`, then turns the atoms of the lanes: a pair (a, b)
/// becomes (a - t b, b + t a).
///
/// # Safety
/// `data` and `table` hold `factors.len()` blocks, `data` for nobody else; the instruction set of `V` is there.
#[inline(always)]
unsafe fn diagonal<V: Lanes<R = f64>>(
    data: *mut f64,
    table: *const f64,
    lane: &[f64; BLOCK],
    factors: &[(f64, f64)],
    turns: &[f64; LANE_BITS],
) {
    // SAFETY: all addresses are those of blocks, which the caller vouches for, and of local arrays.
    unsafe {
        let flips: [V::Flip; LANE_BITS] = std::array::from_fn(|b| V::flip_by(1 << b));
        let signed: [V; LANE_BITS] = std::array::from_fn(|b| {
            let row: [f64; W] = std::array::from_fn(|k| if k >> b & 1 == 1 { turns[b] } else { -turns[b] });
            V::load(row.as_ptr())
        });
        let (lr, li) = (V::load(lane.as_ptr()), V::load(lane.as_ptr().add(W)));
        for (k, &(fr, fi)) in factors.iter().enumerate() {
            let (at, by) = (data.add(k * BLOCK), table.add(k * BLOCK));
            let (fr, fi) = (V::splat(fr), V::splat(fi));
            let (mut re, mut im) = (V::load(at), V::load(at.add(W)));
            (re, im) = times::<V>(re, im, V::load(by), V::load(by.add(W)));
            let (gr, gi) = times::<V>(lr, li, fr, fi);
            (re, im) = times::<V>(re, im, gr, gi);
            for b in 0..LANE_BITS {
                re = re.flip(flips[b]).fma(signed[b], re);
                im = im.flip(flips[b]).fma(signed[b], im);
            }
            re.store(at);
            im.store(at.add(W));
        }
    }
}

/// # Safety
/// The instruction set of `V` is there.
#[inline(always)]
unsafe fn times<V: Lanes<R = f64>>(ar: V, ai: V, br: V, bi: V) -> (V, V) {
    // SAFETY: the caller vouches for the instruction set.
    unsafe { (ai.fnma(bi, ar.mul(br)), ai.fma(br, ar.mul(bi))) }
}

/// Turns K atoms whose bits are `bit .. bit + K`, none of them a lane, in blocks `0..blocks`.
///
/// # Safety
/// `data` holds `blocks` blocks for nobody else, a multiple of `1 << (bit - LANE_BITS + K)`; the instruction set is there.
#[inline(always)]
unsafe fn turn<V: Lanes<R = f64>, const K: usize>(data: *mut f64, blocks: usize, bit: usize, turns: &[f64]) {
    let stride = 1usize << (bit - LANE_BITS);
    // SAFETY: block numbers stay below `blocks`, which is a multiple of the rows' span.
    unsafe {
        let by: [V; K] = std::array::from_fn(|k| V::splat(turns[k]));
        for outer in (0..blocks).step_by(stride << K) {
            for half in 0..2 * stride {
                let base = data.add(outer * BLOCK + half * W);
                let mut rows = [V::splat(0.0); 8];
                for (r, row) in rows[..1 << K].iter_mut().enumerate() {
                    *row = V::load(base.add(r * stride * BLOCK));
                }
                for (k, &t) in by.iter().enumerate() {
                    for r in (0..1 << K).filter(|r| r >> k & 1 == 0) {
                        let (a, b) = (rows[r], rows[r | 1 << k]);
                        rows[r] = b.fnma(t, a);
                        rows[r | 1 << k] = a.fma(t, b);
                    }
                }
                for (r, row) in rows[..1 << K].iter().enumerate() {
                    row.store(base.add(r * stride * BLOCK));
                }
            }
        }
    }
}

/// Turns the atoms of bits `bit .. bit + turns.len()`, three in one go.
///
/// # Safety
/// As `turn`.
#[inline(always)]
unsafe fn turn_all<V: Lanes<R = f64>>(data: *mut f64, blocks: usize, mut bit: usize, mut turns: &[f64]) {
    while !turns.is_empty() {
        let k = if turns.len() == 4 { 2 } else { turns.len().min(3) };
        // SAFETY: handed on from the caller.
        unsafe {
            match k {
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
    pub lane: [f64; BLOCK],
    pub factors: &'a [(f64, f64)],
    pub turns: &'a [f64],
}

/// The kernels for one instruction set.
macro_rules! compiled {
    ($(#[$gate:meta])* $module:ident, $vector:ident, [$($feature:literal)?]) => {
        $(#[$gate])*
        mod $module {
            use super::*;

            /// # Safety
            /// As `diagonal` and `turn`.
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn chunk(data: &mut [f64], work: &Chunk) {
                let lanes = std::array::from_fn(|b| work.turns.get(b).copied().unwrap_or(0.0));
                let at = data.as_mut_ptr();
                // SAFETY: `super::chunk` has checked the lengths.
                unsafe {
                    diagonal::<<f64 as Real>::$vector>(at, work.table.as_ptr(), &work.lane, work.factors, &lanes);
                    if let Some(rest) = work.turns.get(LANE_BITS..) {
                        turn_all::<<f64 as Real>::$vector>(at, work.factors.len(), LANE_BITS, rest);
                    }
                }
            }

            /// # Safety
            /// As `turn`.
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn turns(data: &mut [f64], bit: usize, turns: &[f64]) {
                // SAFETY: `super::turns` has checked the lengths.
                unsafe { turn_all::<<f64 as Real>::$vector>(data.as_mut_ptr(), data.len() / BLOCK, bit, turns) }
            }
        }
    };
}

compiled!(portable, Portable, []);
compiled!(
    #[cfg(target_arch = "x86_64")]
    avx2,
    Avx2,
    ["avx2,fma"]
);
compiled!(
    #[cfg(all(target_arch = "x86_64", avx512_stable))]
    avx512,
    Avx512,
    ["avx512f,avx512dq,avx2,fma"]
);

/// The diagonal flow on a chunk, then the turns inside it.
pub fn chunk(level: Level, data: &mut [f64], work: &Chunk) {
    let blocks = work.factors.len();
    assert!(data.len() == blocks * BLOCK && work.table.len() == data.len());
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
