//! Phase folding: rotations about the same Pauli operator become one, wherever they stand.
//!
//! Clifford gates are moved to the end of the circuit in thought, so that each rotation is one about a Pauli operator of
//! the wires at the start (Litinski, Quantum 3, 128 (2019); Zhang and Chen, arXiv:1903.12456). Two rotations about the
//! same operator add up if all that stands between them commutes with it. The earlier one is taken out and the later one
//! gets the sum: no other gate moves, so the number of gates on two qubits stays. Measurements, resets, noise and gates
//! under conditions are blocks: what commutes with all Pauli operators that they are made of passes them.

use std::collections::HashMap;

use super::angle::Angle;
use super::frame::{commute, Frame, Pauli};
use crate::circuit::{Circuit, Kind, Op, NONE};

/// What a fold may assume.
#[derive(Clone, Copy, Debug)]
pub struct Assume {
    /// Qubits begin in |0>, and only registers are looked at: rotations that no read-out shows go.
    pub only_registers: bool,
    /// Radians; see `Angle`.
    pub tolerance: f64,
}

/// A rotation (with an angle) or a block (without), in the order of the circuit.
struct Item {
    bits: Box<[u64]>,
    /// The rotation's place in the output, NONE for a block or for a rotation that was taken out.
    at: u32,
    negative: bool,
    alive: bool,
}

struct Fold<'a> {
    circuit: &'a Circuit,
    assume: Assume,
    frame: Frame,
    items: Vec<Item>,
    /// The last rotation about an operator, under a condition.
    last: HashMap<(Box<[u64]>, u32), usize>,
    /// Union of the bits of all items.
    union: Box<[u64]>,
    /// Of each op, its angle if it is a rotation.
    angles: Vec<Option<Angle>>,
    /// Item number after the op that writes a cbit.
    written: Vec<usize>,
}

/// The circuit (as `lower` leaves it) with rotations joined, and how many fewer there are.
pub fn fold(circuit: &Circuit, assume: Assume) -> (Circuit, usize) {
    let words = (circuit.n_qubits as usize).div_ceil(64);
    let mut fold = Fold {
        circuit,
        assume,
        frame: Frame::new(circuit.n_qubits as usize),
        items: Vec::new(),
        last: HashMap::new(),
        union: vec![0; 2 * words].into_boxed_slice(),
        angles: vec![None; circuit.ops.len()],
        written: vec![0; circuit.n_cbits as usize],
    };
    let mut before = 0;
    for (at, op) in circuit.ops.iter().enumerate() {
        match Angle::of_gate(op.kind, circuit.angles(op), assume.tolerance) {
            Some(angle) => {
                before += !angle.is_clifford() as usize;
                fold.rotation(at, op, angle);
            }
            None => fold.other(op),
        }
    }
    if assume.only_registers {
        fold.drop_unseen();
    }
    let made = fold.written_out();
    let after = made.ops.iter().filter(|op| is_rotation(&made, op, assume.tolerance)).count();
    (made, before - after)
}

fn is_rotation(circuit: &Circuit, op: &Op, tolerance: f64) -> bool {
    Angle::of_gate(op.kind, circuit.angles(op), tolerance).is_some_and(|angle| !angle.is_clifford())
}

