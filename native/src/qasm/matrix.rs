//! Small complex matrices of gates, as `qmk.qvm.matrices` and `qmk.qvm.powers` define them: first operand = most
//! significant bit; powers on the principal branch of each eigenvalue.

use std::f64::consts::PI;
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::circuit::{matrix as gates, Kind};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct C {
    pub re: f64,
    pub im: f64,
}

pub const ZERO: C = C { re: 0.0, im: 0.0 };
pub const ONE: C = C { re: 1.0, im: 0.0 };

pub const fn c(re: f64, im: f64) -> C {
    C { re, im }
}

/// e^{i angle}
pub fn turn(angle: f64) -> C {
    c(angle.cos(), angle.sin())
}

impl C {
    pub fn abs(self) -> f64 {
        self.re.hypot(self.im)
    }

    /// The argument in [-pi, pi].
    pub fn phase(self) -> f64 {
        self.im.atan2(self.re)
    }

    pub fn conj(self) -> C {
        c(self.re, -self.im)
    }

    /// The root with a real part of at least 0.
    pub fn sqrt(self) -> C {
        if self.re == 0.0 && self.im == 0.0 {
            return ZERO;
        }
        let root = ((self.abs() + self.re.abs()) / 2.0).sqrt();
        let other = self.im.abs() / (2.0 * root);
        let (re, im) = if self.re >= 0.0 { (root, other) } else { (other, root) };
        c(re, im.copysign(self.im))
    }
}

impl Add for C {
    type Output = C;
    fn add(self, other: C) -> C {
        c(self.re + other.re, self.im + other.im)
    }
}

impl Sub for C {
    type Output = C;
    fn sub(self, other: C) -> C {
        c(self.re - other.re, self.im - other.im)
    }
}

impl Neg for C {
    type Output = C;
    fn neg(self) -> C {
        c(0.0 - self.re, 0.0 - self.im) // no -0: the phase of -1 is pi
    }
}

impl Mul for C {
    type Output = C;
    fn mul(self, other: C) -> C {
        c(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)
    }
}

impl Mul<f64> for C {
    type Output = C;
    fn mul(self, factor: f64) -> C {
        c(self.re * factor, self.im * factor)
    }
}

impl Div for C {
    type Output = C;
    fn div(self, other: C) -> C {
        let norm = other.re * other.re + other.im * other.im;
        (self * other.conj()) * (1.0 / norm)
    }
}

pub type M2 = [[C; 2]; 2];

pub const ID2: M2 = [[ONE, ZERO], [ZERO, ONE]];
pub const X2: M2 = [[ZERO, ONE], [ONE, ZERO]];

/// A square matrix of any size, row by row.
pub type Matrix = Vec<Vec<C>>;

pub fn dagger(m: &M2) -> M2 {
    [[m[0][0].conj(), m[1][0].conj()], [m[0][1].conj(), m[1][1].conj()]]
}

fn diagonal(a: C, b: C) -> M2 {
    [[a, ZERO], [ZERO, b]]
}

/// A gate on one qubit.
pub fn one(kind: Kind, args: &[f64; 3]) -> Option<M2> {
    if !kind.is_gate() || kind.n_qubits() != 1 {
        return None;
    }
    let m = gates::one(kind, args).map(|(re, im)| c(re, im));
    Some([[m[0], m[1]], [m[2], m[3]]])
}

/// A gate without controls of its own, on one or two qubits.
pub fn matrix(kind: Kind, args: &[f64; 3]) -> Option<Matrix> {
    if let Some(small) = one(kind, args) {
        return Some(small.iter().map(|row| row.to_vec()).collect());
    }
    let crossed = matches!(kind, Kind::Swap | Kind::Iswap | Kind::Iswapdg | Kind::Rxx | Kind::Ryy | Kind::Rzz);
    crossed.then(|| {
        let m = gates::two(kind, args).map(|(re, im)| c(re, im));
        m.chunks(4).map(<[C]>::to_vec).collect()
    })
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

fn phase_power(value: C, exponent: f64) -> C {
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
