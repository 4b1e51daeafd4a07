//! The circuit on the device's sites, from what a run did.

use super::coupling::Coupling;
use super::graph::Graph;
use super::price::Price;
use super::walk::{Event, Layout};
use super::Placed;
use crate::circuit::{Circuit, Kind, NONE};

/// `start`: the layout from which `events` began.
pub fn emit(graph: &Graph, coupling: &Coupling, start: &Layout, events: &[Event]) -> Placed {
    let source = &graph.circuit;
    let circuit = Circuit { n_qubits: coupling.n(), ops: Vec::with_capacity(source.ops.len()), ..source.clone() };
    let wires = start.site.len();
    let mut writer = Writer {
        graph,
        circuit,
        layout: start.clone(),
        first: start.site.clone(),
        price: Price::new(coupling.n()),
        held: vec![Vec::new(); wires],
        at_end: Vec::new(),
        swaps: 0,
    };
    for event in events {
        match *event {
            Event::Node(node) | Event::Copied(node, ..) => writer.node(node, event),
            Event::Swap(p, q) => writer.swap(p, q),
        }
    }
    (0..wires as u32).for_each(|wire| writer.release(wire));
    std::mem::take(&mut writer.at_end).into_iter().for_each(|op| writer.write(op));
    let n = source.n_qubits as usize;
    Placed {
        first: writer.first[..n].to_vec(),
        last: graph.end_wire.iter().map(|&wire| writer.layout.site[wire as usize]).collect(),
        swaps: writer.swaps,
        two: writer.price.two,
        depth: writer.price.depth(),
        circuit: writer.circuit,
    }
}

struct Writer<'a> {
    graph: &'a Graph,
    circuit: Circuit,
    layout: Layout,
    first: Vec<u32>,
    price: Price,
    /// Gates on one wire that wait while it is in |0>: exchanges of such wires are cheap.
    held: Vec<Vec<u32>>,
    /// Measurements that nothing waits for.
    at_end: Vec<u32>,
    swaps: u32,
}

impl Writer<'_> {
    fn node(&mut self, number: u32, event: &Event) {
        let node = &self.graph.nodes[number as usize];
        let wires = event.wires(node);
        let at = wires.map(|wire| if wire == NONE { NONE } else { self.layout.site[wire as usize] });
        if node.last {
            return self.at_end.extend(&node.ops);
        }
        if node.quiet {
            if self.price.is_fresh(at[0]) {
                return self.held[node.wires[0] as usize].extend(&node.ops);
            }
        } else {
            wires.into_iter().filter(|&wire| wire != NONE).for_each(|wire| self.release(wire));
            self.price.node(node, at[0], at[1]);
        }
        node.ops.iter().for_each(|&op| self.write_on(op, node.wires, wires));
    }

    fn release(&mut self, wire: u32) {
        for op in std::mem::take(&mut self.held[wire as usize]) {
            self.write(op);
        }
    }

    fn write(&mut self, number: u32) {
        self.write_on(number, [NONE; 2], [NONE; 2]);
    }

    /// The op with each wire of `from` as that of `to`.
    fn write_on(&mut self, number: u32, from: [u32; 2], to: [u32; 2]) {
        let mut op = self.graph.circuit.ops[number as usize];
        let n = op.kind.n_qubits();
        for wire in &mut op.q[..n] {
            let acting = from.iter().position(|other| other == wire).map_or(*wire, |at| to[at]);
            *wire = self.layout.site[acting as usize];
        }
        self.circuit.ops.push(op);
    }

    fn swap(&mut self, p: u32, q: u32) {
        match (self.price.is_fresh(p), self.price.is_fresh(q)) {
            (true, true) => {
                let (a, b) = (self.layout.wire[p as usize] as usize, self.layout.wire[q as usize] as usize);
                self.first.swap(a, b);
            }
            (false, false) => {
                self.circuit.push_gate(Kind::Swap, &[p, q], &[]);
                self.swaps += 1;
            }
            (fresh, _) => {
                let (from, to) = if fresh { (q, p) } else { (p, q) };
                self.circuit.push_gate(Kind::Cnot, &[from, to], &[]);
                self.circuit.push_gate(Kind::Cnot, &[to, from], &[]);
                self.swaps += 1;
            }
        }
        self.price.swap(p, q);
        self.layout.swap(p, q);
    }
}
