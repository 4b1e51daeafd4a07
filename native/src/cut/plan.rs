//! A circuit cut into a chain of blocks, with what it costs, and its run.

use std::fmt;
use std::sync::Arc;

use super::blocks::{blocks, Block};
use super::partition::{partition, Aim, Partition};
use super::tree::{Group, Place, Tree};
use super::wires::Wires;
use crate::circuit::Circuit;
use crate::dense;
use crate::dice::Dice;
use crate::mps::linear::Matrix;
use crate::samples::Samples;

pub struct Plan {
    n_cbits: usize,
    wires: Wires,
    blocks: Vec<Block>,
    dense: Vec<dense::Plan<f32>>,
    memory: u64,
}

/// Why there is no plan or no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not gates with one read-out, or has no cheap cut.
    Unfit(String),
    Memory {
        needed: u64,
        allowed: u64,
    },
    Stopped,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Unfit(why) => f.write_str(why),
            Refused::Memory { needed, allowed } => {
                write!(f, "the blocks take {needed} bytes; {allowed} are allowed")
            }
            Refused::Stopped => f.write_str("stopped"),
        }
    }
}

/// Most gates and qubits of a circuit that is looked at.
const MAX_GATES: usize = 200_000;
const MAX_QUBITS: u32 = 1024;

impl Plan {
    /// Into the blocks that look cheapest for `shots` shots. `memory`: bytes that a run may take.
    pub fn compile(circuit: &Circuit, shots: usize, memory: u64) -> Result<Plan, Refused> {
        if circuit.n_qubits > MAX_QUBITS || circuit.ops.len() > MAX_GATES {
            return Err(Refused::Unfit(format!("more than {MAX_QUBITS} qubits or {MAX_GATES} gates")));
        }
        let wires = Wires::of(circuit).map_err(Refused::Unfit)?;
        let found = partition(&wires, Aim { shots, memory });
        let found = found.ok_or_else(|| Refused::Unfit("no cut leaves blocks that fit the memory".into()))?;
        Plan::of(circuit, wires, found, memory)
    }

    /// Into given blocks: each qubit, by where it begins, in one; gates only inside blocks and between neighbours.
    pub fn with_blocks(circuit: &Circuit, given: &[Vec<u32>], memory: u64) -> Result<Plan, Refused> {
        let wires = Wires::of(circuit).map_err(Refused::Unfit)?;
        let mut block_of = vec![u32::MAX; wires.n];
        for (block, members) in given.iter().enumerate() {
            for &qubit in members {
                match block_of.get_mut(qubit as usize) {
                    Some(slot) if *slot == u32::MAX => *slot = block as u32,
                    _ => return Err(Refused::Unfit(format!("qubit {qubit} is in two blocks or not in the circuit"))),
                }
            }
        }
        if let Some(qubit) = block_of.iter().position(|&block| block == u32::MAX) {
            return Err(Refused::Unfit(format!("qubit {qubit} is in no block")));
        }
        let far = |edge: &&super::wires::Edge| {
            let [a, b] = edge.wires.map(|wire| block_of[wire as usize]);
            a.abs_diff(b) > 1
        };
        if let Some(edge) = wires.edges.iter().find(far) {
            let [a, b] = edge.wires;
            return Err(Refused::Unfit(format!("a gate joins wires {a} and {b}, whose blocks are no neighbours")));
        }
        Plan::of(circuit, wires, Partition { block_of, count: given.len(), seconds: 0.0 }, memory)
    }

