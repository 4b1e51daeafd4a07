//! From a circuit to gates on neighbours: the order of the qubits, fusion, and the run within its bounds.

use std::sync::Arc;
use std::time::Duration;

use crate::circuit::matrix::{flipped, kron, one, product_one, product_two, split_three, two, One, Two};
use crate::circuit::{Circuit, Kind, NONE};
use crate::dice::Dice;
use crate::samples::Samples;

use super::chain::Chain;

const IDENTITY: One = [(1.0, 0.0), (0.0, 0.0), (0.0, 0.0), (1.0, 0.0)];
const SWAP: [usize; 4] = [0, 2, 1, 3];

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
    /// (qubit, cbit)
    reads: Vec<(u32, u32)>,
}

/// How far a run may go. `cut`: largest weight that one step may drop.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub bond: usize,
    pub cut: f64,
    pub time: Option<Duration>,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { bond: 512, cut: 1e-13, time: None }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Stopped {
    Bond { reached: usize, allowed: usize },
    Time { steps_done: usize, steps: usize },
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
        let mut measured = vec![false; circuit.n_qubits as usize];
        let mut reads = Vec::new();
        for (at, op) in circuit.ops.iter().enumerate() {
            let name = op.kind.name();
            if op.cond != NONE {
                return Err(format!("op {at} ({name}) depends on a measurement"));
            }
            if let Some(&qubit) = op.qubits().iter().find(|&&q| measured[q as usize]) {
                return Err(format!("op {at} ({name}) uses qubit {qubit} after its measurement"));
            }
            match op.kind {
                Kind::Measure => {
                    measured[op.q[0] as usize] = true;
                    reads.push((op.q[0], op.cbit));
                }
                Kind::Reset | Kind::Noise | Kind::Logic => return Err(format!("op {at} is a {name}")),
                _ if op.qubits().len() == 3 => {
                    split_three(op, &mut |kind, qubits, angles| fusion.gate(kind, qubits, angles));
                }
                _ => fusion.gate(op.kind, op.qubits(), circuit.angles(op)),
            }
        }
        let steps = fusion.finish();
        reads.retain(|&(_, cbit)| cbit != NONE);
        let order = order(circuit.n_qubits as usize, &steps);
        Ok(Plan { circuit: circuit.clone(), steps, order, reads })
    }

    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// `go_on` is asked now and then with the seconds spent; false ends the run.
    pub fn run(
        &self,
        shots: usize,
        seed: u64,
        bounds: Bounds,
        go_on: &mut impl FnMut() -> bool,
    ) -> Result<(Samples, Notes), Stopped> {
        let started = std::time::Instant::now();
        let mut chain = Chain::zeros(self.order.len(), bounds.cut);
        let mut site = vec![0usize; self.order.len()];
        let mut at_site = self.order.clone();
        for (k, &qubit) in self.order.iter().enumerate() {
            site[qubit as usize] = k;
        }
        for (done, step) in self.steps.iter().enumerate() {
            match step {
                Step::One(qubit, u) => chain.apply_one(site[*qubit as usize], u),
                Step::Two(a, b, u) => {
                    bring_together(&mut chain, &mut site, &mut at_site, *a, *b);
                    let (x, y) = (site[*a as usize], site[*b as usize]);
                    if x < y {
                        chain.apply_two(x, u);
                    } else {
                        chain.apply_two(y, &flipped(u));
                    }
                }
            }
            if chain.peak > bounds.bond {
                return Err(Stopped::Bond { reached: chain.peak, allowed: bounds.bond });
            }
            if done % 16 == 15 {
                if bounds.time.is_some_and(|time| started.elapsed() > time) {
                    return Err(Stopped::Time { steps_done: done + 1, steps: self.steps.len() });
                }
                if !go_on() {
                    return Err(Stopped::Interrupted);
                }
            }
        }
        let notes = Notes { peak_bond: chain.peak, lost: chain.lost };
        Ok((self.sample(&chain, &site, shots, seed), notes))
    }

    fn sample(&self, chain: &Chain, site: &[usize], shots: usize, seed: u64) -> Samples {
        let mut samples = Samples::zeros(shots, self.circuit.n_cbits as usize);
        let mut cbits: Vec<Vec<u32>> = vec![Vec::new(); site.len()];
        for &(qubit, cbit) in &self.reads {
            cbits[site[qubit as usize]].push(cbit);
        }
        let Some(last) = cbits.iter().rposition(|all| !all.is_empty()) else { return samples };
        let mut dice = Dice::new(seed, &[0]);
        let mut place: Vec<u32> = (0..shots as u32).collect();
        let mut shuffle = Dice::new(seed, &[1]);
        for k in (1..shots).rev() {
            place.swap(k, shuffle.below(k as u64 + 1) as usize);
        }
        chain.sample(shots, last, &mut dice, &mut |site, first, count| {
            for &cbit in &cbits[site] {
                for &shot in &place[first..first + count] {
                    samples.set(shot as usize, cbit);
                }
            }
        });
        samples
    }
}

