//! A circuit as blocks on pairs of wires, ordered by what must come before what.
//!
//! Exchanges in the source are taken as other names of wires: a wire is a qubit until then. Gates of one basis on a wire
//! commute, and so have no order there.

use crate::circuit::matrix::{self, Two};
use crate::circuit::{Circuit, Kind, Op, NONE};
use crate::synth::controlled_nots;

/// What is done at once: a block of gates on a pair, a run of gates on one wire, or one op of another kind.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its wires; NONE where it has fewer than two.
    pub wires: [u32; 2],
    /// Whether its wires must be at coupled sites.
    pub pair: bool,
    /// Whether it is a block that may be synthesised as one with an exchange.
    pub joins: bool,
    /// Gates on one wire, or nothing: it takes no place among gates on pairs.
    pub quiet: bool,
    /// A measurement that nothing waits for: it is made at the end, wherever its wire then is.
    pub last: bool,
    /// Whether it is diagonal on each of its wires: another wire that always reads the same may stand for it.
    pub diagonal: [bool; 2],
    /// The wire that comes to read as the other one does, where it was in |0>: the target of a lone CNOT; else NONE.
    pub copies_to: u32,
    /// CNOTs of a block as it is, and with an exchange.
    pub cost: u8,
    pub swapped: u8,
    /// Numbers of its ops in `Graph::ops`, in order.
    pub ops: Vec<u32>,
}

impl Node {
    /// A node that does nothing, on no wire.
    fn plain() -> Node {
        Node {
            wires: [NONE; 2],
            pair: false,
            joins: false,
            quiet: false,
            last: false,
            diagonal: [false; 2],
            copies_to: NONE,
            cost: 0,
            swapped: 0,
            ops: Vec::new(),
        }
    }
}

/// One direction of the order: how many nodes each waits for, and which wait for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    pub waits: Vec<u32>,
    begins: Vec<u32>,
    next: Vec<u32>,
}

impl Order {
    fn new(n: usize, edges: impl Iterator<Item = (u32, u32)> + Clone) -> Order {
        let mut made = Order { waits: vec![0; n], begins: vec![0; n + 1], next: Vec::new() };
        for (a, b) in edges.clone() {
            made.begins[a as usize + 1] += 1;
            made.waits[b as usize] += 1;
        }
        (0..n).for_each(|k| made.begins[k + 1] += made.begins[k]);
        made.next = vec![0; made.begins[n] as usize];
        let mut at = made.begins.clone();
        for (a, b) in edges {
            made.next[at[a as usize] as usize] = b;
            at[a as usize] += 1;
        }
        made
    }

    #[inline]
    pub fn next(&self, node: u32) -> &[u32] {
        &self.next[self.begins[node as usize] as usize..self.begins[node as usize + 1] as usize]
    }
}

/// What takes the gates of a decomposition, in order: kind, qubits, angles.
pub type Emit<'a> = dyn FnMut(Kind, &[u32], &[f64]) + 'a;
/// Gives the gates on one and two qubits that are a gate on three.
pub type Split<'a> = &'a dyn Fn(&Op, &mut Emit);

pub struct Graph {
    /// The source's pools, with the angles of decomposed gates; its `ops` are on wires.
    pub circuit: Circuit,
    pub nodes: Vec<Node>,
    pub forth: Order,
    pub back: Order,
    /// The wire on which each qubit ends.
    pub end_wire: Vec<u32>,
    /// Wires that some op uses.
    pub used: Vec<bool>,
    /// Wires that a measurement ends or reads.
    pub read: Vec<bool>,
}

