//! A packed graph (`qmk.qvm.graph.pack`: the structs as MessagePack maps) as QVM binary, byte for byte what
//! `qmk.qvm.binary.encode` writes. Values are copied as they stand; what a binary may not hold is found by its reader.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::pack::{Cursor, Item};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// The version byte of the form and the magic before it.
pub const HEAD: &[u8] = b"QVMB\x01";

/// Texts in order of first use, each with its number: open addressing, with a hash that is keyed anew for every graph.
struct Strings<'a> {
    /// A number plus one below the upper half of its text's hash; 0 is free.
    slots: Vec<u64>,
    order: Vec<&'a [u8]>,
    /// The `word` of each text.
    words: Vec<u64>,
    hashes: Vec<u64>,
    key: u64,
}

/// Its first eight bytes. Texts of one length of at most eight bytes are equal where their words are.
#[inline]
fn word(text: &[u8]) -> u64 {
    let four = |at: usize| u32::from_le_bytes([text[at], text[at + 1], text[at + 2], text[at + 3]]) as u64;
    match text.len() {
        0 => 0,
        size @ 1..=3 => text[0] as u64 | (text[size / 2] as u64) << 8 | (text[size - 1] as u64) << 16,
        size @ 4..=8 => four(0) | four(size - 4) << 32,
        _ => four(0) | four(4) << 32,
    }
}

impl<'a> Strings<'a> {
    fn new() -> Strings<'a> {
        let key = RandomState::new().hash_one(0) | 1;
        Strings { slots: vec![0; 256], order: Vec::new(), words: Vec::new(), hashes: Vec::new(), key }
    }

    /// `first`: the text's word.
    #[inline]
    fn hash(&self, first: u64, text: &[u8]) -> u64 {
        let fold = |hash: u64, word: u64| {
            let wide = (hash ^ word) as u128 * (self.key.rotate_left(29) | 1) as u128;
            (wide >> 64) as u64 ^ wide as u64
        };
        let start = fold(self.key ^ text.len() as u64, first);
        match text.len() {
            0..=8 => start,
            _ => text[8..].chunks(8).fold(start, |hash, part| fold(hash, word(part))),
        }
    }

    /// None for a new text that is not UTF-8.
    #[inline]
    fn number(&mut self, text: &'a [u8]) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let first = word(text);
        let hash = self.hash(first, text);
        let mut at = hash as usize & mask;
        while self.slots[at] != 0 {
            let number = self.slots[at] as u32 - 1;
            if self.slots[at] >> 32 == hash >> 32 && self.words[number as usize] == first {
                let known = self.order[number as usize];
                if known.len() == text.len() && (text.len() <= 8 || known == text) {
                    return Some(number);
                }
            }
            at = (at + 1) & mask;
        }
        std::str::from_utf8(text).ok()?;
        self.order.push(text);
        self.words.push(first);
        self.hashes.push(hash);
        self.slots[at] = hash >> 32 << 32 | self.order.len() as u64;
        if 2 * self.order.len() > self.slots.len() {
            self.grow();
        }
        Some(self.order.len() as u32 - 1)
    }

    fn grow(&mut self) {
        let mask = 2 * self.slots.len() - 1;
        self.slots = vec![0; mask + 1];
        for (number, hash) in self.hashes.iter().enumerate() {
            let mut at = *hash as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = hash >> 32 << 32 | (number as u64 + 1);
        }
    }
}

#[derive(Clone, Default, PartialEq)]
struct Shape {
    op: u32,
    counts: [u32; 5],
    args: Vec<u32>,
    guard: bool,
    metadata: bool,
}

struct Tables<'a> {
    strings: Strings<'a>,
    shapes: Vec<Shape>,
    /// Numbers of the shapes of an op, by its string; as long as the last of them needs.
    of_op: Vec<Vec<u32>>,
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
    /// The node that is being read.
    shape: Shape,
}

/// The place of a part of a node in the order in which they are written.
fn part(name: &[u8]) -> Option<usize> {
    Some(match name {
        b"id" => 0,
        b"op" => 1,
        b"args" => 2,
        b"vqs" => 3,
        b"chs" => 4,
        b"inputs" => 5,
        b"produces" => 6,
        b"caps" => 7,
        b"guard" => 8,
        b"metadata" => 9,
        _ => return None,
    })
}

