//! Gates to blocks: neighbours on the same one, two or three qubits become one matrix, diagonal gates become phases.
//!
//! Nodes stand in an order in which they may run. A gate joins a node if nothing after that node touches its qubits:
//! `last[q]` is the last node that touches qubit q, so for every qubit of the gate it must not be later than the node.
//! What is a matrix and what is phases is decided by cost: a run of gates on one pair is one 4 x 4 matrix, a layer of
//! diagonal gates on many pairs is one polynomial of phases (`phases`), applied in one pass.

use super::cost;
use super::matrix::{of_gate, polynomial, Mat, Single};
use crate::circuit::Kind;
use crate::complex::C64;

pub const NONE: u32 = u32::MAX;
/// Positions by which joining a block may make the state grow early.
const EARLY: u32 = 2;

/// A gate on positions, its LAST operand (the least significant bit of its matrix) first.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    pub kind: Kind,
    pub angles: [f64; 3],
    pub on: [u32; 3],
}

/// Phase `angle` where all of `on` are 1 (unused slots NONE).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    pub on: [u32; 3],
    pub angle: f64,
}

/// A matrix on some positions, where all of its controls are 1.
#[derive(Clone, Debug)]
pub struct Block {
    pub mat: Mat,
    /// Targets, then controls.
    places: [u32; 3],
    n_controls: usize,
}

impl Block {
    fn new(mat: Mat, on: &[u32]) -> Block {
        let mut places = [NONE; 3];
        places[..on.len()].copy_from_slice(on);
        Block { mat, places, n_controls: 0 }
    }

    pub fn on(&self) -> &[u32] {
        &self.places[..self.mat.k]
    }

    pub fn controls(&self) -> &[u32] {
        &self.places[self.mat.k..][..self.n_controls]
    }

    /// Turns bits that are controls into such.
    fn split_controls(&mut self) {
        while self.mat.k > 1 {
            let Some(b) = (0..self.mat.k).find(|&b| self.mat.is_control(b)) else { break };
            self.places[b..self.mat.k].rotate_left(1);
            self.mat = self.mat.where_set(b);
            self.n_controls += 1;
        }
    }
}

/// What `lower` turns into kernel calls. (Blocks are most of the items: boxing them would only cost.)
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Item {
    Block(Block),
    Phases(Vec<Term>),
}

impl Item {
    /// Positions that it touches, as a mask.
    pub fn touches(&self) -> u64 {
        match self {
            Item::Block(block) => block.on().iter().chain(block.controls()).fold(0, |m, &q| m | 1 << q),
            Item::Phases(terms) => terms.iter().fold(0, |m, t| m | t.mask()),
        }
    }
}

impl Term {
    pub fn mask(&self) -> u64 {
        self.on.iter().filter(|&&q| q != NONE).fold(0, |m, &q| m | 1 << q)
    }
}

struct Node {
    on: [u32; 3],
    k: usize,
    mat: Mat,
    /// Gates on single qubits that came just before the first gate of a pair.
    before: [Option<Single>; 2],
    terms: Vec<Term>,
    alive: bool,
}

impl Node {
    fn phases() -> Node {
        Node { on: [NONE; 3], k: 0, mat: Mat::identity(0), before: [None; 2], terms: vec![], alive: true }
    }

    fn is_phases(&self) -> bool {
        self.k == 0
    }

    /// Multiplies the gate in, whose qubits are all the node's.
    fn take(&mut self, gate: &Gate) {
        let k = gate.kind.n_qubits();
        let place: [usize; 3] =
            std::array::from_fn(|b| self.on[..self.k].iter().position(|&x| b < k && x == gate.on[b]).unwrap_or(0));
        self.mat.left_gate(gate.kind, &gate.angles, &place[..k]);
    }
}

/// Blocks and phases in order, phases at the end that no measurement sees, and the phase of the whole state.
pub struct Fused {
    pub items: Vec<Item>,
    pub tail: Vec<Term>,
    pub phase: f64,
}

