//! Circuits on devices where only some pairs of sites are coupled: qubits are placed on sites, and exchanged where the
//! two of a gate are apart.
//!
//! 1. `graph` joins the gates on one pair of qubits into blocks and orders blocks by what depends on what.
//! 2. `embed` looks for a layout that needs no exchange (VF2 of Cordella et al., 2004, bounded by steps).
//! 3. `walk` routes from many seeded layouts (SABRE of Li, Ding and Xie, arXiv:1809.02573, scored by differences as in
//!    LightSABRE, arXiv:2409.08368). An exchange beside a block on the same pair is priced by what the block costs once
//!    both are synthesised as one (Liu et al., arXiv:2109.01147): `price` counts those gates.
//!    `copies` knows wires that always read the same: a gate that is diagonal on one of them is done on the nearest.
//! 4. `emit` writes the best as circuits. A circuit begins in |0>, so that an exchange with a site that nothing has
//!    used takes two CNOTs, and one of two such sites nothing.
//!
//! The result may end with its qubits elsewhere: measurements are moved, and `Placed::last` says where each qubit is.

mod copies;
mod coupling;
mod embed;
mod emit;
mod graph;
mod layouts;
mod price;
#[cfg(feature = "python")]
pub mod python;
mod search;
mod spread;
#[cfg(test)]
mod tests;
mod three;
mod walk;

pub use coupling::{Coupling, SITES};
pub use spread::spread;

use crate::circuit::{matrix, Circuit, Invalid, Op};

/// What a search may do, and what it looks for.
#[derive(Clone, Debug)]
pub struct Options {
    pub seed: u64,
    /// Most layouts that are routed; each is run forth and back a few times.
    pub trials: u32,
    /// Most exchanges that are scored in all trials together: large circuits get fewer trials. The first trial always ends.
    pub work: u64,
    /// Steps of the search for a layout without exchanges.
    pub steps: u64,
    /// How many results are given back, best first.
    pub keep: usize,
    /// A result's score is its two-qubit gates plus this times its depth in two-qubit gates.
    pub depth_weight: f64,
    /// Whether gates that commute may change places.
    pub commute: bool,
}

impl Options {
    fn score(&self, two: u32, depth: u32) -> f64 {
        two as f64 + self.depth_weight * depth as f64
    }
}

impl Default for Options {
    fn default() -> Options {
        Options { seed: 0, trials: 60, work: 20_000_000, steps: 20_000, keep: 4, depth_weight: 0.05, commute: true }
    }
}

/// A circuit whose qubits are the sites of a device and whose two-qubit gates are on coupled sites.
#[derive(Clone, Debug)]
pub struct Placed {
    pub circuit: Circuit,
    /// The site at which each qubit of the source begins.
    pub first: Vec<u32>,
    /// The site at which each qubit of the source ends.
    pub last: Vec<u32>,
    /// Exchanges that were added.
    pub swaps: u32,
    /// Two-qubit gates (CZ or CNOT) once each block on a pair is synthesised as one.
    pub two: u32,
    /// Depth in such gates.
    pub depth: u32,
}

/// Placements of `circuit`, best first; there is at least one. Refuses a circuit that does not fit. Gates on three qubits
/// are decomposed.
pub fn candidates(circuit: &Circuit, coupling: &Coupling, options: &Options) -> Result<Vec<Placed>, Invalid> {
    let by_phases = |op: &Op, mut emit: &mut graph::Emit| matrix::split_three(op, &mut emit);
    // six CNOTs where little has to move; controlled phases where much commutes: which is better shows in the end
    let splits: [graph::Split; 2] = [&by_phases, &three::split];
    let has_three = circuit.ops.iter().any(|op| op.kind.is_gate() && op.kind.n_qubits() == 3);
    let mut graphs: Vec<graph::Graph> = Vec::new();
    for split in &splits[..if has_three { 2 } else { 1 }] {
        graphs.push(graph::Graph::new(circuit, options.commute, *split));
        if options.commute {
            // the order of the text, too: where all commutes, it often says in which order wires come together best
            let ordered = graph::Graph::new(circuit, false, *split);
            graphs.extend(graphs.last().is_some_and(|free| free.forth != ordered.forth).then_some(ordered));
        }
    }
    let n = graphs.len() as u32;
    let part = Options { trials: options.trials.div_ceil(n), work: options.work / n as u64, ..options.clone() };
    let mut all: Vec<Placed> = Vec::new();
    for graph in &graphs {
        all.extend(search::search(graph, coupling, &part)?);
    }
    all.sort_by(|a, b| options.score(a.two, a.depth).total_cmp(&options.score(b.two, b.depth)));
    all.truncate(options.keep.max(1));
    Ok(all)
}
