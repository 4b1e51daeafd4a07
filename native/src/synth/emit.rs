//! Parts on wires as gates of a set.
//!
//! Gates on one qubit wait until something acts on their wire, so that neighbours are written as one; what is diagonal
//! waits on behind diagonal gates, and vanishes before a measurement.

use std::collections::HashSet;
use std::f64::consts::FRAC_PI_2;

use super::collect::{List, Part};
use super::set::{GateSet, Native};
use super::single;
use super::weyl::{between, cross, dagger, dot, frame, rotation, split, Axis, Core, Term, IDENTITY, X, Y, Z};
use crate::circuit::matrix::{one, product_one, product_two, two, One};
use crate::circuit::{Circuit, Kind, Op, NONE};

pub struct Emitter {
    pub made: Circuit,
    pending: Vec<One>,
    gates: GateSet,
    cond: u32,
    one_way: HashSet<(u32, u32)>,
}

impl Emitter {
    /// Writes onto an empty circuit with the classical side of `source`; `one_way` as in `Options`.
    pub fn new(source: &Circuit, gates: GateSet, one_way: &[(u32, u32)]) -> Emitter {
        let made = Circuit { ops: Vec::new(), params: Vec::new(), ..source.clone() };
        let pending = vec![IDENTITY; source.n_qubits as usize];
        Emitter { made, pending, gates, cond: NONE, one_way: one_way.iter().copied().collect() }
    }

    pub fn write(mut self, parts: &[Part], source: &Circuit) -> Circuit {
        for part in parts {
            self.part(part, source);
        }
        (0..self.pending.len() as u32).for_each(|q| self.flush(q));
        self.made
    }

    fn part(&mut self, part: &Part, source: &Circuit) {
        match part {
            Part::Local(q, m) => self.local(*q, m),
            Part::Core(a, b, core) => self.core(*a, *b, core),
            Part::Fence(op) => self.fence(op, source),
        }
    }

    fn local(&mut self, q: u32, m: &One) {
        let pending = &mut self.pending[q as usize];
        *pending = product_one(m, pending);
    }

    fn flush(&mut self, q: u32) {
        let m = std::mem::replace(&mut self.pending[q as usize], IDENTITY);
        self.single(q, &m);
    }

    /// Writes what is left of a diagonal gate at the end of a wire, which goes on waiting.
    fn flush_but_diagonal(&mut self, q: u32) {
        let (angle, m) = single::without_diagonal(&self.pending[q as usize]);
        self.pending[q as usize] = rotation(&Z, angle);
        self.single(q, &m);
    }

    fn single(&mut self, q: u32, m: &One) {
        let cond = self.cond;
        let made = &mut self.made;
        single::write(m, self.gates.single, &mut |kind, angles| {
            made.push_gate(kind, &[q], angles);
            if let Some(op) = made.ops.last_mut() {
                op.cond = cond;
            }
        });
    }

    fn pair(&mut self, kind: Kind, a: u32, b: u32, angles: &[f64]) {
        self.made.push_gate(kind, &[a, b], angles);
        if let Some(op) = self.made.ops.last_mut() {
            op.cond = self.cond;
        }
    }

    fn fence(&mut self, op: &Op, source: &Circuit) {
        if op.kind.is_gate() {
            return self.conditional(op, source);
        }
        for &q in op.qubits() {
            match op.kind {
                Kind::Measure => self.flush_but_diagonal(q),
                _ => self.flush(q),
            }
            if op.kind == Kind::Measure && op.cond == NONE {
                self.pending[q as usize] = IDENTITY; // a phase of what has been measured is global
            }
        }
        let mut op = *op;
        if op.kind.n_params() > 0 {
            let params = source.angles(&op).to_vec();
            op.param = self.made.params.len() as u32;
            self.made.params.extend(params);
        }
        self.made.ops.push(op);
    }

