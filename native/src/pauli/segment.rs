//! Acts on an observable, grouped: Clifford gates as one map of letters, then channels that give each string a factor,
//! then those that make several of it, then rotations, all of which commute.
//!
//! A string is taken through a segment at once: the images of its letters are multiplied, and with them comes one row of
//! bits that says which rotations and errors it anticommutes with. A gate outside its support costs nothing. A later
//! Clifford gate turns the map, and the generators of what already stands behind it; a rotation that commutes with all
//! that are there joins them, whatever the order of the text.

use std::sync::Arc;

use super::channel::Rows;
use super::cone::Act;
use crate::circuit::NONE;
use crate::frame::pauli::{both, flip, has, members, without, Mask, Pauli};
use crate::frame::{quarters, Operand};

/// Rotations of a segment, and words of bits of a row.
const MOST_TURNS: usize = 128;
pub const MOST_WORDS: usize = 16;

#[derive(Clone, Copy)]
pub struct Turn<const W: usize> {
    /// Without a sign.
    pub about: Pauli<W>,
    pub cos: f64,
    pub sin: f64,
}

/// A channel that makes several strings of one.
pub struct Mix<const W: usize> {
    /// The first of its four bits.
    bit: usize,
    /// The images of letters on its qubits, by the numbers of `Rows`.
    pub letters: [Pauli<W>; 16],
    pub rows: Arc<Rows>,
}

/// In the order in which it acts: resets, the map, channels, rotations.
pub struct Segment<const W: usize> {
    pub reset: Mask<W>,
    /// Qubits whose letters change, or matter to a rotation or a channel.
    pub touched: Mask<W>,
    /// The number of a touched qubit.
    place: Vec<u32>,
    /// Of X, Z and Y of each touched qubit.
    images: Vec<Pauli<W>>,
    /// `words` for each image: what it anticommutes with, rotations first, then four for each channel.
    bits: Vec<u64>,
    pub words: usize,
    turn_words: usize,
    pub turns: Vec<Turn<W>>,
    channels: Vec<[f64; 16]>,
    mixes: Vec<Mix<W>>,
}

impl<const W: usize> Segment<W> {
    /// The image of a string behind the map, and its factor from signs and channels. `bits` gets what it anticommutes
    /// with. None where it becomes 0.
    #[inline]
    pub fn image(&self, x: &Mask<W>, z: &Mask<W>, bits: &mut [u64; MOST_WORDS]) -> Option<(Pauli<W>, f64)> {
        let mut at = Pauli { x: *x, z: without(z, &self.reset), neg: false };
        if both(x, &self.reset).iter().any(|&word| word != 0) {
            return None;
        }
        let letters = at;
        at.x = without(&at.x, &self.touched);
        at.z = without(&at.z, &self.touched);
        bits[..self.words].fill(0);
        for q in members(both(&letters.support(), &self.touched)) {
            let letter = has(&letters.z, q) as usize + (has(&letters.x, q) && has(&letters.z, q)) as usize;
            let row = 3 * self.place[q] as usize + letter;
            at.absorb(&self.images[row], 0);
            let its = &self.bits[row * self.words..(row + 1) * self.words];
            bits.iter_mut().zip(its).for_each(|(all, one)| *all ^= one);
        }
        let factor = self.factor(bits);
        let signed = if at.neg { -factor } else { factor };
        at.neg = false;
        (factor != 0.0).then_some((at, signed))
    }

    /// What the channels multiply a string with.
    #[inline]
    fn factor(&self, bits: &[u64; MOST_WORDS]) -> f64 {
        let mut factor = 1.0;
        for (word, channels) in bits[self.turn_words..self.words].iter().zip(self.channels.chunks(16)) {
            let mut rest = *word;
            while rest != 0 {
                let at = rest.trailing_zeros() as usize / 4;
                factor *= channels[at][(rest >> (4 * at) & 15) as usize];
                rest &= !(15 << (4 * at));
            }
        }
        factor
    }

