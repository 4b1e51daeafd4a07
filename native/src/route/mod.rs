//! Which of our simulators runs a circuit, after which rewrites.
//!
//! Looking costs time too, so it goes from cheap to dear and stops when what is left to gain is less than the next look:
//! the frame simulator on the circuit as it came (most Clifford-like circuits end here), then the same after rewriting,
//! then the dense simulator, then a matrix product state: where its bond is bounded low, or, for a run that will take
//! long, as an attempt that may take a small share of the time it could save. A run of more than some milliseconds is
//! worth a look at other orders of the chain's qubits, and at cutting the circuit into blocks.

mod predict;
#[cfg(feature = "python")]
pub mod python;

use std::sync::Arc;

use crate::circuit::{Circuit, Op};
use crate::rewrite::{self, features};
use crate::samples::{Report, Samples};
use crate::{cut, dense, frame, mps};

pub use predict::{predict, Prediction};

/// A way to run a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Frame,
    Dense,
    Dense64,
    Mps,
    Cut,
}

impl Method {
    pub const ALL: [Method; 5] = [Method::Frame, Method::Dense, Method::Dense64, Method::Mps, Method::Cut];

    pub fn name(self) -> &'static str {
        match self {
            Method::Frame => "frame",
            Method::Dense => "dense",
            Method::Dense64 => "dense64",
            Method::Mps => "mps",
            Method::Cut => "cut",
        }
    }

    pub fn from_name(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.name() == name)
    }
}

#[derive(Clone, Debug)]
pub struct Options {
    /// Only this method.
    pub only: Option<Method>,
    /// None: no rewrites.
    pub rewrites: Option<rewrite::Options>,
    /// Bytes that one run may take.
    pub memory: u64,
}

/// What one method would take, on the circuit as it came or rewritten.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub method: Method,
    pub rewritten: bool,
    /// Qubits of its largest dense state; for a matrix product state, log2 of its bond at most.
    pub width: f64,
    /// Predicted; infinite when it cannot.
    pub seconds: f64,
    pub memory_bytes: f64,
    /// Why it cannot, or what the prediction is.
    pub note: String,
}

enum Runner {
    Frame(frame::Plan),
    Dense(dense::Plan<f32>),
    Dense64(dense::Plan<f64>),
    Mps(mps::Plan),
    Cut(Box<cut::Plan>),
}

/// A circuit with the way it will be run. `candidates` holds every way that was looked at, the chosen one first.
pub struct Plan {
    /// What runs, whose registers print the samples.
    pub circuit: Arc<Circuit>,
    pub candidates: Vec<Candidate>,
    /// The circuit as it came.
    source: Arc<Circuit>,
    /// What was rewritten; None where the circuit runs as it came.
    report: Option<rewrite::Report>,
    runner: Runner,
    /// Tried for a share of the time before `runner`, where its state may turn out small.
    attempt: Option<mps::Plan>,
    memory: u64,
}

/// Why there is no plan, or no answer.
#[derive(Debug)]
pub enum Failure {
    /// Nothing can run it: one line a method.
    Impossible(Vec<Candidate>),
    Memory(String),
    Stopped,
}

