//! Runs code for many shots: columns of bits, 64 shots a word, and the states of parts that the shots share.

mod columns;
mod draw;
mod groups;
mod kernels;

use crate::circuit::Circuit;
use crate::dice::Dice;
use crate::samples::Samples;

use super::plan::{Code, Instr};
use groups::Groups;

/// What a run may use.
pub struct Limits<'a> {
    /// Bytes of amplitudes.
    pub memory: u64,
    /// Asked now and then; true ends the run.
    pub stopped: &'a dyn Fn() -> bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Memory { needed: u64 },
    Stopped,
}

/// First number of the names of this simulator's random streams.
const STREAM: u64 = 0xF4A3;

/// Words of all columns together that a batch of shots may have, unless it has few shots.
const COLUMN_WORDS: usize = 1 << 22;

/// Shots that go through the code together.
pub struct Batch<'a> {
    pub circuit: &'a Circuit,
    pub code: &'a Code,
    pub words: usize,
    /// Column of symbol s: words s * words.. .
    pub columns: Vec<u64>,
    /// Which bits are shots.
    pub valid: Vec<u64>,
    pub parts: Vec<Groups>,
    pub dice: Dice,
}

pub fn run(circuit: &Circuit, code: &Code, shots: usize, seed: u64, limits: &Limits) -> Result<Samples, Failure> {
    let mut samples = Samples::zeros(shots, circuit.n_cbits as usize);
    let all = samples.words();
    let most = (COLUMN_WORDS / code.n_symbols.max(1) as usize).max(16);
    let mut from = 0;
    while from < all {
        let words = most.min(all - from);
        let valid = (from..from + words).map(|w| valid_word(shots, w)).collect();
        let mut batch = Batch {
            circuit,
            code,
            words,
            columns: vec![0; words * code.n_symbols as usize],
            valid,
            parts: (0..code.n_parts).map(|_| Groups::default()).collect(),
            dice: Dice::new(seed, &[STREAM, from as u64]),
        };
        batch.run(limits)?;
        for cbit in 0..circuit.n_cbits {
            let column = batch.column(cbit).to_vec();
            samples.column_mut(cbit)[from..from + words].copy_from_slice(&column);
        }
        from += words;
    }
    samples.trim();
    Ok(samples)
}

fn valid_word(shots: usize, word: usize) -> u64 {
    match shots - word * 64 {
        64.. => u64::MAX,
        rest => (1 << rest) - 1,
    }
}

impl Batch<'_> {
    fn run(&mut self, limits: &Limits) -> Result<(), Failure> {
        let mut work = 0u64;
        for at in 0..self.code.instrs.len() {
            let instr = self.code.instrs[at];
            work += self.step(&instr, limits)?;
            if work > 1 << 27 {
                work = 0;
                if (limits.stopped)() {
                    return Err(Failure::Stopped);
                }
            }
        }
        Ok(())
    }

    /// Executes one instruction; roughly how many numbers it touched.
    fn step(&mut self, instr: &Instr, limits: &Limits) -> Result<u64, Failure> {
        match *instr {
            Instr::Parity { out, from, flip } => self.parity(out, from, flip),
            Instr::Coin { out } => self.coin(out),
            Instr::Noise { x, z, param } => self.noise(x, z, param),
            Instr::Junction { out, from, any } => self.junction(out, from, any),
            Instr::Lookup { out, table, from, under } => self.lookup(out, table, from, under),
            Instr::Close { part } => self.parts[part as usize] = Groups::default(),
            _ => return self.dense(instr, limits),
        }
        Ok(self.words as u64)
    }
}
