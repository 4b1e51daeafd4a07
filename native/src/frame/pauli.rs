//! Pauli strings on up to 64 W qubits, and how Clifford operators turn them.
//!
//! A string is Hermitian: `(-1)^neg i^{|x & z|} X^x Z^z`, the tensor product of I, X, Y, Z that its bits name, with a
//! sign. Products are taken with their power of i (Aaronson and Gottesman, 2004, have the same rule for signs).

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pauli<const W: usize> {
    pub x: [u64; W],
    pub z: [u64; W],
    pub neg: bool,
}

/// A set of qubits.
pub type Mask<const W: usize> = [u64; W];

#[inline]
pub fn has<const W: usize>(mask: &Mask<W>, j: usize) -> bool {
    mask[j / 64] >> (j % 64) & 1 == 1
}

#[inline]
pub fn flip<const W: usize>(mask: &mut Mask<W>, j: usize) {
    mask[j / 64] ^= 1 << (j % 64);
}

#[inline]
pub fn both<const W: usize>(a: &Mask<W>, b: &Mask<W>) -> Mask<W> {
    std::array::from_fn(|w| a[w] & b[w])
}

#[inline]
pub fn without<const W: usize>(a: &Mask<W>, b: &Mask<W>) -> Mask<W> {
    std::array::from_fn(|w| a[w] & !b[w])
}

#[inline]
pub fn any<const W: usize>(mask: &Mask<W>) -> bool {
    mask.iter().fold(0, |all, &word| all | word) != 0
}