/// A state so small, of so many non-Clifford gates, that the dense simulator is asked first.
const SMALL_QUBITS: u32 = 13;
const SMALL_S: f64 = 300e-6;
/// How many times slower than a dense state the frame simulator must be for its look at the rewritten circuit to be
/// spared.
const HOPELESS: f64 = 30.0;
/// Seconds that a look at the next way must be able to save.
const LOOK_S: f64 = 30e-6;
/// Predicted seconds of a dense state from which on a look at a shorter Clifford prefix is worth it.
const PREFIX_S: f64 = 1e-3;
/// Seconds an op that making a plan of the frame simulator takes, and one of the dense simulator, about.
const FRAME_OP_S: f64 = 1.0e-6;
const DENSE_OP_S: f64 = 0.5e-6;
/// Seconds an op that rewriting takes, about.
const REWRITE_OP_S: f64 = 0.8e-6;
/// Seconds an op that simplifying a circuit and bounding the bonds of its chain take, about.
const CHAIN_OP_S: f64 = 1.0e-6;
/// Predicted seconds below which no look at other orders of a chain's qubits, or at cutting the circuit, is worth it, and
/// how many times longer than the look the run must be.
const SLOW_S: f64 = 10e-3;
const LOOK_SHARE: f64 = 20.0;
/// Seconds of those looks for each pair of a qubit and an op, about.
const PAIR_S: f64 = 0.3e-6;
const MOST_LOOK_S: f64 = 1.0;
/// A run predicted longer than this tries a matrix product state first, for this share of the time.
const LONG_S: f64 = 20e-3;
const ATTEMPT_SHARE: f64 = 0.1;
/// A run of the frame simulator predicted longer than this is piloted, which takes this share of it, where any other
/// way takes longer than that.
const PILOT_S: f64 = 5e-3;
const PILOT_SHARE: f64 = 1.0 / 30.0;
/// Seconds of the attempt where nothing else can run the circuit.
const LAST_RESORT_S: f64 = 30.0;
const MAX_BOND_LOG2: f64 = 9.0;
/// Bound on 1 - fidelity beyond which a chain gives no answer: its distribution is then within a hundredth of the exact
/// one, in total variation, and in all but contrived cases far nearer.
const MOST_LOST: f64 = 1e-4;
/// Qubits below which a bond cannot grow large enough to lose to a dense state.
const ATTEMPT_QUBITS: u32 = 16;

impl Plan {
    pub fn new(circuit: &Arc<Circuit>, shots: usize, options: &Options) -> Result<Plan, Failure> {
        let mut search = Search { shots, options, best: None, candidates: Vec::new(), slow_frame: None };
        if is_small(circuit) {
            search.dense(circuit, false);
        }
        let look_s = |op_s: f64| circuit.ops.len() as f64 * op_s;
        if search.seconds() > SMALL_S.max(look_s(FRAME_OP_S)) {
            search.frame(circuit, false);
        }
        let mut target = circuit.clone();
        let (mut rewritten, mut scheduled) = (false, None);
        let worth = LOOK_S.max(look_s(REWRITE_OP_S));
        let pays = search.seconds() > worth && features::promising(circuit);
        if let Some(wanted) = options.rewrites.filter(|_| pays) {
            let (changed, report) = rewrite::schedule(circuit, &rewrite::Options { shots: shots as u32, ..wanted });
            target = Arc::new(changed);
            scheduled = Some(report);
            rewritten = true;
        }
        let as_it_came = search.seconds();
        if as_it_came > LOOK_S && (rewritten || !is_small(circuit)) {
            search.dense(&target, rewritten);
        }
        if rewritten && (as_it_came < HOPELESS * search.seconds() || as_it_came.is_infinite()) {
            search.frame(&target, true);
        }
        let slow = search.runs_dense() && search.seconds() > PREFIX_S.max(look_s(DENSE_OP_S));
        let shorter = options.rewrites.filter(|_| slow).and_then(|_| rewrite::shortened(&target));
        let shorter = shorter.map(Arc::new);
        shorter.iter().for_each(|shorter| search.dense(shorter, true));
        let (mut attempt, mut simplified) = (None, None);
        if search.seconds() > LOOK_S.max(look_s(CHAIN_OP_S)) {
            (attempt, simplified) = search.mps(circuit);
        }
        if options.only == Some(Method::Cut) || search.worth(search.seconds(), circuit) {
            search.cut(circuit);
        }
        search.pilot();
        let Search { best, mut candidates, .. } = search;
        let (runner, on) = match (best, attempt.take()) {
            (Some(found), left) => {
                attempt = left.filter(|_| found.seconds > LONG_S);
                (found.runner, found.circuit)
            }
            (None, Some(last)) => (Runner::Mps(last), circuit.clone()), // simplifying keeps the registers
            (None, None) => return Err(Failure::Impossible(candidates)),
        };
        candidates.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        if attempt.is_some() {
            candidates[0].note += "; before it a matrix product state is tried, for a tenth of that time at most";
        }
        let report = match runner {
            Runner::Mps(_) => simplified,
            _ if shorter.is_some_and(|shorter| Arc::ptr_eq(&on, &shorter)) => {
                let unchanged =
                    || rewrite::Report { order: "input", ops_before: circuit.ops.len(), ..Default::default() };
                let mut report = scheduled.unwrap_or_else(unchanged);
                report.fired.resynthesized += 1;
                Some(rewrite::Report { ops_after: on.ops.len(), ..report })
            }
            _ => scheduled.filter(|_| Arc::ptr_eq(&on, &target)),
        };
        Ok(Plan { circuit: on, candidates, source: circuit.clone(), report, runner, attempt, memory: options.memory })
    }

