//! Pauli measurements of one state of 2^k amplitudes.
//!
//! As in `kernels`, states of 8 amplitudes and more are taken in blocks, here by their images under P.

use super::kernels::{blocks_of, blocks_of_mut, each, image, odd, sign, spread, top, Amplitudes, Block, BLOCK};
use super::simd::{mul, simd};
use crate::frame::plan::Local;

/// Blocks whose sums are kept in single precision.
#[cfg(target_arch = "x86_64")]
const SHORT_SUM: usize = 64;

/// What the kernels need of P: its bits above a block, the signs of its low ones (with i^power), whether it is real.
struct Blocked {
    xh: u64,
    zh: u64,
    low: Block,
    imaginary: bool,
}

impl Blocked {
    #[inline(always)]
    fn new(p: &Local) -> Blocked {
        let all = if p.power < 2 { 1.0 } else { -1.0 };
        let low = std::array::from_fn(|i| all * sign((i as u64 ^ p.x) & p.z & 7));
        Blocked { xh: p.x >> 3, zh: p.z >> 3, low, imaginary: p.power & 1 == 1 }
    }

    /// Block h of P phi.
    #[inline(always)]
    fn image<const XL: usize>(&self, re: &[Block], im: &[Block], h: u64) -> (Block, Block) {
        let from = h ^ self.xh;
        let f = sign(from & self.zh);
        let (a, b) = (re[from as usize], im[from as usize]);
        let (mut x, mut y): (Block, Block) = ([0.0; BLOCK], [0.0; BLOCK]);
        for i in 0..BLOCK {
            x[i] = f * self.low[i] * a[i ^ XL];
            y[i] = f * self.low[i] * b[i ^ XL];
        }
        if self.imaginary {
            (y.map(|v| -v), x)
        } else {
            (x, y)
        }
    }
}

/// Calls a function for the low three bits of P.x as a constant.
macro_rules! by_low_bits {
    ($p:expr, $f:ident::<F>($($arg:expr),*)) => {
        match $p.x & 7 {
            0 => $f::<F, 0>($($arg),*),
            1 => $f::<F, 1>($($arg),*),
            2 => $f::<F, 2>($($arg),*),
            3 => $f::<F, 3>($($arg),*),
            4 => $f::<F, 4>($($arg),*),
            5 => $f::<F, 5>($($arg),*),
            6 => $f::<F, 6>($($arg),*),
            _ => $f::<F, 7>($($arg),*),
        }
    };
}

/// (Z_pivot + P)/sqrt 2, where `pivot` is the highest bit that P moves.
pub fn swap(state: &mut Amplitudes, p: &Local, pivot: u32) {
    if state.re.len() >= BLOCK && pivot >= 3 {
        return swap_blocks(&mut state.re, &mut state.im, p);
    }
    let r = std::f32::consts::FRAC_1_SQRT_2;
    let before = state.clone();
    for b in 0..state.re.len() {
        let (re, im) = image(&before, p, b as u64);
        let sign = if b >> pivot & 1 == 1 { -r } else { r };
        state.re[b] = sign * before.re[b] + r * re;
        state.im[b] = sign * before.im[b] + r * im;
    }
}

simd! {
    fn swap_blocks(re: &mut [f32], im: &mut [f32], p: &Local) {
        by_low_bits!(p, swap_each::<F>(re, im, p))
    }
}

#[inline(always)]
fn swap_each<const F: bool, const XL: usize>(re: &mut [f32], im: &mut [f32], p: &Local) {
    let r = std::f32::consts::FRAC_1_SQRT_2;
    let q = Blocked::new(p);
    let pivot = top(q.xh);
    let (re, im) = (blocks_of_mut(re), blocks_of_mut(im));
    for at in 0..re.len() as u64 / 2 {
        let (h, other) = (spread(at, pivot), spread(at, pivot) ^ q.xh);
        let ((a, b), (d, e)) = (q.image::<XL>(re, im, h), q.image::<XL>(re, im, other));
        for (h, s, a, b) in [(h, r, a, b), (other, -r, d, e)] {
            let (x, y) = (re[h as usize], im[h as usize]);
            re[h as usize] = std::array::from_fn(|i| mul::<F>(s, x[i], r * a[i]));
            im[h as usize] = std::array::from_fn(|i| mul::<F>(s, y[i], r * b[i]));
        }
    }
}

