//! The forward pass: reads a circuit once from front to back and writes a cheaper one.
//!
//! Every wire carries a pending one-qubit unitary (`Turn`) that is written only when a gate does not commute with it,
//! and, where it is known, the basis state that lies under that unitary: constant 0 or a classical bit. From these two
//! follow constant propagation (also of |+> and |-> and the like), merging of rotations and fusion of one-qubit gates,
//! H-CX-H = CZ, and gates whose control was measured becoming gates under a condition. Exchanges of qubits become
//! another numbering of the wires. A reset qubit is a new wire.

use super::axis::{self, Axis};
use super::emitted::Emitted;
use super::guards::{Guard, Guards, Lit, TooLarge, CBITS};
use super::turn::{self, Turn};
use crate::circuit::{Circuit, Kind, Op, NONE};

/// What the pass may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Use known basis states and classical bits.
    pub constants: bool,
    /// Look back for gates that cancel or join.
    pub peephole: bool,
    /// Turn exchanges of qubits into another numbering.
    pub relabel: bool,
    /// Leave the same final state, up to phase, on the same qubits; with constants only where there is nothing but gates,
    /// and then of qubits that begin in |0..0>.
    pub keep_state: bool,
}

/// How often each rewrite fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    pub constants: usize,
    pub cancelled: usize,
    pub joined: usize,
    pub resynthesized: usize,
    pub relabelled: usize,
    pub controls_made_classical: usize,
}

#[derive(Clone, Copy)]
pub(super) struct Wire {
    pub turn: Turn,
    /// The turn is exactly `Turn::NONE`.
    pub still: bool,
    /// The basis state under the turn.
    pub known: Option<Lit>,
    /// The basis state that the wire of the new circuit is in, where `known` is something.
    pub held: Lit,
    /// The qubit of the source that lives here.
    pub qubit: u32,
}

pub(super) struct Forward<'a> {
    pub source: &'a Circuit,
    pub allowed: Allowed,
    /// The wire of each qubit of the source.
    pub at: Vec<u32>,
    pub wires: Vec<Wire>,
    pub out: Emitted,
    pub guards: Guards<'a>,
    pub origin: Vec<u32>,
    pub fired: Fired,
}

/// What the pass gives.
pub struct Passed {
    pub circuit: Circuit,
    /// Of each wire, the qubit of the source that it was.
    pub origin: Vec<u32>,
    pub fired: Fired,
}

/// Runs the pass. None: the circuit is too large or its conditions too tangled to rewrite.
pub fn forward(source: &Circuit, allowed: Allowed) -> Option<Passed> {
    let only_gates = || source.ops.iter().all(|op| op.cond == NONE && op.kind.is_gate());
    let constants = allowed.constants && (!allowed.keep_state || only_gates());
    let allowed = Allowed { constants, ..allowed };
    if source.n_cbits > CBITS || source.n_qubits > CBITS || source.ops.len() > CBITS as usize {
        return None;
    }
    let wire = |qubit| Wire {
        turn: Turn::NONE,
        still: true,
        known: allowed.constants.then_some(Lit::FALSE),
        held: Lit::FALSE,
        qubit,
    };
    let mut pass = Forward {
        source,
        allowed,
        at: (0..source.n_qubits).collect(),
        wires: (0..source.n_qubits).map(wire).collect(),
        out: Emitted::new(source.n_qubits, source.ops.len()),
        guards: Guards::new(source, allowed.constants),
        origin: (0..source.n_qubits).collect(),
        fired: Fired::default(),
    };
    for (now, op) in source.ops.iter().enumerate() {
        pass.step(now, op).ok()?;
    }
    if allowed.keep_state {
        pass.settle();
    }
    Some(pass.finish())
}

