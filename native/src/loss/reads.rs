//! Measurements after which nothing acts on the state any more: it need not collapse.
//!
//! The Paulis measured commute, and the state they are measured on stays what it is. A product of them is settled if it
//! anticommutes with no stabilizer: if the columns of its factors add up to no stabilizer. So the columns measured so far
//! are kept in reduced echelon form, each with the outcome of its product; a further one is reduced by them. If stabilizers
//! are left, its outcome is a coin, and it joins them. If none is, the destabilizers left say which stabilizers make up the
//! product, and the sign of that one settles it.

use super::tableau::{Column, Lined, Tableau};

pub struct Reads<const C: usize> {
    /// In order of coming; the first `n` are of this shot.
    products: Vec<Product<C>>,
    n: usize,
    /// By stabilizer, the number of the product that is the only one to anticommute with it,
    numbers: Vec<u16>,
    /// where there is one: bits of half a column.
    led: Column<C>,
}

#[derive(Clone)]
struct Product<const C: usize> {
    column: Lined<C>,
    /// 1 or 0.
    outcome: u64,
}

impl<const C: usize> Reads<C> {
    pub fn new(n_qubits: usize) -> Reads<C> {
        let none = Product { column: Lined([[0; 4]; C]), outcome: 0 };
        Reads { products: vec![none; n_qubits], n: 0, numbers: vec![0; Tableau::<C>::MOST_QUBITS], led: [[0; 4]; C] }
    }

    pub fn clear(&mut self) {
        self.n = 0;
        self.led = [[0; 4]; C];
    }

    /// The outcome of the Pauli of column `at` of `state`.
    #[inline(always)]
    pub fn read(&mut self, state: &Tableau<C>, at: u16, coin: impl FnOnce() -> bool) -> bool {
        let half = Tableau::<C>::HALF;
        let column = state.column(at);
        let mut left = Product { column: Lined(*column), outcome: 0 };
        let products = &self.products[..self.n];
        for k in 0..half {
            let mut rest = column.as_flattened()[half + k] & self.led.as_flattened()[k];
            while rest != 0 {
                let row = 64 * k + rest.trailing_zeros() as usize;
                left.add(&products[self.numbers[row] as usize], 1);
                rest &= rest - 1;
            }
        }
        let Some(k) = left.column.as_flattened()[half..].iter().position(|&word| word != 0) else {
            return state.settled(&left.column) ^ (left.outcome != 0);
        };
        let outcome = coin();
        left.outcome ^= u64::from(outcome);
        self.join(left, k);
        outcome
    }

    /// A product joins, which anticommutes with a stabilizer of word `k` that none of the others does.
    #[inline(always)]
    fn join(&mut self, product: Product<C>, k: usize) {
        let word = Tableau::<C>::HALF + k;
        let bit = product.column.as_flattened()[word].trailing_zeros();
        for other in &mut self.products[..self.n] {
            let has = other.column.as_flattened()[word] >> bit & 1;
            if C == 1 || has != 0 {
                other.add(&product, has);
            }
        }
        self.products[self.n] = product;
        self.numbers[64 * k + bit as usize] = self.n as u16;
        self.n += 1;
        self.led.as_flattened_mut()[k] |= 1 << bit;
    }
}

impl<const C: usize> Product<C> {
    /// Times `other`, if `has` is 1.
    #[inline(always)]
    fn add(&mut self, other: &Product<C>, has: u64) {
        let mask = has.wrapping_neg();
        for (to, other) in self.column.iter_mut().zip(other.column.iter()) {
            *to = std::array::from_fn(
                #[inline(always)]
                |k| to[k] ^ (other[k] & mask),
            );
        }
        self.outcome ^= other.outcome & has;
    }
}
