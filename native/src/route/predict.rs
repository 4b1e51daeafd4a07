//! What a circuit will take, said without preparing the run: for a router that only has to know whether to send it here.
//!
//! A state vector, and the frame simulator on Clifford gates alone, are priced by counting. Whatever costs more to look at
//! (compiling for the frame simulator, rewriting, bounds on bonds) is looked at where that is a small part of the run.

use std::sync::Arc;

use super::{Candidate, Method, Options, ATTEMPT_QUBITS, LAST_RESORT_S, LONG_S, LOOK_S, MAX_BOND_LOG2};
use crate::circuit::{Circuit, Kind, Op, NONE};
use crate::rewrite::{self, features};
use crate::{dense, frame, mps};

/// The best way by what is known, and its seconds for each number of shots asked for.
#[derive(Clone, Debug)]
pub struct Prediction {
    pub best: Candidate,
    pub seconds: Vec<f64>,
    pub may_fail: bool,
    /// It may be far less: nobody has looked at more than numbers of gates.
    pub upper_bound: bool,
}

/// Part of the predicted run that one more look may take, and seconds that it takes for an op and each 64 qubits.
const LOOK_SHARE: f64 = 0.005;
const LOOK_OP_S: f64 = 0.5e-6;
/// Cycles of a fused gate for each block of 16 amplitudes, moving it included: an average over circuits.
const GATE_CYCLES: f64 = 2.8;

/// For about `points[k]` shots each; the best is the best for `shots`. None where nothing can run the circuit.
pub fn predict(circuit: &Arc<Circuit>, shots: usize, points: &[usize], options: &Options) -> Option<Prediction> {
    let counted = Counted::of(circuit);
    let look_s = LOOK_S.max(circuit.ops.len() as f64 * LOOK_OP_S * counted.words());
    let mut look = Look { shots, points, memory: options.memory as f64, best: None };
    look.dense(&counted, false);
    if counted.magic == 0.0 {
        look.clifford(&counted);
    } else if look.seconds() * LOOK_SHARE > look_s && look.frame(circuit, false) == Err(frame::NoSketch::Long) {
        look.bulk(circuit, &counted);
    }
    if look.seconds() > super::PREFIX_S && counted.magic > 0.0 {
        if let Some(shorter) = rewrite::shortened(circuit) {
            look.dense(&Counted::of(&shorter), true);
        }
    }
    let pays = look.seconds() * LOOK_SHARE > look_s;
    if let Some(wanted) = options.rewrites.filter(|_| pays && features::promising(circuit)) {
        let (changed, _) = rewrite::schedule(circuit, &rewrite::Options { shots: shots as u32, ..wanted });
        let changed = Arc::new(changed);
        look.dense(&Counted::of(&changed), true);
        let _: Result<(), frame::NoSketch> = look.frame(&changed, true);
    }
    if look.seconds() * LOOK_SHARE > look_s {
        look.mps(circuit);
    }
    let best = look.best.as_mut().map(|found| &mut found.best);
    let tried = |best: &&mut Candidate| best.method != Method::Mps && best.seconds > LONG_S;
    if let Some(best) = best.filter(tried).filter(|_| circuit.n_qubits >= ATTEMPT_QUBITS) {
        best.note += "; a matrix product state may be tried before it";
    }
    look.best
}

struct Look<'a> {
    shots: usize,
    points: &'a [usize],
    memory: f64,
    best: Option<Prediction>,
}

impl Look<'_> {
    fn seconds(&self) -> f64 {
        self.best.as_ref().map_or(f64::INFINITY, |found| found.best.seconds)
    }

    fn offer(&mut self, best: Candidate, may_fail: bool, seconds: impl Fn(usize) -> f64) {
        if best.seconds < self.seconds() {
            let seconds = self.points.iter().map(|&shots| seconds(shots)).collect();
            self.best = Some(Prediction { best, seconds, may_fail, upper_bound: false });
        }
    }

    fn dense(&mut self, counted: &Counted, rewritten: bool) {
        let bytes = 8.0 * f64::from(counted.width).exp2();
        if bytes > self.memory {
            return;
        }
        let best = Candidate {
            method: Method::Dense,
            rewritten,
            width: f64::from(counted.width),
            seconds: counted.seconds(self.shots),
            memory_bytes: bytes,
            note: format!("{} qubits at once", counted.width),
        };
        self.offer(best, false, |shots| counted.seconds(shots));
    }

    fn clifford(&mut self, counted: &Counted) {
        let best = Candidate {
            method: Method::Frame,
            rewritten: false,
            width: 0.0,
            seconds: counted.clifford(self.shots),
            memory_bytes: 32.0,
            note: "0 active qubits".into(),
        };
        self.offer(best, false, |shots| counted.clifford(shots));
    }

    fn frame(&mut self, circuit: &Arc<Circuit>, rewritten: bool) -> Result<(), frame::NoSketch> {
        let plan = frame::Plan::sketch(circuit, self.seconds())?;
        let (width, seconds) = (plan.width(), plan.cost(self.shots));
        let bytes = 16.0 * (width as f64).exp2();
        if bytes > self.memory {
            return Ok(());
        }
        let best = Candidate {
            method: Method::Frame,
            rewritten,
            width: width as f64,
            seconds,
            memory_bytes: 2.0 * bytes,
            note: format!("{width} active qubits"),
        };
        self.offer(best, false, |shots| plan.cost(shots));
        Ok(())
    }

    /// Of the frame simulator, from numbers alone, where even a sketch of its plan takes too long: what it has room for
    /// at worst, or else an attempt.
    fn bulk(&mut self, circuit: &Circuit, counted: &Counted) {
        let bulk = counted.bulk(circuit);
        let (width, _) = frame::bound(&bulk, self.shots);
        let bytes = 32.0 * width.exp2();
        let sure = bytes <= self.memory;
        let most = if sure { f64::INFINITY } else { LAST_RESORT_S };
        let compiling = frame::compiling(counted.qubits, counted.ops, counted.coins().min(bulk.outcomes));
        let seconds = |shots| compiling + frame::bound(&bulk, shots).1.min(most);
        let best = Candidate {
            method: Method::Frame,
            rewritten: false,
            width,
            seconds: seconds(self.shots),
            memory_bytes: bytes.min(self.memory),
            note: format!("at most {width:.0} active qubits, too wide a program to see how many"),
        };
        self.offer(best, !sure, seconds);
        self.best.iter_mut().for_each(|found| found.upper_bound = sure);
    }

    /// Unlike the others it may be all there is, and then end without an answer.
    fn mps(&mut self, circuit: &Arc<Circuit>) {
        let Ok(plan) = mps::Plan::compile(circuit) else { return };
        let (bond, seconds) = plan.bounds(self.shots);
        let sure = bond <= MAX_BOND_LOG2;
        if !sure && self.best.is_some() {
            return;
        }
        let most = if sure { f64::INFINITY } else { LAST_RESORT_S };
        let best = Candidate {
            method: Method::Mps,
            rewritten: false,
            width: bond,
            seconds: seconds.min(most),
            memory_bytes: 64.0 * circuit.n_qubits as f64 * (2.0 * bond).min(2.0 * MAX_BOND_LOG2).exp2(),
            note: format!("a bond of at most 2^{bond:.0}"),
        };
        self.offer(best, !sure, |shots| plan.bounds(shots).1.min(most));
    }
}

