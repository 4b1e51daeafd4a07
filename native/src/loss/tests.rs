//! The tableau against what is known of Clifford gates, and the dice against their rates.

use std::sync::Arc;

use super::tableau::Tableau;
use super::{Plan, Toss};
use crate::circuit::{Circuit, Cond, Kind, Op, NONE};

fn gates(n_qubits: u32, list: &[(Kind, &[u32])]) -> Circuit {
    let mut circuit = Circuit { n_qubits, ..Circuit::default() };
    list.iter().for_each(|(kind, qubits)| circuit.push_gate(*kind, qubits, &[]));
    circuit
}

fn read_all(circuit: &mut Circuit) {
    for qubit in 0..circuit.n_qubits {
        circuit.ops.push(Op::measure(qubit, circuit.n_cbits));
        circuit.n_cbits += 1;
    }
}

#[test]
fn a_gate_and_its_inverse_leave_every_outcome() {
    use Kind::*;
    let pairs: [(Kind, Kind); 9] =
        [(H, H), (S, Sdg), (Sx, Sxdg), (Y, Y), (Cnot, Cnot), (Cy, Cy), (Cz, Cz), (Iswap, Iswapdg), (Swap, Swap)];
    for (gate, back) in pairs {
        for prepare in [H, Sx, X, Y] {
            let both = [70u32, 1];
            let on = &both[..gate.n_qubits()];
            let list: [(Kind, &[u32]); 10] = [
                (prepare, &[70]),
                (Cnot, &[70, 1]),
                (S, &[1]),
                (gate, on),
                (back, on),
                (Sdg, &[1]),
                (Cnot, &[70, 1]),
                (Sxdg, &[2]),
                (Sx, &[2]),
                (inverse(prepare), &[70]),
            ];
            let mut circuit = gates(71, &list);
            read_all(&mut circuit);
            let samples = Plan::new(Arc::new(circuit), vec![]).unwrap().run(20, 3, false, &|| false).unwrap();
            assert!((0..20).all(|shot| (0..71).all(|cbit| !samples.get(shot, cbit))), "{gate:?} {prepare:?}");
        }
    }
}

fn inverse(kind: Kind) -> Kind {
    match kind {
        Kind::Sx => Kind::Sxdg,
        other => other,
    }
}

#[test]
fn bell_pairs_across_words_agree_and_repeat() {
    let mut state = Tableau::<4>::new(128);
    for pair in 0..64 {
        state.h(pair);
        state.cnot(pair, 127 - pair);
    }
    for pair in 0..64 {
        let outcome = state.measure(127 - pair, || pair % 3 == 0);
        assert_eq!(outcome, pair % 3 == 0);
        assert_eq!(state.measure(pair, || unreachable!()), outcome);
        assert_eq!(state.measure(127 - pair, || unreachable!()), outcome);
    }
}

#[test]
fn the_sign_of_a_product_counts_every_y() {
    // ZZZ of (|000> + |111>) turned so that its stabilizers are -XYY -YXY -YYX and XXX: their product is settled.
    let mut state = Tableau::<2>::new(4);
    state.h(0);
    state.cnot(0, 1);
    state.cnot(0, 2);
    for (letters, expected) in [([0, 0, 0], false), ([0, 1, 1], true), ([1, 0, 1], true), ([1, 1, 0], true)] {
        let mut turned = state.clone();
        for (qubit, letter) in letters.into_iter().enumerate() {
            if letter == 1 {
                turned.sdg(qubit);
            }
            turned.h(qubit);
            turned.cnot(qubit, 3);
        }
        assert_eq!(turned.measure(3, || unreachable!()), expected, "{letters:?}");
    }
}

#[test]
fn a_lost_atom_keeps_its_gates_from_happening() {
    let mut circuit = gates(2, &[(Kind::X, &[0])]);
    circuit.n_cbits = 1;
    let bit = circuit.push_cond(Cond::Bit(0));
    let kept = circuit.push_cond(Cond::Not(bit));
    let cnot = Op::gate(Kind::Cnot, &[0, 1], NONE).under(kept);
    circuit.ops.push(cnot);
    read_all(&mut circuit);
    let toss = Toss { at: 1, cbits: [0].into(), p: 0.25 };
    let samples = Plan::new(Arc::new(circuit), vec![toss]).unwrap().run(4000, 5, false, &|| false).unwrap();
    let lost = (0..4000).filter(|&shot| samples.get(shot, 0)).count();
    assert!((0..4000).all(|shot| samples.get(shot, 2) != samples.get(shot, 0)));
    assert!((lost as f64 - 1000.0).abs() < 6.0 * 27.4, "{lost}"); // six standard deviations
}

#[test]
fn shots_with_a_loss_can_be_asked_for() {
    let mut circuit = gates(1, &[(Kind::X, &[0])]);
    circuit.n_cbits = 1;
    let noise = Op { kind: Kind::Noise, q: [0, NONE, NONE], param: 0, cond: NONE, cbit: NONE };
    circuit.ops.push(noise);
    circuit.params = vec![0.5, 0.0, 0.0];
    let toss = Toss { at: 0, cbits: [0].into(), p: 0.01 };
    let plan = Plan::new(Arc::new(circuit), vec![toss]).unwrap();
    let samples = plan.run(300, 5, true, &|| false).unwrap();
    assert!((0..300).all(|shot| samples.get(shot, 0)));
}

#[test]
fn what_is_no_plan_is_refused() {
    let refused = |circuit: Circuit, tosses: Vec<Toss>| Plan::new(Arc::new(circuit), tosses).err().unwrap();
    assert!(refused(gates(1, &[(Kind::T, &[0])]), vec![]).contains("no Clifford gate"));
    let toss = |at, cbit, p| vec![Toss { at, cbits: [cbit].into(), p }];
    assert!(refused(gates(1, &[(Kind::H, &[0])]), toss(0, 0, 0.5)).contains("strikes cbit 0 of 0"));
    let one = || Circuit { n_cbits: 1, ..gates(1, &[(Kind::H, &[0])]) };
    assert!(refused(one(), toss(2, 0, 0.5)).contains("place"));
    assert!(refused(one(), toss(0, 0, 1.5)).contains("probability"));
    assert!(refused(one(), toss(0, 0, f64::NAN)).contains("probability"));
    let many: Vec<[u32; 1]> = (0..3000).map(|q| [q]).collect();
    let list: Vec<(Kind, &[u32])> = many.iter().map(|q| (Kind::H, &q[..])).collect();
    assert!(refused(gates(3000, &list), vec![]).contains("3000 qubits"));
}

#[test]
fn a_run_can_be_stopped() {
    let mut circuit = gates(3, &[(Kind::H, &[0])]);
    read_all(&mut circuit);
    assert!(Plan::new(Arc::new(circuit), vec![]).unwrap().run(1000, 5, false, &|| true).is_err());
}
