//! Where to cut small strings off so that the error that is stated stays within what the caller allows.
//!
//! Runs with ever smaller cuts, a factor of `STEP` apart, until the bound on the error is small enough, or the work is
//! used up. Beyond that there is an estimate: by how much the last values still move. Values of cuts that leave nothing
//! do not move at all, so the estimate is at least a part of the norm that is lost: what is cut off, by its 2-norm, which
//! is what its mean value would be in a state that knows nothing of it, at most.

use super::{Cut, Limits, Outcome, Plan, Refused, Stopped, Term};

/// What an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing was cut off.
    Exact,
    /// The value is not farther from the true one.
    Bound,
    /// From the differences among the values of the last cuts, and the norm that is lost.
    Estimate,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Exact => "exact",
            Kind::Bound => "bound",
            Kind::Estimate => "estimate",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    pub value: f64,
    pub error: f64,
    pub kind: Kind,
    /// Coefficient below which strings were cut off.
    pub cut: f64,
    /// Of the last run; its work is that of all runs.
    pub outcome: Outcome,
}

/// From one cut to the next.
const STEP: f64 = 4.0;
/// The first cut, in parts of the observable's size: what it takes shows in nothing else, and little is lost where a
/// finer one would have done.
const FIRST: f64 = 0.01;
/// Values of so many cuts are compared for an estimate.
const COMPARED: usize = 3;
/// A value that still moves by some amount may move by as much again, and more.
const CAUTION: f64 = 2.0;
/// The part of the norm that is lost which may be an error, where little is: up to this share of its square.
const NORM_PART: f64 = 0.25;
const LITTLE: f64 = 0.1;
/// Strings that may be made to have the value without any cut.
pub const EXACT_WORK: u64 = 100_000;

impl Plan {
    /// The mean value with an error of at most `error`: without a cut where that is quick, else with an error that is
    /// proved where the work allows, else with one that is estimated, which may be larger than `error`.
    pub fn within(&self, observable: &[Term], error: f64, limits: &Limits) -> Result<Estimate, Refused> {
        let first = Limits { work: limits.work.min(EXACT_WORK), ..*limits };
        match self.value(observable, Cut::NOTHING, &first) {
            Ok(outcome) => {
                return Ok(Estimate { value: outcome.value, error: 0.0, kind: Kind::Exact, cut: 0.0, outcome });
            }
            Err(Refused::Stopped(Stopped::Work { .. } | Stopped::Memory { .. })) => {}
            Err(other) => return Err(other),
        }
        let scale: f64 = observable.iter().map(|(_, factor)| factor.abs()).sum();
        let squares = observable.iter().map(|(_, factor)| factor * factor).sum();
        let mut series = Series { spent: first.work, scale, squares, found: Vec::new() };
        let mut cut = FIRST * scale;
        loop {
            let left = Limits { work: limits.work.saturating_sub(series.spent), ..*limits };
            match self.value(observable, Cut::below(cut), &left) {
                Ok(outcome) => series.add(cut, outcome),
                Err(Refused::Stopped(Stopped::Work { .. } | Stopped::Memory { .. })) if !series.found.is_empty() => {
                    return Ok(series.best(error));
                }
                Err(other) => return Err(other),
            }
            let best = series.best(error);
            let hopeless = series.needed(error) > limits.work as f64;
            if best.error <= error && (best.kind != Kind::Estimate || hopeless) || series.spent >= limits.work / 2 {
                return Ok(best);
            }
            cut /= STEP;
        }
    }
}

/// Runs with ever smaller cuts.
struct Series {
    spent: u64,
    /// Sum of the sizes of the observable's coefficients: no value is larger.
    scale: f64,
    /// Sum of their squares.
    squares: f64,
    found: Vec<(f64, Outcome)>,
}

impl Series {
    fn add(&mut self, cut: f64, outcome: Outcome) {
        self.spent += outcome.work;
        self.found.push((cut, outcome));
    }

    /// Strings that will have been made when the bound is as small as this, if it goes on falling as it has.
    fn needed(&self, error: f64) -> f64 {
        let [.., (_, before), (_, last)] = self.found[..] else { return 0.0 };
        if last.bound >= before.bound {
            return f64::INFINITY;
        }
        let steps = (last.bound / error).ln() / (before.bound / last.bound).ln();
        self.spent as f64 * (last.work as f64 / before.work.max(1) as f64).powf(steps.max(0.0))
    }

    /// The last value, with its bound or, where that is not small enough, with a smaller estimate of its error.
    fn best(&self, error: f64) -> Estimate {
        let (cut, outcome) = *self.found.last().expect("a run has ended");
        let kind = if outcome.bound == 0.0 { Kind::Exact } else { Kind::Bound };
        let outcome = Outcome { work: self.spent, ..outcome };
        let bound = outcome.bound.min(self.scale + outcome.value.abs());
        let best = Estimate { value: outcome.value, error: bound, kind, cut, outcome };
        let last = &self.found[self.found.len().saturating_sub(COMPARED)..];
        let moved = last.iter().fold(0.0f64, |most, (_, other)| most.max((other.value - best.value).abs()));
        let part = if outcome.lost > LITTLE * self.squares { 1.0 } else { NORM_PART };
        let estimate = (CAUTION * moved).max(part * outcome.lost.sqrt());
        if best.error <= error || last.len() < COMPARED || estimate >= best.error {
            return best;
        }
        Estimate { error: estimate, kind: Kind::Estimate, ..best }
    }
}
