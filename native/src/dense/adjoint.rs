//! Gradients of expectation values by adjoint differentiation (Jones and Gacon, 2020), and the flat state that it and
//! `sweep` run gates on one by one.
//!
//! Backwards through the gates, with |psi> before and |lambda> = O |psi> carried along, the derivative by an angle of
//! gate U is 2 Re <lambda| dU |psi>. That number needs only the transition matrix of the two states on the qubits of
//! the gate, so each gate costs three passes, whatever the number of angles.

use super::buffer::{Buffer, Lines};
use super::isa::{with_isa, Level};
use super::kernels::Feed;
use super::lanes::Real;
use super::lower::{BlockJob, Job};
use super::matrix::{of_gate, Mat};
use super::phases::Scratch;
use super::tiny::Flushed;
use super::Refused;
use crate::circuit::{Circuit, Kind, Op, NONE};
use crate::complex::C64;

/// Gates of a circuit that is nothing but gates and final measurements; otherwise refused.
pub fn gates_of(circuit: &Circuit) -> Result<Vec<&Op>, Refused> {
    let mut measured = vec![false; circuit.n_qubits as usize];
    let mut gates = Vec::new();
    for op in &circuit.ops {
        if op.cond != NONE || op.qubits().iter().any(|&q| measured[q as usize]) {
            return Err(Refused::NotUnitary);
        }
        match op.kind {
            Kind::Measure => measured[op.q[0] as usize] = true,
            Kind::Logic => {}
            kind if kind.is_gate() => gates.push(op),
            _ => return Err(Refused::NotUnitary),
        }
    }
    Ok(gates)
}

/// Derivative of a gate's matrix by its angle number `which`, least significant operand last as in `of_gate`.
pub fn derivative(kind: Kind, angles: &[f64], which: usize) -> Mat {
    let times_i = |z: C64| C64 { re: -z.im, im: z.re };
    let mut shifted = angles.to_vec();
    let whole = of_gate(kind, angles);
    let mut out = whole.clone();
    let dim = out.dim();
    match (kind, which) {
        // Rows (phi) or columns (lambda) with e^{i angle} as a factor.
        (Kind::P, _) | (Kind::Cp, _) | (Kind::U, 1) | (Kind::U, 2) => {
            for r in 0..dim {
                for col in 0..dim {
                    let has = if kind == Kind::U && which == 2 { col == 1 } else { r == dim - 1 };
                    out.m_mut()[r * dim + col] = if has { times_i(whole.at(r, col)) } else { C64::default() };
                }
            }
        }
        // exp(-i angle/2 G) with G^2 = 1: half the matrix at angle + pi, where G acts.
        _ => {
            shifted[which] += std::f64::consts::PI;
            let turned = of_gate(kind, &shifted);
            let controlled = matches!(kind, Kind::Crx | Kind::Cry | Kind::Crz);
            for r in 0..dim {
                for col in 0..dim {
                    let inside = !controlled || r & col & 2 != 0;
                    let z = if inside { turned.at(r, col) * 0.5 } else { C64::default() };
                    out.m_mut()[r * dim + col] = z;
                }
            }
        }
    }
    out
}

/// Amplitudes with qubit q at bit `q + shift`.
pub struct Flat<R: Real> {
    pub amplitudes: Buffer<R>,
    pub bits: u32,
    pub shift: u32,
    /// 2 if complex, 1 if real.
    pub parts: usize,
    pub level: Level,
    scratch: Scratch<R>,
    numbers: Lines<R>,
}

impl<R: Real> Flat<R> {
    pub fn zero(n: u32, shift: u32, parts: usize, level: Level) -> Flat<R> {
        let bits = (n + shift).max(R::LANE_BITS);
        let mut amplitudes = Buffer::zeroed(parts << bits);
        for lane in 0..1usize << shift {
            amplitudes[lane] = R::of(1.0);
        }
        Flat { amplitudes, bits, shift, parts, level, scratch: Scratch::default(), numbers: Lines::new() }
    }

    #[inline]
    pub fn get(&self, x: usize) -> C64 {
        if self.parts == 1 {
            return C64 { re: self.amplitudes[x].f64(), im: 0.0 };
        }
        let at = x / R::W * 2 * R::W + x % R::W;
        C64 { re: self.amplitudes[at].f64(), im: self.amplitudes[at + R::W].f64() }
    }

    /// Applies a matrix whose LAST operand among `qubits` is its bit 0.
    pub fn apply(&mut self, mat: &Mat, qubits: &[u32]) {
        self.apply_each(std::slice::from_ref(mat), qubits);
    }

    /// Applies one matrix a lane, or one for all.
    pub fn apply_each(&mut self, mats: &[Mat], qubits: &[u32]) {
        let mut on = [0u32; 3];
        for (slot, &q) in on.iter_mut().zip(qubits.iter().rev()) {
            *slot = q + self.shift;
        }
        self.numbers.clear();
        let job = if mats.len() == 1 {
            BlockJob::new(&mats[0], &on, &[], self.bits, self.parts == 2, &mut self.numbers)
        } else {
            BlockJob::of_lanes(mats, &on, self.bits, self.parts == 2, &mut self.numbers)
        };
        let (job, data) = (Job::Block(job), self.amplitudes.as_mut_ptr());
        let _flushed = Flushed::new();
        // SAFETY: the job is made for a chunk of all bits of this state, which is borrowed alone; `level` was found on
        // this machine.
        with_isa!(self.level, I => unsafe { job.run::<R, I>(data, 0, &self.numbers, &mut self.scratch, &mut Feed::none()) });
    }

