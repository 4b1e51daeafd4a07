//! From a circuit to gates on neighbours: the order of the qubits, fusion, and the run within its bounds.

use std::sync::Arc;

use crate::circuit::matrix::{flipped, kron, one, product_one, product_two, split_three, two, One, Two};
use crate::circuit::{straight, Circuit, Kind, Straight};
use crate::complex::{C64, ONE, ZERO};
use crate::dice::Dice;
use crate::samples::Samples;

use super::chain::Chain;
use super::order;

const IDENTITY: One = [ONE, ZERO, ZERO, ONE];
const SWAP: Two = {
    let mut m = [ZERO; 16];
    (m[0], m[6], m[9], m[15]) = (ONE, ONE, ONE, ONE);
    m
};

enum Step {
    One(u32, One),
    /// The matrix has the first qubit as the more significant.
    Two(u32, u32, Box<Two>),
}

pub struct Plan {
    circuit: Arc<Circuit>,
    steps: Vec<Step>,
    /// `order[site]` is the qubit that begins there.
    order: Vec<u32>,
    /// Whether qubits that were brought together go back to their sites.
    returns: bool,
    /// (qubit, cbit)
    reads: Vec<(u32, u32)>,
}

/// How far a run may go. `cut`: largest weight that one step may drop. `seconds`: of gates, as predicted from the bonds
/// that they meet, so that it depends on no clock whether there is an answer; `drawing` the same of the shots.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub bond: usize,
    pub cut: f64,
    pub seconds: f64,
    pub drawing: f64,
    /// Bytes that outcomes may take.
    pub memory: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { bond: 512, cut: 1e-13, seconds: f64::INFINITY, drawing: f64::INFINITY, memory: 4 << 30 }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Stopped {
    Bond { reached: usize, allowed: usize },
    Time { steps_done: usize, steps: usize },
    Memory { needed: u64, allowed: u64 },
    Interrupted,
}

/// What a run did beside its samples: the largest bond, and a bound on 1 - fidelity from truncation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Notes {
    pub peak_bond: usize,
    pub lost: f64,
}

impl Plan {
    /// Refuses, with the reason, what is no chain of gates with one final read-out.
    pub fn compile(circuit: &Arc<Circuit>) -> Result<Plan, String> {
        let mut fusion = Fusion::new(circuit.n_qubits as usize);
        let Straight { gates, reads } = straight(circuit)?;
        for &at in &gates {
            let op = &circuit.ops[at as usize];
            match op.qubits().len() {
                3 => split_three(op, &mut |kind, qubits, angles| fusion.gate(kind, qubits, angles)),
                _ => fusion.gate(op.kind, op.qubits(), circuit.angles(op)),
            }
        }
        let steps = fusion.finish();
        let order = order::plain(circuit.n_qubits as usize, &pairs(&steps));
        Ok(Plan { circuit: circuit.clone(), steps, order, returns: false, reads })
    }

    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// The order of the qubits for which the bounds are lowest, of those that follow from which qubits meet, and whether
    /// qubits go back to it after they met; where bounds are alike, that with the fewest pairs across its cuts.
    pub fn reordered(mut self, shots: usize) -> Plan {
        let pairs = pairs(&self.steps);
        let mut distinct = pairs.clone();
        distinct.iter_mut().for_each(|pair| *pair = (pair.0.min(pair.1), pair.0.max(pair.1)));
        distinct.sort_unstable();
        distinct.dedup();
        let price = |plan: &Plan| (plan.bounds(shots).1, order::spread(&plan.order, &distinct));
        let mut best = price(&self);
        let mut kept = (self.order.clone(), self.returns);
        for candidate in order::candidates(self.order.len(), &pairs) {
            self.order = candidate;
            for returns in [false, true] {
                self.returns = returns;
                let found = price(&self);
                let alike = found.0 < ALIKE * best.0 && best.0 < ALIKE * found.0;
                if if alike { found.1 < best.1 } else { found.0 < best.0 } {
                    best = found;
                    kept = (self.order.clone(), returns);
                }
            }
        }
        (self.order, self.returns) = kept;
        self
    }

