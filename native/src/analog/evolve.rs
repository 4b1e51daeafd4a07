//! Runs with more and more steps, until two of them agree.

use super::fields::{largest, segments, Drive, Segment};
use super::flow::{times, unit, Complex, Flow};
use super::kernels::{BLOCK, W};
use super::{Evolution, Refused, Report, Scheme, STEPS};
use crate::dense::{Buffer, Level};

/// Tolerance at which schemes state their pace.
const USUAL: f64 = 1e-8;
/// A run with this many times the steps of the one before tells an error apart from its own.
const GROWTH: f64 = 1.3;
/// A run with this many times fewer steps tells the error of a run: its own is large enough not to be lost, and small
/// enough to follow the order.
const REACH: f64 = 3.0;
/// Fewest stages for a radian of winding with which an error follows its order (measured: docs/adr/0045).
const STAGES: f64 = 3.1;
/// Atoms that `Scheme::pace` is stated for. From a dozen atoms on the error grows about as the square of their number.
const MANY: f64 = 20.0;
/// What is added to the steps that the order of the error asks for.
const MARGIN: f64 = 1.1;
/// Amplitudes between two questions whether to stop.
pub const BETWEEN: u64 = 1 << 20;

/// Everything that a run needs but the number of its steps. Lists of atoms are by bit.
pub struct Course<'a> {
    pub level: Level,
    pub bits: usize,
    pub pairs: Vec<f64>,
    pub drives: Vec<Drive>,
    pub segments: Vec<Segment>,
    pub duration: f64,
    scheme: Scheme,
    lengths: (Vec<f64>, Vec<f64>),
    start: &'a [f64],
}

