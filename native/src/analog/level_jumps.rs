//! Trajectories of atoms of three levels: as `jumps`, the operators of an atom, sqrt(to_0) |0><r|, sqrt(to_1) |1><r|,
//! sqrt(loss) |lost><r| and sqrt(2 dephasing) |r><r|, shrink what is in r and nothing else.
//!
//! A lost atom stays in 0 and meets neither light nor other atoms.

use super::evolve::BETWEEN;
use super::fields::Drive;
use super::jumps::drawn;
use super::levels::{Course, Levels, State, Transition, Waiting};
use super::{Refused, STEPS};
use crate::dice::Dice;

/// 1/us, alike for all atoms. `to_0`, `to_1`: decay of r to the levels of the qubit. `dephasing`: the rate at which the
/// coherences of r with 0 and 1 fall beside what the others do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LevelRates {
    pub to_0: f64,
    pub to_1: f64,
    pub loss: f64,
    pub dephasing: f64,
}

impl LevelRates {
    fn shares(self) -> [f64; 4] {
        [self.to_0, self.to_1, self.loss, 2.0 * self.dephasing]
    }
}

impl Levels {
    /// One trajectory of about `steps` steps; `pairs` and `drives` as in `evolve`. Atoms that are `lost` take no part;
    /// those that get lost on the way join them. Gives the number of jumps.
    #[allow(clippy::too_many_arguments)]
    pub fn wander(
        &mut self,
        pairs: &[f64],
        drives: &[(Transition, Drive)],
        duration: f64,
        steps: f64,
        rates: LevelRates,
        lost: &mut [bool],
        seed: u64,
        stop: &dyn Fn() -> bool,
    ) -> Result<u64, Refused> {
        let sound = rates.shares().iter().all(|rate| rate.is_finite() && *rate >= 0.0);
        if !sound || lost.len() != self.atoms || !(steps >= 1.0 && steps <= STEPS as f64) {
            return Err(Refused::Malformed("rates, steps or lost atoms do not fit"));
        }
        let mut course = self.course(pairs, drives, duration)?;
        course.fading = 0.5 * rates.shares().iter().sum::<f64>();
        (0..self.atoms).filter(|&atom| lost[atom]).for_each(|atom| course.forget(atom));
        course.refresh();
        let mut state = self.state.clone();
        let jumps = course.wander(&mut state, steps, rates, lost, &mut Dice::new(seed, &[5]), stop)?;
        self.state = state;
        Ok(jumps)
    }
}

impl Course {
    fn wander(
        &mut self,
        state: &mut State,
        steps: f64,
        rates: LevelRates,
        lost: &mut [bool],
        dice: &mut Dice,
        stop: &dyn Fn() -> bool,
    ) -> Result<u64, Refused> {
        let mut waiting = Waiting::default();
        let (mut jumps, mut since) = (0, 0);
        let (mut norm, mut floor) = (1.0, 1.0 - dice.unit());
        for segment in self.segments.clone() {
            let count = (steps * (segment.end - segment.start) / self.duration).ceil().max(1.0);
            let h = (segment.end - segment.start) / count;
            let (mut t, mut k) = (segment.start, 1.0);
            while k <= count {
                let length = segment.start + k * h - t;
                self.step(state, &segment, t, length, &mut waiting);
                since += self.passed();
                if since > BETWEEN {
                    since = 0;
                    if stop() {
                        return Err(Refused::Stopped);
                    }
                }
                if self.fading == 0.0 {
                    (t, k) = (segment.start + k * h, k + 1.0);
                    continue;
                }
                self.shift(state, &mut waiting);
                let now = weight(state, |_| true);
                if now > floor {
                    (norm, t, k) = (now, segment.start + k * h, k + 1.0);
                    continue;
                }
                let part = ((norm / floor).ln() / (norm / now).ln()).clamp(0.0, 1.0);
                let part = if part.is_finite() { part } else { 1.0 };
                self.step(state, &segment, t + length, -(1.0 - part) * length, &mut waiting);
                self.shift(state, &mut waiting);
                t += part * length;
                jumps += 1;
                if let Some(atom) = jump(state, self.atoms, rates, dice) {
                    lost[atom] = true;
                    self.forget(atom);
                    self.refresh();
                    waiting = Waiting::default();
                }
                (norm, floor) = (1.0, 1.0 - dice.unit());
            }
        }
        self.shift(state, &mut waiting);
        scale(state);
        Ok(jumps)
    }