/// Weights of P = 1 and P = -1.
pub fn chances(state: &Amplitudes, p: &Local) -> (f64, f64) {
    let (mut norm, mut mean) = (0.0f64, 0.0f64);
    if state.re.len() >= BLOCK {
        (norm, mean) = mean_blocks(&state.re, &state.im, p);
    } else {
        for b in 0..state.re.len() {
            let (re, im) = (state.re[b] as f64, state.im[b] as f64);
            let (pre, pim) = image(state, p, b as u64);
            norm += re * re + im * im;
            mean += re * pre as f64 + im * pim as f64;
        }
    }
    (((norm + mean) / 2.0).max(0.0), ((norm - mean) / 2.0).max(0.0))
}

/// <phi|phi> and <phi|P|phi>, of 8 amplitudes or more.
fn mean_blocks(re: &[f32], im: &[f32], p: &Local) -> (f64, f64) {
    let q = Blocked::new(p);
    #[cfg(target_arch = "x86_64")]
    if super::simd::is_wide() {
        // SAFETY: the features that it is compiled for are there.
        return unsafe { mean_wide(blocks_of(re), blocks_of(im), &q, (p.x & 7) as u32) };
    }
    let (re, im) = (blocks_of(re), blocks_of(im));
    let (mut norm, mut mean) = (0.0f64, 0.0f64);
    for h in 0..re.len() {
        let from = h ^ q.xh as usize;
        let f = sign(from as u64 & q.zh);
        for i in 0..BLOCK {
            let other = i ^ (p.x & 7) as usize;
            let (a, b, c, d) = (re[h][i], im[h][i], re[from][other], im[from][other]);
            let overlap = if q.imaginary { b * c - a * d } else { a * c + b * d };
            norm += (a * a + b * b) as f64;
            mean += (f * q.low[i] * overlap) as f64;
        }
    }
    (norm, mean)
}

/// The same with a vector for a block.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,popcnt,bmi1,bmi2")]
unsafe fn mean_wide(re: &[Block], im: &[Block], q: &Blocked, swap: u32) -> (f64, f64) {
    use std::arch::x86_64::*;
    assert!(re.len() == im.len() && (q.xh as usize) < re.len().next_power_of_two() && re.len().is_power_of_two());
    let (mut norm, mut mean) = (0.0f64, 0.0f64);
    let order: [u32; BLOCK] = std::array::from_fn(|i| i as u32 ^ swap);
    // SAFETY: h is below the length, a power of two, and so is h ^ xh; all loads take any alignment.
    unsafe {
        let order = _mm256_loadu_si256(order.as_ptr().cast());
        let low = _mm256_loadu_ps(q.low.as_ptr());
        for start in (0..re.len()).step_by(SHORT_SUM) {
            let [mut n0, mut n1, mut m] = [_mm256_setzero_ps(); 3];
            for h in start..re.len().min(start + SHORT_SUM) {
                let from = h ^ q.xh as usize;
                let f = _mm256_mul_ps(low, _mm256_set1_ps(sign(from as u64 & q.zh)));
                let (a, b) = (_mm256_loadu_ps(re[h].as_ptr()), _mm256_loadu_ps(im[h].as_ptr()));
                let c = _mm256_permutevar8x32_ps(_mm256_loadu_ps(re[from].as_ptr()), order);
                let d = _mm256_permutevar8x32_ps(_mm256_loadu_ps(im[from].as_ptr()), order);
                n0 = _mm256_fmadd_ps(a, a, n0);
                n1 = _mm256_fmadd_ps(b, b, n1);
                let overlap = if q.imaginary {
                    _mm256_fmsub_ps(b, c, _mm256_mul_ps(a, d))
                } else {
                    _mm256_fmadd_ps(b, d, _mm256_mul_ps(a, c))
                };
                m = _mm256_fmadd_ps(f, overlap, m);
            }
            let mut sums: [Block; 2] = [[0.0; BLOCK]; 2];
            _mm256_storeu_ps(sums[0].as_mut_ptr(), _mm256_add_ps(n0, n1));
            _mm256_storeu_ps(sums[1].as_mut_ptr(), m);
            norm += sums[0].iter().map(|&x| x as f64).sum::<f64>();
            mean += sums[1].iter().map(|&x| x as f64).sum::<f64>();
        }
    }
    (norm, mean)
}

/// The state of the other qubits after P had an outcome of weight `chance`; see `Instr::Read`. The pivot is the
/// highest bit that P moves, or if it moves none, touches.
pub fn project(state: &Amplitudes, p: &Local, pivot: u32, outcome: bool, chance: f64) -> Amplitudes {
    let half = state.re.len() / 2;
    let sign = if outcome { -1.0 } else { 1.0 };
    if pivot < 3 {
        return project_low(state, p, pivot, sign, chance);
    }
    let mut out = Amplitudes { re: vec![0.0; half], im: vec![0.0; half] };
    if p.x == 0 {
        let (flip, scale) = (outcome ^ (p.power == 2), (1.0 / chance.sqrt()) as f32);
        select_blocks(&state.re, &mut out.re, p, pivot, flip, scale);
        select_blocks(&state.im, &mut out.im, p, pivot, flip, scale);
    } else {
        let scale = (0.5 / chance).sqrt() as f32;
        fold_blocks((&state.re, &state.im), (&mut out.re, &mut out.im), p, Some(pivot), scale, sign * scale);
    }
    out
}

