//! The gates that "qelib1.inc" and "stdgates.inc" declare, and the built-in ones, with exact phases: the same tables as
//! `qmk.frontends.openqasm.library`, whose sources they cite.

use std::f64::consts::FRAC_PI_2;

use crate::circuit::Kind;

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
    /// A rotation about ZX, which no kind is: only as a definition that writers put into files.
    Rzx,
    Rccx,
    Rc3x,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    pub standard: Standard,
    pub params: u8,
    pub qubits: u8,
}

const fn direct(kind: Kind) -> Entry {
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
    common(name).or_else(|| if qelib1 { old(name) } else { new(name) })
}

fn common(name: &[u8]) -> Option<Entry> {
    Some(direct(match name {
        b"x" => Kind::X,
        b"y" => Kind::Y,
        b"z" => Kind::Z,
        b"h" => Kind::H,
        b"s" => Kind::S,
        b"sdg" => Kind::Sdg,
        b"t" => Kind::T,
        b"tdg" => Kind::Tdg,
        b"sx" => Kind::Sx,
        b"id" => Kind::Id,
        b"cx" => Kind::Cnot,
        b"cy" => Kind::Cy,
        b"cz" => Kind::Cz,
        b"ch" => Kind::Ch,
        b"swap" => Kind::Swap,
        b"ccx" => Kind::Toffoli,
        b"cswap" => Kind::Cswap,
        b"rx" => Kind::Rx,
        b"ry" => Kind::Ry,
        b"rz" => Kind::Rz,
        b"p" | b"u1" => Kind::P,
        b"cp" => Kind::Cp,
        b"crx" => Kind::Crx,
        b"cry" => Kind::Cry,
        b"crz" => Kind::Crz,
        b"cu" => return Some(built(Standard::Cu, 4, 2)),
        _ => return None,
    }))
}

/// Only in qelib1.inc, with the gates that Qiskit reads besides.
fn old(name: &[u8]) -> Option<Entry> {
    Some(match name {
        b"sxdg" => direct(Kind::Sxdg),
        b"u" | b"u3" => direct(Kind::U),
        b"u0" => built(Standard::U0, 1, 1),
        b"u2" => built(Standard::U2, 2, 1),
        b"cu1" => direct(Kind::Cp),
        b"cu3" => built(Standard::Controlled(Kind::U), 3, 2),
        b"rzz" => direct(Kind::Rzz),
        b"rxx" => direct(Kind::Rxx),
        b"ryy" => direct(Kind::Ryy),
        b"csx" => built(Standard::Controlled(Kind::Sx), 0, 2),
        b"c3x" => built(Standard::Controlled(Kind::X), 0, 4),
        b"c4x" => built(Standard::Controlled(Kind::X), 0, 5),
        b"c3sqrtx" => built(Standard::Controlled(Kind::Sx), 0, 4),
        b"rccx" => built(Standard::Rccx, 0, 3),
        b"rc3x" => built(Standard::Rc3x, 0, 4),
        _ => return None,
    })
}

/// Only in stdgates.inc.
fn new(name: &[u8]) -> Option<Entry> {
    Some(match name {
        b"CX" => direct(Kind::Cnot),
        b"phase" => direct(Kind::P),
        b"cphase" => direct(Kind::Cp),
        b"u2" => built(Standard::U2Centred, 2, 1),
        b"u3" => built(Standard::U3Centred, 3, 1),
        _ => return None,
    })
}

const RCCX: &[(Kind, &[u32])] = &[
    (Kind::H, &[2]),
    (Kind::T, &[2]),
    (Kind::Cnot, &[1, 2]),
    (Kind::Tdg, &[2]),
    (Kind::Cnot, &[0, 2]),
    (Kind::T, &[2]),
    (Kind::Cnot, &[1, 2]),
    (Kind::Tdg, &[2]),
    (Kind::H, &[2]),
];

const RC3X: &[(Kind, &[u32])] = &[
    (Kind::H, &[3]),
    (Kind::T, &[3]),
    (Kind::Cnot, &[2, 3]),
    (Kind::Tdg, &[3]),
    (Kind::H, &[3]),
    (Kind::Cnot, &[0, 3]),
    (Kind::T, &[3]),
    (Kind::Cnot, &[1, 3]),
    (Kind::Tdg, &[3]),
    (Kind::Cnot, &[0, 3]),
    (Kind::T, &[3]),
    (Kind::Cnot, &[1, 3]),
    (Kind::Tdg, &[3]),
    (Kind::H, &[3]),
    (Kind::T, &[3]),
    (Kind::Cnot, &[2, 3]),
    (Kind::Tdg, &[3]),
    (Kind::H, &[3]),
];

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
            Standard::Rzx => {
                out.push(Part::Gate(Kind::H, &[1], args));
                out.push(Part::Gate(Kind::Rzz, &[0, 1], args));
                out.push(Part::Gate(Kind::H, &[1], args));
            }
            Standard::Rccx => fixed(RCCX, out),
            Standard::Rc3x => fixed(RC3X, out),
        }
    }
}

fn fixed(steps: &[(Kind, &'static [u32])], out: &mut Vec<Part>) {
    out.extend(steps.iter().map(|&(kind, qubits)| Part::Gate(kind, qubits, [0.0; 3])));
}
