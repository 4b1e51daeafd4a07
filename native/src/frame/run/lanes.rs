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
    /// Row b: `lanes` real parts, then `lanes` imaginary parts.
    pub data: Vec<f32>,
}

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
    /// to = scale * (one where pick is 1, zero where it is 0).
    fn select(to: &mut [f32], zero: &[f32], one: &[f32], pick: &[f32], scale: &[f32]) {
        let n = to.len();
        let (zero, one, pick, scale) = (&zero[..n], &one[..n], &pick[..n], &scale[..n]);
        for l in 0..n {
            to[l] = scale[l] * if pick[l] > 0.5 { one[l] } else { zero[l] };
        }
    }
}

simd! {
    /// to = scale * a + f * other, f each lane's.
    fn combine(to: &mut [f32], a: &[f32], other: &[f32], scale: &[f32], f: &[f32], sign: f32) {
        let n = to.len();
        let (a, other, scale, f) = (&a[..n], &other[..n], &scale[..n], &f[..n]);
        for l in 0..n {
            to[l] = mul::<F>(scale[l], a[l], sign * f[l] * other[l]);
        }
    }
}

impl Lanes {
    /// Every lane's own copy of the state of its group.
    pub fn gather(states: &[&Amplitudes], of_lane: &[u32]) -> Lanes {
        let (lanes, size) = (of_lane.len(), states[0].re.len());
        let mut data = vec![0f32; 2 * lanes * size];
        for (b, row) in data.chunks_exact_mut(2 * lanes).enumerate() {
            let (re, im) = row.split_at_mut(lanes);
            for (l, &group) in of_lane.iter().enumerate() {
                re[l] = states[group as usize].re[b];
                im[l] = states[group as usize].im[b];
            }
        }
        Lanes { qubits: size.trailing_zeros(), lanes, data }
    }

    /// Lanes `from..to`.
    pub fn slice(&self, from: usize, to: usize) -> Lanes {
        let rows = self.data.chunks_exact(self.lanes).flat_map(|row| &row[from..to]);
        Lanes { qubits: self.qubits, lanes: to - from, data: rows.copied().collect() }
    }

    pub fn bytes(&self) -> u64 {
        4 * self.data.len() as u64
    }

    pub fn size(&self) -> u64 {
        1 << self.qubits
    }

    #[inline]
    pub fn row(&self, b: u64) -> (&[f32], &[f32]) {
        let at = b as usize * 2 * self.lanes;
        self.data[at..at + 2 * self.lanes].split_at(self.lanes)
    }

    #[inline]
    fn row_mut(&mut self, b: u64) -> (&mut [f32], &mut [f32]) {
        let at = b as usize * 2 * self.lanes;
        self.data[at..at + 2 * self.lanes].split_at_mut(self.lanes)
    }

    /// Rows a < b.
    #[inline]
    fn pair(&mut self, a: u64, b: u64) -> Pair<'_> {
        let (from, to, n) = (a as usize * 2 * self.lanes, b as usize * 2 * self.lanes, self.lanes);
        let (low, high) = self.data.split_at_mut(to);
        let (re, im) = low[from..from + 2 * n].split_at_mut(n);
        let (ore, oim) = high[..2 * n].split_at_mut(n);
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
    /// are not before it.
    pub fn project(&mut self, p: &Local, pivot: u32, ones: &[f32], chance: &[f32]) {
        let n = self.lanes;
        let half = self.size() / 2;
        let mut row = vec![0f32; 2 * n];
        if p.x == 0 {
            let scale: Vec<f32> = chance.iter().map(|&w| 1.0 / w.sqrt()).collect();
            let none: Vec<f32> = ones.iter().map(|&o| 1.0 - o).collect();
            for c in 0..half {
                let b = spread(c, pivot);
                let pick = if odd(b & p.z) != (p.power == 2) { &none } else { ones };
                let ((re, im), (ore, oim)) = (self.row(b), self.row(b | 1 << pivot));
                select(&mut row[..n], re, ore, pick, &scale);
                select(&mut row[n..], im, oim, pick, &scale);
                self.data[c as usize * 2 * n..(c as usize + 1) * 2 * n].copy_from_slice(&row);
            }
        } else {
            let scale: Vec<f32> = chance.iter().map(|&w| 1.0 / (2.0 * w).sqrt()).collect();
            let signed: Vec<f32> = scale.iter().zip(ones).map(|(&s, &o)| s * (1.0 - 2.0 * o)).collect();
            for c in 0..half {
                let b = spread(c, pivot);
                let (turned, f) = factor(p, b ^ p.x);
                let ((re, im), (ore, oim)) = (self.row(b), self.row(b ^ p.x));
                let (pr, pi, sr) = if turned { (oim, ore, -f) } else { (ore, oim, f) };
                combine(&mut row[..n], re, pr, &scale, &signed, sr);
                combine(&mut row[n..], im, pi, &scale, &signed, f);
                self.data[c as usize * 2 * n..(c as usize + 1) * 2 * n].copy_from_slice(&row);
            }
        }
        self.data.truncate(half as usize * 2 * n);
        self.qubits -= 1;
    }

    /// Keeps `kept` of every amplitude and adds `added` of its image under P.
    pub fn blend(&mut self, p: &Local, kept: &[f32], added: &[f32]) {
        let before = self.clone();
        for b in 0..self.size() {
            let (turned, f) = factor(p, b ^ p.x);
            let ((re, im), (ore, oim)) = (before.row(b), before.row(b ^ p.x));
            let (pr, pi, sr) = if turned { (oim, ore, -f) } else { (ore, oim, f) };
            let (to_re, to_im) = self.row_mut(b);
            combine(to_re, re, pr, kept, added, sr);
            combine(to_im, im, pi, kept, added, f);
        }
    }

    /// Both states, `high` in the higher bits, the same for all lanes.
    pub fn extend(&mut self, high: &Amplitudes) {
        let (n, size) = (self.lanes, self.size());
        let low = std::mem::take(&mut self.data);
        self.data.reserve_exact(low.len() * high.re.len());
        for (&c, &s) in high.re.iter().zip(&high.im) {
            self.data.extend_from_slice(&low);
            let from = self.data.len() - low.len();
            for row in self.data[from..].chunks_exact_mut(2 * n) {
                let (re, im) = row.split_at_mut(n);
                scale_one(re, im, c, -s);
            }
        }
        self.qubits = (size * high.re.len() as u64).trailing_zeros();
    }

    /// Both states, `high` in the higher bits.
    pub fn product(&self, high: &Lanes) -> Lanes {
        let n = self.lanes;
        let mut out = Lanes { qubits: self.qubits + high.qubits, lanes: n, data: Vec::new() };
        out.data.reserve_exact((2 * n) << out.qubits);
        for h in 0..high.size() {
            let (c, d) = high.row(h);
            for b in 0..self.size() {
                let (x, y) = self.row(b);
                out.data.extend((0..n).map(|l| x[l] * c[l] - y[l] * d[l]));
                out.data.extend((0..n).map(|l| x[l] * d[l] + y[l] * c[l]));
            }
        }
        out
    }
}