    /// The channels that make several strings of one with these `bits`, and its letters on them.
    #[inline]
    pub fn mixing<'a>(&'a self, bits: &'a [u64; MOST_WORDS]) -> impl Iterator<Item = (&'a Mix<W>, usize)> {
        let letters = |mix: &Mix<W>| (bits[mix.bit / 64] >> (mix.bit % 64) & 15) as usize;
        self.mixes.iter().map(move |mix| (mix, letters(mix))).filter(|&(_, string)| string != 0)
    }

    /// The rotations that `bits` names.
    #[inline]
    pub fn chosen(&self, bits: &[u64; MOST_WORDS]) -> impl Iterator<Item = &Turn<W>> {
        let named: Mask<2> = std::array::from_fn(|w| if w < self.turn_words { bits[w] } else { 0 });
        members(named).map(|at| &self.turns[at])
    }
}

/// What a row of the builder is for, beside the images of letters.
#[derive(Clone, Copy)]
enum Watch {
    Turn {
        angle: f64,
    },
    /// A letter of a channel, by its bit, and whether the channel may multiply strings by this row.
    Channel {
        bit: usize,
        makes: bool,
    },
}

/// Makes segments of the acts of a cone.
struct Builder<const W: usize> {
    /// Images of X_q (2q) and Z_q (2q + 1), then one row for each member of `watches`.
    rows: Vec<Pauli<W>>,
    watches: Vec<Watch>,
    channels: Vec<[f64; 16]>,
    /// By the number of the channel, which has no factors.
    mixes: Vec<(usize, Arc<Rows>)>,
    turns: usize,
    reset: Mask<W>,
    n: usize,
    /// Rows that act on a qubit, and perhaps some that no longer do.
    touch: Vec<Vec<u32>>,
    changed: Vec<bool>,
    /// Qubits of what has come, perhaps repeated.
    used: Vec<usize>,
    seen: Vec<u32>,
    stamp: u32,
    made: Vec<Segment<W>>,
}

/// The segments of `acts` on `n` qubits.
pub fn segments<const W: usize>(acts: &[Act], n: usize) -> Vec<Segment<W>> {
    let rows = (0..2 * n).map(|r| if r % 2 == 0 { Pauli::x(r / 2) } else { Pauli::z(r / 2) }).collect();
    let mut builder = Builder {
        rows,
        watches: Vec::new(),
        channels: Vec::new(),
        mixes: Vec::new(),
        turns: 0,
        reset: [0; W],
        n,
        touch: (0..n as u32).map(|q| vec![2 * q, 2 * q + 1]).collect(),
        changed: vec![false; n],
        used: Vec::new(),
        seen: vec![0; 2 * n],
        stamp: 0,
        made: Vec::new(),
    };
    for act in by_level(acts, n) {
        match act {
            Act::Turn { q, p, angle } => builder.turn(q, *p, *angle),
            Act::Channel { q, factors } => builder.channel(q, *factors, None),
            Act::Mix { q, rows } => builder.channel(q, [1.0; 16], Some(rows)),
            Act::Reset(q) => builder.reset(*q as usize),
        }
    }
    builder.flush();
    builder.made
}

/// The acts, and of those on different qubits first those that have fewer channels that make several strings of one before
/// them on the way to their qubits: such a channel ends a segment for whatever follows it on its qubits.
fn by_level(acts: &[Act], n: usize) -> Vec<&Act> {
    let (mut levels, mut placed) = (vec![0usize; n], Vec::with_capacity(acts.len()));
    for act in acts {
        let q = act.qubits();
        let on = || q.iter().filter(|&&q| q != NONE).map(|&q| q as usize);
        let level = on().map(|q| levels[q]).max().unwrap_or(0);
        on().for_each(|q| levels[q] = level + matches!(act, Act::Mix { .. }) as usize);
        placed.push((level, act));
    }
    placed.sort_by_key(|&(level, _)| level);
    placed.into_iter().map(|(_, act)| act).collect()
}

