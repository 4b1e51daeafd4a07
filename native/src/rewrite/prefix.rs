//! The Clifford gates that a circuit begins with, replaced by the shortest way to the state that they make.
//!
//! Any stabilizer state is a sum over an affine space of basis states with phases that are powers of i, quadratic in the
//! coordinates (Dehaene and De Moor, Phys. Rev. A 68, 042318 (2003); Van den Nest, Quantum Inf. Comput. 10, 258 (2010)):
//! with generators g_i = i^(l_i) X^(x_i) Z^(z_i) whose X parts are independent, and b fixed by the others, it is the sum of
//! g_1^(u_1) .. g_r^(u_r) |b>. So H on r qubits makes the coordinates, S and CZ the phases, CNOT the other bits: n^2 gates
//! at most, whatever the prefix was.

use crate::circuit::{Circuit, Kind, Op, NONE};
use crate::frame::pauli::Pauli;
use crate::frame::tableau::Tableau;
use crate::frame::{quarters, rotations};

/// Most qubits: a row is one word.
const QUBITS: u32 = 64;

/// How many times fewer gates there must be.
const FEWER: usize = 2;

/// The circuit with a shorter prefix, up to one phase; None where that is not much shorter.
pub fn shortened(circuit: &Circuit) -> Option<Circuit> {
    if circuit.n_qubits > QUBITS {
        return None;
    }
    let (prefix, rest) = split(circuit);
    let gates = prepared(&stabilizers(circuit, &prefix)?)?;
    if FEWER * gates.len() > prefix.len() {
        return None;
    }
    let mut made = Circuit { ops: Vec::with_capacity(gates.len() + rest.len()), ..circuit.clone() };
    gates.iter().for_each(|(kind, qubits)| made.push_gate(*kind, qubits, &[]));
    made.ops.extend(rest);
    Some(made)
}

/// The Clifford gates that nothing else comes before on their qubits, and all other ops.
fn split(circuit: &Circuit) -> (Vec<Op>, Vec<Op>) {
    let mut met = vec![false; circuit.n_qubits as usize];
    circuit.ops.iter().partition(|op| {
        let free = op.qubits().iter().all(|&q| !met[q as usize]);
        let taken = free && op.cond == NONE && op.kind.is_gate() && is_clifford(circuit, op);
        if !taken {
            op.qubits().iter().for_each(|&q| met[q as usize] = true);
        }
        taken
    })
}

fn is_clifford(circuit: &Circuit, op: &Op) -> bool {
    rotations(op.kind, circuit.angles(op)).list().iter().all(|&(_, angle)| quarters(angle).is_some())
}

/// Generators of the group that fixes the state after these gates on |0..0>: the images of Z under the inverse gates,
/// last one first.
fn stabilizers(circuit: &Circuit, gates: &[Op]) -> Option<Vec<Pauli<1>>> {
    let mut tableau = Tableau::<1>::new(circuit.n_qubits as usize);
    for op in gates.iter().rev() {
        for &(p, angle) in rotations(op.kind, circuit.angles(op)).list().iter().rev() {
            let turns = (4 - quarters(angle)?) & 3;
            if turns != 0 {
                let image = tableau.image(op.qubits(), p);
                tableau.quarters(op.qubits(), p, &image, turns);
            }
        }
    }
    Some((0..circuit.n_qubits as usize).map(|q| *tableau.z(q)).collect())
}

/// Takes out of all rows from `from` on but one the bit that `bit` reads, which that one has; the row is moved to `from`.
fn pivot(rows: &mut [Pauli<1>], from: usize, bit: impl Fn(&Pauli<1>) -> bool) -> bool {
    let Some(at) = (from..rows.len()).find(|&at| bit(&rows[at])) else { return false };
    rows.swap(from, at);
    let row = rows[from];
    for (at, other) in rows.iter_mut().enumerate() {
        if at != from && bit(other) {
            other.absorb(&row, 0);
        }
    }
    true
}

