//! Eigenvalues and some eigenvectors of a Hermitian matrix.
//!
//! Householder reflections make it tridiagonal, implicit QL steps diagonal (Golub and Van Loan, Matrix Computations,
//! sections 8.3 and 8.4). Reflections are undone only for the vectors that are asked for.

use super::linear::{add_scaled, dot, norm_squared, turn, Matrix};

/// Steps of QL for one eigenvalue; two or three are usual.
const STEPS: usize = 60;
/// Vectors that the reflections are undone for together, so that each reflection is read once for all of them.
const TOGETHER: usize = 16;

pub struct Eigen {
    pub values: Vec<f64>,
    /// Row k: the eigenvector of value k of the tridiagonal matrix, which is real.
    inner: Vec<f64>,
    /// Row k: the reflection of step k in its last n - k - 1 places; `scale[k]` is two over its squared length.
    reflections: Matrix,
    scale: Vec<f64>,
    /// Makes the tridiagonal matrix real.
    phases: Vec<(f64, f64)>,
}

/// None where a step does not converge.
pub fn eigen(mut matrix: Matrix) -> Option<Eigen> {
    let n = matrix.rows;
    let mut reflections = Matrix::zeros(n, n);
    let mut scale = vec![0.0; n];
    let mut off = vec![0.0; n];
    let mut phases = vec![(1.0, 0.0); n];
    for k in 0..n.saturating_sub(1) {
        let below = reflect(&mut matrix, k, &mut reflections, &mut scale);
        let length = below.0.hypot(below.1);
        off[k] = length;
        let (re, im) = phases[k];
        phases[k + 1] = if length > 0.0 {
            ((re * below.0 - im * below.1) / length, (re * below.1 + im * below.0) / length)
        } else {
            (re, im)
        };
    }
    let mut values: Vec<f64> = (0..n).map(|k| matrix.re[k * n + k]).collect();
    let mut inner = vec![0.0; n * n];
    (0..n).for_each(|k| inner[k * n + k] = 1.0);
    diagonalise(&mut values, &mut off, &mut inner)?;
    Some(Eigen { values, inner, reflections, scale, phases })
}

/// Reflects what stands below the diagonal in column `k` onto its first entry, which is returned, on both sides of the
/// matrix.
fn reflect(matrix: &mut Matrix, k: usize, reflections: &mut Matrix, scale: &mut [f64]) -> (f64, f64) {
    let (n, from) = (matrix.rows, k + 1);
    // the row is the column's conjugate
    let (re, im) = matrix.row(k);
    let (v_re, v_im) = reflections.row_mut(k);
    v_re[from..].copy_from_slice(&re[from..]);
    v_im[from..].iter_mut().zip(&im[from..]).for_each(|(out, x)| *out = -x);
    let first = (v_re[from], v_im[from]);
    let rest = norm_squared((&v_re[from + 1..], &v_im[from + 1..]));
    if rest == 0.0 {
        return first;
    }
    let size = first.0.hypot(first.1);
    let length = (rest + size * size).sqrt();
    let phase = if size > 0.0 { (first.0 / size, first.1 / size) } else { (1.0, 0.0) };
    let below = (-phase.0 * length, -phase.1 * length);
    v_re[from] -= below.0;
    v_im[from] -= below.1;
    let tau = 2.0 / norm_squared((&v_re[from..], &v_im[from..]));
    scale[k] = tau;
    // A becomes A - v w^dagger - w v^dagger with p = tau A v, w = p - (tau / 2) (v^dagger p) v
    let v: (Vec<f64>, Vec<f64>) = (v_re[from..].to_vec(), v_im[from..].to_vec());
    let conjugate = (v.0.clone(), v.1.iter().map(|x| -x).collect::<Vec<f64>>());
    let mut w = (vec![0.0; n - from], vec![0.0; n - from]);
    for i in from..n {
        let row = (&matrix.re[i * n + from..(i + 1) * n], &matrix.im[i * n + from..(i + 1) * n]);
        let (x, y) = dot(row, (&conjugate.0, &conjugate.1));
        (w.0[i - from], w.1[i - from]) = (tau * x, -tau * y);
    }
    let (x, y) = dot((&v.0, &v.1), (&w.0, &w.1));
    add_scaled((&v.0, &v.1), (-0.5 * tau * x, -0.5 * tau * y), (&mut w.0, &mut w.1));
    let w_conjugate: Vec<f64> = w.1.iter().map(|x| -x).collect();
    for i in from..n {
        let at = i * n + from..(i + 1) * n;
        let (by_v, by_w) = ((-v.0[i - from], -v.1[i - from]), (-w.0[i - from], -w.1[i - from]));
        let (re, im) = (&mut matrix.re[at.clone()], &mut matrix.im[at]);
        add_scaled((&w.0, &w_conjugate), by_v, (&mut *re, &mut *im));
        add_scaled((&conjugate.0, &conjugate.1), by_w, (re, im));
    }
    below
}

/// The symmetric tridiagonal matrix of diagonal `d` and `e` beside it becomes diagonal; rows of `vectors` turn along.
fn diagonalise(d: &mut [f64], e: &mut [f64], vectors: &mut [f64]) -> Option<()> {
    let n = d.len();
    for low in 0..n {
        for step in 0.. {
            let split =
                (low..n - 1).find(|&k| e[k].abs() <= f64::EPSILON * (d[k].abs() + d[k + 1].abs())).unwrap_or(n - 1);
            if split == low {
                break;
            }
            if step == STEPS {
                return None;
            }
            chase(d, e, vectors, low, split);
        }
    }
    Some(())
}

