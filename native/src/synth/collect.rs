//! A circuit as interactions of two qubits in the frames of their qubits, and what merges there.
//!
//! Gates on one qubit are moved to the end of their wire, where they are the wire's frame; what they pass has its axes
//! turned. What is left between are cores (`weyl::Core`), and whether two of them commute is seen by their axes. A new
//! core joins earlier ones on its pair that it can be brought next to, where the product takes fewer gates. Ops that
//! are no plain gates are fences: nothing passes them on their qubits.

use super::interaction::{interaction, sum, three};
use super::set::Native;
use super::weyl::{dagger, parallel, split, turned, Axis, Core, Term, IDENTITY, Z};
use crate::circuit::matrix::{one, product_one, product_two, two, One};
use crate::circuit::{Circuit, Kind, Op, NONE};

/// A part of a circuit on wires, in order.
#[derive(Clone, Debug)]
pub enum Part {
    Local(u32, One),
    Core(u32, u32, Core),
    /// On wires, not on the qubits of the text.
    Fence(Op),
}

/// How far back a core looks for another on its pair, in cores on its two wires.
const REACH: usize = 200;

enum Item {
    Gone,
    Core(u32, u32, Core),
    Fence(Op, [One; 3]),
}

pub struct List {
    items: Vec<Item>,
    /// Numbers of the items on each wire, in order; some may be gone.
    on: Vec<Vec<u32>>,
    frame: Vec<One>,
    /// The wire of each qubit.
    wire: Vec<u32>,
    native: Native,
    /// Whether an exchange of two qubits may become another numbering.
    exchange: bool,
}

/// What stands between a new core and an earlier one: on either wire an axis, along which all act that stand there.
#[derive(Default)]
struct Between {
    a: Option<Axis>,
    b: Option<Axis>,
}

impl Between {
    fn passes(&self, core: &Core) -> bool {
        let free = |axis: &Option<Axis>, of: fn(&Term) -> Axis| match axis {
            None => true,
            Some(axis) => core.is_one() && parallel(axis, &of(&core.terms()[0])),
        };
        free(&self.a, |term| term.a) && free(&self.b, |term| term.b)
    }

    /// Adds an axis on one side; false where nothing could pass any more.
    fn add(side: &mut Option<Axis>, axis: &Axis) -> bool {
        match side {
            None => {
                *side = Some(*axis);
                true
            }
            Some(there) => parallel(there, axis),
        }
    }
}

impl List {
    pub fn new(n_wires: u32, native: Native, exchange: bool) -> List {
        let n = n_wires as usize;
        let (on, frame) = (vec![Vec::new(); n], vec![IDENTITY; n]);
        List { items: Vec::new(), on, frame, wire: (0..n_wires).collect(), native, exchange }
    }

    pub fn of(circuit: &Circuit, native: Native, exchange: bool) -> List {
        let mut list = List::new(circuit.n_qubits, native, exchange);
        for op in &circuit.ops {
            if op.cond != NONE || !op.kind.is_gate() {
                list.fence(op);
            } else if op.kind.n_qubits() == 3 {
                three(op, &mut |kind, qubits| list.gate(kind, qubits, &[]));
            } else {
                list.gate(op.kind, op.qubits(), circuit.angles(op));
            }
        }
        list
    }

    /// The same parts once more: what has merged may let others merge.
    pub fn again(parts: &[Part], n_wires: u32, native: Native, exchange: bool) -> List {
        let mut list = List::new(n_wires, native, exchange);
        for part in parts {
            match part {
                Part::Local(q, m) => list.local(*q, m),
                Part::Core(a, b, core) => list.core(list.wire[*a as usize], list.wire[*b as usize], core),
                Part::Fence(op) => list.fence(op),
            }
        }
        list
    }

    /// The parts in order, and the wire that each qubit has at the end.
    pub fn parts(self) -> (Vec<Part>, Vec<u32>) {
        let mut parts = Vec::with_capacity(self.items.len() + self.frame.len());
        for item in self.items {
            match item {
                Item::Gone => {}
                Item::Core(a, b, core) => parts.push(Part::Core(a, b, core)),
                Item::Fence(op, before) => {
                    parts.extend(op.qubits().iter().zip(before).map(|(&q, m)| Part::Local(q, m)));
                    parts.push(Part::Fence(op));
                }
            }
        }
        parts.extend(self.frame.into_iter().enumerate().map(|(q, m)| Part::Local(q as u32, m)));
        (parts, self.wire)
    }

