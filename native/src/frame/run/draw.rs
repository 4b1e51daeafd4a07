//! Sampling whole parts.

use super::kernels::Amplitudes;
use super::Batch;
use crate::samples::transpose;

/// Amplitudes whose weights are summed before the search.
const BLOCK: usize = 16;

impl Batch<'_> {
    /// Measures all qubits of a part in every shot: bit j into `outs[j]`.
    pub fn draw(&mut self, part: u32, outs: &[u32]) -> u64 {
        let groups = std::mem::take(&mut self.parts[part as usize]).0;
        let mut work = 0;
        let mut found = vec![0u64; self.words * 64];
        for group in &groups {
            work += group.state.re.len() as u64;
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
        for (word, block) in found.chunks_exact_mut(64).enumerate() {
            let Ok(block) = <&mut [u64; 64]>::try_from(block) else { continue };
            transpose(block);
            for (&out, &bits) in outs.iter().zip(block.iter()) {
                self.column_mut(out)[word] = bits;
            }
        }
        work
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
        if w > rest && w > super::groups::TINY / state.re.len() as f64 {
            return at;
        }
        rest -= w;
        if w > weight(state, heaviest) {
            heaviest = at;
        }
    }
    heaviest
}
