//! Values against state vectors: every kind of gate, errors as mixtures of runs with each, resets and measurements on the
//! way as gates on fresh qubits; and cuts against their bounds.

use std::sync::Arc;

use super::channel::{Channel, Rows};
use super::{Cut, ErrorKind, Limits, Plan, Refused, Stopped, Term};
use crate::circuit::{Circuit, Kind, Op, ALL, NONE};
use crate::dense;
use crate::dice::Dice;

const FREE: Limits = Limits { memory: u64::MAX, work: u64::MAX, stopped: &|| false };

fn plan_of(circuit: Circuit) -> Plan {
    Plan::new(&Arc::new(circuit), Vec::new()).expect("a plan")
}

fn angle(dice: &mut Dice) -> f64 {
    match dice.below(5) {
        0 => std::f64::consts::FRAC_PI_2 * dice.below(8) as f64,
        _ => (dice.unit() - 0.5) * 8.0,
    }
}

fn qubits(dice: &mut Dice, n: u32, count: usize) -> Vec<u32> {
    let mut all: Vec<u32> = (0..n).collect();
    (0..count).map(|_| all.swap_remove(dice.below(all.len() as u64) as usize)).collect()
}

fn push_random(circuit: &mut Circuit, dice: &mut Dice, kind: Kind, n: u32) {
    let on = qubits(dice, n, kind.n_qubits());
    let angles: Vec<f64> = (0..kind.n_params()).map(|_| angle(dice)).collect();
    circuit.push_gate(kind, &on, &angles);
}

fn random_gate(circuit: &mut Circuit, dice: &mut Dice, n: u32) {
    let gates: Vec<Kind> = ALL.iter().copied().filter(|kind| kind.is_gate()).collect();
    let kind = gates[dice.below(gates.len() as u64) as usize];
    push_random(circuit, dice, kind, n);
}

fn string(dice: &mut Dice, n: u32) -> String {
    (0..n).map(|_| b"IXYZ"[dice.below(4) as usize] as char).collect()
}

/// From the state vector; strings on fewer qubits than the circuit are the identity on the rest.
fn expected(circuit: &Circuit, observable: &[Term]) -> f64 {
    let plan = dense::Plan::<f64>::compile(&Arc::new(circuit.clone()), 1 << 30).expect("it is small");
    let wide = |text: &String| format!("{text:I<width$}", width = circuit.n_qubits as usize);
    let texts: Vec<String> = observable.iter().map(|(text, _)| wide(text)).collect();
    let values = plan.expectation(&texts, &|_| false).expect("it ends in one state");
    values.iter().zip(observable).map(|(value, (_, factor))| value * factor).sum()
}

fn exact(circuit: &Circuit, observable: &[Term]) -> f64 {
    circuit.check().expect("a circuit");
    let outcome = plan_of(circuit.clone()).value(observable, Cut::NOTHING, &FREE).expect("a value");
    assert_eq!(outcome.bound, 0.0);
    outcome.value
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} {b}");
}

fn observable(dice: &mut Dice, n: u32) -> Vec<Term> {
    (0..1 + dice.below(3)).map(|_| (string(dice, n), dice.unit() - 0.5)).collect()
}

#[test]
fn every_gate_agrees_with_the_state_vector() {
    for (at, &kind) in ALL.iter().enumerate().filter(|(_, kind)| kind.is_gate()) {
        for round in 0..20 {
            let mut dice = Dice::new(7, &[at as u64, round]);
            let mut circuit = Circuit { n_qubits: 4, ..Circuit::default() };
            (0..4).for_each(|q| circuit.push_gate(Kind::U, &[q], &[1.1 + q as f64, 0.3, 0.9]));
            (0..3).for_each(|q| circuit.push_gate(Kind::Cry, &[q, q + 1], &[0.7]));
            push_random(&mut circuit, &mut dice, kind, 4);
            let asked = observable(&mut dice, 4);
            close(exact(&circuit, &asked), expected(&circuit, &asked));
        }
    }
}

#[test]
fn random_circuits_agree_with_the_state_vector() {
    for round in 0..300 {
        let mut dice = Dice::new(1, &[round]);
        let n = 1 + dice.below(5) as u32;
        let mut circuit = Circuit { n_qubits: n.max(3), ..Circuit::default() };
        let gates = dice.below(40);
        (0..gates).for_each(|_| random_gate(&mut circuit, &mut dice, n.max(3)));
        let asked = observable(&mut dice, n.max(3));
        close(exact(&circuit, &asked), expected(&circuit, &asked));
    }
}

