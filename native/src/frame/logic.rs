//! Classical bits while compiling: which are known parities, what conditions and truth tables become.

use super::compile::Compiler;
use super::forms::Form;
use super::plan::Instr;
use crate::circuit::{Circuit, Cond, Op, NONE};

/// Longest parity that a cbit is known by; a longer one is known by the cbit's own column.
const KNOWN_FORM: usize = 4;

/// Values of cbits and of condition nodes. A node's value is forgotten when a cbit below it is written.
pub struct Conditions {
    bits: Vec<Form>,
    nodes: Vec<Option<Form>>,
    /// Of a node, the nodes that use it.
    users: Vec<Vec<u32>>,
    /// Of a cbit, the nodes that read it.
    readers: Vec<Vec<u32>>,
}

impl Conditions {
    pub fn new(circuit: &Circuit) -> Conditions {
        let n = circuit.conds.len();
        let readers = if n > 0 { circuit.n_cbits as usize } else { 0 };
        let mut made = Conditions {
            bits: vec![Form::default(); circuit.n_cbits as usize],
            nodes: vec![None; n],
            users: vec![Vec::new(); n],
            readers: vec![Vec::new(); readers],
        };
        for (at, cond) in circuit.conds.iter().enumerate() {
            match cond {
                Cond::Bit(c) => made.readers[*c as usize].push(at as u32),
                Cond::Not(a) => made.users[*a as usize].push(at as u32),
                Cond::And(parts) | Cond::Or(parts) | Cond::Xor(parts) => {
                    parts.iter().for_each(|&a| made.users[a as usize].push(at as u32));
                }
            }
        }
        made
    }

    pub fn write(&mut self, cbit: u32, value: Form) {
        self.bits[cbit as usize] = if value.symbols.len() > KNOWN_FORM { Form::of(cbit) } else { value };
        let Some(readers) = self.readers.get(cbit as usize) else { return };
        let mut stale = readers.clone();
        while let Some(node) = stale.pop() {
            if self.nodes[node as usize].take().is_some() {
                stale.extend_from_slice(&self.users[node as usize]);
            }
        }
    }
}

impl<const W: usize> Compiler<'_, W> {
    /// The value of a condition now.
    pub fn condition(&mut self, cond: u32) -> Form {
        if let Some(known) = &self.conditions.nodes[cond as usize] {
            return known.clone();
        }
        let circuit = self.circuit;
        let value = match &circuit.conds[cond as usize] {
            Cond::Bit(c) => self.conditions.bits[*c as usize].clone(),
            Cond::Not(a) => {
                let mut value = self.condition(*a);
                value.flip ^= true;
                value
            }
            Cond::Xor(parts) => {
                let mut value = Form::default();
                for &a in parts.iter() {
                    let part = self.condition(a);
                    value.add(&part);
                }
                value
            }
            Cond::And(parts) => {
                let parts = parts.iter().map(|&a| self.condition(a)).collect();
                self.junction(parts, false)
            }
            Cond::Or(parts) => {
                let parts = parts.iter().map(|&a| self.condition(a)).collect();
                self.junction(parts, true)
            }
        };
        self.conditions.nodes[cond as usize] = Some(value.clone());
        value
    }

    pub fn conjunction(&mut self, a: Form, b: Form) -> Form {
        self.junction(vec![a, b], false)
    }

    /// All, or any, of some forms.
    fn junction(&mut self, parts: Vec<Form>, any: bool) -> Form {
        if parts.iter().any(|part| part.is_constant() && part.flip == any) {
            return Form::constant(any);
        }
        let mut open: Vec<Form> = parts.into_iter().filter(|part| !part.is_constant()).collect();
        open.dedup();
        match open.len() {
            0 => Form::constant(!any),
            1 => open.swap_remove(0),
            _ => {
                let literals: Vec<u32> = open.iter().map(|part| self.literal(part)).collect();
                let from = self.code.span(literals);
                let out = self.code.symbol();
                self.code.instrs.push(Instr::Junction { out, from, any });
                Form::of(out)
            }
        }
    }

    fn literal(&mut self, form: &Form) -> u32 {
        match form.symbols.as_slice() {
            &[one] => 2 * one + form.flip as u32,
            _ => 2 * self.parity(form.symbols.clone(), form.flip),
        }
    }

    /// Writes a cbit, if there is one.
    pub fn write(&mut self, cbit: u32, value: Form) {
        if cbit != NONE {
            self.parity_into(cbit, value.symbols.clone(), value.flip);
            self.conditions.write(cbit, value);
        }
    }

    pub fn logic(&mut self, op: &Op) {
        let under = if op.cond == NONE { Form::constant(true) } else { self.condition(op.cond) };
        if under == Form::constant(false) {
            return;
        }
        let circuit = self.circuit;
        let table = &circuit.tables[op.param as usize];
        if let (true, Some((flip, odd))) = (under.is_constant(), affine(&table.bits, table.inputs.len())) {
            let mut value = Form::constant(flip);
            for (at, &input) in table.inputs.iter().enumerate() {
                if odd >> at & 1 == 1 {
                    value.add(&self.conditions.bits[input as usize]);
                }
            }
            return self.write(op.cbit, value);
        }
        let under = if under.is_constant() { NONE } else { self.symbol_of(&under) };
        let from = self.code.span(table.inputs.iter().copied());
        self.code.instrs.push(Instr::Lookup { out: op.cbit, table: op.param, from, under });
        self.conditions.write(op.cbit, Form::of(op.cbit));
    }
}

/// Of a truth table of few inputs that is a parity: (its value at 0, which inputs count).
fn affine(bits: &[u64], inputs: usize) -> Option<(bool, u32)> {
    if inputs > 6 {
        return None;
    }
    let at = |row: usize| bits[0] >> row & 1 == 1;
    let flip = at(0);
    let odd = (0..inputs).filter(|&i| at(1 << i) != flip).fold(0u32, |odd, i| odd | 1 << i);
    let parity = |row: usize| (row as u32 & odd).count_ones() & 1 == 1;
    (0..1usize << inputs).all(|row| at(row) == flip ^ parity(row)).then_some((flip, odd))
}
