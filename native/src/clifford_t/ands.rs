//! Toffoli gates as temporary ANDs: four T gates to compute one, none to uncompute it.
//!
//! An ancilla in |0> gets the AND of two controls for four T gates and gives it to any number of targets by CNOT gates.
//! It is uncomputed by a measurement in the X basis and a CZ on the controls where it reads 1 (Gidney, Quantum 2, 74
//! (2018)). Toffoli gates whose controls have the same values share an ancilla, whatever the controls were in
//! between: a Toffoli gate and the one that undoes it take four T gates together.

use std::collections::HashMap;

use super::fold::copy;
use crate::circuit::{Circuit, Cond, Kind, Op, NONE};

/// Toffoli gates whose controls have the same values.
struct Shared {
    first: usize,
    last: usize,
    gates: usize,
}

/// The circuit with temporary ANDs, for values that at least `least` gates share, and the number of ancillae.
pub fn with_ands(circuit: &Circuit, least: usize) -> (Circuit, usize) {
    let (shared, of_op) = runs(circuit);
    let mut out = Circuit { ops: Vec::with_capacity(2 * circuit.ops.len()), params: Vec::new(), ..circuit.clone() };
    let mut free: Vec<u32> = Vec::new();
    let mut ancilla_of = vec![NONE; shared.len()];
    for (at, op) in circuit.ops.iter().enumerate() {
        let Some(run) = of_op[at].filter(|&run| shared[run].gates >= least) else {
            copy(&mut out, circuit, op);
            continue;
        };
        let controls = [op.q[0], op.q[1]];
        if shared[run].first == at {
            let ancilla = free.pop().unwrap_or(out.n_qubits);
            out.n_qubits = out.n_qubits.max(ancilla + 1);
            compute(&mut out, controls, ancilla);
            ancilla_of[run] = ancilla;
        }
        let ancilla = ancilla_of[run];
        let kind = if op.kind == Kind::Ccz { Kind::Cz } else { Kind::Cnot };
        out.push_gate(kind, &[ancilla, op.q[2]], &[]);
        if shared[run].last == at {
            uncompute(&mut out, controls, ancilla);
            free.push(ancilla);
        }
    }
    let ancillae = (out.n_qubits - circuit.n_qubits) as usize;
    (out, ancillae)
}

/// A sum of variables modulo 2, in ascending order; `ONE` stands for the constant 1.
pub type Value = Vec<u32>;

pub const ONE: u32 = 0;

/// Longer sums count as new variables: they keep the time linear.
const TERMS: usize = 64;

/// What wires hold in terms of variables: the bits at the start, ANDs, and whatever else a gate may make.
pub struct Values {
    pub wires: Vec<Value>,
    variables: u32,
    ands: HashMap<(Value, Value), u32>,
}

impl Values {
    /// A variable of its own on each wire.
    pub fn new(n_qubits: u32) -> Values {
        Values { wires: (1..=n_qubits).map(|q| vec![q]).collect(), variables: n_qubits, ands: HashMap::new() }
    }

    fn fresh(&mut self) -> u32 {
        self.variables += 1;
        self.variables
    }

    fn add(&mut self, wire: u32, other: &[u32]) {
        let mut sum = self.wires[wire as usize].clone();
        for &term in other {
            match sum.binary_search(&term) {
                Ok(at) => drop(sum.remove(at)),
                Err(at) => sum.insert(at, term),
            }
        }
        self.wires[wire as usize] = if sum.len() > TERMS { vec![self.fresh()] } else { sum };
    }

    /// The variable that is the AND of two wires.
    fn and(&mut self, a: u32, b: u32) -> u32 {
        let [a, b] = [a, b].map(|wire| self.wires[wire as usize].clone());
        let key = if a <= b { (a, b) } else { (b, a) };
        if let Some(&known) = self.ands.get(&key) {
            return known;
        }
        let made = self.fresh();
        self.ands.insert(key, made);
        made
    }

    pub fn gate(&mut self, op: &Op) {
        let [a, b, c] = op.q;
        let plain = op.cond == NONE;
        match op.kind {
            Kind::X if plain => self.add(a, &[ONE]),
            Kind::Cnot if plain => {
                let control = self.wires[a as usize].clone();
                self.add(b, &control);
            }
            Kind::Toffoli if plain => {
                let and = self.and(a, b);
                self.add(c, &[and]);
            }
            Kind::Swap if plain => self.wires.swap(a as usize, b as usize),
            kind => {
                for (slot, &wire) in op.qubits().iter().enumerate() {
                    let keeps = kind == Kind::Measure || kind.bases().get(slot) == Some(&b'Z') || kind == Kind::Id;
                    if !keeps {
                        self.wires[wire as usize] = vec![self.fresh()];
                    }
                }
            }
        }
    }
}

/// The ANDs of a circuit, and which one each op takes.
fn runs(circuit: &Circuit) -> (Vec<Shared>, Vec<Option<usize>>) {
    let mut values = Values::new(circuit.n_qubits);
    let mut found: Vec<Shared> = Vec::new();
    let mut run_of: HashMap<u32, usize> = HashMap::new();
    let mut of_op = vec![None; circuit.ops.len()];
    for (at, op) in circuit.ops.iter().enumerate() {
        if op.cond != NONE || !matches!(op.kind, Kind::Toffoli | Kind::Ccz) {
            values.gate(op);
            continue;
        }
        let and = values.and(op.q[0], op.q[1]);
        let run = *run_of.entry(and).or_insert(found.len());
        if run == found.len() {
            found.push(Shared { first: at, last: at, gates: 0 });
        }
        found[run].last = at;
        found[run].gates += 1;
        of_op[at] = Some(run);
        values.gate(op);
    }
    (found, of_op)
}

/// The AND of two controls on an ancilla in |0>: a doubly controlled -iX with four T gates, and S to undo its phase.
fn compute(out: &mut Circuit, [a, b]: [u32; 2], ancilla: u32) {
    let t = ancilla;
    out.push_gate(Kind::H, &[t], &[]);
    for (control, turn) in [(b, Kind::Tdg), (a, Kind::T), (b, Kind::Tdg), (a, Kind::T)] {
        out.push_gate(Kind::Cnot, &[control, t], &[]);
        out.push_gate(turn, &[t], &[]);
    }
    out.push_gate(Kind::H, &[t], &[]);
    out.push_gate(Kind::S, &[t], &[]);
}

/// Measured in the X basis, the ancilla leaves a CZ on its controls where it reads 1.
fn uncompute(out: &mut Circuit, [a, b]: [u32; 2], ancilla: u32) {
    let cbit = out.n_cbits;
    out.n_cbits += 1;
    out.push_gate(Kind::H, &[ancilla], &[]);
    out.ops.push(Op::measure(ancilla, cbit));
    let cond = out.push_cond(Cond::Bit(cbit));
    out.ops.push(Op::gate(Kind::Cz, &[a, b], NONE).under(cond));
    out.ops.push(Op::reset(ancilla));
}
