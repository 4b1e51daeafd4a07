//! What a router wants to know of a circuit, in one pass (and a bounded elimination for the treewidth).

pub use super::axis::is_monomial;
pub use super::clifford::is_clifford;
use super::components;
use super::cost;
use crate::circuit::{Circuit, Kind, ALL, NONE};

/// What gates stand under conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FeedForward {
    #[default]
    None,
    /// Only Pauli gates.
    Pauli,
    Full,
}

impl FeedForward {
    pub fn name(self) -> &'static str {
        match self {
            FeedForward::None => "none",
            FeedForward::Pauli => "pauli",
            FeedForward::Full => "full",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    pub qubits: u32,
    pub cbits: u32,
    pub ops: usize,
    /// Ops by kind, in the order of `ALL`.
    pub by_kind: Vec<usize>,
    pub depth: u32,
    pub two_qubit: usize,
    pub three_qubit: usize,
    /// Instructions before the first non-Clifford gate.
    pub clifford_prefix: usize,
    pub non_clifford: usize,
    pub t_gates: usize,
    /// Gates with angles.
    pub rotations: usize,
    /// Measurements that something follows: a gate on the same qubit, or a condition.
    pub mid_circuit: bool,
    pub resets: usize,
    pub feed_forward: FeedForward,
    pub logic: usize,
    pub noise: usize,
    /// Part of the qubits that are measured into a cbit.
    pub measured: f64,
    /// Most qubits alive at a time, from first use to last use.
    pub width: u32,
    /// Bound on the log2 of the Schmidt rank over all cuts of the qubits in their order.
    pub cut: u32,
    /// Bound on the treewidth of the interaction graph (min-degree elimination); None: too large to try.
    pub treewidth: Option<u32>,
    pub parts: usize,
    /// Qubits on which anything depends that is read: the backward light cone of all measurements with a cbit.
    pub light_cone: u32,
    /// Most qubits that gates have joined at a time; one that is measured or reset leaves the others.
    pub joined: u32,
    /// Only basis states ever: X, CNOT, Toffoli, exchanges and diagonal gates.
    pub classical: bool,
}

/// Most edges of an interaction graph that is eliminated, with fill.
const EDGES: usize = 4_000;

pub fn features(circuit: &Circuit) -> Features {
    let n = circuit.n_qubits as usize;
    let mut found = Features {
        qubits: circuit.n_qubits,
        cbits: circuit.n_cbits,
        ops: circuit.ops.len(),
        by_kind: vec![0; ALL.len()],
        clifford_prefix: circuit.ops.len(),
        classical: true,
        width: cost::width(circuit),
        parts: components::count(circuit),
        light_cone: light_cone(circuit),
        joined: joined(circuit),
        ..Features::default()
    };
    let mut depth = vec![0u32; n];
    let mut measured = vec![false; n];
    let mut crossing = vec![0i64; n + 1];
    let mut edges: Vec<(u32, u32)> = Vec::new();
    for (at, op) in circuit.ops.iter().enumerate() {
        found.by_kind[op.kind as usize] += 1;
        let wires = op.qubits();
        let level = wires.iter().map(|&q| depth[q as usize]).max().unwrap_or(0) + 1;
        wires.iter().for_each(|&q| depth[q as usize] = level);
        if !wires.is_empty() {
            found.depth = found.depth.max(level);
        }
        let again = wires.iter().any(|&q| measured[q as usize]);
        match op.kind {
            Kind::Measure => {
                found.mid_circuit |= again || op.cond != NONE;
                measured[op.q[0] as usize] |= op.cbit != NONE;
            }
            Kind::Reset => found.resets += 1,
            Kind::Noise | Kind::Noise2 => found.noise += 1,
            Kind::Logic => found.logic += 1,
            kind => {
                found.mid_circuit |= again || op.cond != NONE;
                gate(&mut found, circuit, at, kind);
                if wires.len() > 1 {
                    interact(wires, &mut crossing, &mut edges);
                }
            }
        }
        if op.cond != NONE && op.kind.is_gate() {
            let pauli = matches!(op.kind, Kind::X | Kind::Y | Kind::Z | Kind::Id);
            let here = if pauli { FeedForward::Pauli } else { FeedForward::Full };
            found.feed_forward = found.feed_forward.max(here);
        }
    }
    found.measured = measured.iter().filter(|&&m| m).count() as f64 / n.max(1) as f64;
    found.cut = cut(&crossing);
    edges.sort_unstable();
    edges.dedup();
    found.treewidth = treewidth(n, &edges);
    found
}

/// Qubits up to which a state is so small that no rewrite pays, if nothing is measured on the way.
const SMALL: u32 = 10;

/// Whether rewriting is likely to save more time than it takes: there are more non-Clifford gates than qubits (a
/// Clifford-frame simulator is as fast as a rewrite otherwise), and the state is not small. An early exit: a pass at most.
pub fn promising(circuit: &Circuit) -> bool {
    let mut magic = 0;
    let mut ended = vec![false; circuit.n_qubits as usize];
    let mut large = circuit.n_qubits > SMALL;
    for op in &circuit.ops {
        large |= op.cond != NONE || op.qubits().iter().any(|&q| ended[q as usize]);
        if op.kind == Kind::Measure {
            ended[op.q[0] as usize] = true;
        }
        magic += (op.kind.is_gate() && !is_clifford(op.kind, circuit.angles(op))) as u32;
        if large && magic > circuit.n_qubits {
            return true;
        }
    }
    false
}

fn light_cone(circuit: &Circuit) -> u32 {
    let n = circuit.n_qubits as usize;
    let (mut live, mut ever) = (vec![false; n], vec![false; n]);
    for op in circuit.ops.iter().rev() {
        match op.kind {
            Kind::Measure => live[op.q[0] as usize] |= op.cbit != NONE,
            Kind::Reset => live[op.q[0] as usize] &= op.cond != NONE,
            kind if kind.is_gate() && op.qubits().iter().any(|&q| live[q as usize]) => {
                op.qubits().iter().for_each(|&q| live[q as usize] = true);
            }
            _ => (),
        }
        op.qubits().iter().for_each(|&q| ever[q as usize] |= live[q as usize]);
    }
    ever.iter().filter(|&&seen| seen).count() as u32
}

fn joined(circuit: &Circuit) -> u32 {
    let n = circuit.n_qubits as usize;
    let alone = circuit.ops.iter().filter(|op| matches!(op.kind, Kind::Measure | Kind::Reset)).count();
    let mut sets = components::Sets::new(n + alone);
    let mut size = vec![1u32; n + alone];
    let mut set_of: Vec<u32> = (0..n as u32).collect();
    let (mut next, mut most) = (n as u32, u32::from(n > 0));
    for op in &circuit.ops {
        match op.kind {
            Kind::Measure | Kind::Reset if op.cond == NONE => {
                let old = sets.find(set_of[op.q[0] as usize]);
                size[old as usize] -= 1;
                set_of[op.q[0] as usize] = next;
                next += 1;
            }
            kind if kind.is_gate() && kind.n_qubits() > 1 => {
                let first = set_of[op.q[0] as usize];
                for &q in &op.qubits()[1..] {
                    let (a, b) = (sets.find(first), sets.find(set_of[q as usize]));
                    if a != b {
                        let together = size[a as usize] + size[b as usize];
                        sets.join(a, b);
                        size[sets.find(a) as usize] = together;
                        most = most.max(together);
                    }
                }
            }
            _ => (),
        }
    }
    most
}

fn gate(found: &mut Features, circuit: &Circuit, at: usize, kind: Kind) {
    match kind.n_qubits() {
        2 => found.two_qubit += 1,
        3 => found.three_qubit += 1,
        _ => (),
    }
    let angles = circuit.angles(&circuit.ops[at]);
    found.rotations += !angles.is_empty() as usize;
    found.t_gates += matches!(kind, Kind::T | Kind::Tdg) as usize;
    if !is_clifford(kind, angles) {
        found.non_clifford += 1;
        found.clifford_prefix = found.clifford_prefix.min(at);
    }
    found.classical &= is_monomial(kind);
}

/// A gate on k qubits has Schmidt rank at most 2 (4 for those that exchange) over a cut between its qubits.
fn interact(wires: &[u32], crossing: &mut [i64], edges: &mut Vec<(u32, u32)>) {
    let (Some(&low), Some(&high)) = (wires.iter().min(), wires.iter().max()) else { return };
    crossing[low as usize] += 1;
    crossing[high as usize] -= 1;
    for (k, &a) in wires.iter().enumerate() {
        edges.extend(wires[..k].iter().map(|&b| (a.min(b), a.max(b))));
    }
}

/// The largest over all cuts of: gates across, or qubits on the smaller side.
fn cut(crossing: &[i64]) -> u32 {
    let n = crossing.len() as i64 - 1;
    let mut across = 0;
    let mut largest = 0;
    for (at, change) in crossing.iter().enumerate() {
        across += change;
        let left = at as i64 + 1;
        largest = largest.max((2 * across).min(left).min(n - left));
    }
    largest.max(0) as u32
}

/// Width of the elimination order that always removes a vertex of least degree.
fn treewidth(n: usize, edges: &[(u32, u32)]) -> Option<u32> {
    let mut near: Vec<Vec<u32>> = vec![Vec::new(); n];
    for &(a, b) in edges {
        near[a as usize].push(b);
        near[b as usize].push(a);
    }
    let mut size = edges.len();
    let mut heap: std::collections::BinaryHeap<_> =
        (0..n as u32).map(|v| std::cmp::Reverse((near[v as usize].len() as u32, v))).collect();
    let mut gone = vec![false; n];
    let mut width = 0;
    while let Some(std::cmp::Reverse((degree, v))) = heap.pop() {
        if gone[v as usize] || degree as usize != near[v as usize].len() {
            continue;
        }
        gone[v as usize] = true;
        width = width.max(degree);
        let around = std::mem::take(&mut near[v as usize]);
        size += around.len() * around.len();
        if size > EDGES {
            return None;
        }
        for &a in &around {
            let list = &mut near[a as usize];
            list.retain(|&b| b != v);
            for &b in around.iter().filter(|&&b| b != a) {
                if !list.contains(&b) {
                    list.push(b);
                }
            }
            heap.push(std::cmp::Reverse((list.len() as u32, a)));
        }
    }
    Some(width)
}
