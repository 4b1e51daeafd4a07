//! Gates as lists of primitive operations with an exact global phase, and `inv`, `ctrl` and `pow` of them. Phases are
//! exact: under a control they are physics.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI, TAU};

use crate::circuit::Kind;

use super::matrix::{multiply, one, power as matrix_power, turn, C, ID2, M2};

/// One operation on numbered qubits of the surrounding gate.
#[derive(Clone, Debug, PartialEq)]
pub enum Prim {
    Gate { kind: Kind, qubits: [u32; 3], args: [f64; 3] },
    Wide(Box<Wide>),
    Barrier,
}

/// A gate without controls of its own (`base`; None is a phase) under controls (first in `qubits`), to a power.
#[derive(Clone, Debug, PartialEq)]
pub struct Wide {
    pub base: Option<Kind>,
    pub qubits: Vec<u32>,
    pub args: [f64; 3],
    /// What each control must hold.
    pub values: Vec<bool>,
    pub power: f64,
}

/// Primitives in order of application, times e^{i phase}.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unitary {
    pub prims: Vec<Prim>,
    pub phase: f64,
}

/// Why a power has no form here.
pub enum NoPower {
    NoClosedForm,
    TooLong,
}

/// Kinds that are a control on a simpler one.
const CONTROLLED: &[(Kind, Kind, usize)] = &[
    (Kind::Cnot, Kind::X, 1),
    (Kind::Cy, Kind::Y, 1),
    (Kind::Cz, Kind::Z, 1),
    (Kind::Ch, Kind::H, 1),
    (Kind::Cp, Kind::P, 1),
    (Kind::Crx, Kind::Rx, 1),
    (Kind::Cry, Kind::Ry, 1),
    (Kind::Crz, Kind::Rz, 1),
    (Kind::Cswap, Kind::Swap, 1),
    (Kind::Toffoli, Kind::X, 2),
    (Kind::Ccz, Kind::Z, 2),
];

pub fn gate(kind: Kind, qubits: &[u32], args: &[f64]) -> Prim {
    let mut found = ([u32::MAX; 3], [0.0; 3]);
    found.0[..qubits.len()].copy_from_slice(qubits);
    found.1[..args.len()].copy_from_slice(args);
    Prim::Gate { kind, qubits: found.0, args: found.1 }
}

pub fn controlled(base: Kind, qubits: &[u32], args: [f64; 3]) -> Prim {
    let values = vec![true; qubits.len() - base.n_qubits()];
    narrow(Wide { base: Some(base), qubits: qubits.to_vec(), args, values, power: 1.0 })
}

/// As base, controls and power; None for a barrier.
fn widen(prim: &Prim) -> Option<Wide> {
    match prim {
        Prim::Gate { kind, qubits, args } => {
            let found = CONTROLLED.iter().find(|row| row.0 == *kind);
            let (base, controls) = found.map_or((*kind, 0), |row| (row.1, row.2));
            let qubits = qubits[..kind.n_qubits()].to_vec();
            Some(Wide { base: Some(base), qubits, args: *args, values: vec![true; controls], power: 1.0 })
        }
        Prim::Wide(wide) => Some((**wide).clone()),
        Prim::Barrier => None,
    }
}

/// As one kind where it is one.
fn narrow(wide: Wide) -> Prim {
    if wide.power == 1.0 && wide.values.iter().all(|&value| value) {
        let controls = wide.values.len();
        let plain = match wide.base {
            Some(base) if controls == 0 => Some(base),
            Some(base) => CONTROLLED.iter().find(|row| row.1 == base && row.2 == controls).map(|row| row.0),
            None => None,
        };
        if let Some(kind) = plain {
            let mut qubits = [u32::MAX; 3];
            qubits[..kind.n_qubits()].copy_from_slice(&wide.qubits);
            return Prim::Gate { kind, qubits, args: wide.args };
        }
    }
    Prim::Wide(Box::new(wide))
}

fn self_inverse(base: Kind) -> bool {
    matches!(base, Kind::Id | Kind::X | Kind::Y | Kind::Z | Kind::H | Kind::Swap)
}

