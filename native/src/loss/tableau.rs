//! One stabilizer state, bit-packed by columns: for each qubit the X and the Z part of every row, as `W` words.
//!
//! Row i of the first half of the words is destabilizer i, row i of the second half stabilizer i (Aaronson and Gottesman,
//! 2004). A gate is a handful of operations on the words of its qubits. A row is a product of Paulis, Y where both parts
//! are set, with a sign.

pub type Words<const W: usize> = [u64; W];

#[derive(Clone)]
pub struct Tableau<const W: usize> {
    xs: Vec<Words<W>>,
    zs: Vec<Words<W>>,
    signs: Words<W>,
}

macro_rules! words {
    ($k:ident => $value:expr) => {
        std::array::from_fn(
            #[inline(always)]
            |$k| $value,
        )
    };
}

impl<const W: usize> Tableau<W> {
    pub const MOST_QUBITS: usize = 32 * W;
    const HALF: usize = W / 2;

    /// All qubits in |0>.
    pub fn new(n_qubits: usize) -> Tableau<W> {
        assert!(n_qubits <= Self::MOST_QUBITS);
        let unit = |half: usize, row: usize| -> Words<W> {
            let mut words = [0; W];
            words[half * Self::HALF + row / 64] = 1 << (row % 64);
            words
        };
        Tableau {
            xs: (0..n_qubits).map(|qubit| unit(0, qubit)).collect(),
            zs: (0..n_qubits).map(|qubit| unit(1, qubit)).collect(),
            signs: [0; W],
        }
    }

    /// Becomes `other`, of as many qubits.
    #[inline(always)]
    pub fn set(&mut self, other: &Tableau<W>) {
        self.xs.copy_from_slice(&other.xs);
        self.zs.copy_from_slice(&other.zs);
        self.signs = other.signs;
    }

    #[inline(always)]
    fn sign(&mut self, flips: Words<W>) {
        self.signs = words!(k => self.signs[k] ^ flips[k]);
    }

    #[inline(always)]
    pub fn x(&mut self, q: usize) {
        self.sign(self.zs[q]);
    }

    #[inline(always)]
    pub fn y(&mut self, q: usize) {
        self.sign(self.xs[q]);
        self.sign(self.zs[q]);
    }

    #[inline(always)]
    pub fn z(&mut self, q: usize) {
        self.sign(self.xs[q]);
    }

    #[inline(always)]
    pub fn h(&mut self, q: usize) {
        let (x, z) = (self.xs[q], self.zs[q]);
        self.sign(words!(k => x[k] & z[k]));
        self.xs[q] = z;
        self.zs[q] = x;
    }

    #[inline(always)]
    pub fn s(&mut self, q: usize) {
        let (x, z) = (self.xs[q], self.zs[q]);
        self.sign(words!(k => x[k] & z[k]));
        self.zs[q] = words!(k => z[k] ^ x[k]);
    }

    #[inline(always)]
    pub fn sdg(&mut self, q: usize) {
        let (x, z) = (self.xs[q], self.zs[q]);
        self.sign(words!(k => x[k] & !z[k]));
        self.zs[q] = words!(k => z[k] ^ x[k]);
    }

    #[inline(always)]
    pub fn sx(&mut self, q: usize) {
        let (x, z) = (self.xs[q], self.zs[q]);
        self.sign(words!(k => !x[k] & z[k]));
        self.xs[q] = words!(k => x[k] ^ z[k]);
    }

    #[inline(always)]
    pub fn sxdg(&mut self, q: usize) {
        let (x, z) = (self.xs[q], self.zs[q]);
        self.sign(words!(k => x[k] & z[k]));
        self.xs[q] = words!(k => x[k] ^ z[k]);
    }

    #[inline(always)]
    pub fn cnot(&mut self, a: usize, b: usize) {
        let (xa, za, xb, zb) = (self.xs[a], self.zs[a], self.xs[b], self.zs[b]);
        self.sign(words!(k => xa[k] & zb[k] & !(xb[k] ^ za[k])));
        self.xs[b] = words!(k => xb[k] ^ xa[k]);
        self.zs[a] = words!(k => za[k] ^ zb[k]);
    }

