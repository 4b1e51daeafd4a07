//! The forward pass on gates: every gate becomes rotations about, and controls by, Pauli operators of its wires.
//!
//! A pending turn U before a gate about P is the gate about U^-1 P U before U, so a Clifford turn never has to be
//! written; an operator that reads a known bit drops out of the gate and leaves a condition.

use std::f64::consts::{FRAC_PI_2, PI};

use super::axis::{self, Axis};
use super::forward::Forward;
use super::guards::{Guard, Lit};
use super::turn::{self, Turn};
use crate::circuit::{Kind, NONE};

/// A wire and the Pauli operator on it that a gate is about.
type Factor = (u32, Axis);

use Axis::{X, Y, Z};

impl Forward<'_> {
    /// One gate of the source, on wires.
    pub(super) fn apply(&mut self, kind: Kind, wires: &[u32], angles: &[f64], guard: Guard) {
        if guard == Guard::ALWAYS {
            if let Some(turn) = Turn::of(kind, angles) {
                if kind != Kind::Id {
                    self.after(wires[0], &turn);
                }
                return;
            }
        }
        let w = wires;
        match kind {
            Kind::Cnot => self.controlled(&[(w[0], Z), (w[1], X)], guard),
            Kind::Cz => self.controlled(&[(w[0], Z), (w[1], Z)], guard),
            Kind::Cy => self.controlled(&[(w[0], Z), (w[1], Y)], guard),
            Kind::Toffoli => self.controlled(&[(w[0], Z), (w[1], Z), (w[2], X)], guard),
            Kind::Ccz => self.controlled(&[(w[0], Z), (w[1], Z), (w[2], Z)], guard),
            Kind::Rzz => self.rotate_two((w[0], Z), (w[1], Z), angles[0], guard),
            Kind::Rxx => self.rotate_two((w[0], X), (w[1], X), angles[0], guard),
            Kind::Ryy => self.rotate_two((w[0], Y), (w[1], Y), angles[0], guard),
            Kind::Cp => self.phase(w, angles[0], guard),
            Kind::Crx | Kind::Cry | Kind::Crz => self.controlled_rotation(kind, w, angles[0], guard),
            Kind::Ch => self.controlled_h(w, guard),
            Kind::Cswap => self.controlled_swap(w, guard),
            Kind::Swap | Kind::Iswap | Kind::Iswapdg => self.exchanging(kind, w, guard),
            _ => self.one_qubit(kind, w[0], angles, guard),
        }
    }

    /// A one-qubit gate under a condition.
    fn one_qubit(&mut self, kind: Kind, wire: u32, angles: &[f64], guard: Guard) {
        let Some(turn) = Turn::of(kind, angles) else { return };
        if let Some((axis, angle)) = turn.along() {
            return self.rotate(wire, axis, angle, guard);
        }
        self.flush(wire);
        self.materialise(wire);
        let cond = self.guards.cond(guard).unwrap_or(NONE);
        self.wires[wire as usize].known = None;
        let (gates, n) = turn.gates();
        for (kind, angles) in &gates[..n] {
            self.out.gate(*kind, &[wire], angles, cond);
        }
    }

    /// exp(-i angle/2 P) on one wire.
    pub(super) fn rotate(&mut self, wire: u32, axis: Axis, angle: f64, guard: Guard) {
        if guard == Guard::ALWAYS {
            return self.after(wire, &Turn::about(axis, angle));
        }
        let angle = turn::principal(angle);
        if guard == Guard::NEVER || angle == 0.0 {
            return;
        }
        let (axis, negative) = self.image(wire, axis).unwrap_or_else(|| {
            self.flush(wire);
            (axis, false)
        });
        if self.wires[wire as usize].known.is_some() {
            if axis == Z {
                self.fired.constants += 1;
                return;
            }
            if angle == PI {
                return self.flip(wire, guard);
            }
        }
        if let Some((kind, angles)) = turn::rotation(axis, if negative { -angle } else { angle }) {
            self.write_gate(kind, &[wire], &angles, guard);
        }
    }

    /// A sign for the states where every factor reads -1: the gates CNOT, CZ, Toffoli and their kind.
    pub(super) fn controlled(&mut self, factors: &[Factor], guard: Guard) {
        let mut guard = guard;
        let mut left = [(0, Z); 3];
        let mut n = 0;
        for &(wire, axis) in factors {
            if let Some(lit) = self.reading(wire, axis) {
                if let Some(both) = self.guards.and(guard, Guard::Lit(lit)) {
                    guard = both;
                    self.fired.constants += 1;
                    self.fired.controls_made_classical += !lit.is_constant() as usize;
                    continue;
                }
            }
            left[n] = (wire, axis);
            n += 1;
        }
        if guard == Guard::NEVER {
            return;
        }
        match n {
            0 => (),
            1 => self.rotate(left[0].0, left[0].1, PI, guard),
            _ => self.entangle(&left[..n], guard),
        }
    }

    fn entangle(&mut self, factors: &[Factor], guard: Guard) {
        let two = factors.len() == 2;
        if two && self.allowed.peephole && guard == Guard::ALWAYS {
            let (a, b) = (factors[0], factors[1]);
            if self.sandwich(a, b) || self.sandwich(b, a) {
                return;
            }
        }
        let mut seen = [(Z, false); 3];
        for (k, &(wire, axis)) in factors.iter().enumerate() {
            let image = self.image(wire, axis).filter(|(_, negative)| !negative || (two && guard == Guard::ALWAYS));
            seen[k] = image.unwrap_or_else(|| self.flush_for(wire, axis));
        }
        if entangler(factors, &seen).is_none() {
            for (k, &(wire, axis)) in factors.iter().enumerate() {
                if seen[k].0 != axis {
                    self.flush(wire);
                    seen[k] = (axis, false);
                }
            }
        }
        if entangler(factors, &seen).is_none() {
            // X and X, Y and Y, or two factors that are not Z among three.
            for (k, &(wire, _)) in factors.iter().enumerate().take(factors.len() - 1) {
                if seen[k].0 != Z {
                    let negative = self.rebase(wire, seen[k].0, Z) ^ seen[k].1;
                    seen[k] = (Z, negative);
                }
            }
        }
        let Some((kind, operands)) = entangler(factors, &seen) else { unreachable!("Z factors make a gate") };
        let plain = seen.iter().all(|s| !s.1);
        if plain && kind == Kind::Cnot && guard == Guard::ALWAYS && self.half_exchange(&operands) {
            return;
        }
        if plain {
            return self.write_gate(kind, &operands[..factors.len()], &[], guard);
        }
        // C(-P, Q) = C(P, Q) Q.
        let saved = [0, 1].map(|k| self.wires[factors[k].0 as usize]);
        (0..2).for_each(|k| self.set_turn(factors[k].0, Turn::NONE));
        self.write_gate(kind, &operands[..2], &[], guard);
        for k in 0..2 {
            let wire = self.at[saved[k].qubit as usize];
            if seen[1 - k].1 {
                self.after(wire, &Turn::pauli(seen[k].0));
            }
            if !saved[k].still {
                self.after(wire, &saved[k].turn);
            }
        }
    }

    /// Writes as much of a turn as keeps `axis` from passing it.
    fn flush_for(&mut self, wire: u32, axis: Axis) -> (Axis, bool) {
        if axis == Z && self.image(wire, Z).is_none() {
            self.flush_to_phase(wire);
        } else {
            self.flush(wire);
        }
        (axis, false)
    }

    /// Writes a Clifford gate that brings axis `from` to axis `to`, and takes it back in the turn. Whether it brings
    /// it to the negative axis.
    fn rebase(&mut self, wire: u32, from: Axis, to: Axis) -> bool {
        let gate = match (from, to) {
            (X, Z) | (Z, X) => {
                Turn { w: 0.0, v: [std::f64::consts::FRAC_1_SQRT_2, 0.0, std::f64::consts::FRAC_1_SQRT_2] }
            }
            (Y, Z) | (Z, Y) => Turn::about(X, FRAC_PI_2),
            _ => Turn::about(Z, FRAC_PI_2),
        };
        self.materialise(wire);
        self.wires[wire as usize].known = None;
        let (gates, n) = gate.gates();
        for (kind, angles) in &gates[..n] {
            self.out.gate(*kind, &[wire], angles, NONE);
        }
        let back = gate.inverse();
        self.before(wire, &back);
        // Now the operator that was `from` before is what `to` comes from, up to this sign.
        back.image(from).is_some_and(|(_, negative)| negative)
    }

    /// CNOT(a, b) CNOT(b, a) is one CNOT and an exchange (of wires: no gate).
    fn half_exchange(&mut self, operands: &[u32; 3]) -> bool {
        let (c, t) = (operands[0], operands[1]);
        let at = self.out.last(c);
        if !self.allowed.relabel || !self.allowed.peephole || at == NONE || self.out.last(t) != at {
            return false;
        }
        let op = *self.out.op(at);
        if op.kind != Kind::Cnot || op.cond != NONE || op.q[0] != t || op.q[1] != c {
            return false;
        }
        self.out.remove(at);
        self.fired.relabelled += 1;
        let turns = [c, t].map(|w| self.wires[w as usize]);
        self.set_turn(c, Turn::NONE);
        self.set_turn(t, Turn::NONE);
        self.write_gate(Kind::Cnot, &[c, t], &[], Guard::ALWAYS);
        self.swap_qubits(c, t);
        for (wire, saved) in [(t, turns[0]), (c, turns[1])].into_iter().filter(|(_, saved)| !saved.still) {
            self.after(wire, &saved.turn);
        }
        true
    }

    /// Two controlled gates on the same two wires with a turn between, on the one wire `b`: C(P, n) C(P, Q) is a
    /// rotation of b by twice the angle from Q to n, controlled by P; so one rotation about two wires and one about b.
    fn sandwich(&mut self, (a, pa): Factor, (b, pb): Factor) -> bool {
        let (wa, wb) = (self.wires[a as usize], self.wires[b as usize]);
        if wb.still || wa.known.is_some() || wb.known.is_some() {
            return false;
        }
        let at = self.out.last(b);
        if at == NONE {
            return false;
        }
        let op = *self.out.op(at);
        if op.cond != NONE || !matches!(op.kind, Kind::Cnot | Kind::Cz | Kind::Cy) || !op.qubits().contains(&a) {
            return false;
        }
        let (Some(p), Some(q)) = (self.out.axis(at, a), self.out.axis(at, b)) else { return false };
        if self.image(a, pa) != Some((p, false)) {
            return false;
        }
        let n = wb.turn.row(pb);
        let mut unit = [0.0; 3];
        unit[q as usize] = 1.0;
        let sine = turn::cross(&unit, &n);
        let Some((m, negative)) = turn::pauli_of(&sine) else { return false };
        if !self.out.reaches(a, at, Some(p)) {
            return false;
        }
        let size = sine[m as usize].abs();
        let half = if negative { -size } else { size }.atan2(n[q as usize]);
        self.fired.resynthesized += 1;
        self.out.remove(at);
        let owners = [a, b].map(|w| self.wires[w as usize].qubit);
        self.set_turn(a, Turn::NONE);
        self.set_turn(b, Turn::NONE);
        self.absorb(a);
        self.absorb(b);
        self.rotate_two((a, p), (b, m), -half, Guard::ALWAYS);
        for (qubit, turn) in owners.into_iter().zip([wa.turn, Turn::about(m, half).then(&wb.turn)]) {
            self.after(self.at[qubit as usize], &turn);
        }
        true
    }

    /// exp(-i angle/2 P Q) on two wires.
    pub(super) fn rotate_two(&mut self, a: Factor, b: Factor, angle: f64, guard: Guard) {
        let angle = turn::principal(angle);
        if angle == 0.0 || guard == Guard::NEVER {
            return;
        }
        for (known, other) in [(a, b), (b, a)] {
            let Some(lit) = self.reading(known.0, known.1) else { continue };
            let Some(also) = self.guards.and(guard, Guard::Lit(lit)) else { continue };
            self.fired.constants += 1;
            self.fired.controls_made_classical += !lit.is_constant() as usize;
            self.rotate(other.0, other.1, angle, guard);
            return self.rotate(other.0, other.1, -2.0 * angle, also);
        }
        if guard == Guard::ALWAYS {
            match turn::quarters(angle) {
                Some(2) => {
                    self.rotate(a.0, a.1, PI, guard);
                    return self.rotate(b.0, b.1, PI, guard);
                }
                Some(_) => {
                    self.rotate(a.0, a.1, angle, guard);
                    self.rotate(b.0, b.1, angle, guard);
                    return self.controlled(&[a, b], guard);
                }
                None => (),
            }
        }
        let mut seen = [a, b].map(|(wire, axis)| self.image(wire, axis).unwrap_or_else(|| self.flush_for(wire, axis)));
        if seen[0].0 != seen[1].0 {
            for (k, (wire, axis)) in [a, b].into_iter().enumerate() {
                if seen[k].0 != axis {
                    self.flush(wire);
                    seen[k] = (axis, false);
                }
            }
        }
        if seen[0].0 != seen[1].0 {
            let negative = self.rebase(b.0, seen[1].0, seen[0].0) ^ seen[1].1;
            seen[1] = (seen[0].0, negative);
        }
        let kind = match seen[0].0 {
            X => Kind::Rxx,
            Y => Kind::Ryy,
            Z => Kind::Rzz,
        };
        let angle = if seen[0].1 ^ seen[1].1 { -angle } else { angle };
        self.write_gate(kind, &[a.0, b.0], &[angle], guard);
    }

    fn phase(&mut self, w: &[u32], angle: f64, guard: Guard) {
        let angle = turn::principal(angle);
        for (control, target) in [(w[0], w[1]), (w[1], w[0])] {
            if let Some(also) = self.under_control(control, guard) {
                return self.rotate(target, Z, angle, also);
            }
        }
        if angle == 0.0 {
            return;
        }
        if angle == PI {
            return self.controlled(&[(w[0], Z), (w[1], Z)], guard);
        }
        self.write_plain(Kind::Cp, w, &[angle], guard);
    }

    /// The condition that a control of known value stands for.
    fn under_control(&mut self, control: u32, guard: Guard) -> Option<Guard> {
        let lit = self.reading(control, Z)?;
        let also = self.guards.and(guard, Guard::Lit(lit))?;
        self.fired.constants += 1;
        self.fired.controls_made_classical += !lit.is_constant() as usize;
        Some(also)
    }

    fn controlled_rotation(&mut self, kind: Kind, w: &[u32], angle: f64, guard: Guard) {
        let target = match kind {
            Kind::Crx => X,
            Kind::Cry => Y,
            _ => Z,
        };
        let angle = 2.0 * turn::principal(angle / 2.0);
        if let Some(also) = self.under_control(w[0], guard) {
            return self.rotate(w[1], target, angle, also);
        }
        let fixed = self.reading(w[1], target).is_some();
        if guard == Guard::ALWAYS {
            // A control by P and a rotation by pi are a controlled Pauli and a phase of the control.
            match turn::quarters(angle / 2.0) {
                Some(0) => return,
                Some(2) => return self.rotate(w[0], Z, PI, guard),
                Some(odd) => {
                    self.rotate(w[0], Z, if odd == 1 { -FRAC_PI_2 } else { FRAC_PI_2 }, guard);
                    return self.controlled(&[(w[0], Z), (w[1], target)], guard);
                }
                None if kind == Kind::Crz || fixed => {
                    self.rotate(w[1], target, angle / 2.0, guard);
                    return self.rotate_two((w[0], Z), (w[1], target), -angle / 2.0, guard);
                }
                _ => (),
            }
        }
        self.write_plain(kind, w, &[angle], guard);
    }

    fn controlled_h(&mut self, w: &[u32], guard: Guard) {
        match self.under_control(w[0], guard) {
            Some(also) if also == Guard::ALWAYS || also == Guard::NEVER => {
                if also == Guard::ALWAYS {
                    self.apply(Kind::H, &w[1..], &[], also);
                }
            }
            Some(also) => self.one_qubit(Kind::H, w[1], &[], also),
            None => self.write_plain(Kind::Ch, w, &[], guard),
        }
    }

    fn controlled_swap(&mut self, w: &[u32], guard: Guard) {
        if let Some(also) = self.under_control(w[0], guard) {
            if also != Guard::NEVER {
                self.exchanging(Kind::Swap, &w[1..], also);
            }
            return;
        }
        if !self.both_zero(w[1], w[2]) {
            self.write_plain(Kind::Cswap, w, &[], guard);
        }
    }

    fn both_zero(&self, a: u32, b: u32) -> bool {
        [a, b].iter().all(|&w| self.wires[w as usize].still && self.wires[w as usize].known == Some(Lit::FALSE))
    }

    fn exchanging(&mut self, kind: Kind, w: &[u32], guard: Guard) {
        if self.both_zero(w[0], w[1]) {
            return;
        }
        if guard != Guard::ALWAYS || !self.allowed.relabel {
            return self.write_plain(kind, w, &[], guard);
        }
        self.swap_qubits(w[0], w[1]);
        self.fired.relabelled += 1;
        if kind != Kind::Swap {
            // iSWAP = SWAP CZ (S x S).
            let angle = if kind == Kind::Iswap { FRAC_PI_2 } else { -FRAC_PI_2 };
            self.rotate(w[0], Z, angle, guard);
            self.rotate(w[1], Z, angle, guard);
            self.controlled(&[(w[0], Z), (w[1], Z)], guard);
        }
    }

    /// Writes a gate by its own name; turns that commute with it stay pending.
    fn write_plain(&mut self, kind: Kind, w: &[u32], angles: &[f64], guard: Guard) {
        for (slot, &wire) in w.iter().enumerate() {
            match axis::of_gate(kind, slot) {
                Some(axis) if self.image(wire, axis) == Some((axis, false)) => (),
                Some(axis) => {
                    self.flush_for(wire, axis);
                }
                None => self.flush(wire),
            }
        }
        self.write_gate(kind, w, angles, guard);
    }
}

/// The gate that puts a sign where all factors read -1, with its operands in order.
fn entangler(factors: &[Factor], seen: &[(Axis, bool); 3]) -> Option<(Kind, [u32; 3])> {
    let n = factors.len();
    let mut odd = (0..n).filter(|&k| seen[k].0 != Z);
    let target = odd.next();
    if odd.next().is_some() {
        return None;
    }
    let named_y = factors.iter().any(|factor| factor.1 == Y);
    let kind = match (n, target.map(|k| seen[k].0)) {
        (2, None) => Kind::Cz,
        (3, None) => Kind::Ccz,
        (2, Some(X)) => Kind::Cnot,
        (2, Some(Y)) if named_y => Kind::Cy,
        (3, Some(X)) => Kind::Toffoli,
        _ => return None,
    };
    let target = target.unwrap_or(n - 1);
    let mut operands = [NONE; 3];
    let mut next = 0;
    for factor in (0..n).filter(|&k| k != target).map(|k| factors[k]) {
        operands[next] = factor.0;
        next += 1;
    }
    operands[next] = factors[target].0;
    Some((kind, operands))
}
