//! An upper bound on the bond dimension that a program's state can reach, with its qubits in order of allocation:
//! `qmk.router.features` explains it; here it is counted cut by cut, in words of 64.

/// Crossings of cuts that are followed before the bound is given up.
const WORK: u64 = 100_000;

/// A set of cuts near one line: bits of the words from number `base` on, which stand from `start` on in `Bonds::words`.
#[derive(Clone, Copy, Default)]
struct Cuts {
    base: u32,
    start: u32,
    len: u32,
}

impl Cuts {
    fn get(&self, words: &[u64], word: usize) -> u64 {
        match word.checked_sub(self.base as usize) {
            Some(at) if at < self.len as usize => words[self.start as usize + at],
            _ => 0,
        }
    }

    /// A set that outgrows its words moves to new ones.
    fn add(&mut self, words: &mut Vec<u64>, word: usize, bits: u64) {
        let (base, end) = (self.base as usize, (self.base + self.len) as usize);
        if !(base..end).contains(&word) {
            let (low, high) = if self.len == 0 { (word, word + 1) } else { (base.min(word), end.max(word + 1)) };
            let (old, start) = (self.start as usize, words.len());
            words.resize(start + high - low, 0);
            words.copy_within(old..old + self.len as usize, start + base.max(low) - low);
            *self = Cuts { base: low as u32, start: start as u32, len: (high - low) as u32 };
        }
        words[self.start as usize + word - self.base as usize] |= bits;
    }
}

/// What is counted of a line in its present epoch, and its basis.
#[derive(Clone)]
struct Line {
    counted: [Cuts; 2],
    basis: u8,
}

/// `steps[k]`: by how much the log2 of what gates can have made of the bond between lines k and k + 1 exceeds that of
/// the bond before it, in two counts, each a bound.
#[derive(Default)]
pub struct Bonds {
    lines: Vec<Line>,
    words: Vec<u64>,
    spare: Vec<u32>,
    steps: Vec<[i64; 2]>,
    work: u64,
}

impl Bonds {
    pub fn alloc(&mut self) -> u32 {
        self.spare.pop().unwrap_or_else(|| {
            self.lines.push(Line { counted: Default::default(), basis: b'-' });
            self.steps.push([0, 0]);
            self.lines.len() as u32 - 1
        })
    }

    pub fn free(&mut self, line: u32) {
        self.change(line, b'-');
        self.spare.push(line);
    }

    fn change(&mut self, line: u32, basis: u8) {
        let line = &mut self.lines[line as usize];
        if basis == b'-' || basis != line.basis {
            line.counted = Default::default();
            line.basis = basis;
        }
    }

    /// Whether the bound is still followed.
    pub fn alive(&self) -> bool {
        self.work <= WORK
    }

    /// An op on `lines`; one that is not `joint` acts on each alone.
    pub fn take(&mut self, lines: &[u32], bases: &[u8], joint: bool) {
        let basis = |k: usize| bases.get(k).copied().unwrap_or(b'-');
        for (k, &line) in lines.iter().enumerate() {
            self.change(line, basis(k));
        }
        if lines.len() < 2 || !joint {
            return;
        }
        let longer: Vec<usize>;
        let order: &[usize] = match lines {
            [first, last] if first <= last => &[0, 1],
            [_, _] => &[1, 0],
            _ => {
                let mut sorted: Vec<usize> = (0..lines.len()).collect();
                sorted.sort_unstable_by_key(|&k| lines[k]);
                longer = sorted;
                &longer
            }
        };
        self.work += (lines[order[lines.len() - 1]] - lines[order[0]]) as u64;
        for (at, pair) in order.windows(2).enumerate() {
            let cuts = lines[pair[0]] as usize..lines[pair[1]] as usize;
            if cuts.is_empty() {
                continue; // the same qubit twice: no verified graph has that
            }
            let alone = |here: bool, k: usize| (here && basis(k) != b'-').then_some(k);
            let mut owners = [alone(at == 0, pair[0]), alone(at + 2 == lines.len(), pair[1])];
            owners.sort_unstable_by_key(|owner| owner.unwrap_or(usize::MAX));
            match owners {
                [None, _] => {
                    let gain = 2 * (at + 1).min(lines.len() - at - 1) as i64;
                    (0..2).for_each(|which| self.gain(which, cuts.clone(), gain));
                }
                [Some(first), last] => self.count(cuts, [lines[first], lines[last.unwrap_or(first)]]),
            }
        }
    }

    fn gain(&mut self, which: usize, cuts: std::ops::Range<usize>, by: i64) {
        self.steps[cuts.start][which] += by;
        self.steps[cuts.end][which] -= by;
    }

    /// Counts the cuts of a range that none of the owners has yet: for the first of them, and for the last.
    fn count(&mut self, cuts: std::ops::Range<usize>, owners: [u32; 2]) {
        for word in cuts.start / 64..=(cuts.end - 1) / 64 {
            let low = cuts.start.saturating_sub(64 * word);
            let high = (cuts.end - 64 * word).min(64);
            let mask = (u64::MAX >> (64 - (high - low))) << low;
            for which in 0..2 {
                let counted = |line: u32| self.lines[line as usize].counted[which].get(&self.words, word);
                let known = counted(owners[0]) | counted(owners[1]);
                let mut fresh = mask & !known;
                if fresh == 0 {
                    continue;
                }
                self.lines[owners[which] as usize].counted[which].add(&mut self.words, word, fresh);
                while fresh != 0 {
                    let first = fresh.trailing_zeros();
                    let run = (fresh >> first).trailing_ones();
                    let start = 64 * word + first as usize;
                    self.gain(which, start..start + run as usize, 1);
                    fresh &= !((u64::MAX >> (64 - run)) << first);
                }
            }
        }
    }

    /// The largest bond, each at most twice its neighbour's; beyond the ends there is none.
    pub fn peak(&self) -> f64 {
        if !self.alive() {
            return f64::INFINITY;
        }
        let cuts = self.steps.len().saturating_sub(1);
        let mut so_far = [0, 0];
        let mut sum = |step: &[i64; 2]| {
            so_far = [so_far[0] + step[0], so_far[1] + step[1]];
            so_far[0].min(so_far[1])
        };
        let mut bonds: Vec<i64> = self.steps[..cuts].iter().map(&mut sum).collect();
        let mut before = 0;
        bonds.iter_mut().for_each(|bond| {
            *bond = (*bond).min(before + 1);
            before = *bond;
        });
        before = 0;
        bonds.iter_mut().rev().for_each(|bond| {
            *bond = (*bond).min(before + 1);
            before = *bond;
        });
        bonds.into_iter().max().unwrap_or(0) as f64
    }
}
