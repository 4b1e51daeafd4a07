//! Circuits in Clifford gates and T gates, few of the latter.
//!
//! | file | what |
//! |---|---|
//! | `lower` | every gate as Clifford gates and rotations about Z |
//! | `merge` | two Toffoli gates on one target as one |
//! | `ands` | Toffoli gates as temporary ANDs on ancillae |
//! | `angle`, `frame`, `fold` | rotations about the same Pauli operator become one |
//! | `cancel` | Clifford gates that cancel |
//! | `gadgets`, `word` | parts of a circuit as rotations about Pauli operators and one Clifford operation |
//! | `groups`, `todd` | fewer T gates among rotations that commute |
//! | `window`, `network` | parts of a circuit with fewer gates on two qubits |
//! | `replace` | the error of the whole in equal shares, rotations as Clifford and T gates |
//! | `rz` | one rotation as Clifford and T gates: `grid` lists corners, `norm` completes them (`primes`), `exact` writes gates |
//! | `ring` | the numbers that entries of such matrices are made of |
//! | `count` | T gates, rotations, gates on two qubits, T depth |
//!
//! With ancillae the unitary is still kept, on the qubits that were there before.
//!
//! Global phases are not kept: nothing of a circuit shows them. What is controlled by a qubit is lowered first, with the
//! phases that the control makes relative; a condition is classical.

mod ands;
mod angle;
mod cancel;
pub mod count;
mod exact;
mod fold;
mod frame;
mod gadgets;
mod grid;
mod groups;
mod lower;
mod merge;
mod network;
mod norm;
mod primes;
#[cfg(feature = "python")]
pub mod python;
mod replace;
mod ring;
pub mod rz;
mod todd;
mod window;
mod word;

use crate::circuit::{Circuit, Invalid};
pub use angle::Angle;
pub use count::{counts, Counts};
pub use replace::Replaced;

/// What is assumed and wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Radians: an angle this near to a multiple of pi/4 is that multiple.
    pub tolerance: f64,
    /// The unitary is kept, from any state to any state; else only what registers show, from |0..0>.
    pub keep_unitary: bool,
    /// Toffoli gates may take ancillae and measurements, where that takes fewer T gates.
    pub ancillae: bool,
    /// 1 joins and cancels, 2 also writes parts anew with fewer gates on two qubits, 3 also looks for fewer T gates among
    /// those that commute, at the cost of gates on two qubits, and takes seconds for it.
    pub effort: u8,
    /// The T depth counts first, and the number of T gates second.
    pub by_depth: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { tolerance: 1e-12, keep_unitary: false, ancillae: false, effort: 1, by_depth: false }
    }
}

/// Rounds of folding and cancelling; each needs the last one to have gained.
const ROUNDS: usize = 4;

/// Clifford gates and rotations about Z, with rotations joined and gates cancelled.
pub fn folded(circuit: &Circuit, options: &Options) -> Circuit {
    let assume = fold::Assume { only_registers: !options.keep_unitary, tolerance: options.tolerance };
    let mut made = lower::lowered(circuit);
    for _ in 0..ROUNDS {
        let (next, joined) = fold::fold(&made, assume);
        let (next, gone) = cancel::cancel(&next, options.tolerance);
        made = next;
        if joined == 0 && gone == 0 {
            break;
        }
    }
    made
}

/// The form with the fewest T gates and rotations, and its ancillae: without temporary ANDs, with those that gates share,
/// or with all.
fn fewest(circuit: &Circuit, options: &Options) -> (Circuit, usize) {
    let cost = |made: &Circuit| {
        let found = counts(made, options.tolerance);
        let depth = if options.by_depth { found.t_depth } else { 0 };
        (depth, found.rotations, found.t, found.two_qubit)
    };
    let mut best = (folded(circuit, options), 0);
    let mut look = |made: Circuit, ancillae: usize| {
        if cost(&made) < cost(&best.0) {
            best = (made, ancillae);
        }
    };
    let joined = merge::merged(circuit);
    let forms = [(circuit, 0), (&joined, 0), (circuit, 2), (&joined, 2), (circuit, 1), (&joined, 1)];
    for (source, least) in forms.into_iter().filter(|form| options.ancillae || form.1 == 0) {
        let (made, ancillae) = if least == 0 { (source.clone(), 0) } else { ands::with_ands(source, least) };
        let made = folded(&made, options);
        if options.effort >= 3 {
            look(folded(&window::with_fewer_t(&made, options.tolerance), options), ancillae);
        }
        look(made, ancillae);
    }
    if options.effort >= 2 {
        best.0 = folded(&window::shortened(&best.0, options.effort, options.tolerance), options);
    }
    best
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Of the circuit in Clifford gates and rotations, as it came and with rotations joined.
    pub before: Counts,
    pub folded: Counts,
    /// Of what came out.
    pub after: Counts,
    pub replaced: Replaced,
    /// Qubits that were added.
    pub ancillae: usize,
}

/// The circuit in H, S, Sdg, X, Y, Z, T, Tdg, CNOT, CZ and SWAP, measurements and resets.
///
/// The operator norm of the difference is at most `epsilon` (up to a global phase, and where `keep_unitary` is not set,
/// on what registers show: their distribution differs by at most `epsilon` in total variation). Refuses an `epsilon`
/// that is no positive number, or too small for as many rotations as are left.
pub fn clifford_t(circuit: &Circuit, epsilon: f64, options: &Options) -> Result<(Circuit, Report), Invalid> {
    if !(epsilon > 0.0 && epsilon < 1.0) {
        return Err(Invalid(format!("epsilon must be above 0 and below 1; got {epsilon:e}")));
    }
    let before = counts(&lower::lowered(circuit), options.tolerance);
    let (joined, ancillae) = fewest(circuit, options);
    let (made, replaced) = replace::replaced(&joined, epsilon, options.tolerance)?;
    // T gates at the ends of two sequences may join again.
    let made = if replaced.rotations > 0 { folded(&made, options) } else { made };
    let report = Report {
        before,
        folded: counts(&joined, options.tolerance),
        after: counts(&made, options.tolerance),
        replaced,
        ancillae,
    };
    Ok((made, report))
}

#[cfg(test)]
mod tests;
