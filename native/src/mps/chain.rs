//! A matrix product state in right-canonical form with its Schmidt values, as it goes through gates and is sampled.
//!
//! Site k holds a tensor of shape (left bond, 2, right bond) whose rows are orthonormal, `values[k]` the Schmidt values of
//! the bond to its left. A gate on two neighbours needs no division by Schmidt values (Hastings, J. Math. Phys. 50,
//! 095207 (2009)) and no orthogonality centre, so gates may come in any order.

use std::f64::consts::FRAC_PI_2;

use crate::circuit::matrix::{One, Two};
use crate::complex::{C64, ONE, ZERO};
use crate::dice::Dice;

use super::linear::{multiply, norm_squared, Matrix};
use super::schmidt::decompose;

#[derive(Clone)]
pub struct Chain {
    tensors: Vec<Matrix>,
    values: Vec<Vec<f64>>,
    /// Largest weight that one decomposition may cut off.
    cut: f64,
    /// Sum of the angles between the states before and after each cut: angles add up at most, weights may not.
    angle: f64,
    pub peak: usize,
}

impl Chain {
    /// |0...0>.
    pub fn zeros(n: usize, cut: f64) -> Chain {
        let mut site = Matrix::zeros(1, 2);
        site.re[0] = 1.0;
        Chain { tensors: vec![site; n], values: vec![vec![1.0]; n], cut, angle: 0.0, peak: 1 }
    }

