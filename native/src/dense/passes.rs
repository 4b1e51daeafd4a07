//! Passes over a state: which gates run while one chunk of it is in the cache.
//!
//! A state beyond the cache is cut into chunks: some of its bits (the lowest, so that rows of a chunk are contiguous,
//! and a few chosen high ones) vary inside a chunk, the others number the chunks. A pass copies each chunk into a
//! buffer, runs there every gate whose targets are inside, and copies it back: one trip through memory for many gates.
//! Controls and phases may lie outside, where they are constant for a chunk.

use std::collections::VecDeque;

use super::buffer::Lines;
use super::cost;
use super::fuse::{Item, Term};
use super::isa::Isa;
use super::kernels::Feed;
use super::lanes::Real;
use super::lower::{BlockJob, Job};
use super::phases::{PhaseJob, Place, Scratch};

/// log2 of the amplitudes of a chunk: half of a common L2 cache in f32.
const CHUNK_BITS: u32 = 16;
/// Lowest bits that stay in every chunk: rows of 2 KiB in f32.
const ROW_BITS: u32 = 8;

/// Items that the choice of a pass looks at.
const LOOK_AHEAD: usize = 4096;

pub struct Pass<R: Real> {
    /// Bits of the state during this pass; it grows to them before.
    pub bits: u32,
    /// Bits of a chunk.
    local: u32,
    /// Bits of the state at the local bits from `row` up, ascending. Empty: chunks are contiguous.
    row: u32,
    gathered: Vec<u32>,
    /// Amplitudes from the first row of a chunk to each of its rows.
    offsets: Vec<usize>,
    /// Turns of all loops over a chunk.
    turns: usize,
    jobs: Vec<Job>,
    /// Cycles of arithmetic, by the table of `cost`.
    pub cycles: f64,
    /// Coefficients and tables of the jobs.
    numbers: Lines<R>,
}

/// Sorts items into passes. `from`: bits of the state before, `complex`: its amplitudes.
pub fn passes<R: Real>(items: Vec<Item>, from: u32, complex: bool) -> Vec<Pass<R>> {
    let chunk_bits = CHUNK_BITS + (!complex) as u32 - (R::W == 8) as u32;
    let mut out: Vec<Pass<R>> = Vec::new();
    let mut bits = from;
    let mut rest: VecDeque<Item> = items.into();
    while !rest.is_empty() {
        let (taken, high) = take(&mut rest, chunk_bits, bits);
        for item in &taken {
            bits = bits.max(64 - item.touches().leading_zeros());
        }
        out.push(lower(taken, bits, &high, chunk_bits, complex));
    }
    out
}

/// Takes the items of the next pass out of `items`; gives them and the high bits that the pass has inside.
fn take(items: &mut VecDeque<Item>, chunk_bits: u32, bits: u32) -> (Vec<Item>, u64) {
    let touched = items.iter().take(LOOK_AHEAD).fold(0, |m, item| m | item.touches());
    let width = bits.max(64 - touched.leading_zeros());
    if width <= chunk_bits {
        return (first_of_one_width(items, bits), 0);
    }
    let rows = (1u64 << ROW_BITS) - 1;
    let room = chunk_bits - ROW_BITS;
    let mut high = 0u64;
    let mut blocked = 0u64;
    let (mut taken, mut left) = (vec![], vec![]);
    for _ in 0..LOOK_AHEAD {
        if blocked & touched == touched {
            break;
        }
        match items.pop_front() {
            None => break,
            Some(Item::Block(block)) => {
                let targets = block.on().iter().fold(0u64, |m, &q| m | 1 << q) & !rows;
                let item = Item::Block(block);
                if item.touches() & blocked == 0 && (high | targets).count_ones() <= room {
                    high |= targets;
                    taken.push(item);
                } else {
                    blocked |= item.touches();
                    left.push(item);
                }
            }
            Some(Item::Phases(terms)) => {
                let (wait, now): (Vec<Term>, Vec<Term>) = terms.into_iter().partition(|t| t.mask() & blocked != 0);
                if !now.is_empty() {
                    taken.push(Item::Phases(now));
                }
                if !wait.is_empty() {
                    let item = Item::Phases(wait);
                    blocked |= item.touches();
                    left.push(item);
                }
            }
        }
    }
    while let Some(item) = left.pop() {
        items.push_front(item);
    }
    (taken, high)
}

/// The first items, as long as the state does not grow.
fn first_of_one_width(items: &mut VecDeque<Item>, bits: u32) -> Vec<Item> {
    let mut width = bits;
    let mut taken = vec![];
    while let Some(item) = items.front() {
        let needed = 64 - item.touches().leading_zeros();
        if needed > width && !taken.is_empty() {
            break;
        }
        width = width.max(needed);
        taken.extend(items.pop_front());
    }
    taken
}

