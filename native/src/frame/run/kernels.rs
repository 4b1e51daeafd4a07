//! Pauli rotations of one state of 2^k amplitudes.
//!
//! P = i^power X^x Z^z sends amplitude b ^ x to b with the factor i^power (-1)^|(b ^ x) & z|. States of 8 amplitudes
//! and more are taken in blocks of 8: the low three bits of x permute a block, which the compiler knows as a constant.

use super::simd::{mul, simd};
use crate::frame::plan::Local;

/// Real and imaginary parts of 2^k amplitudes.
#[derive(Clone, Debug)]
pub struct Amplitudes {
    pub re: Vec<f32>,
    pub im: Vec<f32>,
}

/// Amplitudes of a block.
pub const BLOCK: usize = 8;

#[inline(always)]
pub fn odd(bits: u64) -> bool {
    bits.count_ones() & 1 == 1
}

#[inline(always)]
pub fn sign(bits: u64) -> f32 {
    f32::from_bits(0x3F80_0000 | (bits.count_ones() & 1) << 31)
}

/// Index c with a 0 put in at bit `at`.
#[inline(always)]
pub fn spread(c: u64, at: u32) -> u64 {
    let low = (1u64 << at) - 1;
    (c & !low) << 1 | c & low
}

pub fn top(bits: u64) -> u32 {
    63 - bits.leading_zeros()
}

/// (P phi)(b).
#[inline]
pub fn image(state: &Amplitudes, p: &Local, b: u64) -> (f32, f32) {
    let from = b ^ p.x;
    let (re, im) = (state.re[from as usize], state.im[from as usize]);
    match (p.power as u32 + 2 * odd(from & p.z) as u32) & 3 {
        0 => (re, im),
        1 => (-im, re),
        2 => (-re, -im),
        _ => (im, -re),
    }
}

/// exp(-i angle/2 P), cos and sin of angle/2.
pub fn turn(state: &mut Amplitudes, p: &Local, cos: f64, sin: f64) {
    let (c, s) = (cos as f32, sin as f32);
    // -i times the factor i^power: real where the power is odd
    let s = if p.power < 2 { s } else { -s };
    if state.re.len() >= BLOCK {
        return turn_blocks(&mut state.re, &mut state.im, p.x, p.z, p.power & 1 == 1, c, s);
    }
    let before = state.clone();
    for b in 0..state.re.len() {
        let from = b as u64 ^ p.x;
        let (re, im, s) = (before.re[from as usize], before.im[from as usize], s * sign(from & p.z));
        let (re, im) = if p.power & 1 == 1 { (s * re, s * im) } else { (s * im, -s * re) };
        state.re[b] = c * before.re[b] + re;
        state.im[b] = c * before.im[b] + im;
    }
}

simd! {
    fn turn_blocks(re: &mut [f32], im: &mut [f32], x: u64, z: u64, real: bool, c: f32, s: f32) {
        match (x & 7, real) {
            (0, false) => blocks::<F, 0, false>(re, im, x, z, c, s),
            (1, false) => blocks::<F, 1, false>(re, im, x, z, c, s),
            (2, false) => blocks::<F, 2, false>(re, im, x, z, c, s),
            (3, false) => blocks::<F, 3, false>(re, im, x, z, c, s),
            (4, false) => blocks::<F, 4, false>(re, im, x, z, c, s),
            (5, false) => blocks::<F, 5, false>(re, im, x, z, c, s),
            (6, false) => blocks::<F, 6, false>(re, im, x, z, c, s),
            (_, false) => blocks::<F, 7, false>(re, im, x, z, c, s),
            (0, true) => blocks::<F, 0, true>(re, im, x, z, c, s),
            (1, true) => blocks::<F, 1, true>(re, im, x, z, c, s),
            (2, true) => blocks::<F, 2, true>(re, im, x, z, c, s),
            (3, true) => blocks::<F, 3, true>(re, im, x, z, c, s),
            (4, true) => blocks::<F, 4, true>(re, im, x, z, c, s),
            (5, true) => blocks::<F, 5, true>(re, im, x, z, c, s),
            (6, true) => blocks::<F, 6, true>(re, im, x, z, c, s),
            (_, true) => blocks::<F, 7, true>(re, im, x, z, c, s),
        }
    }
}

