//! Gates on three qubits by six CNOTs, the fewest there are (Shende and Markov, arXiv:0803.2316).

use super::graph::Emit;
use crate::circuit::{Kind, Op};

/// Calls `emit(kind, qubits, angles)` in order. `matrix::split_three` has fewer gates and more CNOTs, which
/// is what simulators want.
pub fn split(op: &Op, emit: &mut Emit) {
    let [a, b, c] = op.q;
    match op.kind {
        Kind::Ccz => {
            for (kind, qubits) in [
                (Kind::Cnot, &[b, c][..]),
                (Kind::Tdg, &[c]),
                (Kind::Cnot, &[a, c]),
                (Kind::T, &[c]),
                (Kind::Cnot, &[b, c]),
                (Kind::Tdg, &[c]),
                (Kind::Cnot, &[a, c]),
                (Kind::T, &[c]),
                (Kind::T, &[b]),
                (Kind::Cnot, &[a, b]),
                (Kind::T, &[a]),
                (Kind::Tdg, &[b]),
                (Kind::Cnot, &[a, b]),
            ] {
                emit(kind, qubits, &[]);
            }
        }
        Kind::Toffoli => {
            emit(Kind::H, &[c], &[]);
            split(&Op { kind: Kind::Ccz, ..*op }, emit);
            emit(Kind::H, &[c], &[]);
        }
        Kind::Cswap => {
            emit(Kind::Cnot, &[c, b], &[]);
            split(&Op { kind: Kind::Toffoli, ..*op }, emit);
            emit(Kind::Cnot, &[c, b], &[]);
        }
        _ => unreachable!("{} is no gate on three qubits", op.kind.name()),
    }
}
