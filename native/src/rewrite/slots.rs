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
    let mut slots = Slots { of: vec![NONE; n], dying: Vec::new(), free: Vec::new(), used: 0, out: Vec::new() };
    slots.out.reserve(circuit.ops.len() + n);
    for (at, op) in std::mem::take(&mut circuit.ops).into_iter().enumerate() {
        let mut placed = op;
        for (k, &wire) in op.qubits().iter().enumerate() {
            placed.q[k] = slots.take(wire);
        }
        if op.kind.is_gate() {
            slots.trace_out();
        }
        slots.out.push(placed);
        for &wire in op.qubits().iter().filter(|&&w| last[w as usize] == at as u32) {
            let qubit = slots.of[wire as usize];
            if at < last_gate && !(op.kind == Kind::Measure && op.cond == NONE) {
                slots.dying.push(qubit);
            } else {
                slots.free.push(qubit);
            }
        }
    }
    circuit.ops = slots.out;
    circuit.n_qubits = slots.used;
}

struct Slots {
    of: Vec<u32>,
    /// Not traced out yet: if taken again at once, the reset does it.
    dying: Vec<u32>,
    free: Vec<u32>,
    used: u32,
    out: Vec<Op>,
}

impl Slots {
    fn take(&mut self, wire: u32) -> u32 {
        if self.of[wire as usize] == NONE {
            self.of[wire as usize] = match self.dying.pop().or_else(|| self.free.pop()) {
                Some(old) => {
                    self.out.push(Op::reset(old));
                    old
                }
                None => {
                    self.used += 1;
                    self.used - 1
                }
            };
        }
        self.of[wire as usize]
    }

    fn trace_out(&mut self) {
        for qubit in self.dying.drain(..) {
            self.out.push(Op::measure(qubit, NONE));
            self.free.push(qubit);
        }
    }
}
