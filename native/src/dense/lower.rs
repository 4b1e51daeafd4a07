//! Blocks to kernel calls: which bits are lanes, and coefficients in the order in which a kernel reads them.

use super::buffer::Lines;
use super::isa::Isa;
use super::kernels::{Feed, Span};
use super::lanes::Real;
use super::matrix::Mat;
use super::phases::{PhaseJob, Place, Scratch};
use crate::complex::C64;

/// One kernel call on a chunk.
pub enum Job {
    Block(BlockJob),
    Phases(PhaseJob),
}

pub struct BlockJob {
    span: Span,
    shape: Shape,
    /// Where its coefficients begin.
    coefs: usize,
    /// Controls that are bits of the chunk's number.
    chunk_controls: u64,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    complex_state: bool,
    complex: bool,
    vector: bool,
    rows: usize,
    flips: usize,
}

impl Job {
    /// Runs on the chunk at `data` with number `chunk`.
    ///
    /// # Safety
    /// `data` has as many amplitudes as the job was made for and nobody else uses them; the instruction set of `I` is
    /// there; `feed` has its rows.
    pub unsafe fn run<R: Real, I: Isa<R>>(
        &self,
        data: *mut R,
        chunk: u64,
        numbers: &Lines<R>,
        scratch: &mut Scratch<R>,
        feed: &mut Feed,
    ) {
        // SAFETY: handed on from the caller.
        unsafe {
            match self {
                Job::Block(job) => job.run::<R, I>(data, chunk, numbers, feed),
                Job::Phases(job) => job.run::<R, I>(data, chunk, numbers, scratch),
            }
        }
    }
}

/// Calls the kernel of a shape; shapes that `BlockJob::new` never makes do nothing.
macro_rules! call {
    ($shape:expr, $isa:ident, $data:expr, $coefs:expr, $span:expr, $feed:expr; $($vector:literal $k:literal $l:literal),*) => {
        match ($shape.vector, $shape.rows, $shape.flips) {
            $(($vector, $k, $l) => match ($shape.complex_state, $shape.complex) {
                (true, true) => $isa::block::<true, true, $vector, $k, $l>($data, $coefs, $span, $feed),
                (true, false) => $isa::block::<true, false, $vector, $k, $l>($data, $coefs, $span, $feed),
                (false, _) => $isa::block::<false, false, $vector, $k, $l>($data, $coefs, $span, $feed),
            },)*
            _ => {}
        }
    };
}

/// Where the bits of a block and its controls are: rows of a loop, lanes, or bits of the chunk's number.
struct Layout {
    span: Span,
    /// Bits of the block: `rows` of them rows of the loop, then those that are lanes.
    bits: [usize; 3],
    rows: usize,
    lane_controls: usize,
    chunk_controls: u64,
}

impl Layout {
    /// `k` bits at `on` of a chunk of `local` bits, where all of `controls` are 1.
    fn new<R: Real>(k: usize, on: &[u32], controls: &[Place], local: u32) -> Layout {
        let lanes = R::LANE_BITS;
        let (mut lane_controls, mut row_controls, mut chunk_controls) = (0usize, 0usize, 0u64);
        for control in controls {
            match *control {
                Place::In(b) if b < lanes => lane_controls |= 1 << b,
                Place::In(b) => row_controls |= 1 << (b - lanes),
                Place::Out(b) => chunk_controls |= 1 << b,
            }
        }
        let (mut bits, mut n_rows) = ([0usize; 3], 0);
        for b in (0..k).filter(|&b| on[b] >= lanes) {
            bits[n_rows] = b;
            n_rows += 1;
        }
        for (slot, b) in (0..k).filter(|&b| on[b] < lanes).enumerate() {
            bits[n_rows + slot] = b;
        }
        let (rows, flips) = bits[..k].split_at(n_rows);
        let spread = |x: usize, bits: &[usize], shift: u32| -> usize {
            bits.iter().enumerate().map(|(k, &b)| (x >> k & 1) << (on[b] - shift)).sum()
        };
        let targets: usize = rows.iter().map(|&b| 1usize << (on[b] - lanes)).sum();
        let skip = targets | row_controls;
        let free = local.saturating_sub(lanes) - skip.count_ones();
        let span = Span {
            skip,
            fixed: row_controls,
            count: 1 << free,
            rows: std::array::from_fn(|r| if r < 1 << rows.len() { spread(r, rows, lanes) } else { 0 }),
            flips: std::array::from_fn(|f| if f < 1 << flips.len() { spread(f, flips, 0) } else { 0 }),
        };
        Layout { span, bits, rows: n_rows, lane_controls, chunk_controls }
    }