    fn of(circuit: &Circuit, wires: Wires, found: Partition, memory: u64) -> Result<Plan, Refused> {
        let Partition { block_of, count, .. } = found;
        let blocks = blocks(&wires, &block_of, count);
        let refused = |needed| Refused::Memory { needed, allowed: memory };
        let mut dense = Vec::with_capacity(count);
        for block in &blocks {
            let made = dense::Plan::<f32>::compile(&Arc::new(block.circuit.clone()), memory);
            dense.push(made.map_err(|why| match why {
                dense::Refused::Memory { needed, .. } => refused(needed.unwrap_or(u64::MAX)),
                other => Refused::Unfit(format!("{other:?}")),
            })?);
        }
        let plan = Plan { n_cbits: circuit.n_cbits as usize, wires, blocks, dense, memory };
        match plan.memory_bytes(1) {
            needed if needed > memory => Err(refused(needed)),
            _ => Ok(plan),
        }
    }

    /// The wires of each block.
    pub fn blocks(&self) -> impl Iterator<Item = &[u32]> {
        self.blocks.iter().map(|block| &block.wires[..])
    }

    /// log2 of the paths between neighbouring blocks.
    pub fn paths(&self) -> Vec<usize> {
        self.blocks.iter().take(self.blocks.len().saturating_sub(1)).map(|block| block.right.len()).collect()
    }

    /// Most bits of a block's state.
    pub fn width(&self) -> u32 {
        self.dense.iter().map(dense::Plan::width).max().unwrap_or(0)
    }

    /// Predicted seconds of `shots` shots.
    pub fn cost(&self, shots: usize) -> f64 {
        let one = |(block, dense): (&Block, &dense::Plan<f32>)| {
            let state = dense.cost(0, &dense::RATES) + FRESH_S * dense.memory_bytes(1) as f64;
            state + block.sizes().seconds(shots as f64)
        };
        self.blocks.iter().zip(&self.dense).map(one).sum()
    }

    /// Bytes that the states, the sums over them and the shots take.
    pub fn memory_bytes(&self, shots: usize) -> u64 {
        let states = self.blocks.iter().fold(0u64, |sum, block| sum.saturating_add(block.sizes().bytes()));
        let paths = self.blocks.iter().map(|block| 1u64 << block.right.len().min(40)).max().unwrap_or(1);
        states.saturating_add((shots as u64).saturating_mul(32 * paths + 64 + self.n_cbits as u64 / 8))
    }

    /// Samples; `stop` is asked now and then and ends the run with true.
    pub fn run(&self, shots: usize, seed: u64, stop: &dyn Fn() -> bool) -> Result<Samples, Refused> {
        match self.memory_bytes(shots) {
            needed if needed > self.memory => return Err(Refused::Memory { needed, allowed: self.memory }),
            _ => {}
        }
        let trees = self.trees(stop)?;
        let mut dice = Dice::new(seed, &[0]);
        let mut samples = Samples::zeros(shots, self.n_cbits);
        let mut place: Vec<u32> = (0..shots as u32).collect();
        let mut shuffle = Dice::new(seed, &[1]);
        for k in (1..shots).rev() {
            place.swap(k, shuffle.below(k as u64 + 1) as usize);
        }
        let mut cbits: Vec<Vec<u32>> = vec![Vec::new(); self.wires.n];
        self.wires.reads.iter().for_each(|&(wire, cbit)| cbits[wire as usize].push(cbit));
        let mut groups = vec![Group { first: 0, count: shots, re: vec![1.0], im: vec![0.0] }];
        groups.retain(|group| group.count > 0);
        for (block, tree) in self.blocks.iter().zip(&trees) {
            let mut next = Vec::with_capacity(groups.len());
            if stop() {
                return Err(Refused::Stopped);
            }
            let drawn = tree.sample(&groups, &mut dice, stop, &mut |outcome, part| {
                for (wire, at) in block.wires.iter().zip(&tree.wires) {
                    let one = match *at {
                        Place::Bit(bit) => outcome >> bit & 1 == 1,
                        Place::Value(value) => value,
                    };
                    for &cbit in cbits[*wire as usize].iter().filter(|_| one) {
                        for &shot in &place[part.first..part.first + part.count] {
                            samples.set(shot as usize, cbit);
                        }
                    }
                }
                next.push(part);
            });
            drawn.ok_or(Refused::Stopped)?;
            groups = next;
        }
        Ok(samples)
    }

