//! Primes below 2^63: tests, factors, and roots modulo a prime.

fn times(a: u64, b: u64, modulus: u64) -> u64 {
    (a as u128 * b as u128 % modulus as u128) as u64
}

pub fn power(base: u64, exponent: u64, modulus: u64) -> u64 {
    let (mut result, mut square, mut left) = (1 % modulus, base % modulus, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result = times(result, square, modulus);
        }
        square = times(square, square, modulus);
        left >>= 1;
    }
    result
}

const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// Miller and Rabin, with bases that are proved enough below 2^64 (Sorenson and Webster, 2015).
pub fn is_prime(n: u64) -> bool {
    if n < 2 {
        return false;
    }
    if let Some(&p) = BASES.iter().find(|&&p| n % p == 0) {
        return n == p;
    }
    let twos = (n - 1).trailing_zeros();
    BASES.iter().all(|&base| {
        let mut x = power(base, (n - 1) >> twos, n);
        if x == 1 || x == n - 1 {
            return true;
        }
        (1..twos).any(|_| {
            x = times(x, x, n);
            x == n - 1
        })
    })
}

/// Steps of Pollard's rho: more than enough for the least factor of a number of 46 bits.
const STEPS: u32 = 1 << 15;

/// The prime factors of an odd number in ascending order of finding; None where they do not come quickly.
pub fn factors(n: u64) -> Option<Vec<u64>> {
    let (mut found, mut left) = (Vec::new(), n);
    for p in (3..200).step_by(2) {
        while left % p == 0 {
            found.push(p);
            left /= p;
        }
    }
    let mut open = vec![left];
    while let Some(n) = open.pop() {
        if n == 1 {
            continue;
        }
        if is_prime(n) {
            found.push(n);
            continue;
        }
        let factor = (1..4).find_map(|shift| rho(n, shift))?;
        open.push(factor);
        open.push(n / factor);
    }
    Some(found)
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Pollard's rho with products of 64 differences (Brent, 1980).
fn rho(n: u64, shift: u64) -> Option<u64> {
    let next = |x: u64| (times(x, x, n) + shift) % n;
    let (mut fast, mut steps, mut length) = (2u64, 0u32, 1u32);
    while steps < STEPS {
        let slow = fast;
        let mut done = 0;
        while done < length {
            let (start, batch) = (fast, (length - done).min(64));
            let mut product = 1;
            for _ in 0..batch {
                fast = next(fast);
                product = times(product, slow.abs_diff(fast), n);
            }
            let mut divisor = gcd(product, n);
            if divisor == n {
                fast = start;
                divisor = 1;
                while divisor == 1 {
                    fast = next(fast);
                    divisor = gcd(slow.abs_diff(fast), n);
                }
            }
            if divisor > 1 {
                return (divisor < n).then_some(divisor);
            }
            done += batch;
        }
        steps += length;
        length *= 2;
    }
    None
}

/// A square root of `value` modulo an odd prime (Tonelli and Shanks); None if there is none.
pub fn root(value: u64, p: u64) -> Option<u64> {
    let value = value % p;
    if power(value, (p - 1) / 2, p) != 1 {
        return None;
    }
    let mut twos = (p - 1).trailing_zeros();
    let odd = (p - 1) >> twos;
    let other = (2..).find(|&z| power(z, (p - 1) / 2, p) == p - 1)?;
    let (mut c, mut t, mut r) = (power(other, odd, p), power(value, odd, p), power(value, odd.div_ceil(2), p));
    while t != 1 {
        let (mut order, mut square) = (0, t);
        while square != 1 {
            square = times(square, square, p);
            order += 1;
        }
        let step = power(c, 1 << (twos - order - 1), p);
        (r, c) = (times(r, step, p), times(step, step, p));
        (t, twos) = (times(t, c, p), order);
    }
    Some(r)
}
