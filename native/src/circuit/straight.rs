//! Circuits of gates with one read-out at the end: what simulators of a single final state take.

use super::{Circuit, Kind, NONE};

pub struct Straight {
    /// Numbers of the ops that are gates, in order.
    pub gates: Vec<u32>,
    /// (qubit, cbit) of the measurements that somebody looks at.
    pub reads: Vec<(u32, u32)>,
}

/// Refuses, with the reason, what measures before its last gate on a qubit, or has conditions, resets, noise or logic. A
/// reset of a qubit that nothing uses afterwards is nothing.
pub fn straight(circuit: &Circuit) -> Result<Straight, String> {
    let mut looked = vec![0usize; circuit.n_qubits as usize];
    for (at, op) in circuit.ops.iter().enumerate().filter(|(_, op)| op.kind != Kind::Reset) {
        op.qubits().iter().for_each(|&q| looked[q as usize] = at);
    }
    let mut measured = vec![false; circuit.n_qubits as usize];
    let mut out = Straight { gates: Vec::with_capacity(circuit.ops.len()), reads: Vec::new() };
    for (at, op) in circuit.ops.iter().enumerate() {
        if op.kind == Kind::Reset && looked[op.q[0] as usize] < at {
            continue; // nobody sees what it does
        }
        let name = op.kind.name();
        if op.cond != NONE {
            return Err(format!("op {at} ({name}) depends on a measurement"));
        }
        if let Some(&qubit) = op.qubits().iter().find(|&&q| measured[q as usize]) {
            return Err(format!("op {at} ({name}) uses qubit {qubit} after its measurement"));
        }
        match op.kind {
            Kind::Measure => {
                measured[op.q[0] as usize] = true;
                if op.cbit != NONE {
                    out.reads.push((op.q[0], op.cbit));
                }
            }
            Kind::Reset | Kind::Noise | Kind::Noise2 | Kind::Logic => return Err(format!("op {at} is a {name}")),
            _ => out.gates.push(at as u32),
        }
    }
    Ok(out)
}
