//! What a run gives: the classical bits of many shots, as one packed column a cbit.

#[cfg(feature = "python")]
pub mod python;

use crate::circuit::{Register, NONE};

/// Bit `s` of column `c` is cbit `c` in shot `s`; 64 shots a word, lowest shot in the lowest bit. Bits beyond `shots`
/// are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Samples {
    pub shots: usize,
    pub n_cbits: usize,
    words: usize,
    columns: Vec<u64>,
}

/// Is told how many shots are done, and what makes their samples: a fair sample of what all shots will give.
pub type Report<'a> = dyn Fn(usize, &dyn Fn() -> Samples) + 'a;

/// Most printed bits whose outcomes are counted in a table.
const HISTOGRAM_BITS: usize = 16;

impl Samples {
    /// All bits 0.
    pub fn zeros(shots: usize, n_cbits: usize) -> Samples {
        let words = shots.div_ceil(64);
        Samples { shots, n_cbits, words, columns: vec![0; words * n_cbits] }
    }

    /// Words of one column.
    pub fn words(&self) -> usize {
        self.words
    }

    #[inline]
    pub fn column(&self, cbit: u32) -> &[u64] {
        &self.columns[cbit as usize * self.words..(cbit as usize + 1) * self.words]
    }

    #[inline]
    pub fn column_mut(&mut self, cbit: u32) -> &mut [u64] {
        &mut self.columns[cbit as usize * self.words..(cbit as usize + 1) * self.words]
    }

    #[inline]
    pub fn get(&self, shot: usize, cbit: u32) -> bool {
        self.column(cbit)[shot / 64] >> (shot % 64) & 1 == 1
    }

    #[inline]
    pub fn set(&mut self, shot: usize, cbit: u32) {
        self.column_mut(cbit)[shot / 64] |= 1 << (shot % 64);
    }

    /// Clears what a simulator wrote beyond the last shot.
    pub fn trim(&mut self) {
        if self.shots % 64 != 0 {
            let mask = (1u64 << (self.shots % 64)) - 1;
            for column in self.columns.chunks_exact_mut(self.words) {
                column[self.words - 1] &= mask;
            }
        }
    }

    /// The first shots alone.
    pub fn first(&self, shots: usize) -> Samples {
        let mut out = Samples::zeros(shots.min(self.shots), self.n_cbits);
        for cbit in 0..self.n_cbits as u32 {
            let words = out.words;
            out.column_mut(cbit).copy_from_slice(&self.column(cbit)[..words]);
        }
        out.trim();
        out
    }

    /// These shots, in this order.
    pub fn of(&self, shots: &[u32]) -> Samples {
        let mut out = Samples::zeros(shots.len(), self.n_cbits);
        for cbit in 0..self.n_cbits as u32 {
            for (at, &shot) in shots.iter().enumerate() {
                if self.get(shot as usize, cbit) {
                    out.set(at, cbit);
                }
            }
        }
        out
    }

    /// Row-major bytes of 0 and 1, shape (shots, n_cbits).
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![0u8; self.shots * self.n_cbits];
        for cbit in 0..self.n_cbits {
            for (at, &word) in self.column(cbit as u32).iter().enumerate() {
                let mut rest = word;
                while rest != 0 {
                    let shot = at * 64 + rest.trailing_zeros() as usize;
                    out[shot * self.n_cbits + cbit] = 1;
                    rest &= rest - 1;
                }
            }
        }
        out
    }

    /// Printed bitstrings with their numbers of shots, in ascending order; registers left to right, a space between.
    pub fn counts(&self, registers: &[Register]) -> Vec<(String, usize)> {
        let columns: Vec<u32> = registers.iter().flat_map(|r| r.cbits.iter().copied()).collect();
        if self.shots == 0 {
            return vec![];
        }
        if columns.len() <= HISTOGRAM_BITS && self.shots >> columns.len() > 0 {
            return self.histogram(registers, &columns);
        }
        let width = columns.len().div_ceil(64).max(1);
        let mut keys = self.keys(&columns, width);
        let mut out: Vec<(String, usize)> = Vec::new();
        if width == 1 {
            keys.sort_unstable();
            let mut at = 0;
            while at < keys.len() {
                let end = at + keys[at..].partition_point(|&k| k == keys[at]);
                out.push((text(registers, &keys[at..at + 1]), end - at));
                at = end;
            }
            return out;
        }
        let mut rows: Vec<&[u64]> = keys.chunks_exact(width).collect();
        rows.sort_unstable();
        let mut at = 0;
        while at < rows.len() {
            let end = at + rows[at..].partition_point(|&k| k == rows[at]);
            out.push((text(registers, rows[at]), end - at));
            at = end;
        }
        out
    }

    /// `counts` of so few columns that every key has a place, and no shot needs one of its own.
    fn histogram(&self, registers: &[Register], columns: &[u32]) -> Vec<(String, usize)> {
        let mut found = vec![0usize; 1 << columns.len()];
        for from in 0..self.words {
            let block = self.block(columns, from);
            for &bits in &block[..(self.shots - from * 64).min(64)] {
                found[(bits >> (63 - columns.len()) >> 1) as usize] += 1;
            }
        }
        let seen = found.into_iter().enumerate().filter(|&(_, shots)| shots > 0);
        seen.map(|(key, shots)| (text(registers, &[(key as u64) << (63 - columns.len()) << 1]), shots)).collect()
    }

    /// The first `n_columns` cbits of shots `from..to`, 8 a byte with the first in the highest bit; each shot is padded to
    /// whole bytes.
    pub fn packed(&self, n_columns: usize, from: usize, to: usize) -> Vec<u8> {
        let (to, step) = (to.min(self.shots), n_columns.div_ceil(8));
        let mut out = vec![0u8; to.saturating_sub(from) * step];
        let columns: Vec<u32> = (0..n_columns as u32).collect();
        for (word, group) in columns.chunks(64).enumerate() {
            let (start, bytes) = (word * 8, group.len().div_ceil(8));
            for at in from / 64..to.div_ceil(64) {
                let block = self.block(group, at);
                for shot in from.max(at * 64)..to.min(at * 64 + 64) {
                    let row = (shot - from) * step + start;
                    out[row..row + bytes].copy_from_slice(&block[shot % 64].to_be_bytes()[..bytes]);
                }
            }
        }
        out
    }

    /// Of 64 shots from word `from`, up to 64 columns as one word a shot, the first column in the highest bit.
    fn block(&self, columns: &[u32], from: usize) -> [u64; 64] {
        let mut block: [u64; 64] = std::array::from_fn(|k| match columns.get(63 - k) {
            Some(&cbit) if cbit != NONE => self.column(cbit)[from],
            _ => 0,
        });
        transpose(&mut block);
        block
    }

    /// `width` words a shot; the first printed bit is the highest bit of the first word, so that order is the text's.
    fn keys(&self, columns: &[u32], width: usize) -> Vec<u64> {
        let mut keys = vec![0u64; self.shots * width];
        for (word, group) in columns.chunks(64).enumerate() {
            for from in 0..self.words {
                let block = self.block(group, from);
                let shots = (self.shots - from * 64).min(64);
                for (shot, &bits) in block[..shots].iter().enumerate() {
                    keys[(from * 64 + shot) * width + word] = bits;
                }
            }
        }
        keys
    }
}