    /// Amplitudes of bitstrings of one character a qubit, qubit 0 first.
    pub fn amplitudes(&self, of: &[String], stop: &dyn Fn() -> bool) -> Result<Vec<(f64, f64)>, Refused> {
        if let Some(bad) = of.iter().find(|t| t.len() != self.wires.n || t.bytes().any(|b| b != b'0' && b != b'1')) {
            return Err(Refused::Unfit(format!("'{bad}' is no string of {} bits", self.wires.n)));
        }
        match self.memory_bytes(1) {
            needed if needed > self.memory => return Err(Refused::Memory { needed, allowed: self.memory }),
            _ => {}
        }
        let mut found = vec![(vec![1.0], vec![0.0]); of.len()];
        let (mut phase, mut paths) = (0.0, 0);
        for (block, dense) in self.blocks.iter().zip(&self.dense) {
            let (state, program) = dense.final_state(&|_| stop()).map_err(|_| Refused::Stopped)?;
            let tree = Tree::new(block, state, program, &Matrix::identity(1 << block.right.len()));
            for (text, v) in of.iter().zip(&mut found) {
                let bits = |wire: usize| text.as_bytes()[self.wires.qubit_of[block.wires[wire] as usize] as usize];
                *v = tree.contract(|wire| bits(wire) == b'1', (&v.0, &v.1));
            }
            phase += program.phase;
            paths += block.left.len();
        }
        // The ancillas that stand for an owner begin as (|0> + |1>) / sqrt(2).
        let (s, c) = phase.sin_cos();
        let scale = (paths as f64 / 2.0).exp2();
        Ok(found
            .iter()
            .map(|v| (v.0[0], v.1[0]))
            .map(|(a, b)| (scale * (a * c - b * s), scale * (a * s + b * c)))
            .collect())
    }

    /// The final states of the blocks, from the last to the first, since each needs what is right of it.
    fn trees(&self, stop: &dyn Fn() -> bool) -> Result<Vec<Tree>, Refused> {
        let mut after = Matrix::zeros(1, 1);
        after.re[0] = 1.0;
        let mut trees = Vec::with_capacity(self.blocks.len());
        for (block, dense) in self.blocks.iter().zip(&self.dense).rev() {
            let (state, program) = dense.final_state(&|_| stop()).map_err(|_| Refused::Stopped)?;
            let mut tree = Tree::new(block, state, program, &after);
            after = tree.fill(stop).ok_or(Refused::Stopped)?;
            trees.push(tree);
        }
        trees.reverse();
        Ok(trees)
    }
}

/// Seconds that the system takes to hand out a byte of a state.
const FRESH_S: f64 = 0.2e-9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Kind, Op};

    #[test]
    fn a_run_asks_whether_to_end_while_it_draws_its_shots() {
        let n = 24;
        let mut circuit = Circuit { n_qubits: n, n_cbits: n, ..Circuit::default() };
        (0..n).for_each(|q| circuit.push_gate(Kind::Ry, &[q], &[0.3 + f64::from(q)]));
        (0..6).for_each(|q| circuit.push_gate(Kind::Rzz, &[q, q + 12], &[0.7]));
        (0..n).for_each(|q| circuit.push_gate(Kind::Ry, &[q], &[0.9]));
        circuit.ops.extend((0..n).map(|q| Op::measure(q, q)));
        let plan = Plan::with_blocks(&circuit, &[(0..12).collect(), (12..n).collect()], 1 << 30).expect("two blocks");
        let asked = |shots| {
            let count = std::cell::Cell::new(0);
            let stop = || {
                count.set(count.get() + 1);
                false
            };
            plan.run(shots, 1, &stop).expect("room");
            count.get()
        };
        assert!(asked(20_000) > asked(1) + 2);
    }
}
