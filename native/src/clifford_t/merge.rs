//! Two Toffoli gates on one target as one, where their products have a factor in common: a b + (a + b) c, the carry of a
//! full adder, is (a + b) (a + c) + a.
//!
//! The first waits for the second, if nothing looks at the target between them. Sums modulo 2 of what wires hold say
//! which factors are common, whatever the wires hold by then; the factors of the one product are made by CNOT gates on the
//! wires of the second and one other, and unmade after it. What the products differ by is a sum of wires.

use super::ands::{Value, Values, ONE};
use crate::circuit::{Circuit, Kind, Op, NONE};

/// A Toffoli gate that nothing has looked at.
struct Waiting {
    at: usize,
    factors: [Value; 2],
}

/// A sum of three values, as bits, and a constant.
type Affine = (usize, bool);

/// The circuit with pairs of Toffoli gates as one.
pub fn merged(circuit: &Circuit) -> Circuit {
    let n = circuit.n_qubits as usize;
    let mut values = Values::new(circuit.n_qubits);
    let mut waiting: Vec<Option<Waiting>> = (0..n).map(|_| None).collect();
    let mut ops: Vec<Option<Op>> = Vec::with_capacity(circuit.ops.len());
    for op in &circuit.ops {
        let plain = op.cond == NONE;
        let is_toffoli = plain && op.kind == Kind::Toffoli;
        for (slot, &wire) in op.qubits().iter().enumerate() {
            if !plain || op.kind.bases().get(slot) != Some(&b'X') {
                waiting[wire as usize] = None;
            }
        }
        if is_toffoli {
            let target = op.q[2] as usize;
            match waiting[target].take().and_then(|first| Some((first.at, join(&values, &first.factors, op)?))) {
                Some((at, (gates, other))) => {
                    ops[at] = None;
                    waiting[other as usize] = None;
                    ops.extend(gates.into_iter().map(Some));
                }
                None => {
                    let factors = [op.q[0], op.q[1]].map(|wire| values.wires[wire as usize].clone());
                    waiting[target] = Some(Waiting { at: ops.len(), factors });
                    ops.push(Some(*op));
                }
            }
        } else {
            ops.push(Some(*op));
        }
        values.gate(op);
    }
    Circuit { ops: ops.into_iter().flatten().collect(), ..circuit.clone() }
}

fn sum(a: &[u32], b: &[u32]) -> Value {
    let mut out: Value = a.iter().filter(|term| !b.contains(term)).copied().collect();
    out.extend(b.iter().filter(|term| !a.contains(term)));
    out.sort_unstable();
    out
}

fn without_one(value: &[u32]) -> Value {
    value.iter().copied().filter(|&term| term != ONE).collect()
}

/// Sums of three values, by their bits.
struct Basis([Value; 8]);

impl Basis {
    fn new(three: [&Value; 3]) -> Basis {
        Basis(std::array::from_fn(|bits| {
            (0..3).filter(|k| bits >> k & 1 == 1).fold(Value::new(), |all, k| sum(&all, three[k]))
        }))
    }

    fn affine(&self, value: &[u32]) -> Option<Affine> {
        let plain = without_one(value);
        let bits = self.0.iter().position(|sum| *sum == plain)?;
        Some((bits, plain.len() != value.len()))
    }
}

/// A polynomial of degree two of three bits: of pairs (01, 02, 12), of single ones, and the constant.
#[derive(Default)]
struct Quadratic {
    pairs: usize,
    linear: usize,
    constant: bool,
}

impl Quadratic {
    fn add_product(&mut self, (u, u0): Affine, (v, v0): Affine) {
        for (at, (i, j)) in [(0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
            let crossed = (u >> i & v >> j & 1) ^ (u >> j & v >> i & 1);
            self.pairs ^= crossed << at;
        }
        self.linear ^= (u & v) ^ (if u0 { v } else { 0 }) ^ (if v0 { u } else { 0 });
        self.constant ^= u0 && v0;
    }
}

/// Three wires and what they hold.
struct Wires {
    wires: [u32; 3],
    hold: [Affine; 3],
}

impl Wires {
    /// Which of them add up to these bits.
    fn mask(&self, bits: usize) -> Option<usize> {
        (1..8).find(|&mask| self.sum(mask).0 == bits)
    }

