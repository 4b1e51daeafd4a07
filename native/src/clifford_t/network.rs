//! Rotations about Pauli operators and a Clifford operation as gates, few of them on two wires.
//!
//! A rotation about an operator on one wire takes no gate on two. So gates CZ, between gates on one wire, are chosen one by
//! one: each takes a wire off the shortest operator whose turn it is, and among those that do, it is the one after which
//! the operators to come are shortest, the near ones counting most (as in Paykin et al., arXiv:2305.10966). Rotations
//! whose turn it is at the same time commute, so any of them may be first. What is left is a Clifford operation, whose
//! rows are shortened in the same way.

use super::angle::Angle;
use super::fold::write_angle;
use super::gadgets::Gadgets;
use super::word::Word;
use crate::circuit::{Circuit, Kind, Op, NONE};

/// How later operators count.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// Of each layer of rotations as part of that of the layer before.
    pub decay: f64,
    /// Of a row of the Clifford operation.
    pub rows: f64,
}

/// Rotations that are looked at to choose a gate.
const AHEAD: usize = 60;

/// Shortest operators that a gate may shorten.
const SHORTEST: usize = 8;

/// Two factors, as `Word::factor` gives them, between which a gate acts: a Pauli operator `a` on one wire controls `b` on
/// another, so that an operator that does not commute with the one gets the other.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    wires: [usize; 2],
    factors: [usize; 2],
}

const fn anticommute(a: usize, b: usize) -> bool {
    a != 0 && b != 0 && a != b
}

/// By the factors of the gate and those of an operator, four bits each: wires that the operator gains.
static GAIN: [[i8; 16]; 16] = gains();

const fn gains() -> [[i8; 16]; 16] {
    let mut table = [[0; 16]; 16];
    let mut at = 0;
    while at < 256 {
        let (gate, word) = (at >> 4, at & 15);
        let (a, b) = (word & 3, word >> 2);
        let more_b = if anticommute(gate & 3, a) { gate >> 2 } else { 0 };
        let more_a = if anticommute(gate >> 2, b) { gate & 3 } else { 0 };
        let after = (a ^ more_a != 0) as i8 + (b ^ more_b != 0) as i8;
        table[gate][word] = after - (a != 0) as i8 - (b != 0) as i8;
        at += 1;
    }
    table
}

impl Pair {
    fn gain(&self, word: &Word) -> i8 {
        let factors = word.factor(self.wires[0]) | word.factor(self.wires[1]) << 2;
        GAIN[self.factors[0] | self.factors[1] << 2][factors]
    }
}

struct Network {
    out: Circuit,
    left: Gadgets,
    /// Of each rotation: layer, rotations before it that do not commute with it and are left, those after.
    layer: Vec<u32>,
    waits: Vec<u32>,
    later: Vec<Vec<u32>>,
    /// Numbers of the rotations that are left, by layer.
    order: Vec<usize>,
}

/// A circuit of gates as `lower` leaves them, on as many wires.
pub fn written(gadgets: &Gadgets, weights: Weights) -> Circuit {
    let n = gadgets.wires();
    let out = Circuit { n_qubits: n as u32, ..Circuit::default() };
    let count = gadgets.rotations.len();
    let mut net = Network {
        out,
        left: gadgets.clone(),
        layer: vec![0; count],
        waits: vec![0; count],
        later: vec![Vec::new(); count],
        order: (0..count).collect(),
    };
    net.find_layers();
    net.rotate();
    while !net.order.is_empty() {
        let pair = net.best_for_rotations(weights);
        net.gate(pair);
        net.rotate();
    }
    net.clifford();
    net.out
}

impl Network {
    fn find_layers(&mut self) {
        let axes: Vec<Word> = self.left.rotations.iter().map(|gadget| gadget.axis).collect();
        for at in 0..axes.len() {
            for before in (0..at).filter(|&before| !axes[before].commutes(&axes[at])) {
                self.layer[at] = self.layer[at].max(self.layer[before] + 1);
                self.waits[at] += 1;
                self.later[before].push(at as u32);
            }
        }
        let layer = &self.layer;
        self.order.sort_by_key(|&at| layer[at]);
    }

