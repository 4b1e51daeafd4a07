//! Sampling whole parts.

use super::dense::{unit, TINY};
use super::kernels::Amplitudes;
use super::lanes::{advance, Lanes};
use super::part::Part;
use super::Batch;
use crate::frame::plan::Span;
use crate::samples::transpose;

/// Amplitudes whose weights are summed before the search.
const BLOCK: usize = 16;

impl Batch<'_> {
    /// Measures all qubits of a part in every shot: bit j into the j-th of the symbols.
    pub fn draw(&mut self, part: u32, from: Span) {
        let mut found = vec![0u64; self.words * 64];
        match std::mem::take(&mut self.parts[part as usize]) {
            Part::Lanes(lanes) => self.draw_lanes(&lanes, &mut found),
            Part::Groups(groups) => {
                for group in &groups {
                    let sums = sums(&group.state);
                    let total = sums[sums.len() - 1];
                    for (word, &mask) in group.mask.iter().enumerate() {
                        let mut rest = mask;
                        while rest != 0 {
                            let shot = word * 64 + rest.trailing_zeros() as usize;
                            found[shot] = search(&group.state, &sums, self.dice.unit() * total) as u64;
                            rest &= rest - 1;
                        }
                    }
                }
            }
        }
        let code = self.code;
        for (word, block) in found.chunks_exact_mut(64).enumerate() {
            let Ok(block) = <&mut [u64; 64]>::try_from(block) else { continue };
            transpose(block);
            for (&out, &bits) in code.items(from).iter().zip(block.iter()) {
                self.column_mut(out)[word] = bits;
            }
        }
    }

    fn draw_lanes(&mut self, lanes: &Lanes, found: &mut [u64]) {
        let n = lanes.lanes;
        let (mut sum, mut index) = (vec![0f32; n], vec![0u32; n]);
        let mut mark = vec![-1f32; n];
        for b in 0..lanes.size() {
            let (re, im) = lanes.row(b);
            advance(re, im, &mut sum, &mark, &mut index);
        }
        for (word, marks) in mark.chunks_exact_mut(64).enumerate() {
            let bits = self.lots.word();
            for l in 0..64 {
                marks[l] = unit(bits[l]) * sum[word * 64 + l];
            }
        }
        sum.fill(0.0);
        for b in 0..lanes.size() {
            let (re, im) = lanes.row(b);
            advance(re, im, &mut sum, &mark, &mut index);
        }
        let last = lanes.size() - 1;
        found.iter_mut().zip(&index).for_each(|(f, &i)| *f = (i as u64).min(last));
    }
}

fn weight(state: &Amplitudes, at: usize) -> f64 {
    let (re, im) = (state.re[at] as f64, state.im[at] as f64);
    re * re + im * im
}

/// Running sums of the weights of blocks.
fn sums(state: &Amplitudes) -> Vec<f64> {
    let mut total = 0.0;
    let blocks = state.re.chunks(BLOCK).zip(state.im.chunks(BLOCK));
    blocks
        .map(|(re, im)| {
            total += re.iter().zip(im).map(|(&a, &b)| a as f64 * a as f64 + b as f64 * b as f64).sum::<f64>();
            total
        })
        .collect()
}

/// The index whose share of the running sum `mark` falls into; never one of rounding's weight.
fn search(state: &Amplitudes, sums: &[f64], mark: f64) -> usize {
    let block = sums.partition_point(|&s| s <= mark).min(sums.len() - 1);
    let mut rest = mark - if block == 0 { 0.0 } else { sums[block - 1] };
    let end = ((block + 1) * BLOCK).min(state.re.len());
    let mut heaviest = block * BLOCK;
    for at in block * BLOCK..end {
        let w = weight(state, at);
        if w > rest && w > TINY / state.re.len() as f64 {
            return at;
        }
        rest -= w;
        if w > weight(state, heaviest) {
            heaviest = at;
        }
    }
    heaviest
}