/// The same for a pivot inside a block: (1 +- P) phi, of which the halves without and with the pivot agree up to a
/// sign where P moves it; where not, one of the two is 0.
fn project_low(state: &Amplitudes, p: &Local, pivot: u32, sign: f32, chance: f64) -> Amplitudes {
    let scale = if p.x == 0 { 0.5 / chance.sqrt() } else { (0.5 / chance).sqrt() } as f32;
    let folded = fold(state, p, scale, sign * scale);
    let width = 1usize << pivot;
    let narrow = |all: &[f32]| -> Vec<f32> {
        let mut out = Vec::with_capacity(all.len() / 2);
        for pair in all.chunks_exact(2 * width) {
            let (low, high) = pair.split_at(width);
            if p.x == 0 {
                out.extend(low.iter().zip(high).map(|(a, b)| a + b));
            } else {
                out.extend_from_slice(low);
            }
        }
        out
    };
    Amplitudes { re: narrow(&folded.re), im: narrow(&folded.im) }
}

/// kept phi + added P phi.
fn fold(state: &Amplitudes, p: &Local, kept: f32, added: f32) -> Amplitudes {
    let mut out = state.clone();
    if state.re.len() >= BLOCK {
        fold_blocks((&state.re, &state.im), (&mut out.re, &mut out.im), p, None, kept, added);
    } else {
        for b in 0..state.re.len() {
            let (re, im) = image(state, p, b as u64);
            out.re[b] = kept * state.re[b] + added * re;
            out.im[b] = kept * state.im[b] + added * im;
        }
    }
    out
}

simd! {
    /// Of every pair of amplitudes that differ in the pivot, the one of the right parity.
    fn select_blocks(from: &[f32], to: &mut [f32], p: &Local, pivot: u32, flip: bool, scale: f32) {
        let low: Block = std::array::from_fn(|i| sign(i as u64 & p.z & 7));
        let (zh, pivot) = ((p.z & !(1 << pivot)) >> 3, pivot - 3);
        let from = blocks_of(from);
        let to = blocks_of_mut(to);
        for c in each(to.len()) {
            let h = spread(c as u64, pivot);
            let (zero, one) = (from[h as usize], from[(h | 1 << pivot) as usize]);
            let even = if odd(h & zh) ^ flip { -1.0 } else { 1.0 };
            to[c] = std::array::from_fn(|i| scale * if even * low[i] > 0.0 { zero[i] } else { one[i] });
        }
    }
}

type Parts<'a> = (&'a [f32], &'a [f32]);
type PartsMut<'a> = (&'a mut [f32], &'a mut [f32]);

simd! {
    /// kept phi + added P phi, for the blocks without the pivot or for all.
    fn fold_blocks(from: Parts, to: PartsMut, p: &Local, pivot: Option<u32>, kept: f32, added: f32) {
        by_low_bits!(p, fold_each::<F>(from, to, p, pivot, kept, added))
    }
}

#[inline(always)]
fn fold_each<const F: bool, const XL: usize>(
    (re, im): Parts,
    (to_re, to_im): PartsMut,
    p: &Local,
    pivot: Option<u32>,
    kept: f32,
    added: f32,
) {
    let q = Blocked::new(p);
    let (re, im) = (blocks_of(re), blocks_of(im));
    let (to_re, to_im) = (blocks_of_mut(to_re), blocks_of_mut(to_im));
    for c in each(to_re.len()) {
        let h = pivot.map_or(c as u64, |pivot| spread(c as u64, pivot - 3));
        let ((a, b), (d, e)) = ((re[h as usize], im[h as usize]), q.image::<XL>(re, im, h));
        to_re[c] = std::array::from_fn(|i| mul::<F>(kept, a[i], added * d[i]));
        to_im[c] = std::array::from_fn(|i| mul::<F>(kept, b[i], added * e[i]));
    }
}

/// The state after P had an outcome of weight `chance`.
pub fn keep(state: &Amplitudes, p: &Local, outcome: bool, chance: f64) -> Amplitudes {
    let scale = (0.5 / chance.sqrt()) as f32;
    fold(state, p, scale, if outcome { -scale } else { scale })
}