impl Graph {
    pub fn new(source: &Circuit, commute: bool, split: Split) -> Graph {
        let (circuit, end_wire) = flat(source, split);
        let n = circuit.n_qubits as usize;
        let (mut used, mut read) = (vec![false; n], vec![false; n]);
        for op in &circuit.ops {
            op.qubits().iter().for_each(|&wire| used[wire as usize] = true);
            if op.kind == Kind::Measure && op.cbit != NONE {
                read[op.q[0] as usize] = true;
            }
        }
        let mut builder = Builder::new(&circuit, commute);
        for item in items(&circuit) {
            builder.add(item);
        }
        let Builder { mut nodes, edges, .. } = builder;
        let forth = Order::new(nodes.len(), edges.iter().copied());
        for (number, node) in nodes.iter_mut().enumerate().filter(|(_, node)| !node.quiet && !node.pair) {
            let measures = circuit.ops[node.ops[0] as usize].kind == Kind::Measure;
            node.last = measures && forth.next(number as u32).is_empty();
            node.quiet = node.last;
        }
        let back = Order::new(nodes.len(), edges.iter().map(|&(a, b)| (b, a)));
        Graph { nodes, forth, back, end_wire, used, read, circuit }
    }
}

/// The circuit with gates on three qubits decomposed and exchanges left out, and the wire on which each qubit ends.
fn flat(source: &Circuit, split: Split) -> (Circuit, Vec<u32>) {
    let mut made = Circuit { ops: Vec::with_capacity(source.ops.len()), ..source.clone() };
    let mut wires: Vec<u32> = (0..source.n_qubits).collect();
    for op in &source.ops {
        let mut op = *op;
        if op.kind == Kind::Swap && op.cond == NONE {
            wires.swap(op.q[0] as usize, op.q[1] as usize);
            continue;
        }
        let n = op.kind.n_qubits();
        op.q[..n].iter_mut().for_each(|q| *q = wires[*q as usize]);
        if op.kind.is_gate() && n == 3 {
            let at = made.ops.len();
            split(&op, &mut |kind, qubits, angles| made.push_gate(kind, qubits, angles));
            made.ops[at..].iter_mut().for_each(|part| part.cond = op.cond);
        } else {
            made.ops.push(op);
        }
    }
    (made, wires)
}

/// What the circuit does, in order.
enum Item {
    /// A gate on one wire without a condition.
    One(u32),
    /// Gates on two wires, and those on one between them, without conditions.
    Block(Vec<u32>),
    Other(u32),
}

fn items(circuit: &Circuit) -> Vec<Item> {
    let n = circuit.n_qubits as usize;
    let mut items = Vec::new();
    let mut block = vec![NONE; n];
    let mut waiting: Vec<Vec<u32>> = vec![Vec::new(); n];
    let flush = |items: &mut Vec<Item>, waiting: &mut Vec<u32>| items.extend(waiting.drain(..).map(Item::One));
    for (at, op) in circuit.ops.iter().enumerate() {
        let at = at as u32;
        let plain = op.kind.is_gate() && op.cond == NONE;
        match *op.qubits() {
            [a] if plain => waiting[a as usize].push(at),
            [a, b] if plain => {
                let number = block[a as usize];
                let same = number != NONE && number == block[b as usize];
                if !same {
                    flush(&mut items, &mut waiting[a as usize]);
                    flush(&mut items, &mut waiting[b as usize]);
                    (block[a as usize], block[b as usize]) = (items.len() as u32, items.len() as u32);
                    items.push(Item::Block(vec![at]));
                } else if let Item::Block(ops) = &mut items[number as usize] {
                    ops.append(&mut waiting[a as usize]);
                    ops.append(&mut waiting[b as usize]);
                    ops.push(at);
                }
            }
            ref qubits => {
                for &q in qubits {
                    flush(&mut items, &mut waiting[q as usize]);
                    block[q as usize] = NONE;
                }
                items.push(Item::Other(at));
            }
        }
    }
    waiting.iter_mut().for_each(|list| flush(&mut items, list));
    items
}

/// Nodes of one basis on a wire: they commute there.
#[derive(Clone, Default)]
struct Group {
    basis: u8,
    nodes: Vec<u32>,
    /// What all of them wait for.
    before: Vec<u32>,
    /// The one that holds gates on this wire alone.
    turn: Option<u32>,
}

/// No basis: such nodes commute with nothing.
const NO_BASIS: u8 = b'-';

struct Builder<'a> {
    circuit: &'a Circuit,
    commute: bool,
    nodes: Vec<Node>,
    edges: Vec<(u32, u32)>,
    groups: Vec<Group>,
    /// For each cbit: the node that writes it, and those that read it.
    writer: Vec<u32>,
    readers: Vec<Vec<u32>>,
}