    /// What runs, unless an attempt succeeds before it.
    pub fn method(&self) -> Method {
        match self.runner {
            Runner::Frame(_) => Method::Frame,
            Runner::Dense(_) => Method::Dense,
            Runner::Dense64(_) => Method::Dense64,
            Runner::Mps(_) => Method::Mps,
            Runner::Cut(_) => Method::Cut,
        }
    }

    /// Predicted seconds; infinite when the only way is an attempt.
    pub fn seconds(&self) -> f64 {
        self.candidates.first().map_or(f64::INFINITY, |first| first.seconds)
    }

    /// What was rewritten, with the widths before and after; None where the circuit runs as it came.
    pub fn rewrites(&self) -> Option<rewrite::Report> {
        let known = self.report.clone()?;
        let (width_before, width_after) = (rewrite::width(&self.source), rewrite::width(&self.circuit));
        Some(rewrite::Report { width_before, width_after, ..known })
    }

    /// Predicted seconds of another number of shots, on the method and the rewrites chosen.
    pub fn cost(&self, shots: usize) -> f64 {
        match &self.runner {
            Runner::Frame(plan) => plan.cost(shots),
            Runner::Dense(plan) => plan.cost(shots as u64, &dense::RATES),
            Runner::Dense64(plan) => plan.cost(shots as u64, &dense::RATES),
            Runner::Mps(plan) => plan.bounds(shots).1.min(self.most_s()),
            Runner::Cut(plan) => plan.cost(shots),
        }
    }

    /// Whether a run may end without an answer: its only way is an attempt.
    pub fn may_fail(&self) -> bool {
        matches!(self.runner, Runner::Mps(_)) && !self.candidates.iter().any(|c| c.width <= MAX_BOND_LOG2)
    }

    /// Seconds of gates after which a chain that is all there is ends without an answer: none where it cannot grow.
    fn most_s(&self) -> f64 {
        if self.may_fail() {
            LAST_RESORT_S
        } else {
            f64::INFINITY
        }
    }

    /// For a chain whose gates and shots may take so many seconds.
    fn bounds(&self, seconds: f64, drawing: f64) -> mps::Bounds {
        mps::Bounds { seconds, drawing, memory: self.memory, ..mps::Bounds::default() }
    }

