//! Measurements after which nothing acts on the state any more: it need not collapse.
//!
//! The Paulis measured commute, and the state they are measured on stays what it is. A product of them is settled if it
//! anticommutes with no stabilizer: if the columns of its factors add up to no stabilizer. So the columns measured so far
//! are kept in reduced echelon form, each with the outcome of its product; a further one is reduced by them. If stabilizers
//! are left, its outcome is a coin, and it joins them. If none is, the destabilizers left say which stabilizers make up the
//! product, and the sign of that one settles it.

use super::tableau::{Column, Tableau};

pub struct Reads<const C: usize> {
    /// By stabilizer: the product that is the only one to anticommute with it.
    products: Vec<Column<C>>,
    /// Their outcomes.
    outcomes: Vec<bool>,
    /// The stabilizers that have one, in order of coming.
    leaders: Vec<u16>,
    /// The same as bits of half a column.
    led: Column<C>,
}

impl<const C: usize> Reads<C> {
    pub fn new(n_qubits: usize) -> Reads<C> {
        let products = vec![[[0; 4]; C]; n_qubits];
        Reads { products, outcomes: vec![false; n_qubits], leaders: Vec::with_capacity(n_qubits), led: [[0; 4]; C] }
    }

    pub fn clear(&mut self) {
        self.leaders.clear();
        self.led = [[0; 4]; C];
    }

    /// The outcome of the Pauli of column `at` of `state`.
    #[inline(always)]
    pub fn read(&mut self, state: &Tableau<C>, at: u16, coin: impl FnOnce() -> bool) -> bool {
        let half = Tableau::<C>::HALF;
        let mut left = *state.column(at);
        let mut known = false;
        for k in 0..half {
            let mut rest = state.column(at).as_flattened()[half + k] & self.led.as_flattened()[k];
            while rest != 0 {
                let row = 64 * k + rest.trailing_zeros() as usize;
                add(&mut left, &self.products[row], !0);
                known ^= self.outcomes[row];
                rest &= rest - 1;
            }
        }
        let Some(k) = left.as_flattened()[half..].iter().position(|&word| word != 0) else {
            return state.settled(&left) ^ known;
        };
        let outcome = coin();
        self.join(left, k, outcome ^ known);
        outcome
    }

    /// A product joins, which anticommutes with a stabilizer of word `k` that none of the others does.
    #[inline(always)]
    fn join(&mut self, product: Column<C>, k: usize, outcome: bool) {
        let place = Tableau::<C>::HALF + k;
        let bit = product.as_flattened()[place].trailing_zeros();
        for &leader in &self.leaders {
            let other = &mut self.products[leader as usize];
            let has = other.as_flattened()[place] >> bit & 1;
            if C == 1 || has != 0 {
                add(other, &product, has.wrapping_neg());
                self.outcomes[leader as usize] ^= outcome & (has != 0);
            }
        }
        let row = 64 * k + bit as usize;
        self.products[row] = product;
        self.outcomes[row] = outcome;
        self.leaders.push(row as u16);
        self.led.as_flattened_mut()[k] |= 1 << bit;
    }
}

#[inline(always)]
fn add<const C: usize>(to: &mut Column<C>, other: &Column<C>, mask: u64) {
    for (to, other) in to.iter_mut().zip(other) {
        *to = std::array::from_fn(
            #[inline(always)]
            |k| to[k] ^ (other[k] & mask),
        );
    }
}
