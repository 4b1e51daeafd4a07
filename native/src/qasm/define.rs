//! Gate definitions that are plain calls: compiled where they stand, their statements as callees, qubit numbers and
//! short programs for the angles, so that a call costs no look at the text.

use std::rc::Rc;

use crate::circuit::Kind;

use super::angle::Code;
use super::known;
use super::library::{Entry, Standard};
use super::names::Sym;
use super::reader::{Gate, Reader, Slot, KEYWORDS};
use super::{limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

/// What a name of a definition's head stands for in its body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Head {
    Param(u32),
    Qubit(u32),
}

/// The heads of the definition being read, by name.
#[derive(Default)]
pub struct Heads {
    /// The definition that the entry is of.
    entries: Vec<(u32, Head)>,
    turn: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Callee {
    Kind(Kind),
    Entry(Entry),
    User(u32),
    Barrier,
    /// A global phase: its angle must have a value, and no measurement can see it.
    Phase,
}

/// A statement of a body: its angles and qubits are ranges of `Definition::args` and `Definition::places`.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub callee: Callee,
    pub name: Sym,
    pub inverted: bool,
    pub args: (u32, u32),
    pub qubits: (u32, u32),
}

#[derive(Debug, Default)]
pub struct Definition {
    pub params: usize,
    pub qubits: usize,
    pub lines: Vec<Line>,
    /// Where the program of each angle ends in `code`; it begins where the one before ends.
    pub args: Vec<u32>,
    pub code: Vec<Code>,
    pub places: Vec<u32>,
}

impl Heads {
    /// Starts a definition; false when a name stands there twice.
    fn begin(&mut self, params: &[Sym], qubits: &[Sym], names: usize) -> bool {
        self.turn += 1;
        self.entries.resize(names.max(self.entries.len()), (0, Head::Param(0)));
        let params = params.iter().zip((0..).map(Head::Param));
        for (&name, head) in params.chain(qubits.iter().zip((0..).map(Head::Qubit))) {
            let entry = &mut self.entries[name as usize];
            if entry.0 == self.turn {
                return false;
            }
            *entry = (self.turn, head);
        }
        true
    }

    pub fn get(&self, name: Sym) -> Option<Head> {
        self.entries.get(name as usize).filter(|entry| entry.0 == self.turn).map(|entry| entry.1)
    }
}

impl Definition {
    /// The steps of an angle.
    pub fn program(&self, arg: u32) -> &[Code] {
        let start = arg.checked_sub(1).map_or(0, |before| self.args[before as usize]);
        &self.code[start as usize..self.args[arg as usize] as usize]
    }
}

