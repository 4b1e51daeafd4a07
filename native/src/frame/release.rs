//! The last read-out of a circuit in an order that keeps few qubits active.
//!
//! Measurements of different qubits commute, so the one that needs the fewest further rotations is taken first. And
//! when all that is still to happen is known, a Pauli of active qubits that commutes with all of it can be measured
//! without being read: that changes no distribution and puts a qubit to sleep. This is what tracing out a qubit after
//! its last gate does, found in the Heisenberg picture.

use super::compile::Compiler;
use super::pauli::{flip, members, Mask, Pauli};
use super::pending::{holds, Pending};
use crate::circuit::{Op, NONE};

/// Most pending rotations for which an order is looked for.
const ORDERED: usize = 8192;

/// Of pending rotations, themselves and all that must come before them, as sets.
struct Histories {
    words: usize,
    /// Of every qubit, the rotations that touch it.
    touching: Vec<u64>,
    all: Vec<Vec<u64>>,
}

impl Histories {
    /// All that must come before a Pauli that happens after those rotations of which the histories are known.
    fn before<const W: usize>(&self, p: &Pauli<W>, pending: &[Pending<W>]) -> Vec<u64> {
        let mut near = vec![0u64; self.words];
        for j in members(p.support()) {
            near.iter_mut().zip(&self.touching[j * self.words..]).for_each(|(n, t)| *n |= t);
        }
        let mut own = vec![0u64; self.words];
        for word in (0..self.words).rev() {
            let mut left = near[word] & !own[word];
            while left != 0 {
                let bit = 63 - left.leading_zeros() as usize;
                left ^= 1 << bit;
                let at = word * 64 + bit;
                if pending[at].p.anticommutes(p) {
                    own.iter_mut().zip(&self.all[at]).for_each(|(o, h)| *o |= h);
                    left &= !own[word];
                }
            }
        }
        own
    }
}

/// While a part has so many qubits and at least so many rotations are queued, it has no idle Pauli.
pub struct Certificate {
    part: u32,
    qubits: usize,
    queued: usize,
}

