//! Gradients of expectation values by adjoint differentiation (Jones and Gacon, 2020).
//!
//! Backwards through the gates, with |psi> before and |lambda> = O |psi> carried along, the derivative by an angle of
//! gate U is 2 Re <lambda| dU |psi>. That number needs only the transition matrix of the two states on the qubits of
//! the gate, so each gate costs three passes, whatever the number of angles. Gates on one qubit that follow each other
//! are one, and the controls of a gate only say which amplitudes it touches.

use std::sync::Arc;

use super::flat::{gates_of, merged, Flat};
use super::hamiltonian::PauliSum;
use super::isa::Level;
use super::matrix::{always_real, of_gate, Mat};
use super::Refused;
use crate::circuit::{Circuit, Kind, Op};
use crate::complex::C64;

/// Gates in order: one, or several on the same qubit.
pub struct Step {
    ops: Vec<Op>,
    targets: Vec<u32>,
    controls: Vec<u32>,
    /// Whether a derivative by one of its angles is wanted.
    varies: bool,
}

/// The gates of a circuit at any values of its angles.
pub struct Unitary {
    pub steps: Vec<Step>,
    pub n: u32,
    pub n_angles: usize,
    /// Whether all amplitudes are real at all angles.
    pub real: bool,
    pub level: Level,
}

/// The derivative of the matrix of a gate without controls by its angle number `which`, last operand being bit 0.
fn derivative(kind: Kind, angles: &[f64], which: usize) -> Mat {
    let times_i = |z: C64| C64 { re: -z.im, im: z.re };
    let mut out = of_gate(kind, angles);
    match (kind, which) {
        // Rows (phi) or columns (lambda) with e^{i angle} as a factor.
        (Kind::P, _) | (Kind::U, 1) | (Kind::U, 2) => {
            for (at, z) in out.m_mut().iter_mut().enumerate() {
                let has = if kind == Kind::U && which == 2 { at & 1 == 1 } else { at >> 1 == 1 };
                *z = if has { times_i(*z) } else { C64::default() };
            }
        }
        // exp(-i angle/2 G) with G^2 = 1: half the matrix at angle + pi.
        _ => {
            let mut shifted = angles.to_vec();
            shifted[which] += std::f64::consts::PI;
            out = of_gate(kind, &shifted);
            out.m_mut().iter_mut().for_each(|z| *z = *z * 0.5);
        }
    }
    out
}

impl Step {
    /// Its angles of gate `op` among all.
    fn angles<'a>(op: &Op, all: &'a [f64]) -> &'a [f64] {
        let n = op.kind.n_params();
        if n == 0 {
            return &[];
        }
        &all[op.param as usize..op.param as usize + n]
    }

    fn base(op: &Op) -> Kind {
        op.kind.peeled().0
    }

    /// Multiplies gates from the left, without their controls.
    fn times(mat: &mut Mat, ops: &[Op], all: &[f64]) {
        for op in ops {
            mat.left(&of_gate(Step::base(op), Step::angles(op, all)), &[0, 1][..mat.k]);
        }
    }

    /// The matrix on its targets, the last being bit 0.
    fn matrix(&self, all: &[f64]) -> Mat {
        let mut mat = of_gate(Step::base(&self.ops[0]), Step::angles(&self.ops[0], all));
        Step::times(&mut mat, &self.ops[1..], all);
        mat
    }

    /// (number of the angle, derivative of the matrix) for each of its angles.
    fn slopes(&self, all: &[f64]) -> Vec<(usize, Mat)> {
        let mut out = Vec::new();
        let mut before = Mat::identity(self.targets.len());
        for (k, op) in self.ops.iter().enumerate() {
            let (base, angles) = (Step::base(op), Step::angles(op, all));
            for which in 0..angles.len() {
                let mut mat = before.clone();
                mat.left(&derivative(base, angles, which), &[0, 1][..mat.k]);
                Step::times(&mut mat, &self.ops[k + 1..], all);
                out.push((op.param as usize + which, mat));
            }
            Step::times(&mut before, &self.ops[k..k + 1], all);
        }
        out
    }
}

