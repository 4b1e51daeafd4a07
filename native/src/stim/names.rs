//! What the instructions of Stim are, up to a global phase: the tables of `qmk.frontends.stim.gates`.

use std::f64::consts::FRAC_PI_2;

use crate::circuit::Kind;

/// A gate on operands by number, and its angle where it has one.
pub type Step = (Kind, &'static [u32], f64);

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Basis {
    X,
    Y,
    Z,
}

/// Where a measured bit may stand in a pair that controls a Pauli.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fed {
    First,
    Second,
    Either,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Name {
    Single(&'static [Step]),
    /// Steps, and the Pauli that a measured bit may control.
    Double(&'static [Step], Option<(Kind, Fed)>),
    /// Basis, and whether a reset follows.
    Measure(Basis, bool),
    Reset(Basis),
    /// The first letter of an error.
    Error(Basis),
    Depolarize1,
    Depolarize2,
    Channel1,
    Channel2,
    Detector,
    Observable,
    /// Coordinates of qubits, which count as used.
    Place,
    Shift,
    Tick,
}

const fn one(kind: Kind) -> Step {
    (kind, &[0], 0.0)
}

const fn two(kind: Kind) -> Step {
    (kind, &[0, 1], 0.0)
}

const X: Step = one(Kind::X);
const Y: Step = one(Kind::Y);
const Z: Step = one(Kind::Z);
const H: Step = one(Kind::H);
const S: Step = one(Kind::S);
const SDG: Step = one(Kind::Sdg);
const SX: Step = one(Kind::Sx);
const SXDG: Step = one(Kind::Sxdg);
const CNOT: Step = two(Kind::Cnot);
const CY: Step = two(Kind::Cy);
const ISWAP: Step = two(Kind::Iswap);
const ISWAPDG: Step = two(Kind::Iswapdg);
const SWAP: Step = two(Kind::Swap);
const CZ: Step = two(Kind::Cz);

/// What turns a basis to Z.
pub fn to_z(basis: Basis) -> &'static [Step] {
    match basis {
        Basis::X => &[H],
        Basis::Y => &[SDG, H],
        Basis::Z => &[],
    }
}

/// What turns Z to a basis.
pub fn from_z(basis: Basis) -> &'static [Step] {
    match basis {
        Basis::X => &[H],
        Basis::Y => &[H, S],
        Basis::Z => &[],
    }
}

/// The instruction called `name`; None for what is left to the front end.
pub fn find(name: &[u8]) -> Option<Name> {
    use Name::*;
    let fed = |kind, place| Some((kind, place));
    Some(match name {
        b"H" | b"H_XZ" => Single(&[H]),
        b"CX" | b"CNOT" | b"ZCX" => Double(&[CNOT], fed(Kind::X, Fed::First)),
        b"CZ" | b"ZCZ" => Double(&[CZ], fed(Kind::Z, Fed::Either)),
        b"S" | b"SQRT_Z" => Single(&[S]),
        b"M" | b"MZ" => Measure(Basis::Z, false),
        b"R" | b"RZ" => Reset(Basis::Z),
        b"TICK" => Tick,
        b"DETECTOR" => Detector,
        b"OBSERVABLE_INCLUDE" => Observable,
        b"QUBIT_COORDS" => Place,
        b"SHIFT_COORDS" => Shift,
        b"DEPOLARIZE1" => Depolarize1,
        b"DEPOLARIZE2" => Depolarize2,
        b"X_ERROR" => Error(Basis::X),
        b"Y_ERROR" => Error(Basis::Y),
        b"Z_ERROR" => Error(Basis::Z),
        b"PAULI_CHANNEL_1" => Channel1,
        b"PAULI_CHANNEL_2" => Channel2,
        b"MX" => Measure(Basis::X, false),
        b"MY" => Measure(Basis::Y, false),
        b"MR" | b"MRZ" => Measure(Basis::Z, true),
        b"MRX" => Measure(Basis::X, true),
        b"MRY" => Measure(Basis::Y, true),
        b"RX" => Reset(Basis::X),
        b"RY" => Reset(Basis::Y),
        b"CY" | b"ZCY" => Double(&[CY], fed(Kind::Y, Fed::First)),
        b"XCZ" => Double(&[(Kind::Cnot, &[1, 0], 0.0)], fed(Kind::X, Fed::Second)),
        b"YCZ" => Double(&[(Kind::Cy, &[1, 0], 0.0)], fed(Kind::Y, Fed::Second)),
        _ => return rare(name),
    })
}

fn rare(name: &[u8]) -> Option<Name> {
    if let Some(steps) = single(name) {
        return Some(Name::Single(steps));
    }
    let steps: &'static [Step] = match name {
        b"II" => &[],
        b"XCX" => &[H, CNOT, H],
        b"XCY" => &[H, CY, H],
        b"YCX" => &[SX, CNOT, SXDG],
        b"YCY" => &[SX, CY, SXDG],
        b"SWAP" => &[SWAP],
        b"ISWAP" => &[ISWAP],
        b"ISWAP_DAG" => &[ISWAPDG],
        b"CXSWAP" => &[CNOT, SWAP],
        b"SWAPCX" => &[SWAP, CNOT],
        b"CZSWAP" | b"SWAPCZ" => &[CZ, SWAP],
        b"SQRT_XX" => &[(Kind::Rxx, &[0, 1], FRAC_PI_2)],
        b"SQRT_XX_DAG" => &[(Kind::Rxx, &[0, 1], -FRAC_PI_2)],
        b"SQRT_YY" => &[(Kind::Ryy, &[0, 1], FRAC_PI_2)],
        b"SQRT_YY_DAG" => &[(Kind::Ryy, &[0, 1], -FRAC_PI_2)],
        b"SQRT_ZZ" => &[(Kind::Rzz, &[0, 1], FRAC_PI_2)],
        b"SQRT_ZZ_DAG" => &[(Kind::Rzz, &[0, 1], -FRAC_PI_2)],
        _ => return None,
    };
    Some(Name::Double(steps, None))
}

fn single(name: &[u8]) -> Option<&'static [Step]> {
    Some(match name {
        b"I" => &[],
        b"X" => &[X],
        b"Y" => &[Y],
        b"Z" => &[Z],
        b"S_DAG" | b"SQRT_Z_DAG" => &[SDG],
        b"SQRT_X" => &[SX],
        b"SQRT_X_DAG" => &[SXDG],
        b"SQRT_Y" => &[(Kind::Ry, &[0], FRAC_PI_2)],
        b"SQRT_Y_DAG" => &[(Kind::Ry, &[0], -FRAC_PI_2)],
        b"H_XY" => &[X, S],
        b"H_YZ" => &[Y, SX],
        b"H_NXY" => &[X, SDG],
        b"H_NXZ" => &[Y, H],
        b"H_NYZ" => &[Y, SXDG],
        b"C_XYZ" => &[H, SXDG],
        b"C_ZYX" => &[H, S],
        b"C_NXYZ" => &[SX, SDG],
        b"C_XNYZ" => &[H, SX],
        b"C_XYNZ" => &[SXDG, S],
        b"C_NZYX" => &[SDG, SX],
        b"C_ZNYX" => &[H, SDG],
        b"C_ZYNX" => &[S, SXDG],
        _ => return None,
    })
}