/// Sorts gates into blocks. `real`: the state has real amplitudes. `bits`: its width.
pub fn fuse(gates: &[Gate], real: bool, bits: u32) -> Fused {
    let repeated = pairs_that_repeat(gates);
    let mut nodes: Vec<Node> = Vec::with_capacity(gates.len());
    let mut last = [NONE; 64];
    let mut open_phases = NONE;
    let mut global = 0.0;
    for (gate, &again) in gates.iter().zip(&repeated) {
        let k = gate.kind.n_qubits();
        let diagonal = gate.kind.is_diagonal();
        let on = &gate.on[..k];
        let newest = on.iter().map(|&q| last[q as usize]).filter(|&n| n != NONE).max();
        let shared = newest.filter(|&n| on.iter().all(|&q| last[q as usize] == n));
        if let Some(n) = shared {
            let node = &mut nodes[n as usize];
            if !node.is_phases() && (node.k == 1 || k > 1 || diagonal || !node.mat.is_diagonal()) {
                node.take(gate);
                continue;
            }
        }
        let after_phases = shared.is_some_and(|n| nodes[n as usize].is_phases());
        if diagonal && (k == 3 || (k == 2 && !again) || (k == 1 && after_phases)) {
            if open_phases == NONE || newest.is_some_and(|n| n > open_phases) {
                open_phases = nodes.len() as u32;
                nodes.push(Node::phases());
            }
            let mat = of_gate(gate.kind, &gate.angles);
            global += add_terms(&mat, on, &mut nodes[open_phases as usize].terms);
            for &q in on {
                last[q as usize] = open_phases;
            }
            continue;
        }
        let mut before = [None; 2];
        for (b, slot) in before.iter_mut().enumerate().filter(|_| k == 2) {
            let n = last[on[b] as usize];
            if n != NONE && nodes[n as usize].k == 1 {
                let single = &mut nodes[n as usize];
                single.alive = false;
                let m = single.mat.m();
                *slot = Some([m[0], m[1], m[2], m[3]]);
            }
        }
        for &q in on {
            last[q as usize] = nodes.len() as u32;
        }
        let mat = of_gate(gate.kind, &gate.angles);
        nodes.push(Node { on: gate.on, k, mat, before, terms: vec![], alive: true });
    }
    let mut items = Emitter {
        items: vec![],
        last: [NONE; 64],
        phases: NONE,
        single: NONE,
        real,
        bits,
        global,
        carry: [0.0; 64],
        tops: vec![],
    };
    for node in nodes.iter().filter(|node| node.alive) {
        items.node(node);
    }
    items.finish()
}

/// For every gate on a pair: whether the neighbouring gates on both its qubits are on the same pair again, before or
/// after it.
fn pairs_that_repeat(gates: &[Gate]) -> Vec<bool> {
    let mut out = vec![false; gates.len()];
    let mut newest = [usize::MAX; 64];
    for (at, gate) in gates.iter().enumerate() {
        if gate.kind.n_qubits() == 2 {
            let (a, b) = (gate.on[0] as usize, gate.on[1] as usize);
            if newest[a] != usize::MAX && newest[a] == newest[b] && gates[newest[a]].kind.n_qubits() == 2 {
                out[at] = true;
                out[newest[a]] = true;
            }
        }
        if gate.kind.n_qubits() >= 2 {
            for &q in &gate.on[..gate.kind.n_qubits()] {
                newest[q as usize] = at;
            }
        }
    }
    out
}

/// Adds a diagonal matrix to `terms`; gives its global phase.
fn add_terms(mat: &Mat, on: &[u32], terms: &mut Vec<Term>) -> f64 {
    let diagonal: [C64; 8] = std::array::from_fn(|r| if r < mat.dim() { mat.at(r, r) } else { C64::default() });
    let theta = polynomial(&diagonal, mat.k);
    for (set, &angle) in theta.iter().enumerate().take(mat.dim()).skip(1) {
        let turns = angle / std::f64::consts::TAU;
        let angle = (turns - turns.round()) * std::f64::consts::TAU;
        if angle.abs() < 1e-15 {
            continue;
        }
        let mut term = Term { on: [NONE; 3], angle };
        for (slot, (_, &q)) in term.on.iter_mut().zip(on.iter().enumerate().filter(|(b, _)| set >> b & 1 == 1)) {
            *slot = q;
        }
        term.on.sort_unstable();
        terms.push(term);
    }
    theta[0]
}

/// Writes items in order and merges each with an earlier one where that is cheaper.
struct Emitter {
    items: Vec<Item>,
    last: [u32; 64],
    /// The latest item of phases.
    phases: u32,
    /// A block on one qubit that may take a partner.
    single: u32,
    real: bool,
    bits: u32,
    global: f64,
    /// Highest position up to each item: the state grows as items need it, so joining an earlier one must not add a
    /// position above.
    tops: Vec<u32>,
    /// Phase at 1 that each qubit still has to get, after its last item.
    carry: [f64; 64],
}

