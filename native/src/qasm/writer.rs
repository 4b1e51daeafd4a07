//! The circuit under construction: qubits, measurements, guards, with the numbers that the semantic front end and
//! `qmk.ir.lower` give them.

use std::collections::HashMap;
use std::rc::Rc;

use crate::circuit::{Circuit, Cond, Kind, Lowered, Op, Register, NONE};

use super::library::{Entry, Part, Standard};
use super::nodes::{Nodes, Target};
use super::synthesis::{steps, Step, Wide};
use super::{limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

/// Decompositions kept, by base, number of controls and angles.
const KEPT_STEPS: usize = 4096;

/// An event and the value that it must have.
pub type Literal = (u32, bool);

/// What the statements being read stand under.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Guard {
    Always,
    Never,
    When(u32),
}

pub struct Writer {
    pub circuit: Circuit,
    /// The program's graph, where that is wanted; the circuit then has qubits and events only.
    pub nodes: Option<Nodes>,
    pub guard: Guard,
    /// Where the statement being read begins.
    pub at: usize,
    /// Operations that the semantic front end would have written.
    count: usize,
    conds: HashMap<Cond, u32>,
    literals: Vec<[u32; 2]>,
    steps: HashMap<(Kind, usize, [u64; 3]), Rc<[Step]>>,
}

impl Writer {
    pub fn new(text_bytes: usize, nodes: Option<Nodes>) -> Writer {
        let mut circuit = Circuit::default();
        if nodes.is_none() {
            circuit.ops.reserve((text_bytes / 16).min(limits::EXPANSION_NODES));
        }
        let (conds, steps) = (HashMap::new(), HashMap::new());
        Writer { circuit, nodes, guard: Guard::Always, at: 0, count: 0, conds, literals: vec![], steps }
    }

    fn fail<T>(&self, why: &'static str) -> Result<T> {
        Err(Declined::at(self.at, why))
    }

    /// Counts one operation of the program.
    #[inline]
    pub fn node(&mut self) -> Result<()> {
        self.count += 1;
        if self.count > limits::EXPANSION_NODES || self.circuit.ops.len() > limits::OPS {
            return self.fail("the program expands to too many operations");
        }
        Ok(())
    }

    /// The nodes to write an operation to, `Some(None)` where it is never run; None where a circuit is wanted.
    #[inline]
    fn graph(&mut self) -> Option<Option<&mut Nodes>> {
        let never = self.guard == Guard::Never;
        self.nodes.as_mut().map(|nodes| (!never).then_some(nodes))
    }

    /// Writes an operation under the current guard.
    #[inline]
    fn push(&mut self, op: Op) {
        match self.guard {
            Guard::Always => self.circuit.ops.push(op),
            Guard::When(cond) => self.circuit.ops.push(op.under(cond)),
            Guard::Never => {}
        }
    }

    #[inline]
    pub fn gate(&mut self, kind: Kind, qubits: &[u32], args: &[f64]) -> Result<()> {
        self.node()?;
        match self.graph() {
            None => self.push_gate(kind, qubits, args),
            Some(nodes) => nodes.into_iter().for_each(|nodes| nodes.gate(kind, qubits, args)),
        }
        Ok(())
    }

    #[inline]
    fn push_gate(&mut self, kind: Kind, qubits: &[u32], args: &[f64]) {
        let param = if args.is_empty() { NONE } else { self.circuit.params.len() as u32 };
        if self.guard != Guard::Never {
            self.circuit.params.extend_from_slice(args);
        }
        self.push(Op::gate(kind, qubits, param));
    }

    /// Writes a standard gate that takes several operations.
    pub fn entry(&mut self, entry: &Entry, args: &[f64], qubits: &[u32]) -> Result<()> {
        if let (Standard::Lowered(name), true) = (entry.standard, self.nodes.is_some()) {
            self.node()?;
            if let (Some(Some(nodes)), Some(gate)) = (self.graph(), Lowered::named(name)) {
                nodes.lowered(gate, qubits, args);
            }
            return Ok(());
        }
        let mut parts = Vec::new();
        entry.parts(args, &mut parts);
        for part in parts {
            match part {
                Part::Gate(kind, places, args) => {
                    let mut moved = [0u32; 3];
                    moved.iter_mut().zip(places).for_each(|(slot, &k)| *slot = qubits[k as usize]);
                    self.gate(kind, &moved[..kind.n_qubits()], &args[..kind.n_params()])?;
                }
                Part::Controlled(base, args) => self.controlled(base, args, qubits)?,
            }
        }
        Ok(())
    }

