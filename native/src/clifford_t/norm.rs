//! The norm equation: t in Z[omega] with a given absolute square (Ross and Selinger, arXiv:1403.2975, section 6).

use super::primes;
use super::ring::{Complex, Real};

/// ln(1 + sqrt 2).
const LOG_UNIT: f64 = 0.881_373_587_019_543;

/// A `t` with `t t* = square`; None where there is none, or where no factors come quickly.
pub fn solve(square: Real) -> Option<Complex> {
    if square.is_zero() {
        return Some(Complex::ZERO);
    }
    if !square.is_doubly_positive() {
        return None;
    }
    // Near the edge of the region one root is tiny and the other large: a unit makes both of one size.
    let shift = ((square.conjugate().value() / square.value()).ln() / (4.0 * LOG_UNIT)).round() as i32;
    let (twos, odd) = square.times_unit(2 * shift).strip();
    let mut t = (0..twos).fold(Complex::ONE, |t, _| t.times(Complex { c: [1, 1, 0, 0] }));
    let norm = u64::try_from(odd.norm().abs()).ok().filter(|&norm| norm < 1 << 62)?;
    if norm % 8 == 7 {
        return None;
    }
    let mut rest = odd;
    for p in primes::factors(norm)? {
        for divisor in real_divisors(p)? {
            while let Some(quotient) = rest.divided(divisor) {
                if rest.norm().abs() == 1 {
                    break;
                }
                t = t.times(half_of(divisor, p)?);
                rest = quotient;
            }
        }
    }
    if rest.norm().abs() != 1 {
        return None;
    }
    // What differs is a unit that is positive for both roots: an even power of 1 + sqrt 2.
    let power = ((square.value() / t.square().value()).ln() / (2.0 * LOG_UNIT)).round() as i32;
    let t = t.times(Complex::of(Real::new(1, 0).times_unit(power)));
    (t.square() == square).then_some(t)
}

/// The primes of Z[sqrt 2] above a prime number; None for 7 modulo 8, whose primes are no absolute squares.
fn real_divisors(p: u64) -> Option<Vec<Real>> {
    let whole = Real::new(p as i128, 0);
    match p % 8 {
        1 => {
            let root = primes::root(2, p)?;
            let divisor = whole.gcd(Real::new(root as i128, -1));
            Some(vec![divisor, divisor.conjugate()])
        }
        7 => None,
        _ => Some(vec![whole]),
    }
}

/// A prime of Z[omega] above this prime of Z[sqrt 2] over `p`.
fn half_of(divisor: Real, p: u64) -> Option<Complex> {
    let (value, root) = match p % 8 {
        3 => (p - 2, [0, 1, 0, 1]),
        _ => (p - 1, [0, 0, 1, 0]),
    };
    let mut other = Complex { c: root };
    other.c[0] += primes::root(value, p)? as i128;
    Complex::of(divisor).gcd(other)
}
