//! Exact synthesis: a matrix over Z[omega] / sqrt 2^k as H, S and T gates, with the least number of T gates.
//!
//! The denominator is taken down by H T^j (Kliuchnikov, Maslov and Mosca, arXiv:1206.5236); what comes out is written
//! as rotations by pi/4 about Pauli axes and a Clifford gate, and rotations about the same axis that stand next to each
//! other become one: no such pair is left, as in the normal form of Matsumoto and Amano (arXiv:0806.3834).

use std::collections::HashMap;
use std::sync::OnceLock;

use super::ring::Complex;
use crate::circuit::Kind;

type Vector = [i8; 3];

fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn opposite(a: Vector) -> Vector {
    a.map(|x| -x)
}

/// A Clifford gate C up to phase, by `C X C^-1` and `C Z C^-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Clifford {
    x: Vector,
    z: Vector,
}

impl Clifford {
    const NONE: Clifford = Clifford { x: [1, 0, 0], z: [0, 0, 1] };

    /// This gate after another one: the product `C G`.
    fn times(self, gate: Kind) -> Clifford {
        let y = cross(self.z, self.x);
        match gate {
            Kind::H => Clifford { x: self.z, z: self.x },
            Kind::S => Clifford { x: y, z: self.z },
            Kind::Sdg => Clifford { x: opposite(y), z: self.z },
            Kind::Z => Clifford { x: opposite(self.x), z: self.z },
            _ => Clifford { x: self.x, z: opposite(self.z) },
        }
    }

    /// A quarter turn about an axis after this gate.
    fn quarter(self, about: Vector) -> Clifford {
        let turn = |v: Vector| if v == about || v == opposite(about) { v } else { cross(about, v) };
        Clifford { x: turn(self.x), z: turn(self.z) }
    }

    /// The axis that the inverse takes this axis to.
    fn back(self, axis: Vector) -> Vector {
        let dot = |a: Vector| (0..3).map(|k| a[k] * axis[k]).sum();
        [dot(self.x), dot(cross(self.z, self.x)), dot(self.z)]
    }

    fn inverse_times(self, other: Clifford) -> Clifford {
        Clifford { x: self.back(other.x), z: self.back(other.z) }
    }
}

/// Shortest words for the 24 Clifford gates, as products (the last gate of a word acts first).
fn words() -> &'static HashMap<Clifford, Vec<Kind>> {
    static WORDS: OnceLock<HashMap<Clifford, Vec<Kind>>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut found = HashMap::from([(Clifford::NONE, Vec::new())]);
        let mut open = vec![Clifford::NONE];
        while !open.is_empty() {
            let mut next = Vec::new();
            for from in open {
                for gate in [Kind::X, Kind::Z, Kind::S, Kind::Sdg, Kind::H] {
                    let to = from.times(gate);
                    if !found.contains_key(&to) {
                        let mut word = found[&from].clone();
                        word.push(gate);
                        found.insert(to, word);
                        next.push(to);
                    }
                }
            }
            open = next;
        }
        found
    })
}

/// Rotations by pi/4 about axes, the last of which acts first after the Clifford gate.
#[derive(Clone, Debug)]
pub struct Turns {
    axes: Vec<Vector>,
    clifford: Clifford,
}

impl Turns {
    pub fn new() -> Turns {
        Turns { axes: Vec::new(), clifford: Clifford::NONE }
    }

    pub fn t_count(&self) -> usize {
        self.axes.len()
    }

    /// The product with H on the right.
    pub fn times_h(&mut self) {
        self.clifford = self.clifford.times(Kind::H);
    }

    pub fn times_x(&mut self) {
        self.clifford = self.clifford.times(Kind::X);
    }

    /// The product with T^power on the right.
    pub fn times_t(&mut self, power: usize) {
        if power % 2 == 1 {
            let axis = self.clifford.z;
            match self.axes.last() {
                Some(&last) if last == axis => {
                    self.axes.pop();
                    self.clifford = self.clifford.quarter(axis);
                }
                Some(&last) if last == opposite(axis) => {
                    self.axes.pop();
                }
                _ => self.axes.push(axis),
            }
        }
        for _ in 0..power % 8 / 2 {
            self.clifford = self.clifford.times(Kind::S);
        }
    }