impl Emitter {
    fn node(&mut self, node: &Node) {
        if node.is_phases() {
            self.terms(&node.terms);
            return;
        }
        let on = &node.on[..node.k];
        let singles = || node.before.iter().enumerate().filter_map(|(b, m)| Some((b, Mat::of_single(m.as_ref()?))));
        if node.before.iter().all(Option::is_none) {
            self.block(&node.mat, on);
            return;
        }
        if !node.mat.is_diagonal() {
            let mut whole = Mat::identity(2);
            let mut apart = self.price(&node.mat);
            for (b, single) in singles() {
                whole.left(&single, &[b]);
                apart += if single.is_diagonal() { 0.0 } else { self.price(&single) };
            }
            whole.left(&node.mat, &[0, 1]);
            if apart >= self.price(&whole) {
                self.block(&whole, on);
                return;
            }
        }
        for (b, single) in singles() {
            self.block(&single, &on[b..b + 1]);
        }
        self.block(&node.mat, on);
    }

    fn price(&self, mat: &Mat) -> f64 {
        if mat.is_diagonal() {
            return cost::phases(self.real);
        }
        let controls = (0..mat.k).filter(|&b| mat.is_control(b)).count();
        cost::block(mat.k - controls, controls, mat.is_real(), self.real)
    }

    fn newest(&self, on: &[u32]) -> u32 {
        on.iter().map(|&q| self.last[q as usize]).filter(|&n| n != NONE).max().unwrap_or(NONE)
    }

    fn block(&mut self, mat: &Mat, on: &[u32]) {
        if mat.is_diagonal() {
            let mut terms = Vec::new();
            self.global += add_terms(mat, on, &mut terms);
            self.terms(&terms);
            return;
        }
        let mut changed: Option<Mat> = None;
        for (b, &q) in on.iter().enumerate() {
            let angle = std::mem::take(&mut self.carry[q as usize]);
            if angle != 0.0 {
                changed.get_or_insert_with(|| mat.clone()).right_phase(C64::cis(angle), b);
            }
        }
        let mat = changed.as_ref().unwrap_or(mat);
        let real = self.without_phases(mat, on);
        let mat = real.as_ref().unwrap_or(mat);
        if self.join(mat, on) {
            return;
        }
        let number = self.items.len() as u32;
        for &q in on {
            self.last[q as usize] = number;
        }
        self.single = if on.len() == 1 { number } else { self.single };
        self.push(Item::Block(Block::new(mat.clone(), on)), on);
    }

    fn push(&mut self, item: Item, on: &[u32]) {
        let top = on.iter().copied().max().unwrap_or(0);
        self.tops.push(self.tops.last().copied().unwrap_or(0).max(top));
        self.items.push(item);
    }

    /// The real part of a gate on one qubit whose phases go elsewhere: those before it into the phases that are there
    /// already, those after it to whatever comes next on the qubit.
    fn without_phases(&mut self, mat: &Mat, on: &[u32]) -> Option<Mat> {
        let [q] = *on else { return None };
        let Some(Item::Phases(terms)) = self.items.get(self.last[q as usize] as usize) else { return None };
        if self.real || terms.is_empty() || mat.is_real() {
            return None;
        }
        let (real, before, after, phase) = mat.as_real()?;
        self.terms(&[Term { on: [q, NONE, NONE], angle: before }]);
        self.carry[q as usize] = after;
        self.global += phase;
        Some(real)
    }

