//! One state for every shot of a batch, all side by side: amplitude b of all shots is one row of real parts and one
//! of imaginary parts, so that every operation is a loop over shots.

use super::kernels::{odd, spread, Amplitudes};
use super::simd::{mul, simd};
use crate::frame::plan::Local;

#[derive(Clone)]
pub struct Lanes {
    pub qubits: u32,
    /// Shots, a multiple of 64.
    pub lanes: usize,
    /// Row b: `lanes` real parts, then `lanes` imaginary parts, each with a gap behind it: rows whose addresses differ
    /// by a multiple of a page would stand in each other's way.
    data: Vec<f32>,
}

/// Numbers between two rows.
const GAP: usize = 16;

/// What a lane's state is multiplied with: one factor for all, or one for each.
#[derive(Clone, Copy)]
pub enum Factor<'a> {
    All(f32),
    Each(&'a [f32]),
}

/// Two rows, the first of lower number.
type Pair<'a> = ([&'a mut [f32]; 2], [&'a mut [f32]; 2]);

/// i^power (-1)^|from & z| as (whether it is imaginary, its sign).
#[inline]
pub fn factor(p: &Local, from: u64) -> (bool, f32) {
    let turns = (p.power as u32 + 2 * odd(from & p.z) as u32) & 3;
    (turns & 1 == 1, if turns < 2 { 1.0 } else { -1.0 })
}

simd! {
    /// re, im times c plus other times the real number s.
    fn add_real(re: &mut [f32], im: &mut [f32], ore: &mut [f32], oim: &mut [f32], c: f32, s: f32, t: f32) {
        let n = re.len();
        let (im, ore, oim) = (&mut im[..n], &mut ore[..n], &mut oim[..n]);
        for l in 0..n {
            let (a, b, d, e) = (re[l], im[l], ore[l], oim[l]);
            re[l] = mul::<F>(c, a, s * d);
            im[l] = mul::<F>(c, b, s * e);
            ore[l] = mul::<F>(c, d, t * a);
            oim[l] = mul::<F>(c, e, t * b);
        }
    }
}

simd! {
    /// re, im times c plus other times -i s.
    fn add_imaginary(re: &mut [f32], im: &mut [f32], ore: &mut [f32], oim: &mut [f32], c: f32, s: f32, t: f32) {
        let n = re.len();
        let (im, ore, oim) = (&mut im[..n], &mut ore[..n], &mut oim[..n]);
        for l in 0..n {
            let (a, b, d, e) = (re[l], im[l], ore[l], oim[l]);
            re[l] = mul::<F>(c, a, s * e);
            im[l] = mul::<F>(c, b, -s * d);
            ore[l] = mul::<F>(c, d, t * b);
            oim[l] = mul::<F>(c, e, -t * a);
        }
    }
}

simd! {
    fn add_real_each(
        re: &mut [f32], im: &mut [f32], ore: &mut [f32], oim: &mut [f32], c: &[f32], g: &[f32], s: f32, t: f32,
    ) {
        let n = re.len();
        let (im, ore, oim, c, g) = (&mut im[..n], &mut ore[..n], &mut oim[..n], &c[..n], &g[..n]);
        for l in 0..n {
            let (a, b, d, e) = (re[l], im[l], ore[l], oim[l]);
            let (s, t) = (s * g[l], t * g[l]);
            re[l] = mul::<F>(c[l], a, s * d);
            im[l] = mul::<F>(c[l], b, s * e);
            ore[l] = mul::<F>(c[l], d, t * a);
            oim[l] = mul::<F>(c[l], e, t * b);
        }
    }
}

simd! {
    fn add_imaginary_each(
        re: &mut [f32], im: &mut [f32], ore: &mut [f32], oim: &mut [f32], c: &[f32], g: &[f32], s: f32, t: f32,
    ) {
        let n = re.len();
        let (im, ore, oim, c, g) = (&mut im[..n], &mut ore[..n], &mut oim[..n], &c[..n], &g[..n]);
        for l in 0..n {
            let (a, b, d, e) = (re[l], im[l], ore[l], oim[l]);
            let (s, t) = (s * g[l], t * g[l]);
            re[l] = mul::<F>(c[l], a, s * e);
            im[l] = mul::<F>(c[l], b, -s * d);
            ore[l] = mul::<F>(c[l], d, t * b);
            oim[l] = mul::<F>(c[l], e, -t * a);
        }
    }
}

simd! {
    /// re, im times c - i s.
    fn scale_one(re: &mut [f32], im: &mut [f32], c: f32, s: f32) {
        let n = re.len();
        let im = &mut im[..n];
        for l in 0..n {
            let (a, b) = (re[l], im[l]);
            re[l] = mul::<F>(c, a, s * b);
            im[l] = mul::<F>(c, b, -s * a);
        }
    }
}

simd! {
    fn scale_each(re: &mut [f32], im: &mut [f32], c: &[f32], g: &[f32], s: f32) {
        let n = re.len();
        let (im, c, g) = (&mut im[..n], &c[..n], &g[..n]);
        for l in 0..n {
            let (a, b, s) = (re[l], im[l], s * g[l]);
            re[l] = mul::<F>(c[l], a, s * b);
            im[l] = mul::<F>(c[l], b, -s * a);
        }
    }
}

simd! {
    /// Adds |a + f b|^2 / 2 and |a - f b|^2 / 2, f real or imaginary by `turned`.
    fn weigh_pair(
        re: &[f32], im: &[f32], ore: &[f32], oim: &[f32], f: f32, turned: bool, zero: &mut [f32], one: &mut [f32],
    ) {
        let n = re.len();
        let (im, ore, oim) = (&im[..n], &ore[..n], &oim[..n]);
        let (zero, one) = (&mut zero[..n], &mut one[..n]);
        let h = 0.5f32;
        if turned {
            for l in 0..n {
                let (pr, pi) = (-f * oim[l], f * ore[l]);
                let (a, b, c, d) = (re[l] + pr, im[l] + pi, re[l] - pr, im[l] - pi);
                zero[l] = mul::<F>(h, mul::<F>(a, a, b * b), zero[l]);
                one[l] = mul::<F>(h, mul::<F>(c, c, d * d), one[l]);
            }
        } else {
            for l in 0..n {
                let (pr, pi) = (f * ore[l], f * oim[l]);
                let (a, b, c, d) = (re[l] + pr, im[l] + pi, re[l] - pr, im[l] - pi);
                zero[l] = mul::<F>(h, mul::<F>(a, a, b * b), zero[l]);
                one[l] = mul::<F>(h, mul::<F>(c, c, d * d), one[l]);
            }
        }
    }
}

simd! {
    fn weigh(re: &[f32], im: &[f32], sum: &mut [f32]) {
        let n = re.len();
        let (im, sum) = (&im[..n], &mut sum[..n]);
        for l in 0..n {
            sum[l] = mul::<F>(re[l], re[l], mul::<F>(im[l], im[l], sum[l]));
        }
    }
}

simd! {
    /// Where the running sum of weights has not passed `mark`, the index is a later one.
    pub fn advance(re: &[f32], im: &[f32], sum: &mut [f32], mark: &[f32], index: &mut [u32]) {
        let n = re.len();
        let (im, sum, mark, index) = (&im[..n], &mut sum[..n], &mark[..n], &mut index[..n]);
        for l in 0..n {
            sum[l] = mul::<F>(re[l], re[l], mul::<F>(im[l], im[l], sum[l]));
            index[l] += (sum[l] <= mark[l]) as u32;
        }
    }
}

simd! {
    /// a = scale * a + f * other, f each lane's.
    fn combine(a: &mut [f32], other: &[f32], scale: &[f32], f: &[f32], sign: f32) {
        let n = a.len();
        let (other, scale, f) = (&other[..n], &scale[..n], &f[..n]);
        for l in 0..n {
            a[l] = mul::<F>(scale[l], a[l], sign * f[l] * other[l]);
        }
    }
}

/// The real and the imaginary parts of the first row of `data`.
#[inline]
fn halves(data: &mut [f32], lanes: usize, stride: usize) -> (&mut [f32], &mut [f32]) {
    let (re, im) = data.split_at_mut(stride);
    (&mut re[..lanes], &mut im[..lanes])
}

impl Lanes {
    fn zeros(qubits: u32, lanes: usize) -> Lanes {
        Lanes { qubits, lanes, data: vec![0.0; (2 * (lanes + GAP)) << qubits] }
    }

    fn stride(&self) -> usize {
        self.lanes + GAP
    }

    /// Every lane's own copy of the state of its group.
    pub fn gather(states: &[&Amplitudes], of_lane: &[u32]) -> Lanes {
        let size = states[0].re.len();
        let mut made = Lanes::zeros(size.trailing_zeros(), of_lane.len());
        let stride = made.stride();
        for start in (0..size).step_by(8) {
            let count = 8.min(size - start);
            for (part, offset) in [(0, 0), (1, stride)] {
                for (l, &group) in of_lane.iter().enumerate() {
                    let state = states[group as usize];
                    let from = if part == 0 { &state.re } else { &state.im };
                    for (k, &value) in from[start..start + count].iter().enumerate() {
                        made.data[(start + k) * 2 * stride + offset + l] = value;
                    }
                }
            }
        }
        made
    }

    /// Lanes `from..to`.
    pub fn slice(&self, from: usize, to: usize) -> Lanes {
        let mut made = Lanes::zeros(self.qubits, to - from);
        for b in 0..self.size() {
            let ((re, im), (to_re, to_im)) = (self.row(b), made.row_mut(b));
            to_re.copy_from_slice(&re[from..to]);
            to_im.copy_from_slice(&im[from..to]);
        }
        made
    }

    pub fn bytes(&self) -> u64 {
        4 * self.data.len() as u64
    }

    pub fn size(&self) -> u64 {
        1 << self.qubits
    }

    #[inline]
    pub fn row(&self, b: u64) -> (&[f32], &[f32]) {
        let (at, stride, n) = (b as usize * 2 * self.stride(), self.stride(), self.lanes);
        (&self.data[at..at + n], &self.data[at + stride..at + stride + n])
    }

    #[inline]
    fn row_mut(&mut self, b: u64) -> (&mut [f32], &mut [f32]) {
        let stride = self.stride();
        halves(&mut self.data[b as usize * 2 * stride..], self.lanes, stride)
    }

    /// Rows a < b.
    #[inline]
    fn pair(&mut self, a: u64, b: u64) -> Pair<'_> {
        let (stride, n) = (self.stride(), self.lanes);
        let (low, high) = self.data.split_at_mut(b as usize * 2 * stride);
        let (re, im) = halves(&mut low[a as usize * 2 * stride..], n, stride);
        let (ore, oim) = halves(high, n, stride);
        ([re, im], [ore, oim])
    }

    /// exp(-i angle/2 P), cos and sin of angle/2: of all lanes, or each lane's.
    pub fn turn(&mut self, p: &Local, cos: Factor, sin: Factor) {
        if p.x == 0 {
            for b in 0..self.size() {
                let f = factor(p, b).1;
                let (re, im) = self.row_mut(b);
                match (cos, sin) {
                    (Factor::Each(c), Factor::Each(g)) => scale_each(re, im, c, g, f),
                    (Factor::All(c), Factor::All(s)) => scale_one(re, im, c, f * s),
                    _ => {}
                }
            }
            return;
        }
        let pivot = 63 - p.x.leading_zeros();
        for at in 0..self.size() / 2 {
            let b = spread(at, pivot);
            // -i sin times the factor of the other row: imaginary factors make it real
            let ((turned, f), (_, g)) = (factor(p, b ^ p.x), factor(p, b));
            let ([re, im], [ore, oim]) = self.pair(b, b ^ p.x);
            match (cos, sin, turned) {
                (Factor::All(c), Factor::All(s), true) => add_real(re, im, ore, oim, c, f * s, g * s),
                (Factor::All(c), Factor::All(s), false) => add_imaginary(re, im, ore, oim, c, f * s, g * s),
                (Factor::Each(c), Factor::Each(s), true) => add_real_each(re, im, ore, oim, c, s, f, g),
                (Factor::Each(c), Factor::Each(s), false) => add_imaginary_each(re, im, ore, oim, c, s, f, g),
                _ => {}
            }
        }
    }

    /// (Z_pivot + P)/sqrt 2, where P moves the pivot.
    pub fn swap(&mut self, p: &Local, pivot: u32) {
        let r = std::f32::consts::FRAC_1_SQRT_2;
        for at in 0..self.size() / 2 {
            let b = spread(at, pivot);
            let ((turned, f), (_, g)) = (factor(p, b ^ p.x), factor(p, b));
            let ([re, im], [ore, oim]) = self.pair(b, b ^ p.x);
            for l in 0..re.len() {
                let (x, y, d, e) = (re[l], im[l], ore[l], oim[l]);
                let (pr, pi) = if turned { (-f * e, f * d) } else { (f * d, f * e) };
                let (qr, qi) = if turned { (-g * y, g * x) } else { (g * x, g * y) };
                re[l] = r * (x + pr);
                im[l] = r * (y + pi);
                ore[l] = r * (qr - d);
                oim[l] = r * (qi - e);
            }
        }
    }

    /// Each lane's weights of P = 1 and P = -1.
    pub fn chances(&self, p: &Local) -> (Vec<f32>, Vec<f32>) {
        let (mut zero, mut one) = (vec![0f32; self.lanes], vec![0f32; self.lanes]);
        if p.x == 0 {
            for b in 0..self.size() {
                let (re, im) = self.row(b);
                weigh(re, im, if factor(p, b).1 > 0.0 { &mut zero } else { &mut one });
            }
            return (zero, one);
        }
        let pivot = 63 - p.x.leading_zeros();
        for at in 0..self.size() / 2 {
            let b = spread(at, pivot);
            let (turned, f) = factor(p, b ^ p.x);
            let ((re, im), (ore, oim)) = (self.row(b), self.row(b ^ p.x));
            weigh_pair(re, im, ore, oim, f, turned, &mut zero, &mut one);
        }
        (zero, one)
    }

    /// Drops the pivot of P after outcomes `ones` (1 or 0) of weights `chance`, in place: row c comes from rows that
    /// are not before it. The pivot is the highest bit that P moves, or if it moves none, touches.
    pub fn project(&mut self, p: &Local, pivot: u32, ones: &[f32], chance: &[f32]) {
        let half = self.size() / 2;
        if p.x == 0 {
            let scale: Vec<f32> = chance.iter().map(|&w| 1.0 / w.sqrt()).collect();
            let (mut zero, mut one) = (scale.clone(), scale);
            zero.iter_mut().zip(ones).for_each(|(z, o)| *z *= 1.0 - o);
            one.iter_mut().zip(ones).for_each(|(z, o)| *z *= o);
            for c in 0..half {
                let b = spread(c, pivot);
                let (keep, take) = if odd(b & p.z) != (p.power == 2) { (&one, &zero) } else { (&zero, &one) };
                let ([re, im], [ore, oim]) = self.pair(b, b | 1 << pivot);
                combine(re, ore, keep, take, 1.0);
                combine(im, oim, keep, take, 1.0);
                self.move_row(b, c);
            }
        } else {
            let scale: Vec<f32> = chance.iter().map(|&w| 1.0 / (2.0 * w).sqrt()).collect();
            let signed: Vec<f32> = scale.iter().zip(ones).map(|(&s, &o)| s * (1.0 - 2.0 * o)).collect();
            for c in 0..half {
                let b = spread(c, pivot);
                let (turned, f) = factor(p, b ^ p.x);
                let ([re, im], [ore, oim]) = self.pair(b, b ^ p.x);
                let (pr, pi, sr) = if turned { (oim, ore, -f) } else { (ore, oim, f) };
                combine(re, pr, &scale, &signed, sr);
                combine(im, pi, &scale, &signed, f);
                self.move_row(b, c);
            }
        }
        self.qubits -= 1;
        self.data.truncate((2 * self.stride()) << self.qubits);
    }

    fn move_row(&mut self, from: u64, to: u64) {
        if from != to {
            let length = 2 * self.stride();
            let at = from as usize * length;
            self.data.copy_within(at..at + length, to as usize * length);
        }
    }

    /// Keeps `kept` of every amplitude and adds `added` of its image under P.
    pub fn blend(&mut self, p: &Local, kept: &[f32], added: &[f32]) {
        let before = self.clone();
        for b in 0..self.size() {
            let (turned, f) = factor(p, b ^ p.x);
            let ((ore, oim), (re, im)) = (before.row(b ^ p.x), self.row_mut(b));
            let (pr, pi, sr) = if turned { (oim, ore, -f) } else { (ore, oim, f) };
            combine(re, pr, kept, added, sr);
            combine(im, pi, kept, added, f);
        }
    }

    /// Both states, `high` in the higher bits, the same for all lanes.
    pub fn extend(&mut self, high: &Amplitudes) {
        let low = self.data.len();
        let size = self.size();
        self.data.resize(low * high.re.len(), 0.0);
        for (h, (&c, &s)) in high.re.iter().zip(&high.im).enumerate().rev() {
            self.data.copy_within(..low, h * low);
            for b in 0..size {
                let (re, im) = self.row_mut(h as u64 * size + b);
                scale_one(re, im, c, -s);
            }
        }
        self.qubits += high.re.len().trailing_zeros();
    }

    /// Both states, `high` in the higher bits.
    pub fn product(&self, high: &Lanes) -> Lanes {
        let mut out = Lanes::zeros(self.qubits + high.qubits, self.lanes);
        for h in 0..high.size() {
            let (c, d) = high.row(h);
            for b in 0..self.size() {
                let ((x, y), (re, im)) = (self.row(b), out.row_mut(h * self.size() + b));
                for l in 0..re.len() {
                    re[l] = x[l] * c[l] - y[l] * d[l];
                    im[l] = x[l] * d[l] + y[l] * c[l];
                }
            }
        }
        out
    }
}
