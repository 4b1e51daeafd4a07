//! Shots as a tree of branches: a branch carries the shots that share its history.
//!
//! A measurement or an error splits the shots of a branch by dice. Of the parts, the smaller is followed first, so that
//! every waiting branch has at least as many shots as the one in hand: at most log2(shots) + 1 states exist at a time.

use super::compile::{Program, Source, Step};
use super::isa::Level;
use super::lanes::Real;
use super::sample::sample;
use super::state::{State, Workspace};
use super::APART;
use crate::circuit::{Circuit, NONE};
use crate::dice::Dice;
use crate::samples::{transpose, Report, Samples};

struct Branch<R: Real> {
    state: State<R>,
    at: usize,
    shots: usize,
    bits: Vec<u64>,
    held: Vec<u64>,
    dice: Dice,
}

fn get(words: &[u64], k: u32) -> bool {
    words[k as usize / 64] >> (k % 64) & 1 == 1
}

fn set(words: &mut [u64], k: u32, value: bool) {
    let mask = 1u64 << (k % 64);
    if value {
        words[k as usize / 64] |= mask;
    } else {
        words[k as usize / 64] &= !mask;
    }
}

impl<R: Real> Branch<R> {
    /// A part of this branch with a state of its own.
    fn part(&self, state: State<R>, shots: usize, number: u64) -> Branch<R> {
        let dice = Dice::new(self.dice.clone().bits(), &[number]);
        Branch { state, at: self.at, shots, bits: self.bits.clone(), held: self.held.clone(), dice }
    }
}

/// A run in progress.
pub struct Walk<'a, R: Real> {
    circuit: &'a Circuit,
    program: &'a Program<R>,
    level: Level,
    work: Workspace<R>,
    stop: &'a dyn Fn(u64) -> bool,
    samples: Samples,
    /// Shots in a random order, so that a branch's shots are anywhere.
    order: Vec<u32>,
    done: usize,
    leaves: usize,
}

/// Shots of a run: all; the most that there is memory for at a time; and those that are taken first, so that they can be
/// looked at before the rest. While hardly any shots share a state, as many follow as there are; then the rest at once.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub shots: usize,
    pub batch: usize,
    pub part: usize,
}

/// Samples; `None` if `stop` said so.
pub fn run<R: Real>(
    circuit: &Circuit,
    program: &Program<R>,
    (level, threads): (Level, usize),
    Sizes { shots, batch, part }: Sizes,
    seed: u64,
    stop: &dyn Fn(u64) -> bool,
    report: &Report,
) -> Option<Samples> {
    let samples = Samples::zeros(shots, circuit.n_cbits as usize);
    let mut order = vec![];
    if program.splits > 0 {
        let mut dice = Dice::new(seed, &[1]);
        order = (0..shots as u32).collect();
        for k in (1..shots).rev() {
            order.swap(k, dice.below(k as u64 + 1) as usize);
        }
    }
    let work = Workspace::new(threads);
    let mut walk = Walk { circuit, program, level, work, stop, samples, order, done: 0, leaves: 0 };
    let (mut number, mut size) = (0, part.min(batch));
    while walk.done < shots {
        if !walk.tree(Dice::new(seed, &[0, number]), size.min(shots - walk.done)) {
            return None;
        }
        let apart = walk.leaves as f64 >= APART * walk.done as f64;
        size = if apart { walk.done.min(batch) } else { batch };
        number += 1;
        if walk.done < shots && !walk.order.is_empty() {
            report(walk.done, &|| late(circuit, program, walk.samples.of(&walk.order[..walk.done])));
        }
    }
    Some(late(circuit, program, walk.samples))
}

/// The state of a program whose steps are all unconditional gates.
pub fn state<R: Real>(
    program: &Program<R>,
    (level, threads): (Level, usize),
    stop: &dyn Fn(u64) -> bool,
) -> Option<State<R>> {
    let mut work = Workspace::new(threads);
    let mut state = State::empty(program.peak, 2 - program.real as usize, level, &mut work);
    let stopped = std::cell::Cell::new(false);
    let watch = |n: u64| {
        stopped.set(stop(n));
        stopped.get()
    };
    for step in &program.steps {
        let (width, passes) = match step {
            Step::Gates { cond: NONE, width, passes } => (*width, passes),
            Step::Tail { passes } => (state.width, passes),
            _ => return None,
        };
        for pass in passes {
            state.run(pass, &mut work, &watch);
            if stopped.get() {
                return None;
            }
        }
        state.grow(width);
    }
    Some(state)
}

