//! Wires to qubits: a qubit is taken at the first instruction of a wire and free again after the last.
//!
//! With `Trace::AtOnce`, a wire that ends in no measurement is traced out there, so that a simulator can forget it, and
//! as few qubits as possible are used. With `Trace::Never` as many qubits may be used as the source has. A qubit that
//! served before is reset when it is taken again.

use crate::circuit::{Circuit, Kind, Op, NONE};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    AtOnce,
    Never,
}

/// Gives every wire a qubit. `origin`: of each wire, the source's qubit that it was.
pub fn assign(circuit: &mut Circuit, origin: &[u32], n_source: u32, trace: Trace) {
    let n = circuit.n_qubits as usize;
    let mut last = vec![NONE; n];
    let mut last_gate = 0;
    for (at, op) in circuit.ops.iter().enumerate() {
        op.qubits().iter().for_each(|&w| last[w as usize] = at as u32);
        if op.kind.is_gate() {
            last_gate = at;
        }
    }
    let mut slots = Slots {
        of: vec![NONE; n],
        home: vec![NONE; n_source as usize],
        dying: Vec::new(),
        is_free: Vec::new(),
        free: Vec::new(),
        spare: if trace == Trace::Never { n_source } else { 0 },
        out: Vec::with_capacity(circuit.ops.len() + n),
    };
    for (at, op) in std::mem::take(&mut circuit.ops).into_iter().enumerate() {
        let mut placed = op;
        for (k, &wire) in op.qubits().iter().enumerate() {
            placed.q[k] = slots.take(wire, origin[wire as usize]);
        }
        if op.kind.is_gate() {
            slots.trace_out();
        }
        slots.out.push(placed);
        for &wire in op.qubits().iter().filter(|&&w| last[w as usize] == at as u32) {
            let qubit = slots.of[wire as usize];
            let measured = op.kind == Kind::Measure && op.cond == NONE;
            if trace == Trace::AtOnce && at < last_gate && !measured {
                slots.dying.push(qubit);
            } else {
                slots.release(qubit);
            }
        }
    }
    circuit.ops = slots.out;
    circuit.n_qubits = slots.is_free.len() as u32;
}

struct Slots {
    of: Vec<u32>,
    /// The qubit that a qubit of the source was given last.
    home: Vec<u32>,
    /// Not traced out yet: if taken again at once, the reset does it.
    dying: Vec<u32>,
    is_free: Vec<bool>,
    /// Free qubits, some of which were taken since.
    free: Vec<u32>,
    /// How many qubits may be taken anew before others are taken again.
    spare: u32,
    out: Vec<Op>,
}

impl Slots {
    fn take(&mut self, wire: u32, origin: u32) -> u32 {
        if self.of[wire as usize] != NONE {
            return self.of[wire as usize];
        }
        let qubit = match self.again(self.home[origin as usize]) {
            Some(old) => {
                self.out.push(Op::reset(old));
                old
            }
            None => {
                self.is_free.push(false);
                self.is_free.len() as u32 - 1
            }
        };
        self.is_free[qubit as usize] = false;
        self.home[origin as usize] = qubit;
        self.of[wire as usize] = qubit;
        qubit
    }

    /// A qubit that served before: best the one where the source had it.
    fn again(&mut self, home: u32) -> Option<u32> {
        if home != NONE && self.is_free[home as usize] {
            return Some(home);
        }
        if (self.is_free.len() as u32) < self.spare {
            return None;
        }
        if let Some(dying) = self.dying.pop() {
            return Some(dying);
        }
        while let Some(free) = self.free.pop() {
            if self.is_free[free as usize] {
                return Some(free);
            }
        }
        None
    }

    fn release(&mut self, qubit: u32) {
        self.is_free[qubit as usize] = true;
        self.free.push(qubit);
    }

    fn trace_out(&mut self) {
        for qubit in std::mem::take(&mut self.dying) {
            self.out.push(Op::measure(qubit, NONE));
            self.release(qubit);
        }
    }
}
