//! Frames of many shots: 64 a word, `B` words at a time.

use crate::circuit::{Circuit, Cond, Kind, NONE};
use crate::dice::Dice;
use crate::frame::{choose, fell, Failure, Limits};
use crate::samples::Samples;

use super::reference::has_bit;
use super::{Instr, Move, Plan};

/// First number of the names of this simulator's random streams.
const STREAM: u64 = 0x109C;

/// Instructions between two looks whether the run shall end.
const CHECK: usize = 1 << 20;

pub fn run(plan: &Plan, shots: usize, seed: u64, limits: &Limits) -> Result<Samples, Failure> {
    let needed = needed(plan, shots);
    if needed > limits.memory {
        return Err(Failure::Memory { needed });
    }
    let mut samples = Samples::zeros(shots, plan.circuit.n_cbits as usize);
    let words = samples.words();
    let mut from = 0;
    while from < words {
        from += match words - from {
            1 => Batch::<1>::new(plan, shots, seed, from).run(&mut samples, limits)?,
            2..=4 => Batch::<4>::new(plan, shots, seed, from).run(&mut samples, limits)?,
            _ => Batch::<WIDEST>::new(plan, shots, seed, from).run(&mut samples, limits)?,
        };
    }
    samples.trim();
    Ok(samples)
}

/// Words of a batch, at most.
const WIDEST: usize = 16;

/// Bytes: outcomes of all shots, frames of one batch.
fn needed(plan: &Plan, shots: usize) -> u64 {
    let words = shots.div_ceil(64);
    let outcomes = (words as u64).saturating_mul(plan.circuit.n_cbits as u64);
    outcomes.saturating_add((words.min(WIDEST) * 2 * plan.n) as u64).saturating_mul(8)
}

type Lane<const B: usize> = [u64; B];

/// X and Z bits of a qubit's frame.
type Frame<const B: usize> = [Lane<B>; 2];

struct Batch<'a, const B: usize> {
    plan: &'a Plan,
    from: usize,
    words: usize,
    shots: usize,
    frames: Vec<Frame<B>>,
    dice: Dice,
    /// How much more hazard (-ln(1 - p), summed over ops and shots) passes until the next error.
    gap: f64,
}

#[inline(always)]
fn add<const B: usize>(to: &mut Lane<B>, from: &Lane<B>) {
    (0..B).for_each(|w| to[w] ^= from[w]);
}

