//! Angles of rotations about Z, exact where they are multiples of pi/4.

use std::f64::consts::{FRAC_PI_4, TAU};

use crate::circuit::Kind;

/// `eighths * pi/4 + rest`; `rest` is 0 where the angle is a multiple of pi/4 within the tolerance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Angle {
    /// 0 to 7: a rotation by 2 pi is a phase.
    pub eighths: u8,
    /// Radians, at most pi/8 either way.
    pub rest: f64,
}

impl Angle {
    pub const ZERO: Angle = Angle { eighths: 0, rest: 0.0 };

    /// `tolerance`: within this many radians of a multiple of pi/4, the angle is that multiple.
    pub fn of(radians: f64, tolerance: f64) -> Angle {
        let turned = radians % TAU;
        let eighths = (turned / FRAC_PI_4).round();
        let rest = turned - eighths * FRAC_PI_4;
        let rest = if rest.abs() <= tolerance { 0.0 } else { rest };
        Angle { eighths: (eighths as i64).rem_euclid(8) as u8, rest }
    }

    /// The angle of a gate about Z, None for other gates.
    pub fn of_gate(kind: Kind, angles: &[f64], tolerance: f64) -> Option<Angle> {
        let eighths = match kind {
            Kind::T => 1,
            Kind::S => 2,
            Kind::Z => 4,
            Kind::Sdg => 6,
            Kind::Tdg => 7,
            Kind::Rz | Kind::P => return Some(Angle::of(angles[0], tolerance)),
            _ => return None,
        };
        Some(Angle { eighths, rest: 0.0 })
    }

    pub fn plus(self, other: Angle, tolerance: f64) -> Angle {
        let sum = Angle::of(self.rest + other.rest, tolerance);
        Angle { eighths: (self.eighths + other.eighths + sum.eighths) % 8, rest: sum.rest }
    }

    pub fn negative(self) -> Angle {
        Angle { eighths: (8 - self.eighths) % 8, rest: -self.rest }
    }

    pub fn signed(self, negative: bool) -> Angle {
        if negative {
            self.negative()
        } else {
            self
        }
    }

    pub fn is_zero(self) -> bool {
        self == Angle::ZERO
    }

    pub fn is_clifford(self) -> bool {
        self.rest == 0.0 && self.eighths % 2 == 0
    }

    /// Needs synthesis: it is not a multiple of pi/4.
    pub fn is_free(self) -> bool {
        self.rest != 0.0
    }

    pub fn radians(self) -> f64 {
        let eighths = if self.eighths > 4 { self.eighths as f64 - 8.0 } else { self.eighths as f64 };
        eighths * FRAC_PI_4 + self.rest
    }

    /// The gates of a multiple of pi/4, in order.
    pub fn gates(self) -> &'static [Kind] {
        debug_assert!(!self.is_free());
        match self.eighths {
            0 => &[],
            1 => &[Kind::T],
            2 => &[Kind::S],
            3 => &[Kind::S, Kind::T],
            4 => &[Kind::Z],
            5 => &[Kind::Z, Kind::T],
            6 => &[Kind::Sdg],
            _ => &[Kind::Tdg],
        }
    }
}
