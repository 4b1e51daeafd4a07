//! The inner loops, written over `Lanes`; `isa` compiles each for every instruction set.
//!
//! A state is blocks of `W` amplitudes. A complex block is `W` real parts, then `W` imaginary parts; a state all of
//! whose amplitudes are real keeps the real parts only. So the lowest bits of an index are lanes, the others say which
//! block: a gate on block bits combines whole vectors, one on lanes also needs copies with lanes exchanged.

// Loops over rows run a constant number of times over parts of arrays of another size, to be unrolled.
#![allow(clippy::needless_range_loop)]

use super::lanes::{Lanes, Real};

/// One gate as a kernel runs it.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Block bits that the loop does not count through: the targets and the controls.
    pub skip: usize,
    /// Controls that are set.
    pub fixed: usize,
    /// How often the loop runs.
    pub count: usize,
    /// Block number of every row, beyond that of the loop.
    pub rows: [usize; 8],
    /// Lane masks of the exchanged copies.
    pub flips: [usize; 8],
}

/// Cache lines that a loop asks for ahead of time, a few a turn: those of the next chunk, row after row.
#[derive(Clone, Copy, Debug)]
pub struct Feed {
    /// First line of every row, `1 << row_lines` lines each.
    pub rows: *const *const u8,
    pub row_lines: u32,
    pub next: usize,
    pub end: usize,
    pub a_turn: usize,
}

impl Feed {
    /// Asks for nothing.
    pub const fn none() -> Feed {
        Feed { rows: std::ptr::null(), row_lines: 0, next: 0, end: 0, a_turn: 0 }
    }

    /// # Safety
    /// `rows` has `end >> row_lines` entries. (A prefetch itself may name any address.)
    #[inline(always)]
    unsafe fn turn(&mut self) {
        let stop = (self.next + self.a_turn).min(self.end);
        while self.next < stop {
            let (row, line) = (self.next >> self.row_lines, self.next & ((1 << self.row_lines) - 1));
            // SAFETY: `row` is an entry, since `next < end`.
            let at = unsafe { *self.rows.add(row) }.wrapping_add(line * 64);
            #[cfg(target_arch = "x86_64")]
            // SAFETY: SSE is part of x86-64, and a prefetch changes nothing.
            unsafe {
                std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(at.cast())
            };
            #[cfg(not(target_arch = "x86_64"))]
            let _ = at;
            self.next += 1;
        }
    }
}

/// new[row o] = sum over rows r and flips f of coef[o][r][f] * flip_f(old[row r]), for 2^K rows and 2^L flips.
///
/// `CS`: the state is complex; `CM`: so are the coefficients (real part first). `VEC`: a coefficient is a vector with
/// one number a lane, else one number.
///
/// # Safety
/// `data` has a block for every index that `span` reaches and nobody else uses them; `coefs` has all coefficients;
/// `feed` has its rows;
/// the instruction set of `V` is there.
#[inline(always)]
pub unsafe fn block<V: Lanes, const CS: bool, const CM: bool, const VEC: bool, const K: usize, const L: usize>(
    data: *mut V::R,
    coefs: *const V::R,
    span: &Span,
    feed: &mut Feed,
) {
    let (w, parts) = (V::R::W, if CS { 2 } else { 1 });
    let step = w * parts;
    let (rows, flips) = (1usize << K, 1usize << L);
    let total = rows * rows * flips * if CM { 2 } else { 1 };
    let hoist = total <= 16;
    // SAFETY: all addresses are those of blocks of the span or of coefficients, which the caller vouches for.
    unsafe {
        let fetch = if VEC { w } else { 1 };
        let mut by = [V::flip_by(0); 8];
        for f in 1..flips {
            by[f] = V::flip_by(span.flips[f]);
        }
        let mut kept = [V::splat(V::R::of(0.0)); 16];
        if hoist {
            for k in 0..total {
                kept[k] = if VEC { V::load(coefs.add(k * fetch)) } else { V::splat(*coefs.add(k)) };
            }
        }
        let (skip, fixed) = (span.skip, span.fixed);
        let at: [usize; 8] = std::array::from_fn(|r| span.rows[r] * step);
        let mut i = 0usize;
        for _ in 0..span.count {
            feed.turn();
            let base = data.add((i | fixed) * step);
            i = ((i | skip) + 1) & !skip;
            let mut re = [V::splat(V::R::of(0.0)); 8];
            let mut im = [V::splat(V::R::of(0.0)); 8];
            for r in 0..rows {
                let x = V::load(base.add(at[r]));
                re[r * flips] = x;
                for f in 1..flips {
                    re[r * flips + f] = x.flip(by[f]);
                }
                if CS {
                    let y = V::load(base.add(at[r] + w));
                    im[r * flips] = y;
                    for f in 1..flips {
                        im[r * flips + f] = y.flip(by[f]);
                    }
                }
            }
            for o in 0..rows {
                let mut sums = [V::splat(V::R::of(0.0)); 2];
                for k in 0..rows * flips {
                    let number = (o * rows * flips + k) * if CM { 2 } else { 1 };
                    let coef = |n: usize| {
                        if hoist {
                            kept[n]
                        } else if VEC {
                            V::load(coefs.add(n * fetch))
                        } else {
                            V::splat(*coefs.add(n))
                        }
                    };
                    let c = coef(number);
                    if k == 0 {
                        sums[0] = re[k].mul(c);
                        if CS {
                            sums[1] = im[k].mul(c);
                        }
                    } else {
                        sums[0] = re[k].fma(c, sums[0]);
                        if CS {
                            sums[1] = im[k].fma(c, sums[1]);
                        }
                    }
                    if CM {
                        let c = coef(number + 1);
                        sums[0] = im[k].fnma(c, sums[0]);
                        sums[1] = re[k].fma(c, sums[1]);
                    }
                }
                sums[0].store(base.add(at[o]));
                if CS {
                    sums[1].store(base.add(at[o] + w));
                }
            }
        }
    }
}

