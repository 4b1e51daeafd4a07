//! Rotations in groups that commute, with fewer T gates in each (`todd`).

use super::angle::Angle;
use super::gadgets::{Gadget, Gadgets};
use super::todd::{distinct, fewer, Column};
use super::word::{Word, WIRES};

/// Independent operators, and others as products of them.
#[derive(Default)]
struct Generators {
    words: Vec<Word>,
    /// Products with a leading bit of their own: what they are, and of which generators.
    reduced: Vec<(Word, Column)>,
}

impl Generators {
    /// The generators of which an operator is the product, up to its sign; a new one if it is none.
    fn column(&mut self, word: &Word) -> Option<Column> {
        let mut left = Word { negative: false, ..*word };
        let mut column = 0;
        for (other, parts) in &self.reduced {
            let lead = lead(other);
            if bit(&left, lead) {
                left = left.times(other, 0);
                column ^= parts;
            }
        }
        if left.support() == 0 {
            return Some(column);
        }
        if self.words.len() == WIRES {
            return None;
        }
        let own = 1 << self.words.len();
        self.words.push(Word { negative: false, ..*word });
        self.reduced.push((left, column ^ own));
        Some(own)
    }

    /// The product of the generators of a column.
    fn product(&self, column: Column) -> Word {
        (0..self.words.len())
            .filter(|k| column >> k & 1 == 1)
            .fold(Word::default(), |product, k| product.times(&self.words[k], 0))
    }
}

/// The first bit that is set: of X, or else of Z.
fn lead(word: &Word) -> (bool, u32) {
    if word.x != 0 {
        (true, word.x.trailing_zeros())
    } else {
        (false, word.z.trailing_zeros())
    }
}

fn bit(word: &Word, (is_x, at): (bool, u32)) -> bool {
    (if is_x { word.x } else { word.z }) >> at & 1 == 1
}

/// A sum of phases in eighths of a turn: `linear[i]` x_i + 2 `square[i][j]` x_i x_j + 4 (parity of triples).
struct Polynomial {
    linear: Vec<i64>,
    square: Vec<Vec<i64>>,
}

impl Polynomial {
    fn of(n: usize, terms: &[(Column, i64)]) -> Polynomial {
        let mut made = Polynomial { linear: vec![0; n], square: vec![vec![0; n]; n] };
        for &(column, eighths) in terms {
            let parts: Vec<usize> = (0..n).filter(|k| column >> k & 1 == 1).collect();
            for (at, &i) in parts.iter().enumerate() {
                made.linear[i] += eighths;
                parts[at + 1..].iter().for_each(|&j| made.square[i][j] -= eighths);
            }
        }
        made
    }
}

/// Of which three generators odd numbers of terms are made.
fn triples(n: usize, terms: &[(Column, i64)]) -> Vec<bool> {
    let mut found = vec![false; n * n * n];
    for &(column, _) in terms.iter().filter(|(_, eighths)| eighths % 2 != 0) {
        let parts: Vec<usize> = (0..n).filter(|k| column >> k & 1 == 1).collect();
        for (at, &i) in parts.iter().enumerate() {
            for (more, &j) in parts[at + 1..].iter().enumerate() {
                parts[at + more + 2..].iter().for_each(|&k| found[(i * n + j) * n + k] ^= true);
            }
        }
    }
    found
}

/// The same unitary with fewer T gates, None if none are saved. `looks`: see `fewer`, for all groups.
pub fn with_fewer(gadgets: &Gadgets, looks: usize) -> Option<Gadgets> {
    let groups = gadgets.groups();
    let mut made = Gadgets { rotations: Vec::with_capacity(gadgets.rotations.len()), ..gadgets.clone() };
    let mut starts = Vec::new();
    for group in &groups {
        starts.push(made.rotations.len());
        made.rotations.extend(group.iter().map(|&at| gadgets.rotations[at]));
    }
    let mut gained = false;
    for (start, group) in starts.into_iter().zip(&groups).rev() {
        // Later groups have their new lengths already; those before keep their places.
        gained |= shrink(&mut made, start, group.len(), looks * group.len() / gadgets.rotations.len());
    }
    gained.then_some(made)
}

/// Fewer T gates in the group of `count` rotations from `start`; whether there are.
fn shrink(gadgets: &mut Gadgets, start: usize, count: usize, looks: usize) -> bool {
    let mut generators = Generators::default();
    let mut terms: Vec<(Column, i64)> = Vec::new();
    let mut kept: Vec<Gadget> = Vec::new();
    for gadget in &gadgets.rotations[start..start + count] {
        let column = if gadget.angle.is_free() { None } else { generators.column(&gadget.axis) };
        let Some(column) = column else {
            kept.push(*gadget);
            continue;
        };
        let sign = generators.product(column).negative != gadget.axis.negative;
        terms.push((column, gadget.angle.signed(sign).eighths as i64));
    }
    let n = generators.words.len();
    let columns = distinct(terms.iter().filter(|term| term.1 % 2 != 0).map(|term| term.0).collect());
    let found = fewer(n, columns.clone(), looks);
    let new: Vec<(Column, i64)> = found.iter().map(|&column| (column, 1)).collect();
    if found.len() >= columns.len() || triples(n, &terms) != triples(n, &new) {
        return false;
    }
    let Some(turns) = difference(&generators, &terms, &new) else { return false };
    kept.extend(found.iter().map(|&column| {
        let angle = Angle { eighths: 1, rest: 0.0 };
        Gadget { axis: generators.product(column), angle }
    }));
    let end = start + kept.len();
    gadgets.rotations.splice(start..start + count, kept);
    turns.iter().for_each(|(axis, quarters)| gadgets.turn(end, axis, *quarters));
    true
}

/// The quarter turns about generators and products of two that make up for new terms in place of old ones; None if none
/// do.
fn difference(generators: &Generators, old: &[(Column, i64)], new: &[(Column, i64)]) -> Option<Vec<(Word, u8)>> {
    let n = generators.words.len();
    let (old, new) = (Polynomial::of(n, old), Polynomial::of(n, new));
    let mut eighths: Vec<i64> = (0..n).map(|i| old.linear[i] - new.linear[i]).collect();
    let mut turns = Vec::new();
    for i in 0..n {
        for j in i + 1..n {
            match (old.square[i][j] - new.square[i][j]).rem_euclid(4) {
                0 => (),
                // 4 x y is 2 x + 2 y - 2 (x + y modulo 2)
                2 => {
                    eighths[i] += 2;
                    eighths[j] += 2;
                    turns.push((generators.product(1 << i | 1 << j), 3));
                }
                _ => return None,
            }
        }
    }
    for (i, &turn) in eighths.iter().enumerate() {
        if turn % 2 != 0 {
            return None;
        }
        let quarters = (turn / 2).rem_euclid(4) as u8;
        if quarters != 0 {
            turns.push((generators.words[i], quarters));
        }
    }
    Some(turns)
}