    /// Upper bounds on log2 of the largest bond and on the seconds of `shots` shots, from the ranks of the gates.
    pub fn bounds(&self, shots: usize) -> (f64, f64) {
        let (ranks, peak) = self.grow(vec![0.0; self.order.len() + 1]);
        let sampling = ranks.bonds.windows(2).map(|pair| (pair[0] + pair[1] + 1.0).exp2()).sum::<f64>();
        (peak, ranks.seconds + sampling * SAMPLE_S * shots as f64)
    }

    /// The same of the gates alone, from bonds (log2) that there are before them: bonds after them, and seconds.
    pub fn growth(&self, bonds: Vec<f64>) -> (Vec<f64>, f64) {
        let (ranks, _) = self.grow(bonds);
        (ranks.bonds, ranks.seconds)
    }

    /// The same with every qubit on the site of its number, to which it returns after each gate.
    pub fn in_place(mut self) -> Plan {
        self.order = (0..self.order.len() as u32).collect();
        self.returns = true;
        self
    }

    /// The bonds as the ranks of the gates let them grow, and the largest on the way.
    fn grow(&self, bonds: Vec<f64>) -> (Ranks, f64) {
        let mut sites = Sites::new(&self.order);
        let mut ranks = Ranks { bonds, seconds: 0.0 };
        let mut peak = 0.0f64;
        for step in &self.steps {
            if let Step::Two(a, b, u) = step {
                let bond = |ranks: &Ranks, k: usize| ranks.bonds[k + 1];
                let low = sites.of[*a as usize].min(sites.of[*b as usize]);
                let high = sites.of[*a as usize].max(sites.of[*b as usize]);
                let before = ranks.bonds[low + 1..=high].to_vec();
                let mut moves = Vec::new();
                let k = sites.bring_together(*a, *b, &mut ranks, bond, |ranks, k| {
                    moves.push(k);
                    ranks.gate(k, 2.0);
                });
                let rank = log2_rank(u);
                ranks.gate(k, rank);
                peak = peak.max(ranks.bonds[k + 1]);
                if self.returns {
                    for &k in moves.iter().rev() {
                        sites.exchange(k);
                        ranks.gate(k, 2.0);
                        // where the gate is all that is new, it is all that the bond can have grown by
                        ranks.bonds[k + 1] = ranks.bonds[k + 1].min(before[k - low] + rank);
                    }
                }
            }
        }
        (ranks, peak)
    }

    /// The state before the read-out, and where each qubit stands in it. `go_on` is asked now and then; false ends it.
    pub(super) fn evolve(
        &self,
        bounds: Bounds,
        go_on: &mut impl FnMut() -> bool,
    ) -> Result<(Chain, Vec<usize>), Stopped> {
        self.evolve_from(Chain::zeros(self.order.len(), bounds.cut), bounds, go_on)
    }

    /// The same from a chain whose sites are in the plan's order.
    pub(super) fn evolve_from(
        &self,
        chain: Chain,
        bounds: Bounds,
        go_on: &mut impl FnMut() -> bool,
    ) -> Result<(Chain, Vec<usize>), Stopped> {
        let mut walk = Walk { chain, bounds, spent: 0.0, rest: 0.0, go_on };
        let mut sites = Sites::new(&self.order);
        let mut moves = Vec::new();
        for (done, step) in self.steps.iter().enumerate() {
            let ended = |why| match why {
                Stopped::Time { .. } => Stopped::Time { steps_done: done, steps: self.steps.len() },
                other => other,
            };
            match step {
                Step::One(qubit, u) => walk.chain.apply_one(sites.of[*qubit as usize], u),
                Step::Two(a, b, u) => {
                    let bond = |walk: &Walk<_>, k| walk.chain.bond(k) as f64;
                    let mut moved = Ok(());
                    moves.clear();
                    let k = sites.bring_together(*a, *b, &mut walk, bond, |walk, k| {
                        moves.push(k);
                        if moved.is_ok() {
                            moved = walk.gate(k, &SWAP);
                        }
                    });
                    moved.map_err(ended)?;
                    let turned = sites.of[*a as usize] != k;
                    walk.gate(k, &if turned { flipped(u) } else { **u }).map_err(ended)?;
                    for &k in moves.iter().rev().filter(|_| self.returns) {
                        walk.gate(k, &SWAP).map_err(ended)?;
                        sites.exchange(k);
                    }
                }
            }
        }
        Ok((walk.chain, sites.of))
    }

