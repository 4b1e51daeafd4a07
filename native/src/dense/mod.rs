//! The dense state-vector simulator.
//!
//! `compile` turns a circuit into steps of a branch, `fuse` its gates into blocks and phases, `passes` and `lower` those
//! into kernel calls on chunks that fit the cache; `run` walks the tree of branches and `sample` reads it out. Kernels
//! (`kernels`, `phases`) are written over vectors (`lanes`) and compiled per instruction set (`isa`).

mod adjoint;
mod buffer;
mod compile;
mod cost;
mod flat;
mod fuse;
mod hamiltonian;
mod isa;
mod kernels;
mod kernels_adjoint;
mod lanes;
#[cfg(target_arch = "x86_64")]
mod lanes_avx2;
#[cfg(all(target_arch = "x86_64", avx512_stable))]
mod lanes_avx512;
mod lower;
mod matrix;
mod observe;
mod onward;
#[cfg(feature = "python")]
mod operators;
mod passes;
mod phases;
#[cfg(feature = "python")]
pub mod python;
#[cfg(feature = "python")]
mod python_adjoint;
#[cfg(feature = "python")]
mod python_onward;
mod run;
mod sample;
mod state;
mod sweep;
#[cfg(test)]
mod tests;
mod tiny;

use std::sync::Arc;

use crate::circuit::{Circuit, NONE};
use crate::samples::{Report, Samples};
pub use adjoint::{Adjoint, Unitary};
pub(crate) use buffer::Buffer;
use compile::{compile, Deferral, Step};
pub(crate) use compile::{Program, Source};
pub use cost::{Rates, RATES};
pub use isa::{available, level, Level};
pub(crate) use lanes::Lanes;
pub use lanes::Real;
#[cfg(test)]
pub(crate) use matrix::of_gate;
use observe::Final;
pub use onward::Onward;
pub(crate) use state::State;

/// A circuit ready to run with amplitudes in `R`.
pub struct Plan<R: Real> {
    circuit: Arc<Circuit>,
    program: Program<R>,
    level: Level,
    /// Threads that share the chunks of a wide state; they change no bit of the result.
    threads: usize,
    allowed: u64,
}

/// Why a circuit is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Bytes that it would take, if they can be counted, and bytes allowed.
    Memory {
        needed: Option<u64>,
        allowed: u64,
    },
    /// What was asked is defined for circuits without measurements before the end, resets, noise and conditions.
    NotUnitary,
    Stopped,
    Malformed(String),
}

/// States that a branch tree keeps at once, at most, for this many shots: a split in up to four leaves at most three
/// waiting, each with at least as many shots as the smallest part, which goes on.
fn states(splits: usize, shots: u64) -> u64 {
    1 + (2 * (64 - shots.max(1).leading_zeros() as u64)).min(3 * splits as u64)
}

/// Up to this width all measurements are left to the end that can be.
const SMALL: u32 = 12;
/// A run that takes longer begins with a part, and doubles it, where its shots hardly share states: so large a share of
/// the shots have one of their own.
const LONG_S: f64 = 0.25;
const PART: usize = 8;
const APART: f64 = 0.8;

/// Bytes of one state of the program.
fn state_bytes<R: Real>(program: &Program<R>) -> u64 {
    (size_of::<R>() as u64 * (2 - program.real as u64)) << program.peak.max(R::LANE_BITS).min(58)
}

impl<R: Real> Plan<R> {
    /// `allowed`: bytes that the states may take.
    /// Refuses a circuit one of whose states alone takes more.
    pub fn compile(circuit: &Arc<Circuit>, allowed: u64) -> Result<Plan<R>, Refused> {
        let fits = |program: &Program<R>| state_bytes(program) <= allowed;
        let late = compile::<R>(circuit, &Deferral::of(circuit, false));
        let program = match late {
            Some(program) if program.peak <= SMALL => program,
            late => {
                let early = compile::<R>(circuit, &Deferral::of(circuit, true));
                let price = |program: &Program<R>| cost::seconds(program, 1000.0, &RATES);
                match (late, early) {
                    (Some(a), Some(b)) if fits(&a) && price(&a) <= price(&b) => a,
                    (a, b) => b.or(a).ok_or(Refused::Memory { needed: None, allowed })?,
                }
            }
        };
        if !fits(&program) {
            return Err(Refused::Memory { needed: Some(state_bytes(&program)), allowed });
        }
        Ok(Plan { circuit: circuit.clone(), program, level: level(), threads: 1, allowed })
    }

