//! Gates on copies that have done less so far, where any two qubits are coupled: a chain of CNOTs from |0> becomes a tree.

use super::copies::Copies;
use super::graph::{basis_of_one, basis_of_two};
use crate::circuit::{matrix, Circuit, Kind, NONE};

/// The same circuit with gates that are diagonal on a qubit on the copy of it that gives the least depth in two-qubit gates.
pub fn spread(source: &Circuit) -> Circuit {
    let n = source.n_qubits as usize;
    let mut made = source.clone();
    let mut copies = Copies::new(n);
    let mut depths = vec![0u32; n];
    for op in &mut made.ops {
        let plain = op.kind.is_gate() && op.cond == NONE;
        match *op.qubits() {
            [q] => {
                let diagonal = plain && basis_of_one(&matrix::one(op.kind, source.angles(op))) == b'Z';
                copies.act([q, NONE], [diagonal, false], None);
            }
            [a, b] if plain => {
                let u = matrix::two(op.kind, source.angles(op));
                let diagonal = [2, 1].map(|mask| basis_of_two(&u, mask) == b'Z');
                let of = |wire: u32, free: bool| if free { copies.of(wire) } else { &[] };
                let first = of(a, diagonal[0]).iter().map(|&copy| (copy, b));
                let second = of(b, diagonal[1]).iter().map(|&copy| (a, copy));
                let others = first.chain(second).filter(|(a, b)| a != b);
                let depth = |&(a, b): &(u32, u32)| depths[a as usize].max(depths[b as usize]);
                let (a, b) = std::iter::once((a, b)).chain(others).min_by_key(depth).unwrap_or((a, b));
                let after = depth(&(a, b)) + 1;
                (op.q[0], op.q[1]) = (a, b);
                (depths[a as usize], depths[b as usize]) = (after, after);
                copies.act([a, b], diagonal, (op.kind == Kind::Cnot).then_some((a, b)));
            }
            ref qubits => {
                let last = qubits.iter().map(|&q| depths[q as usize]).max().unwrap_or(0);
                for &q in qubits {
                    copies.act([q, NONE], [false; 2], None);
                    depths[q as usize] = last + 1;
                }
            }
        }
    }
    made
}