impl<R: Real> Walk<'_, R> {
    /// Walks the whole tree for the next `shots`; false if stopped.
    fn tree(&mut self, dice: Dice, shots: usize) -> bool {
        let parts = 2 - self.program.real as usize;
        let state = State::empty(self.program.peak, parts, self.level, &mut self.work);
        let words = |n: u32| vec![0u64; (n as usize).div_ceil(64)];
        let root =
            Branch { state, at: 0, shots, bits: words(self.circuit.n_cbits), held: words(self.circuit.n_qubits), dice };
        let (mut waiting, mut born) = (vec![root], vec![]);
        while let Some(mut branch) = waiting.pop() {
            while branch.at < self.program.steps.len() {
                branch.at += 1;
                if !self.step(&mut branch, &mut born) {
                    return false;
                }
                if !born.is_empty() {
                    born.push(branch);
                    born.sort_by_key(|b| std::cmp::Reverse(b.shots));
                    waiting.append(&mut born);
                    branch = waiting.pop().expect("it was just put there");
                }
            }
            self.leaf(&mut branch);
            self.work.give_back(branch.state);
        }
        true
    }

    /// Runs one step; what splits off goes to `born`. False if stopped.
    fn step(&mut self, branch: &mut Branch<R>, born: &mut Vec<Branch<R>>) -> bool {
        let holds = |branch: &Branch<R>, cond: u32| self.circuit.holds(cond, &|c| get(&branch.bits, c));
        match &self.program.steps[branch.at - 1] {
            Step::Gates { cond, width, passes } => {
                if holds(branch, *cond) {
                    let stopped = std::cell::Cell::new(false);
                    let watch = |n: u64| {
                        stopped.set((self.stop)(n));
                        stopped.get()
                    };
                    for pass in passes {
                        branch.state.run(pass, &mut self.work, &watch);
                        if stopped.get() {
                            return false;
                        }
                    }
                }
                branch.state.grow(*width);
            }
            Step::Tail { .. } => {}
            Step::Enter { qubit, at } => {
                branch.state.grow(*at);
                let value = get(&branch.held, *qubit);
                branch.state.enter(value);
            }
            Step::Observe { at, qubit, cbit, cond, reset } => {
                if holds(branch, *cond) {
                    let part = self.observe(branch, (*at, *qubit, *cbit), *cond == NONE, *reset);
                    born.extend(part);
                }
            }
            Step::Read { qubit, cbit, cond } => {
                if *cbit != NONE && holds(branch, *cond) {
                    let value = get(&branch.held, *qubit);
                    set(&mut branch.bits, *cbit, value);
                }
            }
            Step::Flip { qubit, cond } => {
                if holds(branch, *cond) {
                    let value = get(&branch.held, *qubit);
                    set(&mut branch.held, *qubit, !value);
                }
            }
            Step::Set { qubit, value, cond } => {
                if holds(branch, *cond) {
                    set(&mut branch.held, *qubit, *value);
                }
            }
            Step::Noise { at, qubits, chances } => self.disturb(branch, at, qubits, chances, born),
            Step::Logic { op } => {
                let op = &self.circuit.ops[*op as usize];
                if holds(branch, op.cond) {
                    let table = &self.circuit.tables[op.param as usize];
                    let row: usize =
                        table.inputs.iter().enumerate().map(|(k, &c)| (get(&branch.bits, c) as usize) << k).sum();
                    set(&mut branch.bits, op.cbit, table.bits[row / 64] >> (row % 64) & 1 == 1);
                }
            }
        }
        true
    }

    /// Measures; the part that read 1, if both happened. `leaves`: the qubit goes out of the state.
    fn observe(
        &mut self,
        branch: &mut Branch<R>,
        (at, qubit, cbit): (u32, u32, u32),
        leaves: bool,
        reset: bool,
    ) -> Option<Branch<R>> {
        let [zero, one] = branch.state.weights(at);
        let chance = one / (zero + one);
        let tiny = 1e-12;
        let chance = if chance < tiny {
            0.0
        } else if chance > 1.0 - tiny {
            1.0
        } else {
            chance
        };
        let ones = branch.dice.binomial(branch.shots as u64, chance) as usize;
        let scale = |value: bool| 1.0 / (if value { one } else { zero }).sqrt();
        let settle = |b: &mut Branch<R>, value: bool| {
            if leaves {
                set(&mut b.held, qubit, value);
            } else if reset && value {
                b.state.pauli(at, 1);
            }
            if cbit != NONE && !reset {
                set(&mut b.bits, cbit, value);
            }
        };
        let mut other = None;
        if ones > 0 && ones < branch.shots {
            let state = if leaves {
                branch.state.split_off(at, true, scale(true), &mut self.work)
            } else {
                let mut state = branch.state.copy(&mut self.work);
                state.project(at, true, scale(true));
                state
            };
            let mut part = branch.part(state, ones, 1);
            settle(&mut part, true);
            other = Some(part);
            branch.shots -= ones;
        }
        let value = other.is_none() && ones > 0;
        if leaves {
            branch.state.keep(at, value, scale(value));
        } else {
            branch.state.project(at, value, scale(value));
        }
        settle(branch, value);
        other
    }

    /// Pauli noise: one part for each error that happens; the largest part keeps the state.
    fn disturb(
        &mut self,
        branch: &mut Branch<R>,
        at: &[u32; 2],
        qubits: &[u32; 2],
        chances: &[f64],
        born: &mut Vec<Branch<R>>,
    ) {
        let apply = |b: &mut Branch<R>, error: usize| {
            let letters = if qubits[1] == NONE { [error, 0] } else { [error >> 2, error & 3] };
            for ((letter, &at), &qubit) in letters.into_iter().zip(at).zip(qubits) {
                if letter == 0 {
                } else if at != NONE {
                    b.state.pauli(at, letter);
                } else if letter != 3 {
                    let value = get(&b.held, qubit);
                    set(&mut b.held, qubit, !value);
                }
            }
        };
        let mut left = 1.0;
        let mut kinds = vec![0usize; chances.len() + 1];
        let mut rest = branch.shots;
        for (k, &p) in chances.iter().enumerate() {
            let hit = if p <= 0.0 { 0 } else { branch.dice.binomial(rest as u64, (p / left).min(1.0)) as usize };
            kinds[k + 1] = hit;
            rest -= hit;
            left -= p;
        }
        kinds[0] = rest;
        let happened: Vec<usize> = (0..kinds.len()).filter(|&k| kinds[k] > 0).collect();
        let Some(&largest) = happened.iter().max_by_key(|&&k| kinds[k]) else { return };
        for &k in happened.iter().filter(|&&k| k != largest) {
            let state = branch.state.copy(&mut self.work);
            let mut part = branch.part(state, kinds[k], k as u64);
            apply(&mut part, k);
            born.push(part);
        }
        branch.shots = kinds[largest];
        if largest != 0 {
            apply(branch, largest);
        }
    }

    /// The end of a branch: the read-out of its shots.
    fn leaf(&mut self, branch: &mut Branch<R>) {
        let shots = branch.shots;
        let ids = if self.order.is_empty() { None } else { Some(&self.order[self.done..self.done + shots]) };
        self.done += shots;
        self.leaves += 1;
        let column = |samples: &mut Samples, cbit: u32| match ids {
            None => samples.column_mut(cbit).fill(u64::MAX),
            Some(ids) => ids.iter().for_each(|&shot| samples.set(shot as usize, cbit)),
        };
        for (word, &bits) in branch.bits.iter().enumerate() {
            let mut rest = bits;
            while rest != 0 {
                column(&mut self.samples, word as u32 * 64 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
        let mut sampled: Vec<(u32, u32)> = vec![];
        for &(cbit, source) in &self.program.reads {
            match source {
                Source::At(at) => sampled.push((cbit, at)),
                Source::Held(q) if get(&branch.held, q) => column(&mut self.samples, cbit),
                Source::Known(true) => column(&mut self.samples, cbit),
                _ => {}
            }
        }
        if sampled.is_empty() {
            return;
        }
        let outcomes = sample(&branch.state, shots, &mut branch.dice);
        match ids {
            None => scatter(&mut self.samples, &outcomes, &sampled),
            Some(ids) => {
                for (&shot, &x) in ids.iter().zip(&outcomes) {
                    for &(cbit, at) in &sampled {
                        if x >> at & 1 == 1 {
                            self.samples.set(shot as usize, cbit);
                        }
                    }
                }
            }
        }
    }
}

/// The samples with the logic that was left to the end, for all shots at once.
fn late<R: Real>(circuit: &Circuit, program: &Program<R>, mut samples: Samples) -> Samples {
    for &number in &program.late {
        let op = &circuit.ops[number as usize];
        let table = &circuit.tables[op.param as usize];
        for shot in 0..samples.shots {
            let bit = |c: u32| samples.get(shot, c);
            if circuit.holds(op.cond, &bit) {
                let row: usize = table.inputs.iter().enumerate().map(|(k, &c)| (bit(c) as usize) << k).sum();
                if table.bits[row / 64] >> (row % 64) & 1 == 1 {
                    samples.set(shot, op.cbit);
                }
            }
        }
    }
    samples.trim();
    samples
}

/// Bit `at` of outcome s becomes cbit `cbit` of shot s, 64 shots at a time.
pub fn scatter(samples: &mut Samples, outcomes: &[u64], sampled: &[(u32, u32)]) {
    for (word, part) in outcomes.chunks(64).enumerate() {
        let mut block = [0u64; 64];
        block[..part.len()].copy_from_slice(part);
        transpose(&mut block);
        for &(cbit, at) in sampled {
            samples.column_mut(cbit)[word] |= block[at as usize];
        }
    }
}
