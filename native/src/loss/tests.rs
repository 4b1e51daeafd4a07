//! The tableau against what is known of Clifford gates, and the dice against their rates.

use std::sync::Arc;

use super::frames::{Frame, X, Z};
use super::plan::{words, Act, MAX_QUBITS, WORDS};
use super::tableau::{arm, Tableau};
use super::{Plan, Toss};
use crate::circuit::{Circuit, Cond, Kind, Op, NONE};
use crate::dice::Dice;
use crate::samples::Samples;

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

impl<const C: usize> Tableau<C> {
    fn gate(&mut self, gate: Kind, qubit: u32) {
        self.turn(qubit, Frame::of(gate).unwrap().0.map(|axis| (axis.letter, axis.minus)));
    }

    fn cnot(&mut self, a: u32, b: u32) {
        self.couple(arm(a, Z as u8), arm(b, X as u8), [false; 2]);
    }

    fn read(&mut self, qubit: u32, coin: impl FnOnce() -> bool) -> bool {
        self.measure(arm(qubit, Z as u8)[0], coin)
    }
}

#[test]
fn bell_pairs_across_words_agree_and_repeat() {
    let mut state = Tableau::<1>::new(128);
    for pair in 0..64 {
        state.gate(Kind::H, pair);
        state.cnot(pair, 127 - pair);
    }
    for pair in 0..64 {
        let outcome = state.read(127 - pair, || pair % 3 == 0);
        assert_eq!(outcome, pair % 3 == 0);
        assert_eq!(state.read(pair, || unreachable!()), outcome);
        assert_eq!(state.read(127 - pair, || unreachable!()), outcome);
    }
}