    /// The gates in the order in which they act.
    pub fn gates(&self) -> Vec<Kind> {
        let mut product = Vec::with_capacity(3 * self.axes.len() + 4);
        let mut frame = Clifford::NONE;
        for &axis in &self.axes {
            let here = frame.back(axis);
            let word: &[Kind] = match here {
                [_, 0, 0] => &[Kind::H],
                [0, _, 0] => &[Kind::S, Kind::H],
                _ => &[],
            };
            product.extend_from_slice(word);
            frame = word.iter().fold(frame, |frame, &gate| frame.times(gate));
            product.push(if frame.z == axis { Kind::T } else { Kind::Tdg });
        }
        product.extend_from_slice(&words()[&frame.inverse_times(self.clifford)]);
        product.reverse();
        product
    }
}

/// (u, t) / sqrt 2^k: the first column of a matrix of determinant 1.
#[derive(Clone, Copy, Debug)]
struct Column {
    u: Complex,
    t: Complex,
    k: i64,
}

impl Column {
    /// H T^j on the left.
    fn stepped(&self, j: usize) -> Column {
        let t = self.t.turned(j);
        let mut made = Column { u: self.u.plus(t), t: self.u.minus(t), k: self.k + 1 };
        while made.k > 0 && made.u.is_even() && made.t.is_even() {
            made = Column { u: made.u.halved(), t: made.t.halved(), k: made.k - 1 };
        }
        made
    }

    /// The least denominator exponent of the absolute square of `u / sqrt 2^k`.
    fn exponent(&self) -> i64 {
        match self.u.is_zero() {
            true => 0,
            false => 2 * self.k - self.u.square().strip().0 as i64,
        }
    }

    fn is_monomial(&self) -> bool {
        self.k == 0 && (self.u.is_zero() || self.t.is_zero())
    }
}

/// The power of omega that a unit of Z[omega] of absolute value 1 is.
fn power_of(unit: Complex) -> Option<usize> {
    (0..8).find(|&j| Complex::ONE.turned(j) == unit)
}

/// The matrix ((u, -t*), (t, u*)) / sqrt 2^k as a product, up to phase; None if it is not unitary.
pub fn turns(u: Complex, t: Complex, k: u32) -> Option<Turns> {
    let mut column = Column { u, t, k: k as i64 };
    let mut steps = Vec::new();
    while column.exponent() > 3 {
        let (j, next) = (0..4).map(|j| (j, column.stepped(j))).min_by_key(|(_, next)| next.exponent())?;
        if next.exponent() >= column.exponent() {
            return None;
        }
        steps.push(j);
        column = next;
    }
    finish(&mut column, &mut steps, 6)?;
    let mut made = Turns::new();
    let mut determinant = 0; // of the last factor, as a power of omega
    for &j in &steps {
        made.times_t(8 - j);
        made.times_h();
        determinant += 4 + j;
    }
    if column.t.is_zero() {
        let a = power_of(column.u)?;
        made.times_t((determinant + 16 - 2 * a) % 8);
    } else {
        let a = power_of(column.t)?;
        made.times_x();
        made.times_t((determinant + 4 + 16 - 2 * a) % 8);
    }
    Some(made)
}

/// The last steps, by search: few, as the denominator is small.
fn finish(column: &mut Column, steps: &mut Vec<usize>, depth: usize) -> Option<()> {
    if column.is_monomial() {
        return Some(());
    }
    for depth in 1..=depth {
        if let Some((last, found)) = search(column, depth) {
            *column = last;
            steps.extend(found);
            return Some(());
        }
    }
    None
}

fn search(column: &Column, depth: usize) -> Option<(Column, Vec<usize>)> {
    for j in 0..8 {
        let next = column.stepped(j);
        if next.is_monomial() {
            return Some((next, vec![j]));
        }
        if depth > 1 {
            if let Some((last, mut rest)) = search(&next, depth - 1) {
                rest.insert(0, j);
                return Some((last, rest));
            }
        }
    }
    None
}