impl<const W: usize> Builder<W> {
    fn turn(&mut self, q: &[u32; 3], (x, z): Operand, angle: f64) {
        let mut about = Pauli::I;
        for (k, &q) in q.iter().enumerate().filter(|&(_, &q)| q != NONE) {
            if x >> k & 1 == 1 {
                flip(&mut about.x, q as usize);
            }
            if z >> k & 1 == 1 {
                flip(&mut about.z, q as usize);
            }
        }
        let angle = angle % std::f64::consts::TAU;
        match quarters(angle) {
            Some(0) => {}
            Some(turns) => self.conjugate(&about, turns),
            None => self.join(about, angle),
        }
    }

    /// The rows that anticommute with a string.
    fn against(&mut self, p: &Pauli<W>) -> Vec<u32> {
        self.stamp += 1;
        let mut found = Vec::new();
        for q in members(p.support()) {
            let (rows, seen, stamp) = (&self.rows, &mut self.seen, self.stamp);
            self.touch[q].retain(|&row| {
                let at = &rows[row as usize];
                let acts = has(&at.x, q) || has(&at.z, q);
                if acts && std::mem::replace(&mut seen[row as usize], stamp) != stamp && at.anticommutes(p) {
                    found.push(row);
                }
                acts
            });
        }
        found
    }

    fn conjugate(&mut self, p: &Pauli<W>, quarters: u32) {
        self.used.extend(members(p.support()));
        for row in self.against(p) {
            let at = &mut self.rows[row as usize];
            let before = at.support();
            at.turn_quarters(p, quarters);
            for q in members(without(&at.support(), &before)) {
                self.touch[q].push(row);
            }
            if (row as usize) < 2 * self.n {
                self.changed[row as usize / 2] = true;
            }
        }
    }

    /// Whether strings may be multiplied by a row.
    fn makes(&self, row: u32) -> bool {
        (row as usize)
            .checked_sub(2 * self.n)
            .is_some_and(|at| !matches!(self.watches[at], Watch::Channel { makes: false, .. }))
    }

    fn join(&mut self, about: Pauli<W>, angle: f64) {
        let crossing = self.against(&about);
        if self.turns == MOST_TURNS || crossing.into_iter().any(|row| self.makes(row)) {
            self.flush();
        }
        self.turns += 1;
        self.watch(about, Watch::Turn { angle });
    }

    /// Adds a row that is not an image.
    fn watch(&mut self, p: Pauli<W>, what: Watch) {
        let row = self.rows.len() as u32;
        self.rows.push(p);
        self.watches.push(what);
        self.seen.push(0);
        for q in members(p.support()) {
            self.touch[q].push(row);
            self.used.push(q);
        }
    }

    /// A channel sees a string as it is before the rotations and channels of its segment make others of it: none of them
    /// may act on its qubits. `rows`: of a channel that makes others itself.
    fn channel(&mut self, q: &[u32; 2], factors: [f64; 16], rows: Option<&Arc<Rows>>) {
        let on = || q.iter().filter(|&&q| q != NONE).map(|&q| q as usize);
        let meets = |q: usize| {
            let acts = |row: u32| has(&self.rows[row as usize].x, q) || has(&self.rows[row as usize].z, q);
            self.touch[q].iter().any(|&row| self.makes(row) && acts(row))
        };
        let full = self.channels.len() == 16 * (MOST_WORDS - MOST_TURNS / 64);
        if full || on().any(meets) {
            self.flush();
        }
        for (k, q) in on().enumerate() {
            let bit = 4 * self.channels.len() + 2 * k;
            let [x, z] = rows.map_or([false; 2], |rows| rows.makes(k));
            self.watch(Pauli::z(q), Watch::Channel { bit, makes: z });
            self.watch(Pauli::x(q), Watch::Channel { bit: bit + 1, makes: x });
        }
        if let Some(rows) = rows {
            self.mixes.push((self.channels.len(), rows.clone()));
        }
        self.channels.push(factors);
    }

    fn reset(&mut self, q: usize) {
        if !self.is_empty() {
            self.flush();
        }
        flip(&mut self.reset, q);
        self.used.push(q);
    }

    /// Whether nothing is in the segment but resets.
    fn is_empty(&self) -> bool {
        self.watches.is_empty() && !self.used.iter().any(|&q| self.changed[q])
    }

