//! Matrices of the gates, as `qmk.qvm.matrices` has them: first operand = most significant bit.

use super::{Kind, Op};
use crate::complex::{c, turn, C64, ONE, ZERO};

pub type One = [C64; 4];
pub type Two = [C64; 16];

/// The matrix of a gate on one qubit, row by row.
pub fn one(kind: Kind, angles: &[f64]) -> One {
    one_by(kind, angles, turn)
}

/// As `one`, with `phase` for `e^{i angle}`.
pub fn one_by(kind: Kind, angles: &[f64], phase: fn(f64) -> C64) -> One {
    use std::f64::consts::{FRAC_1_SQRT_2 as R, FRAC_PI_4};
    let diagonal = |a: C64, b: C64| [a, ZERO, ZERO, b];
    match kind {
        Kind::Id => diagonal(ONE, ONE),
        Kind::X => [ZERO, ONE, ONE, ZERO],
        Kind::Y => [ZERO, c(0.0, -1.0), c(0.0, 1.0), ZERO],
        Kind::Z => diagonal(ONE, c(-1.0, 0.0)),
        Kind::H => [c(R, 0.0), c(R, 0.0), c(R, 0.0), c(-R, 0.0)],
        Kind::S => diagonal(ONE, c(0.0, 1.0)),
        Kind::Sdg => diagonal(ONE, c(0.0, -1.0)),
        Kind::Sx => [c(0.5, 0.5), c(0.5, -0.5), c(0.5, -0.5), c(0.5, 0.5)],
        Kind::Sxdg => [c(0.5, -0.5), c(0.5, 0.5), c(0.5, 0.5), c(0.5, -0.5)],
        Kind::T => diagonal(ONE, phase(FRAC_PI_4)),
        Kind::Tdg => diagonal(ONE, phase(-FRAC_PI_4)),
        Kind::Rx => {
            let (sin, cos) = (angles[0] / 2.0).sin_cos();
            [c(cos, 0.0), c(0.0, -sin), c(0.0, -sin), c(cos, 0.0)]
        }
        Kind::Ry => {
            let (sin, cos) = (angles[0] / 2.0).sin_cos();
            [c(cos, 0.0), c(-sin, 0.0), c(sin, 0.0), c(cos, 0.0)]
        }
        Kind::Rz => diagonal(phase(-angles[0] / 2.0), phase(angles[0] / 2.0)),
        Kind::P => diagonal(ONE, phase(angles[0])),
        Kind::U => {
            let (sin, cos) = (angles[0] / 2.0).sin_cos();
            let scaled = |by: f64, angle: f64| phase(angle) * by;
            [c(cos, 0.0), scaled(-sin, angles[2]), scaled(sin, angles[1]), scaled(cos, angles[1] + angles[2])]
        }
        _ => unreachable!("{} is no gate on one qubit", kind.name()),
    }
}

/// The matrix of a gate on two qubits, row by row.
pub fn two(kind: Kind, angles: &[f64]) -> Two {
    let controlled = |u: One| {
        let mut m = [ZERO; 16];
        m[0] = ONE;
        m[5] = ONE;
        (m[10], m[11], m[14], m[15]) = (u[0], u[1], u[2], u[3]);
        m
    };
    match kind {
        kind if kind.peeled().1 == 1 => controlled(one(kind.peeled().0, angles)),
        Kind::Swap => exchange(ONE),
        Kind::Iswap => exchange(c(0.0, 1.0)),
        Kind::Iswapdg => exchange(c(0.0, -1.0)),
        Kind::Rxx => pauli_rotation(angles[0], one(Kind::X, &[])),
        Kind::Ryy => pauli_rotation(angles[0], one(Kind::Y, &[])),
        Kind::Rzz => pauli_rotation(angles[0], one(Kind::Z, &[])),
        _ => unreachable!("{} is no gate on two qubits", kind.name()),
    }
}

fn exchange(by: C64) -> Two {
    let mut m = [ZERO; 16];
    (m[0], m[6], m[9], m[15]) = (ONE, by, by, ONE);
    m
}

/// exp(-i angle/2 P (x) P).
fn pauli_rotation(angle: f64, p: One) -> Two {
    let (sin, cos) = (angle / 2.0).sin_cos();
    let mut m = kron(&p, &p).map(|x| c(0.0, -sin) * x);
    for k in 0..4 {
        m[5 * k] = m[5 * k] + c(cos, 0.0);
    }
    m
}

/// `a` on the more significant qubit.
pub fn kron(a: &One, b: &One) -> Two {
    std::array::from_fn(|at| {
        let (row, column) = (at / 4, at % 4);
        a[row / 2 * 2 + column / 2] * b[row % 2 * 2 + column % 2]
    })
}

pub fn product_one(a: &One, b: &One) -> One {
    std::array::from_fn(|at| a[at / 2 * 2] * b[at % 2] + a[at / 2 * 2 + 1] * b[2 + at % 2])
}

pub fn product_two(a: &Two, b: &Two) -> Two {
    std::array::from_fn(|at| (0..4).fold(ZERO, |sum, k| sum + a[at / 4 * 4 + k] * b[4 * k + at % 4]))
}

/// The same gate with its two operands exchanged.
pub fn flipped(m: &Two) -> Two {
    let swap = |k: usize| k >> 1 | (k & 1) << 1;
    std::array::from_fn(|at| m[swap(at / 4) * 4 + swap(at % 4)])
}

/// A gate on three qubits as gates on one and two, exactly. Calls `emit(kind, qubits, angles)` in order.
pub fn split_three(op: &Op, emit: &mut impl FnMut(Kind, &[u32], &[f64])) {
    let [a, b, c] = op.q;
    match op.kind {
        Kind::Ccz => {
            // CCZ = CP(pi) on the product of two controls: Barenco et al., PRA 52, 3457 (1995), lemma 6.1
            let half = std::f64::consts::FRAC_PI_2;
            emit(Kind::Cp, &[b, c], &[half]);
            emit(Kind::Cnot, &[a, b], &[]);
            emit(Kind::Cp, &[b, c], &[-half]);
            emit(Kind::Cnot, &[a, b], &[]);
            emit(Kind::Cp, &[a, c], &[half]);
        }
        Kind::Toffoli => {
            emit(Kind::H, &[c], &[]);
            split_three(&Op { kind: Kind::Ccz, ..*op }, emit);
            emit(Kind::H, &[c], &[]);
        }
        Kind::Cswap => {
            emit(Kind::Cnot, &[c, b], &[]);
            split_three(&Op { kind: Kind::Toffoli, ..*op }, emit);
            emit(Kind::Cnot, &[c, b], &[]);
        }
        _ => unreachable!("{} is no gate on three qubits", op.kind.name()),
    }
}
