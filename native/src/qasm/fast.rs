//! The fast path: gates with simple parameters, and measurements, on qubits named by number, straight from the text.
//! Whatever does not look like that is left, from its first byte, to the parser.

use std::f64::consts::PI;

use crate::circuit::Kind;

use super::bits::FALSE;
use super::lex::{is_digit, is_letter, is_word, name_end, skip};
use super::library::{Entry, Standard};
use super::reader::{Gate, Reader, Slot};
use super::tree::{Storage, Word};
use super::values::Data;
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// Most qubits of a call on this path.
const OPERANDS: usize = 16;
/// Most parameters of one.
const PARAMS: usize = 8;

/// A name and the index behind it, if any.
type Element = (Slot, Option<u32>);

/// The operands of one call as they are read.
struct Operands {
    len: usize,
    qubits: [u32; OPERANDS],
}

impl Reader<'_> {
    /// Reads on from `at` for as long as statements have the common form; gives where the first other one begins, None
    /// at the end of the text.
    pub fn fast_lines(&mut self, mut at: usize) -> Result<Option<usize>> {
        let text = self.parser.lex.text;
        loop {
            at = skip(text, at)?;
            if at == text.len() {
                return Ok(None);
            }
            let shadowed = self.has_locals() || (self.jumped && self.ended != FALSE);
            if !is_letter(text[at]) || shadowed {
                return Ok(Some(at));
            }
            match self.fast_line(at)? {
                Some(next) => at = next,
                None => return Ok(Some(at)),
            }
        }
    }

    /// One statement; None, with nothing done, when it is not of the common form.
    #[inline]
    pub fn fast_line(&mut self, start: usize) -> Result<Option<usize>> {
        let text = self.parser.lex.text;
        let end = name_end(text, start);
        let word = &text[start..end];
        if word == b"measure" {
            return self.fast_measure(start, end);
        }
        let name = self.parser.names.intern(word);
        match self.gate_named(name) {
            Gate::Standard(entry) | Gate::Known(entry) => match entry.standard {
                Standard::Direct(kind) if !keyword(word) => self.fast_gate(start, end, kind),
                _ => self.fast_other(start, end, Callee::Entry(entry)),
            },
            Gate::User(number) => self.fast_other(start, end, Callee::User(number)),
            _ if !keyword(word) => self.fast_assignment(start),
            _ => Ok(None),
        }
    }

    /// A gate that is one kind.
    #[inline]
    fn fast_gate(&mut self, start: usize, mut at: usize, kind: Kind) -> Result<Option<usize>> {
        let mut args = [0.0; 3];
        let params = kind.n_params();
        if params > 0 {
            match self.fast_params(at, &mut args[..params])? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        let Some((next, operands)) = self.fast_operands(at)? else { return Ok(None) };
        let qubits = &operands.qubits[..operands.len];
        if qubits.len() != kind.n_qubits() || twice(qubits) {
            return Ok(None);
        }
        self.step(start)?;
        self.builder.writer.gate(kind, qubits, &args[..params])?;
        Ok(Some(next))
    }

    /// A gate of several operations.
    fn fast_other(&mut self, start: usize, mut at: usize, callee: Callee) -> Result<Option<usize>> {
        let mut args = [0.0; PARAMS];
        let (params, n_qubits) = match callee {
            Callee::Entry(entry) => (entry.params as usize, entry.qubits as usize),
            Callee::User(number) => {
                let definition = &self.parser.tree.gates[number as usize];
                (definition.params.len(), definition.qubits.len())
            }
        };
        if params > PARAMS {
            return Ok(None);
        }
        if params > 0 {
            match self.fast_params(at, &mut args[..params])? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        let Some((next, operands)) = self.fast_operands(at)? else { return Ok(None) };
        let qubits = &operands.qubits[..operands.len];
        if qubits.len() != n_qubits || twice(qubits) {
            return Ok(None);
        }
        self.step(start)?;
        match callee {
            Callee::Entry(entry) => self.apply(&entry.make(&args[..params]), qubits)?,
            Callee::User(number) => self.call_user(number, &args[..params], qubits)?,
        }
        Ok(Some(next))
    }

    /// `(0.5, -pi/2)`, as many as `args` holds.
    fn fast_params(&self, mut at: usize, args: &mut [f64]) -> Result<Option<usize>> {
        let text = self.parser.lex.text;
        let mut opening = b'(';
        for slot in args.iter_mut() {
            at = skip(text, at)?;
            if text.get(at) != Some(&opening) {
                return Ok(None);
            }
            match simple_angle(text, at + 1, self.parser.two)? {
                Some((value, next)) => (*slot, at) = (value, next),
                None => return Ok(None),
            }
            opening = b',';
        }
        Ok((text.get(at) == Some(&b')')).then_some(at + 1))
    }

    /// `q[0], r[3], s;` of single qubits.
    #[inline]
    fn fast_operands(&mut self, mut at: usize) -> Result<Option<(usize, Operands)>> {
        let text = self.parser.lex.text;
        let mut found = Operands { len: 0, qubits: [0; OPERANDS] };
        loop {
            at = skip(text, at)?;
            let end = name_end(text, at);
            if end == at || found.len == OPERANDS {
                return Ok(None);
            }
            let name = self.parser.names.intern(&text[at..end]);
            let Slot::Qubits { first, len } = self.global(name) else { return Ok(None) };
            at = end;
            let qubit = match (fast_index(text, at)?, len) {
                (Some((k, next)), Some(len)) if k < len => {
                    at = next;
                    first + k
                }
                (None, None) => first,
                _ => return Ok(None),
            };
            found.qubits[found.len] = qubit;
            found.len += 1;
            at = skip(text, at)?;
            match text.get(at) {
                Some(b',') => at += 1,
                Some(b';') => return Ok(Some((at + 1, found))),
                _ => return Ok(None),
            }
        }
    }

    /// `measure q[0] -> c[0];`
    fn fast_measure(&mut self, start: usize, at: usize) -> Result<Option<usize>> {
        let text = self.parser.lex.text;
        let Some((source, at)) = self.indexed_name(skip(text, at)?)? else { return Ok(None) };
        let at = skip(text, at)?;
        if !text[at..].starts_with(b"->") {
            return Ok(None);
        }
        let Some((target, at)) = self.indexed_name(skip(text, at + 2)?)? else { return Ok(None) };
        self.end_measure(start, source, target, at)
    }

    /// `c[0] = measure q[0];`
    fn fast_assignment(&mut self, start: usize) -> Result<Option<usize>> {
        let text = self.parser.lex.text;
        let Some((target, at)) = self.indexed_name(start)? else { return Ok(None) };
        let at = skip(text, at)?;
        if self.parser.two || text.get(at) != Some(&b'=') {
            return Ok(None);
        }
        let at = skip(text, at + 1)?;
        if !text[at..].starts_with(b"measure") || text.get(at + 7).is_none_or(|&c| is_word(c) || c >= 0x80) {
            return Ok(None);
        }
        let Some((source, at)) = self.indexed_name(skip(text, at + 7)?)? else { return Ok(None) };
        self.end_measure(start, source, target, at)
    }

    /// A name and the index behind it, if any.
    fn indexed_name(&mut self, at: usize) -> Result<Option<(Element, usize)>> {
        let text = self.parser.lex.text;
        let end = name_end(text, at);
        if end == at {
            return Ok(None);
        }
        let name = self.parser.names.intern(&text[at..end]);
        Ok(Some(match fast_index(text, end)? {
            Some((k, next)) => ((self.global(name), Some(k)), next),
            None => ((self.global(name), None), end),
        }))
    }

    fn end_measure(&mut self, start: usize, source: Element, target: Element, at: usize) -> Result<Option<usize>> {
        let text = self.parser.lex.text;
        let at = skip(text, at)?;
        if text.get(at) != Some(&b';') {
            return Ok(None);
        }
        let qubit = match source {
            (Slot::Qubits { first, len: Some(len) }, Some(k)) if k < len => first + k,
            (Slot::Qubits { first, len: None }, None) => first,
            _ => return Ok(None),
        };
        let (Slot::Variable(id), place) = target else { return Ok(None) };
        let variable = &self.variables[id as usize];
        if variable.storage == Storage::Constant || variable.kind.word != Word::Bit {
            return Ok(None);
        }
        let place = match (&variable.data, place) {
            (Data::Bits(bits), Some(k)) if (k as usize) < bits.len() => k as i32,
            (Data::Bit(_), None) => -1,
            _ => return Ok(None),
        };
        self.step(start)?;
        let bit = self.builder.measure(qubit)?;
        self.store_at((id, place), Data::Bit(bit))?;
        Ok(Some(at + 1))
    }
}

/// A gate that is more than one kind.
#[derive(Clone, Copy)]
enum Callee {
    Entry(Entry),
    User(u32),
}

/// Words that begin another statement although a gate may have that name.
pub fn keyword(word: &[u8]) -> bool {
    matches!(
        word,
        b"qreg"
            | b"creg"
            | b"gate"
            | b"opaque"
            | b"if"
            | b"reset"
            | b"barrier"
            | b"include"
            | b"OPENQASM"
            | b"qubit"
            | b"bit"
            | b"let"
            | b"for"
            | b"while"
            | b"def"
            | b"const"
            | b"input"
            | b"output"
            | b"int"
            | b"uint"
            | b"float"
            | b"bool"
            | b"angle"
            | b"complex"
            | b"array"
            | b"duration"
            | b"stretch"
            | b"box"
            | b"delay"
            | b"ctrl"
            | b"negctrl"
            | b"inv"
            | b"pow"
            | b"switch"
            | b"return"
            | b"end"
            | b"break"
            | b"continue"
            | b"extern"
            | b"cal"
            | b"defcal"
            | b"defcalgrammar"
            | b"pragma"
            | b"else"
            | b"in"
            | b"case"
            | b"default"
            | b"gphase"
            | b"true"
            | b"false"
            | b"durationof"
            | b"readonly"
            | b"mutable"
    )
}

fn twice(qubits: &[u32]) -> bool {
    (1..qubits.len()).any(|k| qubits[..k].contains(&qubits[k]))
}

/// `[12]` at `at`: the number, and where it ends. None where no plain index stands there.
#[inline]
fn fast_index(text: &[u8], at: usize) -> Result<Option<(u32, usize)>> {
    if text.get(at) != Some(&b'[') {
        return Ok(None);
    }
    let start = skip(text, at + 1)?;
    let (mut end, mut number) = (start, 0u32);
    while let Some(&c) = text.get(end).filter(|&&c| is_digit(c)) {
        if end - start == 9 {
            return Ok(None);
        }
        number = number * 10 + (c - b'0') as u32;
        end += 1;
    }
    let close = skip(text, end)?;
    Ok((end > start && text.get(close) == Some(&b']')).then_some((number, close + 1)))
}

/// A product of numbers and pi, computed left to right, and where the ',' or ')' behind it stands. A quotient of whole
/// numbers is left to the expression rules of OpenQASM 3.
pub fn simple_angle(text: &[u8], at: usize, two: bool) -> Result<Option<(f64, usize)>> {
    let Some((mut value, mut whole, mut at)) = signed_factor(text, skip(text, at)?)? else { return Ok(None) };
    loop {
        at = skip(text, at)?;
        let op = match text.get(at) {
            Some(&op @ (b'*' | b'/')) => op,
            Some(b')' | b',') => return Ok(Some((value, at))),
            _ => return Ok(None),
        };
        let Some((number, integer, next)) = signed_factor(text, skip(text, at + 1)?)? else { return Ok(None) };
        at = next;
        whole &= integer;
        if op == b'*' {
            value *= number;
        } else if number == 0.0 || (whole && !two) {
            return Ok(None);
        } else {
            value /= number;
        }
        if !value.is_finite() {
            return Ok(None);
        }
    }
}

/// A factor, perhaps behind a sign.
#[inline]
fn signed_factor(text: &[u8], at: usize) -> Result<Option<(f64, bool, usize)>> {
    Ok(match text.get(at) {
        Some(b'-') => factor(text, skip(text, at + 1)?).map(|(value, whole, end)| (-value, whole, end)),
        Some(b'+') => factor(text, skip(text, at + 1)?),
        _ => factor(text, at),
    })
}

/// `pi` or a plain decimal number: its value, whether it is a whole number as written, and where it ends.
#[inline]
fn factor(text: &[u8], at: usize) -> Option<(f64, bool, usize)> {
    let rest = &text[at..];
    if rest.starts_with(b"pi") && !rest.get(2).is_some_and(|&c| is_word(c) || c >= 0x80) {
        return Some((PI, false, at + 2));
    }
    let digits = |from: usize| rest[from..].iter().take_while(|&&c| is_digit(c)).count();
    let mut end = digits(0);
    let (mut seen, mut whole) = (end, true);
    if rest.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        (end, seen, whole) = (end + 1 + fraction, seen + fraction, false);
    }
    if seen == 0 {
        return None;
    }
    if matches!(rest.get(end), Some(b'e' | b'E')) {
        let sign = matches!(rest.get(end + 1), Some(b'+' | b'-')) as usize;
        let exponent = digits(end + 1 + sign);
        if exponent == 0 {
            return None;
        }
        (end, whole) = (end + 1 + sign + exponent, false);
    }
    if rest.get(end).is_some_and(|&c| is_word(c) || c == b'.' || c >= 0x80) {
        return None;
    }
    let value: f64 = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    value.is_finite().then_some((value, whole, at + end))
}
