//! The circuit under construction: qubits, measurements, guards. The interpreter decides; this writes down, with the
//! numbers that the semantic front end and `qmk.ir.lower` give.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::circuit::{Circuit, Cond, Kind, Op, Register, Table, NONE};

use super::bits::{Bit, Bits, Events, Literal, FALSE};
use super::synthesis::{steps, Step};
use super::unitary::{controlled_phase, Prim, Wide};
use super::{bits, limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

/// Decompositions kept, by gate and angles.
const KEPT_STEPS: usize = 4096;

/// Base, angles and power, and what the controls must hold.
type StepsKey = (Option<Kind>, [u64; 4], Vec<bool>);

/// What writes to the circuit, apart from the logic that decides under which guard.
pub struct Writer {
    pub circuit: Circuit,
    /// The guard of what is written next.
    pub guard: u32,
    /// Where the statement being read begins.
    pub at: usize,
    /// Operations that the semantic front end would have written.
    nodes: usize,
    tables: HashMap<bits::Table, u32>,
    conds: HashMap<Cond, u32>,
    literals: Vec<[u32; 2]>,
    steps: HashMap<StepsKey, Rc<[Step]>>,
}

/// A branch being read: what to go back to when it ends.
struct Saved {
    guard: u32,
    facts: usize,
    path: Rc<[Bit]>,
}

pub struct Builder {
    pub writer: Writer,
    pub bits: Bits,
    /// Conditions of the branches being read, outermost first.
    pub path: Vec<Bit>,
    /// What those conditions say of single events.
    pub facts: Vec<Literal>,
    path_shared: Rc<[Bit]>,
    under: HashMap<u32, Rc<[Bit]>>,
    saved: Vec<Saved>,
}

impl Writer {
    fn declined<T>(&self, why: &'static str) -> Result<T> {
        Err(Declined::at(self.at, why))
    }

    /// Counts one operation of the program.
    #[inline]
    pub fn node(&mut self) -> Result<()> {
        self.nodes += 1;
        if self.nodes > limits::EXPANSION_NODES || self.circuit.ops.len() > limits::OPS {
            return self.declined("the program expands to too many operations");
        }
        Ok(())
    }

    #[inline]
    pub fn gate(&mut self, kind: Kind, qubits: &[u32], args: &[f64]) -> Result<()> {
        self.node()?;
        self.raw_gate(kind, qubits, args);
        Ok(())
    }

    #[inline]
    fn raw_gate(&mut self, kind: Kind, qubits: &[u32], args: &[f64]) {
        let param = if args.is_empty() { NONE } else { self.circuit.params.len() as u32 };
        self.circuit.params.extend_from_slice(args);
        self.circuit.ops.push(Op::gate(kind, qubits, param).under(self.guard));
    }

    pub fn reset(&mut self, qubit: u32) -> Result<()> {
        self.node()?;
        self.circuit.ops.push(Op::reset(qubit).under(self.guard));
        Ok(())
    }

    /// One primitive of a gate on the qubits `handles`.
    pub fn prim(&mut self, prim: &Prim, handles: &[u32]) -> Result<()> {
        match prim {
            Prim::Barrier => self.node(),
            Prim::Gate { kind, qubits, args } => {
                self.node()?;
                let mut moved = [0u32; 3];
                let n = kind.n_qubits();
                for (slot, &k) in moved.iter_mut().zip(&qubits[..n]) {
                    *slot = handles[k as usize];
                }
                self.raw_gate(*kind, &moved[..n], &args[..kind.n_params()]);
                Ok(())
            }
            Prim::Wide(wide) => self.wide(wide, handles),
        }
    }

    fn wide(&mut self, wide: &Wide, handles: &[u32]) -> Result<()> {
        if wide.base.is_none() {
            if wide.values.is_empty() {
                return Ok(()); // a phase of the whole program: no measurement can see it
            }
            return controlled_phase(wide).iter().try_for_each(|prim| self.prim(prim, handles));
        }
        self.node()?;
        let found = self.steps_of(wide)?;
        if self.circuit.ops.len() + found.len() > limits::OPS {
            return self.declined("the program expands to too many operations");
        }
        for step in found.iter() {
            let mut moved = [0u32; 3];
            let n = step.kind.n_qubits();
            for (slot, &k) in moved.iter_mut().zip(&step.operands[..n]) {
                *slot = handles[wide.qubits[k as usize] as usize];
            }
            self.raw_gate(step.kind, &moved[..n], &step.args[..step.kind.n_params()]);
        }
        Ok(())
    }

    fn steps_of(&mut self, wide: &Wide) -> Result<Rc<[Step]>> {
        let [a, b, c] = wide.args.map(f64::to_bits);
        let key = (wide.base, [a, b, c, wide.power.to_bits()], wide.values.clone());
        if let Some(found) = self.steps.get(&key) {
            return Ok(found.clone());
        }
        let Some(found) = steps(wide) else { return self.declined("a gate without a decomposition here") };
        let found: Rc<[Step]> = found.into();
        if self.steps.len() >= KEPT_STEPS {
            self.steps.clear();
        }
        self.steps.insert(key, found.clone());
        Ok(found)
    }

    // -- events and conditions ---------------------------------------------------------------------------------------

    fn new_event(&mut self) -> Result<u32> {
        if self.circuit.n_cbits as usize >= limits::EVENTS {
            return self.declined("too many classical bits");
        }
        self.circuit.n_cbits += 1;
        Ok(self.circuit.n_cbits - 1)
    }

    #[inline]
    fn measured(&mut self, qubit: u32) -> Result<u32> {
        let event = self.new_event()?;
        self.node()?;
        self.circuit.ops.push(Op::measure(qubit, event).under(self.guard));
        Ok(event)
    }

    fn cond(&mut self, cond: Cond) -> u32 {
        if let Some(&found) = self.conds.get(&cond) {
            return found;
        }
        let number = self.circuit.push_cond(cond.clone());
        self.conds.insert(cond, number);
        number
    }

    /// The condition that an event has a value.
    fn literal(&mut self, (event, value): Literal) -> u32 {
        if self.literals.len() <= event as usize {
            self.literals.resize(event as usize + 1, [NONE; 2]);
        }
        let [mut not, mut yes] = self.literals[event as usize];
        if yes == NONE {
            yes = self.circuit.push_cond(Cond::Bit(event));
        }
        if !value && not == NONE {
            not = self.circuit.push_cond(Cond::Not(yes));
        }
        self.literals[event as usize] = [not, yes];
        if value {
            yes
        } else {
            not
        }
    }
}

impl Events for Writer {
    /// Computed where first needed, in every shot, whatever the branch.
    fn event(&mut self, table: bits::Table) -> Result<u32> {
        if let Some(&event) = self.tables.get(&table) {
            return Ok(event);
        }
        let event = self.new_event()?;
        self.node()?;
        self.circuit.tables.push(Table { inputs: table.inputs().into(), bits: [table.rows].into() });
        let number = self.circuit.tables.len() as u32 - 1;
        self.circuit.ops.push(Op { kind: Kind::Logic, q: [NONE; 3], param: number, cond: NONE, cbit: event });
        self.tables.insert(table, event);
        Ok(event)
    }
}

impl Builder {
    pub fn new(text_bytes: usize) -> Builder {
        let mut circuit = Circuit::default();
        circuit.ops.reserve((text_bytes / 16).min(limits::EXPANSION_NODES));
        Builder {
            writer: Writer {
                circuit,
                guard: NONE,
                at: 0,
                nodes: 0,
                tables: HashMap::new(),
                conds: HashMap::new(),
                literals: vec![],
                steps: HashMap::new(),
            },
            bits: Bits::default(),
            path: vec![],
            facts: vec![],
            path_shared: Rc::new([]),
            under: HashMap::new(),
            saved: vec![],
        }
    }

    /// The first of `size` new qubits in |0>.
    pub fn allocate(&mut self, size: usize) -> Result<u32> {
        let first = self.writer.circuit.n_qubits;
        if first as usize + size.max(1) > limits::QUBITS {
            return self.writer.declined("too many qubits");
        }
        if size > 0 {
            self.writer.node()?;
        }
        self.writer.circuit.n_qubits += size as u32;
        Ok(first)
    }

    #[inline]
    pub fn measure(&mut self, qubit: u32) -> Result<Bit> {
        let event = self.writer.measured(qubit)?;
        if !self.path.is_empty() {
            self.under.insert(event, self.path_shared.clone());
        }
        Ok(Bit::event(event))
    }

    /// `Bits::select`, knowing that an event of a branch not taken reads 0.
    pub fn merge(&mut self, chooser: Bit, when_true: Bit, when_false: Bit) -> Result<Bit> {
        if when_false == FALSE && self.implies(when_true, chooser) {
            return Ok(when_true);
        }
        let other = self.bits.negate(chooser)?;
        if when_true == FALSE && self.implies(when_false, other) {
            return Ok(when_false);
        }
        self.bits.select(chooser, when_true, when_false, &mut self.writer)
    }

    fn implies(&self, bit: Bit, condition: Bit) -> bool {
        let path = bit.as_event().and_then(|event| self.under.get(&event));
        path.is_some_and(|path| path.contains(&condition))
    }

    // -- branches ----------------------------------------------------------------------------------------------------

    /// What follows stands under `condition` too, until `leave`.
    pub fn enter(&mut self, condition: Bit) -> Result<()> {
        let path = self.path_shared.clone();
        self.saved.push(Saved { guard: self.writer.guard, facts: self.facts.len(), path });
        self.path.push(condition);
        self.path_shared = self.path.as_slice().into();
        if let Some(literal) = condition.as_literal() {
            self.facts.push(literal);
            if self.path.len() == 1 {
                self.writer.guard = self.writer.literal(literal);
                return Ok(());
            }
        } else if let Some(found) = self.bits.conjunction(condition) {
            self.facts.extend(found);
        }
        self.writer.guard = self.guard()?;
        Ok(())
    }

    pub fn leave(&mut self) {
        self.path.pop();
        let saved = self.saved.pop().expect("a branch was entered");
        self.writer.guard = saved.guard;
        self.facts.truncate(saved.facts);
        self.path_shared = saved.path;
    }

    /// The conditions of the path as one guard.
    fn guard(&mut self) -> Result<u32> {
        let mut literals: Vec<Literal> = Vec::new();
        let mut clauses: Vec<Vec<Literal>> = Vec::new();
        let mut seen = BTreeSet::new();
        for k in 0..self.path.len() {
            let bit = self.path[k];
            let negated = self.bits.negate(bit)?;
            if let Some(found) = self.bits.conjunction(bit) {
                literals.extend(found.into_iter().filter(|&literal| seen.insert(literal)));
            } else if let Some(found) =
                self.bits.conjunction(negated).filter(|found| found.len() <= limits::GUARD_CONDITIONS)
            {
                let mut clause: Vec<Literal> = found.into_iter().map(|(event, value)| (event, !value)).collect();
                clause.sort_unstable();
                if !clauses.contains(&clause) {
                    clauses.push(clause);
                }
            } else {
                let event = self.bits.single(bit, &mut self.writer)?;
                literals.extend(Some((event, true)).filter(|&literal| seen.insert(literal)));
            }
        }
        if literals.len() + clauses.iter().map(Vec::len).sum::<usize>() > limits::GUARD_CONDITIONS {
            return self.folded(literals, clauses);
        }
        let mut parts: Vec<u32> = literals.into_iter().map(|literal| self.writer.literal(literal)).collect();
        for clause in clauses {
            let any: Box<[u32]> = clause.into_iter().map(|literal| self.writer.literal(literal)).collect();
            parts.push(self.writer.cond(Cond::Or(any)));
        }
        Ok(match parts[..] {
            [] => NONE,
            [part] => part,
            _ => self.writer.cond(Cond::And(parts.into())),
        })
    }

    /// Many conditions as one computed bit.
    fn folded(&mut self, literals: Vec<Literal>, clauses: Vec<Vec<Literal>>) -> Result<u32> {
        let mut whole = self.bits.all_of(literals)?;
        for clause in clauses {
            let none = self.bits.all_of(clause.into_iter().map(|(event, value)| (event, !value)).collect())?;
            let small = self.bits.small(whole, &mut self.writer)?;
            let event_or_table = self.bits.keep_table(small)?;
            let some = self.bits.negate(none)?;
            whole = self.bits.both(event_or_table, some, &mut self.writer)?;
        }
        let event = self.bits.single(whole, &mut self.writer)?;
        Ok(self.writer.literal((event, true)))
    }

    // -- the end -----------------------------------------------------------------------------------------------------

    /// The cbit that a register shows for `bit`: NONE for a constant 0.
    pub fn shown(&mut self, bit: Bit) -> Result<u32> {
        if bit == FALSE {
            return Ok(NONE);
        }
        self.bits.single(bit, &mut self.writer)
    }

    /// The circuit, its qubits freed.
    pub fn finish(mut self, registers: Vec<Register>) -> Result<Circuit> {
        self.writer.guard = NONE;
        self.writer.node()?;
        self.writer.circuit.registers = registers;
        Ok(self.writer.circuit)
    }
}
