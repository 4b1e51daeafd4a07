//! QVM binary to circuits: graphs of the core family, as `qmk.formats.binary` and `qmk.ir.lower` read them.
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
mod written;

use crate::circuit::Circuit;

use body::Body;
pub use features::Features;
use pack::Cursor;
use packed::{is_packed, Packed};
pub use written::binary;
use written::HEAD;

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

/// Why a binary is left to the semantic codec.
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

/// What `look` makes of the body of a graph, in QVM binary or packed.
fn with_body<T>(data: &[u8], look: impl FnOnce(&Body) -> Result<T, Declined>) -> Result<T, Declined> {
    if is_packed(data) {
        return look(&Packed::read(data, false)?.body()?);
    }
    if !data.starts_with(HEAD) {
        return Err(Declined::byte(0, "no QVM binary of version 1"));
    }
    look(&Body::read(Cursor { bytes: data, at: HEAD.len() })?)
}

/// The circuit of a verified graph, in QVM binary or packed.
pub fn read(data: &[u8]) -> Result<Circuit, Declined> {
    with_body(data, lower::circuit)
}

/// The features of a verified graph, in QVM binary or packed, and its circuit where it has one.
pub fn look(data: &[u8], circuit: bool) -> Result<(Features, Option<Circuit>), Declined> {
    with_body(data, |body| {
        let found = features::features(body)?;
        Ok((found, circuit.then(|| lower::circuit(body).ok()).flatten()))
    })
}