    fn gate(&mut self, kind: Kind, qubits: &[u32], angles: &[f64]) {
        match *qubits {
            [q] => self.local(q, &one(kind, angles)),
            [a, b] if kind == Kind::Swap && self.exchange => self.wire.swap(a as usize, b as usize),
            [a, b] => {
                let (l, m, core) = interaction(kind, angles);
                self.core(self.wire[a as usize], self.wire[b as usize], &core);
                self.local(a, &l);
                self.local(b, &m);
            }
            _ => unreachable!("gates on three qubits are split before"),
        }
    }

    /// A gate on the wire of qubit `q`.
    fn local(&mut self, q: u32, m: &One) {
        let frame = &mut self.frame[self.wire[q as usize] as usize];
        *frame = product_one(m, frame);
    }

    fn fence(&mut self, op: &Op) {
        let (mut op, mut before) = (*op, [IDENTITY; 3]);
        for (q, frame) in op.q.iter_mut().zip(&mut before).take(op.kind.n_qubits()) {
            *q = self.wire[*q as usize];
            *frame = std::mem::replace(&mut self.frame[*q as usize], IDENTITY);
        }
        self.append(Item::Fence(op, before), op.qubits());
    }

    fn append(&mut self, item: Item, wires: &[u32]) {
        let at = self.items.len() as u32;
        wires.iter().for_each(|&w| self.on[w as usize].push(at));
        self.items.push(item);
    }

    /// A core behind the frames of its wires.
    fn core(&mut self, a: u32, b: u32, core: &Core) {
        if core.terms().is_empty() {
            return;
        }
        let core = core.turned(&dagger(&self.frame[a as usize]), &dagger(&self.frame[b as usize]));
        let (a, b, core) = if a < b { (a, b, core) } else { (b, a, core.flipped()) };
        let (run, behind) = self.reach(a, b, &core);
        if !run.is_empty() || self.exchange {
            if let Some((l, m, made, exchanged)) = self.joined(&run, &core) {
                run.iter().for_each(|&at| self.remove(at));
                self.behind(a, b, &l, &m);
                if !made.terms().is_empty() {
                    self.append(Item::Core(a, b, made), &[a, b]);
                }
                if exchanged {
                    self.exchange(a, b);
                }
                return;
            }
        }
        if let Some(at) = behind {
            if self.join_behind(at, a, b, &core) {
                return;
            }
        }
        self.append(Item::Core(a, b, core), &[a, b]);
    }

    /// Cores on the pair that can be brought to the end, latest first; and the first one that cannot, but which the new
    /// core can be brought to.
    fn reach(&self, a: u32, b: u32, core: &Core) -> (Vec<u32>, Option<u32>) {
        let (mut run, mut between) = (Vec::new(), Between::default());
        let (on_a, on_b) = (&self.on[a as usize], &self.on[b as usize]);
        let (mut left_a, mut left_b) = (on_a.len(), on_b.len());
        for _ in 0..REACH {
            let last_a = left_a.checked_sub(1).map(|at| on_a[at]);
            let last_b = left_b.checked_sub(1).map(|at| on_b[at]);
            let (Some(last_a), Some(last_b)) = (last_a, last_b) else { break };
            let at = last_a.max(last_b);
            left_a -= (last_a == at) as usize;
            left_b -= (last_b == at) as usize;
            match &self.items[at as usize] {
                Item::Gone => {}
                Item::Fence(..) => break,
                Item::Core(p, q, there) if (*p, *q) == (a, b) => {
                    if between.passes(there) {
                        run.push(at);
                    } else if between.passes(core) {
                        return (run, Some(at));
                    } else {
                        break;
                    }
                }
                Item::Core(p, q, there) => {
                    if !there.is_one() {
                        break;
                    }
                    let term = &there.terms()[0];
                    let side = if last_a == at { &mut between.a } else { &mut between.b };
                    let axis = if [a, b].contains(p) { term.a } else { term.b };
                    debug_assert!([a, b].contains(p) != [a, b].contains(q));
                    if !Between::add(side, &axis) {
                        break;
                    }
                }
            }
        }
        (run, None)
    }

    /// The product of a run and a new core, if it takes fewer gates; exchanged if it is that after a SWAP.
    fn joined(&self, run: &[u32], core: &Core) -> Option<(One, One, Core, bool)> {
        let cores = || run.iter().rev().map(|&at| self.core_at(at)).chain([core]);
        let before: usize = cores().map(|core| self.native.needs(core)).sum();
        let terms: usize = cores().map(|core| core.terms().len()).sum();
        if let (&[at], true) = (run, core.is_one()) {
            if let Some((l, m, made)) = sum(self.core_at(at), core) {
                return Some((l, m, made, false));
            }
        }
        let product = cores().skip(1).fold(cores().next()?.matrix(), |m, core| product_two(&core.matrix(), &m));
        let (l, m, made) = if run.is_empty() { (IDENTITY, IDENTITY, *core) } else { split(&product) };
        let after = self.native.needs(&made);
        if self.exchange && after > 1 {
            let (l, m, other) = split(&product_two(&two(Kind::Swap, &[]), &product));
            if self.native.needs(&other) < after.min(before) {
                return Some((m, l, other, true));
            }
        }
        let better = after < before || (after == before && made.terms().len() == 1 && terms > 1);
        better.then_some((l, m, made, false))
    }

