//! OpenQASM 2 and 3 text to circuits, in one pass.
//!
//! The semantic front end (`qmk.frontends.openqasm`) is the reference: what is read here means what it means there, and
//! has the same qubits, bits and registers. What this reader does not take, and every error, is declined at first
//! sight; the front end then reads the text, or says what is wrong. Input is never trusted: every loop and every list
//! has a bound (`limits`), recursion follows the depth of the text, which is bounded too.
//!
//! The path of a program: `recognise` (the dialect), then statement by statement either `fast` (common lines, straight
//! from the bytes) or `lex` -> `parser`, `statements` -> `tree` -> `reader` and its parts (`evaluate`, `gates`, `flow`,
//! `declare`), which run the classical part now and hand the quantum part to `builder`.

mod arithmetic;
mod bits;
mod builder;
mod declare;
mod define;
mod evaluate;
mod fast;
mod flow;
mod gates;
mod known;
mod lex;
mod library;
pub mod limits;
mod matrix;
mod names;
mod parser;
#[cfg(feature = "python")]
pub mod python;
mod reader;
mod recognise;
mod statements;
pub(crate) mod synthesis;
mod template;
mod tree;
pub(crate) mod unitary;
mod values;

use crate::circuit::Circuit;

/// Why a text is left to the semantic front end, and the byte where that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declined {
    pub at: usize,
    pub why: &'static str,
}

impl Declined {
    pub(crate) fn at(at: usize, why: &'static str) -> Declined {
        Declined { at, why }
    }

    /// Line and column (in characters), from 1, of where it was seen in `text`.
    pub fn place(&self, text: &str) -> (usize, usize) {
        let before = &text.as_bytes()[..self.at.min(text.len())];
        let line = before.iter().filter(|&&c| c == b'\n').count() + 1;
        let start = before.iter().rposition(|&c| c == b'\n').map_or(0, |k| k + 1);
        let column = before[start..].iter().filter(|&&c| c & 0xC0 != 0x80).count() + 1;
        (line, column)
    }
}

/// The circuit of an OpenQASM 2 or 3 program.
pub fn read(text: &str) -> Result<Circuit, Declined> {
    read_as(text, false)
}

/// As `read`; `strict` declines what the semantic front end would warn of.
pub fn read_as(text: &str, strict: bool) -> Result<Circuit, Declined> {
    if text.len() > limits::SOURCE_BYTES {
        return Err(Declined::at(0, "a text too long"));
    }
    let bytes = text.as_bytes();
    let mark = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let shifted = |declined: Declined| Declined { at: declined.at + mark, ..declined };
    let bytes = &bytes[mark..];
    let (two, start) = recognise::dialect(bytes).map_err(shifted)?;
    reader::Reader::new(bytes, two, strict).run(start).map_err(shifted)
}