    /// Without light on this atom, and without what it does to others.
    fn forget(&mut self, atom: usize) {
        for other in 0..self.atoms {
            self.pairs[atom * self.atoms + other] = 0.0;
            self.pairs[other * self.atoms + atom] = 0.0;
        }
        self.drives.iter_mut().flatten().for_each(|drive| drive.weights[atom] = 0.0);
    }
}

/// One jump of one atom, drawn by its weight in r; a lost one.
fn jump(state: &mut State, atoms: usize, rates: LevelRates, dice: &mut Dice) -> Option<usize> {
    let stride = |atom: usize| 3usize.pow((atoms - 1 - atom) as u32);
    let chances: Vec<f64> = (0..atoms).map(|atom| weight(state, |x| x / stride(atom) % 3 == 2)).collect();
    let atom = drawn(&chances, dice);
    let kind = drawn(&rates.shares(), dice);
    let (stride, to) = (stride(atom), [0, 1, 0, 2][kind]);
    for part in [&mut state.re, &mut state.im] {
        for chunk in part.chunks_exact_mut(3 * stride) {
            if to != 2 {
                chunk.copy_within(2 * stride.., to * stride);
            }
            (0..3).filter(|&level| level != to).for_each(|level| chunk[level * stride..][..stride].fill(0.0));
        }
    }
    scale(state);
    (kind == 2).then_some(atom)
}

/// Squared norm of the part with these indexes.
fn weight(state: &State, inside: impl Fn(usize) -> bool) -> f64 {
    let both = state.re.iter().zip(&state.im).enumerate();
    both.filter(|(x, _)| inside(*x)).map(|(_, (re, im))| re * re + im * im).sum()
}

/// To norm 1.
fn scale(state: &mut State) {
    let by = 1.0 / weight(state, |_| true).sqrt();
    state.re.iter_mut().chain(&mut state.im).for_each(|x| *x *= by);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analog::Wave;

    fn level(value: f64, duration: f64) -> Wave {
        Wave { times: vec![0.0, duration], values: vec![value, value] }
    }

    /// In the dark, who decays ends in 0 or 1 by the shares, and nobody jumps twice.
    #[test]
    fn an_atom_in_r_jumps_once_and_where_its_rates_say() {
        let rates = LevelRates { to_0: 1.0, to_1: 3.0, loss: 2.0, dephasing: 0.0 };
        let (shots, time) = (4000, 0.5);
        let mut seen = [0.0; 4];
        for seed in 0..shots {
            let mut atom = Levels::ground(1, 1 << 20).unwrap();
            atom.load(&[(0.0, 0.0), (0.0, 0.0), (1.0, 0.0)]);
            let mut lost = [false];
            let jumps = atom.wander(&[0.0], &[], time, 1.0, rates, &mut lost, seed, &|| false).unwrap();
            let level = atom.sample(1, seed)[0] as usize;
            assert_eq!(jumps, u64::from(lost[0] || level != 2));
            seen[if lost[0] { 3 } else { level }] += 1.0 / shots as f64;
        }
        let gone = 1.0 - f64::exp(-6.0 * time);
        for (seen, wanted) in seen.iter().zip([gone / 6.0, gone / 2.0, 1.0 - gone, gone / 3.0]) {
            assert!((seen - wanted).abs() < 5.5 * (wanted * (1.0 - wanted) / shots as f64).sqrt(), "{seen} {wanted}");
        }
    }

    #[test]
    fn a_trajectory_without_rates_is_the_evolution() {
        let couples = |a, b, w: f64| {
            let weights = vec![1.0, 0.7];
            ((a, b), Drive { amplitude: level(w, 0.6), detuning: level(1.1, 0.6), weights, ..Drive::default() })
        };
        let drives = [couples(0, 1, 3.0), couples(1, 2, 5.0)];
        let pairs = [0.0, 9.0, 9.0, 0.0];
        let mut sure = Levels::ground(2, 1 << 20).unwrap();
        sure.evolve(&pairs, &drives, 0.6, 1e-10, &|| false).unwrap();
        let mut drawn = Levels::ground(2, 1 << 20).unwrap();
        let rates = LevelRates::default();
        let jumps = drawn.wander(&pairs, &drives, 0.6, 200.0, rates, &mut [false; 2], 1, &|| false).unwrap();
        let overlap: f64 = sure.amplitudes().zip(drawn.amplitudes()).map(|(a, b)| a.0 * b.0 + a.1 * b.1).sum();
        assert!(jumps == 0 && (overlap - 1.0).abs() < 1e-9, "{overlap}");
        assert!(drawn.wander(&pairs, &drives, 0.6, 0.0, rates, &mut [false; 2], 1, &|| false).is_err());
    }
}
