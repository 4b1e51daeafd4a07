//! Which instructions are Clifford gates, by kind and angle.

use super::axis::Axis;
use super::turn::{self, Turn};
use crate::circuit::Kind;

/// Whether a gate sends Pauli operators to Pauli operators.
pub fn is_clifford(kind: Kind, angles: &[f64]) -> bool {
    use Kind::*;
    match kind {
        Rx | Ry | Rz | P | Rxx | Ryy | Rzz => turn::quarters(angles[0]).is_some(),
        Cp | Crx | Cry | Crz => turn::quarters(angles[0] / 2.0).is_some(),
        U => Turn::of(kind, angles).is_some_and(|turn| turn.image(Axis::X).is_some() && turn.image(Axis::Z).is_some()),
        T | Tdg | Ch | Toffoli | Ccz | Cswap => false,
        _ => true,
    }
}
