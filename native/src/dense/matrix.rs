//! Matrices of gates and of blocks of gates, up to three qubits, in f64.
//!
//! Bit b of a row or column number belongs to the b-th qubit of the block. (A gate of a `Circuit` names its most
//! significant qubit first: `of_gate` turns the order.)

use crate::circuit::Kind;

/// What counts as zero in a product of unitary matrices: rounding stays far below, and dropping it changes no sample.
pub const ZERO: f64 = 1e-13;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct C64 {
    pub re: f64,
    pub im: f64,
}

pub const fn c(re: f64, im: f64) -> C64 {
    C64 { re, im }
}

const O: C64 = c(0.0, 0.0);
const I: C64 = c(1.0, 0.0);

impl C64 {
    /// `e^{i angle}`; exact at multiples of a quarter turn.
    pub fn cis(angle: f64) -> C64 {
        let quarter = angle * std::f64::consts::FRAC_2_PI;
        let whole = quarter.round();
        if (quarter - whole).abs() < 1e-14 && whole.abs() < 1e9 {
            return [c(1.0, 0.0), c(0.0, 1.0), c(-1.0, 0.0), c(0.0, -1.0)][(whole as i64).rem_euclid(4) as usize];
        }
        let (im, re) = angle.sin_cos();
        c(re, im)
    }

    #[inline(always)]
    pub fn mul(self, b: C64) -> C64 {
        c(self.re * b.re - self.im * b.im, self.re * b.im + self.im * b.re)
    }

    #[inline(always)]
    pub fn add(self, b: C64) -> C64 {
        c(self.re + b.re, self.im + b.im)
    }

    pub fn conj(self) -> C64 {
        c(self.re, -self.im)
    }

    pub fn scale(self, by: f64) -> C64 {
        c(self.re * by, self.im * by)
    }

    pub fn norm(self) -> f64 {
        self.re * self.re + self.im * self.im
    }

    pub fn is_zero(self) -> bool {
        self.norm() < ZERO * ZERO
    }

    pub fn is_near(self, b: C64) -> bool {
        c(self.re - b.re, self.im - b.im).is_zero()
    }
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

    fn from_rows<const N: usize>(k: usize, rows: [[C64; N]; N]) -> Mat {
        let mut out = Mat::zero(k);
        for (r, row) in rows.iter().enumerate() {
            out.m_mut()[r << k..][..N].copy_from_slice(row);
        }
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
                row.iter_mut().for_each(|x| *x = x.mul(z));
            }
        }
    }

    /// Multiplies the columns where `bit` is 1 with `z`: a phase gate from the right.
    pub fn right_phase(&mut self, z: C64, bit: usize) {
        let k = self.k;
        for row in self.m_mut().chunks_exact_mut(1 << k) {
            for (_, x) in row.iter_mut().enumerate().filter(|(col, _)| col >> bit & 1 == 1) {
                *x = x.mul(z);
            }
        }
    }

    /// A gate on one qubit as `e^{i phase} P(after) R P(before)` with R real and P(a) = diag(1, e^{ia}):
    /// (R, before, after, phase). Neither R[0][0] nor R[0][1] may be 0.
    pub fn as_real(&self) -> Option<(Mat, f64, f64, f64)> {
        let [a, b, c, _] = *self.m() else { return None };
        if a.is_zero() || b.is_zero() || c.is_zero() {
            return None;
        }
        let angle = |z: C64| z.im.atan2(z.re);
        let phase = angle(a);
        let (before, after) = (angle(b) - phase, angle(c) - phase);
        let mut real = self.clone();
        real.left_phase(C64::cis(-after), &[0]);
        real.right_phase(C64::cis(-before), 0);
        for x in real.m_mut() {
            *x = x.mul(C64::cis(-phase));
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
        self.m().iter().enumerate().all(|(at, x)| at >> k == at & ((1 << k) - 1) || x.is_zero())
    }

    pub fn is_real(&self) -> bool {
        self.m().iter().all(|x| x.im.abs() < ZERO)
    }

    /// Whether bit `b` is a control: nothing happens where it is 0.
    pub fn is_control(&self, b: usize) -> bool {
        let k = self.k;
        self.m().iter().enumerate().all(|(at, x)| {
            let (r, col) = (at >> k, at & ((1 << k) - 1));
            (r & col) >> b & 1 == 1 || x.is_near(if r == col { I } else { O })
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
                let mut sum = gate[r * N].mul(old[0]);
                for x in 1..N {
                    sum = sum.add(gate[r * N + x].mul(old[x]));
                }
                m[col + place[r]] = sum;
            }
        }
    }
}

