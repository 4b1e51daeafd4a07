//! A rotation about Z as Clifford and T gates, to a stated error (Ross and Selinger, arXiv:1403.2975).

use std::f64::consts::FRAC_PI_4;

use super::angle::Angle;
use super::exact::{turns, Turns};
use super::grid::Grid;
use super::norm;
use crate::circuit::Kind;

/// Bounds of the error: an f64 holds no angle to more digits, and above, the identity would do.
pub const LEAST: f64 = 1e-12;
pub const MOST: f64 = 0.5;

/// Denominator exponents tried past the first that is likely to have a point.
const TRIES: u32 = 40;

#[derive(Clone, Debug)]
pub struct Synthesis {
    /// In the order in which they act.
    pub gates: Vec<Kind>,
    pub t_count: usize,
    /// Operator norm of the difference from RZ(angle), up to a global phase.
    pub error: f64,
}

/// RZ(angle) within `epsilon`, in operator norm up to a global phase. None for an `epsilon` out of bounds, and if the
/// search comes to an end, which was never seen.
pub fn synthesize(angle: f64, epsilon: f64) -> Option<Synthesis> {
    if !(LEAST..=MOST).contains(&epsilon) || !angle.is_finite() {
        return None;
    }
    let exact = Angle::of(angle, epsilon);
    if !exact.is_free() {
        let rest = angle.rem_euclid(FRAC_PI_4);
        let off = rest.min(FRAC_PI_4 - rest);
        let t_count = exact.eighths as usize % 2;
        return Some(Synthesis { gates: exact.gates().to_vec(), t_count, error: 2.0 * (off / 4.0).sin() });
    }
    // The error of the sine and the cosine, and of what is computed from them.
    let wanted = epsilon - 4e-15_f64.min(epsilon / 100.0);
    // A matrix of determinant 1, or one of determinant omega: that is T times one of determinant 1 for another angle.
    let angle = Angle { eighths: exact.eighths, rest: exact.rest }.radians();
    let grids = [Grid::new(angle - FRAC_PI_4, wanted), Grid::new(angle, wanted)];
    let first = (1.5 * (1.0 / epsilon).log2() - 6.0).max(0.0) as u32;
    for k in first..first + TRIES {
        for (t_first, grid) in [(1, &grids[0]), (0, &grids[1])] {
            for point in grid.points(k) {
                let Some(t) = norm::solve(point.left) else { continue };
                let best = (0..2).filter_map(|j| turns(point.u, t.turned(j), k)).map(|made| with_t(made, t_first));
                if let Some(best) = best.min_by_key(Turns::t_count) {
                    return Some(Synthesis { gates: best.gates(), t_count: best.t_count(), error: point.error });
                }
            }
        }
    }
    None
}

/// The product with T^times on the right.
fn with_t(made: Turns, times: usize) -> Turns {
    let mut made = made;
    made.times_t(times);
    made
}