    fn apply(&mut self, kind: Kind, wires: &[usize]) {
        let qubits: Vec<u32> = wires.iter().map(|&wire| wire as u32).collect();
        self.out.ops.push(Op::gate(kind, &qubits, NONE));
        self.order.iter().for_each(|&at| self.left.rotations[at].axis.conjugate(kind, wires));
        self.left.x.iter_mut().chain(&mut self.left.z).for_each(|row| row.conjugate(kind, wires));
    }

    /// Gates on one wire that make a factor Z.
    fn make_z(&mut self, factor: usize, wire: usize) {
        if factor == 3 {
            self.apply(Kind::Sdg, &[wire]);
        }
        if factor & 1 == 1 {
            self.apply(Kind::H, &[wire]);
        }
    }

    fn gate(&mut self, pair: Pair) {
        for (factor, wire) in pair.factors.into_iter().zip(pair.wires) {
            self.make_z(factor, wire);
        }
        self.apply(Kind::Cz, &pair.wires);
    }

    /// Writes every rotation on one wire whose turn it is.
    fn rotate(&mut self) {
        while let Some(place) = self.order.iter().position(|&at| self.is_single(at)) {
            let at = self.order.remove(place);
            let axis = self.left.rotations[at].axis;
            let wire = axis.support().trailing_zeros() as usize;
            let turn = self.left.rotations[at].angle.signed(axis.negative);
            self.around_z(axis.factor(wire), wire, turn);
            for later in std::mem::take(&mut self.later[at]) {
                self.waits[later as usize] -= 1;
            }
        }
    }

    /// Between gates and their inverses: no other operator changes.
    fn around_z(&mut self, factor: usize, wire: usize, angle: Angle) {
        let q = wire as u32;
        let (to, from): (&[Kind], &[Kind]) = match factor {
            1 => (&[Kind::H], &[Kind::H]),
            3 => (&[Kind::Sdg, Kind::H], &[Kind::H, Kind::S]),
            _ => (&[], &[]),
        };
        to.iter().for_each(|&kind| self.out.push_gate(kind, &[q], &[]));
        write_angle(&mut self.out, q, angle, NONE);
        from.iter().for_each(|&kind| self.out.push_gate(kind, &[q], &[]));
    }

    fn is_single(&self, at: usize) -> bool {
        self.waits[at] == 0 && self.left.rotations[at].axis.weight() == 1
    }

    fn best_for_rotations(&self, weights: Weights) -> Pair {
        let ready = self.order.iter().filter(|&&at| self.waits[at] == 0);
        let weight = |at: usize| self.left.rotations[at].axis.weight();
        let shortest = ready.clone().map(|&at| weight(at)).min().expect("some rotation is first");
        let first = self.order.first().map_or(0, |&at| self.layer[at]);
        let mut pairs: Vec<Pair> = Vec::new();
        for &at in ready.filter(|&&at| weight(at) == shortest).take(SHORTEST) {
            shortening(&self.left.rotations[at].axis, &mut pairs);
        }
        let ahead: Vec<(Word, f64)> = self
            .order
            .iter()
            .take(AHEAD)
            .map(|&at| (self.left.rotations[at].axis, weights.decay.powi((self.layer[at] - first) as i32)))
            .collect();
        let cost = |pair: &Pair| {
            let of_rotations: f64 = ahead.iter().map(|(word, weight)| weight * pair.gain(word) as f64).sum();
            of_rotations + if weights.rows > 0.0 { weights.rows * self.gain_of_rows(pair) as f64 } else { 0.0 }
        };
        least(&pairs, cost).0
    }

    fn gain_of_rows(&self, pair: &Pair) -> i64 {
        self.left.x.iter().chain(&self.left.z).map(|row| pair.gain(row) as i64).sum()
    }

