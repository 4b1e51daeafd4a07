//! Pauli operators on up to 128 wires, in two machine words.

use crate::circuit::Kind;

/// Most wires.
pub const WIRES: usize = 128;

/// Plus or minus a product of X, Y and Z: Y where both bits are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Word {
    pub x: u128,
    pub z: u128,
    pub negative: bool,
}

impl Word {
    pub fn support(&self) -> u128 {
        self.x | self.z
    }

    pub fn weight(&self) -> u32 {
        self.support().count_ones()
    }

    pub fn commutes(&self, other: &Word) -> bool {
        ((self.x & other.z) ^ (self.z & other.x)).count_ones() % 2 == 0
    }

    /// The factor on a wire: bit 0 for X, bit 1 for Z.
    pub fn factor(&self, wire: usize) -> usize {
        (self.x >> wire & 1) as usize | ((self.z >> wire & 1) as usize) << 1
    }

    /// Power of i where the operator is written `i^k X^x Z^z`.
    fn power(&self) -> u32 {
        2 * self.negative as u32 + (self.x & self.z).count_ones()
    }

    /// `i^extra` times this times `other`; the product must be Hermitian.
    pub fn times(&self, other: &Word, extra: u32) -> Word {
        let (x, z) = (self.x ^ other.x, self.z ^ other.z);
        let power = extra + self.power() + other.power() + 2 * (self.z & other.x).count_ones();
        let off = (power + 3 * (x & z).count_ones()) % 4;
        debug_assert!(off % 2 == 0, "the product is not Hermitian");
        Word { x, z, negative: off == 2 }
    }

    /// This operator as it is before a rotation about `axis` by `quarters` quarter turns: what comes after the rotation
    /// acts so if it is moved to before it.
    pub fn before_turn(&self, axis: &Word, quarters: u8) -> Word {
        if self.commutes(axis) {
            return *self;
        }
        match quarters % 4 {
            0 => *self,
            1 => axis.times(self, 1),
            2 => Word { negative: !self.negative, ..*self },
            _ => axis.times(self, 3),
        }
    }

    /// `g P g^-1` for a gate g of H, S, Sdg, X, Z and CZ.
    pub fn conjugate(&mut self, kind: Kind, qubits: &[usize]) {
        let a = qubits[0];
        let (x, z) = (self.x >> a & 1, self.z >> a & 1);
        match kind {
            Kind::H => {
                self.negative ^= x & z == 1;
                self.x ^= (x ^ z) << a;
                self.z ^= (x ^ z) << a;
            }
            Kind::S => {
                self.negative ^= x & z == 1;
                self.z ^= x << a;
            }
            Kind::Sdg => {
                self.negative ^= x & (z ^ 1) == 1;
                self.z ^= x << a;
            }
            Kind::X => self.negative ^= z == 1,
            Kind::Z => self.negative ^= x == 1,
            Kind::Cz => {
                let b = qubits[1];
                let (xb, zb) = (self.x >> b & 1, self.z >> b & 1);
                self.negative ^= x & xb & (z ^ zb) == 1;
                self.z ^= xb << a | x << b;
            }
            _ => unreachable!("{} is not conjugated by", kind.name()),
        }
    }
}
