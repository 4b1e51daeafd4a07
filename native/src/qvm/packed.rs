//! A packed graph (`qmk.qvm.graph.pack`: the structs as MessagePack maps), its texts numbered and its nodes sorted by
//! shape: what a QVM binary consists of (`written`), and what the passes over a graph read (`body`).

use std::collections::HashMap;

use super::body::{guard, outputs, shots, texts, version, whole_map, Body, Shape};
use super::pack::{Cursor, Item};
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
    pub metadata: bool,
    /// The counts, of twelve bits each, and which of guard and metadata there are; bit 62: a count needs more bits. One
    /// number is compared sooner than five that have just been written.
    key: u64,
}

const GUARD_BIT: u64 = 1 << 60;
const METADATA_BIT: u64 = 1 << 61;
const LONG_BIT: u64 = 1 << 62;

/// The nodes.
pub struct Tables<'a> {
    pub strings: Strings<'a>,
    pub shapes: Vec<Form>,
    /// Of the text that names an op, the first shape of that op; of a shape, the next of its op.
    of_op: Vec<u32>,
    next: Vec<u32>,
    pub ids: Vec<u8>,
    pub nodes: Vec<u32>,
    pub operands: Vec<u32>,
    pub values: Vec<u8>,
    pub n_values: usize,
    guards: HashMap<&'a [u8], u32>,
    pub guard_order: Vec<&'a [u8]>,
    pub guarded: Vec<u32>,
    pub notes: Vec<u8>,
    pub n_notes: usize,
    /// Whether ids and notes are wanted.
    whole: bool,
    /// The node that is being read.
    shape: Form,
}

/// A whole graph. `columns`: its qubits, channels and events, by their names' numbers. `parts`: capabilities, families,
/// outputs, shots, metadata, and whether anything was inferred, as they stand.
pub struct Packed<'a> {
    pub tables: Tables<'a>,
    pub version: &'a [u8],
    pub columns: [Vec<u32>; 3],
    pub parts: [&'a [u8]; 6],
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
    /// `whole`: with what only a binary holds, ids, metadata of nodes, and the columns of qubits and channels.
    pub fn read(data: &'a [u8], whole: bool) -> Result<Packed<'a>> {
        let mut cursor = Cursor { bytes: data, at: 0 };
        let mut tables = Tables::new(data.len(), whole);
        let mut columns: [Vec<u32>; 3] = Default::default();
        let mut version: &[u8] = b"\xA31.0";
        let mut parts: [&[u8]; 6] = [b"\x90", b"\x90", b"\xC0", b"\xC0", b"\x80", b"\xC2"];
        for _ in 0..cursor.map()? {
            match cursor.name()? {
                "nodes" => {
                    for _ in 0..cursor.list()? {
                        tables.node(&mut cursor)?;
                    }
                }
                "vqs" => tables.handles(&mut cursor, whole.then_some(&mut columns[0]))?,
                "chs" => tables.handles(&mut cursor, whole.then_some(&mut columns[1]))?,
                "events" => tables.handles(&mut cursor, Some(&mut columns[2]))?,
                "version" => version = raw(&mut cursor)?,
                "caps" => parts[0] = raw(&mut cursor)?,
                "families" => parts[1] = raw(&mut cursor)?,
                "outputs" => parts[2] = raw(&mut cursor)?,
                "shots" => parts[3] = raw(&mut cursor)?,
                "metadata" => parts[4] = raw(&mut cursor)?,
                "inferred" => parts[5] = raw(&mut cursor)?,
                _ => return cursor.fail("a graph with an unknown part"),
            }
        }
        if cursor.at != data.len() {
            return cursor.fail("bytes behind the graph");
        }
        Ok(Packed { tables, version, columns, parts })
    }

    /// The graph as the reader of a binary gives it, under the same checks. The columns are handed over.
    pub fn body(&mut self) -> Result<Body<'_>> {
        if self.tables.nodes.len() > NODES {
            return Err(Declined::byte(0, "more nodes than are read"));
        }
        let start = |bytes| Cursor { bytes, at: 0 };
        version(&mut start(self.version))?;
        let [caps, families, registers, n_shots, metadata, inferred] = self.parts.map(start);
        [caps, families].iter_mut().try_for_each(|part| texts(part).map(|_| ()))?;
        shots(&mut { n_shots })?;
        whole_map(&mut { metadata })?;
        let _: bool = { inferred }.bool()?;
        let events = std::mem::take(&mut self.columns[2]).into();
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
            metadata: self.metadata,
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
    fn new(bytes: usize, whole: bool) -> Tables<'a> {
        Tables {
            strings: Strings::new(bytes),
            shapes: Vec::new(),
            of_op: Vec::new(),
            next: Vec::new(),
            ids: Vec::new(),
            nodes: Vec::new(),
            operands: Vec::new(),
            values: Vec::new(),
            n_values: 0,
            guards: HashMap::new(),
            guard_order: Vec::new(),
            guarded: Vec::new(),
            notes: Vec::new(),
            n_notes: 0,
            whole,
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

    /// A list of names: their numbers where they are wanted.
    fn handles(&mut self, cursor: &mut Cursor<'a>, into: Option<&mut Vec<u32>>) -> Result<()> {
        let count = cursor.list()?;
        match into {
            None => (0..count).try_for_each(|_| cursor.name().map(|_| ())),
            Some(into) => (0..count).try_for_each(|_| {
                into.push(self.number(cursor)?);
                Ok(())
            }),
        }
    }

    /// One node; its parts must stand in their order.
    fn node(&mut self, cursor: &mut Cursor<'a>) -> Result<()> {
        let shape = &mut self.shape;
        (shape.op, shape.counts, shape.guard, shape.metadata, shape.key) = (NONE, [0; 5], false, false, 0);
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
                    let start = cursor.at;
                    let (id, word) = text(cursor)?;
                    if !is_text(id, word) {
                        return cursor.fail("a text that is not UTF-8");
                    }
                    named = true;
                    if self.whole {
                        self.ids.extend_from_slice(&cursor.bytes[start..cursor.at]);
                    }
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
                _ => self.note(cursor)?,
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
            self.n_values += 1;
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

    fn note(&mut self, cursor: &mut Cursor<'a>) -> Result<()> {
        let note = raw(cursor)?;
        if !matches!(Cursor { bytes: note, at: 0 }.item()?, Item::Map(_)) {
            return cursor.fail("a map is missing here");
        }
        self.shape.metadata = true;
        self.shape.key |= METADATA_BIT;
        self.n_notes += 1;
        if self.whole {
            self.notes.extend_from_slice(note);
        }
        Ok(())
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

/// Whether these bytes are a packed graph rather than a binary.
pub fn is_packed(data: &[u8]) -> bool {
    matches!(Cursor::item(&mut Cursor { bytes: data, at: 0 }), Ok(Item::Map(_)))
}
