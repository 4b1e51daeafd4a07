//! The canonical decomposition of gates on two qubits (KAK): a local gate after an interaction.
//!
//! Every gate is, up to phase, (l (x) m) exp(i sum_k c_k A_k (x) B_k), where A_k and B_k are Pauli matrices along the
//! axes of two orthonormal frames. Zhang, Vala, Sastry, Whaley, PRA 67, 042313 (2003); the joint diagonalisation of two
//! commuting symmetric matrices follows Cardoso and Souloumiac, SIAM J. Matrix Anal. Appl. 17, 161 (1996).

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_4};

use crate::circuit::matrix::{kron, product_one, product_two, One, Two};
use crate::complex::{c, C64, ONE, ZERO};

/// Coefficients closer than this to a special value count as that value: the gate changes by at most as much.
pub const SNAP: f64 = 1e-9;

pub type Axis = [f64; 3];

pub const X: Axis = [1.0, 0.0, 0.0];
pub const Y: Axis = [0.0, 1.0, 0.0];
pub const Z: Axis = [0.0, 0.0, 1.0];
pub const IDENTITY: One = [ONE, ZERO, ZERO, ONE];

/// c A (x) B in the exponent, A and B along unit axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    pub c: f64,
    pub a: Axis,
    pub b: Axis,
}

/// exp(i sum of its terms): at most three, which commute; coefficients in [-pi/4, pi/4], largest first, none zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Core {
    terms: [Term; 3],
    n: usize,
}

const NOTHING: Term = Term { c: 0.0, a: X, b: X };

