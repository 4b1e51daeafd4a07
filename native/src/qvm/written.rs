//! A packed graph as QVM binary, byte for byte what `qmk.formats.binary.encode` writes. Values are copied as they stand; what
//! a binary may not hold is found by its reader.

use super::packed::{Packed, Tables};
use super::Declined;

/// The version byte of the form and the magic before it.
pub const HEAD: &[u8] = b"QVMB\x01";

/// QVM binary of a packed graph.
pub fn binary(data: &[u8]) -> Result<Vec<u8>, Declined> {
    let Packed { tables, version, columns, parts } = Packed::read(data, true)?;
    let mut out = tables.written(data.len(), version);
    columns.iter().for_each(|numbers| out.extend(column(numbers)));
    parts.iter().for_each(|part| out.extend_from_slice(part));
    Ok(out)
}

impl Tables<'_> {
    /// The body up to the columns of handles.
    fn written(&self, room: usize, version: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(room);
        out.extend_from_slice(HEAD);
        list(&mut out, 19);
        out.extend_from_slice(version);
        list(&mut out, self.strings.len());
        self.strings.texts().iter().for_each(|text| write_text(&mut out, text.as_bytes()));
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