#[test]
fn more_than_64_qubits_agree_with_few() {
    for n in [70u32, 130, 200, 300, 600, 1500] {
        let mut dice = Dice::new(3, &[u64::from(n)]);
        let mut narrow = Circuit { n_qubits: 5, ..Circuit::default() };
        (0..30).for_each(|_| random_gate(&mut narrow, &mut dice, 5));
        let far = [0, n - 1, n / 2, n / 3, n / 4];
        let mut wide = Circuit { n_qubits: n, ..narrow.clone() };
        // the qubits between are in the cone too
        wide.ops.clear();
        (1..n).for_each(|q| wide.push_gate(Kind::Cnot, &[q - 1, q], &[]));
        (1..n).rev().for_each(|q| wide.push_gate(Kind::Cnot, &[q - 1, q], &[]));
        wide.params.clone_from(&narrow.params);
        for op in &narrow.ops {
            wide.ops.push(Op { q: op.q.map(|q| if q == NONE { NONE } else { far[q as usize] }), ..*op });
        }
        (1..n).for_each(|q| wide.push_gate(Kind::Cz, &[q - 1, q], &[]));
        (1..n).rev().for_each(|q| wide.push_gate(Kind::Cz, &[q - 1, q], &[]));
        let asked = observable(&mut dice, 5);
        let spread = |text: &String| {
            let mut letters = vec![b'I'; n as usize];
            text.bytes().zip(far).for_each(|(letter, q)| letters[q as usize] = letter);
            String::from_utf8(letters).expect("letters")
        };
        let spread: Vec<Term> = asked.iter().map(|(text, factor)| (spread(text), *factor)).collect();
        close(exact(&wide, &spread), expected(&narrow, &asked));
    }
}

/// The circuits that errors make of one, with their probabilities.
fn mixture(circuit: &Circuit) -> Vec<(f64, Circuit)> {
    const LETTERS: [Option<Kind>; 4] = [None, Some(Kind::X), Some(Kind::Y), Some(Kind::Z)];
    let mut all = vec![(1.0, Circuit { ops: Vec::new(), ..circuit.clone() })];
    for op in &circuit.ops {
        let p = circuit.angles(op);
        #[allow(clippy::type_complexity)]
        let errors: Vec<(f64, Vec<Option<Kind>>)> = match op.kind {
            Kind::Noise => (1..4).map(|k| (p[k - 1], vec![LETTERS[k]])).collect(),
            Kind::Noise2 => (1..16).map(|k| (p[k - 1], vec![LETTERS[k / 4], LETTERS[k % 4]])).collect(),
            _ => {
                all.iter_mut().for_each(|(_, made)| made.ops.push(*op));
                continue;
            }
        };
        let none = 1.0 - p.iter().sum::<f64>();
        let next = all.iter().flat_map(|(chance, made)| {
            let (made, chance) = (made.clone(), *chance);
            std::iter::once((none, vec![])).chain(errors.clone()).map(move |(p, letters)| {
                let mut made = made.clone();
                for (k, kind) in letters.into_iter().enumerate() {
                    kind.into_iter().for_each(|kind| made.push_gate(kind, &[op.q[k]], &[]));
                }
                (chance * p, made)
            })
        });
        all = next.collect();
    }
    all
}

#[test]
fn errors_agree_with_the_mixture_of_runs_that_have_them() {
    for round in 0..40 {
        let mut dice = Dice::new(11, &[round]);
        let mut circuit = Circuit { n_qubits: 3, ..Circuit::default() };
        for part in 0..4 {
            (0..6).for_each(|_| random_gate(&mut circuit, &mut dice, 3));
            let kind = if part == 1 { Kind::Noise2 } else { Kind::Noise };
            let mut p: Vec<f64> = (0..kind.n_params()).map(|_| dice.unit()).collect();
            let total = p.iter().sum::<f64>() / dice.unit();
            p.iter_mut().for_each(|p| *p /= total);
            let on = qubits(&mut dice, 3, kind.n_qubits());
            circuit.push_gate(kind, &on, &p);
        }
        (0..3).for_each(|_| random_gate(&mut circuit, &mut dice, 3));
        let asked = observable(&mut dice, 3);
        let wanted: f64 = mixture(&circuit).iter().map(|(chance, made)| chance * expected(made, &asked)).sum();
        close(exact(&circuit, &asked), wanted);
    }
}

