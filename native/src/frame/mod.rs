//! The Clifford-frame simulator: a tableau round small dense states of the few qubits that need them.
//!
//! `compile` turns a circuit into straight code (`plan`): parities and coins on packed columns over shots, and Pauli
//! rotations and measurements on parts of 2^k amplitudes; `run` executes it for a batch of shots at once. Clifford
//! gates cost nothing per shot, and k is the number of qubits whose non-Clifford history has not been measured away.
//! Images of Paulis under the Clifford part are kept as in Aaronson and Gottesman (2004) and Gidney's Stim (2021).

mod compile;
mod cost;
mod forms;
mod gates;
mod logic;
mod measure;
pub(crate) mod pauli;
mod pending;
mod plan;
#[cfg(feature = "python")]
pub mod python;
mod release;
mod run;
pub(crate) mod tableau;

use std::sync::Arc;

use crate::circuit::{Circuit, Kind, NONE};
use crate::logical;
use crate::samples::{Report, Samples};

use compile::{Bounds, Compiler};

pub use cost::{bound, compiling, Bulk};
pub(crate) use gates::{rotations, Operand};
pub(crate) use pending::quarters;
pub use plan::Code;
pub(crate) use run::{choose, fell};
pub use run::{Failure, Limits};

/// A circuit that is ready to run.
pub struct Plan {
    circuit: Arc<Circuit>,
    code: Code,
    too_wide: bool,
    /// What some shots showed of how many states there are, or nothing.
    pilot: Vec<[u32; 2]>,
    /// Runs in place of the code, which is then empty.
    logical: Option<logical::Plan>,
}

/// From how many qubits on Clifford programs are run by Pauli frames: fewer have short forms.
const FRAME_QUBITS: usize = 256;
/// From how many operations a qubit on, where nothing is measured on the way: each outcome then depends on most coins, and
/// writing the forms down takes longer than all else.
const FRAME_DEPTH: usize = 8;

/// A pilot that takes longer is not run.
const PILOT_SECONDS: f64 = 0.1;
/// Nor one that takes more than this part of the run that it is for.
const PILOT_PART: f64 = 0.2;
/// A run that takes longer is taken in so many parts, each of which can be shown before the next, if that costs no more.
const LONG_S: f64 = 0.25;
const PARTS: usize = 16;
const PARTS_COST: f64 = 1.1;

/// Words of rows that are turned for a sketch, at most: some tenths of a second. Only programs of thousands of qubits,
/// most of them measured at random, have more.
const SKETCH_WORDS: u64 = 100_000_000;

/// Most qubits in use.
pub const MAX_QUBITS: usize = 8192;

/// Most qubits that are declared, and most cbits: their tables are made in full.
pub const MAX_DECLARED: u32 = 1 << 26;

/// A plan that takes less is not worth looking for another.
const WORTH_SECONDS: f64 = 20e-6;

/// How often, at least, a plan goes over its widest state, for each of its qubits.
const LEAST_PASSES: f64 = 3.0;

/// Shots for which a plan is chosen.
const USUAL_SHOTS: usize = 1024;

impl Plan {
    /// The circuit must have passed `Circuit::check`. None if it uses more than `MAX_QUBITS` qubits or
    /// declares more than `MAX_DECLARED` qubits or cbits.
    pub fn compile(circuit: &Arc<Circuit>) -> Option<Plan> {
        if circuit.n_qubits.max(circuit.n_cbits) > MAX_DECLARED {
            return None;
        }
        let (row, n) = used(circuit);
        if let Some(plan) = Plan::of_frames(circuit, n) {
            return Some(plan);
        }
        if n > MAX_QUBITS {
            return None;
        }
        let bounds = Bounds { joint: false, most: compile::MAX_WIDTH, budget: u64::MAX };
        let lazy = build(circuit, &row, n, bounds);
        let code = match width_worth(&lazy) {
            Some(width) => {
                let joint = build(circuit, &row, n, Bounds { joint: true, most: width, ..bounds });
                let wins = joint.width as usize <= width
                    && cost::seconds(&joint, USUAL_SHOTS, &[]) <= cost::seconds(&lazy, USUAL_SHOTS, &[]);
                if wins {
                    joint
                } else {
                    lazy
                }
            }
            None => lazy,
        };
        let too_wide = code.width as usize > compile::MAX_WIDTH;
        Some(Plan { circuit: circuit.clone(), code, too_wide, pilot: Vec::new(), logical: None })
    }

    /// For predictions only: without the look at a joint read-out, and none where the plan would take longer than
    /// `seconds`, or `SKETCH_WORDS` to make. Where Pauli frames would follow it, the run that they refer to is priced
    /// and not made.
    pub fn sketch(circuit: &Arc<Circuit>, seconds: f64) -> Result<Sketch, NoSketch> {
        if circuit.n_qubits.max(circuit.n_cbits) > MAX_DECLARED {
            return Err(NoSketch::Wide);
        }
        let (row, n) = used(circuit);
        if by_frames(circuit, n) && logical::accepts(circuit).is_ok() && n <= logical::MAX_QUBITS {
            return Ok(Sketch { code: Code::default(), frames: Some((circuit.ops.len(), n)) });
        }
        if n > MAX_QUBITS {
            return Err(NoSketch::Wide);
        }
        let bounds = Bounds { joint: false, most: widest(seconds).unwrap_or(0), budget: SKETCH_WORDS };
        sketched(build(circuit, &row, n, bounds), bounds.most)
    }

