//! The simulator against plain products of matrices, for every instruction set of this machine.

use std::sync::Arc;

use super::matrix::of_gate;
use super::{available, Plan, Real};
use crate::circuit::{Circuit, Kind, ALL};
use crate::complex::C64;
use crate::dice::Dice;

fn random(n: u32, gates: usize, dice: &mut Dice) -> Circuit {
    let mut circuit = Circuit { n_qubits: n, ..Circuit::default() };
    while circuit.ops.len() < gates {
        let kind = ALL[dice.below(ALL.len() as u64) as usize];
        if !kind.is_gate() || kind.n_qubits() > n as usize {
            continue;
        }
        let mut qubits: Vec<u32> = (0..n).collect();
        for k in 0..kind.n_qubits() {
            let other = k + dice.below((n as usize - k) as u64) as usize;
            qubits.swap(k, other);
        }
        let angles: Vec<f64> = (0..kind.n_params()).map(|_| 6.0 * dice.unit() - 3.0).collect();
        circuit.push_gate(kind, &qubits[..kind.n_qubits()], &angles);
    }
    circuit.check().expect("random circuits are sound");
    circuit
}

/// One gate after the other; qubit 0 is the most significant bit.
fn reference(circuit: &Circuit) -> Vec<C64> {
    let n = circuit.n_qubits;
    let mut state = vec![C64::default(); 1 << n];
    state[0].re = 1.0;
    for op in &circuit.ops {
        let mat = of_gate(op.kind, circuit.angles(op));
        let bits: Vec<usize> = op.qubits().iter().rev().map(|q| (n - 1 - q) as usize).collect();
        let place = |v: usize| -> usize { bits.iter().enumerate().map(|(b, to)| (v >> b & 1) << to).sum() };
        for base in (0..state.len()).filter(|x| x & place(usize::MAX) == 0) {
            let old: Vec<C64> = (0..mat.dim()).map(|v| state[base | place(v)]).collect();
            for r in 0..mat.dim() {
                let terms = old.iter().enumerate().map(|(v, z)| mat.at(r, v) * *z);
                state[base | place(r)] = terms.fold(C64::default(), |a, b| a + b);
            }
        }
    }
    state
}

fn compare<R: Real>(circuit: &Arc<Circuit>, expected: &[C64], error: f64) {
    for level in available() {
        let plan = Plan::<R>::compile(circuit, 1 << 30).expect("it fits").with_level(level);
        let found = plan.state(&|_| false).expect("gates only");
        for (z, pair) in expected.iter().zip(found.chunks_exact(2)) {
            let far = (pair[0].f64() - z.re).abs().max((pair[1].f64() - z.im).abs());
            assert!(far < error, "{level:?}: off by {far} in {circuit:?}");
        }
    }
}

#[test]
fn states_are_products_of_matrices_on_every_instruction_set() {
    let mut dice = Dice::new(1, &[]);
    for _ in 0..150 {
        let n = 1 + dice.below(8) as u32;
        let gates = 1 + dice.below(60) as usize;
        let circuit = Arc::new(random(n, gates, &mut dice));
        let expected = reference(&circuit);
        compare::<f32>(&circuit, &expected, 3e-5);
        compare::<f64>(&circuit, &expected, 1e-11);
    }
}

#[test]
fn chunks_of_a_wide_state_are_put_back_where_they_were() {
    let mut dice = Dice::new(2, &[]);
    let circuit = Arc::new(random(18, 40, &mut dice));
    let expected = reference(&circuit);
    compare::<f32>(&circuit, &expected, 3e-5);
    compare::<f64>(&circuit, &expected, 1e-11);
}

#[test]
fn a_run_can_be_stopped() {
    let circuit = Arc::new(random(10, 50, &mut Dice::new(3, &[])));
    let plan = Plan::<f32>::compile(&circuit, 1 << 30).expect("it fits");
    assert_eq!(plan.run(10, 0, &|_| true), Err(super::Refused::Stopped));
}

#[test]
fn a_gate_on_one_qubit_is_phases_round_a_real_matrix() {
    for k in 1..20 {
        let angles = [0.3 * k as f64, 1.1 * k as f64, -0.7 * k as f64];
        let mat = of_gate(Kind::U, &angles);
        let (real, before, after, phase) = mat.as_real().expect("no entry is 0");
        let mut back = real;
        back.right_phase(C64::cis(before), 0);
        back.left_phase(C64::cis(after), &[0]);
        for (x, y) in back.m().iter().zip(mat.m()) {
            let x = *x * C64::cis(phase);
            assert!((x.re - y.re).abs() < 1e-12 && (x.im - y.im).abs() < 1e-12);
        }
    }
}

const LETTERS: [char; 4] = ['I', 'X', 'Y', 'Z'];

