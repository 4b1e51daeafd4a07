//! Lines of Stim text as flat lists. Nothing is unrolled here.

use super::names::{find, Name};
use crate::qasm::{limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

/// Marks of a target besides its number, which has 30 bits: a bit of the record, so many measurements ago; inverted.
pub const RECORD: u32 = 1 << 30;
pub const INVERTED: u32 = 1 << 31;
/// The number of a target.
pub const NUMBER: u32 = RECORD - 1;

#[derive(Clone, Copy, Debug)]
pub enum Item {
    /// What it is, where its arguments and targets end, and where it stands. They begin where those before end.
    Line { name: Name, args: u32, targets: u32, at: usize },
    /// How often, and the item behind the block.
    Repeat { count: u64, end: u32, at: usize },
}

#[derive(Default)]
pub struct Text {
    pub items: Vec<Item>,
    pub args: Vec<f64>,
    pub targets: Vec<u32>,
}

pub fn parse(text: &[u8]) -> Result<Text> {
    let mut out = Text::default();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = text[at..].iter().position(|&c| c == b'\n').map_or(text.len(), |k| at + k);
        let returns = text[at..end].iter().rev().take_while(|&&c| c == b'\r').count();
        Line { text: &text[..end - returns], at }.read(&mut out, &mut open)?;
        at = end + 1;
    }
    if !open.is_empty() || out.items.is_empty() {
        return Err(Declined::at(text.len(), "no instruction, or a block that is not closed"));
    }
    Ok(out)
}

struct Line<'a> {
    text: &'a [u8],
    at: usize,
}

impl Line<'_> {
    fn fail<T>(&self, why: &'static str) -> Result<T> {
        Err(Declined::at(self.at, why))
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Goes over blanks; whether there were any.
    #[inline]
    fn blank(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.at > start
    }

    /// Whether the line ends here, but for a comment.
    #[inline]
    fn ends(&self) -> bool {
        matches!(self.peek(), None | Some(b'#'))
    }

    fn read(&mut self, out: &mut Text, open: &mut Vec<usize>) -> Result<()> {
        self.blank();
        if self.ends() {
            return Ok(());
        }
        let at = self.at;
        if self.peek() == Some(b'}') {
            return self.close(out, open);
        }
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == b'_') {
            self.at += 1;
        }
        let word = &self.text[at..self.at];
        if word == b"REPEAT" {
            return self.repeat(out, open, at);
        }
        let Some(name) = find(word) else { return self.fail("an instruction not read here") };
        if self.peek() == Some(b'(') {
            self.arguments(out)?;
        }
        loop {
            let apart = self.blank();
            if self.ends() {
                break;
            }
            if !apart {
                return self.fail("a line not read here");
            }
            let target = self.target()?;
            out.targets.push(target);
        }
        let (args, targets) = (out.args.len() as u32, out.targets.len() as u32);
        out.items.push(Item::Line { name, args, targets, at });
        Ok(())
    }

    fn arguments(&mut self, out: &mut Text) -> Result<()> {
        loop {
            self.at += 1;
            self.blank();
            let start = self.at;
            while self.peek().is_some_and(|c| c.is_ascii_digit() || b"+-.eE".contains(&c)) {
                self.at += 1;
            }
            let text = std::str::from_utf8(&self.text[start..self.at]).unwrap_or("");
            match text.parse::<f64>() {
                Ok(value) if value.abs() < 1e300 => out.args.push(value),
                _ => return self.fail("an argument not read here"),
            }
            self.blank();
            match self.peek() {
                Some(b',') => {}
                Some(b')') => break,
                _ => return self.fail("an argument not read here"),
            }
        }
        self.at += 1;
        Ok(())
    }

    /// A whole number of at most `most` digits.
    #[inline]
    fn number(&mut self, most: usize) -> Result<u64> {
        let start = self.at;
        let mut value = 0u64;
        while let Some(c) = self.peek().filter(u8::is_ascii_digit) {
            value = value.wrapping_mul(10).wrapping_add((c - b'0') as u64);
            self.at += 1;
        }
        if self.at == start || self.at - start > most {
            return self.fail("a number not read here");
        }
        Ok(value)
    }

    #[inline]
    fn target(&mut self) -> Result<u32> {
        let mut marks = 0;
        if self.peek() == Some(b'!') {
            (self.at, marks) = (self.at + 1, INVERTED);
        } else if self.text[self.at..].starts_with(b"rec[-") {
            (self.at, marks) = (self.at + 5, RECORD);
        }
        let value = self.number(9)? as u32;
        if marks == RECORD {
            if self.peek() != Some(b']') {
                return self.fail("a target not read here");
            }
            self.at += 1;
        }
        Ok(value | marks)
    }

    fn repeat(&mut self, out: &mut Text, open: &mut Vec<usize>, at: usize) -> Result<()> {
        if !self.blank() {
            return self.fail("a block not read here");
        }
        let count = self.number(18)?;
        self.blank();
        if count == 0 || self.peek() != Some(b'{') || open.len() >= limits::MACRO_DEPTH {
            return self.fail("a block not read here");
        }
        self.at += 1;
        self.blank();
        if !self.ends() {
            return self.fail("a block not read here");
        }
        open.push(out.items.len());
        out.items.push(Item::Repeat { count, end: 0, at });
        Ok(())
    }

    fn close(&mut self, out: &mut Text, open: &mut Vec<usize>) -> Result<()> {
        self.at += 1;
        self.blank();
        let (ends, last) = (self.ends(), out.items.len());
        match open.pop() {
            Some(start) if ends && last > start + 1 => {
                if let Item::Repeat { end, .. } = &mut out.items[start] {
                    *end = last as u32;
                }
                Ok(())
            }
            _ => self.fail("a block not read here"),
        }
    }
}
