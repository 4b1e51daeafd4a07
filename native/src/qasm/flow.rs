//! Branches, loops, jumps and subroutines. What depends on a measurement becomes guards; the rest is decided and
//! unrolled now.
//!
//! A branch of a measured condition is read under that condition; afterwards every variable that it set holds a
//! selection between its two values. A jump under a measured condition does not stop the reading: what it would skip is
//! read under the condition that it was not taken.

use std::collections::HashMap;

use super::bits::{Bit, FALSE, TRUE};
use super::evaluate::{Steps, Target};
use super::names::Sym;
use super::reader::{Place, Reader, Slot};
use super::tree::{Binary, Expr, ExprId, Jump, List, Stmt, StmtId, Storage, TypeId, Word};
use super::values::{bits_of, Data, Type, Value, BIT, INT};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// One side of a branch.
type Side<'s, R> = &'s mut dyn FnMut(&mut R) -> Result<()>;

/// A loop or a subroutine call being read. `start`: measured branches open at its beginning; `left`: when it was left
/// for good; `skipped`: when the rest of this turn is skipped.
pub struct Frame {
    def: bool,
    start: usize,
    left: Bit,
    skipped: Bit,
    value: Option<Value>,
    result: Option<Type>,
}

/// What a branch has overwritten, in order: the place (-1: the whole variable) and the data before.
#[derive(Default)]
pub struct Journal {
    entries: Vec<(Place, Data)>,
    numbers: HashMap<Place, usize>,
}

impl Journal {
    fn first(&mut self, place: Place, data: impl FnOnce() -> Data) {
        let next = self.entries.len();
        if *self.numbers.entry(place).or_insert(next) == next {
            self.entries.push((place, data()));
        }
    }
}