    /// Many qubits with errors or outcomes on the way: Pauli frames after a reference run, where these can follow.
    fn of_frames(circuit: &Arc<Circuit>, n: usize) -> Option<Plan> {
        if !by_frames(circuit, n) {
            return None;
        }
        let plan = logical::Plan::compile(circuit).ok()?;
        Some(Plan {
            circuit: circuit.clone(),
            code: Code { n_symbols: circuit.n_cbits, ..Code::default() },
            too_wide: false,
            pilot: Vec::new(),
            logical: Some(plan),
        })
    }

    /// Most qubits of one dense state.
    pub fn width(&self) -> usize {
        self.code.width as usize
    }

    pub fn code(&self) -> &Code {
        &self.code
    }

    /// With a better estimate of a run of `shots`: some are run, in a small part of the time that all would take.
    /// Outcomes that are certain, or that most shots share, make no new states, which no compiler sees. Where a few shots
    /// take nearly as long as all, there are no states to be saved.
    pub fn piloted(mut self, shots: usize, memory: u64) -> Plan {
        let pilot = self.cost(run::PILOT[1] as usize);
        let short = pilot <= PILOT_SECONDS && pilot <= PILOT_PART * self.cost(shots);
        if self.logical.is_none() && !self.too_wide && short {
            self.pilot = run::pilot(&self.circuit, &self.code, memory).unwrap_or_default();
        }
        self
    }

    /// Estimated seconds of one thread.
    pub fn cost(&self, shots: usize) -> f64 {
        if let Some(plan) = &self.logical {
            plan.cost(shots)
        } else if self.too_wide {
            f64::INFINITY
        } else {
            cost::seconds(&self.code, shots, &self.pilot)
        }
    }

    pub fn run(&self, shots: usize, seed: u64, limits: &Limits) -> Result<Samples, Failure> {
        self.run_telling(shots, seed, limits, &|_, _| ())
    }

    /// As `run`; `report` is told of the shots done on the way.
    pub fn run_telling(&self, shots: usize, seed: u64, limits: &Limits, report: &Report) -> Result<Samples, Failure> {
        if let Some(plan) = &self.logical {
            return plan.run(shots, seed, limits);
        }
        if self.too_wide {
            return Err(Failure::Memory { needed: 8u64 << self.code.width });
        }
        let (whole, part) = (self.cost(shots), PARTS as f64 * self.cost(shots.div_ceil(PARTS)));
        let parts = if whole > LONG_S && part <= PARTS_COST * whole { PARTS } else { 1 };
        run::run(&self.circuit, &self.code, (shots, parts), seed, limits, report)
    }
}

/// Why there is no sketch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSketch {
    /// More qubits than are taken, or a state that takes longer than the other ways.
    Wide,
    /// Making it takes too long.
    Long,
}

fn sketched(code: Code, most: usize) -> Result<Sketch, NoSketch> {
    match code.width as usize <= most {
        false => Err(NoSketch::Wide),
        true if code.given_up => Err(NoSketch::Long),
        true => Ok(Sketch { code, frames: None }),
    }
}

/// What is known of a plan before it is made.
pub struct Sketch {
    code: Code,
    /// Ops and qubits, where Pauli frames run it in place of the code.
    frames: Option<(usize, usize)>,
}

impl Sketch {
    /// Most qubits of one dense state.
    pub fn width(&self) -> usize {
        self.code.width as usize
    }

    /// Estimated seconds of one thread; with those of making the plan, where Pauli frames run it.
    pub fn cost(&self, shots: usize) -> f64 {
        match self.frames {
            Some((ops, n)) => logical::compiling(ops, n) + logical::running(ops, shots),
            None => cost::seconds(&self.code, shots, &[]),
        }
    }
}

/// Whether there are many qubits, and many gates on each or errors or outcomes on the way.
pub fn by_frames(circuit: &Circuit, n: usize) -> bool {
    n >= FRAME_QUBITS && (circuit.ops.len() >= FRAME_DEPTH * n || on_the_way(circuit))
}

fn build(circuit: &Circuit, row: &[u32], n: usize, bounds: Bounds) -> Code {
    macro_rules! compiled {
        ($($words:literal)*) => {
            match n.div_ceil(64) {
                $(0..=$words => Compiler::<$words>::new(circuit, row.to_vec(), n, bounds).run(),)*
                _ => Compiler::<128>::new(circuit, row.to_vec(), n, bounds).run(),
            }
        };
    }
    compiled!(1 2 3 4 6 8 16 32 64)
}