    /// A gate under a condition: its gates each under the same.
    fn conditional(&mut self, op: &Op, source: &Circuit) {
        op.qubits().iter().for_each(|&q| self.flush(q));
        let mut alone = Circuit { n_qubits: op.kind.n_qubits() as u32, ..Circuit::default() };
        let own: Vec<u32> = (0..alone.n_qubits).collect();
        alone.push_gate(op.kind, &own, source.angles(op));
        let (parts, _) = List::of(&alone, self.gates.native, false).parts();
        self.cond = op.cond;
        for part in parts {
            match part {
                Part::Local(q, m) => self.local(op.q[q as usize], &m),
                Part::Core(a, b, core) => self.core(op.q[a as usize], op.q[b as usize], &core),
                Part::Fence(_) => unreachable!("a gate alone has no condition"),
            }
        }
        op.qubits().iter().for_each(|&q| self.flush(q));
        self.cond = NONE;
    }

    fn core(&mut self, a: u32, b: u32, core: &Core) {
        match (self.gates.native, core.terms()) {
            (_, []) => {}
            (Native::Rotation(kind), terms) => {
                let axis = if kind == Kind::Rzz { Z } else { X };
                for term in terms {
                    self.turned(a, &between(&axis, &term.a), b, &between(&axis, &term.b), |to| {
                        to.flush_for(kind, a, b);
                        to.pair(kind, a, b, &[single::snapped(-2.0 * term.c)]);
                    });
                }
            }
            (Native::Iswap, _) => self.by_exchanges(a, b, core),
            (native, _) => self.controlled_nots(a, b, core, native.needs(core)),
        }
    }

    /// By so many controlled NOTs, which are enough.
    fn controlled_nots(&mut self, a: u32, b: u32, core: &Core, count: usize) {
        match count {
            0 => {}
            1 => self.one_controlled_not(a, b, &core.terms()[0]),
            2 => self.two_controlled_nots(a, b, core),
            _ => self.three_controlled_nots(a, b, core),
        }
    }

    /// exp(i c AB) with |c| = pi/4
    fn one_controlled_not(&mut self, a: u32, b: u32, term: &Term) {
        self.turned(a, &between(&Z, &term.a), b, &between(&X, &term.b), |to| {
            to.controlled_not(a, b);
            to.local(a, &rotation(&Z, -FRAC_PI_2));
            to.local(b, &rotation(&X, -FRAC_PI_2));
            if term.c < 0.0 {
                to.local(a, &one(Kind::Z, &[]));
                to.local(b, &one(Kind::X, &[]));
            }
        });
    }

    /// Writes `body` in turned frames of its wires.
    fn turned(&mut self, a: u32, by_a: &One, b: u32, by_b: &One, body: impl FnOnce(&mut Emitter)) {
        self.local(a, &dagger(by_a));
        self.local(b, &dagger(by_b));
        body(self);
        self.local(a, by_a);
        self.local(b, by_b);
    }

    /// exp(i (x XX + z ZZ)) = CX exp(i (x X1 + z 1Z)) CX
    fn two_controlled_nots(&mut self, a: u32, b: u32, core: &Core) {
        let [first, second, _] = core.full();
        let (x, z) = (first.c, second.c);
        self.turned(a, &frame(&first.a, &second.a), b, &frame(&first.b, &second.b), |to| {
            to.controlled_not(a, b);
            to.local(a, &rotation(&X, -2.0 * x));
            to.local(b, &rotation(&Z, -2.0 * z));
            to.controlled_not(a, b);
        });
    }

    /// Vatan and Williams, PRA 69, 032315 (2004), figure 6.
    fn three_controlled_nots(&mut self, a: u32, b: u32, core: &Core) {
        let terms = core.full();
        let axes = |of: fn(&Term) -> Axis| terms.map(|term| of(&term));
        let (in_a, in_b) = (axes(|term| term.a), axes(|term| term.b));
        // the frame is right-handed if its second axis is Z cross X
        let hand = |axes: &[Axis; 3]| dot(&cross(&axes[2], &axes[0]), &axes[1]).signum();
        let (by_a, by_b) = (frame(&in_a[0], &in_a[2]), frame(&in_b[0], &in_b[2]));
        let [x, y, z] = terms.map(|term| term.c);
        let y = y * hand(&in_a) * hand(&in_b);
        self.turned(a, &by_a, b, &by_b, |to| {
            to.local(b, &rotation(&Z, -FRAC_PI_2));
            to.controlled_not(b, a);
            to.local(a, &rotation(&Z, FRAC_PI_2 - 2.0 * z));
            to.local(b, &rotation(&Y, 2.0 * x - FRAC_PI_2));
            to.controlled_not(a, b);
            to.local(b, &rotation(&Y, FRAC_PI_2 - 2.0 * y));
            to.controlled_not(b, a);
            to.local(a, &rotation(&Z, FRAC_PI_2));
        });
    }

