//! The amplitudes of a branch, and what a measurement does to them.
//!
//! `width` qubits are in the state, at the bits below it; a state always has whole blocks, so that with fewer qubits
//! than lane bits the rest is 0. Amplitude x is lane `x % W` of block `x / W`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::buffer::Buffer;
use super::isa::{with_isa, Isa, Level};
use super::lanes::Real;
use super::passes::Pass;
use super::phases::Scratch;
use super::tiny::Flushed;

pub struct State<R: Real> {
    amplitudes: Buffer<R>,
    pub width: u32,
    /// 2 if complex, 1 if real.
    pub parts: usize,
    /// Reals from here on were never written.
    untouched: usize,
    level: Level,
}

/// Buffers that a run uses again and again.
pub struct Workspace<R: Real> {
    /// One a thread.
    desks: Vec<Desk<R>>,
    /// Buffers of states that are done.
    spare: Vec<Buffer<R>>,
}

/// What a thread needs to run a pass.
#[derive(Default)]
struct Desk<R: Real> {
    scratch: Scratch<R>,
    chunk: Option<Buffer<R>>,
    rows: Rows,
}

/// Addresses that a pass asks for ahead of time.
#[derive(Default)]
struct Rows(Vec<*const u8>);

// SAFETY: they are only prefetched, never read.
unsafe impl Send for Rows {}

/// What a chunk counts for, beyond its amplitudes, when `stop` is told.
const CHUNK_OVERHEAD: u64 = 1000;

/// The start of a state, for threads that write different chunks of it.
#[derive(Clone, Copy)]
struct Shared<R>(*mut R);

impl<R> Shared<R> {
    fn start(&self) -> *mut R {
        self.0
    }
}

// SAFETY: the threads of `State::run` use different chunks.
unsafe impl<R: Real> Send for Shared<R> {}
// SAFETY: as above.
unsafe impl<R: Real> Sync for Shared<R> {}

impl<R: Real> Workspace<R> {
    /// For as many threads.
    pub fn new(threads: usize) -> Workspace<R> {
        Workspace { desks: (0..threads.max(1)).map(|_| Desk::default()).collect(), spare: vec![] }
    }

    fn buffer(&mut self, len: usize) -> (Buffer<R>, usize) {
        match self.spare.iter().position(|b| b.len() >= len) {
            Some(k) => {
                let found = self.spare.swap_remove(k);
                let len = found.len();
                (found, len)
            }
            None => (Buffer::zeroed(len), 0),
        }
    }

    pub fn give_back(&mut self, state: State<R>) {
        if self.spare.len() < 4 {
            self.spare.push(state.amplitudes);
        }
    }
}

/// Reals of a state of `width` qubits.
pub fn reals<R: Real>(width: u32, parts: usize) -> usize {
    (1usize << width.max(R::LANE_BITS)) * parts
}

impl<R: Real> State<R> {
    /// No qubit, amplitude 1; room for `peak` qubits.
    pub fn empty(peak: u32, parts: usize, level: Level, work: &mut Workspace<R>) -> State<R> {
        let (amplitudes, untouched) = work.buffer(reals::<R>(peak, parts));
        let mut state = State { amplitudes, width: 0, parts, untouched, level };
        state.clear(0, state.len());
        state.amplitudes[0] = R::of(1.0);
        state.touch();
        state
    }

    /// A complex state of `width` qubits from its amplitudes, real and imaginary part in turn.
    pub fn of(amplitudes: &[f64], width: u32, level: Level, work: &mut Workspace<R>) -> State<R> {
        let mut state = State::empty(width, 2, level, work);
        state.grow(width);
        for (x, z) in amplitudes.chunks_exact(2).enumerate() {
            state.put(x, (z[0], z[1]));
        }
        state
    }

    /// The inverse of `of`.
    pub fn write(&self, amplitudes: &mut [f64]) {
        for (x, z) in amplitudes.chunks_exact_mut(2).enumerate() {
            (z[0], z[1]) = self.get(x);
        }
    }

    /// Reals in use.
    pub fn len(&self) -> usize {
        reals::<R>(self.width, self.parts)
    }

    fn touch(&mut self) {
        self.untouched = self.untouched.max(self.len());
    }

    fn clear(&mut self, from: usize, to: usize) {
        let end = to.min(self.untouched);
        if from < end {
            self.amplitudes[from..end].fill(R::of(0.0));
        }
    }

