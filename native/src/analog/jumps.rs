//! Trajectories of atoms that decay, dephase or are lost: between jumps amplitudes shrink, and when the squared norm has
//! fallen to a number drawn beforehand, an atom jumps (Dalibard, Castin and Molmer, Phys. Rev. Lett. 68, 580 (1992)).
//!
//! The three operators of an atom, sqrt(decay) |g><r|, sqrt(loss) |lost><r| and sqrt(2 dephasing) |r><r|, shrink the same
//! amplitude, so the flow between jumps is the diagonal one with a factor more. Where the norm falls below its number
//! inside a step, the rest of the step is taken back by a step of negative length: the moment is found to the square of a
//! step, relative to the time between jumps. A lost atom stays in g and meets neither light nor other atoms.

use super::evolve::{Course, BETWEEN};
use super::flow::Flow;
use super::kernels::{BLOCK, W};
use super::Refused;
use crate::dense::Buffer;
use crate::dice::Dice;

/// 1/us, alike for all atoms. `dephasing`: the rate at which the coherence of g and r falls beside what the others do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    pub decay: f64,
    pub loss: f64,
    pub dephasing: f64,
}

impl Rates {
    fn total(self) -> f64 {
        self.decay + self.loss + 2.0 * self.dephasing
    }

    pub fn is_sound(self) -> bool {
        [self.decay, self.loss, self.dephasing].iter().all(|rate| rate.is_finite() && *rate >= 0.0)
    }
}

impl Course<'_> {
    /// One trajectory of about `steps` steps: its state, of norm 1, the bits lost on the way, and the number of jumps.
    pub fn wander(
        &mut self,
        steps: f64,
        rates: Rates,
        dice: &mut Dice,
        stop: &dyn Fn() -> bool,
    ) -> Result<(Buffer<f64>, Vec<usize>, u64), Refused> {
        if rates.total() == 0.0 {
            return Ok((self.run(steps, stop)?.0, vec![], 0));
        }
        let flow = |course: &Course| {
            let mut made = Flow::new(course.level, course.bits, course.pairs.clone()).with_fading(0.5 * rates.total());
            made.enter();
            made
        };
        let (mut state, mut moving) = (self.beginning(), flow(self));
        let (mut lost, mut jumps, mut since) = (vec![], 0, 0);
        let (mut norm, mut floor) = (1.0, 1.0 - dice.unit());
        for segment in self.segments.clone() {
            let count = (steps * (segment.end - segment.start) / self.duration).ceil().max(1.0);
            let h = (segment.end - segment.start) / count;
            let (mut t, mut k) = (segment.start, 1.0);
            while k <= count {
                let length = segment.start + k * h - t;
                self.step(&mut moving, &mut state, &segment, t, length);
                since += self.passed();
                if since > BETWEEN {
                    since = 0;
                    if stop() {
                        return Err(Refused::Stopped);
                    }
                }
                let now = moving.norm(&state);
                if now > floor {
                    (norm, t, k) = (now, segment.start + k * h, k + 1.0);
                    continue;
                }
                let part = ((norm / floor).ln() / (norm / now).ln()).clamp(0.0, 1.0);
                let part = if part.is_finite() { part } else { 1.0 };
                self.step(&mut moving, &mut state, &segment, t + length, -(1.0 - part) * length);
                t += part * length;
                moving.leave(&mut state);
                jumps += 1;
                if let Some(bit) = jump(&mut state, self.bits, rates, dice) {
                    lost.push(bit);
                    self.forget(bit);
                }
                moving = flow(self);
                (norm, floor) = (1.0, 1.0 - dice.unit());
            }
        }
        moving.leave(&mut state);
        scale(&mut state);
        Ok((state, lost, jumps))
    }

    /// Without light on this atom, and without what it does to others.
    pub fn forget(&mut self, bit: usize) {
        for other in 0..self.bits {
            self.pairs[bit * self.bits + other] = 0.0;
            self.pairs[other * self.bits + bit] = 0.0;
        }
        self.drives.iter_mut().for_each(|drive| drive.weights[bit] = 0.0);
    }
}

/// One jump of one atom, drawn by its weight in r; the bit of a lost one.
fn jump(state: &mut [f64], bits: usize, rates: Rates, dice: &mut Dice) -> Option<usize> {
    let chances: Vec<f64> = (0..bits).map(|bit| weight(state, bits, bit)).collect();
    let bit = drawn(&chances, dice);
    let kind = drawn(&[rates.decay, rates.loss, 2.0 * rates.dephasing], dice);
    keep(state, bits, bit, true);
    if kind < 2 {
        drop(state, bits, bit);
    }
    scale(state);
    (kind == 1).then_some(bit)
}

/// An index by its weight; never one without weight.
pub fn drawn(weights: &[f64], dice: &mut Dice) -> usize {
    let target = dice.unit() * weights.iter().sum::<f64>();
    let mut sum = 0.0;
    let mut last = 0;
    for (at, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        sum += weight;
        last = at;
        if target < sum {
            break;
        }
    }
    last
}

fn place(x: usize) -> usize {
    x / W * BLOCK + x % W
}

/// Squared norm of the part with this atom in r.
pub fn weight(state: &[f64], bits: usize, bit: usize) -> f64 {
    let inside = (0..1usize << bits).filter(|x| x >> bit & 1 == 1).map(place);
    inside.map(|at| state[at] * state[at] + state[at + W] * state[at + W]).sum()
}

/// Leaves the part with this atom in r, or in g.
pub fn keep(state: &mut [f64], bits: usize, bit: usize, excited: bool) {
    for at in (0..1usize << bits).filter(|x| (x >> bit & 1 == 1) != excited).map(place) {
        (state[at], state[at + W]) = (0.0, 0.0);
    }
}

/// Brings an atom that is in r for certain to g.
pub fn drop(state: &mut [f64], bits: usize, bit: usize) {
    for x in (0..1usize << bits).filter(|x| x >> bit & 1 == 1) {
        let (from, to) = (place(x), place(x ^ 1 << bit));
        (state[to], state[to + W]) = (state[from], state[from + W]);
        (state[from], state[from + W]) = (0.0, 0.0);
    }
}

/// To norm 1.
pub fn scale(state: &mut [f64]) {
    let by = 1.0 / state.iter().map(|x| x * x).sum::<f64>().sqrt();
    state.iter_mut().for_each(|x| *x *= by);
}
