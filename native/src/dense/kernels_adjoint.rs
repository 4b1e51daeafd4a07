//! The inner loops of gradients, over `Lanes` as those of `kernels`: transition matrices of two states, and a sum of
//! Pauli strings applied to one.

// Loops over rows run a constant number of times over parts of arrays of another size, to be unrolled.
#![allow(clippy::needless_range_loop)]

use super::kernels::Span;
use super::lanes::{Lanes, Real};

/// Lane by lane, `out[o][r][f] = sum over the span of conj(left[row o]) flip_f(right[row r])` for 2^K rows and 2^L
/// flips: a vector of real parts each and, of complex states, one of imaginary parts.
///
/// # Safety
/// Both states have a block for every index that `span` reaches; `out` has a vector for each part; the instruction set
/// of `V` is there.
#[inline(always)]
pub unsafe fn transitions<V: Lanes, const CS: bool, const K: usize, const L: usize>(
    left: *const V::R,
    right: *const V::R,
    span: &Span,
    out: *mut V::R,
) {
    let (w, parts) = (V::R::W, if CS { 2 } else { 1 });
    let step = w * parts;
    let (rows, flips) = (1usize << K, 1usize << L);
    // SAFETY: all addresses are those of blocks of the span or of the sums, which the caller vouches for.
    unsafe {
        let nothing = V::splat(V::R::of(0.0));
        let mut by = [V::flip_by(0); 4];
        for f in 1..flips {
            by[f] = V::flip_by(span.flips[f]);
        }
        let (mut re, mut im) = ([nothing; 16], [nothing; 16]);
        let mut i = 0usize;
        for _ in 0..span.count {
            let base = (i | span.fixed) * step;
            i = ((i | span.skip) + 1) & !span.skip;
            for r in 0..rows {
                let at = right.add(base + span.rows[r] * step);
                let (x, y) = (V::load(at), if CS { V::load(at.add(w)) } else { nothing });
                for f in 0..flips {
                    let (x, y) = if f == 0 { (x, y) } else { (x.flip(by[f]), if CS { y.flip(by[f]) } else { y }) };
                    for o in 0..rows {
                        let from = left.add(base + span.rows[o] * step);
                        let k = (o * rows + r) * flips + f;
                        let a = V::load(from);
                        re[k] = a.fma(x, re[k]);
                        if CS {
                            let b = V::load(from.add(w));
                            re[k] = b.fma(y, re[k]);
                            im[k] = b.fnma(x, a.fma(y, im[k]));
                        }
                    }
                }
            }
        }
        for k in 0..rows * rows * flips {
            re[k].store(out.add(k * step));
            if CS {
                im[k].store(out.add(k * step + w));
            }
        }
    }
}

/// Pauli strings that flip the same qubits, with their coefficients, over the amplitudes of the result.
pub struct Flipped<'a, R> {
    /// Block bits and lane bits that they flip.
    pub block: usize,
    pub lanes: usize,
    /// The factor of every amplitude, real part and imaginary part, if it is held ready.
    pub factors: [Option<&'a [R]>; 2],
    /// Else the sum of these: a vector each, negative where a block has an odd number of the bits of `sign`.
    pub terms: [&'a [Signed]; 2],
    pub numbers: &'a [R],
}

/// A vector of coefficients, one a lane, at `at` among the numbers.
#[derive(Clone, Copy, Debug)]
pub struct Signed {
    pub sign: usize,
    pub at: usize,
}

/// The factors of block `y`, real or imaginary parts, one a lane.
///
/// # Safety
/// As `add_paulis`.
#[inline(always)]
unsafe fn factors<V: Lanes>(strings: &Flipped<V::R>, part: usize, y: usize, signs: &[V; 2]) -> V {
    // SAFETY: vectors of the numbers and of the ready factors, which the caller vouches for.
    unsafe {
        if let Some(ready) = strings.factors[part] {
            return V::load(ready.as_ptr().add(y * V::R::W));
        }
        let mut sum = V::splat(V::R::of(0.0));
        for term in strings.terms[part] {
            let odd = (y & term.sign).count_ones() as usize & 1;
            sum = V::load(strings.numbers.as_ptr().add(term.at)).fma(signs[odd], sum);
        }
        sum
    }
}

/// `to += P from` in blocks `blocks`, P being such a sum of Pauli strings.
///
/// # Safety
/// Both states have all blocks that `strings.block` leads to from `blocks` and do not overlap; the factors have a
/// vector a block; the instruction set of `V` is there.
#[inline(always)]
pub unsafe fn add_paulis<V: Lanes, const CS: bool>(
    to: *mut V::R,
    from: *const V::R,
    blocks: std::ops::Range<usize>,
    strings: &Flipped<V::R>,
) {
    let (w, step) = (V::R::W, V::R::W * if CS { 2 } else { 1 });
    let mut has = [false; 2];
    for part in 0..2 {
        has[part] = strings.factors[part].is_some() || !strings.terms[part].is_empty();
    }
    // SAFETY: blocks of the states, vectors of the numbers, which the caller vouches for.
    unsafe {
        let by = V::flip_by(strings.lanes);
        let signs = [V::splat(V::R::of(1.0)), V::splat(V::R::of(-1.0))];
        let (mut y, end) = (blocks.start, blocks.end);
        while y < end {
            let at = from.add((y ^ strings.block) * step);
            let out = to.add(y * step);
            let xr = V::load(at).flip(by);
            let xi = if CS { V::load(at.add(w)).flip(by) } else { xr };
            let (mut re, mut im) = (V::load(out), if CS { V::load(out.add(w)) } else { xr });
            if has[0] {
                let c = factors::<V>(strings, 0, y, &signs);
                re = xr.fma(c, re);
                im = xi.fma(c, im);
            }
            if CS && has[1] {
                let c = factors::<V>(strings, 1, y, &signs);
                re = xi.fnma(c, re);
                im = xr.fma(c, im);
            }
            re.store(out);
            if CS {
                im.store(out.add(w));
            }
            y += 1;
        }
    }
}
