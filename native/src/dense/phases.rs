//! Any number of commuting phase gates in one pass over a chunk.
//!
//! The phase of an index is a polynomial of its bits: a sum of `angle * x_a x_b x_c`. Split a chunk's index into a row
//! number (high bits) and a place in the row (low bits), and number the chunk by the bits outside it. Terms inside a
//! row make a table of one row; the terms of a row bit, alone or with bits of the row, make another table, and terms
//! among row bits only a number. Rows are walked in ascending order: the table of row h is that of h without its lowest
//! set bit times one factor, so a row costs one product of tables and one product with the state, however many gates
//! there were. Rows whose factor is 1 are not touched.

use super::buffer::{Buffer, Lines};
use super::fuse::{self, Term};
use super::isa::Isa;
use super::lanes::Real;
use super::matrix::is_zero;
use crate::complex::{C64, ONE};

/// Where a bit of the state is during a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A bit of the index in the chunk.
    In(u32),
    /// A bit of the chunk's number.
    Out(u32),
}

/// What rows with all of `high` set, in chunks with all of `out` set, are multiplied with.
struct Factor {
    high: u32,
    out: u64,
    /// Where its table begins, or NONE: `number` alone.
    table: usize,
    number: C64,
}

const NONE: usize = usize::MAX;

pub struct PhaseJob {
    row_bits: u32,
    /// Row bits up to the highest that matters; above it rows repeat.
    local: u32,
    complex: bool,
    /// Those with `high` of at most one bit first.
    factors: Vec<Factor>,
}

/// What a pass needs besides the state, one a thread.
#[derive(Default)]
pub struct Scratch<R: Real> {
    tables: Option<Buffer<R>>,
}

impl PhaseJob {
    /// `place`: where each position is during the pass; `local`: bits of a chunk.
    pub fn new<R: Real>(
        terms: &[Term],
        place: impl Fn(u32) -> Place,
        local: u32,
        complex: bool,
        numbers: &mut Lines<R>,
    ) -> PhaseJob {
        let row_bits = (local / 2).clamp(R::LANE_BITS, 8).min(local.max(R::LANE_BITS));
        let mut all: Vec<(u32, u64, u32, C64)> = terms
            .iter()
            .map(|term| {
                let (mut low, mut high, mut out) = (0u32, 0u32, 0u64);
                for &q in term.on.iter().filter(|&&q| q != fuse::NONE) {
                    match place(q) {
                        Place::In(b) if b < row_bits => low |= 1 << b,
                        Place::In(b) => high |= 1 << (b - row_bits),
                        Place::Out(b) => out |= 1 << b,
                    }
                }
                (high, out, low, C64::cis(term.angle))
            })
            .collect();
        all.sort_unstable_by_key(|&(high, out, low, _)| (high.count_ones() > 1, high, out, low));
        let row = (1usize << row_bits) * if complex { 2 } else { 1 };
        let mut values = Vec::new();
        let factors = all
            .chunk_by(|a, b| (a.0, a.1) == (b.0, b.1))
            .map(|group| {
                let (high, out, ..) = group[0];
                if group.iter().all(|(_, _, low, _)| *low == 0) {
                    return Factor { high, out, table: NONE, number: product(group.iter().map(|t| t.3)) };
                }
                let at = numbers.add(row);
                products(group, row_bits, &mut values);
                let table = numbers.tail_mut(at);
                values.iter().enumerate().for_each(|(x, &z)| put(table, x, z, complex));
                Factor { high, out, table: at, number: ONE }
            })
            .collect();
        PhaseJob { row_bits, local, complex, factors }
    }

    /// Applies the phases to the chunk at `data`, whose number is `chunk`.
    ///
    /// # Safety
    /// `data` has `1 << local` amplitudes (at least one block) that nobody else uses; the instruction set of `I` is
    /// there.
    pub unsafe fn run<R: Real, I: Isa<R>>(
        &self,
        data: *mut R,
        chunk: u64,
        numbers: &Lines<R>,
        scratch: &mut Scratch<R>,
    ) {
        if self.complex {
            // SAFETY: handed on from the caller.
            unsafe { self.walk::<R, I, true>(data, chunk, numbers, scratch) }
        } else {
            // SAFETY: handed on from the caller.
            unsafe { self.walk::<R, I, false>(data, chunk, numbers, scratch) }
        }
    }

