//! The body of a QVM binary, version 1: its parts found and counted, nothing copied but lists of references.

use super::pack::{Cursor, Item};
use super::{Declined, NODES};

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
    pub metadata: bool,
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
    fn read(cursor: &mut Cursor) -> Result<Column> {
        let bytes = cursor.bytes()?;
        let width = bytes.first().copied().unwrap_or(0) as usize;
        if !matches!(width, 1 | 2 | 4) || (bytes.len() - 1) % width != 0 {
            return cursor.fail("a malformed column");
        }
        let bytes = &bytes[1..];
        Ok(Column(match width {
            1 => bytes.iter().map(|&byte| u32::from(byte)).collect(),
            2 => bytes.chunks_exact(2).map(|pair| u32::from(u16::from_le_bytes([pair[0], pair[1]]))).collect(),
            _ => bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect(),
        }))
    }

    #[inline]
    pub fn get(&self, k: usize) -> usize {
        self.0[k] as usize
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn below(&self, high: usize, cursor: &Cursor) -> Result<()> {
        if self.0.iter().any(|&number| number as usize >= high) {
            return cursor.fail("a column names what does not exist");
        }
        Ok(())
    }
}

impl From<Vec<u32>> for Column {
    fn from(numbers: Vec<u32>) -> Column {
        Column(numbers)
    }
}

impl<'a> Body<'a> {
    /// The parts of what follows the version byte, all counts and numbers checked.
    pub fn read(mut cursor: Cursor<'a>) -> Result<Body<'a>> {
        if cursor.list()? != 19 {
            return cursor.fail("another version of QVM");
        }
        version(&mut cursor)?;
        let strings = texts(&mut cursor)?;
        let shapes = shapes(&mut cursor, &strings)?;
        let ids = cursor.list()?;
        (0..ids).try_for_each(|_| cursor.name().map(|_| ()))?;
        let nodes = Column::read(&mut cursor)?;
        let operands = Column::read(&mut cursor)?;
        let count = cursor.list()?;
        let values = cursor;
        (0..count).try_for_each(|_| cursor.skip())?;
        let mut guard_parts = Vec::new();
        let mut guards = Vec::new();
        for _ in 0..cursor.list()? {
            guards.push(guard(&mut cursor, 1, &mut guard_parts)?);
        }
        let guarded = Column::read(&mut cursor)?;
        let notes = cursor.list()?;
        (0..notes).try_for_each(|_| whole_map(&mut cursor))?;
        let [vqs, chs, events] = [Column::read(&mut cursor)?, Column::read(&mut cursor)?, Column::read(&mut cursor)?];
        texts(&mut cursor)?;
        texts(&mut cursor)?;
        let outputs = outputs(&mut cursor)?;
        shots(&mut cursor)?;
        whole_map(&mut cursor)?;
        cursor.bool()?;
        if cursor.at != cursor.bytes.len() {
            return cursor.fail("bytes behind the body");
        }
        for column in [&operands, &vqs, &chs, &events] {
            column.below(strings.len(), &cursor)?;
        }
        nodes.below(shapes.len(), &cursor)?;
        guarded.below(guards.len(), &cursor)?;
        let body = Body { strings, shapes, nodes, operands, values, guards, guard_parts, guarded, events, outputs };
        body.check_totals(&cursor, [ids, body.operands.len(), count, body.guarded.len(), notes])?;
        Ok(body)
    }

    /// The nodes ask for exactly what the lists hold.
    fn check_totals(&self, cursor: &Cursor, given: [usize; 5]) -> Result<()> {
        let mut wanted = [0u64; 5];
        for k in 0..self.nodes.len() {
            let shape = &self.shapes[self.nodes.get(k)];
            let own = [1, shape.counts.iter().sum(), shape.args.len(), shape.guard as usize, shape.metadata as usize];
            wanted.iter_mut().zip(own).for_each(|(sum, own)| *sum += own as u64);
        }
        if wanted != given.map(|count| count as u64) || given[0] > NODES {
            return cursor.fail("the nodes ask for something else than the body holds");
        }
        Ok(())
    }

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

fn shapes<'a>(cursor: &mut Cursor<'a>, strings: &[&'a str]) -> Result<Vec<Shape<'a>>> {
    let mut found = Vec::new();
    for _ in 0..cursor.list()? {
        if cursor.list()? != 9 {
            return cursor.fail("a malformed shape");
        }
        let text = |cursor: &mut Cursor<'a>| match strings.get(cursor.count()?) {
            Some(text) => Ok(*text),
            None => cursor.fail("a shape names a string that does not exist"),
        };
        let op = text(cursor)?;
        let mut counts = [0; 5];
        for count in &mut counts {
            *count = cursor.count()?;
        }
        let mut args = Vec::new();
        for _ in 0..cursor.list()? {
            args.push(text(cursor)?);
        }
        found.push(Shape { op, counts, args, guard: cursor.bool()?, metadata: cursor.bool()? });
    }
    Ok(found)
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
