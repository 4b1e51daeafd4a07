//! The Schmidt decomposition of a bipartite state: its singular values and right singular vectors.
//!
//! Columns are first orthogonalised with pivoting, which finds the rank; one-sided Jacobi rotations then diagonalise
//! what is small (Drmac and Veselic, SIAM J. Matrix Anal. Appl. 29, 1322 (2008)). Small singular values keep their
//! relative accuracy, and no left vectors are made, since the caller does not need them.
//!
//! A large state is decomposed by the eigenvectors of theta^dagger theta instead, several times faster: the weights, which
//! are its eigenvalues, then have an absolute accuracy of some 1e-16 of the whole, so that this serves where what is cut
//! off weighs more.

use super::hermitian;
use super::linear::{add_scaled, dot, multiply_hermitian, norm_squared, rotate, Matrix};

/// Singular values, largest first, and the adjoint of the right vectors, one a row. `lost`: the weight (sum of squared
/// singular values) that was cut off; `kept` the rest.
pub struct Schmidt {
    pub values: Vec<f64>,
    pub right: Matrix,
    pub lost: f64,
    pub kept: f64,
}

const SWEEPS: usize = 30;
/// Two rows count as orthogonal when their overlap is below this share of their lengths.
const ORTHOGONAL: f64 = 1e-14;
/// From this size on, and for cuts not below `COARSE`, the eigenvectors of theta^dagger theta are taken.
const LARGE: usize = 12;
const COARSE: f64 = 5e-14;

/// Decomposes `theta`, dropping the smallest singular values whose weight together is at most `cut` of the whole.
pub fn decompose(theta: &Matrix, cut: f64) -> Schmidt {
    if cut >= COARSE && theta.columns >= LARGE && theta.columns <= 2 * theta.rows {
        if let Some(found) = by_eigenvectors(theta, cut) {
            return found;
        }
    }
    by_rotations(theta, cut)
}

/// None where the eigenvalues do not converge.
fn by_eigenvectors(theta: &Matrix, cut: f64) -> Option<Schmidt> {
    let n = theta.columns;
    let mut gram = Matrix::zeros(n, n);
    multiply_hermitian(&theta.adjoint(), theta, &mut gram);
    let total: f64 = (0..n).map(|k| gram.re[k * n + k]).sum();
    let found = hermitian::eigen(gram)?;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| found.values[b].total_cmp(&found.values[a]));
    let mut lost = 0.0;
    while order.len() > 1 && lost + found.values[order[order.len() - 1]].max(0.0) <= cut * total {
        lost += found.values[order.pop().unwrap()].max(0.0);
    }
    let mut right = found.vectors(&order);
    right.im.iter_mut().for_each(|x| *x = -*x);
    let values = order.iter().map(|&k| found.values[k].max(0.0).sqrt()).collect();
    Some(Schmidt { values, right, lost, kept: total - lost })
}

fn by_rotations(theta: &Matrix, cut: f64) -> Schmidt {
    let total: f64 = theta.re.iter().chain(&theta.im).map(|x| x * x).sum();
    let (mut basis, mut core, rest) = orthogonalise(theta, total, cut * 1e-2);
    diagonalise(&mut basis, &mut core);
    let weights: Vec<f64> = (0..core.rows).map(|k| norm_squared(core.row(k))).collect();
    let mut order: Vec<usize> = (0..core.rows).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let mut lost = rest; // a difference of sums would be rounding alone where nothing is cut off
    while order.len() > 1 && lost + weights[order[order.len() - 1]] <= cut * total {
        lost += weights[order.pop().unwrap()];
    }
    let mut right = Matrix::zeros(order.len(), basis.columns);
    for (k, &from) in order.iter().enumerate() {
        // theta^dagger = sum over k of |basis_k> (core_k): the row that is wanted is the adjoint of the basis vector
        let (re, im) = basis.row(from);
        let (out_re, out_im) = right.row_mut(k);
        out_re.copy_from_slice(re);
        out_im.iter_mut().zip(im).for_each(|(out, x)| *out = -x);
    }
    let values = order.iter().map(|&k| weights[k].sqrt()).collect();
    Schmidt { values, right, lost, kept: total - lost }
}

