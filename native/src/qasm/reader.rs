//! The state of one reading: names and what they stand for, scopes, budgets, and the run over the statements.

use std::collections::HashMap;
use std::rc::Rc;

use crate::circuit::{Circuit, Register};

use super::bits::{Bit, FALSE};
use super::builder::Builder;
use super::define::Heads;
use super::flow::Frame;
use super::lex::Tok;
use super::library::{self, Entry};
use super::names::Sym;
use super::parser::Parser;
use super::store::Journal;
use super::tree::{Stmt, StmtId, Storage, Word};
use super::unitary::Unitary;
use super::values::{bits_of, Data, Type, Value};
use super::{limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

pub type VarId = u32;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slot {
    Free,
    /// A register of qubits; `len` None: a single qubit.
    Qubits {
        first: u32,
        len: Option<u32>,
    },
    Variable(VarId),
    Def(u32),
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

/// A bit of a variable; -1 where the variable is that one bit.
pub type Place = (VarId, i32);

pub struct Variable {
    pub name: Sym,
    pub kind: Type,
    pub data: Data,
    pub storage: Storage,
    /// Measured branches that were open at the declaration.
    pub depth: usize,
    /// For an alias of classical bits, what is behind each.
    pub places: Option<Rc<[Place]>>,
}

/// The caller's value of an input of the program.
#[derive(Clone, Debug)]
pub struct Input {
    pub name: String,
    pub value: f64,
    pub used: bool,
}

pub struct Reader<'a> {
    pub parser: Parser<'a>,
    pub builder: Builder,
    /// What the semantic front end would warn of is declined.
    pub strict: bool,
    pub inputs: Vec<Input>,
    pub gates: Vec<Gate>,
    pub globals: Vec<Slot>,
    declared: Vec<Sym>,
    pub variables: Vec<Variable>,
    /// Names of the open local scopes, innermost last.
    locals: Vec<(Sym, Slot)>,
    /// Where each open scope begins in `locals`, and which of them the innermost gate or subroutine sees first.
    scopes: Vec<usize>,
    pub frame_start: usize,
    pub frames: Vec<Frame>,
    pub ended: Bit,
    pub jumped: bool,
    pub journals: Vec<Journal>,
    /// The operations of the gate definition being expanded.
    pub gate_body: Option<Unitary>,
    /// A definition is only tried.
    pub checking: bool,
    pub expansions: HashMap<(u32, Box<[u64]>), Rc<Unitary>>,
    pub kept_prims: usize,
    pub heads: Heads,
    /// Gates that compiled definitions call, by name: these may not be defined anew.
    pub bound: Vec<bool>,
    hardware: HashMap<u32, u32>,
    qelib1: Option<bool>,
    steps: usize,
    work: u64,
    declared_bits: usize,
    nesting: usize,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a [u8], two: bool, strict: bool) -> Reader<'a> {
        Reader {
            parser: Parser::new(text, two),
            builder: Builder::new(text.len()),
            strict,
            inputs: vec![],
            gates: vec![],
            globals: vec![],
            declared: vec![],
            variables: vec![],
            locals: vec![],
            scopes: vec![],
            frame_start: 0,
            frames: vec![],
            ended: FALSE,
            jumped: false,
            journals: vec![],
            gate_body: None,
            checking: false,
            expansions: HashMap::new(),
            kept_prims: 0,
            heads: Heads::default(),
            bound: vec![],
            hardware: HashMap::new(),
            qelib1: None,
            steps: 0,
            work: 0,
            declared_bits: 0,
            nesting: 0,
        }
    }

    #[cold]
    pub fn fail<T>(&self, why: &'static str) -> Result<T> {
        Err(Declined::at(self.builder.writer.at, why))
    }

    /// What the semantic front end warns of.
    pub fn warn(&self, why: &'static str) -> Result<()> {
        if self.strict {
            self.fail(why)
        } else {
            Ok(())
        }
    }

    // -- the whole program -------------------------------------------------------------------------------------------

    /// The circuit of the program that begins at `start`, its version statement read.
    pub fn run(mut self, start: usize) -> Result<Circuit> {
        let mut at = start;
        while let Some(statement) = self.fast_lines(at)? {
            if self.parser.lex.text[statement..].starts_with(b"gate") && self.is_global() && !self.jumped {
                if let Some(next) = self.fast_definition(statement)? {
                    at = next;
                    continue;
                }
            }
            self.parser.lex.seek(statement)?;
            let mark = self.parser.tree.mark();
            let kept = self.parser.tree.gates.len() + self.parser.tree.defs.len();
            if self.parser.is_word(b"include") {
                self.include()?;
            } else if self.parser.is_word(b"if") && !self.jumped {
                self.streamed_if()?;
            } else if let Some(id) = self.parser.statement()? {
                let next = self.parser.lex.start;
                self.run_body(&[id])?;
                debug_assert!(self.locals.is_empty() && next >= statement);
            }
            at = self.parser.lex.start;
            if kept == self.parser.tree.gates.len() + self.parser.tree.defs.len() {
                self.parser.tree.cut(mark);
            }
        }
        self.builder.writer.at = self.parser.lex.text.len();
        if self.inputs.iter().any(|input| !input.used) {
            return self.fail("a value for an input that the program does not have");
        }
        let registers = self.registers()?;
        self.builder.finish(registers)
    }

    fn include(&mut self) -> Result<()> {
        let at = self.parser.lex.start;
        self.builder.writer.at = at;
        self.parser.lex.advance()?;
        let word = self.parser.lex.word();
        if self.parser.lex.tok != Tok::Text {
            return self.fail("a file name is missing here");
        }
        let qelib1 = match &word[1..word.len() - 1] {
            b"qelib1.inc" => true,
            b"stdgates.inc" if !self.parser.two => false,
            _ => return self.fail("an include of another file"),
        };
        self.parser.lex.advance()?;
        self.parser.expect(Tok::Semi)?;
        if self.qelib1.is_some_and(|before| before != qelib1) {
            return self.fail("both libraries in one program");
        }
        self.qelib1 = Some(qelib1);
        self.forget_expansions();
        for gate in &mut self.gates {
            if !matches!(gate, Gate::User(_) | Gate::Known(_)) {
                *gate = Gate::Unseen;
            }
        }
        Ok(())
    }

    /// Result registers, last declared first, highest bit first: the outputs, or else every bit register.
    fn registers(&mut self) -> Result<Vec<Register>> {
        let variables: Vec<VarId> = self
            .declared
            .iter()
            .filter_map(|&name| match self.globals[name as usize] {
                Slot::Variable(id) => Some(id),
                _ => None,
            })
            .collect();
        let of = |id: VarId| &self.variables[id as usize];
        let mut chosen: Vec<VarId> =
            variables.iter().copied().filter(|&id| of(id).storage == Storage::Output).collect();
        if chosen.is_empty() {
            chosen = variables;
            let measured = chosen.iter().any(|&id| matches!(of(id).data, Data::Bit(_) | Data::Bits(_)));
            chosen.retain(|&id| {
                of(id).kind.word == Word::Bit && of(id).storage != Storage::Constant && of(id).places.is_none()
            });
            if chosen.is_empty() && measured {
                return self.fail("measured numbers and no bit register");
            }
        }
        chosen.into_iter().rev().map(|id| self.register(id)).collect()
    }

    fn register(&mut self, id: VarId) -> Result<Register> {
        let variable = &self.variables[id as usize];
        let (kind, name) = (variable.kind, variable.name);
        let width = if kind.is_single() { 1 } else { kind.width() };
        let value = match &variable.data {
            Data::Unset => Value { kind, data: Data::Int(0) },
            Data::Split => return self.fail("an output that depends on a measurement"),
            _ if kind.is_real() => return self.fail("an output that is no integer"),
            data => Value { kind, data: data.clone() },
        };
        let mut cbits = Vec::with_capacity(width as usize);
        for bit in bits_of(&value, width).into_iter().rev() {
            cbits.push(self.builder.shown(bit)?);
        }
        let name = String::from_utf8_lossy(self.parser.names.text(name)).into_owned();
        Ok(Register { name, cbits: cbits.into(), descending: true })
    }

    // -- budgets -----------------------------------------------------------------------------------------------------

    /// Counts one statement or loop turn.
    #[inline]
    pub fn step(&mut self, at: usize) -> Result<()> {
        self.builder.writer.at = at;
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

    pub fn deeper(&mut self) -> Result<()> {
        self.nesting += 1;
        if self.nesting > limits::MACRO_DEPTH {
            return self.fail("gates, subroutines and blocks nest too deep");
        }
        Ok(())
    }

    /// A branch of a measured condition: the depth of the text bounds these.
    pub fn deeper_unchecked(&mut self) {
        self.nesting += 1;
    }

    pub fn back(&mut self) {
        self.nesting -= 1;
    }

    // -- scopes ------------------------------------------------------------------------------------------------------

    /// Whether names of an open block may hide global ones.
    pub fn has_locals(&self) -> bool {
        !self.locals.is_empty()
    }

    pub fn is_global(&self) -> bool {
        self.scopes.is_empty()
    }

    pub fn open_scope(&mut self) {
        self.scopes.push(self.locals.len());
    }

    /// Closes the innermost scope and drops its variables, of which `variables` were there before.
    pub fn close_scope(&mut self, variables: usize) {
        if let Some(start) = self.scopes.pop() {
            self.locals.truncate(start);
        }
        self.variables.truncate(variables);
    }

    /// Opens a scope that sees of the others only global constants; gives what `close_frame` takes.
    pub fn open_frame(&mut self) -> Result<(usize, usize)> {
        self.deeper()?;
        let before = (self.frame_start, self.variables.len());
        self.frame_start = self.scopes.len() + 1;
        self.open_scope();
        Ok(before)
    }

    pub fn close_frame(&mut self, before: (usize, usize)) {
        self.close_scope(before.1);
        self.frame_start = before.0;
        self.back();
    }

    /// Binds `name` in the innermost scope.
    pub fn declare(&mut self, name: Sym, slot: Slot) -> Result<()> {
        let text = self.parser.names.text(name);
        if std::str::from_utf8(text).map_or(true, |text| text.chars().count() > limits::NAME_CHARS) {
            return self.fail("a name too long");
        }
        if self.constant(name).is_some() {
            return self.fail("a name of a built-in constant");
        }
        if let Some(&start) = self.scopes.last() {
            if self.locals[start..].iter().any(|local| local.0 == name) {
                return self.fail("a name declared twice");
            }
            self.locals.push((name, slot));
            return Ok(());
        }
        if self.globals.len() <= name as usize {
            self.globals.resize(self.parser.names.len(), Slot::Free);
        }
        if self.globals[name as usize] != Slot::Free {
            return self.fail("a name declared twice");
        }
        self.globals[name as usize] = slot;
        self.declared.push(name);
        Ok(())
    }

    pub fn new_variable(&mut self, name: Sym, kind: Type, data: Data, storage: Storage) -> Result<VarId> {
        if let Data::Bits(bits) = &data {
            self.declared_bits += bits.len();
            if self.declared_bits > limits::DECLARED_BITS {
                return self.fail("more classical bits than this reader takes");
            }
        }
        let id = self.variables.len() as VarId;
        let depth = self.journals.len();
        self.variables.push(Variable { name, kind, data, storage, depth, places: None });
        self.declare(name, Slot::Variable(id))?;
        Ok(id)
    }

    #[inline]
    pub fn global(&self, name: Sym) -> Slot {
        self.globals.get(name as usize).copied().unwrap_or(Slot::Free)
    }

    /// What `name` stands for here.
    pub fn find(&self, name: Sym) -> Result<Slot> {
        let first = self.frame_start.saturating_sub(1);
        let from = self.scopes.get(first).copied().unwrap_or(self.locals.len());
        if let Some(local) = self.locals[from..].iter().rev().find(|local| local.0 == name) {
            return Ok(local.1);
        }
        let found = self.global(name);
        let seen = match found {
            Slot::Free => false,
            _ if self.frame_start == 0 => true,
            Slot::Def(_) => true,
            Slot::Variable(id) => self.variables[id as usize].storage == Storage::Constant,
            Slot::Qubits { .. } => false,
        };
        if seen {
            Ok(found)
        } else {
            self.fail("a name that is not declared here")
        }
    }

    /// A named number of the language.
    pub fn constant(&self, name: Sym) -> Option<f64> {
        use std::f64::consts::{E, PI, TAU};
        match (self.parser.names.text(name), self.parser.two) {
            (b"pi", _) => Some(PI),
            (b"tau", false) => Some(TAU),
            (b"euler", false) => Some(E),
            (text, false) if text[0] >= 0x80 => match std::str::from_utf8(text) {
                Ok("π") => Some(PI),
                Ok("τ") => Some(TAU),
                Ok("ℇ") => Some(E),
                _ => None,
            },
            _ => None,
        }
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
        if self.gates.len() <= name as usize {
            self.gates.resize(self.parser.names.len(), Gate::Unseen);
        }
        let text = self.parser.names.text(name);
        let entry = self
            .qelib1
            .and_then(|qelib1| library::find(text, qelib1))
            .or_else(|| library::builtin(text, self.parser.two));
        self.gates[name as usize] = entry.map_or(Gate::Unknown, Gate::Standard);
        self.gates[name as usize]
    }

    pub fn set_gate(&mut self, name: Sym, gate: Gate) {
        if self.gates.len() <= name as usize {
            self.gates.resize(self.parser.names.len(), Gate::Unseen);
        }
        self.gates[name as usize] = gate;
    }

    /// The physical qubit `$number`, allocated where first named.
    pub fn hardware(&mut self, number: u32) -> Result<u32> {
        if let Some(&found) = self.hardware.get(&number) {
            return Ok(found);
        }
        if self.gate_body.is_some() {
            return self.fail("a gate that names a physical qubit");
        }
        let found = self.builder.allocate(1)?;
        self.hardware.insert(number, found);
        Ok(found)
    }

    // -- statements --------------------------------------------------------------------------------------------------

    pub fn execute(&mut self, id: StmtId) -> Result<()> {
        let (stmt, at) = self.parser.tree.stmts[id as usize];
        self.step(at as usize)?;
        if self.gate_body.is_some() && !in_gates(&stmt) {
            return self.fail("a gate's body holds gates, barriers and loops only");
        }
        match stmt {
            Stmt::Gate { name, modifiers, args, operands } => self.gate_call(name, modifiers, args, operands),
            Stmt::Qubits { name, size } => self.qubits_declared(name, size),
            Stmt::Declare { kind, name, value, storage } => self.declaration(kind, name, value, storage),
            Stmt::Alias { name, value } => self.alias(name, value),
            Stmt::Block(body) => self.block(body),
            Stmt::Gatedef(number) => self.gate_defined(number),
            Stmt::Def(number) => self.subroutine_defined(number),
            Stmt::Barrier(operands) => self.barrier(operands),
            Stmt::Reset(operand) => self.reset(operand),
            Stmt::Assign { target, op, value } => self.assign(target, op, value),
            Stmt::Call(value) => self.evaluate(value).map(|_| ()),
            Stmt::If { condition, then, otherwise } => self.conditional(condition, then, otherwise),
            Stmt::For { kind, name, values, body } => self.for_loop(kind, name, values, body),
            Stmt::While { condition, body } => self.while_loop(condition, body),
            Stmt::Switch { target, cases, default } => self.switch(target, cases, default),
            Stmt::Jump(kind) => self.jump(kind),
            Stmt::Return(value) => self.give_back(value),
        }
    }
}

fn in_gates(stmt: &Stmt) -> bool {
    matches!(
        stmt,
        Stmt::Gate { .. }
            | Stmt::Barrier(_)
            | Stmt::Block(_)
            | Stmt::For { .. }
            | Stmt::While { .. }
            | Stmt::If { .. }
            | Stmt::Switch { .. }
    )
}
