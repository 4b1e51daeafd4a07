//! A packed graph (`qmk.qvm.graph.pack`: the structs as MessagePack maps), its texts numbered and its nodes sorted by
//! shape: what the passes over a graph read (`body`).

use std::collections::HashMap;

use super::body::{guard, outputs, shots, texts, version, whole_map, Body, Shape};
use super::pack::Cursor;
use super::strings::{is_text, word, Strings};
use super::{Declined, NODES};
use crate::circuit::NONE;

type Result<T> = std::result::Result<T, Declined>;

/// What nodes have in common, in numbers of texts.
#[derive(Clone, Default)]
pub struct Form {
    pub op: u32,
    pub counts: [u32; 5],
    pub args: Vec<u32>,
    pub guard: bool,
    /// The counts, of twelve bits each, and whether there is a guard; bit 62: a count needs more bits. One number is
    /// compared sooner than five that have just been written.
    key: u64,
}

const GUARD_BIT: u64 = 1 << 60;
const LONG_BIT: u64 = 1 << 62;

/// The nodes.
pub struct Tables<'a> {
    pub strings: Strings<'a>,
    pub shapes: Vec<Form>,
    /// Of the text that names an op, the first shape of that op; of a shape, the next of its op.
    of_op: Vec<u32>,
    next: Vec<u32>,
    pub nodes: Vec<u32>,
    pub operands: Vec<u32>,
    pub values: Vec<u8>,
    guards: HashMap<&'a [u8], u32>,
    pub guard_order: Vec<&'a [u8]>,
    pub guarded: Vec<u32>,
    /// The node that is being read.
    shape: Form,
}

/// A whole graph. `events`: by their names' numbers. `parts`: version, capabilities, families, outputs, shots, metadata,
/// and whether anything was inferred, as they stand.
pub struct Packed<'a> {
    tables: Tables<'a>,
    events: Vec<u32>,
    parts: [&'a [u8]; 7],
}

/// The parts of a node in the order in which they are written.
const PARTS: [(usize, u64); 10] = [
    named(b"id"),
    named(b"op"),
    named(b"args"),
    named(b"vqs"),
    named(b"chs"),
    named(b"inputs"),
    named(b"produces"),
    named(b"caps"),
    named(b"guard"),
    named(b"metadata"),
];

/// A name of at most eight bytes, by which it is known.
const fn named(name: &[u8]) -> (usize, u64) {
    (name.len(), word(name))
}

impl<'a> Packed<'a> {
    pub fn read(data: &'a [u8]) -> Result<Packed<'a>> {
        let mut cursor = Cursor { bytes: data, at: 0 };
        let mut tables = Tables::new(data.len());
        let mut events = Vec::new();
        let mut parts: [&[u8]; 7] = [b"\xA31.0", b"\x90", b"\x90", b"\xC0", b"\xC0", b"\x80", b"\xC2"];
        for _ in 0..cursor.map()? {
            let part = match cursor.name()? {
                "nodes" => {
                    for _ in 0..cursor.list()? {
                        tables.node(&mut cursor)?;
                    }
                    continue;
                }
                "vqs" | "chs" => {
                    texts(&mut cursor)?;
                    continue;
                }
                "events" => {
                    for _ in 0..cursor.list()? {
                        events.push(tables.number(&mut cursor)?);
                    }
                    continue;
                }
                "version" => 0,
                "caps" => 1,
                "families" => 2,
                "outputs" => 3,
                "shots" => 4,
                "metadata" => 5,
                "inferred" => 6,
                _ => return cursor.fail("a graph with an unknown part"),
            };
            parts[part] = raw(&mut cursor)?;
        }
        if cursor.at != data.len() {
            return cursor.fail("bytes behind the graph");
        }
        Ok(Packed { tables, events, parts })
    }

    /// The graph with its numbers checked. The columns are handed over.
    pub fn body(&mut self) -> Result<Body<'_>> {
        if self.tables.nodes.len() > NODES {
            return Err(Declined::byte(0, "more nodes than are read"));
        }
        let start = |bytes| Cursor { bytes, at: 0 };
        let [mut number, caps, families, registers, n_shots, metadata, inferred] = self.parts.map(start);
        version(&mut number)?;
        [caps, families].iter_mut().try_for_each(|part| texts(part).map(|_| ()))?;
        shots(&mut { n_shots })?;
        whole_map(&mut { metadata })?;
        let _: bool = { inferred }.bool()?;
        let events = std::mem::take(&mut self.events).into();
        let tables = &mut self.tables;
        let [nodes, operands, guarded] =
            [&mut tables.nodes, &mut tables.operands, &mut tables.guarded].map(|column| std::mem::take(column).into());
        let tables = &self.tables;
        let strings = tables.strings.texts().to_vec();
        let shapes = tables.shapes.iter().map(|form| form.shape(&strings)).collect();
        let (mut guards, mut guard_parts) = (Vec::new(), Vec::new());
        for bytes in &tables.guard_order {
            guards.push(guard(&mut start(bytes), 1, &mut guard_parts)?);
        }
        let (values, outputs) = (start(&tables.values), outputs(&mut { registers })?);
        Ok(Body { strings, shapes, nodes, operands, values, guards, guard_parts, guarded, events, outputs })
    }
}

