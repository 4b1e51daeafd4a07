//! Rewrites of circuits that keep the joint distribution of the cbits that registers show.
//!
//! | file | rewrite |
//! |---|---|
//! | `forward`, `gates` | constants, fusion, cancellation, resynthesis, relabelling, classical control, in one pass |
//! | `dead` | what no shown cbit depends on |
//! | `phases` | RZZ or CP, whichever leaves fewer rotations |
//! | `schedule` | an order in which few qubits are alive at a time, measured or traced out as soon as it pays |
//! | `runs` | measurements next to each other |
//! | `slots` | wires to qubits |
//! | `prefix` | the Clifford gates at the start, for a state vector |
//! | `components` | parts that nothing connects |
//! | `features` | what a router wants to know of a circuit |
//!
//! `axis`, `turn`, `clifford`, `guards`, `emitted`, `graph`, `cones`, `cost` are what these are made of. Cbits may be
//! added (nobody shows them); registers keep their meaning. A circuit that is too tangled to rewrite in near linear
//! time comes back as it was.

mod axis;
mod clifford;
pub mod components;
mod cones;
mod cost;
mod dead;
mod emitted;
pub mod features;
mod forward;
mod gates;
mod graph;
mod guards;
mod phases;
mod prefix;
#[cfg(feature = "python")]
pub mod python;
mod runs;
mod schedule;
mod slots;
mod turn;

use std::time::Instant;

use crate::circuit::Circuit;
pub use cost::width;
pub use forward::Fired;
use forward::{forward, Allowed};
pub use prefix::shortened;

/// Which rewrites run, and what they assume.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Known basis states and classical bits are used.
    pub constants: bool,
    /// Gates cancel, join and are resynthesized.
    pub peephole: bool,
    /// Exchanges of qubits become another numbering.
    pub relabel: bool,
    /// What nothing reads is removed.
    pub dead: bool,
    /// Instructions are put in another order.
    pub schedule: bool,
    /// Gates whose control is measured early become conditions.
    pub hoist: bool,
    /// Qubits are numbered anew, and traced out and used again.
    pub reuse: bool,
    /// Every cbit counts as shown.
    pub keep_cbits: bool,
    /// The final state matters, up to phase, qubit by qubit: only fusion and peephole rewrites run, and
    /// constants where there is nothing but gates.
    pub keep_state: bool,
    /// The order of least width is taken, whatever it costs: for a circuit that fits no memory otherwise.
    pub narrow: bool,
    /// The report has widths and parts; they take as long to find as a pass.
    pub explain: bool,
    /// How many shots will be run: early measurements cost a branch each, up to this many.
    pub shots: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            constants: true,
            peephole: true,
            relabel: true,
            dead: true,
            schedule: true,
            hoist: true,
            reuse: true,
            keep_cbits: false,
            keep_state: false,
            narrow: false,
            explain: false,
            shots: 1000,
        }
    }
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub fired: Fired,
    pub dead: usize,
    pub phases: usize,
    /// The order that was taken: "input" or the name of a heuristic.
    pub order: &'static str,
    /// Most qubits alive at a time, from first use to last use.
    pub width_before: u32,
    pub width_after: u32,
    pub ops_before: usize,
    pub ops_after: usize,
    /// Predicted, in amplitudes touched by all shots together.
    pub cost_before: f64,
    pub cost_after: f64,
    /// How many parts nothing connects, no gate and no classical bit; 0 where no qubit is left.
    pub parts: usize,
    pub seconds_simplify: f64,
    pub seconds_schedule: f64,
}

impl Options {
    fn allowed(&self) -> Allowed {
        Allowed {
            constants: self.constants,
            peephole: self.peephole,
            relabel: self.relabel,
            keep_state: self.keep_state,
        }
    }
}

/// Constants, peephole rewrites and dead code as the options allow, in the circuit's order.
pub fn simplify(circuit: &Circuit, options: Options) -> (Circuit, Report) {
    let options = Options { schedule: false, ..options };
    schedule(circuit, &options)
}

/// A circuit on wires: a qubit that is reset is a new wire.
struct Draft {
    circuit: Circuit,
    origin: Vec<u32>,
}

fn simplified(circuit: &Circuit, options: &Options, report: &mut Report) -> Option<Draft> {
    let forward::Passed { circuit: mut made, origin, fired } = forward(circuit, options.allowed())?;
    report.fired.add(&fired);
    if !options.keep_state {
        if options.dead {
            report.dead += dead::remove_dead(&mut made, options.keep_cbits);
        }
        if options.peephole {
            report.phases += phases::choose(&mut made);
        }
        runs::gather(&mut made);
    }
    Some(Draft { circuit: made, origin })
}

/// All rewrites that the options allow.
pub fn schedule(circuit: &Circuit, options: &Options) -> (Circuit, Report) {
    let mut report = Report { order: "input", ops_before: circuit.ops.len(), ..Report::default() };
    let started = Instant::now();
    let draft = simplified(circuit, options, &mut report);
    report.seconds_simplify = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let made = match draft {
        None => circuit.clone(),
        Some(draft) if options.keep_state => draft.circuit,
        Some(draft) => placed(circuit, draft, options, &mut report),
    };
    report.seconds_schedule = started.elapsed().as_secs_f64();
    report.ops_after = made.ops.len();
    if options.explain {
        report.width_before = cost::width(circuit);
        report.width_after = cost::width(&made);
        report.parts = components::count(&made);
    }
    (made, report)
}

/// The draft in its final order and on qubits.
fn placed(source: &Circuit, draft: Draft, options: &Options, report: &mut Report) -> Circuit {
    let mut draft = draft;
    let mut trace = slots::Trace::Never;
    match schedule::reorder(&draft.circuit, options, report) {
        schedule::Choice::Late => runs::sink(&mut draft.circuit),
        schedule::Choice::Early => trace = slots::Trace::AtOnce,
        schedule::Choice::Reordered(better) => {
            trace = slots::Trace::AtOnce;
            // Measurements stand before the gates that their qubits only control: a second pass makes conditions of them.
            if let Some(again) = simplified(&better, options, report) {
                let origin = again.origin.iter().map(|&w| draft.origin[w as usize]).collect();
                draft = Draft { origin, ..again };
            }
        }
    }
    if options.reuse {
        slots::assign(&mut draft.circuit, &draft.origin, source.n_qubits, trace);
    }
    draft.circuit
}

impl Fired {
    fn add(&mut self, other: &Fired) {
        self.constants += other.constants;
        self.cancelled += other.cancelled;
        self.joined += other.joined;
        self.resynthesized += other.resynthesized;
        self.relabelled += other.relabelled;
        self.controls_made_classical += other.controls_made_classical;
    }
}
