//! Samples of a final state: indexes drawn from |amplitude|^2.
//!
//! One pass adds the weights of groups of amplitudes; every shot then picks a group by the running sums and is decided
//! inside it. Nothing as large as the state is made.

use super::lanes::Real;
use super::state::State;
use crate::dice::Dice;

/// log2 of the groups, at most.
const GROUP_BITS: u32 = 12;
/// From a shot for this many amplitudes on, the running sums of the whole state are written down.
const FEW: usize = 8;
/// Most bits of a state for that.
const SMALL: u32 = 16;
/// From a shot for this many amplitudes of a group on, its sums get a guide table.
const MANY: usize = 4;

/// `shots` indexes, in the order in which they were drawn.
pub fn sample<R: Real>(state: &State<R>, shots: usize, dice: &mut Dice) -> Vec<u64> {
    let bits = state.width.max(R::LANE_BITS);
    if bits <= SMALL && shots >= (1usize << bits) / FEW {
        let mut upto = vec![0.0; (1 << bits) + 1];
        running(state, 0, &mut upto);
        return pick(&upto, shots, dice);
    }
    let group_bits = bits.saturating_sub(GROUP_BITS).max(bits / 2).clamp(R::LANE_BITS, bits);
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
    // Shots by group (a counting sort), each with what its target lies beyond the group's start.
    let mut first = vec![0u32; groups + 1];
    let drawn: Vec<(u32, f64)> = (0..shots)
        .map(|_| {
            let target = dice.unit() * total;
            let g = guide.find(&upto, target);
            first[g + 1] += 1;
            (g as u32, target - upto[g])
        })
        .collect();
    for g in 0..groups {
        first[g + 1] += first[g];
    }
    let mut picks = vec![(0u32, 0.0); shots];
    let mut next = first.clone();
    for (shot, &(g, rest)) in drawn.iter().enumerate() {
        picks[next[g as usize] as usize] = (shot as u32, rest);
        next[g as usize] += 1;
    }
    let mut out = vec![0u64; shots];
    let size = 1usize << group_bits;
    let mut inside = vec![0.0; size + 1];
    for g in (0..groups).filter(|&g| first[g] < first[g + 1]) {
        let mine = &picks[first[g] as usize..first[g + 1] as usize];
        running(state, g * size, &mut inside);
        // The group's own sum was added in another order: its shots keep their share of it.
        let stretch = inside[size] / (upto[g + 1] - upto[g]);
        let guide = (mine.len() >= size / MANY).then(|| Guide::new(&inside));
        for &(shot, rest) in mine {
            let x = match &guide {
                Some(guide) => guide.find(&inside, rest * stretch),
                None => find(&inside, rest * stretch),
            };
            out[shot as usize] = (g * size + x) as u64;
        }
    }
    out
}

/// `shots` indexes by running sums that are at hand.
pub fn pick(upto: &[f64], shots: usize, dice: &mut Dice) -> Vec<u64> {
    let guide = Guide::new(upto);
    let total = upto[upto.len() - 1];
    (0..shots).map(|_| guide.find(upto, dice.unit() * total) as u64).collect()
}

/// Running sums of the weights of the amplitudes from `from` on, which is the first of a block.
fn running<R: Real>(state: &State<R>, from: usize, upto: &mut [f64]) {
    let mut sum = 0.0;
    let w = R::W;
    for (block, out) in upto[1..].chunks_exact_mut(w).enumerate() {
        let (re, im) = state.block(from / w + block);
        for (lane, slot) in out.iter_mut().enumerate() {
            let (a, b) = (re[lane].f64(), im.map_or(0.0, |im| im[lane].f64()));
            sum += a * a + b * b;
            *slot = sum;
        }
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
