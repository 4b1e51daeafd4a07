//! Gates of the text as local gates and cores, and sums of cores.

use super::weyl::{dot, parallel, reduced, rotation, split, Axis, Core, Split, Term, X, Y, Z};
use crate::circuit::matrix::{product_one, two};
use crate::circuit::{Kind, Op};

/// Two cores of one term each along the same axes, as one.
pub fn sum(first: &Core, second: &Core) -> Option<Split> {
    let (&[p], &[q]) = (first.terms(), second.terms()) else { return None };
    if !parallel(&p.a, &q.a) || !parallel(&p.b, &q.b) {
        return None;
    }
    let same = dot(&p.a, &q.a) * dot(&p.b, &q.b) > 0.0;
    Some(reduced(&[Term { c: if same { p.c + q.c } else { p.c - q.c }, ..p }]))
}

/// A gate on two qubits as local gates after a core; of the common ones without arithmetic.
pub fn interaction(kind: Kind, angles: &[f64]) -> Split {
    let term = |c: f64, a: Axis, b: Axis| reduced(&[Term { c, a, b }]);
    let controlled = |angle: f64, axis: Axis| {
        // |1><1| (x) (turn by angle about axis) = exp(-i angle/4 (1 - Z) (x) axis)
        let (l, m, core) = term(angle / 4.0, Z, axis);
        (l, product_one(&rotation(&axis, angle / 2.0), &m), core)
    };
    let half = std::f64::consts::PI;
    let phased = |made: Split, angle: f64| (product_one(&rotation(&Z, angle / 2.0), &made.0), made.1, made.2);
    match kind {
        Kind::Cnot => phased(controlled(half, X), half),
        Kind::Cy => phased(controlled(half, Y), half),
        Kind::Cz => phased(controlled(half, Z), half),
        Kind::Cp => phased(controlled(angles[0], Z), angles[0]),
        Kind::Crx => controlled(angles[0], X),
        Kind::Cry => controlled(angles[0], Y),
        Kind::Crz => controlled(angles[0], Z),
        Kind::Rxx => term(-angles[0] / 2.0, X, X),
        Kind::Ryy => term(-angles[0] / 2.0, Y, Y),
        Kind::Rzz => term(-angles[0] / 2.0, Z, Z),
        _ => split(&two(kind, angles)),
    }
}

/// A gate on three qubits by six controlled NOTs, and two more for one that exchanges; Nielsen and Chuang, figure 4.9.
pub fn three(op: &Op, emit: &mut impl FnMut(Kind, &[u32])) {
    let [a, b, c] = op.q;
    match op.kind {
        Kind::Toffoli => {
            emit(Kind::H, &[c]);
            three(&Op { kind: Kind::Ccz, ..*op }, emit);
            emit(Kind::H, &[c]);
        }
        Kind::Cswap => {
            emit(Kind::Cnot, &[c, b]);
            three(&Op { kind: Kind::Toffoli, ..*op }, emit);
            emit(Kind::Cnot, &[c, b]);
        }
        _ => {
            for (control, then) in [(b, Kind::Tdg), (a, Kind::T), (b, Kind::Tdg), (a, Kind::T)] {
                emit(Kind::Cnot, &[control, c]);
                emit(then, &[c]);
            }
            emit(Kind::T, &[b]);
            emit(Kind::Cnot, &[a, b]);
            emit(Kind::Tdg, &[b]);
            emit(Kind::Cnot, &[a, b]);
            emit(Kind::T, &[a]);
        }
    }
}
