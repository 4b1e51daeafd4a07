//! A circuit as flat arrays: what readers make, rewrites change and simulators run.
//!
//! It says the same as `qmk.ir.program.Program`, which is its reference: qubits and classical bits are numbers, a
//! cbit is written by at most one op and reads 0 in a shot where that op did not run. Gates are the short names of
//! family `core`, angles in radians, first operand = most significant bit of a matrix.

mod kind;
pub mod matrix;
#[cfg(feature = "python")]
pub mod python;
mod straight;

pub use kind::{Kind, Lowered, ALL};
pub use straight::{straight, Straight};

/// "No condition", "no cbit".
pub const NONE: u32 = u32::MAX;

/// One instruction, 28 bytes. What a field means depends on `kind`:
///
/// | kind | `q` | `param` | `cbit` |
/// |---|---|---|---|
/// | a gate | its qubits | first of its angles in `Circuit::params` | - |
/// | Measure | the qubit | - | where the outcome goes, or NONE: nobody looks, the qubit is traced out |
/// | Reset | the qubit | - | - |
/// | Noise | the qubit | probabilities of X, Y, Z (three params); one die a shot; never under a condition | - |
/// | Noise2 | two qubits | probabilities of IX, IY, .. ZZ, first qubit first (15 params); as Noise | - |
/// | Logic | - | number of its row in `Circuit::tables` | where the value goes |
///
/// Unused qubit slots are NONE. `cond` is a node of `Circuit::conds`, or NONE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Op {
    pub kind: Kind,
    pub q: [u32; 3],
    pub param: u32,
    pub cond: u32,
    pub cbit: u32,
}

/// A node of the pool of conditions. Operands are earlier nodes, so the pool has no cycles.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cond {
    Bit(u32),
    Not(u32),
    And(Box<[u32]>),
    Or(Box<[u32]>),
    Xor(Box<[u32]>),
}

/// The truth table of a `Logic` op: its value is bit `sum(input[i] << i)` of `bits`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    pub inputs: Box<[u32]>,
    /// 64 rows a word, lowest row in the lowest bit; 2^inputs rows.
    pub bits: Box<[u64]>,
}

/// One printed register: cbits left to right (NONE = constant 0). `descending`: highest index first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    pub name: String,
    pub cbits: Box<[u32]>,
    pub descending: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Circuit {
    pub n_qubits: u32,
    pub n_cbits: u32,
    pub ops: Vec<Op>,
    pub params: Vec<f64>,
    pub conds: Vec<Cond>,
    pub tables: Vec<Table>,
    pub registers: Vec<Register>,
}

/// A bound broken or an index out of place; the text names what and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub String);

/// Most inputs of a truth table.
pub const TABLE_INPUTS: usize = 24;

/// Most parts of a condition, those that others share counted once for each.
pub const COND_TERMS: u32 = 1 << 16;

impl Op {
    pub fn gate(kind: Kind, qubits: &[u32], param: u32) -> Op {
        let mut q = [NONE; 3];
        q[..qubits.len()].copy_from_slice(qubits);
        Op { kind, q, param, cond: NONE, cbit: NONE }
    }

    pub fn measure(qubit: u32, cbit: u32) -> Op {
        Op { kind: Kind::Measure, q: [qubit, NONE, NONE], param: NONE, cond: NONE, cbit }
    }

    pub fn reset(qubit: u32) -> Op {
        Op { kind: Kind::Reset, q: [qubit, NONE, NONE], param: NONE, cond: NONE, cbit: NONE }
    }

    pub fn under(mut self, cond: u32) -> Op {
        self.cond = cond;
        self
    }

    #[inline]
    pub fn qubits(&self) -> &[u32] {
        &self.q[..self.kind.n_qubits()]
    }
}

impl Circuit {
    #[inline]
    pub fn angles(&self, op: &Op) -> &[f64] {
        match self.kind_params(op.kind) {
            0 => &[],
            n => &self.params[op.param as usize..op.param as usize + n],
        }
    }

    fn kind_params(&self, kind: Kind) -> usize {
        kind.n_params()
    }

    /// Appends a gate with its angles.
    pub fn push_gate(&mut self, kind: Kind, qubits: &[u32], angles: &[f64]) {
        debug_assert_eq!(qubits.len(), kind.n_qubits());
        debug_assert_eq!(angles.len(), kind.n_params());
        let param = if angles.is_empty() { NONE } else { self.params.len() as u32 };
        self.params.extend_from_slice(angles);
        self.ops.push(Op::gate(kind, qubits, param));
    }

    /// Adds a node to the pool of conditions and gives its number.
    pub fn push_cond(&mut self, cond: Cond) -> u32 {
        self.conds.push(cond);
        self.conds.len() as u32 - 1
    }

