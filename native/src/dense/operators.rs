//! Any matrices one after another on a state that begins in |0..0>: for density matrices, which are states of twice as
//! many qubits, on which channels are matrices that are not unitary.

use super::flat::Flat;
use super::isa::Level;
use super::lanes::Real;
use super::matrix::Mat;
use super::Refused;
use crate::complex::C64;

/// A matrix, row after row, on qubits of which the first is the highest bit of a row's number, where `controls` are 1.
pub struct Operator {
    pub matrix: Vec<C64>,
    pub qubits: Vec<u32>,
    pub controls: Vec<u32>,
}

/// The widest matrix that the vector kernels take.
const KERNEL: usize = 3;

impl Operator {
    fn check(&self, n: u32) -> Result<(), Refused> {
        let mut seen = 0u64;
        for &q in self.qubits.iter().chain(&self.controls) {
            if q >= n || seen >> q & 1 == 1 {
                return Err(Refused::Malformed(format!("operand {q} of a matrix on a state of {n} qubits")));
            }
            seen |= 1 << q;
        }
        let k = self.qubits.len();
        if k == 0 || self.matrix.len() != 1 << (2 * k) || (k > KERNEL && !self.controls.is_empty()) {
            return Err(Refused::Malformed(format!("a matrix of {} entries on {k} qubits", self.matrix.len())));
        }
        Ok(())
    }
}

/// Amplitudes, real and imaginary parts in turn, qubit 0 the highest bit of an index. `n` is at most 40.
pub fn of_zeros(n: u32, steps: &[Operator], level: Level) -> Result<Vec<f64>, Refused> {
    let mut state = Flat::<f64>::zero(n, 0, 2, level);
    for step in steps {
        step.check(n)?;
        let bits: Vec<u32> = step.qubits.iter().map(|&q| n - 1 - q).collect();
        if bits.len() > KERNEL {
            apply_wide(&mut state, n, &step.matrix, &bits);
            continue;
        }
        let controls: Vec<u32> = step.controls.iter().map(|&q| n - 1 - q).collect();
        let mut mat = Mat::identity(bits.len());
        mat.m_mut().copy_from_slice(&step.matrix);
        state.apply(&mat, &bits, &controls);
    }
    Ok((0..1usize << n).map(|x| state.get(x)).flat_map(|z| [z.re, z.im]).collect())
}

/// A matrix on more bits than the kernels take, the first the highest of a row's number.
fn apply_wide(state: &mut Flat<f64>, n: u32, matrix: &[C64], bits: &[u32]) {
    let rows = 1usize << bits.len();
    let offset = |r: usize| -> usize { bits.iter().rev().enumerate().map(|(k, &b)| (r >> k & 1) << b).sum() };
    let offsets: Vec<usize> = (0..rows).map(offset).collect();
    let taken = offsets[rows - 1];
    let (w, mut old) = (f64::W, vec![C64 { re: 0.0, im: 0.0 }; rows]);
    // Of each row its entries that are not 0: many channels have few.
    let entries: Vec<Vec<(usize, C64)>> = (0..rows)
        .map(|r| (0..rows).map(|c| (c, matrix[r * rows + c])).filter(|(_, z)| z.re != 0.0 || z.im != 0.0).collect())
        .collect();
    for base in (0..1usize << n).filter(|base| base & taken == 0) {
        for (slot, &to) in old.iter_mut().zip(&offsets) {
            *slot = state.get(base | to);
        }
        for (row, &to) in entries.iter().zip(&offsets) {
            let (mut re, mut im) = (0.0, 0.0);
            for &(c, z) in row {
                re += z.re * old[c].re - z.im * old[c].im;
                im += z.re * old[c].im + z.im * old[c].re;
            }
            let x = base | to;
            let at = x / w * 2 * w + x % w;
            state.amplitudes[at] = re;
            state.amplitudes[at + w] = im;
        }
    }
}
