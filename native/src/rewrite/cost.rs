//! What an order of instructions costs, and when its measurements should be made.
//!
//! A measurement halves the state but doubles the branches that shots fall into, so the cheapest moment is neither "as
//! early as possible" nor "at the end": ends are put off until more than `cap` qubits would be alive. The cost of an
//! instruction is taken as branches x 2^width and a constant, where width counts qubits alive, but no more than
//! non-Clifford gates so far: a Clifford-frame simulator keeps no larger state.

use std::collections::VecDeque;

use super::clifford::is_clifford;
use super::graph::Graph;
use crate::circuit::{Circuit, Kind, NONE};

/// Cost of an instruction beside its amplitudes, in amplitudes: once, and for each branch.
const STEP: f64 = 150.0;
const OVERHEAD: f64 = 0.5;
/// Ends are made as soon as they can be.
pub const AT_ONCE: u32 = 0;
/// Ends are made after everything else.
pub const LAST: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// In amplitudes touched, all shots together.
    pub total: f64,
    /// Most qubits alive at a time.
    pub peak: u32,
}

impl Cost {
    /// The cheaper one.
    pub fn or(self, other: Cost) -> Cost {
        if other.total < self.total {
            other
        } else {
            self
        }
    }
}

/// Tells non-Clifford instructions once for many orders.
pub fn magic(circuit: &Circuit) -> Vec<bool> {
    circuit.ops.iter().map(|op| op.kind.is_gate() && !is_clifford(op.kind, circuit.angles(op))).collect()
}

pub struct Pricing<'a> {
    pub graph: &'a Graph,
    pub magic: &'a [bool],
    pub shots: f64,
}

/// A run through an order under one cap.
struct Run<'a, 'b> {
    pricing: &'b Pricing<'a>,
    touched: Vec<bool>,
    waiting: VecDeque<u32>,
    ran: Vec<bool>,
    alive: u32,
    magic: u32,
    branches: f64,
    cost: Cost,
    made: Option<&'b mut Vec<u32>>,
}

impl Pricing<'_> {
    /// The cost of `order` with ends put off under `cap`; `made` receives the order with the ends in place.
    pub fn price(&self, order: &[u32], cap: u32, made: Option<&mut Vec<u32>>) -> Cost {
        let mut run = Run {
            pricing: self,
            touched: vec![false; self.graph.n_wires()],
            waiting: VecDeque::new(),
            ran: vec![false; self.graph.ops.len()],
            alive: 0,
            magic: 0,
            branches: 1.0,
            cost: Cost { total: 0.0, peak: 0 },
            made,
        };
        for &at in order {
            run.step(at, cap);
        }
        run.cost.total += amplitudes(run.width());
        while let Some(end) = run.waiting.pop_front() {
            run.finish(end);
        }
        run.cost
    }
}

impl Run<'_, '_> {
    fn width(&self) -> u32 {
        self.alive.min(self.magic)
    }

    fn step(&mut self, at: u32, cap: u32) {
        let graph = self.pricing.graph;
        let op = &graph.ops[at as usize];
        if op.kind == Kind::Measure && graph.end[op.q[0] as usize] == at {
            if cap == AT_ONCE {
                return self.end(at);
            }
            return self.waiting.push_back(at);
        }
        for &writer in graph.writers_for(at) {
            if !self.ran[writer as usize] {
                self.end(writer);
            }
        }
        let fresh = op.qubits().iter().filter(|&&w| !self.touched[w as usize]).count() as u32;
        if fresh > 0 {
            while self.alive + fresh > cap && cap != AT_ONCE {
                let Some(end) = self.waiting.pop_front() else { break };
                self.end(end);
            }
            op.qubits().iter().for_each(|&w| self.touched[w as usize] = true);
            self.alive += fresh;
            self.cost.peak = self.cost.peak.max(self.alive);
        }
        self.magic += self.pricing.magic.get(at as usize).is_some_and(|&m| m) as u32;
        let size = if op.kind == Kind::Logic { 0.0 } else { amplitudes(self.width()) };
        self.cost.total += STEP + self.branches * (OVERHEAD + size);
        if matches!(op.kind, Kind::Measure | Kind::Reset) {
            self.branch();
        }
        self.finish(at);
    }

    fn end(&mut self, at: u32) {
        if self.ran[at as usize] {
            return;
        }
        let wire = self.pricing.graph.ops[at as usize].q[0] as usize;
        if self.touched[wire] {
            self.cost.total += STEP + self.branches * (OVERHEAD + amplitudes(self.width()));
            self.alive -= 1;
            self.branch();
        }
        self.finish(at);
    }

    fn branch(&mut self) {
        self.branches = (self.branches * 2.0).min(self.pricing.shots);
    }

    fn finish(&mut self, at: u32) {
        if !std::mem::replace(&mut self.ran[at as usize], true) {
            if let Some(made) = self.made.as_mut() {
                made.push(at);
            }
        }
    }
}

/// 2^width, up to where numbers end.
fn amplitudes(width: u32) -> f64 {
    f64::from_bits(u64::from(1023 + width.min(1023)) << 52)
}

/// Widths worth a try as a cap, above the smallest peak of an order.
pub fn caps(smallest: u32) -> impl Iterator<Item = u32> {
    [6, 9, 12, 15, 18, 21].into_iter().filter(move |&cap| cap > smallest).chain([LAST])
}

/// How many wires an instruction uses.
pub fn wires(circuit: &Circuit) -> u32 {
    let mut used = vec![false; circuit.n_qubits as usize];
    circuit.ops.iter().flat_map(|op| op.qubits()).for_each(|&q| used[q as usize] = true);
    used.iter().filter(|&&u| u).count() as u32
}

pub fn wires_of(graph: &Graph) -> u32 {
    graph.end.iter().filter(|&&end| end != NONE).count() as u32
}

/// Qubits alive at most, from each wire's first to its last instruction.
pub fn width(circuit: &Circuit) -> u32 {
    let n = circuit.n_qubits as usize;
    let mut last = vec![NONE; n];
    for (at, op) in circuit.ops.iter().enumerate() {
        op.qubits().iter().for_each(|&q| last[q as usize] = at as u32);
    }
    let (mut alive, mut peak) = (0u32, 0);
    let mut born = vec![false; n];
    for (at, op) in circuit.ops.iter().enumerate() {
        for &q in op.qubits() {
            if !std::mem::replace(&mut born[q as usize], true) {
                alive += 1;
            }
        }
        peak = peak.max(alive);
        // A reset begins a new life of the same slot.
        alive -= op.qubits().iter().filter(|&&q| last[q as usize] == at as u32).count() as u32;
    }
    peak
}
