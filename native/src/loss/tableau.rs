//! One stabilizer state, bit-packed by columns: for each qubit and each Pauli letter, which rows anticommute with it.
//!
//! Row i of the first half of the words is destabilizer i, row i of the second half stabilizer i (Aaronson and Gottesman,
//! 2004). A row is a product of Paulis with a sign. Its three columns at a qubit are (Z part, X and Z part added, X part):
//! with the third one kept besides, a controlled Pauli of any two letters is the same few operations on other columns.

use super::frames::{X, Y, Z};

/// Words of a block, one vector register.
const BLOCK: usize = 4;

/// Most words of half a column.
const MOST_WORDS: usize = super::plan::MAX_QUBITS / 64;

/// A bit a row, in `C` blocks.
pub type Column<const C: usize> = [[u64; BLOCK]; C];

/// A column in memory, no block of which lies on two cache lines.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub struct Lined<const C: usize>(pub Column<C>);

impl<const C: usize> std::ops::Deref for Lined<C> {
    type Target = Column<C>;

    #[inline(always)]
    fn deref(&self) -> &Column<C> {
        &self.0
    }
}

impl<const C: usize> std::ops::DerefMut for Lined<C> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Column<C> {
        &mut self.0
    }
}

#[derive(Clone)]
pub struct Tableau<const C: usize> {
    /// Of X, Y and Z of qubit 0, then of qubit 1, and so on.
    columns: Vec<Lined<C>>,
    signs: Lined<C>,
}

/// Of one operand of a controlled Pauli: the columns of its letter, of the next one, and of the one after.
pub type Arm = [u16; 3];

pub fn arm(qubit: u32, letter: u8) -> Arm {
    let at = |turn: u8| (qubit * 3) as u16 + u16::from((letter + turn) % 3);
    [at(0), at(1), at(2)]
}

macro_rules! block {
    ($k:ident => $value:expr) => {
        std::array::from_fn::<u64, BLOCK, _>(
            #[inline(always)]
            |$k| $value,
        )
    };
}

#[inline(always)]
fn add<const C: usize>(to: &mut Column<C>, other: &Column<C>) {
    for (to, other) in to.iter_mut().zip(other) {
        *to = block!(k => to[k] ^ other[k]);
    }
}

#[inline(always)]
fn word<const C: usize>(column: &Column<C>, at: usize) -> u64 {
    column.as_flattened()[at]
}

/// All ones where the bit is set.
#[inline(always)]
fn all(word: u64, bit: u32) -> u64 {
    (word >> bit & 1).wrapping_neg()
}

impl<const C: usize> Tableau<C> {
    /// Words of half a column.
    pub const HALF: usize = C * BLOCK / 2;
    pub const MOST_QUBITS: usize = 64 * Self::HALF;

    /// All qubits in |0>.
    pub fn new(n_qubits: usize) -> Tableau<C> {
        assert!(n_qubits <= Self::MOST_QUBITS);
        let mut columns = vec![Lined([[0; BLOCK]; C]); 3 * n_qubits];
        for row in 0..n_qubits {
            let bit = 1 << (row % 64);
            // Destabilizer X, stabilizer Z.
            for (letter, at) in [(Z, row / 64), (X, Self::HALF + row / 64)] {
                columns[3 * row + letter].as_flattened_mut()[at] |= bit;
                columns[3 * row + Y].as_flattened_mut()[at] |= bit;
            }
        }
        Tableau { columns, signs: Lined([[0; BLOCK]; C]) }
    }

    /// Becomes `other`, of as many qubits.
    #[inline(always)]
    pub fn set(&mut self, other: &Tableau<C>) {
        self.columns.copy_from_slice(&other.columns);
        self.signs = other.signs;
    }

    #[inline(always)]
    pub fn column(&self, at: u16) -> &Column<C> {
        &self.columns[at as usize]
    }

    /// The Pauli of this column acts.
    #[inline(always)]
    pub fn flip(&mut self, at: u16) {
        add(&mut self.signs, &self.columns[at as usize]);
    }

    /// Where the Pauli of the first arm is -1, that of the second one acts; `minus` are the signs of the two.
    #[inline(always)]
    pub fn couple(&mut self, a: Arm, b: Arm, minus: [bool; 2]) {
        let columns = &mut self.columns[..];
        let [a, b] = [a, b].map(|arm| arm.map(usize::from));
        let (p, q) = (*columns[a[0]], *columns[b[0]]);
        let [flip_q, flip_p] = minus.map(|minus| u64::from(minus).wrapping_neg());
        let (p1, q1) = (&columns[a[1]], &columns[b[1]]);
        for (c, sign) in self.signs.iter_mut().enumerate() {
            *sign = block!(k => {
                let both = p[c][k] & q[c][k] & (p1[c][k] ^ q1[c][k]);
                sign[k] ^ both ^ (p[c][k] & flip_p) ^ (q[c][k] & flip_q)
            });
        }
        for (to, by) in [(a[1], &q), (a[2], &q), (b[1], &p), (b[2], &p)] {
            add(&mut columns[to], by);
        }
    }

    /// A one-qubit Clifford gate that takes X, Y and Z to these letters, with these signs.
    #[inline(always)]
    pub fn turn(&mut self, qubit: u32, to: [(u8, bool); 3]) {
        let at = qubit as usize * 3;
        let old: [Column<C>; 3] = std::array::from_fn(|letter| *self.columns[at + letter]);
        for (letter, (image, minus)) in to.into_iter().enumerate() {
            *self.columns[at + image as usize] = old[letter];
            if minus {
                let (next, last) = (&old[(letter + 1) % 3], &old[(letter + 2) % 3]);
                for c in 0..C {
                    let sign = &self.signs[c];
                    self.signs[c] = block!(k => sign[k] ^ (next[c][k] & last[c][k]));
                }
            }
        }
    }