    /// Values of the block's bits for each row of the loop and for each flip.
    fn values(&self, k: usize) -> ([usize; 8], [usize; 8]) {
        let (rows, flips) = self.bits[..k].split_at(self.rows);
        (std::array::from_fn(|r| pick(r, rows)), std::array::from_fn(|f| pick(f, flips)))
    }
}

/// Bits of `x`, lowest first, at `bits`.
fn pick(x: usize, bits: &[usize]) -> usize {
    bits.iter().enumerate().map(|(k, &b)| (x >> k & 1) << b).sum()
}

impl BlockJob {
    /// `mat` on the bits `on` of a chunk of `local` bits, where all of `controls` are 1.
    pub fn new<R: Real>(
        mat: &Mat,
        on: &[u32],
        controls: &[Place],
        local: u32,
        complex_state: bool,
        numbers: &mut Lines<R>,
    ) -> BlockJob {
        let laid = Layout::new::<R>(mat.k, on, controls, local);
        let (rows, flips) = laid.bits[..mat.k].split_at(laid.rows);
        let vector = !flips.is_empty() || laid.lane_controls != 0;
        let complex = !mat.is_real();
        let shape = Shape { complex_state, complex, vector, rows: rows.len(), flips: flips.len() };
        let (span, chunk_controls, lane_controls) = (laid.span, laid.chunk_controls, laid.lane_controls);
        let coefs = coefficients::<R>(mat, on, rows, flips, lane_controls, shape, numbers);
        BlockJob { span, shape, coefs, chunk_controls }
    }

    /// One matrix a lane, on block bits `on` of a state of `local` bits.
    pub fn of_lanes<R: Real>(
        mats: &[Mat],
        on: &[u32],
        local: u32,
        complex_state: bool,
        numbers: &mut Lines<R>,
    ) -> BlockJob {
        let mut job = BlockJob::new(&mats[0], on, &[], local, complex_state, numbers);
        numbers.clear();
        let complex = complex_state && !mats.iter().all(Mat::is_real);
        let entries = mats[0].dim() * mats[0].dim();
        let parts = if complex { 2 } else { 1 };
        job.shape = Shape { complex, vector: true, ..job.shape };
        job.coefs = numbers.add(entries * parts * R::W);
        for (k, slot) in numbers.tail_mut(job.coefs)[..entries * parts * R::W].chunks_exact_mut(R::W).enumerate() {
            for (lane, x) in slot.iter_mut().enumerate() {
                let z = mats[lane].m()[k / parts];
                *x = R::of(if k % parts == 1 { z.im } else { z.re });
            }
        }
        job
    }

    /// Turns of the kernel's loop.
    pub fn turns(&self) -> usize {
        self.span.count
    }

    unsafe fn run<R: Real, I: Isa<R>>(&self, data: *mut R, chunk: u64, numbers: &Lines<R>, feed: &mut Feed) {
        if chunk & self.chunk_controls != self.chunk_controls {
            return;
        }
        // SAFETY: the span stays inside the chunk by construction and the coefficients are those of the shape; the
        // rest is handed on from the caller.
        unsafe {
            call!(self.shape, I, data, numbers.tail(self.coefs).as_ptr(), &self.span, feed;
                false 1 0, false 2 0, false 3 0, true 1 0, true 2 0, true 3 0,
                true 0 1, true 0 2, true 0 3, true 1 1, true 1 2, true 2 1)
        }
    }
}

/// In the order of `kernels::block`: row, row, flip, and for vectors the lane; the identity where a lane control is 0.
fn coefficients<R: Real>(
    mat: &Mat,
    on: &[u32],
    rows: &[usize],
    flips: &[usize],
    lane_controls: usize,
    shape: Shape,
    numbers: &mut Lines<R>,
) -> usize {
    let (n_rows, n_flips) = (1usize << rows.len(), 1usize << flips.len());
    let row: [usize; 8] = std::array::from_fn(|r| pick(r, rows));
    let flip: [usize; 8] = std::array::from_fn(|f| pick(f, flips));
    let parts = if shape.complex { 2 } else { 1 };
    let step = if shape.vector { R::W } else { 1 };
    let at = numbers.add(n_rows * n_rows * n_flips * parts * step);
    let out = numbers.tail_mut(at);
    // Which value of the target bits among the lanes a lane has; beyond them: a control there is 0.
    let mut kind = [0usize; 16];
    for (lane, slot) in kind[..R::W].iter_mut().enumerate().filter(|_| shape.vector) {
        let set = flips.iter().enumerate().map(|(k, &b)| (lane >> on[b] & 1) << k).sum();
        *slot = if lane & lane_controls == lane_controls { set } else { n_flips };
    }
    let mut to = 0;
    for o in 0..n_rows {
        for r in 0..n_rows {
            for f in 0..n_flips {
                let mut re = [R::of((o == r && f == 0) as u8 as f64); 9];
                let mut im = [R::of(0.0); 9];
                for x in 0..n_flips {
                    let z = mat.at(row[o] | flip[x], row[r] | flip[x ^ f]);
                    (re[x], im[x]) = (R::of(z.re), R::of(z.im));
                }
                for values in [&re, &im].into_iter().take(parts) {
                    for (slot, &x) in out[to..to + step].iter_mut().zip(&kind) {
                        *slot = values[x];
                    }
                    to += step;
                }
            }
        }
    }
    at
}