/// What prices a run without compiling it.
#[derive(Default)]
struct Counted {
    width: u32,
    qubits: f64,
    ops: f64,
    gates: f64,
    magic: f64,
    measurements: f64,
    resets: f64,
    /// Gates that do not only permute basis states.
    turns: f64,
    /// Measurements and resets that split a run.
    splits: f64,
    noise: f64,
    /// Pauli frames follow a run of it.
    followed: bool,
}

impl Counted {
    fn of(circuit: &Circuit) -> Counted {
        let mut last = vec![NONE; circuit.n_qubits as usize];
        for (at, op) in circuit.ops.iter().enumerate() {
            op.qubits().iter().for_each(|&q| last[q as usize] = at as u32);
        }
        let mut counted = Counted {
            width: rewrite::width(circuit),
            qubits: last.iter().filter(|&&at| at != NONE).count() as f64,
            ops: circuit.ops.len() as f64,
            ..Counted::default()
        };
        counted.followed = frame::by_frames(circuit, counted.qubits as usize);
        for (at, op) in circuit.ops.iter().enumerate() {
            counted.measurements += (op.kind == Kind::Measure) as u8 as f64;
            counted.resets += (op.kind == Kind::Reset) as u8 as f64;
            match op.kind {
                Kind::Measure if last[op.q[0] as usize] == at as u32 && op.cond == NONE => {}
                Kind::Measure | Kind::Reset => counted.splits += 1.0,
                Kind::Noise | Kind::Noise2 => counted.noise += 1.0,
                Kind::Logic => {}
                kind => {
                    counted.gates += 1.0;
                    counted.turns += if features::is_monomial(kind) { 0.0 } else { kind.n_qubits() as f64 };
                    counted.magic += !features::is_clifford(kind, circuit.angles(op)) as u8 as f64;
                }
            }
        }
        counted
    }

    /// Of 64 qubits.
    fn words(&self) -> f64 {
        (self.qubits / 64.0).ceil().max(1.0)
    }

    /// Of the frame simulator, where every gate is Clifford.
    fn clifford(&self, shots: usize) -> f64 {
        let symbols = (shots as f64 / 64.0).ceil() * (self.measurements + self.noise);
        let coins = if self.followed { 0.0 } else { self.coins() };
        frame::compiling(self.qubits, self.ops, coins) + symbols * self.words() * 2e-9
    }

    /// Outcomes that are not certain, at most: each uses up a turn out of the basis of measurements.
    fn coins(&self) -> f64 {
        self.turns.min(self.measurements + self.resets)
    }

    /// A gate under a condition is made of rotations too, unless it is a Pauli.
    fn bulk(&self, circuit: &Circuit) -> frame::Bulk {
        let turning = |op: &&Op| match op.kind {
            Kind::X | Kind::Y | Kind::Z | Kind::Measure | Kind::Reset | Kind::Noise | Kind::Noise2 | Kind::Logic => {
                false
            }
            kind => op.cond != NONE || !features::is_clifford(kind, circuit.angles(op)),
        };
        let ops = circuit.ops.iter().filter(turning);
        let rotations: usize = ops.map(|op| frame::rotations(op.kind, circuit.angles(op)).list().len()).sum();
        frame::Bulk {
            qubits: self.qubits,
            rotations: rotations as f64,
            outcomes: self.measurements + self.resets,
            splits: self.splits + self.noise,
        }
    }

    /// Half of the gates, about, run before the first split; no run has more branches than shots.
    fn seconds(&self, shots: usize) -> f64 {
        let shots = shots.max(1) as f64;
        let rates = &dense::RATES;
        let blocks = (f64::from(self.width.max(4)) - 4.0).exp2();
        let branches = if self.noise > 0.0 { shots } else { self.splits.min(60.0).exp2().min(shots) };
        let pass = blocks * GATE_CYCLES / rates.cycles_per_second;
        let runs = 1.0 + (branches - 1.0) / 2.0;
        let splits = (self.splits + self.noise) * runs * (3.0 * pass + rates.seconds_per_split);
        rates.seconds_per_run + self.gates * pass * runs + splits + shots * rates.seconds_per_shot
    }
}
