//! One pass over a flat text: what names stand for, budgets, and one function for each kind of statement.

use std::rc::Rc;

use crate::circuit::{Circuit, Register, NONE};

use super::angle::Code;
use super::define::{Callee, Definition, Heads};
use super::lex::{is_digit, name_end, skip};
use super::library::{self, Entry};
use super::names::{Names, Sym};
use super::nodes::{source, Nodes, Output};
use super::writer::Writer;
use super::{limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slot {
    Free,
    /// A register of qubits; `len` None: a single qubit.
    Qubits {
        first: u32,
        len: Option<u32>,
    },
    /// Classical bits, by their place in `Reader::bits`.
    Bits(u32),
    /// The caller's value of an input.
    Input(f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gate {
    /// Not looked for yet.
    Unseen,
    Unknown,
    Standard(Entry),
    /// A definition that is a standard gate's.
    Known(Entry),
    User(u32),
}

/// A register of classical bits, or a single one: the event that each holds, `NONE` before it is measured.
pub struct Bits {
    pub name: Sym,
    pub single: bool,
    pub events: Vec<u32>,
}

/// The caller's value of an input of the program.
#[derive(Clone, Debug)]
pub struct Input {
    pub name: String,
    pub value: f64,
    pub used: bool,
}

/// Qubits of an operand: `len` of them from `first` on, in step with other registers where it is one.
#[derive(Clone, Copy)]
pub struct Operand {
    pub first: u32,
    pub len: u32,
    pub register: bool,
}

/// Words that begin a statement which is no gate call, or that no program may give to anything else. Their number as a
/// name is their place here.
#[rustfmt::skip]
pub const KEYWORDS: &[&str] = &[
    "measure", "reset", "barrier", "if", "gate", "qreg", "creg", "qubit", "bit", "input", "include", "gphase",
    "opaque", "OPENQASM", "let", "for", "while", "def", "const", "output", "int", "uint", "float", "bool", "angle",
    "complex", "array", "duration", "stretch", "box", "delay", "ctrl", "negctrl", "inv", "pow", "switch", "return",
    "end", "break", "continue", "extern", "cal", "defcal", "defcalgrammar", "pragma", "else", "in", "case", "default",
    "true", "false", "durationof", "readonly", "mutable",
];

pub struct Reader<'a> {
    pub text: &'a [u8],
    pub two: bool,
    /// Where the reader stands.
    pub at: usize,
    pub names: Names<'a>,
    pub writer: Writer,
    pub inputs: Vec<Input>,
    pub bits: Vec<Bits>,
    pub definitions: Vec<Rc<Definition>>,
    pub heads: Heads,
    pub in_definition: bool,
    /// Gates that definitions call, by name: these may not be defined anew.
    pub bound: Vec<bool>,
    pub nesting: usize,
    /// Room for the program of an angle.
    pub code: Vec<Code>,
    pub gates: Vec<Gate>,
    pub qelib1: Option<bool>,
    globals: Vec<Slot>,
    args: Vec<f64>,
    operands: Vec<Operand>,
    steps: usize,
    work: u64,
    pub declared_bits: usize,
}

impl<'a> Reader<'a> {
    /// `nodes`: where a graph is wanted, and no circuit.
    pub fn new(text: &'a [u8], two: bool, inputs: Vec<Input>, nodes: Option<Nodes>) -> Reader<'a> {
        let mut names = Names::new();
        for word in KEYWORDS {
            names.intern(word.as_bytes());
        }
        Reader {
            text,
            two,
            at: 0,
            names,
            writer: Writer::new(text.len(), nodes),
            inputs,
            bits: vec![],
            definitions: vec![],
            heads: Heads::default(),
            in_definition: false,
            bound: vec![],
            nesting: 0,
            code: vec![],
            gates: vec![],
            globals: vec![],
            qelib1: None,
            args: vec![],
            operands: vec![],
            steps: 0,
            work: 0,
            declared_bits: 0,
        }
    }

    /// The circuit of the program whose statements begin at `start`.
    pub fn run(mut self, start: usize) -> Result<Circuit> {
        self.read_from(start)?;
        let names = &self.names;
        let register = |bits: &Bits| Register {
            name: String::from_utf8_lossy(names.text(bits.name)).into_owned(),
            cbits: bits.events.iter().rev().copied().collect(),
            descending: true,
        };
        let registers = self.bits.iter().rev().map(register).collect();
        self.writer.finish(registers)
    }

    /// The packed graph of the program whose statements begin at `start`.
    pub fn run_to_graph(mut self, start: usize, version: &str) -> Result<Vec<u8>> {
        self.read_from(start)?;
        self.writer.node()?;
        let nodes = self.writer.nodes.take().expect("the nodes of a graph");
        let mut outputs = vec![];
        for bits in self.bits.iter().rev() {
            let shown = bits.events.iter().rev().map(|&event| (event != NONE).then_some(event)).collect();
            outputs.push(Output { name: self.text_of(bits.name)?, bits: shown, descending: true });
        }
        Ok(nodes.finish(&outputs, &source(if self.two { "qasm2" } else { "qasm3" }, version)))
    }

    fn read_from(&mut self, start: usize) -> Result<()> {
        self.at = start;
        loop {
            self.peek()?;
            self.writer.at = self.at;
            if self.at == self.text.len() {
                break;
            }
            self.statement()?;
        }
        if self.inputs.iter().any(|input| !input.used) {
            return self.fail("a value for an input that the program does not have");
        }
        Ok(())
    }

    /// A name that handles and events of a graph are called after.
    pub fn text_of(&self, name: Sym) -> Result<&'a str> {
        match std::str::from_utf8(self.names.text(name)) {
            Ok(text) if text.is_ascii() || self.writer.nodes.is_none() => Ok(text),
            _ => self.fail("a name of letters beyond ASCII"),
        }
    }

    // -- the text ----------------------------------------------------------------------------------------------------

    #[cold]
    pub fn fail<T>(&self, why: &'static str) -> Result<T> {
        Err(Declined::at(self.writer.at, why))
    }

    /// Goes to what follows blank space and comments, and gives its first byte, 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> Result<u8> {
        self.at = skip(self.text, self.at)?;
        Ok(self.text.get(self.at).copied().unwrap_or(0))
    }

    /// Whether `byte` follows, which is read.
    #[inline]
    pub fn take(&mut self, byte: u8) -> Result<bool> {
        let found = self.peek()? == byte;
        self.at += found as usize;
        Ok(found)
    }

    #[inline]
    pub fn expect(&mut self, byte: u8) -> Result<()> {
        if self.take(byte)? {
            return Ok(());
        }
        self.fail("a statement against the grammar, or not read here")
    }

    /// Whether `mark` follows, which is read.
    pub fn take_mark(&mut self, mark: &[u8]) -> Result<bool> {
        self.peek()?;
        let found = self.text[self.at..].starts_with(mark);
        self.at += if found { mark.len() } else { 0 };
        Ok(found)
    }

    /// The name that follows, words of the language included.
    #[inline]
    pub fn name(&mut self) -> Result<Sym> {
        self.at = skip(self.text, self.at)?;
        let end = name_end(self.text, self.at);
        if end == self.at {
            return self.fail("a statement against the grammar, or not read here");
        }
        let name = self.names.intern(&self.text[self.at..end]);
        self.at = end;
        Ok(name)
    }

    /// A name that the program may give.
    pub fn fresh_name(&mut self) -> Result<Sym> {
        let name = self.name()?;
        let text = self.names.text(name);
        let short = std::str::from_utf8(text).is_ok_and(|text| text.chars().count() <= limits::NAME_CHARS);
        if (name as usize) < KEYWORDS.len() || self.constant(name).is_some() || !short {
            return self.fail("a name that the language keeps, or too long");
        }
        Ok(name)
    }

    /// A whole number of at most nine digits.
    pub fn integer(&mut self) -> Result<u32> {
        self.peek()?;
        let digits = self.text[self.at..].iter().take_while(|&&c| is_digit(c)).count();
        if digits == 0 || digits > 9 {
            return self.fail("a number not read here");
        }
        let value = self.text[self.at..self.at + digits].iter().fold(0, |value, c| value * 10 + (c - b'0') as u32);
        self.at += digits;
        Ok(value)
    }

    /// `[12]`
    #[inline]
    pub fn index(&mut self) -> Result<Option<u32>> {
        if !self.take(b'[')? {
            return Ok(None);
        }
        let found = self.integer()?;
        self.expect(b']')?;
        Ok(Some(found))
    }

    // -- budgets -----------------------------------------------------------------------------------------------------

    /// Counts one statement.
    #[inline]
    pub fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > limits::EXPANSION_NODES {
            return self.fail("the program expands to too many statements");
        }
        Ok(())
    }

    /// Counts elementary steps.
    #[inline]
    pub fn work(&mut self, steps: usize) -> Result<()> {
        self.work += steps as u64;
        if self.work > limits::WORK {
            return self.fail("the program takes too long to read");
        }
        Ok(())
    }

    // -- names -------------------------------------------------------------------------------------------------------

    #[inline]
    pub fn global(&self, name: Sym) -> Slot {
        self.globals.get(name as usize).copied().unwrap_or(Slot::Free)
    }

    pub fn declare(&mut self, name: Sym, slot: Slot) -> Result<()> {
        if self.globals.len() <= name as usize {
            self.globals.resize(self.names.len(), Slot::Free);
        }
        if self.globals[name as usize] != Slot::Free || matches!(self.gate_named(name), Gate::User(_) | Gate::Known(_))
        {
            return self.fail("a name declared twice");
        }
        self.globals[name as usize] = slot;
        Ok(())
    }

    /// The gate `name` where it is read.
    #[inline]
    pub fn gate_named(&mut self, name: Sym) -> Gate {
        match self.gates.get(name as usize) {
            Some(Gate::Unseen) | None => self.look_up(name),
            Some(&gate) => gate,
        }
    }

    #[cold]
    fn look_up(&mut self, name: Sym) -> Gate {
        let text = self.names.text(name);
        let entry =
            self.qelib1.and_then(|qelib1| library::find(text, qelib1)).or_else(|| library::builtin(text, self.two));
        self.set_gate(name, entry.map_or(Gate::Unknown, Gate::Standard));
        self.gates[name as usize]
    }

    pub fn set_gate(&mut self, name: Sym, gate: Gate) {
        if self.gates.len() <= name as usize {
            self.gates.resize(self.names.len(), Gate::Unseen);
        }
        self.gates[name as usize] = gate;
    }

    // -- statements --------------------------------------------------------------------------------------------------

    fn statement(&mut self) -> Result<()> {
        self.step()?;
        if self.text[self.at] == b';' {
            self.at += 1;
            return Ok(());
        }
        let name = self.name()?;
        if name as usize >= KEYWORDS.len() {
            if matches!(self.gate_named(name), Gate::Unknown) && !self.two {
                return self.assignment(name);
            }
            return self.gate_statement(name);
        }
        match self.names.text(name) {
            b"include" => self.include(),
            b"gate" => self.definition(),
            b"qreg" | b"qubit" => self.qubits(name),
            b"creg" | b"bit" => self.classical(name),
            b"input" if !self.two => self.input(),
            b"measure" => self.measurement(),
            b"if" => self.conditional(),
            _ => self.operation(name),
        }
    }

    /// A statement that may also stand under a condition, its first word read.
    pub fn operation(&mut self, name: Sym) -> Result<()> {
        if name as usize >= KEYWORDS.len() {
            return self.gate_statement(name);
        }
        match self.names.text(name) {
            b"reset" => {
                let operand = self.operand()?;
                self.expect(b';')?;
                (0..operand.len).try_for_each(|k| self.writer.reset(operand.first + k))
            }
            b"barrier" => {
                let mut qubits = vec![];
                if self.two || self.peek()? != b';' {
                    loop {
                        let operand = self.operand()?;
                        qubits.extend(operand.first..operand.first + operand.len);
                        if !self.take(b',')? {
                            break;
                        }
                    }
                } else if let Some(nodes) = &self.writer.nodes {
                    qubits.extend(0..nodes.qubits() as u32);
                }
                self.work(qubits.len() / 16)?;
                self.expect(b';')?;
                self.writer.barrier(&qubits)
            }
            b"gphase" if !self.two => {
                self.expect(b'(')?;
                let phase = self.angle()?;
                self.expect(b')')?;
                self.expect(b';')?;
                self.writer.phase(phase)
            }
            _ => self.fail("a statement not read here"),
        }
    }

    #[inline]
    pub fn operand(&mut self) -> Result<Operand> {
        let name = self.name()?;
        let Slot::Qubits { first, len } = self.global(name) else { return self.fail("a name that is no qubit") };
        match (self.index()?, len) {
            (Some(k), Some(len)) if k < len => Ok(Operand { first: first + k, len: 1, register: false }),
            (None, None) => Ok(Operand { first, len: 1, register: false }),
            (None, Some(len)) => Ok(Operand { first, len, register: true }),
            _ => self.fail("an index outside of its register"),
        }
    }

    /// A gate call, its name read.
    fn gate_statement(&mut self, name: Sym) -> Result<()> {
        let callee = self.callee(name, false)?;
        let (params, qubits) = self.shape(callee, 0);
        let (mut args, mut operands) = (std::mem::take(&mut self.args), std::mem::take(&mut self.operands));
        args.clear();
        operands.clear();
        if self.take(b'(')? && !self.take(b')')? {
            loop {
                args.push(self.angle()?);
                if !self.take(b',')? {
                    break;
                }
            }
            self.expect(b')')?;
        }
        loop {
            operands.push(self.operand()?);
            if !self.take(b',')? {
                break;
            }
        }
        self.expect(b';')?;
        if args.len() != params || operands.len() != qubits {
            return self.fail("a wrong number of parameters or qubits");
        }
        self.broadcast(callee, &args, &operands)?;
        (self.args, self.operands) = (args, operands);
        Ok(())
    }

    /// Registers go in step, single qubits stay.
    fn broadcast(&mut self, callee: Callee, args: &[f64], operands: &[Operand]) -> Result<()> {
        let mut size = None;
        for operand in operands.iter().filter(|operand| operand.register) {
            if size.is_some_and(|size| size != operand.len) {
                return self.fail("registers of different sizes used together");
            }
            size = Some(operand.len);
        }
        let (mut few, mut many) = ([0u32; 4], Vec::new());
        let row = if operands.len() <= few.len() {
            &mut few[..operands.len()]
        } else {
            many.resize(operands.len(), 0);
            &mut many[..]
        };
        for k in 0..size.unwrap_or(1) {
            row.iter_mut().zip(operands).for_each(|(slot, one)| *slot = one.first + if one.register { k } else { 0 });
            self.work(row.len() * row.len() / 16)?;
            if (1..row.len()).any(|k| row[..k].contains(&row[k])) {
                return self.fail("a qubit named twice");
            }
            self.call(callee, args, row)?;
        }
        Ok(())
    }
}