#[test]
fn resets_and_unread_measurements_agree_with_gates_on_fresh_qubits() {
    for round in 0..200 {
        let mut dice = Dice::new(13, &[round]);
        let mut circuit = Circuit { n_qubits: 3, n_cbits: 3, ..Circuit::default() };
        let mut wider = Circuit { n_qubits: 6, ..Circuit::default() };
        for part in 0..3 {
            for _ in 0..dice.below(8) {
                random_gate(&mut circuit, &mut dice, 3);
            }
            let q = dice.below(3) as u32;
            wider.ops.extend(&circuit.ops[wider.ops.len()..]);
            wider.params.clone_from(&circuit.params);
            if dice.below(2) == 0 {
                circuit.ops.push(Op::reset(q));
                wider.push_gate(Kind::Swap, &[q, 3 + part], &[]);
            } else {
                circuit.ops.push(Op::measure(q, part));
                wider.push_gate(Kind::Cnot, &[q, 3 + part], &[]);
            }
        }
        (0..3).for_each(|q| circuit.push_gate(Kind::U, &[q], &[0.4, 0.2, 0.1])); // no read-out is final
        wider.params.clone_from(&circuit.params);
        wider.ops.extend(&circuit.ops[wider.ops.len()..]);
        let asked = observable(&mut dice, 3);
        close(exact(&circuit, &asked), expected(&wider, &asked));
    }
}

/// Row by row in the order I, X, Y, Z.
fn amplitude_damping(g: f64) -> Vec<Vec<f64>> {
    let c = (1.0 - g).sqrt();
    vec![vec![1.0, 0.0, 0.0, 0.0], vec![0.0, c, 0.0, 0.0], vec![0.0, 0.0, c, 0.0], vec![g, 0.0, 0.0, 1.0 - g]]
}

/// The qubits are exchanged with probability `p`.
fn exchange(p: f64) -> Vec<Vec<f64>> {
    let entry = |row: usize, column: usize| {
        let kept = if row == column { 1.0 - p } else { 0.0 };
        kept + if column == row / 4 + row % 4 * 4 { p } else { 0.0 }
    };
    (0..16).map(|row| (0..16).map(|column| entry(row, column)).collect()).collect()
}

#[test]
fn channels_agree_with_gates_on_fresh_qubits() {
    for round in 0..200 {
        let mut dice = Dice::new(17, &[round]);
        let mut circuit = Circuit { n_qubits: 4, ..Circuit::default() };
        let mut wider = Circuit { n_qubits: 9, ..Circuit::default() };
        let mut channels = Vec::new();
        for part in 0..5 {
            let from = circuit.ops.len();
            (0..dice.below(6)).for_each(|_| random_gate(&mut circuit, &mut dice, 4));
            circuit.ops[from..].iter().for_each(|op| wider.push_gate(op.kind, op.qubits(), circuit.angles(op)));
            let (p, fresh) = (dice.unit(), 4 + part);
            let turn = 2.0 * p.sqrt().asin();
            let on = qubits(&mut dice, 4, 2);
            let (q, matrix) = if dice.below(2) == 0 {
                wider.push_gate(Kind::Cry, &[on[0], fresh], &[turn]);
                wider.push_gate(Kind::Cnot, &[fresh, on[0]], &[]);
                ([on[0], NONE], amplitude_damping(p))
            } else {
                wider.push_gate(Kind::Ry, &[fresh], &[turn]);
                wider.push_gate(Kind::Cswap, &[fresh, on[0], on[1]], &[]);
                ([on[0], on[1]], exchange(p))
            };
            let rows = Arc::new(Rows::new(&matrix).expect("a matrix"));
            channels.push(Channel { at: circuit.ops.len(), q, rows });
        }
        let asked = observable(&mut dice, 4);
        let plan = Plan::new(&Arc::new(circuit), channels).expect("a plan");
        close(plan.value(&asked, Cut::NOTHING, &FREE).expect("a value").value, expected(&wider, &asked));
    }
}

#[test]
fn the_bound_covers_the_error_where_the_channels_are_not_unital() {
    let mut cut_something = 0;
    for round in 0..40 {
        let mut dice = Dice::new(19, &[round]);
        let circuit = ring(7, 4, 0.2 + dice.unit());
        let channel = |at: usize, dice: &mut Dice| {
            let q = [dice.below(7) as u32, NONE];
            Channel { at, q, rows: Arc::new(Rows::new(&amplitude_damping(0.5 * dice.unit())).expect("a matrix")) }
        };
        let channels = (0..circuit.ops.len()).map(|at| channel(at, &mut dice)).collect();
        let plan = Plan::new(&Arc::new(circuit), channels).expect("a plan");
        let asked = observable(&mut dice, 7);
        let wanted = plan.value(&asked, Cut::NOTHING, &FREE).expect("a value").value;
        for weight in [u32::MAX, 3] {
            for k in 1..6 {
                let cut = Cut { weight, ..Cut::below(0.2f64.powi(k)) };
                let found = plan.value(&asked, cut, &FREE).expect("a value");
                assert!((found.value - wanted).abs() <= found.bound + 1e-12, "{found:?} {wanted}");
                cut_something += (found.bound > 0.0) as u32;
            }
        }
    }
    assert!(cut_something > 200, "{cut_something}");
}

