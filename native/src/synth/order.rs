//! The order of parts by which two-qubit gates are done in the least depth that a list schedule finds.
//!
//! Parts keep their order where they do not commute: interactions along one axis of a wire commute there, whatever they
//! are elsewhere. Instructions that are no plain gates keep theirs among each other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::collect::Part;
use super::set::Native;
use super::weyl::{parallel, Axis, Core};
use crate::circuit::NONE;

/// What stands last on a wire: parts that commute there, and those before them.
#[derive(Clone, Default)]
struct Group {
    axis: Option<Axis>,
    parts: Vec<u32>,
    before: Vec<u32>,
}

/// Most parts that could be next that are compared: each step of the schedule takes as long as this.
const WINDOW: usize = 256;

/// Nodes in an order in which each comes after those it waits for: parts, and joins that wait for many at once.
struct Order {
    /// The part, or NONE for a join.
    part: Vec<u32>,
    waits: Vec<u32>,
    next: Vec<Vec<u32>>,
}

impl Order {
    fn of(parts: &[Part], n_wires: u32) -> Order {
        let mut order = Order { part: Vec::new(), waits: Vec::new(), next: Vec::new() };
        let mut groups = vec![Group::default(); n_wires as usize];
        let mut fence = NONE;
        for (at, part) in parts.iter().enumerate() {
            let (on, n) = wires(part);
            let axes = if let Part::Core(_, _, core) = part { axes(core) } else { [None; 2] };
            for (k, &wire) in on[..n].iter().enumerate() {
                order.turn(&mut groups[wire as usize], axes.get(k).copied().flatten());
            }
            let node = order.push(at as u32);
            for &wire in &on[..n] {
                let group = &mut groups[wire as usize];
                group.before.iter().for_each(|&before| order.edge(before, node));
                group.parts.push(node);
            }
            if let Part::Fence(_) = part {
                if fence != NONE {
                    order.edge(fence, node);
                }
                fence = node;
            }
        }
        order
    }

    fn push(&mut self, part: u32) -> u32 {
        self.part.push(part);
        self.waits.push(0);
        self.next.push(Vec::new());
        self.part.len() as u32 - 1
    }

    fn edge(&mut self, from: u32, to: u32) {
        self.next[from as usize].push(to);
        self.waits[to as usize] += 1;
    }

    /// Makes a wire ready for a part along this axis: what does not commute with it is then before it.
    fn turn(&mut self, group: &mut Group, axis: Option<Axis>) {
        if matches!((&group.axis, &axis), (Some(there), Some(here)) if parallel(there, here)) {
            return;
        }
        let mut before = std::mem::take(&mut group.parts);
        if before.len() > 2 {
            // one node that waits for all of them: as many edges as nodes
            let join = self.push(NONE);
            before.iter().for_each(|&node| self.edge(node, join));
            before = vec![join];
        }
        *group = Group { axis, before, parts: Vec::new() };
    }
}

/// On each wire the axis along which all of a core acts.
fn axes(core: &Core) -> [Option<Axis>; 2] {
    match core.terms() {
        [term] => [Some(term.a), Some(term.b)],
        _ => [None, None],
    }
}

fn wires(part: &Part) -> ([u32; 3], usize) {
    match part {
        Part::Local(q, _) => ([*q, NONE, NONE], 1),
        Part::Core(a, b, _) => ([*a, *b, NONE], 2),
        Part::Fence(op) => (op.q, op.kind.n_qubits()),
    }
}

fn depth_of(part: &Part, native: Native) -> u32 {
    match part {
        Part::Core(_, _, core) => native.needs(core) as u32,
        _ => 0,
    }
}

/// The depth in two-qubit gates of parts in the order that they have.
fn depth(parts: &[Part], n_wires: u32, native: Native) -> u32 {
    let mut busy = vec![0u32; n_wires as usize];
    for part in parts {
        let (on, n) = wires(part);
        let end = on[..n].iter().map(|&w| busy[w as usize]).max().unwrap_or(0) + depth_of(part, native);
        on[..n].iter().for_each(|&w| busy[w as usize] = end);
    }
    busy.into_iter().max().unwrap_or(0)
}

/// The parts in an order of less depth, where one is found: of those that can begin first, what most depends on goes first.
pub fn shorten(parts: Vec<Part>, n_wires: u32, native: Native) -> Vec<Part> {
    let Order { part, mut waits, next } = Order::of(&parts, n_wires);
    let weight = |node: u32| match part[node as usize] {
        NONE => 0,
        at => depth_of(&parts[at as usize], native),
    };
    let mut tail = vec![0u32; part.len()];
    for node in (0..part.len()).rev() {
        let after = next[node].iter().map(|&k| tail[k as usize]).max().unwrap_or(0);
        tail[node] = after + weight(node as u32);
    }
    let on = |node: u32| match part[node as usize] {
        NONE => ([NONE; 3], 0),
        at => wires(&parts[at as usize]),
    };
    let ready = (0..part.len() as u32).filter(|&node| waits[node as usize] == 0);
    let mut later: BinaryHeap<Reverse<u32>> = ready.map(Reverse).collect();
    let mut window: Vec<u32> = Vec::with_capacity(WINDOW);
    let mut busy = vec![0u32; n_wires as usize];
    let mut made = Vec::with_capacity(parts.len());
    loop {
        while window.len() < WINDOW {
            let Some(Reverse(node)) = later.pop() else { break };
            window.push(node);
        }
        let begin = |node: u32| {
            let (on, n) = on(node);
            on[..n].iter().map(|&w| busy[w as usize]).max().unwrap_or(0)
        };
        let rank = |node: u32| (begin(node), Reverse(tail[node as usize]), node);
        let Some(pick) = (0..window.len()).min_by_key(|&k| rank(window[k])) else { break };
        let node = window.swap_remove(pick);
        let (end, (on, n)) = (begin(node) + weight(node), on(node));
        on[..n].iter().for_each(|&w| busy[w as usize] = end);
        if part[node as usize] != NONE {
            made.push(part[node as usize]);
        }
        for &after in &next[node as usize] {
            waits[after as usize] -= 1;
            if waits[after as usize] == 0 {
                later.push(Reverse(after));
            }
        }
    }
    if busy.into_iter().max().unwrap_or(0) >= depth(&parts, n_wires, native) {
        return parts;
    }
    made.into_iter().map(|at| parts[at as usize].clone()).collect()
}
