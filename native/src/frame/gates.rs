//! Every gate as a product of Pauli rotations, up to a global phase.
//!
//! A rotation is exp(-i angle/2 P). The table serves gates that are not Clifford, gates with angles, and any gate
//! under a condition. A controlled gate with 1 - A for its projectors opens into commuting rotations:
//! exp(i t (1-A)(1-B)/4) has angles t/2 on A and B and -t/2 on A B.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use crate::circuit::Kind;

/// A Pauli on the operands of a gate: bit k of (x, z) for operand k.
pub type Operand = (u8, u8);

const X0: Operand = (1, 0);
const Y0: Operand = (1, 1);
const Z0: Operand = (0, 1);
const X1: Operand = (2, 0);
const Y1: Operand = (2, 2);
const Z1: Operand = (0, 2);
const X2: Operand = (4, 0);
const Z2: Operand = (0, 4);

const fn times(a: Operand, b: Operand) -> Operand {
    (a.0 ^ b.0, a.1 ^ b.1)
}

/// Rotations in the order of time.
#[derive(Clone, Copy)]
pub struct Rotations {
    all: [(Operand, f64); 7],
    len: usize,
}

impl Rotations {
    fn of(list: &[(Operand, f64)]) -> Rotations {
        let mut all = [((0, 0), 0.0); 7];
        all[..list.len()].copy_from_slice(list);
        Rotations { all, len: list.len() }
    }

    pub fn list(&self) -> &[(Operand, f64)] {
        &self.all[..self.len]
    }
}

/// exp(i angle (1-A)(1-B)/4).
fn double(a: Operand, b: Operand, angle: f64) -> Rotations {
    let half = angle / 2.0;
    Rotations::of(&[(a, half), (b, half), (times(a, b), -half)])
}

/// exp(i pi (1-A)(1-B)(1-C)/8).
fn triple(a: Operand, b: Operand, c: Operand) -> Rotations {
    let t = FRAC_PI_4;
    let (ab, ac, bc) = (times(a, b), times(a, c), times(b, c));
    Rotations::of(&[(a, t), (b, t), (c, t), (ab, -t), (ac, -t), (bc, -t), (times(ab, c), t)])
}

pub fn rotations(kind: Kind, angles: &[f64]) -> Rotations {
    let one = |p: Operand, angle: f64| Rotations::of(&[(p, angle)]);
    match kind {
        Kind::X => one(X0, PI),
        Kind::Y => one(Y0, PI),
        Kind::Z => one(Z0, PI),
        Kind::H => Rotations::of(&[(Z0, PI), (Y0, FRAC_PI_2)]),
        Kind::S => one(Z0, FRAC_PI_2),
        Kind::Sdg => one(Z0, -FRAC_PI_2),
        Kind::Sx => one(X0, FRAC_PI_2),
        Kind::Sxdg => one(X0, -FRAC_PI_2),
        Kind::T => one(Z0, FRAC_PI_4),
        Kind::Tdg => one(Z0, -FRAC_PI_4),
        Kind::Rx => one(X0, angles[0]),
        Kind::Ry => one(Y0, angles[0]),
        Kind::Rz | Kind::P => one(Z0, angles[0]),
        Kind::U => Rotations::of(&[(Z0, angles[2]), (Y0, angles[0]), (Z0, angles[1])]),
        Kind::Cnot => double(Z0, X1, PI),
        Kind::Cy => double(Z0, Y1, PI),
        Kind::Cz => double(Z0, Z1, PI),
        Kind::Ch => {
            let cz = double(Z0, Z1, PI).all;
            Rotations::of(&[(Y1, -FRAC_PI_4), cz[0], cz[1], cz[2], (Y1, FRAC_PI_4)])
        }
        Kind::Swap => {
            Rotations::of(&[(times(X0, X1), FRAC_PI_2), (times(Y0, Y1), FRAC_PI_2), (times(Z0, Z1), FRAC_PI_2)])
        }
        Kind::Iswap => Rotations::of(&[(times(X0, X1), -FRAC_PI_2), (times(Y0, Y1), -FRAC_PI_2)]),
        Kind::Iswapdg => Rotations::of(&[(times(X0, X1), FRAC_PI_2), (times(Y0, Y1), FRAC_PI_2)]),
        Kind::Cp => double(Z0, Z1, angles[0]),
        Kind::Crx => Rotations::of(&[(X1, angles[0] / 2.0), (times(Z0, X1), -angles[0] / 2.0)]),
        Kind::Cry => Rotations::of(&[(Y1, angles[0] / 2.0), (times(Z0, Y1), -angles[0] / 2.0)]),
        Kind::Crz => Rotations::of(&[(Z1, angles[0] / 2.0), (times(Z0, Z1), -angles[0] / 2.0)]),
        Kind::Rxx => one(times(X0, X1), angles[0]),
        Kind::Ryy => one(times(Y0, Y1), angles[0]),
        Kind::Rzz => one(times(Z0, Z1), angles[0]),
        Kind::Toffoli => triple(Z0, Z1, X2),
        Kind::Ccz => triple(Z0, Z1, Z2),
        // CX(2 -> 1) Toffoli CX(2 -> 1) turns Z1 into Z1 Z2 and X2 into X1 X2, whose product is -Y1 Y2
        Kind::Cswap => {
            let mut turned = triple(Z0, times(Z1, Z2), times(X1, X2));
            turned.all[5].1 *= -1.0;
            turned.all[6].1 *= -1.0;
            turned
        }
        Kind::Id | Kind::Measure | Kind::Reset | Kind::Noise | Kind::Noise2 | Kind::Logic => Rotations::of(&[]),
    }
}