fn rotation(base: Kind) -> bool {
    matches!(base, Kind::Rx | Kind::Ry | Kind::Rz | Kind::Rxx | Kind::Ryy | Kind::Rzz)
}

/// The phase that a diagonal gate gives |1>.
fn phase_of(base: Kind) -> Option<f64> {
    Some(match base {
        Kind::Z => PI,
        Kind::S => FRAC_PI_2,
        Kind::Sdg => -FRAC_PI_2,
        Kind::T => FRAC_PI_4,
        Kind::Tdg => -FRAC_PI_4,
        _ => return None,
    })
}

/// `x` less the nearest multiple of `y`, ties to even (IEEE 754 remainder).
pub fn remainder(x: f64, y: f64) -> f64 {
    let rest = x % y;
    let (twice, odd) = (2.0 * rest.abs(), ((x - rest) / y).round() % 2.0 != 0.0);
    if twice > y || (twice == y && odd) {
        rest - y.copysign(rest)
    } else {
        rest
    }
}

impl Unitary {
    /// What a copy costs: primitives, and the operands of wide ones.
    pub fn weight(&self) -> usize {
        let wide = |prim: &Prim| if let Prim::Wide(wide) = prim { 1 + wide.qubits.len() } else { 1 };
        self.prims.iter().map(wide).sum()
    }

    pub fn inverse(&self) -> Unitary {
        let prims = self.prims.iter().rev().map(inverse_of).collect();
        Unitary { prims, phase: -self.phase }
    }

    /// Under controls that become qubits 0, 1, ...; the global phase becomes a primitive of its own.
    pub fn control(&self, values: &[bool]) -> Unitary {
        let count = values.len() as u32;
        let front: Vec<u32> = (0..count).collect();
        let mut prims: Vec<Prim> = Vec::with_capacity(self.prims.len() + 1);
        for prim in &self.prims {
            prims.push(match widen(prim) {
                None => Prim::Barrier,
                Some(mut wide) => {
                    wide.qubits = front.iter().copied().chain(wide.qubits.iter().map(|k| k + count)).collect();
                    wide.values = values.iter().chain(&wide.values).copied().collect();
                    narrow(wide)
                }
            });
        }
        if remainder(self.phase, TAU) != 0.0 {
            let args = [self.phase, 0.0, 0.0];
            prims.push(Prim::Wide(Box::new(Wide {
                base: None,
                qubits: front,
                args,
                values: values.to_vec(),
                power: 1.0,
            })));
        }
        Unitary { prims, phase: 0.0 }
    }

    /// To a power, fractional ones on the principal branch of each eigenvalue.
    pub fn power(&self, exponent: f64, qubits: usize, limit: usize) -> Result<Unitary, NoPower> {
        if exponent == exponent.trunc() {
            return self.whole_power(exponent, limit);
        }
        let phase = remainder(self.phase, TAU);
        if self.prims.is_empty() {
            return Ok(Unitary { prims: vec![], phase: phase * exponent });
        }
        if let ([prim], true) = (&self.prims[..], phase == 0.0) {
            if let Some(found) = fractional(prim, exponent) {
                return Ok(Unitary { prims: vec![found], phase: 0.0 });
            }
        }
        if qubits == 1 {
            return self.matrix_power(exponent).ok_or(NoPower::NoClosedForm);
        }
        Err(NoPower::NoClosedForm)
    }

    fn whole_power(&self, exponent: f64, limit: usize) -> Result<Unitary, NoPower> {
        if exponent < 0.0 {
            return self.inverse().whole_power(-exponent, limit);
        }
        let phase = remainder(self.phase, TAU) * exponent;
        if let [prim] = &self.prims[..] {
            return Ok(Unitary { prims: whole(prim, exponent).into_iter().collect(), phase });
        }
        if exponent * self.weight() as f64 > limit as f64 {
            return Err(NoPower::TooLong);
        }
        let times = if self.prims.is_empty() { 0 } else { exponent as usize };
        Ok(Unitary { prims: std::iter::repeat_n(&self.prims, times).flatten().cloned().collect(), phase })
    }

