//! Written by tools/generate_gates.py from the gates in qmk.qvm.families.gates; not edited by hand.

use super::{step, Lowered};

kinds! {
    Id "id" 1 [] b"-" Id 0 Id true
    X "x" 1 [] b"X" X 0 X true
    Y "y" 1 [] b"Y" Y 0 Y true
    Z "z" 1 [] b"Z" Z 0 Z true
    H "h" 1 [] b"-" H 0 H true
    S "s" 1 [] b"Z" S 0 Sdg true
    Sdg "sdg" 1 [] b"Z" Sdg 0 S true
    Sx "sx" 1 [] b"X" Sx 0 Sxdg true
    Sxdg "sxdg" 1 [] b"X" Sxdg 0 Sx true
    T "t" 1 [] b"Z" T 0 Tdg false
    Tdg "tdg" 1 [] b"Z" Tdg 0 T false
    Rx "rx" 1 ["theta"] b"X" Rx 0 Rx false
    Ry "ry" 1 ["theta"] b"Y" Ry 0 Ry false
    Rz "rz" 1 ["theta"] b"Z" Rz 0 Rz false
    P "p" 1 ["lam"] b"Z" P 0 P false
    U "u" 1 ["theta", "phi", "lam"] b"-" U 0 U false
    Cnot "cnot" 2 [] b"ZX" X 1 Cnot true
    Cy "cy" 2 [] b"ZY" Y 1 Cy true
    Cz "cz" 2 [] b"ZZ" Z 1 Cz true
    Ch "ch" 2 [] b"Z-" H 1 Ch false
    Swap "swap" 2 [] b"--" Swap 0 Swap true
    Iswap "iswap" 2 [] b"--" Iswap 0 Iswapdg true
    Iswapdg "iswapdg" 2 [] b"--" Iswapdg 0 Iswap true
    Cp "cp" 2 ["lam"] b"ZZ" P 1 Cp false
    Crx "crx" 2 ["theta"] b"ZX" Rx 1 Crx false
    Cry "cry" 2 ["theta"] b"ZY" Ry 1 Cry false
    Crz "crz" 2 ["theta"] b"ZZ" Rz 1 Crz false
    Rxx "rxx" 2 ["theta"] b"XX" Rxx 0 Rxx false
    Ryy "ryy" 2 ["theta"] b"YY" Ryy 0 Ryy false
    Rzz "rzz" 2 ["theta"] b"ZZ" Rzz 0 Rzz false
    Toffoli "toffoli" 3 [] b"ZZX" X 2 Toffoli false
    Ccz "ccz" 3 [] b"ZZZ" Z 2 Ccz false
    Cswap "cswap" 3 [] b"Z--" Swap 1 Cswap false
}

/// Gates that are no kinds, as steps of kinds.
#[rustfmt::skip]
pub const LOWERED: &[Lowered] = &[
    Lowered { name: "qasm_u", qubits: 1, angles: &["theta", "phi", "lam"], bases: b"-", steps: &[
        step(Kind::U, &[0], &[(0.0, &[(0, 1.0)]), (0.0, &[(1, 1.0)]), (0.0, &[(2, 1.0)])]),
    ] },
    Lowered { name: "rzx", qubits: 2, angles: &["theta"], bases: b"ZX", steps: &[
        step(Kind::H, &[1], &[]), step(Kind::Rzz, &[0, 1], &[(0.0, &[(0, 1.0)])]), step(Kind::H, &[1], &[]),
    ] },
    Lowered { name: "ecr", qubits: 2, angles: &[], bases: b"-X", steps: &[
        step(Kind::S, &[0], &[]), step(Kind::Sx, &[1], &[]), step(Kind::Cnot, &[0, 1], &[]), step(Kind::X, &[0], &[]),
    ] },
    Lowered { name: "siswap", qubits: 2, angles: &[], bases: b"--", steps: &[
        step(Kind::H, &[0], &[]), step(Kind::H, &[1], &[]), step(Kind::Cnot, &[0, 1], &[]), step(Kind::Tdg, &[1], &[]),
        step(Kind::Cnot, &[0, 1], &[]), step(Kind::H, &[0], &[]), step(Kind::H, &[1], &[]), step(Kind::Sxdg, &[0], &[]),
        step(Kind::Sxdg, &[1], &[]), step(Kind::Cnot, &[0, 1], &[]), step(Kind::Tdg, &[1], &[]),
        step(Kind::Cnot, &[0, 1], &[]), step(Kind::Sx, &[0], &[]), step(Kind::Sx, &[1], &[]),
    ] },
    Lowered { name: "siswapdg", qubits: 2, angles: &[], bases: b"--", steps: &[
        step(Kind::H, &[0], &[]), step(Kind::H, &[1], &[]), step(Kind::Cnot, &[0, 1], &[]), step(Kind::T, &[1], &[]),
        step(Kind::Cnot, &[0, 1], &[]), step(Kind::H, &[0], &[]), step(Kind::H, &[1], &[]), step(Kind::Sxdg, &[0], &[]),
        step(Kind::Sxdg, &[1], &[]), step(Kind::Cnot, &[0, 1], &[]), step(Kind::T, &[1], &[]),
        step(Kind::Cnot, &[0, 1], &[]), step(Kind::Sx, &[0], &[]), step(Kind::Sx, &[1], &[]),
    ] },
    Lowered { name: "fsim", qubits: 2, angles: &["theta", "phi"], bases: b"--", steps: &[
        step(Kind::Rxx, &[0, 1], &[(0.0, &[(0, 1.0)])]), step(Kind::Ryy, &[0, 1], &[(0.0, &[(0, 1.0)])]),
        step(Kind::Cp, &[0, 1], &[(0.0, &[(1, -1.0)])]),
    ] },
    Lowered { name: "xx_plus_yy", qubits: 2, angles: &["theta", "beta"], bases: b"--", steps: &[
        step(Kind::Rz, &[0], &[(0.0, &[(1, 1.0)])]), step(Kind::Rxx, &[0, 1], &[(0.0, &[(0, 0.5)])]),
        step(Kind::Ryy, &[0, 1], &[(0.0, &[(0, 0.5)])]), step(Kind::Rz, &[0], &[(0.0, &[(1, -1.0)])]),
    ] },
];
