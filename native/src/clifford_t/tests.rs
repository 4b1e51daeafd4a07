//! Unitaries before and after, on random circuits, and counts on a circuit whose least count is known.

use super::*;
use crate::circuit::{matrix, Kind, ALL};
use crate::complex::{c, C64, ZERO};

/// Numbers of Knuth's linear congruence, from 0 to below `below`.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % below
    }

    fn angle(&mut self) -> f64 {
        self.below(1 << 20) as f64 / (1 << 20) as f64 * 12.0 - 6.0
    }
}

fn random(n_qubits: usize, gates: usize, eighths: bool, numbers: &mut Numbers) -> Circuit {
    let mut circuit = Circuit { n_qubits: n_qubits as u32, ..Circuit::default() };
    let kinds: Vec<Kind> = ALL.iter().copied().filter(|k| k.is_gate() && k.n_qubits() <= n_qubits).collect();
    for _ in 0..gates {
        let kind = kinds[numbers.below(kinds.len())];
        let mut qubits: Vec<u32> = Vec::new();
        while qubits.len() < kind.n_qubits() {
            let q = numbers.below(n_qubits) as u32;
            if !qubits.contains(&q) {
                qubits.push(q);
            }
        }
        let eighth = std::f64::consts::FRAC_PI_4;
        let angle = |n: &mut Numbers| if eighths { n.below(16) as f64 * eighth } else { n.angle() };
        let angles: Vec<f64> = (0..kind.n_params()).map(|_| angle(numbers)).collect();
        circuit.push_gate(kind, &qubits, &angles);
    }
    circuit
}

/// Applies a gate to a state; qubit 0 is the most significant bit.
fn apply(state: &mut [C64], n: usize, circuit: &Circuit, op: &crate::circuit::Op) {
    if op.kind.n_qubits() == 3 {
        matrix::split_three(op, &mut |kind, qubits, angles| {
            let mut part = Circuit { n_qubits: n as u32, ..Circuit::default() };
            part.push_gate(kind, qubits, angles);
            apply(state, n, &part, &part.ops[0]);
        });
        return;
    }
    let angles = circuit.angles(op);
    let bits: Vec<usize> = op.qubits().iter().map(|&q| 1 << (n - 1 - q as usize)).collect();
    let all: usize = bits.iter().sum();
    let size = 1 << bits.len();
    let m: Vec<C64> = match bits.len() {
        1 => matrix::one(op.kind, angles).to_vec(),
        _ => matrix::two(op.kind, angles).to_vec(),
    };
    let place = |base: usize, k: usize| {
        base | bits
            .iter()
            .enumerate()
            .filter(|(at, _)| k >> (bits.len() - 1 - at) & 1 == 1)
            .map(|(_, b)| b)
            .sum::<usize>()
    };
    for base in (0..state.len()).filter(|base| base & all == 0) {
        let old: Vec<C64> = (0..size).map(|k| state[place(base, k)]).collect();
        for row in 0..size {
            state[place(base, row)] = (0..size).fold(ZERO, |sum, k| sum + m[row * size + k] * old[k]);
        }
    }
}

fn unitary(circuit: &Circuit) -> Vec<Vec<C64>> {
    let n = circuit.n_qubits as usize;
    (0..1usize << n)
        .map(|start| {
            let mut state = vec![ZERO; 1 << n];
            state[start] = c(1.0, 0.0);
            circuit.ops.iter().for_each(|op| apply(&mut state, n, circuit, op));
            state
        })
        .collect()
}

/// Frobenius norm of the difference up to a global phase, a bound for the operator norm.
fn distance(a: &[Vec<C64>], b: &[Vec<C64>]) -> f64 {
    let overlap = a.iter().flatten().zip(b.iter().flatten()).fold(ZERO, |sum, (x, y)| sum + x.conj() * *y);
    let size = (overlap.re * overlap.re + overlap.im * overlap.im).sqrt();
    let phase = c(overlap.re / size, overlap.im / size);
    let off = |(x, y): (&C64, &C64)| {
        let d = *y + c(-1.0, 0.0) * phase * *x;
        d.re * d.re + d.im * d.im
    };
    a.iter().flatten().zip(b.iter().flatten()).map(off).sum::<f64>().sqrt()
}

const KEEP: Options = Options { tolerance: 1e-12, keep_unitary: true, ancillae: false, effort: 1, by_depth: false };

#[test]
fn joining_keeps_the_unitary() {
    let mut numbers = Numbers(7);
    for round in 0..120 {
        let source = random(1 + round % 5, 40, round % 2 == 0, &mut numbers);
        let made = folded(&source, &KEEP);
        assert!(distance(&unitary(&source), &unitary(&made)) < 1e-9, "round {round}");
        let (was, is) = (counts(&lower::lowered(&source), 1e-12), counts(&made, 1e-12));
        assert!(is.t + is.rotations <= was.t + was.rotations && is.two_qubit <= was.two_qubit, "round {round}");
    }
}