    /// `go_on` is asked now and then; false ends the run.
    pub fn run(
        &self,
        shots: usize,
        seed: u64,
        bounds: Bounds,
        go_on: &mut impl FnMut() -> bool,
    ) -> Result<(Samples, Notes), Stopped> {
        // the outcomes, and the order in which shots stand
        let needed = (shots as u64).saturating_mul(u64::from(self.circuit.n_cbits) / 8 + 8);
        if needed > bounds.memory || shots > u32::MAX as usize {
            return Err(Stopped::Memory { needed, allowed: bounds.memory });
        }
        let (chain, sites) = self.evolve(bounds, go_on)?;
        let notes = Notes { peak_bond: chain.peak, lost: chain.lost() };
        let mut samples = Samples::zeros(shots, self.circuit.n_cbits as usize);
        let mut cbits: Vec<Vec<u32>> = vec![Vec::new(); self.order.len()];
        for &(qubit, cbit) in &self.reads {
            cbits[sites[qubit as usize]].push(cbit);
        }
        if let Some(last) = cbits.iter().rposition(|all| !all.is_empty()) {
            if chain.drawing(shots, last) * SAMPLE_S > bounds.drawing {
                return Err(Stopped::Time { steps_done: self.steps.len(), steps: self.steps.len() });
            }
            if !draw(&chain, &cbits[..=last], seed, &mut samples, go_on) {
                return Err(Stopped::Interrupted);
            }
        }
        Ok((samples, notes))
    }
}

/// A chain on its way through the gates, within bounds.
struct Walk<'a, G> {
    chain: Chain,
    bounds: Bounds,
    /// Predicted seconds so far, and since `go_on` was asked.
    spent: f64,
    rest: f64,
    go_on: &'a mut G,
}

impl<G: FnMut() -> bool> Walk<'_, G> {
    fn gate(&mut self, k: usize, u: &Two) -> Result<(), Stopped> {
        let seconds = STEP_S + self.chain.product(k) as f64 * ELEMENT_S;
        self.spent += seconds;
        self.rest += seconds;
        if self.spent > self.bounds.seconds {
            return Err(Stopped::Time { steps_done: 0, steps: 0 });
        }
        if self.rest > ASK_S {
            self.rest = 0.0;
            if !(self.go_on)() {
                return Err(Stopped::Interrupted);
            }
        }
        self.chain.apply_two(k, u);
        match self.chain.peak {
            reached if reached > self.bounds.bond => Err(Stopped::Bond { reached, allowed: self.bounds.bond }),
            _ => Ok(()),
        }
    }
}

/// Shots of a chain whose site k goes to `cbits[k]`, as many at a time as a bounded part of the memory serves; false
/// where `go_on` said so.
fn draw(chain: &Chain, cbits: &[Vec<u32>], seed: u64, samples: &mut Samples, go_on: &mut impl FnMut() -> bool) -> bool {
    let shots = samples.shots;
    let mut dice = Dice::new(seed, &[0]);
    let mut place: Vec<u32> = (0..shots as u32).collect();
    let mut shuffle = Dice::new(seed, &[1]);
    for k in (1..shots).rev() {
        place.swap(k, shuffle.below(k as u64 + 1) as usize);
    }
    place.chunks((DRAWN / chain.peak).max(1)).all(|place| {
        chain.sample(place.len(), cbits.len() - 1, &mut dice, go_on, &mut |site, first, count| {
            for &cbit in &cbits[site] {
                place[first..first + count].iter().for_each(|&shot| samples.set(shot as usize, cbit));
            }
        })
    })
}

