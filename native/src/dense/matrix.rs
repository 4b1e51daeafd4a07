//! Matrices of gates and of blocks of gates, up to three qubits, in f64.
//!
//! Bit b of a row or column number belongs to the b-th qubit of the block. (A gate of a `Circuit` names its most
//! significant qubit first: `of_gate` turns the order.)

use crate::circuit::{matrix as gates, Kind};
use crate::complex::{c, C64, ONE as I, ZERO as O};

/// What counts as zero in a product of unitary matrices: rounding stays far below, and dropping it changes no sample.
pub const ZERO: f64 = 1e-13;

/// Whether an entry of a unitary matrix is as good as 0.
pub fn is_zero(z: C64) -> bool {
    z.norm() < ZERO * ZERO
}

/// A square matrix of `1 << k` rows, row after row; k is 0 to 3. Three qubits are rare: theirs is on the heap.
#[derive(Clone, Debug)]
pub struct Mat {
    pub k: usize,
    small: [C64; 16],
    large: Option<Box<[C64; 64]>>,
}

impl Mat {
    fn zero(k: usize) -> Mat {
        Mat { k, small: [O; 16], large: if k > 2 { Some(Box::new([O; 64])) } else { None } }
    }

    pub fn identity(k: usize) -> Mat {
        let mut out = Mat::zero(k);
        for r in 0..1 << k {
            out.m_mut()[(r << k) + r] = I;
        }
        out
    }

    fn of_rows(k: usize, rows: &[C64]) -> Mat {
        let mut out = Mat::zero(k);
        out.m_mut().copy_from_slice(rows);
        out
    }

    /// All entries.
    #[inline]
    pub fn m(&self) -> &[C64] {
        match &self.large {
            Some(large) => &large[..],
            None => &self.small[..1 << (2 * self.k)],
        }
    }

    #[inline]
    pub fn m_mut(&mut self) -> &mut [C64] {
        match &mut self.large {
            Some(large) => &mut large[..],
            None => &mut self.small[..1 << (2 * self.k)],
        }
    }

    #[inline]
    pub fn at(&self, r: usize, col: usize) -> C64 {
        self.m()[(r << self.k) + col]
    }

    #[inline]
    pub fn dim(&self) -> usize {
        1 << self.k
    }

    /// `self = gate * self`, the gate's bit b being bit `bits[b]` of this matrix.
    pub fn left(&mut self, gate: &Mat, bits: &[usize]) {
        match (gate.k, self.k) {
            (1, 1) => left_of::<2>(self.m_mut(), 2, gate.m(), bits),
            (1, 2) => left_of::<2>(self.m_mut(), 4, gate.m(), bits),
            (2, 2) => left_of::<4>(self.m_mut(), 4, gate.m(), bits),
            (1, _) => left_of::<2>(self.m_mut(), 8, gate.m(), bits),
            (2, _) => left_of::<4>(self.m_mut(), 8, gate.m(), bits),
            (3, _) => left_of::<8>(self.m_mut(), 8, gate.m(), bits),
            _ => {}
        }
    }

    /// `self = gate * self` for a gate whose LAST operand is bit `bits[0]`; no matrix is made where rows only move.
    pub fn left_gate(&mut self, kind: Kind, angles: &[f64], bits: &[usize]) {
        let k = self.k;
        match kind {
            Kind::Cnot | Kind::X => {
                let control = if kind == Kind::X { 0 } else { 1 << bits[1] };
                for r in (0..1usize << k).filter(|r| r & control == control && r >> bits[0] & 1 == 0) {
                    let (low, high) = self.m_mut().split_at_mut((r | 1 << bits[0]) << k);
                    low[r << k..][..1 << k].swap_with_slice(&mut high[..1 << k]);
                }
            }
            Kind::Z | Kind::Cz | Kind::Ccz => self.left_phase(c(-1.0, 0.0), bits),
            Kind::P | Kind::Cp => self.left_phase(C64::cis(angles[0]), bits),
            _ => self.left(&of_gate(kind, angles), bits),
        }
    }

    /// Multiplies the rows where all of `bits` are 1 with `z`: a phase gate from the left.
    pub fn left_phase(&mut self, z: C64, bits: &[usize]) {
        let k = self.k;
        for (r, row) in self.m_mut().chunks_exact_mut(1 << k).enumerate() {
            if bits.iter().all(|b| r >> b & 1 == 1) {
                row.iter_mut().for_each(|x| *x = *x * z);
            }
        }
    }

    /// Multiplies the columns where `bit` is 1 with `z`: a phase gate from the right.
    pub fn right_phase(&mut self, z: C64, bit: usize) {
        let k = self.k;
        for row in self.m_mut().chunks_exact_mut(1 << k) {
            for (_, x) in row.iter_mut().enumerate().filter(|(col, _)| col >> bit & 1 == 1) {
                *x = *x * z;
            }
        }
    }

    /// A gate on one qubit as `e^{i phase} P(after) R P(before)` with R real and P(a) = diag(1, e^{ia}):
    /// (R, before, after, phase). Neither R[0][0] nor R[0][1] may be 0.
    pub fn as_real(&self) -> Option<(Mat, f64, f64, f64)> {
        let [a, b, c, _] = *self.m() else { return None };
        if is_zero(a) || is_zero(b) || is_zero(c) {
            return None;
        }
        let phase = a.phase();
        let (before, after) = (b.phase() - phase, c.phase() - phase);
        let mut real = self.clone();
        real.left_phase(C64::cis(-after), &[0]);
        real.right_phase(C64::cis(-before), 0);
        for x in real.m_mut() {
            *x = *x * C64::cis(-phase);
        }
        if !real.m().iter().all(|x| x.im.abs() < 1e-12) {
            return None;
        }
        real.m_mut().iter_mut().for_each(|x| x.im = 0.0);
        Some((real, before, after, phase))
    }