    #[inline(always)]
    pub fn cz(&mut self, a: usize, b: usize) {
        let (xa, za, xb, zb) = (self.xs[a], self.zs[a], self.xs[b], self.zs[b]);
        self.sign(words!(k => xa[k] & xb[k] & (za[k] ^ zb[k])));
        self.zs[a] = words!(k => za[k] ^ xb[k]);
        self.zs[b] = words!(k => zb[k] ^ xa[k]);
    }

    #[inline(always)]
    pub fn swap(&mut self, a: usize, b: usize) {
        self.xs.swap(a, b);
        self.zs.swap(a, b);
    }

    /// Measures Z. `coin` is asked where both outcomes are as likely; no other is possible.
    #[inline(always)]
    pub fn measure(&mut self, q: usize, coin: impl FnOnce() -> bool) -> bool {
        let struck = &self.xs[q];
        match (Self::HALF..W).find(|&word| struck[word] != 0) {
            Some(word) => {
                let outcome = coin();
                self.collapse(q, word, struck[word].trailing_zeros(), outcome);
                outcome
            }
            None => self.settled(q),
        }
    }

    /// The stabilizer in `word`, `bit`, which anticommutes with Z of `q`, gives way to that Z with the sign of `outcome`.
    #[inline(always)]
    fn collapse(&mut self, q: usize, word: usize, bit: u32, outcome: bool) {
        let partner = word - Self::HALF;
        let mut rows = self.xs[q];
        rows[word] &= !(1 << bit);
        rows[partner] &= !(1 << bit);
        let all = |set: u64| (set >> bit & 1).wrapping_neg();
        let (mut low, mut high): (Words<W>, Words<W>) = ([0; W], [0; W]);
        for (x, z) in self.xs.iter_mut().zip(self.zs.iter_mut()) {
            let (px, pz) = (all(x[word]), all(z[word]));
            // i^(high low) is the factor of the products so far: +1 for XY, YZ, ZX, -1 for YX, ZY, XZ
            let odd: Words<W> = words!(k => (x[k] & pz) ^ (z[k] & px));
            let back: Words<W> = words!(k => (x[k] & pz & !(px | z[k])) | (px & !pz & x[k] & z[k]) | (px & pz & !x[k]));
            high = words!(k => high[k] ^ (odd[k] & (low[k] ^ back[k])));
            low = words!(k => low[k] ^ odd[k]);
            *x = words!(k => x[k] ^ (rows[k] & px));
            *z = words!(k => z[k] ^ (rows[k] & pz));
            let one = 1 << bit;
            x[partner] = (x[partner] & !one) | (px & one);
            z[partner] = (z[partner] & !one) | (pz & one);
            x[word] &= !one;
            z[word] &= !one;
        }
        let minus = all(self.signs[word]);
        self.signs = words!(k => self.signs[k] ^ (rows[k] & (high[k] ^ minus)));
        self.signs[word] = (self.signs[word] & !(1 << bit)) | u64::from(outcome) << bit;
        self.zs[q][word] |= 1 << bit;
    }

    /// The outcome of measuring a qubit whose Z is a product of stabilizers: the sign of that product.
    #[inline(always)]
    fn settled(&self, q: usize) -> bool {
        let chosen = |k: usize| self.xs[q][k];
        let mut fours = 0u32;
        for k in 0..Self::HALF {
            fours += 2 * (self.signs[Self::HALF + k] & chosen(k)).count_ones();
        }
        for (x, z) in self.xs.iter().zip(&self.zs) {
            let mut before = 0u64; // of the rows above, an odd number has a Z here
            for k in 0..Self::HALF {
                let (x, z) = (x[Self::HALF + k] & chosen(k), z[Self::HALF + k] & chosen(k));
                fours += (x & z).count_ones();
                let mut sums = z << 1;
                for shift in [1, 2, 4, 8, 16, 32] {
                    sums ^= sums << shift;
                }
                fours += 2 * ((sums ^ before) & x).count_ones();
                before ^= u64::from(z.count_ones() & 1).wrapping_neg();
            }
        }
        debug_assert!(fours % 2 == 0);
        fours & 2 != 0
    }
}