    /// sum over the rest of conj(left[a, rest]) self[b, rest], a and b being values of `qubits`.
    fn transitions(&self, left: &Flat<R>, qubits: &[u32]) -> [C64; 64] {
        let k = qubits.len();
        let mut out = [C64::default(); 64];
        let bit = |b: usize| 1usize << (qubits[k - 1 - b] + self.shift);
        let place: [usize; 8] = std::array::from_fn(|v| (0..k).filter(|b| v >> b & 1 == 1).map(bit).sum());
        let mask: usize = (0..k).map(bit).sum();
        for base in (0..1usize << self.bits).filter(|x| x & mask == 0) {
            let here: [C64; 8] =
                std::array::from_fn(|v| if v < 1 << k { self.get(base | place[v]) } else { C64::default() });
            for a in 0..1 << k {
                let there = left.get(base | place[a]).conj();
                for (slot, &z) in out[a << k..].iter_mut().zip(&here[..1 << k]) {
                    *slot = *slot + there * z;
                }
            }
        }
        out
    }
}

/// A Pauli string on qubits: its factors (qubit, 1 to 3 for X, Y, Z).
pub fn letters(text: &str, n: usize) -> Result<Vec<(u32, u8)>, Refused> {
    if text.len() != n {
        return Err(Refused::Malformed(format!("Pauli string of {} characters for {n} qubits", text.len())));
    }
    let mut out = Vec::new();
    for (q, letter) in text.bytes().enumerate() {
        match letter {
            b'I' => {}
            b'X' | b'Y' | b'Z' => out.push((q as u32, letter - b'X' + 1)),
            _ => return Err(Refused::Malformed(format!("'{text}' has a letter that is none of I, X, Y, Z"))),
        }
    }
    Ok(out)
}

/// The value of sum(coefficient * Pauli string) in the final state, and its derivative by every angle of the circuit,
/// in the order of its parameters.
pub fn gradient(
    circuit: &Circuit,
    observable: &[(String, f64)],
    level: Level,
    stop: &dyn Fn(u64) -> bool,
) -> Result<(f64, Vec<f64>), Refused> {
    let n = circuit.n_qubits;
    let gates = gates_of(circuit)?;
    let strings: Vec<Vec<(u32, u8)>> =
        observable.iter().map(|(text, _)| letters(text, n as usize)).collect::<Result<_, _>>()?;
    let mut psi = Flat::<f64>::zero(n, 0, 2, level);
    let size = psi.amplitudes.len() as u64;
    for op in &gates {
        psi.apply(&of_gate(op.kind, circuit.angles(op)), op.qubits());
        if stop(size) {
            return Err(Refused::Stopped);
        }
    }
    let mut lambda = Flat::<f64>::zero(n, 0, 2, level);
    lambda.amplitudes.fill(0.0);
    for (string, (_, factor)) in strings.iter().zip(observable) {
        add_pauli(&mut lambda, &psi, string, *factor);
        if stop(size) {
            return Err(Refused::Stopped);
        }
    }
    let value = (0..psi.amplitudes.len()).map(|k| psi.amplitudes[k] * lambda.amplitudes[k]).sum();
    let mut out = vec![0.0; circuit.params.len()];
    for op in gates.iter().rev() {
        let angles = circuit.angles(op);
        let inverse = of_gate(op.kind, angles).dagger();
        psi.apply(&inverse, op.qubits());
        if !angles.is_empty() {
            let found = psi.transitions(&lambda, op.qubits());
            for which in 0..angles.len() {
                let slope = derivative(op.kind, angles, which);
                let sum: f64 = slope.m().iter().zip(&found).map(|(d, t)| (*d * *t).re).sum();
                out[op.param as usize + which] += 2.0 * sum;
            }
        }
        lambda.apply(&inverse, op.qubits());
        if stop(3 * size) {
            return Err(Refused::Stopped);
        }
    }
    Ok((value, out))
}

/// `to += factor * P from`
fn add_pauli(to: &mut Flat<f64>, from: &Flat<f64>, string: &[(u32, u8)], factor: f64) {
    let mask = |which: [u8; 2]| string.iter().filter(|(_, p)| which.contains(p)).fold(0usize, |m, (q, _)| m | 1 << q);
    let (flip, sign, ys) = (mask([1, 2]), mask([2, 3]), string.iter().filter(|(_, p)| *p == 2).count());
    let turn = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][ys % 4];
    let w = <f64 as Real>::W;
    for x in 0..1usize << from.bits {
        let z = from.get(x);
        let odd = (x & sign).count_ones() % 2 == 1;
        let f = if odd { -factor } else { factor };
        let y = x ^ flip;
        let at = y / w * 2 * w + y % w;
        to.amplitudes[at] += f * (z.re * turn.0 - z.im * turn.1);
        to.amplitudes[at + w] += f * (z.re * turn.1 + z.im * turn.0);
    }
}