#[test]
fn clifford_t_stays_within_its_error() {
    let mut numbers = Numbers(11);
    for (round, epsilon) in [1e-2, 1e-4, 1e-6, 1e-8].into_iter().cycle().take(24).enumerate() {
        let source = random(2 + round % 3, 12, false, &mut numbers);
        let (made, report) = clifford_t(&source, epsilon, &KEEP).unwrap();
        assert_eq!(report.after.rotations, 0);
        assert!(report.replaced.error <= epsilon);
        let off = distance(&unitary(&source), &unitary(&made));
        // The Frobenius norm is at most 2^(n/2) times the operator norm.
        assert!(off <= epsilon * 2f64.powi(made.n_qubits as i32).sqrt() + 1e-9, "round {round}: {off:e}");
    }
}

#[test]
fn toffoli_and_its_inverse_take_no_t() {
    let mut circuit = Circuit { n_qubits: 3, ..Circuit::default() };
    circuit.push_gate(Kind::Toffoli, &[0, 1, 2], &[]);
    circuit.push_gate(Kind::S, &[0], &[]);
    circuit.push_gate(Kind::Toffoli, &[1, 0, 2], &[]);
    let made = folded(&circuit, &KEEP);
    assert_eq!(counts(&made, 1e-12).t, 0);
    assert!(distance(&unitary(&circuit), &unitary(&made)) < 1e-9);
}

#[test]
fn an_epsilon_out_of_bounds_is_refused() {
    let mut circuit = Circuit { n_qubits: 1, ..Circuit::default() };
    circuit.push_gate(Kind::Rz, &[0], &[0.3]);
    for epsilon in [0.0, -1.0, f64::NAN, 2.0, 1e-13] {
        assert!(clifford_t(&circuit, epsilon, &KEEP).is_err(), "{epsilon:e}");
    }
}

#[test]
fn rotations_take_three_t_gates_a_bit() {
    let mut numbers = Numbers(3);
    for epsilon in [1e-3, 1e-6, 1e-10, 1e-12] {
        let mut t = 0;
        for _ in 0..40 {
            let angle = numbers.angle();
            let made = rz::synthesize(angle, epsilon).unwrap();
            let counted = made.gates.iter().filter(|kind| matches!(kind, Kind::T | Kind::Tdg)).count();
            assert_eq!(counted, made.t_count);
            assert!(made.error <= epsilon);
            t += counted;
        }
        assert!((t as f64) / 40.0 < 3.0 * (1.0 / epsilon).log2() + 1.0, "{epsilon:e}: {t}");
    }
}

/// The state of the first `n` qubits after a circuit that leaves its ancillae in |0>, for given outcomes in turn.
fn branch(circuit: &Circuit, start: usize, outcomes: &mut Numbers) -> Vec<C64> {
    let n = circuit.n_qubits as usize;
    let mut state = vec![ZERO; 1 << n];
    state[start] = c(1.0, 0.0);
    let mut bits = vec![false; circuit.n_cbits as usize];
    for op in circuit.ops.iter().filter(|op| op.kind.is_gate() || op.kind != Kind::Logic) {
        let bit = op.q[0];
        let mask = 1usize << (n - 1 - bit as usize);
        match op.kind {
            Kind::Measure => {
                let one = outcomes.below(2) == 1;
                bits[op.cbit as usize] = one;
                let kept = |at: usize| (at & mask != 0) == one;
                let norm: f64 =
                    (0..state.len()).filter(|&at| kept(at)).map(|at| state[at].re.powi(2) + state[at].im.powi(2)).sum();
                assert!((norm - 0.5).abs() < 1e-9, "either outcome is as likely");
                let up = 1.0 / norm.sqrt();
                (0..state.len()).for_each(|at| state[at] = if kept(at) { state[at] * up } else { ZERO });
            }
            Kind::Reset => {
                // Measured before: one of the halves is empty.
                for at in (0..state.len()).filter(|at| at & mask == 0) {
                    state[at] = state[at] + state[at | mask];
                    state[at | mask] = ZERO;
                }
            }
            _ if circuit.holds(op.cond, &|c| bits[c as usize]) => apply(&mut state, n, circuit, op),
            _ => (),
        }
    }
    state
}

