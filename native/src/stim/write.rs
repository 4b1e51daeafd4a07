//! Instructions to operations, blocks unrolled; and to the nodes of a graph, where that is wanted.

use crate::circuit::{Circuit, Cond, Kind, Op, Register, Table, NONE};
use crate::qasm::{limits, Declined};

use super::graph::Graph;
use super::names::{from_z, to_z, Basis, Fed, Name, Step};
use super::parse::{Item, Text, INVERTED, NUMBER, RECORD};

type Result<T> = std::result::Result<T, Declined>;

/// Instructions, blocks unrolled.
const STEPS: usize = 4_000_000;
/// Measurements, and detectors.
const EVENTS: usize = limits::EVENTS / 4;
/// Numbers of observables.
const OBSERVABLES: f64 = 100_000.0;
/// Inputs of a parity's table.
const PARITY: usize = 6;
const PAIRS: usize = 15;

/// Numbers of qubits whose places stand in a table: one number may be large without many.
const TABLE: usize = 1 << 20;

/// What is computed when the program is over: readings that may be wrong, and what depends on them.
enum Late {
    /// From this cbit into that one, wrong with the probability.
    Misread(u32, u32, f64),
    Parity(Box<[u32]>, u32),
}

struct Writer<'a> {
    text: &'a Text,
    circuit: Circuit,
    graph: Option<Graph>,
    /// The qubits in use, in order.
    used: Vec<u32>,
    /// The place of each of them in `used`, by its number, if that is below `TABLE`.
    places: Vec<u32>,
    /// The cbit of each measurement.
    record: Vec<u32>,
    detectors: Vec<u32>,
    /// Numbers and bits of the observables, in the order of their first mention.
    observables: Vec<(u32, Vec<u32>)>,
    late: Vec<Late>,
    /// Whether a cbit is known only when the program is over.
    is_late: Vec<bool>,
    /// The condition that a cbit is 1.
    conds: Vec<u32>,
    steps: usize,
    nodes: usize,
    at: usize,
}

pub fn circuit(text: &Text) -> Result<Circuit> {
    Ok(write(text, false)?.circuit)
}

/// The packed graph.
pub fn graph(text: &Text) -> Result<Vec<u8>> {
    let Writer { graph, circuit, .. } = write(text, true)?;
    Ok(graph.expect("a graph was asked for").finish(&circuit.registers))
}

fn write(text: &Text, with_graph: bool) -> Result<Writer<'_>> {
    let mut used = Vec::new();
    let mut start = 0usize;
    for item in &text.items {
        let Item::Line { name, targets, .. } = *item else { continue };
        if !matches!(name, Name::Detector | Name::Observable) {
            used.extend(text.targets[start..targets as usize].iter().filter(|&t| t & RECORD == 0).map(|t| t & NUMBER));
        }
        start = targets as usize;
    }
    used.sort_unstable();
    used.dedup();
    if used.is_empty() || used.len() > limits::QUBITS {
        return Err(Declined::at(0, "no qubits, or too many"));
    }
    let below = used.last().map_or(0, |&last| (last as usize + 1).min(TABLE));
    let mut places = vec![NONE; below];
    for (&qubit, place) in used.iter().zip(0..) {
        if let Some(slot) = places.get_mut(qubit as usize) {
            *slot = place;
        }
    }
    let circuit = Circuit { n_qubits: used.len() as u32, ..Circuit::default() };
    let mut writer = Writer {
        text,
        circuit,
        graph: with_graph.then(|| Graph::new(&used)),
        places,
        used,
        record: vec![],
        detectors: vec![],
        observables: vec![],
        late: vec![],
        is_late: vec![],
        conds: vec![],
        steps: 0,
        nodes: 2,
        at: 0,
    };
    writer.block(0, text.items.len(), (0, 0))?;
    writer.finish()?;
    Ok(writer)
}

