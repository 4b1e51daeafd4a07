//! Pauli rotations that have not happened yet, and which of them a measurement asks for.

use super::compile::Compiler;
use super::forms::Form;
use super::gates::Operand;
use super::pauli::{any, both, flip, has, members, without, Pauli};
use super::plan::Instr;
use crate::circuit::NONE;

/// exp(-i angle/2 P), of the other sense where `sign` is odd, only where symbol `under` holds.
#[derive(Clone, Debug)]
pub struct Pending<const W: usize> {
    pub p: Pauli<W>,
    pub angle: f64,
    pub sign: Vec<u32>,
    pub under: u32,
}

/// Which Paulis some pending rotations are about: a filter without false negatives.
pub struct Known {
    bits: Box<[u64; 64]>,
    stale: bool,
}

impl Default for Known {
    fn default() -> Known {
        Known { bits: Box::new([0; 64]), stale: false }
    }
}

impl Known {
    fn place<const W: usize>(p: &Pauli<W>) -> (usize, u64) {
        let mut hash = 0u64;
        for w in 0..W {
            hash = (hash ^ p.x[w]).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
            hash = (hash ^ p.z[w]).wrapping_mul(0xD1B5_4A32_D192_ED03).rotate_left(31);
        }
        (hash as usize % 64, 1 << (hash >> 58))
    }

    fn add<const W: usize>(&mut self, p: &Pauli<W>) {
        let (word, bit) = Known::place(p);
        self.bits[word] |= bit;
    }

    fn perhaps<const W: usize>(&mut self, p: &Pauli<W>, pending: &[Pending<W>]) -> bool {
        if self.stale {
            self.stale = false;
            self.bits.fill(0);
            pending.iter().for_each(|r| self.add(&r.p));
        }
        let (word, bit) = Known::place(p);
        self.bits[word] & bit != 0
    }
}

/// Whether a set has a member.
#[inline]
pub fn holds(set: &[u64], at: usize) -> bool {
    set[at / 64] >> (at % 64) & 1 == 1
}

/// How many pending rotations a new one is compared with.
const LOOK_BACK: usize = 256;

/// How many commutations a measurement may test before it takes all that is left.
const TESTS: usize = 4_000_000;

/// Angles this near to a multiple of pi/2 are that multiple.
const ANGLE_ERROR: f64 = 1e-9;

/// The angle's multiple of pi/2, mod 4.
pub fn quarters(angle: f64) -> Option<u32> {
    let turns = angle / std::f64::consts::FRAC_PI_2;
    let near = turns.round();
    ((turns - near).abs() < ANGLE_ERROR).then(|| near.rem_euclid(4.0) as u32)
}