impl Unitary {
    /// `wanted`: of each angle, whether a derivative by it is.
    pub fn new(circuit: &Circuit, wanted: Option<&[bool]>, level: Level) -> Result<Unitary, Refused> {
        let n_angles = circuit.params.len();
        if let Some(wanted) = wanted.filter(|w| w.len() != n_angles) {
            return Err(Refused::Malformed(format!("{} marks for {n_angles} angles", wanted.len())));
        }
        let gates = gates_of(circuit)?;
        let real = gates.iter().all(|op| always_real(op.kind));
        let is_wanted = |op: &Op| {
            let n = op.kind.n_params();
            n > 0 && wanted.is_none_or(|w| w[op.param as usize..op.param as usize + n].iter().any(|&x| x))
        };
        let steps = merged(&gates).into_iter().map(|ops| {
            let (controls, targets) = ops[0].qubits().split_at(ops[0].kind.peeled().1);
            Step {
                varies: ops.iter().any(|op| is_wanted(op)),
                targets: targets.to_vec(),
                controls: controls.to_vec(),
                ops: ops.into_iter().copied().collect(),
            }
        });
        Ok(Unitary { steps: steps.collect(), n: circuit.n_qubits, n_angles, real, level })
    }

    fn check(&self, angles: &[f64]) -> Result<(), Refused> {
        if angles.len() == self.n_angles && angles.iter().all(|x| x.is_finite()) {
            return Ok(());
        }
        let (given, n) = (angles.len(), self.n_angles);
        Err(Refused::Malformed(format!("{given} angles, where the circuit has {n} and all must be finite")))
    }

    fn parts(&self) -> usize {
        2 - self.real as usize
    }

    fn zero(&self) -> Flat<f64> {
        Flat::zero(self.n, 0, self.parts(), self.level)
    }

    fn empty(&self) -> Flat<f64> {
        Flat::empty(self.n, 0, self.parts(), self.level)
    }

    /// The final state.
    fn state(&self, mats: &[Mat], stop: &dyn Fn(u64) -> bool) -> Result<Flat<f64>, Refused> {
        let mut psi = self.zero();
        for (step, mat) in self.steps.iter().zip(mats) {
            psi.apply(mat, &step.targets, &step.controls);
            asked(stop, &psi, 1)?;
        }
        Ok(psi)
    }

    fn matrices(&self, angles: &[f64]) -> Vec<Mat> {
        self.steps.iter().map(|step| step.matrix(angles)).collect()
    }

    /// The Fubini-Study metric, Re <d_i|d_j> - <d_i|psi><psi|d_j>, row after row, of parameters on which the angles
    /// depend: `factors[angle]` has (parameter, derivative of the angle by it).
    pub fn metric(
        &self,
        angles: &[f64],
        factors: &[Vec<(usize, f64)>],
        n_parameters: usize,
        stop: &dyn Fn(u64) -> bool,
    ) -> Result<Vec<f64>, Refused> {
        self.check(angles)?;
        if factors.len() != self.n_angles || factors.iter().flatten().any(|(p, f)| *p >= n_parameters || !f.is_finite())
        {
            return Err(Refused::Malformed("factors of other angles or parameters".to_owned()));
        }
        let mut psi = self.zero();
        let mut tangents: Vec<Option<Flat<f64>>> = (0..n_parameters).map(|_| None).collect();
        for step in &self.steps {
            let mat = step.matrix(angles);
            for tangent in tangents.iter_mut().flatten() {
                tangent.apply(&mat, &step.targets, &step.controls);
                asked(stop, tangent, 1)?;
            }
            for (angle, slope) in step.slopes(angles) {
                for &(parameter, factor) in &factors[angle] {
                    let mut turned = slope.clone();
                    turned.m_mut().iter_mut().for_each(|z| *z = *z * factor);
                    let mut moved = self.empty();
                    moved.amplitudes.copy_from_slice(&psi.amplitudes);
                    moved.project(&step.controls);
                    moved.apply(&turned, &step.targets, &step.controls);
                    match &mut tangents[parameter] {
                        Some(sum) => sum.amplitudes.iter_mut().zip(&moved.amplitudes[..]).for_each(|(x, y)| *x += y),
                        none => *none = Some(moved),
                    }
                    asked(stop, &psi, 3)?;
                }
            }
            psi.apply(&mat, &step.targets, &step.controls);
        }
        let along: Vec<f64> = tangents.iter().map(|t| t.as_ref().map_or(0.0, |t| psi.cross(t))).collect();
        let mut out = vec![0.0; n_parameters * n_parameters];
        for i in 0..n_parameters {
            for j in 0..=i {
                let (Some(a), Some(b)) = (&tangents[i], &tangents[j]) else { continue };
                let entry = a.dot(b) - along[i] * along[j];
                (out[i * n_parameters + j], out[j * n_parameters + i]) = (entry, entry);
                asked(stop, &psi, 1)?;
            }
        }
        Ok(out)
    }
}

