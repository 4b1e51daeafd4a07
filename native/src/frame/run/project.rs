//! Pauli measurements of one state of 2^k amplitudes.
//!
//! As in `kernels`, states of 8 amplitudes and more are taken in blocks, here by their images under P.

use super::kernels::{image, load, odd, sign, spread, store, top, Amplitudes, Block, BLOCK};
use super::simd::{mul, simd};
use crate::frame::plan::Local;

/// Blocks whose sums are kept in single precision.
const SHORT_SUM: u64 = 64;

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
    fn image<const XL: usize>(&self, re: &[f32], im: &[f32], h: u64) -> (Block, Block) {
        let from = h ^ self.xh;
        let f = sign(from & self.zh);
        let (a, b) = (load(re, from), load(im, from));
        let a: Block = std::array::from_fn(|i| f * self.low[i] * a[i ^ XL]);
        let b: Block = std::array::from_fn(|i| f * self.low[i] * b[i ^ XL]);
        if self.imaginary {
            (std::array::from_fn(|i| -b[i]), a)
        } else {
            (a, b)
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
    for at in 0..(re.len() / BLOCK / 2) as u64 {
        let (h, other) = (spread(at, pivot), spread(at, pivot) ^ q.xh);
        let ((a, b), (d, e)) = (q.image::<XL>(re, im, h), q.image::<XL>(re, im, other));
        for (h, s, a, b) in [(h, r, a, b), (other, -r, d, e)] {
            let (x, y) = (load(re, h), load(im, h));
            store(re, h, &std::array::from_fn(|i| mul::<F>(s, x[i], r * a[i])));
            store(im, h, &std::array::from_fn(|i| mul::<F>(s, y[i], r * b[i])));
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

simd! {
    /// <phi|phi> and <phi|P|phi>.
    fn mean_blocks(re: &[f32], im: &[f32], p: &Local) -> (f64, f64) {
        by_low_bits!(p, mean_each::<F>(re, im, p))
    }
}

#[inline(always)]
fn mean_each<const F: bool, const XL: usize>(re: &[f32], im: &[f32], p: &Local) -> (f64, f64) {
    let q = Blocked::new(p);
    let (mut norm, mut mean) = (0.0f64, 0.0f64);
    let count = (re.len() / BLOCK) as u64;
    for start in (0..count).step_by(SHORT_SUM as usize) {
        let (mut n, mut m): (Block, Block) = ([0.0; BLOCK], [0.0; BLOCK]);
        for h in start..count.min(start + SHORT_SUM) {
            let (a, b) = (load(re, h), load(im, h));
            let (c, d) = q.image::<XL>(re, im, h);
            n = std::array::from_fn(|i| mul::<F>(a[i], a[i], mul::<F>(b[i], b[i], n[i])));
            m = std::array::from_fn(|i| mul::<F>(a[i], c[i], mul::<F>(b[i], d[i], m[i])));
        }
        norm += n.iter().map(|&x| x as f64).sum::<f64>();
        mean += m.iter().map(|&x| x as f64).sum::<f64>();
    }
    (norm, mean)
}

/// The state of the other qubits after P had an outcome of weight `chance`; see `Instr::Read`. The pivot is the
/// highest bit that P moves, or if it moves none, touches.
pub fn project(state: &Amplitudes, p: &Local, pivot: u32, outcome: bool, chance: f64) -> Amplitudes {
    let half = state.re.len() / 2;
    let mut out = Amplitudes { re: vec![0.0; half], im: vec![0.0; half] };
    let flip = outcome ^ (p.power == 2);
    if p.x == 0 {
        let scale = (1.0 / chance.sqrt()) as f32;
        if pivot >= 3 {
            select_blocks(&state.re, &mut out.re, p, pivot, flip, scale);
            select_blocks(&state.im, &mut out.im, p, pivot, flip, scale);
            return out;
        }
        for c in 0..half {
            let b = spread(c as u64, pivot);
            let b = b | ((odd(b & p.z) ^ flip) as u64) << pivot;
            out.re[c] = scale * state.re[b as usize];
            out.im[c] = scale * state.im[b as usize];
        }
        return out;
    }
    let scale = (1.0 / (2.0 * chance).sqrt()) as f32;
    let signed = if outcome { -scale } else { scale };
    if pivot >= 3 {
        fold_blocks((&state.re, &state.im), (&mut out.re, &mut out.im), p, Some(pivot), scale, signed);
        return out;
    }
    for c in 0..half {
        let b = spread(c as u64, pivot);
        let (re, im) = image(state, p, b);
        out.re[c] = scale * state.re[b as usize] + signed * re;
        out.im[c] = scale * state.im[b as usize] + signed * im;
    }
    out
}

simd! {
    /// Of every pair of amplitudes that differ in the pivot, the one of the right parity.
    fn select_blocks(from: &[f32], to: &mut [f32], p: &Local, pivot: u32, flip: bool, scale: f32) {
        let low: Block = std::array::from_fn(|i| sign(i as u64 & p.z & 7));
        let (zh, pivot) = ((p.z & !(1 << pivot)) >> 3, pivot - 3);
        for c in 0..(to.len() / BLOCK) as u64 {
            let h = spread(c, pivot);
            let (zero, one) = (load(from, h), load(from, h | 1 << pivot));
            let odd = odd(h & zh) ^ flip;
            let even = if odd { -1.0 } else { 1.0 };
            let chosen = std::array::from_fn(|i| scale * if even * low[i] > 0.0 { zero[i] } else { one[i] });
            store(to, c, &chosen);
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
    for c in 0..(to_re.len() / BLOCK) as u64 {
        let h = pivot.map_or(c, |pivot| spread(c, pivot - 3));
        let ((a, b), (d, e)) = ((load(re, h), load(im, h)), q.image::<XL>(re, im, h));
        store(to_re, c, &std::array::from_fn(|i| mul::<F>(kept, a[i], added * d[i])));
        store(to_im, c, &std::array::from_fn(|i| mul::<F>(kept, b[i], added * e[i])));
    }
}

/// The state after P had an outcome of weight `chance`.
pub fn keep(state: &Amplitudes, p: &Local, outcome: bool, chance: f64) -> Amplitudes {
    let scale = (0.5 / chance.sqrt()) as f32;
    let signed = if outcome { -scale } else { scale };
    let mut out = state.clone();
    if state.re.len() >= BLOCK {
        fold_blocks((&state.re, &state.im), (&mut out.re, &mut out.im), p, None, scale, signed);
        return out;
    }
    for b in 0..state.re.len() {
        let (re, im) = image(state, p, b as u64);
        out.re[b] = scale * state.re[b] + signed * re;
        out.im[b] = scale * state.im[b] + signed * im;
    }
    out
}