impl Reader<'_> {
    /// `gate name(params) qubits { body }`, its first word read.
    pub fn definition(&mut self) -> Result<()> {
        let name = self.fresh_name()?;
        let mut params = vec![];
        if self.take(b'(')? && !self.take(b')')? {
            params = self.fresh_names()?;
            self.expect(b')')?;
        }
        let qubits = self.fresh_names()?;
        self.check_definition(name)?;
        if !self.heads.begin(&params, &qubits, self.names.len()) {
            return self.fail("a name that stands twice in a definition");
        }
        let mut out = Definition { params: params.len(), qubits: qubits.len(), ..Definition::default() };
        self.expect(b'{')?;
        self.in_definition = true;
        while !self.take(b'}')? {
            self.body_line(&mut out)?;
        }
        self.in_definition = false;
        self.check_angles(&out)?;
        let known = known::entry(&self.names, name, &out);
        self.definitions.push(Rc::new(out));
        let number = self.definitions.len() as u32 - 1;
        self.set_gate(name, known.map_or(Gate::User(number), Gate::Known));
        Ok(())
    }

    /// `a, b, c`, none of which the language keeps for itself.
    fn fresh_names(&mut self) -> Result<Vec<Sym>> {
        let mut found = vec![self.fresh_name()?];
        while self.take(b',')? {
            found.push(self.fresh_name()?);
        }
        Ok(found)
    }

    /// Declines a gate that may not be defined here.
    fn check_definition(&mut self, name: Sym) -> Result<()> {
        let reserved = matches!(self.names.text(name), b"U" | b"CX");
        let old = self.gate_named(name);
        if matches!(old, Gate::User(_) | Gate::Known(_))
            || (reserved && (!self.two || old != Gate::Unknown))
            || self.global(name) != Slot::Free
        {
            return self.fail("a gate that cannot be defined here");
        }
        if self.bound.get(name as usize) == Some(&true) {
            return self.fail("a gate defined anew after a definition has used it");
        }
        Ok(())
    }

    /// Declines angles that have no value where the definition stands, though no call may ever need them.
    fn check_angles(&mut self, definition: &Definition) -> Result<()> {
        let values: Vec<f64> = (0..definition.params).map(|k| 0.5 + k as f64 / 7.0).collect();
        for arg in 0..definition.args.len() as u32 {
            self.compute(definition.program(arg), &values)?;
        }
        Ok(())
    }

    fn body_line(&mut self, out: &mut Definition) -> Result<()> {
        let mut name = self.name()?;
        let inverted = self.names.text(name) == b"inv" && !self.two;
        if inverted {
            self.expect(b'@')?;
            name = self.name()?;
        }
        let (first, start) = (out.args.len() as u32, out.places.len());
        let callee = match self.names.text(name) {
            b"barrier" if !inverted => Callee::Barrier,
            b"gphase" if !inverted && !self.two => Callee::Phase,
            _ if (name as usize) < KEYWORDS.len() => return self.fail("a statement not read in a definition"),
            _ => self.callee(name, inverted)?,
        };
        if self.take(b'(')? && !self.take(b')')? {
            loop {
                self.compile_angle(&mut out.code)?;
                out.args.push(out.code.len() as u32);
                if !self.take(b',')? {
                    break;
                }
            }
            self.expect(b')')?;
        }
        if callee != Callee::Phase {
            self.body_qubit(callee, start, out)?;
            while self.take(b',')? {
                self.body_qubit(callee, start, out)?;
            }
        }
        self.expect(b';')?;
        let (args, stop) = (out.args.len() as u32, out.places.len());
        if self.shape(callee, stop - start) != ((args - first) as usize, stop - start) {
            return self.fail("a wrong number of parameters or qubits");
        }
        if self.bound.len() <= name as usize {
            self.bound.resize(self.names.len(), false);
        }
        self.bound[name as usize] = true;
        out.lines.push(Line { callee, name, inverted, args: (first, args), qubits: (start as u32, stop as u32) });
        Ok(())
    }

    /// One operand of a statement whose operands begin at `start`.
    fn body_qubit(&mut self, callee: Callee, start: usize, out: &mut Definition) -> Result<()> {
        let name = self.name()?;
        let Some(Head::Qubit(qubit)) = self.heads.get(name) else { return self.fail("a name that is no qubit here") };
        self.work((out.places.len() - start) / 16)?;
        if callee != Callee::Barrier && out.places[start..].contains(&qubit) {
            return self.fail("a qubit named twice");
        }
        out.places.push(qubit);
        Ok(())
    }

    /// What a call of `name` does; under `inv`, one of the few gates whose inverse is a gate as simple.
    pub fn callee(&mut self, name: Sym, inverted: bool) -> Result<Callee> {
        let callee = match self.gate_named(name) {
            Gate::Standard(entry) | Gate::Known(entry) => match entry.standard {
                Standard::Direct(kind) => Callee::Kind(kind),
                _ => Callee::Entry(entry),
            },
            Gate::User(number) => Callee::User(number),
            _ => return self.fail("a gate that is not defined"),
        };
        match callee {
            _ if !inverted => Ok(callee),
            Callee::Kind(Kind::Sx) => Ok(Callee::Kind(Kind::Sxdg)),
            Callee::Kind(Kind::Sxdg) => Ok(Callee::Kind(Kind::Sx)),
            Callee::Kind(Kind::S) => Ok(Callee::Kind(Kind::Sdg)),
            Callee::Kind(Kind::Sdg) => Ok(Callee::Kind(Kind::S)),
            Callee::Kind(Kind::T) => Ok(Callee::Kind(Kind::Tdg)),
            Callee::Kind(Kind::Tdg) => Ok(Callee::Kind(Kind::T)),
            _ => self.fail("a modifier not read here"),
        }
    }

    /// How many parameters and qubits a call takes; a barrier takes the `given` ones.
    pub fn shape(&self, callee: Callee, given: usize) -> (usize, usize) {
        match callee {
            Callee::Kind(kind) => (kind.n_params(), kind.n_qubits()),
            Callee::Entry(entry) => (entry.params as usize, entry.qubits as usize),
            Callee::User(number) => {
                let definition = &self.definitions[number as usize];
                (definition.params, definition.qubits)
            }
            Callee::Barrier => (0, given),
            Callee::Phase => (1, 0),
        }
    }

    /// Writes a gate with these parameters on these qubits.
    #[inline]
    pub fn call(&mut self, callee: Callee, args: &[f64], qubits: &[u32]) -> Result<()> {
        match callee {
            Callee::Kind(kind) => self.writer.gate(kind, qubits, args),
            Callee::Entry(entry) => self.writer.entry(&entry, args, qubits),
            Callee::User(number) => self.play(number, args, qubits),
            Callee::Barrier => self.writer.barrier(qubits),
            Callee::Phase => Ok(()),
        }
    }

    fn play(&mut self, number: u32, values: &[f64], handles: &[u32]) -> Result<()> {
        self.nesting += 1;
        if self.nesting > limits::MACRO_DEPTH {
            return self.fail("gates nest too deep");
        }
        let definition = self.definitions[number as usize].clone();
        self.work(1 + definition.lines.len())?;
        let (mut args, mut qubits) = (Vec::with_capacity(4), Vec::with_capacity(4));
        for line in &definition.lines {
            args.clear();
            for arg in line.args.0..line.args.1 {
                args.push(self.compute(definition.program(arg), values)?);
            }
            qubits.clear();
            let places = &definition.places[line.qubits.0 as usize..line.qubits.1 as usize];
            qubits.extend(places.iter().map(|&k| handles[k as usize]));
            self.call(line.callee, &args, &qubits)?;
        }
        self.nesting -= 1;
        Ok(())
    }
}
