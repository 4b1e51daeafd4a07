//! Which wires make a block: runs of an order in which partners stand close, chosen by what they would cost.

use super::blocks::owners;
use super::wires::{Edge, Wires};
use crate::circuit::NONE;
use crate::mps::order;

/// Seconds of a multiplication and addition of complex numbers in the sums of `tree`, and of an amplitude read for them.
pub const MULTIPLY_S: f64 = 0.3e-9;
pub const READ_S: f64 = 4.5e-9;
/// Seconds of an amplitude in the share that a gate has of a pass of the dense simulator, about.
const GATE_S: f64 = 0.15e-9;
/// Most bits of a block's state that are thought of.
const MAX_BITS: u32 = 40;
/// Seconds of a shot in a block beside its sums.
const SHOT_S: f64 = 0.5e-6;
/// Products of wires and edges up to which single wires are moved: each move looks at every edge.
const MOVED: usize = 500_000;
/// Rounds in which wires are moved between two blocks.
const ROUNDS: usize = 4;

/// A division into blocks: `block_of[wire]`, and a guess of its seconds.
#[derive(Clone, Debug)]
pub struct Partition {
    pub block_of: Vec<u32>,
    pub count: usize,
    pub seconds: f64,
}

/// The cheapest that is found whose states fit the memory: of at least two blocks, or one where nothing else fits.
pub fn partition(wires: &Wires, aim: Aim) -> Option<Partition> {
    let pairs: Vec<(u32, u32)> = wires.edges.iter().map(|edge| (edge.wires[0], edge.wires[1])).collect();
    let mut best: Option<Partition> = None;
    let whole = Partition { block_of: vec![0; wires.n], count: wires.n.min(1), seconds: 0.0 };
    for order in order::candidates(wires.n, &pairs) {
        let cuts = profile(wires, &order::sites(&order));
        let halves = two(wires, &order, &cuts, aim).map(|mut halves| {
            improve(wires, &mut halves, aim);
            halves
        });
        for mut found in [runs(wires, &order, &cuts, aim), halves].into_iter().flatten() {
            found.seconds = exact(wires, &found, aim);
            if found.seconds < best.as_ref().map_or(f64::INFINITY, |best| best.seconds) {
                best = Some(found);
            }
        }
    }
    best.or_else(|| Some(whole).filter(|whole| exact(wires, whole, aim).is_finite()))
}

/// The seconds of a partition with as few paths as there must be.
fn exact(wires: &Wires, found: &Partition, aim: Aim) -> f64 {
    let paths = owners(wires, &found.block_of, found.count).into_iter().map(|owners| owners.len() as u32);
    let paths: Vec<u32> = std::iter::once(0).chain(paths).chain([0]).collect();
    let mut bits = vec![0; found.count];
    found.block_of.iter().for_each(|&block| bits[block as usize] += 1);
    let sizes =
        bits.iter().zip(paths.windows(2)).map(|(&bits, around)| Sizes { bits, left: around[0], right: around[1] });
    sizes.map(|sizes| seconds(sizes, gates_a_wire(wires), aim)).sum()
}

/// The cheapest two runs of `order`; they may be too large as they are.
fn two(wires: &Wires, order: &[u32], cuts: &[u32], aim: Aim) -> Option<Partition> {
    let n = order.len() as u32;
    let gates = gates_a_wire(wires);
    let free = Aim { memory: u64::MAX, ..aim };
    let price = |&at: &u32| {
        let paths = cuts[at as usize];
        let first = seconds(Sizes { bits: at, left: 0, right: paths }, gates, free);
        first + seconds(Sizes { bits: n - at, left: paths, right: 0 }, gates, free)
    };
    let at = (1..n).min_by(|a, b| price(a).total_cmp(&price(b)))?;
    let mut block_of = vec![0; n as usize];
    order[at as usize..].iter().for_each(|&wire| block_of[wire as usize] = 1);
    Some(Partition { block_of, count: 2, seconds: f64::INFINITY })
}

/// Sizes of a block, as log2: its outcomes, its paths to the left and to the right.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub bits: u32,
    pub left: u32,
    pub right: u32,
}

