//! The images U^dagger X_q U and U^dagger Z_q U of all qubits under the Clifford part U of a circuit.
//!
//! A gate G after U turns U^dagger P U into U^dagger (G^dagger P G) U: products of the rows of its operands.

use super::gates::Operand;
use super::pauli::Pauli;
use crate::circuit::Kind;

/// Row 2q is X_q, row 2q + 1 is Z_q.
pub struct Tableau<const W: usize> {
    pub rows: Vec<Pauli<W>>,
}

impl<const W: usize> Tableau<W> {
    pub fn new(n: usize) -> Tableau<W> {
        Tableau { rows: (0..2 * n).map(|r| if r % 2 == 0 { Pauli::x(r / 2) } else { Pauli::z(r / 2) }).collect() }
    }

    #[inline]
    pub fn x(&self, q: usize) -> &Pauli<W> {
        &self.rows[2 * q]
    }

    #[inline]
    pub fn z(&self, q: usize) -> &Pauli<W> {
        &self.rows[2 * q + 1]
    }

    /// The image of a Pauli on some qubits.
    #[inline]
    pub fn image(&self, qubits: &[u32], (x, z): Operand) -> Pauli<W> {
        if let ([q], true) = (qubits, x & z == 0) {
            return self.rows[2 * *q as usize + (z != 0) as usize];
        }
        let (mut made, mut power) = (Pauli::I, 0);
        for (k, &q) in qubits.iter().enumerate() {
            let (is_x, is_z) = (x >> k & 1 == 1, z >> k & 1 == 1);
            if is_x {
                power += made.multiply(self.x(q as usize));
            }
            if is_z {
                power += made.multiply(self.z(q as usize)) + is_x as u32; // Y = i X Z
            }
        }
        debug_assert!(power & 1 == 0);
        made.neg = power & 3 == 2;
        made
    }

    /// The rotation by `quarters` times pi/2 about a Pauli with this image.
    pub fn quarters(&mut self, qubits: &[u32], (x, z): Operand, image: &Pauli<W>, quarters: u32) {
        for (k, &q) in qubits.iter().enumerate() {
            let rows = 2 * q as usize;
            if z >> k & 1 == 1 {
                self.rows[rows].turn_quarters(image, quarters);
            }
            if x >> k & 1 == 1 {
                self.rows[rows + 1].turn_quarters(image, quarters);
            }
        }
    }

    #[inline]
    pub fn negate_x(&mut self, q: u32) {
        let row = &mut self.rows[2 * q as usize];
        row.neg = !row.neg;
    }

    #[inline]
    pub fn negate_z(&mut self, q: u32) {
        let row = &mut self.rows[2 * q as usize + 1];
        row.neg = !row.neg;
    }

    /// rows[to] times rows[from] times i^power.
    #[inline]
    fn absorb(&mut self, to: u32, from: u32, power: u32) {
        let other = self.rows[from as usize];
        self.rows[to as usize].absorb(&other, power);
    }

    #[inline]
    fn s(&mut self, q: u32, dagger: bool) {
        self.absorb(2 * q, 2 * q + 1, if dagger { 1 } else { 3 }); // S^dagger X S = -Y = -i X Z
    }

    #[inline]
    fn sx(&mut self, q: u32, dagger: bool) {
        self.absorb(2 * q + 1, 2 * q, if dagger { 1 } else { 3 }); // SX^dagger Z SX = Y = -i Z X
    }

    #[inline]
    fn cx(&mut self, c: u32, t: u32) {
        self.absorb(2 * c, 2 * t, 0);
        self.absorb(2 * t + 1, 2 * c + 1, 0);
    }

    #[inline]
    fn cz(&mut self, a: u32, b: u32) {
        self.absorb(2 * a, 2 * b + 1, 0);
        self.absorb(2 * b, 2 * a + 1, 0);
    }

    fn swap(&mut self, a: u32, b: u32) {
        self.rows.swap(2 * a as usize, 2 * b as usize);
        self.rows.swap(2 * a as usize + 1, 2 * b as usize + 1);
    }

    /// Applies a Clifford gate that has no angles; false for any other gate.
    #[inline]
    pub fn gate(&mut self, kind: Kind, q: &[u32]) -> bool {
        match kind {
            Kind::Id => {}
            Kind::X => self.negate_z(q[0]),
            Kind::Z => self.negate_x(q[0]),
            Kind::Y => {
                self.negate_x(q[0]);
                self.negate_z(q[0]);
            }
            Kind::H => self.rows.swap(2 * q[0] as usize, 2 * q[0] as usize + 1),
            Kind::S => self.s(q[0], false),
            Kind::Sdg => self.s(q[0], true),
            Kind::Sx => self.sx(q[0], false),
            Kind::Sxdg => self.sx(q[0], true),
            Kind::Cnot => self.cx(q[0], q[1]),
            Kind::Cz => self.cz(q[0], q[1]),
            Kind::Cy => {
                self.s(q[1], true);
                self.cx(q[0], q[1]);
                self.s(q[1], false);
            }
            Kind::Swap => self.swap(q[0], q[1]),
            Kind::Iswap | Kind::Iswapdg => {
                self.s(q[0], kind == Kind::Iswapdg);
                self.s(q[1], kind == Kind::Iswapdg);
                self.cz(q[0], q[1]);
                self.swap(q[0], q[1]);
            }
            _ => return false,
        }
        true
    }
}
