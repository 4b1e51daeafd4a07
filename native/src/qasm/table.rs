//! Written by tools/generate_gates.py from the gates in qmk.qvm.families.gates; not edited by hand.

use crate::circuit::Kind;

/// Gates of "qelib1.inc" that are kinds.
#[rustfmt::skip]
pub const QELIB1: &[(&str, Kind)] = &[
    ("id", Kind::Id), ("x", Kind::X), ("y", Kind::Y), ("z", Kind::Z), ("h", Kind::H), ("s", Kind::S), ("sdg", Kind::Sdg),
    ("sx", Kind::Sx), ("sxdg", Kind::Sxdg), ("t", Kind::T), ("tdg", Kind::Tdg), ("rx", Kind::Rx), ("ry", Kind::Ry),
    ("rz", Kind::Rz), ("p", Kind::P), ("u1", Kind::P), ("u", Kind::U), ("u3", Kind::U), ("cx", Kind::Cnot),
    ("cy", Kind::Cy), ("cz", Kind::Cz), ("ch", Kind::Ch), ("swap", Kind::Swap), ("cp", Kind::Cp), ("cu1", Kind::Cp),
    ("crx", Kind::Crx), ("cry", Kind::Cry), ("crz", Kind::Crz), ("rxx", Kind::Rxx), ("ryy", Kind::Ryy),
    ("rzz", Kind::Rzz), ("ccx", Kind::Toffoli), ("cswap", Kind::Cswap),
];

/// Gates of "stdgates.inc" that are kinds.
#[rustfmt::skip]
pub const STDGATES: &[(&str, Kind)] = &[
    ("id", Kind::Id), ("x", Kind::X), ("y", Kind::Y), ("z", Kind::Z), ("h", Kind::H), ("s", Kind::S), ("sdg", Kind::Sdg),
    ("sx", Kind::Sx), ("t", Kind::T), ("tdg", Kind::Tdg), ("rx", Kind::Rx), ("ry", Kind::Ry), ("rz", Kind::Rz),
    ("p", Kind::P), ("phase", Kind::P), ("u1", Kind::P), ("cx", Kind::Cnot), ("CX", Kind::Cnot), ("cy", Kind::Cy),
    ("cz", Kind::Cz), ("ch", Kind::Ch), ("swap", Kind::Swap), ("cp", Kind::Cp), ("cphase", Kind::Cp), ("crx", Kind::Crx),
    ("cry", Kind::Cry), ("crz", Kind::Crz), ("ccx", Kind::Toffoli), ("cswap", Kind::Cswap),
];

/// The gate "rccx" of qelib1.inc.
#[rustfmt::skip]
pub const RCCX: &[(Kind, &[u32])] = &[
    (Kind::H, &[2]), (Kind::T, &[2]), (Kind::Cnot, &[1, 2]), (Kind::Tdg, &[2]), (Kind::Cnot, &[0, 2]), (Kind::T, &[2]),
    (Kind::Cnot, &[1, 2]), (Kind::Tdg, &[2]), (Kind::H, &[2]),
];

/// The gate "rc3x" of qelib1.inc.
#[rustfmt::skip]
pub const RC3X: &[(Kind, &[u32])] = &[
    (Kind::H, &[3]), (Kind::T, &[3]), (Kind::Cnot, &[2, 3]), (Kind::Tdg, &[3]), (Kind::H, &[3]), (Kind::Cnot, &[0, 3]),
    (Kind::T, &[3]), (Kind::Cnot, &[1, 3]), (Kind::Tdg, &[3]), (Kind::Cnot, &[0, 3]), (Kind::T, &[3]),
    (Kind::Cnot, &[1, 3]), (Kind::Tdg, &[3]), (Kind::H, &[3]), (Kind::T, &[3]), (Kind::Cnot, &[2, 3]), (Kind::Tdg, &[3]),
    (Kind::H, &[3]),
];

/// Definitions that say what a gate is.
#[rustfmt::skip]
pub const KNOWN: &[(&str, usize, usize, &str)] = &[
    ("ccz", 0, 3, "h 2; ccx 0 1 2; h 2;"),
    ("ecr", 0, 2, "s 0; sx 1; cx 0 1; x 0; gphase(-0.7853981633974483) ;"),
    ("fsim", 2, 2, "h 0; h 1; cx 0 1; rz($0) 1; cx 0 1; h 0; h 1; inv sx 0; inv sx 1; cx 0 1; rz($0) 1; cx 0 1; sx \
        0; sx 1; cp($1 neg) 0 1;"),
    ("iswap", 0, 2, "s 0; s 1; h 0; cx 0 1; cx 1 0; h 1;"),
    ("iswapdg", 0, 2, "h 1; cx 1 0; cx 0 1; h 0; sdg 1; sdg 0;"),
    ("rxx", 1, 2, "h 0; h 1; cx 0 1; rz($0) 1; cx 0 1; h 0; h 1;"),
    ("rxx", 1, 2, "h 0; h 1; cx 0 1; rz($0) 1; cx 0 1; h 1; h 0;"),
    ("ryy", 1, 2, "inv sx 0; inv sx 1; cx 0 1; rz($0) 1; cx 0 1; sx 0; sx 1;"),
    ("ryy", 1, 2, "sxdg 0; sxdg 1; cx 0 1; rz($0) 1; cx 0 1; sx 0; sx 1;"),
    ("rzx", 1, 2, "h 1; cx 0 1; rz($0) 1; cx 0 1; h 1;"),
    ("rzz", 1, 2, "cx 0 1; rz($0) 1; cx 0 1;"),
    ("siswap", 0, 2, "h 0; h 1; cx 0 1; tdg 1; cx 0 1; h 0; h 1; inv sx 0; inv sx 1; cx 0 1; tdg 1; cx 0 1; sx 0; sx \
        1; gphase(0.7853981633974483) ;"),
    ("siswapdg", 0, 2, "h 0; h 1; cx 0 1; t 1; cx 0 1; h 0; h 1; inv sx 0; inv sx 1; cx 0 1; t 1; cx 0 1; sx 0; sx \
        1; gphase(-0.7853981633974483) ;"),
    ("sxdg", 0, 1, "inv sx 0;"),
    ("xx_plus_yy", 2, 2, "rz($1) 0; h 0; h 1; cx 0 1; rz($0 2.0 /) 1; cx 0 1; h 0; h 1; inv sx 0; inv sx 1; cx 0 1; \
        rz($0 2.0 /) 1; cx 0 1; sx 0; sx 1; rz($1 neg) 0;"),
];
