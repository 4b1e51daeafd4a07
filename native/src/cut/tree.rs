//! The final state of one block as a tensor (paths to the left, outcome, paths to the right), and sampling from it.
//!
//! What is right of a block enters by a factor L of its Gram matrix, G = L L^dagger, on the paths to the right: then the
//! weight of a set of outcomes, given amplitudes v of the paths to the left, is v^T S v*, where S sums T L (T L)^dagger
//! over the set. A binary tree of such sums, down to runs of outcomes no larger than is cheap to look at, makes the cost
//! of a shot logarithmic in the size of the block. Sums are in double precision, so that where paths cancel no weight
//! above 1e-13 is left.

use crate::dense::{Program, Source, State};
use crate::dice::Dice;
use crate::mps::linear::{add_scaled, dot, multiply, multiply_hermitian, norm_squared, Matrix};

use super::blocks::Block;
use super::partition::Sizes;

pub struct Tree {
    state: State<f32>,
    /// Index in the state of each path's amplitudes; None where they are 0.
    left: Vec<Option<usize>>,
    right: Vec<Option<usize>>,
    /// Positions in the state of the bits of an outcome, ascending.
    bits: Vec<u32>,
    /// Where a wire of the block is: a bit of the outcome, or a value.
    pub wires: Vec<Place>,
    /// Offsets of the outcomes of a run.
    run: Vec<usize>,
    /// Rank by rank: the factor of what is right of the block.
    factor: Matrix,
    /// Sums of all nodes, the root at 1, the children of k at 2k and 2k + 1.
    sums: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
pub enum Place {
    Bit(u32),
    Value(bool),
}

/// Shots with the same outcome so far, and the amplitudes of the paths that it leaves.
pub struct Group {
    pub first: usize,
    pub count: usize,
    pub re: Vec<f64>,
    pub im: Vec<f64>,
}

/// Most parts of shots that are looked at together.
const TOGETHER: usize = 64;
/// Products of the sums between two looks whether the run shall end.
const ASK: usize = 1 << 24;

impl Tree {
    /// `after`: the Gram matrix of the paths to the right.
    pub fn new(block: &Block, state: State<f32>, program: &Program<f32>, after: &Matrix) -> Tree {
        let mut bits: Vec<u32> = block.places(program).filter_map(position).collect();
        bits.sort_unstable();
        let wires = block.places(program).map(|source| match source {
            Source::At(at) => Place::Bit(bits.binary_search(&at).expect("it was just put there") as u32),
            Source::Known(value) => Place::Value(value),
            Source::Held(_) => unreachable!("a program of gates holds no bits"),
        });
        let wires: Vec<Place> = wires.collect();
        let (left, right) = (paths(&block.left, program), paths(&block.right, program));
        let [l, r] = [&left, &right].map(|paths| paths.len().trailing_zeros());
        let run = Sizes { bits: bits.len() as u32, left: l, right: r }.run();
        let run = (0..1usize << run).map(|x| spread(x, &bits)).collect();
        let factor = factor(after);
        Tree { state, left, right, bits, wires, run, factor, sums: Vec::new() }
    }

    /// Fills the tree; gives the Gram matrix of the paths to the left. `stop` ends it with None.
    pub fn fill(&mut self, stop: &dyn Fn() -> bool) -> Option<Matrix> {
        let size = 2 * self.left.len() * self.left.len();
        let leaves = 1usize << (self.bits.len() - self.run.len().trailing_zeros() as usize);
        self.sums = vec![0.0; 2 * leaves * size];
        let mut leaf = Matrix::zeros(self.left.len() * self.run.len(), self.right.len());
        let mut done = 0;
        for k in 0..leaves {
            self.gather(k, &mut leaf);
            let weighed = self.weighed(&leaf).reshaped(self.left.len(), self.run.len() * self.factor.columns);
            let at = (leaves + k) * size;
            gram(&weighed, &mut self.sums[at..at + size]);
            done += leaf.re.len() * (self.left.len() + self.factor.columns);
            if done > ASK {
                done = 0;
                if stop() {
                    return None;
                }
            }
        }
        for k in (1..leaves).rev() {
            let (low, high) = self.sums.split_at_mut(2 * k * size);
            let children = &high[..2 * size];
            let own = &mut low[k * size..(k + 1) * size];
            own.iter_mut().zip(&children[..size]).zip(&children[size..]).for_each(|((sum, a), b)| *sum = a + b);
        }
        let root = &self.sums[size..2 * size];
        let mut out = Matrix::zeros(self.left.len(), self.left.len());
        out.re.copy_from_slice(&root[..size / 2]);
        out.im.copy_from_slice(&root[size / 2..]);
        Some(out)
    }

