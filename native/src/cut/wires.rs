//! A circuit as gates on at most two wires, with what each of them leaves diagonal.
//!
//! An exchange of two qubits is another numbering of wires. Gates on three qubits are written as gates on two.
//!
//! An *epoch* of a wire is a run of gates that are all diagonal in one basis of it. During an epoch the wire's value in
//! that basis does not change, so all gates of the epoch together are a sum over its two values.

use std::collections::HashSet;

use crate::circuit::matrix::split_three;
use crate::circuit::{straight, Circuit, Kind, NONE};

/// The basis in which a gate is diagonal on one of its wires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    Z,
    X,
    Y,
    None,
}

#[derive(Clone, Copy, Debug)]
pub struct Gate {
    pub kind: Kind,
    /// The second is NONE for a gate on one wire.
    pub wires: [u32; 2],
    pub angles: [f64; 3],
    pub bases: [Basis; 2],
    /// The epochs of the wires, NONE where the gate is diagonal in no basis.
    pub epochs: [u32; 2],
}

/// Two wires that gates connect, in one pair of their epochs. At least one epoch is not NONE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    pub wires: [u32; 2],
    pub epochs: [u32; 2],
}

pub struct Wires {
    pub n: usize,
    pub gates: Vec<Gate>,
    /// Pairs, each once.
    pub edges: Vec<Edge>,
    /// The qubit that ends on each wire.
    pub qubit_of: Vec<u32>,
    /// (wire, cbit)
    pub reads: Vec<(u32, u32)>,
}

impl Wires {
    /// Refuses, with the reason, what is not gates with one read-out.
    pub fn of(circuit: &Circuit) -> Result<Wires, String> {
        let found = straight(circuit)?;
        let n = circuit.n_qubits as usize;
        let mut reader = Reader {
            wire_of: (0..n as u32).collect(),
            epoch: vec![(Basis::None, NONE); n],
            epochs: 0,
            gates: Vec::with_capacity(found.gates.len()),
        };
        for &at in &found.gates {
            let op = &circuit.ops[at as usize];
            match op.qubits().len() {
                3 => split_three(op, &mut |kind, qubits, angles| reader.take(kind, qubits, angles)),
                _ => reader.take(op.kind, op.qubits(), circuit.angles(op)),
            }
        }
        let Reader { wire_of, gates, .. } = reader;
        let mut seen = HashSet::new();
        let edges = gates
            .iter()
            .filter(|gate| gate.wires[1] != NONE)
            .map(|gate| Edge { wires: gate.wires, epochs: gate.epochs })
            .filter(|edge| seen.insert(*edge))
            .collect();
        let reads = found.reads.iter().map(|&(qubit, cbit)| (wire_of[qubit as usize], cbit)).collect();
        let mut qubit_of = vec![0; n];
        wire_of.iter().enumerate().for_each(|(qubit, &wire)| qubit_of[wire as usize] = qubit as u32);
        Ok(Wires { n, gates, edges, qubit_of, reads })
    }
}

struct Reader {
    wire_of: Vec<u32>,
    epoch: Vec<(Basis, u32)>,
    epochs: u32,
    gates: Vec<Gate>,
}

impl Reader {
    fn take(&mut self, kind: Kind, qubits: &[u32], angles: &[f64]) {
        match kind {
            Kind::Id => return,
            Kind::Swap => return self.wire_of.swap(qubits[0] as usize, qubits[1] as usize),
            // iSWAP = (S x S) CZ SWAP
            Kind::Iswap | Kind::Iswapdg => {
                let turn = if kind == Kind::Iswap { Kind::S } else { Kind::Sdg };
                self.wire_of.swap(qubits[0] as usize, qubits[1] as usize);
                self.take(Kind::Cz, qubits, &[]);
                return qubits.iter().for_each(|&q| self.take(turn, &[q], &[]));
            }
            _ => {}
        }
        let mut gate = Gate { kind, wires: [NONE; 2], angles: [0.0; 3], bases: [Basis::None; 2], epochs: [NONE; 2] };
        gate.angles[..angles.len()].copy_from_slice(angles);
        for (slot, (&qubit, basis)) in qubits.iter().zip(bases(kind)).enumerate() {
            let wire = self.wire_of[qubit as usize];
            let (now, epoch) = &mut self.epoch[wire as usize];
            if basis == Basis::None || basis != *now {
                *now = basis;
                *epoch = self.epochs;
                self.epochs += 1;
            }
            gate.wires[slot] = wire;
            gate.bases[slot] = basis;
            gate.epochs[slot] = if basis == Basis::None { NONE } else { *epoch };
        }
        self.gates.push(gate);
    }
}

fn bases(kind: Kind) -> [Basis; 2] {
    let mut found = [Basis::None; 2];
    for (slot, letter) in found.iter_mut().zip(kind.bases()) {
        *slot = match letter {
            b'X' => Basis::X,
            b'Y' => Basis::Y,
            b'Z' => Basis::Z,
            _ => Basis::None,
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::matrix::{one, product_one, two};
    use crate::circuit::ALL;
    use crate::complex::C64;

    #[test]
    fn a_gate_commutes_with_the_pauli_matrix_of_each_basis_it_is_said_to_be_diagonal_in() {
        let angles = [0.3, 0.7, -1.1];
        let pauli = |basis| match basis {
            Basis::Z => one(Kind::Z, &[]),
            Basis::X => one(Kind::X, &[]),
            Basis::Y => one(Kind::Y, &[]),
            Basis::None => one(Kind::Id, &[]),
        };
        let close = |a: &[C64], b: &[C64]| a.iter().zip(b).all(|(a, b)| (*a - *b).abs() < 1e-12);
        use crate::circuit::matrix::{kron, product_two};
        for &kind in ALL.iter().filter(|kind| kind.is_gate() && kind.n_qubits() < 3) {
            if matches!(kind, Kind::Swap | Kind::Iswap | Kind::Iswapdg) {
                continue;
            }
            let [a, b] = bases(kind).map(pauli);
            if kind.n_qubits() == 1 {
                let u = one(kind, &angles[..kind.n_params()]);
                assert!(close(&product_one(&u, &a), &product_one(&a, &u)), "{}", kind.name());
                continue;
            }
            let u = two(kind, &angles[..kind.n_params()]);
            for p in [kron(&a, &one(Kind::Id, &[])), kron(&one(Kind::Id, &[]), &b)] {
                assert!(close(&product_two(&u, &p), &product_two(&p, &u)), "{}", kind.name());
            }
        }
    }
}
