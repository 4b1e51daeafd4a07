//! Exact decomposition of controlled and powered gates into kinds, for circuits and for `qmk.ir.synthesis`.
//!
//! No ancilla: a qubit that a step does not touch is borrowed. Multi-controlled X takes O(n) Toffolis with a borrowed
//! qubit, any other multi-controlled gate O(n^2) (Barenco et al., Phys. Rev. A 52, 3457 (1995), lemmas 7.2, 7.4, 7.5);
//! gates on two qubits are factored into two-level unitaries (Reck et al., Phys. Rev. Lett. 73, 58 (1994)).

use crate::circuit::Kind;

use super::limits;
use super::matrix::{dagger, matrix, power, Matrix, ID2, M2, X2};
use crate::complex::{turn, C64, ONE, ZERO};

/// A gate without controls of its own (`base`; None is a phase) under controls (first in `qubits`), to a power.
#[derive(Clone, Debug, PartialEq)]
pub struct Wide {
    pub base: Option<Kind>,
    pub qubits: Vec<u32>,
    pub args: [f64; 3],
    /// What each control must hold.
    pub values: Vec<bool>,
    pub power: f64,
}

/// One gate of a decomposition on operands of the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    pub kind: Kind,
    pub operands: [u32; 3],
    pub args: [f64; 3],
}

const EPSILON: f64 = 1e-14;

#[derive(Default)]
struct Steps(Vec<Step>);

/// The steps of a controlled or powered gate, over its operands' numbers; None when there is no closed form.
pub fn steps(gate: &Wide) -> Option<Vec<Step>> {
    let base = power(matrix(gate.base?, &gate.args)?, gate.power)?;
    (gate.values.len() <= limits::CONTROLS).then(|| controlled(base, &gate.values))
}

/// The steps of a unitary under controls that must hold `values`, and that come before its own qubits. One number is a
/// phase.
pub fn controlled(base: Matrix, values: &[bool]) -> Vec<Step> {
    let controls = values.len() as u32;
    let mut out = Steps::default();
    let flips = || (0..controls).filter(|&k| !values[k as usize]);
    flips().for_each(|k| out.add(Kind::X, &[k], &[]));
    let lines: Vec<u32> = (0..controls).collect();
    let targets: Vec<u32> = (controls..controls + base.len().ilog2()).collect();
    match (&targets[..], &lines[..]) {
        ([], []) => {}
        ([], [rest @ .., last]) => {
            let phase = [[ONE, ZERO], [ZERO, turn(base[0][0].phase())]];
            out.controlled_one(&phase, rest, *last, &[]);
        }
        (&[target], _) => {
            out.controlled_one(&[[base[0][0], base[0][1]], [base[1][0], base[1][1]]], &lines, target, &[]);
        }
        _ => {
            for (low, high, block) in two_level(base) {
                out.two_level_steps(low, high, block, &lines, &targets);
            }
        }
    }
    flips().for_each(|k| out.add(Kind::X, &[k], &[]));
    out.0
}

/// Factors of a unitary in circuit order: each a block on two basis states.
fn two_level(mut work: Matrix) -> Vec<(usize, usize, M2)> {
    let size = work.len();
    let mut undo = Vec::new();
    for column in 0..size - 1 {
        for row in column + 1..size {
            if work[row][column].abs() < EPSILON {
                continue;
            }
            let (a, b) = (work[column][column], work[row][column]);
            let scale = 1.0 / a.abs().hypot(b.abs());
            let givens: M2 = [[a.conj() * scale, b.conj() * scale], [-b * scale, a * scale]];
            let (above, below) = work.split_at_mut(row);
            for (x, y) in above[column].iter_mut().zip(&mut below[0]) {
                (*x, *y) = (givens[0][0] * *x + givens[0][1] * *y, givens[1][0] * *x + givens[1][1] * *y);
            }
            undo.push((column, row, dagger(&givens)));
        }
    }
    let mut factors = Vec::new();
    for (state, row) in work.iter().enumerate() {
        let angle = row[state].phase();
        if angle.abs() > EPSILON {
            factors.push((state ^ 1, state, [[ONE, ZERO], [ZERO, turn(angle)]]));
        }
    }
    factors.extend(undo.into_iter().rev());
    factors
}

impl Steps {
    fn add(&mut self, kind: Kind, operands: &[u32], args: &[f64]) {
        let mut step = Step { kind, operands: [u32::MAX; 3], args: [0.0; 3] };
        step.operands[..operands.len()].copy_from_slice(operands);
        step.args[..args.len()].copy_from_slice(args);
        self.0.push(step);
    }