    /// The amplitudes of run `k`: rows (path to the left, outcome), columns paths to the right.
    fn gather(&self, k: usize, leaf: &mut Matrix) {
        let base = spread(k << self.run.len().trailing_zeros(), &self.bits);
        let columns = self.right.len();
        for (p, path) in self.left.iter().enumerate() {
            for (x, offset) in self.run.iter().enumerate() {
                let at = (p * self.run.len() + x) * columns;
                for (r, other) in self.right.iter().enumerate() {
                    let (re, im) = match (path, other) {
                        (Some(a), Some(b)) => self.state.get(base + a + offset + b),
                        _ => (0.0, 0.0),
                    };
                    leaf.re[at + r] = re;
                    leaf.im[at + r] = im;
                }
            }
        }
    }

    fn weighed(&self, leaf: &Matrix) -> Matrix {
        if self.factor.rows == 1 {
            let mut out = leaf.clone();
            out.scale(self.factor.re[0]);
            return out;
        }
        let mut out = Matrix::zeros(leaf.rows, self.factor.columns);
        multiply(leaf, &self.factor, &mut out);
        out
    }

    /// Weight of node `k` for amplitudes `v` of the paths to the left.
    fn weight(&self, k: usize, (re, im): (&[f64], &[f64])) -> f64 {
        let n = re.len();
        let (real, imaginary) = self.sums[k * 2 * n * n..(k + 1) * 2 * n * n].split_at(n * n);
        let mut total = 0.0;
        for p in 0..n {
            // what is right of the diagonal counts twice, S being Hermitian
            let row = p * n + p + 1..(p + 1) * n;
            let (a, b) = dot((&real[row.clone()], &imaginary[row]), (&re[p + 1..], &im[p + 1..]));
            total += 2.0 * (re[p] * a + im[p] * b) + real[p * n + p] * (re[p] * re[p] + im[p] * im[p]);
        }
        total.max(0.0)
    }

    /// Splits the shots of `groups` by their outcomes and calls `hit(outcome, group)` for each part; an outcome may come
    /// twice. The weight of each group is 1, or it is the only one. `stop` ends it with None.
    pub fn sample(
        &self,
        groups: &[Group],
        dice: &mut Dice,
        stop: &dyn Fn() -> bool,
        hit: &mut impl FnMut(usize, Group),
    ) -> Option<()> {
        let mut done = 0;
        let mut ends = |products: usize| {
            done += products;
            let ask = done > ASK;
            done = if ask { 0 } else { done };
            ask && stop()
        };
        let leaves = self.sums.len() / (4 * self.left.len() * self.left.len());
        let mut found = Vec::with_capacity(groups.len());
        for (number, group) in groups.iter().enumerate() {
            let v = (&group.re[..], &group.im[..]);
            let whole = if groups.len() == 1 { self.weight(1, v) } else { 1.0 };
            let mut waiting = vec![(1usize, group.first, group.count, whole)];
            while let Some((k, first, count, whole)) = waiting.pop() {
                if k >= leaves {
                    found.push((k - leaves, number, first, count));
                    continue;
                }
                if ends(self.left.len() * self.left.len()) {
                    return None;
                }
                let one = self.weight(2 * k + 1, v).min(whole);
                let ones = dice.binomial(count as u64, one / whole.max(f64::MIN_POSITIVE)) as usize;
                if ones > 0 {
                    waiting.push((2 * k + 1, first + count - ones, ones, one));
                }
                if ones < count {
                    waiting.push((2 * k, first, count - ones, whole - one));
                }
            }
        }
        found.sort_unstable();
        let mut leaf = Matrix::zeros(self.left.len() * self.run.len(), self.right.len());
        for same in found.chunk_by(|a, b| a.0 == b.0) {
            leaf = leaf.reshaped(self.left.len() * self.run.len(), self.right.len());
            self.gather(same[0].0, &mut leaf);
            leaf = leaf.reshaped(self.left.len(), self.run.len() * self.right.len());
            for part in same.chunks(TOGETHER) {
                if ends(leaf.re.len() * part.len() + part.len() * self.run.len() * self.factor.re.len()) {
                    return None;
                }
                self.pick(&leaf, part, groups, dice, hit);
            }
        }
        Some(())
    }

    /// Outcomes of a run for parts (run, group, first shot, shots).
    fn pick(
        &self,
        leaf: &Matrix,
        parts: &[(usize, usize, usize, usize)],
        groups: &[Group],
        dice: &mut Dice,
        hit: &mut impl FnMut(usize, Group),
    ) {
        let mut given = Matrix::zeros(parts.len(), self.left.len());
        for (row, &(_, number, ..)) in parts.iter().enumerate() {
            let (re, im) = given.row_mut(row);
            re.copy_from_slice(&groups[number].re);
            im.copy_from_slice(&groups[number].im);
        }
        let mut rest = Matrix::zeros(parts.len(), leaf.columns);
        multiply(&given, leaf, &mut rest);
        let run = self.run.len();
        let rest = rest.reshaped(parts.len() * run, self.right.len());
        let weighed = self.weighed(&rest);
        let (mut upto, mut targets) = (Vec::with_capacity(run), Vec::new());
        for (row, &(k, _, first, count)) in parts.iter().enumerate() {
            upto.clear();
            let mut total = 0.0;
            for x in 0..run {
                total += norm_squared(weighed.row(row * run + x));
                upto.push(total);
            }
            targets.clear();
            targets.extend((0..count).map(|_| dice.unit() * total));
            targets.sort_unstable_by(f64::total_cmp);
            let mut at = 0;
            while at < count {
                let x = upto.partition_point(|&sum| sum <= targets[at]).min(upto.partition_point(|&sum| sum < total));
                let same = targets[at..].partition_point(|&target| target < upto[x]).max(1);
                let (re, im) = rest.row(row * run + x);
                let scale = 1.0 / norm_squared(weighed.row(row * run + x)).max(f64::MIN_POSITIVE).sqrt();
                let scaled = |part: &[f64]| part.iter().map(|a| a * scale).collect();
                let group = Group { first: first + at, count: same, re: scaled(re), im: scaled(im) };
                hit(k * run + x, group);
                at += same;
            }
        }
    }

