//! What a compiled circuit is: a straight list of instructions on symbols (packed columns over shots) and on parts
//! (small dense states of active virtual qubits that are not entangled with one another).

use crate::circuit::NONE;

/// A slice of `Code::pool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub len: u32,
}

/// A Pauli on the qubits of a part: `i^power X^x Z^z`. Bit j = j-th lowest bit of an index of its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    pub x: u64,
    pub z: u64,
    pub power: u8,
}

/// `out`, `x`, `z`, `sign`, `under` are symbols; `sign` and `under` may be NONE.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Instr {
    /// out = parity of the symbols of `from`, flipped or not.
    Parity { out: u32, from: Span, flip: bool },
    /// out = fair coins.
    Coin { out: u32 },
    /// One die a shot with the chances of the Paulis (or products on two operands) but the identity at `param`. Of the
    /// k-th operand: symbol out + 2 k = X or Y fell, the next one = Y or Z fell.
    Noise { out: u32, operands: u32, param: u32 },
    /// out = all of (or any of) literals, each twice a symbol plus 1 where it is negated.
    Junction { out: u32, from: Span, any: bool },
    /// out = truth table of symbols of `from` in shots where `under` holds.
    Lookup { out: u32, table: u32, from: Span, under: u32 },
    /// A new part of one qubit: cos |0> - i sin |1>, or |0> where `under` does not hold.
    Open { part: u32, cos: f64, sin: f64, under: u32 },
    /// The qubits of `other` become the higher bits of `part`.
    Join { part: u32, other: u32 },
    /// exp(-+i angle/2 P): minus where `sign` is 0; only where `under` holds.
    Turn { part: u32, p: Local, cos: f64, sin: f64, sign: u32, under: u32 },
    /// Measures P, keeps the state of the other qubits: outcome 0 leaves (Z_pivot + P)/sqrt 2 undone when P moves the
    /// pivot, else the parity is put on the pivot; the pivot is dropped.
    Read { part: u32, p: Local, pivot: u32, out: u32 },
    /// Measures P where `under` holds, else out = 0. Drops nothing.
    Look { part: u32, p: Local, out: u32, under: u32 },
    /// (Z_pivot + P)/sqrt 2.
    Swap { part: u32, p: Local, pivot: u32 },
    /// Measures every qubit of the part, bit j into the j-th symbol, and closes it.
    Draw { part: u32, from: Span },
    /// Forgets a part of no qubits, or one that nobody looks at again.
    Close { part: u32 },
}

impl Instr {
    /// The part that it works on.
    #[inline]
    pub fn part(&self) -> Option<u32> {
        match *self {
            Instr::Open { part, .. }
            | Instr::Join { part, .. }
            | Instr::Turn { part, .. }
            | Instr::Read { part, .. }
            | Instr::Look { part, .. }
            | Instr::Swap { part, .. }
            | Instr::Draw { part, .. }
            | Instr::Close { part } => Some(part),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Code {
    pub instrs: Vec<Instr>,
    pub pool: Vec<u32>,
    /// Symbols below the number of cbits are the cbits.
    pub n_symbols: u32,
    pub n_parts: u32,
    /// Most qubits of a part.
    pub width: u32,
    /// Most active qubits in all parts together.
    pub active: u32,
    pub activations: u32,
    pub rotations: u32,
    /// Words of rows that compiling it turned, and whether it was given up before its end.
    pub turned: u64,
    pub given_up: bool,
}

impl Code {
    pub fn span(&mut self, items: impl IntoIterator<Item = u32>) -> Span {
        let start = self.pool.len() as u32;
        self.pool.extend(items);
        Span { start, len: self.pool.len() as u32 - start }
    }

    #[inline]
    pub fn items(&self, span: Span) -> &[u32] {
        &self.pool[span.start as usize..(span.start + span.len) as usize]
    }

    pub fn symbol(&mut self) -> u32 {
        self.n_symbols += 1;
        debug_assert!(self.n_symbols < NONE);
        self.n_symbols - 1
    }
}
