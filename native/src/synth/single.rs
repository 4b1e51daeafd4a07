//! Gates on one qubit in the form of a set, angles near multiples of pi/4 exactly those.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI, TAU};

use super::set::Single;
use super::weyl::{rotation, SNAP, Z};
use crate::circuit::matrix::{product_one, One};
use crate::circuit::Kind;

/// Nearer to a multiple of pi/4 than this, an angle is that multiple.
const ANGLE: f64 = 1e-9;

/// In (-pi, pi], and a multiple of pi/4 where it is one but for rounding.
pub fn snapped(angle: f64) -> f64 {
    let angle = angle - (angle / TAU).round() * TAU;
    let whole = (angle / FRAC_PI_4).round();
    let angle = if (angle - whole * FRAC_PI_4).abs() < ANGLE { whole * FRAC_PI_4 } else { angle };
    if angle <= -PI + ANGLE {
        PI
    } else {
        angle
    }
}

/// (theta, phi, lambda) with RZ(phi) RY(theta) RZ(lambda) the gate up to phase; theta in [0, pi].
pub fn euler(m: &One) -> (f64, f64, f64) {
    let theta = 2.0 * m[2].abs().atan2(m[0].abs());
    if theta < ANGLE {
        return (0.0, snapped(m[3].phase() - m[0].phase()), 0.0);
    }
    if theta > PI - ANGLE {
        return (PI, snapped(m[2].phase() - (-m[1]).phase()), 0.0);
    }
    let (sum, difference) = (m[3].phase() - m[0].phase(), m[2].phase() - (-m[1]).phase());
    let (phi, lambda) = ((sum + difference) / 2.0, (sum - difference) / 2.0);
    // halves of angles modulo a whole turn: both may be off by half a turn, or neither
    let off = (m[2].phase() - m[0].phase() - phi).cos() < 0.0;
    let by = if off { PI } else { 0.0 };
    (snapped(theta), snapped(phi + by), snapped(lambda + by))
}

/// The gate as RZ(angle) after a gate without one.
pub fn without_diagonal(m: &One) -> (f64, One) {
    let (_, phi, _) = euler(m);
    (phi, product_one(&rotation(&Z, -phi), m))
}

/// Calls `emit` with the gates of the form, none for the identity.
pub fn write(m: &One, single: Single, emit: &mut impl FnMut(Kind, &[f64])) {
    let (theta, phi, lambda) = euler(m);
    if theta == 0.0 && phi.abs() < SNAP {
        return;
    }
    match single {
        Single::U => emit(Kind::U, &[theta, phi, lambda]),
        Single::Zsx { x } => zsx(theta, phi, lambda, x, emit),
        // RY(theta) = RZ(pi/2) RX(theta) RZ(-pi/2)
        Single::Zx => around(Kind::Rx, theta, phi + FRAC_PI_2, lambda - FRAC_PI_2, emit),
        Single::Zy => around(Kind::Ry, theta, phi, lambda, emit),
    }
}

fn z(angle: f64, emit: &mut impl FnMut(Kind, &[f64])) {
    let angle = snapped(angle);
    if angle != 0.0 {
        emit(Kind::Rz, &[angle]);
    }
}

fn around(kind: Kind, theta: f64, phi: f64, lambda: f64, emit: &mut impl FnMut(Kind, &[f64])) {
    if theta == 0.0 {
        return z(phi + lambda, emit);
    }
    if theta == PI {
        // RZ(phi) R(pi) RZ(lambda) = RZ(phi - lambda) R(pi)
        emit(kind, &[theta]);
        return z(phi - lambda, emit);
    }
    z(lambda, emit);
    emit(kind, &[theta]);
    z(phi, emit);
}

/// RZ(phi) RY(theta) RZ(lambda) = RZ(phi + pi) SX RZ(theta + pi) SX RZ(lambda), up to phase; one SX at theta = pi/2.
fn zsx(theta: f64, phi: f64, lambda: f64, x: bool, emit: &mut impl FnMut(Kind, &[f64])) {
    if theta == 0.0 {
        z(phi + lambda, emit);
    } else if theta == PI && x {
        // RY(pi) = RZ(pi) X, and X RZ(lambda) = RZ(-lambda) X, up to phase
        emit(Kind::X, &[]);
        z(phi - lambda + PI, emit);
    } else if theta == FRAC_PI_2 {
        z(lambda - FRAC_PI_2, emit);
        emit(Kind::Sx, &[]);
        z(phi + FRAC_PI_2, emit);
    } else {
        z(lambda, emit);
        emit(Kind::Sx, &[]);
        z(theta + PI, emit);
        emit(Kind::Sx, &[]);
        z(phi + PI, emit);
    }
}