    /// A chain of given tensors and Schmidt values of the bonds to their left.
    pub(super) fn from_parts((tensors, values): (Vec<Matrix>, Vec<Vec<f64>>), lost: f64, cut: f64) -> Chain {
        let peak = values.iter().map(Vec::len).max().unwrap_or(1);
        Chain { tensors, values, cut, angle: lost.clamp(0.0, 1.0).sqrt().asin(), peak }
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = (&Matrix, &Vec<f64>)> {
        self.tensors.iter().zip(&self.values)
    }

    /// Shape (left bond, 2 * right bond), the physical index above the right bond.
    pub(super) fn tensor(&self, site: usize) -> &Matrix {
        &self.tensors[site]
    }

    /// Size of the bond between sites k and k + 1.
    pub fn bond(&self, k: usize) -> usize {
        self.tensors[k].columns / 2
    }

    /// A bound on 1 - fidelity from what was cut off.
    pub fn lost(&self) -> f64 {
        self.angle.min(FRAC_PI_2).sin().powi(2)
    }

    /// Elements of the products that drawing `shots` outcomes of sites 0 to `last` is made of, at most.
    pub fn drawing(&self, shots: usize, last: usize) -> f64 {
        let groups = |site: usize| (shots as f64).min((site as f64).exp2());
        let one = |(site, tensor): (usize, &Matrix)| groups(site) * (tensor.rows * tensor.columns) as f64;
        self.tensors.iter().enumerate().take(last + 1).map(one).sum()
    }

    /// Elements of the products that a gate on sites k and k + 1 is made of, about.
    pub fn product(&self, k: usize) -> usize {
        let (left, middle, right) = (self.tensors[k].rows, self.bond(k), self.bond(k + 1));
        4 * left * right * (middle + left.min(right))
    }

    pub fn apply_one(&mut self, site: usize, u: &One) {
        let tensor = &mut self.tensors[site];
        let bond = tensor.columns / 2;
        for row in 0..tensor.rows {
            let (re, im) = tensor.row_mut(row);
            let (re0, re1) = re.split_at_mut(bond);
            let (im0, im1) = im.split_at_mut(bond);
            for k in 0..bond {
                let (a, b, c, d) = (re0[k], im0[k], re1[k], im1[k]);
                re0[k] = u[0].re * a - u[0].im * b + u[1].re * c - u[1].im * d;
                im0[k] = u[0].re * b + u[0].im * a + u[1].re * d + u[1].im * c;
                re1[k] = u[2].re * a - u[2].im * b + u[3].re * c - u[3].im * d;
                im1[k] = u[2].re * b + u[2].im * a + u[3].re * d + u[3].im * c;
            }
        }
    }

    /// `u` on sites k (more significant) and k + 1.
    pub fn apply_two(&mut self, k: usize, u: &Two) {
        let (left, middle, right) = (self.tensors[k].rows, self.bond(k), self.bond(k + 1));
        let a = split_physical(&self.tensors[k]);
        let mut joined = Matrix::zeros(left * 2, 2 * right);
        multiply(&a, &self.tensors[k + 1], &mut joined);
        debug_assert_eq!(a.columns, middle);
        mix(&mut joined, u, right);
        let mut theta = joined.clone();
        for (row, &value) in self.values[k].iter().enumerate() {
            for part in [2 * row, 2 * row + 1] {
                let (re, im) = theta.row_mut(part);
                re.iter_mut().chain(im).for_each(|x| *x *= value);
            }
        }
        let found = decompose(&theta, self.cut);
        let bond = found.values.len();
        let whole = found.kept + found.lost;
        self.angle += (found.lost / whole).sqrt().min(1.0).asin();
        self.peak = self.peak.max(bond);
        let norm = found.kept.sqrt();
        self.values[k + 1] = found.values.iter().map(|x| x / norm).collect();
        let mut first = Matrix::zeros(left * 2, bond);
        multiply(&joined, &found.right.adjoint(), &mut first);
        first.scale(1.0 / norm);
        self.tensors[k] = join_physical(first);
        self.tensors[k + 1] = found.right;
    }

    /// Draws `shots` outcomes of sites 0 to `last` and calls `hit(site, first, count)` for every run of shots, in an order
    /// in which equal prefixes stand together, whose outcome at `site` is 1. `go_on` is asked at every site; false ends
    /// it with false.
    pub fn sample(
        &self,
        shots: usize,
        last: usize,
        dice: &mut Dice,
        go_on: &mut impl FnMut() -> bool,
        hit: &mut impl FnMut(usize, usize, usize),
    ) -> bool {
        let mut groups = vec![(0usize, shots)];
        let mut front = Matrix::zeros(1, 1);
        front.re[0] = 1.0;
        for (site, tensor) in self.tensors.iter().enumerate().take(last + 1) {
            if !go_on() {
                return false;
            }
            let bond = tensor.columns / 2;
            let mut both = Matrix::zeros(groups.len(), 2 * bond);
            multiply(&front, tensor, &mut both);
            let (mut next, mut rows) = (Vec::with_capacity(groups.len() * 2), Vec::with_capacity(groups.len() * 2));
            for (row, &(first, count)) in groups.iter().enumerate() {
                let (re, im) = both.row(row);
                let zero = norm_squared((&re[..bond], &im[..bond]));
                let one = norm_squared((&re[bond..], &im[bond..]));
                let ones = dice.binomial(count as u64, one / (zero + one)) as usize;
                if ones < count {
                    next.push((first, count - ones));
                    rows.push((row, 0, zero));
                }
                if ones > 0 {
                    hit(site, first + count - ones, ones);
                    next.push((first + count - ones, ones));
                    rows.push((row, 1, one));
                }
            }
            front = Matrix::zeros(rows.len(), bond);
            for (to, &(from, outcome, weight)) in rows.iter().enumerate() {
                let (re, im) = both.row(from);
                let range = outcome * bond..(outcome + 1) * bond;
                let scale = 1.0 / weight.sqrt();
                let (to_re, to_im) = front.row_mut(to);
                to_re.iter_mut().zip(&re[range.clone()]).for_each(|(out, x)| *out = x * scale);
                to_im.iter_mut().zip(&im[range]).for_each(|(out, x)| *out = x * scale);
            }
            groups = next;
        }
        true
    }
}

/// (left, 2 right) to (left 2, right).
fn split_physical(tensor: &Matrix) -> Matrix {
    tensor.clone().reshaped(tensor.rows * 2, tensor.columns / 2)
}

fn join_physical(tensor: Matrix) -> Matrix {
    let (rows, columns) = (tensor.rows / 2, tensor.columns * 2);
    tensor.reshaped(rows, columns)
}

/// Applies `u` to the physical indices of a joined pair of shape (left 2, 2 right).
fn mix(joined: &mut Matrix, u: &Two, right: usize) {
    let identity_on = |row: usize| (0..4).all(|c| u[4 * row + c] == if row == c { ONE } else { ZERO });
    let kept: Vec<bool> = (0..4).map(identity_on).collect();
    let mut old = [vec![0.0; right * 4], vec![0.0; right * 4]];
    for left in 0..joined.rows / 2 {
        // rows 2 left (s = 0) and 2 left + 1 (s = 1), each t = 0 then t = 1: basis state 2 s + t is one run of `right`
        let range = left * 4 * right..(left + 1) * 4 * right;
        old[0].copy_from_slice(&joined.re[range.clone()]);
        old[1].copy_from_slice(&joined.im[range.clone()]);
        for row in (0..4).filter(|&row| !kept[row]) {
            let at = range.start + row * right;
            let (re, im) = (&mut joined.re[at..at + right], &mut joined.im[at..at + right]);
            re.fill(0.0);
            im.fill(0.0);
            for column in 0..4 {
                let C64 { re: x, im: y } = u[4 * row + column];
                if x == 0.0 && y == 0.0 {
                    continue;
                }
                let (a, b) =
                    (&old[0][column * right..(column + 1) * right], &old[1][column * right..(column + 1) * right]);
                for k in 0..right {
                    re[k] += x * a[k] - y * b[k];
                    im[k] += x * b[k] + y * a[k];
                }
            }
        }
    }
}
