//! Runs code for many shots: columns of bits, 64 shots a word, and the states of parts that the shots share.

mod columns;
mod dense;
mod draw;
mod kernels;
mod lanes;
mod lots;
mod part;
mod project;
mod several;
mod simd;

use crate::circuit::{Circuit, NONE};
use crate::dice::Dice;
use crate::samples::{Report, Samples};

use super::plan::{Code, Instr};
pub(crate) use columns::{choose, fell};
use lots::Lots;
use part::Part;

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
    pub parts: Vec<Part>,
    pub dice: Dice,
    pub lots: Lots,
}

/// Bytes that the lanes of a part should fit into, which is what a core's own cache holds.
const CACHE_BYTES: u64 = 1 << 20;

pub fn run(
    circuit: &Circuit,
    code: &Code,
    (shots, parts): (usize, usize),
    seed: u64,
    limits: &Limits,
    report: &Report,
) -> Result<Samples, Failure> {
    let needed = (shots.div_ceil(64) as u64 * 8).saturating_mul(circuit.n_cbits as u64);
    if needed > limits.memory {
        return Err(Failure::Memory { needed });
    }
    let mut samples = Samples::zeros(shots, circuit.n_cbits as usize);
    let all = samples.words();
    let most = (COLUMN_WORDS / code.n_symbols.max(1) as usize).max(16).min(all.div_ceil(parts).max(1));
    let mut from = 0;
    while from < all {
        let words = most.min(all - from);
        let mut dice = Dice::new(seed, &[STREAM, from as u64]);
        let mut batch = Batch {
            circuit,
            code,
            words,
            columns: vec![0; words * code.n_symbols as usize],
            valid: (from..from + words).map(|w| valid_word(shots, w)).collect(),
            parts: (0..code.n_parts).map(|_| Part::default()).collect(),
            lots: Lots::new(&mut dice),
            dice,
        };
        batch.run(0, limits, limits.memory)?;
        for cbit in 0..circuit.n_cbits {
            samples.column_mut(cbit)[from..from + words].copy_from_slice(batch.column(cbit));
        }
        from += words;
        if from < all {
            report(from * 64, &|| samples.first(from * 64));
        }
    }
    samples.trim();
    Ok(samples)
}

/// Shots of a pilot, and how many of them are looked at apart.
pub const PILOT: [u32; 2] = [8, 32];

/// How many states of its part the shots of a pilot share after each instruction: the first few of them, and all. None
/// where they need too much memory. Instructions from where no two shots share a state on have no entry.
pub fn pilot(circuit: &Circuit, code: &Code, memory: u64) -> Option<Vec<[u32; 2]>> {
    let mut dice = Dice::new(0, &[STREAM]);
    let [few, all] = PILOT.map(|shots| valid_word(shots as usize, 0));
    let mut batch = Batch {
        circuit,
        code,
        words: 1,
        columns: vec![0; code.n_symbols as usize],
        valid: vec![all],
        parts: (0..code.n_parts).map(|_| Part::default()).collect(),
        lots: Lots::new(&mut dice),
        dice,
    };
    let mut found = Vec::with_capacity(code.instrs.len());
    for instr in &code.instrs {
        if batch.needs(instr) > memory {
            return None;
        }
        batch.step(instr);
        let groups = instr.part().map_or(&[][..], |part| batch.parts[part as usize].groups());
        let of = |shots: u64| groups.iter().filter(|group| group.mask[0] & shots != 0).count() as u32;
        found.push([of(few), of(all)]);
        if groups.len() == PILOT[1] as usize && groups[0].state.re.len() > 1 << 4 {
            break;
        }
    }
    Some(found)
}

fn valid_word(shots: usize, word: usize) -> u64 {
    match shots - word * 64 {
        64.. => u64::MAX,
        rest => (1 << rest) - 1,
    }
}