    /// The value of condition `cond` when cbit `c` reads `bit(c)`. NONE is true.
    pub fn holds(&self, cond: u32, bit: &impl Fn(u32) -> bool) -> bool {
        if cond == NONE {
            return true;
        }
        match &self.conds[cond as usize] {
            Cond::Bit(c) => bit(*c),
            Cond::Not(a) => !self.holds(*a, bit),
            Cond::And(parts) => parts.iter().all(|&a| self.holds(a, bit)),
            Cond::Or(parts) => parts.iter().any(|&a| self.holds(a, bit)),
            Cond::Xor(parts) => parts.iter().fold(false, |odd, &a| odd ^ self.holds(a, bit)),
        }
    }

    /// Calls `see` with every cbit that condition `cond` reads (some perhaps twice).
    pub fn cond_bits(&self, cond: u32, see: &mut impl FnMut(u32)) {
        if cond == NONE {
            return;
        }
        match &self.conds[cond as usize] {
            Cond::Bit(c) => see(*c),
            Cond::Not(a) => self.cond_bits(*a, see),
            Cond::And(parts) | Cond::Or(parts) | Cond::Xor(parts) => {
                for &a in parts.iter() {
                    self.cond_bits(a, see);
                }
            }
        }
    }

    /// Whether every index and number is in bounds: readers of untrusted input end with it, so that no other code of
    /// this crate needs to look again.
    pub fn check(&self) -> Result<(), Invalid> {
        let mut written = vec![false; self.n_cbits as usize];
        let mut depth = vec![0u32; self.conds.len()];
        let mut terms = vec![1u32; self.conds.len()]; // written out in full: nodes are shared
        for (at, cond) in self.conds.iter().enumerate() {
            let operands: &[u32] = match cond {
                Cond::Bit(c) if *c < self.n_cbits => &[],
                Cond::Bit(c) => return invalid(format!("condition {at} reads cbit {c} of {}", self.n_cbits)),
                Cond::Not(a) => std::slice::from_ref(a),
                Cond::And(parts) | Cond::Or(parts) | Cond::Xor(parts) => parts,
            };
            for &a in operands {
                if a as usize >= at {
                    return invalid(format!("condition {at} reads condition {a}, which is not before it"));
                }
                depth[at] = depth[at].max(depth[a as usize] + 1);
                terms[at] = terms[at].saturating_add(terms[a as usize]);
            }
            if depth[at] > 64 {
                return invalid(format!("condition {at} is nested more than 64 deep"));
            }
            if terms[at] > COND_TERMS {
                return invalid(format!("condition {at} written out has more than {COND_TERMS} parts"));
            }
        }
        for (at, table) in self.tables.iter().enumerate() {
            if table.inputs.len() > TABLE_INPUTS || table.bits.len() != (1usize << table.inputs.len()).div_ceil(64) {
                return invalid(format!("table {at} has the wrong size for {} inputs", table.inputs.len()));
            }
            if let Some(c) = table.inputs.iter().find(|&&c| c >= self.n_cbits) {
                return invalid(format!("table {at} reads cbit {c} of {}", self.n_cbits));
            }
        }
        for (at, op) in self.ops.iter().enumerate() {
            for (k, &qubit) in op.qubits().iter().enumerate() {
                if qubit >= self.n_qubits {
                    return invalid(format!("op {at} uses qubit {qubit} of {}", self.n_qubits));
                }
                if op.qubits()[..k].contains(&qubit) {
                    return invalid(format!("op {at} uses qubit {qubit} twice"));
                }
            }
            let n = op.kind.n_params();
            if n > 0 {
                let angles = self.params.get(op.param as usize..op.param as usize + n);
                if !angles.is_some_and(|all| all.iter().all(|x| x.is_finite())) {
                    return invalid(format!("op {at} has no finite parameters"));
                }
            }
            if op.cond != NONE && op.cond as usize >= self.conds.len() {
                return invalid(format!("op {at} has condition {} of {}", op.cond, self.conds.len()));
            }
            if op.kind == Kind::Logic && op.param as usize >= self.tables.len() {
                return invalid(format!("op {at} has table {} of {}", op.param, self.tables.len()));
            }
            if matches!(op.kind, Kind::Noise | Kind::Noise2) {
                let p = self.angles(op);
                if op.cond != NONE || p.iter().any(|&x| x < 0.0) || p.iter().sum::<f64>() > 1.0 + 1e-12 {
                    return invalid(format!("op {at} is no Pauli noise"));
                }
            }
            if op.cbit != NONE {
                match written.get_mut(op.cbit as usize) {
                    Some(before) if !*before => *before = true,
                    Some(_) => return invalid(format!("op {at} writes cbit {} a second time", op.cbit)),
                    None => return invalid(format!("op {at} writes cbit {} of {}", op.cbit, self.n_cbits)),
                }
            } else if op.kind == Kind::Logic {
                return invalid(format!("op {at} writes no cbit"));
            }
        }
        for register in &self.registers {
            if let Some(c) = register.cbits.iter().find(|&&c| c != NONE && c >= self.n_cbits) {
                return invalid(format!("register '{}' shows cbit {c} of {}", register.name, self.n_cbits));
            }
        }
        Ok(())
    }
}

fn invalid<T>(text: String) -> Result<T, Invalid> {
    Err(Invalid(text))
}
