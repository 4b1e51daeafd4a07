//! The circuits of a chain of blocks whose sum over paths is the whole circuit.
//!
//! A gate between two neighbouring blocks is cut at one of its wires, the owner, in a basis in which it is diagonal. The
//! path's value is the owner's value in that basis. In the owner's block an ancilla takes a copy of it; in the other
//! block an ancilla begins as |0> + |1> and stands in for the owner in all gates of that epoch. The state of each block
//! with its ancillas then holds the amplitudes of all paths at once, each path's share of the gates is run once for all
//! paths that begin alike, and both circuits are unitary: sum over p of <p|block 1> <p|block 2> is the whole.

use std::collections::HashMap;

use super::partition::Sizes;
use super::wires::{Basis, Edge, Gate, Wires};
use crate::circuit::{Circuit, Kind, NONE};

/// One block: gates on its wires (numbers below `wires.len()`) and its ancillas.
#[derive(Default)]
pub struct Block {
    pub circuit: Circuit,
    pub wires: Vec<u32>,
    /// Ancillas that carry the paths shared with the block before, and with the one after.
    pub left: Vec<u32>,
    pub right: Vec<u32>,
}

/// `block_of[wire]`; gates between blocks that are no neighbours are not allowed.
pub fn blocks(wires: &Wires, block_of: &[u32], count: usize) -> Vec<Block> {
    let owners = owners(wires, block_of, count);
    let mut all: Vec<Block> = (0..count).map(|_| Block::default()).collect();
    let mut place = vec![0u32; wires.n];
    for (wire, &block) in block_of.iter().enumerate() {
        let block = &mut all[block as usize];
        place[wire] = block.wires.len() as u32;
        block.wires.push(wire as u32);
    }
    for block in &mut all {
        block.circuit.n_qubits = block.wires.len() as u32;
    }
    let mut build = Build { block_of, place, all, stands: HashMap::new() };
    for gate in &wires.gates {
        let homes = gate.wires.map(|wire| if wire == NONE { NONE } else { block_of[wire as usize] });
        if homes[1] == NONE || homes[0] == homes[1] {
            let at = gate.wires.map(|wire| if wire == NONE { NONE } else { build.place[wire as usize] });
            build.all[homes[0] as usize].push(gate.kind, &at, &gate.angles);
        } else {
            let bond = homes[0].min(homes[1]) as usize;
            let slot = if owners[bond].contains(&gate.epochs[0]) { 0 } else { 1 };
            build.across(gate, slot);
        }
    }
    build.all
}

impl Block {
    pub fn sizes(&self) -> Sizes {
        let [bits, left, right] = [&self.wires, &self.left, &self.right].map(|list| list.len() as u32);
        Sizes { bits, left, right }
    }

    fn push(&mut self, kind: Kind, at: &[u32], angles: &[f64; 3]) {
        self.circuit.push_gate(kind, &at[..kind.n_qubits()], &angles[..kind.n_params()]);
    }

    fn ancilla(&mut self, right: bool) -> u32 {
        let at = self.circuit.n_qubits;
        self.circuit.n_qubits += 1;
        if right { &mut self.right } else { &mut self.left }.push(at);
        at
    }

    /// Turns `basis` at qubit `at` to Z, or back.
    fn turn(&mut self, basis: Basis, at: u32, back: bool) {
        let quarter = std::f64::consts::FRAC_PI_2 * if back { -1.0 } else { 1.0 };
        match basis {
            Basis::X => self.circuit.push_gate(Kind::H, &[at], &[]),
            Basis::Y => self.circuit.push_gate(Kind::Rx, &[at], &[quarter]),
            Basis::Z | Basis::None => {}
        }
    }
}

struct Build<'a> {
    block_of: &'a [u32],
    place: Vec<u32>,
    all: Vec<Block>,
    /// The ancilla that stands for an epoch of a wire in another block.
    stands: HashMap<(u32, u32), u32>,
}

