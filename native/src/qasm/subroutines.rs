//! Subroutine calls, inlined: arguments, return values, early returns.

use super::bits::FALSE;
use super::flow::Frame;
use super::reader::{Reader, Slot};
use super::tree::{ExprId, List, Storage, TypeId, Word};
use super::values::{Data, Type, Value, BIT};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

impl Reader<'_> {
    pub fn subroutine_defined(&mut self, number: u32) -> Result<()> {
        let definition = &self.parser.tree.defs[number as usize];
        let (name, mut heads) = (definition.name, Vec::new());
        heads.extend(definition.params.iter().map(|param| param.0));
        heads.sort_unstable();
        if !self.is_global() || heads.windows(2).any(|pair| pair[0] == pair[1]) {
            return self.fail("a subroutine that cannot be defined here");
        }
        self.declare(name, Slot::Def(number))
    }

    pub fn call_subroutine(&mut self, number: u32, args: List) -> Result<Value> {
        if self.gate_body.is_some() {
            return self.fail("a gate that calls a subroutine");
        }
        self.step(self.builder.writer.at)?;
        let definition = &self.parser.tree.defs[number as usize];
        let (params, body, result) = (definition.params.clone(), definition.body, definition.result);
        if args.len as usize != params.len() {
            return self.fail("a wrong number of arguments");
        }
        let mut bound = Vec::with_capacity(params.len());
        let mut handles = Vec::new();
        for (k, &(name, kind)) in params.iter().enumerate() {
            let value = self.argument(kind, self.parser.tree.item(args, k as u32))?;
            if let Some(qubits) = self.as_qubits(&value) {
                handles.extend_from_slice(&qubits);
            }
            bound.push((name, value));
        }
        self.distinct(&handles)?;
        let result = result.map_or(Ok(None), |kind| self.type_of(kind).map(Some))?;
        let start = self.builder.path.len();
        self.frames.push(Frame { def: true, start, left: FALSE, skipped: FALSE, value: None, result });
        let before = self.open_frame()?;
        for (name, value) in bound {
            let qubit = value.kind.word == Word::Qubit;
            let storage = if qubit { Storage::Constant } else { Storage::Variable };
            self.new_variable(name, value.kind, value.data, storage)?;
        }
        self.run_list(body)?;
        self.close_frame(before);
        match (self.frames.pop().and_then(|frame| frame.value), result) {
            (Some(value), Some(_)) => Ok(value),
            (None, Some(_)) => self.fail("a subroutine that ended without its value"),
            _ => Ok(Value { kind: BIT, data: Data::Unset }),
        }
    }

    /// An argument as its parameter takes it: qubits by reference, the rest by value.
    fn argument(&mut self, kind: TypeId, arg: ExprId) -> Result<Value> {
        if self.parser.tree.types[kind as usize].word != Word::Qubit {
            let value = self.classical(arg)?;
            let kind = self.type_of(kind)?;
            return self.convert(value, kind);
        }
        let value = self.qubits(arg)?;
        let size = match self.parser.tree.types[kind as usize].size {
            Some(size) => Some(self.integer(size)?),
            None => None,
        };
        let given = self.as_qubits(&value).map_or(0, |qubits| qubits.len()) as i128;
        if size != value.kind.size.map(i128::from) && size.unwrap_or(1) != given {
            return self.fail("a wrong number of qubits");
        }
        let kind = Type { word: Word::Qubit, size: size.map(|size| size as u32), literal: false };
        Ok(Value { kind, data: value.data })
    }

    /// `return`: the innermost subroutine is left where the open branches hold.
    pub fn give_back(&mut self, value: Option<ExprId>) -> Result<()> {
        let value = match value {
            Some(id) => Some(self.classical(id)?),
            None => None,
        };
        let Some(number) = self.frames.iter().rposition(|frame| frame.def) else {
            return self.fail("return outside every subroutine");
        };
        let (start, result) = (self.frames[number].start, self.frames[number].result);
        if value.is_some() != result.is_some() {
            return self.fail("a subroutine that gives back something else");
        }
        let when = self.path_from(start)?;
        if let (Some(value), Some(result)) = (value, result) {
            let mut value = self.convert(value, result)?;
            if let Some(old) = self.frames[number].value.take() {
                value.data = self.merge_data(result, when, value.data, old.data)?;
            }
            self.frames[number].value = Some(value);
        }
        self.frames[number].left = self.either(self.frames[number].left, when)?;
        self.jumped = true;
        Ok(())
    }
}
