//! Measurements next to each other again: a simulator samples a run of measurements at once.
//!
//! The forward pass writes what is pending on a wire right before its measurement, so the final one-qubit gates of some
//! wires come to stand between the measurements of others.

use crate::circuit::{Circuit, Kind, Op, NONE};

/// Puts measurements off past one-qubit gates of other wires that are in use already.
pub fn gather(circuit: &mut Circuit) {
    let n = circuit.n_qubits as usize;
    let mut used = vec![false; n];
    let mut waits = vec![false; n];
    let mut waiting: Vec<Op> = Vec::new();
    let mut out = Vec::with_capacity(circuit.ops.len());
    for op in std::mem::take(&mut circuit.ops) {
        let wire = op.q[0] as usize;
        if op.kind == Kind::Measure && op.cond == NONE && !waits[wire] {
            waits[wire] = true;
            used[wire] = true;
            waiting.push(op);
            continue;
        }
        let passes = op.kind.is_gate() && op.kind.n_qubits() == 1 && op.cond == NONE && used[wire] && !waits[wire];
        if !passes {
            for op in waiting.drain(..) {
                waits[op.q[0] as usize] = false;
                out.push(op);
            }
            op.qubits().iter().for_each(|&w| used[w as usize] = true);
        }
        out.push(op);
    }
    out.append(&mut waiting);
    circuit.ops = out;
}

/// Puts every measurement that is the last of its wire, and whose outcome no instruction reads, at the end.
pub fn sink(circuit: &mut Circuit) {
    let mut read = vec![false; circuit.n_cbits as usize];
    for cond in &circuit.conds {
        if let crate::circuit::Cond::Bit(c) = cond {
            read[*c as usize] = true;
        }
    }
    for table in &circuit.tables {
        table.inputs.iter().for_each(|&c| read[c as usize] = true);
    }
    let mut later = vec![false; circuit.n_qubits as usize];
    let mut sinks = vec![false; circuit.ops.len()];
    for (at, op) in circuit.ops.iter().enumerate().rev() {
        let last = op.qubits().iter().all(|&w| !later[w as usize]);
        op.qubits().iter().for_each(|&w| later[w as usize] = true);
        let free = op.cbit == NONE || !read[op.cbit as usize];
        sinks[at] = op.kind == Kind::Measure && op.cond == NONE && last && free;
    }
    let ops = std::mem::take(&mut circuit.ops);
    let (mut early, mut late) = (Vec::with_capacity(ops.len()), Vec::new());
    for (op, sinks) in ops.into_iter().zip(sinks) {
        if sinks {
            late.push(op);
        } else {
            early.push(op);
        }
    }
    early.append(&mut late);
    circuit.ops = early;
}
