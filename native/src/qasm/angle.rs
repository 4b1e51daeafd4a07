//! Angles: sums and products of numbers, named constants, inputs and functions, computed as the text is read. What
//! names a parameter of a gate definition becomes a short program that every call runs.

use super::define::Head;
use super::lex::{is_digit, is_word, name_end};
use super::names::Sym;
use super::reader::{Reader, Slot};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// Deepest nesting of parentheses, and the numbers that a program of such an angle holds at once.
const DEPTH: usize = 12;
const STACK: usize = 2 * DEPTH + 8;
/// Most numbers and operators of one angle.
const TERMS: usize = 1000;
/// Whole numbers up to here are exact as floating-point numbers.
const EXACT: f64 = (1u64 << 53) as f64;

/// One step of computing an angle on a stack.
#[derive(Clone, Copy, Debug)]
pub enum Code {
    Param(u32),
    Number(f64),
    Operate(u8),
    Negate,
    Call(fn(f64) -> f64),
}

/// A part of an angle: a number, and whether it is a whole number as written; or what the steps written last compute.
#[derive(Clone, Copy, Debug)]
enum Part {
    Known(f64, bool),
    Computed,
}

impl Reader<'_> {
    /// An angle that hangs on no parameter.
    pub fn angle(&mut self) -> Result<f64> {
        let mut code = std::mem::take(&mut self.code);
        code.clear();
        let found = self.sum(&mut code, DEPTH)?;
        self.code = code;
        match found {
            Part::Known(value, _) => Ok(value),
            Part::Computed => self.fail("an angle that hangs on a parameter"),
        }
    }

    /// Appends the program of an angle.
    pub fn compile_angle(&mut self, code: &mut Vec<Code>) -> Result<()> {
        if let Part::Known(value, _) = self.sum(code, DEPTH)? {
            code.push(Code::Number(value));
        }
        Ok(())
    }

    fn sum(&mut self, code: &mut Vec<Code>, depth: usize) -> Result<Part> {
        let mut left = self.product(code, depth)?;
        let mut terms = 0;
        loop {
            let op = self.peek()?;
            if !matches!(op, b'+' | b'-') {
                return Ok(left);
            }
            self.at += 1;
            terms += 1;
            let middle = code.len();
            let right = self.product(code, depth)?;
            left = self.operate(op, left, right, middle, code)?;
            if terms > TERMS {
                return self.fail("an angle of so many terms");
            }
        }
    }

    fn product(&mut self, code: &mut Vec<Code>, depth: usize) -> Result<Part> {
        let mut left = self.signed(code, depth)?;
        let mut terms = 0;
        loop {
            let op = self.peek()?;
            if !matches!(op, b'*' | b'/') || self.text.get(self.at + 1) == Some(&b'*') {
                return Ok(left);
            }
            self.at += 1;
            terms += 1;
            let middle = code.len();
            let right = self.signed(code, depth)?;
            left = self.operate(op, left, right, middle, code)?;
            if terms > TERMS {
                return self.fail("an angle of so many factors");
            }
        }
    }

    fn signed(&mut self, code: &mut Vec<Code>, depth: usize) -> Result<Part> {
        match self.peek()? {
            b'-' => {
                self.at += 1;
                Ok(match self.factor(code, depth)? {
                    Part::Known(value, whole) if whole && value == 0.0 => Part::Known(0.0, true),
                    Part::Known(value, whole) => Part::Known(-value, whole),
                    Part::Computed => {
                        code.push(Code::Negate);
                        Part::Computed
                    }
                })
            }
            b'+' => {
                self.at += 1;
                self.factor(code, depth)
            }
            _ => self.factor(code, depth),
        }
    }

    fn factor(&mut self, code: &mut Vec<Code>, depth: usize) -> Result<Part> {
        let c = self.peek()?;
        if is_digit(c) || c == b'.' {
            return self.number();
        }
        if c == b'(' {
            return self.bracketed(code, depth);
        }
        let end = name_end(self.text, self.at);
        if end == self.at {
            return self.fail("an angle not read here");
        }
        let name = self.names.intern(&self.text[self.at..end]);
        self.at = end;
        if self.peek()? == b'(' {
            let Some(function) = self.function(name) else { return self.fail("a call not read here") };
            return match self.bracketed(code, depth)? {
                Part::Known(value, _) => Ok(Part::Known(self.finite(function(value))?, false)),
                Part::Computed => {
                    code.push(Code::Call(function));
                    Ok(Part::Computed)
                }
            };
        }
        if let Some(value) = self.constant(name) {
            return Ok(Part::Known(value, false));
        }
        if self.in_definition {
            let Some(Head::Param(k)) = self.heads.get(name) else { return self.fail("a name not known here") };
            code.push(Code::Param(k));
            return Ok(Part::Computed);
        }
        match self.global(name) {
            Slot::Input(value) => Ok(Part::Known(value, false)),
            _ => self.fail("a name that is no number here"),
        }
    }

    fn bracketed(&mut self, code: &mut Vec<Code>, depth: usize) -> Result<Part> {
        if depth == 0 {
            return self.fail("an angle nested so deep");
        }
        self.at += 1;
        let found = self.sum(code, depth - 1)?;
        self.expect(b')')?;
        Ok(found)
    }

    /// A plain decimal number.
    fn number(&mut self) -> Result<Part> {
        let rest = &self.text[self.at..];
        let digits = |from: usize| rest[from..].iter().take_while(|&&c| is_digit(c)).count();
        let mut end = digits(0);
        let (mut seen, mut whole) = (end, !self.two);
        if rest.get(end) == Some(&b'.') {
            let fraction = digits(end + 1);
            (end, seen, whole) = (end + 1 + fraction, seen + fraction, false);
        }
        if matches!(rest.get(end), Some(b'e' | b'E')) && seen > 0 {
            let sign = matches!(rest.get(end + 1), Some(b'+' | b'-')) as usize;
            let exponent = digits(end + 1 + sign);
            seen = if exponent == 0 { 0 } else { seen };
            (end, whole) = (end + 1 + sign + exponent, false);
        }
        let goes_on = rest.get(end).is_some_and(|&c| is_word(c) || c == b'.' || c >= 0x80);
        let value = std::str::from_utf8(&rest[..end.min(rest.len())]).ok().and_then(|text| text.parse::<f64>().ok());
        match value {
            Some(value) if seen > 0 && !goes_on && value.is_finite() && !(whole && value > EXACT) => {
                self.at += end;
                Ok(Part::Known(value, whole))
            }
            _ => self.fail("a number not read here"),
        }
    }

    /// Both sides of an operator as one part; the steps of the right side begin at `middle`.
    fn operate(&self, op: u8, left: Part, right: Part, middle: usize, code: &mut Vec<Code>) -> Result<Part> {
        match (left, right) {
            (Part::Known(a, x), Part::Known(b, y)) => {
                let whole = x && y;
                let value = self.result(op, a, b)?;
                if whole && (op == b'/' || value.abs() > EXACT) {
                    return self.fail("arithmetic of whole numbers");
                }
                return Ok(Part::Known(if whole && value == 0.0 { 0.0 } else { value }, whole));
            }
            (Part::Known(a, _), Part::Computed) => code.insert(middle, Code::Number(a)),
            (Part::Computed, Part::Known(b, _)) => code.push(Code::Number(b)),
            (Part::Computed, Part::Computed) => {}
        }
        code.push(Code::Operate(op));
        Ok(Part::Computed)
    }

    fn result(&self, op: u8, a: f64, b: f64) -> Result<f64> {
        self.finite(match op {
            b'+' => a + b,
            b'-' => a - b,
            b'*' => a * b,
            _ => a / b,
        })
    }

    fn finite(&self, value: f64) -> Result<f64> {
        if value.is_finite() {
            Ok(value)
        } else {
            self.fail("a number that is not finite")
        }
    }

    /// What the program of an angle computes from the parameters of a call.
    #[inline]
    pub fn compute(&self, code: &[Code], values: &[f64]) -> Result<f64> {
        match *code {
            [Code::Number(number)] => return Ok(number),
            [Code::Param(k)] => return Ok(values[k as usize]),
            _ => {}
        }
        let (mut stack, mut top) = ([0.0; STACK], 0);
        for step in code {
            match *step {
                Code::Param(k) => (stack[top], top) = (values[k as usize], top + 1),
                Code::Number(number) => (stack[top], top) = (number, top + 1),
                Code::Negate => stack[top - 1] = -stack[top - 1],
                Code::Call(function) => stack[top - 1] = self.finite(function(stack[top - 1]))?,
                Code::Operate(op) => {
                    top -= 1;
                    stack[top - 1] = self.result(op, stack[top - 1], stack[top])?;
                }
            }
        }
        Ok(stack[0])
    }

    /// A named number of the language.
    pub fn constant(&self, name: Sym) -> Option<f64> {
        use std::f64::consts::{E, PI, TAU};
        match (self.names.text(name), self.two) {
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

    /// A function of one number, unless the program gives its name to something else.
    fn function(&self, name: Sym) -> Option<fn(f64) -> f64> {
        if self.global(name) != Slot::Free || (self.in_definition && self.heads.get(name).is_some()) {
            return None;
        }
        Some(match (self.names.text(name), self.two) {
            (b"sin", _) => f64::sin,
            (b"cos", _) => f64::cos,
            (b"tan", _) => f64::tan,
            (b"exp", _) => f64::exp,
            (b"sqrt", _) => f64::sqrt,
            (b"ln", true) | (b"log", false) => f64::ln,
            (b"asin", true) | (b"arcsin", false) => f64::asin,
            (b"acos", true) | (b"arccos", false) => f64::acos,
            (b"atan", true) | (b"arctan", false) => f64::atan,
            _ => return None,
        })
    }
}
