//! An observable taken back through the segments of its cone, and its mean value in the product state before them.

use super::segment::{segments, Segment, MOST_WORDS};
use super::sum::Sum;
use super::{Cone, Cut, Limits, Outcome, Stopped};
use crate::frame::pauli::{flip, members, Pauli};

/// Terms between two looks at whether somebody wants to stop.
const BETWEEN_LOOKS: u64 = 1 << 20;

pub struct Run<'a, const W: usize> {
    segments: Vec<Segment<W>>,
    bloch: Vec<[f64; 3]>,
    cut: Cut,
    limits: &'a Limits<'a>,
    /// What a string becomes by the rotations of a segment.
    spread: Vec<(Pauli<W>, f64)>,
    /// Terms of each of two sums, and of `spread`.
    most: usize,
    out: Outcome,
    next_look: u64,
}

impl<'a, const W: usize> Run<'a, W> {
    /// `bloch` is of the qubits of the cone.
    pub fn new(cone: &Cone, bloch: Vec<[f64; 3]>, cut: Cut, limits: &'a Limits<'a>) -> Run<'a, W> {
        Run {
            segments: segments(&cone.acts, cone.qubits.len()),
            bloch,
            cut,
            limits,
            spread: Vec::new(),
            most: usize::try_from(limits.memory / (3 * Sum::<W>::TERM_BYTES)).unwrap_or(usize::MAX),
            out: Outcome::default(),
            next_look: BETWEEN_LOOKS,
        }
    }

    /// `strings`: letters by qubit of the cone (1 X, 2 Z, 3 Y), with factors.
    pub fn value(mut self, strings: &[(Vec<(usize, u8)>, f64)]) -> Result<Outcome, Stopped> {
        let mut sum = Sum::with_room(strings.len(), self.most.max(strings.len()));
        for (letters, factor) in strings {
            let mut p = Pauli::I;
            for &(q, letter) in letters {
                if letter & 1 == 1 {
                    flip(&mut p.x, q);
                }
                if letter & 2 == 2 {
                    flip(&mut p.z, q);
                }
            }
            sum.add(&p, *factor);
        }
        let segments = std::mem::take(&mut self.segments);
        self.out.segments = segments.len();
        let mut spare = Sum::with_room(0, self.most);
        let Some((last, before)) = segments.split_last() else {
            self.out.peak_terms = sum.terms.len();
            self.out.value = sum.terms.iter().map(|term| term.factor * mean(&self.bloch, &term.x, &term.z)).sum();
            return Ok(self.out);
        };
        for (at, segment) in before.iter().enumerate() {
            self.out.done = at;
            self.pass(segment, &sum, &mut |p, factor| spare.add(p, factor))?;
            std::mem::swap(&mut sum, &mut spare);
            spare.clear();
        }
        // No string of the last segment needs to be kept: its mean value is known.
        self.out.done = before.len();
        let bloch = std::mem::take(&mut self.bloch);
        let mut value = 0.0;
        self.pass(last, &sum, &mut |p, factor| {
            value += factor * mean(&bloch, &p.x, &p.z);
            true
        })?;
        self.out.done += 1;
        self.out.value = value;
        Ok(self.out)
    }

    /// Gives what a segment makes of a sum to `keep`, which says whether there was room.
    fn pass(
        &mut self,
        segment: &Segment<W>,
        sum: &Sum<W>,
        keep: &mut impl FnMut(&Pauli<W>, f64) -> bool,
    ) -> Result<(), Stopped> {
        self.out.peak_terms = self.out.peak_terms.max(sum.terms.len());
        let mut bits = [0; MOST_WORDS];
        for term in &sum.terms {
            if self.is_cut(term.factor, &term.x, &term.z) {
                self.cut_off(term.factor);
                continue;
            }
            let Some((p, factor)) = segment.image(&term.x, &term.z, &mut bits) else { continue };
            self.spread.clear();
            self.spread.push((p, factor * term.factor));
            self.branch(segment, &bits)?;
            for (p, factor) in &self.spread {
                if *factor != 0.0 && !keep(p, *factor) {
                    return Err(self.full());
                }
            }
        }
        Ok(())
    }

    /// Lets the one string in `spread` become what the channels make of it, and then the rotations that it anticommutes
    /// with.
    #[inline]
    fn branch(&mut self, segment: &Segment<W>, bits: &[u64; MOST_WORDS]) -> Result<(), Stopped> {
        for (mix, string) in segment.mixing(bits) {
            let parts = mix.rows.of(string);
            let now = self.spread.len();
            self.count((now * parts.len()) as u64)?;
            if now * parts.len().max(1) > self.most {
                return Err(self.full());
            }
            for at in 0..now {
                let (before, factor) = self.spread[at];
                self.spread[at].1 = 0.0;
                for part in parts {
                    let mut p = before;
                    p.absorb(&mix.letters[part.times], part.power);
                    let made = self.kept(if p.neg { -factor * part.factor } else { factor * part.factor });
                    p.neg = false;
                    if part.times == 0 {
                        self.spread[at].1 = made;
                    } else if made != 0.0 {
                        self.spread.push((p, made));
                    }
                }
            }
        }
        for turn in segment.chosen(bits) {
            let now = self.spread.len();
            self.count(now as u64)?;
            if 2 * now > self.most {
                return Err(self.full());
            }
            for at in 0..now {
                let (mut p, factor) = self.spread[at];
                self.spread[at].1 = self.kept(factor * turn.cos);
                p.absorb(&turn.about, 3);
                let made = self.kept(if p.neg { -factor * turn.sin } else { factor * turn.sin });
                if made != 0.0 {
                    p.neg = false;
                    self.spread.push((p, made));
                }
            }
        }
        self.count(1)
    }

    fn full(&self) -> Stopped {
        Stopped::Memory { allowed: self.limits.memory, at: self.out }
    }

    /// A factor, or 0 where it is cut before it meets others.
    #[inline]
    fn kept(&mut self, factor: f64) -> f64 {
        if factor.abs() >= self.cut.early {
            return factor;
        }
        self.cut_off(factor);
        0.0
    }

    #[inline]
    fn cut_off(&mut self, factor: f64) {
        self.out.bound += factor.abs();
        self.out.lost += factor * factor;
    }

    #[inline]
    fn is_cut(&self, factor: f64, x: &[u64; W], z: &[u64; W]) -> bool {
        let weight = || (0..W).map(|w| (x[w] | z[w]).count_ones()).sum::<u32>();
        factor.abs() < self.cut.coefficient || self.cut.weight != u32::MAX && weight() > self.cut.weight
    }

    #[inline]
    fn count(&mut self, terms: u64) -> Result<(), Stopped> {
        self.out.work += terms;
        if self.out.work > self.limits.work {
            return Err(Stopped::Work { at: self.out });
        }
        if self.out.work >= self.next_look {
            self.next_look = self.out.work + BETWEEN_LOOKS;
            if (self.limits.stopped)() {
                return Err(Stopped::Interrupted);
            }
        }
        Ok(())
    }
}

/// The mean value of a string in a product state.
#[inline]
fn mean<const W: usize>(bloch: &[[f64; 3]], x: &[u64; W], z: &[u64; W]) -> f64 {
    let support: [u64; W] = std::array::from_fn(|w| x[w] | z[w]);
    let mut value = 1.0;
    for q in members(support) {
        let (is_x, is_z) = (x[q / 64] >> (q % 64) & 1, z[q / 64] >> (q % 64) & 1);
        value *= bloch[q][(2 * is_z - (is_x & is_z)) as usize];
        if value == 0.0 {
            break;
        }
    }
    value
}
