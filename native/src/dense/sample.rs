//! Samples of a final state: indexes drawn from |amplitude|^2.
//!
//! One pass adds the weights of groups of amplitudes; every shot then picks a group by the running sums and is decided
//! inside it. Nothing as large as the state is made.

use super::lanes::Real;
use super::state::State;
use crate::dice::Dice;

/// log2 of the groups, at most.
const GROUP_BITS: u32 = 12;
/// From this many shots a group on, its running sums are written down.
const MANY: usize = 4;

/// `shots` indexes, in the order in which they were drawn.
pub fn sample<R: Real>(state: &State<R>, shots: usize, dice: &mut Dice) -> Vec<u64> {
    let bits = state.width.max(R::LANE_BITS);
    let group_bits = bits.saturating_sub(GROUP_BITS).max(bits / 2).max(R::LANE_BITS).min(bits);
    let groups = 1usize << (bits - group_bits);
    let reals = (1usize << group_bits) * state.parts;
    let mut upto = Vec::with_capacity(groups + 1);
    let mut total = 0.0;
    upto.push(0.0);
    for g in 0..groups {
        total += state.weight(g * reals, (g + 1) * reals);
        upto.push(total);
    }
    let guide = Guide::new(&upto);
    let mut picks: Vec<(u32, u32, f64)> = (0..shots)
        .map(|shot| {
            let target = dice.unit() * total;
            let g = guide.find(&upto, target);
            (g as u32, shot as u32, target - upto[g])
        })
        .collect();
    let mut out = vec![0u64; shots];
    if groups > 1 {
        picks.sort_unstable_by_key(|&(g, shot, _)| (g as u64) << 32 | shot as u64);
    }
    let size = 1usize << group_bits;
    let mut inside = vec![0.0; size + 1];
    let mut at = 0;
    while at < picks.len() {
        let g = picks[at].0 as usize;
        let end = at + picks[at..].iter().take_while(|p| p.0 as usize == g).count();
        running(state, g * size, &mut inside);
        // The group's own sum was added in another order: its shots keep their share of it.
        let stretch = inside[size] / (upto[g + 1] - upto[g]);
        if end - at >= size / MANY {
            let guide = Guide::new(&inside);
            for &(_, shot, rest) in &picks[at..end] {
                out[shot as usize] = (g * size + guide.find(&inside, rest * stretch)) as u64;
            }
        } else {
            for &(_, shot, rest) in &picks[at..end] {
                out[shot as usize] = (g * size + find(&inside, rest * stretch)) as u64;
            }
        }
        at = end;
    }
    out
}

/// `shots` indexes by running sums that are at hand.
pub fn pick(upto: &[f64], shots: usize, dice: &mut Dice) -> Vec<u64> {
    let guide = Guide::new(upto);
    let total = upto[upto.len() - 1];
    (0..shots).map(|_| guide.find(upto, dice.unit() * total) as u64).collect()
}

fn running<R: Real>(state: &State<R>, from: usize, upto: &mut [f64]) {
    let mut sum = 0.0;
    for x in 0..upto.len() - 1 {
        let (re, im) = state.get(from + x);
        sum += re * re + im * im;
        upto[x + 1] = sum;
    }
}

/// The k with `upto[k] <= target < upto[k + 1]`; one that has a weight, whatever rounding does.
fn find(upto: &[f64], target: f64) -> usize {
    let last = upto.len() - 1;
    let k = upto.partition_point(|&sum| sum <= target).clamp(1, last) - 1;
    settle(upto, k)
}

/// Steps back to an entry of weight above 0.
fn settle(upto: &[f64], mut k: usize) -> usize {
    while k > 0 && upto[k + 1] <= upto[k] {
        k -= 1;
    }
    k
}

/// Where to begin the search, for equal steps of the target (Chen and Asau's guide table, 1974).
struct Guide {
    start: Vec<u32>,
    scale: f64,
}

impl Guide {
    fn new(upto: &[f64]) -> Guide {
        let n = upto.len() - 1;
        let scale = n as f64 / upto[n];
        let mut start = Vec::with_capacity(n + 1);
        let mut k = 0;
        for step in 0..=n {
            while k + 1 < n && upto[k + 1] * scale <= step as f64 {
                k += 1;
            }
            start.push(k as u32);
        }
        Guide { start, scale }
    }

    fn find(&self, upto: &[f64], target: f64) -> usize {
        let n = upto.len() - 1;
        let step = ((target * self.scale) as usize).min(n);
        let mut k = self.start[step] as usize;
        while k > 0 && upto[k] > target {
            k -= 1;
        }
        while k + 1 < n && upto[k + 1] <= target {
            k += 1;
        }
        settle(upto, k)
    }
}
