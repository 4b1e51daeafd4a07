//! Several rotations of a large state in one pass through memory.
//!
//! The high bits of what the rotations move span a space of few dimensions; its cosets are taken one by one into a
//! buffer that the cache holds, where a rotation is one of a small state: bit i above the low ones stands for the i-th
//! basis vector, and what a coset's own high bits add to a sign is the sense of the rotation.

use super::kernels::{odd, turn_blocks, Amplitudes};
use crate::frame::plan::Local;

/// Amplitudes that stay together: 2^LOW.
const LOW: u32 = 10;

/// Most basis vectors of the high bits.
const DIMENSIONS: usize = 4;

/// Qubits from which on it pays: the state is larger than the cache.
pub const LARGE: u32 = 17;

#[derive(Clone, Copy)]
pub struct Rotation {
    pub p: Local,
    pub cos: f64,
    pub sin: f64,
}

/// A space over the field of two elements, with a basis in which each leading bit is in one vector only.
#[derive(Default)]
struct Span(Vec<u64>);

impl Span {
    /// Adds a vector; false if the space would be too large.
    fn take(&mut self, mut v: u64) -> bool {
        for &b in &self.0 {
            v = v.min(v ^ b);
        }
        if v == 0 {
            return true;
        }
        if self.0.len() == DIMENSIONS {
            return false;
        }
        let lead = 63 - v.leading_zeros();
        self.0.iter_mut().filter(|b| **b >> lead & 1 == 1).for_each(|b| *b ^= v);
        self.0.push(v);
        true
    }

    fn lead(v: u64) -> u32 {
        63 - v.leading_zeros()
    }

    /// Which basis vectors add up to a member.
    fn coordinates(&self, v: u64) -> u64 {
        self.0.iter().enumerate().fold(0, |c, (i, &b)| c | (v >> Span::lead(b) & 1) << i)
    }

    fn sum(&self, coordinates: u64) -> u64 {
        let chosen = self.0.iter().enumerate().filter(|&(i, _)| coordinates >> i & 1 == 1);
        chosen.fold(0, |v, (_, &b)| v ^ b)
    }
}

/// How many of the first rotations go through memory together.
pub fn together(rotations: &[Rotation]) -> usize {
    let mut span = Span::default();
    rotations.iter().take_while(|r| span.take(r.p.x >> LOW)).count()
}

/// A rotation in the coordinates of the buffer.
struct Inner {
    p: Local,
    cos: f32,
    sin: f32,
    /// High bits of z: their parity with those of a coset is the sense.
    high: u64,
}

/// Applies rotations that go together.
pub fn turn(state: &mut Amplitudes, rotations: &[Rotation]) {
    let mut span = Span::default();
    rotations.iter().for_each(|r| assert!(span.take(r.p.x >> LOW), "rotations that do not go together"));
    let inner: Vec<Inner> = rotations
        .iter()
        .map(|r| {
            let low = (1u64 << LOW) - 1;
            let signs = span.0.iter().enumerate().fold(0, |z, (i, &b)| z | (odd(b & r.p.z >> LOW) as u64) << i);
            let x = span.coordinates(r.p.x >> LOW) << LOW | r.p.x & low;
            let p = Local { x, z: signs << LOW | r.p.z & low, power: r.p.power };
            let sin = if r.p.power < 2 { r.sin } else { -r.sin };
            Inner { p, cos: r.cos as f32, sin: sin as f32, high: r.p.z >> LOW }
        })
        .collect();
    let offsets: Vec<u64> = (0..1u64 << span.0.len()).map(|c| span.sum(c)).collect();
    let leads = span.0.iter().fold(0, |all, &b| all | 1 << Span::lead(b));
    let rows = state.re.len() as u64 >> LOW;
    let row = 1usize << LOW;
    let mut buffer = Amplitudes { re: vec![0.0; row * offsets.len()], im: vec![0.0; row * offsets.len()] };
    for coset in (0..rows).filter(|h| h & leads == 0) {
        for (at, &offset) in offsets.iter().enumerate() {
            let from = (coset ^ offset) as usize * row;
            buffer.re[at * row..(at + 1) * row].copy_from_slice(&state.re[from..from + row]);
            buffer.im[at * row..(at + 1) * row].copy_from_slice(&state.im[from..from + row]);
        }
        for r in &inner {
            let sin = if odd(coset & r.high) { -r.sin } else { r.sin };
            turn_blocks(&mut buffer.re, &mut buffer.im, r.p.x, r.p.z, r.p.power & 1 == 1, r.cos, sin);
        }
        for (at, &offset) in offsets.iter().enumerate() {
            let to = (coset ^ offset) as usize * row;
            state.re[to..to + row].copy_from_slice(&buffer.re[at * row..(at + 1) * row]);
            state.im[to..to + row].copy_from_slice(&buffer.im[at * row..(at + 1) * row]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::frame::run::kernels;

    #[test]
    fn one_pass_does_what_the_rotations_do_one_by_one() {
        let mut dice = Dice::new(1, &[]);
        let k = LOW + 6;
        let mut part = || (0..1 << k).map(|_| dice.unit() as f32 - 0.5).collect::<Vec<f32>>();
        let mut one = Amplitudes { re: part(), im: part() };
        let mut other = one.clone();
        let mask = (1u64 << k) - 1;
        let mut rotations: Vec<Rotation> = (0..40)
            .map(|_| {
                let (x, z) = (dice.bits() & mask, dice.bits() & mask);
                let power = ((x & z).count_ones() + 2 * (dice.bits() & 1) as u32) as u8 & 3;
                let (sin, cos) = (dice.unit() * 6.0).sin_cos();
                Rotation { p: Local { x, z, power }, cos, sin }
            })
            .collect();
        rotations[7].p.x = 0;
        rotations[7].p.power = 2;
        let mut left = rotations.as_slice();
        while !left.is_empty() {
            let count = together(left);
            assert!(count >= DIMENSIONS.min(left.len()));
            turn(&mut one, &left[..count]);
            left = &left[count..];
        }
        rotations.iter().for_each(|r| kernels::turn(&mut other, &r.p, r.cos, r.sin));
        let far = one.re.iter().zip(&other.re).chain(one.im.iter().zip(&other.im));
        assert!(far.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) < 1e-5);
    }
}