impl<'a> Builder<'a> {
    fn new(circuit: &'a Circuit, commute: bool) -> Builder<'a> {
        let groups = vec![Group { basis: NO_BASIS, ..Group::default() }; circuit.n_qubits as usize];
        let n = circuit.n_cbits as usize;
        let (writer, readers) = (vec![NONE; n], vec![Vec::new(); n]);
        Builder { circuit, commute, nodes: Vec::new(), edges: Vec::new(), groups, writer, readers }
    }

    fn add(&mut self, item: Item) {
        match item {
            Item::One(op) => self.one(op),
            Item::Block(ops) => self.block(ops),
            Item::Other(op) => self.other(op),
        }
    }

    fn push(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        self.nodes.len() as u32 - 1
    }

    fn quiet(&mut self, wire: u32, ops: Vec<u32>) -> u32 {
        let node = Node { wires: [wire, NONE], quiet: true, diagonal: [true; 2], ops, ..Node::plain() };
        self.push(node)
    }

    /// Puts a node behind what it does not commute with on a wire.
    fn order(&mut self, node: u32, wire: u32, basis: u8) {
        let group = &self.groups[wire as usize];
        if !(self.commute && basis != NO_BASIS && basis == group.basis) {
            let mut before = group.nodes.clone();
            if before.len() > 2 {
                // one node that waits for all of them: as many edges as nodes
                let join = self.quiet(wire, Vec::new());
                self.edges.extend(before.iter().map(|&a| (a, join)));
                before = vec![join];
            }
            self.groups[wire as usize] = Group { basis, nodes: Vec::new(), before, turn: None };
        }
        let group = &mut self.groups[wire as usize];
        self.edges.extend(group.before.iter().map(|&a| (a, node)));
        group.nodes.push(node);
    }

    fn one(&mut self, at: u32) {
        let op = &self.circuit.ops[at as usize];
        let wire = op.q[0];
        let basis = basis_of_one(&matrix::one(op.kind, self.circuit.angles(op)));
        let group = &mut self.groups[wire as usize];
        if let Some(turn) = group.turn {
            if group.nodes.len() == 1 || (self.commute && basis == group.basis && basis != NO_BASIS) {
                if group.basis != basis {
                    group.basis = NO_BASIS;
                }
                let held = &mut self.nodes[turn as usize];
                held.diagonal[0] &= basis == b'Z';
                return held.ops.push(at);
            }
        }
        let node = self.quiet(wire, vec![at]);
        self.nodes[node as usize].diagonal[0] = basis == b'Z';
        self.order(node, wire, basis);
        self.groups[wire as usize].turn = Some(node);
    }

    fn block(&mut self, ops: Vec<u32>) {
        let first = &self.circuit.ops[ops[0] as usize];
        let wires = [first.q[0], first.q[1]];
        let u = product(self.circuit, &ops, wires);
        let bases = [basis_of_two(&u, 2), basis_of_two(&u, 1)];
        if let Some(earlier) = self.same_groups(wires, bases) {
            let ops = [std::mem::take(&mut self.nodes[earlier as usize].ops), ops].concat();
            let wires = self.nodes[earlier as usize].wires;
            let (cost, swapped) = controlled_nots(&product(self.circuit, &ops, wires));
            let node = &mut self.nodes[earlier as usize];
            (node.ops, node.cost, node.swapped, node.copies_to) = (ops, cost, swapped, NONE);
            return;
        }
        let (cost, swapped) = controlled_nots(&u);
        let diagonal = bases.map(|basis| basis == b'Z');
        let lone = ops.len() == 1 && first.kind == Kind::Cnot;
        let copies_to = if lone { first.q[1] } else { NONE };
        let node = Node { wires, pair: true, joins: true, diagonal, copies_to, cost, swapped, ops, ..Node::plain() };
        let node = self.push(node);
        for (&wire, basis) in wires.iter().zip(bases) {
            self.order(node, wire, basis);
        }
    }

    /// An earlier block on these wires that what came between commutes with.
    fn same_groups(&self, wires: [u32; 2], bases: [u8; 2]) -> Option<u32> {
        let [a, b] = wires.map(|wire| &self.groups[wire as usize]);
        let fits = self.commute && bases == [a.basis, b.basis] && !bases.contains(&NO_BASIS);
        let is_block = |node: &Node| node.pair && node.joins && node.wires.iter().all(|wire| wires.contains(wire));
        let mut shared = a.nodes.iter().copied().filter(|&node| is_block(&self.nodes[node as usize]));
        shared.find(|node| fits && b.nodes.contains(node))
    }

    fn other(&mut self, at: u32) {
        let op = &self.circuit.ops[at as usize];
        let pair = op.kind.is_gate() && op.kind.n_qubits() == 2;
        let mut wires = [NONE; 2];
        wires[..op.qubits().len()].copy_from_slice(op.qubits());
        let cost = if pair { controlled_nots(&matrix::two(op.kind, self.circuit.angles(op))).0 } else { 0 };
        let node = Node { wires, pair, cost, swapped: cost, ops: vec![at], ..Node::plain() };
        let node = self.push(node);
        for &wire in op.qubits() {
            self.order(node, wire, NO_BASIS);
        }
        let mut inputs = Vec::new();
        self.circuit.cond_bits(op.cond, &mut |cbit| inputs.push(cbit));
        if op.kind == Kind::Logic {
            inputs.extend_from_slice(&self.circuit.tables[op.param as usize].inputs);
        }
        inputs.sort_unstable();
        inputs.dedup();
        for cbit in inputs {
            if self.writer[cbit as usize] != NONE {
                self.edges.push((self.writer[cbit as usize], node));
            } else {
                self.readers[cbit as usize].push(node);
            }
        }
        if op.cbit != NONE {
            // those that read it before read 0
            let readers = std::mem::take(&mut self.readers[op.cbit as usize]);
            self.edges.extend(readers.into_iter().filter(|&reader| reader != node).map(|reader| (reader, node)));
            self.writer[op.cbit as usize] = node;
        }
    }
}

/// The matrix of ops on two wires.
fn product(circuit: &Circuit, ops: &[u32], wires: [u32; 2]) -> Two {
    let one = matrix::one(Kind::Id, &[]);
    let mut all = matrix::kron(&one, &one);
    for &at in ops {
        let op = &circuit.ops[at as usize];
        let angles = circuit.angles(op);
        let step = match *op.qubits() {
            [q] if q == wires[0] => matrix::kron(&matrix::one(op.kind, angles), &one),
            [_] => matrix::kron(&one, &matrix::one(op.kind, angles)),
            [q, _] if q == wires[0] => matrix::two(op.kind, angles),
            _ => matrix::flipped(&matrix::two(op.kind, angles)),
        };
        all = matrix::product_two(&step, &all);
    }
    all
}

const TINY: f64 = 1e-10;

/// The Pauli that a gate on one wire commutes with.
pub fn basis_of_one(u: &matrix::One) -> u8 {
    basis(|row, column| u[row * 2 + column], 2, 1)
}

/// The Pauli on the qubit of bit `mask` that a gate on two wires commutes with.
pub fn basis_of_two(u: &Two, mask: usize) -> u8 {
    basis(|row, column| u[row * 4 + column], 4, mask)
}

fn basis(u: impl Fn(usize, usize) -> crate::complex::C64, n: usize, mask: usize) -> u8 {
    let all = |rule: &dyn Fn(usize, usize) -> bool| (0..n * n).all(|at| rule(at / n, at % n));
    if all(&|row, column| (row ^ column) & mask == 0 || u(row, column).abs() < TINY) {
        return b'Z';
    }
    if all(&|row, column| (u(row ^ mask, column ^ mask) - u(row, column)).abs() < TINY) {
        return b'X';
    }
    let sign = |row: usize, column: usize| if (row ^ column) & mask == 0 { 1.0 } else { -1.0 };
    if all(&|row, column| (u(row ^ mask, column ^ mask) - u(row, column) * sign(row, column)).abs() < TINY) {
        return b'Y';
    }
    NO_BASIS
}
