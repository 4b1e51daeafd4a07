//! Circuit to code, in one pass.
//!
//! While compiling, the state of every shot is `U F R_m ... R_1 (|phi> (x) |0...0>)`: a Clifford U common to all shots
//! (the tableau has its inverse images), a Pauli F of each shot (its bits are forms), rotations R that are pending, and
//! |phi> on the active virtual qubits; dormant ones are |0>. Gates change U, feed-forward and noise change F, other
//! rotations join the pending ones, and only a measurement that does not commute with them makes any happen: what no
//! measurement asks for is never run.

use super::forms::Form;
use super::gates::rotations;
use super::logic::Conditions;
use super::pauli::{any, both, flip, has, members, without, Mask, Pauli};
use super::pending::{Known, Pending};
use super::plan::{Code, Instr};
use super::release::Certificate;
use super::tableau::Tableau;
use crate::circuit::{Circuit, Kind, Op, NONE};

/// Widest part that a plan may have.
pub const MAX_WIDTH: usize = 34;

/// How a circuit is compiled: with `joint` read-outs, up to `most` qubits of a part and `budget` words of rows.
#[derive(Clone, Copy)]
pub struct Bounds {
    pub joint: bool,
    pub most: usize,
    pub budget: u64,
}

/// Longest form that is kept; a longer one becomes a symbol of its own.
const LONG_FORM: usize = 24;

pub struct Compiler<'a, const W: usize> {
    pub circuit: &'a Circuit,
    /// Of a qubit of the circuit, its row in the tableau.
    pub row: Vec<u32>,
    pub tableau: Tableau<W>,
    pub pending: Vec<Pending<W>>,
    pub known: Known,
    /// Pending rotations that are about to happen, last one first.
    pub queue: Vec<Pending<W>>,
    /// Qubits that some pending or queued rotation moves.
    pub moved: Mask<W>,
    pub dormant: Mask<W>,
    /// Of an active qubit, its part and its bit there.
    pub place: Vec<(u32, u32)>,
    pub parts: Vec<Vec<u32>>,
    pub free_parts: Vec<u32>,
    /// F is the product of X_j to `frame_x[j]` and Z_j to `frame_z[j]`.
    pub frame_x: Vec<Vec<u32>>,
    pub frame_z: Vec<Vec<u32>>,
    pub live_x: Mask<W>,
    pub live_z: Mask<W>,
    pub conditions: Conditions,
    pub code: Code,
    /// Whether all rotations that a run of measurements needs happen before the first of them.
    pub joint: bool,
    /// Widest part for which it is worth going on.
    pub most: usize,
    /// At the end of a circuit: the rows of what is still to be measured.
    pub horizon: Option<Vec<usize>>,
    pub certificates: Vec<Certificate>,
    /// What may still be spent on looking for qubits to release.
    pub searches: usize,
    /// Words of the tableau's rows that may still be turned.
    pub budget: u64,
    /// A part is wider than `most`, or the budget is spent: the code ends there.
    pub given_up: bool,
}

