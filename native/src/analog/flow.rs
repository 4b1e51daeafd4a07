//! The two flows on a state: the diagonal one with all interactions, and the turns of all atoms.
//!
//! The state stands in a frame of its own: amplitude `x` is the true one times prod over set atoms of i e^{i p_i}, with
//! the coupling's phase p_i. There a turn is real, ((c, -s), (s, c)), and a new phase is one more diagonal factor. A
//! turn is done as (1, -t; t, 1) with t = s/c; the product of the c goes into the diagonal factors.
//!
//! The interaction of a chunk's own atoms is a table of its size. What the atoms outside do to it is a phase for each
//! atom inside, so nothing as large as the state is kept beside it. A chunk and its table fit the first cache; the turns
//! of the next few atoms are done while the chunks of a span are in the second.
//!
//! Where atoms in r decay, the diagonal flow shrinks their amplitudes too: `fading`.

use super::kernels::{self, Chunk, Near, BLOCK, LANE_BITS, W};
use super::ATOMS;
use crate::dense::{Buffer, Level};

/// log2 of the amplitudes of a chunk, at most: 16 KiB.
const CHUNK_BITS: usize = 10;
/// The same of a span of chunks: 256 KiB.
const SPAN_BITS: usize = 14;
/// Tables of interaction phases that are kept.
const TABLES: usize = 8;

pub type Complex = (f64, f64);

