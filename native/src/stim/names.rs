//! What the instructions of Stim are, up to a global phase, as `qmk.frontends.stim.gates` has them.

use super::table::gate;
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

const H: Step = (Kind::H, &[0], 0.0);
const S: Step = (Kind::S, &[0], 0.0);
const SDG: Step = (Kind::Sdg, &[0], 0.0);

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
    Some(match name {
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
        _ => return gate(name),
    })
}