impl Sizes {
    pub fn width(self) -> u32 {
        self.bits + self.left + self.right
    }

    /// log2 of the outcomes of a run: as many as make the sums over runs take no more memory than the state.
    pub fn run(self) -> u32 {
        (self.left + 2).saturating_sub(self.right).max(2).min(self.bits)
    }

    /// Seconds of the sums over the block's state, and of `shots` shots drawn from it.
    pub fn seconds(self, shots: f64) -> f64 {
        let [bits, left, right, run] = [self.bits, self.left, self.right, self.run()].map(f64::from);
        let products = |paths: f64| if paths > 0.0 { paths.exp2() } else { 0.0 };
        let sums = (bits + left + right).exp2() * (READ_S + MULTIPLY_S * (0.5 * products(left) + products(right)));
        let descent = (bits - run) * (2.0 * left).exp2() * MULTIPLY_S;
        let look = ((run + left + right).exp2() + (run + 2.0 * right).exp2()) * MULTIPLY_S;
        let read = shots.min((bits - run).exp2()) * (run + left + right).exp2() * READ_S;
        sums + read + shots * (SHOT_S + descent + look)
    }

    /// Bytes of the state, complex, and of the sums over it.
    pub fn bytes(self) -> u64 {
        let sums = shifted(5, self.bits - self.run() + 2 * self.left);
        let look = shifted(6, self.run() + self.left + self.right);
        shifted(3, self.width()).saturating_add(sums).saturating_add(look)
    }
}

/// 2^(`log2` + `bits`), or the largest number there is.
fn shifted(log2: u32, bits: u32) -> u64 {
    1u64.checked_shl(bits.saturating_add(log2)).unwrap_or(u64::MAX)
}

/// What a partition is chosen for.
#[derive(Clone, Copy, Debug)]
pub struct Aim {
    pub shots: usize,
    pub memory: u64,
}

/// Seconds of a block whose wires have `gates` gates each; infinite beyond half of the memory.
fn seconds(sizes: Sizes, gates: f64, aim: Aim) -> f64 {
    if sizes.width() > MAX_BITS || sizes.bytes() > aim.memory / 2 {
        return f64::INFINITY;
    }
    f64::from(sizes.width()).exp2() * GATE_S * gates * f64::from(sizes.bits) + sizes.seconds(aim.shots as f64)
}

fn gates_a_wire(wires: &Wires) -> f64 {
    wires.gates.len() as f64 / wires.n.max(1) as f64
}

/// The cheapest chain of at least two runs of `order`. Partners are in the same run or in neighbouring ones.
fn runs(wires: &Wires, order: &[u32], cuts: &[u32], aim: Aim) -> Option<Partition> {
    let n = order.len();
    let site = order::sites(order);
    // A run from `from` ends beyond the farthest partner of all before it.
    let mut reach = vec![0usize; n + 1];
    for edge in &wires.edges {
        let (low, high) = ends(edge, &site);
        reach[low + 1] = reach[low + 1].max(high + 1);
    }
    for from in 1..=n {
        reach[from] = reach[from].max(reach[from - 1]);
    }
    let gates = gates_a_wire(wires);
    let mut best = vec![(f64::INFINITY, 0usize); n + 1];
    best[0].0 = 0.0;
    for to in 1..=n {
        for from in to.saturating_sub(MAX_BITS as usize)..to {
            if best[from].0.is_infinite() || reach[from] > to || (from, to) == (0, n) {
                continue;
            }
            let total = best[from].0
                + seconds(Sizes { bits: (to - from) as u32, left: cuts[from], right: cuts[to] }, gates, aim);
            if total < best[to].0 {
                best[to] = (total, from);
            }
        }
    }
    let (seconds, _) = best[n];
    if seconds.is_infinite() {
        return None;
    }
    let mut starts = Vec::new();
    let mut at = n;
    while at > 0 {
        at = best[at].1;
        starts.push(at);
    }
    starts.reverse();
    let mut block_of = vec![0; n];
    for (k, &wire) in order.iter().enumerate() {
        block_of[wire as usize] = starts.partition_point(|&start| start <= k) as u32 - 1;
    }
    Some(Partition { block_of, count: starts.len(), seconds })
}

