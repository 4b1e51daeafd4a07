//! How many CNOTs a gate on two qubits takes (Shende, Bullock and Markov, arXiv:quant-ph/0308045).

use crate::circuit::matrix::{self, Two};
use crate::circuit::Kind;
use crate::complex::{c, C64, ONE, ZERO};

const TINY: f64 = 1e-9;

/// CNOTs that `u` takes between gates on one qubit: 0 to 3.
pub fn cnots(u: &Two) -> u8 {
    let gamma = matrix::product_two(&matrix::product_two(u, &YY), &matrix::product_two(&transposed(u), &YY));
    let trace = (0..4).fold(ZERO, |sum, k| sum + gamma[5 * k]);
    let square = matrix::product_two(&gamma, &gamma);
    let trace_square = (0..4).fold(ZERO, |sum, k| sum + square[5 * k]);
    let det = determinant(u);
    // gamma of a matrix with determinant 1 is gamma / sqrt(det): its trace squared does not ask which root
    let squared = trace * trace / det;
    if (squared - c(16.0, 0.0)).abs() < TINY {
        0
    } else if squared.abs() < TINY && (trace_square / det + c(4.0, 0.0)).abs() < TINY {
        1
    } else if squared.im.abs() < TINY && squared.re > -TINY {
        2
    } else {
        3
    }
}

/// CNOTs of `u`, and of `u` and an exchange.
pub fn both(u: &Two) -> (u8, u8) {
    (cnots(u), cnots(&matrix::product_two(&matrix::two(Kind::Swap, &[]), u)))
}

const YY: Two = {
    let mut m = [ZERO; 16];
    m[3] = c(-1.0, 0.0);
    m[6] = ONE;
    m[9] = ONE;
    m[12] = c(-1.0, 0.0);
    m
};

fn transposed(m: &Two) -> Two {
    std::array::from_fn(|at| m[at % 4 * 4 + at / 4])
}

fn determinant(m: &Two) -> C64 {
    let mut m = *m;
    let mut det = ONE;
    for column in 0..4 {
        let size = |row: &usize| m[row * 4 + column].norm();
        let pivot = (column..4).max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or(column);
        if pivot != column {
            (0..4).for_each(|k| m.swap(pivot * 4 + k, column * 4 + k));
            det = -det;
        }
        let lead = m[column * 5];
        det = det * lead;
        for row in column + 1..4 {
            let factor = m[row * 4 + column] / lead;
            for k in column..4 {
                m[row * 4 + k] = m[row * 4 + k] - factor * m[column * 4 + k];
            }
        }
    }
    det
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_gates_take_their_cnots() {
        for (kind, angles, want) in [
            (Kind::Cnot, vec![], (1, 2)),
            (Kind::Cz, vec![], (1, 2)),
            (Kind::Cp, vec![0.3], (2, 3)),
            (Kind::Rzz, vec![0.0], (0, 3)),
            (Kind::Rzz, vec![0.3], (2, 3)),
            (Kind::Swap, vec![], (3, 0)),
            (Kind::Iswap, vec![], (2, 1)),
        ] {
            assert_eq!(both(&matrix::two(kind, &angles)), want, "{}", kind.name());
        }
        let turn = |a: f64| matrix::one(Kind::U, &[a, a * 1.7 + 0.2, 0.4 - a]);
        let step = matrix::product_two(&matrix::two(Kind::Cnot, &[]), &matrix::kron(&turn(0.3), &turn(1.1)));
        let two = matrix::product_two(&step, &step);
        assert_eq!(cnots(&two), 2);
        assert_eq!(cnots(&matrix::product_two(&two, &step)), 3);
        assert_eq!(cnots(&matrix::kron(&turn(0.3), &turn(1.1))), 0);
    }
}
