//! Wires to qubits: a qubit is taken at the first instruction of a wire and free again after the last.
//!
//! A wire that ends in no measurement is traced out there, so that a simulator can forget it; a qubit that served
//! before is reset when it is taken again.

use crate::circuit::{Circuit, Kind, Op, NONE};

/// Gives every wire a qubit; the number of qubits is the most that are alive at a time.
pub fn assign(circuit: &mut Circuit) {
    let n = circuit.n_qubits as usize;
    let mut last = vec![NONE; n];
    let mut last_gate = 0;
    for (at, op) in circuit.ops.iter().enumerate() {
        op.qubits().iter().for_each(|&w| last[w as usize] = at as u32);
        if op.kind.is_gate() {
            last_gate = at;
        }
    }
    let mut slot = vec![NONE; n];
    let mut free: Vec<u32> = Vec::new();
    let mut used = 0;
    let mut out = Vec::with_capacity(circuit.ops.len() + n);
    for (at, op) in std::mem::take(&mut circuit.ops).into_iter().enumerate() {
        let wires = op.qubits();
        let mut placed = op;
        for (k, &wire) in wires.iter().enumerate() {
            if slot[wire as usize] == NONE {
                slot[wire as usize] = match free.pop() {
                    Some(old) => {
                        out.push(Op::reset(old));
                        old
                    }
                    None => {
                        used += 1;
                        used - 1
                    }
                };
            }
            placed.q[k] = slot[wire as usize];
        }
        out.push(placed);
        for &wire in wires.iter().filter(|&&w| last[w as usize] == at as u32) {
            let qubit = slot[wire as usize];
            if at < last_gate && !(op.kind == Kind::Measure && op.cond == NONE) {
                out.push(Op::measure(qubit, NONE));
            }
            free.push(qubit);
        }
    }
    circuit.ops = out;
    circuit.n_qubits = used;
}