fn ends(edge: &Edge, site: &[usize]) -> (usize, usize) {
    let [a, b] = edge.wires.map(|wire| site[wire as usize]);
    (a.min(b), a.max(b))
}

/// log2 of the paths across each cut of an order, at most: `cuts[k]` is before site k. All gates are cut on their left
/// side where they can be, or all on their right.
fn profile(wires: &Wires, site: &[usize]) -> Vec<u32> {
    let epochs =
        wires.edges.iter().flat_map(|edge| edge.epochs).filter(|&e| e != NONE).max().map_or(0, |e| e as usize + 1);
    let n = site.len();
    let mut cuts = vec![u32::MAX; n + 1];
    for prefer in [0, 1] {
        // An epoch is cut from its wire to the farthest partner on either side.
        let mut span: Vec<Option<(usize, usize)>> = vec![None; epochs];
        for edge in &wires.edges {
            let left = (site[edge.wires[0] as usize] > site[edge.wires[1] as usize]) as usize;
            let slots = if prefer == 0 { [left, 1 - left] } else { [1 - left, left] };
            let owner = slots.map(|slot| edge.epochs[slot]).into_iter().find(|&epoch| epoch != NONE);
            let (low, high) = ends(edge, site);
            let span = &mut span[owner.expect("a gate is diagonal on one side") as usize];
            let (a, b) = span.unwrap_or((low, high));
            *span = Some((a.min(low), b.max(high)));
        }
        let mut change = vec![0i64; n + 2];
        for (low, high) in span.into_iter().flatten() {
            change[low + 1] += 1;
            change[high + 1] -= 1;
        }
        let mut sum = 0;
        for (cut, change) in cuts.iter_mut().zip(&change) {
            sum += change;
            *cut = (*cut).min(sum as u32);
        }
    }
    cuts
}

/// Moves wires between two blocks while that makes them cheaper, too large or not.
fn improve(wires: &Wires, found: &mut Partition, aim: Aim) {
    let aim = Aim { memory: u64::MAX, ..aim };
    let gates = gates_a_wire(wires);
    let price = |block_of: &[u32]| {
        let second = block_of.iter().filter(|&&block| block == 1).count();
        if second == 0 || second == wires.n {
            return f64::INFINITY;
        }
        let paths = crossings(wires, block_of);
        let first = Sizes { bits: (wires.n - second) as u32, left: 0, right: paths };
        let second = Sizes { bits: second as u32, left: paths, right: 0 };
        seconds(first, gates, aim) + seconds(second, gates, aim)
    };
    if wires.n * wires.edges.len() > MOVED {
        return;
    }
    found.seconds = price(&found.block_of);
    for _ in 0..ROUNDS {
        let before = found.seconds;
        for wire in 0..wires.n {
            found.block_of[wire] ^= 1;
            let now = price(&found.block_of);
            if now < found.seconds {
                found.seconds = now;
            } else {
                found.block_of[wire] ^= 1;
            }
        }
        if found.seconds >= before {
            return;
        }
    }
}

/// log2 of the paths between two blocks, at most: as `profile` has it.
fn crossings(wires: &Wires, block_of: &[u32]) -> u32 {
    let count = |first: u32| {
        let owner = |edge: &Edge| {
            let homes = edge.wires.map(|wire| block_of[wire as usize]);
            let slot = (homes[0] != first) as usize;
            let epoch = if edge.epochs[slot] == NONE { edge.epochs[1 - slot] } else { edge.epochs[slot] };
            (homes[0] != homes[1]).then_some(epoch)
        };
        let mut owners: Vec<u32> = wires.edges.iter().filter_map(owner).collect();
        owners.sort_unstable();
        owners.dedup();
        owners.len() as u32
    };
    count(0).min(count(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_beyond_the_numbers_take_more_memory_than_there_is() {
        for (bits, left, right) in [(58, 0, 0), (61, 0, 1), (62, 0, 0), (63, 0, 0), (10, 30, 0), (200, 3, 3)] {
            assert!(Sizes { bits, left, right }.bytes() > 1 << 58, "{bits} {left} {right}");
        }
    }
}
