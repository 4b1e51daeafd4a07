//! Expectation values of Pauli strings in a matrix product state.
//!
//! A string is contracted from its first site to its last: to the left of the rest stands a matrix, the environment, and
//! to the right of it the identity, since the tensors are right-canonical. Strings go in the order of their letters along
//! the chain, and an environment serves all that begin alike, those that begin with identities too.

use super::chain::Chain;
use super::linear::{multiply, multiply_hermitian, Matrix};
use super::plan::{Bounds, Notes, Plan, Stopped};

/// The state before the read-out.
pub struct State {
    chain: Chain,
    /// Of each qubit.
    sites: Vec<usize>,
}

/// Why there are no values.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    Malformed(String),
    Interrupted,
}

impl State {
    /// `go_on` is asked now and then; false ends it.
    pub fn evolve(plan: &Plan, bounds: Bounds, go_on: &mut impl FnMut() -> bool) -> Result<State, Stopped> {
        let (chain, sites) = plan.evolve(bounds, go_on)?;
        Ok(State { chain, sites })
    }

    pub fn notes(&self) -> Notes {
        Notes { peak_bond: self.chain.peak, lost: self.chain.lost() }
    }

    /// The expectation value of each Pauli string, one letter a qubit.
    pub fn expectation(&self, paulis: &[String], go_on: &mut impl FnMut() -> bool) -> Result<Vec<f64>, Refused> {
        if let Some(text) = paulis.iter().find(|text| !self.fits(text)) {
            return Err(Refused::Malformed(format!("'{text}' is not one letter I, X, Y or Z a qubit")));
        }
        let strings: Vec<Vec<u8>> = paulis.iter().map(|text| self.along(text.as_bytes())).collect();
        self.chain.expectation(&strings, go_on).ok_or(Refused::Interrupted)
    }

    fn fits(&self, text: &str) -> bool {
        text.len() == self.sites.len() && text.bytes().all(|letter| b"IXYZ".contains(&letter))
    }

    /// The letters in the order of the sites, without the identities at the end.
    fn along(&self, text: &[u8]) -> Vec<u8> {
        let mut out = vec![b'I'; text.len()];
        text.iter().zip(&self.sites).for_each(|(&letter, &site)| out[site] = letter);
        let end = out.iter().rposition(|&letter| letter != b'I').map_or(0, |last| last + 1);
        out.truncate(end);
        out
    }
}

impl Chain {
    /// Of strings with a letter a site, from site 0 on; `None` where `go_on` said so.
    fn expectation(&self, strings: &[Vec<u8>], go_on: &mut impl FnMut() -> bool) -> Option<Vec<f64>> {
        let mut order: Vec<usize> = (0..strings.len()).collect();
        order.sort_by_key(|&k| &strings[k]);
        let mut values = vec![0.0; strings.len()];
        // environments of the first letters of the last string: `environments[k]` is left of site k
        let mut environments = vec![Matrix::identity(1)];
        let mut last: &[u8] = &[];
        for k in order {
            let text = &strings[k];
            let alike = last.iter().zip(text).take_while(|(a, b)| a == b).count();
            environments.truncate(alike + 1);
            for (site, &letter) in text.iter().enumerate().skip(alike) {
                if !go_on() {
                    return None;
                }
                environments.push(self.transfer(site, &environments[site], letter));
            }
            values[k] = trace(&environments[text.len()]);
            last = text;
        }
        Some(values)
    }

    /// The environment right of a site, from that left of it and the letter on it; both are Hermitian.
    fn transfer(&self, site: usize, left: &Matrix, letter: u8) -> Matrix {
        let tensor = self.tensor(site);
        let bond = tensor.columns / 2;
        let mut product = Matrix::zeros(tensor.rows, tensor.columns);
        multiply(left, tensor, &mut product);
        for row in 0..product.rows {
            let (re, im) = product.row_mut(row);
            put_letter(letter, re.split_at_mut(bond), im.split_at_mut(bond));
        }
        let adjoint = tensor.clone().reshaped(2 * tensor.rows, bond).adjoint();
        let mut out = Matrix::zeros(bond, bond);
        multiply_hermitian(&adjoint, &product.reshaped(2 * tensor.rows, bond), &mut out);
        out
    }
}

type Halves<'a> = (&'a mut [f64], &'a mut [f64]);

/// Applies a Pauli matrix to the parts of a row for the physical index 0 and 1.
fn put_letter(letter: u8, re: Halves<'_>, im: Halves<'_>) {
    let negate = |part: &mut [f64]| part.iter_mut().for_each(|x| *x = -*x);
    match letter {
        b'X' => {
            re.0.swap_with_slice(re.1);
            im.0.swap_with_slice(im.1);
        }
        b'Y' => {
            // (a, b) becomes (-i b, i a)
            re.0.swap_with_slice(im.1);
            im.0.swap_with_slice(re.1);
            negate(im.0);
            negate(re.1);
        }
        b'Z' => {
            negate(re.1);
            negate(im.1);
        }
        _ => {}
    }
}

fn trace(matrix: &Matrix) -> f64 {
    (0..matrix.rows).map(|k| matrix.re[k * matrix.columns + k]).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::circuit::{Circuit, Kind};
    use crate::dense;
    use crate::dice::Dice;

    /// Layers of turns and of gates between neighbours in a random order.
    fn layers(n: u32, depth: usize, dice: &mut Dice) -> Arc<Circuit> {
        let mut circuit = Circuit { n_qubits: n, ..Circuit::default() };
        for _ in 0..depth {
            for q in 0..n {
                circuit.push_gate(Kind::U, &[q], &[3.0 * dice.unit(), 6.0 * dice.unit(), 6.0 * dice.unit()]);
            }
            for _ in 0..n {
                let (a, b) = (dice.below(u64::from(n)) as u32, dice.below(u64::from(n)) as u32);
                if a != b {
                    circuit.push_gate(Kind::Rxx, &[a, b], &[3.0 * dice.unit()]);
                }
            }
        }
        Arc::new(circuit)
    }

    fn evolve(circuit: &Arc<Circuit>) -> State {
        let plan = Plan::compile(circuit).expect("gates").reordered(1);
        State::evolve(&plan, Bounds { cut: 1e-24, ..Bounds::default() }, &mut || true).expect("a small state")
    }

    #[test]
    fn values_are_those_of_the_state_vector() {
        let mut dice = Dice::new(7, &[]);
        for (n, depth) in [(1, 2), (2, 3), (5, 2), (8, 3)] {
            let circuit = layers(n, depth, &mut dice);
            let mut letters = || (0..n).map(|_| char::from(b"IXYZ"[dice.below(4) as usize])).collect::<String>();
            let paulis: Vec<String> = (0..40).map(|_| letters()).collect();
            let state = evolve(&circuit);
            let found = state.expectation(&paulis, &mut || true).expect("strings that fit");
            let dense = dense::Plan::<f64>::compile(&circuit, 1 << 30).expect("a small state");
            let wanted = dense.expectation(&paulis, &|_| false).expect("a small state");
            assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} {wanted:?}");
            assert!(state.notes().lost < 1e-20, "{}", state.notes().lost);
        }
    }

    #[test]
    fn strings_that_do_not_fit_are_refused() {
        let state = evolve(&layers(3, 1, &mut Dice::new(1, &[])));
        for text in ["XX", "XXXX", "XQX", "xxx"] {
            let found = state.expectation(&[text.into()], &mut || true);
            assert!(matches!(found, Err(Refused::Malformed(_))), "{text}");
        }
        assert_eq!(state.expectation(&["ZZZ".into()], &mut || false), Err(Refused::Interrupted));
    }
}