    /// Multiplies the matrix into an earlier block if that is cheaper than two blocks.
    fn join(&mut self, mat: &Mat, on: &[u32]) -> bool {
        let mut number = self.newest(on);
        if number == NONE || (on.len() == 1 && !matches!(self.items[number as usize], Item::Block(_))) {
            if on.len() > 1 || self.single == NONE || (number != NONE && number > self.single) {
                return false;
            }
            number = self.single;
            let Item::Block(old) = &self.items[number as usize] else { return false };
            if old.on().iter().any(|&q| self.last[q as usize] != number) {
                return false;
            }
        }
        let Item::Block(old) = &self.items[number as usize] else { return false };
        let there = old.on();
        let (mut union, mut k) = ([NONE; 6], there.len());
        union[..k].copy_from_slice(there);
        for &q in on.iter().filter(|q| !there.contains(q)) {
            union[k] = q;
            k += 1;
        }
        let blocks = cost::blocks_at(self.bits, self.real);
        let grows = on.iter().any(|&q| q > self.tops[number as usize] + EARLY);
        if k > 3 || grows || (k > there.len() && cost::DEAREST * blocks < cost::MERGE) {
            return false;
        }
        let before = self.price(&old.mat) + self.price(mat);
        let after = cost::block(k, 0, old.mat.is_real() && mat.is_real(), self.real);
        let gain = (before - after) * blocks;
        if gain <= if k == there.len() { 0.0 } else { cost::MERGE } {
            return false;
        }
        let mut place = [0usize; 3];
        for (slot, q) in place.iter_mut().zip(on) {
            *slot = union[..k].iter().position(|x| x == q).expect("part of the union");
        }
        let mut merged = if k == there.len() { old.mat.clone() } else { old.mat.embed(k, &[0, 1, 2][..there.len()]) };
        merged.left(mat, &place[..on.len()]);
        for &q in on {
            self.last[q as usize] = number;
        }
        if self.single == number && k == 3 {
            self.single = NONE;
        }
        self.items[number as usize] = Item::Block(Block::new(merged, &union[..k]));
        true
    }

    fn terms(&mut self, terms: &[Term]) {
        for term in terms {
            let k = term.on.iter().filter(|&&q| q != NONE).count();
            let on = &term.on[..k];
            if let [q] = *on {
                let real_block = match self.items.get(self.last[q as usize] as usize) {
                    Some(Item::Block(block)) => !self.real && block.mat.is_real(),
                    _ => false,
                };
                if self.carry[q as usize] != 0.0 || real_block {
                    // It waits for phases or a complex block, where it costs nothing.
                    self.carry[q as usize] += term.angle;
                    continue;
                }
            }
            self.term(term);
            for &q in on {
                let angle = std::mem::take(&mut self.carry[q as usize]);
                if angle != 0.0 {
                    self.term(&Term { on: [q, NONE, NONE], angle });
                }
            }
        }
    }

    fn term(&mut self, term: &Term) {
        let k = term.on.iter().filter(|&&q| q != NONE).count();
        let on = &term.on[..k];
        let newest = self.newest(on);
        if newest != NONE && on.iter().all(|&q| self.last[q as usize] == newest) {
            if let Item::Block(block) = &mut self.items[newest as usize] {
                let mut place = [0usize; 3];
                for (slot, q) in place.iter_mut().zip(on) {
                    *slot = block.on().iter().position(|x| x == q).expect("its block");
                }
                block.mat.left_phase(C64::cis(term.angle), &place[..k]);
                return;
            }
        }
        if self.phases == NONE || (newest != NONE && newest > self.phases) {
            self.phases = self.items.len() as u32;
            self.push(Item::Phases(vec![]), on);
        }
        let number = self.phases;
        for &q in on {
            self.last[q as usize] = number;
        }
        let Item::Phases(list) = &mut self.items[number as usize] else { return };
        match list.iter_mut().find(|old| old.on == term.on) {
            Some(old) => old.angle += term.angle,
            None => list.push(*term),
        }
    }

    /// Splits controls off the matrices, and phases that nothing follows off the rest.
    fn finish(mut self) -> Fused {
        let mut tail = Vec::new();
        for q in 0..64u32 {
            let angle = std::mem::take(&mut self.carry[q as usize]);
            if angle != 0.0 {
                tail.push(Term { on: [q, NONE, NONE], angle });
            }
        }
        for (number, item) in self.items.iter_mut().enumerate() {
            match item {
                Item::Block(block) => block.split_controls(),
                Item::Phases(terms) => {
                    let is_last = |q: &&u32| **q == NONE || self.last[**q as usize] == number as u32;
                    tail.extend(terms.iter().filter(|t| t.on.iter().filter(is_last).count() == 3));
                    terms.retain(|t| t.on.iter().filter(is_last).count() < 3);
                }
            }
        }
        self.items.retain(|item| !matches!(item, Item::Phases(terms) if terms.is_empty()));
        Fused { items: self.items, tail, phase: self.global }
    }
}