impl Reader<'_> {
    // -- statements in order -----------------------------------------------------------------------------------------

    pub fn run_list(&mut self, body: List) -> Result<()> {
        for k in 0..body.len {
            if !self.run_one(self.parser.tree.item(body, k))? {
                break;
            }
        }
        Ok(())
    }

    pub fn run_body(&mut self, body: &[StmtId]) -> Result<()> {
        for &id in body {
            if !self.run_one(id)? {
                break;
            }
        }
        Ok(())
    }

    /// Runs a statement where no jump skips it; false when a jump certainly skips it and what follows.
    fn run_one(&mut self, id: StmtId) -> Result<bool> {
        if !self.jumped {
            return self.execute(id).map(|()| true);
        }
        let skipped = self.skipped()?;
        match skipped.known() {
            Some(true) => return Ok(false),
            Some(false) => self.execute(id)?,
            None => {
                let taken = self.builder.bits.negate(skipped)?;
                self.branch(taken, &mut |reader| reader.execute(id), None)?;
            }
        }
        Ok(true)
    }

    /// Where the current statement is skipped by a jump taken before.
    fn skipped(&mut self) -> Result<Bit> {
        let mut found = self.ended;
        for k in (0..self.frames.len()).rev() {
            let here = self.either(self.frames[k].left, self.frames[k].skipped)?;
            found = self.either(found, here)?;
            if self.frames[k].def {
                break;
            }
        }
        self.restricted(found)
    }

    fn restricted(&mut self, bit: Bit) -> Result<Bit> {
        self.work(self.builder.facts.len())?;
        self.builder.bits.restrict(bit, &self.builder.facts)
    }

    /// A block with a scope of its own.
    pub fn block(&mut self, body: List) -> Result<()> {
        self.deeper()?;
        let variables = self.variables.len();
        self.open_scope();
        self.run_list(body)?;
        self.close_scope(variables);
        self.back();
        Ok(())
    }

    // -- conditions --------------------------------------------------------------------------------------------------

    fn condition(&mut self, id: ExprId) -> Result<Bit> {
        let value = self.classical(id)?;
        let truth = self.truth(&value)?;
        self.restricted(truth)
    }

    pub fn conditional(&mut self, condition: ExprId, then: StmtId, otherwise: Option<StmtId>) -> Result<()> {
        let condition = self.condition(condition)?;
        let mut other = |reader: &mut Self| otherwise.map_or(Ok(()), |id| reader.execute(id));
        let other: Option<Side<'_, Self>> = otherwise.is_some().then_some(&mut other);
        self.branch(condition, &mut |reader| reader.execute(then), other)
    }

    /// Reads both sides of a measured condition, or the side that a known one takes.
    fn branch(&mut self, condition: Bit, then: Side<'_, Self>, otherwise: Option<Side<'_, Self>>) -> Result<()> {
        match condition.known() {
            Some(true) => return then(self),
            Some(false) => return otherwise.map_or(Ok(()), |run| run(self)),
            None => {}
        }
        if self.gate_body.is_some() {
            return self.fail("a gate that depends on a measurement");
        }
        let new = self.under(condition, then)?;
        let old = match otherwise {
            Some(run) => {
                let other = self.builder.bits.negate(condition)?;
                self.under(other, run)?
            }
            None => Journal::default(),
        };
        self.merge_branches(condition, new, old)
    }

    fn merge_branches(&mut self, condition: Bit, new: Journal, old: Journal) -> Result<()> {
        let only_old = old.entries.iter().filter(|entry| !new.numbers.contains_key(&entry.0));
        let places: Vec<Place> = new.entries.iter().chain(only_old).map(|entry| entry.0).collect();
        for place in places {
            let of = |journal: &Journal| journal.numbers.get(&place).map(|&k| journal.entries[k].1.clone());
            let first = of(&new).unwrap_or_else(|| self.data_at(place));
            let second = of(&old).unwrap_or_else(|| self.data_at(place));
            let kind = if place.1 < 0 { self.variables[place.0 as usize].kind } else { BIT };
            let merged = self.merge_data(kind, condition, first, second)?;
            self.store_at(place, merged)?;
        }
        Ok(())
    }

    /// Reads under `condition`; undoes what was set and says what it was set to.
    fn under(&mut self, condition: Bit, run: Side<'_, Self>) -> Result<Journal> {
        self.journals.push(Journal::default());
        self.work(1 + self.builder.path.len() + self.builder.facts.len())?;
        self.builder.enter(condition)?;
        self.deeper_unchecked();
        run(self)?;
        self.back();
        self.builder.leave();
        let mut journal = self.journals.pop().unwrap_or_default();
        for (place, data) in &mut journal.entries {
            let written = self.data_at(*place);
            self.put(*place, std::mem::replace(data, written));
        }
        Ok(journal)
    }

    pub fn switch(&mut self, target: ExprId, cases: List, default: Option<StmtId>) -> Result<()> {
        let target = self.classical(target)?;
        if target.kind.is_real() {
            return self.fail("switch takes an integer");
        }
        let mut seen = Vec::new();
        let mut chain = Vec::new();
        for k in 0..cases.len {
            let (labels, body) = self.parser.tree.cases[(cases.start + k) as usize];
            let mut hit = FALSE;
            for k in 0..labels.len {
                let number = self.integer(self.parser.tree.item(labels, k))?;
                if seen.contains(&number) {
                    return self.fail("a case given twice");
                }
                self.work(seen.len())?;
                seen.push(number);
                let same = self.compare(Binary::Same, &target, &Value::int(number))?;
                hit = self.either(hit, same)?;
            }
            chain.push((hit, body));
        }
        let mut rest = TRUE;
        for (hit, body) in chain {
            let other = self.builder.bits.negate(hit)?;
            rest = self.both(rest, other)?;
            let hit = self.restricted(hit)?;
            self.branch(hit, &mut |reader| reader.run_block(body), None)?;
        }
        if let Some(body) = default {
            let rest = self.restricted(rest)?;
            self.branch(rest, &mut |reader| reader.run_block(body), None)?;
        }
        Ok(())
    }

    fn run_block(&mut self, id: StmtId) -> Result<()> {
        match self.parser.tree.stmts[id as usize].0 {
            Stmt::Block(body) => self.block(body),
            _ => self.fail("no block"),
        }
    }

    // -- loops -------------------------------------------------------------------------------------------------------

    pub fn for_loop(&mut self, kind: Option<TypeId>, name: Sym, values: ExprId, body: StmtId) -> Result<()> {
        let kind = kind.map_or(Ok(INT), |kind| self.type_of(kind))?;
        match self.parser.tree.expr(values) {
            Expr::Range(..) => {
                let range = self.range(values, None)?;
                self.turns(kind, name, body, range.len, &mut |_, k| Ok(Value::int(Steps::get(&range, k))))
            }
            Expr::Set(items) => {
                let mut found = Vec::new();
                for k in 0..items.len {
                    found.push(self.classical(self.parser.tree.item(items, k))?);
                }
                self.turns(kind, name, body, found.len(), &mut |_, k| Ok(found[k].clone()))
            }
            _ => {
                let whole = self.classical(values)?;
                let (Word::Bit, Data::Bits(bits)) = (whole.kind.word, whole.data) else {
                    return self.fail("no range, set or register to loop over");
                };
                self.turns(kind, name, body, bits.len(), &mut |_, k| Ok(Value { kind: BIT, data: Data::Bit(bits[k]) }))
            }
        }
    }

    fn turns(
        &mut self,
        kind: Type,
        name: Sym,
        body: StmtId,
        turns: usize,
        value: &mut dyn FnMut(&mut Self, usize) -> Result<Value>,
    ) -> Result<()> {
        self.open_loop();
        self.deeper()?;
        for k in 0..turns {
            if !self.turn()? {
                break;
            }
            let variables = self.variables.len();
            self.open_scope();
            let found = value(self, k)?;
            let found = self.convert(found, kind)?;
            self.new_variable(name, kind, found.data, Storage::Variable)?;
            self.run_one(body)?;
            self.close_scope(variables);
        }
        self.frames.pop();
        self.back();
        Ok(())
    }

    fn open_loop(&mut self) {
        let start = self.builder.path.len();
        self.frames.push(Frame { def: false, start, left: FALSE, skipped: FALSE, value: None, result: None });
    }

    /// Begins a turn of a loop; false when the loop is certainly over.
    fn turn(&mut self) -> Result<bool> {
        self.step(self.builder.writer.at)?;
        if let Some(frame) = self.frames.last_mut() {
            frame.skipped = FALSE;
        }
        Ok(!self.jumped || self.skipped()? != TRUE)
    }

    pub fn while_loop(&mut self, condition: ExprId, body: StmtId) -> Result<()> {
        self.open_loop();
        while self.turn()? {
            match self.condition(condition)?.known() {
                None => return self.fail("a loop that ends by a measurement"),
                Some(false) => break,
                Some(true) => self.run_one(body)?,
            };
        }
        self.frames.pop();
        Ok(())
    }

    pub fn jump(&mut self, kind: Jump) -> Result<()> {
        if kind == Jump::End {
            let when = self.path_from(0)?;
            self.ended = self.either(self.ended, when)?;
            self.jumped = true;
            return Ok(());
        }
        let Some(frame) = self.frames.last().filter(|frame| !frame.def) else {
            return self.fail("a jump outside every loop");
        };
        let (start, left, skipped) = (frame.start, frame.left, frame.skipped);
        let when = self.path_from(start)?;
        let found = self.either(if kind == Jump::Break { left } else { skipped }, when)?;
        if let Some(frame) = self.frames.last_mut() {
            *(if kind == Jump::Break { &mut frame.left } else { &mut frame.skipped }) = found;
        }
        self.jumped = true;
        Ok(())
    }

    // -- subroutines -------------------------------------------------------------------------------------------------

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

    // -- what branches may set ---------------------------------------------------------------------------------------

    pub fn write(&mut self, target: Target, data: Data) -> Result<()> {
        match (target, data) {
            (Target::Whole(id), data) => self.store_at((id, -1), data),
            (Target::Bits(kind, places), Data::Bit(bit)) if kind.size.is_none() => {
                self.store_at(places[0], Data::Bit(bit))
            }
            (Target::Bits(_, places), Data::Bits(bits)) if places.len() == bits.len() => {
                self.work(bits.len())?;
                places.iter().zip(bits).try_for_each(|(&place, bit)| self.store_at(place, Data::Bit(bit)))
            }
            (Target::Of(id, _, places), data) => {
                let kind = self.variables[id as usize].kind;
                let whole = self.read(id)?;
                let mut bits = bits_of(&whole, kind.width());
                match data {
                    Data::Bit(bit) => bits[places[0]] = bit,
                    Data::Bits(new) => places.iter().zip(new).for_each(|(&at, bit)| bits[at] = bit),
                    _ => return self.fail("no bits"),
                }
                let data = self.number_of(bits, kind)?;
                self.store_at((id, -1), data)
            }
            _ => self.fail("a value of another size"),
        }
    }

    fn data_at(&self, (id, at): Place) -> Data {
        match &self.variables[id as usize].data {
            Data::Bits(bits) if at >= 0 => Data::Bit(bits[at as usize]),
            data => data.clone(),
        }
    }

    fn put(&mut self, (id, at): Place, data: Data) {
        match (&mut self.variables[id as usize].data, data) {
            (Data::Bits(bits), Data::Bit(bit)) if at >= 0 => bits[at as usize] = bit,
            (slot, data) => *slot = data,
        }
    }

    /// Sets a place; a branch of a measured condition remembers what it held before.
    #[inline]
    pub fn store_at(&mut self, place: Place, data: Data) -> Result<()> {
        if self.variables[place.0 as usize].depth < self.journals.len() {
            let before = self.data_at(place);
            if let Some(journal) = self.journals.last_mut() {
                journal.first(place, || before);
            }
        }
        self.put(place, data);
        Ok(())
    }

    /// Data that is `new` where `when` holds, else `old`; `Split` where no logic can say so. A number not set before
    /// reads 0 in the branch that does not set it.
    fn merge_data(&mut self, kind: Type, when: Bit, new: Data, old: Data) -> Result<Data> {
        if new == old {
            return Ok(new);
        }
        if matches!(new, Data::Split) || matches!(old, Data::Split) {
            return Ok(Data::Split);
        }
        if kind.is_integer() {
            let set = |data| if data == Data::Unset { Data::Int(0) } else { data };
            let [x, y] = [new, old].map(|data| bits_of(&Value { kind, data: set(data) }, kind.width()));
            let merged = self.merge_all(when, &x, &y)?;
            return self.number_of(merged, kind);
        }
        match (new, old) {
            (Data::Bits(x), Data::Bits(y)) if x.len() == y.len() => Ok(Data::Bits(self.merge_all(when, &x, &y)?)),
            (new @ (Data::Bit(_) | Data::Unset), old @ (Data::Bit(_) | Data::Unset)) => {
                let bit = |data| if let Data::Bit(bit) = data { bit } else { FALSE };
                Ok(Data::Bit(self.builder.merge(when, bit(new), bit(old))?))
            }
            _ => Ok(Data::Split),
        }
    }

    fn merge_all(&mut self, when: Bit, x: &[Bit], y: &[Bit]) -> Result<Vec<Bit>> {
        self.work(4 * x.len())?;
        x.iter().zip(y).map(|(&x, &y)| self.builder.merge(when, x, y)).collect()
    }
}
