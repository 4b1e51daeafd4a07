//! A packed graph (`qmk.qvm.graph.pack`: the structs as MessagePack maps) as QVM binary, byte for byte what
//! `qmk.qvm.binary.encode` writes. Values are copied as they stand; what a binary may not hold is found by its reader.

use std::collections::HashMap;

use super::pack::{Cursor, Item};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// The version byte of the form and the magic before it.
pub const HEAD: &[u8] = b"QVMB\x01";

/// A list of texts: where its first is, and how many.
type Texts<'a> = (Cursor<'a>, usize);

#[derive(Default)]
struct Strings<'a> {
    numbers: HashMap<&'a str, u32>,
    order: Vec<&'a str>,
}

impl<'a> Strings<'a> {
    #[inline]
    fn number(&mut self, text: &'a str) -> u32 {
        *self.numbers.entry(text).or_insert_with(|| {
            self.order.push(text);
            self.order.len() as u32 - 1
        })
    }
}

#[derive(Clone, PartialEq)]
struct Shape {
    op: u32,
    counts: [u32; 5],
    args: Vec<u32>,
    guard: bool,
    metadata: bool,
}

/// Parts of a node, in place.
struct Node<'a> {
    id: &'a [u8],
    op: &'a str,
    args: Texts<'a>,
    handles: [Texts<'a>; 5],
    guard: Option<&'a [u8]>,
    metadata: Option<&'a [u8]>,
}

#[derive(Default)]
struct Tables<'a> {
    strings: Strings<'a>,
    shapes: Vec<Shape>,
    /// Numbers of the shapes of an op, by its string.
    of_op: HashMap<u32, Vec<u32>>,
    ids: Vec<u8>,
    nodes: Vec<u32>,
    operands: Vec<u32>,
    values: Vec<u8>,
    n_values: usize,
    guards: HashMap<&'a [u8], u32>,
    guard_order: Vec<&'a [u8]>,
    guarded: Vec<u32>,
    notes: Vec<u8>,
    n_notes: usize,
}

/// QVM binary of a packed graph.
pub fn binary(data: &[u8]) -> Result<Vec<u8>> {
    let mut cursor = Cursor { bytes: data, at: 0 };
    let empty = (cursor, 0);
    let mut tables = Tables::default();
    let mut handles = [empty; 3];
    let (mut version, mut caps, mut families): (&[u8], &[u8], &[u8]) = (b"\xA31.0", b"\x90", b"\x90");
    let (mut outputs, mut shots, mut metadata, mut inferred): (&[u8], &[u8], &[u8], &[u8]) =
        (b"\xC0", b"\xC0", b"\x80", b"\xC2");
    for _ in 0..cursor.map()? {
        match cursor.name()? {
            "nodes" => {
                for _ in 0..cursor.list()? {
                    let node = node(&mut cursor, empty)?;
                    tables.take(&node)?;
                }
            }
            "vqs" => handles[0] = texts(&mut cursor)?,
            "chs" => handles[1] = texts(&mut cursor)?,
            "events" => handles[2] = texts(&mut cursor)?,
            "version" => version = raw(&mut cursor)?,
            "caps" => caps = raw(&mut cursor)?,
            "families" => families = raw(&mut cursor)?,
            "outputs" => outputs = raw(&mut cursor)?,
            "shots" => shots = raw(&mut cursor)?,
            "metadata" => metadata = raw(&mut cursor)?,
            "inferred" => inferred = raw(&mut cursor)?,
            _ => return cursor.fail("a graph with an unknown part"),
        }
    }
    if cursor.at != data.len() {
        return cursor.fail("bytes behind the graph");
    }
    let mut columns = Vec::new();
    for (mut names, count) in handles {
        let mut numbers = Vec::with_capacity(count);
        for _ in 0..count {
            numbers.push(tables.strings.number(names.name()?));
        }
        columns.extend(column(&numbers));
    }
    let mut out = tables.written(data.len(), version);
    out.extend(columns);
    for part in [caps, families, outputs, shots, metadata, inferred] {
        out.extend_from_slice(part);
    }
    Ok(out)
}

/// The bytes of one value.
fn raw<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8]> {
    let start = cursor.at;
    cursor.skip()?;
    Ok(&cursor.bytes[start..cursor.at])
}

/// A list of texts, stepped over; its items are looked at when they are numbered.
fn texts<'a>(cursor: &mut Cursor<'a>) -> Result<Texts<'a>> {
    let count = cursor.list()?;
    let first = *cursor;
    for _ in 0..count {
        cursor.name()?;
    }
    Ok((first, count))
}

fn node<'a>(cursor: &mut Cursor<'a>, empty: Texts<'a>) -> Result<Node<'a>> {
    let mut found = Node { id: b"", op: "", args: empty, handles: [empty; 5], guard: None, metadata: None };
    for _ in 0..cursor.map()? {
        match cursor.name()? {
            "id" => found.id = raw(cursor)?,
            "op" => found.op = cursor.name()?,
            "vqs" => found.handles[0] = texts(cursor)?,
            "args" => {
                let count = cursor.map()?;
                found.args = (*cursor, count);
                for _ in 0..count {
                    cursor.name()?;
                    cursor.skip()?;
                }
            }
            "chs" => found.handles[1] = texts(cursor)?,
            "inputs" => found.handles[2] = texts(cursor)?,
            "produces" => found.handles[3] = texts(cursor)?,
            "caps" => found.handles[4] = texts(cursor)?,
            "guard" => found.guard = Some(raw(cursor)?),
            "metadata" => found.metadata = Some(raw(cursor)?),
            _ => return cursor.fail("a node with an unknown part"),
        }
    }
    match found.id.first() {
        Some(0xA0..=0xBF | 0xD9..=0xDB) => Ok(found),
        _ => cursor.fail("a node without its id"),
    }
}

