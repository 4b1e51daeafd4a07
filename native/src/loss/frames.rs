//! One-qubit Clifford gates that always happen, taken out of a circuit before it runs.
//!
//! With L the product of such gates on a qubit so far, every later step is written with L undone: a Pauli P of the circuit
//! is L^-1 P L of the tableau, which is a Pauli again. A gate of two qubits is a controlled Pauli under any L, so that
//! the tableau never sees an H or S that no condition guards. What other steps drop or take does not matter: L depends on
//! no shot.

use crate::circuit::Kind;

/// A Pauli of one qubit with its sign. Letters: X 0, Y 1, Z 2; each times the next is i times the one after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    pub letter: u8,
    pub minus: bool,
}

pub const X: usize = 0;
pub const Y: usize = 1;
pub const Z: usize = 2;

/// Where a one-qubit Clifford gate takes X, Y and Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame(pub [Axis; 3]);

const fn plus(letter: usize) -> Axis {
    Axis { letter: letter as u8, minus: false }
}

const fn minus(letter: usize) -> Axis {
    Axis { letter: letter as u8, minus: true }
}

impl Frame {
    pub const SAME: Frame = Frame([plus(X), plus(Y), plus(Z)]);

    /// P to G P G^-1, of a gate G.
    pub fn of(gate: Kind) -> Option<Frame> {
        Some(Frame(match gate {
            Kind::X => [plus(X), minus(Y), minus(Z)],
            Kind::Y => [minus(X), plus(Y), minus(Z)],
            Kind::Z => [minus(X), minus(Y), plus(Z)],
            Kind::H => [plus(Z), minus(Y), plus(X)],
            Kind::S => [plus(Y), minus(X), plus(Z)],
            Kind::Sdg => [minus(Y), plus(X), plus(Z)],
            Kind::Sx => [plus(X), plus(Z), minus(Y)],
            Kind::Sxdg => [plus(X), minus(Z), plus(Y)],
            _ => return None,
        }))
    }

    pub fn image(&self, axis: Axis) -> Axis {
        let found = self.0[axis.letter as usize];
        Axis { letter: found.letter, minus: found.minus ^ axis.minus }
    }

    /// First `first`, then this.
    pub fn after(&self, first: &Frame) -> Frame {
        Frame(first.0.map(|axis| self.image(axis)))
    }

    pub fn inverse(&self) -> Frame {
        let mut out = Frame::SAME;
        for (letter, axis) in self.0.iter().enumerate() {
            out.0[axis.letter as usize] = Axis { letter: letter as u8, minus: axis.minus };
        }
        out
    }

    /// Only signs change: a Pauli, the letter of which commutes with itself. None for the identity.
    pub fn as_pauli(&self) -> Option<Option<u8>> {
        if (0..3).any(|letter| self.0[letter].letter as usize != letter) {
            return None;
        }
        let mut kept = (0..3).filter(|&letter| !self.0[letter].minus);
        Some(if kept.clone().count() == 3 { None } else { kept.next().map(|letter| letter as u8) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_turn_as_their_products_do() {
        let of = |kind| Frame::of(kind).unwrap();
        for (gate, back) in [(Kind::S, Kind::Sdg), (Kind::Sx, Kind::Sxdg), (Kind::H, Kind::H), (Kind::Y, Kind::Y)] {
            assert_eq!(of(gate).after(&of(back)), Frame::SAME);
            assert_eq!(of(gate).inverse(), of(back));
        }
        assert_eq!(of(Kind::H).after(&of(Kind::S)).after(&of(Kind::H)), of(Kind::Sx));
        assert_eq!(of(Kind::S).after(&of(Kind::S)), of(Kind::Z));
        assert_eq!(of(Kind::Z).after(&of(Kind::X)), of(Kind::Y));
        assert_eq!(Frame::of(Kind::Cz), None);
    }

    #[test]
    fn paulis_are_known_by_their_signs() {
        for (letter, kind) in [Kind::X, Kind::Y, Kind::Z].into_iter().enumerate() {
            assert_eq!(Frame::of(kind).unwrap().as_pauli(), Some(Some(letter as u8)));
        }
        assert_eq!(Frame::SAME.as_pauli(), Some(None));
        assert_eq!(Frame::of(Kind::S).unwrap().as_pauli(), None);
    }
}
