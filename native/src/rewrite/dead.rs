//! Dead code: from back to front, what no shown cbit can tell apart from nothing (the light cone of the outcomes).
//!
//! After the point where it stands, a wire is `Unseen` (traced out), `Populations` (only its Z populations count: all
//! that follows is diagonal on it, permutes basis states that are then only measured, or measures it), or `Seen`.

use super::axis::{self, Axis};
use crate::circuit::{Circuit, Cond, Kind, Op, NONE};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    Unseen,
    Populations,
    Seen,
}

/// Which cbits something reads: those of registers, and, of what is alive, conditions and tables.
struct Live {
    bits: Vec<bool>,
    conds: Vec<bool>,
}

impl Live {
    fn read(&mut self, conds: &[Cond], cond: u32) {
        if cond == NONE || std::mem::replace(&mut self.conds[cond as usize], true) {
            return;
        }
        match &conds[cond as usize] {
            Cond::Bit(c) => self.bits[*c as usize] = true,
            Cond::Not(a) => self.read(conds, *a),
            Cond::And(all) | Cond::Or(all) | Cond::Xor(all) => all.iter().for_each(|&a| self.read(conds, a)),
        }
    }
}

/// Removes what nothing reads; gives how many instructions went. `keep_cbits`: every cbit is read.
pub fn remove_dead(circuit: &mut Circuit, keep_cbits: bool) -> usize {
    let mut live = Live { bits: vec![keep_cbits; circuit.n_cbits as usize], conds: vec![false; circuit.conds.len()] };
    for &cbit in circuit.registers.iter().flat_map(|r| r.cbits.iter()).filter(|&&c| c != NONE) {
        live.bits[cbit as usize] = true;
    }
    let mut uses = vec![Use::Unseen; circuit.n_qubits as usize];
    let before = circuit.ops.len();
    let mut ops = std::mem::take(&mut circuit.ops);
    let mut kept = ops.len();
    for at in (0..ops.len()).rev() {
        let mut op = ops[at];
        if keeps(circuit, &mut op, &mut live, &mut uses) {
            live.read(&circuit.conds, op.cond);
            kept -= 1;
            ops[kept] = op;
        }
    }
    ops.drain(..kept);
    circuit.ops = ops;
    before - circuit.ops.len()
}

/// Whether an instruction is alive; updates what is used before it.
fn keeps(circuit: &Circuit, op: &mut Op, live: &mut Live, uses: &mut [Use]) -> bool {
    match op.kind {
        Kind::Logic => {
            if !live.bits[op.cbit as usize] {
                return false;
            }
            for &c in circuit.tables[op.param as usize].inputs.iter() {
                live.bits[c as usize] = true;
            }
            true
        }
        Kind::Measure => {
            let wire = &mut uses[op.q[0] as usize];
            if op.cbit != NONE && !live.bits[op.cbit as usize] {
                op.cbit = NONE;
            }
            if op.cbit == NONE && *wire < Use::Seen {
                return false;
            }
            if op.cond == NONE || *wire < Use::Seen {
                *wire = Use::Populations;
            }
            true
        }
        Kind::Reset => {
            let wire = &mut uses[op.q[0] as usize];
            if *wire == Use::Unseen {
                return false;
            }
            *wire = if op.cond == NONE { Use::Unseen } else { Use::Seen };
            true
        }
        Kind::Noise => {
            let wire = uses[op.q[0] as usize];
            wire == Use::Seen || (wire == Use::Populations && axis::of_op(circuit, op, 0) != Some(Axis::Z))
        }
        Kind::Noise2 => op.qubits().iter().any(|&q| uses[q as usize] != Use::Unseen),
        kind => gate(kind, op.qubits(), uses),
    }
}

fn gate(kind: Kind, wires: &[u32], uses: &mut [Use]) -> bool {
    let diagonal = |slot: usize| axis::of_gate(kind, slot) == Some(Axis::Z);
    let unseen = |slot: usize, wire: u32| match uses[wire as usize] {
        Use::Unseen => true,
        Use::Populations => diagonal(slot),
        Use::Seen => false,
    };
    if wires.iter().enumerate().all(|(slot, &wire)| unseen(slot, wire)) {
        return false;
    }
    let coherent = wires.iter().any(|&wire| uses[wire as usize] == Use::Seen) || !axis::is_monomial(kind);
    for (slot, &wire) in wires.iter().enumerate() {
        let to = if coherent && !diagonal(slot) { Use::Seen } else { Use::Populations };
        uses[wire as usize] = uses[wire as usize].max(to);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Register;

    #[test]
    fn only_the_cone_of_what_is_shown_stays() {
        let mut circuit = Circuit { n_qubits: 3, n_cbits: 2, ..Circuit::default() };
        circuit.registers = vec![Register { name: "c".into(), cbits: [0].into(), descending: false }];
        circuit.push_gate(Kind::H, &[0], &[]);
        circuit.push_gate(Kind::Cnot, &[0, 1], &[]);
        circuit.push_gate(Kind::T, &[0], &[]);
        circuit.push_gate(Kind::H, &[2], &[]);
        circuit.ops.push(Op::measure(0, 0));
        circuit.ops.push(Op::measure(2, 1));
        assert_eq!(remove_dead(&mut circuit, false), 4);
        assert_eq!(circuit.ops.iter().map(|op| op.kind).collect::<Vec<_>>(), [Kind::H, Kind::Measure]);
    }
}
