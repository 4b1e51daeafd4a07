//! Pauli rotations and measurements on one state of 2^k amplitudes.
//!
//! P = i^power X^x Z^z sends amplitude b ^ x to b with the factor i^power (-1)^|(b ^ x) & z|.

use crate::frame::plan::Local;

/// Real and imaginary parts of 2^k amplitudes.
#[derive(Clone, Debug)]
pub struct Amplitudes {
    pub re: Vec<f32>,
    pub im: Vec<f32>,
}

fn odd(bits: u64) -> bool {
    bits.count_ones() & 1 == 1
}

/// (P phi)(b).
#[inline]
fn image(state: &Amplitudes, p: &Local, b: u64) -> (f32, f32) {
    let from = b ^ p.x;
    let (re, im) = (state.re[from as usize], state.im[from as usize]);
    match (p.power as u32 + 2 * odd(from & p.z) as u32) & 3 {
        0 => (re, im),
        1 => (-im, re),
        2 => (-re, -im),
        _ => (im, -re),
    }
}

/// Index c with a 0 put in at bit `at`.
#[inline]
fn spread(c: u64, at: u32) -> u64 {
    let low = (1u64 << at) - 1;
    (c & !low) << 1 | c & low
}

fn top(bits: u64) -> u32 {
    63 - bits.leading_zeros()
}

/// exp(-i angle/2 P), cos and sin of angle/2.
pub fn turn(state: &mut Amplitudes, p: &Local, cos: f64, sin: f64) {
    let (c, s) = (cos as f32, sin as f32);
    let size = state.re.len() as u64;
    let put = |state: &mut Amplitudes, b: u64, (re, im): (f32, f32)| {
        let at = b as usize;
        // -i s (re + i im) = s im - i s re
        state.re[at] = c * state.re[at] + s * im;
        state.im[at] = c * state.im[at] - s * re;
    };
    if p.x == 0 {
        for b in 0..size {
            let to = image(state, p, b);
            put(state, b, to);
        }
        return;
    }
    let pivot = top(p.x);
    for at in 0..size / 2 {
        let b = spread(at, pivot);
        let (to, back) = (image(state, p, b), image(state, p, b ^ p.x));
        put(state, b, to);
        put(state, b ^ p.x, back);
    }
}

/// (Z_pivot + P)/sqrt 2, where P moves the pivot.
pub fn swap(state: &mut Amplitudes, p: &Local, pivot: u32) {
    let r = std::f32::consts::FRAC_1_SQRT_2;
    for at in 0..state.re.len() as u64 / 2 {
        let b = spread(at, pivot);
        let images = [(b, 1.0, image(state, p, b)), (b ^ p.x, -1.0, image(state, p, b ^ p.x))];
        for (b, sign, (re, im)) in images {
            let at = b as usize;
            state.re[at] = r * (sign * state.re[at] + re);
            state.im[at] = r * (sign * state.im[at] + im);
        }
    }
}

/// Weights of P = 1 and P = -1.
pub fn chances(state: &Amplitudes, p: &Local) -> (f64, f64) {
    let (mut norm, mut mean) = (0.0f64, 0.0f64);
    for b in 0..state.re.len() {
        let (re, im) = (state.re[b] as f64, state.im[b] as f64);
        let (pre, pim) = image(state, p, b as u64);
        norm += re * re + im * im;
        mean += re * pre as f64 + im * pim as f64;
    }
    (((norm + mean) / 2.0).max(0.0), ((norm - mean) / 2.0).max(0.0))
}

/// The state of the other qubits after P had an outcome of weight `chance`; see `Instr::Read`.
pub fn project(state: &Amplitudes, p: &Local, pivot: u32, outcome: bool, chance: f64) -> Amplitudes {
    let half = state.re.len() as u64 / 2;
    let mut out = Amplitudes { re: Vec::with_capacity(half as usize), im: Vec::with_capacity(half as usize) };
    if p.x == 0 {
        let scale = (1.0 / chance.sqrt()) as f32;
        let flip = outcome ^ (p.power == 2);
        for c in 0..half {
            let b = spread(c, pivot);
            let b = b | ((odd(b & p.z) ^ flip) as u64) << pivot;
            out.re.push(scale * state.re[b as usize]);
            out.im.push(scale * state.im[b as usize]);
        }
        return out;
    }
    let scale = (1.0 / (2.0 * chance).sqrt()) as f32;
    let sign = if outcome { -1.0 } else { 1.0 };
    for c in 0..half {
        let b = spread(c, pivot);
        let (re, im) = image(state, p, b);
        out.re.push(scale * (state.re[b as usize] + sign * re));
        out.im.push(scale * (state.im[b as usize] + sign * im));
    }
    out
}

/// The state after P had an outcome of weight `chance`.
pub fn keep(state: &Amplitudes, p: &Local, outcome: bool, chance: f64) -> Amplitudes {
    let scale = (0.5 / chance.sqrt()) as f32;
    let sign = if outcome { -1.0 } else { 1.0 };
    let both = (0..state.re.len()).map(|b| {
        let (re, im) = image(state, p, b as u64);
        (scale * (state.re[b] + sign * re), scale * (state.im[b] + sign * im))
    });
    let (re, im) = both.unzip();
    Amplitudes { re, im }
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
