//! Circuits in the gates of sets against what they were made from, as products of matrices.

use super::weyl::{split, Core};
use super::{controlled_nots, cost, synthesize, GateSet, Native, Options};
use crate::circuit::matrix::{kron, product_two, two, Two};
use crate::circuit::{Circuit, Cond, Kind, Op, ALL, NONE};
use crate::complex::{C64, ZERO};
use crate::dense::of_gate;
use crate::dice::Dice;

const SETS: [&[&str]; 8] = [
    &["rz", "sx", "x", "cz"],
    &["rz", "sx", "cx"],
    &["u", "cx"],
    &["rz", "sx", "x", "ecr"],
    &["u", "iswap"],
    &["rz", "rx", "rzz"],
    &["rz", "ry", "rxx"],
    &["u", "cz"],
];

fn random(n: u32, gates: usize, dice: &mut Dice, only: &dyn Fn(Kind) -> bool) -> Circuit {
    let mut circuit = Circuit { n_qubits: n, ..Circuit::default() };
    while circuit.ops.len() < gates {
        let kind = ALL[dice.below(ALL.len() as u64) as usize];
        if kind.is_gate() && kind.n_qubits() <= n as usize && only(kind) {
            let mut qubits: Vec<u32> = (0..n).collect();
            (0..kind.n_qubits()).for_each(|k| qubits.swap(k, k + dice.below((n as usize - k) as u64) as usize));
            let eighth = |dice: &mut Dice| dice.below(16) as f64 * std::f64::consts::FRAC_PI_4 / 2.0;
            let angles: Vec<f64> = (0..kind.n_params())
                .map(|_| if dice.below(2) == 0 { eighth(dice) } else { 6.0 * dice.unit() - 3.0 })
                .collect();
            circuit.push_gate(kind, &qubits[..kind.n_qubits()], &angles);
        }
    }
    circuit
}

/// One gate after the other on a state; qubit 0 is the most significant bit.
fn run(state: &mut [C64], circuit: &Circuit) {
    let n = circuit.n_qubits;
    for op in circuit.ops.iter().filter(|op| op.cond == NONE || op.kind.is_gate()) {
        let mat = of_gate(op.kind, circuit.angles(op));
        let bits: Vec<usize> = op.qubits().iter().rev().map(|q| (n - 1 - q) as usize).collect();
        let place = |v: usize| -> usize { bits.iter().enumerate().map(|(b, to)| (v >> b & 1) << to).sum() };
        for base in (0..state.len()).filter(|x| x & place(usize::MAX) == 0) {
            let old: Vec<C64> = (0..mat.dim()).map(|v| state[base | place(v)]).collect();
            for r in 0..mat.dim() {
                state[base | place(r)] = (0..mat.dim()).fold(ZERO, |sum, v| sum + mat.at(r, v) * old[v]);
            }
        }
    }
}

/// 1 - |overlap| of both circuits from a random state; qubits of the second are at `last`.
fn apart(one: &Circuit, other: &Circuit, last: &[u32], dice: &mut Dice) -> f64 {
    let n = one.n_qubits;
    let mut start = vec![ZERO; 1 << n];
    start.iter_mut().for_each(|z| (z.re, z.im) = (dice.unit() - 0.5, dice.unit() - 0.5));
    let length = start.iter().map(|z| z.norm()).sum::<f64>().sqrt();
    start.iter_mut().for_each(|z| *z = *z * (1.0 / length));
    let (mut a, mut b) = (start.clone(), start);
    run(&mut a, one);
    run(&mut b, other);
    let at = |x: usize| (0..n).map(|q| (x >> (n - 1 - q) & 1) << (n - 1 - last[q as usize])).sum::<usize>();
    let overlap = (0..1 << n).fold(ZERO, |sum, x| sum + a[x].conj() * b[at(x)]);
    1.0 - overlap.abs()
}

fn allowed(names: &[&str], circuit: &Circuit) -> bool {
    let ecr = names.contains(&"ecr"); // S, SX, CNOT, X stand for it
    circuit.ops.iter().all(|op| {
        let name = if op.kind == Kind::Cnot { "cx" } else { op.kind.name() };
        names.contains(&name) || ecr && [Kind::Cnot, Kind::S].contains(&op.kind)
    })
}