    /// Measures the Pauli of this column. `coin` is asked where both outcomes are as likely; no other is possible.
    #[inline(always)]
    pub fn measure(&mut self, at: u16, coin: impl FnOnce() -> bool) -> bool {
        let struck = &self.columns[at as usize];
        match struck.as_flattened()[Self::HALF..].iter().position(|&word| word != 0) {
            Some(k) => {
                let outcome = coin();
                let bit = word(struck, Self::HALF + k).trailing_zeros();
                self.collapse(at as usize, Self::HALF + k, bit, outcome);
                outcome
            }
            None => self.settled(struck),
        }
    }

    /// The stabilizer in `place`, `bit`, which anticommutes with the Pauli of column `at`, gives way to that Pauli with the
    /// sign of `outcome`.
    #[inline(always)]
    fn collapse(&mut self, at: usize, place: usize, bit: u32, outcome: bool) {
        let (partner, one) = (place - Self::HALF, 1u64 << bit);
        let mut rows = *self.columns[at];
        rows.as_flattened_mut()[place] &= !one;
        rows.as_flattened_mut()[partner] &= !one;
        let (mut live, mut n_live) = ([0usize; C], 0); // blocks with rows that the stabilizer is multiplied to
        for (c, row) in rows.iter().enumerate() {
            live[n_live] = c;
            n_live += usize::from(*row != [0; BLOCK]);
        }
        let (mut low, mut high) = ([[0; BLOCK]; C], [[0; BLOCK]; C]);
        for columns in self.columns.chunks_exact_mut(3) {
            let (px, pz) = (all(word(&columns[Z], place), bit), all(word(&columns[X], place), bit));
            let passed = [pz, px ^ pz, px];
            if px | pz != 0 {
                for &c in &live[..n_live] {
                    let (x, z, row) = (columns[Z][c], columns[X][c], rows[c]);
                    // i^(high low) is the factor of the products so far: +1 for XY, YZ, ZX, -1 for YX, ZY, XZ
                    let odd = block!(k => (x[k] & pz) ^ (z[k] & px));
                    let back = block!(k => {
                        (x[k] & pz & !(px | z[k])) | (px & !pz & x[k] & z[k]) | (px & pz & !x[k])
                    });
                    high[c] = block!(k => high[c][k] ^ (odd[k] & (low[c][k] ^ back[k])));
                    low[c] = block!(k => low[c][k] ^ odd[k]);
                    columns[Z][c] = block!(k => x[k] ^ (row[k] & px));
                    columns[X][c] = block!(k => z[k] ^ (row[k] & pz));
                    columns[Y][c] = block!(k => columns[X][c][k] ^ columns[Z][c][k]);
                }
            }
            for (column, passed) in columns.iter_mut().zip(passed) {
                let words = column.as_flattened_mut();
                words[partner] = (words[partner] & !one) | (passed & one);
                words[place] &= !one;
            }
        }
        let minus = all(word(&self.signs, place), bit);
        for &c in &live[..n_live] {
            let sign = &self.signs[c];
            self.signs[c] = block!(k => sign[k] ^ (rows[c][k] & (high[c][k] ^ minus)));
        }
        let signs = self.signs.as_flattened_mut();
        signs[place] = (signs[place] & !one) | u64::from(outcome) << bit;
        let qubit = at - at % 3;
        for other in (qubit..qubit + 3).filter(|&other| other != at) {
            self.columns[other].as_flattened_mut()[place] |= one;
        }
    }

    /// The outcome of measuring a product of Paulis that is a product of stabilizers: the sign of that product. `struck`
    /// are the destabilizers that anticommute with it.
    #[inline(always)]
    pub fn settled(&self, struck: &Column<C>) -> bool {
        let chosen = &struck.as_flattened()[..Self::HALF];
        let (mut words, mut n_words) = ([0usize; MOST_WORDS], 0); // that a chosen row is in
        let (mut rows, mut fours) = (0, 0);
        for (k, &set) in chosen.iter().enumerate().filter(|(_, &set)| set != 0) {
            words[n_words] = k;
            n_words += 1;
            rows += set.count_ones();
            fours += 2 * (word(&self.signs, Self::HALF + k) & set).count_ones();
        }
        if rows <= 1 {
            return fours != 0;
        }
        for columns in self.columns.chunks_exact(3) {
            let part = |letter: usize, k: usize| word(&columns[letter], Self::HALF + k) & chosen[k];
            let any = |letter: usize| words[..n_words].iter().fold(0, |any, &k| any | part(letter, k)) != 0;
            if any(Z) && any(X) {
                fours += fours_of(words[..n_words].iter().map(|&k| (part(Z, k), part(X, k))));
            }
        }
        debug_assert!(fours % 2 == 0);
        fours & 2 != 0
    }
}

/// The power of i that the product of rows has before the Pauli letter that they make up, with these X and Z parts.
#[inline(always)]
fn fours_of(words: impl Iterator<Item = (u64, u64)>) -> u32 {
    let mut fours = 0;
    let (mut before, mut odd_x) = (0u64, 0u64); // an odd number of the rows above has a Z, an X
    for (x, z) in words {
        fours += (x & z).count_ones();
        let mut sums = z << 1;
        for shift in [1, 2, 4, 8, 16, 32] {
            sums ^= sums << shift;
        }
        fours += 2 * ((sums ^ before) & x).count_ones();
        before ^= u64::from(z.count_ones() & 1).wrapping_neg();
        odd_x ^= u64::from(x.count_ones() & 1).wrapping_neg();
    }
    fours + 3 * (before & odd_x & 1) as u32 // Y is i X Z
}