#[test]
fn what_is_no_channel_is_refused() {
    let identity = |size: usize| (0..size).map(|r| (0..size).map(|c| (r == c) as u8 as f64).collect()).collect();
    let with = |size: usize, at: usize, value: f64| {
        let mut matrix: Vec<Vec<f64>> = identity(size);
        matrix[at / size][at % size] = value;
        Rows::new(&matrix)
    };
    assert!(with(4, 5, 0.5).is_ok() && with(16, 20, -0.5).is_ok());
    assert!(with(8, 9, 0.5).is_err() && with(4, 5, 1.1).is_err() && with(4, 5, f64::NAN).is_err());
    assert!(with(4, 1, 0.5).is_err() && with(4, 0, 0.5).is_err());
    let placed = |at: usize, q: [u32; 2]| {
        let rows = Arc::new(Rows::new(&identity(4)).expect("a matrix"));
        let channel = |at| Channel { at, q, rows: rows.clone() };
        Plan::new(&Arc::new(ring(3, 1, 0.3)), vec![channel(1), channel(at)])
    };
    assert!(placed(6, [2, NONE]).is_ok());
    for (at, q) in [(0, [0, NONE]), (7, [0, NONE]), (2, [3, NONE]), (2, [1, 1]), (2, [0, 3])] {
        assert!(matches!(placed(at, q), Err(Refused::Unsuitable(_))), "{at} {q:?}");
    }
}

#[test]
fn a_value_is_that_before_the_read_out() {
    let mut circuit = Circuit { n_qubits: 2, n_cbits: 2, ..Circuit::default() };
    circuit.push_gate(Kind::H, &[0], &[]);
    circuit.push_gate(Kind::Cnot, &[0, 1], &[]);
    (0..2).for_each(|q| circuit.ops.push(Op::measure(q, q)));
    close(exact(&circuit, &[("XX".into(), 1.0)]), 1.0);
    let mut alone = Circuit { n_qubits: 1, n_cbits: 1, ..Circuit::default() };
    alone.push_gate(Kind::H, &[0], &[]);
    alone.ops.push(Op::measure(0, 0));
    close(exact(&alone, &[("X".into(), 1.0)]), 1.0);
}

#[test]
fn conditions_are_refused_in_the_cone_and_only_there() {
    let mut circuit = Circuit { n_qubits: 3, n_cbits: 1, ..Circuit::default() };
    circuit.push_gate(Kind::H, &[0], &[]);
    circuit.ops.push(Op::measure(0, 0));
    let cond = circuit.push_cond(crate::circuit::Cond::Bit(0));
    circuit.ops.push(Op::gate(Kind::X, &[1], NONE).under(cond));
    circuit.push_gate(Kind::Ry, &[2], &[0.3]);
    let plan = plan_of(circuit);
    let asked = |text: &str| plan.value(&[(text.into(), 1.0)], Cut::NOTHING, &FREE);
    assert!(matches!(asked("IZI"), Err(Refused::Unsuitable(why)) if why.contains("op 2 (x) depends on a measurement")));
    close(asked("IIZ").expect("it is outside").value, 0.3f64.cos());
    close(asked("XII").expect("it is outside").value, 0.0); // the measurement is on the way to op 2
    assert!(matches!(asked("IIQ"), Err(Refused::Unsuitable(_))));
}

/// Rotations and Clifford gates on a ring, so many layers.
fn ring(n: u32, layers: usize, angle: f64) -> Circuit {
    let mut circuit = Circuit { n_qubits: n, ..Circuit::default() };
    for _ in 0..layers {
        (0..n).for_each(|q| circuit.push_gate(Kind::Rx, &[q], &[angle]));
        (0..n).for_each(|q| circuit.push_gate(Kind::Rzz, &[q, (q + 1) % n], &[-std::f64::consts::FRAC_PI_2]));
    }
    circuit
}