    /// The same with other threads (1 to 256).
    pub fn with_threads(mut self, threads: usize) -> Plan<R> {
        self.threads = threads.clamp(1, 256);
        self
    }

    /// The same with the kernels of another instruction set that `available` lists.
    pub fn with_level(mut self, level: Level) -> Plan<R> {
        assert!(available().contains(&level), "an instruction set of this machine");
        self.level = level;
        self
    }

    /// Most qubits in the state at a time.
    pub fn width(&self) -> u32 {
        self.program.peak
    }

    /// Predicted seconds of `run(shots)`.
    pub fn cost(&self, shots: u64, rates: &Rates) -> f64 {
        cost::seconds(&self.program, shots as f64, rates)
    }

    /// Counts of the plan: passes over the state, kernel calls, steps that may split a branch.
    pub fn stats(&self) -> [(&'static str, usize); 5] {
        let passes = self.program.steps.iter().flat_map(|step| match step {
            Step::Gates { passes, .. } => passes.as_slice(),
            _ => &[],
        });
        let (mut n_passes, mut kernels) = (0, 0);
        for pass in passes {
            n_passes += 1;
            kernels += pass.len();
        }
        [
            ("width", self.program.peak as usize),
            ("real", self.program.real as usize),
            ("passes", n_passes),
            ("kernels", kernels),
            ("splits", self.program.splits),
        ]
    }

    /// Bytes that the states of a run take at most. (A run that would go beyond what is allowed takes its shots in
    /// batches.)
    pub fn memory_bytes(&self, shots: u64) -> u64 {
        let one = state_bytes(&self.program);
        one.saturating_mul(states(self.program.splits, shots)).min(self.allowed.max(one))
    }

    /// Samples; `stop` is told of amplitudes done now and then, and ends the run with true.
    pub fn run(&self, shots: usize, seed: u64, stop: &dyn Fn(u64) -> bool) -> Result<Samples, Refused> {
        self.run_telling(shots, seed, stop, &|_, _| ())
    }

    /// As `run`; `report` is told of the shots done on the way.
    pub fn run_telling(
        &self,
        shots: usize,
        seed: u64,
        stop: &dyn Fn(u64) -> bool,
        report: &Report,
    ) -> Result<Samples, Refused> {
        let row = self.circuit.n_cbits as u64 / 8 + 64;
        let needed = (shots as u64).saturating_mul(row);
        if needed > self.allowed || shots > u32::MAX as usize {
            return Err(Refused::Memory { needed: Some(needed), allowed: self.allowed });
        }
        let one = state_bytes(&self.program);
        let fits = |batch: &u64| one.saturating_mul(states(self.program.splits, *batch)) <= self.allowed;
        let batch = (0..63).map(|k| 1u64 << k).take_while(fits).last().unwrap_or(1);
        let batch = if fits(&(shots as u64)) { shots.max(1) } else { batch as usize };
        let (seconds, branches) = cost::work(&self.program, shots as f64, &RATES);
        let parts = seconds > LONG_S && branches >= APART * shots as f64;
        let sizes = run::Sizes { shots, batch, part: if parts { shots.div_ceil(PART) } else { shots } };
        run::run(&self.circuit, &self.program, (self.level, self.threads), sizes, seed, stop, report)
            .ok_or(Refused::Stopped)
    }

    /// The final state of unconditional gates, and where in it each qubit is.
    pub(crate) fn final_state(&self, stop: &dyn Fn(u64) -> bool) -> Result<(State<R>, &Program<R>), Refused> {
        let gates_only = |step: &Step<R>| matches!(step, Step::Gates { cond: NONE, .. } | Step::Tail { .. });
        if !self.program.steps.iter().all(gates_only) {
            return Err(Refused::NotUnitary);
        }
        let state = run::state(&self.program, (self.level, self.threads), stop).ok_or(Refused::Stopped)?;
        Ok((state, &self.program))
    }

    /// The final state, before the read-out.
    fn with_final<T>(
        &self,
        stop: &dyn Fn(u64) -> bool,
        look: impl FnOnce(&Final<R>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let (state, program) = self.final_state(stop)?;
        look(&Final { program, state: &state })
    }

    /// All 2^n amplitudes, real and imaginary part in turn; qubit 0 is the most significant bit of the index.
    pub fn state(&self, stop: &dyn Fn(u64) -> bool) -> Result<Vec<R>, Refused> {
        room_for(self.allowed, size_of::<R>() as u64 * 4, self.circuit.n_qubits)?;
        self.with_final(stop, |f| Ok(f.amplitudes()))
    }

    /// Amplitudes of bitstrings, one character a qubit, qubit 0 first.
    pub fn amplitudes(&self, of: &[String], stop: &dyn Fn(u64) -> bool) -> Result<Vec<(f64, f64)>, Refused> {
        let n = self.circuit.n_qubits as usize;
        if let Some(bad) = of.iter().find(|text| text.len() != n || text.bytes().any(|b| b != b'0' && b != b'1')) {
            return Err(Refused::Malformed(format!("'{bad}' is no string of {n} bits")));
        }
        self.with_final(stop, |f| {
            let one = |text: &String| f.amplitude(|q| text.as_bytes()[q] == b'1');
            Ok(of.iter().map(one).map(|z| (z.re, z.im)).collect())
        })
    }

    /// Probabilities of the values of distinct qubits, the first the most significant.
    pub fn probabilities(&self, qubits: &[u32], stop: &dyn Fn(u64) -> bool) -> Result<Vec<f64>, Refused> {
        for (k, q) in qubits.iter().enumerate() {
            if *q >= self.circuit.n_qubits || qubits[..k].contains(q) {
                return Err(Refused::Malformed(format!("qubit {q} is named twice or is not in the circuit")));
            }
        }
        room_for(self.allowed, 8, qubits.len() as u32)?;
        self.with_final(stop, |f| Ok(f.probabilities(qubits)))
    }

    /// Expectation values of Pauli strings, one letter a qubit, qubit 0 first.
    pub fn expectation(&self, paulis: &[String], stop: &dyn Fn(u64) -> bool) -> Result<Vec<f64>, Refused> {
        self.with_final(stop, |f| paulis.iter().map(|text| f.expectation(text)).collect())
    }

    /// The value of a sum of Pauli strings and its derivative by every parameter of the circuit, in f64.
    pub fn gradient(&self, of: &[(String, f64)], stop: &dyn Fn(u64) -> bool) -> Result<(f64, Vec<f64>), Refused> {
        room_for(self.allowed, 2 * 16, self.circuit.n_qubits)?;
        let adjoint = Adjoint::new(&self.circuit, of, None, self.level)?;
        adjoint.gradient(&self.circuit.params, stop)
    }

    /// Expectation values at every point of the circuit's parameters: shape (points, strings).
    pub fn sweep_expectations(
        &self,
        points: &[Vec<f64>],
        paulis: &[String],
        stop: &dyn Fn(u64) -> bool,
    ) -> Result<Vec<Vec<f64>>, Refused> {
        room_for(self.allowed, 128, self.circuit.n_qubits)?;
        sweep::expectations::<R>(&self.circuit, points, paulis, self.level, stop)
    }

    /// Samples at every point of the circuit's parameters.
    pub fn sweep_samples(
        &self,
        points: &[Vec<f64>],
        shots: usize,
        seed: u64,
        stop: &dyn Fn(u64) -> bool,
    ) -> Result<Vec<Samples>, Refused> {
        room_for(self.allowed, 128, self.circuit.n_qubits)?;
        sweep::samples::<R>(&self.circuit, points, shots, seed, self.level, stop)
    }
}

/// Refuses `2^bits` items of `bytes` bytes where they are more than `allowed` bytes.
fn room_for(allowed: u64, bytes: u64, bits: u32) -> Result<(), Refused> {
    match (bits < 48).then(|| bytes.saturating_mul(1 << bits)) {
        Some(needed) if needed <= allowed => Ok(()),
        needed => Err(Refused::Memory { needed, allowed }),
    }
}
