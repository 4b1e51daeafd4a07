//! What a circuit of Clifford gates and rotations costs on a machine that corrects errors.

use super::angle::Angle;
use crate::circuit::{Circuit, Kind};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// T and Tdg gates, and rotations by odd multiples of pi/4.
    pub t: usize,
    /// Rotations that need synthesis.
    pub rotations: usize,
    /// T gates and rotations one after the other, at most, on any path through the circuit.
    pub t_depth: usize,
    /// Gates on two qubits; a SWAP is three.
    pub two_qubit: usize,
    pub measurements: usize,
    pub ops: usize,
}

/// Of a circuit as `lower` leaves it. `tolerance`: see `Angle`.
pub fn counts(circuit: &Circuit, tolerance: f64) -> Counts {
    let mut found = Counts { ops: circuit.ops.len(), ..Counts::default() };
    let mut depth = vec![0usize; circuit.n_qubits as usize];
    let mut known = vec![0usize; circuit.n_cbits as usize];
    for op in &circuit.ops {
        let mut here = op.qubits().iter().map(|&q| depth[q as usize]).max().unwrap_or(0);
        circuit.cond_bits(op.cond, &mut |c| here = here.max(known[c as usize]));
        if op.kind == Kind::Logic {
            let inputs = circuit.tables[op.param as usize].inputs.iter();
            here = inputs.map(|&c| known[c as usize]).max().unwrap_or(0);
        }
        if let Some(angle) = Angle::of_gate(op.kind, circuit.angles(op), tolerance) {
            found.rotations += angle.is_free() as usize;
            found.t += (!angle.is_free() && !angle.is_clifford()) as usize;
            here += !angle.is_clifford() as usize;
        }
        found.two_qubit += match op.kind {
            Kind::Swap => 3,
            kind => (kind.is_gate() && kind.n_qubits() == 2) as usize,
        };
        found.measurements += (op.kind == Kind::Measure) as usize;
        op.qubits().iter().for_each(|&q| depth[q as usize] = here);
        if let Some(bit) = known.get_mut(op.cbit as usize) {
            *bit = here;
        }
        found.t_depth = found.t_depth.max(here);
    }
    found
}
