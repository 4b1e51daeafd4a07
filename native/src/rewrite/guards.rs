//! Classical bits known while a circuit is read from front to back: constants, copies, and conditions folded by them.
//!
//! A cbit that nothing has written yet reads 0. So a condition is folded for the place where it stands; once all its
//! bits are written its value is final and remembered.

use std::collections::HashMap;

use crate::circuit::{Circuit, Cond, Table, NONE};

/// A cbit, a negated cbit, or a constant, in one word: `2 * cbit + negated`; the two highest words are the constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lit(u32);

impl Lit {
    pub const FALSE: Lit = Lit(u32::MAX - 1);
    pub const TRUE: Lit = Lit(u32::MAX);

    pub fn bit(cbit: u32) -> Lit {
        Lit(cbit * 2)
    }

    pub fn constant(value: bool) -> Lit {
        Lit::FALSE.flipped(value)
    }

    pub fn flipped(self, by: bool) -> Lit {
        Lit(self.0 ^ by as u32)
    }

    pub fn is_constant(self) -> bool {
        self.0 >= Lit::FALSE.0
    }

    pub fn cbit(self) -> u32 {
        self.0 >> 1
    }

    pub fn negated(self) -> bool {
        self.0 & 1 == 1
    }

    /// Exclusive or, if that is a literal again.
    pub fn xor(self, other: Lit) -> Option<Lit> {
        if other.is_constant() {
            Some(self.flipped(other.negated()))
        } else if self.is_constant() {
            Some(other.flipped(self.negated()))
        } else {
            (self.0 >> 1 == other.0 >> 1).then(|| Lit::constant(self != other))
        }
    }
}

/// When an instruction runs: a literal, or a node of the new pool of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    Lit(Lit),
    Node(u32),
}

impl Guard {
    pub const ALWAYS: Guard = Guard::Lit(Lit::TRUE);
    pub const NEVER: Guard = Guard::Lit(Lit::FALSE);
}

/// Most cbits of a circuit that is rewritten: a literal is a word.
pub const CBITS: u32 = 1 << 30;
/// Deepest condition that `Circuit::check` takes.
const DEPTH: u8 = 64;
/// Largest table whose inputs are looked at.
const FOLDED_INPUTS: usize = 6;

pub struct Guards<'a> {
    source: &'a Circuit,
    /// Of each source condition, the index of the instruction that writes the last of its bits, plus one.
    ready: Vec<u32>,
    folded: Vec<Option<Guard>>,
    value: Vec<Lit>,
    nodes: HashMap<Cond, u32>,
    depth: Vec<u8>,
    tables: Vec<u32>,
    pub conds: Vec<Cond>,
    pub new_tables: Vec<Table>,
    pub n_cbits: u32,
    constants: bool,
    fuel: u64,
}

/// Conditions or tables too large to fold in near linear time.
pub struct TooLarge;