impl<const W: usize> Compiler<'_, W> {
    /// The rotation about a Pauli on some qubits, where symbol `under` holds.
    pub fn rotate(&mut self, q: &[u32], p: Operand, angle: f64, under: u32) {
        let angle = angle % std::f64::consts::TAU;
        let turns = quarters(angle);
        if turns == Some(0) {
            return;
        }
        let image = self.tableau.image(q, p);
        match (turns, under) {
            (Some(m), NONE) => {
                self.tableau.quarters(q, p, &image, m);
            }
            (Some(2), _) => self.frame_multiply(&image, &[under]),
            _ => self.suspend(image, angle, under),
        }
    }

    /// Adds a rotation after all pending ones, or to an equal one.
    fn suspend(&mut self, mut p: Pauli<W>, angle: f64, under: u32) {
        let mut sign = self.frame_parity(&p);
        let idle = without(&self.dormant, &self.moved);
        p.z = without(&p.z, &without(&idle, &p.x)); // Z is 1 there
        if !any(&p.x) && !any(&p.z) {
            return;
        }
        let angle = if p.neg { -angle } else { angle };
        p.neg = false;
        (0..W).for_each(|w| self.moved[w] |= p.x[w]);
        if !sign.is_empty() && quarters(angle).is_some() {
            // of odd quarters, one sense is the other times P
            let flip = self.conjunction(Form { symbols: std::mem::take(&mut sign), flip: false }, condition(under));
            self.frame_multiply(&p, &flip.symbols);
        }
        if self.known.perhaps(&p, &self.pending) {
            for at in (0..self.pending.len()).rev().take(LOOK_BACK) {
                let other = &self.pending[at];
                if other.p.x == p.x && other.p.z == p.z && other.sign == sign && other.under == under {
                    let before = if other.p.neg { -other.angle } else { other.angle };
                    return self.merge(at, before + angle);
                }
                if other.p.anticommutes(&p) {
                    break;
                }
            }
        }
        self.known.add(&p);
        self.pending.push(Pending { p, angle, sign, under });
    }

    /// Gives pending rotation `at`, which commutes with all later ones, a new angle.
    fn merge(&mut self, at: usize, angle: f64) {
        let known = &mut self.pending[at];
        let turns = quarters(angle);
        let keep = match turns {
            None => true,
            Some(m) => m % 2 == 1 && known.under != NONE && known.sign.is_empty(),
        };
        if keep {
            known.p.neg = false;
            known.angle = angle % std::f64::consts::TAU;
            return;
        }
        let Pending { mut p, sign, under, .. } = self.pending.remove(at);
        p.neg = false;
        let m = turns.unwrap_or(0);
        if under != NONE {
            match m {
                0 => {}
                2 => self.frame_multiply(&p, &[under]),
                _ => {
                    // a signed conditional quarter: one sense for all, and P where the other was meant
                    self.suspend_signed(p, angle, sign, under);
                }
            }
        } else if m != 0 {
            self.spend((W * self.tableau.rows.len()) as u64);
            self.tableau.rows.iter_mut().for_each(|row| row.turn_quarters(&p, m));
            if m % 2 == 1 {
                let odd = self.frame_parity(&p);
                self.frame_multiply(&p, &odd);
                self.frame_multiply(&p, &sign);
            }
        }
        self.find_moved();
    }

    fn suspend_signed(&mut self, p: Pauli<W>, angle: f64, sign: Vec<u32>, under: u32) {
        let flip = self.conjunction(Form { symbols: sign, flip: false }, condition(under));
        self.frame_multiply(&p, &flip.symbols);
        self.pending.push(Pending { p, angle: angle % std::f64::consts::TAU, sign: Vec::new(), under });
    }

    /// Which qubits a pending rotation moves.
    pub fn find_moved(&mut self) {
        self.moved = [0; W];
        for r in self.pending.iter().chain(&self.queue) {
            (0..W).for_each(|w| self.moved[w] |= r.p.x[w]);
        }
    }

    /// Makes those pending rotations happen that must come before the measurement of these Paulis.
    pub fn settle(&mut self, measured: &[Pauli<W>]) {
        if !self.pending.is_empty() {
            let chosen = self.needed(measured);
            self.settle_set(&chosen);
        }
    }

    /// Makes a set of pending rotations happen.
    pub fn settle_set(&mut self, chosen: &[u64]) {
        if chosen.iter().all(|&word| word == 0) {
            return;
        }
        let mut kept = Vec::with_capacity(self.pending.len());
        for (at, rotation) in std::mem::take(&mut self.pending).into_iter().enumerate() {
            if holds(chosen, at) {
                self.queue.push(rotation);
            } else {
                kept.push(rotation);
            }
        }
        self.pending = kept;
        self.queue.reverse();
        self.certificates.clear();
        while let Some(rotation) = self.queue.pop() {
            if !self.given_up {
                let part = self.perform(rotation);
                if !self.queue.is_empty() || !self.pending.is_empty() {
                    part.into_iter().for_each(|part| self.release(part));
                }
            }
        }
        self.find_moved();
    }

    /// Which pending rotations `measured` needs, as a set: the ones that do not commute with one of them, and whatever
    /// does not commute with a later one of those.
    fn needed(&self, measured: &[Pauli<W>]) -> Vec<u64> {
        let mut chosen = vec![0u64; self.pending.len().div_ceil(64)];
        let mut later: Vec<&Pauli<W>> = measured.iter().collect();
        let mut support = [0u64; W];
        let widen = |support: &mut [u64; W], p: &Pauli<W>| (0..W).for_each(|w| support[w] |= p.x[w] | p.z[w]);
        later.iter().for_each(|p| widen(&mut support, p));
        let mut tests = TESTS;
        for (at, rotation) in self.pending.iter().enumerate().rev() {
            let p = &rotation.p;
            let touches = (0..W).any(|w| support[w] & (p.x[w] | p.z[w]) != 0);
            let takes = touches && {
                let found = later.iter().rev().position(|other| other.anticommutes(p));
                tests = tests.saturating_sub(found.unwrap_or(later.len()));
                found.is_some() || tests == 0
            };
            if takes {
                chosen[at / 64] |= 1 << (at % 64);
                later.push(p);
                widen(&mut support, p);
            }
        }
        chosen
    }

    /// Applies the earliest rotation to |phi>, after waking a dormant qubit that it moves.
    /// The part that it is in; none if it is a phase.
    fn perform(&mut self, rotation: Pending<W>) -> Option<u32> {
        let Pending { mut p, angle, sign, under } = rotation;
        let angle = if p.neg { -angle } else { angle };
        p.neg = false;
        let (sin, cos) = (angle / 2.0).sin_cos();
        self.code.rotations += 1;
        if any(&both(&p.x, &self.dormant)) {
            self.wake(p, cos, sin, &sign, under);
            return None;
        }
        let active = Pauli { x: p.x, z: without(&p.z, &self.dormant), neg: false };
        let (part, local) = self.localize(&active)?;
        let sign = if sign.is_empty() { NONE } else { self.symbol_of(&Form { symbols: sign, flip: false }) };
        self.code.instrs.push(Instr::Turn { part, p: local, cos, sin, sign, under });
        Some(part)
    }

    /// Makes dormant qubit j active, on which exp(-i angle/2 P) |0> = V (cos |0> - i sin |1>) with V the controlled
    /// Pauli that turns X_j into P.
    pub fn wake(&mut self, mut p: Pauli<W>, cos: f64, sin: f64, sign: &[u32], under: u32) {
        let mut choice = both(&p.x, &self.dormant);
        let unmoved = without(&choice, &self.moved);
        if any(&unmoved) {
            choice = unmoved;
        }
        let Some(j) = members(choice).next() else { return };
        flip(&mut self.dormant, j);
        if has(&p.z, j) {
            p.turn_s(j);
            self.turn_all(|row| row.turn_s(j));
            let x = self.frame_x[j].clone();
            self.frame_multiply(&Pauli::z(j), &x);
        }
        let a = Pauli::z(j);
        let mut b = p;
        flip(&mut b.x, j);
        let (odd_a, odd_b) = (self.frame_parity(&a), self.frame_parity(&b));
        if any(&b.x) || any(&b.z) {
            self.turn_all(|row| {
                let anti = has(&row.x, j);
                row.turn_controlled(&a, &b, anti);
            });
            self.frame_multiply(&b, &odd_a);
            self.frame_multiply(&a, &odd_b);
        }
        if !sign.is_empty() {
            self.flip_signs(|p| has(&p.x, j), sign);
            self.frame_multiply(&a, sign);
        }
        self.certificates.clear();
        let part = self.open(j);
        self.code.instrs.push(Instr::Open { part, cos, sin, under });
    }

    /// Conjugates all rows that are still of use and all pending rotations.
    pub fn turn_all(&mut self, mut turn: impl FnMut(&mut Pauli<W>)) {
        let rows = self.horizon.as_ref().map_or(self.tableau.rows.len(), Vec::len);
        self.spend((W * (rows + self.pending.len() + self.queue.len())) as u64);
        match &self.horizon {
            Some(last) => last.iter().for_each(|&q| turn(&mut self.tableau.rows[2 * q + 1])),
            None => self.tableau.rows.iter_mut().for_each(&mut turn),
        }
        self.moved = [0; W];
        self.known.stale = true;
        for r in self.pending.iter_mut().chain(self.queue.iter_mut()) {
            turn(&mut r.p);
            (0..W).for_each(|w| self.moved[w] |= r.p.x[w]);
        }
    }

    /// Flips the sense of the pending rotations about some Paulis, where the parity of `symbols` is odd.
    pub fn flip_signs(&mut self, which: impl Fn(&Pauli<W>) -> bool, symbols: &[u32]) {
        if symbols.is_empty() {
            return;
        }
        let mut short = symbols.to_vec();
        if symbols.len() > 4 && self.pending.iter().chain(&self.queue).any(|r| which(&r.p)) {
            short = vec![self.parity(symbols.to_vec(), false)];
        }
        for at in 0..self.pending.len() + self.queue.len() {
            let pending = self.pending.len();
            let r = if at < pending { &mut self.pending[at] } else { &mut self.queue[at - pending] };
            if which(&r.p) {
                let mut form = Form { symbols: std::mem::take(&mut r.sign), flip: false };
                form.add_symbols(&short);
                r.sign = form.symbols;
            }
        }
    }
}

fn condition(under: u32) -> Form {
    if under == NONE {
        Form::constant(true)
    } else {
        Form::of(under)
    }
}
