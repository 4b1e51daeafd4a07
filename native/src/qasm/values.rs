//! Types and values of the classical part, and conversion between them. A value is known now, or depends on
//! measurements. What this reader leaves to the semantic front end (arrays, complex numbers, durations, angles with a
//! size, integers wider than 64 bits) is declined where it is first seen.

use std::f64::consts::TAU;
use std::rc::Rc;

use super::bits::{Bit, FALSE};
use super::reader::Reader;
use super::tree::Word;
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// Bits of an int or uint.
pub const MAX_WIDTH: u32 = 64;

/// `size` None: none written (an int of 64 bits, a single bit or qubit). `literal`: an integer that has no type of its
/// own yet, so that 1/2 in an angle is a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type {
    pub word: Word,
    pub size: Option<u32>,
    pub literal: bool,
}

pub const fn plain(word: Word) -> Type {
    Type { word, size: None, literal: false }
}

pub const fn sized(word: Word, size: u32) -> Type {
    Type { word, size: Some(size), literal: false }
}

pub const BIT: Type = plain(Word::Bit);
pub const BOOL: Type = plain(Word::Bool);
pub const INT: Type = plain(Word::Int);
pub const UINT: Type = plain(Word::Uint);
pub const FLOAT: Type = plain(Word::Float);
pub const QUBIT: Type = plain(Word::Qubit);
pub const LITERAL: Type = Type { word: Word::Int, size: None, literal: true };

#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Not set yet.
    Unset,
    /// Branches of a measured condition set it to values that no logic can merge.
    Split,
    /// A `bit` or `bool`.
    Bit(Bit),
    /// A `bit[n]`, index 0 first, or an integer that depends on measurements, least significant first.
    Bits(Vec<Bit>),
    Int(i128),
    Real(f64),
    Qubits(Rc<[u32]>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    pub kind: Type,
    pub data: Data,
}

impl Type {
    /// Bits of an int, uint or bit register.
    pub fn width(&self) -> u32 {
        self.size.unwrap_or(MAX_WIDTH)
    }

    pub fn is_integer(&self) -> bool {
        matches!(self.word, Word::Int | Word::Uint)
    }

    pub fn is_real(&self) -> bool {
        matches!(self.word, Word::Float | Word::Angle)
    }

    /// A `bit` or `bool`.
    pub fn is_single(&self) -> bool {
        self.word == Word::Bool || (self.word == Word::Bit && self.size.is_none())
    }
}

impl Value {
    pub fn int(number: i128) -> Value {
        Value { kind: INT, data: Data::Int(number) }
    }

    pub fn real(number: f64) -> Value {
        Value { kind: FLOAT, data: Data::Real(number) }
    }

    pub fn bool(bit: Bit) -> Value {
        Value { kind: BOOL, data: Data::Bit(bit) }
    }

    /// Whether the value depends on a measurement.
    pub fn is_dynamic(&self) -> bool {
        match &self.data {
            Data::Bit(bit) => bit.known().is_none(),
            Data::Bits(bits) => self.kind.is_integer() || bits.iter().any(|bit| bit.known().is_none()),
            _ => false,
        }
    }
}

/// `number` as an int or uint of its type holds it.
pub fn wrap(number: i128, kind: Type) -> i128 {
    if kind.literal {
        return number;
    }
    let width = kind.width();
    let low = number & ((1i128 << width) - 1);
    if kind.word == Word::Int && low >> (width - 1) & 1 == 1 {
        low - (1i128 << width)
    } else {
        low
    }
}

/// An integer, bit, bool or bit register as `width` bits, sign-extended for int.
pub fn bits_of(value: &Value, width: u32) -> Vec<Bit> {
    match &value.data {
        Data::Int(number) => (0..width).map(|k| Bit::constant(number >> k.min(127) & 1 == 1)).collect(),
        Data::Bit(bit) => bits_filled(&[*bit], width, FALSE),
        Data::Bits(bits) => {
            let fill = if value.kind.word == Word::Int { bits.last().copied().unwrap_or(FALSE) } else { FALSE };
            bits_filled(bits, width, fill)
        }
        _ => vec![FALSE; width as usize],
    }
}

fn bits_filled(bits: &[Bit], width: u32, fill: Bit) -> Vec<Bit> {
    let mut out: Vec<Bit> = bits.iter().copied().take(width as usize).collect();
    out.resize(width as usize, fill);
    out
}