    unsafe fn walk<R: Real, I: Isa<R>, const CS: bool>(
        &self,
        data: *mut R,
        chunk: u64,
        numbers: &Lines<R>,
        scratch: &mut Scratch<R>,
    ) {
        let row = (1usize << self.row_bits) * if CS { 2 } else { 1 };
        let blocks = (1usize << self.row_bits) / R::W;
        let levels = self.local.saturating_sub(self.row_bits) as usize;
        let needed = row * (2 * levels + 2);
        if scratch.tables.as_ref().is_none_or(|t| t.len() < needed) {
            scratch.tables = Some(Buffer::zeroed(needed));
        }
        let Some(work) = scratch.tables.as_mut() else { return };
        let work = work.as_mut_ptr();
        // SAFETY: slot `k` of the scratch is `row` reals; there are 2 * levels + 2 slots.
        let slot = |k: usize| unsafe { work.add(k * row) };
        let table = |at: usize| -> *const R { numbers.tail(at)[..row].as_ptr() };
        let start = Node::<R> { table: std::ptr::null(), number: ONE };
        // What setting row bit c alone multiplies with, in this chunk; the last is the factor of all rows.
        let mut single = [start; 33];
        let mut many: [&[Factor]; 1] = [&[]];
        for (k, f) in self.factors.iter().enumerate() {
            if f.high.count_ones() > 1 {
                many[0] = &self.factors[k..];
                break;
            }
            if f.out & chunk != f.out {
                continue;
            }
            let c = if f.high == 0 { levels } else { f.high.trailing_zeros() as usize };
            let node = &mut single[c];
            node.number = node.number * f.number;
            if f.table != NONE {
                // SAFETY: tables and slots are rows; a slot is written by one level only.
                unsafe { node.times::<I, CS>(table(f.table), slot(levels + 1 + c), blocks) };
            }
        }
        let mut stack = [start; 33];
        stack[levels] = single[levels];
        for h in 0..1usize << levels {
            let c = if h == 0 { levels } else { h.trailing_zeros() as usize };
            if h > 0 {
                let above = h & (h - 1);
                let parent = stack[if above == 0 { levels } else { above.trailing_zeros() as usize }];
                let mut node = parent;
                node.number = node.number * single[c].number;
                let extra = many[0].iter().filter(|f| {
                    f.high.trailing_zeros() as usize == c
                        && f.high as usize & h == f.high as usize
                        && f.out & chunk == f.out
                });
                if !single[c].table.is_null() {
                    // SAFETY: as above.
                    unsafe { node.times::<I, CS>(single[c].table, slot(c), blocks) };
                }
                for f in extra {
                    node.number = node.number * f.number;
                    if f.table != NONE {
                        // SAFETY: as above.
                        unsafe { node.times::<I, CS>(table(f.table), slot(c), blocks) };
                    }
                }
                stack[c] = node;
            }
            // SAFETY: row h of the chunk.
            unsafe { stack[c].apply::<I, CS>(data.add(h * row), blocks) };
        }
    }
}

/// A table (null: all 1) times a number.
#[derive(Clone, Copy)]
struct Node<R> {
    table: *const R,
    number: C64,
}

impl<R: Real> Node<R> {
    /// Multiplies with a table, into `slot` if there was one already.
    unsafe fn times<I: Isa<R>, const CS: bool>(&mut self, by: *const R, slot: *mut R, blocks: usize) {
        if self.table.is_null() {
            self.table = by;
            return;
        }
        // SAFETY: all three are rows; the slot may be one of the factors.
        unsafe { I::product::<CS>(self.table, by, slot, blocks) };
        self.table = slot;
    }

    unsafe fn apply<I: Isa<R>, const CS: bool>(&self, row: *mut R, blocks: usize) {
        let is_one = is_zero(self.number - ONE);
        let (re, im) = (R::of(self.number.re), R::of(self.number.im));
        // SAFETY: the row and the table have that many blocks.
        unsafe {
            match (self.table.is_null(), is_one) {
                (true, true) => {}
                (true, false) => I::scale::<CS>(row, re, im, blocks),
                (false, true) => I::multiply::<CS>(row, self.table, blocks),
                (false, false) => I::multiply_scaled::<CS>(row, self.table, re, im, blocks),
            }
        }
    }
}

fn put<R: Real>(table: &mut [R], x: usize, z: C64, complex: bool) {
    if complex {
        let at = x / R::W * 2 * R::W + x % R::W;
        table[at] = R::of(z.re);
        table[at + R::W] = R::of(z.im);
    } else {
        table[x] = R::of(z.re);
    }
}

fn product(factors: impl Iterator<Item = C64>) -> C64 {
    factors.fold(ONE, |a, b| a * b)
}

/// For every x of `bits` bits, the product of the factors whose mask of low bits lies in x.
fn products(terms: &[(u32, u64, u32, C64)], bits: u32, out: &mut Vec<C64>) {
    out.clear();
    if terms.iter().any(|(_, _, low, _)| low.count_ones() > 1) {
        let terms: Vec<(u32, C64)> = terms.iter().map(|t| (t.2, t.3)).collect();
        fill(&terms, bits, out);
        return;
    }
    // One bit each: every bit doubles the table.
    out.push(product(terms.iter().filter(|t| t.2 == 0).map(|t| t.3)));
    for b in 0..bits {
        let z = product(terms.iter().filter(|t| t.2 == 1 << b).map(|t| t.3));
        out.extend_from_within(..);
        if z != ONE {
            out[1 << b..].iter_mut().for_each(|x| *x = *x * z);
        }
    }
}

/// As `products`, of any masks: halves by the highest bit.
fn fill(terms: &[(u32, C64)], bits: u32, out: &mut Vec<C64>) {
    if bits == 0 || terms.iter().all(|(mask, _)| *mask == 0) {
        out.resize(out.len() + (1 << bits), product(terms.iter().map(|t| t.1)));
        return;
    }
    let top = 1 << (bits - 1);
    let (with, without): (Vec<_>, Vec<_>) = terms.iter().partition(|(mask, _)| mask & top != 0);
    let start = out.len();
    fill(&without, bits - 1, out);
    let with: Vec<(u32, C64)> = with.into_iter().map(|(mask, z)| (mask & !top, z)).collect();
    fill(&with, bits - 1, out);
    let (low, high) = out[start..].split_at_mut(top as usize);
    high.iter_mut().zip(low).for_each(|(x, y)| *x = *x * *y);
}