    /// Writes `base` on the last qubits under the others as controls.
    fn controlled(&mut self, base: Kind, args: [f64; 3], qubits: &[u32]) -> Result<()> {
        self.node()?;
        if let Some(nodes) = self.graph() {
            nodes.into_iter().for_each(|nodes| nodes.controlled(base, qubits, &args[..base.n_params()]));
            return Ok(());
        }
        let found = self.steps_of(base, args, qubits.len())?;
        if self.circuit.ops.len() + found.len() > limits::OPS {
            return self.fail("the program expands to too many operations");
        }
        for step in found.iter() {
            let mut moved = [0u32; 3];
            let n = step.kind.n_qubits();
            moved.iter_mut().zip(&step.operands[..n]).for_each(|(slot, &k)| *slot = qubits[k as usize]);
            self.push_gate(step.kind, &moved[..n], &step.args[..step.kind.n_params()]);
        }
        Ok(())
    }

    fn steps_of(&mut self, base: Kind, args: [f64; 3], operands: usize) -> Result<Rc<[Step]>> {
        let key = (base, operands, args.map(f64::to_bits));
        if let Some(found) = self.steps.get(&key) {
            return Ok(found.clone());
        }
        let values = vec![true; operands - base.n_qubits()];
        let wide = Wide { base: Some(base), qubits: (0..operands as u32).collect(), args, values, power: 1.0 };
        let Some(found) = steps(&wide) else { return self.fail("a gate without a decomposition here") };
        let found: Rc<[Step]> = found.into();
        if self.steps.len() >= KEPT_STEPS {
            self.steps.clear();
        }
        self.steps.insert(key, found.clone());
        Ok(found)
    }

    pub fn reset(&mut self, qubit: u32) -> Result<()> {
        self.node()?;
        match self.graph() {
            None => self.push(Op::reset(qubit)),
            Some(nodes) => nodes.into_iter().for_each(|nodes| nodes.reset(qubit)),
        }
        Ok(())
    }

    /// A barrier on these qubits, on none where it is on all.
    pub fn barrier(&mut self, qubits: &[u32]) -> Result<()> {
        self.node()?;
        if let Some(Some(nodes)) = self.graph() {
            nodes.barrier(qubits);
        }
        Ok(())
    }

    /// A global phase, which no measurement can see.
    pub fn phase(&mut self, angle: f64) -> Result<()> {
        if angle != 0.0 {
            self.node()?;
            if let Some(Some(nodes)) = self.graph() {
                nodes.phase(angle);
            }
        }
        Ok(())
    }

    /// Measures a qubit, outside of any branch, and gives the number of the event.
    #[inline]
    pub fn measure(&mut self, qubit: u32, target: Target) -> Result<u32> {
        if self.circuit.n_cbits as usize >= limits::EVENTS {
            return self.fail("too many classical bits");
        }
        let event = self.circuit.n_cbits;
        self.circuit.n_cbits += 1;
        self.node()?;
        match &mut self.nodes {
            None => self.push(Op::measure(qubit, event)),
            Some(nodes) => nodes.measure(qubit, target),
        }
        Ok(event)
    }

    /// The first of new qubits in |0>: a register of `len`, or a single one.
    pub fn allocate(&mut self, name: &str, len: Option<u32>) -> Result<u32> {
        let size = len.unwrap_or(1) as usize;
        let first = self.circuit.n_qubits;
        if first as usize + size > limits::QUBITS {
            return self.fail("too many qubits");
        }
        self.node()?;
        self.circuit.n_qubits += size as u32;
        if let Some(nodes) = &mut self.nodes {
            nodes.allocate(name, len);
        }
        Ok(first)
    }

    // -- conditions --------------------------------------------------------------------------------------------------

    /// What follows stands under `guard`.
    pub fn set_guard(&mut self, guard: Guard, literals: &[Literal]) {
        self.guard = guard;
        if let Some(nodes) = &mut self.nodes {
            nodes.guard_by(literals);
        }
    }

    /// The guard that all of `literals`, sorted, hold.
    pub fn guard_of(&mut self, literals: &[Literal]) -> Result<Guard> {
        if literals.len() > limits::GUARD_CONDITIONS {
            return self.fail("a condition on so many bits");
        }
        let parts: Vec<u32> = literals.iter().map(|&literal| self.literal(literal)).collect();
        Ok(match parts[..] {
            [] => Guard::Always,
            [part] => Guard::When(part),
            _ => Guard::When(self.all_of(Cond::And(parts.into()))),
        })
    }

    fn all_of(&mut self, cond: Cond) -> u32 {
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

    /// The circuit, its qubits freed.
    pub fn finish(mut self, registers: Vec<Register>) -> Result<Circuit> {
        self.node()?;
        self.circuit.registers = registers;
        Ok(self.circuit)
    }
}