    /// The amplitudes of the paths to the right, from those to the left, for one value of every wire.
    pub fn contract(&self, value: impl Fn(usize) -> bool, (re, im): (&[f64], &[f64])) -> (Vec<f64>, Vec<f64>) {
        let mut out = (vec![0.0; self.right.len()], vec![0.0; self.right.len()]);
        let mut at = 0;
        for (wire, place) in self.wires.iter().enumerate() {
            match *place {
                Place::Bit(bit) => at |= (value(wire) as usize) << self.bits[bit as usize],
                Place::Value(known) if known != value(wire) => return out,
                Place::Value(_) => {}
            }
        }
        for (r, other) in self.right.iter().enumerate() {
            for (p, path) in self.left.iter().enumerate() {
                let (Some(a), Some(b)) = (path, other) else { continue };
                let (x, y) = self.state.get(at + a + b);
                out.0[r] += re[p] * x - im[p] * y;
                out.1[r] += re[p] * y + im[p] * x;
            }
        }
        out
    }
}

fn position(source: Source) -> Option<u32> {
    match source {
        Source::At(at) => Some(at),
        _ => None,
    }
}

impl Block {
    fn places<'a>(&self, program: &'a Program<f32>) -> impl Iterator<Item = Source> + 'a {
        program.places[..self.wires.len()].iter().copied()
    }
}

/// Scatters the bits of `x` to `bits`.
fn spread(x: usize, bits: &[u32]) -> usize {
    let (mut out, mut rest) = (0, x);
    while rest != 0 {
        out |= 1 << bits[rest.trailing_zeros() as usize];
        rest &= rest - 1;
    }
    out
}

/// The index in the state of each value of `ancillas`, the first the least significant bit.
fn paths(ancillas: &[u32], program: &Program<f32>) -> Vec<Option<usize>> {
    let one = |path: usize| {
        let mut at = 0;
        for (k, &ancilla) in ancillas.iter().enumerate() {
            let value = path >> k & 1 == 1;
            match program.places[ancilla as usize] {
                Source::At(position) => at |= (value as usize) << position,
                Source::Known(known) if known != value => return None,
                _ => {}
            }
        }
        Some(at)
    };
    (0..1usize << ancillas.len()).map(one).collect()
}

/// X X^dagger, real parts then imaginary parts.
fn gram(x: &Matrix, out: &mut [f64]) {
    if x.rows == 1 {
        out[0] = norm_squared(x.row(0));
        return;
    }
    let mut product = Matrix::zeros(x.rows, x.rows);
    multiply_hermitian(x, &x.adjoint(), &mut product);
    let n = product.re.len();
    out[..n].copy_from_slice(&product.re);
    out[n..].copy_from_slice(&product.im);
}

/// L with G = L L^dagger for positive semidefinite G, by Cholesky's method with pivoting.
fn factor(g: &Matrix) -> Matrix {
    let n = g.rows;
    let mut left: Vec<f64> = (0..n).map(|k| g.re[k * n + k]).collect();
    let least = 1e-15 * left.iter().sum::<f64>();
    let mut columns: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
    while columns.len() < n {
        let pivot = (0..n).max_by(|&a, &b| left[a].total_cmp(&left[b])).expect("a path");
        if left[pivot] <= least {
            break;
        }
        let scale = 1.0 / left[pivot].sqrt();
        let (mut re, mut im) = (vec![0.0; n], vec![0.0; n]);
        for row in 0..n {
            // column `pivot` of a Hermitian matrix
            (re[row], im[row]) = (g.re[pivot * n + row], -g.im[pivot * n + row]);
        }
        for (x, y) in &columns {
            add_scaled((x, y), (-x[pivot], y[pivot]), (&mut re, &mut im));
        }
        for row in 0..n {
            (re[row], im[row]) = (re[row] * scale, im[row] * scale);
            left[row] -= re[row] * re[row] + im[row] * im[row];
        }
        left[pivot] = 0.0;
        columns.push((re, im));
    }
    let mut out = Matrix::zeros(n, columns.len());
    for (k, (re, im)) in columns.iter().enumerate() {
        for row in 0..n {
            out.re[row * columns.len() + k] = re[row];
            out.im[row * columns.len() + k] = im[row];
        }
    }
    out
}
