//! Gate definitions that say what a kind is: writers put them into files because qelib1.inc and stdgates.inc lack the
//! gate. A definition with the same statements, whatever its names, is read as the kind itself.

use crate::circuit::Kind;

use super::library::{Entry, Standard};
use super::parser::Parser;
use super::tree::{Body, Expr, ExprId, List, Modifier, Stmt};

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

/// Whether a definition of this name may be one.
pub fn has_name(name: &[u8]) -> bool {
    KNOWN.iter().any(|row| row.0 == name)
}

/// The kind that definition `number` is, when its body is one of the known texts for its name.
pub fn entry(parser: &Parser, number: u32) -> Option<Entry> {
    let definition = &parser.tree.gates[number as usize];
    let name = parser.names.text(definition.name);
    let Body::Tree(body) = definition.body else { return None };
    let row = KNOWN.iter().find(|row| {
        row.0 == name
            && row.1.n_params() == definition.params.len()
            && row.1.n_qubits() == definition.qubits.len()
            && row.2.len() == body.len as usize
            && row.2.iter().enumerate().all(|(k, line)| is_line(parser, number, body, k as u32, line))
    })?;
    Some(Entry { standard: Standard::Direct(row.1), params: row.1.n_params() as u8, qubits: row.1.n_qubits() as u8 })
}

fn is_line(parser: &Parser, number: u32, body: List, k: u32, line: &Line) -> bool {
    let tree = &parser.tree;
    let definition = &tree.gates[number as usize];
    let Stmt::Gate { name, modifiers, args, operands } = tree.stmts[tree.item(body, k) as usize].0 else {
        return false;
    };
    let named = |id: ExprId, names: &[u32], place: usize| matches!(tree.expr(id), Expr::Name(name) if names.get(place) == Some(&name));
    let inverted = modifiers.len == 1 && tree.modifiers[modifiers.start as usize] == Modifier::Inv;
    let modified = if line.1 { inverted } else { modifiers.len == 0 };
    let angled = args.len == line.2 as u32 && (!line.2 || named(tree.item(args, 0), &definition.params, 0));
    parser.names.text(name) == line.0
        && modified
        && angled
        && operands.len as usize == line.3.len()
        && line
            .3
            .iter()
            .enumerate()
            .all(|(at, &q)| named(tree.item(operands, at as u32), &definition.qubits, q as usize))
}
