//! What must come before what: instructions on wires, with what commutes left free.
//!
//! The instructions of a wire fall into groups: neighbours that are functions of the same Pauli operator on it commute,
//! and share a group. An instruction waits for the groups before its own. Each wire has an end: its last measurement,
//! or one added here that traces it out. Measurements are about Z, so an end shares the group of a diagonal tail: it
//! need not wait for gates that the wire only controls, and these then run under the outcome as a condition.

use super::axis::{self, Axis};
use crate::circuit::{Circuit, Cond, Kind, Op, NONE};

pub struct Graph {
    /// Those of the circuit, then the ends that were added.
    pub ops: Vec<Op>,
    /// How many of `ops` the circuit has.
    pub n_own: usize,
    /// Instructions wire by wire, in the circuit's order.
    pub on_wire: Vec<u32>,
    /// Where each wire begins in `on_wire`; one more for the end.
    pub first: Vec<u32>,
    /// Of each instruction, its places in `on_wire`.
    pub place: Vec<[u32; 3]>,
    /// Of each place, where its group begins.
    pub group: Vec<u32>,
    /// The end of each wire, or NONE: no instruction uses it.
    pub end: Vec<u32>,
    /// Writers of the cbits that an instruction reads: `writers[reads[k]..reads[k + 1]]`.
    pub reads: Vec<u32>,
    pub writers: Vec<u32>,
}

/// Most pairs of a reader and a cbit, for each instruction: a bound on work.
const READS_PER_OP: usize = 32;

impl Graph {
    /// None: too many reads of classical bits to order in linear time.
    pub fn new(circuit: &Circuit) -> Option<Graph> {
        let n_wires = circuit.n_qubits as usize;
        let mut ops = circuit.ops.clone();
        let n_own = ops.len();
        let end = ends(circuit, &mut ops);
        let mut first = vec![0u32; n_wires + 1];
        for op in &ops {
            op.qubits().iter().for_each(|&w| first[w as usize + 1] += 1);
        }
        for w in 0..n_wires {
            first[w + 1] += first[w];
        }
        let mut next = first.clone();
        let mut axis: Vec<Option<Axis>> = vec![None; n_wires];
        let total = first[n_wires] as usize;
        let (mut on_wire, mut group) = (vec![NONE; total], vec![0u32; total]);
        let mut place = vec![[NONE; 3]; ops.len()];
        for (at, op) in ops.iter().enumerate() {
            for (slot, &wire) in op.qubits().iter().enumerate() {
                let (w, here) = (wire as usize, next[wire as usize]);
                next[w] += 1;
                on_wire[here as usize] = at as u32;
                place[at][slot] = here;
                let found = axis::of_op(circuit, op, slot);
                let joins = here > first[w] && found.is_some() && found == axis[w];
                group[here as usize] = if joins { group[here as usize - 1] } else { here };
                axis[w] = found;
            }
        }
        let (reads, writers) = reads(circuit, &ops)?;
        Some(Graph { ops, n_own, on_wire, first, place, group, end, reads, writers })
    }

    pub fn n_wires(&self) -> usize {
        self.first.len() - 1
    }

    pub fn is_added(&self, op: u32) -> bool {
        op as usize >= self.n_own
    }

    pub fn writers_for(&self, op: u32) -> &[u32] {
        &self.writers[self.reads[op as usize] as usize..self.reads[op as usize + 1] as usize]
    }
}

/// The end of each wire; adds those that are missing.
fn ends(circuit: &Circuit, ops: &mut Vec<Op>) -> Vec<u32> {
    let mut end = vec![NONE; circuit.n_qubits as usize];
    let mut used = vec![false; circuit.n_qubits as usize];
    for (at, op) in ops.iter().enumerate() {
        for (slot, &wire) in op.qubits().iter().enumerate() {
            used[wire as usize] = true;
            if op.kind == Kind::Measure && op.cond == NONE {
                end[wire as usize] = at as u32;
            } else if axis::of_op(circuit, op, slot) != Some(Axis::Z) {
                end[wire as usize] = NONE;
            }
        }
    }
    for wire in (0..end.len()).filter(|&w| used[w]) {
        if end[wire] == NONE {
            end[wire] = ops.len() as u32;
            ops.push(Op::measure(wire as u32, NONE));
        }
    }
    end
}