/// Swaps neighbours until qubits `a` and `b` are next to each other, moving whichever has the smaller bonds before it.
fn bring_together(chain: &mut Chain, site: &mut [usize], at_site: &mut [u32], a: u32, b: u32) {
    loop {
        let (low, high) = (site[a as usize].min(site[b as usize]), site[a as usize].max(site[b as usize]));
        if high - low == 1 {
            return;
        }
        let k = if chain.bond(low) <= chain.bond(high - 1) { low } else { high - 1 };
        let mut swap = [(0.0, 0.0); 16];
        for (row, &column) in SWAP.iter().enumerate() {
            swap[4 * row + column] = (1.0, 0.0);
        }
        chain.apply_two(k, &swap);
        at_site.swap(k, k + 1);
        site[at_site[k] as usize] = k;
        site[at_site[k + 1] as usize] = k + 1;
    }
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

/// An order of the qubits in which partners stand close: the one given, or reverse Cuthill-McKee from an end of the
/// interaction graph, whichever has the shorter sum of distances.
fn order(n: usize, steps: &[Step]) -> Vec<u32> {
    let mut partners: Vec<Vec<u32>> = vec![Vec::new(); n];
    let mut pairs = Vec::new();
    for step in steps {
        if let Step::Two(a, b, _) = step {
            pairs.push((*a, *b));
            partners[*a as usize].push(*b);
            partners[*b as usize].push(*a);
        }
    }
    for list in &mut partners {
        list.sort_unstable();
        list.dedup();
    }
    let given: Vec<u32> = (0..n as u32).collect();
    let found = reverse_cuthill_mckee(&partners);
    let length = |order: &[u32]| {
        let mut site = vec![0i64; n];
        order.iter().enumerate().for_each(|(k, &q)| site[q as usize] = k as i64);
        pairs.iter().map(|&(a, b)| (site[a as usize] - site[b as usize]).abs()).sum::<i64>()
    };
    if length(&found) < length(&given) {
        found
    } else {
        given
    }
}

fn reverse_cuthill_mckee(partners: &[Vec<u32>]) -> Vec<u32> {
    let n = partners.len();
    let mut seen = vec![false; n];
    let mut out: Vec<u32> = Vec::with_capacity(n);
    let mut starts: Vec<u32> = (0..n as u32).collect();
    starts.sort_by_key(|&q| partners[q as usize].len());
    for start in starts {
        if seen[start as usize] {
            continue;
        }
        let start = far_end(partners, start);
        seen[start as usize] = true;
        let mut at = out.len();
        out.push(start);
        while at < out.len() {
            let mut next: Vec<u32> = partners[out[at] as usize]
                .iter()
                .copied()
                .filter(|&q| !std::mem::replace(&mut seen[q as usize], true))
                .collect();
            next.sort_by_key(|&q| partners[q as usize].len());
            out.extend(next);
            at += 1;
        }
    }
    out.reverse();
    out
}

/// A vertex as far from `start` as any, of the smallest degree among those.
fn far_end(partners: &[Vec<u32>], start: u32) -> u32 {
    let mut distance = vec![u32::MAX; partners.len()];
    distance[start as usize] = 0;
    let mut queue = std::collections::VecDeque::from([start]);
    let mut last = start;
    while let Some(q) = queue.pop_front() {
        let farther = distance[q as usize] > distance[last as usize];
        if farther
            || partners[q as usize].len() < partners[last as usize].len()
                && distance[q as usize] == distance[last as usize]
        {
            last = q;
        }
        for &p in &partners[q as usize] {
            if distance[p as usize] == u32::MAX {
                distance[p as usize] = distance[q as usize] + 1;
                queue.push_back(p);
            }
        }
    }
    last
}
