//! The rings Z[sqrt 2] and Z[omega], omega = e^{i pi/4}: what entries of Clifford+T matrices are made of.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// `a + b sqrt 2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Real {
    pub a: i128,
    pub b: i128,
}

/// The unit 1 + sqrt 2.
const UNIT: Real = Real { a: 1, b: 1 };

impl Real {
    pub fn new(a: i128, b: i128) -> Real {
        Real { a, b }
    }

    pub fn times(self, other: Real) -> Real {
        Real { a: self.a * other.a + 2 * self.b * other.b, b: self.a * other.b + self.b * other.a }
    }

    /// The other root: `a - b sqrt 2`.
    pub fn conjugate(self) -> Real {
        Real { a: self.a, b: -self.b }
    }

    pub fn norm(self) -> i128 {
        self.a * self.a - 2 * self.b * self.b
    }

    pub fn is_zero(self) -> bool {
        self.a == 0 && self.b == 0
    }

    /// Not negative for either root of 2.
    pub fn is_doubly_positive(self) -> bool {
        self.a >= 0 && self.norm() >= 0
    }

    /// Its value to full relative precision, where the sum would cancel.
    pub fn value(self) -> f64 {
        let (a, b) = (self.a as f64, self.b as f64 * SQRT_2);
        if self.a.signum() * self.b.signum() >= 0 {
            a + b
        } else {
            self.norm() as f64 / (a - b)
        }
    }

    /// Divided by a divisor; None if it is none.
    pub fn divided(self, by: Real) -> Option<Real> {
        let (norm, top) = (by.norm(), self.times(by.conjugate()));
        (norm != 0 && top.a % norm == 0 && top.b % norm == 0).then(|| Real { a: top.a / norm, b: top.b / norm })
    }

    /// Times `UNIT^power`.
    pub fn times_unit(self, power: i32) -> Real {
        let unit = if power < 0 { Real { a: -1, b: 1 } } else { UNIT };
        (0..power.unsigned_abs()).fold(self, |x, _| x.times(unit))
    }

    /// How often sqrt 2 divides it, and what is left; it must not be 0.
    pub fn strip(self) -> (u32, Real) {
        let (mut count, mut rest) = (0, self);
        while rest.a % 2 == 0 {
            rest = Real { a: rest.b, b: rest.a / 2 };
            count += 1;
        }
        (count, rest)
    }

    pub fn gcd(self, other: Real) -> Real {
        let (mut x, mut y) = (self, other);
        while !y.is_zero() {
            let (norm, top) = (y.norm(), x.times(y.conjugate()));
            let q = Real { a: nearest(top.a, norm), b: nearest(top.b, norm) };
            let qy = q.times(y);
            (x, y) = (y, Real { a: x.a - qy.a, b: x.b - qy.b });
        }
        x
    }
}

fn nearest(top: i128, bottom: i128) -> i128 {
    let (top, bottom) = if bottom < 0 { (-top, -bottom) } else { (top, bottom) };
    (2 * top + bottom).div_euclid(2 * bottom)
}

/// `c[0] + c[1] omega + c[2] omega^2 + c[3] omega^3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Complex {
    pub c: [i128; 4],
}

impl Complex {
    pub const ZERO: Complex = Complex { c: [0; 4] };
    pub const ONE: Complex = Complex { c: [1, 0, 0, 0] };

    pub fn of(real: Real) -> Complex {
        Complex { c: [real.a, real.b, 0, -real.b] }
    }

    pub fn plus(self, other: Complex) -> Complex {
        Complex { c: std::array::from_fn(|k| self.c[k] + other.c[k]) }
    }

    pub fn minus(self, other: Complex) -> Complex {
        Complex { c: std::array::from_fn(|k| self.c[k] - other.c[k]) }
    }

    pub fn times(self, other: Complex) -> Complex {
        let mut c = [0i128; 4];
        for j in 0..4 {
            for k in 0..4 {
                let product = self.c[j] * other.c[k];
                if j + k < 4 {
                    c[j + k] += product;
                } else {
                    c[j + k - 4] -= product;
                }
            }
        }
        Complex { c }
    }

    /// Times omega.
    pub fn turned(self, times: usize) -> Complex {
        (0..times % 8).fold(self, |x, _| Complex { c: [-x.c[3], x.c[0], x.c[1], x.c[2]] })
    }

    /// Its absolute square, in Z[sqrt 2].
    pub fn square(self) -> Real {
        let [a, b, c, d] = self.c;
        Real { a: a * a + b * b + c * c + d * d, b: a * b + b * c + c * d - d * a }
    }

    pub fn is_zero(self) -> bool {
        self.c == [0; 4]
    }

    pub fn is_even(self) -> bool {
        (self.c[0] - self.c[2]) % 2 == 0 && (self.c[1] - self.c[3]) % 2 == 0
    }

    /// Divided by sqrt 2, which must divide it (`is_even`).
    pub fn halved(self) -> Complex {
        let [a, b, c, d] = self.c;
        Complex { c: [(b - d) / 2, (a + c) / 2, (b + d) / 2, (c - a) / 2] }
    }

    /// (real, imaginary) part, and those of its conjugate under sqrt 2 to -sqrt 2.
    pub fn values(self) -> [f64; 4] {
        let [a, b, c, d] = self.c;
        let (re, im) = ((b - d) as f64 * FRAC_1_SQRT_2, (b + d) as f64 * FRAC_1_SQRT_2);
        [a as f64 + re, c as f64 + im, a as f64 - re, c as f64 - im]
    }

    /// A greatest common divisor, by Euclid with exact remainders; None if rounding keeps it from ending.
    pub fn gcd(self, other: Complex) -> Option<Complex> {
        let (mut x, mut y) = (self, other);
        for _ in 0..200 {
            if y.is_zero() {
                return Some(x);
            }
            let (p, q) = (x.values(), y.values());
            let ratio = |at: usize| {
                let size = q[at] * q[at] + q[at + 1] * q[at + 1];
                let re = (p[at] * q[at] + p[at + 1] * q[at + 1]) / size;
                (re, (p[at + 1] * q[at] - p[at] * q[at + 1]) / size)
            };
            let ((re, im), (re_c, im_c)) = (ratio(0), ratio(2));
            let (odd_re, odd_im) = ((re - re_c) * FRAC_1_SQRT_2, (im - im_c) * FRAC_1_SQRT_2);
            let parts = [(re + re_c) / 2.0, (odd_im + odd_re) / 2.0, (im + im_c) / 2.0, (odd_im - odd_re) / 2.0];
            let quotient = Complex { c: parts.map(|x| x.round() as i128) };
            (x, y) = (y, x.minus(quotient.times(y)));
        }
        None
    }
}