    /// `block` on the span of two basis states of `targets` (first target = most significant).
    fn two_level_steps(&mut self, mut low: usize, mut high: usize, mut block: M2, controls: &[u32], targets: &[u32]) {
        let count = targets.len();
        let value = |state: usize, position: usize| state >> (count - 1 - position) & 1;
        let differing: Vec<usize> = (0..count).filter(|&p| value(low, p) != value(high, p)).collect();
        let pivot = differing[0];
        if value(low, pivot) == 1 {
            std::mem::swap(&mut low, &mut high);
            block = [[block[1][1], block[1][0]], [block[0][1], block[0][0]]];
        }
        let mut frame = Steps::default();
        for &p in &differing[1..] {
            frame.add(Kind::Cnot, &[targets[pivot], targets[p]], &[]);
        }
        for p in (0..count).filter(|&p| p != pivot && value(low, p) == 0) {
            frame.add(Kind::X, &[targets[p]], &[]);
        }
        let others = (0..count).filter(|&p| p != pivot).map(|p| targets[p]);
        let lines: Vec<u32> = controls.iter().copied().chain(others).collect();
        self.0.extend_from_slice(&frame.0);
        self.controlled_one(&block, &lines, targets[pivot], &[]);
        self.0.extend(frame.0.iter().rev());
    }

    /// `matrix` on one qubit under `controls`; `spare` are borrowed qubits.
    fn controlled_one(&mut self, matrix: &M2, controls: &[u32], target: u32, spare: &[u32]) {
        if equal(matrix, &ID2) {
            return;
        }
        match controls {
            [] => {
                let (_, beta, gamma, delta) = zyz(matrix);
                self.add(Kind::U, &[target], &[gamma, beta, delta]);
            }
            _ if equal(matrix, &X2) => self.multi_x(controls, target, spare),
            [control] => self.controlled_once(matrix, *control, target),
            [rest @ .., last] => {
                let root = square_root(matrix);
                let with_target = join(spare, target);
                self.controlled_once(&root, *last, target);
                self.multi_x(rest, *last, &with_target);
                self.controlled_once(&dagger(&root), *last, target);
                self.multi_x(rest, *last, &with_target);
                self.controlled_one(&root, rest, target, &join(spare, *last));
            }
        }
    }

    /// X under controls: linear with a borrowed qubit, quadratic without one.
    fn multi_x(&mut self, controls: &[u32], target: u32, spare: &[u32]) {
        match controls {
            [] => self.add(Kind::X, &[target], &[]),
            [a] => self.add(Kind::Cnot, &[*a, target], &[]),
            [a, b] => self.add(Kind::Toffoli, &[*a, *b, target], &[]),
            _ if spare.len() >= controls.len() - 2 => self.chain(controls, target, spare),
            [rest @ .., last] => match spare.first() {
                Some(&free) => {
                    let (left, right) = controls.split_at(controls.len().div_ceil(2));
                    let (over, through) = (join(right, target), join(right, free));
                    for _ in 0..2 {
                        self.multi_x(left, free, &over);
                        self.multi_x(&through, target, left);
                    }
                }
                None => {
                    let root = square_root(&X2);
                    self.controlled_once(&root, *last, target);
                    self.multi_x(rest, *last, &[target]);
                    self.controlled_once(&dagger(&root), *last, target);
                    self.multi_x(rest, *last, &[target]);
                    self.controlled_one(&root, rest, target, &[*last]);
                }
            },
        }
    }

    /// Lemma 7.2: a ladder of Toffolis over borrowed qubits, run twice.
    fn chain(&mut self, controls: &[u32], target: u32, spare: &[u32]) {
        let work = &spare[..controls.len() - 2];
        let mut rungs = Steps::default();
        for k in (0..work.len()).rev() {
            let upper = if k + 1 == work.len() { target } else { work[k + 1] };
            rungs.add(Kind::Toffoli, &[controls[k + 2], work[k], upper], &[]);
        }
        let mut foot = Steps::default();
        foot.add(Kind::Toffoli, &[controls[0], controls[1], work[0]], &[]);
        for rungs in [&rungs.0[..], &rungs.0[1..]] {
            self.0.extend_from_slice(rungs);
            self.0.extend_from_slice(&foot.0);
            self.0.extend(rungs.iter().rev());
        }
    }

    /// One control: ABC decomposition (Nielsen and Chuang, corollary 4.2), diagonal gates shorter.
    fn controlled_once(&mut self, matrix: &M2, control: u32, target: u32) {
        if matrix[0][1].abs() < EPSILON {
            let (first, second) = (matrix[0][0].phase(), matrix[1][1].phase());
            if first.abs() > EPSILON {
                self.add(Kind::P, &[control], &[first]);
            }
            self.add(Kind::Cp, &[control, target], &[second - first]);
            return;
        }
        if equal(matrix, &X2) {
            return self.add(Kind::Cnot, &[control, target], &[]);
        }
        let (alpha, beta, gamma, delta) = zyz(matrix);
        self.add(Kind::Rz, &[target], &[(delta - beta) / 2.0]);
        self.add(Kind::Cnot, &[control, target], &[]);
        self.add(Kind::Rz, &[target], &[-(delta + beta) / 2.0]);
        self.add(Kind::Ry, &[target], &[-gamma / 2.0]);
        self.add(Kind::Cnot, &[control, target], &[]);
        self.add(Kind::Ry, &[target], &[gamma / 2.0]);
        self.add(Kind::Rz, &[target], &[beta]);
        self.add(Kind::P, &[control], &[alpha]);
    }
}

