//! Complex numbers of two doubles.

use std::ops::{Add, Div, Mul, Neg, Sub};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct C64 {
    pub re: f64,
    pub im: f64,
}

pub const ZERO: C64 = c(0.0, 0.0);
pub const ONE: C64 = c(1.0, 0.0);

pub const fn c(re: f64, im: f64) -> C64 {
    C64 { re, im }
}

/// `e^{i angle}`
pub fn turn(angle: f64) -> C64 {
    c(angle.cos(), angle.sin())
}

impl C64 {
    /// `e^{i angle}`; exact at multiples of a quarter turn.
    pub fn cis(angle: f64) -> C64 {
        let quarter = angle * std::f64::consts::FRAC_2_PI;
        let whole = quarter.round();
        if (quarter - whole).abs() < 1e-14 && whole.abs() < 1e9 {
            return [ONE, c(0.0, 1.0), c(-1.0, 0.0), c(0.0, -1.0)][(whole as i64).rem_euclid(4) as usize];
        }
        let (im, re) = angle.sin_cos();
        c(re, im)
    }

    pub fn conj(self) -> C64 {
        c(self.re, -self.im)
    }

    pub fn norm(self) -> f64 {
        self.re * self.re + self.im * self.im
    }

    pub fn abs(self) -> f64 {
        self.re.hypot(self.im)
    }

    /// The argument in [-pi, pi].
    pub fn phase(self) -> f64 {
        self.im.atan2(self.re)
    }

    /// The root with a real part of at least 0.
    pub fn sqrt(self) -> C64 {
        if self.re == 0.0 && self.im == 0.0 {
            return ZERO;
        }
        let root = ((self.abs() + self.re.abs()) / 2.0).sqrt();
        let other = self.im.abs() / (2.0 * root);
        let (re, im) = if self.re >= 0.0 { (root, other) } else { (other, root) };
        c(re, im.copysign(self.im))
    }
}

impl Add for C64 {
    type Output = C64;
    #[inline(always)]
    fn add(self, other: C64) -> C64 {
        c(self.re + other.re, self.im + other.im)
    }
}

impl Sub for C64 {
    type Output = C64;
    #[inline(always)]
    fn sub(self, other: C64) -> C64 {
        c(self.re - other.re, self.im - other.im)
    }
}

impl Neg for C64 {
    type Output = C64;
    fn neg(self) -> C64 {
        c(0.0 - self.re, 0.0 - self.im) // no -0: the phase of -1 is pi
    }
}

impl Mul for C64 {
    type Output = C64;
    #[inline(always)]
    fn mul(self, other: C64) -> C64 {
        c(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)
    }
}

impl Mul<f64> for C64 {
    type Output = C64;
    fn mul(self, factor: f64) -> C64 {
        c(self.re * factor, self.im * factor)
    }
}

impl Div for C64 {
    type Output = C64;
    fn div(self, other: C64) -> C64 {
        (self * other.conj()) * (1.0 / other.norm())
    }
}