    fn sum(&self, mask: usize) -> Affine {
        let chosen = (0..3).filter(|k| mask >> k & 1 == 1).map(|k| self.hold[k]);
        chosen.fold((0, false), |all, one| (all.0 ^ one.0, all.1 ^ one.1))
    }

    /// Adds the others of a mask to one of it that is not `kept`, and gives that one.
    fn gather(&mut self, mask: usize, kept: Option<usize>, gates: &mut Vec<Op>) -> Option<usize> {
        let at = (0..3).find(|&k| mask >> k & 1 == 1 && Some(k) != kept)?;
        for other in (0..3).filter(|&k| k != at && mask >> k & 1 == 1) {
            gates.push(Op::gate(Kind::Cnot, &[self.wires[other], self.wires[at]], NONE));
        }
        self.hold[at] = self.sum(mask);
        Some(at)
    }
}

/// The gates that add both products to the target of `second`, with one Toffoli gate, and the other wire that they use.
fn join(values: &Values, first: &[Value; 2], second: &Op) -> Option<(Vec<Op>, u32)> {
    let [a, b] = first.each_ref().map(|value| without_one(value));
    let [c, d] = [second.q[0], second.q[1]].map(|wire| without_one(&values.wires[wire as usize]));
    let (ours, theirs) = ([sum(&a, &b), a, b], [sum(&c, &d), c, d]);
    let mut common = ours.iter().filter(|value| theirs.contains(value));
    let e = common.next()?;
    if common.next().is_some() || ours.iter().chain(&theirs).any(|value| value.is_empty()) {
        return None;
    }
    let f = ours.iter().find(|value| *value != e)?;
    let g = theirs.iter().find(|value| *value != e)?;
    let basis = Basis::new([e, f, g]);
    // One more wire: it holds f with any sum of e and g.
    let holds = |wire: &u32| basis.affine(&values.wires[*wire as usize]).is_some_and(|(bits, _)| bits & 2 != 0);
    let other = (0..values.wires.len() as u32).find(|wire| *wire != second.q[2] && holds(wire))?;
    let wires = [second.q[0], second.q[1], other];
    let hold = wires.map(|wire| basis.affine(&values.wires[wire as usize]).unwrap_or((0, false)));
    let mut three = Wires { wires, hold };
    let before = Wires { wires, hold };
    // The product of e and f + g has three pairs of factors: those whose values are first, so that equal ones are found.
    let mut factors = [1, 6, 7];
    factors.sort_by(|&x, &y| basis.0[x].cmp(&basis.0[y]));
    let mut gates = Vec::new();
    let p = three.gather(three.mask(factors[0])?, None, &mut gates)?;
    let q = three.gather(three.mask(factors[1])?, Some(p), &mut gates)?;
    let mut left = Quadratic::default();
    left.add_product(basis.affine(&first[0])?, basis.affine(&first[1])?);
    left.add_product(before.hold[0], before.hold[1]);
    left.add_product(three.hold[p], three.hold[q]);
    if left.pairs != 0 {
        return None;
    }
    let target = second.q[2];
    let back: Vec<Op> = gates.iter().rev().copied().collect();
    let controls = [wires[p].min(wires[q]), wires[p].max(wires[q])];
    gates.push(Op::gate(Kind::Toffoli, &[controls[0], controls[1], target], NONE));
    gates.extend(back);
    let linear = if left.linear == 0 { 0 } else { before.mask(left.linear)? };
    for k in (0..3).filter(|k| linear >> k & 1 == 1) {
        gates.push(Op::gate(Kind::Cnot, &[wires[k], target], NONE));
    }
    if left.constant ^ before.sum(linear).1 {
        gates.push(Op::gate(Kind::X, &[target], NONE));
    }
    Some((gates, other))
}