impl Build<'_> {
    /// A gate cut at the wire in `slot`.
    fn across(&mut self, gate: &Gate, slot: usize) {
        let (owner, other) = (gate.wires[slot], gate.wires[1 - slot]);
        let (home, away) = (self.block_of[owner as usize] as usize, self.block_of[other as usize] as usize);
        let basis = gate.bases[slot];
        let known = self.stands.get(&(gate.epochs[slot], away as u32)).copied();
        let stand = known.unwrap_or_else(|| {
            let (at, block) = (self.place[owner as usize], &mut self.all[home]);
            let copy = block.ancilla(away > home);
            block.turn(basis, at, false);
            block.circuit.push_gate(Kind::Cnot, &[at, copy], &[]);
            block.turn(basis, at, true);
            let stand = self.all[away].ancilla(home > away);
            self.all[away].circuit.push_gate(Kind::H, &[stand], &[]);
            self.stands.insert((gate.epochs[slot], away as u32), stand);
            stand
        });
        let block = &mut self.all[away];
        let mut at = [stand, self.place[other as usize]];
        if slot == 1 {
            at.swap(0, 1);
        }
        block.turn(basis, stand, true);
        block.push(gate.kind, &at, &gate.angles);
        block.turn(basis, stand, false);
    }
}

/// For each bond the epochs that are cut: as few as cut every gate across it (a vertex cover, by Koenig's theorem from a
/// maximum matching).
pub fn owners(wires: &Wires, block_of: &[u32], count: usize) -> Vec<Vec<u32>> {
    (0..count.saturating_sub(1))
        .map(|bond| {
            let crossing = wires.edges.iter().filter_map(|edge| {
                let homes = edge.wires.map(|wire| block_of[wire as usize] as usize);
                let low = homes[0].min(homes[1]);
                (low == bond && homes[0] != homes[1]).then(|| ends(edge, homes[0] != low))
            });
            cover(&crossing.collect::<Vec<_>>())
        })
        .collect()
}

fn ends(edge: &Edge, flip: bool) -> [u32; 2] {
    if flip {
        [edge.epochs[1], edge.epochs[0]]
    } else {
        edge.epochs
    }
}

/// A smallest set of epochs that has an end of each of `pairs` (left, right), NONE no end.
pub fn cover(pairs: &[[u32; 2]]) -> Vec<u32> {
    let mut chosen: Vec<u32> =
        pairs.iter().filter(|pair| pair.contains(&NONE)).map(|pair| pair[0].min(pair[1])).collect();
    chosen.sort_unstable();
    chosen.dedup();
    let mut next: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut starts = Vec::new();
    for pair in pairs.iter().filter(|pair| pair.iter().all(|end| chosen.binary_search(end).is_err())) {
        let list = next.entry(pair[0]).or_insert_with(|| {
            starts.push(pair[0]);
            Vec::new()
        });
        list.push(pair[1]);
    }
    let mut partner: HashMap<u32, u32> = HashMap::new();
    for &start in &starts {
        augment(start, &next, &mut partner);
    }
    // From left ends without a partner, by alternating paths: the cover is what is not reached left and is reached right.
    let matched: std::collections::HashSet<u32> = partner.values().copied().collect();
    let mut reached: std::collections::HashSet<u32> = Default::default();
    let mut queue: Vec<u32> = starts.iter().copied().filter(|start| !matched.contains(start)).collect();
    let mut left: std::collections::HashSet<u32> = queue.iter().copied().collect();
    while let Some(start) = queue.pop() {
        for &end in &next[&start] {
            if reached.insert(end) {
                if let Some(&back) = partner.get(&end) {
                    if left.insert(back) {
                        queue.push(back);
                    }
                }
            }
        }
    }
    chosen.extend(starts.iter().filter(|start| !left.contains(start)));
    chosen.extend(reached);
    chosen
}

/// Looks for a free right end along an alternating path (breadth first, so that no path is too deep for the stack).
fn augment(start: u32, next: &HashMap<u32, Vec<u32>>, partner: &mut HashMap<u32, u32>) {
    let mut came: HashMap<u32, u32> = HashMap::new(); // right end: the left end before it
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for &end in &next[&at] {
            if came.contains_key(&end) {
                continue;
            }
            came.insert(end, at);
            if let Some(&back) = partner.get(&end) {
                queue.push_back(back);
                continue;
            }
            let mut end = end;
            loop {
                let from = came[&end];
                let before = partner.iter().find(|(_, &left)| left == from).map(|(&right, _)| right);
                partner.insert(end, from);
                match before {
                    Some(right) if from != start => end = right,
                    _ => return,
                }
            }
        }
    }
}