    /// The samples, and the method that drew them. `stopped` is asked now and then.
    /// `report` is told of the shots done on the way, where some are done before others.
    pub fn run(
        &self,
        shots: usize,
        seed: u64,
        stopped: &dyn Fn() -> bool,
        report: &Report,
    ) -> Result<(Samples, Method), Failure> {
        if let Some(attempt) = &self.attempt {
            // The gates show whether the state is small; the shots of a small one may take what the other way would.
            let bounds = self.bounds(self.seconds() * ATTEMPT_SHARE, self.seconds());
            if let Some(samples) = run_mps(attempt, shots, seed, bounds, stopped)? {
                return Ok((samples, Method::Mps));
            }
        }
        let samples = match &self.runner {
            Runner::Frame(plan) => {
                let limits = frame::Limits { memory: self.memory, stopped };
                plan.run_telling(shots, seed, &limits, report).map_err(|failure| match failure {
                    frame::Failure::Memory { needed } => {
                        Failure::Memory(format!("{needed} bytes of states are needed"))
                    }
                    frame::Failure::Stopped => Failure::Stopped,
                })
            }
            Runner::Dense(plan) => plan.run_telling(shots, seed, &|_| stopped(), report).map_err(of_dense),
            Runner::Dense64(plan) => plan.run_telling(shots, seed, &|_| stopped(), report).map_err(of_dense),
            Runner::Mps(plan) => {
                let found = run_mps(plan, shots, seed, self.bounds(self.most_s(), f64::INFINITY), stopped)?;
                found.ok_or_else(|| {
                    Failure::Memory("its entanglement, or what was cut off, outgrew a matrix product state".into())
                })
            }
            Runner::Cut(plan) => plan.run(shots, seed, stopped).map_err(|why| match why {
                cut::Refused::Stopped => Failure::Stopped,
                other => Failure::Memory(other.to_string()),
            }),
        };
        Ok((samples?, self.method()))
    }
}

fn is_small(circuit: &Circuit) -> bool {
    let magic = |op: &&Op| op.kind.is_gate() && !features::is_clifford(op.kind, circuit.angles(op));
    circuit.n_qubits <= SMALL_QUBITS
        && circuit.ops.iter().filter(magic).take(2 * circuit.n_qubits as usize + 1).count()
            > 2 * circuit.n_qubits as usize
}

fn run_mps(
    plan: &mps::Plan,
    shots: usize,
    seed: u64,
    bounds: mps::Bounds,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<Samples>, Failure> {
    match plan.run(shots, seed, bounds, &mut || !stopped()) {
        Ok((samples, notes)) => Ok((notes.lost <= MOST_LOST).then_some(samples)),
        Err(mps::Stopped::Interrupted) => Err(Failure::Stopped),
        Err(mps::Stopped::Memory { needed, .. }) => {
            Err(Failure::Memory(format!("{needed} bytes of outcomes are needed")))
        }
        Err(_) => Ok(None),
    }
}

fn of_dense(why: dense::Refused) -> Failure {
    match why {
        dense::Refused::Stopped => Failure::Stopped,
        other => Failure::Memory(format!("{other:?}")),
    }
}

struct Found {
    seconds: f64,
    runner: Runner,
    circuit: Arc<Circuit>,
}

struct Search<'a> {
    shots: usize,
    options: &'a Options,
    best: Option<Found>,
    candidates: Vec<Candidate>,
    /// The frame simulator's run, unpiloted, where it is long; and whether it is of the circuit rewritten.
    slow_frame: Option<(Found, bool)>,
}

