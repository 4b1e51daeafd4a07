//! The nodes of a verified graph as a circuit, with the numbers that `qmk.ir.lower` gives: the lowest free qubit is
//! taken again first, events are numbered as they are written, guards become conditions.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::circuit::{Circuit, Cond, Kind, Lowered, Op, Register, Table, NONE};
use crate::qasm::synthesis::steps;
use crate::qasm::unitary::Wide;

use super::body::{Body, Guard, Output, Shape};
use super::gates::{modified, pauli_frame, Letter, Modified};
use super::pack::{Cursor, Item};
use super::{Declined, OPS, WORK};

type Result<T> = std::result::Result<T, Declined>;

/// A condition, or a constant.
#[derive(Clone, Copy, PartialEq)]
enum Truth {
    Always,
    Never,
    When(u32),
}

/// The cbits of an event: one, or the two of a Bell measurement that writes one event (phase, parity).
type Cbits = (u32, bool);

/// Where a node's operands stand in the column: qubits, events read, events written.
pub struct Place {
    pub vqs: std::ops::Range<usize>,
    pub inputs: std::ops::Range<usize>,
    pub produces: std::ops::Range<usize>,
}

pub struct Lowering<'a, 'b> {
    body: &'b Body<'a>,
    circuit: Circuit,
    conds: HashMap<Cond, u32>,
    cbits: HashMap<&'a str, Cbits>,
    /// Events whose node never runs.
    never: HashSet<&'a str>,
    qubit: HashMap<&'a str, u32>,
    free: BinaryHeap<Reverse<u32>>,
    /// Guards already turned into conditions.
    known: Vec<Option<Truth>>,
    node: usize,
    work: u64,
}

/// The circuit of a whole body.
pub fn circuit(body: &Body) -> Result<Circuit> {
    let mut lowering = Lowering {
        body,
        circuit: Circuit::default(),
        conds: HashMap::new(),
        cbits: HashMap::new(),
        never: HashSet::new(),
        qubit: HashMap::new(),
        free: BinaryHeap::new(),
        known: vec![None; body.guards.len()],
        node: 0,
        work: 0,
    };
    let written = lowering.number_events()?;
    lowering.nodes()?;
    let registers = lowering.registers(&written)?;
    lowering.circuit.registers = registers;
    Ok(lowering.circuit)
}

pub fn place(shape: &Shape, at: usize) -> Place {
    let vqs = at..at + shape.counts[0];
    let inputs = vqs.end + shape.counts[1]..vqs.end + shape.counts[1] + shape.counts[2];
    let produces = inputs.end..inputs.end + shape.counts[3];
    Place { vqs, inputs, produces }
}