#[test]
fn circuits_keep_their_meaning_in_every_set() {
    let mut dice = Dice::new(41, &[0]);
    let clifford = |kind: Kind| kind.has_flow() || kind == Kind::T;
    for round in 0..400 {
        let n = 2 + dice.below(4) as u32;
        let size = 3 + dice.below(40) as usize;
        let only: &dyn Fn(Kind) -> bool = if round % 2 == 0 { &|_| true } else { &clifford };
        let circuit = random(n, size, &mut dice, only);
        let names = SETS[round % SETS.len()];
        let gates = GateSet::named(names).expect("a set");
        for exchange in [false, true] {
            let made = synthesize(&circuit, &gates, Options { exchange, ..Options::default() });
            made.circuit.check().expect("a sound circuit");
            assert!(allowed(names, &made.circuit), "{names:?} in {:?}", made.circuit);
            let plain = synthesize(&circuit, &gates, Options { exchange, interactions: true, ..Options::default() });
            assert!(allowed(&["u", "rzz"], &plain.circuit), "{:?}", plain.circuit);
            assert!(apart(&circuit, &plain.circuit, &plain.last, &mut dice) < 1e-9);
            let far = apart(&circuit, &made.circuit, &made.last, &mut dice);
            assert!(far < 1e-9, "round {round}, {names:?}, exchange {exchange}: off by {far} for {circuit:?}");
            let rebased =
                synthesize(&circuit, &gates, Options { exchange, rounds: 0, measured: false, ..Options::default() });
            assert!(cost(&made.circuit).0 <= cost(&rebased.circuit).0);
        }
    }
}

/// The matrix on qubits 0 and 1.
fn on_pair(op: &Op, angles: &[f64]) -> Two {
    let id = super::weyl::IDENTITY;
    match *op.qubits() {
        [0] => kron(&crate::circuit::matrix::one(op.kind, angles), &id),
        [_] => kron(&id, &crate::circuit::matrix::one(op.kind, angles)),
        [0, _] => two(op.kind, angles),
        _ => crate::circuit::matrix::flipped(&two(op.kind, angles)),
    }
}

fn far(a: &Two, b: &Two) -> f64 {
    4.0 - (0..16).fold(ZERO, |sum, k| sum + a[k].conj() * b[k]).abs()
}

#[test]
fn the_canonical_decomposition_multiplies_back() {
    let mut dice = Dice::new(42, &[0]);
    for round in 0..2000 {
        let size = 1 + round % 9;
        let circuit = random(2, size, &mut dice, &|kind| round % 2 == 0 || kind.has_flow());
        let mut u = kron(&super::weyl::IDENTITY, &super::weyl::IDENTITY);
        for op in &circuit.ops {
            let m = on_pair(op, circuit.angles(op));
            u = product_two(&m, &u);
        }
        let (l, m, core) = split(&u);
        assert!(far(&product_two(&kron(&l, &m), &core.matrix()), &u) < 1e-9, "{u:?}");
    }
}

#[test]
fn known_gates_take_what_they_take() {
    let of = |kind, angles: &[f64]| split(&two(kind, angles)).2;
    let takes = |core: &Core| {
        [Native::Fixed(Kind::Cz), Native::Ecr, Native::Iswap, Native::Rotation(Kind::Rzz)].map(|set| set.needs(core))
    };
    assert_eq!(takes(&of(Kind::Cnot, &[])), [1, 1, 2, 1]);
    assert_eq!(takes(&of(Kind::Swap, &[])), [3, 3, 3, 3]);
    assert_eq!(takes(&of(Kind::Iswap, &[])), [2, 2, 1, 2]);
    assert_eq!(takes(&of(Kind::Cp, &[0.3])), [2, 2, 2, 1]);
    assert_eq!(takes(&of(Kind::Crx, &[std::f64::consts::PI])), [1, 1, 2, 1]);
    assert_eq!(takes(&of(Kind::Crx, &[std::f64::consts::TAU])), [0, 0, 0, 0]);
}

fn gates(n: u32, ops: &[(Kind, &[u32], &[f64])]) -> Circuit {
    let mut circuit = Circuit { n_qubits: n, ..Circuit::default() };
    ops.iter().for_each(|(kind, qubits, angles)| circuit.push_gate(*kind, qubits, angles));
    circuit
}

#[test]
fn gates_merge_across_what_they_commute_with() {
    let cz = GateSet::named(&["rz", "sx", "x", "cz"]).expect("a set");
    let count = |circuit: &Circuit, exchange| {
        cost(&synthesize(circuit, &cz, Options { exchange, ..Options::default() }).circuit).0
    };
    // two controlled NOTs with a common control, and another between them
    let fan = gates(
        3,
        &[(Kind::Cnot, &[0, 1], &[]), (Kind::Cnot, &[0, 2], &[]), (Kind::T, &[0], &[]), (Kind::Cnot, &[0, 1], &[])],
    );
    assert_eq!(count(&fan, false), 1);
    // an exchange beside a gate of its pair
    let beside = gates(2, &[(Kind::Cnot, &[0, 1], &[]), (Kind::Swap, &[0, 1], &[])]);
    assert_eq!((count(&beside, false), count(&beside, true)), (2, 1));
    // controlled phases of a pair, with those of other pairs between them
    let phases: Vec<(Kind, &[u32], &[f64])> = vec![
        (Kind::Cp, &[0, 1], &[0.3]),
        (Kind::Cp, &[1, 2], &[0.4]),
        (Kind::Rzz, &[0, 2], &[0.4]),
        (Kind::Cp, &[1, 0], &[-0.3]),
    ];
    assert_eq!(count(&gates(3, &phases), false), 4);
}