    /// Ends the segment, if anything is in it.
    fn flush(&mut self) {
        if self.is_empty() && self.reset == [0; W] {
            return;
        }
        let turn_words = self.turns.div_ceil(64);
        let words = turn_words + self.channels.len().div_ceil(16);
        let (mut turns, mut marks) = (Vec::with_capacity(self.turns), Vec::new());
        let mut alone = vec![Pauli::I; 4 * self.channels.len()]; // Z and X of each operand of each channel
        for at in 0..self.watches.len() {
            let p = self.rows[2 * self.n + at];
            let bit = match self.watches[at] {
                Watch::Turn { angle } => {
                    let (sin, cos) = angle.sin_cos();
                    let about = Pauli { neg: false, ..p };
                    turns.push(Turn { about, cos, sin: if p.neg { -sin } else { sin } });
                    turns.len() - 1
                }
                Watch::Channel { bit, .. } => {
                    alone[bit] = p;
                    64 * turn_words + bit
                }
            };
            let letters = 2 * self.n as u32;
            marks.extend(self.against(&p).into_iter().filter(|&row| row < letters).map(|row| (row as usize, bit)));
        }
        let mixes = std::mem::take(&mut self.mixes).into_iter().map(|(at, rows)| Mix {
            bit: 64 * turn_words + 4 * at,
            letters: std::array::from_fn(|string| product(&alone[4 * at..], string)),
            rows,
        });
        let mut segment = Segment {
            mixes: mixes.collect(),
            reset: self.reset,
            touched: [0; W],
            place: vec![NONE; self.n],
            images: Vec::new(),
            bits: Vec::new(),
            words,
            turn_words,
            turns,
            channels: std::mem::take(&mut self.channels),
        };
        let seen: Vec<usize> = self.used.iter().copied().filter(|&q| self.changed[q]).collect();
        for q in seen.into_iter().chain(marks.iter().map(|&(row, _)| row / 2)) {
            segment.touch(q, &self.rows[2 * q], &self.rows[2 * q + 1]);
        }
        marks.into_iter().for_each(|(row, bit)| segment.mark(row / 2, row % 2, bit));
        self.made.push(segment);
        self.clear();
    }

    /// Begins a segment.
    fn clear(&mut self) {
        for q in std::mem::take(&mut self.used) {
            self.rows[2 * q] = Pauli::x(q);
            self.rows[2 * q + 1] = Pauli::z(q);
            self.touch[q].clear();
            self.touch[q].extend([2 * q as u32, 2 * q as u32 + 1]);
            self.changed[q] = false;
        }
        self.rows.truncate(2 * self.n);
        self.seen.truncate(2 * self.n);
        self.watches.clear();
        self.reset = [0; W];
        self.turns = 0;
    }
}

/// The string of letters with this number, of the images of Z and X of two operands.
fn product<const W: usize>(images: &[Pauli<W>], string: usize) -> Pauli<W> {
    let mut made = Pauli::I;
    for k in 0..2 {
        let [z, x] = [&images[2 * k], &images[2 * k + 1]];
        match string >> (2 * k) & 3 {
            0 => {}
            1 => made.absorb(x, 0),
            2 => made.absorb(z, 0),
            _ => {
                let mut y = *x;
                y.absorb(z, 1); // Y = i X Z
                made.absorb(&y, 0);
            }
        }
    }
    made
}

impl<const W: usize> Segment<W> {
    /// Adds a qubit by the images of its X and Z.
    fn touch(&mut self, q: usize, x: &Pauli<W>, z: &Pauli<W>) {
        if self.place[q] != NONE {
            return;
        }
        self.place[q] = (self.images.len() / 3) as u32;
        flip(&mut self.touched, q);
        self.images.extend([*x, *z, product(&[*z, *x, Pauli::I, Pauli::I], 3)]);
        self.bits.resize(self.images.len() * self.words, 0);
    }

    /// Says that the image of X (`letter` 0) or Z (1) of a qubit anticommutes with what `bit` stands for.
    fn mark(&mut self, q: usize, letter: usize, bit: usize) {
        let first = 3 * self.place[q] as usize;
        for row in [first + letter, first + 2] {
            self.bits[row * self.words + bit / 64] ^= 1 << (bit % 64);
        }
    }
}