pub fn dot(a: &Axis, b: &Axis) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub fn cross(a: &Axis, b: &Axis) -> Axis {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Whether both are the same line.
pub fn parallel(a: &Axis, b: &Axis) -> bool {
    let away = cross(a, b);
    dot(&away, &away) < SNAP * SNAP
}

/// The Pauli matrix along an axis.
pub fn pauli(axis: &Axis) -> One {
    [c(axis[2], 0.0), c(axis[0], -axis[1]), c(axis[0], axis[1]), c(-axis[2], 0.0)]
}

pub fn dagger(m: &One) -> One {
    [m[0].conj(), m[2].conj(), m[1].conj(), m[3].conj()]
}

/// Where `by` takes the axis: by (a . sigma) by^dagger = turned . sigma.
pub fn turned(by: &One, axis: &Axis) -> Axis {
    let m = product_one(&product_one(by, &pauli(axis)), &dagger(by));
    let found = [m[2].re, m[2].im, m[0].re];
    let length = dot(&found, &found).sqrt();
    found.map(|x| x / length)
}

/// exp(-i angle/2 (axis . sigma))
pub fn rotation(axis: &Axis, angle: f64) -> One {
    let (sin, cos) = (angle / 2.0).sin_cos();
    let mut m = pauli(axis).map(|x| c(0.0, -sin) * x);
    m[0] = m[0] + c(cos, 0.0);
    m[3] = m[3] + c(cos, 0.0);
    m
}

/// The rotation that takes X to `x` and Z to `z`, which are orthogonal.
pub fn frame(x: &Axis, z: &Axis) -> One {
    let first = between(&Z, z);
    let at = turned(&first, &X);
    let angle = dot(&cross(&at, x), z).atan2(dot(&at, x));
    product_one(&rotation(z, angle), &first)
}

/// The rotation by the least angle that takes `from` to `to`.
pub fn between(from: &Axis, to: &Axis) -> One {
    let axis = cross(from, to);
    let (sin, cos) = (dot(&axis, &axis).sqrt(), dot(from, to));
    if sin < 1e-14 {
        return if cos > 0.0 { IDENTITY } else { rotation(&orthogonal(from), std::f64::consts::PI) };
    }
    rotation(&axis.map(|x| x / sin), sin.atan2(cos))
}

/// Some unit axis at a right angle to `axis`.
pub fn orthogonal(axis: &Axis) -> Axis {
    let other = if axis[0].abs() < 0.6 { X } else { Z };
    let found = cross(axis, &other);
    let length = dot(&found, &found).sqrt();
    found.map(|x| x / length)
}

/// `m` with determinant 1 and no rounding error of its rows.
pub fn special(m: &One) -> One {
    let det = m[0] * m[3] - m[1] * m[2];
    let root = det.sqrt();
    let m = m.map(|x| x / root);
    let (a, b) = ((m[0] + m[3].conj()) * 0.5, (m[1] - m[2].conj()) * 0.5);
    let length = (a.norm() + b.norm()).sqrt();
    let (a, b) = (a * (1.0 / length), b * (1.0 / length));
    [a, b, -b.conj(), a.conj()]
}

impl Core {
    pub const NONE: Core = Core { terms: [NOTHING; 3], n: 0 };

    pub fn terms(&self) -> &[Term] {
        &self.terms[..self.n]
    }

    pub fn is_one(&self) -> bool {
        self.n == 1
    }

    pub fn matrix(&self) -> Two {
        let mut made = kron(&IDENTITY, &IDENTITY);
        for term in self.terms() {
            let (sin, cos) = term.c.sin_cos();
            let mut m = kron(&pauli(&term.a), &pauli(&term.b)).map(|x| c(0.0, sin) * x);
            for k in 0..4 {
                m[5 * k] = m[5 * k] + c(cos, 0.0);
            }
            made = product_two(&m, &made);
        }
        made
    }

    /// The same core with its axes turned.
    pub fn turned(&self, by_a: &One, by_b: &One) -> Core {
        let mut made = *self;
        for term in &mut made.terms[..self.n] {
            term.a = turned(by_a, &term.a);
            term.b = turned(by_b, &term.b);
        }
        made
    }

    /// With its two qubits exchanged.
    pub fn flipped(&self) -> Core {
        let mut made = *self;
        made.terms.iter_mut().for_each(|term| std::mem::swap(&mut term.a, &mut term.b));
        made
    }

    /// The inverse.
    pub fn negated(&self) -> Core {
        let mut made = *self;
        made.terms.iter_mut().for_each(|term| term.c = -term.c);
        made
    }

    /// Without the terms that `drop` says.
    pub fn without(&self, drop: impl Fn(&Term) -> bool) -> Core {
        let mut made = Core::NONE;
        for term in self.terms().iter().filter(|term| !drop(term)) {
            made.terms[made.n] = *term;
            made.n += 1;
        }
        made
    }

    /// Three terms of which some may be 0; their axes are two frames.
    pub fn full(&self) -> [Term; 3] {
        let mut full = self.terms;
        if self.n == 0 {
            full[0] = Term { c: 0.0, a: X, b: X };
        }
        if self.n < 2 {
            full[1] = Term { c: 0.0, a: orthogonal(&full[0].a), b: orthogonal(&full[0].b) };
        }
        if self.n < 3 {
            full[2] = Term { c: 0.0, a: cross(&full[0].a, &full[1].a), b: cross(&full[0].b, &full[1].b) };
        }
        full
    }
}

/// (l on the first qubit, m on the second, core): the gate is (l (x) m) core, up to phase.
pub type Split = (One, One, Core);

/// Terms of one frame each, brought into the form of `Core`, with the local gates that this takes.
pub fn reduced(terms: &[Term]) -> Split {
    let (mut l, mut m, mut core) = (IDENTITY, IDENTITY, Core::NONE);
    for term in terms {
        let quarters = (term.c / FRAC_PI_2).round();
        let mut coefficient = term.c - quarters * FRAC_PI_2;
        if quarters.rem_euclid(2.0) == 1.0 {
            l = product_one(&l, &pauli(&term.a));
            m = product_one(&m, &pauli(&term.b));
        }
        if coefficient.abs() < SNAP {
            continue;
        }
        if (coefficient.abs() - FRAC_PI_4).abs() < SNAP {
            coefficient = FRAC_PI_4.copysign(coefficient);
        }
        core.terms[core.n] = Term { c: coefficient, ..*term };
        core.n += 1;
    }
    let n = core.n;
    core.terms[..n].sort_by(|a, b| b.c.abs().total_cmp(&a.c.abs()));
    (l, m, core)
}

/// The canonical decomposition of a unitary matrix.
pub fn split(u: &Two) -> Split {
    let up = product_two(&product_two(&adjoint(&MAGIC), u), &MAGIC);
    let squared = product_two(&transposed(&up), &up);
    let mut p = diagonalise(squared.map(|x| x.re), squared.map(|x| x.im));
    if determinant(&p) < 0.0 {
        (0..4).for_each(|row| p[4 * row] = -p[4 * row]);
    }
    let wide: Two = p.map(|x| c(x, 0.0));
    let diagonal = product_two(&product_two(&transposed(&wide), &squared), &wide);
    let mut d: [f64; 4] = std::array::from_fn(|k| diagonal[5 * k].phase() / 2.0);
    let after = product_two(&up, &wide);
    let left: [f64; 16] = std::array::from_fn(|at| (after[at] * C64::cis(-d[at % 4])).re);
    let mut left = left;
    if determinant(&left) < 0.0 {
        d[0] += std::f64::consts::PI;
        (0..4).for_each(|row| left[4 * row] = -left[4 * row]);
    }
    let (l, m) = halves(&local(&left));
    let (before_a, before_b) = halves(&local(&real_transposed(&p)));
    let coefficients =
        [(d[0] + d[1] - d[2] - d[3]) / 4.0, (-d[0] + d[1] - d[2] + d[3]) / 4.0, (d[0] - d[1] - d[2] + d[3]) / 4.0];
    let (back_a, back_b) = (dagger(&before_a), dagger(&before_b));
    let terms: [Term; 3] = std::array::from_fn(|k| {
        let axis = [X, Y, Z][k];
        Term { c: coefficients[k], a: turned(&back_a, &axis), b: turned(&back_b, &axis) }
    });
    let (more_a, more_b, core) = reduced(&terms);
    let (l, m) = (product_one(&l, &before_a), product_one(&m, &before_b));
    (product_one(&l, &more_a), product_one(&m, &more_b), core)
}

const R: C64 = c(FRAC_1_SQRT_2, 0.0);
const I: C64 = c(0.0, FRAC_1_SQRT_2);
const MINUS_R: C64 = c(-FRAC_1_SQRT_2, 0.0);
const MINUS_I: C64 = c(0.0, -FRAC_1_SQRT_2);

/// Its columns are Bell states with phases, in which local gates are real.
const MAGIC: Two = [R, ZERO, ZERO, I, ZERO, I, R, ZERO, ZERO, I, MINUS_R, ZERO, R, ZERO, ZERO, MINUS_I];

fn adjoint(m: &Two) -> Two {
    transposed(m).map(C64::conj)
}

fn transposed(m: &Two) -> Two {
    std::array::from_fn(|at| m[at % 4 * 4 + at / 4])
}

fn real_transposed(m: &[f64; 16]) -> [f64; 16] {
    std::array::from_fn(|at| m[at % 4 * 4 + at / 4])
}

/// A real matrix of the magic basis in the computational one.
fn local(m: &[f64; 16]) -> Two {
    product_two(&product_two(&MAGIC, &m.map(|x| c(x, 0.0))), &adjoint(&MAGIC))
}

/// The factors of a product of two local gates, each with determinant 1.
fn halves(m: &Two) -> (One, One) {
    let at = (0..16).max_by(|&a, &b| m[a].norm().total_cmp(&m[b].norm())).unwrap_or(0);
    let (row, column) = (at / 4, at % 4);
    let entry = |r: usize, k: usize| m[4 * r + k];
    let a: One = std::array::from_fn(|k| entry(k / 2 * 2 + row % 2, k % 2 * 2 + column % 2));
    let b: One = std::array::from_fn(|k| entry(row / 2 * 2 + k / 2, column / 2 * 2 + k % 2));
    (special(&a), special(&b))
}

fn determinant(m: &[f64; 16]) -> f64 {
    let minor = |a: usize, b: usize, r: usize| m[4 * r + a] * m[4 * r + 4 + b] - m[4 * r + b] * m[4 * r + 4 + a];
    minor(0, 1, 0) * minor(2, 3, 2) - minor(0, 2, 0) * minor(1, 3, 2)
        + minor(0, 3, 0) * minor(1, 2, 2)
        + minor(1, 2, 0) * minor(0, 3, 2)
        - minor(1, 3, 0) * minor(0, 2, 2)
        + minor(2, 3, 0) * minor(0, 1, 2)
}

/// The orthogonal matrix whose columns are eigenvectors of both matrices, which commute.
fn diagonalise(mut one: [f64; 16], mut other: [f64; 16]) -> [f64; 16] {
    let mut p: [f64; 16] = std::array::from_fn(|at| if at % 5 == 0 { 1.0 } else { 0.0 });
    for _ in 0..32 {
        let mut largest: f64 = 0.0;
        for i in 0..4 {
            for j in i + 1..4 {
                let (mut on, mut off, mut both) = (0.0, 0.0, 0.0);
                for m in [&one, &other] {
                    let (x, y) = (m[5 * i] - m[5 * j], m[4 * i + j] + m[4 * j + i]);
                    on += x * x;
                    off += y * y;
                    both += x * y;
                }
                let angle = (2.0 * both).atan2(on - off) / 4.0;
                largest = largest.max(off);
                let (sin, cos) = angle.sin_cos();
                for m in [&mut one, &mut other] {
                    turn_columns(m, i, j, sin, cos);
                    turn_rows(m, i, j, sin, cos);
                }
                turn_columns(&mut p, i, j, sin, cos);
            }
        }
        if largest < 1e-28 {
            break;
        }
    }
    p
}

fn turn_columns(m: &mut [f64; 16], i: usize, j: usize, sin: f64, cos: f64) {
    for row in 0..4 {
        let (x, y) = (m[4 * row + i], m[4 * row + j]);
        (m[4 * row + i], m[4 * row + j]) = (cos * x + sin * y, cos * y - sin * x);
    }
}

fn turn_rows(m: &mut [f64; 16], i: usize, j: usize, sin: f64, cos: f64) {
    for k in 0..4 {
        let (x, y) = (m[4 * i + k], m[4 * j + k]);
        (m[4 * i + k], m[4 * j + k]) = (cos * x + sin * y, cos * y - sin * x);
    }
}
