//! The two flows on a state: the diagonal one with all interactions, and the turns of all atoms.
//!
//! The state stands in a frame of its own: amplitude `x` is the true one times prod over set atoms of i e^{i p_i}, with
//! the coupling's phase p_i. There a turn is real, ((c, -s), (s, c)), and a new phase is one more diagonal factor. A
//! turn is done as (1, -t; t, 1) with t = s/c; the product of the c goes into the diagonal factors.
//!
//! The interaction of a chunk's own atoms is a table of its size. What the atoms outside do to it is a phase for each
//! atom inside, so nothing as large as the state is kept beside it.
//!
//! Where atoms in r decay, the diagonal flow shrinks their amplitudes too: `fading`.

use super::kernels::{self, Chunk, BLOCK, LANE_BITS, W};
use crate::dense::Level;

/// log2 of the amplitudes of a chunk, at most: 64 KiB.
const CHUNK_BITS: usize = 12;
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

/// The interaction of atoms by bit, and the state's frame.
pub struct Flow {
    level: Level,
    bits: usize,
    inner: usize,
    /// `pairs[a * bits + b]`
    pairs: Vec<f64>,
    /// Interaction energy of a chunk's own atoms, by index.
    energies: Vec<f64>,
    tables: Vec<(u64, Vec<f64>)>,
    factors: Vec<Complex>,
    /// Phase of every atom's frame.
    frame: Vec<f64>,
    /// Diagonal flow that waits for the next turns: time, and phase of every atom.
    waiting: (f64, Vec<f64>),
    /// Rate at which the amplitude of an atom in r shrinks, 1/us.
    fading: f64,
}

impl Flow {
    /// `pairs` by bit; blocks of the state have at least three bits.
    pub fn new(level: Level, bits: usize, pairs: Vec<f64>) -> Flow {
        let inner = bits.min(CHUNK_BITS);
        let mut energies = vec![0.0; 1 << inner];
        for x in 1..1usize << inner {
            let top = x.ilog2() as usize;
            let rest = x & !(1 << top);
            let own: f64 = (0..top).filter(|b| rest >> b & 1 == 1).map(|b| pairs[top * bits + b]).sum();
            energies[x] = energies[rest] + own;
        }
        let blocks = 1 << inner.saturating_sub(LANE_BITS);
        Flow {
            level,
            bits,
            inner,
            pairs,
            energies,
            tables: vec![],
            factors: vec![(0.0, 0.0); blocks],
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
        (8 + TABLES as u64 * 16) << inner.max(LANE_BITS)
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
        let mut tangents = vec![0.0; self.bits];
        for (b, &(re, im)) in couplings.iter().enumerate() {
            let strength = re.hypot(im);
            if strength > 0.0 {
                let phase = im.atan2(re);
                self.waiting.1[b] += phase - self.frame[b];
                self.frame[b] = phase;
                let (sin, cos) = (0.5 * time * strength).sin_cos();
                tangents[b] = sin / cos;
                scale *= cos;
            }
        }
        self.run(state, scale, &tangents);
    }

    /// The diagonal flow that waits, and back from the frame into which the state was put by `enter`.
    pub fn leave(&mut self, state: &mut [f64]) {
        for (angle, phase) in self.waiting.1.iter_mut().zip(&mut self.frame) {
            *angle -= std::f64::consts::FRAC_PI_2 + *phase;
            *phase = 0.0;
        }
        self.run(state, 1.0, &vec![0.0; self.bits]);
    }

    /// Into the frame.
    pub fn enter(&mut self) {
        self.waiting.1.iter_mut().for_each(|angle| *angle += std::f64::consts::FRAC_PI_2);
    }

    fn run(&mut self, state: &mut [f64], scale: f64, tangents: &[f64]) {
        let (time, angles) = (std::mem::take(&mut self.waiting.0), self.waiting.1.clone());
        self.waiting.1.fill(0.0);
        let table = self.table(time);
        let fade = (-self.fading * time).exp();
        let (inner, bits) = (self.inner, self.bits);
        let size = state.len() >> (bits - inner);
        let mut own = vec![0.0; inner];
        for (number, data) in state.chunks_exact_mut(size).enumerate() {
            own.copy_from_slice(&angles[..inner]);
            let mut energy = 0.0;
            let mut outside = 0.0;
            let mut scale = scale;
            for a in (inner..bits).filter(|a| number >> (a - inner) & 1 == 1) {
                outside += angles[a];
                scale *= fade;
                energy += (inner..a)
                    .filter(|b| number >> (b - inner) & 1 == 1)
                    .map(|b| self.pairs[a * bits + b])
                    .sum::<f64>();
                own.iter_mut().enumerate().for_each(|(b, angle)| *angle -= time * self.pairs[a * bits + b]);
            }
            let (re, im) = unit(outside - time * energy);
            self.factors[0] = (scale * re, scale * im);
            let lanes = LANE_BITS.min(inner);
            for (k, &angle) in own[lanes..].iter().enumerate() {
                let (re, im) = unit(angle);
                let by = (fade * re, fade * im);
                let (low, high) = self.factors.split_at_mut(1 << k);
                high.iter_mut().zip(low).for_each(|(to, from)| *to = times(*from, by));
            }
            let work = Chunk {
                table: &self.tables[table].1,
                lane: lane(&own[..lanes], fade),
                factors: &self.factors,
                turns: &tangents[..inner],
            };
            kernels::chunk(self.level, data, &work);
        }
        let mut bit = inner;
        while bit < bits {
            let count = if bits - bit == 4 { 2 } else { (bits - bit).min(3) };
            kernels::turns(self.level, state, bit, &tangents[bit..bit + count]);
            bit += count;
        }
    }

    /// Number of the table of e^{-i time E} over a chunk.
    fn table(&mut self, time: f64) -> usize {
        let key = time.to_bits();
        if let Some(at) = self.tables.iter().position(|(known, _)| *known == key) {
            return at;
        }
        if self.tables.len() == TABLES {
            self.tables.remove(0);
        }
        let mut made = vec![0.0; self.factors.len() * BLOCK];
        for (x, energy) in self.energies.iter().enumerate() {
            let (re, im) = unit(-time * energy);
            let at = x / W * BLOCK + x % W;
            (made[at], made[at + W]) = (re, im);
        }
        self.tables.push((key, made));
        self.tables.len() - 1
    }
}

/// Products of the lanes' phases, and of a factor for each atom in r.
fn lane(angles: &[f64], fade: f64) -> [f64; BLOCK] {
    let mut out = [0.0; BLOCK];
    for k in 0..W {
        let angle = angles.iter().enumerate().filter(|(b, _)| k >> b & 1 == 1).map(|(_, angle)| angle).sum();
        let ((re, im), size) = (unit(angle), fade.powi(k.count_ones() as i32));
        (out[k], out[k + W]) = (size * re, size * im);
    }
    out
}