impl<const W: usize> Compiler<'_, W> {
    /// Measures until no rotation is pending; the rest stays in `ops`.
    pub fn measure_in_good_order(&mut self, ops: &mut Vec<&Op>) {
        if self.pending.is_empty() {
            return;
        }
        let mut needs = if self.pending.len() <= ORDERED { self.needs(ops) } else { Vec::new() };
        // the sets are about the pending rotations of now: `names` are their places then
        let mut names: Vec<u32> = (0..self.pending.len() as u32).collect();
        if let Some(all) = needs.pop() {
            names.retain(|&at| holds(&all, at as usize));
            let mut at = 0;
            self.pending.retain(|_| {
                at += 1;
                holds(&all, at - 1)
            });
            self.find_moved();
        }
        let mut rows: Vec<usize> = ops.iter().map(|op| self.row[op.q[0] as usize] as usize).collect();
        rows.sort_unstable();
        rows.dedup();
        self.horizon = Some(rows);
        while !self.pending.is_empty() && !ops.is_empty() && !self.given_up {
            let count = |need: &Vec<u64>| need.iter().map(|word| word.count_ones()).sum::<u32>();
            let at = (0..needs.len()).min_by_key(|&at| count(&needs[at])).unwrap_or(0);
            let op = ops.remove(at);
            if !needs.is_empty() {
                let need = needs.remove(at);
                let mut chosen = vec![0u64; names.len().div_ceil(64)];
                for (at, &name) in names.iter().enumerate() {
                    chosen[at / 64] |= (holds(&need, name as usize) as u64) << (at % 64);
                }
                names.retain(|&name| !holds(&need, name as usize));
                self.settle_set(&chosen);
                needs.iter_mut().for_each(|other| other.iter_mut().zip(&need).for_each(|(o, n)| *o &= !n));
            }
            self.measure(op);
            if !ops.iter().any(|other| other.q[0] == op.q[0]) {
                let row = self.row[op.q[0] as usize] as usize;
                self.horizon.iter_mut().for_each(|rows| rows.retain(|&r| r != row));
            }
        }
    }

    /// Which pending rotations each measurement needs, and last, which of them any does.
    fn needs(&self, ops: &[&Op]) -> Vec<Vec<u64>> {
        let words = self.pending.len().div_ceil(64);
        let mut histories = Histories { words, touching: vec![0; words * self.place.len()], all: Vec::new() };
        for (at, rotation) in self.pending.iter().enumerate() {
            let mut own = histories.before(&rotation.p, &self.pending);
            own[at / 64] |= 1 << (at % 64);
            histories.all.push(own);
            for j in members(rotation.p.support()) {
                histories.touching[j * words + at / 64] |= 1 << (at % 64);
            }
        }
        let mut needs: Vec<Vec<u64>> =
            ops.iter().map(|op| histories.before(&self.image_z(op), &self.pending)).collect();
        let mut any = vec![0u64; words];
        needs.iter().for_each(|need| any.iter_mut().zip(need).for_each(|(a, n)| *a |= n));
        needs.push(any);
        needs
    }

    /// Measures, unread, every Pauli of a part that commutes with all that is to come.
    pub fn release(&mut self, part: u32) {
        while self.horizon.is_some() && self.searches > 0 && !self.given_up {
            let Some(free) = self.idle_pauli(part) else { return };
            self.read(&free, NONE);
        }
    }

    /// A Pauli of the part's qubits that commutes with all pending rotations and all rows of the horizon. What
    /// happens last is looked at first: where it leaves no such Pauli, there is none until one of it has happened.
    fn idle_pauli(&mut self, part: u32) -> Option<Pauli<W>> {
        let qubits = &self.parts[part as usize];
        let holds = |c: &Certificate| c.part == part && c.qubits == qubits.len() && c.queued <= self.queue.len();
        if self.certificates.iter().any(holds) {
            return None;
        }
        let mut mask: Mask<W> = [0; W];
        qubits.iter().for_each(|&j| flip(&mut mask, j as usize));
        let rows = self.horizon.iter().flatten().map(|&q| (0, self.tableau.z(q)));
        let pending = self.pending.iter().map(|r| (0, &r.p));
        let queued = self.queue.iter().enumerate().map(|(at, r)| (at + 1, &r.p));
        let (mut basis, mut rank) = ([0u128; 128], 0);
        for (queued, p) in rows.chain(pending).chain(queued) {
            self.searches = self.searches.saturating_sub(1);
            if (0..W).all(|w| (p.x[w] | p.z[w]) & mask[w] == 0) {
                continue;
            }
            let mut v = 0u128; // z below, x above: its product with (x below, z above) is the commutator
            for (at, &j) in qubits.iter().enumerate() {
                let j = j as usize;
                v |= ((p.z[j / 64] >> (j % 64) & 1) as u128) << at;
                v |= ((p.x[j / 64] >> (j % 64) & 1) as u128) << (64 + at);
            }
            while v != 0 {
                let lead = 127 - v.leading_zeros() as usize;
                if basis[lead] == 0 {
                    basis[lead] = v;
                    rank += 1;
                    break;
                }
                v ^= basis[lead];
            }
            if rank == 2 * qubits.len() {
                let qubits = qubits.len();
                self.certificates.retain(|c| c.part != part);
                self.certificates.push(Certificate { part, qubits, queued });
                return None;
            }
        }
        let columns = (0..qubits.len()).chain(64..64 + qubits.len());
        let free = columns.filter(|&c| basis[c] == 0).map(|c| solution(&basis, c)).min_by_key(|v| v.count_ones())?;
        let mut found = Pauli::I;
        for (at, &j) in qubits.iter().enumerate() {
            if free >> at & 1 == 1 {
                flip(&mut found.x, j as usize);
            }
            if free >> (64 + at) & 1 == 1 {
                flip(&mut found.z, j as usize);
            }
        }
        Some(found)
    }
}

/// The vector with bit `free` and no other bit without a basis vector whose product with every basis vector is even.
fn solution(basis: &[u128; 128], free: usize) -> u128 {
    let mut v = 1u128 << free;
    for (lead, row) in basis.iter().enumerate() {
        if *row != 0 && (row & v & !(1 << lead)).count_ones() & 1 == 1 {
            v |= 1 << lead;
        }
    }
    v
}