impl<'a> Lowering<'a, '_> {
    fn fail<T>(&self, why: &'static str) -> Result<T> {
        Err(Declined::node(self.node, why))
    }

    fn work(&mut self, steps: usize) -> Result<()> {
        self.work += 1 + steps as u64;
        if self.work > WORK || self.circuit.ops.len() > OPS {
            return self.fail("the graph takes too long to read");
        }
        Ok(())
    }

    /// Numbers the cbits of every event; gives the events in the order of the nodes that write them.
    fn number_events(&mut self) -> Result<Vec<&'a str>> {
        let (body, mut at, mut written) = (self.body, 0, Vec::new());
        for node in 0..body.nodes.len() {
            self.node = node;
            let shape = &body.shapes[body.nodes.get(node)];
            let produces = place(shape, at).produces;
            let wide = shape.op == "core.mbell" && produces.len() == 1;
            for k in produces {
                let event = body.string(k);
                if self.cbits.insert(event, (self.circuit.n_cbits, wide)).is_some() {
                    return self.fail("an event written twice");
                }
                self.circuit.n_cbits += 1 + wide as u32;
                written.push(event);
            }
            at += shape.counts.iter().sum::<usize>();
        }
        Ok(written)
    }

    fn nodes(&mut self) -> Result<()> {
        let (body, mut at, mut values, mut guarded) = (self.body, 0, self.body.values, 0);
        let kinds: Vec<Option<Kind>> = body.shapes.iter().map(|shape| gate_of(shape.op)).collect();
        for node in 0..body.nodes.len() {
            self.node = node;
            let number = body.nodes.get(node);
            let shape = &body.shapes[number];
            let place = place(shape, at);
            at += shape.counts.iter().sum::<usize>();
            let args = values;
            shape.args.iter().try_for_each(|_| values.skip())?;
            let mut when = Truth::Always;
            if shape.guard {
                when = self.guard(body.guarded.get(guarded))?;
                guarded += 1;
            }
            if when == Truth::Never {
                let before = self.never.len();
                self.never.extend(place.produces.map(|k| body.string(k)));
                if self.never.len() > before {
                    self.known.fill(None);
                }
                self.work(body.guards.len())?;
                continue;
            }
            let cond = if let Truth::When(cond) = when { cond } else { NONE };
            match kinds[number] {
                Some(kind) => self.gate(kind, shape, args, &place, cond)?,
                None => self.other(shape, args, &place, cond)?,
            }
        }
        Ok(())
    }

    // -- operands ----------------------------------------------------------------------------------------------------

    fn qubits(&self, place: &Place) -> Result<Vec<u32>> {
        place.vqs.clone().map(|k| self.one_qubit(k)).collect()
    }

    #[inline]
    fn one_qubit(&self, k: usize) -> Result<u32> {
        match self.qubit.get(self.body.string(k)) {
            Some(&qubit) => Ok(qubit),
            None => self.fail("a qubit that is not allocated here"),
        }
    }

    /// The value of an argument by its name.
    fn argument(&self, shape: &Shape, args: Cursor<'a>, name: &str) -> Result<Option<Cursor<'a>>> {
        let mut cursor = args;
        for &key in &shape.args {
            if key == name {
                return Ok(Some(cursor));
            }
            cursor.skip()?;
        }
        Ok(None)
    }

    fn angle(&self, shape: &Shape, args: Cursor<'a>, name: &str) -> Result<f64> {
        match self.argument(shape, args, name)? {
            Some(mut cursor) => cursor.real(),
            None => self.fail("a gate without its angle"),
        }
    }

    /// The one cbit of each event read.
    fn single(&self, event: &str) -> Result<u32> {
        match self.cbits.get(event) {
            Some(&(cbit, false)) => Ok(cbit),
            _ => self.fail("an event that is not written or holds two bits"),
        }
    }

    // -- nodes -------------------------------------------------------------------------------------------------------

    fn gate(&mut self, kind: Kind, shape: &Shape, args: Cursor<'a>, place: &Place, cond: u32) -> Result<()> {
        let mut qubits = [0u32; 3];
        if place.vqs.len() != kind.n_qubits() {
            return self.fail("a gate on a wrong number of qubits");
        }
        for (slot, k) in qubits.iter_mut().zip(place.vqs.clone()) {
            *slot = self.one_qubit(k)?;
        }
        let mut angles = [0.0; 3];
        for (slot, name) in angles.iter_mut().zip(kind.angle_names()) {
            *slot = self.angle(shape, args, name)?;
        }
        self.push(kind, &qubits[..kind.n_qubits()], &angles[..kind.n_params()], cond);
        Ok(())
    }

    fn push(&mut self, kind: Kind, qubits: &[u32], angles: &[f64], cond: u32) {
        self.circuit.push_gate(kind, qubits, angles);
        if let Some(op) = self.circuit.ops.last_mut() {
            op.cond = cond;
        }
    }

    fn other(&mut self, shape: &Shape<'a>, args: Cursor<'a>, place: &Place, cond: u32) -> Result<()> {
        self.work(place.vqs.len() + place.inputs.len())?;
        match shape.op {
            "core.alloc" => return self.allocate(shape, place, cond),
            "core.free" => return self.release(place, cond),
            "core.barrier" | "core.fence" | "core.gphase" => return Ok(()),
            "core.condpauli" => return self.conditional_paulis(shape, args, place, cond),
            "core.lut" => return self.logic(shape, args, place, cond),
            _ => {}
        }
        let qubits = self.qubits(place)?;
        let targets = place.produces.clone().map(|k| self.cbits[self.body.string(k)]);
        let cbits: Vec<u32> = targets.flat_map(|(cbit, wide)| cbit..cbit + 1 + wide as u32).collect();
        match (shape.op, &qubits[..], &cbits[..]) {
            ("core.mz", [q], [c]) => self.measure(*q, *c, cond),
            ("core.mx", [q], [c]) => self.measure_in(&[(*q, Letter::X)], *c, cond),
            ("core.my", [q], [c]) => self.measure_in(&[(*q, Letter::Y)], *c, cond),
            ("core.mangle", [q], [c]) => {
                let theta = self.angle(shape, args, "theta")?;
                self.push(Kind::Ry, &[*q], &[-theta], cond);
                self.measure(*q, *c, cond);
                self.push(Kind::Ry, &[*q], &[theta], cond);
            }
            ("core.mbell", [a, b], [phase, parity]) => {
                self.push(Kind::Cnot, &[*a, *b], &[], cond);
                self.push(Kind::H, &[*a], &[], cond);
                self.measure(*a, *phase, cond);
                self.measure(*b, *parity, cond);
                self.push(Kind::H, &[*a], &[], cond);
                self.push(Kind::Cnot, &[*a, *b], &[], cond);
            }
            ("core.mpauli", _, [c]) => {
                let support = self.letters(shape, args, &qubits)?;
                if support.is_empty() {
                    return self.table(vec![], 0, *c, cond); // the identity's eigenvalue is +1: the bit is 0
                }
                self.measure_in(&support, *c, cond);
            }
            ("core.reset", [q], []) => self.circuit.ops.push(Op::reset(*q).under(cond)),
            ("core.teleport_cnot", [a, b], []) => self.push(Kind::Cnot, &[*a, *b], &[], cond),
            ("core.paulirot", _, []) => {
                let support = self.letters(shape, args, &qubits)?;
                let theta = self.angle(shape, args, "theta")?;
                if let Some(&(target, _)) = support.last() {
                    let (into, back) = pauli_frame(&support);
                    into.iter().for_each(|(kind, qubits)| self.push(*kind, qubits, &[], cond));
                    self.push(Kind::Rz, &[target], &[theta], cond);
                    back.iter().for_each(|(kind, qubits)| self.push(*kind, qubits, &[], cond));
                }
            }
            (op, _, []) if lowered_of(op).is_some_and(|gate| gate.qubits == qubits.len()) => {
                let Some(gate) = lowered_of(op) else { return self.fail("an op that is not read here") };
                let angles: Result<Vec<f64>> = gate.angles.iter().map(|name| self.angle(shape, args, name)).collect();
                let angles = angles?;
                for step in gate.steps {
                    let mut moved = [NONE; 3];
                    moved.iter_mut().zip(step.qubits).for_each(|(slot, &k)| *slot = qubits[k as usize]);
                    let n = step.kind.n_qubits();
                    self.push(step.kind, &moved[..n], &step.values(&angles)[..step.kind.n_params()], cond);
                }
            }
            ("core.mod", _, []) => return self.modified(shape, args, &qubits, cond),
            _ => return self.fail("an op that is not read here"),
        }
        Ok(())
    }

    fn measure(&mut self, qubit: u32, cbit: u32, cond: u32) {
        self.circuit.ops.push(Op::measure(qubit, cbit).under(cond));
    }

    /// Measures a Pauli product on its support.
    fn measure_in(&mut self, support: &[(u32, Letter)], cbit: u32, cond: u32) {
        let (into, back) = pauli_frame(support);
        into.iter().for_each(|(kind, qubits)| self.push(*kind, qubits, &[], cond));
        self.measure(support[support.len() - 1].0, cbit, cond);
        back.iter().for_each(|(kind, qubits)| self.push(*kind, qubits, &[], cond));
    }

    /// The qubits that a Pauli product does something to.
    fn letters(&self, shape: &Shape, args: Cursor<'a>, qubits: &[u32]) -> Result<Vec<(u32, Letter)>> {
        let Some(mut cursor) = self.argument(shape, args, "paulis")? else { return self.fail("no Pauli product") };
        let paulis = cursor.name()?;
        if paulis.len() != qubits.len() {
            return self.fail("a Pauli product of another length");
        }
        let mut support = Vec::new();
        for (letter, &qubit) in paulis.bytes().zip(qubits) {
            match letter {
                b'I' => {}
                b'X' => support.push((qubit, Letter::X)),
                b'Y' => support.push((qubit, Letter::Y)),
                b'Z' => support.push((qubit, Letter::Z)),
                _ => return self.fail("no Pauli product"),
            }
        }
        Ok(support)
    }

    fn modified(&mut self, shape: &Shape<'a>, args: Cursor<'a>, qubits: &[u32], cond: u32) -> Result<()> {
        let found = modified(self.node, &shape.args, args)?;
        match found {
            Modified::Plain(kind, angles) if kind.n_qubits() == qubits.len() => {
                self.push(kind, qubits, &angles[..kind.n_params()], cond);
            }
            Modified::Wide { base, angles, values, power } if base.n_qubits() + values.len() == qubits.len() => {
                let wide = Wide { base: Some(base), qubits: qubits.to_vec(), args: angles, values, power };
                let Some(found) = steps(&wide) else { return self.fail("a gate without a decomposition here") };
                self.work(found.len())?;
                for step in found {
                    let moved = step.operands.map(|k| qubits.get(k as usize).copied().unwrap_or(NONE));
                    let n = step.kind.n_qubits();
                    self.push(step.kind, &moved[..n], &step.args[..step.kind.n_params()], cond);
                }
            }
            _ => return self.fail("a gate on a wrong number of qubits"),
        }
        Ok(())
    }

    fn allocate(&mut self, shape: &Shape, place: &Place, cond: u32) -> Result<()> {
        if cond != NONE || shape.args.contains(&"profile") {
            return self.fail("an allocation that is not read here");
        }
        for k in place.vqs.clone() {
            let qubit = match self.free.pop() {
                Some(Reverse(qubit)) => {
                    self.circuit.ops.push(Op::reset(qubit));
                    qubit
                }
                None => {
                    self.circuit.n_qubits += 1;
                    self.circuit.n_qubits - 1
                }
            };
            if self.qubit.insert(self.body.string(k), qubit).is_some() {
                return self.fail("a qubit allocated twice");
            }
        }
        Ok(())
    }

    /// Under a guard the qubit stays taken, which no later node can tell apart.
    fn release(&mut self, place: &Place, cond: u32) -> Result<()> {
        for k in place.vqs.clone() {
            let qubit = self.one_qubit(k)?;
            if cond == NONE {
                self.qubit.remove(self.body.string(k));
                self.free.push(Reverse(qubit));
            }
        }
        Ok(())
    }

    fn logic(&mut self, shape: &Shape, args: Cursor<'a>, place: &Place, cond: u32) -> Result<()> {
        let rows = match self.argument(shape, args, "table")? {
            Some(mut cursor) => match cursor.item()? {
                Item::Int(number @ 0..) => number as u64,
                Item::Large(number) => number,
                _ => return self.fail("a table that is no number"),
            },
            None => return self.fail("logic without its table"),
        };
        let inputs: Result<Vec<u32>> = place.inputs.clone().map(|k| self.single(self.body.string(k))).collect();
        if place.inputs.len() > 6 || place.produces.len() != 1 {
            return self.fail("logic of another size");
        }
        let cbit = self.single(self.body.string(place.produces.start))?;
        self.table(inputs?, rows, cbit, cond)
    }

    fn table(&mut self, inputs: Vec<u32>, rows: u64, cbit: u32, cond: u32) -> Result<()> {
        let mask = u64::MAX >> (64 - (1u32 << inputs.len()));
        self.circuit.tables.push(Table { inputs: inputs.into(), bits: [rows & mask].into() });
        let param = self.circuit.tables.len() as u32 - 1;
        self.circuit.ops.push(Op { kind: Kind::Logic, q: [NONE; 3], param, cond, cbit });
        Ok(())
    }

    /// Paulis where the exclusive or of the events read is 1.
    fn conditional_paulis(&mut self, shape: &Shape, args: Cursor<'a>, place: &Place, cond: u32) -> Result<()> {
        let mut odd: Vec<u32> = Vec::new();
        for k in place.inputs.clone() {
            let event = self.body.string(k);
            if !self.cbits.contains_key(event) || self.never.contains(event) {
                continue; // it reads 0
            }
            let cbit = self.single(event)?;
            let bit = self.cond(Cond::Bit(cbit));
            self.work(odd.len())?;
            match odd.iter().position(|&other| other == bit) {
                Some(at) => {
                    odd.remove(at);
                }
                None => odd.push(bit),
            }
        }
        let parity = match odd[..] {
            [] => return Ok(()),
            [bit] => bit,
            _ => self.cond(Cond::Xor(odd.into())),
        };
        let parts: Vec<Truth> =
            [Truth::When(parity)].into_iter().chain((cond != NONE).then_some(Truth::When(cond))).collect();
        let Truth::When(wanted) = self.junction(true, &parts)? else { return Ok(()) };
        let qubits = self.qubits(place)?;
        for (qubit, letter) in self.letters(shape, args, &qubits)? {
            self.push(letter.kind(), &[qubit], &[], wanted);
        }
        Ok(())
    }

    // -- conditions --------------------------------------------------------------------------------------------------

    fn cond(&mut self, cond: Cond) -> u32 {
        if let Some(&found) = self.conds.get(&cond) {
            return found;
        }
        let number = self.circuit.push_cond(cond.clone());
        self.conds.insert(cond, number);
        number
    }

    fn guard(&mut self, number: usize) -> Result<Truth> {
        if let Some(found) = self.known[number] {
            return Ok(found);
        }
        let found = self.truth(self.body.guards[number])?;
        self.known[number] = Some(found);
        Ok(found)
    }

    /// A guard as a condition; an event that nothing writes reads 0.
    fn truth(&mut self, guard: Guard<'a>) -> Result<Truth> {
        self.work(0)?;
        let constant = |value: bool| Ok(if value { Truth::Always } else { Truth::Never });
        match guard {
            Guard::Parts { all, first, len } => {
                let mut parts = Vec::with_capacity(len);
                for k in first..first + len {
                    parts.push(self.truth(self.body.guard_parts[k])?);
                }
                self.junction(all, &parts)
            }
            Guard::Equal(event, value) => match self.cbits.get(event).copied() {
                Some(_) if self.never.contains(event) => constant(value == 0),
                None => constant(value == 0),
                Some((_, wide)) if !(0..2 << wide as u32).contains(&value) => Ok(Truth::Never),
                Some((cbit, false)) => Ok(Truth::When(self.literal(cbit, value == 1))),
                Some((cbit, true)) => {
                    let parts = [
                        Truth::When(self.literal(cbit, value >> 1 == 1)),
                        Truth::When(self.literal(cbit + 1, value & 1 == 1)),
                    ];
                    self.junction(true, &parts)
                }
            },
        }
    }

    fn literal(&mut self, cbit: u32, value: bool) -> u32 {
        let bit = self.cond(Cond::Bit(cbit));
        if value {
            bit
        } else {
            self.cond(Cond::Not(bit))
        }
    }

    /// All or any of the parts: nested ones of the same kind flattened, repeats dropped.
    fn junction(&mut self, all: bool, parts: &[Truth]) -> Result<Truth> {
        let (mut kept, mut seen): (Vec<u32>, HashSet<u32>) = (Vec::new(), HashSet::new());
        let (absorbing, neutral) = if all { (Truth::Never, Truth::Always) } else { (Truth::Always, Truth::Never) };
        for &part in parts {
            let Truth::When(cond) = part else {
                if part == absorbing {
                    return Ok(absorbing);
                }
                continue;
            };
            let inner = match &self.circuit.conds[cond as usize] {
                Cond::And(inner) if all => inner,
                Cond::Or(inner) if !all => inner,
                _ => &[cond][..],
            };
            kept.extend(inner.iter().filter(|&&part| seen.insert(part)));
        }
        self.work(kept.len())?;
        Ok(match kept[..] {
            [] => neutral,
            [one] => Truth::When(one),
            _ if all => Truth::When(self.cond(Cond::And(kept.into()))),
            _ => Truth::When(self.cond(Cond::Or(kept.into()))),
        })
    }

    // -- registers ---------------------------------------------------------------------------------------------------

    /// The registers that the result prints: the graph's own, or one unnamed register of all written events.
    fn registers(&self, written: &[&'a str]) -> Result<Vec<Register>> {
        let body = self.body;
        if let Some(outputs) = &body.outputs {
            return Ok(outputs.iter().map(|output| self.register(output)).collect());
        }
        let declared: Vec<&str> = (0..body.events.len()).map(|k| body.strings[body.events.get(k)]).collect();
        let known: HashSet<&str> = declared.iter().copied().collect();
        let first = declared.iter().copied().filter(|event| self.cbits.contains_key(event));
        let rest = written.iter().copied().filter(|event| !known.contains(event));
        let bits = first.chain(rest).map(Some).collect();
        Ok(vec![self.register(&Output { name: "", bits, descending: false })])
    }

    fn register(&self, output: &Output) -> Register {
        let mut cbits = Vec::with_capacity(output.bits.len());
        for bit in &output.bits {
            match bit.filter(|name| !name.is_empty()).and_then(|name| self.cbits.get(name)) {
                Some(&(cbit, wide)) => cbits.extend(cbit..cbit + 1 + wide as u32),
                None => cbits.push(NONE),
            }
        }
        Register { name: output.name.to_owned(), cbits: cbits.into(), descending: output.descending }
    }
}

/// The gate that an op is, where that is no kind.
pub fn lowered_of(op: &str) -> Option<&'static Lowered> {
    op.strip_prefix("core.").and_then(Lowered::named)
}

/// The kind that an op is, whatever its arguments.
pub fn gate_of(op: &str) -> Option<Kind> {
    op.strip_prefix("core.").and_then(Kind::from_name).filter(|kind| kind.is_gate())
}