    /// Writes the Clifford operation.
    fn clifford(&mut self) {
        let n = self.left.wires();
        let mut home: Vec<Option<usize>> = vec![None; n];
        loop {
            self.shorten_rows();
            let open = (0..n).filter(|&q| home[q].is_none());
            let weight = |&q: &usize| (self.left.x[q].support() | self.left.z[q].support()).count_ones();
            let Some(q) = open.min_by_key(weight) else { break };
            home[q] = Some(self.isolate(q));
        }
        let mut home: Vec<usize> = home.into_iter().map(|wire| wire.expect("every row has its wire")).collect();
        for (q, &wire) in home.iter().enumerate() {
            self.straighten(q, wire);
        }
        for q in 0..n {
            if home[q] != q {
                let other = home.iter().position(|&wire| wire == q).expect("a permutation");
                self.out.push_gate(Kind::Swap, &[q as u32, home[q] as u32], &[]);
                home[other] = home[q];
                home[q] = q;
            }
        }
    }

    /// Gates that shorten all rows together, as long as there are any.
    fn shorten_rows(&mut self) {
        loop {
            let mut pairs = Vec::new();
            self.left.x.iter().chain(&self.left.z).for_each(|row| shortening(row, &mut pairs));
            pairs.sort_by_key(|pair| (pair.wires, pair.factors));
            pairs.dedup();
            if pairs.is_empty() {
                return;
            }
            let (pair, gain) = least(&pairs, |pair| self.gain_of_rows(pair) as f64);
            if gain >= 0.0 {
                return;
            }
            self.gate(pair);
        }
    }

    /// Brings both rows of a wire to one wire, and gives its number.
    fn isolate(&mut self, q: usize) -> usize {
        while self.left.z[q].weight() > 1 {
            let mut pairs = Vec::new();
            shortening(&self.left.z[q], &mut pairs);
            let (pair, _) = least(&pairs, |pair| self.gain_of_rows(pair) as f64);
            self.gate(pair);
        }
        let wire = self.left.z[q].support().trailing_zeros() as usize;
        while self.left.x[q].weight() > 1 {
            let other = (self.left.x[q].support() & !(1 << wire)).trailing_zeros() as usize;
            let factors = [self.left.z[q].factor(wire), self.left.x[q].factor(other)];
            self.gate(Pair { wires: [wire, other], factors });
        }
        wire
    }

    /// Makes the rows of `q` X and Z on `wire`.
    fn straighten(&mut self, q: usize, wire: usize) {
        self.make_z(self.left.z[q].factor(wire), wire);
        if self.left.x[q].factor(wire) == 3 {
            self.apply(Kind::Sdg, &[wire]);
        }
        if self.left.x[q].negative {
            self.apply(Kind::Z, &[wire]);
        }
        if self.left.z[q].negative {
            self.apply(Kind::X, &[wire]);
        }
    }
}

/// Gates after which an operator acts on one wire less.
fn shortening(word: &Word, pairs: &mut Vec<Pair>) {
    let mut wires = word.support();
    let mut found = Vec::with_capacity(wires.count_ones() as usize);
    while wires != 0 {
        found.push(wires.trailing_zeros() as usize);
        wires &= wires - 1;
    }
    for (k, &a) in found.iter().enumerate() {
        for &b in &found[k + 1..] {
            let own = [word.factor(a), word.factor(b)];
            for other in (1..4).filter(|&other| other != own[0]) {
                pairs.push(Pair { wires: [a, b], factors: [other, own[1]] });
            }
            for other in (1..4).filter(|&other| other != own[1]) {
                pairs.push(Pair { wires: [a, b], factors: [own[0], other] });
            }
        }
    }
}

/// The first pair of the least cost.
fn least(pairs: &[Pair], cost: impl Fn(&Pair) -> f64) -> (Pair, f64) {
    let mut best = (pairs[0], f64::INFINITY);
    for &pair in pairs {
        let found = cost(&pair);
        if found < best.1 {
            best = (pair, found);
        }
    }
    best
}
