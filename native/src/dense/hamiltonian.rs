//! A sum of Pauli strings, made ready to be applied to states.
//!
//! Strings that flip the same qubits differ only in signs, so they are one pass over the state: amplitude y of the
//! result is amplitude `y ^ flip` times a factor, the sum of their signed coefficients. Where many strings flip the
//! same qubits their factors are computed once, by a Walsh-Hadamard transform of the coefficients.

use std::collections::BTreeMap;

use super::buffer::Lines;
use super::flat::{letters, Flat};
use super::isa::{with_isa, Isa};
use super::kernels_adjoint::{Flipped, Signed};
use super::lanes::Real;
use super::tiny::Flushed;
use super::Refused;

/// Strings of a group from which its factors are held ready.
const MANY: usize = 8;
/// Most numbers that are held ready.
const READY: usize = 1 << 20;
/// Blocks between two looks at `stop`.
const BLOCKS: usize = 1 << 12;

/// Real or imaginary part of the factors of a group.
#[derive(Default)]
struct Part<R> {
    terms: Vec<Signed>,
    ready: Option<Vec<R>>,
}

struct Group<R> {
    flip: usize,
    parts: [Part<R>; 2],
}

pub struct PauliSum<R: Real> {
    groups: Vec<Group<R>>,
    numbers: Lines<R>,
    bits: u32,
}

impl<R: Real> PauliSum<R> {
    /// `real`: for real states, of which strings with an odd number of Y have no value and no slope.
    pub fn new(terms: &[(String, f64)], n: u32, real: bool) -> Result<PauliSum<R>, Refused> {
        let mut found: BTreeMap<usize, BTreeMap<usize, [f64; 2]>> = BTreeMap::new();
        for (text, factor) in terms {
            let string = letters(text, n as usize)?;
            let mask =
                |which: [u8; 2]| string.iter().filter(|(_, p)| which.contains(p)).fold(0usize, |m, (q, _)| m | 1 << q);
            let (flip, sign) = (mask([1, 2]), mask([2, 3]));
            // P|x> is i^ys (-1)^(x . sign) |x ^ flip>; seen from y = x ^ flip the factor is (-i)^ys (-1)^(y . sign).
            let ys = (flip & sign).count_ones() as usize;
            if real && ys % 2 == 1 {
                continue;
            }
            let turned = if matches!(ys % 4, 1 | 2) { -factor } else { *factor };
            found.entry(flip).or_default().entry(sign).or_default()[ys % 2] += turned;
        }
        let bits = n.max(R::LANE_BITS);
        let (mut numbers, mut room) = (Lines::new(), READY);
        let mut groups = Vec::with_capacity(found.len());
        for (flip, signs) in found {
            let mut part = |which: usize| {
                let terms: Vec<(usize, f64)> =
                    signs.iter().map(|(&sign, c)| (sign, c[which])).filter(|(_, c)| *c != 0.0).collect();
                if terms.len() >= MANY && (1usize << bits) <= room {
                    room -= 1 << bits;
                    return Part { terms: vec![], ready: Some(factors(&terms, bits)) };
                }
                let terms = terms.iter().map(|&(sign, c)| signed(sign, c, &mut numbers)).collect();
                Part { terms, ready: None }
            };
            groups.push(Group { flip, parts: [part(0), part(1)] });
        }
        Ok(PauliSum { groups, numbers, bits })
    }

    /// `to += P from`; false if stopped.
    pub fn add(&self, to: &mut Flat<R>, from: &Flat<R>, stop: &dyn Fn(u64) -> bool) -> Result<(), Refused> {
        assert_eq!((to.bits, to.parts, from.bits), (self.bits, from.parts, self.bits), "states of its qubits");
        let blocks = (1usize << self.bits) / R::W;
        let _flushed = Flushed::new();
        for group in &self.groups {
            let strings = Flipped {
                block: group.flip >> R::LANE_BITS,
                lanes: group.flip & (R::W - 1),
                factors: [0, 1].map(|part: usize| group.parts[part].ready.as_deref()),
                terms: [0, 1].map(|part: usize| group.parts[part].terms.as_slice()),
                numbers: self.numbers.tail(0),
            };
            for first in (0..blocks).step_by(BLOCKS) {
                let these = first..(first + BLOCKS).min(blocks);
                let done = (these.len() * R::W) as u64;
                let (data, amplitudes) = (to.amplitudes.as_mut_ptr(), from.amplitudes.as_ptr());
                // SAFETY: two states of all the blocks, one of them borrowed alone; the ready factors have a vector a
                // block; `level` was found on this machine.
                with_isa!(from.level, I => unsafe {
                    if from.parts == 2 {
                        <I as Isa<R>>::add_paulis::<true>(data, amplitudes, these, &strings)
                    } else {
                        <I as Isa<R>>::add_paulis::<false>(data, amplitudes, these, &strings)
                    }
                });
                if stop(done) {
                    return Err(Refused::Stopped);
                }
            }
        }
        Ok(())
    }
}

/// A coefficient with the signs of the lanes.
fn signed<R: Real>(sign: usize, c: f64, numbers: &mut Lines<R>) -> Signed {
    let at = numbers.add(R::W);
    for (lane, slot) in numbers.tail_mut(at)[..R::W].iter_mut().enumerate() {
        *slot = R::of(if (lane & sign).count_ones() % 2 == 1 { -c } else { c });
    }
    Signed { sign: sign >> R::LANE_BITS, at }
}

/// For every y, the sum of the coefficients times `(-1)^(y . sign)`.
fn factors<R: Real>(terms: &[(usize, f64)], bits: u32) -> Vec<R> {
    let mut sums = vec![0.0; 1 << bits];
    terms.iter().for_each(|&(sign, c)| sums[sign] = c);
    for b in 0..bits {
        for pair in sums.chunks_exact_mut(2 << b) {
            let (zero, one) = pair.split_at_mut(1 << b);
            zero.iter_mut().zip(one).for_each(|(x, y)| (*x, *y) = (*x + *y, *x - *y));
        }
    }
    sums.into_iter().map(R::of).collect()
}