    /// The power of a gate on one qubit by its eigenvalues.
    fn matrix_power(&self, exponent: f64) -> Option<Unitary> {
        let [[a, b], [c, d]] = self.matrix()?;
        let (mean, half) = ((a + d) * 0.5, (a - d) * 0.5);
        let delta = (half * half + b * c).sqrt();
        if delta.abs() < 1e-12 {
            return Some(Unitary { prims: vec![], phase: mean.phase() * exponent });
        }
        let [high, low] = [mean + delta, mean - delta].map(|v| turn(v.phase() * exponent));
        let (total, gap) = ((high + low) * 0.5, (high - low) * 0.5);
        let (along, across) = ((a - mean) / delta, (d - mean) / delta);
        Some(from_matrix(&[[total + gap * along, gap * (b / delta)], [gap * (c / delta), total + gap * across]]))
    }

    /// The matrix of a gate on one qubit without controls.
    fn matrix(&self) -> Option<M2> {
        let scalar = turn(self.phase);
        let mut out = ID2.map(|row| row.map(|x| x * scalar));
        for prim in &self.prims {
            let Some(wide) = widen(prim) else { continue };
            if !wide.values.is_empty() {
                return None;
            }
            let base = one(wide.base?, &wide.args)?;
            let found = matrix_power(base.iter().map(|row| row.to_vec()).collect(), wide.power)?;
            out = multiply(&[[found[0][0], found[0][1]], [found[1][0], found[1][1]]], &out);
        }
        Some(out)
    }
}

fn inverse_of(prim: &Prim) -> Prim {
    let Some(mut wide) = widen(prim) else { return Prim::Barrier };
    let base = wide.base;
    if wide.power != 1.0 {
        wide.power = -wide.power;
    } else if base.is_none_or(|base| rotation(base) || base == Kind::P) {
        wide.args = wide.args.map(|angle| -angle);
    } else if base == Some(Kind::U) {
        wide.args = [-wide.args[0], -wide.args[2], -wide.args[1]];
    } else {
        wide.base = base.map(|base| match base {
            Kind::S => Kind::Sdg,
            Kind::Sdg => Kind::S,
            Kind::T => Kind::Tdg,
            Kind::Tdg => Kind::T,
            Kind::Sx => Kind::Sxdg,
            Kind::Sxdg => Kind::Sx,
            Kind::Iswap => Kind::Iswapdg,
            Kind::Iswapdg => Kind::Iswap,
            other => other,
        });
    }
    narrow(wide)
}

/// One primitive repeated; None when nothing is left.
fn whole(prim: &Prim, exponent: f64) -> Option<Prim> {
    if exponent == 0.0 {
        return None;
    }
    let Some(mut wide) = widen(prim) else { return Some(Prim::Barrier) };
    let base = wide.base;
    if exponent == 1.0 || base == Some(Kind::Id) {
        return Some(prim.clone());
    }
    if wide.power != 1.0 {
        wide.power *= exponent;
    } else if let Some(phase) = base.and_then(phase_of) {
        let turns = (TAU / phase.abs()).round();
        let left = exponent % turns;
        if left == 0.0 {
            return None;
        }
        (wide.base, wide.args) = (Some(Kind::P), [phase * left, 0.0, 0.0]);
    } else if base.is_some_and(self_inverse) {
        return (exponent % 2.0 != 0.0).then(|| prim.clone());
    } else if base.is_none_or(|base| rotation(base) || base == Kind::P) {
        wide.args = wide.args.map(|angle| angle * exponent);
    } else {
        wide.power = exponent;
    }
    Some(narrow(wide))
}