fn one(m: [[C64; 2]; 2]) -> Mat {
    Mat::from_rows(1, m)
}

/// A gate on one qubit, row after row.
pub type Single = [C64; 4];

impl Mat {
    pub fn of_single(m: &Single) -> Mat {
        one([[m[0], m[1]], [m[2], m[3]]])
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

fn rx(theta: f64) -> Mat {
    let (s, co) = (theta / 2.0).sin_cos();
    one([[c(co, 0.0), c(0.0, -s)], [c(0.0, -s), c(co, 0.0)]])
}

fn ry(theta: f64) -> Mat {
    let (s, co) = (theta / 2.0).sin_cos();
    one([[c(co, 0.0), c(-s, 0.0)], [c(s, 0.0), c(co, 0.0)]])
}

fn diagonal2(a: C64, b: C64) -> Mat {
    one([[a, O], [O, b]])
}

/// `exp(-i theta/2 P P)`; `flip` is the sign of the corners (1 for XX, -1 for YY).
fn pair_rotation(theta: f64, flip: f64) -> Mat {
    let (s, co) = (theta / 2.0).sin_cos();
    let (d, near, far) = (c(co, 0.0), c(0.0, -s), c(0.0, -s * flip));
    Mat::from_rows(2, [[d, O, O, far], [O, d, near, O], [O, near, d, O], [far, O, O, d]])
}

/// The matrix of a gate, its LAST operand being bit 0.
pub fn of_gate(kind: Kind, angles: &[f64]) -> Mat {
    use Kind::*;
    let h = std::f64::consts::FRAC_1_SQRT_2;
    let swap_with = |z: C64| Mat::from_rows(2, [[I, O, O, O], [O, O, z, O], [O, z, O, O], [O, O, O, I]]);
    if let (base, controls @ 1..) = kind.peeled() {
        return controlled(of_gate(base, angles), controls);
    }
    match kind {
        X => one([[O, I], [I, O]]),
        Y => one([[O, c(0.0, -1.0)], [c(0.0, 1.0), O]]),
        Z => diagonal2(I, c(-1.0, 0.0)),
        H => one([[c(h, 0.0), c(h, 0.0)], [c(h, 0.0), c(-h, 0.0)]]),
        S => diagonal2(I, c(0.0, 1.0)),
        Sdg => diagonal2(I, c(0.0, -1.0)),
        Sx => one([[c(0.5, 0.5), c(0.5, -0.5)], [c(0.5, -0.5), c(0.5, 0.5)]]),
        Sxdg => one([[c(0.5, -0.5), c(0.5, 0.5)], [c(0.5, 0.5), c(0.5, -0.5)]]),
        T => diagonal2(I, c(h, h)),
        Tdg => diagonal2(I, c(h, -h)),
        Rx => rx(angles[0]),
        Ry => ry(angles[0]),
        Rz => diagonal2(C64::cis(-angles[0] / 2.0), C64::cis(angles[0] / 2.0)),
        P => diagonal2(I, C64::cis(angles[0])),
        U => {
            let (s, co) = (angles[0] / 2.0).sin_cos();
            let (phi, lam) = (C64::cis(angles[1]), C64::cis(angles[2]));
            one([[c(co, 0.0), lam.scale(-s)], [phi.scale(s), phi.mul(lam).scale(co)]])
        }
        Swap => swap_with(I),
        Iswap => swap_with(c(0.0, 1.0)),
        Iswapdg => swap_with(c(0.0, -1.0)),
        Rxx => pair_rotation(angles[0], 1.0),
        Ryy => pair_rotation(angles[0], -1.0),
        Rzz => {
            let (same, other) = (C64::cis(-angles[0] / 2.0), C64::cis(angles[0] / 2.0));
            Mat::from_rows(2, [[same, O, O, O], [O, other, O, O], [O, O, other, O], [O, O, O, same]])
        }
        Id => Mat::identity(1),
        _ => Mat::identity(0),
    }
}

/// The angles of a diagonal matrix as a polynomial: `theta[S]` for the set of bits `S`, so that the phase of x is the
/// sum over all S contained in x. (The Moebius transform over subsets; `theta[0]` is a global phase.)
pub fn polynomial(diagonal: &[C64], k: usize) -> [f64; 8] {
    let mut theta = [0.0; 8];
    for (slot, z) in theta.iter_mut().zip(diagonal) {
        *slot = z.im.atan2(z.re);
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