/// The widest part that a plan with one joint read-out may have to be cheaper than this one; none if that plan is not
/// worth making.
fn width_worth(lazy: &Code) -> Option<usize> {
    let cost = cost::seconds(lazy, USUAL_SHOTS, &[]);
    if lazy.width <= 1 || cost < WORTH_SECONDS {
        return None;
    }
    widest(cost)
}

/// The widest part that a plan of so many seconds may have.
fn widest(seconds: f64) -> Option<usize> {
    let amplitudes = seconds / cost::RATES.amplitude;
    (1..=compile::MAX_WIDTH).rev().find(|&k| LEAST_PASSES * k as f64 * 2f64.powi(k as i32) <= amplitudes)
}

/// Whether there is an error, a condition or a gate after the first measurement or reset.
fn on_the_way(circuit: &Circuit) -> bool {
    let first = circuit.ops.iter().position(|op| matches!(op.kind, Kind::Measure | Kind::Reset)).unwrap_or(usize::MAX);
    circuit.ops.iter().enumerate().any(|(at, op)| {
        op.cond != NONE || matches!(op.kind, Kind::Noise | Kind::Noise2) || at > first && op.kind.is_gate()
    })
}

/// Rows for the qubits that some op uses, in the order of their first use.
pub(crate) fn used(circuit: &Circuit) -> (Vec<u32>, usize) {
    let mut row = vec![NONE; circuit.n_qubits as usize];
    let mut n = 0;
    for op in &circuit.ops {
        for &q in op.qubits() {
            if row[q as usize] == NONE {
                row[q as usize] = n;
                n += 1;
            }
        }
    }
    (row, n as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Op;

    /// Clifford gates that entangle everything, two T gates, and a read-out of which every outcome is a coin.
    fn spread(n: u32) -> Circuit {
        let mut circuit = Circuit { n_qubits: n, n_cbits: n, ..Circuit::default() };
        for layer in 0..3 {
            (0..n).for_each(|q| circuit.push_gate(Kind::H, &[q], &[]));
            (0..n).for_each(|q| circuit.push_gate(Kind::Cz, &[q, (q + 1 + layer) % n], &[]));
        }
        circuit.push_gate(Kind::T, &[0], &[]);
        circuit.push_gate(Kind::H, &[0], &[]);
        circuit.push_gate(Kind::T, &[n / 2], &[]);
        (0..n).for_each(|q| circuit.push_gate(Kind::H, &[q], &[]));
        (0..n).for_each(|q| circuit.ops.push(Op::measure(q, q)));
        circuit
    }

    #[test]
    fn a_sketch_turns_no_more_words_than_it_may() {
        let (n, words) = (320, 320 / 64 + 1); // compiled for six words
        let circuit = spread(n);
        let (row, used) = used(&circuit);
        let within = |budget| build(&circuit, &row, used, Bounds { joint: false, most: 30, budget });
        let whole = within(u64::MAX);
        assert!(!whole.given_up && whole.width <= 2);
        assert!(whole.turned > u64::from(n / 2 * n / 2 * words), "every coin turns the rows that are left");
        let (most, one) = (whole.turned / 10, u64::from((2 * n + 2) * words));
        let cut = within(most);
        assert!(cut.given_up && cut.turned <= most + one, "{} of {most}", cut.turned);
        assert_eq!(sketched(cut, 30).err(), Some(NoSketch::Long));
        assert!(!within(whole.turned).given_up);
    }

    #[test]
    fn a_bound_by_counting_is_no_less_than_the_price_of_the_plan() {
        let circuit = spread(100);
        let (row, used) = used(&circuit);
        let code = build(&circuit, &row, used, Bounds { joint: false, most: 30, budget: u64::MAX });
        let bulk = Bulk { qubits: 100.0, rotations: 2.0, outcomes: 100.0, splits: 0.0 };
        for shots in [1, 1000, 100_000] {
            let (width, seconds) = bound(&bulk, shots);
            assert!(f64::from(code.width) <= width);
            let ratio = seconds / cost::seconds(&code, shots, &[]);
            assert!((1.0..20.0).contains(&ratio), "{ratio} for {shots} shots");
        }
    }

    #[test]
    fn a_sketch_of_what_frames_follow_is_priced_without_their_reference_run() {
        let n = 10_000;
        let mut circuit = Circuit { n_qubits: n, n_cbits: 1, ..Circuit::default() };
        circuit.push_gate(Kind::H, &[0], &[]);
        circuit.ops.push(Op::measure(0, 0));
        (1..n).for_each(|q| circuit.push_gate(Kind::Cnot, &[q - 1, q], &[]));
        let sketch = Plan::sketch(&Arc::new(circuit.clone()), 1.0).expect("frames follow it");
        assert_eq!((sketch.width(), sketch.frames), (0, Some((circuit.ops.len(), n as usize))));
        assert!((0.09..0.2).contains(&sketch.cost(1000)));
        assert!(sketch.cost(1_000_000) > sketch.cost(1000));
    }
}