pub fn times(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

pub fn unit(angle: f64) -> Complex {
    let (sin, cos) = angle.sin_cos();
    (cos, sin)
}

/// Phases of the interaction in one time.
struct Table {
    time: u64,
    /// e^{-i time E} over a chunk, in blocks.
    inside: Buffer<f64>,
    /// Of every chunk: what the atoms in r outside do to each atom inside, and then the phase of their own interaction.
    outside: Vec<Complex>,
}

/// A source of light as a turn sees it, kept since atoms and times often meet the same.
#[derive(Clone, Copy)]
struct Turn {
    coupling: Complex,
    time: f64,
    phase: f64,
    tangent: f64,
    cosine: f64,
}

/// The interaction of atoms by bit, and the state's frame.
pub struct Flow {
    level: Level,
    bits: usize,
    inner: usize,
    group: usize,
    /// `pairs[a * bits + b]`
    pairs: Vec<f64>,
    /// Interaction energy of a chunk's own atoms, by index, and of the atoms outside, by chunk.
    energies: (Vec<f64>, Vec<f64>),
    tables: Vec<Table>,
    near: Near,
    far: Vec<Complex>,
    /// Factor of every chunk from the atoms outside, without interactions.
    chunks: Vec<Complex>,
    tangents: Vec<f64>,
    last: Turn,
    /// Phase of every atom's frame.
    frame: Vec<f64>,
    /// Diagonal flow that waits for the next turns: time, and phase of every atom.
    waiting: (f64, Vec<f64>),
    /// Rate at which the amplitude of an atom in r shrinks, 1/us.
    fading: f64,
}

/// Energies of all subsets of `count` atoms, the first of which is `first`.
fn energies(pairs: &[f64], bits: usize, first: usize, count: usize) -> Vec<f64> {
    let mut out = vec![0.0; 1 << count];
    for x in 1..1usize << count {
        let top = x.ilog2() as usize;
        let rest = x & !(1 << top);
        let row = &pairs[(first + top) * bits + first..];
        let own: f64 = (0..top).filter(|b| rest >> b & 1 == 1).map(|b| row[b]).sum();
        out[x] = out[rest] + own;
    }
    out
}

impl Flow {
    /// `pairs` by bit; blocks of the state have at least three bits.
    pub fn new(level: Level, bits: usize, pairs: Vec<f64>) -> Flow {
        let inner = bits.min(CHUNK_BITS);
        let group = kernels::group_bits(level, inner.saturating_sub(LANE_BITS));
        Flow {
            level,
            bits,
            inner,
            group,
            energies: (energies(&pairs, bits, 0, inner), energies(&pairs, bits, inner, bits - inner)),
            pairs,
            tables: vec![],
            near: Near([[0.0; BLOCK]; 8]),
            far: vec![(0.0, 0.0); 1 << inner.saturating_sub(LANE_BITS + group)],
            chunks: vec![(0.0, 0.0); 1 << (bits - inner)],
            tangents: vec![0.0; bits],
            last: Turn { coupling: (0.0, 0.0), time: 0.0, phase: 0.0, tangent: 0.0, cosine: 1.0 },
            frame: vec![0.0; bits],
            waiting: (0.0, vec![0.0; bits]),
            fading: 0.0,
        }
    }

    /// The same with amplitudes that shrink at rate `fading` for each atom in r.
    pub fn with_fading(mut self, fading: f64) -> Flow {
        self.fading = fading;
        self
    }

    /// Squared norm of the state, with what waits.
    pub fn norm(&self, state: &[f64]) -> f64 {
        let by = (-2.0 * self.fading * self.waiting.0).exp();
        let powers: Vec<f64> = (0..=self.bits as i32).map(|set| by.powi(set)).collect();
        let mut lanes = [0.0; W];
        for (number, block) in state.chunks_exact(BLOCK).enumerate() {
            let weight = powers[number.count_ones() as usize];
            for (k, sum) in lanes.iter_mut().enumerate() {
                *sum += weight * (block[k] * block[k] + block[k + W] * block[k + W]);
            }
        }
        let lane = |(k, sum): (usize, &f64)| sum * by.powi(k.count_ones() as i32);
        lanes.iter().enumerate().map(lane).sum()
    }

    /// Bytes beside the state.
    pub fn bytes(bits: usize) -> u64 {
        let inner = bits.min(CHUNK_BITS);
        let outside = 24 + TABLES as u64 * 16 * (inner as u64 + 1);
        ((8 + TABLES as u64 * 16) << inner.max(LANE_BITS)) + (outside << (bits - inner))
    }

    /// The diagonal flow for `time`, with these detunings: done with the next turns.
    pub fn diagonal(&mut self, time: f64, detunings: &[f64]) {
        self.waiting.0 += time;
        for (angle, d) in self.waiting.1.iter_mut().zip(detunings) {
            *angle += time * d;
        }
    }

    /// Turns for `time` under these couplings (W e^{ip} of every atom), after the diagonal flow that waits.
    pub fn turns(&mut self, state: &mut [f64], time: f64, couplings: &[Complex]) {
        let mut scale = 1.0;
        for (b, &coupling) in couplings.iter().enumerate() {
            self.tangents[b] = 0.0;
            if coupling == (0.0, 0.0) {
                continue;
            }
            if coupling != self.last.coupling || time != self.last.time {
                let (sin, cos) = (0.5 * time * coupling.0.hypot(coupling.1)).sin_cos();
                let phase = coupling.1.atan2(coupling.0);
                self.last = Turn { coupling, time, phase, tangent: sin / cos, cosine: cos };
            }
            self.waiting.1[b] += self.last.phase - self.frame[b];
            self.frame[b] = self.last.phase;
            self.tangents[b] = self.last.tangent;
            scale *= self.last.cosine;
        }
        self.run(state, scale);
    }

    /// The diagonal flow that waits, and back from the frame into which the state was put by `enter`.
    pub fn leave(&mut self, state: &mut [f64]) {
        for (angle, phase) in self.waiting.1.iter_mut().zip(&mut self.frame) {
            *angle -= std::f64::consts::FRAC_PI_2 + *phase;
            *phase = 0.0;
        }
        self.tangents.fill(0.0);
        self.run(state, 1.0);
    }

    /// Into the frame.
    pub fn enter(&mut self) {
        self.waiting.1.iter_mut().for_each(|angle| *angle += std::f64::consts::FRAC_PI_2);
    }

    /// The diagonal flow that waits, times `scale`, and turns by `tangents`.
    fn run(&mut self, state: &mut [f64], scale: f64) {
        let time = std::mem::take(&mut self.waiting.0);
        let table = self.table(time);
        let fade = (-self.fading * time).exp();
        let (inner, bits) = (self.inner, self.bits);
        let alone = self.alone(fade);
        self.chunks[0] = (scale, 0.0);
        double(&mut self.chunks, &alone[inner..bits]);
        let size = state.len() >> (bits - inner);
        let span = bits.min(SPAN_BITS);
        let each = 1 << (span - inner);
        for (count, chunks) in state.chunks_exact_mut(size * each).enumerate() {
            for (k, data) in chunks.chunks_exact_mut(size).enumerate() {
                self.chunk(data, count * each + k, table, &alone);
            }
            if span > inner {
                kernels::turns(self.level, chunks, inner, &self.tangents[inner..span]);
            }
        }
        if bits > span {
            kernels::turns(self.level, state, span, &self.tangents[span..]);
        }
    }

    /// Factor of every atom in r that all interactions leave out, from what waits.
    fn alone(&mut self, fade: f64) -> [Complex; ATOMS] {
        let mut out = [(0.0, 0.0); ATOMS];
        let mut last = (0.0, (fade, 0.0));
        for (angle, factor) in self.waiting.1.iter_mut().zip(&mut out) {
            let angle = std::mem::take(angle);
            if angle != last.0 {
                let (re, im) = unit(angle);
                last = (angle, (fade * re, fade * im));
            }
            *factor = last.1;
        }
        out
    }

    /// The diagonal flow on one chunk, and the turns inside.
    fn chunk(&mut self, data: &mut [f64], number: usize, table: usize, alone: &[Complex; ATOMS]) {
        let inner = self.inner;
        let table = &self.tables[table];
        let mut own = [(0.0, 0.0); CHUNK_BITS];
        own[..inner].copy_from_slice(&alone[..inner]);
        self.far[0] = self.chunks[number];
        if number > 0 {
            let outside = &table.outside[number * (inner + 1)..][..inner + 1];
            own.iter_mut().zip(&outside[..inner]).for_each(|(z, by)| *z = times(*z, *by));
            self.far[0] = times(self.far[0], outside[inner]);
        }
        let lanes = LANE_BITS.min(inner);
        let first = LANE_BITS + self.group;
        near(&mut self.near, &own[..lanes], &own[lanes..first.min(inner).max(lanes)]);
        if first < inner {
            double(&mut self.far, &own[first..inner]);
        }
        let work = Chunk {
            table: &table.inside,
            near: &self.near,
            group: self.group,
            far: &self.far,
            turns: &self.tangents[..inner],
        };
        kernels::chunk(self.level, data, &work);
    }

    /// Number of the table for this time.
    fn table(&mut self, time: f64) -> usize {
        let key = time.to_bits();
        if let Some(at) = self.tables.iter().position(|known| known.time == key) {
            return at;
        }
        if self.tables.len() == TABLES {
            self.tables.remove(0);
        }
        let mut inside = Buffer::zeroed(self.energies.0.len().max(W) * 2);
        for (x, energy) in self.energies.0.iter().enumerate() {
            let (re, im) = unit(-time * energy);
            let at = x / W * BLOCK + x % W;
            (inside[at], inside[at + W]) = (re, im);
        }
        self.tables.push(Table { time: key, inside, outside: self.outside(time) });
        self.tables.len() - 1
    }

    fn outside(&self, time: f64) -> Vec<Complex> {
        let (inner, bits) = (self.inner, self.bits);
        let row = inner + 1;
        let mut out = vec![(1.0, 0.0); row << (bits - inner)];
        for top in 0..bits - inner {
            let pairs = &self.pairs[(inner + top) * bits..][..inner];
            let by: Vec<Complex> = pairs.iter().map(|v| unit(-time * v)).collect();
            let (known, new) = out[..row << (top + 1)].split_at_mut(row << top);
            for (number, (to, from)) in new.chunks_exact_mut(row).zip(known.chunks_exact(row)).enumerate() {
                (0..inner).for_each(|b| to[b] = times(from[b], by[b]));
                to[inner] = unit(-time * self.energies.1[number | 1 << top]);
            }
        }
        out
    }
}

/// Products of `by` over the bits of an index, times `out[0]`.
fn double(out: &mut [Complex], by: &[Complex]) {
    for (k, &z) in by.iter().enumerate() {
        let (low, high) = out[..2 << k].split_at_mut(1 << k);
        high.iter_mut().zip(low).for_each(|(to, from)| *to = times(*from, z));
    }
}

/// Products over the bits of lanes and blocks.
fn near(out: &mut Near, lanes: &[Complex], blocks: &[Complex]) {
    let mut lane = [(0.0, 0.0); W];
    lane[0] = (1.0, 0.0);
    double(&mut lane, lanes);
    for (k, z) in lane.iter().enumerate() {
        (out.0[0][k], out.0[0][k + W]) = *z;
    }
    for (k, &(re, im)) in blocks.iter().enumerate() {
        let (low, high) = out.0.split_at_mut(1 << k);
        for (to, from) in high.iter_mut().zip(low) {
            for j in 0..W {
                (to[j], to[j + W]) = times((from[j], from[j + W]), (re, im));
            }
        }
    }
}