#[test]
fn temporary_ands_keep_the_unitary() {
    let mut source = Circuit { n_qubits: 4, ..Circuit::default() };
    for q in 0..4 {
        source.push_gate(Kind::U, &[q], &[0.3 + q as f64, 0.7, -0.2]);
    }
    source.push_gate(Kind::Toffoli, &[0, 1, 2], &[]);
    source.push_gate(Kind::Cnot, &[2, 3], &[]);
    source.push_gate(Kind::Ccz, &[1, 2, 3], &[]);
    source.push_gate(Kind::H, &[3], &[]);
    source.push_gate(Kind::Toffoli, &[1, 0, 2], &[]);
    // The controls change and get their values back, also as targets, and one is turned over.
    for (control, target) in [(0, 1), (0, 1)] {
        source.push_gate(Kind::Cnot, &[control, target], &[]);
        source.push_gate(Kind::Toffoli, &[0, 1, 3], &[]);
    }
    source.push_gate(Kind::Toffoli, &[2, 3, 0], &[]);
    source.push_gate(Kind::X, &[1], &[]);
    source.push_gate(Kind::Toffoli, &[0, 1, 2], &[]);
    source.push_gate(Kind::X, &[1], &[]);
    source.push_gate(Kind::Swap, &[0, 3], &[]);
    source.push_gate(Kind::Toffoli, &[1, 3, 2], &[]);
    let want = unitary(&source);
    let mut outcomes = Numbers(5);
    for least in [1, 2] {
        let (made, ancillae) = ands::with_ands(&source, least);
        made.check().unwrap();
        for round in 0..8 {
            let got: Vec<Vec<C64>> = (0..16)
                .map(|start| branch(&made, start << ancillae, &mut outcomes))
                .map(|state| (0..16).map(|at| state[at << ancillae]).collect())
                .collect();
            // Phases of branches are free, so columns are compared one by one.
            for (a, b) in want.iter().zip(&got) {
                assert!(distance(std::slice::from_ref(a), std::slice::from_ref(b)) < 1e-9, "{least} {round}");
            }
        }
    }
}

#[test]
fn merged_toffolis_keep_the_unitary() {
    let mut numbers = Numbers(31);
    let mut fewer = 0;
    for round in 0..300 {
        let mut source = Circuit { n_qubits: 5, ..Circuit::default() };
        for _ in 0..14 {
            let mut qubits = [0, 1, 2, 3, 4];
            (0..3).for_each(|at| qubits.swap(at, at + numbers.below(5 - at)));
            match numbers.below(5) {
                0 | 1 => source.push_gate(Kind::Toffoli, &[qubits[0], qubits[1], (numbers.below(2) + 3) as u32], &[]),
                2 | 3 => source.push_gate(Kind::Cnot, &qubits[..2], &[]),
                _ => source.push_gate(if numbers.below(3) == 0 { Kind::H } else { Kind::X }, &qubits[..1], &[]),
            }
        }
        source.ops.retain(|op| op.kind != Kind::Toffoli || (op.q[0] != op.q[2] && op.q[1] != op.q[2]));
        let made = merge::merged(&source);
        let toffolis = |of: &Circuit| of.ops.iter().filter(|op| op.kind == Kind::Toffoli).count();
        fewer += toffolis(&source) - toffolis(&made);
        assert!(distance(&unitary(&source), &unitary(&made)) < 1e-9, "round {round}");
    }
    assert!(fewer > 20, "{fewer}");
}

#[test]
fn the_carry_of_a_full_adder_takes_four_t() {
    let mut source = Circuit { n_qubits: 4, ..Circuit::default() };
    source.push_gate(Kind::Toffoli, &[0, 1, 3], &[]);
    source.push_gate(Kind::Cnot, &[0, 1], &[]);
    source.push_gate(Kind::Toffoli, &[1, 2, 3], &[]);
    let (_, report) = clifford_t(&source, 1e-3, &Options { ancillae: true, ..KEEP }).unwrap();
    assert_eq!((report.after.t, report.ancillae), (4, 1));
}

#[test]
fn a_pair_of_toffolis_with_one_ancilla_takes_four_t() {
    let mut source = Circuit { n_qubits: 4, ..Circuit::default() };
    source.push_gate(Kind::Toffoli, &[0, 1, 2], &[]);
    source.push_gate(Kind::H, &[2], &[]);
    source.push_gate(Kind::Toffoli, &[0, 1, 2], &[]);
    let options = Options { ancillae: true, ..KEEP };
    let (_, report) = clifford_t(&source, 1e-3, &options).unwrap();
    assert_eq!((report.after.t, report.ancillae, report.after.measurements), (4, 1, 1));
}

#[test]
fn windows_keep_the_unitary_and_shorten() {
    let mut numbers = Numbers(23);
    for round in 0..30 {
        let source = lower::lowered(&random(2 + round % 4, 40, round % 2 == 0, &mut numbers));
        for widths in [&[2usize][..], &[3, 4], &[0]] {
            let made = window::with_windows(&source, widths, 4, 1e-12);
            assert!(window::cost(&made.ops) <= window::cost(&source.ops));
            assert!(distance(&unitary(&source), &unitary(&made)) < 1e-9, "round {round} {widths:?}");
        }
    }
}
