//! Choice of an order: several heuristics, priced; the input's order unless another is cheaper.

use super::cones::{by_wires, Cones, Tie};
use super::cost::{self, Cost, Pricing};
use super::graph::Graph;
use super::{Options, Report};
use crate::circuit::{Circuit, Kind, Op, NONE};

/// An order this cheap for each instruction is good enough: looking for another takes as long as this many amplitudes.
const CHEAP: f64 = 2500.0;
/// Nor is it worth a look if no state can be wider than this, or if there are so few non-Clifford gates that a
/// Clifford-frame simulator finds a narrow state in any order.
const SMALL: u32 = 10;
/// An order this narrow is good enough.
const NARROW: u32 = 4;
/// A new order must beat the input's by this factor: prices are guesses.
const GAIN: f64 = 0.8;

struct Best {
    order: Vec<u32>,
    cap: u32,
    cost: Cost,
    name: &'static str,
}

/// What became of the order.
pub enum Choice {
    /// The input's order; measurements that nothing waits for may come last.
    Late,
    /// The input's order, and qubits should be traced out as soon as nothing follows on them.
    Early,
    Reordered(Circuit),
}

/// Looks for a cheaper order.
pub fn reorder(circuit: &Circuit, options: &Options, report: &mut Report) -> Choice {
    let magic = cost::magic(circuit);
    let n_magic = magic.iter().filter(|&&m| m).count() as u32;
    let wires = cost::wires(circuit);
    if !options.narrow {
        if wires.min(n_magic) <= SMALL && n_magic > 0 {
            return Choice::Late;
        }
        if n_magic <= wires {
            return Choice::Early;
        }
    }
    let Some(graph) = Graph::new(circuit) else { return Choice::Late };
    let pricing = Pricing { graph: &graph, magic: &magic, shots: f64::from(options.shots.max(1)) };
    let input = in_place(&graph);
    let late = pricing.price(&input, cost::LAST, None);
    let early = pricing.price(&input, cost::AT_ONCE, None);
    let before = late.or(early);
    (report.cost_before, report.cost_after) = (before.total, before.total);
    let choice = if early.total < late.total { Choice::Early } else { Choice::Late };
    let enough = if options.narrow { 0.0 } else { CHEAP * circuit.ops.len() as f64 };
    if before.total <= enough || !options.schedule {
        return choice;
    }
    let mut search = Search {
        pricing,
        options,
        enough,
        best: Best { order: Vec::new(), cap: cost::LAST, cost: before, name: "input" },
    };
    search.run(input);
    let Search { pricing, best, .. } = search;
    if best.name == "input" {
        return choice;
    }
    report.order = best.name;
    report.cost_after = best.cost.total;
    let mut made = Vec::with_capacity(best.order.len());
    pricing.price(&best.order, best.cap, Some(&mut made));
    Choice::Reordered(written(circuit, &graph, &made))
}

struct Search<'a> {
    pricing: Pricing<'a>,
    options: &'a Options,
    enough: f64,
    best: Best,
}

impl Search<'_> {
    /// Tries orders until one is good enough.
    fn run(&mut self, input: Vec<u32>) {
        let graph = self.pricing.graph;
        let patient = !self.options.hoist;
        if self.consider(input, "input, measured early") {
            return;
        }
        if let Some(cones) = Cones::new(graph, patient) {
            if cones.smallest(graph) + 1 >= cost::wires_of(graph) {
                return;
            }
            for (tie, name) in [(Tie::Lowest, "cone"), (Tie::Oldest, "cone, oldest"), (Tie::Highest, "cone, highest")] {
                if self.consider(cones.greedy(graph, patient, tie), name) {
                    return;
                }
            }
        }
        let n = graph.n_wires();
        let mut by_last: Vec<usize> = (0..n).filter(|&w| graph.first[w] < graph.first[w + 1]).collect();
        by_last.sort_by_key(|&w| last_own(graph, w));
        let _ = self.consider(by_wires(graph, patient, by_last.into_iter()), "finish")
            || self.consider(by_wires(graph, patient, 0..n), "wires")
            || self.consider(by_wires(graph, patient, (0..n).rev()), "wires, reversed");
    }

    /// Prices an order with several caps; whether the best so far is good enough.
    fn consider(&mut self, order: Vec<u32>, name: &'static str) -> bool {
        let narrow = self.options.narrow;
        let at_once = self.pricing.price(&order, cost::AT_ONCE, None);
        let mut found = (at_once, cost::AT_ONCE);
        for cap in cost::caps(at_once.peak).filter(|_| !narrow) {
            let cost = self.pricing.price(&order, cap, None);
            if cost.total < found.0.total {
                found = (cost, cap);
            }
        }
        let best = &mut self.best;
        let limit = if best.name == "input" { GAIN * best.cost.total } else { best.cost.total };
        let better = if narrow {
            best.name == "input" || (found.0.peak, found.0.total) < (best.cost.peak, best.cost.total)
        } else {
            found.0.total < limit
        };
        if better {
            *best = Best { order, cap: found.1, cost: found.0, name };
        }
        best.cost.total <= self.enough || (best.cost.peak <= NARROW && !narrow)
    }
}

/// The input's order, with the ends that were added right after what else is on their wires.
fn in_place(graph: &Graph) -> Vec<u32> {
    let mut order = Vec::with_capacity(graph.ops.len());
    for at in 0..graph.n_own as u32 {
        order.push(at);
        for (slot, &wire) in graph.ops[at as usize].qubits().iter().enumerate() {
            let next = graph.place[at as usize][slot] + 1;
            if next < graph.first[wire as usize + 1] && graph.is_added(graph.on_wire[next as usize]) {
                order.push(graph.on_wire[next as usize]);
            }
        }
    }
    order
}

/// The last instruction on a wire that is not its end.
fn last_own(graph: &Graph, wire: usize) -> u32 {
    let places = graph.first[wire]..graph.first[wire + 1];
    places.rev().map(|p| graph.on_wire[p as usize]).find(|&op| op != graph.end[wire]).unwrap_or(0)
}

/// The circuit in a new order. Ends that were added become measurements where something on their wire comes later.
fn written(circuit: &Circuit, graph: &Graph, order: &[u32]) -> Circuit {
    let mut made = Circuit { ops: Vec::with_capacity(order.len()), ..circuit.clone() };
    let mut last = vec![NONE; graph.n_wires()];
    for &at in order {
        graph.ops[at as usize].qubits().iter().for_each(|&w| last[w as usize] = at);
    }
    for &at in order {
        let op = graph.ops[at as usize];
        if !graph.is_added(at) {
            made.ops.push(op);
        } else if last[op.q[0] as usize] != at {
            made.ops.push(Op { cbit: made.n_cbits, ..op });
            made.n_cbits += 1;
        }
    }
    debug_assert!(made.ops.iter().all(|op| op.kind != Kind::Measure || op.q[0] < made.n_qubits));
    made
}