/// QVM binary of a packed graph.
pub fn binary(data: &[u8]) -> Result<Vec<u8>> {
    let mut cursor = Cursor { bytes: data, at: 0 };
    let mut tables = Tables::new();
    let mut columns: [Vec<u32>; 3] = Default::default();
    let (mut version, mut caps, mut families): (&[u8], &[u8], &[u8]) = (b"\xA31.0", b"\x90", b"\x90");
    let (mut outputs, mut shots, mut metadata, mut inferred): (&[u8], &[u8], &[u8], &[u8]) =
        (b"\xC0", b"\xC0", b"\x80", b"\xC2");
    for _ in 0..cursor.map()? {
        match cursor.name()? {
            "nodes" => {
                for _ in 0..cursor.list()? {
                    tables.node(&mut cursor)?;
                }
            }
            "vqs" => tables.texts(&mut cursor, &mut columns[0])?,
            "chs" => tables.texts(&mut cursor, &mut columns[1])?,
            "events" => tables.texts(&mut cursor, &mut columns[2])?,
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
    let mut out = tables.written(data.len(), version);
    columns.iter().for_each(|numbers| out.extend(column(numbers)));
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

/// A text, not yet looked at.
#[inline]
fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8]> {
    match cursor.short_text() {
        Some(found) => Ok(found),
        None => cursor.name().map(str::as_bytes),
    }
}

impl<'a> Tables<'a> {
    fn new() -> Tables<'a> {
        Tables {
            strings: Strings::new(),
            shapes: Vec::new(),
            of_op: Vec::new(),
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
            shape: Shape::default(),
        }
    }

    #[inline]
    fn number(&mut self, cursor: &mut Cursor<'a>) -> Result<u32> {
        let found = text(cursor)?;
        match self.strings.number(found) {
            Some(number) => Ok(number),
            None => cursor.fail("a text that is not UTF-8"),
        }
    }

    fn texts(&mut self, cursor: &mut Cursor<'a>, into: &mut Vec<u32>) -> Result<()> {
        for _ in 0..cursor.list()? {
            into.push(self.number(cursor)?);
        }
        Ok(())
    }

    /// One node; its parts must stand in their order.
    fn node(&mut self, cursor: &mut Cursor<'a>) -> Result<()> {
        let ids = self.ids.len();
        let shape = &mut self.shape;
        (shape.op, shape.counts, shape.guard, shape.metadata) = (u32::MAX, [0; 5], false, false);
        shape.args.clear();
        let mut next = 0;
        for _ in 0..cursor.map()? {
            let name = text(cursor)?;
            let Some(part) = part(name).filter(|&part| part >= next) else {
                return cursor.fail("a node with an unknown part, or in another order");
            };
            next = part + 1;
            match part {
                0 => self.ids.extend_from_slice(raw(cursor)?),
                1 => self.shape.op = self.number(cursor)?,
                2 => {
                    for _ in 0..cursor.map()? {
                        let key = self.number(cursor)?;
                        self.shape.args.push(key);
                        self.values.extend_from_slice(raw(cursor)?);
                        self.n_values += 1;
                    }
                }
                handles @ 3..=7 => {
                    let count = cursor.list()?;
                    self.shape.counts[handles - 3] = count as u32;
                    for _ in 0..count {
                        let number = self.number(cursor)?;
                        self.operands.push(number);
                    }
                }
                8 => self.guard(raw(cursor)?),
                _ => {
                    self.shape.metadata = true;
                    self.notes.extend_from_slice(raw(cursor)?);
                    self.n_notes += 1;
                }
            }
        }
        if self.shape.op == u32::MAX || !matches!(self.ids.get(ids), Some(0xA0..=0xBF | 0xD9..=0xDB)) {
            return cursor.fail("a node without its id or op");
        }
        self.shaped();
        Ok(())
    }

    fn guard(&mut self, guard: &'a [u8]) {
        self.shape.guard = true;
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
            self.of_op.resize(op + 1, Vec::new());
        }
        let known = &mut self.of_op[op];
        let number = match known.iter().find(|&&number| self.shapes[number as usize] == self.shape) {
            Some(&number) => number,
            None => {
                known.push(self.shapes.len() as u32);
                self.shapes.push(self.shape.clone());
                self.shapes.len() as u32 - 1
            }
        };
        self.nodes.push(number);
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

fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        0..=31 => out.push(0xA0 | text.len() as u8),
        size => sized(out, size, [Some(0xD9), Some(0xDA), Some(0xDB)]),
    }
    out.extend_from_slice(text);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart_whatever_their_lengths() {
        let long = "abcdefghijklmnopqrstuvwxyz";
        let mut texts: Vec<String> = (0..=26).map(|size| long[..size].to_owned()).collect();
        texts.extend((0..2000).map(|k| format!("q{k}")));
        texts.extend((0..2000).map(|k| format!("registers[{k}]")));
        texts.extend(["aab", "abb", "abcdabcd", "bbcdabcd", "a\0", "a\0\0"].map(str::to_owned));
        let mut strings = Strings::new();
        for _ in 0..2 {
            for (k, text) in texts.iter().enumerate() {
                assert_eq!(strings.number(text.as_bytes()), Some(k as u32), "{text}");
            }
        }
        assert_eq!(strings.number(b"\xFF\xFE"), None);
    }
}