fn join(spare: &[u32], last: u32) -> Vec<u32> {
    spare.iter().copied().chain([last]).collect()
}

/// (alpha, beta, gamma, delta) with `matrix = e^{i alpha} RZ(beta) RY(gamma) RZ(delta)`.
pub fn zyz(matrix: &M2) -> (f64, f64, f64, f64) {
    let [[a, b], [c, d]] = *matrix;
    let gamma = 2.0 * c.abs().atan2(a.abs());
    if a.abs() < EPSILON {
        let beta = c.phase() - (-b).phase();
        return (c.phase() - beta / 2.0, beta, gamma, 0.0);
    }
    let (beta, delta) = if c.abs() < EPSILON {
        (d.phase() - a.phase(), 0.0)
    } else {
        (c.phase() - a.phase(), (-b).phase() - a.phase())
    };
    (a.phase() + (beta + delta) / 2.0, beta, gamma, delta)
}

/// A unitary whose square is `matrix` (Cayley-Hamilton).
fn square_root(matrix: &M2) -> M2 {
    let [[a, b], [c, d]] = *matrix;
    let mut root = (a * d - b * c).sqrt();
    if (a + d + root * 2.0).abs() < (a + d - root * 2.0).abs() {
        root = -root;
    }
    let scale = (a + d + root * 2.0).sqrt();
    [[(a + root) / scale, b / scale], [c / scale, (d + root) / scale]]
}

fn equal(a: &M2, b: &M2) -> bool {
    a.iter().flatten().zip(b.iter().flatten()).all(|(x, y): (&C64, &C64)| (*x - *y).abs() < EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qasm::matrix::one;

    /// A column of the product of `steps`: what they make of basis state `input`, first qubit most significant.
    fn run(steps: &[Step], qubits: usize, input: usize) -> Vec<C64> {
        let mut state = vec![ZERO; 1 << qubits];
        state[input] = ONE;
        let bit = |q: u32| 1usize << (qubits - 1 - q as usize);
        for step in steps {
            let (base, controls) = match step.kind {
                Kind::Cnot => (Kind::X, 1),
                Kind::Toffoli => (Kind::X, 2),
                Kind::Cp => (Kind::P, 1),
                other => (other, 0),
            };
            let matrix = one(base, &step.args).expect("a gate on one qubit");
            let lines = step.operands[..controls].iter().fold(0, |lines, &q| lines | bit(q));
            let target = bit(step.operands[controls]);
            for low in (0..state.len()).filter(|k| k & target == 0 && k & lines == lines) {
                let (a, b) = (state[low], state[low | target]);
                state[low] = matrix[0][0] * a + matrix[0][1] * b;
                state[low | target] = matrix[1][0] * a + matrix[1][1] * b;
            }
        }
        state
    }

    #[test]
    fn controlled_powers_are_what_they_say_up_to_a_phase() {
        let bases = [
            (Kind::X, [0.0; 3]),
            (Kind::H, [0.0; 3]),
            (Kind::U, [0.3, 1.1, -0.4]),
            (Kind::T, [0.0; 3]),
            (Kind::Swap, [0.0; 3]),
            (Kind::Iswap, [0.0; 3]),
            (Kind::Rxx, [0.9, 0.0, 0.0]),
        ];
        for (base, args) in bases {
            for values in [vec![], vec![true], vec![true, false], vec![true; 3], vec![true; 5]] {
                for exponent in [1.0, 0.5, -2.0] {
                    let qubits = base.n_qubits() + values.len();
                    let all: Vec<u32> = (0..qubits as u32).collect();
                    let wide = Wide { base: Some(base), qubits: all, args, values: values.clone(), power: exponent };
                    check(&wide, qubits);
                }
            }
        }
    }

    fn check(wide: &Wide, qubits: usize) {
        let found = steps(wide).expect("a decomposition");
        let block =
            power(matrix(wide.base.expect("a base"), &wide.args).expect("a matrix"), wide.power).expect("a power");
        let targets = block.len();
        let active = wide.values.iter().fold(0, |held, &value| held << 1 | value as usize) * targets;
        let mut phase = None;
        for input in 0..1 << qubits {
            for (row, &got) in run(&found, qubits, input).iter().enumerate() {
                let inside = |k: usize| (active..active + targets).contains(&k);
                let expected = match (inside(row), inside(input)) {
                    (true, true) => block[row - active][input - active],
                    _ if row == input => ONE,
                    _ => ZERO,
                };
                if phase.is_none() && expected.abs() > 0.1 {
                    phase = Some(got / expected);
                }
                let wanted = expected * phase.unwrap_or(ONE);
                assert!((got - wanted).abs() < 1e-9, "{wide:?} {row} {input}");
            }
        }
    }
}
