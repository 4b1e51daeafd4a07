//! Ops of a circuit written as steps on a tableau, without the one-qubit gates that always happen.

use super::frames::{self, Frame};
use super::plan::{Act, Site, Step, Strike, When, NO_COLUMN};
use super::tableau::arm;
use crate::circuit::{Circuit, Kind, Op, NONE};

pub struct Writer {
    pub steps: Vec<Step>,
    /// By qubit of the circuit the one of the tableau, NONE for those not in use; swaps that always happen change it.
    places: Vec<u32>,
    /// By qubit of the tableau the gates taken out so far: P to L^-1 P L.
    frames: Vec<Frame>,
}

impl Writer {
    /// Qubits in use have numbers in order of first use.
    pub fn new(circuit: &Circuit) -> Writer {
        let mut places = vec![NONE; circuit.n_qubits as usize];
        let mut next = 0;
        for &qubit in circuit.ops.iter().flat_map(|op| op.qubits()) {
            if places[qubit as usize] == NONE {
                places[qubit as usize] = next;
                next += 1;
            }
        }
        Writer { steps: Vec::new(), places, frames: vec![Frame::SAME; next as usize] }
    }

    pub fn n_qubits(&self) -> usize {
        self.frames.len()
    }

    /// False for what is no Clifford op.
    pub fn write(&mut self, op: &Op, when: When) -> bool {
        use Kind::*;
        let (a, b) = (op.q[0], op.q[1]);
        match op.kind {
            Id => {}
            X | Y | Z | H | S | Sdg | Sx | Sxdg => self.turn(op.kind, a, when),
            Cnot => self.couple([a, b], frames::X, when),
            Cy => self.couple([a, b], frames::Y, when),
            Cz => self.couple([a, b], frames::Z, when),
            Swap => self.swap(a, b, when),
            Iswap | Iswapdg => {
                let turn = if op.kind == Iswap { S } else { Sdg };
                self.turn(turn, a, when);
                self.turn(turn, b, when);
                self.couple([a, b], frames::Z, when);
                self.swap(a, b, when);
            }
            Measure | Reset => {
                let (at, minus) = self.column(a, frames::Z);
                let back = if op.kind == Reset { self.column(a, frames::X).0 } else { NO_COLUMN };
                let cbit = if op.kind == Reset { NONE } else { op.cbit };
                self.push(Act::Measure { at, minus, cbit, back }, when);
            }
            Logic => self.push(Act::Logic { table: op.param, cbit: op.cbit }, when),
            _ => return false,
        }
        true
    }

    /// The chance that there is an error at all, and what it does.
    pub fn pauli(&self, op: &Op, params: &[f64]) -> (f64, Strike) {
        let column = |k: usize, code: usize| if code == 0 { NO_COLUMN } else { self.column(op.q[k], code - 1).0 };
        let mut total = 0.0;
        let mut errors = Vec::new();
        for (k, &p) in params.iter().enumerate().filter(|(_, &p)| p > 0.0) {
            total += p;
            let code = k + 1;
            let one = op.kind == Kind::Noise;
            errors.push((total, if one { [column(0, code), NO_COLUMN] } else { [column(0, code >> 2), column(1, code & 3)] }));
        }
        (total.min(1.0), Strike::Pauli(errors.into()))
    }

    /// The steps. Measurements after which nothing acts on their qubits, and none of another kind follows, become reads.
    pub fn finish(mut self, sites: &[Site]) -> Vec<Step> {
        let mut busy = vec![false; self.frames.len()];
        let mut sites = sites.iter().rev().peekable();
        for (number, step) in self.steps.iter_mut().enumerate().rev() {
            while let Some(site) = sites.next_if(|site| site.at as usize > number) {
                if let Strike::Pauli(errors) = &site.strike {
                    let columns = errors.iter().flat_map(|(_, columns)| columns);
                    columns.filter(|&&at| at != NO_COLUMN).for_each(|&at| busy[at as usize / 3] = true);
                }
            }
            match step.act {
                Act::Measure { at, minus, cbit, back: NO_COLUMN } if !busy[at as usize / 3] => {
                    step.act = Act::Read { at, minus, cbit };
                }
                Act::Measure { .. } => break,
                Act::Couple { a, b, .. } => [a, b].iter().for_each(|arm| busy[arm[0] as usize / 3] = true),
                Act::Flip { at } => busy[at as usize / 3] = true,
                Act::Turn { qubit, .. } => busy[qubit as usize] = true,
                Act::Read { .. } | Act::Logic { .. } => {}
            }
        }
        self.steps
    }

    fn push(&mut self, act: Act, when: When) {
        self.steps.push(Step { act, when });
    }

    /// What a Pauli of a qubit of the circuit is now.
    fn column(&self, qubit: u32, letter: usize) -> (u16, bool) {
        let place = self.places[qubit as usize];
        let axis = self.frames[place as usize].0[letter];
        (arm(place, axis.letter)[0], axis.minus)
    }

    fn turn(&mut self, gate: Kind, qubit: u32, when: When) {
        let place = self.places[qubit as usize];
        let frame = &mut self.frames[place as usize];
        let Some(gate) = Frame::of(gate) else { unreachable!("{} acts on one qubit", gate.name()) };
        if when == When::Always {
            *frame = frame.after(&gate.inverse());
            return;
        }
        let turned = frame.after(&gate.after(&frame.inverse()));
        match turned.as_pauli() {
            Some(None) => {}
            Some(Some(letter)) => self.push(Act::Flip { at: arm(place, letter)[0] }, when),
            None => self.push(Act::Turn { qubit: place, to: turned.0.map(|axis| (axis.letter, axis.minus)) }, when),
        }
    }

    /// A Pauli of the second qubit, controlled by Z of the first.
    fn couple(&mut self, qubits: [u32; 2], letter: usize, when: When) {
        let [(a, a_minus), (b, b_minus)] = [self.column(qubits[0], frames::Z), self.column(qubits[1], letter)];
        let [a, b] = [a, b].map(|at| arm(u32::from(at) / 3, (at % 3) as u8));
        self.push(Act::Couple { a, b, minus: [a_minus, b_minus] }, when);
    }

    fn swap(&mut self, a: u32, b: u32, when: When) {
        if when == When::Always {
            self.places.swap(a as usize, b as usize);
            return;
        }
        for qubits in [[a, b], [b, a], [a, b]] {
            self.couple(qubits, frames::X, when);
        }
    }
}


