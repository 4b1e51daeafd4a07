//! Gate definitions that say what a kind is: writers put them into files because qelib1.inc and stdgates.inc lack the
//! gate. A definition with the same statements, whatever its names, is read as the kind itself.

use crate::circuit::Kind;

use super::angle::Code;
use super::define::{Definition, Line as DefinedLine};
use super::library::{built, Entry, Standard};
use super::names::{Names, Sym};

/// A statement of a body: gate, under `inv`, whether its one parameter is the definition's, qubits.
type Line = (&'static [u8], bool, bool, &'static [u32]);

const fn line(name: &'static [u8], qubits: &'static [u32]) -> Line {
    (name, false, false, qubits)
}

const A: &[u32] = &[0];
const B: &[u32] = &[1];
const AB: &[u32] = &[0, 1];
const CX: Line = line(b"cx", AB);
const RZ: Line = (b"rz", false, true, B);

const RZX: &[Line] = &[line(b"h", B), CX, RZ, CX, line(b"h", B)];

/// (name, kind, body), exact to the phase.
const KNOWN: &[(&[u8], Kind, &[Line])] = &[
    (b"rxx", Kind::Rxx, &[line(b"h", A), line(b"h", B), CX, RZ, CX, line(b"h", A), line(b"h", B)]),
    (b"rxx", Kind::Rxx, &[line(b"h", A), line(b"h", B), CX, RZ, CX, line(b"h", B), line(b"h", A)]),
    (
        b"ryy",
        Kind::Ryy,
        &[(b"sx", true, false, A), (b"sx", true, false, B), CX, RZ, CX, line(b"sx", A), line(b"sx", B)],
    ),
    (b"ryy", Kind::Ryy, &[line(b"sxdg", A), line(b"sxdg", B), CX, RZ, CX, line(b"sx", A), line(b"sx", B)]),
    (b"rzz", Kind::Rzz, &[CX, RZ, CX]),
    (b"iswap", Kind::Iswap, &[line(b"s", A), line(b"s", B), line(b"h", A), CX, line(b"cx", &[1, 0]), line(b"h", B)]),
    (
        b"iswapdg",
        Kind::Iswapdg,
        &[line(b"h", B), line(b"cx", &[1, 0]), CX, line(b"h", A), line(b"sdg", B), line(b"sdg", A)],
    ),
    (b"ccz", Kind::Ccz, &[line(b"h", &[2]), line(b"ccx", &[0, 1, 2]), line(b"h", &[2])]),
    (b"sxdg", Kind::Sxdg, &[(b"sx", true, false, A)]),
];

/// The kind that a definition of `name` is, when its body is one of the known texts for that name.
pub fn entry(names: &Names, name: Sym, definition: &Definition) -> Option<Entry> {
    let matches = |lines: &[Line]| {
        lines.len() == definition.lines.len()
            && lines.iter().zip(&definition.lines).all(|(line, own)| is_line(names, definition, own, line))
    };
    if names.text(name) == b"rzx" && (definition.params, definition.qubits) == (1, 2) {
        return matches(RZX).then_some(built(Standard::Rzx, 1, 2));
    }
    let row = KNOWN.iter().find(|row| {
        row.0 == names.text(name)
            && row.1.n_params() == definition.params
            && row.1.n_qubits() == definition.qubits
            && matches(row.2)
    })?;
    Some(Entry { standard: Standard::Direct(row.1), params: row.1.n_params() as u8, qubits: row.1.n_qubits() as u8 })
}

fn is_line(names: &Names, definition: &Definition, own: &DefinedLine, line: &Line) -> bool {
    let angles = own.args.0..own.args.1;
    let angled = if line.2 {
        angles.len() == 1 && matches!(definition.program(angles.start), [Code::Param(0)])
    } else {
        angles.is_empty()
    };
    let places = &definition.places[own.qubits.0 as usize..own.qubits.1 as usize];
    names.text(own.name) == line.0 && own.inverted == line.1 && angled && places == line.3
}