fn text(registers: &[Register], key: &[u64]) -> String {
    let bits: usize = registers.iter().map(|r| r.cbits.len()).sum();
    let mut out = String::with_capacity(bits + registers.len());
    let mut at = 0;
    for (k, register) in registers.iter().enumerate() {
        if k > 0 {
            out.push(' ');
        }
        for _ in 0..register.cbits.len() {
            out.push(if key[at / 64] >> (63 - at % 64) & 1 == 1 { '1' } else { '0' });
            at += 1;
        }
    }
    out
}

/// Transposes 64 x 64 bits: bit c of word r goes to bit r of word c (Warren, Hacker's Delight, 7-3).
pub fn transpose(block: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = 0x0000_0000_FFFF_FFFFu64;
    while width != 0 {
        let mut row = 0;
        while row < 64 {
            let swap = ((block[row] >> width) ^ block[row + width]) & mask;
            block[row] ^= swap << width;
            block[row + width] ^= swap;
            row = (row + width + 1) & !width;
        }
        width >>= 1;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_block_has_rows_for_columns() {
        let mut block: [u64; 64] = std::array::from_fn(|k| (k as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let before = block;
        transpose(&mut block);
        for (r, row) in before.iter().enumerate() {
            for (c, column) in block.iter().enumerate() {
                assert_eq!(row >> c & 1, column >> r & 1);
            }
        }
    }

    #[test]
    fn packed_rows_hold_the_first_columns_of_some_shots() {
        let mut samples = Samples::zeros(130, 70);
        for (shot, cbit) in [(64, 0), (64, 65), (129, 9), (129, 68)] {
            samples.set(shot, cbit);
        }
        let mut first = [0u8; 9];
        (first[0], first[8]) = (0b1000_0000, 0b0100_0000);
        let mut last = [0u8; 9];
        (last[1], last[8]) = (0b0100_0000, 0b0000_1000);
        let rows = samples.packed(69, 64, 200);
        assert_eq!(rows.len(), 66 * 9);
        assert_eq!(rows[..9], first);
        assert_eq!(rows[65 * 9..], last);
        assert!(rows[9..65 * 9].iter().all(|&byte| byte == 0));
        assert!(samples.packed(0, 0, 130).is_empty());
    }

    #[test]
    fn counts_print_registers_left_to_right() {
        let mut samples = Samples::zeros(70, 66);
        samples.set(69, 0);
        samples.set(3, 65);
        let registers = [
            Register { name: "a".into(), cbits: vec![0, NONE].into(), descending: false },
            Register { name: "b".into(), cbits: (1..66).collect(), descending: false },
        ];
        let zeros = "0".repeat(65);
        let last = format!("{}1", "0".repeat(64));
        let expected = [(format!("00 {zeros}"), 68), (format!("00 {last}"), 1), (format!("10 {zeros}"), 1)];
        assert_eq!(samples.counts(&registers), expected);
        let few = [Register { name: "a".into(), cbits: vec![65, NONE, 0].into(), descending: false }];
        let expected = [("000".to_owned(), 68), ("001".to_owned(), 1), ("100".to_owned(), 1)];
        assert_eq!(samples.counts(&few), expected);
        assert_eq!(samples.counts(&[]), [(String::new(), 70)]);
        assert_eq!(samples.bytes().iter().filter(|&&b| b == 1).count(), 2);
    }
}
