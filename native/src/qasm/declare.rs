//! Statements that bind names, and assignments.

use std::rc::Rc;

use super::arithmetic::is_comparison;
use super::bits::FALSE;
use super::names::Sym;
use super::places::Target;
use super::reader::{Place, Reader, Slot};
use super::tree::{Binary, Expr, ExprId, List, Storage, TypeId, Word};
use super::values::{sized, Data, Type, Value, BIT, FLOAT};
use super::{limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

impl Reader<'_> {
    pub fn qubits_declared(&mut self, name: Sym, size: Option<ExprId>) -> Result<()> {
        let size = size.map_or(Ok(None), |size| self.integer(size).map(Some))?;
        let least = if self.parser.two { 0 } else { 1 };
        if !self.is_global() || size.is_some_and(|size| !(least..=limits::QUBITS as i128).contains(&size)) {
            return self.fail("qubits that cannot be declared here");
        }
        let first = self.builder.writer.circuit.n_qubits;
        self.declare(name, Slot::Qubits { first, len: size.map(|size| size as u32) })?;
        self.builder.allocate(size.unwrap_or(1) as usize)?;
        Ok(())
    }

    pub fn declaration(&mut self, kind: TypeId, name: Sym, value: Option<ExprId>, storage: Storage) -> Result<()> {
        let kind = self.type_of(kind)?;
        if storage == Storage::Output && (!self.is_global() || kind.is_real()) {
            return self.fail("an output that cannot be declared here");
        }
        let data = match value {
            None if storage == Storage::Input => self.input(kind, name)?,
            None if kind == BIT => Data::Bit(FALSE),
            None if kind.word == Word::Bit => {
                self.work(kind.width() as usize)?;
                Data::Bits(vec![FALSE; kind.width() as usize])
            }
            None => Data::Unset,
            Some(id) => {
                let value = self.classical(id)?;
                self.convert(value, kind)?.data
            }
        };
        let value = Value { kind, data };
        if storage == Storage::Constant && value.is_dynamic() {
            return self.fail("a constant that depends on a measurement");
        }
        self.new_variable(name, kind, value.data, storage)?;
        Ok(())
    }

    /// The caller's value of an input. Only numbers are read here.
    fn input(&mut self, kind: Type, name: Sym) -> Result<Data> {
        if !self.is_global() || !matches!(kind.word, Word::Float | Word::Angle) {
            return self.fail("an input not read here");
        }
        let text = self.parser.names.text(name);
        let Some(given) = self.inputs.iter_mut().find(|given| given.name.as_bytes() == text) else {
            return self.fail("an input without a value");
        };
        given.used = true;
        let value = Value { kind: FLOAT, data: Data::Real(given.value) };
        Ok(self.convert(value, kind)?.data)
    }

    pub fn assign(&mut self, target: ExprId, op: Option<Binary>, value: ExprId) -> Result<()> {
        let place = self.target(target)?;
        let kind = match &place {
            Target::Whole(id) => self.variables[*id as usize].kind,
            Target::Bits(kind, _) | Target::Of(_, kind, _) => *kind,
        };
        let found = match (op, self.parser.tree.expr(value)) {
            (None, Expr::Measure(operand)) => {
                let measured = self.measured(operand)?;
                let one = measured.kind.size.is_none();
                if one && kind.word == Word::Bit && kind.size.is_some_and(|size| size != 1) {
                    return self.fail("one measured bit does not fill its register");
                }
                measured
            }
            (None, _) => self.classical(value)?,
            (Some(op), _) => {
                debug_assert!(!is_comparison(op));
                let right = self.classical(value)?;
                let left = self.read_target(&place)?;
                self.binary(op, left, right)?
            }
        };
        let found = self.convert(found, kind)?;
        self.write(place, found.data)
    }

    /// `let`: another name for qubits or bits.
    pub fn alias(&mut self, name: Sym, value: ExprId) -> Result<()> {
        let parts = match self.parser.tree.expr(value) {
            Expr::Join(parts) => parts,
            _ => self.parser.tree.add_list(&[value]),
        };
        if self.names_bits(self.parser.tree.item(parts, 0))? {
            return self.alias_of_bits(name, value, parts);
        }
        let value = self.evaluate(value)?;
        if value.kind.word != Word::Qubit {
            return self.fail("let names qubits or bits");
        }
        self.new_variable(name, value.kind, value.data, Storage::Variable)?;
        Ok(())
    }

    fn alias_of_bits(&mut self, name: Sym, value: ExprId, parts: List) -> Result<()> {
        let mut places: Vec<Place> = Vec::new();
        for k in 0..parts.len {
            let more = self.bit_places(self.parser.tree.item(parts, k))?;
            self.work(more.len())?;
            places.extend_from_slice(&more);
        }
        let several = parts.len > 1 || self.evaluate(value)?.kind.size.is_some();
        let kind = if several { sized(Word::Bit, places.len() as u32) } else { BIT };
        let id = self.new_variable(name, kind, Data::Unset, Storage::Variable)?;
        self.variables[id as usize].places = Some(places.into());
        Ok(())
    }

    /// Whether an expression names classical bits that can be set.
    fn names_bits(&mut self, mut id: ExprId) -> Result<bool> {
        while let Expr::Index(base, _) = self.parser.tree.expr(id) {
            id = base;
        }
        let Some(name) = self.plain_name(id).filter(|&name| self.constant(name).is_none()) else { return Ok(false) };
        Ok(match self.find(name)? {
            Slot::Variable(id) => {
                let variable = &self.variables[id as usize];
                variable.kind.word == Word::Bit && variable.storage != Storage::Constant
            }
            _ => false,
        })
    }

    fn bit_places(&mut self, id: ExprId) -> Result<Rc<[Place]>> {
        if !self.names_bits(id)? {
            return self.fail("an alias of bits is made of bits and registers");
        }
        match self.target(id)? {
            Target::Bits(Type { .. }, places) => Ok(places),
            _ => self.fail("an alias of bits is made of bits and registers"),
        }
    }
}
