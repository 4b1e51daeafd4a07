//! Grid points: elements u of Z[omega] with u / sqrt 2^k near a point of the unit circle and its conjugate in the disk.
//!
//! The region of Ross and Selinger (arXiv:1403.2975): a sliver of height eps^2/2 and width 2 eps, times the unit disk.
//! Seen in four dimensions it is convex, so a reduced lattice basis takes the place of their grid operators: it is the
//! same for all k, and the points in a ball around the sliver are listed (Fincke and Pohst, 1985) and tested one by one.
//! Coordinates along the sliver's height need more digits than an f64 has: they are integers in units of 2^-`POINT`.

use super::ring::{Complex, Real};

const POINT: i32 = 90;

/// sqrt 2 and its half, to twice the digits of an f64.
const ROOT: (f64, f64) = (std::f64::consts::SQRT_2, -9.667_293_313_452_913e-17);

/// Rounds to the nearest combination: three are enough for 1e-12.
const ROUNDS: u32 = 6;

pub struct Grid {
    epsilon: f64,
    /// Of 1, omega, omega^2 and omega^3: the part along the target and the part across it.
    along: [i128; 4],
    across: [i128; 4],
    basis: [Complex; 4],
    /// In units of the region's half axes, and what Gram and Schmidt make of them.
    rows: [[f64; 4]; 4],
    ortho: Ortho,
}

struct Ortho {
    vectors: [[f64; 4]; 4],
    squares: [f64; 4],
    mu: [[f64; 4]; 4],
}

/// A grid point, and the operator norm of the error of the rotation that it is the corner of.
pub struct Candidate {
    pub u: Complex,
    /// What the absolute square of the other corner must be.
    pub left: Real,
    pub error: f64,
}

fn dot(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    (0..4).map(|k| a[k] * b[k]).sum()
}

/// A number of twice the digits in units of 2^-POINT.
fn fixed((high, low): (f64, f64)) -> i128 {
    let unit = 2f64.powi(POINT);
    (high * unit) as i128 + (low * unit) as i128
}

/// The product of numbers of twice the digits.
fn product(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let high = a.0 * b.0;
    (high, a.0.mul_add(b.0, -high) + (a.0 * b.1 + a.1 * b.0))
}

fn sum(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let high = a.0 + b.0;
    let part = high - a.0;
    (high, (a.0 - (high - part)) + (b.0 - part) + a.1 + b.1)
}

fn float(fixed: i128) -> f64 {
    fixed as f64 * 2f64.powi(-POINT)
}

impl Grid {
    /// `angle` in radians: the target is e^{-i angle/2}.
    pub fn new(angle: f64, epsilon: f64) -> Grid {
        let (sin, cos) = (-angle / 2.0).sin_cos();
        // On the circle to more digits than an f64 has: the height of the sliver is far below its last bit.
        let (cc, ss) = (product((cos, 0.0), (cos, 0.0)), product((sin, 0.0), (sin, 0.0)));
        let over = sum(sum(cc, ss), (-1.0, 0.0));
        let long = (over.0 + over.1) / 2.0;
        let (c, s) = ((cos, -cos * long), (sin, -sin * long));
        let half = (ROOT.0 / 2.0, ROOT.1 / 2.0);
        let minus_c = (-c.0, -c.1);
        let plus = fixed(product(sum(c, s), half));
        let minus = fixed(product(sum(s, minus_c), half));
        let unit = |k: usize| {
            let mut c = [0; 4];
            c[k] = 1;
            Complex { c }
        };
        let mut grid = Grid {
            epsilon,
            along: [fixed(c), plus, fixed(s), minus],
            across: [-fixed(s), -minus, fixed(c), plus],
            basis: std::array::from_fn(unit),
            rows: [[0.0; 4]; 4],
            ortho: Ortho { vectors: [[0.0; 4]; 4], squares: [0.0; 4], mu: [[0.0; 4]; 4] },
        };
        // The region becomes a sliver in steps, so that the basis is nearly reduced before each.
        let steps = (epsilon.log2().abs() / 2.0).ceil().max(1.0) as i32;
        for step in 1..=steps {
            grid.reduce(epsilon.powf(step as f64 / steps as f64));
        }
        grid
    }

    /// A part of a point in units of 2^-POINT; exact modulo 2^128, and what is wanted is small.
    fn part(u: &Complex, of: &[i128; 4]) -> i128 {
        (0..4).fold(0i128, |sum, k| sum.wrapping_add(u.c[k].wrapping_mul(of[k])))
    }

    fn row(&self, u: &Complex, epsilon: f64) -> [f64; 4] {
        let [_, _, re, im] = u.values();
        let along = float(Grid::part(u, &self.along)) * 4.0 / (epsilon * epsilon);
        [along, float(Grid::part(u, &self.across)) / epsilon, re, im]
    }