impl<'a, const W: usize> Compiler<'a, W> {
    pub fn new(circuit: &'a Circuit, row: Vec<u32>, n: usize, bounds: Bounds) -> Compiler<'a, W> {
        let Bounds { joint, most, budget } = bounds;
        let mut dormant = [0; W];
        (0..n).for_each(|j| flip(&mut dormant, j));
        Compiler {
            circuit,
            row,
            tableau: Tableau::new(n),
            pending: Vec::new(),
            known: Known::default(),
            queue: Vec::new(),
            moved: [0; W],
            dormant,
            place: vec![(NONE, 0); n],
            parts: Vec::new(),
            free_parts: Vec::new(),
            frame_x: vec![Vec::new(); n],
            frame_z: vec![Vec::new(); n],
            live_x: [0; W],
            live_z: [0; W],
            conditions: Conditions::new(circuit),
            code: Code { n_symbols: circuit.n_cbits, ..Code::default() },
            joint,
            most,
            horizon: None,
            certificates: Vec::new(),
            searches: 20_000_000,
            budget,
            given_up: false,
        }
    }

    pub fn run(mut self) -> Code {
        let ops = &self.circuit.ops;
        let tail = tail_start(ops);
        let mut at = 0;
        while at < ops.len() && !self.given_up {
            let op = &ops[at];
            self.spend(2 * W as u64);
            at += 1;
            match op.kind {
                Kind::Measure if op.cond == NONE => {
                    let run = ops[at..].iter().take_while(|op| op.kind == Kind::Measure && op.cond == NONE).count();
                    self.measure_all(&ops[at - 1..at + run], at > tail);
                    at += run;
                }
                Kind::Measure | Kind::Reset => self.observe(op),
                Kind::Noise | Kind::Noise2 => self.noise(op),
                Kind::Logic => self.logic(op),
                kind => {
                    let q = self.rows_of(op);
                    let q = &q[..kind.n_qubits()];
                    if op.cond == NONE {
                        if !self.tableau.gate(kind, q) {
                            let angles = self.circuit.angles(op);
                            self.gate(kind, q, angles, Form::constant(true));
                        }
                    } else {
                        let cond = self.condition(op.cond);
                        self.gate(kind, q, self.circuit.angles(op), cond);
                    }
                }
            }
        }
        self.code.given_up = self.given_up;
        self.code
    }

    pub fn spend(&mut self, words: u64) {
        self.code.turned += words;
        self.given_up |= self.code.turned > self.budget;
    }

    #[inline]
    pub fn rows_of(&self, op: &Op) -> [u32; 3] {
        op.q.map(|q| if q == NONE { NONE } else { self.row[q as usize] })
    }

    /// A gate where `cond` holds.
    fn gate(&mut self, kind: Kind, q: &[u32], angles: &[f64], cond: Form) {
        let (controls, rest) = controlled(kind);
        for k in 0..controls {
            if let Some(value) = self.classical(q[k]) {
                let cond = self.conjunction(cond, value);
                let others: Vec<u32> = q.iter().enumerate().filter(|&(at, _)| at != k).map(|(_, &q)| q).collect();
                return self.gate(rest, &others, angles, cond);
            }
        }
        if cond.is_constant() {
            if cond.flip && !self.tableau.gate(kind, q) {
                for &(p, angle) in rotations(kind, angles).list() {
                    self.rotate(q, p, angle, NONE);
                }
            }
            return;
        }
        if let Kind::X | Kind::Y | Kind::Z = kind {
            let q0 = q[0] as usize;
            if kind != Kind::Z {
                let image = *self.tableau.x(q0);
                self.frame_multiply(&image, &cond.symbols);
            }
            if kind != Kind::X {
                let image = *self.tableau.z(q0);
                self.frame_multiply(&image, &cond.symbols);
            }
            if cond.flip {
                self.tableau.gate(kind, q);
            }
            return;
        }
        let list = rotations(kind, angles);
        if list.list().is_empty() {
            return;
        }
        let under = self.symbol_of(&cond);
        for &(p, angle) in list.list() {
            self.rotate(q, p, angle, under);
        }
    }

    /// The value of a qubit that is a classical bit in every shot.
    fn classical(&self, q: u32) -> Option<Form> {
        let image = self.tableau.z(q as usize);
        let free = without(&self.dormant, &self.moved);
        if any(&image.x) || any(&without(&image.z, &free)) {
            return None;
        }
        let mut form = Form { symbols: self.frame_parity(image), flip: image.neg };
        form.symbols.shrink_to_fit();
        Some(form)
    }

    fn noise(&mut self, op: &Op) {
        let chances = self.circuit.angles(op);
        if chances.iter().all(|&p| p == 0.0) {
            return;
        }
        let operands = op.kind.n_qubits();
        let out = self.code.n_symbols;
        (0..2 * operands).for_each(|_| _ = self.code.symbol());
        self.code.instrs.push(Instr::Noise { out, operands: operands as u32, param: op.param });
        for (k, &qubit) in op.qubits().iter().enumerate() {
            let q = self.row[qubit as usize] as usize;
            let letter = |error: usize| (error + 1) >> (2 * (operands - 1 - k)) & 3;
            let falls = |which: [usize; 2]| (0..chances.len()).any(|e| chances[e] > 0.0 && which.contains(&letter(e)));
            if falls([1, 2]) {
                let image = *self.tableau.x(q);
                self.frame_multiply(&image, &[out + 2 * k as u32]);
            }
            if falls([2, 3]) {
                let image = *self.tableau.z(q);
                self.frame_multiply(&image, &[out + 2 * k as u32 + 1]);
            }
        }
    }

    // ---- the frame F

    /// In which shots F anticommutes with `p`.
    pub fn frame_parity(&self, p: &Pauli<W>) -> Vec<u32> {
        let mut form = Form::default();
        for j in members(both(&p.z, &self.live_x)) {
            form.add_symbols(&self.frame_x[j]);
        }
        for j in members(both(&p.x, &self.live_z)) {
            form.add_symbols(&self.frame_z[j]);
        }
        form.symbols
    }

    /// F = F p in the shots where the parity of `symbols` is odd. Z on a dormant qubit that nothing moves is 1.
    pub fn frame_multiply(&mut self, p: &Pauli<W>, symbols: &[u32]) {
        if symbols.is_empty() {
            return;
        }
        let one;
        let mut symbols = symbols;
        if symbols.len() > LONG_FORM {
            one = [self.parity(symbols.to_vec(), false)];
            symbols = &one;
        }
        for j in members(p.x) {
            self.frame_x[j] = self.sum(j, true, symbols);
            self.note_live(j);
        }
        let idle = without(&self.dormant, &self.moved);
        for j in members(without(&p.z, &idle)) {
            self.frame_z[j] = self.sum(j, false, symbols);
            self.note_live(j);
        }
    }

    fn sum(&mut self, j: usize, x: bool, symbols: &[u32]) -> Vec<u32> {
        let old = std::mem::take(if x { &mut self.frame_x[j] } else { &mut self.frame_z[j] });
        let mut form = Form { symbols: old, flip: false };
        form.add_symbols(symbols);
        if form.symbols.len() > LONG_FORM {
            form.symbols = vec![self.parity(form.symbols, false)];
        }
        form.symbols
    }

    fn note_live(&mut self, j: usize) {
        let set = |mask: &mut Mask<W>, on: bool| {
            if has(mask, j) != on {
                flip(mask, j);
            }
        };
        set(&mut self.live_x, !self.frame_x[j].is_empty());
        set(&mut self.live_z, !self.frame_z[j].is_empty());
    }

    pub fn clear_frame_z(&mut self, j: usize) {
        if has(&self.dormant, j) && !has(&self.moved, j) {
            self.frame_z[j].clear();
            self.note_live(j);
        }
    }

    // ---- symbols

    /// A new symbol: the parity of others.
    pub fn parity(&mut self, symbols: Vec<u32>, flip: bool) -> u32 {
        let out = self.code.symbol();
        self.parity_into(out, symbols, flip);
        out
    }

    pub fn parity_into(&mut self, out: u32, symbols: Vec<u32>, flip: bool) {
        if symbols.is_empty() && !flip {
            return; // columns start as 0
        }
        let from = self.code.span(symbols);
        self.code.instrs.push(Instr::Parity { out, from, flip });
    }

    pub fn symbol_of(&mut self, form: &Form) -> u32 {
        match (form.symbols.as_slice(), form.flip) {
            (&[one], false) => one,
            _ => self.parity(form.symbols.clone(), form.flip),
        }
    }
}

/// How many operands are controls, any of which may be taken away, and what the gate does where one of them is 1.
fn controlled(kind: Kind) -> (usize, Kind) {
    let (base, controls) = kind.peeled();
    // A phase of |1> alone does not tell its target from its controls. `Rz` also turns |0>, so it does.
    let symmetric = matches!(base, Kind::Z | Kind::P);
    match base.controlled(controls.saturating_sub(1)) {
        Some(rest) if controls > 0 => (controls + symmetric as usize, rest),
        _ => (0, kind),
    }
}

/// Where the last read-out begins: measurements under no condition, then logic.
fn tail_start(ops: &[Op]) -> usize {
    let logic = ops.iter().rev().take_while(|op| op.kind == Kind::Logic).count();
    let end = ops.len() - logic;
    let reads = ops[..end].iter().rev().take_while(|op| op.kind == Kind::Measure && op.cond == NONE).count();
    end - reads
}
