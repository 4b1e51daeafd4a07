//! Operators and functions on values: known numbers are computed now, measured bits become logic.

use super::bits::{Bit, FALSE, TRUE};
use super::reader::Reader;
use super::tree::{Binary, Unary, Word};
use super::values::{bits_of, plain, wrap, Data, Type, Value, BOOL, FLOAT, INT, LITERAL, UINT};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

fn rank(word: Word) -> u8 {
    match word {
        Word::Bit | Word::Bool => 0,
        Word::Uint => 1,
        Word::Int => 2,
        Word::Angle => 3,
        Word::Float => 4,
        Word::Qubit => 5,
    }
}

/// The type that both operands of an arithmetic operator are taken to.
fn common(a: Type, b: Type) -> Type {
    let (high, low) = if rank(a.word) >= rank(b.word) { (a, b) } else { (b, a) };
    if high.is_real() {
        return plain(high.word);
    }
    if !high.is_integer() {
        return UINT;
    }
    if high.literal || low.literal {
        let typed = if high.literal { low } else { high };
        return if typed.is_integer() { typed } else { INT };
    }
    let other = if low.is_integer() { low.width() } else { 1 };
    let unsized_one = low.is_integer() && (high.size.is_none() || low.size.is_none());
    Type { word: high.word, size: if unsized_one { None } else { Some(high.width().max(other)) }, literal: false }
}

pub fn is_comparison(op: Binary) -> bool {
    matches!(op, Binary::Same | Binary::Differs | Binary::Less | Binary::AtMost | Binary::More | Binary::AtLeast)
}

fn compares<T: PartialOrd>(op: Binary, x: T, y: T) -> bool {
    match op {
        Binary::Same => x == y,
        Binary::Differs => x != y,
        Binary::Less => x < y,
        Binary::AtMost => x <= y,
        Binary::More => x > y,
        _ => x >= y,
    }
}

/// Whether a sized int meets a literal that only its bit pattern can equal, as in `int[2](c) == 3`.
pub fn pattern_comparison(a: &Value, b: &Value) -> bool {
    [(a, b), (b, a)].into_iter().any(|(value, other)| match (value.kind.size, &other.data) {
        (Some(size), Data::Int(number)) if value.kind.word == Word::Int && other.kind.literal => {
            (1i128 << (size - 1)..1i128 << size).contains(number)
        }
        _ => false,
    })
}

