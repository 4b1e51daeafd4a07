//! MessagePack, read in place: only what a packed graph may hold, every length checked against what is there.

use super::strings::word;
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// Nesting of values, as `LIMITS.json_depth` of the project.
const DEPTH: usize = 32;

/// Where reading stands; copies read on independently.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

/// A value; of lists and maps only the head is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    /// An integer beyond the positive ones of 64 bits with sign.
    Large(u64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    List(usize),
    Map(usize),
}

impl<'a> Cursor<'a> {
    pub fn fail<T>(&self, why: &'static str) -> Result<T> {
        Err(Declined::byte(self.at, why))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..count)) {
            Some(found) => {
                self.at += count;
                Ok(found)
            }
            None => self.fail("the body ends too early"),
        }
    }

    fn number(&mut self, width: usize) -> Result<u64> {
        Ok(self.take(width)?.iter().fold(0, |number, &byte| number << 8 | byte as u64))
    }

    #[inline]
    pub fn item(&mut self) -> Result<Item<'a>> {
        let Some(&tag) = self.bytes.get(self.at) else { return self.fail("the body ends too early") };
        self.at += 1;
        Ok(match tag {
            0x00..=0x7F => Item::Int(tag as i64),
            0xE0..=0xFF => Item::Int(tag as i8 as i64),
            0x80..=0x8F => Item::Map((tag & 15) as usize),
            0x90..=0x9F => Item::List((tag & 15) as usize),
            0xA0..=0xBF => self.text((tag & 31) as usize)?,
            0xC0 => Item::Nil,
            0xC2 | 0xC3 => Item::Bool(tag == 0xC3),
            0xC4..=0xC6 => {
                let length = self.number(1 << (tag - 0xC4))? as usize;
                Item::Bytes(self.take(length)?)
            }
            0xCA => Item::Float(f32::from_bits(self.number(4)? as u32) as f64),
            0xCB => Item::Float(f64::from_bits(self.number(8)?)),
            0xCC..=0xCF => {
                let number = self.number(1 << (tag - 0xCC))?;
                i64::try_from(number).map_or(Item::Large(number), Item::Int)
            }
            0xD0 => Item::Int(self.number(1)? as i8 as i64),
            0xD1 => Item::Int(self.number(2)? as i16 as i64),
            0xD2 => Item::Int(self.number(4)? as i32 as i64),
            0xD3 => Item::Int(self.number(8)? as i64),
            0xD9..=0xDB => {
                let length = self.number(1 << (tag - 0xD9))? as usize;
                self.text(length)?
            }
            0xDC | 0xDD => Item::List(self.number(2 << (tag - 0xDC))? as usize),
            0xDE | 0xDF => Item::Map(self.number(2 << (tag - 0xDE))? as usize),
            _ => return self.fail("a value of a kind that no graph holds"),
        })
    }

    fn text(&mut self, length: usize) -> Result<Item<'a>> {
        match std::str::from_utf8(self.take(length)?) {
            Ok(text) => Ok(Item::Text(text)),
            Err(_) => self.fail("a text that is not UTF-8"),
        }
    }

    /// Steps over one whole value.
    pub fn skip(&mut self) -> Result<()> {
        self.skip_at(0)
    }

    fn skip_at(&mut self, depth: usize) -> Result<()> {
        match self.item()? {
            Item::List(count) | Item::Map(count) if depth >= DEPTH && count > 0 => self.fail("a value nested too deep"),
            Item::List(count) => (0..count).try_for_each(|_| self.skip_at(depth + 1)),
            Item::Map(count) => (0..count).try_for_each(|_| {
                self.name()?;
                self.skip_at(depth + 1)
            }),
            Item::Float(number) if !number.is_finite() => self.fail("a number that is not finite"),
            Item::Bytes(_) => self.fail("a value of a kind that no graph holds"),
            _ => Ok(()),
        }
    }

    #[inline]
    pub fn list(&mut self) -> Result<usize> {
        if let Some(&tag @ 0x90..=0x9F) = self.bytes.get(self.at) {
            self.at += 1;
            return Ok((tag & 15) as usize);
        }
        match self.item()? {
            Item::List(count) => Ok(count),
            _ => self.fail("a list is missing here"),
        }
    }

    #[inline]
    pub fn map(&mut self) -> Result<usize> {
        if let Some(&tag @ 0x80..=0x8F) = self.bytes.get(self.at) {
            self.at += 1;
            return Ok((tag & 15) as usize);
        }
        match self.item()? {
            Item::Map(count) => Ok(count),
            _ => self.fail("a map is missing here"),
        }
    }

    pub fn name(&mut self) -> Result<&'a str> {
        match self.item()? {
            Item::Text(text) => Ok(text),
            _ => self.fail("a text is missing here"),
        }
    }

    /// A text of up to 31 bytes, which nobody has found to be UTF-8 yet, and its `strings::word`.
    #[inline]
    pub fn short_text(&mut self) -> Option<(&'a [u8], u64)> {
        let (&tag @ 0xA0..=0xBF, rest) = self.bytes.get(self.at..)?.split_first()? else { return None };
        let found = rest.get(..(tag & 31) as usize)?;
        self.at += 1 + found.len();
        let first = match rest.first_chunk() {
            Some(bytes) => u64::from_le_bytes(*bytes) & u64::MAX >> (64 - 8 * found.len().clamp(1, 8)),
            None => word(found),
        };
        Some((found, if found.is_empty() { 0 } else { first }))
    }

    pub fn bool(&mut self) -> Result<bool> {
        match self.item()? {
            Item::Bool(value) => Ok(value),
            _ => self.fail("true or false is missing here"),
        }
    }

    /// A number of 0 to 2^32 - 1.
    pub fn count(&mut self) -> Result<usize> {
        match self.item()? {
            Item::Int(number @ 0..=0xFFFF_FFFF) => Ok(number as usize),
            _ => self.fail("a count is missing here"),
        }
    }

    /// A number as an angle or exponent takes it.
    pub fn real(&mut self) -> Result<f64> {
        match self.item()? {
            Item::Float(number) if number.is_finite() => Ok(number),
            Item::Int(number) => Ok(number as f64),
            Item::Large(number) => Ok(number as f64),
            _ => self.fail("a number is missing here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_read_as_written() {
        let cases: [(&[u8], Item); 9] = [
            (&[0x07], Item::Int(7)),
            (&[0xFF], Item::Int(-1)),
            (&[0xCC, 0xFF], Item::Int(255)),
            (&[0xCD, 1, 0], Item::Int(256)),
            (&[0xD0, 0x80], Item::Int(-128)),
            (&[0xD3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE], Item::Int(-2)),
            (&[0xCF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], Item::Large(u64::MAX)),
            (&[0xCB, 0x3F, 0xE0, 0, 0, 0, 0, 0, 0], Item::Float(0.5)),
            (&[0xA2, b'h', b'i'], Item::Text("hi")),
        ];
        for (bytes, expected) in cases {
            let mut cursor = Cursor { bytes, at: 0 };
            assert_eq!(cursor.item(), Ok(expected));
            assert_eq!(cursor.at, bytes.len());
        }
    }

    #[test]
    fn lengths_beyond_the_end_and_endless_nesting_are_declined() {
        for bytes in [&[0xDB, 0xFF, 0xFF, 0xFF, 0xFF, b'x'][..], &[0xC6, 0, 0, 1, 0], &[0x91; 1000], &[0xC1]] {
            assert!(Cursor { bytes, at: 0 }.skip().is_err());
        }
    }
}
