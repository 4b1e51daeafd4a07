//! Layouts from which runs start.

use super::coupling::Coupling;
use super::graph::Graph;
use super::walk::Layout;
use crate::circuit::{Invalid, NONE};
use crate::dice::Dice;

/// Wires of the circuit by what connects them: each with its partners and how many blocks they share.
pub struct Partners {
    pub of: Vec<Vec<(u32, f32)>>,
    /// Wires that some op uses.
    pub used: Vec<bool>,
    /// Connected wires, most first; a wire without partners is no part.
    pub parts: Vec<Vec<u32>>,
}

impl Partners {
    pub fn new(graph: &Graph) -> Partners {
        let n = graph.circuit.n_qubits as usize;
        let mut of: Vec<Vec<(u32, f32)>> = vec![Vec::new(); n];
        for node in graph.nodes.iter().filter(|node| node.pair) {
            let [a, b] = node.wires;
            for (x, y) in [(a, b), (b, a)] {
                match of[x as usize].iter_mut().find(|(other, _)| *other == y) {
                    Some((_, times)) => *times += 1.0,
                    None => of[x as usize].push((y, 1.0)),
                }
            }
        }
        let mut seen = vec![false; n];
        let mut parts = Vec::new();
        for start in 0..n {
            if seen[start] || of[start].is_empty() {
                continue;
            }
            let mut part = vec![start as u32];
            seen[start] = true;
            let mut at = 0;
            while at < part.len() {
                for &(other, _) in &of[part[at] as usize] {
                    if !std::mem::replace(&mut seen[other as usize], true) {
                        part.push(other);
                    }
                }
                at += 1;
            }
            parts.push(part);
        }
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        Partners { of, used: graph.used.clone(), parts }
    }
}

/// Which connected part of the device each part of the circuit goes to: the largest first, each where most room is left.
pub fn rooms(graph: &Graph, partners: &Partners, coupling: &Coupling) -> Result<Vec<Vec<u32>>, Invalid> {
    let sites = coupling.parts();
    let total: usize = sites.iter().map(Vec::len).sum();
    let used = graph.used.iter().filter(|&&used| used).count();
    if used > total || graph.circuit.n_qubits > coupling.n() {
        let n = used.max(graph.circuit.n_qubits as usize);
        return Err(Invalid(format!("{n} qubits: the device has {total} that can be used")));
    }
    let mut left: Vec<usize> = sites.iter().map(Vec::len).collect();
    let mut rooms = Vec::new();
    for part in &partners.parts {
        let roomiest = (0..left.len()).max_by_key(|&k| (left[k], std::cmp::Reverse(k)));
        match roomiest {
            Some(k) if left[k] >= part.len() => {
                left[k] -= part.len();
                rooms.push(sites[k].clone());
            }
            _ => {
                let most = left.iter().copied().max().unwrap_or(0);
                let n = part.len();
                return Err(Invalid(format!(
                    "{n} qubits that need exchanges: the device has at most {most} connected ones"
                )));
            }
        }
    }
    Ok(rooms)
}

/// Completes sites of some wires (NONE: not placed): each next wire goes near its partners. Ties, and with `blur` also
/// other choices, fall to the dice.
pub fn complete(
    mut site: Vec<u32>,
    partners: &Partners,
    rooms: &[Vec<u32>],
    coupling: &Coupling,
    blur: f32,
    dice: &mut Dice,
) -> Layout {
    let n = coupling.n() as usize;
    site.resize(n, NONE);
    let mut taken = vec![false; n];
    site.iter().filter(|&&s| s != NONE).for_each(|&s| taken[s as usize] = true);
    for (part, room) in partners.parts.iter().zip(rooms) {
        let mut pull: Vec<f32> = vec![0.0; partners.of.len()];
        let placed = part.iter().filter(|&&w| site[w as usize] != NONE);
        placed.for_each(|&w| partners.of[w as usize].iter().for_each(|&(v, times)| pull[v as usize] += times));
        let mut rest: Vec<u32> = part.iter().copied().filter(|&w| site[w as usize] == NONE).collect();
        while !rest.is_empty() {
            let weight = |w: u32| pull[w as usize] * 1e3 + partners.of[w as usize].iter().map(|p| p.1).sum::<f32>();
            let noise: Vec<f32> = rest.iter().map(|_| 1.0 + blur * dice.unit() as f32).collect();
            let at =
                (0..rest.len()).max_by(|&x, &y| (weight(rest[x]) * noise[x]).total_cmp(&(weight(rest[y]) * noise[y])));
            let wire = rest.swap_remove(at.unwrap_or(0));
            let near: Vec<(u32, f32)> =
                partners.of[wire as usize].iter().filter(|p| site[p.0 as usize] != NONE).copied().collect();
            let chosen = best_site(&near, &site, &taken, room, coupling, blur, dice);
            site[wire as usize] = chosen;
            taken[chosen as usize] = true;
            partners.of[wire as usize].iter().for_each(|&(v, times)| pull[v as usize] += times);
        }
    }
    finish(site, taken, partners, coupling)
}

fn best_site(
    near: &[(u32, f32)],
    site: &[u32],
    taken: &[bool],
    room: &[u32],
    coupling: &Coupling,
    blur: f32,
    dice: &mut Dice,
) -> u32 {
    let free = room.iter().copied().filter(|&s| !taken[s as usize]);
    if near.is_empty() {
        let all: Vec<u32> = free.collect();
        return all[dice.below(all.len() as u64) as usize];
    }
    let (mut best, mut chosen) = (f32::INFINITY, NONE);
    for s in free {
        let far: f32 = near.iter().map(|&(w, times)| coupling.far(site[w as usize], s) as f32 * times).sum();
        let open = coupling.near(s).iter().filter(|&&q| !taken[q as usize]).count() as f32;
        let cost = (far - 0.1 * open + 0.01 * dice.unit() as f32) * (1.0 + blur * dice.unit() as f32);
        if cost < best {
            (best, chosen) = (cost, s);
        }
    }
    chosen
}

/// Wires without partners take what is left: those that some op uses the usable sites that read best, then the others.
pub fn finish(mut site: Vec<u32>, taken: Vec<bool>, partners: &Partners, coupling: &Coupling) -> Layout {
    let mut free: Vec<u32> = (0..coupling.n()).filter(|&s| !taken[s as usize]).collect();
    free.sort_by(|&a, &b| {
        let loss = coupling.readout_loss(a).total_cmp(&coupling.readout_loss(b));
        coupling.usable(b).cmp(&coupling.usable(a)).then(loss).then(a.cmp(&b))
    });
    let used = |wire: usize| partners.used.get(wire).copied().unwrap_or(false);
    let mut free = free.into_iter();
    for wanted in [true, false] {
        for (wire, place) in site.iter_mut().enumerate() {
            if *place == NONE && used(wire) == wanted {
                *place = free.next().unwrap_or(NONE);
            }
        }
    }
    debug_assert!(site.iter().all(|&s| s < coupling.n()));
    Layout::from_sites(site)
}
