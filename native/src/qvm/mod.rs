//! Packed graphs to circuits and features: what `qmk.ir.lower` gives for the gates of the core.
//!
//! The graph is taken to be verified, its bytes are not: every length, count and number is checked, and what does not
//! fit is declined. So is what a circuit has no place for: channels, magic, policies and code profiles, allocation under
//! a guard. Barriers and fences are dropped.

mod body;
mod bond;
mod clifford;
mod features;
mod gates;
mod lower;
mod pack;
mod packed;
#[cfg(feature = "python")]
pub mod python;
mod rows;
mod strings;

use crate::circuit::Circuit;

use body::Body;
pub use features::{Features, Request};
use packed::Packed;
pub use rows::Ops;

/// Nodes of one graph.
pub const NODES: usize = 1_000_000;
/// Elementary steps of reading, and ops that a circuit may come to.
const WORK: u64 = 100_000_000;
const OPS: usize = 8_000_000;

/// Where something was seen: a byte of the input, or the number of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Byte(usize),
    Node(usize),
}

/// Why a graph is left to Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declined {
    pub place: Place,
    pub why: &'static str,
}

impl Declined {
    fn byte(at: usize, why: &'static str) -> Declined {
        Declined { place: Place::Byte(at), why }
    }

    fn node(number: usize, why: &'static str) -> Declined {
        Declined { place: Place::Node(number), why }
    }
}

/// What `look` makes of the body of a graph, packed.
fn with_body<T>(data: &[u8], look: impl FnOnce(&Body) -> Result<T, Declined>) -> Result<T, Declined> {
    look(&Packed::read(data)?.body()?)
}

/// The circuit of a verified graph, packed.
pub fn read(data: &[u8]) -> Result<Circuit, Declined> {
    with_body(data, lower::circuit)
}

/// The features of a verified graph, packed, and its circuit where that is wanted and there is one.
pub fn look(data: &[u8], request: Request, circuit: bool) -> Result<(Features, Option<Circuit>), Declined> {
    with_body(data, |body| {
        let found = features::features(body, request)?;
        Ok((found, circuit.then(|| lower::circuit(body).ok()).flatten()))
    })
}
