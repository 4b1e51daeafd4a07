//! Which gates of a graph are Clifford, as `qmk.ir.modifiers` and `qmk.ir.clifford` say: with their tolerance, which is
//! wider than that of the rewrites.

use std::f64::consts::FRAC_PI_2;

use crate::circuit::Kind;

/// How far an entry of a matrix (and an angle, in radians) may be from the Clifford one.
const ATOL: f64 = 1e-9;

/// `angle / (pi/2)` modulo 8 when it is a whole number.
pub fn quarter_turns(angle: f64) -> Option<u8> {
    let turns = (angle / FRAC_PI_2).round_ties_even();
    let near = (angle - turns * FRAC_PI_2).abs() <= ATOL * (turns.abs() * 1e-6).max(1.0);
    near.then(|| turns.rem_euclid(8.0) as u8)
}

pub fn is_clifford(kind: Kind, angles: &[f64]) -> bool {
    use Kind::*;
    match kind {
        Rx | Ry | Rz | P | Rxx | Ryy | Rzz => quarter_turns(angles[0]).is_some(),
        Crx | Cry | Crz => quarter_turns(angles[0] / 2.0).is_some(),
        Cp => quarter_turns(angles[0]).is_some_and(|turns| turns % 2 == 0),
        U => is_pauli(image_of_x(angles)) && is_pauli(image_of_z(angles)),
        _ => kind.has_flow(),
    }
}

fn image_of_z(angles: &[f64]) -> [f64; 3] {
    let ((st, ct), (sp, cp)) = (angles[0].sin_cos(), angles[1].sin_cos());
    [st * cp, st * sp, ct]
}

fn image_of_x(angles: &[f64]) -> [f64; 3] {
    let [(st, ct), (sp, cp), (sl, cl)] = [angles[0], angles[1], angles[2]].map(f64::sin_cos);
    [ct * cl * cp - sl * sp, ct * cl * sp + sl * cp, -st * cl]
}

/// Whether a point of the Bloch sphere is on an axis.
fn is_pauli([x, y, z]: [f64; 3]) -> bool {
    let one = |a: f64| (a.abs() - 1.0).abs() <= ATOL;
    (one(z) && x.hypot(y) <= ATOL)
        || (z.abs() <= ATOL && ((one(x) && 2.0 * y.abs() <= ATOL) || (one(y) && 2.0 * x.abs() <= ATOL)))
}