impl Reader<'_> {
    /// Bits as the data of an int or uint: a number when every bit is known.
    pub fn number_of(&mut self, bits: Vec<Bit>, kind: Type) -> Result<Data> {
        let mut number = 0i128;
        for (k, bit) in bits.iter().enumerate() {
            match bit.known() {
                None => return Ok(Data::Bits(bits)),
                Some(true) if k >= 126 => return self.fail("a number too large for this reader"),
                Some(value) => number |= (value as i128) << k.min(127),
            }
        }
        Ok(Data::Int(wrap(number, kind)))
    }

    /// `value` as type `to`, by assignment or cast.
    pub fn convert(&mut self, value: Value, to: Type) -> Result<Value> {
        if value.kind == to {
            return Ok(value);
        }
        let data = if to.is_integer() {
            self.as_integer(value, to)?
        } else if to.is_single() {
            Data::Bit(self.truth(&value)?)
        } else if to.word == Word::Bit {
            self.as_bits(value, to)?
        } else if to.is_real() {
            Data::Real(self.as_real(value, to)?)
        } else {
            return self.fail("a value that does not fit its type");
        };
        Ok(Value { kind: to, data })
    }

    fn as_integer(&mut self, value: Value, to: Type) -> Result<Data> {
        match &value.data {
            Data::Real(number) if number.is_finite() && number.abs() < 1e36 => {
                return Ok(Data::Int(wrap(*number as i128, to)))
            }
            Data::Int(number) => return Ok(Data::Int(wrap(*number, to))),
            Data::Bit(_) | Data::Bits(_) => {}
            _ => return self.fail("a value that is no integer"),
        }
        let own = if let Data::Bits(bits) = &value.data { bits.len() as u32 } else { 1 };
        if value.kind.word == Word::Bit && value.kind.size.is_some() && to.size.is_some_and(|size| own > size) {
            return self.fail("a register that does not fit its type");
        }
        self.work(own as usize)?;
        let bits = bits_of(&value, if to.literal { own } else { to.width() });
        self.number_of(bits, to)
    }

    /// Whether `value` is not zero, as a condition reads it.
    pub fn truth(&mut self, value: &Value) -> Result<Bit> {
        match &value.data {
            Data::Bit(bit) => Ok(*bit),
            Data::Int(number) => Ok(Bit::constant(*number != 0)),
            Data::Real(number) => Ok(Bit::constant(*number != 0.0)),
            Data::Bits(bits) => {
                self.work(bits.len())?;
                let mut zero = Vec::with_capacity(bits.len());
                for &bit in bits {
                    zero.push(self.builder.bits.negate(bit)?);
                }
                let none = self.builder.bits.all(&zero, &mut self.builder.writer)?;
                self.builder.bits.negate(none)
            }
            _ => self.fail("a value that is neither true nor false"),
        }
    }

    fn as_bits(&mut self, value: Value, to: Type) -> Result<Data> {
        let size = to.width();
        self.work(size as usize)?;
        match (value.kind.word, value.data) {
            (Word::Bit, Data::Bit(bit)) if size == 1 => Ok(Data::Bits(vec![bit])),
            (Word::Bit, Data::Bits(bits)) if bits.len() as u32 == size => Ok(Data::Bits(bits)),
            (Word::Int | Word::Uint, Data::Int(number)) if size < 127 && number.unsigned_abs() >= 1 << size => {
                self.fail("a number that does not fit its register")
            }
            (word @ (Word::Bool | Word::Int | Word::Uint), data) => {
                let kind = Type { word, size: value.kind.size, literal: false };
                Ok(Data::Bits(bits_of(&Value { kind, data }, size)))
            }
            _ => self.fail("a value that does not fit its register"),
        }
    }

    fn as_real(&mut self, value: Value, to: Type) -> Result<f64> {
        let bits = match &value.data {
            Data::Real(number) => return Ok(*number),
            Data::Int(number) => return Ok(*number as f64),
            Data::Bit(bit) => std::slice::from_ref(bit),
            Data::Bits(bits) if value.kind.word == Word::Bit => bits,
            _ => return self.fail("a value that is no known number"),
        };
        let mut number = 0.0;
        for (k, bit) in bits.iter().enumerate() {
            match bit.known() {
                Some(value) if k < 53 => number += value as u8 as f64 * (1u64 << k) as f64,
                Some(false) => {}
                _ => return self.fail("a number that depends on a measurement"),
            }
        }
        if to.word == Word::Angle && value.kind.word == Word::Bit {
            return Ok(number * TAU / (bits.len() as f64).exp2());
        }
        Ok(number)
    }
}
