//! Measurements and resets while compiling, and the parts that active qubits are in.
//!
//! Z_q becomes M = U^dagger Z_q U. If M moves a dormant qubit j, its outcome m is a fair coin, and (1 +- M)|phi, 0> is
//! (Z_j + M)/sqrt 2 |phi, 0> up to signs in the frame: a Clifford that joins U. If M is Z on dormant qubits, its
//! outcome is a parity of the frame. Else it is measured on |phi>, and a Clifford turns M into Z of one active qubit,
//! which falls dormant.

use super::compile::Compiler;
use super::forms::Form;
use super::pauli::{any, both, flip, has, members, without, Mask, Pauli};
use super::plan::{Instr, Local};
use crate::circuit::{Kind, Op, NONE};

impl<const W: usize> Compiler<'_, W> {
    pub fn image_z(&self, op: &Op) -> Pauli<W> {
        *self.tableau.z(self.row[op.q[0] as usize] as usize)
    }

    /// A run of measurements under no condition; `last`: nothing but logic follows.
    pub fn measure_all(&mut self, ops: &[Op], last: bool) {
        let mut left: Vec<&Op> = ops.iter().collect();
        if last && !self.joint {
            self.measure_in_good_order(&mut left);
        }
        if last || self.joint {
            let measured: Vec<Pauli<W>> = left.iter().map(|op| self.image_z(op)).collect();
            self.settle(&measured);
        }
        if last {
            return self.draw(&left);
        }
        for op in left {
            self.measure(op);
        }
    }

    /// The last measurements of a circuit: parts are measured whole.
    fn draw(&mut self, ops: &[&Op]) {
        let mut left = Vec::new();
        let mut uses = self.look_ahead(ops);
        for &op in ops {
            if self.given_up {
                return;
            }
            let m = self.image_z(op);
            if any(&both(&m.x, &self.dormant)) {
                let row = self.row[op.q[0] as usize] as usize;
                uses[row] -= 1;
                if uses[row] == 0 {
                    self.horizon.iter_mut().for_each(|rows| rows.retain(|&r| r != row));
                }
                self.coin(&m, op.cbit);
                continue;
            }
            left.push(op);
            if any(&m.x) {
                if let Some((part, p)) = self.localize(&m) {
                    let pivot = self.pivot(part, &p);
                    self.code.instrs.push(Instr::Swap { part, p, pivot: self.place[pivot].1 });
                    self.turn_swap(&m, pivot, None);
                }
            }
        }
        let mut open: Vec<u32> = Vec::new();
        for op in &left {
            let m = self.image_z(op);
            open.extend(members(without(&m.z, &self.dormant)).map(|j| self.place[j].0));
        }
        open.sort_unstable();
        open.dedup();
        for part in open {
            let qubits = std::mem::take(&mut self.parts[part as usize]);
            let outs: Vec<u32> = qubits.iter().map(|_| self.code.symbol()).collect();
            let from = self.code.span(outs.iter().copied());
            self.code.instrs.push(Instr::Draw { part, from });
            self.free_parts.push(part);
            for (&j, &out) in qubits.iter().zip(&outs) {
                flip(&mut self.dormant, j as usize);
                self.frame_multiply(&Pauli::x(j as usize), &[out]);
            }
        }
        for op in left {
            let m = self.image_z(op);
            let value = Form { symbols: self.frame_parity(&m), flip: m.neg };
            self.write(op.cbit, value);
        }
    }

    /// Makes the rows of these last measurements the only ones that are still of use. How many of them each row has.
    fn look_ahead(&mut self, ops: &[&Op]) -> Vec<u32> {
        let mut uses = vec![0; self.place.len()];
        ops.iter().for_each(|op| uses[self.row[op.q[0] as usize] as usize] += 1);
        self.horizon = Some((0..uses.len()).filter(|&row| uses[row] > 0).collect());
        uses
    }

    /// A measurement or reset, with or without a condition.
    pub fn observe(&mut self, op: &Op) {
        let under = if op.cond == NONE { Form::constant(true) } else { self.condition(op.cond) };
        if under == Form::constant(false) {
            return;
        }
        let outcome = if under.is_constant() { self.measure(op) } else { self.measure_under(op, &under) };
        if op.kind == Kind::Reset {
            let q = self.row[op.q[0] as usize];
            let image = *self.tableau.x(q as usize);
            self.frame_multiply(&image, &outcome.symbols);
            if outcome.flip {
                self.tableau.negate_z(q);
            }
            for j in members(self.live_z) {
                self.clear_frame_z(j);
            }
        }
    }

    /// The outcome of Z_q, which also goes into the op's cbit.
    pub fn measure(&mut self, op: &Op) -> Form {
        if self.given_up {
            return Form::default();
        }
        self.settle(&[self.image_z(op)]);
        let m = self.image_z(op);
        if any(&both(&m.x, &self.dormant)) {
            return self.coin(&m, op.cbit);
        }
        self.read(&m, op.cbit)
    }

    /// The outcome of a Pauli that moves no dormant qubit and commutes with all pending rotations.
    pub fn read(&mut self, m: &Pauli<W>, cbit: u32) -> Form {
        let active = Pauli { x: m.x, z: without(&m.z, &self.dormant), neg: m.neg };
        let mut outcome = Form { symbols: self.frame_parity(m), flip: m.neg };
        let Some((part, p)) = self.localize(&active) else {
            self.write(cbit, outcome.clone());
            return outcome;
        };
        outcome.flip = false;
        let out = if outcome.is_constant() && cbit != NONE { cbit } else { self.code.symbol() };
        let pivot = self.pivot(part, &p);
        let bit = self.place[pivot].1;
        self.code.instrs.push(Instr::Read { part, p, pivot: bit, out });
        self.drop_bit(part, bit);
        if any(&m.x) {
            self.turn_swap(m, pivot, Some(&Form::of(out)));
        } else {
            self.turn_parity(m, pivot, out);
        }
        outcome.add_symbols(&[out]);
        if out == cbit {
            self.conditions.write(cbit, Form::of(out));
        } else {
            self.write(cbit, outcome.clone());
        }
        outcome
    }

    fn coin(&mut self, m: &Pauli<W>, cbit: u32) -> Form {
        let mut choice = both(&m.x, &self.dormant);
        let unmoved = without(&choice, &self.moved);
        if any(&unmoved) {
            choice = unmoved;
        }
        let Some(j) = members(choice).next() else { return Form::default() };
        let out = if cbit == NONE { self.code.symbol() } else { cbit };
        self.code.instrs.push(Instr::Coin { out });
        if cbit != NONE {
            self.conditions.write(cbit, Form::of(cbit));
        }
        let mut eigenvalue = Form { symbols: self.frame_parity(m), flip: false };
        eigenvalue.add_symbols(&[out]);
        self.turn_swap(m, j, Some(&eigenvalue));
        Form::of(out)
    }

    /// U = U (Z_j + M)/sqrt 2 after M had the outcome `u` on |phi, 0>, so that qubit j is |0>; or, without an outcome,
    /// after that Clifford was applied to |phi>.
    fn turn_swap(&mut self, m: &Pauli<W>, j: usize, u: Option<&Form>) {
        let a = Pauli::z(j);
        let mut odd = Form { symbols: self.frame_parity(m), flip: false };
        let moves = Form { symbols: self.frame_x[j].clone(), flip: false };
        odd.add(&moves);
        if let Some(u) = u {
            self.flip_signs(|p| has(&p.x, j), &u.symbols);
            odd.add_symbols(&u.symbols);
        }
        let mut product = a;
        let power = product.multiply(m);
        self.turn_all(|row| {
            let anti = has(&row.x, j);
            row.turn_swap(m, &product, power, anti);
        });
        self.frame_multiply(&product, &odd.symbols);
        if let Some(u) = u {
            self.frame_multiply(&a, &u.symbols);
            self.clear_frame_z(j);
        }
    }

    /// After the parity M of active qubits was found to be `u`: qubit j held it and falls dormant.
    fn turn_parity(&mut self, m: &Pauli<W>, j: usize, u: u32) {
        self.flip_signs(|p| has(&p.z, j), &[u]);
        let a = Pauli::x(j);
        let mut b = *m;
        flip(&mut b.z, j);
        let (odd_a, odd_b) = (self.frame_z[j].clone(), self.frame_parity(&b));
        self.turn_all(|row| {
            let anti = has(&row.z, j);
            row.turn_controlled(&a, &b, anti);
        });
        self.frame_multiply(&a, &[u]);
        self.frame_multiply(&b, &odd_a);
        self.frame_multiply(&a, &odd_b);
        self.clear_frame_z(j);
    }

    /// A measurement in some shots only: its qubit stays active.
    fn measure_under(&mut self, op: &Op, under: &Form) -> Form {
        self.settle(&[self.image_z(op)]);
        let m = self.image_z(op);
        if any(&both(&m.x, &self.dormant)) {
            let positive = Pauli { neg: false, ..m };
            self.wake(positive, 1.0, 0.0, &[], NONE);
        }
        let m = self.image_z(op);
        let mut outcome = Form { symbols: self.frame_parity(&m), flip: m.neg };
        let active = Pauli { x: m.x, z: without(&m.z, &self.dormant), neg: m.neg };
        if let Some((part, p)) = self.localize(&active) {
            outcome.flip = false;
            let out = self.code.symbol();
            let under = self.symbol_of(under);
            self.code.instrs.push(Instr::Look { part, p, out, under });
            outcome.add_symbols(&[out]);
        }
        let value = self.conjunction(outcome, under.clone());
        self.write(op.cbit, value.clone());
        value
    }

    // ---- parts

    pub fn open(&mut self, j: usize) -> u32 {
        let part = self.free_parts.pop().unwrap_or_else(|| {
            self.parts.push(Vec::new());
            self.code.n_parts += 1;
            self.parts.len() as u32 - 1
        });
        self.parts[part as usize].push(j as u32);
        self.place[j] = (part, 0);
        self.code.activations += 1;
        let active = self.parts.iter().map(Vec::len).sum::<usize>() as u32;
        self.code.active = self.code.active.max(active);
        self.code.width = self.code.width.max(1);
        part
    }

    /// A Pauli on active qubits as one on the bits of one part, joined where it was several; none if it is 1.
    pub fn localize(&mut self, p: &Pauli<W>) -> Option<(u32, Local)> {
        let active: Mask<W> = std::array::from_fn(|w| (p.x[w] | p.z[w]) & !self.dormant[w]);
        let support: Vec<usize> = members(active).collect();
        let part = support.iter().map(|&j| self.place[j].0).max_by_key(|&part| self.parts[part as usize].len())?;
        for &j in &support {
            let other = self.place[j].0;
            if other != part {
                self.join(part, other);
            }
        }
        if self.given_up {
            return None;
        }
        let mut local = Local { x: 0, z: 0, power: 0 };
        for &j in &support {
            let bit = self.place[j].1;
            local.x |= (has(&p.x, j) as u64) << bit;
            local.z |= (has(&p.z, j) as u64) << bit;
        }
        local.power = (((local.x & local.z).count_ones() + 2 * p.neg as u32) & 3) as u8;
        Some((part, local))
    }

    fn join(&mut self, part: u32, other: u32) {
        let moved = std::mem::take(&mut self.parts[other as usize]);
        for &j in &moved {
            self.place[j as usize] = (part, self.parts[part as usize].len() as u32);
            self.parts[part as usize].push(j);
        }
        self.free_parts.push(other);
        let width = self.parts[part as usize].len();
        self.code.width = self.code.width.max(width as u32);
        self.given_up |= width > self.most;
        self.code.instrs.push(Instr::Join { part, other });
    }

    /// The qubit of the highest bit that a local Pauli moves, or if it moves none, touches.
    fn pivot(&self, part: u32, p: &Local) -> usize {
        let choice = if p.x != 0 { p.x } else { p.z };
        self.parts[part as usize][63 - choice.leading_zeros() as usize] as usize
    }

    fn drop_bit(&mut self, part: u32, bit: u32) {
        let qubits = &mut self.parts[part as usize];
        let j = qubits.remove(bit as usize) as usize;
        for (at, &other) in qubits.iter().enumerate().skip(bit as usize) {
            self.place[other as usize].1 = at as u32;
        }
        if qubits.is_empty() {
            self.free_parts.push(part);
            self.code.instrs.push(Instr::Close { part });
        }
        flip(&mut self.dormant, j);
    }
}