    /// Lenstra, Lenstra and Lovasz.
    fn reduce(&mut self, epsilon: f64) {
        self.rows = std::array::from_fn(|k| self.row(&self.basis[k], epsilon));
        self.ortho = Ortho::of(&self.rows);
        let mut k = 1;
        while k < 4 {
            for j in (0..k).rev() {
                let times = self.ortho.mu[k][j].round();
                if times != 0.0 {
                    let whole = times as i128;
                    let other = self.basis[j];
                    self.basis[k].c.iter_mut().zip(other.c).for_each(|(x, y)| *x -= whole * y);
                    self.rows[k] = self.row(&self.basis[k], epsilon);
                    self.ortho = Ortho::of(&self.rows);
                }
            }
            let mu = self.ortho.mu[k][k - 1];
            if self.ortho.squares[k] >= (0.9 - mu * mu) * self.ortho.squares[k - 1] {
                k += 1;
            } else {
                self.basis.swap(k, k - 1);
                self.rows.swap(k, k - 1);
                self.ortho = Ortho::of(&self.rows);
                k = (k - 1).max(1);
            }
        }
    }

    /// All grid points for denominator sqrt 2^k that are no grid points for a smaller one.
    pub fn points(&self, k: u32) -> Vec<Candidate> {
        let length = if k % 2 == 0 { (1.0, 0.0) } else { ROOT };
        let power = 2f64.powi((k / 2) as i32);
        let whole = fixed((length.0 * power, length.1 * power));
        let scale = length.0 * power;
        // The nearest combination of the basis, in rounds: each leaves as many digits as an f64 has.
        let mut near = Complex::ZERO;
        let mut left;
        let mut rounds = 0;
        loop {
            let rest = float(whole.wrapping_sub(Grid::part(&near, &self.along)));
            let [_, across, re, im] = self.row(&near, self.epsilon);
            let height = rest * 4.0 / (self.epsilon * self.epsilon) - scale;
            left = [height, -across, -re, -im];
            let mut open = left;
            for j in (0..4).rev() {
                let times = (dot(&open, &self.ortho.vectors[j]) / self.ortho.squares[j]).round();
                for (i, coordinate) in open.iter_mut().enumerate() {
                    *coordinate -= times * self.rows[j][i];
                    near.c[i] = near.c[i].wrapping_add((times as i128).wrapping_mul(self.basis[j].c[i]));
                }
            }
            rounds += 1;
            if open == left || rounds == ROUNDS {
                break;
            }
        }
        let mut found = Vec::new();
        self.list(3, &left, near, 3.0 * scale * scale, &mut |u| found.extend(self.candidate(u, k, scale)));
        found
    }

    /// Calls `see` with all points whose distance from the centre (`left` away from `near`) is small enough.
    fn list(&self, level: usize, left: &[f64; 4], near: Complex, bound: f64, see: &mut impl FnMut(Complex)) {
        let square = self.ortho.squares[level];
        let middle = dot(left, &self.ortho.vectors[level]) / square;
        let reach = (bound.max(0.0) / square).sqrt();
        let mut times = (middle - reach).ceil();
        while times <= middle + reach {
            let away = middle - times;
            let next: [f64; 4] = std::array::from_fn(|i| left[i] - times * self.rows[level][i]);
            let whole = times as i128;
            let u = Complex { c: std::array::from_fn(|i| near.c[i] + whole * self.basis[level].c[i]) };
            if level == 0 {
                see(u);
            } else {
                self.list(level - 1, &next, u, bound - away * away * square, see);
            }
            times += 1.0;
        }
    }

    /// The point if it is in the region, by exact comparison where f64 would not do.
    fn candidate(&self, u: Complex, k: u32, scale: f64) -> Option<Candidate> {
        if k > 0 && u.is_even() {
            return None; // a point for k - 1
        }
        let square = u.square();
        let left = Real::new((1i128 << k) - square.a, -square.b);
        if !left.is_doubly_positive() {
            return None;
        }
        let across = float(Grid::part(&u, &self.across)) / scale;
        if float(Grid::part(&u, &self.along)) < 0.0 {
            return None;
        }
        let missing = left.value() / (scale * scale) + across * across;
        let error = (2.0 * missing / (1.0 + (1.0 - missing).max(0.0).sqrt())).sqrt();
        (missing <= 1.0 && error <= self.epsilon).then_some(Candidate { u, left, error })
    }
}

impl Ortho {
    fn of(rows: &[[f64; 4]; 4]) -> Ortho {
        let mut made = Ortho { vectors: *rows, squares: [0.0; 4], mu: [[0.0; 4]; 4] };
        for k in 0..4 {
            for j in 0..k {
                made.mu[k][j] = dot(&made.vectors[k], &made.vectors[j]) / made.squares[j];
                for i in 0..4 {
                    made.vectors[k][i] -= made.mu[k][j] * made.vectors[j][i];
                }
            }
            made.squares[k] = dot(&made.vectors[k], &made.vectors[k]);
        }
        made
    }
}
