//! In which basis an instruction leaves a wire alone.
//!
//! If two instructions are both functions of the same Pauli operator on every wire that they share, they commute: all
//! that the rewrites know about commutation follows from this one table.

use crate::circuit::{Circuit, Kind, Op};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Axis {
    X,
    Y,
    Z,
}

/// The Pauli axis of operand `slot`: the gate is block diagonal in its eigenbasis. None: in no Pauli basis.
#[inline]
pub fn of_gate(kind: Kind, slot: usize) -> Option<Axis> {
    match kind.bases().get(slot) {
        Some(b'X') => Some(Axis::X),
        Some(b'Y') => Some(Axis::Y),
        Some(b'Z') => Some(Axis::Z),
        _ if kind.is_diagonal() || matches!(kind, Kind::Measure) => Some(Axis::Z),
        _ => None,
    }
}

/// The axis of an instruction's operand `slot`; of noise on one qubit, that of its only error.
#[inline]
pub fn of_op(circuit: &Circuit, op: &Op, slot: usize) -> Option<Axis> {
    if op.kind != Kind::Noise {
        return of_gate(op.kind, slot);
    }
    match circuit.angles(op) {
        [_, 0.0, 0.0] => Some(Axis::X),
        [0.0, _, 0.0] => Some(Axis::Y),
        [0.0, 0.0, _] => Some(Axis::Z),
        _ => None,
    }
}

/// Basis states go to basis states, up to phases.
pub const fn is_monomial(kind: Kind) -> bool {
    use Kind::*;
    kind.is_diagonal() || matches!(kind, Kind::X | Kind::Y | Cnot | Cy | Swap | Iswap | Iswapdg | Toffoli | Cswap)
}

pub fn is_self_inverse(kind: Kind) -> bool {
    kind.is_gate() && kind.n_params() == 0 && kind.inverse() == kind && kind != Kind::Id
}

/// Instructions of this kind with the same operands multiply by adding their one angle.
pub const fn adds(kind: Kind) -> bool {
    kind.is_gate() && kind.n_params() == 1
}

/// Whether two lists of operands name the same gate: exchangeable operands may come in any order.
pub fn same_operands(kind: Kind, a: &[u32; 3], b: &[u32; 3]) -> bool {
    use Kind::*;
    let swapped = a[0] == b[1] && a[1] == b[0] && a[2] == b[2];
    match kind {
        _ if a == b => true,
        Cz | Cp | Rzz | Rxx | Ryy | Swap | Iswap | Iswapdg | Toffoli => swapped,
        Ccz => a.iter().all(|q| b.contains(q)),
        Cswap => a[0] == b[0] && a[1] == b[2] && a[2] == b[1],
        _ => false,
    }
}
