//! One-qubit unitaries up to phase, as unit quaternions: how runs of gates on one wire are merged and named again.
//!
//! `Turn { w, v }` is `w - i (v . sigma)`, the rotation of the Bloch sphere by the quaternion (w, v).

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_4, PI, TAU};
use std::sync::OnceLock;

use super::axis::Axis;
use crate::circuit::Kind;

/// How near numbers must be to count as equal: far above rounding, far below what a distribution shows.
pub const NEAR: f64 = 1e-12;

/// Above this, whole turns cannot be subtracted without losing digits.
const LONG: f64 = 100.0;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    pub w: f64,
    pub v: [f64; 3],
}

/// A gate by name with its angles, as `Turn::gates` gives it.
pub type Named = (Kind, [f64; 3]);

const R: f64 = FRAC_1_SQRT_2;
/// cos and sin of pi/8.
const C8: f64 = 0.923_879_532_511_286_7;
const S8: f64 = 0.382_683_432_365_089_8;

impl Turn {
    pub const NONE: Turn = Turn { w: 1.0, v: [0.0; 3] };

    pub fn about(axis: Axis, angle: f64) -> Turn {
        let (sin, cos) = (angle * 0.5).sin_cos();
        let mut v = [0.0; 3];
        v[axis as usize] = sin;
        Turn { w: cos, v }
    }

    /// Half a turn: the Pauli operator of `axis`.
    pub fn pauli(axis: Axis) -> Turn {
        let mut v = [0.0; 3];
        v[axis as usize] = 1.0;
        Turn { w: 0.0, v }
    }

    /// Of a one-qubit gate; None for any other kind.
    pub fn of(kind: Kind, angles: &[f64]) -> Option<Turn> {
        use Kind::*;
        let turn = |w, x, y, z| Some(Turn { w, v: [x, y, z] });
        match kind {
            Id => Some(Turn::NONE),
            X => turn(0.0, 1.0, 0.0, 0.0),
            Y => turn(0.0, 0.0, 1.0, 0.0),
            Z => turn(0.0, 0.0, 0.0, 1.0),
            H => turn(0.0, R, 0.0, R),
            S => turn(R, 0.0, 0.0, R),
            Sdg => turn(R, 0.0, 0.0, -R),
            Sx => turn(R, R, 0.0, 0.0),
            Sxdg => turn(R, -R, 0.0, 0.0),
            T => turn(C8, 0.0, 0.0, S8),
            Tdg => turn(C8, 0.0, 0.0, -S8),
            Rx => Some(Turn::about(Axis::X, angles[0])),
            Ry => Some(Turn::about(Axis::Y, angles[0])),
            Rz | P => Some(Turn::about(Axis::Z, angles[0])),
            U => Some(Turn::euler(angles[0], angles[1], angles[2])),
            _ => None,
        }
    }

    /// Rz(phi) Ry(theta) Rz(lam).
    pub fn euler(theta: f64, phi: f64, lam: f64) -> Turn {
        // A sum of long angles would lose the digits of the shorter one.
        let short = |angle: f64| if angle.abs() > LONG { principal(angle) } else { angle };
        let (phi, lam) = (short(phi), short(lam));
        let (s, c) = (theta * 0.5).sin_cos();
        let (ss, cs) = ((phi + lam) * 0.5).sin_cos();
        let (sd, cd) = ((lam - phi) * 0.5).sin_cos();
        Turn { w: c * cs, v: [s * sd, s * cd, c * ss] }
    }

    /// (theta, phi, lam) of `euler`.
    pub fn angles(&self) -> [f64; 3] {
        let [x, y, z] = self.v;
        let theta = 2.0 * (x * x + y * y).sqrt().atan2((self.w * self.w + z * z).sqrt());
        let sum = z.atan2(self.w);
        let difference = x.atan2(y);
        [snap(theta), principal(sum - difference), principal(sum + difference)]
    }

    /// This one first, then `next`.
    #[inline]
    pub fn then(&self, next: &Turn) -> Turn {
        let (a, b) = (next, self);
        let w = a.w * b.w - a.v[0] * b.v[0] - a.v[1] * b.v[1] - a.v[2] * b.v[2];
        let cross = cross(&a.v, &b.v);
        Turn { w, v: std::array::from_fn(|k| a.w * b.v[k] + b.w * a.v[k] + cross[k]) }
    }

    pub fn inverse(&self) -> Turn {
        Turn { w: self.w, v: self.v.map(|x| -x) }
    }