    /// This matrix on the bits `bits` of a block of `k` qubits.
    pub fn embed(&self, k: usize, bits: &[usize]) -> Mat {
        let mut out = Mat::identity(k);
        out.left(self, bits);
        out
    }

    pub fn is_diagonal(&self) -> bool {
        let k = self.k;
        self.m().iter().enumerate().all(|(at, x)| at >> k == at & ((1 << k) - 1) || is_zero(*x))
    }

    pub fn is_real(&self) -> bool {
        self.m().iter().all(|x| x.im.abs() < ZERO)
    }

    /// Whether bit `b` is a control: nothing happens where it is 0.
    pub fn is_control(&self, b: usize) -> bool {
        let k = self.k;
        self.m().iter().enumerate().all(|(at, x)| {
            let (r, col) = (at >> k, at & ((1 << k) - 1));
            (r & col) >> b & 1 == 1 || is_zero(*x - if r == col { I } else { O })
        })
    }

    /// The part of this matrix where bit `b` is 1, without that bit.
    pub fn where_set(&self, b: usize) -> Mat {
        let mut out = Mat::zero(self.k - 1);
        let wide = |x: usize| (x >> b << (b + 1)) | 1 << b | (x & ((1 << b) - 1));
        for r in 0..out.dim() {
            for col in 0..out.dim() {
                let at = (r << out.k) + col;
                out.m_mut()[at] = self.at(wide(r), wide(col));
            }
        }
        out
    }

    pub fn dagger(&self) -> Mat {
        let mut out = self.clone();
        for r in 0..self.dim() {
            for col in 0..self.dim() {
                out.m_mut()[(r << self.k) + col] = self.at(col, r).conj();
            }
        }
        out
    }
}

/// `Mat::left` for a gate of `N` rows and a matrix of `dim`.
#[inline(always)]
fn left_of<const N: usize>(m: &mut [C64], dim: usize, gate: &[C64], bits: &[usize]) {
    let k = N.trailing_zeros() as usize;
    let mask: usize = bits[..k].iter().map(|b| 1 << b).sum();
    let place: [usize; N] =
        std::array::from_fn(|x| bits[..k].iter().enumerate().map(|(b, to)| (x >> b & 1) << to).sum::<usize>() * dim);
    let gate = &gate[..N * N];
    let m = &mut m[..dim * dim];
    for base in (0..dim).filter(|r| r & mask == 0) {
        for col in base * dim..(base + 1) * dim {
            let old: [C64; N] = std::array::from_fn(|x| m[col + place[x]]);
            for r in 0..N {
                let mut sum = gate[r * N] * old[0];
                for x in 1..N {
                    sum = sum + gate[r * N + x] * old[x];
                }
                m[col + place[r]] = sum;
            }
        }
    }
}

/// A gate on one qubit, row after row.
pub type Single = gates::One;

impl Mat {
    pub fn of_single(m: &Single) -> Mat {
        Mat::of_rows(1, m)
    }
}

/// `m` on bit 0 where all of `controls` more significant bits are 1.
fn controlled(m: Mat, controls: usize) -> Mat {
    let k = m.k + controls;
    let mut out = Mat::identity(k);
    let base = out.dim() - m.dim();
    for r in 0..m.dim() {
        for col in 0..m.dim() {
            out.m_mut()[((base + r) << k) + base + col] = m.at(r, col);
        }
    }
    out
}

/// The matrix of a gate, its LAST operand being bit 0; phases are exact at multiples of a quarter turn.
pub fn of_gate(kind: Kind, angles: &[f64]) -> Mat {
    match (kind.peeled(), kind.n_qubits()) {
        _ if !kind.is_gate() => Mat::identity(0),
        ((base, controls @ 1..), _) => controlled(of_gate(base, angles), controls),
        (_, 1) => Mat::of_rows(1, &gates::one_by(kind, angles, C64::cis)),
        _ => Mat::of_rows(2, &gates::two(kind, angles)),
    }
}

/// The angles of a diagonal matrix as a polynomial: `theta[S]` for the set of bits `S`, so that the phase of x is the
/// sum over all S contained in x. (The Moebius transform over subsets; `theta[0]` is a global phase.)
pub fn polynomial(diagonal: &[C64], k: usize) -> [f64; 8] {
    let mut theta = [0.0; 8];
    for (slot, z) in theta.iter_mut().zip(diagonal) {
        *slot = z.phase();
    }
    for b in 0..k {
        for x in 0..1 << k {
            if x >> b & 1 == 1 {
                theta[x] -= theta[x ^ 1 << b];
            }
        }
    }
    theta
}

/// Whether the matrix is real at all angles.
pub fn always_real(kind: Kind) -> bool {
    use Kind::*;
    matches!(kind, Id | X | Z | H | Ry | Cnot | Cz | Ch | Swap | Cry | Toffoli | Ccz | Cswap)
}

/// Whether a gate's matrix is real (up to nothing: a global phase counts).
pub fn is_real(kind: Kind, angles: &[f64]) -> bool {
    use Kind::*;
    let half_turn = |angle: f64| C64::cis(angle).im == 0.0;
    match kind {
        kind if always_real(kind) => true,
        P | Cp => half_turn(angles[0]),
        Rx | Rz | Crx | Crz | Rxx | Ryy | Rzz => half_turn(angles[0] / 2.0) && !matches!(kind, Rx | Crx | Rxx | Ryy),
        U => half_turn(angles[1]) && half_turn(angles[2]),
        _ => !kind.is_gate(),
    }
}