impl Search<'_> {
    /// Of the best way so far.
    fn seconds(&self) -> f64 {
        self.others().min(self.slow_frame.as_ref().map_or(f64::INFINITY, |(found, _)| found.seconds))
    }

    /// Of the best way but a long run of the frame simulator.
    fn others(&self) -> f64 {
        self.best.as_ref().map_or(f64::INFINITY, |best| best.seconds)
    }

    /// Whether a run of `seconds` is long enough for a look that takes a while for each pair of a qubit and an op.
    fn worth(&self, seconds: f64, circuit: &Circuit) -> bool {
        let look = f64::from(circuit.n_qubits) * circuit.ops.len() as f64 * PAIR_S;
        look < MOST_LOOK_S && seconds > SLOW_S.max(LOOK_SHARE * look)
    }

    /// Whether the best way so far is a dense state.
    fn runs_dense(&self) -> bool {
        self.best.as_ref().is_some_and(|best| matches!(best.runner, Runner::Dense(_) | Runner::Dense64(_)))
    }

    fn allows(&self, method: Method) -> bool {
        self.options.only.is_none_or(|only| only == method)
    }

    fn offer(&mut self, candidate: Candidate, runner: Runner, circuit: &Arc<Circuit>) {
        if candidate.seconds < self.others() {
            self.best = Some(Found { seconds: candidate.seconds, runner, circuit: circuit.clone() });
        }
        self.candidates.push(candidate);
    }

    fn refuse(&mut self, method: Method, rewritten: bool, note: String) {
        let nothing = f64::INFINITY;
        self.candidates.push(Candidate {
            method,
            rewritten,
            width: nothing,
            seconds: nothing,
            memory_bytes: nothing,
            note,
        });
    }

    fn frame(&mut self, circuit: &Arc<Circuit>, rewritten: bool) {
        if !self.allows(Method::Frame) {
            return;
        }
        let Some(plan) = frame::Plan::compile(circuit) else {
            return self.refuse(Method::Frame, rewritten, format!("more than {} qubits", frame::MAX_QUBITS));
        };
        let (width, seconds) = (plan.width(), plan.cost(self.shots));
        let bytes = 16u64.checked_shl(width as u32).unwrap_or(u64::MAX);
        if seconds.is_infinite() || bytes > self.options.memory {
            return self.refuse(Method::Frame, rewritten, format!("{width} active qubits are too many for the memory"));
        }
        if seconds > PILOT_S {
            let found = Found { seconds, runner: Runner::Frame(plan), circuit: circuit.clone() };
            if self.slow_frame.as_ref().is_none_or(|(other, _)| seconds < other.seconds) {
                self.slow_frame = Some((found, rewritten));
            }
            return;
        }
        self.frame_plan(plan, rewritten, circuit);
    }

    fn frame_plan(&mut self, plan: frame::Plan, rewritten: bool, circuit: &Arc<Circuit>) {
        let (width, seconds) = (plan.width(), plan.cost(self.shots));
        let note = format!("{width} active qubits");
        let memory_bytes = 2.0 * 16f64 * (width as f64).exp2();
        let candidate =
            Candidate { method: Method::Frame, rewritten, width: width as f64, seconds, memory_bytes, note };
        self.offer(candidate, Runner::Frame(plan), circuit);
    }

    /// A better estimate of a long run of the frame simulator, once all other ways are known.
    fn pilot(&mut self) {
        let Some((found, rewritten)) = self.slow_frame.take() else { return };
        let Runner::Frame(plan) = found.runner else { return };
        let plan = if found.seconds * PILOT_SHARE < self.others() {
            plan.piloted(self.shots, self.options.memory)
        } else {
            plan
        };
        self.frame_plan(plan, rewritten, &found.circuit);
    }

    fn dense(&mut self, circuit: &Arc<Circuit>, rewritten: bool) {
        if self.allows(Method::Dense) {
            let made = dense::Plan::<f32>::compile(circuit, self.options.memory);
            self.dense_plan(Method::Dense, made, rewritten, circuit, Runner::Dense);
        } else if self.allows(Method::Dense64) {
            let made = dense::Plan::<f64>::compile(circuit, self.options.memory);
            self.dense_plan(Method::Dense64, made, rewritten, circuit, Runner::Dense64);
        }
    }

    fn dense_plan<R: dense::Real>(
        &mut self,
        method: Method,
        made: Result<dense::Plan<R>, dense::Refused>,
        rewritten: bool,
        circuit: &Arc<Circuit>,
        runner: impl FnOnce(dense::Plan<R>) -> Runner,
    ) {
        match made {
            Ok(plan) => {
                let (width, seconds) = (plan.width(), plan.cost(self.shots as u64, &dense::RATES));
                let note = format!("{width} qubits at once");
                let memory_bytes = plan.memory_bytes(self.shots as u64) as f64;
                let candidate = Candidate { method, rewritten, width: width as f64, seconds, memory_bytes, note };
                self.offer(candidate, runner(plan), circuit);
            }
            Err(dense::Refused::Memory { needed: Some(needed), allowed }) => {
                self.refuse(method, rewritten, format!("needs {needed} bytes, {allowed} are allowed"));
            }
            Err(_) => self.refuse(method, rewritten, "more amplitudes than can be counted".into()),
        }
    }

    fn cut(&mut self, circuit: &Arc<Circuit>) {
        if !self.allows(Method::Cut) {
            return;
        }
        let compile = |circuit: &Circuit| cut::Plan::compile(circuit, self.shots, self.options.memory);
        // Rewriting may leave truth tables and resets, which blocks do not take.
        let simpler = self.options.rewrites.map(|wanted| rewrite::simplify(circuit, wanted).0);
        let rewritten = simpler.and_then(|simpler| Some((compile(&simpler).ok()?, Arc::new(simpler))));
        match rewritten.map_or_else(|| compile(circuit).map(|plan| (plan, circuit.clone())), Ok) {
            // One block is what the dense simulator has looked at.
            Ok((plan, _)) if plan.blocks().count() < 2 && self.options.only.is_none() => {}
            Ok((plan, on)) => {
                let width = f64::from(plan.width());
                let (seconds, memory_bytes) = (plan.cost(self.shots), plan.memory_bytes(self.shots) as f64);
                let (blocks, paths) = (plan.blocks().count(), plan.paths().into_iter().max().unwrap_or(0));
                let note = format!("{blocks} blocks of at most {width} bits, 2^{paths} paths between them");
                let rewritten = *on != **circuit;
                let candidate = Candidate { method: Method::Cut, rewritten, width, seconds, memory_bytes, note };
                self.offer(candidate, Runner::Cut(Box::new(plan)), &on);
            }
            Err(why) => self.refuse(Method::Cut, false, why.to_string()),
        }
    }

    /// Gives the plan when its bond is not bounded low (it may be tried), and what was simplified for it.
    fn mps(&mut self, circuit: &Arc<Circuit>) -> (Option<mps::Plan>, Option<rewrite::Report>) {
        if !self.allows(Method::Mps) {
            return (None, None);
        }
        // Rewriting may leave truth tables and resets, which a chain does not take.
        let simpler = self.options.rewrites.and_then(|wanted| {
            let (simpler, report) = rewrite::simplify(circuit, wanted);
            let changed = simpler != **circuit;
            let simpler = Arc::new(simpler);
            Some((mps::Plan::compile(&simpler).ok()?, simpler, Some(report).filter(|_| changed)))
        });
        let made = simpler.map_or_else(|| mps::Plan::compile(circuit).map(|plan| (plan, circuit.clone(), None)), Ok);
        let (plan, simpler, report) = match made {
            Ok(made) => made,
            Err(why) => {
                self.refuse(Method::Mps, false, why);
                return (None, None);
            }
        };
        let now = plan.bounds(self.shots).1.min(self.seconds());
        let plan = if self.worth(now, circuit) { plan.reordered(self.shots) } else { plan };
        let (bond, seconds) = plan.bounds(self.shots);
        let candidate = Candidate {
            method: Method::Mps,
            rewritten: report.is_some(),
            width: bond,
            seconds,
            memory_bytes: 64.0 * circuit.n_qubits as f64 * (2.0 * bond).min(2.0 * MAX_BOND_LOG2).exp2(),
            note: format!("a bond of at most 2^{bond:.0}"),
        };
        if seconds < self.seconds() && bond <= MAX_BOND_LOG2 {
            self.offer(candidate, Runner::Mps(plan), &simpler);
            return (None, report);
        }
        self.candidates.push(candidate);
        ((circuit.n_qubits >= ATTEMPT_QUBITS || self.best.is_none()).then_some(plan), report)
    }
}
