//! What the Pauli operators of the wires were at the start of the circuit: rows of `C^-1 P C` for the Clifford gates C so
//! far.

use crate::circuit::Kind;

/// `i^power X^x Z^z`: the words of x, then those of z.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pauli {
    pub bits: Box<[u64]>,
    /// Of i, modulo 4.
    pub power: u8,
}

impl Pauli {
    fn words(&self) -> usize {
        self.bits.len() / 2
    }

    pub fn x(&self) -> &[u64] {
        &self.bits[..self.words()]
    }

    pub fn z(&self) -> &[u64] {
        &self.bits[self.words()..]
    }

    /// This operator before (left of) `other`, with `extra` powers of i.
    fn times(&mut self, other: &Pauli, extra: u8) {
        let odd: u32 = self.z().iter().zip(other.x()).map(|(z, x)| (z & x).count_ones()).sum();
        self.power = (self.power + other.power + 2 * (odd % 2) as u8 + extra) % 4;
        self.bits.iter_mut().zip(other.bits.iter()).for_each(|(a, b)| *a ^= b);
    }

    /// Whether it is minus the product of its Pauli factors.
    pub fn is_negative(&self) -> bool {
        let ys: u32 = self.x().iter().zip(self.z()).map(|(x, z)| (x & z).count_ones()).sum();
        (self.power + 4 - (ys % 4) as u8) % 4 == 2
    }
}

/// Whether two operators, each given by its bits, commute.
pub fn commute(a: &[u64], b: &[u64]) -> bool {
    let words = a.len() / 2;
    let (ax, az) = a.split_at(words);
    let (bx, bz) = b.split_at(words);
    let odd = (0..words).fold(0, |odd, k| odd ^ (ax[k] & bz[k]) ^ (az[k] & bx[k]));
    odd.count_ones() % 2 == 0
}

pub struct Frame {
    x: Vec<Pauli>,
    z: Vec<Pauli>,
}

impl Frame {
    pub fn new(n_qubits: usize) -> Frame {
        let words = n_qubits.div_ceil(64);
        let single = |q: usize, at: usize| {
            let mut bits = vec![0u64; 2 * words].into_boxed_slice();
            bits[at + q / 64] = 1 << (q % 64);
            Pauli { bits, power: 0 }
        };
        Frame { x: (0..n_qubits).map(|q| single(q, 0)).collect(), z: (0..n_qubits).map(|q| single(q, words)).collect() }
    }

    pub fn x(&self, wire: u32) -> &Pauli {
        &self.x[wire as usize]
    }

    pub fn z(&self, wire: u32) -> &Pauli {
        &self.z[wire as usize]
    }

    /// Another Clifford gate; false for a gate that is none of those `lower` leaves.
    pub fn gate(&mut self, kind: Kind, qubits: &[u32]) -> bool {
        let a = qubits[0] as usize;
        match kind {
            Kind::X => self.z[a].power ^= 2,
            Kind::Z => self.x[a].power ^= 2,
            Kind::Y => {
                self.x[a].power ^= 2;
                self.z[a].power ^= 2;
            }
            Kind::H => std::mem::swap(&mut self.x[a], &mut self.z[a]),
            Kind::S => self.x[a].times(&self.z[a], 3),
            Kind::Sdg => self.x[a].times(&self.z[a], 1),
            Kind::Cnot => {
                let b = qubits[1] as usize;
                let (target, control) = (self.x[b].clone(), self.z[a].clone());
                self.x[a].times(&target, 0);
                self.z[b].times(&control, 0);
            }
            Kind::Cz => {
                let b = qubits[1] as usize;
                self.x[a].times(&self.z[b], 0);
                self.x[b].times(&self.z[a], 0);
            }
            Kind::Swap => {
                self.x.swap(a, qubits[1] as usize);
                self.z.swap(a, qubits[1] as usize);
            }
            _ => return false,
        }
        true
    }
}
