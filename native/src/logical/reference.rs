//! The run without errors: one tableau, in which every coin falls on 0.

use crate::circuit::{Circuit, Kind, Op, NONE};
use crate::frame::pauli::{any, has, members, Pauli};
use crate::frame::tableau::Tableau;

use super::turns;

pub struct Reference {
    /// Cbits, 64 a word.
    pub bits: Vec<u64>,
    /// Of each op, whether its outcome was a coin.
    pub coins: Vec<bool>,
    /// Of each op, whether its condition held.
    pub held: Vec<bool>,
}

pub fn run(circuit: &Circuit, row: &[u32], n: usize) -> Reference {
    macro_rules! of_width {
        ($($words:literal)*) => {
            match n.div_ceil(64) {
                $(0..=$words => Runner::<$words>::new(circuit, row, n).run(),)*
                _ => Runner::<256>::new(circuit, row, n).run(),
            }
        };
    }
    of_width!(1 2 4 8 16 32 64 128 160)
}

struct Runner<'a, const W: usize> {
    circuit: &'a Circuit,
    row: &'a [u32],
    tableau: Tableau<W>,
    found: Reference,
}

impl<'a, const W: usize> Runner<'a, W> {
    fn new(circuit: &'a Circuit, row: &'a [u32], n: usize) -> Runner<'a, W> {
        let ops = circuit.ops.len();
        let found = Reference {
            bits: vec![0; (circuit.n_cbits as usize).div_ceil(64)],
            coins: vec![false; ops],
            held: vec![true; ops],
        };
        Runner { circuit, row, tableau: Tableau::new(n), found }
    }

    fn run(mut self) -> Reference {
        for (at, op) in self.circuit.ops.iter().enumerate() {
            let bits = &self.found.bits;
            let held = self.circuit.holds(op.cond, &|c| has_bit(bits, c));
            self.found.held[at] = held;
            if held {
                self.step(at, op);
            }
        }
        self.found
    }

    fn step(&mut self, at: usize, op: &Op) {
        let q = op.q.map(|q| if q == NONE { NONE } else { self.row[q as usize] });
        match op.kind {
            Kind::Measure | Kind::Reset => {
                let (value, coin) = self.measure(q[0] as usize);
                self.found.coins[at] = coin;
                if op.kind == Kind::Measure {
                    self.write(op.cbit, value);
                } else if value {
                    self.tableau.negate_z(q[0]);
                }
            }
            Kind::Noise | Kind::Noise2 => {}
            Kind::Logic => {
                let table = &self.circuit.tables[op.param as usize];
                let bit = |c: &u32| has_bit(&self.found.bits, *c) as usize;
                let at = table.inputs.iter().enumerate().fold(0, |at, (i, c)| at | bit(c) << i);
                self.write(op.cbit, table.bits[at / 64] >> (at % 64) & 1 == 1);
            }
            Kind::Rz | Kind::P => match turns(self.circuit, op) {
                0 => {}
                1 => _ = self.tableau.gate(Kind::S, &q[..1]),
                2 => _ = self.tableau.gate(Kind::Z, &q[..1]),
                _ => _ = self.tableau.gate(Kind::Sdg, &q[..1]),
            },
            kind => _ = self.tableau.gate(kind, &q[..kind.n_qubits()]),
        }
    }

    fn write(&mut self, cbit: u32, value: bool) {
        if cbit != NONE && value {
            self.found.bits[cbit as usize / 64] |= 1 << (cbit % 64);
        }
    }

    /// The outcome of Z_q, and whether it was a coin: then it is 0, and (Z_j + M)/sqrt 2 joins U where M is the image of
    /// Z_q and j one of the |0> that it moves. Of all rows only the image of X_q anticommutes with M, since images keep
    /// commutators.
    fn measure(&mut self, q: usize) -> (bool, bool) {
        let m = *self.tableau.z(q);
        if !any(&m.x) {
            return (m.neg, false);
        }
        let Some(j) = members(m.x).next() else { return (m.neg, false) };
        let mut product = Pauli::z(j);
        let power = product.multiply(&m);
        for (at, row) in self.tableau.rows.iter_mut().enumerate() {
            match (has(&row.x, j), at == 2 * q) {
                (false, false) => {}
                (true, true) => row.neg = !row.neg,
                (true, false) => row.absorb(&product, power + 2),
                (false, true) => row.absorb(&product, power),
            }
        }
        (false, true)
    }
}

#[inline]
pub fn has_bit(bits: &[u64], at: u32) -> bool {
    bits[at as usize / 64] >> (at % 64) & 1 == 1
}
