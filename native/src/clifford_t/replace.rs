//! Rotations that are left become Clifford and T gates, each with an equal share of the error.
//!
//! The errors add up at most, so the shares may not sum to more than the error of the whole. A rotation takes about
//! 3 log2(1/share) T gates; the sum of these is least where all shares are equal, whether or not angles repeat.

use std::collections::HashMap;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

use super::angle::Angle;
use super::fold::copy;
use super::rz::{self, Synthesis};
use crate::circuit::{Circuit, Invalid, Kind, Op, NONE};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replaced {
    pub rotations: usize,
    /// Angles that are different, up to sign and Clifford gates.
    pub distinct: usize,
    /// Of each rotation.
    pub share: f64,
    /// Sum of the errors: a bound for the operator norm of the difference, up to a global phase.
    pub error: f64,
}

/// The circuit (as `lower` leaves it) without rotations by other angles than multiples of pi/4.
pub fn replaced(circuit: &Circuit, epsilon: f64, tolerance: f64) -> Result<(Circuit, Replaced), Invalid> {
    let free = |op: &Op| Angle::of_gate(op.kind, circuit.angles(op), tolerance).filter(|angle| angle.is_free());
    let rotations = circuit.ops.iter().filter(|op| free(op).is_some()).count();
    let share = (epsilon / rotations.max(1) as f64).min(rz::MOST);
    if rotations > 0 && share < rz::LEAST {
        let least = rz::LEAST * rotations as f64;
        return Err(Invalid(format!(
            "an error of {epsilon:e} over {rotations} rotations is less than {:e} each; ask for {least:e} or more",
            rz::LEAST
        )));
    }
    let mut report = Replaced { rotations, share, ..Replaced::default() };
    let mut known: HashMap<u64, Synthesis> = HashMap::new();
    let mut out = Circuit { ops: Vec::with_capacity(circuit.ops.len()), params: Vec::new(), ..circuit.clone() };
    for op in &circuit.ops {
        let Some(angle) = free(op) else {
            copy(&mut out, circuit, op);
            continue;
        };
        let (quarters, rest) = by_quarters(angle);
        let made = match known.entry(rest.abs().to_bits()) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let made = rz::synthesize(rest.abs(), share)
                    .ok_or_else(|| Invalid(format!("no gates within {share:e} of a rotation by {}", rest.abs())))?;
                entry.insert(made)
            }
        };
        report.error += made.error;
        let mut put = |kind: Kind| out.ops.push(Op::gate(kind, &[op.q[0]], NONE).under(op.cond));
        if rest < 0.0 {
            made.gates.iter().rev().for_each(|kind| put(kind.inverse()));
        } else {
            made.gates.iter().for_each(|&kind| put(kind));
        }
        Angle { eighths: 2 * quarters, rest: 0.0 }.gates().iter().for_each(|&kind| put(kind));
    }
    report.distinct = known.len();
    Ok((out, report))
}

/// Quarter turns, and what is left: at most pi/4 either way.
fn by_quarters(angle: Angle) -> (u8, f64) {
    let (quarters, odd) = (angle.eighths / 2, angle.eighths % 2);
    let rest = odd as f64 * FRAC_PI_4 + angle.rest;
    if rest > FRAC_PI_4 {
        ((quarters + 1) % 4, rest - FRAC_PI_2)
    } else {
        (quarters, rest)
    }
}