impl Fold<'_> {
    fn rotation(&mut self, at: usize, op: &Op, angle: Angle) {
        self.angles[at] = Some(angle);
        let wire = op.q[0];
        if angle.is_clifford() {
            return match op.cond {
                NONE => self.clifford(angle, wire),
                _ => self.block(self.frame.z(wire).bits.clone()),
            };
        }
        let pauli = self.frame.z(wire).clone();
        let negative = pauli.is_negative();
        let mut sum = angle;
        if let Some(k) = self.partner(&pauli, op.cond) {
            let earlier = self.items[k].at as usize;
            let other = self.angles[earlier].take().unwrap_or(Angle::ZERO);
            sum = angle.plus(other.signed(negative ^ self.items[k].negative), self.assume.tolerance);
            self.angles[earlier] = Some(Angle::ZERO);
            self.items[k].alive = false;
        }
        self.angles[at] = Some(sum);
        if sum.is_clifford() {
            match op.cond {
                NONE => self.clifford(sum, wire),
                _ if sum.is_zero() => (),
                _ => self.block(pauli.bits),
            }
        } else if op.cond == NONE && self.assume.only_registers && self.fixes_start(&pauli) {
            self.angles[at] = Some(Angle::ZERO);
        } else {
            self.last.insert((pauli.bits.clone(), op.cond), self.items.len());
            self.add(Item { bits: pauli.bits, at: at as u32, negative, alive: true });
        }
    }

    fn clifford(&mut self, angle: Angle, wire: u32) {
        angle.gates().iter().for_each(|&kind| {
            self.frame.gate(kind, &[wire]);
        });
    }

    /// The last rotation about this operator under this condition, if nothing stands between that does not commute.
    fn partner(&self, pauli: &Pauli, cond: u32) -> Option<usize> {
        let k = *self.last.get(&(pauli.bits.clone(), cond))?;
        let free = self.items[k].alive
            && self.items[k + 1..].iter().all(|item| !item.alive || commute(&item.bits, &pauli.bits));
        (free && self.is_written_before(cond, k)).then_some(k)
    }

    /// Whether the condition had its value at this item.
    fn is_written_before(&self, cond: u32, item: usize) -> bool {
        let mut all = true;
        self.circuit.cond_bits(cond, &mut |c| all &= self.written[c as usize] <= item);
        all
    }

    /// Whether the state |0..0> is an eigenvector of the operator and all items commute with it (perhaps more do).
    fn fixes_start(&self, pauli: &Pauli) -> bool {
        let words = self.union.len() / 2;
        pauli.x().iter().all(|&x| x == 0) && pauli.z().iter().zip(&self.union[..words]).all(|(z, x)| z & x == 0)
    }

    fn add(&mut self, item: Item) {
        self.union.iter_mut().zip(item.bits.iter()).for_each(|(all, new)| *all |= new);
        self.items.push(item);
    }

    fn block(&mut self, bits: Box<[u64]>) {
        self.add(Item { bits, at: NONE, negative: false, alive: true });
    }

    /// What is no rotation about Z.
    fn other(&mut self, op: &Op) {
        if op.cond == NONE && op.kind.is_gate() {
            let known = self.frame.gate(op.kind, op.qubits());
            debug_assert!(known, "{} is not lowered", op.kind.name());
            return;
        }
        if op.kind == Kind::Measure && op.cond == NONE {
            self.drop_before_measurement(op.q[0]);
        }
        for (slot, &wire) in op.qubits().iter().enumerate() {
            let basis = match op.kind {
                Kind::Measure => b'Z',
                kind => kind.bases().get(slot).copied().unwrap_or(b'-'),
            };
            if basis != b'X' {
                self.block(self.frame.z(wire).bits.clone());
            }
            if basis != b'Z' {
                self.block(self.frame.x(wire).bits.clone());
            }
        }
        if op.cbit != NONE {
            self.written[op.cbit as usize] = self.items.len();
        }
    }

    /// A rotation about what is measured next is a phase of either outcome.
    fn drop_before_measurement(&mut self, wire: u32) {
        let pauli = self.frame.z(wire).clone();
        if let Some(k) = self.partner(&pauli, NONE) {
            self.angles[self.items[k].at as usize] = Some(Angle::ZERO);
            self.items[k].alive = false;
        }
    }

    /// Rotations that commute with all that follows, measurements too, change no distribution.
    fn drop_unseen(&mut self) {
        let words = self.union.len() / 2;
        let mut later = vec![0u64; 2 * words];
        for item in self.items.iter().rev().filter(|item| item.alive) {
            let (x, z) = item.bits.split_at(words);
            let apart = (0..words).all(|k| x[k] & later[words + k] == 0 && z[k] & later[k] == 0);
            if item.at != NONE && apart {
                self.angles[item.at as usize] = Some(Angle::ZERO);
            } else {
                later.iter_mut().zip(item.bits.iter()).for_each(|(all, new)| *all |= new);
            }
        }
    }

    fn written_out(&self) -> Circuit {
        let source = self.circuit;
        let mut out = Circuit { ops: Vec::with_capacity(source.ops.len()), params: Vec::new(), ..source.clone() };
        for (op, angle) in source.ops.iter().zip(&self.angles) {
            match angle {
                Some(angle) => write_angle(&mut out, op.q[0], *angle, op.cond),
                None => copy(&mut out, source, op),
            }
        }
        out
    }
}

/// Appends a rotation about Z: gates where it is a multiple of pi/4, else RZ.
pub fn write_angle(out: &mut Circuit, wire: u32, angle: Angle, cond: u32) {
    if angle.is_free() {
        out.ops.push(Op::gate(Kind::Rz, &[wire], out.params.len() as u32).under(cond));
        out.params.push(angle.radians());
    } else {
        angle.gates().iter().for_each(|&kind| out.ops.push(Op::gate(kind, &[wire], NONE).under(cond)));
    }
}

/// Appends an op of another circuit with its parameters.
pub fn copy(out: &mut Circuit, source: &Circuit, op: &Op) {
    let mut kept = *op;
    let angles = source.angles(op);
    if !angles.is_empty() {
        kept.param = out.params.len() as u32;
        out.params.extend_from_slice(angles);
    }
    out.ops.push(kept);
}