/// A primitive on the principal branch; None where its eigenvalues are not known in closed form.
fn fractional(prim: &Prim, exponent: f64) -> Option<Prim> {
    let Some(mut wide) = widen(prim) else { return Some(Prim::Barrier) };
    let base = wide.base;
    if base == Some(Kind::Id) {
        return Some(prim.clone());
    }
    if !(wide.power > -1.0 && wide.power <= 1.0) {
        return None;
    }
    if wide.power != 1.0 {
        wide.power *= exponent;
        return Some(narrow(wide));
    }
    if base.is_none_or(|base| base == Kind::P) {
        wide.args = wide.args.map(|angle| remainder(angle, TAU) * exponent);
    } else if let Some(phase) = base.and_then(phase_of) {
        (wide.base, wide.args) = (Some(Kind::P), [phase * exponent, 0.0, 0.0]);
    } else if base == Some(Kind::X) && exponent.abs() == 0.5 {
        wide.base = Some(if exponent > 0.0 { Kind::Sx } else { Kind::Sxdg });
    } else {
        let angle = remainder(wide.args[0], 2.0 * TAU);
        if base.is_some_and(rotation) && angle.abs() < TAU - 1e-12 {
            wide.args[0] = angle * exponent;
        } else {
            wide.power = exponent;
        }
    }
    Some(narrow(wide))
}

/// A unitary on one qubit as one `u` gate and its phase.
fn from_matrix(matrix: &M2) -> Unitary {
    let [[a, b], [c, d]] = *matrix;
    let theta = 2.0 * c.abs().atan2(a.abs());
    let seen = |x: C| x.abs() > 1e-12;
    let (phase, phi, lam);
    if seen(a) {
        phase = a.phase();
        phi = if seen(c) { c.phase() - phase } else { 0.0 };
        lam = if seen(d) { d.phase() - phase - phi } else { (-b).phase() - phase };
    } else {
        (phase, phi) = (c.phase(), 0.0);
        lam = (-b).phase() - phase;
    }
    Unitary { prims: vec![gate(Kind::U, &[0], &[theta, phi, lam])], phase }
}

/// A phase under controls, as gates: a phase gate on one control, under the others.
pub fn controlled_phase(wide: &Wide) -> Vec<Prim> {
    let target = wide.values.iter().rposition(|&value| value);
    let at = target.unwrap_or(0);
    let (mut qubits, mut values) = (wide.qubits.clone(), wide.values.clone());
    let last = qubits.remove(at);
    values.remove(at);
    qubits.push(last);
    let args = [wide.args[0] * wide.power, 0.0, 0.0];
    let phase = narrow(Wide { base: Some(Kind::P), qubits, args, values, power: 1.0 });
    if target.is_some() {
        return vec![phase];
    }
    let around = gate(Kind::X, &[last], &[]);
    vec![around.clone(), phase, around]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remainder_is_that_of_the_nearest_multiple_ties_to_even() {
        for (x, y, expected) in [(5.0, 4.0, 1.0), (6.0, 4.0, -2.0), (2.0, 4.0, 2.0), (-6.0, 4.0, 2.0), (7.5, 2.5, 0.0)]
        {
            assert_eq!(remainder(x, y), expected, "{x} {y}");
        }
    }

    #[test]
    fn a_power_and_its_inverse_are_nothing() {
        let prims = vec![gate(Kind::H, &[0], &[]), gate(Kind::T, &[0], &[]), gate(Kind::Rx, &[0], &[0.7])];
        let whole = Unitary { prims, phase: 0.3 };
        for exponent in [3.0, -2.0, 0.5, -1.0 / 3.0] {
            let mut both = whole.power(exponent, 1, 1000).ok().expect("a power");
            let back = both.inverse();
            both.prims.extend(back.prims);
            both.phase += back.phase;
            let found = both.matrix().expect("a gate on one qubit");
            for (x, y) in found.iter().flatten().zip(ID2.iter().flatten()) {
                assert!((*x - *y).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_controlled_gate_is_a_kind_where_there_is_one() {
        let x = Unitary { prims: vec![gate(Kind::X, &[0], &[])], phase: 0.0 };
        assert_eq!(x.control(&[true]).prims, [gate(Kind::Cnot, &[0, 1], &[])]);
        assert_eq!(x.control(&[true]).control(&[true]).prims, [gate(Kind::Toffoli, &[0, 1, 2], &[])]);
        assert!(matches!(x.control(&[false]).prims[..], [Prim::Wide(_)]));
    }
}