/// The members of a set, ascending.
pub fn members<const W: usize>(mask: Mask<W>) -> impl Iterator<Item = usize> {
    (0..W).flat_map(move |w| {
        let mut rest = mask[w];
        std::iter::from_fn(move || {
            let j = (rest != 0).then(|| w * 64 + rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(j)
        })
    })
}

impl<const W: usize> Pauli<W> {
    pub const I: Pauli<W> = Pauli { x: [0; W], z: [0; W], neg: false };

    pub fn x(j: usize) -> Pauli<W> {
        let mut made = Pauli::I;
        flip(&mut made.x, j);
        made
    }

    pub fn z(j: usize) -> Pauli<W> {
        let mut made = Pauli::I;
        flip(&mut made.z, j);
        made
    }

    /// The qubits that it is not 1 on.
    #[inline]
    pub fn support(&self) -> Mask<W> {
        std::array::from_fn(|w| self.x[w] | self.z[w])
    }

    #[inline]
    pub fn anticommutes(&self, other: &Pauli<W>) -> bool {
        let mut odd = 0;
        for w in 0..W {
            odd ^= (self.x[w] & other.z[w]) ^ (self.z[w] & other.x[w]);
        }
        odd.count_ones() & 1 == 1
    }

    /// `self` becomes the unsigned string of `self * other`; the product is i to the returned power (mod 4) of it.
    ///
    /// A qubit where the two do not commute gives i (X Y, Y Z, Z X) or -i. Both are counted mod 4 in two planes of
    /// bits, one lane for each place in a word.
    #[inline]
    pub fn multiply(&mut self, other: &Pauli<W>) -> u32 {
        let (mut ones, mut twos) = (0u64, 0u64);
        for w in 0..W {
            let (xa, za, xb, zb) = (self.x[w], self.z[w], other.x[w], other.z[w]);
            let (xc, zc) = (xa ^ xb, za ^ zb);
            let differ = (xa & zb) ^ (za & xb);
            let backward = xc ^ zc ^ (xa & zb);
            twos ^= (ones ^ backward) & differ;
            ones ^= differ;
            self.x[w] = xc;
            self.z[w] = zc;
        }
        let signs = (self.neg ^ other.neg) as u32 ^ (twos.count_ones() & 1);
        self.neg = false;
        (ones.count_ones() + 2 * signs) & 3
    }

    /// `self * other * i^power`, for a product that is Hermitian.
    #[inline]
    pub fn absorb(&mut self, other: &Pauli<W>, power: u32) {
        let total = (self.multiply(other) + power) & 3;
        debug_assert!(total & 1 == 0);
        self.neg = total == 2;
    }

    /// `S_j^dagger self S_j`.
    #[inline]
    pub fn turn_s(&mut self, j: usize) {
        if has(&self.x, j) {
            self.neg ^= !has(&self.z, j);
            flip(&mut self.z, j);
        }
    }

    /// Conjugation by the controlled Pauli `(1 + A + B - A B) / 2` of two commuting Paulis.
    #[inline]
    pub fn turn_controlled(&mut self, a: &Pauli<W>, b: &Pauli<W>, anti_a: bool) {
        match (anti_a, self.anticommutes(b)) {
            (false, false) => {}
            (true, false) => self.absorb(b, 0),
            (false, true) => self.absorb(a, 0),
            (true, true) => {
                let power = self.multiply(b);
                self.absorb(a, power + 2);
            }
        }
    }

    /// Conjugation by `(A + M) / sqrt 2` of two anticommuting Paulis; `product` and `power`: A M = i^power product.
    #[inline]
    pub fn turn_swap(&mut self, m: &Pauli<W>, product: &Pauli<W>, power: u32, anti_a: bool) {
        match (anti_a, self.anticommutes(m)) {
            (false, false) => {}
            (true, true) => self.neg = !self.neg,
            (true, false) => self.absorb(product, power + 2),
            (false, true) => self.absorb(product, power),
        }
    }

    /// `C^dagger self C` with `C = exp(-i pi/4 quarters P)`.
    #[inline]
    pub fn turn_quarters(&mut self, p: &Pauli<W>, quarters: u32) {
        if self.anticommutes(p) {
            match quarters & 3 {
                0 => {}
                2 => self.neg = !self.neg,
                odd => self.absorb(p, if odd == 1 { 3 } else { 1 }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;

    /// i^power X^x Z^z of a product, by the rule for one qubit at a time.
    fn slow<const W: usize>(a: &Pauli<W>, b: &Pauli<W>) -> u32 {
        let mut power = 2 * (a.neg as i32 + b.neg as i32);
        for j in 0..64 * W {
            let [xa, za, xb, zb] = [has(&a.x, j), has(&a.z, j), has(&b.x, j), has(&b.z, j)].map(i32::from);
            // Y = i X Z; the Z of the first passes the X of the second; what is left is X^x Z^z
            power += xa * za + xb * zb + 2 * za * xb - (xa ^ xb) * (za ^ zb);
        }
        power.rem_euclid(4) as u32
    }

    fn random<const W: usize>(dice: &mut Dice) -> Pauli<W> {
        Pauli {
            x: std::array::from_fn(|_| dice.bits()),
            z: std::array::from_fn(|_| dice.bits()),
            neg: dice.bits() & 1 == 1,
        }
    }

    #[test]
    fn products_have_the_phase_that_single_qubits_add_up_to() {
        let mut dice = Dice::new(1, &[]);
        for _ in 0..500 {
            let (a, b) = (random::<3>(&mut dice), random::<3>(&mut dice));
            let mut c = a;
            let power = c.multiply(&b);
            assert_eq!(power, slow(&a, &b));
            assert_eq!(power & 1 == 1, a.anticommutes(&b));
        }
    }

    #[test]
    fn clifford_operators_keep_products_and_commutators() {
        let mut dice = Dice::new(2, &[]);
        for round in 0..500 {
            let j = dice.below(128) as usize;
            let a = Pauli::<2>::z(j);
            let mut b = random::<2>(&mut dice);
            let swap = round % 2 == 0;
            if a.anticommutes(&b) != swap {
                flip(&mut b.x, j);
            }
            let mut product = a;
            let power = product.multiply(&b);
            let turn = |p: &Pauli<2>| {
                let mut p = *p;
                match round % 4 {
                    0 => p.turn_swap(&b, &product, power, has(&p.x, j)),
                    1 => p.turn_controlled(&a, &b, has(&p.x, j)),
                    2 => p.turn_quarters(&b, dice_quarters(round)),
                    _ => p.turn_s(j),
                }
                p
            };
            let (p, q) = (random::<2>(&mut dice), random::<2>(&mut dice));
            let (mut before, mut after) = (p, turn(&p));
            let (left, right) = (before.multiply(&q), after.multiply(&turn(&q)));
            let mut turned = turn(&before);
            let sign = 2 * turned.neg as u32;
            turned.neg = false;
            assert_eq!((turned, (left + sign) & 3), (after, right));
        }
    }

    fn dice_quarters(round: usize) -> u32 {
        (round / 4 % 4) as u32
    }
}
