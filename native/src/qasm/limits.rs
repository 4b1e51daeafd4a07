//! The bounds of reading: those of `qmk.base.limits` and of the semantic front end, which a test compares, and a few of
//! this reader's own. What exceeds one is declined, so that the front end reports it.

/// Bytes of one program text.
pub const SOURCE_BYTES: usize = 64 << 20;
/// Qubits of one program.
pub const QUBITS: usize = 100_000;
/// Measurements and computed bits of one program; bits of one register.
pub const EVENTS: usize = 1_000_000;
/// Operations that gate definitions may expand to.
pub const EXPANSION_NODES: usize = 1_000_000;
/// Nesting of gates while they are expanded.
pub const MACRO_DEPTH: usize = 64;
/// Characters of a name.
pub const NAME_CHARS: usize = 256;
/// Controls of one gate that is decomposed.
pub const CONTROLS: usize = 256;
/// Conditions of one guard; a larger one is computed into a bit first.
pub const GUARD_CONDITIONS: usize = 24;

/// The bounds that the semantic front end has too, by its names.
pub const SHARED: &[(&str, usize)] = &[
    ("source_bytes", SOURCE_BYTES),
    ("qubits", QUBITS),
    ("events", EVENTS),
    ("expansion_nodes", EXPANSION_NODES),
    ("macro_depth", MACRO_DEPTH),
    ("name_chars", NAME_CHARS),
    ("MAX_CONTROLS", CONTROLS),
    ("MAX_CONDITIONS", GUARD_CONDITIONS),
];

/// Bits of all classical registers together.
pub const DECLARED_BITS: usize = 4_000_000;
/// Elementary steps of comparing operands and expanding gates.
pub const WORK: u64 = 30_000_000;
/// Elementary operations that the circuit may come to: some operations of the program take several.
pub const OPS: usize = 8_000_000;