impl Batch<'_> {
    /// Executes the code from instruction `start` on. `memory`: bytes that states may take.
    fn run(&mut self, start: usize, limits: &Limits, memory: u64) -> Result<(), Failure> {
        let mut work = 0u64;
        let mut at = start;
        while at < self.code.instrs.len() {
            let instr = self.code.instrs[at];
            if let Some(part) = instr.part() {
                let fits = self.words_apart(memory);
                if self.parts[part as usize].crowded(fits.clamp(1, self.words)) {
                    if self.words > fits.max(1) {
                        return self.run_apart(at, fits.max(1), limits, memory.saturating_sub(self.bytes()));
                    }
                    if fits > 0 {
                        self.parts[part as usize].scatter(self.words);
                    }
                }
                let needed = self.needs(&instr);
                if needed > memory {
                    let shots: u32 = self.valid.iter().map(|w| w.count_ones()).sum();
                    let held = self.bytes();
                    if shots <= 1 || held > memory / 2 {
                        return Err(Failure::Memory { needed });
                    }
                    return self.run_apart(at, self.words / 2, limits, memory - held);
                }
            }
            let taken = self.turn_several(at);
            if taken == 0 {
                work += self.step(&instr);
            }
            at += taken.max(1);
            work += (taken as u64) << (self.code.width + 3);
            if work > 1 << 28 {
                work = 0;
                if (limits.stopped)() {
                    return Err(Failure::Stopped);
                }
            }
        }
        Ok(())
    }

    /// Words of a batch whose lanes fit the cache; 0 if one has no room in the memory.
    fn words_apart(&self, memory: u64) -> usize {
        let word = 512u64 << self.code.width;
        let room = memory.saturating_sub(self.bytes()) / 4 / word;
        (CACHE_BYTES / word).max(1).min(room) as usize
    }

    fn bytes(&self) -> u64 {
        self.parts.iter().map(Part::bytes).sum()
    }

    /// Bytes of all states while and after this instruction, at most.
    fn needs(&self, instr: &Instr) -> u64 {
        let of = |part: u32| self.parts[part as usize].bytes();
        let states = |part: u32| match &self.parts[part as usize] {
            Part::Lanes(lanes) => lanes.lanes as u64,
            Part::Groups(groups) => groups.len() as u64,
        };
        let more = match *instr {
            Instr::Turn { part, sign, under, .. } if sign & under != NONE => of(part),
            Instr::Read { part, .. } | Instr::Look { part, .. } => 2 * of(part),
            Instr::Join { part, other } => {
                let qubits = self.parts[part as usize].qubits() + self.parts[other as usize].qubits();
                let most = states(part).saturating_mul(states(other)).min(self.words as u64 * 64);
                most.saturating_mul(8 << qubits.min(50))
            }
            _ => 0,
        };
        self.bytes().saturating_add(more)
    }

    /// Executes the code from `start` on for `words` words after the other; for half a word if that is 0.
    fn run_apart(&mut self, start: usize, words: usize, limits: &Limits, memory: u64) -> Result<(), Failure> {
        let mut pieces: Vec<(usize, usize, Vec<u64>)> = Vec::new();
        if words == 0 {
            let shots = self.valid[0];
            let half = (0..shots.count_ones() / 2).fold(shots, |rest, _| rest & (rest - 1));
            pieces.extend([(0, 1, vec![half]), (0, 1, vec![shots & !half])]);
        } else {
            let starts = (0..self.words).step_by(words);
            pieces.extend(starts.map(|from| {
                let to = (from + words).min(self.words);
                (from, to, self.valid[from..to].to_vec())
            }));
        }
        for (from, to, valid) in pieces {
            let mut dice = Dice::new(self.dice.bits(), &[]);
            let columns = self.columns.chunks_exact(self.words).flat_map(|column| &column[from..to]);
            let mut piece = Batch {
                circuit: self.circuit,
                code: self.code,
                words: to - from,
                columns: columns.copied().collect(),
                parts: self.parts.iter().map(|part| part.slice(from, to, &valid)).collect(),
                valid,
                lots: Lots::new(&mut dice),
                dice,
            };
            piece.run(start, limits, memory)?;
            for cbit in 0..self.circuit.n_cbits {
                let (target, source) = (self.column_mut(cbit), piece.column(cbit));
                for (k, (&bits, &valid)) in source.iter().zip(&piece.valid).enumerate() {
                    target[from + k] = target[from + k] & !valid | bits & valid;
                }
            }
        }
        Ok(())
    }

    /// Executes one instruction; roughly how many bytes it touched.
    fn step(&mut self, instr: &Instr) -> u64 {
        match *instr {
            Instr::Parity { out, from, flip } => self.parity(out, from, flip),
            Instr::Coin { out } => self.coin(out),
            Instr::Noise { out, operands, param } => self.noise(out, operands as usize, param as usize),
            Instr::Junction { out, from, any } => self.junction(out, from, any),
            Instr::Lookup { out, table, from, under } => self.lookup(out, table, from, under),
            Instr::Close { part } => self.parts[part as usize] = Part::default(),
            _ => return self.dense(instr),
        }
        8 * self.words as u64
    }
}
