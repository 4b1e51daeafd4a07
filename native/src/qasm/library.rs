//! The gates that "qelib1.inc" and "stdgates.inc" declare, and the built-in ones: kinds by their declared names, and those
//! that are composed as in `qmk.frontends.openqasm.library`, whose sources it cites.

use std::f64::consts::FRAC_PI_2;

use crate::circuit::{Kind, Lowered};

use super::table::{QELIB1, RC3X, RCCX, STDGATES};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Standard {
    /// One kind, its angles in order.
    Direct(Kind),
    U0,
    U2,
    /// u2 and u3 of OpenQASM 3: less half of their phases.
    U2Centred,
    U3Centred,
    /// OpenQASM 3's U: u times e^{i theta/2}.
    Universal,
    Cu,
    /// A base under controls: as many as the gate has qubits besides it.
    Controlled(Kind),
    /// A declared gate that is no kind: only as a definition that writers put into files.
    Lowered(&'static str),
    Rccx,
    Rc3x,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    pub standard: Standard,
    pub params: u8,
    pub qubits: u8,
}

pub const fn direct(kind: Kind) -> Entry {
    Entry { standard: Standard::Direct(kind), params: kind.n_params() as u8, qubits: kind.n_qubits() as u8 }
}

pub const fn built(standard: Standard, params: u8, qubits: u8) -> Entry {
    Entry { standard, params, qubits }
}

/// The gate `name` before any library is included.
pub fn builtin(name: &[u8], two: bool) -> Option<Entry> {
    match (name, two) {
        (b"U", true) => Some(direct(Kind::U)),
        (b"CX", true) => Some(direct(Kind::Cnot)),
        (b"U", false) => Some(built(Standard::Universal, 3, 1)),
        _ => None,
    }
}

/// The gate `name` of qelib1.inc, or else of stdgates.inc.
pub fn find(name: &[u8], qelib1: bool) -> Option<Entry> {
    let table = if qelib1 { QELIB1 } else { STDGATES };
    let kind = table.iter().find(|row| row.0.as_bytes() == name).map(|row| direct(row.1));
    kind.or_else(|| composed(name, qelib1))
}

/// Gates of the libraries that are no kinds.
fn composed(name: &[u8], qelib1: bool) -> Option<Entry> {
    Some(match (name, qelib1) {
        (b"cu", _) => built(Standard::Cu, 4, 2),
        (b"u0", true) => built(Standard::U0, 1, 1),
        (b"u2", true) => built(Standard::U2, 2, 1),
        (b"cu3", true) => built(Standard::Controlled(Kind::U), 3, 2),
        (b"csx", true) => built(Standard::Controlled(Kind::Sx), 0, 2),
        (b"c3x", true) => built(Standard::Controlled(Kind::X), 0, 4),
        (b"c4x", true) => built(Standard::Controlled(Kind::X), 0, 5),
        (b"c3sqrtx", true) => built(Standard::Controlled(Kind::Sx), 0, 4),
        (b"rccx", true) => built(Standard::Rccx, 0, 3),
        (b"rc3x", true) => built(Standard::Rc3x, 0, 4),
        (b"u2", false) => built(Standard::U2Centred, 2, 1),
        (b"u3", false) => built(Standard::U3Centred, 3, 1),
        _ => return None,
    })
}

/// One operation of a gate on its operands by number.
pub enum Part {
    Gate(Kind, &'static [u32], [f64; 3]),
    /// A base on the last operands under all others.
    Controlled(Kind, [f64; 3]),
}

impl Entry {
    /// Appends the operations of the gate with these parameters, up to its phase, which no measurement can see.
    pub fn parts(&self, values: &[f64], out: &mut Vec<Part>) {
        let mut args = [0.0; 3];
        args.iter_mut().zip(values).for_each(|(slot, &value)| *slot = value);
        match self.standard {
            Standard::Direct(kind) => out.push(Part::Gate(kind, &[0, 1, 2][..kind.n_qubits()], args)),
            Standard::U0 => out.push(Part::Gate(Kind::Id, &[0], args)),
            Standard::U2 | Standard::U2Centred => {
                out.push(Part::Gate(Kind::U, &[0], [FRAC_PI_2, values[0], values[1]]));
            }
            Standard::U3Centred | Standard::Universal => out.push(Part::Gate(Kind::U, &[0], args)),
            Standard::Cu => {
                if values[3] != 0.0 {
                    out.push(Part::Gate(Kind::P, &[0], [values[3], 0.0, 0.0]));
                }
                out.push(Part::Controlled(Kind::U, args));
            }
            Standard::Controlled(base) => out.push(Part::Controlled(base, args)),
            Standard::Lowered(name) => {
                let steps = Lowered::named(name).map_or(&[][..], |gate| gate.steps);
                out.extend(steps.iter().map(|step| Part::Gate(step.kind, step.qubits, step.values(values))));
            }
            Standard::Rccx => fixed(RCCX, out),
            Standard::Rc3x => fixed(RC3X, out),
        }
    }
}

fn fixed(steps: &[(Kind, &'static [u32])], out: &mut Vec<Part>) {
    out.extend(steps.iter().map(|&(kind, qubits)| Part::Gate(kind, qubits, [0.0; 3])));
}
