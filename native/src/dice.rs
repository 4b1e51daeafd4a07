//! Random numbers of a run: xoshiro256++ (Blackman and Vigna, 2019), seeded by splitmix64.
//!
//! A stream is named by the job's seed and a path of numbers, so that what one part of a run draws does not depend on
//! what another part drew.

#[derive(Clone, Debug)]
pub struct Dice([u64; 4]);

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Dice {
    pub fn new(seed: u64, path: &[u64]) -> Dice {
        let mut state = seed;
        for &step in path {
            state = splitmix(&mut state) ^ step.wrapping_mul(0xD1B5_4A32_D192_ED03);
        }
        Dice(std::array::from_fn(|_| splitmix(&mut state)))
    }

    #[inline]
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.0;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// Uniform in [0, 1), 53 bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in 0..n (n > 0), by multiplication with rejection (Lemire, 2019).
    pub fn below(&mut self, n: u64) -> u64 {
        loop {
            let wide = (self.bits() as u128) * (n as u128);
            if (wide as u64) >= n.wrapping_neg() % n {
                return (wide >> 64) as u64;
            }
        }
    }

    /// Successes in `n` trials of probability `p`: exact, by counting coins or by inversion from the mode.
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        if p <= 0.0 || n == 0 {
            return 0;
        }
        if p >= 1.0 {
            return n;
        }
        if n <= 64 {
            return (0..n).filter(|_| self.unit() < p).count() as u64;
        }
        self.binomial_by_splitting(n, p)
    }

    /// Halves the problem at the median order statistic, which is beta distributed (Devroye, 1986, X.4).
    fn binomial_by_splitting(&mut self, mut n: u64, mut p: f64) -> u64 {
        let mut total = 0;
        while n > 64 {
            let k = n / 2 + 1;
            let (a, b) = (self.gamma(k as f64), self.gamma((n + 1 - k) as f64));
            let cut = a / (a + b);
            if p < cut {
                n = k - 1;
                p /= cut;
            } else {
                total += k;
                p = (p - cut) / (1.0 - cut);
                n -= k;
            }
            if p <= 0.0 {
                return total;
            }
            if p >= 1.0 {
                return total + n;
            }
        }
        total + (0..n).filter(|_| self.unit() < p).count() as u64
    }

    /// Gamma of shape `shape` >= 1 (Marsaglia and Tsang, 2000).
    fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.unit().max(f64::MIN_POSITIVE).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn streams_with_other_names_differ_and_with_the_same_name_agree() {
        let draw = |seed, path: &[u64]| Dice::new(seed, path).bits();
        assert_eq!(draw(7, &[1, 2]), draw(7, &[1, 2]));
        assert_ne!(draw(7, &[1, 2]), draw(7, &[2, 1]));
        assert_ne!(draw(7, &[]), draw(8, &[]));
    }

    #[test]
    fn a_binomial_has_its_mean_and_variance() {
        let (n, p, draws) = (5000u64, 0.3, 20_000);
        let mut dice = Dice::new(1, &[]);
        let all: Vec<f64> = (0..draws).map(|_| dice.binomial(n, p) as f64).collect();
        let mean = all.iter().sum::<f64>() / draws as f64;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws as f64;
        let sigma = (n as f64 * p * (1.0 - p)).sqrt();
        assert!((mean - n as f64 * p).abs() < 6.0 * sigma / (draws as f64).sqrt());
        assert!((variance / sigma.powi(2) - 1.0).abs() < 6.0 * (2.0 / draws as f64).sqrt());
    }
}