/// Gates that make the state which commuting, independent generators fix; None where they are not that.
fn prepared(generators: &[Pauli<1>]) -> Option<Vec<(Kind, Vec<u32>)>> {
    let (mut rows, n) = (generators.to_vec(), generators.len());
    let has = |mask: u64, q: usize| mask >> q & 1 == 1;
    let mut pivots = Vec::new();
    for q in 0..n {
        if pivot(&mut rows, pivots.len(), |row| has(row.x[0], q)) {
            pivots.push(q);
        }
    }
    let moving = rows[..pivots.len()].to_vec();
    let mut fixed = rows.split_off(pivots.len());
    let others: Vec<usize> = (0..n).filter(|q| !pivots.contains(q)).collect();
    if !others.iter().enumerate().all(|(at, &q)| pivot(&mut fixed, at, |row| has(row.z[0], q))) {
        return None;
    }
    let base = fixed.iter().zip(&others).fold(0u64, |base, (row, &q)| base | (row.neg as u64) << q);
    let odd = |bits: u64| bits.count_ones() & 1;
    let mut gates: Vec<(Kind, Vec<u32>)> = Vec::new();
    pivots.iter().for_each(|&q| gates.push((Kind::H, vec![q as u32])));
    for (i, row) in moving.iter().enumerate() {
        let (q, x, z) = (pivots[i] as u32, row.x[0], row.z[0]);
        let power = 2 * row.neg as u32 + (x & z).count_ones() + 2 * odd(z & base);
        match power & 3 {
            1 => gates.push((Kind::S, vec![q])),
            2 => gates.push((Kind::Z, vec![q])),
            3 => gates.push((Kind::Sdg, vec![q])),
            _ => {}
        }
        for (j, other) in moving.iter().enumerate().skip(i + 1) {
            if odd(z & other.x[0]) == 1 {
                gates.push((Kind::Cz, vec![q, pivots[j] as u32]));
            }
        }
    }
    (0..n).filter(|&q| has(base, q)).for_each(|q| gates.push((Kind::X, vec![q as u32])));
    for (row, &from) in moving.iter().zip(&pivots) {
        let others = (0..n).filter(|&q| q != from && has(row.x[0], q));
        others.for_each(|q| gates.push((Kind::Cnot, vec![from as u32, q as u32])));
    }
    Some(gates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense;
    use crate::dice::Dice;
    use std::f64::consts::{FRAC_PI_2, PI};
    use std::sync::Arc;

    const CLIFFORD: [Kind; 14] = [
        Kind::H,
        Kind::S,
        Kind::Sdg,
        Kind::Sx,
        Kind::X,
        Kind::Y,
        Kind::Z,
        Kind::Cnot,
        Kind::Cz,
        Kind::Cy,
        Kind::Swap,
        Kind::Iswap,
        Kind::Rxx,
        Kind::Cp,
    ];

    fn random(n: u32, gates: usize, kinds: &[Kind], circuit: &mut Circuit, dice: &mut Dice) {
        for _ in 0..gates {
            let kind = kinds[dice.below(kinds.len() as u64) as usize];
            if kind.n_qubits() > n as usize {
                continue;
            }
            let mut qubits: Vec<u32> = (0..n).collect();
            for k in 0..kind.n_qubits() {
                let other = k + dice.below((n as usize - k) as u64) as usize;
                qubits.swap(k, other);
            }
            let step = if kind == Kind::Cp { PI } else { FRAC_PI_2 };
            let angles: Vec<f64> = (0..kind.n_params()).map(|_| step * (dice.below(8) as f64 - 4.0)).collect();
            circuit.push_gate(kind, &qubits[..kind.n_qubits()], &angles);
        }
    }

    fn state(circuit: &Circuit) -> Vec<f64> {
        let plan = dense::Plan::<f64>::compile(&Arc::new(circuit.clone()), 1 << 30).expect("it fits");
        plan.state(&|_| false).expect("gates only")
    }

    #[test]
    fn a_shorter_prefix_makes_the_same_state() {
        let mut dice = Dice::new(3, &[]);
        let (mut taken, mut bases) = (0, 0);
        for round in 0..300 {
            let n = 1 + round % 7;
            let mut circuit = Circuit { n_qubits: n, ..Circuit::default() };
            random(n, 120, &CLIFFORD, &mut circuit, &mut dice);
            random(n, 12, &[Kind::T, Kind::H, Kind::Cnot, Kind::Ch], &mut circuit, &mut dice);
            let Some(shorter) = shortened(&circuit) else { continue };
            assert_eq!(shorter.check(), Ok(()));
            assert!(shorter.ops.len() < circuit.ops.len());
            let (one, other) = (state(&circuit), state(&shorter));
            let pairs = || one.chunks_exact(2).zip(other.chunks_exact(2));
            let (re, im) = pairs()
                .fold((0.0, 0.0), |(re, im), (a, b)| (re + a[0] * b[0] + a[1] * b[1], im + a[0] * b[1] - a[1] * b[0]));
            assert!((re * re + im * im - 1.0).abs() < 1e-9, "{circuit:?}");
            taken += 1;
            bases += shorter.ops.iter().any(|op| op.kind == Kind::X) as u32;
        }
        assert!(taken > 200 && bases > 20, "{taken} {bases}");
    }

    #[test]
    fn what_is_measured_or_under_a_condition_stays_where_it_is() {
        let mut circuit = Circuit { n_qubits: 3, n_cbits: 2, ..Circuit::default() };
        (0..20).for_each(|_| circuit.push_gate(Kind::S, &[0], &[]));
        circuit.ops.push(Op::measure(1, 0));
        let cond = circuit.push_cond(crate::circuit::Cond::Bit(0));
        circuit.ops.push(Op::gate(Kind::X, &[2], NONE).under(cond));
        circuit.push_gate(Kind::Cnot, &[0, 1], &[]);
        circuit.push_gate(Kind::H, &[0], &[]);
        circuit.ops.push(Op::measure(0, 1));
        let shorter = shortened(&circuit).expect("twenty gates on |0> do nothing");
        assert_eq!(shorter.ops, circuit.ops[20..]);
    }
}
