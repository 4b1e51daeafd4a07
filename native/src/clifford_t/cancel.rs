//! Clifford gates that cancel: a gate and its inverse, where all between on its wires commutes with it.

use super::angle::Angle;
use super::fold::{copy, write_angle};
use crate::circuit::{Circuit, Kind, Op, NONE};

/// Most ops on a wire that are looked back at: keeps the time linear.
const BACK: usize = 200;

struct Cancel {
    ops: Vec<Op>,
    /// Of each op, its angle if it is a rotation without a condition.
    angles: Vec<Angle>,
    alive: Vec<bool>,
    wires: Vec<Vec<u32>>,
}

/// The circuit (as `lower` leaves it) without gates that cancel, and how many are gone.
pub fn cancel(circuit: &Circuit, tolerance: f64) -> (Circuit, usize) {
    let mut state = Cancel {
        ops: Vec::with_capacity(circuit.ops.len()),
        angles: Vec::with_capacity(circuit.ops.len()),
        alive: Vec::with_capacity(circuit.ops.len()),
        wires: vec![Vec::new(); circuit.n_qubits as usize],
    };
    for op in &circuit.ops {
        let angle = Angle::of_gate(op.kind, circuit.angles(op), tolerance).filter(|_| op.cond == NONE);
        state.push(op, angle, tolerance);
    }
    let mut out = Circuit { ops: Vec::with_capacity(state.ops.len()), params: Vec::new(), ..circuit.clone() };
    for at in (0..state.ops.len()).filter(|&at| state.alive[at]) {
        match state.ops[at] {
            op if op.cond == NONE && op.kind == Kind::Rz => write_angle(&mut out, op.q[0], state.angles[at], NONE),
            op => copy(&mut out, circuit, &op),
        }
    }
    let gone = circuit.ops.len().saturating_sub(out.ops.len());
    (out, gone)
}

impl Cancel {
    fn push(&mut self, op: &Op, angle: Option<Angle>, tolerance: f64) {
        if let Some(angle) = angle {
            return self.rotation(op.q[0], angle, tolerance);
        }
        let pairs = op.cond == NONE && matches!(op.kind, Kind::H | Kind::X | Kind::Cnot | Kind::Cz | Kind::Swap);
        if pairs {
            if op.kind == Kind::H && self.turns_pauli(op.q[0]) {
                return;
            }
            if let Some(partner) = self.partner(op) {
                self.alive[partner] = false;
                return;
            }
        }
        self.add(*op, Angle::ZERO);
    }

    fn add(&mut self, op: Op, angle: Angle) {
        let at = self.ops.len() as u32;
        op.qubits().iter().for_each(|&wire| self.wires[wire as usize].push(at));
        self.ops.push(op);
        self.angles.push(angle);
        self.alive.push(true);
    }

    fn rotation(&mut self, wire: u32, angle: Angle, tolerance: f64) {
        if angle.is_zero() {
            return;
        }
        let op = Op::gate(Kind::Rz, &[wire], NONE);
        match self.look_back(wire, b'Z', |before| before.kind == Kind::Rz && before.cond == NONE) {
            Some(at) => {
                self.angles[at] = self.angles[at].plus(angle, tolerance);
                self.alive[at] = !self.angles[at].is_zero();
            }
            None => self.add(op, angle),
        }
    }

    /// H Z H is X, and H X H is Z: the gate before goes, and this H stands for both.
    fn turns_pauli(&mut self, wire: u32) -> bool {
        let mut last = self.wires[wire as usize].iter().rev().map(|&at| at as usize).filter(|&at| self.alive[at]);
        let (Some(middle), Some(first)) = (last.next(), last.next()) else { return false };
        let plain = |at: usize, kind: Kind| self.ops[at].kind == kind && self.ops[at].cond == NONE;
        if !plain(first, Kind::H) {
            return false;
        }
        let half = Angle { eighths: 4, rest: 0.0 };
        if plain(middle, Kind::X) {
            self.alive[first] = false;
            self.alive[middle] = false;
            self.add(Op::gate(Kind::Rz, &[wire], NONE), half);
            return true;
        }
        if plain(middle, Kind::Rz) && self.angles[middle] == half {
            self.alive[first] = false;
            self.alive[middle] = false;
            self.add(Op::gate(Kind::X, &[wire], NONE), Angle::ZERO);
            return true;
        }
        false
    }

    /// The same gate earlier, if this one can be moved next to it.
    fn partner(&self, op: &Op) -> Option<usize> {
        let mut found = None;
        for (slot, &wire) in op.qubits().iter().enumerate() {
            let basis = op.kind.bases()[slot];
            let at = self.look_back(wire, basis, |before| is_same(before, op))?;
            if *found.get_or_insert(at) != at {
                return None;
            }
        }
        found
    }

    /// The last op on a wire that is wanted, behind ops that are functions of the same Pauli operator there.
    fn look_back(&self, wire: u32, basis: u8, wanted: impl Fn(&Op) -> bool) -> Option<usize> {
        for &at in self.wires[wire as usize].iter().rev().take(BACK) {
            let at = at as usize;
            if !self.alive[at] {
                continue;
            }
            let op = &self.ops[at];
            if wanted(op) {
                return Some(at);
            }
            let slot = op.qubits().iter().position(|&q| q == wire)?;
            let same = match op.kind {
                Kind::Measure => b'Z',
                kind => kind.bases().get(slot).copied().unwrap_or(b'-'),
            };
            if same != basis || same == b'-' {
                return None;
            }
        }
        None
    }
}

fn is_same(a: &Op, b: &Op) -> bool {
    let exchangeable = matches!(a.kind, Kind::Cz | Kind::Swap);
    a.kind == b.kind && a.cond == NONE && (a.q == b.q || (exchangeable && a.q[0] == b.q[1] && a.q[1] == b.q[0]))
}
