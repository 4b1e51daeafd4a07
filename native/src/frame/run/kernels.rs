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
    /// exp(-i angle/2 P) of 8 amplitudes or more; P = +-X^x Z^z times -i where `real`, the sign in s.
    pub fn turn_blocks(re: &mut [f32], im: &mut [f32], x: u64, z: u64, real: bool, c: f32, s: f32) {
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

/// 0..count, by steps of one that the compiler does not know: it would otherwise take one number each of many blocks.
#[inline(always)]
pub fn each(count: usize) -> impl Iterator<Item = usize> {
    let step = std::hint::black_box(1);
    std::iter::successors(Some(0), move |h| Some(h + step)).take_while(move |&h| h < count)
}

/// The blocks of a state; what is left over, if it is smaller than a block, is left out.
#[inline(always)]
pub fn blocks_of(all: &[f32]) -> &[Block] {
    // SAFETY: a block is BLOCK numbers in a row, aligned as a number is; the length is that of the whole blocks.
    unsafe { std::slice::from_raw_parts(all.as_ptr().cast(), all.len() / BLOCK) }
}

#[inline(always)]
pub fn blocks_of_mut(all: &mut [f32]) -> &mut [Block] {
    // SAFETY: as above, and the numbers are borrowed for as long as the blocks.
    unsafe { std::slice::from_raw_parts_mut(all.as_mut_ptr().cast(), all.len() / BLOCK) }
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
    let (re, im) = (blocks_of_mut(re), blocks_of_mut(im));
    if xh == 0 {
        for h in each(re.len()) {
            let f = sign(h as u64 & zh);
            let s: Block = std::array::from_fn(|i| f * low[i]);
            let (a, b) = (re[h], im[h]);
            (re[h], im[h]) = mix::<F, XL, REAL>((&a, &b), (&a, &b), c, &s);
        }
        return;
    }
    let pivot = top(xh);
    for at in 0..re.len() as u64 / 2 {
        let h = spread(at, pivot);
        let other = h ^ xh;
        let (f, g) = (sign(other & zh), sign(h & zh));
        let s: Block = std::array::from_fn(|i| f * low[i]);
        let t: Block = std::array::from_fn(|i| g * low[i]);
        let (h, other) = (h as usize, other as usize);
        let (a, b, d, e) = (re[h], im[h], re[other], im[other]);
        (re[h], im[h]) = mix::<F, XL, REAL>((&a, &b), (&d, &e), c, &s);
        (re[other], im[other]) = mix::<F, XL, REAL>((&d, &e), (&a, &b), c, &t);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::frame::run::project;

    fn random(dice: &mut Dice, k: u32) -> Amplitudes {
        let mut part = || (0..1 << k).map(|_| dice.unit() as f32 - 0.5).collect::<Vec<f32>>();
        let mut state = Amplitudes { re: part(), im: part() };
        let norm = project::chances(&state, &Local { x: 0, z: 0, power: 0 }).0.sqrt() as f32;
        state.re.iter_mut().chain(&mut state.im).for_each(|x| *x /= norm);
        state
    }

    fn paulis(dice: &mut Dice, k: u32) -> Vec<Local> {
        let mut all = Vec::new();
        for at in 0..200u64 {
            let mask = if at % 3 == 0 { 7 } else { u64::MAX } & ((1 << k) - 1);
            let (x, z) = (dice.bits() & mask, dice.bits() & mask);
            let power = ((x & z).count_ones() + 2 * (dice.bits() & 1) as u32) as u8 & 3;
            all.push(Local { x, z, power });
            all.push(Local { x: 0, z, power: power & 2 });
        }
        all.retain(|p| p.x | p.z != 0);
        all
    }

    fn far(one: &[f32], other: &[f32]) -> f32 {
        assert_eq!(one.len(), other.len());
        one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    /// a phi + b P phi, b a complex number.
    fn mixed(state: &Amplitudes, p: &Local, a: f32, (b, c): (f32, f32)) -> Amplitudes {
        let each = (0..state.re.len()).map(|at| {
            let (re, im) = image(state, p, at as u64);
            (a * state.re[at] + b * re - c * im, a * state.im[at] + b * im + c * re)
        });
        let (re, im) = each.unzip();
        Amplitudes { re, im }
    }

    #[test]
    fn rotations_are_cos_minus_i_sin_times_the_pauli() {
        let mut dice = Dice::new(3, &[]);
        for k in [1, 2, 3, 4, 7] {
            for p in paulis(&mut dice, k) {
                let mut state = random(&mut dice, k);
                let expected = mixed(&state, &p, 0.6, (0.0, -0.8));
                turn(&mut state, &p, 0.6, 0.8);
                assert!(far(&state.re, &expected.re).max(far(&state.im, &expected.im)) < 1e-6);
            }
        }
    }

    #[test]
    fn measurements_project_and_drop_the_pivot() {
        let mut dice = Dice::new(4, &[]);
        for k in [1, 2, 3, 4, 7] {
            for p in paulis(&mut dice, k) {
                let state = random(&mut dice, k);
                let (zero, one) = project::chances(&state, &p);
                assert!((zero + one - 1.0).abs() < 1e-5);
                let pivot = top(if p.x != 0 { p.x } else { p.z });
                for (outcome, weight) in [(false, zero), (true, one)] {
                    if weight < 1e-3 {
                        continue;
                    }
                    let kept = project::keep(&state, &p, outcome, weight);
                    let r = (0.5 / weight.sqrt()) as f32;
                    let expected = mixed(&state, &p, r, (if outcome { -r } else { r }, 0.0));
                    assert!(far(&kept.re, &expected.re).max(far(&kept.im, &expected.im)) < 1e-5);
                    let left = project::project(&state, &p, pivot, outcome, weight);
                    for c in 0..left.re.len() as u64 {
                        let b = spread(c, pivot);
                        let flip = odd(b & p.z) ^ outcome ^ (p.power == 2);
                        let b = if p.x == 0 { b | (flip as u64) << pivot } else { b };
                        let scale = if p.x == 0 { 1.0 } else { std::f32::consts::SQRT_2 };
                        assert!((left.re[c as usize] - scale * kept.re[b as usize]).abs() < 1e-5);
                        assert!((left.im[c as usize] - scale * kept.im[b as usize]).abs() < 1e-5);
                    }
                }
                if p.x != 0 {
                    let mut turned = state.clone();
                    project::swap(&mut turned, &p, pivot);
                    project::swap(&mut turned, &p, pivot);
                    assert!(far(&turned.re, &state.re).max(far(&turned.im, &state.im)) < 1e-6);
                }
            }
        }
    }
}
