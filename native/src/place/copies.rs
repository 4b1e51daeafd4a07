//! Wires that always read the same, as the two of a CNOT do whose target was in |0>: a gate that is diagonal on one of them
//! is the same gate on another, which may be nearer.

use super::graph::Node;
use crate::circuit::NONE;

pub struct Copies {
    /// The set that each wire is in, or NONE: it is alone.
    set: Vec<u32>,
    sets: Vec<Vec<u32>>,
    /// Whether a wire may be in another state than |0>.
    used: Vec<bool>,
}

impl Copies {
    pub fn new(wires: usize) -> Copies {
        Copies { set: vec![NONE; wires], sets: Vec::new(), used: vec![false; wires] }
    }

    pub fn clear(&mut self) {
        self.set.fill(NONE);
        self.sets.clear();
        self.used.fill(false);
    }

    /// The wires that read as `wire` does, with it; none where it is alone.
    pub fn of(&self, wire: u32) -> &[u32] {
        match self.set[wire as usize] {
            NONE => &[],
            set => &self.sets[set as usize],
        }
    }

    /// Takes note of a node that acts on `wires`.
    pub fn node(&mut self, node: &Node, wires: [u32; 2]) {
        if node.last {
            return; // it is made at the end
        }
        let begins = node.copies_to != NONE;
        let [control, target] = if wires[1] == node.copies_to { wires } else { [wires[1], wires[0]] };
        self.act(wires, node.diagonal, begins.then_some((control, target)));
    }

    /// Takes note of what acts on `wires`, and of the control and target of a lone CNOT.
    pub fn act(&mut self, wires: [u32; 2], diagonal: [bool; 2], cnot: Option<(u32, u32)>) {
        let begins = cnot.filter(|&(_, target)| !self.used[target as usize]);
        for (wire, stays) in wires.into_iter().zip(diagonal).filter(|&(wire, _)| wire != NONE) {
            if !stays {
                self.leave(wire);
            }
            self.used[wire as usize] = true;
        }
        if let Some((control, target)) = begins {
            self.join(target, control);
        }
    }

    fn leave(&mut self, wire: u32) {
        let set = std::mem::replace(&mut self.set[wire as usize], NONE);
        if set != NONE {
            self.sets[set as usize].retain(|&other| other != wire);
        }
    }

    fn join(&mut self, wire: u32, with: u32) {
        if self.set[with as usize] == NONE {
            self.set[with as usize] = self.sets.len() as u32;
            self.sets.push(vec![with]);
        }
        let set = self.set[with as usize];
        self.set[wire as usize] = set;
        self.sets[set as usize].push(wire);
    }
}