#[test]
fn the_bound_covers_the_error_of_every_cut() {
    let circuit = ring(9, 6, 0.4);
    let asked = vec![("IIZIIIIII".to_string(), 1.0), ("XIIIIIZII".to_string(), 0.5)];
    let wanted = expected(&circuit, &asked);
    let plan = plan_of(circuit);
    let mut cut_something = 0;
    for k in 1..12 {
        for weight in [u32::MAX, 4] {
            let cut = Cut { weight, ..Cut::below(0.3f64.powi(k)) };
            let found = plan.value(&asked, cut, &FREE).expect("a value");
            assert!((found.value - wanted).abs() <= found.bound + 1e-12, "{found:?} {wanted}");
            cut_something += (found.bound > 0.0) as u32;
        }
    }
    assert!(cut_something > 12);
}

#[test]
fn an_error_that_is_allowed_is_kept_and_named() {
    let circuit = ring(10, 6, 0.3);
    let asked = vec![("IIIIZIIIII".to_string(), 1.0)];
    let wanted = expected(&circuit, &asked);
    let plan = plan_of(circuit);
    for error in [1e-1, 1e-3, 1e-5] {
        let found = plan.within(&asked, error, &FREE).expect("a value");
        assert!(found.kind != ErrorKind::Estimate && found.error <= error, "{found:?}");
        assert!((found.value - wanted).abs() <= found.error + 1e-12);
    }
}

#[test]
fn an_error_that_is_not_reached_is_stated_as_it_is() {
    let circuit = ring(14, 10, 0.8);
    let asked = vec![("IIIIZIIIIIIIII".to_string(), 1.0)];
    let wanted = expected(&circuit, &asked);
    let plan = plan_of(circuit);
    for work in [1_000_000, 4_000_000] {
        let found = plan.within(&asked, 1e-6, &Limits { work, ..FREE }).expect("a value");
        assert!(found.error > 1e-6 && found.kind != ErrorKind::Exact && found.outcome.work <= work, "{found:?}");
        assert!((found.value - wanted).abs() <= found.error, "{found:?} {wanted}");
    }
}

#[test]
fn values_of_cuts_that_leave_nothing_are_not_called_known() {
    let n = 60;
    let plan = plan_of(ring(n, 40, 0.9));
    let asked = vec![(format!("{:I<n$}", "Z", n = n as usize), 1.0)];
    let found = plan.within(&asked, 0.05, &Limits { work: 3_000_000, ..FREE }).expect("a value");
    assert!(found.error > 0.5, "{found:?}");
}

#[test]
fn predictions_are_sure_of_what_they_have_seen() {
    let asked = |n: usize| vec![vec![(format!("{:I<n$}", "Z"), 1.0)], vec![(format!("{:I<n$}", "IX"), 1.0)]];
    let quick = plan_of(ring(40, 4, 0.3)).predict(&asked(40), 0.0).expect("it can");
    assert!(!quick.may_fail && quick.seconds > 0.0 && quick.seconds < 0.1, "{quick:?}");
    let wide = plan_of(ring(40, 30, 0.7));
    let long = wide.predict(&asked(40), 0.0).expect("it can be tried");
    assert!(long.may_fail && long.seconds > 100.0 * quick.seconds, "{long:?}");
    let rough = wide.predict(&asked(40), 0.5).expect("it can");
    assert!(rough.seconds < long.seconds, "{rough:?}");
    let mut conditional = Circuit { n_qubits: 1, n_cbits: 1, ..Circuit::default() };
    conditional.push_gate(Kind::H, &[0], &[]);
    conditional.ops.push(Op::measure(0, 0));
    let cond = conditional.push_cond(crate::circuit::Cond::Bit(0));
    conditional.ops.push(Op::gate(Kind::X, &[0], NONE).under(cond));
    assert!(plan_of(conditional).predict(&[vec![("Z".into(), 1.0)]], 0.0).is_err());
}

#[test]
fn a_run_does_no_more_than_it_may() {
    let plan = plan_of(ring(12, 12, 0.7));
    let asked = vec![("IIIIZIIIIIII".to_string(), 1.0)];
    let run = |limits: &Limits| plan.value(&asked, Cut::NOTHING, limits);
    match run(&Limits { work: 5000, ..FREE }) {
        Err(Refused::Stopped(Stopped::Work { at })) => assert!(at.done < at.segments && at.work <= 10_000),
        other => panic!("{other:?}"),
    }
    let full = run(&Limits { memory: 1 << 16, ..FREE });
    assert!(matches!(full, Err(Refused::Stopped(Stopped::Memory { .. }))), "{full:?}");
    assert!(matches!(run(&Limits { stopped: &|| true, ..FREE }), Err(Refused::Stopped(Stopped::Interrupted))));
}