impl Form {
    /// Whether two forms of one op are the same.
    fn alike(&self, other: &Form) -> bool {
        self.key == other.key
            && self.args.len() == other.args.len()
            && self.args.iter().zip(&other.args).all(|(one, other)| one == other)
            && (self.key & LONG_BIT == 0 || self.counts == other.counts)
    }

    fn shape<'s>(&self, strings: &[&'s str]) -> Shape<'s> {
        Shape {
            op: strings[self.op as usize],
            counts: self.counts.map(|count| count as usize),
            args: self.args.iter().map(|&key| strings[key as usize]).collect(),
            guard: self.guard,
        }
    }
}

/// The bytes of one value.
#[inline]
fn raw<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8]> {
    let start = cursor.at;
    cursor.skip()?;
    Ok(&cursor.bytes[start..cursor.at])
}

/// A text, not yet looked at, and its `word`.
#[inline]
fn text<'a>(cursor: &mut Cursor<'a>) -> Result<(&'a [u8], u64)> {
    match cursor.short_text() {
        Some(found) => Ok(found),
        None => cursor.name().map(|found| (found.as_bytes(), word(found.as_bytes()))),
    }
}

impl<'a> Tables<'a> {
    fn new(bytes: usize) -> Tables<'a> {
        Tables {
            strings: Strings::new(bytes),
            shapes: Vec::new(),
            of_op: Vec::new(),
            next: Vec::new(),
            nodes: Vec::new(),
            operands: Vec::new(),
            values: Vec::new(),
            guards: HashMap::new(),
            guard_order: Vec::new(),
            guarded: Vec::new(),
            shape: Form::default(),
        }
    }

    #[inline]
    fn number(&mut self, cursor: &mut Cursor<'a>) -> Result<u32> {
        let (found, word) = text(cursor)?;
        match self.strings.number(found, word) {
            Some(number) => Ok(number),
            None => cursor.fail("a text that is not UTF-8"),
        }
    }

    /// One node; its parts must stand in their order.
    fn node(&mut self, cursor: &mut Cursor<'a>) -> Result<()> {
        let shape = &mut self.shape;
        (shape.op, shape.counts, shape.guard, shape.key) = (NONE, [0; 5], false, 0);
        shape.args.clear();
        let (mut next, mut named) = (0, false);
        for _ in 0..cursor.map()? {
            let (name, word) = text(cursor)?;
            let Some(part) = (next..PARTS.len()).find(|&part| PARTS[part] == (name.len(), word)) else {
                return cursor.fail("a node with an unknown part, or in another order");
            };
            next = part + 1;
            match part {
                0 => {
                    let (id, word) = text(cursor)?;
                    if !is_text(id, word) {
                        return cursor.fail("a text that is not UTF-8");
                    }
                    named = true;
                }
                1 => self.shape.op = self.number(cursor)?,
                2 => self.arguments(cursor)?,
                handles @ 3..=7 => {
                    let count = cursor.list()?;
                    self.shape.counts[handles - 3] = count as u32;
                    self.shape.key |= if count < 1 << 12 { (count as u64) << (12 * (handles - 3)) } else { LONG_BIT };
                    for _ in 0..count {
                        let number = self.number(cursor)?;
                        self.operands.push(number);
                    }
                }
                8 => self.guard(raw(cursor)?),
                _ => whole_map(cursor)?,
            }
        }
        if self.shape.op == NONE || !named {
            return cursor.fail("a node without its id or op");
        }
        self.shaped();
        Ok(())
    }

    fn arguments(&mut self, cursor: &mut Cursor<'a>) -> Result<()> {
        for _ in 0..cursor.map()? {
            let key = self.number(cursor)?;
            self.shape.args.push(key);
            self.values.extend_from_slice(raw(cursor)?);
        }
        Ok(())
    }

    fn guard(&mut self, guard: &'a [u8]) {
        self.shape.guard = true;
        self.shape.key |= GUARD_BIT;
        let next = self.guard_order.len() as u32;
        let number = *self.guards.entry(guard).or_insert(next);
        if number == next {
            self.guard_order.push(guard);
        }
        self.guarded.push(number);
    }

    /// Numbers the shape of the node that was read.
    fn shaped(&mut self) {
        let op = self.shape.op as usize;
        if op >= self.of_op.len() {
            self.of_op.resize(op + 1, NONE);
        }
        let mut at = self.of_op[op];
        while at != NONE && !self.shapes[at as usize].alike(&self.shape) {
            at = self.next[at as usize];
        }
        if at == NONE {
            at = self.shapes.len() as u32;
            self.shapes.push(self.shape.clone());
            self.next.push(std::mem::replace(&mut self.of_op[op], at));
        }
        self.nodes.push(at);
    }
}
