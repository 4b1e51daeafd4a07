//! The kinds of instruction: one row each, from which names, sizes and relations follow. The rows of the gates are
//! generated from their declarations in Python.

macro_rules! kinds {
    ($($kind:ident $name:literal $qubits:literal [$($angle:literal),*] $bases:literal $base:ident $controls:literal
       $inverse:ident $clifford:literal)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind { $($kind,)* Measure, Reset, Noise, Noise2, Logic }

        use Kind::{Logic, Measure, Noise, Noise2, Reset};

        /// Every kind, by its number.
        pub const ALL: &[Kind] = &[$(Kind::$kind,)* Measure, Reset, Noise, Noise2, Logic];

        impl Kind {
            /// The short name in family `core`; for what is no gate, a lower-case word.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Kind::$kind => $name,)*
                    Measure => "measure",
                    Reset => "reset",
                    Noise => "noise",
                    Noise2 => "noise2",
                    Logic => "logic",
                }
            }

            #[inline]
            pub const fn n_qubits(self) -> usize {
                match self {
                    $(Kind::$kind => $qubits,)*
                    Measure | Reset | Noise => 1,
                    Noise2 => 2,
                    Logic => 0,
                }
            }

            #[inline]
            pub const fn n_params(self) -> usize {
                match self {
                    Noise => 3,
                    Noise2 => 15,
                    _ => self.angle_names().len(),
                }
            }

            /// The names of its angles in family `core`, in the order of its parameters.
            pub const fn angle_names(self) -> &'static [&'static str] {
                match self { $(Kind::$kind => &[$($angle),*],)* _ => &[] }
            }

            /// The basis in which a gate is diagonal on each of its qubits, '-' for none.
            pub const fn bases(self) -> &'static [u8] {
                match self { $(Kind::$kind => $bases,)* _ => b"" }
            }

            /// A gate without its own controls, which stand before its other qubits, and their number.
            pub const fn peeled(self) -> (Kind, usize) {
                match self { $(Kind::$kind => (Kind::$base, $controls),)* other => (other, 0) }
            }

            /// The gate that undoes it, with its angles negated where it has any (for `U` phi and lam change places).
            pub const fn inverse(self) -> Kind {
                match self { $(Kind::$kind => Kind::$inverse,)* other => other }
            }

            /// Whether it is a gate without angles that maps Paulis to Paulis.
            pub const fn has_flow(self) -> bool {
                match self { $(Kind::$kind => $clifford,)* _ => false }
            }
        }
    };
}

#[path = "table.rs"]
mod table;

pub use table::{Kind, ALL, LOWERED};

/// Of a step's angle: a constant, and the angles of the lowered gate (by number) with their factors.
pub type Sum = (f64, &'static [(usize, f64)]);

pub struct Step {
    pub kind: Kind,
    /// Numbers of the lowered gate's qubits.
    pub qubits: &'static [u32],
    pub angles: &'static [Sum],
}

const fn step(kind: Kind, qubits: &'static [u32], angles: &'static [Sum]) -> Step {
    Step { kind, qubits, angles }
}

/// A declared gate that is no kind.
pub struct Lowered {
    pub name: &'static str,
    pub qubits: usize,
    pub angles: &'static [&'static str],
    pub bases: &'static [u8],
    pub steps: &'static [Step],
}

impl Lowered {
    /// The gate with this short name.
    pub fn named(name: &str) -> Option<&'static Lowered> {
        LOWERED.iter().find(|row| row.name == name)
    }
}

impl Step {
    /// Its angles where the lowered gate has these.
    pub fn values(&self, angles: &[f64]) -> [f64; 3] {
        let mut values = [0.0; 3];
        for (slot, (constant, terms)) in values.iter_mut().zip(self.angles) {
            *slot = terms.iter().fold(*constant, |sum, &(at, factor)| sum + factor * angles[at]);
        }
        values
    }
}

impl Kind {
    #[inline]
    pub const fn is_gate(self) -> bool {
        (self as u8) < Kind::Measure as u8
    }

    /// Diagonal in the Z basis of all its qubits.
    pub const fn is_diagonal(self) -> bool {
        let bases = self.bases();
        let mut at = 0;
        while at < bases.len() {
            if bases[at] != b'Z' {
                return self as u8 == Kind::Id as u8;
            }
            at += 1;
        }
        at > 0
    }

    /// The gate that is this one under so many controls, its own ones not counted.
    pub fn controlled(self, controls: usize) -> Option<Kind> {
        if controls == 0 {
            return Some(self);
        }
        let (base, own) = self.peeled();
        ALL.iter().copied().find(|kind| kind.peeled() == (base, own + controls))
    }

    pub fn from_number(number: u8) -> Option<Kind> {
        ALL.get(number as usize).copied()
    }

    pub fn from_name(name: &str) -> Option<Kind> {
        ALL.iter().copied().find(|kind| kind.name() == name)
    }
}
