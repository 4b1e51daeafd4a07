//! Names as numbers. The hash is keyed at random, so that no text can be made of names that collide.

use std::hash::{BuildHasher, RandomState};

pub type Sym = u32;

const EMPTY: u32 = u32::MAX;

pub struct Names<'a> {
    key: u64,
    slots: Vec<u32>,
    names: Vec<(&'a [u8], u64)>,
}

impl<'a> Names<'a> {
    pub fn new() -> Names<'a> {
        Names { key: seed() | 1, slots: vec![EMPTY; 256], names: Vec::with_capacity(64) }
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn text(&self, name: Sym) -> &'a [u8] {
        self.names[name as usize].0
    }

    #[inline]
    fn hash(&self, name: &[u8]) -> u64 {
        let mut state = self.key ^ name.len() as u64;
        let mut chunks = name.chunks_exact(8);
        for chunk in &mut chunks {
            state = fold(state ^ u64::from_le_bytes(chunk.try_into().expect("eight bytes")), self.key);
        }
        let mut last = 0u64;
        for &byte in chunks.remainder() {
            last = last << 8 | byte as u64;
        }
        fold(state ^ last, self.key)
    }

    /// The number of `name`, the same for the same bytes.
    #[inline]
    pub fn intern(&mut self, name: &'a [u8]) -> Sym {
        let hash = self.hash(name);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            match self.slots[at] {
                EMPTY => return self.add(name, hash, at),
                found => {
                    let (text, its) = self.names[found as usize];
                    if its == hash && text == name {
                        return found;
                    }
                }
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn add(&mut self, name: &'a [u8], hash: u64, at: usize) -> Sym {
        let number = self.names.len() as u32;
        self.names.push((name, hash));
        self.slots[at] = number;
        if self.names.len() * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 4 - 1;
        let mut slots = vec![EMPTY; mask + 1];
        for (number, &(_, hash)) in self.names.iter().enumerate() {
            let mut at = hash as usize & mask;
            while slots[at] != EMPTY {
                at = (at + 1) & mask;
            }
            slots[at] = number as u32;
        }
        self.slots = slots;
    }
}

/// One random number a process.
fn seed() -> u64 {
    static SEED: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *SEED.get_or_init(|| RandomState::new().hash_one(0u64))
}

/// Both halves of a product, mixed.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let wide = a as u128 * (b ^ 0x9E37_79B9_7F4A_7C15) as u128;
    wide as u64 ^ (wide >> 64) as u64
}