/// The transition matrix of two states on one or two bits: see `Flat::transitions`.
pub struct TransitionJob {
    laid: Layout,
    k: usize,
    on: [u32; 3],
    complex: bool,
}

/// The most vectors of sums: 4 rows times 4 rows, real and imaginary part, of at most 16 lanes.
const SUMS: usize = 16 * 2 * 16;

impl TransitionJob {
    /// Of states of `local` bits, where all of `controls`, which are among them, are 1.
    pub fn new<R: Real>(k: usize, on: &[u32; 3], controls: &[Place], local: u32, complex: bool) -> TransitionJob {
        assert!(k == 1 || k == 2, "gates with angles act on one qubit or two, beside their controls");
        TransitionJob { laid: Layout::new::<R>(k, on, controls, local), k, on: *on, complex }
    }

    /// # Safety
    /// Both states have as many amplitudes as the job was made for; the instruction set of `I` is there.
    pub unsafe fn run<R: Real, I: Isa<R>>(&self, left: *const R, right: *const R) -> [C64; 16] {
        let mut sums = [R::of(0.0); SUMS];
        let (span, out) = (&self.laid.span, sums.as_mut_ptr());
        // SAFETY: the span stays inside the states by construction and `sums` has room for every shape; the rest is
        // handed on from the caller.
        unsafe {
            match (self.laid.rows, self.k, self.complex) {
                (1, 1, true) => I::transitions::<true, 1, 0>(left, right, span, out),
                (0, 1, true) => I::transitions::<true, 0, 1>(left, right, span, out),
                (2, 2, true) => I::transitions::<true, 2, 0>(left, right, span, out),
                (1, 2, true) => I::transitions::<true, 1, 1>(left, right, span, out),
                (0, 2, true) => I::transitions::<true, 0, 2>(left, right, span, out),
                (1, 1, false) => I::transitions::<false, 1, 0>(left, right, span, out),
                (0, 1, false) => I::transitions::<false, 0, 1>(left, right, span, out),
                (2, 2, false) => I::transitions::<false, 2, 0>(left, right, span, out),
                (1, 2, false) => I::transitions::<false, 1, 1>(left, right, span, out),
                (0, 2, false) => I::transitions::<false, 0, 2>(left, right, span, out),
                _ => {}
            }
        }
        self.gathered::<R>(&sums)
    }

    /// The sums of all lanes, each where its values of the bits say.
    fn gathered<R: Real>(&self, sums: &[R; SUMS]) -> [C64; 16] {
        let (row, flip) = self.laid.values(self.k);
        let flips = &self.laid.bits[self.laid.rows..self.k];
        let (n_rows, n_flips) = (1usize << self.laid.rows, 1usize << flips.len());
        let step = R::W * if self.complex { 2 } else { 1 };
        let mut out = [C64::default(); 16];
        for lane in (0..R::W).filter(|lane| lane & self.laid.lane_controls == self.laid.lane_controls) {
            let x: usize = flips.iter().enumerate().map(|(k, &b)| (lane >> self.on[b] & 1) << k).sum();
            for o in 0..n_rows {
                for r in 0..n_rows {
                    for f in 0..n_flips {
                        let at = ((o * n_rows + r) * n_flips + f) * step + lane;
                        let (a, b) = (row[o] | flip[x], row[r] | flip[x ^ f]);
                        let slot = &mut out[a << self.k | b];
                        slot.re += sums[at].f64();
                        slot.im += if self.complex { sums[at + R::W].f64() } else { 0.0 };
                    }
                }
            }
        }
        out
    }
}
