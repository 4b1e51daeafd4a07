//! The kinds of instruction: one row each, from which names and sizes follow.

macro_rules! kinds {
    ($($kind:ident $name:literal $qubits:literal $params:literal)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind { $($kind),* }

        /// Every kind, by its number.
        pub const ALL: &[Kind] = &[$(Kind::$kind),*];

        impl Kind {
            /// The short name in family `core`; for what is no gate, a lower-case word.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name),* }
            }

            #[inline]
            pub const fn n_qubits(self) -> usize {
                match self { $(Kind::$kind => $qubits),* }
            }

            #[inline]
            pub const fn n_params(self) -> usize {
                match self { $(Kind::$kind => $params),* }
            }
        }
    };
}

kinds! {
    Id "id" 1 0
    X "x" 1 0
    Y "y" 1 0
    Z "z" 1 0
    H "h" 1 0
    S "s" 1 0
    Sdg "sdg" 1 0
    Sx "sx" 1 0
    Sxdg "sxdg" 1 0
    T "t" 1 0
    Tdg "tdg" 1 0
    Rx "rx" 1 1
    Ry "ry" 1 1
    Rz "rz" 1 1
    P "p" 1 1
    U "u" 1 3
    Cnot "cnot" 2 0
    Cy "cy" 2 0
    Cz "cz" 2 0
    Ch "ch" 2 0
    Swap "swap" 2 0
    Iswap "iswap" 2 0
    Iswapdg "iswapdg" 2 0
    Cp "cp" 2 1
    Crx "crx" 2 1
    Cry "cry" 2 1
    Crz "crz" 2 1
    Rxx "rxx" 2 1
    Ryy "ryy" 2 1
    Rzz "rzz" 2 1
    Toffoli "toffoli" 3 0
    Ccz "ccz" 3 0
    Cswap "cswap" 3 0
    Measure "measure" 1 0
    Reset "reset" 1 0
    Noise "noise" 1 3
    Noise2 "noise2" 2 15
    Logic "logic" 0 0
}

impl Kind {
    #[inline]
    pub const fn is_gate(self) -> bool {
        (self as u8) < Kind::Measure as u8
    }

    /// Diagonal in the Z basis of all its qubits.
    pub const fn is_diagonal(self) -> bool {
        use Kind::*;
        matches!(self, Id | Z | S | Sdg | T | Tdg | Rz | P | Cz | Cp | Crz | Rzz | Ccz)
    }

    /// The names of its angles in family `core`, in the order of its parameters.
    pub fn angle_names(self) -> &'static [&'static str] {
        match self {
            Kind::U => &["theta", "phi", "lam"],
            Kind::P | Kind::Cp => &["lam"],
            _ if self.is_gate() => &["theta"][..self.n_params()],
            _ => &[],
        }
    }

    pub fn from_number(number: u8) -> Option<Kind> {
        ALL.get(number as usize).copied()
    }

    pub fn from_name(name: &str) -> Option<Kind> {
        ALL.iter().copied().find(|kind| kind.name() == name)
    }
}