    /// Adds qubits in state 0 at the top.
    pub fn grow(&mut self, width: u32) {
        if width > self.width {
            let before = self.len();
            self.width = width;
            self.clear(before, self.len());
            self.touch();
        }
    }

    /// Adds one qubit at the top, in state `value`.
    pub fn enter(&mut self, value: bool) {
        let (before, bit) = (self.len(), 1usize << self.width);
        self.grow(self.width + 1);
        if !value {
            return;
        }
        if bit >= R::W {
            self.amplitudes.copy_within(0..before, before);
            self.amplitudes[..before].fill(R::of(0.0));
            return;
        }
        for x in 0..bit {
            let z = self.get(x);
            self.put(x | bit, z);
            self.put(x, (0.0, 0.0));
        }
    }

    /// Real and imaginary parts of block `number`.
    #[inline]
    pub fn block(&self, number: usize) -> (&[R], Option<&[R]>) {
        let at = number * R::W * self.parts;
        let re = &self.amplitudes[at..at + R::W];
        (re, (self.parts == 2).then(|| &self.amplitudes[at + R::W..at + 2 * R::W]))
    }

    #[inline]
    pub fn get(&self, x: usize) -> (f64, f64) {
        if self.parts == 1 {
            return (self.amplitudes[x].f64(), 0.0);
        }
        let at = x / R::W * 2 * R::W + x % R::W;
        (self.amplitudes[at].f64(), self.amplitudes[at + R::W].f64())
    }

    #[inline]
    fn put(&mut self, x: usize, z: (f64, f64)) {
        if self.parts == 1 {
            self.amplitudes[x] = R::of(z.0);
            return;
        }
        let at = x / R::W * 2 * R::W + x % R::W;
        self.amplitudes[at] = R::of(z.0);
        self.amplitudes[at + R::W] = R::of(z.1);
    }

    /// Runs a pass; `stop` is asked now and then, and true ends it early.
    pub fn run(&mut self, pass: &Pass<R>, work: &mut Workspace<R>, stop: &dyn Fn(u64) -> bool) {
        self.grow(pass.bits);
        assert_eq!(pass.bits, self.width, "a pass is made for the width of its state");
        let needed = if pass.gathers() { pass.chunk_len(self.parts) } else { 0 };
        let (data, parts, level) = (Shared(self.amplitudes.as_mut_ptr()), self.parts, self.level);
        let (next, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
        // Takes chunks until none is left; which thread takes which changes no bit of the result.
        let go = |desk: &mut Desk<R>, ask: &dyn Fn(u64) -> bool| {
            if desk.chunk.as_ref().is_none_or(|b| b.len() < needed) {
                desk.chunk = Some(Buffer::zeroed(needed));
            }
            let Some(chunk) = desk.chunk.as_mut() else { return };
            let chunk = chunk.as_mut_ptr();
            let _flushed = Flushed::new();
            let (rows, scratch) = (&mut desk.rows.0, &mut desk.scratch);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= pass.chunks() || stopped.load(Ordering::Relaxed) {
                    return;
                }
                // SAFETY: the state has the pass's bits (asserted) and is borrowed alone, a number is given out once,
                // the buffer has room for a chunk, and `level` was found on this machine.
                with_isa!(level, I => unsafe { pass.run::<I>(data.start(), number, parts, (chunk, rows), scratch) });
                if ask(pass.chunk_len(parts) as u64 * pass.len() as u64 + CHUNK_OVERHEAD) {
                    stopped.store(true, Ordering::Relaxed);
                }
            }
        };
        let Some((first, others)) = work.desks.split_first_mut() else { return };
        if others.is_empty() || pass.chunks() < 2 {
            go(first, stop);
            return;
        }
        std::thread::scope(|scope| {
            for desk in others {
                scope.spawn(|| go(desk, &|_| false));
            }
            go(first, stop);
        });
    }

    /// Sums of squares over the reals `from..to` (whole vectors), lane by lane.
    fn weigh(&self, from: usize, to: usize, sums: &mut [f64; 16]) {
        let part = &self.amplitudes[from..to];
        // SAFETY: `part` is whole vectors; `level` was found on this machine.
        with_isa!(self.level, I => unsafe { <I as Isa<R>>::weigh(part.as_ptr(), part.len() / R::W, sums) });
    }

    /// Weight of the reals `from..to` (whole vectors).
    pub fn weight(&self, from: usize, to: usize) -> f64 {
        let mut sums = [0.0; 16];
        self.weigh(from, to, &mut sums);
        sums.iter().sum()
    }

