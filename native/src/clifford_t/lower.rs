//! Every gate as Clifford gates and rotations about Z.
//!
//! Of a gate under a condition, only what makes it differ from the identity stays under the condition: without its
//! rotations, the Clifford gates around them cancel. Its phase is lost, which nothing shows: a condition is classical.

use std::f64::consts::FRAC_PI_2;

use crate::circuit::{Circuit, Kind, Op, NONE};

/// The circuit with gates H, S, Sdg, X, Y, Z, T, Tdg, RZ, CNOT, CZ and SWAP only; all else as it was.
pub fn lowered(circuit: &Circuit) -> Circuit {
    let mut out = Circuit { ops: Vec::with_capacity(2 * circuit.ops.len()), params: Vec::new(), ..circuit.clone() };
    for op in &circuit.ops {
        let angles = circuit.angles(op);
        if op.kind.is_gate() {
            Writer { out: &mut out, cond: op.cond }.gate(op.kind, op.q, angles);
        } else {
            let mut kept = *op;
            if !angles.is_empty() {
                kept.param = out.params.len() as u32;
                out.params.extend_from_slice(angles);
            }
            out.ops.push(kept);
        }
    }
    out
}

struct Writer<'a> {
    out: &'a mut Circuit,
    cond: u32,
}

impl Writer<'_> {
    /// Always, whatever the condition of the gate.
    fn always(&mut self, kind: Kind, qubits: &[u32]) {
        self.out.push_gate(kind, qubits, &[]);
    }

    /// Under the condition of the gate.
    fn under(&mut self, kind: Kind, qubits: &[u32]) {
        self.out.ops.push(Op::gate(kind, qubits, NONE).under(self.cond));
    }

    fn turn(&mut self, qubit: u32, angle: f64) {
        let op = Op::gate(Kind::Rz, &[qubit], self.out.params.len() as u32).under(self.cond);
        self.out.params.push(angle);
        self.out.ops.push(op);
    }

    fn cnot(&mut self, control: u32, target: u32) {
        self.always(Kind::Cnot, &[control, target]);
    }

    fn gate(&mut self, kind: Kind, q: [u32; 3], angles: &[f64]) {
        use Kind::*;
        let [a, b, _] = q;
        match kind {
            Id => (),
            X | Y | Z | H | S | Sdg | T | Tdg => self.under(kind, &[a]),
            Cnot | Cz | Swap => self.under(kind, &[a, b]),
            Sx => self.between(&[H], a, &[H], |w| w.under(S, &[a])),
            Sxdg => self.between(&[H], a, &[H], |w| w.under(Sdg, &[a])),
            Rz | P => self.turn(a, angles[0]),
            Rx => self.between(&[H], a, &[H], |w| w.turn(a, angles[0])),
            Ry => self.between(&[Sdg, H], a, &[H, S], |w| w.turn(a, angles[0])),
            U => {
                // Rz(phi) Ry(theta) Rz(lam)
                self.turn(a, angles[2]);
                self.between(&[Sdg, H], a, &[H, S], |w| w.turn(a, angles[0]));
                self.turn(a, angles[1]);
            }
            Cy => self.between(&[Sdg], b, &[S], |w| w.under(Cnot, &[a, b])),
            Ch => {
                let cond = std::mem::replace(&mut self.cond, NONE);
                [S, H, T].iter().for_each(|&kind| self.always(kind, &[b]));
                self.out.ops.push(Op::gate(Cnot, &[a, b], NONE).under(cond));
                [Tdg, H, Sdg].iter().for_each(|&kind| self.always(kind, &[b]));
                self.cond = cond;
            }
            Iswap => {
                [S, S].iter().zip([a, b]).for_each(|(&kind, q)| self.under(kind, &[q]));
                self.under(H, &[a]);
                self.under(Cnot, &[a, b]);
                self.under(Cnot, &[b, a]);
                self.under(H, &[b]);
            }
            Iswapdg => {
                self.under(H, &[b]);
                self.under(Cnot, &[b, a]);
                self.under(Cnot, &[a, b]);
                self.under(H, &[a]);
                [Sdg, Sdg].iter().zip([a, b]).for_each(|(&kind, q)| self.under(kind, &[q]));
            }
            Cp => {
                self.turn(a, angles[0] / 2.0);
                self.controlled(a, b, angles[0]);
            }
            Crz => self.controlled(a, b, angles[0]),
            Crx => self.between(&[H], b, &[H], |w| w.controlled(a, b, angles[0])),
            Cry => self.between(&[Sdg, H], b, &[H, S], |w| w.controlled(a, b, angles[0])),
            Rzz => self.pair(a, b, angles[0]),
            Rxx => self.between(&[H], a, &[H], |w| w.between(&[H], b, &[H], |w| w.pair(a, b, angles[0]))),
            Ryy => {
                let (to, from) = (&[Sdg, H], &[H, S]);
                self.between(to, a, from, |w| w.between(to, b, from, |w| w.pair(a, b, angles[0])));
            }
            Toffoli | Ccz | Cswap => self.three(kind, q),
            Measure | Reset | Noise | Noise2 | Logic => unreachable!("{} is no gate", kind.name()),
        }
    }

    fn between(&mut self, before: &[Kind], qubit: u32, after: &[Kind], inner: impl FnOnce(&mut Self)) {
        before.iter().for_each(|&kind| self.always(kind, &[qubit]));
        inner(self);
        after.iter().for_each(|&kind| self.always(kind, &[qubit]));
    }

    /// exp(-i angle/2 Z Z).
    fn pair(&mut self, a: u32, b: u32, angle: f64) {
        self.cnot(a, b);
        self.turn(b, angle);
        self.cnot(a, b);
    }

    /// RZ(angle) on `b` under the control `a`.
    fn controlled(&mut self, a: u32, b: u32, angle: f64) {
        self.turn(b, angle / 2.0);
        self.pair(a, b, -angle / 2.0);
    }

    fn three(&mut self, kind: Kind, q: [u32; 3]) {
        let [a, b, c] = q;
        // Controls in one order, so that equal gates are equal parts.
        let (a, b) = if kind == Kind::Cswap { (a, b) } else { (a.min(b), a.max(b)) };
        match kind {
            Kind::Toffoli => self.between(&[Kind::H], c, &[Kind::H], |w| w.three(Kind::Ccz, q)),
            Kind::Cswap => {
                self.cnot(c, b);
                self.three(Kind::Toffoli, q);
                self.cnot(c, b);
            }
            _ => {
                // Seven T gates and six CNOT gates: Nielsen and Chuang, figure 4.9
                for (control, eighth) in [(b, -0.5), (a, 0.5), (b, -0.5), (a, 0.5)] {
                    self.cnot(control, c);
                    self.turn(c, eighth * FRAC_PI_2);
                }
                self.turn(b, 0.5 * FRAC_PI_2);
                self.turn(a, 0.5 * FRAC_PI_2);
                self.pair(a, b, -0.5 * FRAC_PI_2);
            }
        }
    }
}
