//! A sum of Pauli strings: the terms in a row, and a table of open addresses that finds them.
//!
//! A place of the table is a word: 32 bits of a term's hash above its number, so that a search reads a term only where
//! the hashes agree, and a larger table is filled without one.

use crate::frame::pauli::Pauli;

#[derive(Clone, Copy)]
pub struct Term<const W: usize> {
    pub x: [u64; W],
    pub z: [u64; W],
    pub factor: f64,
}

pub struct Sum<const W: usize> {
    pub terms: Vec<Term<W>>,
    /// A power of two; 0 is an empty place: numbers begin with 1.
    places: Vec<u64>,
    most: usize,
}

const LEAST_PLACES: usize = 64;
const MOST_TERMS: usize = u32::MAX as usize - 1;

/// Bits that depend on all bits of a string, by multiplications whose halves are folded.
#[inline]
fn hash<const W: usize>(x: &[u64; W], z: &[u64; W]) -> u64 {
    let fold = |a: u64, b: u64| {
        let wide = u128::from(a) * u128::from(b);
        wide as u64 ^ (wide >> 64) as u64
    };
    let mut state = 0x9E37_79B9_7F4A_7C15;
    for w in 0..W {
        state = fold(state ^ x[w], 0xD1B5_4A32_D192_ED03 ^ z[w]) ^ x[w].rotate_left(32) ^ z[w];
    }
    fold(state, 0xA076_1D64_78BD_642F)
}

impl<const W: usize> Sum<W> {
    /// For `most` terms at most.
    pub fn with_room(terms: usize, most: usize) -> Sum<W> {
        let places = (2 * terms).next_power_of_two().max(LEAST_PLACES);
        Sum { terms: Vec::with_capacity(terms), places: vec![0; places], most: most.min(MOST_TERMS) }
    }

    /// Bytes of a term at most, while its table and its row grow.
    pub const TERM_BYTES: u64 = 2 * std::mem::size_of::<Term<W>>() as u64 + 6 * std::mem::size_of::<u64>() as u64;

    /// Adds a multiple of a string, whose sign is not looked at. False where there are too many terms.
    #[inline]
    pub fn add(&mut self, p: &Pauli<W>, factor: f64) -> bool {
        let code = hash(&p.x, &p.z);
        let (mask, tag) = (self.places.len() - 1, code >> 32);
        let mut at = code as usize & mask;
        loop {
            let place = self.places[at];
            if place == 0 {
                break;
            }
            if place >> 32 == tag {
                let term = &mut self.terms[(place as u32 - 1) as usize];
                if term.x == p.x && term.z == p.z {
                    term.factor += factor;
                    return true;
                }
            }
            at = (at + 1) & mask;
        }
        if self.terms.len() == self.most {
            return false;
        }
        self.terms.push(Term { x: p.x, z: p.z, factor });
        self.places[at] = tag << 32 | self.terms.len() as u64;
        if 2 * self.terms.len() > self.places.len() {
            self.grow();
        }
        true
    }

    fn grow(&mut self) {
        let mask = 2 * self.places.len() - 1;
        let mut places = vec![0; mask + 1];
        for (number, term) in self.terms.iter().enumerate() {
            let code = hash(&term.x, &term.z);
            let mut at = code as usize & mask;
            while places[at] != 0 {
                at = (at + 1) & mask;
            }
            places[at] = (code >> 32) << 32 | (number as u64 + 1);
        }
        self.places = places;
    }

    /// An empty sum in the same memory.
    pub fn clear(&mut self) {
        self.terms.clear();
        self.places.fill(0);
    }
}
