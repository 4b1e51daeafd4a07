//! Circuits in the gates of a device, with the least number of gates on two qubits that is found.
//!
//! | file | what |
//! |---|---|
//! | `set` | gate sets, and how many gates on two qubits an interaction takes |
//! | `weyl` | gates on two qubits as an interaction between local gates |
//! | `interaction` | gates of the text as interactions |
//! | `collect` | a circuit as interactions; which merge, across what they commute with |
//! | `order` | the order of interactions with the least depth |
//! | `metrics` | the figures of a report |
//! | `emit`, `single` | interactions and local gates in the gates of the set |
//!
//! Instructions under conditions, measurements, resets and noise stay where they are on their qubits. An interaction
//! smaller than `weyl::SNAP` is left out, so that the operator of each is exact to that.

mod collect;
mod emit;
mod interaction;
mod metrics;
mod order;
#[cfg(feature = "python")]
pub mod python;
mod set;
mod single;
#[cfg(test)]
mod tests;
mod weyl;

use collect::{before_measurement, inverse, List, Part};
pub use metrics::{metrics, Metrics};
pub use set::{GateSet, Native, Single, NAMES};

use crate::circuit::matrix::Two;
use crate::circuit::{Circuit, Kind};

/// Rounds of merging, each forth and back; most circuits come to rest after one or two.
const ROUNDS: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// An exchange of two qubits may become another numbering of what follows: `Synthesized::last` says it.
    pub exchange: bool,
    /// Gates are left out that the measurements at the end cannot see.
    pub measured: bool,
    /// Rounds of merging; 0 only writes the gates of the set.
    pub rounds: usize,
    /// What has merged is written as RZZ and U, one RZZ for a term: a router sees there what commutes.
    pub interactions: bool,
    /// Pairs whose controlled NOT or ECR gate has the first qubit as its first operand, and cannot have the second.
    pub one_way: Vec<(u32, u32)>,
}

impl Default for Options {
    fn default() -> Options {
        Options { exchange: false, measured: true, rounds: ROUNDS, interactions: false, one_way: Vec::new() }
    }
}

#[derive(Clone, Debug)]
pub struct Synthesized {
    pub circuit: Circuit,
    /// Where each qubit is at the end.
    pub last: Vec<u32>,
}

/// The circuit in gates of the set, on the same qubits and pairs.
pub fn resynthesize(circuit: &Circuit, gates: &GateSet) -> Circuit {
    synthesize(circuit, gates, Options::default()).circuit
}

pub fn synthesize(circuit: &Circuit, gates: &GateSet, options: Options) -> Synthesized {
    let n = circuit.n_qubits;
    let native = gates.native;
    let (mut parts, mut last) = List::of(circuit, native, options.exchange).parts();
    let (mut before, mut idle) = (needs(&parts, native), 0);
    for _ in 0..options.rounds {
        if options.measured {
            before_measurement(&mut parts, n);
        }
        let (back, _) = List::again(&inverse(&parts), n, native, false).parts();
        let (again, moved) = List::again(&inverse(&back), n, native, options.exchange).parts();
        let after = needs(&again, native);
        // what is next to each other in another order may merge, too
        parts = order::shorten(again, n, native);
        last.iter_mut().for_each(|wire| *wire = moved[*wire as usize]);
        idle = if after < before { 0 } else { idle + 1 };
        if idle == 2 {
            break;
        }
        before = after;
    }
    if options.measured {
        before_measurement(&mut parts, n);
    }
    let plain = GateSet { single: Single::U, native: Native::Rotation(Kind::Rzz) };
    let written = if options.interactions { plain } else { *gates };
    let emitter = emit::Emitter::new(circuit, written, &options.one_way);
    Synthesized { circuit: emitter.write(&parts, circuit), last }
}

/// Controlled NOTs that a gate on two qubits takes between gates on one, and that it takes with an exchange of its qubits.
pub fn controlled_nots(u: &Two) -> (u8, u8) {
    let (_, _, core) = weyl::split(u);
    (set::controlled_nots(&core) as u8, set::with_exchange(&core) as u8)
}

fn needs(parts: &[Part], native: Native) -> usize {
    let of = |part: &Part| if let Part::Core(_, _, core) = part { native.needs(core) } else { 0 };
    parts.iter().map(of).sum()
}

/// (gates on two qubits, their depth); three-qubit gates count as six.
pub fn cost(circuit: &Circuit) -> (usize, usize) {
    let mut depth = vec![0usize; circuit.n_qubits as usize];
    let mut gates = 0;
    for op in circuit.ops.iter().filter(|op| op.kind.is_gate() && op.kind.n_qubits() > 1) {
        let weight = match op.kind {
            Kind::Swap => 3,
            _ if op.kind.n_qubits() == 3 => 6,
            _ => 1,
        };
        gates += weight;
        let at = op.qubits().iter().map(|&q| depth[q as usize]).max().unwrap_or(0) + weight;
        op.qubits().iter().for_each(|&q| depth[q as usize] = at);
    }
    (gates, depth.into_iter().max().unwrap_or(0))
}