#[test]
fn the_sign_of_a_product_counts_every_y() {
    // ZZZ of (|000> + |111>) turned so that its stabilizers are -XYY -YXY -YYX and XXX: their product is settled.
    let mut state = Tableau::<1>::new(4);
    state.gate(Kind::H, 0);
    state.cnot(0, 1);
    state.cnot(0, 2);
    for (letters, expected) in [([0, 0, 0], false), ([0, 1, 1], true), ([1, 0, 1], true), ([1, 1, 0], true)] {
        let mut turned = state.clone();
        for (qubit, letter) in (0..3).zip(letters) {
            if letter == 1 {
                turned.gate(Kind::Sdg, qubit);
            }
            turned.gate(Kind::H, qubit);
            turned.cnot(qubit, 3);
        }
        assert_eq!(turned.read(3, || unreachable!()), expected, "{letters:?}");
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Written {
    Plainly,
    /// Every gate under a condition that always holds: none is taken out.
    Guarded,
    /// With a reset of every qubit at the end: every measurement collapses the state.
    Collapsed,
}

/// Gates of every kind, measurements and errors drawn at random, then all qubits measured, half of them twice.
fn random(n_qubits: u32, ops: usize, seed: u64, written: Written) -> Samples {
    use Kind::*;
    let kinds = [X, Y, Z, H, S, Sdg, Sx, Sxdg, Cnot, Cy, Cz, Swap, Iswap, Iswapdg, Cnot, Cz, H, Measure, Reset, Noise];
    let mut dice = Dice::new(seed, &[]);
    let mut circuit = Circuit { n_qubits, n_cbits: 1, params: vec![0.2, 0.1, 0.3], ..Circuit::default() };
    let never = circuit.push_cond(Cond::Bit(0));
    let always = circuit.push_cond(Cond::Not(never));
    for _ in 0..ops {
        let kind = kinds[dice.below(kinds.len() as u64) as usize];
        let a = dice.below(u64::from(n_qubits)) as u32;
        let b = (a + 1 + dice.below(u64::from(n_qubits) - 1) as u32) % n_qubits;
        let op = match kind {
            Measure => Op::measure(a, circuit.n_cbits),
            Reset => Op::reset(a),
            Noise => Op { kind, q: [a, NONE, NONE], param: 0, cond: NONE, cbit: NONE },
            _ => Op::gate(kind, &[a, b][..kind.n_qubits()], NONE),
        };
        circuit.n_cbits += u32::from(kind == Measure);
        let guarded = written == Written::Guarded && kind.is_gate();
        circuit.ops.push(if guarded { op.under(always) } else { op });
    }
    read_all(&mut circuit);
    for qubit in 0..n_qubits / 2 {
        circuit.ops.push(Op::measure(qubit, circuit.n_cbits));
        circuit.n_cbits += 1;
    }
    if written == Written::Collapsed {
        (0..n_qubits).for_each(|qubit| circuit.ops.push(Op::reset(qubit)));
    }
    let plan = Plan::new(Arc::new(circuit), vec![]).unwrap();
    let reads = plan.steps.iter().filter(|step| matches!(step.act, Act::Read { .. })).count() as u32;
    assert_eq!(reads > n_qubits, written != Written::Collapsed);
    let turns = plan.steps.iter().filter(|step| matches!(step.act, Act::Turn { .. })).count();
    assert_eq!(turns > 0, written == Written::Guarded);
    plan.run(16, seed, false, &|| false).unwrap()
}

#[test]
fn gates_taken_out_and_states_left_as_they_are_change_no_bit() {
    for (n_qubits, ops) in [(3, 40), (9, 150), (70, 900), (130, 1500), (300, 2500)] {
        for seed in 0..if n_qubits < 10 { 40 } else { 1 } {
            let plain = random(n_qubits, ops, seed, Written::Plainly);
            assert!(plain == random(n_qubits, ops, seed, Written::Guarded), "{n_qubits} qubits, seed {seed}");
            assert!(plain == random(n_qubits, ops, seed, Written::Collapsed), "{n_qubits} qubits, seed {seed}");
        }
    }
}

#[test]
fn another_pauli_of_a_qubit_that_was_read_is_a_coin() {
    let mut circuit = gates(1, &[]);
    for gate in [Kind::Z, Kind::H, Kind::Id, Kind::H] {
        circuit.push_gate(gate, &[0], &[]);
        read_all(&mut circuit);
    }
    let plan = Plan::new(Arc::new(circuit), vec![]).unwrap();
    assert_eq!(plan.steps.iter().filter(|step| matches!(step.act, Act::Read { .. })).count(), 1);
    let samples = plan.run(400, 5, false, &|| false).unwrap();
    assert!((0..400).all(|shot| !samples.get(shot, 0) && samples.get(shot, 1) == samples.get(shot, 2)));
    for cbit in [1, 3] {
        let ones = (0..400).filter(|&shot| samples.get(shot, cbit)).count();
        assert!((140..260).contains(&ones), "{ones}"); // six standard deviations
    }
}

#[test]
fn a_column_has_room_for_the_rows() {
    for n_qubits in [0, 1, 64, 65, 128, 129, 384, 385, 1024, 1537, MAX_QUBITS] {
        let words = words(n_qubits);
        assert!(words * 32 >= n_qubits && WORDS.contains(&words));
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
fn a_die_strikes_flags_and_cbits_that_are_written_as_well() {
    // Cbit 1 is 1 from the start, and is written 0 after the die; cbit 0 keeps the X from happening.
    let mut circuit = gates(1, &[]);
    circuit.n_cbits = 2;
    let bits = [0, 1].map(|cbit| circuit.push_cond(Cond::Bit(cbit)));
    let kept = circuit.push_cond(Cond::Not(bits[0]));
    circuit.ops.push(Op::gate(Kind::X, &[0], NONE).under(kept));
    circuit.ops.push(Op::measure(0, 1).under(bits[1]));
    read_all(&mut circuit);
    let toss = Toss { at: 0, cbits: [1, 0].into(), p: 0.5 };
    let samples = Plan::new(Arc::new(circuit), vec![toss]).unwrap().run(200, 5, false, &|| false).unwrap();
    let fell = (0..200).filter(|&shot| samples.get(shot, 0)).count();
    assert!((50..150).contains(&fell));
    assert!((0..200).all(|shot| samples.get(shot, 2) != samples.get(shot, 0) && !samples.get(shot, 1)));
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
