//! Turns of single atoms of three levels, over vectors.

use super::flow::{times, Complex};
use super::levels::State;

pub type Matrix = [[Complex; 3]; 3];

/// e^{-i time h} by its series, squared until it is exact.
pub fn exponential(h: &Matrix, time: f64) -> Matrix {
    let size: f64 = h.iter().flatten().map(|z| z.0.abs() + z.1.abs()).sum::<f64>() * time.abs();
    let halvings = size.max(0.5).log2().ceil().max(0.0) as i32 + 1;
    let step = time / 2f64.powi(halvings);
    let small: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| times(h[i][j], (0.0, -step))));
    let one: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| (f64::from(u8::from(i == j)), 0.0)));
    let (mut out, mut term) = (one, one);
    for k in 1..=16 {
        term = product(&term, &small);
        for (row, from) in out.iter_mut().zip(&mut term) {
            for (z, part) in row.iter_mut().zip(from) {
                *part = (part.0 / f64::from(k), part.1 / f64::from(k));
                *z = (z.0 + part.0, z.1 + part.1);
            }
        }
    }
    (0..halvings).fold(out, |out, _| product(&out, &out))
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            (0..3).map(|k| times(a[i][k], b[k][j])).fold((0.0, 0.0), |sum, z| (sum.0 + z.0, sum.1 + z.1))
        })
    })
}

/// Applies `u`, made of `h`, to the atom of this stride. A level that `h` leaves alone is not touched.
pub fn apply(state: &mut State, stride: usize, h: &Matrix, u: &Matrix) {
    let moved: Vec<usize> = (0..3).filter(|&level| (0..3).any(|other| h[level][other] != (0.0, 0.0))).collect();
    if moved.is_empty() {
        return;
    }
    for (re, im) in state.re.chunks_exact_mut(3 * stride).zip(state.im.chunks_exact_mut(3 * stride)) {
        let ([r0, r1, r2], [i0, i1, i2]) = (thirds(re, stride), thirds(im, stride));
        match moved[..] {
            [0, 1] => two([r0, r1], [i0, i1], [[u[0][0], u[0][1]], [u[1][0], u[1][1]]]),
            [0, 2] => two([r0, r2], [i0, i2], [[u[0][0], u[0][2]], [u[2][0], u[2][2]]]),
            [1, 2] => two([r1, r2], [i1, i2], [[u[1][1], u[1][2]], [u[2][1], u[2][2]]]),
            _ => three([r0, r1, r2], [i0, i1, i2], u),
        }
    }
}

fn thirds(all: &mut [f64], stride: usize) -> [&mut [f64]; 3] {
    let (low, rest) = all.split_at_mut(stride);
    let (middle, high) = rest.split_at_mut(stride);
    [low, middle, high]
}

fn two(re: [&mut [f64]; 2], im: [&mut [f64]; 2], u: [[Complex; 2]; 2]) {
    let ([r0, r1], [i0, i1]) = (re, im);
    for (((r0, r1), i0), i1) in r0.iter_mut().zip(r1).zip(i0).zip(i1) {
        let (a, b) = ((*r0, *i0), (*r1, *i1));
        let row = |row: [Complex; 2]| {
            let (x, y) = (times(row[0], a), times(row[1], b));
            (x.0 + y.0, x.1 + y.1)
        };
        ((*r0, *i0), (*r1, *i1)) = (row(u[0]), row(u[1]));
    }
}

fn three(re: [&mut [f64]; 3], im: [&mut [f64]; 3], u: &Matrix) {
    let ([r0, r1, r2], [i0, i1, i2]) = (re, im);
    for k in 0..r0.len() {
        let (a, b, c) = ((r0[k], i0[k]), (r1[k], i1[k]), (r2[k], i2[k]));
        let row = |row: &[Complex; 3]| {
            let (x, y, z) = (times(row[0], a), times(row[1], b), times(row[2], c));
            (x.0 + y.0 + z.0, x.1 + y.1 + z.1)
        };
        ((r0[k], i0[k]), (r1[k], i1[k]), (r2[k], i2[k])) = (row(&u[0]), row(&u[1]), row(&u[2]));
    }
}