impl<'a> Tables<'a> {
    fn take(&mut self, node: &Node<'a>) -> Result<()> {
        let op = self.strings.number(node.op);
        let (mut args, count) = node.args;
        let mut keys = Vec::new();
        for _ in 0..count {
            keys.push(self.strings.number(args.name()?));
            self.values.extend_from_slice(raw(&mut args)?);
        }
        self.n_values += count;
        let counts = node.handles.map(|(_, count)| count as u32);
        let shape = Shape { op, counts, args: keys, guard: node.guard.is_some(), metadata: node.metadata.is_some() };
        let known = self.of_op.entry(op).or_default();
        let number = match known.iter().find(|&&number| self.shapes[number as usize] == shape) {
            Some(&number) => number,
            None => {
                known.push(self.shapes.len() as u32);
                self.shapes.push(shape);
                self.shapes.len() as u32 - 1
            }
        };
        self.nodes.push(number);
        self.ids.extend_from_slice(node.id);
        for (mut names, count) in node.handles {
            for _ in 0..count {
                let name = names.name()?;
                self.operands.push(self.strings.number(name));
            }
        }
        if let Some(guard) = node.guard {
            let next = self.guard_order.len() as u32;
            let number = *self.guards.entry(guard).or_insert(next);
            if number == next {
                self.guard_order.push(guard);
            }
            self.guarded.push(number);
        }
        if let Some(note) = node.metadata {
            self.notes.extend_from_slice(note);
            self.n_notes += 1;
        }
        Ok(())
    }

    /// The body up to the columns of handles.
    fn written(&self, room: usize, version: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(room);
        out.extend_from_slice(HEAD);
        list(&mut out, 19);
        out.extend_from_slice(version);
        list(&mut out, self.strings.order.len());
        self.strings.order.iter().for_each(|text| write_text(&mut out, text));
        list(&mut out, self.shapes.len());
        for shape in &self.shapes {
            list(&mut out, 9);
            number(&mut out, shape.op);
            shape.counts.iter().for_each(|&count| number(&mut out, count));
            list(&mut out, shape.args.len());
            shape.args.iter().for_each(|&key| number(&mut out, key));
            out.extend([0xC2 + shape.guard as u8, 0xC2 + shape.metadata as u8]);
        }
        list(&mut out, self.nodes.len());
        out.extend_from_slice(&self.ids);
        out.extend(column(&self.nodes));
        out.extend(column(&self.operands));
        list(&mut out, self.n_values);
        out.extend_from_slice(&self.values);
        list(&mut out, self.guard_order.len());
        self.guard_order.iter().for_each(|guard| out.extend_from_slice(guard));
        out.extend(column(&self.guarded));
        list(&mut out, self.n_notes);
        out.extend_from_slice(&self.notes);
        out
    }
}

/// A length or number after the first tag that has room for it, of tags for 8, 16 and 32 bits.
fn sized(out: &mut Vec<u8>, size: usize, tags: [Option<u8>; 3]) {
    match (size, tags) {
        (0..=0xFF, [Some(tag), ..]) => out.extend([tag, size as u8]),
        (0..=0xFFFF, [_, Some(tag), _]) => {
            out.push(tag);
            out.extend((size as u16).to_be_bytes());
        }
        (_, [.., last]) => {
            out.extend(last);
            out.extend((size as u32).to_be_bytes());
        }
    }
}

fn list(out: &mut Vec<u8>, size: usize) {
    match size {
        0..=15 => out.push(0x90 | size as u8),
        _ => sized(out, size, [None, Some(0xDC), Some(0xDD)]),
    }
}

fn number(out: &mut Vec<u8>, value: u32) {
    match value {
        0..=0x7F => out.push(value as u8),
        _ => sized(out, value as usize, [Some(0xCC), Some(0xCD), Some(0xCE)]),
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        0..=31 => out.push(0xA0 | text.len() as u8),
        size => sized(out, size, [Some(0xD9), Some(0xDA), Some(0xDB)]),
    }
    out.extend_from_slice(text.as_bytes());
}

/// A column as a value: its width, then little-endian numbers.
fn column(numbers: &[u32]) -> Vec<u8> {
    let width = match numbers.iter().max() {
        Some(0x1_0000..) => 4,
        Some(0x100..) => 2,
        _ => 1,
    };
    let mut out = Vec::with_capacity(6 + width * numbers.len());
    sized(&mut out, 1 + width * numbers.len(), [Some(0xC4), Some(0xC5), Some(0xC6)]);
    out.push(width as u8);
    match width {
        1 => out.extend(numbers.iter().map(|&n| n as u8)),
        2 => numbers.iter().for_each(|&n| out.extend_from_slice(&(n as u16).to_le_bytes())),
        _ => numbers.iter().for_each(|&n| out.extend_from_slice(&n.to_le_bytes())),
    }
    out
}

/// QVM binary as it is, a packed graph turned into one.
pub fn either(data: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>> {
    match Cursor::item(&mut Cursor { bytes: data, at: 0 }) {
        Ok(Item::Map(_)) => Ok(binary(data)?.into()),
        _ => Ok(data.into()),
    }
}
