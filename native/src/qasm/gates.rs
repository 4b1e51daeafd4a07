//! Gate calls with their modifiers, and gate definitions, which are expanded once for each list of parameters.

use std::rc::Rc;

use super::names::Sym;
use super::reader::{Gate, Reader};
use super::tree::{Body, Expr, List, Modifier, Stmt, Storage, Word};
use super::unitary::{NoPower, Prim, Unitary, Wide};
use super::values::{Data, Value, FLOAT, QUBIT};
use super::{limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

/// Weight of kept expansions, and their number.
const KEPT_PRIMS: usize = 2_000_000;
const KEPT: usize = 4096;

/// Qubits of the operands of a call: a register, or a single qubit that stays while registers go in step.
type Operand = (Rc<[u32]>, bool);

impl Reader<'_> {
    /// Applies a gate, once for every qubit of registers given as operands.
    pub fn gate_call(&mut self, name: Sym, modifiers: List, args: List, operands: List) -> Result<()> {
        let mut values = Vec::with_capacity(args.len as usize);
        for k in 0..args.len {
            values.push(self.real(self.parser.tree.item(args, k))?);
        }
        let mut given: Vec<Operand> = Vec::with_capacity(operands.len as usize);
        for k in 0..operands.len {
            let value = self.qubits(self.parser.tree.item(operands, k))?;
            if let Data::Qubits(qubits) = value.data {
                given.push((qubits, value.kind.size.is_some()));
            }
        }
        if !self.parser.two && self.parser.names.text(name) == b"gphase" {
            return self.global_phase(values, modifiers, given);
        }
        if let (Gate::User(number), true, None) = (self.gate_named(name), modifiers.len == 0, &self.gate_body) {
            let definition = &self.parser.tree.gates[number as usize];
            if values.len() == definition.params.len() && given.iter().all(|operand| !operand.1) {
                let n_qubits = definition.qubits.len();
                let qubits: Vec<u32> = given.iter().map(|operand| operand.0[0]).collect();
                self.distinct(&qubits)?;
                if qubits.len() != n_qubits {
                    return self.fail("a wrong number of qubits");
                }
                return self.call_user(number, &values, &qubits);
            }
        }
        let (unitary, qubits) = self.gate(name, &values)?;
        if modifiers.len == 0 {
            return self.broadcast(&unitary, qubits, &given);
        }
        let (unitary, qubits) = self.modified((*unitary).clone(), qubits, modifiers)?;
        self.broadcast(&unitary, qubits, &given)
    }

    fn global_phase(&mut self, values: Vec<f64>, modifiers: List, given: Vec<Operand>) -> Result<()> {
        let [phase] = values[..] else { return self.fail("gphase takes one parameter") };
        let (unitary, qubits) = self.modified(Unitary { prims: vec![], phase }, 0, modifiers)?;
        if qubits > 0 {
            return self.broadcast(&unitary, qubits, &given);
        }
        if !given.is_empty() {
            return self.fail("gphase takes no qubits");
        }
        match &mut self.gate_body {
            Some(body) => body.phase += unitary.phase,
            None if unitary.phase != 0.0 => self.builder.writer.node()?, // no measurement can see it
            None => {}
        }
        Ok(())
    }

    /// The operations of a gate with these parameters, and its number of qubits.
    fn gate(&mut self, name: Sym, values: &[f64]) -> Result<(Rc<Unitary>, usize)> {
        match self.gate_named(name) {
            Gate::Standard(entry) | Gate::Known(entry) => {
                if values.len() != entry.params as usize {
                    return self.fail("a wrong number of parameters");
                }
                Ok((Rc::new(entry.make(values)), entry.qubits as usize))
            }
            Gate::User(number) => {
                let definition = &self.parser.tree.gates[number as usize];
                let qubits = definition.qubits.len();
                if values.len() != definition.params.len() {
                    return self.fail("a wrong number of parameters");
                }
                if self.checking {
                    return Ok((Rc::default(), qubits));
                }
                Ok((self.expansion(number, values)?, qubits))
            }
            _ => self.fail("a gate that is not defined"),
        }
    }

    /// A definition's operations, kept for the next call.
    pub fn expansion(&mut self, number: u32, values: &[f64]) -> Result<Rc<Unitary>> {
        let key = (number, values.iter().map(|value| value.to_bits()).collect());
        if let Some(found) = self.expansions.get(&key) {
            return Ok(found.clone());
        }
        let found = match &self.parser.tree.gates[number as usize].body {
            Body::Compiled(template) => {
                let template = template.clone();
                self.instance(&template, values)?
            }
            _ => self.expand(number, values)?,
        };
        let found = Rc::new(found);
        self.kept_prims += found.weight();
        if self.expansions.len() >= KEPT || self.kept_prims > KEPT_PRIMS {
            self.expansions.clear();
            self.kept_prims = found.weight();
        }
        self.expansions.insert(key, found.clone());
        Ok(found)
    }

    /// Runs a gate's body with its qubits numbered 0, 1, ...; collects its operations.
    fn expand(&mut self, number: u32, values: &[f64]) -> Result<Unitary> {
        let definition = &self.parser.tree.gates[number as usize];
        let Body::Tree(body) = definition.body else { return self.fail("an opaque gate") };
        let params: Vec<(Sym, f64)> = definition.params.iter().copied().zip(values.iter().copied()).collect();
        let qubits = definition.qubits.to_vec();
        self.work(8 + params.len() + qubits.len())?;
        let before = self.open_frame()?;
        for (name, value) in params {
            self.new_variable(name, FLOAT, Data::Real(value), Storage::Constant)?;
        }
        for (k, name) in qubits.into_iter().enumerate() {
            self.new_variable(name, QUBIT, Data::Qubits(Rc::new([k as u32])), Storage::Constant)?;
        }
        let outer = self.gate_body.replace(Unitary::default());
        for k in 0..body.len {
            self.execute(self.parser.tree.item(body, k))?;
        }
        let found = std::mem::replace(&mut self.gate_body, outer);
        self.close_frame(before);
        Ok(found.unwrap_or_default())
    }

    // -- modifiers ---------------------------------------------------------------------------------------------------

    /// ctrl commutes with inv and pow: taking the controls last keeps powers to the gate itself.
    fn modified(&mut self, mut unitary: Unitary, mut qubits: usize, modifiers: List) -> Result<(Unitary, usize)> {
        for controls in [false, true] {
            for k in (0..modifiers.len).rev() {
                let modifier = self.parser.tree.modifiers[(modifiers.start + k) as usize];
                self.work(2 * unitary.weight())?;
                match (modifier, controls) {
                    (Modifier::Inv, false) => unitary = unitary.inverse(),
                    (Modifier::Pow(exponent), false) => unitary = self.powered(&unitary, qubits, exponent)?,
                    (Modifier::Ctrl(value, count), true) => {
                        let count = count.map_or(Ok(1), |count| self.integer(count))?;
                        if count < 1 || count as usize + qubits > limits::QUBITS {
                            return self.fail("a wrong number of controls");
                        }
                        self.work(2 * count as usize * (unitary.prims.len() + 1) + unitary.weight())?;
                        unitary = unitary.control(&vec![value; count as usize]);
                        qubits += count as usize;
                    }
                    _ => {}
                }
            }
        }
        Ok((unitary, qubits))
    }

    fn powered(&mut self, unitary: &Unitary, qubits: usize, exponent: u32) -> Result<Unitary> {
        let exponent = self.real(exponent)?;
        if exponent.is_nan() || exponent.abs() > (1u64 << 53) as f64 {
            return self.fail("an exponent too large");
        }
        let found = unitary.power(exponent, qubits, limits::EXPANSION_NODES);
        if let Ok(found) = &found {
            self.work(2 * found.weight())?;
        }
        match found {
            Ok(found) => Ok(found),
            Err(NoPower::TooLong) => self.fail("the program expands to too many operations"),
            Err(NoPower::NoClosedForm) => self.fail("a power without a closed form"),
        }
    }

    // -- application -------------------------------------------------------------------------------------------------

    /// Registers go in step, single qubits stay.
    pub fn broadcast(&mut self, unitary: &Unitary, qubits: usize, given: &[Operand]) -> Result<()> {
        if given.len() != qubits {
            return self.fail("a wrong number of qubits");
        }
        let mut size = None;
        for (register, _) in given.iter().filter(|operand| operand.1) {
            if size.is_some_and(|size| size != register.len()) {
                return self.fail("registers of different sizes used together");
            }
            size = Some(register.len());
        }
        let mut row = vec![0u32; qubits];
        for k in 0..size.unwrap_or(1) {
            for (slot, (register, several)) in row.iter_mut().zip(given) {
                *slot = register[if *several { k } else { 0 }];
            }
            self.distinct(&row)?;
            self.apply(unitary, &row)?;
        }
        Ok(())
    }

    /// Writes a gate's operations to the circuit, or to the gate definition being expanded.
    pub fn apply(&mut self, unitary: &Unitary, handles: &[u32]) -> Result<()> {
        self.work(unitary.weight())?;
        let Some(body) = &mut self.gate_body else {
            return unitary.prims.iter().try_for_each(|prim| self.builder.writer.prim(prim, handles));
        };
        if body.prims.len() + unitary.prims.len() > limits::EXPANSION_NODES {
            return self.fail("the program expands to too many operations");
        }
        body.phase += unitary.phase;
        body.prims.extend(unitary.prims.iter().map(|prim| shifted(prim, handles)));
        Ok(())
    }

    pub fn barrier(&mut self, operands: List) -> Result<()> {
        for k in 0..operands.len {
            self.qubits(self.parser.tree.item(operands, k))?;
        }
        match &mut self.gate_body {
            Some(body) => body.prims.push(Prim::Barrier),
            None => self.builder.writer.node()?,
        }
        Ok(())
    }

    pub fn reset(&mut self, operand: u32) -> Result<()> {
        if let Data::Qubits(qubits) = self.qubits(operand)?.data {
            qubits.iter().try_for_each(|&qubit| self.builder.writer.reset(qubit))?;
        }
        Ok(())
    }

    // -- definitions -------------------------------------------------------------------------------------------------

    /// A name may mean another gate from here on.
    pub fn forget_expansions(&mut self) {
        self.expansions.clear();
        self.kept_prims = 0;
    }

    /// Finds what is wrong in a definition where it stands, though no call may ever expand it: tries it once.
    pub fn check_gate(&mut self, number: u32, params: usize) -> Result<()> {
        let Body::Tree(body) = self.parser.tree.gates[number as usize].body else { return Ok(()) };
        let flow = (0..body.len).any(|k| {
            let stmt = self.parser.tree.stmts[self.parser.tree.item(body, k) as usize].0;
            matches!(stmt, Stmt::For { .. } | Stmt::While { .. } | Stmt::If { .. } | Stmt::Switch { .. })
        });
        if flow {
            return Ok(()); // whether these are right may hang on the parameters
        }
        let values: Vec<f64> = (0..params).map(|k| 0.5 + k as f64 / 7.0).collect();
        self.checking = true;
        self.expand(number, &values)?;
        self.checking = false;
        Ok(())
    }

    /// A value as the qubits of an alias or argument.
    pub fn as_qubits(&self, value: &Value) -> Option<Rc<[u32]>> {
        match (&value.data, value.kind.word) {
            (Data::Qubits(qubits), Word::Qubit) => Some(qubits.clone()),
            _ => None,
        }
    }

    /// Whether an expression is a plain name.
    pub fn plain_name(&self, id: u32) -> Option<Sym> {
        match self.parser.tree.expr(id) {
            Expr::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// A primitive with its qubit k renamed `handles[k]`.
pub fn shifted(prim: &Prim, handles: &[u32]) -> Prim {
    match prim {
        Prim::Barrier => Prim::Barrier,
        Prim::Gate { kind, qubits, args } => {
            let mut moved = [u32::MAX; 3];
            for (slot, &k) in moved.iter_mut().zip(&qubits[..kind.n_qubits()]) {
                *slot = handles[k as usize];
            }
            Prim::Gate { kind: *kind, qubits: moved, args: *args }
        }
        Prim::Wide(wide) => {
            let qubits = wide.qubits.iter().map(|&k| handles[k as usize]).collect();
            Prim::Wide(Box::new(Wide { qubits, ..(**wide).clone() }))
        }
    }
}
