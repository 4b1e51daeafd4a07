//! Small complex matrices of gates, as `qmk.qvm.matrices` and `qmk.qvm.powers` define them: first operand = most
//! significant bit; powers on the principal branch of each eigenvalue.

use crate::circuit::{matrix as gates, Kind};
use crate::complex::{turn, C64, ONE, ZERO};
use std::f64::consts::PI;

pub type M2 = [[C64; 2]; 2];

pub const ID2: M2 = [[ONE, ZERO], [ZERO, ONE]];
pub const X2: M2 = [[ZERO, ONE], [ONE, ZERO]];

/// A square matrix of any size, row by row.
pub type Matrix = Vec<Vec<C64>>;

pub fn dagger(m: &M2) -> M2 {
    [[m[0][0].conj(), m[1][0].conj()], [m[0][1].conj(), m[1][1].conj()]]
}

fn diagonal(a: C64, b: C64) -> M2 {
    [[a, ZERO], [ZERO, b]]
}

/// A gate on one qubit.
pub fn one(kind: Kind, args: &[f64; 3]) -> Option<M2> {
    if !kind.is_gate() || kind.n_qubits() != 1 {
        return None;
    }
    let m = gates::one(kind, args);
    Some([[m[0], m[1]], [m[2], m[3]]])
}

/// A gate without controls of its own, on one or two qubits.
pub fn matrix(kind: Kind, args: &[f64; 3]) -> Option<Matrix> {
    if let Some(small) = one(kind, args) {
        return Some(small.iter().map(|row| row.to_vec()).collect());
    }
    let crossed = matches!(kind, Kind::Swap | Kind::Iswap | Kind::Iswapdg | Kind::Rxx | Kind::Ryy | Kind::Rzz);
    crossed.then(|| gates::two(kind, args).chunks(4).map(<[C64]>::to_vec).collect())
}

const NOISE: f64 = 1e-12;

/// A unitary to a real power; None for a fractional power of a matrix that mixes more than two basis states.
pub fn power(m: Matrix, exponent: f64) -> Option<Matrix> {
    if exponent == exponent.trunc() {
        return Some(whole_power(m, exponent));
    }
    let size = m.len();
    let mut out = vec![vec![ZERO; size]; size];
    let mut done = vec![false; size];
    for a in 0..size {
        if done[a] {
            continue;
        }
        let mixed: Vec<usize> =
            (0..size).filter(|&b| b != a && (m[a][b].abs() > NOISE || m[b][a].abs() > NOISE)).collect();
        match mixed[..] {
            [] => out[a][a] = phase_power(m[a][a], exponent),
            [b] if (0..size).all(|k| k == a || k == b || m[b][k].abs() <= NOISE && m[k][b].abs() <= NOISE) => {
                let block = power_of_two_by_two(&[[m[a][a], m[a][b]], [m[b][a], m[b][b]]], exponent);
                (out[a][a], out[a][b], out[b][a], out[b][b]) = (block[0][0], block[0][1], block[1][0], block[1][1]);
                done[b] = true;
            }
            _ => return None,
        }
    }
    Some(out)
}

fn whole_power(m: Matrix, exponent: f64) -> Matrix {
    let size = m.len();
    let product = |a: &Matrix, b: &Matrix| -> Matrix {
        (0..size).map(|r| (0..size).map(|k| (0..size).fold(ZERO, |sum, j| sum + a[r][j] * b[j][k])).collect()).collect()
    };
    let mut base = m;
    if exponent < 0.0 {
        base = (0..size).map(|r| (0..size).map(|k| base[k][r].conj()).collect()).collect();
    }
    let mut out: Matrix = (0..size).map(|r| (0..size).map(|k| if r == k { ONE } else { ZERO }).collect()).collect();
    let mut left = exponent.abs() as u64; // callers refuse exponents beyond 2^53
    while left > 0 {
        if left & 1 == 1 {
            out = product(&out, &base);
        }
        left >>= 1;
        if left > 0 {
            base = product(&base, &base);
        }
    }
    out
}

fn phase_power(value: C64, exponent: f64) -> C64 {
    let angle = value.phase();
    turn(exponent * if angle <= NOISE - PI { PI } else { angle })
}

fn power_of_two_by_two(m: &M2, exponent: f64) -> M2 {
    let mean = (m[0][0] + m[1][1]) * 0.5;
    let difference = (m[0][0] - m[1][1]) * 0.5;
    let half = (difference * difference + m[0][1] * m[1][0]).sqrt();
    if half.abs() < NOISE {
        let scalar = phase_power(mean, exponent);
        return diagonal(scalar, scalar);
    }
    let (plus, minus) = (phase_power(mean + half, exponent), phase_power(mean - half, exponent));
    let slope = (plus - minus) / (half * 2.0);
    let level = (plus + minus) * 0.5;
    [[level + slope * (m[0][0] - mean), slope * m[0][1]], [slope * m[1][0], level + slope * (m[1][1] - mean)]]
}