impl Writer<'_> {
    #[cold]
    fn fail<T>(&self, why: &'static str) -> Result<T> {
        Err(Declined::at(self.at, why))
    }

    fn step(&mut self, at: usize) -> Result<()> {
        self.at = at;
        self.steps += 1;
        if self.steps > STEPS {
            return self.fail("too many instructions");
        }
        Ok(())
    }

    /// Counts one operation of the front end's graph.
    fn node(&mut self) -> Result<()> {
        self.nodes += 1;
        if self.nodes >= limits::EXPANSION_NODES {
            return self.fail("too many operations");
        }
        Ok(())
    }

    /// Writes the items from `first` to `end`, whose arguments and targets begin at `starts`; gives where they end.
    fn block(&mut self, first: usize, end: usize, starts: (usize, usize)) -> Result<(usize, usize)> {
        let (mut k, (mut arg, mut target)) = (first, starts);
        while k < end {
            match self.text.items[k] {
                Item::Line { name, args, targets, at } => {
                    self.step(at)?;
                    let text = self.text;
                    self.line(name, &text.args[arg..args as usize], &text.targets[target..targets as usize])?;
                    (arg, target, k) = (args as usize, targets as usize, k + 1);
                }
                Item::Repeat { count, end, at } => {
                    self.step(at)?;
                    let mut after = (arg, target);
                    for _ in 0..count {
                        self.step(at)?;
                        after = self.block(k + 1, end as usize, (arg, target))?;
                    }
                    ((arg, target), k) = (after, end as usize);
                }
            }
        }
        Ok((arg, target))
    }

    fn line(&mut self, name: Name, args: &[f64], targets: &[u32]) -> Result<()> {
        let (low, high) = match name {
            Name::Measure(..) => (0, 1),
            Name::Detector | Name::Place | Name::Shift => (0, 16),
            Name::Observable | Name::Error(_) | Name::Depolarize1 | Name::Depolarize2 => (1, 1),
            Name::Channel1 => (3, 3),
            Name::Channel2 => (PAIRS, PAIRS),
            _ => (0, 0),
        };
        if args.len() < low || args.len() > high {
            return self.fail("a wrong number of arguments");
        }
        match name {
            Name::Single(steps) => self.each(targets, |own, qubit| own.apply(steps, &[qubit])),
            Name::Double(steps, fed) => self.pairs(targets, steps, fed),
            Name::Reset(basis) => self.each(targets, |own, qubit| own.prepare(basis, qubit)),
            Name::Measure(basis, reset) => {
                let chance = args.first().copied().unwrap_or(0.0);
                if !(0.0..=1.0).contains(&chance) {
                    return self.fail("no probability");
                }
                targets.iter().try_for_each(|&target| self.measure(basis, reset, chance, target))
            }
            Name::Detector => {
                let bits = self.bits(targets)?;
                let found = self.parity(&bits, 'd')?;
                self.graph.iter_mut().for_each(|graph| graph.detector(args));
                self.detectors.push(found);
                if self.detectors.len() > EVENTS {
                    return self.fail("too many detectors");
                }
                Ok(())
            }
            Name::Observable => self.observable(args[0], targets),
            Name::Place => self.each(targets, |own, qubit| {
                own.graph.iter_mut().for_each(|graph| graph.place(qubit, args));
                Ok(())
            }),
            Name::Shift | Name::Tick if targets.is_empty() => {
                match &mut self.graph {
                    Some(graph) if name == Name::Tick => graph.tick(),
                    Some(graph) => graph.shift_by(args),
                    None => {}
                }
                self.node()
            }
            Name::Shift | Name::Tick => self.fail("targets where there are none"),
            _ => self.noise(name, args, targets),
        }
    }

    #[inline]
    fn qubit(&self, target: u32) -> Result<u32> {
        if target & (RECORD | INVERTED) != 0 {
            return self.fail("a target that is no qubit");
        }
        match self.places.get(target as usize) {
            Some(&place) => Ok(place),
            None => Ok(self.used.partition_point(|&qubit| qubit < target) as u32),
        }
    }

    fn each(&mut self, targets: &[u32], mut act: impl FnMut(&mut Self, u32) -> Result<()>) -> Result<()> {
        for &target in targets {
            let qubit = self.qubit(target)?;
            act(self, qubit)?;
        }
        Ok(())
    }

    // -- gates -------------------------------------------------------------------------------------------------------

    #[inline]
    fn apply(&mut self, steps: &[Step], operands: &[u32]) -> Result<()> {
        if let Some(graph) = &mut self.graph {
            for &(kind, places, angle) in steps {
                graph.gate(kind, &on(places, operands)[..places.len()], &[angle][..kind.n_params()]);
            }
        }
        self.turn(steps, operands)
    }

    /// Gates of the circuit that the graph has within a measurement.
    #[inline]
    fn turn(&mut self, steps: &[Step], operands: &[u32]) -> Result<()> {
        for &(kind, places, angle) in steps {
            self.node()?;
            let qubits = on(places, operands);
            let mut param = NONE;
            if kind.n_params() > 0 {
                param = self.circuit.params.len() as u32;
                self.circuit.params.push(angle);
            }
            self.circuit.ops.push(Op::gate(kind, &qubits[..places.len()], param));
        }
        Ok(())
    }

    fn pairs(&mut self, targets: &[u32], steps: &[Step], fed: Option<(Kind, Fed)>) -> Result<()> {
        if targets.len() % 2 != 0 {
            return self.fail("targets that are no pairs");
        }
        for pair in targets.chunks_exact(2) {
            if (pair[0] | pair[1]) & RECORD != 0 {
                self.feed(pair, fed)?;
                continue;
            }
            let (a, b) = (self.qubit(pair[0])?, self.qubit(pair[1])?);
            if a == b {
                return self.fail("a qubit twice in a pair");
            }
            self.apply(steps, &[a, b])?;
        }
        Ok(())
    }

    /// A Pauli under a measured bit.
    fn feed(&mut self, pair: &[u32], fed: Option<(Kind, Fed)>) -> Result<()> {
        let bits = [pair[0] & RECORD != 0, pair[1] & RECORD != 0];
        let (kind, bit, target) = match (fed, bits) {
            (Some((kind, Fed::First | Fed::Either)), [true, false]) => (kind, pair[0], pair[1]),
            (Some((kind, Fed::Second | Fed::Either)), [false, true]) => (kind, pair[1], pair[0]),
            _ => return self.fail("a measured bit that cannot stand there"),
        };
        let (cbit, qubit) = (self.bits(&[bit])?[0], self.qubit(target)?);
        if self.is_late[cbit as usize] {
            return self.fail("a wrong reading that is acted on");
        }
        self.node()?;
        if self.conds[cbit as usize] == NONE {
            self.conds[cbit as usize] = self.circuit.push_cond(Cond::Bit(cbit));
        }
        self.circuit.ops.push(Op::gate(kind, &[qubit], NONE).under(self.conds[cbit as usize]));
        self.graph.iter_mut().for_each(|graph| graph.feed(kind, qubit, cbit));
        Ok(())
    }

    // -- measurements ------------------------------------------------------------------------------------------------

    fn cbit(&mut self, late: bool) -> u32 {
        self.is_late.push(late);
        self.conds.push(NONE);
        self.circuit.n_cbits += 1;
        self.circuit.n_cbits - 1
    }

    fn measure(&mut self, basis: Basis, reset: bool, chance: f64, target: u32) -> Result<()> {
        if self.record.len() >= EVENTS {
            return self.fail("too many measurements");
        }
        let qubit = self.qubit(target & !INVERTED)?;
        if let Some(graph) = &mut self.graph {
            graph.measure(basis, qubit, self.record.len(), target & INVERTED != 0, chance);
        }
        self.turn(to_z(basis), &[qubit])?;
        let mut cbit = self.cbit(false);
        self.node()?;
        self.circuit.ops.push(Op::measure(qubit, cbit));
        self.turn(from_z(basis), &[qubit])?;
        if target & INVERTED != 0 {
            let inverted = self.cbit(false);
            self.node()?;
            self.logic(&[cbit], 0b01, inverted);
            cbit = inverted;
        }
        if chance > 0.0 {
            let read = self.cbit(true);
            self.node()?;
            self.late.push(Late::Misread(cbit, read, chance));
            cbit = read;
        }
        self.record.push(cbit);
        if reset {
            self.prepare(basis, qubit)?;
        }
        Ok(())
    }

    fn prepare(&mut self, basis: Basis, qubit: u32) -> Result<()> {
        self.node()?;
        self.circuit.ops.push(Op::reset(qubit));
        self.graph.iter_mut().for_each(|graph| graph.reset(qubit));
        self.apply(from_z(basis), &[qubit])
    }

    /// The cbits of targets that name measurements.
    fn bits(&self, targets: &[u32]) -> Result<Vec<u32>> {
        let of = |&target: &u32| {
            let ago = (target & NUMBER) as usize;
            if target & RECORD == 0 || ago == 0 || ago > self.record.len() {
                return self.fail("a target that is no measurement");
            }
            Ok(self.record[self.record.len() - ago])
        };
        targets.iter().map(of).collect()
    }

    fn observable(&mut self, number: f64, targets: &[u32]) -> Result<()> {
        if number.fract() != 0.0 || !(0.0..OBSERVABLES).contains(&number) {
            return self.fail("no number of an observable");
        }
        let bits = self.bits(targets)?;
        match self.observables.iter_mut().find(|row| row.0 == number as u32) {
            Some(row) => row.1.extend(bits),
            None => self.observables.push((number as u32, bits)),
        }
        Ok(())
    }

    fn logic(&mut self, inputs: &[u32], table: u64, cbit: u32) {
        self.circuit.tables.push(Table { inputs: inputs.into(), bits: [table].into() });
        let param = self.circuit.tables.len() as u32 - 1;
        self.circuit.ops.push(Op { kind: Kind::Logic, q: [NONE; 3], param, cond: NONE, cbit });
    }

    /// The cbit of a sum modulo two, in a graph called by this letter; NONE where it is 0.
    fn parity(&mut self, bits: &[u32], letter: char) -> Result<u32> {
        let mut sorted = bits.to_vec();
        sorted.sort_unstable();
        let odd = |bit: &u32| (sorted.partition_point(|b| b <= bit) - sorted.partition_point(|b| b < bit)) % 2 == 1;
        let mut rest = last_of_each(bits.iter().copied().filter(|bit| odd(bit)));
        let mut from = 0;
        while rest.len() - from > PARITY {
            let made = self.sum(&rest[from..from + PARITY], 'x')?;
            rest.push(made);
            from += PARITY;
        }
        match &rest[from..] {
            [] => Ok(NONE),
            [one] => Ok(*one),
            several => self.sum(several, letter),
        }
    }

    fn sum(&mut self, inputs: &[u32], letter: char) -> Result<u32> {
        self.node()?;
        self.graph.iter_mut().for_each(|graph| graph.sum(inputs, xor(inputs.len()), letter));
        let late = inputs.iter().any(|&cbit| self.is_late[cbit as usize]);
        let made = self.cbit(late);
        if late {
            self.late.push(Late::Parity(inputs.into(), made));
        } else {
            self.logic(inputs, xor(inputs.len()), made);
        }
        Ok(made)
    }

    // -- noise -------------------------------------------------------------------------------------------------------

    fn noise(&mut self, name: Name, args: &[f64], targets: &[u32]) -> Result<()> {
        if args.iter().any(|p| !(0.0..=1.0).contains(p)) || args.iter().sum::<f64>() > 1.0 {
            return self.fail("no probabilities");
        }
        let p = args[0];
        let chances: &[f64] = match name {
            Name::Error(Basis::X) => &[p, 0.0, 0.0],
            Name::Error(Basis::Y) => &[0.0, p, 0.0],
            Name::Error(Basis::Z) => &[0.0, 0.0, p],
            Name::Depolarize1 => &[p / 3.0; 3],
            Name::Depolarize2 => &[p / PAIRS as f64; PAIRS],
            _ => args,
        };
        let width = if chances.len() == PAIRS { 2 } else { 1 };
        if targets.len() % width != 0 {
            return self.fail("targets that are no pairs");
        }
        let kind = if width == 2 { Kind::Noise2 } else { Kind::Noise };
        for group in targets.chunks_exact(width) {
            let mut qubits = [0u32; 2];
            for (slot, &target) in qubits.iter_mut().zip(group) {
                *slot = self.qubit(target)?;
            }
            if width == 2 && qubits[0] == qubits[1] {
                return self.fail("a qubit twice in a pair");
            }
            self.node()?;
            self.graph.iter_mut().for_each(|graph| graph.channel(name, args, &qubits[..width]));
            if chances.iter().any(|&p| p > 0.0) {
                let param = self.circuit.params.len() as u32;
                self.circuit.params.extend_from_slice(chances);
                self.circuit.ops.push(Op::gate(kind, &qubits[..width], param));
            }
        }
        Ok(())
    }

    // -- the end -----------------------------------------------------------------------------------------------------

    fn finish(&mut self) -> Result<()> {
        let most = self.observables.iter().map(|row| row.0 + 1).max().unwrap_or(0);
        let mut observables = vec![NONE; most as usize];
        for (number, bits) in std::mem::take(&mut self.observables) {
            observables[number as usize] = self.parity(&bits, 'o')?;
        }
        self.read_late();
        let record = std::mem::take(&mut self.record);
        let named =
            [("record", record), ("detectors", std::mem::take(&mut self.detectors)), ("observables", observables)];
        let register =
            |(name, cbits): (&str, Vec<u32>)| Register { name: name.into(), cbits: cbits.into(), descending: false };
        self.circuit.registers = named.into_iter().filter(|row| !row.1.is_empty()).map(register).collect();
        Ok(())
    }

    /// Readings throw a die on a qubit more, into cbits behind all others.
    fn read_late(&mut self) {
        let die = self.circuit.n_qubits;
        let mut thrown = false;
        for late in std::mem::take(&mut self.late) {
            match late {
                Late::Misread(source, cbit, chance) => {
                    if thrown {
                        self.circuit.ops.push(Op::reset(die));
                    }
                    thrown = true;
                    let param = self.circuit.params.len() as u32;
                    self.circuit.params.extend_from_slice(&[chance, 0.0, 0.0]);
                    self.circuit.ops.push(Op::gate(Kind::Noise, &[die], param));
                    let outcome = self.circuit.n_cbits;
                    self.circuit.n_cbits += 1;
                    self.circuit.ops.push(Op::measure(die, outcome));
                    self.logic(&[source, outcome], xor(2), cbit);
                }
                Late::Parity(inputs, cbit) => self.logic(&inputs, xor(inputs.len()), cbit),
            }
        }
        self.circuit.n_qubits += thrown as u32;
    }
}

/// The qubits at these places.
#[inline]
fn on(places: &[u32], operands: &[u32]) -> [u32; 2] {
    let mut qubits = [0; 2];
    qubits.iter_mut().zip(places).for_each(|(slot, &k)| *slot = operands[k as usize]);
    qubits
}

/// The truth table of the parity of so many inputs.
fn xor(inputs: usize) -> u64 {
    (0..1u64 << inputs).filter(|k| k.count_ones() % 2 == 1).fold(0, |table, k| table | 1 << k)
}

/// The last mention of each, in order: a bit that cancels and comes back stands where it came back.
fn last_of_each(bits: impl Iterator<Item = u32>) -> Vec<u32> {
    let bits: Vec<u32> = bits.collect();
    let mut last: Vec<(u32, usize)> = bits.iter().copied().zip(0..).collect();
    last.sort_unstable();
    let mut keep = vec![false; bits.len()];
    for (k, &(bit, at)) in last.iter().enumerate() {
        keep[at] = last.get(k + 1).is_none_or(|next| next.0 != bit);
    }
    bits.into_iter().zip(keep).filter(|row| row.1).map(|row| row.0).collect()
}
