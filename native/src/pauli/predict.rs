//! What the values of observables will take, seen by a short try.
//!
//! How many strings there will be shows in no number of gates. So each observable is taken back as far as some
//! milliseconds allow; what has ended is known, and of what has not the number of strings is supposed to go on growing
//! by the factor that it had from one group of rotations to the next.

use super::adapt::EXACT_WORK;
use super::{Cut, ErrorKind, Limits, Outcome, Plan, Refused, Stopped, Term};

/// What a run of several observables is predicted to take.
#[derive(Clone, Debug)]
pub struct Prediction {
    pub seconds: f64,
    pub memory_bytes: f64,
    /// It may end without a value, or with a larger error than is allowed.
    pub may_fail: bool,
    /// Strings will be left out.
    pub cut: bool,
    pub note: String,
}

/// Strings that one observable may make: about 25 seconds.
pub const WORK: u64 = 800_000_000;
/// Strings that a try with cuts may make.
const CUT_WORK: u64 = 10 * EXACT_WORK;
/// Strings, and ops that are looked at for cones, that a prediction may take in all.
const TRIED: u64 = 4_000_000;
/// Seconds for a string, an op of the circuit for each observable, and a run.
const STRING_S: f64 = 3e-8;
const OP_S: f64 = 5e-8;
const RUN_S: f64 = 1e-5;
/// How often each string that there is in the end is made, about: equal ones add up.
const MADE: f64 = 80.0;
/// Bytes of a string and its places, in what comes out of a group of rotations and what goes in; and for each 64 qubits.
const STRING_BYTES: f64 = 40.0;
const WORD_BYTES: f64 = 60.0;

impl Plan {
    /// Of values with an error of at most `error`; 0 for exact ones. Refuses what no run can take.
    pub fn predict(&self, observables: &[Vec<Term>], error: f64) -> Result<Prediction, Refused> {
        let mut all = Prediction { seconds: 0.0, memory_bytes: 0.0, may_fail: false, cut: false, note: String::new() };
        let (mut tried, mut seen, mut strings) = (0, 0, 0.0f64);
        for observable in observables {
            let one = self.try_one(observable, error)?;
            tried += one.tried + self.start.steps.len() as u64;
            seen += 1;
            strings = strings.max(one.strings);
            all.seconds += RUN_S + self.start.steps.len() as f64 * OP_S + one.made * STRING_S;
            all.may_fail |= one.may_fail;
            all.cut |= one.cut;
            if tried > TRIED {
                break;
            }
        }
        if seen < observables.len() {
            all.seconds *= observables.len() as f64 / seen as f64;
            all.may_fail = true;
        }
        let words = f64::from(self.circuit.n_qubits.div_ceil(64));
        all.memory_bytes = strings * (STRING_BYTES + WORD_BYTES * words);
        let (least, how) = match (all.may_fail, all.cut) {
            (false, false) => ("", "exact"),
            (false, true) => ("", "small ones cut off"),
            (true, false) => ("perhaps ", "exact if it ends"),
            (true, true) => ("perhaps ", "small ones cut off, if the error can be kept"),
        };
        all.note = format!("{least}{} Pauli strings at once, {how}", count(strings));
        Ok(all)
    }

    fn try_one(&self, observable: &[Term], error: f64) -> Result<Tried, Refused> {
        let limits = |work| Limits { memory: u64::MAX, work, stopped: &|| false };
        let at = match self.value(observable, Cut::NOTHING, &limits(EXACT_WORK)) {
            Ok(found) => return Ok(Tried::ended(&found, false)),
            Err(Refused::Stopped(Stopped::Work { at })) => at,
            Err(other) => return Err(other),
        };
        if error == 0.0 {
            let strings = growth(&at);
            return Ok(Tried { tried: EXACT_WORK, made: strings * MADE, strings, may_fail: true, cut: false });
        }
        let made = match self.within(observable, error, &limits(CUT_WORK)) {
            Ok(found) if found.error <= error => {
                return Ok(Tried::ended(&found.outcome, found.kind != ErrorKind::Exact));
            }
            Ok(found) if found.kind == ErrorKind::Estimate => found.outcome.work as f64 * (found.error / error).powi(2),
            Ok(_) | Err(Refused::Stopped(_)) => f64::INFINITY,
            Err(other) => return Err(other),
        };
        let made = made.min(WORK as f64);
        Ok(Tried { tried: EXACT_WORK + CUT_WORK, made, strings: made / MADE, may_fail: true, cut: true })
    }
}

/// Strings at the end of a run that was stopped, if they go on growing as they have.
fn growth(at: &Outcome) -> f64 {
    let groups = at.segments as f64 / at.done.max(1) as f64;
    (at.peak_terms.max(2) as f64).powf(groups).min(1e30)
}

fn count(strings: f64) -> String {
    if strings < 1e6 {
        format!("{strings:.0}")
    } else {
        format!("{strings:.0e}")
    }
}

struct Tried {
    /// Strings made now, and in a run.
    tried: u64,
    made: f64,
    strings: f64,
    may_fail: bool,
    cut: bool,
}

impl Tried {
    fn ended(found: &Outcome, cut: bool) -> Tried {
        let made = found.work as f64;
        Tried { tried: found.work, made, strings: found.peak_terms as f64, may_fail: false, cut }
    }
}