pub type Block = [f32; BLOCK];

#[inline(always)]
pub fn load(all: &[f32], h: u64) -> Block {
    let at = h as usize * BLOCK;
    std::array::from_fn(|i| all[at..at + BLOCK][i])
}

#[inline(always)]
pub fn store(all: &mut [f32], h: u64, block: &Block) {
    let at = h as usize * BLOCK;
    all[at..at + BLOCK].copy_from_slice(block);
}

/// c a + s P b of a block and the block that P sends there, with the signs of the low bits in `s`.
#[inline(always)]
fn mix<const F: bool, const XL: usize, const REAL: bool>(
    (a, b): (&Block, &Block),
    (re, im): (&Block, &Block),
    c: f32,
    s: &Block,
) -> (Block, Block) {
    let (re, im): (Block, Block) = (std::array::from_fn(|i| re[i ^ XL]), std::array::from_fn(|i| im[i ^ XL]));
    if REAL {
        let x = std::array::from_fn(|i| mul::<F>(s[i], re[i], c * a[i]));
        (x, std::array::from_fn(|i| mul::<F>(s[i], im[i], c * b[i])))
    } else {
        let x = std::array::from_fn(|i| mul::<F>(s[i], im[i], c * a[i]));
        (x, std::array::from_fn(|i| mul::<F>(-s[i], re[i], c * b[i])))
    }
}

#[inline(always)]
fn blocks<const F: bool, const XL: usize, const REAL: bool>(
    re: &mut [f32],
    im: &mut [f32],
    x: u64,
    z: u64,
    c: f32,
    s: f32,
) {
    let (xh, zh) = (x >> 3, z >> 3);
    let low: Block = std::array::from_fn(|i| s * sign((i ^ XL) as u64 & z & 7));
    let count = (re.len() / BLOCK) as u64;
    if xh == 0 {
        for h in 0..count {
            let f = sign(h & zh);
            let s: Block = std::array::from_fn(|i| f * low[i]);
            let (a, b) = (load(re, h), load(im, h));
            let (a, b) = mix::<F, XL, REAL>((&a, &b), (&a, &b), c, &s);
            store(re, h, &a);
            store(im, h, &b);
        }
        return;
    }
    let pivot = top(xh);
    for at in 0..count / 2 {
        let h = spread(at, pivot);
        let other = h ^ xh;
        let (f, g) = (sign(other & zh), sign(h & zh));
        let s: Block = std::array::from_fn(|i| f * low[i]);
        let t: Block = std::array::from_fn(|i| g * low[i]);
        let (a, b, d, e) = (load(re, h), load(im, h), load(re, other), load(im, other));
        let (p, q) = mix::<F, XL, REAL>((&a, &b), (&d, &e), c, &s);
        let (u, v) = mix::<F, XL, REAL>((&d, &e), (&a, &b), c, &t);
        store(re, h, &p);
        store(im, h, &q);
        store(re, other, &u);
        store(im, other, &v);
    }
}

/// Both states side by side, `high` in the higher bits.
pub fn product(low: &Amplitudes, high: &Amplitudes) -> Amplitudes {
    let size = low.re.len() * high.re.len();
    let mut out = Amplitudes { re: Vec::with_capacity(size), im: Vec::with_capacity(size) };
    for (&c, &d) in high.re.iter().zip(&high.im) {
        out.re.extend(low.re.iter().zip(&low.im).map(|(&a, &b)| a * c - b * d));
        out.im.extend(low.re.iter().zip(&low.im).map(|(&a, &b)| a * d + b * c));
    }
    out
}
