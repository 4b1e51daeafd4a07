//! Texts as numbers, in order of first use: open addressing, with a hash that is keyed anew for every graph.

use std::hash::{BuildHasher, RandomState};

/// A text's place: its first bytes, its length, and its number plus one, 0 where the place is free.
#[derive(Clone, Copy, Default)]
struct Slot {
    word: u64,
    size: u32,
    number: u32,
}

pub struct Strings<'a> {
    slots: Vec<Slot>,
    order: Vec<&'a str>,
    key: u64,
}

/// Bytes of a graph for each place of its table at the start, about as many as a node has, and most places then.
const BYTES_A_SLOT: usize = 24;
const SLOTS: usize = 1 << 16;

/// Its first eight bytes, the first the lowest; 0 where it is shorter. Texts of one length of at most eight bytes are
/// equal where their words are.
#[inline]
pub const fn word(text: &[u8]) -> u64 {
    let (mut word, mut at) = (0, 0);
    while at < 8 && at < text.len() {
        word |= (text[at] as u64) << (8 * at);
        at += 1;
    }
    word
}

/// The last eight bytes of a text that has as many.
#[inline]
fn last(text: &[u8]) -> u64 {
    text.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Whether two texts that share their length and their first eight bytes are equal.
#[inline]
fn equal(one: &[u8], other: &[u8]) -> bool {
    match one.len() {
        0..=8 => true,
        9..=16 => last(one) == last(other),
        _ => one == other,
    }
}

/// Whether a text is UTF-8.
#[inline]
pub fn is_text(text: &[u8], word: u64) -> bool {
    (text.len() <= 8 && word & 0x8080_8080_8080_8080 == 0) || std::str::from_utf8(text).is_ok()
}

impl<'a> Strings<'a> {
    /// For the texts of a graph of so many bytes.
    pub fn new(bytes: usize) -> Strings<'a> {
        let key = RandomState::new().hash_one(0) | 1;
        let slots = (bytes / BYTES_A_SLOT).clamp(256, SLOTS).next_power_of_two();
        Strings { slots: vec![Slot::default(); slots], order: Vec::new(), key }
    }

    pub fn texts(&self) -> &[&'a str] {
        &self.order
    }

    /// `first`: the text's word.
    #[inline]
    fn hash(&self, first: u64, text: &[u8]) -> usize {
        let fold = |hash: u64, word: u64| {
            let wide = (hash ^ word) as u128 * (self.key.rotate_left(29) | 1) as u128;
            (wide >> 64) as u64 ^ wide as u64
        };
        let start = fold(self.key ^ text.len() as u64, first);
        let hash = match text.len() {
            0..=8 => start,
            9..=16 => fold(start, last(text)),
            _ => text[8..].chunks(8).fold(start, |hash, part| fold(hash, word(part))),
        };
        hash as usize
    }

    /// Of a text and its `word`. None for a new text that is not UTF-8.
    #[inline]
    pub fn number(&mut self, text: &'a [u8], word: u64) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let size = text.len() as u32;
        let mut at = self.hash(word, text) & mask;
        loop {
            let slot = self.slots[at];
            if slot.number == 0 {
                break;
            }
            let alike = slot.word == word && slot.size == size;
            if alike && (size <= 8 || equal(self.order[slot.number as usize - 1].as_bytes(), text)) {
                return Some(slot.number - 1);
            }
            at = (at + 1) & mask;
        }
        self.order.push(std::str::from_utf8(text).ok()?);
        let number = self.order.len() as u32;
        self.slots[at] = Slot { word, size, number };
        if 2 * self.order.len() > self.slots.len() {
            self.grow();
        }
        Some(number - 1)
    }

    fn grow(&mut self) {
        let mask = 2 * self.slots.len() - 1;
        let mut slots = vec![Slot::default(); mask + 1];
        for (number, text) in self.order.iter().enumerate() {
            let word = word(text.as_bytes());
            let mut at = self.hash(word, text.as_bytes()) & mask;
            while slots[at].number != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = Slot { word, size: text.len() as u32, number: number as u32 + 1 };
        }
        self.slots = slots;
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
        texts.extend(["abcdefgh\0", "abcdefghijklmnop-", "abcdefgh-bcdefgh"].map(str::to_owned));
        texts.extend(["aab", "abb", "abcdabcd", "bbcdabcd", "a\0", "a\0\0"].map(str::to_owned));
        let mut strings = Strings::new(0);
        for _ in 0..2 {
            for (k, text) in texts.iter().enumerate() {
                assert_eq!(strings.number(text.as_bytes(), word(text.as_bytes())), Some(k as u32), "{text}");
            }
        }
        assert_eq!(strings.number(b"\xFF\xFE", word(b"\xFF\xFE")), None);
    }
}