fn pairs(steps: &[Step]) -> Vec<(u32, u32)> {
    let pair = |step: &Step| match step {
        Step::Two(a, b, _) => Some((*a, *b)),
        Step::One(..) => None,
    };
    steps.iter().filter_map(pair).collect()
}

/// Which qubit is where on the chain.
struct Sites {
    of: Vec<usize>,
    qubit: Vec<u32>,
}

impl Sites {
    fn new(order: &[u32]) -> Sites {
        let mut of = vec![0; order.len()];
        order.iter().enumerate().for_each(|(k, &qubit)| of[qubit as usize] = k);
        Sites { of, qubit: order.to_vec() }
    }

    /// Swaps neighbours until qubits `a` and `b` are next to each other, moving whichever has the smaller bond (by
    /// `bond(k)`) before it; `swap(k)` exchanges sites k and k + 1. Gives the lower of the two sites.
    fn bring_together<S>(
        &mut self,
        a: u32,
        b: u32,
        state: &mut S,
        bond: impl Fn(&S, usize) -> f64,
        mut swap: impl FnMut(&mut S, usize),
    ) -> usize {
        loop {
            let (x, y) = (self.of[a as usize], self.of[b as usize]);
            let (low, high) = (x.min(y), x.max(y));
            if high - low == 1 {
                return low;
            }
            let k = if bond(state, low) <= bond(state, high - 1) { low } else { high - 1 };
            swap(state, k);
            self.exchange(k);
        }
    }

    /// Exchanges the qubits at k and k + 1.
    fn exchange(&mut self, k: usize) {
        self.qubit.swap(k, k + 1);
        self.of[self.qubit[k] as usize] = k;
        self.of[self.qubit[k + 1] as usize] = k + 1;
    }
}

/// Upper bounds on log2 of the bonds, as the ranks of the gates allow them. `bonds[k]` is left of site k.
struct Ranks {
    bonds: Vec<f64>,
    seconds: f64,
}

impl Ranks {
    fn gate(&mut self, k: usize, log2_rank: f64) {
        let (left, right) = (self.bonds[k], self.bonds[k + 2]);
        self.bonds[k + 1] = (self.bonds[k + 1] + log2_rank).min(left + 1.0).min(right + 1.0);
        self.seconds += STEP_S + ELEMENT_S * (left + right + self.bonds[k + 1] + 2.0).exp2();
    }
}

/// Bounds on seconds that are so close, as a factor, say nothing.
const ALIKE: f64 = 1.5;
/// Seconds of a gate on two tensors, and of each element of the products it is made of.
const STEP_S: f64 = 1.5e-6;
const ELEMENT_S: f64 = 4e-9;
/// Seconds of an element of the products that sampling is made of.
const SAMPLE_S: f64 = 6e-10;
/// Predicted seconds of gates between two looks whether the run shall end.
const ASK_S: f64 = 20e-3;
/// Products of shots and the largest bond that are drawn together.
const DRAWN: usize = 1 << 20;

/// log2 of the operator Schmidt rank of a gate on two qubits: 0, 1 or 2.
fn log2_rank(u: &Two) -> f64 {
    // rows (s, s'), columns (t, t'): the rank of this matrix, by elimination with pivoting
    let mut m: Vec<[C64; 4]> = (0..4)
        .map(|row| std::array::from_fn(|column| u[(2 * (row >> 1) + (column >> 1)) * 4 + 2 * (row & 1) + (column & 1)]))
        .collect();
    let mut rank = 0;
    for column in 0..4 {
        let size = |row: &[C64; 4]| row[column].abs();
        let Some(pivot) =
            (rank..4).max_by(|&a, &b| size(&m[a]).total_cmp(&size(&m[b]))).filter(|&p| size(&m[p]) > 1e-12)
        else {
            continue;
        };
        m.swap(rank, pivot);
        let pivot = m[rank];
        for row in m.iter_mut().skip(rank + 1) {
            let by = row[column] / pivot[column];
            for (cell, &x) in row.iter_mut().zip(&pivot).skip(column) {
                *cell = *cell - by * x;
            }
        }
        rank += 1;
    }
    f64::from(rank as u32).log2()
}

