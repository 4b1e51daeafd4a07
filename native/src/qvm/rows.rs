//! What the passes over a graph have to know of an op, looked up once for each shape.

use super::lower::{gate_of, lowered_of};
use crate::circuit::Kind;

#[derive(Clone, Copy, PartialEq)]
pub enum Class {
    Unitary,
    Composite,
    Measure,
    Reset,
    Alloc,
    Free,
    Fence,
    Hint,
    Metadata,
    FeedForward,
    Logic,
}

/// What an op is, once for each shape.
pub struct Row<'a> {
    pub class: Class,
    pub short: &'a str,
    pub kind: Option<Kind>,
    pub bases: &'static [u8],
    /// Its Schmidt rank is two across any cut.
    pub rank_two: bool,
    pub pauli: bool,
}

pub fn row<'a>(op: &'a str) -> Option<Row<'a>> {
    let (family, short) = op.split_once('.')?;
    let class = match (family, short) {
        ("core", "alloc") => Class::Alloc,
        ("core", "free") => Class::Free,
        ("core", "fence") => Class::Fence,
        ("core", "barrier") => Class::Hint,
        ("core", "mz" | "mx" | "my" | "mangle" | "mbell" | "mpauli") => Class::Measure,
        ("core", "reset") => Class::Reset,
        ("core", "condpauli") => Class::FeedForward,
        ("core", "lut") => Class::Logic,
        ("core", "teleport_cnot") | ("magic", "inject_t") => Class::Composite,
        ("core", "gphase" | "paulirot" | "mod") => Class::Unitary,
        ("policy", "set") => Class::Metadata,
        _ => gate_of(op).map(|_| Class::Unitary).or(lowered_of(op).map(|_| Class::Unitary))?,
    };
    let kind = gate_of(op);
    let bases = match (kind, lowered_of(op), short) {
        (Some(kind), _, _) => kind.bases(),
        (_, Some(gate), _) => gate.bases,
        (_, _, "teleport_cnot") => Kind::Cnot.bases(),
        _ => b"",
    };
    let known = bases.iter().filter(|&&basis| basis != b'-').count();
    let narrow = bases.len() > 1 && known >= if bases.len() == 2 { 1 } else { bases.len() };
    let rank_two = narrow || matches!(short, "paulirot" | "mpauli");
    let pauli = matches!(short, "id" | "x" | "y" | "z" | "condpauli");
    Some(Row { class, short, kind, bases, rank_two, pauli })
}

impl Row<'_> {
    /// Whether qubits are acted on.
    pub fn acts(&self) -> bool {
        use Class::*;
        matches!(self.class, Unitary | Composite | Measure | Reset | FeedForward)
    }

    /// Short names of the gates that it is made of.
    pub fn gates(&self) -> &[&str] {
        match (self.class, self.short) {
            (Class::FeedForward, _) => &["x", "y", "z"],
            (_, "teleport_cnot") => &["cnot"],
            (_, "inject_t") => &["h", "t"],
            (Class::Unitary, _) => std::slice::from_ref(&self.short),
            _ => &[],
        }
    }

    pub fn injects(&self) -> bool {
        self.short == "inject_t"
    }
}