    fn core_at(&self, at: u32) -> &Core {
        match &self.items[at as usize] {
            Item::Core(_, _, core) => core,
            _ => unreachable!("only cores are numbers of a run"),
        }
    }

    /// Joins a core to item `at`, to which it can be brought, if that takes fewer gates.
    fn join_behind(&mut self, at: u32, a: u32, b: u32, core: &Core) -> bool {
        let there = *self.core_at(at);
        let before = self.native.needs(&there) + self.native.needs(core);
        let (l, m, made) = match sum(&there, core) {
            Some(made) => made,
            None => split(&product_two(&core.matrix(), &there.matrix())),
        };
        if self.native.needs(&made) >= before {
            return false;
        }
        for (wire, by) in [(a, &l), (b, &m)] {
            let back = dagger(by);
            for k in (0..self.on[wire as usize].len()).rev() {
                let later = self.on[wire as usize][k];
                if later <= at {
                    break;
                }
                if let Item::Core(p, q, core) = &mut self.items[later as usize] {
                    let on = |w: u32| if w == wire { back } else { IDENTITY };
                    *core = core.turned(&on(*p), &on(*q));
                }
            }
        }
        self.behind(a, b, &l, &m);
        match made.terms().is_empty() {
            true => self.remove(at),
            false => self.items[at as usize] = Item::Core(a, b, made),
        }
        true
    }

    /// Local gates under the frames of two wires.
    fn behind(&mut self, a: u32, b: u32, l: &One, m: &One) {
        let (a, b) = (a as usize, b as usize);
        self.frame[a] = product_one(&self.frame[a], l);
        self.frame[b] = product_one(&self.frame[b], m);
    }

    fn remove(&mut self, at: u32) {
        if let Item::Core(a, b, _) = self.items[at as usize] {
            self.items[at as usize] = Item::Gone;
            for wire in [a, b] {
                let on = &mut self.on[wire as usize];
                if let Ok(k) = on.binary_search(&at) {
                    on.remove(k);
                }
            }
        }
    }

    /// The qubits of two wires change places, frames and all.
    fn exchange(&mut self, a: u32, b: u32) {
        self.frame.swap(a as usize, b as usize);
        for wire in &mut self.wire {
            *wire = if *wire == a {
                b
            } else if *wire == b {
                a
            } else {
                *wire
            };
        }
    }
}

/// Removes what measurements cannot see at the ends of wires: interactions along the axes that are measured.
pub fn before_measurement(parts: &mut Vec<Part>, n_wires: u32) {
    // on each wire from the end: the axis that is measured, as long as only such cores come as it commutes with
    let mut seen: Vec<Option<Axis>> = vec![None; n_wires as usize];
    for at in (0..parts.len()).rev() {
        match &mut parts[at] {
            Part::Fence(op) => {
                op.qubits().iter().for_each(|&q| seen[q as usize] = None);
                if op.kind == Kind::Measure && op.cond == NONE {
                    seen[op.q[0] as usize] = Some(Z);
                }
            }
            Part::Local(q, m) => {
                if let Some(axis) = &mut seen[*q as usize] {
                    *axis = turned(&dagger(m), axis);
                }
            }
            Part::Core(a, b, core) => {
                let (on_a, on_b) = (seen[*a as usize], seen[*b as usize]);
                if let (Some(x), Some(y)) = (on_a, on_b) {
                    *core = core.without(|term| parallel(&term.a, &x) && parallel(&term.b, &y));
                }
                let left = *core;
                let keeps = |axis: Option<Axis>, of: fn(&Term) -> Axis| {
                    axis.filter(|axis| left.terms().iter().all(|term| parallel(&of(term), axis)))
                };
                (seen[*a as usize], seen[*b as usize]) = (keeps(on_a, |t| t.a), keeps(on_b, |t| t.b));
            }
        }
    }
    parts.retain(|part| !matches!(part, Part::Core(_, _, core) if core.terms().is_empty()));
}

/// The parts of the inverse circuit, fences as they are: passes from the end see other neighbours.
pub fn inverse(parts: &[Part]) -> Vec<Part> {
    let undone = |part: &Part| match part {
        Part::Local(q, m) => Part::Local(*q, dagger(m)),
        Part::Core(a, b, core) => Part::Core(*a, *b, core.negated()),
        Part::Fence(op) => Part::Fence(*op),
    };
    parts.iter().rev().map(undone).collect()
}