/// Pauli strings with coefficients, some of which flip the same qubits.
fn observable(n: u32, terms: usize, dice: &mut Dice) -> Vec<(String, f64)> {
    let mut letter = |upto: u64| LETTERS[if upto == 4 { dice.below(4) } else { 3 * dice.below(2) } as usize];
    let mut strings: Vec<String> = (0..terms).map(|_| (0..n).map(|_| letter(4)).collect()).collect();
    strings.extend((0..2 * terms).map(|_| (0..n).map(|_| letter(2)).collect::<String>()));
    strings.into_iter().map(|text| (text, dice.unit() - 0.5)).collect()
}

fn value(circuit: &Circuit, observable: &[(String, f64)]) -> f64 {
    let (state, n) = (reference(circuit), circuit.n_qubits as usize);
    let term = |text: &String| -> f64 {
        let mut sum = 0.0;
        for (x, amplitude) in state.iter().enumerate() {
            let (mut y, mut z) = (x, *amplitude);
            for (q, letter) in text.bytes().enumerate() {
                let bit = x >> (n - 1 - q) & 1;
                if letter == b'X' || letter == b'Y' {
                    y ^= 1 << (n - 1 - q);
                }
                if letter == b'Y' {
                    z = z * C64 { re: 0.0, im: if bit == 1 { -1.0 } else { 1.0 } };
                }
                if letter == b'Z' && bit == 1 {
                    z = z * -1.0;
                }
            }
            sum += (state[y].conj() * z).re;
        }
        sum
    };
    observable.iter().map(|(text, factor)| factor * term(text)).sum()
}

fn moved(circuit: &Circuit, angle: usize, by: f64) -> Circuit {
    let mut out = circuit.clone();
    out.params[angle] += by;
    out
}

#[test]
fn gradients_are_slopes_on_every_instruction_set() {
    let mut dice = Dice::new(4, &[]);
    for round in 0..60 {
        let n = 1 + dice.below(6) as u32;
        let gates = 1 + dice.below(30) as usize;
        let mut circuit = random(n, gates, &mut dice);
        if round % 3 == 0 {
            circuit.ops.retain(|op| super::matrix::always_real(op.kind));
        }
        let terms = 1 + dice.below(8) as usize;
        let observable = observable(n, terms, &mut dice);
        let expected = value(&circuit, &observable);
        let circuit = Arc::new(circuit);
        for level in available() {
            let adjoint = super::Adjoint::new(&circuit, &observable, None, level).expect("gates only");
            let (found, slopes) = adjoint.gradient(&circuit.params, &|_| false).expect("angles of the circuit");
            assert!((found - expected).abs() < 1e-12, "{level:?}: {found} for {expected} in {circuit:?}");
            let alone = adjoint.value(&circuit.params, &|_| false).expect("angles of the circuit");
            assert_eq!(alone, found);
            let used: Vec<usize> =
                circuit.ops.iter().flat_map(|op| (0..op.kind.n_params()).map(|k| op.param as usize + k)).collect();
            for angle in used {
                let [up, down] = [1e-4, -1e-4].map(|by| value(&moved(&circuit, angle, by), &observable));
                let slope = (up - down) / 2e-4;
                assert!(
                    (slope - slopes[angle]).abs() < 1e-7,
                    "{level:?}: {} for {slope} in {circuit:?}",
                    slopes[angle]
                );
            }
        }
    }
}

#[test]
fn metrics_are_second_differences_of_overlaps() {
    let mut dice = Dice::new(5, &[]);
    for _ in 0..30 {
        let n = 1 + dice.below(4) as u32;
        let circuit = random(n, 8, &mut dice);
        let size = circuit.params.len();
        let unitary = super::Unitary::new(&circuit, None, super::level()).expect("gates only");
        let single: Vec<Vec<(usize, f64)>> = (0..size).map(|k| vec![(k, 1.0)]).collect();
        let found = unitary.metric(&circuit.params, &single, size, &|_| false).expect("angles of the circuit");
        let here = reference(&circuit);
        let apart = |steps: &[(usize, f64)]| {
            let there = steps.iter().fold(circuit.clone(), |c, &(angle, by)| moved(&c, angle, by));
            let overlap =
                here.iter().zip(reference(&there)).map(|(a, b)| a.conj() * b).fold(C64::default(), |sum, z| sum + z);
            1.0 - overlap.norm()
        };
        let h = 1e-3;
        for i in 0..size {
            for j in 0..size {
                let sum = apart(&[(i, h), (j, h)]) + apart(&[(i, -h), (j, -h)]);
                let difference = apart(&[(i, h), (j, -h)]) + apart(&[(i, -h), (j, h)]);
                let entry = (sum - difference) / (8.0 * h * h);
                assert!((entry - found[i * size + j]).abs() < 1e-5, "{i}, {j}: {entry} in {circuit:?}");
            }
        }
    }
}
