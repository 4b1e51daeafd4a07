//! RZZ(t) or CP(-2t): which of the two leaves fewer rotations beside it.
//!
//! They differ by a rotation about Z on each wire. Between two gates that are not diagonal on a wire all such rotations
//! add up; circuits that spell controlled phases as CX-P-CX have, after resynthesis, an RZZ whose rotations would vanish.

use std::f64::consts::TAU;

use super::axis::{self, Axis};
use super::turn::{self, Turn};
use crate::circuit::{Circuit, Kind, Op, NONE};

/// A stretch of a wire on which everything is diagonal.
#[derive(Clone, Copy)]
struct Stretch {
    /// Sum of rotations about Z, and of the angles of RZZ gates.
    phase: f64,
    pairs: f64,
    /// Where a rotation about Z can be put: a one-qubit gate at the end of the stretch.
    place: u32,
    /// Nothing looks at the phase.
    free: bool,
    /// What the rotation must change by.
    change: f64,
}

impl Stretch {
    const NEW: Stretch = Stretch { phase: 0.0, pairs: 0.0, place: NONE, free: false, change: 0.0 };

    fn gains(&self) -> bool {
        let vanishes = turn::quarters(self.phase + self.pairs).is_some();
        self.free || (self.place != NONE && vanishes && turn::quarters(self.phase).is_none())
    }
}

/// Turns RZZ gates into CP gates where both wires gain; gives how many.
pub fn choose(circuit: &mut Circuit) -> usize {
    if !circuit.ops.iter().any(|op| op.kind == Kind::Rzz && op.cond == NONE) {
        return 0;
    }
    let (mut stretches, pairs) = survey(circuit);
    let mut chosen = vec![false; circuit.ops.len()];
    let mut fired = 0;
    for (at, a, b) in pairs {
        let angle = circuit.angles(&circuit.ops[at])[0];
        let both = [a, b].map(|k| stretches[k].gains());
        if both == [true, true] && !(stretches[a].free && stretches[b].free) {
            chosen[at] = true;
            fired += 1;
            for k in [a, b] {
                stretches[k].change += angle;
            }
        }
    }
    if fired > 0 {
        rewrite(circuit, &chosen, &stretches);
    }
    fired
}

/// The stretches of all wires, and each RZZ with the two that it lies in.
fn survey(circuit: &Circuit) -> (Vec<Stretch>, Vec<(usize, usize, usize)>) {
    let n = circuit.n_qubits as usize;
    let mut stretches = vec![Stretch::NEW; n];
    let mut on: Vec<usize> = (0..n).collect();
    let mut pairs = Vec::new();
    for (at, op) in circuit.ops.iter().enumerate() {
        if op.kind == Kind::Rzz && op.cond == NONE {
            let [a, b] = [on[op.q[0] as usize], on[op.q[1] as usize]];
            let angle = circuit.angles(op)[0];
            stretches[a].pairs += angle;
            stretches[b].pairs += angle;
            pairs.push((at, a, b));
            continue;
        }
        let turn = if op.cond == NONE { Turn::of(op.kind, circuit.angles(op)) } else { None };
        for (slot, &wire) in op.qubits().iter().enumerate() {
            let here = on[wire as usize];
            let mut closes = axis::of_op(circuit, op, slot) != Some(Axis::Z);
            if let Some(turn) = &turn {
                stretches[here].phase += if closes { turn.angles()[2] } else { diagonal(turn) };
                stretches[here].place = at as u32;
            } else if op.kind == Kind::Measure && op.cond == NONE {
                stretches[here].free = true;
                closes = true;
            }
            if closes {
                on[wire as usize] = stretches.len();
                stretches.push(Stretch::NEW);
            }
        }
    }
    on.into_iter().for_each(|last| stretches[last].free = true);
    (stretches, pairs)
}

fn diagonal(turn: &Turn) -> f64 {
    2.0 * turn.v[2].atan2(turn.w)
}

fn rewrite(circuit: &mut Circuit, chosen: &[bool], stretches: &[Stretch]) {
    let mut change = vec![0.0; circuit.ops.len()];
    for stretch in stretches.iter().filter(|s| s.place != NONE) {
        change[stretch.place as usize] += stretch.change;
    }
    let ops = std::mem::take(&mut circuit.ops);
    circuit.ops.reserve(ops.len());
    for (at, op) in ops.into_iter().enumerate() {
        if chosen[at] {
            let angle = circuit.params[op.param as usize];
            circuit.push_gate(Kind::Cp, &op.q[..2], &[turn::principal(-2.0 * angle % (2.0 * TAU))]);
        } else if change[at] == 0.0 {
            circuit.ops.push(op);
        } else {
            turned(circuit, &op, change[at]);
        }
    }
}

/// Writes a one-qubit gate with a rotation about Z before it.
fn turned(circuit: &mut Circuit, op: &Op, angle: f64) {
    let Some(turn) = Turn::of(op.kind, circuit.angles(op)) else { return };
    let (gates, n) = Turn::about(Axis::Z, angle).then(&turn).gates();
    for (kind, angles) in &gates[..n] {
        circuit.push_gate(*kind, &op.q[..1], &angles[..kind.n_params()]);
    }
}
