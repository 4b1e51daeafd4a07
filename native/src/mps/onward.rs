//! A chain made of tensors that another kind of simulator left.

use super::chain::Chain;
use super::linear::Matrix;

/// A tensor of shape (left bond, 2, right bond) and the Schmidt values of the bond to its left.
pub struct Site {
    pub left: usize,
    pub right: usize,
    pub re: Vec<f64>,
    pub im: Vec<f64>,
    pub values: Vec<f64>,
}

/// The sites as a chain in right-canonical form, or why they are none. That the rows are orthonormal is the caller's
/// word: a chain of other rows is a wrong state, not an unsafe one.
/// `lost`: a bound on 1 - fidelity from before.
pub fn chain_of(sites: Vec<Site>, lost: f64, cut: f64) -> Result<Chain, String> {
    let mut bond = 1;
    for (k, site) in sites.iter().enumerate() {
        let fits = site.left == bond && site.right > 0 && site.values.len() == bond;
        let len = site.left.checked_mul(site.right).and_then(|x| x.checked_mul(2));
        if !fits || len != Some(site.re.len()) || site.im.len() != site.re.len() {
            return Err(format!("the tensor of site {k} does not fit its neighbours"));
        }
        bond = site.right;
    }
    if bond != 1 {
        return Err("the last bond is not 1".into());
    }
    let parts =
        sites.into_iter().map(|s| (Matrix { rows: s.left, columns: 2 * s.right, re: s.re, im: s.im }, s.values));
    Ok(Chain::from_parts(parts.unzip(), lost, cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_come_back_as_they_went_in() {
        let site = |left, right| Site {
            left,
            right,
            re: (0..2 * left * right).map(|x| x as f64).collect(),
            im: vec![0.5; 2 * left * right],
            values: vec![0.5; left],
        };
        let chain = chain_of(vec![site(1, 2), site(2, 1)], 0.25, 0.0).unwrap();
        let (tensor, values) = chain.parts().nth(1).unwrap();
        assert_eq!((tensor.rows, tensor.columns, tensor.re[3], values.len()), (2, 2, 3.0, 2));
        assert!((chain.lost() - 0.25).abs() < 1e-15);
        assert!(chain_of(vec![site(1, 2), site(1, 1)], 0.0, 0.0).is_err());
        assert!(chain_of(vec![site(1, 2)], 0.0, 0.0).is_err());
    }
}
