//! Which sites of a device are coupled, how far apart sites are, and how good each is.

use crate::circuit::Invalid;

/// Most sites of a device: distances are held for all pairs.
pub const SITES: u32 = 4096;

/// The distance of sites that no path joins.
pub const FAR: u16 = u16::MAX;

#[derive(Clone, Debug)]
pub struct Coupling {
    n: u32,
    /// Neighbours of each site, ascending.
    near: Vec<Vec<u32>>,
    far: Vec<u16>,
    usable: Vec<bool>,
    /// Coupled pairs (a < b), each once.
    pairs: Vec<(u32, u32)>,
    /// Probability that a two-qubit gate fails, for each of `pairs`; empty where not known.
    pair_errors: Vec<f64>,
    /// Probability that a reading of a site is wrong; empty where not known.
    readout_errors: Vec<f64>,
}

impl Coupling {
    /// `n` sites, coupled in pairs. The direction of a pair does not matter.
    pub fn new(n: u32, pairs: &[(u32, u32)]) -> Result<Coupling, Invalid> {
        if n > SITES {
            return Err(Invalid(format!("{n} sites: a device may have {SITES}")));
        }
        let mut all = Vec::with_capacity(pairs.len());
        for &(a, b) in pairs {
            if a >= n || b >= n || a == b {
                return Err(Invalid(format!("coupling ({a}, {b}): sites are two different numbers below {n}")));
            }
            all.push((a.min(b), a.max(b)));
        }
        all.sort_unstable();
        all.dedup();
        let mut made = Coupling {
            n,
            near: Vec::new(),
            far: Vec::new(),
            usable: vec![true; n as usize],
            pairs: all,
            pair_errors: Vec::new(),
            readout_errors: Vec::new(),
        };
        made.measure();
        Ok(made)
    }

    /// Only these sites may be used; couplings of others vanish.
    pub fn on_sites(mut self, sites: &[u32]) -> Result<Coupling, Invalid> {
        let mut usable = vec![false; self.n as usize];
        for &site in sites {
            *usable.get_mut(site as usize).ok_or_else(|| Invalid(format!("site {site} of {}", self.n)))? = true;
        }
        let keep: Vec<bool> = self.pairs.iter().map(|&(a, b)| usable[a as usize] && usable[b as usize]).collect();
        let mut flags = keep.iter();
        self.pairs.retain(|_| *flags.next().unwrap());
        let mut flags = keep.iter();
        self.pair_errors.retain(|_| *flags.next().unwrap());
        self.usable = usable;
        self.measure();
        Ok(self)
    }

    /// Probabilities that a gate on a pair fails (the larger of both directions counts; a pair that is not named has
    /// none), and that a reading of a site is wrong (none, or one for each site).
    pub fn with_errors(mut self, pairs: &[(u32, u32, f64)], readout: &[f64]) -> Result<Coupling, Invalid> {
        let bad = |p: f64| !(0.0..=1.0).contains(&p);
        let mut found = vec![0.0f64; self.pairs.len()];
        for &(a, b, error) in pairs {
            let at = self.pairs.binary_search(&(a.min(b), a.max(b)));
            match at {
                _ if bad(error) => return Err(Invalid(format!("error {error} of ({a}, {b}): it is not in 0..1"))),
                Ok(at) => found[at] = found[at].max(error),
                Err(_) => return Err(Invalid(format!("error of ({a}, {b}): this pair is not coupled"))),
            }
        }
        if !(readout.is_empty() || readout.len() == self.n as usize) || readout.iter().any(|&p| bad(p)) {
            return Err(Invalid(format!("readout errors: none, or {} probabilities", self.n)));
        }
        self.pair_errors = if pairs.is_empty() { Vec::new() } else { found };
        self.readout_errors = readout.to_vec();
        Ok(self)
    }

    fn measure(&mut self) {
        let n = self.n as usize;
        self.near = vec![Vec::new(); n];
        for &(a, b) in &self.pairs {
            self.near[a as usize].push(b);
            self.near[b as usize].push(a);
        }
        self.near.iter_mut().for_each(|list| list.sort_unstable());
        self.far = vec![FAR; n * n];
        let mut queue = Vec::with_capacity(n);
        for start in 0..n {
            let row = &mut self.far[start * n..(start + 1) * n];
            row[start] = 0;
            queue.clear();
            queue.push(start as u32);
            let mut at = 0;
            while at < queue.len() {
                let site = queue[at] as usize;
                at += 1;
                for &other in &self.near[site] {
                    if row[other as usize] == FAR {
                        row[other as usize] = row[site] + 1;
                        queue.push(other);
                    }
                }
            }
        }
    }

    pub fn n(&self) -> u32 {
        self.n
    }

    pub fn pairs(&self) -> &[(u32, u32)] {
        &self.pairs
    }

    #[inline]
    pub fn near(&self, site: u32) -> &[u32] {
        &self.near[site as usize]
    }

    #[inline]
    pub fn far(&self, a: u32, b: u32) -> u16 {
        self.far[a as usize * self.n as usize + b as usize]
    }

    #[inline]
    pub fn coupled(&self, a: u32, b: u32) -> bool {
        self.far(a, b) == 1
    }

    pub fn usable(&self, site: u32) -> bool {
        self.usable[site as usize]
    }

    pub fn has_errors(&self) -> bool {
        !(self.pair_errors.is_empty() && self.readout_errors.is_empty())
    }

    /// -ln of the probability that a two-qubit gate on a coupled pair works.
    pub fn pair_loss(&self, a: u32, b: u32) -> f64 {
        match self.pairs.binary_search(&(a.min(b), a.max(b))) {
            Ok(at) if !self.pair_errors.is_empty() => loss(self.pair_errors[at]),
            _ => 0.0,
        }
    }

    /// -ln of the probability that a reading of a site is right.
    pub fn readout_loss(&self, site: u32) -> f64 {
        self.readout_errors.get(site as usize).map_or(0.0, |&p| loss(p))
    }

    /// Connected parts of the usable sites, largest first.
    pub fn parts(&self) -> Vec<Vec<u32>> {
        let mut seen = vec![false; self.n as usize];
        let mut parts = Vec::new();
        for start in (0..self.n).filter(|&site| self.usable(site)) {
            if !seen[start as usize] {
                let part: Vec<u32> = (0..self.n).filter(|&site| self.far(start, site) != FAR).collect();
                part.iter().for_each(|&site| seen[site as usize] = true);
                parts.push(part);
            }
        }
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        parts
    }
}

/// A gate that always fails is as bad as a thousand that fail often.
fn loss(error: f64) -> f64 {
    -(1.0 - error).max(1e-30).ln()
}