impl<'a, const B: usize> Batch<'a, B> {
    fn new(plan: &'a Plan, shots: usize, seed: u64, from: usize) -> Batch<'a, B> {
        let mut dice = Dice::new(seed, &[STREAM, from as u64]);
        let mut frames = vec![[[0; B]; 2]; plan.n];
        for frame in &mut frames {
            frame[1] = coins(&mut dice); // Z on |0> is 1, and may as well be thrown
        }
        let gap = exponential(&mut dice);
        let words = B.min(shots.div_ceil(64) - from);
        Batch { plan, from, words, shots: (shots - from * 64).min(B * 64), frames, dice, gap }
    }

    /// The number of words that were run.
    fn run(mut self, samples: &mut Samples, limits: &Limits) -> Result<usize, Failure> {
        let plan = self.plan;
        for part in plan.instrs.chunks(CHECK) {
            for instr in part {
                self.step(instr, samples);
            }
            if (limits.stopped)() {
                return Err(Failure::Stopped);
            }
        }
        Ok(self.words)
    }

    #[inline(always)]
    fn pair(&mut self, a: u32, b: u32) -> (&mut Frame<B>, &mut Frame<B>) {
        let (a, b) = (a as usize, b as usize);
        if a < b {
            let (low, high) = self.frames.split_at_mut(b);
            (&mut low[a], &mut high[0])
        } else {
            let (low, high) = self.frames.split_at_mut(a);
            (&mut high[0], &mut low[b])
        }
    }

    #[inline(always)]
    fn step(&mut self, &Instr { what, a, b }: &Instr, samples: &mut Samples) {
        match what {
            Move::Swap => self.frames[a as usize].swap(0, 1),
            Move::Phase => {
                let [x, z] = &mut self.frames[a as usize];
                add(z, x);
            }
            Move::Root => {
                let [x, z] = &mut self.frames[a as usize];
                add(x, z);
            }
            Move::Cnot => {
                let (control, target) = self.pair(a, b);
                add(&mut target[0], &control[0]);
                add(&mut control[1], &target[1]);
            }
            Move::Cz => self.cz(a, b),
            Move::Cy => {
                let (control, target) = self.pair(a, b);
                let [x, z] = target;
                (0..B).for_each(|w| control[1][w] ^= x[w] ^ z[w]);
                add(x, &control[0]);
                add(z, &control[0]);
            }
            Move::Exchange => self.frames.swap(a as usize, b as usize),
            Move::Iswap => {
                self.frames.swap(a as usize, b as usize);
                self.cz(a, b);
                for q in [a, b] {
                    let [x, z] = &mut self.frames[q as usize];
                    add(z, x);
                }
            }
            Move::Coin => {
                self.read(a, b, samples);
                let thrown = coins(&mut self.dice);
                add(&mut self.frames[a as usize][1], &thrown);
            }
            Move::Sure => self.read(a, b, samples),
            Move::Reset => self.frames[a as usize] = [[0; B], coins(&mut self.dice)],
            Move::Noise => self.noise(b),
            Move::Feed => self.feed(a, b, samples),
            Move::Logic => self.logic(b, samples),
        }
    }

    #[inline(always)]
    fn cz(&mut self, a: u32, b: u32) {
        let (one, other) = self.pair(a, b);
        add(&mut one[1], &other[0]);
        add(&mut other[1], &one[0]);
    }

    #[inline(always)]
    fn read(&mut self, a: u32, cbit: u32, samples: &mut Samples) {
        if cbit == NONE {
            return;
        }
        let base = if has_bit(&self.plan.bits, cbit) { u64::MAX } else { 0 };
        let column = &mut samples.column_mut(cbit)[self.from..self.from + self.words];
        column.iter_mut().zip(&self.frames[a as usize][0]).for_each(|(to, x)| *to = x ^ base);
    }

    /// Errors come as a Poisson process in the hazard: what passes between two of them is exponential, and an op with
    /// probability p in `shots` shots lets `shots` times -ln(1 - p) pass.
    #[inline(always)]
    fn noise(&mut self, at: u32) {
        let hazard = self.plan.hazard[at as usize];
        let passes = hazard * self.shots as f64;
        if self.gap >= passes {
            self.gap -= passes;
            return;
        }
        self.err(at, hazard);
    }

    #[cold]
    fn err(&mut self, at: u32, hazard: f64) {
        let circuit = &*self.plan.circuit;
        let op = &circuit.ops[at as usize];
        let chances = circuit.angles(op);
        let sum: f64 = chances.iter().sum();
        let operands = op.kind.n_qubits();
        let mut shot = 0;
        loop {
            let skip = (self.gap / hazard).floor(); // 0 where the hazard is infinite: every shot errs
            if skip >= (self.shots - shot) as f64 {
                // never below 0, by rounding either: an op without errors would then err
                self.gap = (self.gap - hazard * (self.shots - shot) as f64).max(0.0);
                return;
            }
            shot += skip as usize;
            let error = fell(chances, self.dice.unit() * sum) + 1;
            for k in 0..operands {
                let letter = error >> (2 * (operands - 1 - k)) & 3; // 1 is X, 2 is Y, 3 is Z
                let frame = &mut self.frames[self.plan.row[op.q[k] as usize] as usize];
                frame[0][shot / 64] ^= ((letter == 1 || letter == 2) as u64) << (shot % 64);
                frame[1][shot / 64] ^= ((letter >= 2) as u64) << (shot % 64);
            }
            self.gap = exponential(&mut self.dice);
            shot += 1;
            if shot == self.shots {
                return;
            }
        }
    }

    #[inline(always)]
    fn feed(&mut self, a: u32, at: u32, samples: &Samples) {
        let op = &self.plan.circuit.ops[at as usize];
        let base = if self.plan.held[at as usize] { u64::MAX } else { 0 };
        let circuit = &*self.plan.circuit;
        for w in 0..self.words {
            let differs = base ^ condition(circuit, op.cond, samples, self.from + w);
            let frame = &mut self.frames[a as usize];
            if op.kind != Kind::Z {
                frame[0][w] ^= differs;
            }
            if op.kind != Kind::X {
                frame[1][w] ^= differs;
            }
        }
    }

    fn logic(&mut self, at: u32, samples: &mut Samples) {
        let circuit = &*self.plan.circuit;
        let op = &circuit.ops[at as usize];
        let table = &circuit.tables[op.param as usize];
        let mut inputs = vec![0u64; table.inputs.len()];
        for w in self.from..self.from + self.words {
            inputs.iter_mut().zip(&table.inputs).for_each(|(word, &c)| *word = samples.column(c)[w]);
            let value = if inputs.len() <= 6 {
                choose(table.bits[0], &inputs)
            } else {
                (0..64).fold(0, |value, shot| {
                    let row = inputs.iter().enumerate().fold(0, |row, (i, word)| row | ((word >> shot & 1) << i));
                    value | (table.bits[row as usize / 64] >> (row % 64) & 1) << shot
                })
            };
            let under = if op.cond == NONE { u64::MAX } else { condition(circuit, op.cond, samples, w) };
            samples.column_mut(op.cbit)[w] = value & under;
        }
    }
}

/// In which shots of a word a condition holds.
fn condition(circuit: &Circuit, cond: u32, samples: &Samples, word: usize) -> u64 {
    let of = |cond: u32| condition(circuit, cond, samples, word);
    match &circuit.conds[cond as usize] {
        Cond::Bit(c) => samples.column(*c)[word],
        Cond::Not(a) => !of(*a),
        Cond::And(parts) => parts.iter().fold(u64::MAX, |all, &a| all & of(a)),
        Cond::Or(parts) => parts.iter().fold(0, |all, &a| all | of(a)),
        Cond::Xor(parts) => parts.iter().fold(0, |all, &a| all ^ of(a)),
    }
}

#[inline(always)]
fn coins<const B: usize>(dice: &mut Dice) -> Lane<B> {
    std::array::from_fn(|_| dice.bits())
}

#[inline]
fn exponential(dice: &mut Dice) -> f64 {
    -(1.0 - dice.unit()).ln()
}