impl<'a> Course<'a> {
    /// `start` is the state before, for `bits` atoms, the first of which is the highest bit.
    pub fn new(evolution: &Evolution, bits: usize, scheme: Scheme, level: Level, start: &'a [f64]) -> Course<'a> {
        let atom = |bit: usize| bits - 1 - bit;
        let mut pairs = vec![0.0; bits * bits];
        for a in 0..bits {
            for b in (0..bits).filter(|&b| b != a) {
                pairs[a * bits + b] = evolution.pairs[atom(a) * bits + atom(b)];
            }
        }
        let turned = |drive: &Drive| Drive { weights: drive.weights.iter().rev().copied().collect(), ..drive.clone() };
        let drives: Vec<Drive> = evolution.drives.iter().map(turned).collect();
        let segments = segments(&drives, evolution.duration);
        Course {
            level,
            bits,
            pairs,
            drives,
            segments,
            duration: evolution.duration,
            scheme,
            lengths: scheme.lengths(),
            start,
        }
    }

    /// The state afterwards, within `tolerance` of the exact one as far as can be told.
    pub fn solve(&self, tolerance: f64, stop: &dyn Fn() -> bool) -> Result<(Buffer<f64>, Report), Refused> {
        let (strongest, _) = largest(&self.drives, self.bits);
        let least = (self.duration * strongest).max(1.0); // a turn stays far from a quarter
        let winding = winding(&self.pairs, &self.drives, self.bits, self.duration);
        let (first, second) = paced(self.scheme, tolerance, winding, self.bits, least);
        let more = self.segments.len() as f64;
        let steps = (first + more, second + more);
        converge(steps, self.scheme.order(), tolerance, |steps| self.run(steps, stop), |a, b| distance(a, b))
    }

    /// A copy of the state before.
    pub fn beginning(&self) -> Buffer<f64> {
        let mut state = Buffer::zeroed(self.start.len());
        state.copy_from_slice(self.start);
        state
    }

    /// One step of length `h` from time `t` of a segment; `h` may be negative.
    pub fn step(&self, flow: &mut Flow, state: &mut [f64], segment: &Segment, t: f64, h: f64) {
        let mut detunings = vec![0.0; self.bits];
        let mut couplings: Vec<Complex> = vec![(0.0, 0.0); self.bits];
        let (mut of_turns, mut of_diagonal) = (t, t);
        for (at, &a) in self.lengths.0.iter().enumerate() {
            segment.detunings(&self.drives, of_diagonal, &mut detunings);
            flow.diagonal(a * h, &detunings);
            of_turns += a * h;
            let Some(&b) = self.lengths.1.get(at) else { break };
            segment.couplings(&self.drives, of_turns, &mut couplings);
            flow.turns(state, b * h, &couplings);
            of_diagonal += b * h;
        }
    }

    /// Amplitudes that a step passes over.
    pub fn passed(&self) -> u64 {
        (self.start.len() / BLOCK * 8 * self.lengths.1.len()) as u64
    }

    /// One run of about `steps` steps, with how many they were.
    pub fn run(&self, steps: f64, stop: &dyn Fn() -> bool) -> Result<(Buffer<f64>, u64), Refused> {
        let mut state = self.beginning();
        let mut flow = Flow::new(self.level, self.bits, self.pairs.clone());
        let (mut done, mut since) = (0u64, 0u64);
        flow.enter();
        for segment in &self.segments {
            let length = segment.end - segment.start;
            let count = (steps * length / self.duration).ceil().max(1.0);
            let h = length / count;
            for k in 0..count as u64 {
                self.step(&mut flow, &mut state, segment, segment.start + k as f64 * h, h);
                since += self.passed();
                if since > BETWEEN {
                    since = 0;
                    if stop() {
                        return Err(Refused::Stopped);
                    }
                }
            }
            done += count as u64;
        }
        flow.leave(&mut state);
        Ok((state, done))
    }
}

/// Radians that a state winds at most, without the parts of it that the blockade keeps empty: energies of single atoms,
/// and of every atom with its two strongest partners.
pub fn winding(pairs: &[f64], drives: &[Drive], atoms: usize, duration: f64) -> f64 {
    let (amplitude, detuning) = largest(drives, atoms);
    let near = |a: usize| {
        let mut row: Vec<f64> = pairs[a * atoms..(a + 1) * atoms].iter().map(|v| v.abs()).collect();
        row.sort_by(|x, y| y.total_cmp(x));
        row.iter().take(2).sum::<f64>()
    };
    let pair = (0..atoms).map(near).fold(0.0, f64::max);
    duration * (amplitude + detuning + pair)
}

/// Steps of the first two runs: of the second as many as the tolerance asks for where interactions are strong, of the
/// first as few as tell the error of the second, but `rest` where there is less to do. They are never the same number.
pub fn paced(scheme: Scheme, tolerance: f64, winding: f64, atoms: usize, rest: f64) -> (f64, f64) {
    let size = (atoms.max(12) as f64 / MANY).cbrt();
    let second = winding * size * scheme.pace() * (USUAL / tolerance).powf(1.0 / f64::from(scheme.order()));
    let least = winding * size * STAGES / scheme.stages() as f64;
    ((second / REACH).max(least).min(second / GROWTH).max(rest), second.max(GROWTH * rest))
}

/// Runs of `first` steps, of `second` and of more, until the last two agree within `tolerance`.
pub fn converge<S>(
    (first, second): (f64, f64),
    order: i32,
    tolerance: f64,
    mut run: impl FnMut(f64) -> Result<(S, u64), Refused>,
    distance: impl Fn(&S, &S) -> f64,
) -> Result<(S, Report), Refused> {
    let mut steps = first.ceil();
    let mut all = 0;
    let mut last: Option<(S, f64)> = None;
    loop {
        if steps > STEPS as f64 {
            let error = last.map_or(f64::INFINITY, |(_, error)| error);
            return Err(Refused::Steps { steps: steps.min(1e18) as u64, error });
        }
        let (state, done) = run(steps)?;
        all += done;
        let mut wanted = second / first;
        if let Some((before, fewer)) = last.take() {
            let apart = distance(&before, &state);
            let ratio = (fewer / steps).powi(order);
            let error = apart * ratio / (1.0 - ratio);
            if error <= tolerance {
                return Ok((state, Report { error, steps: done, all_steps: all }));
            }
            wanted = (MARGIN * (error / tolerance).powf(1.0 / f64::from(order))).clamp(GROWTH, 16.0);
            if apart > 0.1 {
                wanted = 2.0; // too far apart for the error to follow its order
            }
        }
        last = Some((state, steps));
        steps = (steps * wanted).ceil();
    }
}

/// Euclidean distance of two states, whatever their phases as a whole: most of what a splitting errs is one, and no
/// measurement sees it.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let halves = |block: &'_ [f64], k: usize| (block[k], block[k + W]);
    let pairs = || {
        let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK));
        blocks.flat_map(move |(x, y)| (0..W).map(move |k| (halves(x, k), halves(y, k))))
    };
    let overlap =
        pairs().fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x.0 * y.0 + x.1 * y.1, sum.1 + x.0 * y.1 - x.1 * y.0));
    let phase = unit(overlap.1.atan2(overlap.0));
    let square = |(x, y): (Complex, Complex)| {
        let turned = times(x, phase);
        (turned.0 - y.0).powi(2) + (turned.1 - y.1).powi(2)
    };
    pairs().map(square).sum::<f64>().sqrt()
}
