//! The instructions that a forward pass has written so far, linked along their wires.
//!
//! A new gate looks back along its wires, past whatever commutes with it there, for a gate that it cancels or joins.

use super::axis::{self, Axis};
use crate::circuit::{Circuit, Kind, Op, NONE};

/// How far back to look: a bound on the work, far above what circuits need.
const REACH: usize = 24;

pub struct Emitted {
    /// What was written; `registers`, `conds`, `tables` are filled in at the end.
    pub circuit: Circuit,
    /// Before each operand, the last instruction on the same wire.
    before: Vec<[u32; 3]>,
    removed: Vec<bool>,
    tail: Vec<u32>,
}

impl Emitted {
    pub fn new(n_wires: u32, n_ops: usize) -> Emitted {
        let mut circuit = Circuit { n_qubits: n_wires, ..Circuit::default() };
        circuit.ops.reserve(n_ops);
        Emitted {
            circuit,
            before: Vec::with_capacity(n_ops),
            removed: Vec::with_capacity(n_ops),
            tail: vec![NONE; n_wires as usize],
        }
    }

    pub fn new_wire(&mut self) -> u32 {
        self.tail.push(NONE);
        self.circuit.n_qubits += 1;
        self.circuit.n_qubits - 1
    }

    pub fn push(&mut self, op: Op) {
        let at = self.circuit.ops.len() as u32;
        let mut before = [NONE; 3];
        for (slot, &wire) in op.qubits().iter().enumerate() {
            before[slot] = self.last(wire);
            self.tail[wire as usize] = at;
        }
        self.circuit.ops.push(op);
        self.before.push(before);
        self.removed.push(false);
    }

    pub fn gate(&mut self, kind: Kind, wires: &[u32], angles: &[f64], cond: u32) {
        let mut param = NONE;
        if kind.n_params() > 0 {
            param = self.circuit.params.len() as u32;
            self.circuit.params.extend_from_slice(&angles[..kind.n_params()]);
        }
        self.push(Op::gate(kind, wires, param).under(cond));
    }

    /// The last instruction on a wire, or NONE.
    pub fn last(&mut self, wire: u32) -> u32 {
        let mut at = self.tail[wire as usize];
        while at != NONE && self.removed[at as usize] {
            at = self.previous(at, wire);
        }
        self.tail[wire as usize] = at;
        at
    }

    fn previous(&self, at: u32, wire: u32) -> u32 {
        let slot = self.circuit.ops[at as usize].qubits().iter().position(|&q| q == wire);
        slot.map_or(NONE, |slot| self.before[at as usize][slot])
    }

    pub fn op(&self, at: u32) -> &Op {
        &self.circuit.ops[at as usize]
    }

    /// The axis of instruction `at` on one of its wires.
    pub fn axis(&self, at: u32, wire: u32) -> Option<Axis> {
        let op = &self.circuit.ops[at as usize];
        let slot = op.qubits().iter().position(|&q| q == wire)?;
        axis::of_op(&self.circuit, op, slot)
    }

    pub fn remove(&mut self, at: u32) {
        self.removed[at as usize] = true;
    }

    /// Whether instruction `goal` can be brought to the end of `wire` past instructions that share `axis` with it.
    pub fn reaches(&mut self, wire: u32, goal: u32, axis: Option<Axis>) -> bool {
        let mut at = self.last(wire);
        for _ in 0..REACH {
            if at == goal {
                return true;
            }
            if at == NONE || (!self.removed[at as usize] && (axis.is_none() || self.axis(at, wire) != axis)) {
                return false;
            }
            at = self.previous(at, wire);
        }
        false
    }

    /// An earlier instruction of the same kind, operands and condition that nothing between keeps apart.
    pub fn partner(&mut self, kind: Kind, wires: &[u32], cond: u32) -> Option<u32> {
        let mut operands = [NONE; 3];
        operands[..wires.len()].copy_from_slice(wires);
        let axis = axis::of_gate(kind, 0);
        let mut at = self.last(wires[0]);
        for _ in 0..REACH {
            if at == NONE {
                return None;
            }
            let op = &self.circuit.ops[at as usize];
            let alive = !self.removed[at as usize];
            if alive && op.kind == kind && op.cond == cond && axis::same_operands(kind, &operands, &op.q) {
                let rest = &wires[1..];
                let met = rest.iter().enumerate().all(|(k, &w)| self.reaches(w, at, axis::of_gate(kind, k + 1)));
                return met.then_some(at);
            }
            if alive && (axis.is_none() || self.axis(at, wires[0]) != axis) {
                return None;
            }
            at = self.previous(at, wires[0]);
        }
        None
    }

    /// The circuit of what was not removed.
    pub fn finish(self) -> Circuit {
        let mut circuit = self.circuit;
        let mut removed = self.removed.iter();
        circuit.ops.retain(|_| !removed.next().copied().unwrap_or(false));
        circuit
    }
}