/// Asks `stop` after `passes` passes over a state.
fn asked(stop: &dyn Fn(u64) -> bool, state: &Flat<f64>, passes: u64) -> Result<(), Refused> {
    if stop(passes * state.amplitudes.len() as u64) {
        return Err(Refused::Stopped);
    }
    Ok(())
}

/// The expectation value of a sum of Pauli strings in the final state of a circuit, and its derivatives, at any values
/// of the circuit's angles; in f64.
pub struct Adjoint {
    unitary: Unitary,
    observable: PauliSum<f64>,
}

impl Adjoint {
    pub fn new(
        circuit: &Arc<Circuit>,
        observable: &[(String, f64)],
        wanted: Option<&[bool]>,
        level: Level,
    ) -> Result<Adjoint, Refused> {
        let unitary = Unitary::new(circuit, wanted, level)?;
        let observable = PauliSum::new(observable, unitary.n, unitary.real)?;
        Ok(Adjoint { unitary, observable })
    }

    /// |psi>, O |psi>, and the value.
    fn ends(&self, mats: &[Mat], stop: &dyn Fn(u64) -> bool) -> Result<(Flat<f64>, Flat<f64>, f64), Refused> {
        let psi = self.unitary.state(mats, stop)?;
        let mut lambda = self.unitary.empty();
        self.observable.add(&mut lambda, &psi, stop)?;
        let value = psi.dot(&lambda);
        Ok((psi, lambda, value))
    }

    pub fn value(&self, angles: &[f64], stop: &dyn Fn(u64) -> bool) -> Result<f64, Refused> {
        self.unitary.check(angles)?;
        Ok(self.ends(&self.unitary.matrices(angles), stop)?.2)
    }

    /// The value and its derivative by every angle, 0 for those that are not wanted.
    pub fn gradient(&self, angles: &[f64], stop: &dyn Fn(u64) -> bool) -> Result<(f64, Vec<f64>), Refused> {
        self.unitary.check(angles)?;
        let steps = &self.unitary.steps;
        let mats = self.unitary.matrices(angles);
        let (mut psi, mut lambda, value) = self.ends(&mats, stop)?;
        let mut out = vec![0.0; angles.len()];
        let first = steps.iter().position(|step| step.varies).unwrap_or(steps.len());
        for (step, mat) in steps.iter().zip(&mats).skip(first).rev() {
            let inverse = mat.dagger();
            psi.apply(&inverse, &step.targets, &step.controls);
            if step.varies {
                let found = psi.transitions(&lambda, &step.targets, &step.controls);
                for (angle, slope) in step.slopes(angles) {
                    let sum: f64 = slope.m().iter().zip(&found).map(|(d, t)| (*d * *t).re).sum();
                    out[angle] += 2.0 * sum;
                }
            }
            lambda.apply(&inverse, &step.targets, &step.controls);
            asked(stop, &psi, 3)?;
        }
        Ok((value, out))
    }
}
