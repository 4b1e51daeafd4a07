//! What the passes over a graph read: its parts found and counted, nothing copied but lists of references.

use super::pack::{Cursor, Item};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// Nesting of a guard.
const GUARD_DEPTH: usize = 16;

/// Numbers, each below a bound that its owner checks once.
#[derive(Debug, Default)]
pub struct Column(Vec<u32>);

/// What nodes have in common. Counts of qubits, channels, events read, events written and capabilities.
pub struct Shape<'a> {
    pub op: &'a str,
    pub counts: [usize; 5],
    pub args: Vec<&'a str>,
    pub guard: bool,
}

/// A condition on events, its parts numbered in `Body::guard_parts`.
#[derive(Clone, Copy)]
pub enum Guard<'a> {
    Equal(&'a str, i64),
    /// All of the parts, or any of them.
    Parts {
        all: bool,
        first: usize,
        len: usize,
    },
}

/// A register of the result.
pub struct Output<'a> {
    pub name: &'a str,
    pub bits: Vec<Option<&'a str>>,
    pub descending: bool,
}

pub struct Body<'a> {
    pub strings: Vec<&'a str>,
    pub shapes: Vec<Shape<'a>>,
    pub nodes: Column,
    pub operands: Column,
    /// Where the arguments' values begin.
    pub values: Cursor<'a>,
    pub guards: Vec<Guard<'a>>,
    pub guard_parts: Vec<Guard<'a>>,
    pub guarded: Column,
    pub events: Column,
    pub outputs: Option<Vec<Output<'a>>>,
}

impl Column {
    #[inline]
    pub fn get(&self, k: usize) -> usize {
        self.0[k] as usize
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl From<Vec<u32>> for Column {
    fn from(numbers: Vec<u32>) -> Column {
        Column(numbers)
    }
}

impl<'a> Body<'a> {
    pub fn string(&self, k: usize) -> &'a str {
        self.strings[self.operands.get(k)]
    }
}

pub fn version(cursor: &mut Cursor) -> Result<()> {
    match cursor.name()? {
        "0.1" | "1.0" => Ok(()),
        _ => cursor.fail("another version of QVM"),
    }
}

pub fn shots(cursor: &mut Cursor) -> Result<()> {
    match cursor.item()? {
        Item::Nil | Item::Int(_) => Ok(()),
        _ => cursor.fail("a number of shots is missing here"),
    }
}

pub fn texts<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<&'a str>> {
    let mut found = Vec::new();
    for _ in 0..cursor.list()? {
        found.push(cursor.name()?);
    }
    Ok(found)
}

pub fn whole_map(cursor: &mut Cursor) -> Result<()> {
    let start = *cursor;
    cursor.map()?;
    *cursor = start;
    cursor.skip()
}

pub fn guard<'a>(cursor: &mut Cursor<'a>, depth: usize, parts: &mut Vec<Guard<'a>>) -> Result<Guard<'a>> {
    if depth > GUARD_DEPTH {
        return cursor.fail("a guard nested too deep");
    }
    let (mut kind, mut event, mut value, mut conditions) = ("eq", "", 1, Vec::new());
    for _ in 0..cursor.map()? {
        match cursor.name()? {
            "type" => kind = cursor.name()?,
            "event" => event = cursor.name()?,
            "value" => match cursor.item()? {
                Item::Int(number) => value = number,
                _ => return cursor.fail("a guard's value is missing here"),
            },
            "conditions" => {
                for _ in 0..cursor.list()? {
                    conditions.push(guard(cursor, depth + 1, parts)?);
                }
            }
            _ => return cursor.fail("a guard with an unknown part"),
        }
    }
    match kind {
        "eq" => Ok(Guard::Equal(event, value)),
        "and" | "or" => {
            let (first, len) = (parts.len(), conditions.len());
            parts.extend(conditions);
            Ok(Guard::Parts { all: kind == "and", first, len })
        }
        _ => cursor.fail("a guard of an unknown type"),
    }
}

pub fn outputs<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Vec<Output<'a>>>> {
    let count = match cursor.item()? {
        Item::Nil => return Ok(None),
        Item::List(count) => count,
        _ => return cursor.fail("the registers are missing here"),
    };
    let mut found = Vec::new();
    for _ in 0..count {
        let mut output = Output { name: "", bits: vec![], descending: false };
        for _ in 0..cursor.map()? {
            match cursor.name()? {
                "name" => output.name = cursor.name()?,
                "descending" => output.descending = cursor.bool()?,
                "bits" => {
                    for _ in 0..cursor.list()? {
                        output.bits.push(match cursor.item()? {
                            Item::Nil => None,
                            Item::Text(text) => Some(text),
                            _ => return cursor.fail("a register's bit is missing here"),
                        });
                    }
                }
                _ => return cursor.fail("a register with an unknown part"),
            }
        }
        found.push(output);
    }
    Ok(Some(found))
}
