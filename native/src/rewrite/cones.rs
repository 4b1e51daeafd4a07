//! Causal cones of the ends of wires, and the order of ends in which few qubits are alive at a time.
//!
//! The cone of an end is the set of wires on which something must run before it. Since a wire that was never touched
//! still has all its instructions before it, the qubits that an end needs anew at any later time are its cone less the
//! wires touched so far: cones are computed once, as bit sets, in one pass.

use super::graph::{Graph, Walk};
use crate::circuit::{Kind, NONE};

/// Most words of bit sets to touch for each circuit, and most wires: beyond, cheaper orders must do.
const WORDS: usize = 1 << 21;
const WIRES: usize = 1 << 11;

pub struct Cones {
    words: usize,
    sets: Vec<u64>,
}

/// Which of several ends with equally many new qubits goes first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// The wire with the lowest number.
    Lowest,
    Highest,
    /// The wire that was touched first.
    Oldest,
}

impl Cones {
    /// None: too large.
    pub fn new(graph: &Graph, patient: bool) -> Option<Cones> {
        let n = graph.n_wires();
        let words = n.div_ceil(64);
        if n > WIRES || words * graph.on_wire.len() > WORDS {
            return None;
        }
        let mut sets = vec![0u64; n * words];
        // Of each wire: what came before the current group, and up to now.
        let (mut before, mut up_to) = (vec![0u64; n * words], vec![0u64; n * words]);
        let mut of_writer = vec![NONE; graph.ops.len()];
        let mut kept: Vec<u64> = Vec::new();
        graph.writers.iter().for_each(|&w| of_writer[w as usize] = 0);
        let mut cone = vec![0u64; words];
        for (at, op) in graph.ops.iter().enumerate() {
            cone.fill(0);
            for (slot, &wire) in op.qubits().iter().enumerate() {
                let (w, place) = (wire as usize, graph.place[at][slot]);
                if graph.group[place as usize] == place {
                    before[w * words..(w + 1) * words].copy_from_slice(&up_to[w * words..(w + 1) * words]);
                }
                let all = if patient && op.kind == Kind::Measure { &up_to } else { &before };
                join(&mut cone, &all[w * words..(w + 1) * words]);
                cone[w / 64] |= 1 << (w % 64);
            }
            for &writer in graph.writers_for(at as u32) {
                let from = of_writer[writer as usize] as usize;
                join(&mut cone, &kept[from..from + words]);
            }
            for &wire in op.qubits() {
                let w = wire as usize;
                join(&mut up_to[w * words..(w + 1) * words], &cone);
                if graph.end[w] == at as u32 {
                    sets[w * words..(w + 1) * words].copy_from_slice(&cone);
                }
            }
            if of_writer[at] == 0 {
                of_writer[at] = kept.len() as u32;
                kept.extend_from_slice(&cone);
                if kept.len() > WORDS {
                    return None;
                }
            }
        }
        Some(Cones { words, sets })
    }

    fn has(&self, end: usize, wire: usize) -> bool {
        self.sets[end * self.words + wire / 64] >> (wire % 64) & 1 == 1
    }

    fn size(&self, end: usize) -> u32 {
        self.sets[end * self.words..(end + 1) * self.words].iter().map(|w| w.count_ones()).sum()
    }

    /// The fewest qubits that any end needs.
    pub fn smallest(&self, graph: &Graph) -> u32 {
        let ends = (0..graph.n_wires()).filter(|&w| graph.end[w] != NONE);
        ends.map(|w| self.size(w)).min().unwrap_or(0)
    }

    /// The order that always closes the wire which needs the fewest new qubits.
    pub fn greedy(&self, graph: &Graph, patient: bool, tie: Tie) -> Vec<u32> {
        let n = graph.n_wires();
        let mut walk = Walk::new(graph, patient);
        let mut open: Vec<u32> = (0..n as u32).filter(|&w| graph.end[w as usize] != NONE).collect();
        let mut fresh: Vec<u32> = (0..n).map(|w| self.size(w)).collect();
        let mut born = vec![u32::MAX; n];
        let mut clock = 0;
        while !open.is_empty() {
            let key = |w: u32| match tie {
                Tie::Lowest => (fresh[w as usize], 0, w),
                Tie::Highest => (fresh[w as usize], 0, u32::MAX - w),
                Tie::Oldest => (fresh[w as usize], born[w as usize], w),
            };
            let Some(best) = (0..open.len()).min_by_key(|&k| key(open[k])) else { break };
            let chosen = open.swap_remove(best);
            let from = walk.order.len();
            walk.demand(graph.end[chosen as usize]);
            for k in from..walk.order.len() {
                for &wire in graph.ops[walk.order[k] as usize].qubits() {
                    if born[wire as usize] == u32::MAX {
                        born[wire as usize] = clock;
                        clock += 1;
                        for &other in &open {
                            fresh[other as usize] -= self.has(other as usize, wire as usize) as u32;
                        }
                    }
                }
            }
        }
        walk.finish()
    }
}

fn join(into: &mut [u64], from: &[u64]) {
    into.iter_mut().zip(from).for_each(|(a, b)| *a |= b);
}

/// Ends in a given order of wires.
pub fn by_wires(graph: &Graph, patient: bool, wires: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut walk = Walk::new(graph, patient);
    for wire in wires {
        if graph.end[wire] != NONE {
            walk.demand(graph.end[wire]);
        }
    }
    walk.finish()
}