    /// As iSWAPs: each is a SWAP and locally a controlled NOT.
    fn by_exchanges(&mut self, a: u32, b: u32, core: &Core) {
        let wanted = Native::Iswap.needs(core);
        let target = if wanted % 2 == 1 { product_two(&two(Kind::Swap, &[]), &core.matrix()) } else { core.matrix() };
        let (l, m, rest) = split(&target);
        // the same by controlled NOTs, each of which then stands for an iSWAP and another numbering
        let mut alone = Emitter {
            made: Circuit { n_qubits: 2, ..Circuit::default() },
            pending: vec![IDENTITY; 2],
            gates: GateSet { native: Native::Fixed(Kind::Cz), single: super::set::Single::U },
            cond: NONE,
            one_way: HashSet::new(),
        };
        alone.controlled_nots(0, 1, &rest, wanted);
        alone.local(0, &l);
        alone.local(1, &m);
        (0..2).for_each(|q| alone.flush(q));
        let mut at = [a, b];
        for op in &alone.made.ops {
            if op.kind != Kind::Cz {
                self.local(at[op.q[0] as usize], &one(op.kind, alone.made.angles(op)));
                continue;
            }
            self.flush(a);
            self.flush(b);
            self.pair(Kind::Iswap, a, b, &[]);
            // iSWAP = SWAP CZ (S (x) S)
            self.local(a, &one(Kind::Sdg, &[]));
            self.local(b, &one(Kind::Sdg, &[]));
            at.swap(0, 1);
        }
    }

    fn flush_for(&mut self, kind: Kind, a: u32, b: u32) {
        for q in [a, b] {
            if self.cond == NONE && kind.is_diagonal() {
                self.flush_but_diagonal(q);
            } else {
                self.flush(q);
            }
        }
    }

    fn controlled_not(&mut self, a: u32, b: u32) {
        if self.one_way.contains(&(b, a)) && self.gates.native != Native::Fixed(Kind::Cz) {
            // a Hadamard gate before and after on both exchanges control and target
            let h = one(Kind::H, &[]);
            [a, b].into_iter().for_each(|q| self.local(q, &h));
            self.controlled_not(b, a);
            return [a, b].into_iter().for_each(|q| self.local(q, &h));
        }
        match self.gates.native {
            Native::Fixed(Kind::Cz) => {
                let h = one(Kind::H, &[]);
                self.local(b, &h);
                self.flush_for(Kind::Cz, a, b);
                self.pair(Kind::Cz, a, b, &[]);
                self.local(b, &h);
            }
            Native::Ecr => {
                // (S (x) SX), CNOT, (X (x) 1): what the gate is, whose ops stand next to each other
                self.local(a, &one(Kind::Sdg, &[]));
                self.local(b, &one(Kind::Sxdg, &[]));
                self.flush(a);
                self.flush(b);
                for (kind, q) in [(Kind::S, a), (Kind::Sx, b)] {
                    self.made.push_gate(kind, &[q], &[]);
                }
                self.pair(Kind::Cnot, a, b, &[]);
                self.made.push_gate(Kind::X, &[a], &[]);
                let (cond, n) = (self.cond, self.made.ops.len());
                self.made.ops[n - 4..].iter_mut().for_each(|op| op.cond = cond);
                self.local(a, &one(Kind::X, &[]));
            }
            _ => {
                if self.cond == NONE {
                    self.flush_but_diagonal(a);
                } else {
                    self.flush(a);
                }
                self.flush(b);
                self.pair(Kind::Cnot, a, b, &[]);
            }
        }
    }
}