fn lower<R: Real>(items: Vec<Item>, bits: u32, high: &u64, chunk_bits: u32, complex: bool) -> Pass<R> {
    let local = bits.min(chunk_bits).max(R::LANE_BITS);
    let row = if bits <= chunk_bits { local } else { ROW_BITS };
    let mut gathered: Vec<u32> = (row..bits).filter(|b| high >> b & 1 == 1).collect();
    let mut spare = row;
    while gathered.len() < (local - row) as usize {
        if !gathered.contains(&spare) {
            gathered.push(spare);
        }
        spare += 1;
    }
    gathered.sort_unstable();
    let outside: Vec<u32> = (row..bits).filter(|b| !gathered.contains(b)).collect();
    let place = |q: u32| -> Place {
        if q < row {
            return Place::In(q);
        }
        match gathered.iter().position(|&b| b == q) {
            Some(k) => Place::In(row + k as u32),
            None => Place::Out(outside.iter().position(|&b| b == q).expect("a bit of the state") as u32),
        }
    };
    let mut numbers = Lines::new();
    let jobs: Vec<Job> = items
        .iter()
        .map(|item| match item {
            Item::Block(block) => {
                let mut on = [0u32; 3];
                for (slot, &q) in on.iter_mut().zip(block.on()) {
                    let Place::In(b) = place(q) else { unreachable!("a pass has the targets of its blocks inside") };
                    *slot = b;
                }
                let mut controls = [Place::In(0); 2];
                for (slot, &q) in controls.iter_mut().zip(block.controls()) {
                    *slot = place(q);
                }
                let controls = &controls[..block.controls().len()];
                Job::Block(BlockJob::new(&block.mat, &on, controls, local, complex, &mut numbers))
            }
            Item::Phases(terms) => Job::Phases(PhaseJob::new(terms, place, local, complex, &mut numbers)),
        })
        .collect();
    let cycles = cost::items(&items, bits, !complex);
    let contiguous = gathered.iter().enumerate().all(|(k, &b)| b == row + k as u32);
    let gathered = if contiguous { vec![] } else { gathered };
    let high: usize = gathered.iter().map(|&b| 1usize << b).sum();
    let rows = if contiguous { 0 } else { 1usize << (local - row) };
    let offsets = (0..rows).map(|k| deposit(k, high)).collect();
    let turns = jobs.iter().map(|job| if let Job::Block(job) = job { job.turns() } else { 0 }).sum::<usize>().max(1);
    Pass { bits, local, row, gathered, offsets, turns, jobs, cycles, numbers }
}

impl<R: Real> Pass<R> {
    pub fn chunks(&self) -> u64 {
        1 << self.bits.saturating_sub(self.local)
    }

    /// Runs all gates on chunk `number` of the state at `data`. Its
    /// loops ask for the rows of the next chunk ahead of time; `rows` is room for their addresses.
    ///
    /// # Safety
    /// `data` has `1 << bits` amplitudes; nobody else uses this chunk; the instruction set of `I` is there; `buffer`
    /// has room for a chunk if `gathers`.
    pub unsafe fn run<I: Isa<R>>(
        &self,
        data: *mut R,
        number: u64,
        parts: usize,
        (buffer, rows): (*mut R, &mut Vec<*const u8>),
        scratch: &mut Scratch<R>,
    ) {
        if self.gathered.is_empty() {
            // SAFETY: chunk `number` is this range of the state.
            let chunk = unsafe { data.add(((number as usize) << self.local) * parts) };
            for job in &self.jobs {
                // SAFETY: handed on from the caller.
                unsafe { job.run::<R, I>(chunk, number, &self.numbers, scratch, &mut Feed::none()) };
            }
            return;
        }
        let row = (1usize << self.row) * parts;
        let start = self.start(number) * parts;
        for (k, offset) in self.offsets.iter().enumerate() {
            // SAFETY: row k of the chunk; different rows and chunks do not overlap.
            unsafe { std::ptr::copy_nonoverlapping(data.add(start + offset * parts), buffer.add(k * row), row) };
        }
        let mut feed = Feed::none();
        if number + 1 < self.chunks() {
            let next = self.start(number + 1) * parts;
            rows.clear();
            // SAFETY: rows of the next chunk, which is part of the state.
            rows.extend(self.offsets.iter().map(|o| unsafe { data.add(next + o * parts) }.cast_const().cast::<u8>()));
            let row_lines = (row * size_of::<R>() / 64).trailing_zeros();
            let end = rows.len() << row_lines;
            feed = Feed { rows: rows.as_ptr(), row_lines, next: 0, end, a_turn: end.div_ceil(self.turns).min(4) };
        }
        for job in &self.jobs {
            // SAFETY: the buffer holds the chunk; the feed has a row for each of `rows`; the rest is handed on from the
            // caller.
            unsafe { job.run::<R, I>(buffer, number, &self.numbers, scratch, &mut feed) };
        }
        for (k, offset) in self.offsets.iter().enumerate() {
            // SAFETY: as above.
            unsafe { std::ptr::copy_nonoverlapping(buffer.add(k * row), data.add(start + offset * parts), row) };
        }
    }

    /// The first amplitude of chunk `number`.
    fn start(&self, number: u64) -> usize {
        let high: usize = self.gathered.iter().map(|&b| 1usize << b).sum();
        deposit(number as usize, (1usize << self.bits) - 1 - high - ((1 << self.row) - 1))
    }

    /// How many kernels run on a chunk.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    pub fn gathers(&self) -> bool {
        !self.gathered.is_empty()
    }

    pub fn chunk_len(&self, parts: usize) -> usize {
        (1usize << self.local) * parts
    }
}

/// The bits of `x`, lowest first, at the set bits of `mask`.
fn deposit(x: usize, mask: usize) -> usize {
    let (mut out, mut rest, mut k) = (0, mask, 0);
    while rest != 0 {
        out |= (x >> k & 1) << rest.trailing_zeros();
        rest &= rest - 1;
        k += 1;
    }
    out
}
