//! Choice of an order: several heuristics, priced; the input's order unless another is cheaper.

use super::cones::{by_wires, Cones, Tie};
use super::cost::{self, Cost, Pricing};
use super::graph::Graph;
use super::{Options, Report};
use crate::circuit::{Circuit, Kind, Op, NONE};

/// An order this cheap for each instruction is good enough.
const CHEAP: f64 = 24.0;
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

/// The circuit in a cheaper order; None: the input's is as good.
pub fn reorder(circuit: &Circuit, options: &Options, report: &mut Report) -> Option<Circuit> {
    let graph = Graph::new(circuit)?;
    let magic = cost::magic(circuit, &graph);
    let pricing = Pricing { graph: &graph, magic: &magic, shots: f64::from(options.shots.max(1)) };
    let input = in_place(&graph);
    let before = pricing.price(&input, cost::LAST, None).or(pricing.price(&input, cost::AT_ONCE, None));
    (report.cost_before, report.cost_after) = (before.total, before.total);
    let enough = if options.narrow { 0.0 } else { CHEAP * circuit.ops.len() as f64 };
    if before.total <= enough {
        return None;
    }
    let mut best = Best { order: Vec::new(), cap: cost::LAST, cost: before, name: "input" };
    let patient = !options.hoist;
    let mut consider = |order: Vec<u32>, name: &'static str| -> bool {
        let at_once = pricing.price(&order, cost::AT_ONCE, None);
        let mut found = (at_once, cost::AT_ONCE);
        for cap in cost::caps(at_once.peak).filter(|_| !options.narrow) {
            let cost = pricing.price(&order, cap, None);
            if cost.total < found.0.total {
                found = (cost, cap);
            }
        }
        let limit = if best.name == "input" { GAIN * best.cost.total } else { best.cost.total };
        let better = if options.narrow {
            best.name == "input" || (found.0.peak, found.0.total) < (best.cost.peak, best.cost.total)
        } else {
            found.0.total < limit
        };
        if better {
            best = Best { order, cap: found.1, cost: found.0, name };
        }
        best.cost.total <= enough || (best.cost.peak <= NARROW && !options.narrow)
    };
    if !consider(input.clone(), "input, measured early") {
        candidates(&graph, patient, &mut consider);
    }
    if best.name == "input" {
        return None;
    }
    report.order = best.name;
    report.cost_after = best.cost.total;
    let mut made = Vec::with_capacity(best.order.len());
    pricing.price(&best.order, best.cap, Some(&mut made));
    Some(written(circuit, &graph, &made))
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

/// Offers orders until one is called good enough.
fn candidates(graph: &Graph, patient: bool, consider: &mut impl FnMut(Vec<u32>, &'static str) -> bool) {
    if let Some(cones) = Cones::new(graph, patient) {
        for (tie, name) in [(Tie::Lowest, "cone"), (Tie::Oldest, "cone, oldest"), (Tie::Highest, "cone, highest")] {
            if consider(cones.greedy(graph, patient, tie), name) {
                return;
            }
        }
    }
    let n = graph.n_wires();
    let mut by_last: Vec<usize> = (0..n).filter(|&w| graph.first[w] < graph.first[w + 1]).collect();
    by_last.sort_by_key(|&w| last_own(graph, w));
    if consider(by_wires(graph, patient, by_last.into_iter()), "finish")
        || consider(by_wires(graph, patient, 0..n), "wires")
    {
        return;
    }
    consider(by_wires(graph, patient, (0..n).rev()), "wires, reversed");
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
