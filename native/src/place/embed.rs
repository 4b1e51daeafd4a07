//! Layouts that need no exchange: the wires' graph inside the device's (VF2's search, bounded by steps).

use super::coupling::Coupling;
use super::layouts::Partners;
use crate::circuit::NONE;

/// What a search found: sites of the wires that have partners (NONE for others).
pub struct Found {
    /// Layouts of all wires that have partners.
    pub whole: Vec<Vec<u32>>,
    /// The largest partial layout.
    pub partial: Vec<u32>,
}

struct Search<'a> {
    partners: &'a Partners,
    coupling: &'a Coupling,
    order: Vec<u32>,
    at: Vec<u32>,
    taken: Vec<bool>,
    all: Vec<u32>,
    /// What is left to try for each wire that was begun, best last.
    choices: Vec<Vec<u32>>,
}

/// Up to `most` layouts, within `steps` placements of one wire.
pub fn embed(partners: &Partners, coupling: &Coupling, steps: u64, most: usize) -> Found {
    let mut search = Search {
        partners,
        coupling,
        order: connected_order(partners),
        at: vec![NONE; partners.of.len()],
        taken: vec![false; coupling.n() as usize],
        all: (0..coupling.n()).filter(|&site| coupling.usable(site)).collect(),
        choices: Vec::new(),
    };
    let mut found = Found { whole: Vec::new(), partial: search.at.clone() };
    if search.order.is_empty() {
        found.whole.push(search.at);
        return found;
    }
    let mut deepest = 0;
    search.begin_next();
    for _ in 0..steps {
        if !search.try_next() {
            break;
        }
        let depth = search.choices.len();
        if depth > deepest {
            deepest = depth;
            found.partial.clone_from(&search.at);
        }
        if depth < search.order.len() {
            search.begin_next();
            continue;
        }
        found.whole.push(search.at.clone());
        if found.whole.len() >= most {
            break;
        }
    }
    found
}

impl Search<'_> {
    /// Collects the sites of the next wire: beside all its placed partners, with room for the others.
    fn begin_next(&mut self) {
        let wire = self.order[self.choices.len()];
        let mine = &self.partners.of[wire as usize];
        let placed: Vec<u32> = mine.iter().map(|p| self.at[p.0 as usize]).filter(|&site| site != NONE).collect();
        let from: &[u32] = placed.first().map_or(&self.all, |&site| self.coupling.near(site));
        let open = mine.len() - placed.len();
        let free = |site: u32| self.coupling.near(site).iter().filter(|&&q| !self.taken[q as usize]).count();
        let fits = |site: &u32| {
            !self.taken[*site as usize]
                && placed.iter().all(|&other| self.coupling.coupled(other, *site))
                && free(*site) >= open
        };
        let mut sites: Vec<u32> = from.iter().copied().filter(fits).collect();
        // the tightest fit first: it leaves the most room
        sites.sort_by_key(|&site| (std::cmp::Reverse(free(site)), std::cmp::Reverse(site)));
        self.choices.push(sites);
    }

    /// Puts the deepest wire that has a choice left there; false where none has.
    fn try_next(&mut self) -> bool {
        while let Some(left) = self.choices.last_mut() {
            let next = left.pop();
            let wire = self.order[self.choices.len() - 1] as usize;
            let before = std::mem::replace(&mut self.at[wire], next.unwrap_or(NONE));
            if before != NONE {
                self.taken[before as usize] = false;
            }
            if let Some(site) = next {
                self.taken[site as usize] = true;
                return true;
            }
            self.choices.pop();
        }
        false
    }
}

/// Wires so that each comes after as many of its partners as possible.
fn connected_order(partners: &Partners) -> Vec<u32> {
    let n = partners.of.len();
    let mut placed = vec![0usize; n];
    let mut rest: Vec<u32> = partners.parts.iter().flatten().copied().collect();
    let mut order = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let key = |wire: u32| (placed[wire as usize], partners.of[wire as usize].len(), std::cmp::Reverse(wire));
        let at = (0..rest.len()).max_by_key(|&k| key(rest[k])).unwrap_or(0);
        let wire = rest.swap_remove(at);
        order.push(wire);
        partners.of[wire as usize].iter().for_each(|&(other, _)| placed[other as usize] += 1);
    }
    order
}