    /// Weights of 0 and 1 at bit `b`.
    pub fn weights(&self, b: u32) -> [f64; 2] {
        let mut sums = [[0.0; 16]; 2];
        if b < R::LANE_BITS {
            self.weigh(0, self.len(), &mut sums[0]);
            let mut out = [0.0; 2];
            for (lane, sum) in sums[0][..R::W].iter().enumerate() {
                out[lane >> b & 1] += sum;
            }
            return out;
        }
        let run = (1usize << b) * self.parts;
        for (k, from) in (0..self.len()).step_by(run).enumerate() {
            self.weigh(from, from + run, &mut sums[k & 1]);
        }
        sums.map(|s| s.iter().sum())
    }

    /// The part where bit `b` is `value`, times `scale`, without that bit.
    pub fn split_off(&self, b: u32, value: bool, scale: f64, work: &mut Workspace<R>) -> State<R> {
        let (amplitudes, untouched) = work.buffer(self.amplitudes.len());
        let mut out = State { amplitudes, width: self.width - 1, parts: self.parts, untouched, level: self.level };
        out.clear(0, out.len());
        out.touch();
        if b >= R::LANE_BITS {
            let run = (1usize << b) * self.parts;
            let factor = R::of(scale);
            for (k, part) in
                out.amplitudes[..(1usize << (self.width - 1)) * self.parts].chunks_exact_mut(run).enumerate()
            {
                let from = (2 * k + value as usize) * run;
                for (to, x) in part.iter_mut().zip(&self.amplitudes[from..from + run]) {
                    *to = *x * factor;
                }
            }
            return out;
        }
        for x in 0..1usize << out.width {
            let (re, im) = self.get((x >> b << (b + 1)) | (value as usize) << b | (x & ((1 << b) - 1)));
            out.put(x, (re * scale, im * scale));
        }
        out
    }

    /// Keeps the part where bit `b` is `value`, times `scale`, without that bit.
    pub fn keep(&mut self, b: u32, value: bool, scale: f64) {
        let before = self.len();
        if b >= R::LANE_BITS {
            let run = (1usize << b) * self.parts;
            let factor = R::of(scale);
            for k in 0..1usize << (self.width - 1 - b) {
                let from = (2 * k + value as usize) * run;
                self.amplitudes.copy_within(from..from + run, k * run);
                for x in &mut self.amplitudes[k * run..(k + 1) * run] {
                    *x = *x * factor;
                }
            }
            self.width -= 1;
            return;
        }
        let half = 1usize << (self.width - 1);
        for x in 0..half {
            let (re, im) = self.get((x >> b << (b + 1)) | (value as usize) << b | (x & ((1 << b) - 1)));
            self.put(x, (re * scale, im * scale));
        }
        self.width -= 1;
        for x in half..before / self.parts {
            self.put(x, (0.0, 0.0));
        }
    }

    /// Sets the part where bit `b` is not `value` to 0 and multiplies the rest with `scale`.
    pub fn project(&mut self, b: u32, value: bool, scale: f64) {
        for x in 0..1usize << self.width {
            let (re, im) = self.get(x);
            let factor = if (x >> b & 1 == 1) == value { scale } else { 0.0 };
            self.put(x, (re * factor, im * factor));
        }
    }

    /// Applies X, Y (as XZ: they differ by a phase of the whole state) or Z (1, 2, 3) at bit `b`.
    pub fn pauli(&mut self, b: u32, which: usize) {
        for x in (0..1usize << self.width).filter(|x| x >> b & 1 == 0) {
            let (zero, one) = (self.get(x), self.get(x | 1 << b));
            let minus = |z: (f64, f64)| (-z.0, -z.1);
            let (zero, one) = match which {
                1 => (one, zero),
                2 => (minus(one), zero),
                _ => (zero, minus(one)),
            };
            self.put(x, zero);
            self.put(x | 1 << b, one);
        }
    }

    pub fn copy(&self, work: &mut Workspace<R>) -> State<R> {
        let (amplitudes, untouched) = work.buffer(self.amplitudes.len());
        let mut out = State { amplitudes, width: self.width, parts: self.parts, untouched, level: self.level };
        let len = self.len();
        out.amplitudes[..len].copy_from_slice(&self.amplitudes[..len]);
        out.touch();
        out
    }
}
