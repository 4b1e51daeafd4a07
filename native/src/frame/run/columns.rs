//! Instructions on packed columns.

use super::Batch;
use crate::circuit::NONE;
use crate::frame::plan::Span;

impl Batch<'_> {
    #[inline]
    pub fn column(&self, symbol: u32) -> &[u64] {
        &self.columns[symbol as usize * self.words..(symbol as usize + 1) * self.words]
    }

    #[inline]
    pub fn column_mut(&mut self, symbol: u32) -> &mut [u64] {
        &mut self.columns[symbol as usize * self.words..(symbol as usize + 1) * self.words]
    }

    /// `symbol`'s column to change and another one to read.
    #[inline]
    fn pair(&mut self, symbol: u32, other: u32) -> (&mut [u64], &[u64]) {
        let (a, b, words) = (symbol as usize * self.words, other as usize * self.words, self.words);
        if a < b {
            let (low, high) = self.columns.split_at_mut(b);
            (&mut low[a..a + words], &high[..words])
        } else {
            let (low, high) = self.columns.split_at_mut(a);
            (&mut high[..words], &low[b..b + words])
        }
    }

    pub fn parity(&mut self, out: u32, from: Span, flip: bool) {
        self.column_mut(out).fill(if flip { u64::MAX } else { 0 });
        let code = self.code;
        for &symbol in code.items(from) {
            let (target, source) = self.pair(out, symbol);
            target.iter_mut().zip(source).for_each(|(t, s)| *t ^= s);
        }
    }

    pub fn coin(&mut self, out: u32) {
        let (at, words) = (out as usize * self.words, self.words);
        for word in &mut self.columns[at..at + words] {
            *word = self.dice.bits();
        }
    }

    /// Skips from error to error: the gap between two is geometric.
    pub fn noise(&mut self, out: u32, operands: usize, param: usize) {
        let circuit = self.circuit;
        let chances = &circuit.params[param..param + (1 << (2 * operands)) - 1];
        let sum: f64 = chances.iter().sum();
        let total = sum.min(1.0);
        let shots = self.words * 64;
        let log = (1.0 - total).ln();
        let mut shot = 0usize;
        loop {
            if total < 1.0 {
                let gap = ((1.0 - self.dice.unit()).ln() / log).floor();
                if gap >= (shots - shot) as f64 {
                    return;
                }
                shot += gap as usize;
            }
            let error = fell(chances, self.dice.unit() * sum) + 1;
            let bit = 1u64 << (shot % 64);
            let word = shot / 64;
            for k in 0..operands {
                let letter = error >> (2 * (operands - 1 - k)) & 3; // 1 is X, 2 is Y, 3 is Z
                if letter == 1 || letter == 2 {
                    self.column_mut(out + 2 * k as u32)[word] |= bit;
                }
                if letter >= 2 {
                    self.column_mut(out + 2 * k as u32 + 1)[word] |= bit;
                }
            }
            shot += 1;
            if shot >= shots {
                return;
            }
        }
    }

    pub fn junction(&mut self, out: u32, from: Span, any: bool) {
        // any = not all of the negations
        let code = self.code;
        self.column_mut(out).fill(u64::MAX);
        for &literal in code.items(from) {
            let (target, source) = self.pair(out, literal / 2);
            let flip = if (literal & 1 == 1) != any { u64::MAX } else { 0 };
            target.iter_mut().zip(source).for_each(|(t, s)| *t &= s ^ flip);
        }
        if any {
            self.column_mut(out).iter_mut().for_each(|t| *t = !*t);
        }
    }

    pub fn lookup(&mut self, out: u32, table: u32, from: Span, under: u32) {
        let (circuit, code) = (self.circuit, self.code);
        let (table, inputs) = (&circuit.tables[table as usize].bits, code.items(from));
        for word in 0..self.words {
            let mut value = if inputs.len() <= 6 {
                let columns: [u64; 6] = std::array::from_fn(|i| inputs.get(i).map_or(0, |&s| self.column(s)[word]));
                choose(table[0], &columns[..inputs.len()])
            } else {
                (0..64).fold(0, |value, shot| {
                    let bit = |i: usize| (self.column(inputs[i])[word] >> shot & 1) as usize;
                    let row = (0..inputs.len()).fold(0usize, |row, i| row | bit(i) << i);
                    value | (table[row / 64] >> (row % 64) & 1) << shot
                })
            };
            if under != NONE {
                value &= self.column(under)[word];
            }
            self.column_mut(out)[word] = value;
        }
    }
}

/// Looks 64 rows of a table up at once, by Shannon's expansion from the last input on.
pub(crate) fn choose(table: u64, inputs: &[u64]) -> u64 {
    let Some((&last, rest)) = inputs.split_last() else { return if table & 1 == 1 { u64::MAX } else { 0 } };
    let half = 1u32 << rest.len();
    let low = choose(table & ((1u64 << half) - 1), rest);
    let high = choose(table >> half, rest);
    low ^ (last & (low ^ high))
}

/// Which of the errors a die below their sum names; the last that can happen where rounding goes beyond it.
pub(crate) fn fell(chances: &[f64], mut die: f64) -> usize {
    let mut last = 0;
    for (error, &chance) in chances.iter().enumerate().filter(|(_, &chance)| chance > 0.0) {
        last = error;
        if die < chance {
            break;
        }
        die -= chance;
    }
    last
}