impl<'a> Guards<'a> {
    pub fn new(source: &'a Circuit, constants: bool) -> Guards<'a> {
        let mut written = vec![0u32; if source.conds.is_empty() { 0 } else { source.n_cbits as usize }];
        if !source.conds.is_empty() {
            for (at, op) in source.ops.iter().enumerate().filter(|(_, op)| op.cbit != NONE) {
                written[op.cbit as usize] = at as u32 + 1;
            }
        }
        let mut ready: Vec<u32> = Vec::with_capacity(source.conds.len());
        for cond in &source.conds {
            ready.push(match cond {
                Cond::Bit(c) => written[*c as usize],
                Cond::Not(a) => ready[*a as usize],
                Cond::And(all) | Cond::Or(all) | Cond::Xor(all) => {
                    all.iter().map(|&a| ready[a as usize]).max().unwrap_or(0)
                }
            });
        }
        Guards {
            source,
            ready,
            folded: vec![None; source.conds.len()],
            value: vec![Lit::FALSE; source.n_cbits as usize],
            nodes: HashMap::new(),
            depth: Vec::new(),
            tables: vec![NONE; source.tables.len()],
            conds: Vec::new(),
            new_tables: Vec::new(),
            n_cbits: source.n_cbits,
            constants,
            fuel: (1 << 20) + 256 * source.ops.len() as u64,
        }
    }

    /// Says what a cbit that was just written reads.
    pub fn set(&mut self, cbit: u32, value: Lit) {
        self.value[cbit as usize] = if self.constants { value } else { Lit::bit(cbit) };
    }

    /// A new cbit that no register shows.
    pub fn hidden(&mut self) -> u32 {
        self.value.push(Lit::bit(self.n_cbits));
        self.n_cbits += 1;
        self.n_cbits - 1
    }

    fn burn(&mut self, work: u64) -> Result<(), TooLarge> {
        self.fuel = self.fuel.checked_sub(work).ok_or(TooLarge)?;
        Ok(())
    }

    /// Condition `cond` of the source as it stands before instruction `now`.
    pub fn fold(&mut self, cond: u32, now: usize) -> Result<Guard, TooLarge> {
        if cond == NONE {
            return Ok(Guard::ALWAYS);
        }
        if let Some(known) = self.folded[cond as usize] {
            return Ok(known);
        }
        let source = self.source;
        let found = match &source.conds[cond as usize] {
            Cond::Bit(c) => Guard::Lit(self.value[*c as usize]),
            Cond::Not(a) => {
                let inner = self.fold(*a, now)?;
                self.not(inner).ok_or(TooLarge)?
            }
            Cond::And(all) => {
                let parts = self.fold_all(all, now)?;
                self.junction(parts, true).ok_or(TooLarge)?
            }
            Cond::Or(all) => {
                let parts = self.fold_all(all, now)?;
                self.junction(parts, false).ok_or(TooLarge)?
            }
            Cond::Xor(all) => {
                let parts = self.fold_all(all, now)?;
                self.parity(parts).ok_or(TooLarge)?
            }
        };
        if self.ready[cond as usize] as usize <= now {
            self.folded[cond as usize] = Some(found);
        }
        Ok(found)
    }

    fn fold_all(&mut self, all: &[u32], now: usize) -> Result<Vec<Guard>, TooLarge> {
        self.burn(1 + all.len() as u64)?;
        all.iter().map(|&a| self.fold(a, now)).collect()
    }

    /// None where the condition would be nested too deep.
    pub fn not(&mut self, guard: Guard) -> Option<Guard> {
        match guard {
            Guard::Lit(lit) => Some(Guard::Lit(lit.flipped(true))),
            Guard::Node(node) => match &self.conds[node as usize] {
                Cond::Not(inner) => Some(Guard::Node(*inner)),
                _ => self.push(Cond::Not(node)).map(Guard::Node),
            },
        }
    }

    pub fn and(&mut self, a: Guard, b: Guard) -> Option<Guard> {
        match (a, b) {
            (Guard::ALWAYS, other) | (other, Guard::ALWAYS) => Some(other),
            (Guard::NEVER, _) | (_, Guard::NEVER) => Some(Guard::NEVER),
            (Guard::Lit(x), Guard::Lit(y)) if x == y => Some(a),
            (Guard::Lit(x), Guard::Lit(y)) if x == y.flipped(true) => Some(Guard::NEVER),
            _ => {
                let (x, y) = (self.node(a)?, self.node(b)?);
                self.push(Cond::And([x.min(y), x.max(y)].into())).map(Guard::Node)
            }
        }
    }

    fn junction(&mut self, parts: Vec<Guard>, all: bool) -> Option<Guard> {
        let absorbing = Guard::Lit(Lit::constant(!all));
        let mut nodes = Vec::with_capacity(parts.len());
        let mut single = None;
        for part in parts {
            if part == absorbing {
                return Some(absorbing);
            }
            if part != Guard::Lit(Lit::constant(all)) {
                single = Some(part);
                nodes.push(self.node(part)?);
            }
        }
        nodes.sort_unstable();
        nodes.dedup();
        match nodes.len() {
            0 => Some(Guard::Lit(Lit::constant(all))),
            1 => single,
            _ => self.push(if all { Cond::And(nodes.into()) } else { Cond::Or(nodes.into()) }).map(Guard::Node),
        }
    }

    fn parity(&mut self, parts: Vec<Guard>) -> Option<Guard> {
        let (mut odd, mut single) = (false, None);
        let mut nodes = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Guard::Lit(lit) if lit.is_constant() => odd ^= lit.negated(),
                Guard::Lit(lit) => {
                    odd ^= lit.negated();
                    let plain = Guard::Lit(lit.flipped(lit.negated()));
                    single = Some(plain);
                    nodes.push(self.node(plain)?);
                }
                Guard::Node(node) => {
                    single = Some(part);
                    nodes.push(node);
                }
            }
        }
        let found = match nodes.len() {
            0 => Guard::NEVER,
            1 => single?,
            _ => Guard::Node(self.push(Cond::Xor(nodes.into()))?),
        };
        if odd {
            self.not(found)
        } else {
            Some(found)
        }
    }

    /// The node of a guard that is no constant.
    pub fn node(&mut self, guard: Guard) -> Option<u32> {
        match guard {
            Guard::Node(node) => Some(node),
            Guard::Lit(lit) => {
                let bit = self.push(Cond::Bit(lit.cbit()))?;
                if lit.negated() {
                    self.push(Cond::Not(bit))
                } else {
                    Some(bit)
                }
            }
        }
    }

    /// What goes into an instruction's `cond`.
    pub fn cond(&mut self, guard: Guard) -> Option<u32> {
        if guard == Guard::ALWAYS {
            Some(NONE)
        } else {
            self.node(guard)
        }
    }

    fn push(&mut self, cond: Cond) -> Option<u32> {
        if let Some(&known) = self.nodes.get(&cond) {
            return Some(known);
        }
        let below = |a: &u32| self.depth[*a as usize];
        let depth = match &cond {
            Cond::Bit(_) => 0,
            Cond::Not(a) => below(a) + 1,
            Cond::And(all) | Cond::Or(all) | Cond::Xor(all) => all.iter().map(below).max().unwrap_or(0) + 1,
        };
        if depth > DEPTH {
            return None;
        }
        let number = self.conds.len() as u32;
        self.nodes.insert(cond.clone(), number);
        self.conds.push(cond);
        self.depth.push(depth);
        Some(number)
    }

    /// What table `table` of the source says with what is known now: a literal, or a table of the new circuit.
    pub fn look_up(&mut self, table: u32) -> Result<Result<Lit, u32>, TooLarge> {
        let source = &self.source.tables[table as usize];
        let known: Vec<Lit> = source.inputs.iter().map(|&c| self.value[c as usize]).collect();
        let plain = known.iter().zip(source.inputs.iter()).all(|(&lit, &c)| lit == Lit::bit(c));
        if plain && (known.len() > FOLDED_INPUTS || !self.constants) {
            return Ok(Err(self.copied(table)));
        }
        self.burn(1 << known.len())?;
        let mut inputs: Vec<u32> = Vec::with_capacity(known.len());
        for lit in known.iter().filter(|lit| !lit.is_constant()) {
            if !inputs.contains(&lit.cbit()) {
                inputs.push(lit.cbit());
            }
        }
        let mut bits = vec![0u64; (1usize << inputs.len()).div_ceil(64)];
        for row in 0..1usize << inputs.len() {
            let from = known.iter().enumerate().fold(0usize, |index, (k, lit)| {
                let place = inputs.iter().position(|&c| !lit.is_constant() && c == lit.cbit());
                let value = place.is_some_and(|p| row >> p & 1 == 1) ^ lit.negated();
                index | (value as usize) << k
            });
            bits[row / 64] |= (source.bits[from / 64] >> (from % 64) & 1) << (row % 64);
        }
        if self.constants {
            match (inputs.len(), bits[0]) {
                (0, value) => return Ok(Ok(Lit::constant(value == 1))),
                (n @ 1..=6, value) if value == 0 || value == u64::MAX >> (64 - (1 << n)) => {
                    return Ok(Ok(Lit::constant(value != 0)));
                }
                (1, value) => return Ok(Ok(Lit::bit(inputs[0]).flipped(value == 0b01))),
                _ => (),
            }
        }
        Ok(Err(if plain { self.copied(table) } else { self.table(&inputs, &bits) }))
    }

    fn copied(&mut self, table: u32) -> u32 {
        if self.tables[table as usize] == NONE {
            let source = &self.source.tables[table as usize];
            self.tables[table as usize] = self.table(&source.inputs, &source.bits);
        }
        self.tables[table as usize]
    }

    pub fn table(&mut self, inputs: &[u32], bits: &[u64]) -> u32 {
        self.new_tables.push(Table { inputs: inputs.into(), bits: bits.into() });
        self.new_tables.len() as u32 - 1
    }
}