/// `out = a * b`, all of `blocks` blocks; `out` may be `a` or `b`.
///
/// # Safety
/// Each address has that many blocks; the instruction set of `V` is there.
#[inline(always)]
pub unsafe fn product<V: Lanes, const CS: bool>(a: *const V::R, b: *const V::R, out: *mut V::R, blocks: usize) {
    let w = V::R::W;
    for k in 0..blocks {
        // SAFETY: block k of each, which the caller vouches for.
        unsafe {
            if CS {
                let at = k * 2 * w;
                let (ar, ai) = (V::load(a.add(at)), V::load(a.add(at + w)));
                let (br, bi) = (V::load(b.add(at)), V::load(b.add(at + w)));
                ai.fnma(bi, ar.mul(br)).store(out.add(at));
                ai.fma(br, ar.mul(bi)).store(out.add(at + w));
            } else {
                V::load(a.add(k * w)).mul(V::load(b.add(k * w))).store(out.add(k * w));
            }
        }
    }
}

/// `row *= table * (re + i im)`, all of `blocks` blocks (a real state: `im` is not looked at).
///
/// # Safety
/// Each address has that many blocks and they do not overlap; the instruction set of `V` is there.
#[inline(always)]
pub unsafe fn multiply_scaled<V: Lanes, const CS: bool>(
    row: *mut V::R,
    table: *const V::R,
    re: V::R,
    im: V::R,
    blocks: usize,
) {
    let w = V::R::W;
    // SAFETY: blocks of the row and the table, which the caller vouches for.
    unsafe {
        let (zr, zi) = (V::splat(re), V::splat(im));
        for k in 0..blocks {
            if CS {
                let at = k * 2 * w;
                let (ar, ai) = (V::load(table.add(at)), V::load(table.add(at + w)));
                let (tr, ti) = (ai.fnma(zi, ar.mul(zr)), ai.fma(zr, ar.mul(zi)));
                let (xr, xi) = (V::load(row.add(at)), V::load(row.add(at + w)));
                xi.fnma(ti, xr.mul(tr)).store(row.add(at));
                xi.fma(tr, xr.mul(ti)).store(row.add(at + w));
            } else {
                let t = V::load(table.add(k * w)).mul(zr);
                V::load(row.add(k * w)).mul(t).store(row.add(k * w));
            }
        }
    }
}

/// `row *= table`, all of `blocks` blocks.
///
/// # Safety
/// Each address has that many blocks and they do not overlap; the instruction set of `V` is there.
#[inline(always)]
pub unsafe fn multiply<V: Lanes, const CS: bool>(row: *mut V::R, table: *const V::R, blocks: usize) {
    let w = V::R::W;
    for k in 0..blocks {
        // SAFETY: block k of each, which the caller vouches for.
        unsafe {
            if CS {
                let at = k * 2 * w;
                let (tr, ti) = (V::load(table.add(at)), V::load(table.add(at + w)));
                let (xr, xi) = (V::load(row.add(at)), V::load(row.add(at + w)));
                xi.fnma(ti, xr.mul(tr)).store(row.add(at));
                xi.fma(tr, xr.mul(ti)).store(row.add(at + w));
            } else {
                let at = k * w;
                V::load(row.add(at)).mul(V::load(table.add(at))).store(row.add(at));
            }
        }
    }
}

/// `row *= re + i im`, all of `blocks` blocks (a real state: `im` is not looked at).
///
/// # Safety
/// `row` has that many blocks; the instruction set of `V` is there.
#[inline(always)]
pub unsafe fn scale<V: Lanes, const CS: bool>(row: *mut V::R, re: V::R, im: V::R, blocks: usize) {
    let w = V::R::W;
    // SAFETY: blocks of the row, which the caller vouches for.
    unsafe {
        let (tr, ti) = (V::splat(re), V::splat(im));
        for k in 0..blocks {
            if CS {
                let at = k * 2 * w;
                let (xr, xi) = (V::load(row.add(at)), V::load(row.add(at + w)));
                xi.fnma(ti, xr.mul(tr)).store(row.add(at));
                xi.fma(tr, xr.mul(ti)).store(row.add(at + w));
            } else {
                V::load(row.add(k * w)).mul(tr).store(row.add(k * w));
            }
        }
    }
}

/// Adds to `sums[j]` the squares of lane j of `vectors` vectors: partial sums of 64 in `R`, the rest in f64.
///
/// # Safety
/// `data` has that many vectors, `sums` has `R::W` numbers; the instruction set of `V` is there.
#[inline(always)]
pub unsafe fn weigh<V: Lanes>(data: *const V::R, vectors: usize, sums: &mut [f64; 16]) {
    let w = V::R::W;
    let mut at = 0;
    while at < vectors {
        let end = (at + 64).min(vectors);
        // SAFETY: vectors `at` to `end`, which the caller vouches for; `part` has the 16 >= W numbers it is given.
        unsafe {
            let mut even = V::splat(V::R::of(0.0));
            let mut odd = even;
            while at + 1 < end {
                let (x, y) = (V::load(data.add(at * w)), V::load(data.add((at + 1) * w)));
                even = x.fma(x, even);
                odd = y.fma(y, odd);
                at += 2;
            }
            if at < end {
                let x = V::load(data.add(at * w));
                even = x.fma(x, even);
                at += 1;
            }
            let mut part = [V::R::of(0.0); 16];
            even.add(odd).store(part.as_mut_ptr());
            for (sum, x) in sums.iter_mut().zip(&part[..w]) {
                *sum += x.f64();
            }
        }
    }
}