/// Merges gates: those on one qubit into the next on two, those on the same two into one.
struct Fusion {
    steps: Vec<Step>,
    pending: Vec<Option<One>>,
    /// The step that was the last to touch a qubit.
    last: Vec<usize>,
}

impl Fusion {
    fn new(n: usize) -> Fusion {
        Fusion { steps: Vec::new(), pending: vec![None; n], last: vec![usize::MAX; n] }
    }

    fn gate(&mut self, kind: Kind, qubits: &[u32], angles: &[f64]) {
        if let [qubit] = *qubits {
            let slot = &mut self.pending[qubit as usize];
            let u = one(kind, angles);
            *slot = Some(slot.as_ref().map_or(u, |before| product_one(&u, before)));
            return;
        }
        let (a, b) = (qubits[0], qubits[1]);
        let mut take = |q: u32| self.pending[q as usize].take().unwrap_or(IDENTITY);
        let u = product_two(&two(kind, angles), &kron(&take(a), &take(b)));
        let last = self.last[a as usize];
        if last != usize::MAX && last == self.last[b as usize] {
            if let Step::Two(first, _, before) = &mut self.steps[last] {
                let u = if *first == a { u } else { flipped(&u) };
                **before = product_two(&u, before);
                return;
            }
        }
        self.last[a as usize] = self.steps.len();
        self.last[b as usize] = self.steps.len();
        self.steps.push(Step::Two(a, b, Box::new(u)));
    }

    fn finish(mut self) -> Vec<Step> {
        for (qubit, pending) in self.pending.iter_mut().enumerate() {
            if let Some(u) = pending.take() {
                self.steps.push(Step::One(qubit as u32, u));
            }
        }
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Op;

    /// GHZ of `n` qubits, all read.
    fn ghz(n: u32) -> Plan {
        let mut circuit = Circuit { n_qubits: n, n_cbits: n, ..Circuit::default() };
        circuit.push_gate(Kind::H, &[0], &[]);
        (1..n).for_each(|q| circuit.push_gate(Kind::Cnot, &[q - 1, q], &[]));
        circuit.ops.extend((0..n).map(|q| Op::measure(q, q)));
        Plan::compile(&Arc::new(circuit)).expect("a chain")
    }

    #[test]
    fn a_run_ends_where_it_is_told_to_while_it_draws_its_shots() {
        let asked = ghz(4).run(100, 1, Bounds::default(), &mut || false);
        assert_eq!(asked.err(), Some(Stopped::Interrupted));
    }

    #[test]
    fn shots_that_would_take_too_long_are_not_drawn() {
        let run = |drawing| ghz(4).run(1000, 1, Bounds { drawing, ..Bounds::default() }, &mut || true);
        assert_eq!(run(1e-9).err(), Some(Stopped::Time { steps_done: 3, steps: 3 }));
        assert!(run(1.0).is_ok());
    }

    #[test]
    fn shots_drawn_in_parts_are_of_the_same_state() {
        let plan = ghz(3);
        let shots = DRAWN / 2 + 1000; // its bonds are 2
        let (samples, _) = plan.run(shots, 1, Bounds::default(), &mut || true).expect("a small state");
        let ones = samples.column(0).iter().map(|word| word.count_ones() as usize).sum::<usize>();
        assert!(ones.abs_diff(shots / 2) < 3 * (shots as f64).sqrt() as usize); // six standard deviations
        assert_eq!(samples.column(0), samples.column(2));
    }
}
