//! What a placed circuit costs: two-qubit gates and their depth once each block on a pair is synthesised as one.

use super::graph::Node;
use crate::circuit::NONE;

#[derive(Clone, Copy, Debug)]
struct Block {
    sites: (u32, u32),
    /// CNOTs as it is, and with an exchange.
    cost: u8,
    swapped: u8,
    start: u32,
}

#[derive(Clone, Debug)]
pub struct Price {
    /// The open block at each site, or NONE: a later gate on the same pair joins it.
    open: Vec<u32>,
    blocks: Vec<Block>,
    depths: Vec<u32>,
    /// Sites in |0>: nothing was done there.
    fresh: Vec<bool>,
    pub two: u32,
}

impl Price {
    pub fn new(n: u32) -> Price {
        let n = n as usize;
        Price { open: vec![NONE; n], blocks: Vec::new(), depths: vec![0; n], fresh: vec![true; n], two: 0 }
    }

    pub fn clear(&mut self) {
        self.open.fill(NONE);
        self.blocks.clear();
        self.depths.fill(0);
        self.fresh.fill(true);
        self.two = 0;
    }

    pub fn depth(&self) -> u32 {
        self.depths.iter().copied().max().unwrap_or(0)
    }

    pub fn depth_at(&self, site: u32) -> u32 {
        self.depths[site as usize]
    }

    pub fn is_fresh(&self, site: u32) -> bool {
        self.fresh[site as usize]
    }

    /// Two-qubit gates that an exchange of two sites adds.
    #[inline]
    pub fn of_swap(&self, p: u32, q: u32) -> i32 {
        let (a, b) = (p as usize, q as usize);
        if self.open[a] != NONE && self.open[a] == self.open[b] {
            let block = &self.blocks[self.open[a] as usize];
            return block.swapped as i32 - block.cost as i32;
        }
        match (self.fresh[a], self.fresh[b]) {
            (true, true) => 0,
            (false, false) => 3,
            _ => 2,
        }
    }

    pub fn swap(&mut self, p: u32, q: u32) {
        let (a, b) = (p as usize, q as usize);
        if self.open[a] != NONE && self.open[a] == self.open[b] {
            let number = self.open[a];
            let block = &mut self.blocks[number as usize];
            self.two = self.two + block.swapped as u32 - block.cost as u32;
            (block.cost, block.swapped) = (block.swapped, block.cost);
            self.fresh.swap(a, b);
            return self.set_depth(number);
        }
        let cost = self.of_swap(p, q) as u8;
        if cost > 0 {
            // two CNOTs and an exchange are one CNOT away from nothing
            self.begin(p, q, cost, if cost == 3 { 0 } else { 1 });
        }
        self.fresh.swap(a, b);
    }

    /// A gate or block at its sites.
    pub fn node(&mut self, node: &Node, p: u32, q: u32) {
        if !node.pair {
            for site in [p, q].into_iter().filter(|&site| site != NONE) {
                self.open[site as usize] = NONE;
                self.fresh[site as usize] = false;
            }
            if q != NONE {
                let depth = self.depths[p as usize].max(self.depths[q as usize]);
                (self.depths[p as usize], self.depths[q as usize]) = (depth, depth);
            }
            return;
        }
        let number = self.open[p as usize];
        if number != NONE && number == self.open[q as usize] && node.joins {
            let block = &mut self.blocks[number as usize];
            let before = block.cost;
            // after a bare exchange the block's own classes change places; else any gate may come out
            let exchange = (block.cost, block.swapped) == (3, 0);
            (block.cost, block.swapped) = if exchange { (node.swapped, node.cost) } else { (3, 3) };
            self.two = self.two + block.cost as u32 - before as u32;
            self.set_depth(number);
        } else {
            self.begin(p, q, node.cost, node.swapped);
        }
        (self.fresh[p as usize], self.fresh[q as usize]) = (false, false);
        if !node.joins {
            (self.open[p as usize], self.open[q as usize]) = (NONE, NONE);
        }
    }

    fn begin(&mut self, p: u32, q: u32, cost: u8, swapped: u8) {
        let start = self.depths[p as usize].max(self.depths[q as usize]);
        let number = self.blocks.len() as u32;
        self.blocks.push(Block { sites: (p, q), cost, swapped, start });
        (self.open[p as usize], self.open[q as usize]) = (number, number);
        self.two += cost as u32;
        self.set_depth(number);
    }

    fn set_depth(&mut self, number: u32) {
        let block = &self.blocks[number as usize];
        let depth = block.start + block.cost as u32;
        self.depths[block.sites.0 as usize] = depth;
        self.depths[block.sites.1 as usize] = depth;
    }
}