/// theta^dagger = Q R with pivoting; gives Q's columns and R's rows, both as rows, and the weight of what is left. Stops
/// when that is at most `rest` of the whole. Of the two ways to split theta^dagger the loop runs over its columns, theta's rows conjugated.
fn orthogonalise(theta: &Matrix, total: f64, rest: f64) -> (Matrix, Matrix, f64) {
    let mut work = theta.clone(); // row i is column i of theta^dagger, conjugated; signs of `im` are set right at the end
    work.im.iter_mut().for_each(|x| *x = -*x);
    let mut left: Vec<f64> = (0..work.rows).map(|k| norm_squared(work.row(k))).collect();
    let most = work.rows.min(work.columns);
    let mut basis = Matrix::zeros(most, work.columns);
    let mut core = Matrix::zeros(most, work.rows);
    let mut rank = 0;
    while rank < most {
        let pivot = (0..work.rows).max_by(|&a, &b| left[a].total_cmp(&left[b])).unwrap();
        if rank > 0 && left.iter().sum::<f64>() <= rest * total {
            break;
        }
        let (re, im) = work.row(pivot);
        let (out_re, out_im) = basis.row_mut(rank);
        out_re.copy_from_slice(re);
        out_im.copy_from_slice(im);
        reorthogonalise(&mut basis, rank);
        let length = norm_squared(basis.row(rank)).sqrt();
        if length == 0.0 {
            break;
        }
        let (out_re, out_im) = basis.row_mut(rank);
        out_re.iter_mut().chain(out_im).for_each(|x| *x /= length);
        for (k, weight) in left.iter_mut().enumerate() {
            if *weight == 0.0 {
                continue;
            }
            let by = dot(basis.row(rank), work.row(k));
            core.re[rank * work.rows + k] = by.0;
            core.im[rank * work.rows + k] = by.1;
            add_scaled(basis.row(rank), (-by.0, -by.1), work.row_mut(k));
            *weight = if k == pivot { 0.0 } else { norm_squared(work.row(k)) };
        }
        rank += 1;
    }
    let (columns, rows) = (basis.columns, work.rows);
    for (matrix, width) in [(&mut basis, columns), (&mut core, rows)] {
        matrix.rows = rank;
        matrix.re.truncate(rank * width);
        matrix.im.truncate(rank * width);
    }
    (basis, core, left.iter().sum())
}

/// Removes from vector `k` what rounding left of the earlier ones.
fn reorthogonalise(basis: &mut Matrix, k: usize) {
    for j in 0..k {
        let by = dot(basis.row(j), basis.row(k));
        let (a, b) = basis.two_rows(j, k);
        add_scaled((a.0, a.1), (-by.0, -by.1), b);
    }
}

/// Rotates rows of `core` until they are orthogonal, and the vectors of `basis` along, so that sum |basis_k> core_k stays.
fn diagonalise(basis: &mut Matrix, core: &mut Matrix) {
    let n = core.rows;
    for _ in 0..SWEEPS {
        let mut turned = false;
        let mut lengths: Vec<f64> = (0..n).map(|k| norm_squared(core.row(k))).collect();
        for a in 0..n {
            for b in a + 1..n {
                let (re, im) = dot(core.row(a), core.row(b));
                let overlap = re.hypot(im);
                if overlap <= ORTHOGONAL * (lengths[a] * lengths[b]).sqrt() || overlap == 0.0 {
                    continue;
                }
                turned = true;
                let zeta = (lengths[b] - lengths[a]) / (2.0 * overlap);
                let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = c * t;
                // row a keeps c a - s conj(e) b, row b gets s e a + c b, where <a|b> = overlap e
                let e = (re / overlap, im / overlap);
                let (x, y) = core.two_rows(a, b);
                rotate(x, y, c, s, (e.0, -e.1));
                let (x, y) = basis.two_rows(a, b);
                rotate(x, y, c, s, e);
                lengths[a] -= t * overlap;
                lengths[b] += t * overlap;
            }
        }
        if !turned {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::mps::linear::multiply;

    fn random(rows: usize, columns: usize, rank: usize, dice: &mut Dice) -> Matrix {
        let mut fill = |rows, columns| {
            let mut m = Matrix::zeros(rows, columns);
            m.re.iter_mut().chain(&mut m.im).for_each(|x| *x = dice.unit() - 0.5);
            m
        };
        let (a, b) = (fill(rows, rank), fill(rank, columns));
        let mut out = Matrix::zeros(rows, columns);
        multiply(&a, &b, &mut out);
        out
    }

    #[test]
    fn right_vectors_are_orthonormal_and_carry_the_whole_matrix() {
        let mut dice = Dice::new(3, &[]);
        for (rows, columns, rank) in [(1, 1, 1), (8, 8, 8), (16, 6, 4), (6, 16, 6), (33, 40, 17)] {
            let theta = random(rows, columns, rank, &mut dice);
            let found = decompose(&theta, 1e-24);
            assert_eq!(found.values.len(), rank);
            let coarse = decompose(&theta, 1e-13);
            assert_eq!(coarse.values.len(), rank);
            assert!(coarse.values.iter().zip(&found.values).all(|(a, b)| (a - b).abs() < 1e-9 * found.values[0]));
            assert!(found.values.windows(2).all(|pair| pair[0] >= pair[1]));
            let mut gram = Matrix::zeros(rank, rank);
            let adjoint = found.right.adjoint();
            multiply(&found.right, &adjoint, &mut gram);
            for r in 0..rank {
                for c in 0..rank {
                    let wanted = if r == c { 1.0 } else { 0.0 };
                    assert!((gram.re[r * rank + c] - wanted).abs() < 1e-11 && gram.im[r * rank + c].abs() < 1e-11);
                }
            }
            let mut left = Matrix::zeros(rows, rank);
            multiply(&theta, &adjoint, &mut left);
            let mut back = Matrix::zeros(rows, columns);
            multiply(&left, &found.right, &mut back);
            let error = back.re.iter().zip(&theta.re).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error < 1e-11, "{error}");
            let lengths: Vec<f64> = (0..rank).map(|k| norm_squared(left.adjoint().row(k)).sqrt()).collect();
            assert!(lengths.iter().zip(&found.values).all(|(a, b)| (a - b).abs() < 1e-11));
        }
    }
}
