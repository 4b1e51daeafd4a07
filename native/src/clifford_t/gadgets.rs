//! A unitary circuit as rotations about Pauli operators and then one Clifford operation.

use super::angle::Angle;
use super::frame::{Frame, Pauli};
use super::word::Word;
use crate::circuit::{Circuit, Op};

/// A rotation by `angle` about `axis`.
#[derive(Clone, Copy, Debug)]
pub struct Gadget {
    pub axis: Word,
    pub angle: Angle,
}

/// Rotations, first one first, and after them C: `x[q]` and `z[q]` are `C^-1 X C` and `C^-1 Z C` of wire q.
#[derive(Clone, Debug)]
pub struct Gadgets {
    pub rotations: Vec<Gadget>,
    pub x: Vec<Word>,
    pub z: Vec<Word>,
}

impl Gadgets {
    /// Of gates as `lower` leaves them, without conditions, on wires `0..n`.
    pub fn of(n: usize, circuit: &Circuit, ops: &[Op], tolerance: f64) -> Gadgets {
        let mut frame = Frame::new(n);
        let mut rotations: Vec<Gadget> = Vec::new();
        for op in ops {
            match Angle::of_gate(op.kind, circuit.angles(op), tolerance) {
                Some(angle) if !angle.is_clifford() => {
                    rotations.push(Gadget { axis: word(frame.z(op.q[0])), angle });
                }
                Some(angle) => angle.gates().iter().for_each(|&kind| {
                    frame.gate(kind, op.qubits());
                }),
                None => {
                    frame.gate(op.kind, op.qubits());
                }
            }
        }
        let wires = 0..n as u32;
        let x = wires.clone().map(|q| word(frame.x(q))).collect();
        Gadgets { rotations, x, z: wires.map(|q| word(frame.z(q))).collect() }
    }

    pub fn wires(&self) -> usize {
        self.x.len()
    }

    /// A rotation by quarter turns after rotation number `at`, moved to the end.
    pub fn turn(&mut self, at: usize, axis: &Word, quarters: u8) {
        for gadget in &mut self.rotations[at..] {
            gadget.axis = gadget.axis.before_turn(axis, quarters);
        }
        for row in self.x.iter_mut().chain(&mut self.z) {
            *row = row.before_turn(axis, quarters);
        }
    }

    /// Rotations that commute come together: for each, the number of its group. Groups act one after the other.
    pub fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (at, gadget) in self.rotations.iter().enumerate() {
            let commutes = |&other: &usize| self.rotations[other].axis.commutes(&gadget.axis);
            let after = groups.iter().rposition(|group| !group.iter().all(commutes)).map_or(0, |k| k + 1);
            match groups.get_mut(after) {
                Some(group) => group.push(at),
                None => groups.push(vec![at]),
            }
        }
        groups
    }
}

fn word(pauli: &Pauli) -> Word {
    let join = |words: &[u64]| words.iter().rev().fold(0u128, |all, &part| all << 64 | part as u128);
    Word { x: join(pauli.x()), z: join(pauli.z()), negative: pauli.is_negative() }
}
