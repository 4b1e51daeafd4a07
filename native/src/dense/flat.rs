//! A flat state of all qubits, on which gates run one by one: for gradients and for sweeps.

use super::buffer::{Buffer, Lines};
use super::isa::{with_isa, Level};
use super::kernels::Feed;
use super::lanes::Real;
use super::lower::{BlockJob, Job, TransitionJob};
use super::matrix::Mat;
use super::phases::{Place, Scratch};
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

/// Gates in order, those on one qubit that follow each other together.
pub fn merged<'a>(gates: &[&'a Op]) -> Vec<Vec<&'a Op>> {
    let mut out: Vec<Vec<&Op>> = Vec::new();
    let mut last: std::collections::HashMap<u32, usize> = Default::default();
    for &op in gates {
        if op.kind == Kind::Id {
            continue;
        }
        if op.kind.n_qubits() == 1 {
            if let Some(&at) = last.get(&op.q[0]) {
                if out[at][0].kind.n_qubits() == 1 {
                    out[at].push(op);
                    continue;
                }
            }
        }
        for &q in op.qubits() {
            last.insert(q, out.len());
        }
        out.push(vec![op]);
    }
    out
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
        let mut made = Flat::empty(n, shift, parts, level);
        for lane in 0..1usize << shift {
            made.amplitudes[lane] = R::of(1.0);
        }
        made
    }

    /// All amplitudes 0.
    pub fn empty(n: u32, shift: u32, parts: usize, level: Level) -> Flat<R> {
        let bits = (n + shift).max(R::LANE_BITS);
        let amplitudes = Buffer::zeroed(parts << bits);
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

    /// Bits of qubits whose LAST is bit 0 of a matrix, and of controls.
    fn places(&self, targets: &[u32], controls: &[u32]) -> ([u32; 3], Vec<Place>) {
        let mut on = [0u32; 3];
        for (slot, &q) in on.iter_mut().zip(targets.iter().rev()) {
            *slot = q + self.shift;
        }
        (on, controls.iter().map(|&q| Place::In(q + self.shift)).collect())
    }

    /// Applies a matrix whose LAST operand among `targets` is its bit 0, where all of `controls` are 1.
    pub fn apply(&mut self, mat: &Mat, targets: &[u32], controls: &[u32]) {
        let (on, controls) = self.places(targets, controls);
        self.numbers.clear();
        let job = BlockJob::new(mat, &on, &controls, self.bits, self.parts == 2, &mut self.numbers);
        self.run(job);
    }

    /// Applies one matrix a lane, or one for all.
    pub fn apply_each(&mut self, mats: &[Mat], qubits: &[u32]) {
        if mats.len() == 1 {
            return self.apply(&mats[0], qubits, &[]);
        }
        let (on, _) = self.places(qubits, &[]);
        self.numbers.clear();
        let job = BlockJob::of_lanes(mats, &on, self.bits, self.parts == 2, &mut self.numbers);
        self.run(job);
    }

    fn run(&mut self, job: BlockJob) {
        let (job, data) = (Job::Block(job), self.amplitudes.as_mut_ptr());
        let _flushed = Flushed::new();
        // SAFETY: the job is made for a chunk of all bits of this state, which is borrowed alone; `level` was found on
        // this machine.
        with_isa!(self.level, I => unsafe { job.run::<R, I>(data, 0, &self.numbers, &mut self.scratch, &mut Feed::none()) });
    }

    /// sum over the rest of conj(left[a, rest]) self[b, rest], at `a << k | b`, a and b being values of the k targets
    /// (the LAST is bit 0), over what has all of `controls` at 1. k is 1 or 2.
    pub fn transitions(&self, left: &Flat<R>, targets: &[u32], controls: &[u32]) -> [C64; 16] {
        assert_eq!((self.bits, self.parts), (left.bits, left.parts), "states of one size");
        let (on, controls) = self.places(targets, controls);
        let job = TransitionJob::new::<R>(targets.len(), &on, &controls, self.bits, self.parts == 2);
        let _flushed = Flushed::new();
        let (one, other) = (left.amplitudes.as_ptr(), self.amplitudes.as_ptr());
        // SAFETY: the job is made for all bits of these two states; `level` was found on this machine.
        with_isa!(self.level, I => unsafe { job.run::<R, I>(one, other) })
    }

    /// Sets to 0 what has not all of `controls` at 1.
    pub fn project(&mut self, controls: &[u32]) {
        let mask: usize = controls.iter().map(|q| 1usize << (q + self.shift)).sum();
        for x in (0..1usize << self.bits).filter(|x| x & mask != mask) {
            let at = if self.parts == 1 { x } else { x / R::W * 2 * R::W + x % R::W };
            self.amplitudes[at] = R::of(0.0);
            if self.parts == 2 {
                self.amplitudes[at + R::W] = R::of(0.0);
            }
        }
    }

    /// Re <left|self>
    pub fn dot(&self, left: &Flat<R>) -> f64 {
        let mut sums = [0.0; 16];
        for (a, b) in self.amplitudes.chunks_exact(R::W).zip(left.amplitudes.chunks_exact(R::W)) {
            for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
                *sum += x.f64() * y.f64();
            }
        }
        sums.iter().sum()
    }

    /// Im <self|other>; 0 of real states.
    pub fn cross(&self, other: &Flat<R>) -> f64 {
        if self.parts == 1 {
            return 0.0;
        }
        let mut sums = [0.0; 16];
        for (a, b) in self.amplitudes.chunks_exact(2 * R::W).zip(other.amplitudes.chunks_exact(2 * R::W)) {
            for (k, sum) in sums.iter_mut().enumerate().take(R::W) {
                *sum += a[k].f64() * b[R::W + k].f64() - a[R::W + k].f64() * b[k].f64();
            }
        }
        sums.iter().sum()
    }
}
