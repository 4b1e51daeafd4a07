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
