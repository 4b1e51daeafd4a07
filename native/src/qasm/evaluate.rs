//! Expressions to values, and the places that assignments write to.

use std::rc::Rc;

use super::arithmetic::{is_comparison, pattern_comparison};
use super::bits::{Bit, FALSE};
use super::reader::{Place, Reader, Slot, VarId};
use super::tree::{Binary, Expr, ExprId, List, TypeId, Word};
use super::values::{bits_of, sized, Data, Type, Value, BIT, FLOAT, LITERAL, MAX_WIDTH, QUBIT};
use super::{limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

/// What an index selects.
pub enum Positions {
    One(usize),
    Many(Vec<usize>),
}

/// The numbers of a range: start, step and how many.
#[derive(Clone, Copy)]
pub struct Steps {
    start: i128,
    step: i128,
    pub len: usize,
}

impl Steps {
    pub fn get(&self, k: usize) -> i128 {
        self.start + self.step * k as i128
    }
}

impl Reader<'_> {
    pub fn evaluate(&mut self, id: ExprId) -> Result<Value> {
        self.work(1)?;
        match self.parser.tree.expr(id) {
            Expr::Int(number) => Ok(Value { kind: LITERAL, data: Data::Int(number as i128) }),
            Expr::Float(number) => Ok(Value::real(number)),
            Expr::Bool(value) => Ok(Value::bool(Bit::constant(value))),
            Expr::Bits(start, end) => self.bit_string(start as usize, end as usize),
            Expr::Name(name) => self.named(name),
            Expr::Hardware(number) => {
                let qubit = self.hardware(number)?;
                Ok(Value { kind: QUBIT, data: Data::Qubits(Rc::new([qubit])) })
            }
            Expr::Unary(op, operand) => {
                let operand = self.classical(operand)?;
                self.unary(op, operand)
            }
            Expr::Binary(..) => self.chain(id),
            Expr::Index(base, items) => self.indexed(base, items),
            Expr::Call(name, args) => self.call(name, args),
            Expr::Cast(kind, operand) => {
                let operand = self.classical(operand)?;
                let kind = self.type_of(kind)?;
                self.convert(operand, kind)
            }
            Expr::Join(parts) => self.joined(parts),
            Expr::Measure(operand) => self.measured(operand),
            Expr::Range(..) | Expr::Set(_) => self.fail("a set or range is not a value"),
        }
    }

    pub fn classical(&mut self, id: ExprId) -> Result<Value> {
        let value = self.evaluate(id)?;
        if matches!(value.data, Data::Qubits(_) | Data::Unset | Data::Split) {
            return self.fail("no classical value");
        }
        Ok(value)
    }

    fn bit_string(&mut self, start: usize, end: usize) -> Result<Value> {
        self.work(end - start)?;
        let digits = self.parser.lex.text[start..end].iter().rev().filter(|&&c| c != b'_');
        let bits: Vec<Bit> = digits.map(|&c| Bit::constant(c == b'1')).collect();
        Ok(Value { kind: sized(Word::Bit, bits.len() as u32), data: Data::Bits(bits) })
    }

    fn named(&mut self, name: u32) -> Result<Value> {
        if let Some(number) = self.constant(name) {
            return Ok(Value::real(number));
        }
        match self.find(name)? {
            Slot::Qubits { first, len } => Ok(Value {
                kind: Type { word: Word::Qubit, size: len, literal: false },
                data: Data::Qubits((first..first + len.unwrap_or(1)).collect()),
            }),
            Slot::Variable(id) => self.read(id),
            _ => self.fail("a subroutine is not a value"),
        }
    }

    pub fn read(&mut self, id: VarId) -> Result<Value> {
        let variable = &self.variables[id as usize];
        let kind = variable.kind;
        if let Some(places) = variable.places.clone() {
            self.work(places.len())?;
            let bits: Vec<Bit> = places.iter().map(|&place| self.bit_at(place)).collect();
            return Ok(match kind.size {
                None => Value { kind, data: Data::Bit(bits[0]) },
                Some(_) => Value { kind, data: Data::Bits(bits) },
            });
        }
        match &variable.data {
            Data::Unset => self.fail("a variable without a value"),
            Data::Split => self.fail("a variable that depends on a measurement"),
            data => {
                let (data, size) = (data.clone(), if let Data::Bits(bits) = data { bits.len() } else { 0 });
                self.work(size)?;
                Ok(Value { kind, data })
            }
        }
    }

    /// The bit of a variable.
    pub fn bit_at(&self, (id, at): Place) -> Bit {
        match &self.variables[id as usize].data {
            Data::Bit(bit) => *bit,
            Data::Bits(bits) => bits[at as usize],
            _ => FALSE,
        }
    }

    /// Chains such as a+b+c lean left and may be long: walk down, then fold back up.
    fn chain(&mut self, id: ExprId) -> Result<Value> {
        let mut links = Vec::new();
        let mut left = id;
        while let Expr::Binary(op, first, second) = self.parser.tree.expr(left) {
            links.push((op, second));
            left = first;
        }
        let mut value = self.classical(left)?;
        for (op, second) in links.into_iter().rev() {
            value = self.operate(op, value, second)?;
        }
        Ok(value)
    }

    fn operate(&mut self, op: Binary, left: Value, second: ExprId) -> Result<Value> {
        self.work(1)?;
        if matches!(op, Binary::AndAlso | Binary::OrElse) && !left.is_dynamic() {
            let settled = self.truth(&left)?;
            if settled == Bit::constant(op == Binary::OrElse) {
                return Ok(Value::bool(settled));
            }
        }
        let right = self.classical(second)?;
        if is_comparison(op) && self.strict {
            self.check_comparison(op, &left, &right)?;
        }
        let literals = op == Binary::Divide && left.kind.literal && right.kind.literal;
        let found = self.binary(op, left, right)?;
        if literals && found.kind == FLOAT {
            self.warn("a fraction of whole numbers")?;
        }
        Ok(found)
    }

    fn check_comparison(&self, op: Binary, left: &Value, right: &Value) -> Result<()> {
        if pattern_comparison(left, right) {
            return self.warn("a comparison of bit patterns");
        }
        for (register, other) in [(left, right), (right, left)] {
            let Data::Int(number) = other.data else { continue };
            let width = match (register.kind.word, register.kind.size) {
                (Word::Bit, size) => size.unwrap_or(1),
                (Word::Uint, size) => size.unwrap_or(MAX_WIDTH),
                _ => continue,
            };
            let outside = number < 0 || (width < 127 && number >= 1 << width);
            if matches!(op, Binary::Same | Binary::Differs) && other.kind.is_integer() && outside {
                return self.warn("a comparison with a number that the register never holds");
            }
        }
        Ok(())
    }

    fn joined(&mut self, parts: List) -> Result<Value> {
        let mut values = Vec::new();
        for k in 0..parts.len {
            values.push(self.evaluate(self.parser.tree.item(parts, k))?);
        }
        if values.iter().all(|value| value.kind.word == Word::Qubit) {
            let mut qubits = Vec::new();
            for value in &values {
                if let Data::Qubits(more) = &value.data {
                    qubits.extend_from_slice(more);
                }
            }
            self.distinct(&qubits)?;
            let kind = sized(Word::Qubit, qubits.len() as u32);
            return Ok(Value { kind, data: Data::Qubits(qubits.into()) });
        }
        let mut bits = Vec::new();
        for value in values {
            match (value.kind.word, value.data) {
                (Word::Bit, Data::Bit(bit)) => bits.push(bit),
                (Word::Bit, Data::Bits(more)) => bits.extend(more),
                _ => return self.fail("'++' joins qubits or bits"),
            }
        }
        self.work(bits.len())?;
        Ok(Value { kind: sized(Word::Bit, bits.len() as u32), data: Data::Bits(bits) })
    }

    /// Refuses a list that names a qubit twice.
    pub fn distinct(&mut self, qubits: &[u32]) -> Result<()> {
        self.work(qubits.len())?;
        let twice = if qubits.len() <= 16 {
            (1..qubits.len()).any(|k| qubits[..k].contains(&qubits[k]))
        } else {
            let mut sorted = qubits.to_vec();
            sorted.sort_unstable();
            sorted.windows(2).any(|pair| pair[0] == pair[1])
        };
        if twice {
            return self.fail("a qubit is used twice in one operation");
        }
        Ok(())
    }

    fn call(&mut self, name: u32, args: List) -> Result<Value> {
        if let Ok(Slot::Def(number)) = self.find(name) {
            return self.call_subroutine(number, args);
        }
        let mut values = Vec::with_capacity(args.len as usize);
        for k in 0..args.len {
            values.push(self.classical(self.parser.tree.item(args, k))?);
        }
        self.function(self.parser.names.text(name), values)
    }

    /// Measures a qubit or register.
    pub fn measured(&mut self, operand: ExprId) -> Result<Value> {
        let value = self.qubits(operand)?;
        if self.gate_body.is_some() {
            return self.fail("a gate cannot measure");
        }
        let Data::Qubits(qubits) = value.data else { return self.fail("no qubits") };
        let mut bits = Vec::with_capacity(qubits.len());
        for &qubit in qubits.iter() {
            bits.push(self.builder.measure(qubit)?);
        }
        Ok(match value.kind.size {
            None => Value { kind: BIT, data: Data::Bit(bits[0]) },
            Some(size) => Value { kind: sized(Word::Bit, size), data: Data::Bits(bits) },
        })
    }

    // -- known numbers -----------------------------------------------------------------------------------------------

    /// An integer that must be known now.
    pub fn integer(&mut self, id: ExprId) -> Result<i128> {
        let value = self.classical(id)?;
        if value.is_dynamic() {
            return self.fail("a number that depends on a measurement");
        }
        match value.data {
            Data::Real(number) if number.trunc() != number => self.fail("a number that is not whole"),
            _ => match self.convert(value, LITERAL)?.data {
                Data::Int(number) => Ok(number),
                _ => self.fail("a number that depends on a measurement"),
            },
        }
    }

    /// A gate parameter.
    pub fn real(&mut self, id: ExprId) -> Result<f64> {
        match self.parser.tree.expr(id) {
            Expr::Float(number) => return Ok(number),
            _ => self.work(1)?,
        }
        let value = self.classical(id)?;
        if self.parser.two && value.kind.word == Word::Bit {
            return self.fail("a classical register is not a number");
        }
        match self.convert(value, FLOAT)?.data {
            Data::Real(number) => Ok(number),
            _ => self.fail("no number"),
        }
    }

    pub fn type_of(&mut self, kind: TypeId) -> Result<Type> {
        let node = self.parser.tree.types[kind as usize];
        let Some(size) = node.size else { return Ok(Type { word: node.word, size: None, literal: false }) };
        let size = self.integer(size)?;
        let limit = match node.word {
            Word::Bit => limits::EVENTS as i128,
            Word::Qubit => limits::QUBITS as i128,
            Word::Angle => return self.fail("an angle of a size"),
            _ => MAX_WIDTH as i128,
        };
        match node.word {
            Word::Float if (1..=4096).contains(&size) => Ok(FLOAT),
            Word::Bool | Word::Float => self.fail("a type of this size"),
            word if (1..=limit).contains(&size) => Ok(sized(word, size as u32)),
            _ => self.fail("a type of this size"),
        }
    }

    // -- indexing ----------------------------------------------------------------------------------------------------

    /// An operand: a qubit (size None) or a register of qubits.
    pub fn qubits(&mut self, id: ExprId) -> Result<Value> {
        let value = self.evaluate(id)?;
        if value.kind.word != Word::Qubit {
            return self.fail("a qubit is missing here");
        }
        Ok(value)
    }

    fn indexed(&mut self, base: ExprId, items: List) -> Result<Value> {
        if items.len != 1 {
            return self.fail("an index of several dimensions");
        }
        let item = self.parser.tree.item(items, 0);
        if let Expr::Name(name) = self.parser.tree.expr(base) {
            if self.constant(name).is_none() {
                if let Some(found) = self.element(name, item)? {
                    return Ok(found);
                }
            }
        }
        let value = self.evaluate(base)?;
        self.pick(value, item)
    }

    /// An element of a plain register, without a copy of the whole.
    fn element(&mut self, name: u32, item: ExprId) -> Result<Option<Value>> {
        match self.find(name)? {
            Slot::Qubits { first, len: Some(len) } => match self.positions(item, len as usize)? {
                Positions::One(at) => Ok(Some(Value { kind: QUBIT, data: Data::Qubits(Rc::new([first + at as u32])) })),
                Positions::Many(chosen) => {
                    let qubits: Rc<[u32]> = chosen.iter().map(|&at| first + at as u32).collect();
                    self.distinct(&qubits)?;
                    let kind = sized(Word::Qubit, qubits.len() as u32);
                    Ok(Some(Value { kind, data: Data::Qubits(qubits) }))
                }
            },
            Slot::Variable(id) => {
                let variable = &self.variables[id as usize];
                let (Word::Bit, Data::Bits(bits)) = (variable.kind.word, &variable.data) else { return Ok(None) };
                let size = bits.len();
                let where_ = self.positions(item, size)?;
                let Data::Bits(bits) = &self.variables[id as usize].data else { return Ok(None) };
                Ok(Some(picked(bits, where_)))
            }
            _ => Ok(None),
        }
    }

    fn pick(&mut self, value: Value, item: ExprId) -> Result<Value> {
        match (value.kind.word, value.kind.size, &value.data) {
            (Word::Qubit, Some(_), Data::Qubits(qubits)) => match self.positions(item, qubits.len())? {
                Positions::One(at) => Ok(Value { kind: QUBIT, data: Data::Qubits(Rc::new([qubits[at]])) }),
                Positions::Many(chosen) => {
                    let chosen: Rc<[u32]> = chosen.iter().map(|&at| qubits[at]).collect();
                    self.distinct(&chosen)?;
                    Ok(Value { kind: sized(Word::Qubit, chosen.len() as u32), data: Data::Qubits(chosen) })
                }
            },
            (Word::Bit, Some(_), Data::Bits(bits)) => {
                let where_ = self.positions(item, bits.len())?;
                Ok(picked(bits, where_))
            }
            (Word::Int | Word::Uint, _, Data::Int(_) | Data::Bits(_)) => {
                let width = value.kind.width();
                let bits = bits_of(&value, width);
                let where_ = self.positions(item, width as usize)?;
                Ok(picked(&bits, where_))
            }
            _ => self.fail("a value without an index"),
        }
    }

    /// The position or positions that an index selects of `size` elements; negative ones count from the end.
    pub fn positions(&mut self, item: ExprId, size: usize) -> Result<Positions> {
        match self.parser.tree.expr(item) {
            Expr::Int(k) => self.position(k as i128, size).map(Positions::One),
            Expr::Set(items) => {
                let mut out = Vec::with_capacity(items.len as usize);
                for k in 0..items.len {
                    let number = self.integer(self.parser.tree.item(items, k))?;
                    out.push(self.position(number, size)?);
                }
                Ok(Positions::Many(out))
            }
            Expr::Range(..) => {
                let range = self.range(item, Some(size))?;
                if range.len > size {
                    return self.fail("a slice longer than its register");
                }
                self.work(range.len)?;
                let found: Result<Vec<usize>> = (0..range.len).map(|k| self.position(range.get(k), size)).collect();
                found.map(Positions::Many)
            }
            _ => {
                let number = self.integer(item)?;
                self.position(number, size).map(Positions::One)
            }
        }
    }

    fn position(&self, k: i128, size: usize) -> Result<usize> {
        let size = size as i128;
        if k < -size || k >= size {
            return self.fail("an index outside its register");
        }
        Ok(k.rem_euclid(size) as usize)
    }

    /// `start:step:stop` with both ends; open ends need the size of what is indexed.
    pub fn range(&mut self, id: ExprId, size: Option<usize>) -> Result<Steps> {
        let Expr::Range(start, step, stop) = self.parser.tree.expr(id) else { return self.fail("no range") };
        let step = step.map_or(Ok(1), |step| self.integer(step))?;
        if step == 0 || (size.is_none() && (start.is_none() || stop.is_none())) {
            return self.fail("a range without end");
        }
        let last = size.unwrap_or(0) as i128 - 1;
        let (low, high) = if step > 0 { (0, last) } else { (last, 0) };
        let mut start = start.map_or(Ok(low), |start| self.integer(start))?;
        let mut stop = stop.map_or(Ok(high), |stop| self.integer(stop))?;
        if let Some(size) = size {
            let wrapped = |k: i128| if k < 0 { k + size as i128 } else { k };
            (start, stop) = (wrapped(start), wrapped(stop));
        }
        let small = |k: i128| k.unsigned_abs() < 1 << 64;
        if !small(start) || !small(stop) || !small(step) {
            return self.fail("a range of large numbers");
        }
        let distance = if step > 0 { stop - start } else { start - stop };
        let turns = if distance < 0 { 0 } else { distance / step.abs() + 1 };
        if turns > limits::EXPANSION_NODES as i128 {
            return self.fail("a range too long");
        }
        Ok(Steps { start, step, len: turns as usize })
    }
}

fn picked(bits: &[Bit], where_: Positions) -> Value {
    match where_ {
        Positions::One(at) => Value { kind: BIT, data: Data::Bit(bits[at]) },
        Positions::Many(chosen) => Value {
            kind: sized(Word::Bit, chosen.len() as u32),
            data: Data::Bits(chosen.into_iter().map(|at| bits[at]).collect()),
        },
    }
}
