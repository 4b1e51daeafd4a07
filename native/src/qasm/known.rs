//! Gate definitions that say what a declared gate is: writers put them into files because qelib1.inc and stdgates.inc lack
//! the gate. A definition with the same statements, whatever its names, is read as the gate itself.

use std::fmt::Write;

use crate::circuit::{Kind, Lowered};

use super::angle::Code;
use super::define::Definition;
use super::library::{built, direct, Entry, Standard};
use super::names::{Names, Sym};
use super::table::KNOWN;

/// The gate that a definition of `name` is, when its body is one of the known texts for that name.
pub fn entry(names: &Names, name: Sym, definition: &Definition) -> Option<Entry> {
    let shape = (definition.params, definition.qubits);
    let mut rows =
        KNOWN.iter().filter(|row| row.0.as_bytes() == names.text(name) && (row.1, row.2) == shape).peekable();
    let (gate, params, qubits, _) = *rows.peek()?;
    let own = body(names, definition);
    rows.find(|row| row.3 == own)?;
    let lowered = || Lowered::named(gate).map(|gate| built(Standard::Lowered(gate.name), *params as u8, *qubits as u8));
    Kind::from_name(gate).map(direct).or_else(lowered)
}

/// The statements of a definition as the table has them: `inv sx 0; rz($0 2.0 /) 1;`, angles in order of computation.
fn body(names: &Names, definition: &Definition) -> String {
    let mut out = String::new();
    for line in &definition.lines {
        let args: Vec<String> = (line.args.0..line.args.1).map(|at| angle(definition.program(at))).collect();
        let places = &definition.places[line.qubits.0 as usize..line.qubits.1 as usize];
        let qubits: Vec<String> = places.iter().map(u32::to_string).collect();
        let (space, inverted) = (if out.is_empty() { "" } else { " " }, if line.inverted { "inv " } else { "" });
        let args = if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
        let name = String::from_utf8_lossy(names.text(line.name));
        let _ = write!(out, "{space}{inverted}{name}{args} {};", qubits.join(" "));
    }
    out
}

fn angle(steps: &[Code]) -> String {
    let one = |step: &Code| match step {
        Code::Param(at) => format!("${at}"),
        Code::Number(value) => format!("{value:?}"),
        Code::Operate(sign) => char::from(*sign).to_string(),
        Code::Negate => "neg".into(),
        Code::Call(_) => "call".into(),
    };
    steps.iter().map(one).collect::<Vec<_>>().join(" ")
}