/// One implicit QL step on rows `low` to `high`, with Wilkinson's shift.
fn chase(d: &mut [f64], e: &mut [f64], vectors: &mut [f64], low: usize, high: usize) {
    let n = d.len();
    let g = (d[low + 1] - d[low]) / (2.0 * e[low]);
    let r = g.hypot(1.0);
    let mut g = d[high] - d[low] + e[low] / (g + r.copysign(g));
    let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
    for k in (low..high).rev() {
        let (f, b) = (s * e[k], c * e[k]);
        let r = f.hypot(g);
        e[k + 1] = r;
        if r == 0.0 {
            d[k + 1] -= p;
            e[high] = 0.0;
            return;
        }
        (s, c) = (f / r, g / r);
        let difference = d[k + 1] - p;
        let sum = (d[k] - difference) * s + 2.0 * c * b;
        p = s * sum;
        d[k + 1] = difference + p;
        g = c * sum - b;
        let (first, second) = vectors.split_at_mut((k + 1) * n);
        turn(&mut first[k * n..], &mut second[..n], c, s);
    }
    d[low] -= p;
    e[low] = g;
    e[high] = 0.0;
}

impl Eigen {
    /// The eigenvectors of these values, one a row.
    pub fn vectors(&self, which: &[usize]) -> Matrix {
        let n = self.values.len();
        let mut out = Matrix::zeros(which.len(), n);
        for (row, &k) in which.iter().enumerate() {
            let (re, im) = out.row_mut(row);
            for (at, (z, phase)) in self.inner[k * n..(k + 1) * n].iter().zip(&self.phases).enumerate() {
                (re[at], im[at]) = (z * phase.0, z * phase.1);
            }
        }
        for first in (0..which.len()).step_by(TOGETHER) {
            for k in (0..n).rev().filter(|&k| self.scale[k] != 0.0) {
                let (v_re, v_im) = self.reflections.row(k);
                let v = (&v_re[k + 1..], &v_im[k + 1..]);
                for row in first..(first + TOGETHER).min(which.len()) {
                    let (re, im) = out.row_mut(row);
                    let (x, y) = dot(v, (&re[k + 1..], &im[k + 1..]));
                    add_scaled(v, (-self.scale[k] * x, -self.scale[k] * y), (&mut re[k + 1..], &mut im[k + 1..]));
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::mps::linear::multiply;

    /// A Hermitian matrix of this rank, or a diagonal one.
    fn hermitian(n: usize, rank: usize, dice: &mut Dice) -> Matrix {
        let mut a = Matrix::zeros(rank, n);
        a.re.iter_mut().chain(&mut a.im).for_each(|x| *x = dice.unit() - 0.5);
        let mut out = Matrix::zeros(n, n);
        multiply(&a.adjoint(), &a, &mut out);
        out
    }

    fn check(matrix: &Matrix) {
        let n = matrix.rows;
        let found = eigen(matrix.clone()).unwrap();
        let size: f64 = matrix.re.iter().chain(&matrix.im).map(|x| x * x).sum::<f64>().sqrt();
        let all: Vec<usize> = (0..n).collect();
        let rows = found.vectors(&all);
        for a in 0..n {
            for b in 0..n {
                let (x, y) = dot(rows.row(a), rows.row(b));
                assert!((x - f64::from(u8::from(a == b))).abs() < 1e-12 && y.abs() < 1e-12);
            }
            // A u = value u, with A's rows conjugated by `dot`
            let u = rows.row(a);
            let conjugate: Vec<f64> = u.1.iter().map(|x| -x).collect();
            for i in 0..n {
                let (x, y) = dot(matrix.row(i), (u.0, &conjugate));
                let value = found.values[a];
                assert!((x - value * u.0[i]).hypot(y + value * u.1[i]) <= 1e-13 * size);
            }
        }
    }

    #[test]
    fn vectors_are_orthonormal_and_belong_to_their_values() {
        let mut dice = Dice::new(4, &[]);
        for (n, rank) in [(1, 1), (2, 1), (3, 3), (8, 2), (17, 17), (40, 40), (40, 7), (64, 64)] {
            check(&hermitian(n, rank, &mut dice));
        }
    }

    #[test]
    fn diagonal_and_block_matrices_too() {
        let mut dice = Dice::new(5, &[]);
        let mut diagonal = Matrix::zeros(9, 9);
        (0..9).for_each(|k| diagonal.re[k * 9 + k] = f64::from(k as u8 / 3));
        check(&diagonal);
        check(&Matrix::zeros(6, 6));
        let block = hermitian(5, 5, &mut dice);
        let mut whole = Matrix::zeros(12, 12);
        for (r, c) in (0..5).flat_map(|r| (0..5).map(move |c| (r, c))) {
            for shift in [0, 6] {
                whole.re[(r + shift) * 12 + c + shift] = block.re[r * 5 + c];
                whole.im[(r + shift) * 12 + c + shift] = block.im[r * 5 + c];
            }
        }
        check(&whole);
    }
}