#[test]
fn what_measurements_cannot_see_is_left_out() {
    let cz = GateSet::named(&["rz", "sx", "x", "cz"]).expect("a set");
    let mut circuit =
        gates(2, &[(Kind::H, &[0], &[]), (Kind::H, &[1], &[]), (Kind::Cp, &[0, 1], &[0.7]), (Kind::T, &[0], &[])]);
    circuit.n_cbits = 2;
    circuit.ops.extend([Op::measure(0, 0), Op::measure(1, 1)]);
    let made = synthesize(&circuit, &cz, Options::default()).circuit;
    assert_eq!(cost(&made).0, 0);
    let kept = synthesize(&circuit, &cz, Options { measured: false, ..Options::default() }).circuit;
    assert_eq!(cost(&kept).0, 2);
}

#[test]
fn conditions_stay_where_they_are() {
    let cz = GateSet::named(&["rz", "sx", "x", "cz"]).expect("a set");
    let mut circuit = gates(3, &[(Kind::H, &[0], &[])]);
    circuit.n_cbits = 1;
    circuit.ops.push(Op::measure(0, 0));
    let cond = circuit.push_cond(Cond::Bit(0));
    circuit.ops.push(Op::gate(Kind::Toffoli, &[1, 2, 0], NONE).under(cond));
    circuit.ops.push(Op::reset(0));
    let made = synthesize(&circuit, &cz, Options { exchange: true, ..Options::default() }).circuit;
    made.check().expect("a sound circuit");
    let at = made.ops.iter().position(|op| op.kind == Kind::Measure).expect("a measurement");
    let end = made.ops.iter().position(|op| op.kind == Kind::Reset).expect("a reset");
    assert!(made.ops[at + 1..end].iter().all(|op| op.cond == cond) && made.ops[..at].iter().all(|op| op.cond == NONE));
    let alone = Circuit { ops: made.ops[at + 1..end].to_vec(), ..made.clone() };
    let wanted = gates(3, &[(Kind::Toffoli, &[1, 2, 0], &[])]);
    assert!(apart(&wanted, &alone, &[0, 1, 2], &mut Dice::new(3, &[])) < 1e-9);
}

#[test]
fn an_exchange_beside_a_gate_takes_what_both_take() {
    for (kind, angles, want) in [
        (Kind::Cnot, vec![], (1, 2)),
        (Kind::Cz, vec![], (1, 2)),
        (Kind::Cp, vec![0.3], (2, 3)),
        (Kind::Rzz, vec![0.0], (0, 3)),
        (Kind::Rzz, vec![0.3], (2, 3)),
        (Kind::Swap, vec![], (3, 0)),
        (Kind::Iswap, vec![], (2, 1)),
    ] {
        assert_eq!(controlled_nots(&two(kind, &angles)), want, "{}", kind.name());
    }
    let mut dice = Dice::new(43, &[0]);
    for round in 0..1000 {
        let circuit = random(2, 1 + round % 7, &mut dice, &|kind| kind.has_flow() || round % 3 == 0);
        let u = circuit.ops.iter().fold(kron(&super::weyl::IDENTITY, &super::weyl::IDENTITY), |u, op| {
            product_two(&on_pair(op, circuit.angles(op)), &u)
        });
        let exchanged = product_two(&two(Kind::Swap, &[]), &u);
        assert_eq!(controlled_nots(&u).1, controlled_nots(&exchanged).0, "{u:?}");
    }
}

#[test]
fn a_pair_of_one_direction_has_its_gate_in_that() {
    let mut dice = Dice::new(44, &[0]);
    for names in [&["rz", "sx", "x", "ecr"], &["rz", "sx", "x", "cx"]] {
        let gates = GateSet::named(names).expect("a set");
        for _ in 0..60 {
            let circuit = random(4, 25, &mut dice, &|_| true);
            let one_way: Vec<(u32, u32)> = (0..4).flat_map(|a| (0..a).map(move |b| (a, b))).collect();
            let options = Options { one_way: one_way.clone(), ..Options::default() };
            let made = synthesize(&circuit, &gates, options);
            let twos = made.circuit.ops.iter().filter(|op| op.kind.n_qubits() == 2 && op.kind.is_gate());
            twos.for_each(|op| assert!(one_way.contains(&(op.q[0], op.q[1])), "{op:?}"));
            assert!(apart(&circuit, &made.circuit, &made.last, &mut dice) < 1e-9);
        }
    }
}
