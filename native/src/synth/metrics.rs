//! What a circuit takes: the figures of a compiler's report.

use std::f64::consts::FRAC_PI_4;

use crate::circuit::{Circuit, Kind};

/// Within this of a multiple of pi/4, an angle is one.
const NEAR: f64 = 1e-9;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Qubits that some instruction uses.
    pub qubits: usize,
    /// Gates, those under conditions counted as if they ran; the identity is none.
    pub gates: usize,
    /// Gates, measurements and resets one after the other.
    pub depth: usize,
    /// A SWAP counts as three and a gate on three qubits as six.
    pub two_qubit_gates: usize,
    pub two_qubit_depth: usize,
    /// T gates, and rotations about an axis by odd multiples of pi/4; a gate on three qubits counts as seven.
    pub t_count: usize,
    pub t_depth: usize,
    /// Gates with angles that are no multiple of pi/4.
    pub rotations: usize,
    pub measurements: usize,
    pub one_qubit_gates: usize,
}

#[derive(Clone, Copy, Default)]
struct Wire {
    depth: usize,
    two: usize,
    t: usize,
    used: bool,
}

pub fn metrics(circuit: &Circuit) -> Metrics {
    let mut wires = vec![Wire::default(); circuit.n_qubits as usize];
    let mut made = Metrics::default();
    for op in &circuit.ops {
        if op.kind == Kind::Id || op.qubits().is_empty() || matches!(op.kind, Kind::Noise | Kind::Noise2) {
            continue;
        }
        let two = match op.kind {
            Kind::Swap => 3,
            _ => [0, 0, 1, 6][op.kind.n_qubits()],
        };
        let t = t_gates(op.kind, circuit.angles(op), &mut made.rotations);
        let over = op.qubits().iter().map(|&q| wires[q as usize]).fold(Wire::default(), |a, b| Wire {
            depth: a.depth.max(b.depth),
            two: a.two.max(b.two),
            t: a.t.max(b.t),
            used: true,
        });
        let after = Wire { depth: over.depth + 1, two: over.two + two, t: over.t + (t > 0) as usize, used: true };
        op.qubits().iter().for_each(|&q| wires[q as usize] = after);
        made.two_qubit_gates += two;
        made.t_count += t;
        made.gates += op.kind.is_gate() as usize;
        made.one_qubit_gates += (op.kind.is_gate() && two == 0) as usize;
        made.measurements += (op.kind == Kind::Measure) as usize;
    }
    made.qubits = wires.iter().filter(|wire| wire.used).count();
    made.depth = wires.iter().map(|wire| wire.depth).max().unwrap_or(0);
    made.two_qubit_depth = wires.iter().map(|wire| wire.two).max().unwrap_or(0);
    made.t_depth = wires.iter().map(|wire| wire.t).max().unwrap_or(0);
    made
}

/// T gates of one gate; what is no multiple of pi/4 adds to `rotations`.
fn t_gates(kind: Kind, angles: &[f64], rotations: &mut usize) -> usize {
    if matches!(kind, Kind::T | Kind::Tdg) {
        return 1;
    }
    if kind.n_qubits() == 3 {
        return 7;
    }
    // a rotation by an angle of the gate's own generator: controlled ones turn by half of it
    let unit = if matches!(kind, Kind::Cp | Kind::Crx | Kind::Cry | Kind::Crz) { 2.0 * FRAC_PI_4 } else { FRAC_PI_4 };
    let mut count = 0;
    for angle in angles {
        let whole = (angle / unit).round();
        if (angle - whole * unit).abs() > NEAR {
            *rotations += 1;
            return 0;
        }
        count += (whole.rem_euclid(2.0) == 1.0) as usize;
    }
    count
}
