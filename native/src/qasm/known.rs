//! Gate definitions that say what a declared gate is: writers put them into files because qelib1.inc and stdgates.inc lack
//! the gate. A definition with the same statements, whatever its names, is read as the gate itself.

use crate::circuit::{Kind, Lowered};

use super::angle::Code;
use super::define::{Definition, Line as DefinedLine};
use super::library::{built, direct, Entry, Standard};
use super::names::{Names, Sym};
use super::table::KNOWN;

/// A definition of a declared gate.
pub struct Known {
    pub gate: &'static str,
    pub params: usize,
    pub qubits: usize,
    pub lines: &'static [Line],
}

/// A statement of a body: gate, whether it is under `inv`, what computes each of its angles, qubits.
pub struct Line {
    pub name: &'static str,
    pub inverted: bool,
    pub angles: &'static [&'static [Code]],
    pub qubits: &'static [u32],
}

/// The gate that a definition of `name` is, when its body is one of the known texts for that name.
pub fn entry(names: &Names, name: Sym, definition: &Definition) -> Option<Entry> {
    let known = KNOWN.iter().find(|known| {
        known.gate.as_bytes() == names.text(name)
            && (known.params, known.qubits) == (definition.params, definition.qubits)
            && known.lines.len() == definition.lines.len()
            && known.lines.iter().zip(&definition.lines).all(|(line, own)| is_line(names, definition, own, line))
    })?;
    let lowered = || {
        Lowered::named(known.gate)
            .map(|gate| built(Standard::Lowered(gate.name), known.params as u8, known.qubits as u8))
    };
    Kind::from_name(known.gate).map(direct).or_else(lowered)
}

fn is_line(names: &Names, definition: &Definition, own: &DefinedLine, line: &Line) -> bool {
    let angles = own.args.0..own.args.1;
    let places = &definition.places[own.qubits.0 as usize..own.qubits.1 as usize];
    names.text(own.name) == line.name.as_bytes()
        && own.inverted == line.inverted
        && places == line.qubits
        && angles.len() == line.angles.len()
        && angles.zip(line.angles).all(|(at, code)| is_same(definition.program(at), code))
}

fn is_same(own: &[Code], code: &[Code]) -> bool {
    let one = |pair: (&Code, &Code)| match pair {
        (Code::Param(a), Code::Param(b)) => a == b,
        (Code::Number(a), Code::Number(b)) => a == b,
        (Code::Operate(a), Code::Operate(b)) => a == b,
        (Code::Negate, Code::Negate) => true,
        _ => false,
    };
    own.len() == code.len() && own.iter().zip(code).all(one)
}
