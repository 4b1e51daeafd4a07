//! What the passes over a graph have to know of an op: as Python declares it (`qmk.qvm.families`), looked up once for each
//! shape.

use std::collections::HashMap;

use super::lower::{gate_of, lowered_of};
use crate::circuit::{Kind, Lowered};

#[derive(Clone, Copy, PartialEq)]
pub enum Class {
    Unitary,
    Evolution,
    Composite,
    Measure,
    Reset,
    Alloc,
    Free,
    Open,
    Use,
    Close,
    Fence,
    Hint,
    Metadata,
    FeedForward,
    Classical,
    Noise,
}

/// Classes by what Python calls them.
const CLASSES: [(&str, Class); 16] = [
    ("unitary", Class::Unitary),
    ("evolution", Class::Evolution),
    ("composite", Class::Composite),
    ("measure", Class::Measure),
    ("reset", Class::Reset),
    ("alloc", Class::Alloc),
    ("free", Class::Free),
    ("open", Class::Open),
    ("use", Class::Use),
    ("close", Class::Close),
    ("fence", Class::Fence),
    ("hint", Class::Hint),
    ("metadata", Class::Metadata),
    ("feedforward", Class::FeedForward),
    ("classical", Class::Classical),
    ("noise", Class::Noise),
];

/// What is declared of an op: its class, the basis in which it is diagonal on each of its qubits, whether its Schmidt
/// rank is two across any cut.
struct Declared {
    class: Class,
    bases: Vec<u8>,
    rank_two: bool,
}

/// Every op by name.
#[derive(Default)]
pub struct Ops(HashMap<String, Declared>);

impl Ops {
    /// Declares an op; says whether there is such a class.
    pub fn declare(&mut self, op: String, class: &str, bases: String, rank_two: bool) -> bool {
        let Some(&(_, class)) = CLASSES.iter().find(|row| row.0 == class) else { return false };
        self.0.insert(op, Declared { class, bases: bases.into_bytes(), rank_two });
        true
    }

    pub fn row(&self, op: &str) -> Option<Row<'_>> {
        let (op, declared) = self.0.get_key_value(op)?;
        let Declared { class, ref bases, rank_two } = *declared;
        Some(Row { op, class, bases, rank_two, kind: gate_of(op), lowered: lowered_of(op) })
    }
}

/// What an op is, once for each shape.
pub struct Row<'a> {
    pub op: &'a str,
    pub class: Class,
    pub bases: &'a [u8],
    pub rank_two: bool,
    pub kind: Option<Kind>,
    pub lowered: Option<&'static Lowered>,
}

impl Row<'_> {
    /// Whether qubits are acted on.
    pub fn acts(&self) -> bool {
        use Class::*;
        matches!(self.class, Unitary | Evolution | Composite | Measure | Reset | FeedForward)
    }

    pub fn is_pauli(&self) -> bool {
        matches!(self.op, "core.id" | "core.x" | "core.y" | "core.z" | "core.condpauli")
    }

    /// Whether it resets its qubits.
    pub fn resets(&self) -> bool {
        self.class == Class::Reset || self.op == "magic.inject_t"
    }

    /// Whether it looks for the atom, and not at its qubit.
    pub fn looks(&self) -> bool {
        self.op == "atoms.check"
    }
}