    /// The axis that the Pauli of `axis` comes from: components of `U^-1 P U`.
    pub fn row(&self, axis: Axis) -> [f64; 3] {
        let (w, [x, y, z]) = (self.w, self.v);
        match axis {
            Axis::X => [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
            Axis::Y => [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
            Axis::Z => [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
        }
    }

    /// `U^-1 P U` where it is a Pauli operator again: (its axis, whether negative).
    #[inline]
    pub fn image(&self, axis: Axis) -> Option<(Axis, bool)> {
        pauli_of(&self.row(axis))
    }

    pub fn is_diagonal(&self) -> bool {
        self.v[0].abs() < NEAR && self.v[1].abs() < NEAR
    }

    /// A rotation about one Pauli axis: (axis, angle).
    pub fn along(&self) -> Option<(Axis, f64)> {
        let [x, y, z] = self.v.map(|x| x.abs() < NEAR);
        let axis = match (x, y, z) {
            (_, true, true) => Axis::X,
            (true, _, true) => Axis::Y,
            (true, true, _) => Axis::Z,
            _ => return None,
        };
        Some((axis, principal(2.0 * self.v[axis as usize].atan2(self.w))))
    }

    /// The same up to a rotation about Z that comes first.
    pub fn without_first_phase(&self) -> Turn {
        let [theta, phi, _] = self.angles();
        Turn::euler(theta, phi, 0.0)
    }

    /// The same up to a rotation about Z that comes last, and the angle of that rotation.
    pub fn without_last_phase(&self) -> (Turn, f64) {
        let [theta, phi, lam] = self.angles();
        if theta == PI {
            return (Turn::euler(theta, 0.0, snap(lam - phi)), 0.0);
        }
        (Turn::euler(theta, 0.0, lam), phi)
    }

    /// What prepares the same state from |0>, in few gates.
    pub fn on_zero(&self) -> Turn {
        let [theta, phi, _] = self.angles();
        if theta == 0.0 {
            return Turn::NONE;
        }
        if theta == PI {
            return Turn::pauli(Axis::X);
        }
        if theta == FRAC_PI_2 && phi == 0.0 {
            return Turn { w: 0.0, v: [R, 0.0, R] };
        }
        if phi.abs() == FRAC_PI_2 {
            return Turn::about(Axis::X, -phi.signum() * theta);
        }
        if phi.abs() == PI {
            return Turn::about(Axis::Y, -theta);
        }
        Turn::euler(theta, phi, 0.0)
    }

    /// Few named gates that multiply to this turn, in order: none, a rotation, Clifford gates, or one `U`.
    pub fn gates(&self) -> ([Named; 3], usize) {
        let mut out = [(Kind::Id, [0.0; 3]); 3];
        if let Some((axis, angle)) = self.along() {
            match rotation(axis, angle) {
                None => return (out, 0),
                Some(found) if found.0 != Kind::Ry || found.1[0].abs() != FRAC_PI_2 => {
                    out[0] = found;
                    return (out, 1);
                }
                _ => (),
            }
        }
        if let (Some(x), Some(z)) = (self.image(Axis::X), self.image(Axis::Z)) {
            let word = cliffords()[index(x) * 6 + index(z)];
            let n = word.iter().take_while(|&&k| k != Kind::Id).count();
            for (slot, &kind) in out.iter_mut().zip(&word[..n]) {
                slot.0 = kind;
            }
            return (out, n);
        }
        out[0] = (Kind::U, self.angles());
        (out, 1)
    }
}

pub fn cross(a: &[f64; 3], b: &[f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// The signed axis that a vector lies on.
#[inline]
pub fn pauli_of(row: &[f64; 3]) -> Option<(Axis, bool)> {
    let [x, y, z] = row.map(|r| r.abs() < NEAR);
    match (x, y, z) {
        (true, true, false) => Some((Axis::Z, row[2] < 0.0)),
        (false, true, true) => Some((Axis::X, row[0] < 0.0)),
        (true, false, true) => Some((Axis::Y, row[1] < 0.0)),
        _ => None,
    }
}

/// The same angle in (-pi, pi].
#[inline]
pub fn principal(angle: f64) -> f64 {
    if angle > -PI && angle <= PI {
        return snap(angle);
    }
    if angle.abs() > LONG {
        let (sin, cos) = angle.sin_cos();
        return snap(sin.atan2(cos));
    }
    let turned = angle - TAU * whole(angle / TAU);
    snap(if turned <= -PI { turned + TAU } else { turned })
}

/// The nearest whole number, of numbers far below 2^51: adding 1.5 * 2^52 leaves no place for a fraction.
#[inline]
fn whole(x: f64) -> f64 {
    const BIG: f64 = 6_755_399_441_055_744.0;
    (x + BIG) - BIG
}

/// To the nearest multiple of pi/4 if it is very near, so that special angles compare equal.
fn snap(angle: f64) -> f64 {
    let nearest = whole(angle * (1.0 / FRAC_PI_4)) * FRAC_PI_4;
    if (angle - nearest).abs() >= NEAR {
        angle
    } else if nearest <= -PI {
        nearest + TAU
    } else if nearest > PI + NEAR {
        nearest - TAU
    } else {
        nearest + 0.0
    }
}

/// How many quarter turns an angle is, modulo four, if it is that.
pub fn quarters(angle: f64) -> Option<u8> {
    let principal = principal(angle);
    let k = whole(principal / FRAC_PI_2);
    ((principal - k * FRAC_PI_2).abs() < NEAR).then(|| (k as i8).rem_euclid(4) as u8)
}

/// The gate that rotates about an axis; None for no rotation.
pub fn rotation(axis: Axis, angle: f64) -> Option<Named> {
    let angle = principal(angle);
    let eighths = whole(angle / FRAC_PI_4);
    let special = if (angle - eighths * FRAC_PI_4).abs() < NEAR { eighths as i8 } else { 9 };
    let kind = match (axis, special) {
        (_, 0) => return None,
        (Axis::Z, 1) => Kind::T,
        (Axis::Z, -1) => Kind::Tdg,
        (Axis::Z, 2) => Kind::S,
        (Axis::Z, -2) => Kind::Sdg,
        (Axis::Z, 4 | -4) => Kind::Z,
        (Axis::X, 2) => Kind::Sx,
        (Axis::X, -2) => Kind::Sxdg,
        (Axis::X, 4 | -4) => Kind::X,
        (Axis::Y, 4 | -4) => Kind::Y,
        (Axis::X, _) => Kind::Rx,
        (Axis::Y, _) => Kind::Ry,
        (Axis::Z, _) => Kind::Rz,
    };
    Some((kind, if kind.n_params() == 1 { [angle, 0.0, 0.0] } else { [0.0; 3] }))
}

fn index((axis, negative): (Axis, bool)) -> usize {
    axis as usize * 2 + negative as usize
}

/// Shortest words of Clifford gates, by where X and Z come from; `Id` after the end of a word.
fn cliffords() -> &'static [[Kind; 3]; 36] {
    static WORDS: OnceLock<[[Kind; 3]; 36]> = OnceLock::new();
    WORDS.get_or_init(|| {
        use Kind::*;
        let mut words = [[Id; 3]; 36];
        let mut known = [false; 36];
        let mut layer = vec![([Id; 3], Turn::NONE)];
        known[index((Axis::X, false)) * 6 + index((Axis::Z, false))] = true;
        for length in 0..3 {
            let mut next = Vec::new();
            for (word, turn) in &layer {
                for kind in [X, Z, H, S, Sdg, Y, Sx, Sxdg] {
                    let made = turn.then(&Turn::of(kind, &[]).unwrap_or(Turn::NONE));
                    let (Some(x), Some(z)) = (made.image(Axis::X), made.image(Axis::Z)) else { continue };
                    let at = index(x) * 6 + index(z);
                    if !known[at] {
                        known[at] = true;
                        words[at] = *word;
                        words[at][length] = kind;
                        next.push((words[at], made));
                    }
                }
            }
            layer = next;
        }
        words
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: &Turn, b: &Turn) -> bool {
        let dot: f64 = a.w * b.w + (0..3).map(|k| a.v[k] * b.v[k]).sum::<f64>();
        (dot.abs() - 1.0).abs() < 1e-12
    }

    #[test]
    fn gates_multiply_back_to_the_turn() {
        let mut dice = crate::dice::Dice::new(3, &[]);
        for round in 0..4000 {
            let mut turn = Turn::NONE;
            for _ in 0..1 + round % 4 {
                let unit = if round % 3 == 0 { FRAC_PI_4 * dice.below(17) as f64 } else { 9.0 * dice.unit() - 4.0 };
                let axis = [Axis::X, Axis::Y, Axis::Z][dice.below(3) as usize];
                turn = turn.then(&Turn::about(axis, if round % 6 == 0 { unit * 2.0 } else { unit }));
            }
            let (found, n) = turn.gates();
            let made = found[..n]
                .iter()
                .fold(Turn::NONE, |all, (kind, angles)| all.then(&Turn::of(*kind, angles).unwrap_or(Turn::NONE)));
            assert!(close(&turn, &made), "{turn:?} became {:?}", &found[..n]);
            let (rest, phase) = turn.without_last_phase();
            let back = rest.then(&Turn::about(Axis::Z, phase));
            let z = |t: &Turn| t.row(Axis::Z);
            assert!((0..3).all(|k| (z(&back)[k] - z(&turn)[k]).abs() < 1e-11));
        }
    }

    #[test]
    fn special_angles_have_names() {
        assert_eq!(rotation(Axis::Z, TAU + FRAC_PI_4).map(|g| g.0), Some(Kind::T));
        assert_eq!(rotation(Axis::X, -3.0 * FRAC_PI_2).map(|g| g.0), Some(Kind::Sx));
        assert_eq!(rotation(Axis::Y, 2.0 * TAU), None);
        assert_eq!(quarters(-FRAC_PI_2), Some(3));
        assert_eq!(quarters(0.3), None);
        assert!((principal(1e15).sin() - 1e15f64.sin()).abs() < 1e-12);
    }
}
