//! One pass over a flat text: what names stand for, budgets, and one function for each kind of statement.

use std::rc::Rc;

use crate::circuit::{Circuit, Register, NONE};

use super::angle::Code;
use super::define::{Callee, Definition, Heads};
use super::lex::{is_digit, name_end, skip};
use super::library::{self, Entry};
use super::names::{Names, Sym};
use super::writer::{Guard, Writer};
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
    name: Sym,
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
    first: u32,
    len: u32,
    register: bool,
}

/// Words that begin a statement which is no gate call, or that no program may give to anything else. Their number as a
/// name is their place here.
pub const KEYWORDS: &[&[u8]] = &[
    b"measure",
    b"reset",
    b"barrier",
    b"if",
    b"gate",
    b"qreg",
    b"creg",
    b"qubit",
    b"bit",
    b"input",
    b"include",
    b"gphase",
    b"opaque",
    b"OPENQASM",
    b"let",
    b"for",
    b"while",
    b"def",
    b"const",
    b"output",
    b"int",
    b"uint",
    b"float",
    b"bool",
    b"angle",
    b"complex",
    b"array",
    b"duration",
    b"stretch",
    b"box",
    b"delay",
    b"ctrl",
    b"negctrl",
    b"inv",
    b"pow",
    b"switch",
    b"return",
    b"end",
    b"break",
    b"continue",
    b"extern",
    b"cal",
    b"defcal",
    b"defcalgrammar",
    b"pragma",
    b"else",
    b"in",
    b"case",
    b"default",
    b"true",
    b"false",
    b"durationof",
    b"readonly",
    b"mutable",
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
    gates: Vec<Gate>,
    globals: Vec<Slot>,
    qelib1: Option<bool>,
    args: Vec<f64>,
    operands: Vec<Operand>,
    steps: usize,
    work: u64,
    declared_bits: usize,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a [u8], two: bool, inputs: Vec<Input>) -> Reader<'a> {
        let mut names = Names::new();
        KEYWORDS.iter().for_each(|&word| {
            names.intern(word);
        });
        Reader {
            text,
            two,
            at: 0,
            names,
            writer: Writer::new(text.len()),
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
        let names = &self.names;
        let register = |bits: &Bits| Register {
            name: String::from_utf8_lossy(names.text(bits.name)).into_owned(),
            cbits: bits.events.iter().rev().copied().collect(),
            descending: true,
        };
        let registers = self.bits.iter().rev().map(register).collect();
        self.writer.finish(registers)
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
    fn index(&mut self) -> Result<Option<u32>> {
        if !self.take(b'[')? {
            return Ok(None);
        }
        let found = self.integer()?;
        self.expect(b']')?;
        Ok(Some(found))
    }

    // -- budgets -----------------------------------------------------------------------------------------------------

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

    fn declare(&mut self, name: Sym, slot: Slot) -> Result<()> {
        if self.globals.len() <= name as usize {
            self.globals.resize(self.names.len(), Slot::Free);
        }
        if self.globals[name as usize] != Slot::Free || matches!(self.gate_named(name), Gate::User(_) | Gate::Known(_)) {
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
        self.steps += 1;
        if self.steps > limits::EXPANSION_NODES {
            return self.fail("the program expands to too many statements");
        }
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
                let all = !self.two && self.peek()? == b';';
                while !all {
                    self.operand()?;
                    if !self.take(b',')? {
                        break;
                    }
                }
                self.expect(b';')?;
                self.writer.node()
            }
            b"gphase" if !self.two => {
                self.expect(b'(')?;
                let phase = self.angle()?;
                self.expect(b')')?;
                self.expect(b';')?;
                if phase != 0.0 {
                    self.writer.node()?; // no measurement can see it
                }
                Ok(())
            }
            _ => self.fail("a statement not read here"),
        }
    }

    fn include(&mut self) -> Result<()> {
        let qelib1 = if self.take_mark(b"\"qelib1.inc\"")? {
            true
        } else if !self.two && self.take_mark(b"\"stdgates.inc\"")? {
            false
        } else {
            return self.fail("an include of another file");
        };
        self.expect(b';')?;
        if self.qelib1.is_some_and(|before| before != qelib1) {
            return self.fail("both libraries in one program");
        }
        self.qelib1 = Some(qelib1);
        for gate in &mut self.gates {
            if !matches!(gate, Gate::User(_) | Gate::Known(_)) {
                *gate = Gate::Unseen;
            }
        }
        Ok(())
    }

    /// `qreg q[2];` and `qubit[2] q;`
    fn qubits(&mut self, word: Sym) -> Result<()> {
        let (name, len) = self.declared(word, b"qreg")?;
        let first = self.writer.allocate(len.unwrap_or(1) as usize)?;
        self.declare(name, Slot::Qubits { first, len })
    }

    /// `creg c[2];` and `bit[2] c;`
    fn classical(&mut self, word: Sym) -> Result<()> {
        let (name, len) = self.declared(word, b"creg")?;
        let size = len.unwrap_or(1) as usize;
        self.declared_bits += size;
        if size > limits::EVENTS || self.declared_bits > limits::DECLARED_BITS {
            return self.fail("more classical bits than this reader takes");
        }
        self.declare(name, Slot::Bits(self.bits.len() as u32))?;
        self.bits.push(Bits { name, single: len.is_none(), events: vec![NONE; size] });
        Ok(())
    }

    /// Name and size of a declaration, its first word read; None for a single qubit or bit.
    fn declared(&mut self, word: Sym, old: &[u8]) -> Result<(Sym, Option<u32>)> {
        let found = if self.names.text(word) == old {
            let name = self.fresh_name()?;
            let Some(len) = self.index()? else { return self.fail("a register without a size") };
            (name, Some(len))
        } else if self.two {
            return self.fail("a statement of OpenQASM 3");
        } else {
            let len = self.index()?;
            (self.fresh_name()?, len)
        };
        self.expect(b';')?;
        if found.1.is_some_and(|len| len == 0) {
            return self.fail("a register of no size");
        }
        Ok(found)
    }

    /// `input float[64] a;`, its first word read. Only numbers are read here.
    fn input(&mut self) -> Result<()> {
        let word = self.name()?;
        let sized = match self.names.text(word) {
            b"float" => self.index()?,
            b"angle" => None,
            _ => return self.fail("an input not read here"),
        };
        if sized.is_some_and(|size| size != 64) {
            return self.fail("an input of another size");
        }
        let name = self.fresh_name()?;
        self.expect(b';')?;
        let text = self.names.text(name);
        let Some(given) = self.inputs.iter_mut().find(|given| given.name.as_bytes() == text) else {
            return self.fail("an input without a value");
        };
        given.used = true;
        let value = given.value;
        self.declare(name, Slot::Input(value))
    }

    #[inline]
    fn operand(&mut self) -> Result<Operand> {
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
        (args.clear(), operands.clear());
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

    // -- classical bits ----------------------------------------------------------------------------------------------

    /// Bits that are named: their register, the place of the first, how many, and whether it is the whole register.
    pub fn bits_named(&mut self, name: Sym) -> Result<(usize, usize, usize, bool)> {
        let Slot::Bits(number) = self.global(name) else { return self.fail("a name that is no bit") };
        let number = number as usize;
        let (single, len) = (self.bits[number].single, self.bits[number].events.len());
        match self.index()? {
            Some(k) if !single && (k as usize) < len => Ok((number, k as usize, 1, false)),
            None => Ok((number, 0, len, !single)),
            _ => self.fail("an index outside of its register"),
        }
    }

    /// `measure q -> c;` and `measure q;`, the first word read.
    fn measurement(&mut self) -> Result<()> {
        let source = self.operand()?;
        if !self.two && self.take(b';')? {
            return (0..source.len).try_for_each(|k| self.writer.measure(source.first + k).map(|_| ()));
        }
        if !self.take_mark(b"->")? {
            return self.fail("a measurement not read here");
        }
        let name = self.name()?;
        self.measure_into(source, name)
    }

    /// `c = measure q;`, its name read.
    fn assignment(&mut self, name: Sym) -> Result<()> {
        let target = self.at;
        self.bits_named(name)?;
        self.expect(b'=')?;
        let word = self.name()?;
        if self.names.text(word) != b"measure" {
            return self.fail("an assignment not read here");
        }
        let source = self.operand()?;
        let end = std::mem::replace(&mut self.at, target);
        let place = self.bits_named(name)?;
        self.at = end;
        self.measure_at(source, place)
    }

    fn measure_into(&mut self, source: Operand, name: Sym) -> Result<()> {
        let place = self.bits_named(name)?;
        self.measure_at(source, place)
    }

    fn measure_at(&mut self, source: Operand, target: (usize, usize, usize, bool)) -> Result<()> {
        self.expect(b';')?;
        let (number, start, len, whole) = target;
        if source.len as usize != len || (source.register && !whole) {
            return self.fail("measured qubits that do not fill their bits");
        }
        for k in 0..len {
            let event = self.writer.measure(source.first + k as u32)?;
            self.bits[number].events[start + k] = event;
        }
        Ok(())
    }

    // -- conditions --------------------------------------------------------------------------------------------------

    /// `if (c == 3) statement`, the first word read.
    fn conditional(&mut self) -> Result<()> {
        self.expect(b'(')?;
        let negated = !self.two && self.take(b'!')?;
        let name = self.name()?;
        let (number, start, len, whole) = self.bits_named(name)?;
        if self.two && !whole {
            return self.fail("OpenQASM 2 compares whole registers only");
        }
        let mut value = !negated as u32;
        if !negated && self.take_mark(b"==")? {
            value = self.integer()?;
        } else if self.two || whole {
            return self.fail("a condition not read here");
        }
        self.expect(b')')?;
        if value.checked_shr(len as u32).is_some_and(|rest| rest != 0) {
            return self.fail("a comparison that never holds");
        }
        let mut literals = Vec::with_capacity(len);
        let mut never = false;
        for (k, &event) in self.bits[number].events[start..start + len].iter().enumerate() {
            let wanted = value.checked_shr(k as u32).unwrap_or(0) & 1 == 1;
            match event {
                NONE => never |= wanted,
                _ => literals.push((event, wanted)),
            }
        }
        self.work(len)?;
        literals.sort_unstable();
        let guard = if never { Guard::Never } else { self.writer.guard_of(&literals)? };
        self.branch(guard)?;
        if !self.two && self.take_word(b"else")? {
            let other = match (guard, &literals[..]) {
                (Guard::Never, _) => Guard::Always,
                (Guard::Always, _) => Guard::Never,
                (_, &[(event, value)]) => self.writer.guard_of(&[(event, !value)])?,
                _ => return self.fail("another way of a condition on several bits"),
            };
            self.branch(other)?;
        }
        Ok(())
    }

    fn take_word(&mut self, word: &[u8]) -> Result<bool> {
        self.peek()?;
        let end = name_end(self.text, self.at);
        let found = &self.text[self.at..end] == word;
        self.at = if found { end } else { self.at };
        Ok(found)
    }

    /// One statement under a guard, or of OpenQASM 3 several in braces.
    fn branch(&mut self, guard: Guard) -> Result<()> {
        self.writer.guard = guard;
        if !self.two && self.take(b'{')? {
            while !self.take(b'}')? {
                self.branch_statement()?;
            }
        } else {
            self.branch_statement()?;
        }
        self.writer.guard = Guard::Always;
        Ok(())
    }

    fn branch_statement(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > limits::EXPANSION_NODES {
            return self.fail("the program expands to too many statements");
        }
        let name = self.name()?;
        if self.two && self.names.text(name) == b"barrier" {
            return self.fail("a barrier under a condition");
        }
        self.operation(name)
    }
}