fn reads(circuit: &Circuit, ops: &[Op]) -> Option<(Vec<u32>, Vec<u32>)> {
    let mut starts = vec![0u32; ops.len() + 1];
    let mut writers: Vec<u32> = Vec::new();
    if circuit.conds.is_empty() && circuit.tables.is_empty() {
        return Some((starts, writers));
    }
    let mut writer = vec![NONE; circuit.n_cbits as usize];
    for (at, op) in ops.iter().enumerate().filter(|(_, op)| op.cbit != NONE) {
        writer[op.cbit as usize] = at as u32;
    }
    let budget = READS_PER_OP * ops.len() + 4096;
    let of_cond = writers_of_conditions(circuit, &writer, budget)?;
    for (at, op) in ops.iter().enumerate() {
        let from = writers.len();
        if op.cond != NONE {
            writers.extend_from_slice(&of_cond[op.cond as usize]);
        }
        if op.kind == Kind::Logic {
            let inputs = &circuit.tables[op.param as usize].inputs;
            writers.extend(inputs.iter().map(|&c| writer[c as usize]).filter(|&w| w != NONE));
        }
        // What a later instruction writes reads 0 here; a forward pass has folded it.
        debug_assert!(writers[from..].iter().all(|&w| (w as usize) < at));
        if writers.len() > budget || writers[from..].iter().any(|&w| w as usize >= at) {
            return None;
        }
        starts[at + 1] = writers.len() as u32;
    }
    Some((starts, writers))
}

fn writers_of_conditions(circuit: &Circuit, writer: &[u32], budget: usize) -> Option<Vec<Vec<u32>>> {
    let mut all: Vec<Vec<u32>> = Vec::with_capacity(circuit.conds.len());
    let mut total = 0;
    for cond in &circuit.conds {
        let mut found: Vec<u32> = match cond {
            Cond::Bit(c) => writer[*c as usize..][..1].iter().copied().filter(|&w| w != NONE).collect(),
            Cond::Not(a) => all[*a as usize].clone(),
            Cond::And(parts) | Cond::Or(parts) | Cond::Xor(parts) => {
                total += parts.iter().map(|&a| all[a as usize].len()).sum::<usize>();
                if total > budget {
                    return None;
                }
                parts.iter().flat_map(|&a| all[a as usize].iter().copied()).collect()
            }
        };
        found.sort_unstable();
        found.dedup();
        total += found.len();
        if total > budget {
            return None;
        }
        all.push(found);
    }
    Some(all)
}

/// Builds an order on demand: asked for an instruction, it first writes all that must come before.
pub struct Walk<'a> {
    graph: &'a Graph,
    /// Ends wait for the whole wire instead of their group.
    patient: bool,
    done: Vec<bool>,
    /// Of each wire, the first place that is not done.
    front: Vec<u32>,
    stack: Vec<u32>,
    pub order: Vec<u32>,
}

impl<'a> Walk<'a> {
    pub fn new(graph: &'a Graph, patient: bool) -> Walk<'a> {
        let n = graph.ops.len();
        let front = graph.first[..graph.n_wires()].to_vec();
        Walk { graph, patient, done: vec![false; n], front, stack: Vec::new(), order: Vec::with_capacity(n) }
    }

    pub fn demand(&mut self, op: u32) {
        if self.done[op as usize] {
            return;
        }
        self.stack.push(op);
        while let Some(&top) = self.stack.last() {
            if self.done[top as usize] {
                self.stack.pop();
            } else if let Some(missing) = self.missing(top) {
                self.stack.push(missing);
            } else {
                self.stack.pop();
                self.done[top as usize] = true;
                self.order.push(top);
            }
        }
    }

    /// Something that must come before `op` and is not done.
    fn missing(&mut self, op: u32) -> Option<u32> {
        let graph = self.graph;
        let what = &graph.ops[op as usize];
        for (slot, &wire) in what.qubits().iter().enumerate() {
            let place = graph.place[op as usize][slot];
            let mut until = graph.group[place as usize];
            if self.patient && what.kind == Kind::Measure {
                until = place;
            }
            let front = &mut self.front[wire as usize];
            while *front < until {
                let at = graph.on_wire[*front as usize];
                if !self.done[at as usize] {
                    return Some(at);
                }
                *front += 1;
            }
        }
        graph.writers_for(op).iter().copied().find(|&w| !self.done[w as usize])
    }

    /// All that is left, in the circuit's order.
    pub fn finish(mut self) -> Vec<u32> {
        for op in 0..self.graph.ops.len() as u32 {
            self.demand(op);
        }
        self.order
    }
}
