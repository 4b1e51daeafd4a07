//! Gate sets of devices: which gates on one and two qubits a circuit may hold, and how many of them a core takes.

use std::f64::consts::FRAC_PI_4;

use super::weyl::{cross, dot, reduced, Axis, Core, Term, SNAP};
use crate::circuit::Kind;

/// The gate on two qubits that all others are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Native {
    /// One of fixed angle, locally the controlled NOT: `Cnot`, `Cz`.
    Fixed(Kind),
    /// The echoed cross-resonance gate: (S (x) SX), CNOT, (X (x) 1).
    Ecr,
    Iswap,
    /// `Rzz` or `Rxx` by any angle.
    Rotation(Kind),
}

/// The form of gates on one qubit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Single {
    /// RZ, SX and, if there, X.
    Zsx { x: bool },
    /// RZ and RX.
    Zx,
    /// RZ and RY.
    Zy,
    /// One gate U.
    U,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateSet {
    pub single: Single,
    pub native: Native,
}

/// Names of gates that a set may be made of.
pub const NAMES: [&str; 13] = ["rz", "sx", "x", "rx", "ry", "u", "cx", "cz", "ecr", "iswap", "rzz", "rxx", "cnot"];

impl GateSet {
    /// The set of these names; the error says what is missing or not known.
    pub fn named(names: &[&str]) -> Result<GateSet, String> {
        if let Some(other) = names.iter().find(|name| !NAMES.contains(name)) {
            return Err(format!(
                "gate '{other}' is not one that circuits are written in: take some of {}",
                NAMES.join(", ")
            ));
        }
        let has = |name: &str| names.contains(&name);
        let single = match () {
            () if has("u") => Single::U,
            () if has("rz") && has("sx") => Single::Zsx { x: has("x") },
            () if has("rz") && has("rx") => Single::Zx,
            () if has("rz") && has("ry") => Single::Zy,
            () => {
                return Err("these gates make no gate on one qubit: add u, or rz with one of sx, rx and ry".to_owned())
            }
        };
        let native = match () {
            () if has("rzz") => Native::Rotation(Kind::Rzz),
            () if has("rxx") => Native::Rotation(Kind::Rxx),
            () if has("cz") => Native::Fixed(Kind::Cz),
            () if has("cx") || has("cnot") => Native::Fixed(Kind::Cnot),
            () if has("ecr") => Native::Ecr,
            () if has("iswap") => Native::Iswap,
            () => return Err("these gates join no two qubits: add one of cx, cz, ecr, iswap, rzz and rxx".to_owned()),
        };
        Ok(GateSet { single, native })
    }
}

impl Native {
    /// How many of this gate a core takes, the least there is.
    pub fn needs(self, core: &Core) -> usize {
        match self {
            Native::Rotation(_) => core.terms().len(),
            Native::Fixed(_) | Native::Ecr => controlled_nots(core),
            Native::Iswap => {
                // an iSWAP is locally a SWAP and a controlled NOT: an odd number leaves an exchange
                if core.terms().is_empty() {
                    return 0;
                }
                match (with_exchange(core), controlled_nots(core)) {
                    (1, _) => 1,
                    (_, 0..=2) => 2,
                    _ => 3,
                }
            }
        }
    }
}

/// Of controlled NOTs; Shende, Bullock, Markov, PRA 70, 012310 (2004).
pub fn controlled_nots(core: &Core) -> usize {
    match core.terms() {
        [] => 0,
        [term] if term.c.abs() > FRAC_PI_4 - SNAP => 1,
        [_] | [_, _] => 2,
        _ => 3,
    }
}

/// Of controlled NOTs, for the core and an exchange of its qubits: the exchange adds pi/4 along each axis.
pub fn with_exchange(core: &Core) -> usize {
    let [first, second, third] = core.full();
    // axes of one hand on one qubit and of the other hand on the other: the product of three is negative
    let hand = |of: fn(&Term) -> Axis| dot(&cross(&of(&first), &of(&second)), &of(&third)).signum();
    let sign = hand(|term| term.a) * hand(|term| term.b);
    let (_, _, made) = reduced(&[first, second, third].map(|term| Term { c: term.c + sign * FRAC_PI_4, ..term }));
    controlled_nots(&made)
}
