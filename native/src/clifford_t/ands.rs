//! Toffoli gates as temporary ANDs: four T gates to compute one, none to uncompute it.
//!
//! An ancilla in |0> gets the AND of two controls for four T gates and gives it to any number of targets by CNOT gates.
//! It is uncomputed by a measurement in the X basis and a CZ on the controls where it reads 1 (Gidney, Quantum 2, 74
//! (2018)). Toffoli gates with the same controls share an ancilla for as long as nothing changes the controls: a
//! Toffoli gate and the one that undoes it take four T gates together.

use super::fold::copy;
use crate::circuit::{Circuit, Cond, Kind, Op, NONE};

/// A run of Toffoli gates with the same controls.
struct Shared {
    controls: [u32; 2],
    first: usize,
    last: usize,
    gates: usize,
}

/// The circuit with temporary ANDs, for controls that at least `least` gates share, and the number of ancillae.
pub fn with_ands(circuit: &Circuit, least: usize) -> (Circuit, usize) {
    let shared: Vec<Shared> = runs(circuit).into_iter().filter(|run| run.gates >= least).collect();
    let mut starts = vec![None; circuit.ops.len()];
    shared.iter().enumerate().for_each(|(at, run)| starts[run.first] = Some(at));
    let mut out = Circuit { ops: Vec::with_capacity(2 * circuit.ops.len()), params: Vec::new(), ..circuit.clone() };
    let mut free: Vec<u32> = Vec::new();
    let mut alive: Vec<(usize, u32)> = Vec::new();
    for (at, op) in circuit.ops.iter().enumerate() {
        if let Some(run) = starts[at] {
            let ancilla = free.pop().unwrap_or_else(|| {
                out.n_qubits += 1;
                out.n_qubits - 1
            });
            compute(&mut out, shared[run].controls, ancilla);
            alive.push((run, ancilla));
        }
        let own = controls(op).and_then(|key| alive.iter().position(|&(run, _)| shared[run].controls == key));
        let Some(place) = own else {
            copy(&mut out, circuit, op);
            continue;
        };
        let (run, ancilla) = alive[place];
        let kind = if op.kind == Kind::Ccz { Kind::Cz } else { Kind::Cnot };
        out.push_gate(kind, &[ancilla, op.q[2]], &[]);
        if shared[run].last == at {
            uncompute(&mut out, shared[run].controls, ancilla);
            alive.swap_remove(place);
            free.push(ancilla);
        }
    }
    let ancillae = (out.n_qubits - circuit.n_qubits) as usize;
    (out, ancillae)
}

/// The controls of a Toffoli gate without a condition, in ascending order; of CCZ the first two operands.
fn controls(op: &Op) -> Option<[u32; 2]> {
    let three = op.cond == NONE && matches!(op.kind, Kind::Toffoli | Kind::Ccz);
    three.then(|| [op.q[0].min(op.q[1]), op.q[0].max(op.q[1])])
}

/// Gates with the same controls, between which both controls keep their values.
fn runs(circuit: &Circuit) -> Vec<Shared> {
    let mut found: Vec<Shared> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (at, op) in circuit.ops.iter().enumerate() {
        let own = controls(op);
        let keeps = |slot: usize| op.kind.is_gate() && op.kind.bases().get(slot) == Some(&b'Z');
        for (slot, wire) in op.qubits().iter().enumerate().filter(|&(slot, _)| !keeps(slot)) {
            debug_assert!(slot < 3);
            open.retain(|&run| !found[run].controls.contains(wire));
        }
        let Some(key) = own else { continue };
        match open.iter().find(|&&run| found[run].controls == key) {
            Some(&run) => {
                found[run].last = at;
                found[run].gates += 1;
            }
            None => {
                open.push(found.len());
                found.push(Shared { controls: key, first: at, last: at, gates: 1 });
            }
        }
    }
    found
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
