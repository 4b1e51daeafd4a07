//! Written by tools/generate_gates.py from the gates in qmk.qvm.families.gates; not edited by hand.

use std::f64::consts::PI;

use super::names::{Fed, Name};
use crate::circuit::Kind;

/// The gate called `name`; None for what is no gate of kinds.
#[rustfmt::skip]
pub fn gate(name: &[u8]) -> Option<Name> {
    Some(match name {
        b"I" => Name::Single(&[]),
        b"X" => Name::Single(&[(Kind::X, &[0], 0.0)]),
        b"Y" => Name::Single(&[(Kind::Y, &[0], 0.0)]),
        b"Z" => Name::Single(&[(Kind::Z, &[0], 0.0)]),
        b"H" | b"H_XZ" => Name::Single(&[(Kind::H, &[0], 0.0)]),
        b"S" | b"SQRT_Z" => Name::Single(&[(Kind::S, &[0], 0.0)]),
        b"S_DAG" | b"SQRT_Z_DAG" => Name::Single(&[(Kind::Sdg, &[0], 0.0)]),
        b"SQRT_X" => Name::Single(&[(Kind::Sx, &[0], 0.0)]),
        b"SQRT_X_DAG" => Name::Single(&[(Kind::Sxdg, &[0], 0.0)]),
        b"SQRT_Y" => Name::Single(&[(Kind::Ry, &[0], 0.5 * PI)]),
        b"SQRT_Y_DAG" => Name::Single(&[(Kind::Ry, &[0], -0.5 * PI)]),
        b"H_XY" => Name::Single(&[(Kind::X, &[0], 0.0), (Kind::S, &[0], 0.0)]),
        b"H_YZ" => Name::Single(&[(Kind::Y, &[0], 0.0), (Kind::Sx, &[0], 0.0)]),
        b"H_NXY" => Name::Single(&[(Kind::X, &[0], 0.0), (Kind::Sdg, &[0], 0.0)]),
        b"H_NXZ" => Name::Single(&[(Kind::Y, &[0], 0.0), (Kind::H, &[0], 0.0)]),
        b"H_NYZ" => Name::Single(&[(Kind::Y, &[0], 0.0), (Kind::Sxdg, &[0], 0.0)]),
        b"C_XYZ" => Name::Single(&[(Kind::H, &[0], 0.0), (Kind::Sxdg, &[0], 0.0)]),
        b"C_ZYX" => Name::Single(&[(Kind::H, &[0], 0.0), (Kind::S, &[0], 0.0)]),
        b"C_NXYZ" => Name::Single(&[(Kind::Sx, &[0], 0.0), (Kind::Sdg, &[0], 0.0)]),
        b"C_XNYZ" => Name::Single(&[(Kind::H, &[0], 0.0), (Kind::Sx, &[0], 0.0)]),
        b"C_XYNZ" => Name::Single(&[(Kind::Sxdg, &[0], 0.0), (Kind::S, &[0], 0.0)]),
        b"C_NZYX" => Name::Single(&[(Kind::Sdg, &[0], 0.0), (Kind::Sx, &[0], 0.0)]),
        b"C_ZNYX" => Name::Single(&[(Kind::H, &[0], 0.0), (Kind::Sdg, &[0], 0.0)]),
        b"C_ZYNX" => Name::Single(&[(Kind::S, &[0], 0.0), (Kind::Sxdg, &[0], 0.0)]),
        b"CX" | b"CNOT" | b"ZCX" => Name::Double(&[(Kind::Cnot, &[0, 1], 0.0)], Some((Kind::X, Fed::First))),
        b"CY" | b"ZCY" => Name::Double(&[(Kind::Cy, &[0, 1], 0.0)], Some((Kind::Y, Fed::First))),
        b"CZ" | b"ZCZ" => Name::Double(&[(Kind::Cz, &[0, 1], 0.0)], Some((Kind::Z, Fed::Either))),
        b"SWAP" => Name::Double(&[(Kind::Swap, &[0, 1], 0.0)], None),
        b"ISWAP" => Name::Double(&[(Kind::Iswap, &[0, 1], 0.0)], None),
        b"ISWAP_DAG" => Name::Double(&[(Kind::Iswapdg, &[0, 1], 0.0)], None),
        b"II" => Name::Double(&[], None),
        b"XCZ" => Name::Double(&[(Kind::Cnot, &[1, 0], 0.0)], Some((Kind::X, Fed::Second))),
        b"YCZ" => Name::Double(&[(Kind::Cy, &[1, 0], 0.0)], Some((Kind::Y, Fed::Second))),
        b"XCX" => Name::Double(&[(Kind::H, &[0], 0.0), (Kind::Cnot, &[0, 1], 0.0), (Kind::H, &[0], 0.0)], None),
        b"XCY" => Name::Double(&[(Kind::H, &[0], 0.0), (Kind::Cy, &[0, 1], 0.0), (Kind::H, &[0], 0.0)], None),
        b"YCX" => Name::Double(&[(Kind::Sx, &[0], 0.0), (Kind::Cnot, &[0, 1], 0.0), (Kind::Sxdg, &[0], 0.0)], None),
        b"YCY" => Name::Double(&[(Kind::Sx, &[0], 0.0), (Kind::Cy, &[0, 1], 0.0), (Kind::Sxdg, &[0], 0.0)], None),
        b"CXSWAP" => Name::Double(&[(Kind::Cnot, &[0, 1], 0.0), (Kind::Swap, &[0, 1], 0.0)], None),
        b"SWAPCX" => Name::Double(&[(Kind::Swap, &[0, 1], 0.0), (Kind::Cnot, &[0, 1], 0.0)], None),
        b"CZSWAP" | b"SWAPCZ" => Name::Double(&[(Kind::Cz, &[0, 1], 0.0), (Kind::Swap, &[0, 1], 0.0)], None),
        b"SQRT_XX" => Name::Double(&[(Kind::Rxx, &[0, 1], 0.5 * PI)], None),
        b"SQRT_XX_DAG" => Name::Double(&[(Kind::Rxx, &[0, 1], -0.5 * PI)], None),
        b"SQRT_YY" => Name::Double(&[(Kind::Ryy, &[0, 1], 0.5 * PI)], None),
        b"SQRT_YY_DAG" => Name::Double(&[(Kind::Ryy, &[0, 1], -0.5 * PI)], None),
        b"SQRT_ZZ" => Name::Double(&[(Kind::Rzz, &[0, 1], 0.5 * PI)], None),
        b"SQRT_ZZ_DAG" => Name::Double(&[(Kind::Rzz, &[0, 1], -0.5 * PI)], None),
        _ => return None,
    })
}