impl Forward<'_> {
    fn finish(mut self) -> Passed {
        let mut circuit = std::mem::take(&mut self.out.circuit);
        circuit.conds = self.guards.conds;
        circuit.tables = self.guards.new_tables;
        circuit.n_cbits = self.guards.n_cbits;
        circuit.registers.clone_from(&self.source.registers);
        self.out.circuit = circuit;
        Passed { circuit: self.out.finish(), origin: self.origin, fired: self.fired }
    }

    /// Writes what is pending and brings every qubit back to its own wire.
    fn settle(&mut self) {
        for wire in 0..self.wires.len() as u32 {
            self.flush(wire);
        }
        for qubit in 0..self.at.len() as u32 {
            let wire = self.at[qubit as usize];
            if wire != qubit {
                self.out.gate(Kind::Swap, &[qubit, wire], &[], NONE);
                let other = self.wires[qubit as usize].qubit;
                self.exchange(qubit, wire);
                self.at.swap(qubit as usize, other as usize);
            }
        }
    }

    fn step(&mut self, now: usize, op: &Op) -> Result<(), TooLarge> {
        let guard = self.guards.fold(op.cond, now)?;
        if guard == Guard::NEVER {
            self.fired.constants += 1;
            return Ok(());
        }
        match op.kind {
            Kind::Measure => self.measure(self.at[op.q[0] as usize], op.cbit, guard),
            Kind::Reset => self.reset(op.q[0], guard),
            Kind::Noise | Kind::Noise2 => self.noise(op),
            Kind::Logic => return self.logic(op, guard),
            kind => {
                let wires = op.q.map(|q| if q == NONE { NONE } else { self.at[q as usize] });
                let source = self.source;
                self.apply(kind, &wires[..kind.n_qubits()], source.angles(op), guard);
            }
        }
        Ok(())
    }

    fn measure(&mut self, wire: u32, cbit: u32, guard: Guard) {
        let w = self.wires[wire as usize];
        let image = if w.still { Some((Axis::Z, false)) } else { w.turn.image(Axis::Z) };
        if let (Some((Axis::Z, negative)), Some(known)) = (image, w.known) {
            self.fired.constants += 1;
            if cbit != NONE {
                self.write(cbit, known.flipped(negative), guard);
            }
            return;
        }
        let Some(cond) = self.guards.cond(guard) else { unreachable!("a folded condition has a node") };
        if guard == Guard::ALWAYS && !self.allowed.keep_state {
            // Only what the measurement sees of the turn: not the rotation about Z that comes last.
            let seen = match image {
                Some((Axis::Z, negative)) => {
                    if negative {
                        Turn::pauli(Axis::X)
                    } else {
                        Turn::NONE
                    }
                }
                _ => w.turn.without_last_phase().0,
            };
            self.set_turn(wire, seen);
        }
        self.flush(wire);
        self.materialise(wire);
        self.out.push(Op { cbit, ..Op::measure(wire, cbit).under(cond) });
        let now_known = guard == Guard::ALWAYS && cbit != NONE && self.allowed.constants;
        let w = &mut self.wires[wire as usize];
        w.known = now_known.then(|| Lit::bit(cbit));
        if now_known {
            w.held = Lit::bit(cbit);
        }
        if cbit != NONE {
            self.guards.set(cbit, Lit::bit(cbit));
        }
    }

    fn reset(&mut self, qubit: u32, guard: Guard) {
        let wire = self.at[qubit as usize];
        if guard != Guard::ALWAYS || self.allowed.keep_state {
            let w = &self.wires[wire as usize];
            if w.still && w.known == Some(Lit::FALSE) {
                return;
            }
            self.flush(wire);
            self.materialise(wire);
            let cond = self.guards.cond(guard).unwrap_or(NONE);
            self.out.push(Op::reset(wire).under(cond));
            self.wires[wire as usize].known = None;
            return;
        }
        self.renew(qubit);
        let w = &mut self.wires[self.at[qubit as usize] as usize];
        (w.turn, w.still) = (Turn::NONE, true);
        w.known = self.allowed.constants.then_some(Lit::FALSE);
    }

    /// Moves a qubit to a wire in |0>; its turn and what is known of it stay.
    pub(super) fn renew(&mut self, qubit: u32) {
        let old = self.at[qubit as usize];
        if self.out.last(old) == NONE {
            return;
        }
        let fresh = self.out.new_wire();
        self.at[qubit as usize] = fresh;
        let moved = Wire { held: Lit::FALSE, ..self.wires[old as usize] };
        self.wires.push(moved);
        self.origin.push(self.origin[old as usize]);
        self.wires[old as usize] = Wire { turn: Turn::NONE, still: true, known: None, held: Lit::FALSE, qubit: NONE };
    }

    /// Pauli noise passes Clifford turns with its errors renamed.
    fn noise(&mut self, op: &Op) {
        let angles = self.source.angles(op);
        if angles.iter().all(|&p| p == 0.0) {
            return;
        }
        let operands = op.kind.n_qubits();
        let wires: [u32; 2] = std::array::from_fn(|k| if k < operands { self.at[op.q[k] as usize] } else { NONE });
        // What I, X, Y and Z of each operand become.
        let mut names = [[0, 1, 2, 3]; 2];
        for (k, &wire) in wires[..operands].iter().enumerate() {
            let images = [Axis::X, Axis::Y, Axis::Z].map(|axis| self.wires[wire as usize].turn.image(axis));
            if let [Some((x, _)), Some((y, _)), Some((z, _))] = images {
                names[k] = [0, x as usize + 1, y as usize + 1, z as usize + 1];
            } else {
                self.flush(wire);
            }
        }
        let mut chances = [0.0; 15];
        for (error, &chance) in (1..).zip(angles) {
            let to = if operands == 1 { names[0][error] } else { names[0][error >> 2] << 2 | names[1][error & 3] };
            chances[to - 1] = chance;
        }
        for &wire in &wires[..operands] {
            self.materialise(wire);
        }
        self.out.gate(op.kind, &wires[..operands], &chances[..angles.len()], NONE);
        for &wire in &wires[..operands] {
            self.wires[wire as usize].known = None;
        }
    }

    fn logic(&mut self, op: &Op, guard: Guard) -> Result<(), TooLarge> {
        match self.guards.look_up(op.param)? {
            Ok(value) => self.write(op.cbit, value, guard),
            Err(table) => {
                self.push_logic(table, op.cbit, guard);
                self.guards.set(op.cbit, Lit::bit(op.cbit));
            }
        }
        Ok(())
    }

    fn push_logic(&mut self, table: u32, cbit: u32, guard: Guard) {
        let cond = self.guards.cond(guard).unwrap_or(NONE);
        self.out.push(Op { kind: Kind::Logic, q: [NONE; 3], param: table, cond, cbit });
    }

    /// Writes a literal into a cbit.
    fn write(&mut self, cbit: u32, value: Lit, guard: Guard) {
        if value != Lit::FALSE {
            let table = match (value.is_constant(), value.negated()) {
                (true, _) => self.guards.table(&[], &[1]),
                (false, negated) => self.guards.table(&[value.cbit()], &[if negated { 0b01 } else { 0b10 }]),
            };
            self.push_logic(table, cbit, guard);
        }
        let known = guard == Guard::ALWAYS || value == Lit::FALSE;
        self.guards.set(cbit, if known { value } else { Lit::bit(cbit) });
    }

    /// Flips the known bit under a wire's turn when `guard` holds.
    pub(super) fn flip(&mut self, wire: u32, guard: Guard) {
        let Some(known) = self.wires[wire as usize].known else { return };
        let by = match guard {
            Guard::Lit(lit) => lit,
            Guard::Node(_) => {
                let bit = self.guards.hidden();
                self.write(bit, Lit::TRUE, guard);
                Lit::bit(bit)
            }
        };
        let flipped = known.xor(by).unwrap_or_else(|| {
            let bit = self.guards.hidden();
            let odd = if known.negated() ^ by.negated() { 0b1001 } else { 0b0110 };
            let table = self.guards.table(&[known.cbit(), by.cbit()], &[odd]);
            self.push_logic(table, bit, Guard::ALWAYS);
            Lit::bit(bit)
        });
        let mut wire = wire;
        let w = &mut self.wires[wire as usize];
        w.known = Some(flipped);
        if flipped != w.held && w.held != Lit::FALSE {
            let qubit = w.qubit;
            self.renew(qubit);
            wire = self.at[qubit as usize];
        }
        if flipped == Lit::TRUE {
            self.wires[wire as usize].known = Some(Lit::FALSE);
            self.before(wire, &Turn::pauli(Axis::X));
        }
        self.fired.constants += 1;
    }

    /// Brings the wire of the new circuit into the basis state that is known to lie under the turn.
    pub(super) fn materialise(&mut self, wire: u32) {
        let w = self.wires[wire as usize];
        if let Some(known) = w.known.filter(|&known| known != w.held) {
            debug_assert_eq!(w.held, Lit::FALSE);
            let cond = self.guards.cond(Guard::Lit(known)).unwrap_or(NONE);
            self.out.gate(Kind::X, &[wire], &[], cond);
            self.wires[wire as usize].held = known;
        }
    }

    pub(super) fn set_turn(&mut self, wire: u32, turn: Turn) {
        let w = &mut self.wires[wire as usize];
        (w.turn, w.still) = (turn, turn == Turn::NONE);
    }

    /// A rotation after the turn.
    #[inline]
    pub(super) fn after(&mut self, wire: u32, next: &Turn) {
        let w = &mut self.wires[wire as usize];
        w.turn = if w.still { *next } else { w.turn.then(next) };
        w.still = false;
    }

    /// A rotation before the turn.
    pub(super) fn before(&mut self, wire: u32, first: &Turn) {
        let w = &mut self.wires[wire as usize];
        w.turn = first.then(&w.turn);
        w.still = false;
    }

    /// Writes the turn as gates.
    pub(super) fn flush(&mut self, wire: u32) {
        if self.wires[wire as usize].still {
            return;
        }
        let w = self.wires[wire as usize];
        let seen = match w.known {
            None => w.turn,
            Some(_) if w.turn.is_diagonal() => Turn::NONE,
            Some(Lit::FALSE) if w.held == Lit::FALSE => w.turn.on_zero(),
            Some(_) => w.turn.without_first_phase(),
        };
        self.set_turn(wire, Turn::NONE);
        let (gates, n) = seen.gates();
        if n > 0 {
            self.materialise(wire);
            self.wires[wire as usize].known = None;
        }
        for (kind, angles) in &gates[..n] {
            self.out.gate(*kind, &[wire], angles, NONE);
        }
    }

    /// Writes the turn but for a rotation about Z that comes last, which stays pending.
    pub(super) fn flush_to_phase(&mut self, wire: u32) {
        let w = self.wires[wire as usize];
        let [theta, phi, lam] = w.turn.angles();
        let special = turn::quarters(theta).is_some();
        let phase = if w.known.is_none() && !special {
            // The common case: no Clifford gate, and nothing known.
            self.set_turn(wire, Turn::NONE);
            if lam == 0.0 {
                self.out.gate(Kind::Ry, &[wire], &[theta], NONE);
            } else {
                self.out.gate(Kind::U, &[wire], &[theta, 0.0, lam], NONE);
            }
            phi
        } else {
            let (rest, phase) = w.turn.without_last_phase();
            self.set_turn(wire, rest);
            self.flush(wire);
            phase
        };
        if phase != 0.0 {
            self.after(wire, &Turn::about(Axis::Z, phase));
        }
    }

    /// The signed Pauli that the operator of `axis` is before the turn.
    #[inline]
    pub(super) fn image(&self, wire: u32, axis: Axis) -> Option<(Axis, bool)> {
        let w = &self.wires[wire as usize];
        if w.still {
            Some((axis, false))
        } else {
            w.turn.image(axis)
        }
    }

    /// The literal that is true where the operator of `axis` reads -1.
    pub(super) fn reading(&self, wire: u32, axis: Axis) -> Option<Lit> {
        let known = self.wires[wire as usize].known?;
        match self.image(wire, axis) {
            Some((Axis::Z, negative)) => Some(known.flipped(negative)),
            _ => None,
        }
    }

    /// After gates were removed: takes one-qubit gates at the end of the wire back into the turn.
    pub(super) fn absorb(&mut self, wire: u32) {
        loop {
            let at = self.out.last(wire);
            if at == NONE {
                let w = &mut self.wires[wire as usize];
                if w.known.is_none() && self.allowed.constants {
                    (w.known, w.held) = (Some(Lit::FALSE), Lit::FALSE);
                }
                return;
            }
            let op = *self.out.op(at);
            let Some(turn) = (op.cond == NONE).then(|| Turn::of(op.kind, self.out.circuit.angles(&op))).flatten()
            else {
                return;
            };
            self.out.remove(at);
            self.before(wire, &turn);
        }
    }

    /// Exchanges what two wires stand for; their turns move along.
    pub(super) fn exchange(&mut self, a: u32, b: u32) {
        let (p, q) = (self.wires[a as usize].qubit, self.wires[b as usize].qubit);
        (self.wires[a as usize].qubit, self.wires[b as usize].qubit) = (q, p);
    }

    pub(super) fn swap_qubits(&mut self, a: u32, b: u32) {
        let (p, q) = (self.wires[a as usize].qubit, self.wires[b as usize].qubit);
        self.exchange(a, b);
        (self.at[p as usize], self.at[q as usize]) = (b, a);
    }

    /// Writes a gate whose wires are ready for it, or lets it cancel or join an earlier one.
    pub(super) fn write_gate(&mut self, kind: Kind, wires: &[u32], angles: &[f64], guard: Guard) {
        for &wire in wires {
            self.materialise(wire);
            self.wires[wire as usize].known = None;
        }
        let cond = self.guards.cond(guard).unwrap_or(NONE);
        if self.allowed.peephole && (axis::is_self_inverse(kind) || axis::adds(kind)) {
            if let Some(found) = self.out.partner(kind, wires, cond) {
                self.merge(found, kind, wires, angles, guard);
                return;
            }
        }
        self.out.gate(kind, wires, angles, cond);
    }

    fn merge(&mut self, found: u32, kind: Kind, wires: &[u32], angles: &[f64], guard: Guard) {
        if axis::is_self_inverse(kind) {
            self.fired.cancelled += 1;
            self.out.remove(found);
            wires.iter().for_each(|&w| self.absorb(w));
            return;
        }
        self.fired.joined += 1;
        let param = self.out.op(found).param as usize;
        let total = self.out.circuit.params[param] + angles[0];
        if turn::quarters(total).is_none() && turn::quarters(total / 2.0).is_none() {
            self.out.circuit.params[param] = total;
            return;
        }
        self.out.remove(found);
        // Again from the start, as if the turns had not come yet: the sum may be a cheaper gate, or none.
        let owners: Vec<u32> = wires.iter().map(|&w| self.wires[w as usize].qubit).collect();
        let turns: Vec<Wire> = wires.iter().map(|&w| self.wires[w as usize]).collect();
        for &w in wires {
            self.set_turn(w, Turn::NONE);
            self.absorb(w);
        }
        self.apply(kind, wires, &[total], guard);
        for (qubit, saved) in owners.into_iter().zip(turns).filter(|(_, saved)| !saved.still) {
            self.after(self.at[qubit as usize], &saved.turn);
        }
    }
}