impl Reader<'_> {
    pub fn binary(&mut self, op: Binary, a: Value, b: Value) -> Result<Value> {
        if let (Data::Real(x), Data::Real(y), false) = (&a.data, &b.data, is_comparison(op)) {
            if a.kind == FLOAT && b.kind == FLOAT {
                return Ok(Value::real(self.real_operation(op, *x, *y)?));
            }
        }
        match op {
            Binary::AndAlso | Binary::OrElse => {
                let (x, y) = (self.truth(&a)?, self.truth(&b)?);
                let found = if op == Binary::AndAlso { self.both(x, y)? } else { self.either(x, y)? };
                return Ok(Value::bool(found));
            }
            _ if a.kind.word == Word::Qubit || b.kind.word == Word::Qubit => {
                return self.fail("an operator on qubits");
            }
            _ if is_comparison(op) => return Ok(Value::bool(self.compare(op, &a, &b)?)),
            Binary::And | Binary::Or | Binary::Xor => return self.bitwise(op, a, b),
            Binary::Left | Binary::Right => return self.shift(op, a, b),
            _ => {}
        }
        let kind = common(a.kind, b.kind);
        if kind.is_integer() {
            return self.integers(op, a, b, kind);
        }
        self.reals(op, a, b, kind)
    }

    fn integers(&mut self, op: Binary, a: Value, b: Value, kind: Type) -> Result<Value> {
        if a.is_dynamic() || b.is_dynamic() {
            return self.measured_sum(op, a, b, kind);
        }
        let (Data::Int(x), Data::Int(y)) = (self.convert(a, kind)?.data, self.convert(b, kind)?.data) else {
            return self.fail("a number too large for this reader");
        };
        let exact = if kind.literal { i128::checked_mul(x, y) } else { Some(x.wrapping_mul(y)) };
        let number = match op {
            Binary::Divide | Binary::Modulo if y == 0 => return self.fail("division by zero"),
            Binary::Divide if kind.literal && x % y != 0 => return self.quotient(x, y),
            Binary::Divide => x.checked_div(y),
            Binary::Modulo => x.checked_rem(y),
            Binary::Power if y < 0 => {
                return Ok(Value::real(self.real_operation(op, x as f64, y as f64)?));
            }
            Binary::Power => power(x, y, kind),
            Binary::Add => x.checked_add(y),
            Binary::Subtract => x.checked_sub(y),
            _ => exact,
        };
        match number.map(|number| wrap(number, kind)) {
            Some(number) if number.unsigned_abs() < 1 << 120 => Ok(Value { kind, data: Data::Int(number) }),
            _ => self.fail("a number too large for this reader"),
        }
    }

    /// A fraction of whole numbers: the one number whose division both rounds once.
    fn quotient(&mut self, x: i128, y: i128) -> Result<Value> {
        let exact = |n: i128| n.unsigned_abs() <= 1 << 53;
        if !exact(x) || !exact(y) {
            return self.fail("a fraction of large numbers");
        }
        Ok(Value::real(x as f64 / y as f64))
    }

    /// Sums of measured integers by ripple carry.
    fn measured_sum(&mut self, op: Binary, a: Value, b: Value, kind: Type) -> Result<Value> {
        if !matches!(op, Binary::Add | Binary::Subtract) {
            return self.fail("arithmetic on a measured number");
        }
        self.work(8 * kind.width() as usize)?;
        let (x, mut y) = (bits_of(&a, kind.width()), bits_of(&b, kind.width()));
        if op == Binary::Subtract {
            for bit in &mut y {
                *bit = self.builder.bits.negate(*bit)?;
            }
        }
        let carry = Bit::constant(op == Binary::Subtract);
        let total = self.builder.bits.add(&x, &y, carry, &mut self.builder.writer)?;
        Ok(Value { kind, data: self.number_of(total, kind)? })
    }

    fn reals(&mut self, op: Binary, a: Value, b: Value, kind: Type) -> Result<Value> {
        let (Data::Real(x), Data::Real(y)) = (self.convert(a, FLOAT)?.data, self.convert(b, FLOAT)?.data) else {
            return self.fail("an operand that is no number");
        };
        let number = self.real_operation(op, x, y)?;
        Ok(Value { kind, data: Data::Real(number) })
    }

    pub fn real_operation(&mut self, op: Binary, x: f64, y: f64) -> Result<f64> {
        let number = match op {
            Binary::Add => x + y,
            Binary::Subtract => x - y,
            Binary::Multiply => x * y,
            Binary::Divide => x / y,
            Binary::Modulo => x % y,
            Binary::Power => x.powf(y),
            _ => return self.fail("an operator that does not take reals"),
        };
        self.finite(number)
    }

    fn finite(&self, number: f64) -> Result<f64> {
        if number.is_finite() {
            Ok(number)
        } else {
            self.fail("the result is not a finite number")
        }
    }

    fn bitwise(&mut self, op: Binary, a: Value, b: Value) -> Result<Value> {
        if a.kind.is_real() || b.kind.is_real() {
            return self.fail("bit logic on reals");
        }
        let kind = self.bit_type(a.kind, b.kind)?;
        if kind.is_integer() && !a.is_dynamic() && !b.is_dynamic() {
            let (Data::Int(x), Data::Int(y)) = (self.convert(a, kind)?.data, self.convert(b, kind)?.data) else {
                return self.fail("a number too large for this reader");
            };
            let number = match op {
                Binary::And => x & y,
                Binary::Or => x | y,
                _ => x ^ y,
            };
            return Ok(Value { kind, data: Data::Int(wrap(number, kind)) });
        }
        let width = if kind.is_single() { 1 } else { kind.width() };
        self.work(width as usize)?;
        let mut bits = Vec::with_capacity(width as usize);
        for (x, y) in bits_of(&a, width).into_iter().zip(bits_of(&b, width)) {
            bits.push(match op {
                Binary::And => self.both(x, y)?,
                Binary::Or => self.either(x, y)?,
                _ => self.builder.bits.differ(x, y, &mut self.builder.writer)?,
            });
        }
        let data = match (kind.is_integer(), kind.size) {
            (true, _) => self.number_of(bits, kind)?,
            (false, None) => Data::Bit(bits[0]),
            (false, Some(_)) => Data::Bits(bits),
        };
        Ok(Value { kind, data })
    }

    /// The result type of bitwise logic: registers of one size, integers by the arithmetic rule.
    fn bit_type(&self, a: Type, b: Type) -> Result<Type> {
        let bits = |kind: Type| matches!(kind.word, Word::Bit | Word::Bool);
        if bits(a) && bits(b) {
            if a.size != b.size {
                return self.fail("registers of different sizes");
            }
            return Ok(if a.word == Word::Bit { a } else { b });
        }
        for (register, other) in [(a, b), (b, a)] {
            if register.word == Word::Bit && register.size.is_some() && other.literal {
                return Ok(register);
            }
        }
        Ok(common(a, b))
    }

    fn shift(&mut self, op: Binary, a: Value, b: Value) -> Result<Value> {
        let distance = match &b.data {
            Data::Int(number) => *number,
            _ if b.is_dynamic() || b.kind.is_real() => return self.fail("a shift by an unknown distance"),
            _ => match self.convert(b, LITERAL)?.data {
                Data::Int(number) => number,
                _ => return self.fail("a shift by an unknown distance"),
            },
        };
        if distance < 0 {
            return self.fail("a shift by less than zero");
        }
        let kind = a.kind;
        let bits = match a.data {
            Data::Int(number) if op == Binary::Right => {
                return Ok(Value { kind, data: Data::Int(number >> distance.min(127)) });
            }
            Data::Int(number) => {
                let length = 128 - number.unsigned_abs().leading_zeros() as i128;
                if distance + length > 126 {
                    return self.fail("a shift too long for this reader");
                }
                return Ok(Value { kind, data: Data::Int(wrap(number << distance, kind)) });
            }
            Data::Bits(bits) => bits,
            _ => return self.fail("a shift of what is no register"),
        };
        self.work(bits.len())?;
        let distance = distance.min(bits.len() as i128) as usize;
        let fill = if op == Binary::Right && kind.word == Word::Int { bits[bits.len() - 1] } else { FALSE };
        let padding = std::iter::repeat_n(fill, distance);
        let moved: Vec<Bit> = if op == Binary::Left {
            padding.chain(bits[..bits.len() - distance].iter().copied()).collect()
        } else {
            bits[distance..].iter().copied().chain(padding).collect()
        };
        let data = if kind.is_integer() { self.number_of(moved, kind)? } else { Data::Bits(moved) };
        Ok(Value { kind, data })
    }

    // -- comparison --------------------------------------------------------------------------------------------------

    pub fn compare(&mut self, op: Binary, a: &Value, b: &Value) -> Result<Bit> {
        if a.kind.is_real() || b.kind.is_real() {
            if a.is_dynamic() || b.is_dynamic() {
                return self.fail("a measured number compared with a real");
            }
            let (x, y) = (self.convert(a.clone(), FLOAT)?, self.convert(b.clone(), FLOAT)?);
            let (Data::Real(x), Data::Real(y)) = (x.data, y.data) else { return self.fail("no number") };
            return Ok(Bit::constant(compares(op, x, y)));
        }
        if let (Some(x), Some(y)) = (self.known_number(a)?, self.known_number(b)?) {
            if !pattern_comparison(a, b) {
                return Ok(Bit::constant(compares(op, x, y)));
            }
        }
        self.bit_comparison(op, a, b)
    }

    /// The number that a value without measurements compares as.
    fn known_number(&mut self, value: &Value) -> Result<Option<i128>> {
        let bits = match &value.data {
            Data::Int(number) => return Ok(Some(*number)),
            Data::Bit(bit) => std::slice::from_ref(bit),
            Data::Bits(bits) => bits,
            _ => return self.fail("a value that does not compare"),
        };
        if bits.iter().any(|bit| bit.known().is_none()) {
            return Ok(None);
        }
        self.work(bits.len())?;
        match self.number_of(bits.to_vec(), LITERAL)? {
            Data::Int(number) => Ok(Some(number)),
            _ => Ok(None),
        }
    }

    /// Two integers, at least one of them measured, bit by bit.
    fn bit_comparison(&mut self, op: Binary, a: &Value, b: &Value) -> Result<Bit> {
        let pattern = matches!(op, Binary::Same | Binary::Differs) && pattern_comparison(a, b);
        let negative = |value: &Value| match &value.data {
            Data::Int(number) => *number < 0,
            data => matches!(data, Data::Bits(_)),
        };
        let signed = !pattern && [a, b].into_iter().any(|value| value.kind.word == Word::Int && negative(value));
        let mut width = bits_needed(a).max(bits_needed(b)) + signed as u32;
        if pattern {
            width = a.kind.size.unwrap_or(0).max(b.kind.size.unwrap_or(0));
        }
        self.work(4 * width as usize)?;
        let (x, y) = (bits_of(a, width), bits_of(b, width));
        let (bits, writer) = (&mut self.builder.bits, &mut self.builder.writer);
        let found = match op {
            Binary::Same | Binary::Differs => bits.equal(&x, &y, writer)?,
            Binary::More | Binary::AtMost => bits.less(&y, &x, signed, writer)?,
            _ => bits.less(&x, &y, signed, writer)?,
        };
        if matches!(op, Binary::Differs | Binary::AtMost | Binary::AtLeast) {
            return self.builder.bits.negate(found);
        }
        Ok(found)
    }

    // -- one operand -------------------------------------------------------------------------------------------------

    pub fn unary(&mut self, op: Unary, a: Value) -> Result<Value> {
        let kind = a.kind;
        match (op, a.data) {
            (Unary::Not, data) => {
                let truth = self.truth(&Value { kind, data })?;
                Ok(Value { kind: BOOL, data: Data::Bit(self.builder.bits.negate(truth)?) })
            }
            (Unary::Negate, Data::Real(number)) => Ok(Value { kind, data: Data::Real(-number) }),
            (Unary::Negate, Data::Int(number)) => Ok(Value { kind, data: Data::Int(wrap(-number, kind)) }),
            (Unary::Negate, data @ Data::Bits(_)) if kind.is_integer() => {
                let zero = Value { kind, data: Data::Int(0) };
                self.measured_sum(Binary::Subtract, zero, Value { kind, data }, kind)
            }
            (Unary::Complement, Data::Int(number)) => Ok(Value { kind, data: Data::Int(wrap(!number, kind)) }),
            (Unary::Complement, Data::Bit(bit)) => Ok(Value { kind, data: Data::Bit(self.builder.bits.negate(bit)?) }),
            (Unary::Complement, Data::Bits(mut bits)) => {
                self.work(bits.len())?;
                for bit in &mut bits {
                    *bit = self.builder.bits.negate(*bit)?;
                }
                Ok(Value { kind, data: Data::Bits(bits) })
            }
            _ => self.fail("an operator that does not take this"),
        }
    }

    // -- functions ---------------------------------------------------------------------------------------------------

    /// A built-in function of known numbers.
    pub fn function(&mut self, name: &[u8], mut args: Vec<Value>) -> Result<Value> {
        if let ([_, _], b"mod" | b"pow", false) = (&args[..], name, self.parser.two) {
            let second = args.pop().expect("two arguments");
            let first = args.pop().expect("two arguments");
            return self.binary(if name == b"mod" { Binary::Modulo } else { Binary::Power }, first, second);
        }
        let [_] = args[..] else { return self.fail("a function not read here") };
        let first = args.pop().expect("one argument");
        if first.is_dynamic() || first.kind.word == Word::Qubit {
            return self.fail("a function of what is no known number");
        }
        let Data::Real(x) = self.convert(first, FLOAT)?.data else { return self.fail("no number") };
        let number = match (name, self.parser.two) {
            (b"sin", _) => x.sin(),
            (b"cos", _) => x.cos(),
            (b"tan", _) => x.tan(),
            (b"exp", _) => x.exp(),
            (b"sqrt", _) => x.sqrt(),
            (b"ln", true) | (b"log", false) => x.ln(),
            (b"asin", true) | (b"arcsin", false) => x.asin(),
            (b"acos", true) | (b"arccos", false) => x.acos(),
            (b"atan", true) | (b"arctan", false) => x.atan(),
            (b"ceiling", false) if x.abs() < 1e18 => return Ok(Value::int(x.ceil() as i128)),
            (b"floor", false) if x.abs() < 1e18 => return Ok(Value::int(x.floor() as i128)),
            _ => return self.fail("a function not read here"),
        };
        Ok(Value::real(self.finite(number)?))
    }

    pub fn both(&mut self, a: Bit, b: Bit) -> Result<Bit> {
        self.builder.bits.both(a, b, &mut self.builder.writer)
    }

    pub fn either(&mut self, a: Bit, b: Bit) -> Result<Bit> {
        self.builder.bits.either(a, b, &mut self.builder.writer)
    }

    /// The conjunction of the path's conditions from `start` on.
    pub fn path_from(&mut self, start: usize) -> Result<Bit> {
        let mut found = TRUE;
        for k in start..self.builder.path.len() {
            found = self.both(found, self.builder.path[k])?;
        }
        Ok(found)
    }
}

/// x**y for y >= 0; None beyond what this reader holds.
fn power(x: i128, y: i128, kind: Type) -> Option<i128> {
    if kind.literal {
        return u32::try_from(y).ok().and_then(|y| x.checked_pow(y));
    }
    let (mut out, mut base, mut left) = (1i128, x, y);
    while left > 0 {
        if left & 1 == 1 {
            out = wrap(out.wrapping_mul(base), kind);
        }
        base = wrap(base.wrapping_mul(base), kind);
        left >>= 1;
    }
    Some(out)
}

fn bits_needed(value: &Value) -> u32 {
    match &value.data {
        Data::Int(number) => (128 - number.unsigned_abs().leading_zeros()).max(1),
        Data::Bits(bits) => bits.len() as u32,
        _ => 1,
    }
}
