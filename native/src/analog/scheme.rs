//! Orders in which the two flows alternate.
//!
//! A step of length h runs the diagonal flow for `diagonal[0] h`, the turns for `turns[0] h`, and so on, ending with
//! the diagonal one. Time is two coordinates: the diagonal flow moves the time of the turns and the turns that of the
//! diagonal flow, so that each flow has constant fields and the order holds for fields that change.

/// A symmetric composition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Order 4: five second-order steps (Suzuki, Phys. Lett. A 146, 319 (1990)).
    Suzuki,
    /// Order 6 in ten stages (Blanes and Moan, J. Comput. Appl. Math. 142, 313 (2002), table 2, S10).
    BlanesMoan,
}

impl Scheme {
    pub fn order(self) -> i32 {
        match self {
            Scheme::Suzuki => 4,
            Scheme::BlanesMoan => 6,
        }
    }

    /// Steps for a radian of winding that bring twenty atoms with strong interactions within 1e-8 (measured:
    /// docs/adr/0045).
    pub fn pace(self) -> f64 {
        match self {
            Scheme::Suzuki => 4.6,
            Scheme::BlanesMoan => 1.32,
        }
    }

    /// Turns of a step.
    pub fn stages(self) -> usize {
        self.lengths().1.len()
    }

    /// (lengths of the diagonal flow, lengths of the turns); one more of the first.
    pub fn lengths(self) -> (Vec<f64>, Vec<f64>) {
        match self {
            Scheme::Suzuki => {
                let p = 1.0 / (4.0 - 4f64.cbrt());
                let q = 1.0 - 4.0 * p;
                let ends = [p, p, q, p, p];
                let between = ends.windows(2).map(|pair| 0.5 * (pair[0] + pair[1]));
                let diagonal = std::iter::once(0.5 * p).chain(between).chain([0.5 * p]).collect();
                (diagonal, ends.to_vec())
            }
            Scheme::BlanesMoan => {
                let a = [
                    0.050_262_764_400_392_2,
                    0.413_514_300_428_344,
                    0.045_079_889_794_397_7,
                    -0.188_054_853_819_569,
                    0.541_960_678_450_780,
                ];
                let b = [0.148_816_447_901_042, -0.132_385_865_767_784, 0.067_307_604_692_185, 0.432_666_402_578_175];
                mirrored(&a, &b)
            }
        }
    }
}

/// Halves of both lists, without their last numbers: what is missing to a step.
fn mirrored(a: &[f64], b: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let middle = 1.0 - 2.0 * a.iter().sum::<f64>();
    let last = 0.5 - b.iter().sum::<f64>();
    let back = |half: &[f64]| half.iter().rev().copied().collect::<Vec<_>>();
    ([a, &[middle], &back(a)].concat(), [b, &[last, last], &back(b)].concat())
}

#[cfg(test)]
mod tests {
    use super::Scheme;

    #[test]
    fn lengths_are_symmetric_and_add_up_to_a_step() {
        for scheme in [Scheme::Suzuki, Scheme::BlanesMoan] {
            let (diagonal, turns) = scheme.lengths();
            assert_eq!(diagonal.len(), turns.len() + 1);
            for lengths in [diagonal, turns] {
                assert!((lengths.iter().sum::<f64>() - 1.0).abs() < 1e-14);
                let back: Vec<f64> = lengths.iter().rev().copied().collect();
                assert!(lengths.iter().zip(&back).all(|(x, y)| (x - y).abs() < 1e-15));
            }
        }
    }
}
