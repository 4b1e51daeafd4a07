//! Ops of a circuit written as steps on a tableau, without the one-qubit gates that always happen.

use super::frames::{self, Frame};
use super::plan::{Act, Errors, Guard, Site, Step, Strike, When, NO_COLUMN};
use super::tableau::arm;
use crate::circuit::{Circuit, Cond, Kind, Op, NONE};
use crate::frame::used;

pub struct Writer<'a> {
    circuit: &'a Circuit,
    pub steps: Vec<Step>,
    pub guards: Vec<Guard>,
    pub sites: Vec<Site>,
    pub groups: Vec<Box<[u32]>>,
    pub errors: Vec<Errors>,
    /// By qubit of the circuit the one of the tableau, NONE for those not in use; swaps that always happen change it.
    places: Vec<u32>,
    /// By qubit of the tableau the gates taken out so far: P to L^-1 P L.
    frames: Vec<Frame>,
    /// By cbit, whether an op writes it.
    written: Vec<bool>,
}

impl<'a> Writer<'a> {
    /// Qubits in use have numbers in order of first use.
    pub fn new(circuit: &'a Circuit) -> Writer<'a> {
        let (places, n_qubits) = used(circuit);
        let mut written = vec![false; circuit.n_cbits as usize];
        for op in circuit.ops.iter().filter(|op| op.cbit != NONE) {
            written[op.cbit as usize] = true;
        }
        let frames = vec![Frame::SAME; n_qubits];
        let (steps, guards, sites, groups, errors) = (vec![], vec![], vec![], vec![], vec![]);
        Writer { circuit, steps, guards, sites, groups, errors, places, frames, written }
    }

    pub fn n_qubits(&self) -> usize {
        self.frames.len()
    }

    /// False for what is no Clifford op.
    pub fn write(&mut self, op: &Op) -> bool {
        use Kind::*;
        let when = op.cond;
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

    /// A die that sets cbits.
    pub fn toss(&mut self, cbits: &[u32]) {
        let group = self.groups.len() as u32;
        let (written, flags): (Vec<u32>, Vec<u32>) = cbits.iter().partition(|&&cbit| self.written[cbit as usize]);
        let strike = match (&flags[..], written.is_empty()) {
            (&[flag], true) => Strike::Flag(flag),
            (_, true) => Strike::Flags(group),
            (_, false) => Strike::Cbits(group),
        };
        if !matches!(strike, Strike::Flag(_)) {
            self.groups.push(flags.into());
        }
        if matches!(strike, Strike::Cbits(_)) {
            self.groups.push(written.into());
        }
        self.sites.push(Site { at: self.steps.len() as u32, strike });
    }

    /// A die for Pauli errors; gives the chance of any, None where there is none.
    pub fn pauli(&mut self, op: &Op, params: &[f64]) -> Option<f64> {
        let column = |k: usize, code: usize| if code == 0 { NO_COLUMN } else { self.column(op.q[k], code - 1).0 };
        let mut total = 0.0;
        let mut errors = Vec::new();
        for (k, &p) in params.iter().enumerate().filter(|(_, &p)| p > 0.0) {
            total += p;
            let codes = if op.kind == Kind::Noise { [k + 1, 0] } else { [(k + 1) >> 2, (k + 1) & 3] };
            errors.push((total, [column(0, codes[0]), column(1, codes[1])]));
        }
        if errors.is_empty() {
            return None;
        }
        self.sites.push(Site { at: self.steps.len() as u32, strike: Strike::Pauli(self.errors.len() as u32) });
        self.errors.push(errors.into());
        Some(total.min(1.0))
    }

    /// Measurements become reads where nothing acts on their qubits after them, no other Pauli of these is measured, and
    /// no measurement follows that changes the state.
    pub fn mark_reads(&mut self) {
        let mut busy = vec![false; self.frames.len()];
        let mut read = vec![NO_COLUMN; self.frames.len()];
        let mut sites = self.sites.iter().rev().peekable();
        for (number, step) in self.steps.iter_mut().enumerate().rev() {
            while let Some(site) = sites.next_if(|site| site.at as usize > number) {
                if let Strike::Pauli(errors) = site.strike {
                    let columns = self.errors[errors as usize].iter().flat_map(|(_, columns)| columns);
                    columns.filter(|&&at| at != NO_COLUMN).for_each(|&at| busy[at as usize / 3] = true);
                }
            }
            match step.act {
                Act::Measure { at, minus, cbit, back: NO_COLUMN }
                    if !busy[at as usize / 3] && [NO_COLUMN, at].contains(&read[at as usize / 3]) =>
                {
                    read[at as usize / 3] = at;
                    step.act = Act::Read { at, minus, cbit };
                }
                Act::Measure { .. } => break,
                Act::Couple { a, b, .. } => [a, b].iter().for_each(|arm| busy[arm[0] as usize / 3] = true),
                Act::Flip { at } => busy[at as usize / 3] = true,
                Act::Turn { qubit, .. } => busy[qubit as usize] = true,
                Act::Read { .. } | Act::Logic { .. } => {}
            }
        }
    }

    fn push(&mut self, act: Act, when: u32) {
        let none = self.circuit.n_cbits;
        let guard = if when == NONE { Some([none; 2]) } else { self.flags(when) };
        let when = if guard.is_some() { When::Always } else { When::Holds(when) };
        self.steps.push(Step { act, when });
        self.guards.push(guard.unwrap_or([none; 2]));
    }

    /// The flags that a condition says have not fallen, if it says no more.
    fn flags(&self, cond: u32) -> Option<Guard> {
        let conds = &self.circuit.conds;
        let flag = |cond: u32| match conds[cond as usize] {
            Cond::Not(inner) => match conds[inner as usize] {
                Cond::Bit(cbit) if !self.written[cbit as usize] => Some(cbit),
                _ => None,
            },
            _ => None,
        };
        match &conds[cond as usize] {
            Cond::And(parts) if parts.len() == 2 => Some([flag(parts[0])?, flag(parts[1])?]),
            _ => flag(cond).map(|flag| [flag; 2]),
        }
    }

    /// What a Pauli of a qubit of the circuit is now.
    fn column(&self, qubit: u32, letter: usize) -> (u16, bool) {
        let place = self.places[qubit as usize];
        let axis = self.frames[place as usize].0[letter];
        (arm(place, axis.letter)[0], axis.minus)
    }

    fn turn(&mut self, gate: Kind, qubit: u32, when: u32) {
        let place = self.places[qubit as usize];
        let frame = &mut self.frames[place as usize];
        let Some(gate) = Frame::of(gate) else { unreachable!("{} acts on one qubit", gate.name()) };
        if when == NONE {
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
    fn couple(&mut self, qubits: [u32; 2], letter: usize, when: u32) {
        let [(a, a_minus), (b, b_minus)] = [self.column(qubits[0], frames::Z), self.column(qubits[1], letter)];
        let [a, b] = [a, b].map(|at| arm(u32::from(at) / 3, (at % 3) as u8));
        self.push(Act::Couple { a, b, minus: [a_minus, b_minus] }, when);
    }

    fn swap(&mut self, a: u32, b: u32, when: u32) {
        if when == NONE {
            self.places.swap(a as usize, b as usize);
            return;
        }
        for qubits in [[a, b], [b, a], [a, b]] {
            self.couple(qubits, frames::X, when);
        }
    }
}
