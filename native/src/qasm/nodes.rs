//! A program as a packed graph (`qmk.qvm.graph.pack`): the nodes, handles, events and registers that its front end gives
//! it, written as the text is read.

use std::collections::{HashMap, HashSet};

use crate::circuit::{Kind, Lowered, ALL};

use super::writer::Literal;

/// A name of the program that a measurement goes to: a register's with the bit's index, a single bit's, or none.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub name: &'a str,
    pub index: Option<usize>,
}

impl Target<'_> {
    /// Of a measurement whose bit nobody keeps.
    pub const NONE: Target<'static> = Target { name: "m", index: None };

    fn text(&self) -> String {
        self.index.map_or_else(|| self.name.to_owned(), |index| format!("{}_{index}", self.name))
    }
}

/// A value of a node's arguments.
pub enum Value<'a> {
    Text(&'a str),
    Count(u64),
    Real(f64),
    /// Angles by name.
    Angles(&'a [&'static str], &'a [f64]),
}

#[derive(Default)]
pub struct Nodes {
    out: Vec<u8>,
    count: usize,
    qubits: Vec<String>,
    events: Vec<String>,
    taken: HashSet<String>,
    versions: HashMap<String, usize>,
    /// The guard of what is read, packed; empty where it is always run.
    guard: Vec<u8>,
    noisy: bool,
}

/// A register of the result: its name, the event of each bit as it is printed, and whether the highest bit comes first.
pub struct Output<'a> {
    pub name: &'a str,
    pub bits: Vec<Option<u32>>,
    pub descending: bool,
}

impl Nodes {
    // -- names -------------------------------------------------------------------------------------------------------

    /// New qubits in |0>: a register of `len`, or a single one.
    pub fn allocate(&mut self, name: &str, len: Option<u32>) {
        let mut handles = vec![];
        for index in 0..len.unwrap_or(1) {
            let mut handle = if len.is_some() { format!("{name}_{index}") } else { name.to_owned() };
            while !self.taken.insert(handle.clone()) {
                handle.push('_');
            }
            handles.push(handle);
        }
        self.allocate_all(handles);
    }

    /// New qubits in |0> of these names, which nothing else has.
    pub fn allocate_all(&mut self, handles: Vec<String>) {
        let first = self.qubits.len() as u32;
        self.qubits.extend(handles);
        let qubits: Vec<u32> = (first..self.qubits.len() as u32).collect();
        self.node(ALLOC, &[("n", Value::Count(qubits.len() as u64))], &qubits, None);
    }

    /// Measures a qubit into a new event: `c_0`, then `c_0__1`, `c_0__2` and so on.
    pub fn measure(&mut self, qubit: u32, target: Target) {
        let base = target.text();
        let mut version = self.versions.get(&base).copied().unwrap_or(0);
        let mut name = if version > 0 { format!("{base}__{version}") } else { base.clone() };
        while self.taken.contains(&name) {
            version += 1;
            name = format!("{base}__{version}");
        }
        self.versions.insert(base, version + 1);
        self.taken.insert(name.clone());
        let event = self.event(name);
        self.node("mz", &[], &[qubit], Some(event));
    }

    /// A new event of this name, which nothing else has; it is for the node that comes next.
    pub fn event(&mut self, name: String) -> u32 {
        self.events.push(name);
        self.events.len() as u32 - 1
    }

    // -- guards ------------------------------------------------------------------------------------------------------

    /// What follows runs where all of `literals` hold.
    pub fn guard_by(&mut self, literals: &[Literal]) {
        let mut guard = vec![];
        match literals {
            [] => {}
            [literal] => self.equality(&mut guard, literal),
            _ => {
                map(&mut guard, 2);
                write_text(&mut guard, b"type");
                write_text(&mut guard, b"and");
                write_text(&mut guard, b"conditions");
                list(&mut guard, literals.len());
                literals.iter().for_each(|literal| self.equality(&mut guard, literal));
            }
        }
        self.guard = guard;
    }

    fn equality(&self, out: &mut Vec<u8>, literal: &Literal) {
        map(out, 2);
        write_text(out, b"event");
        write_text(out, self.events[literal.0 as usize].as_bytes());
        write_text(out, b"value");
        number(out, literal.1 as u64);
    }

    // -- nodes -------------------------------------------------------------------------------------------------------

    pub fn gate(&mut self, kind: Kind, qubits: &[u32], angles: &[f64]) {
        self.node(kind.name(), &angle_args(kind, angles), qubits, None);
    }

    /// `base` on the last qubits under the others as controls: a gate of its own where there is one.
    pub fn controlled(&mut self, base: Kind, qubits: &[u32], angles: &[f64]) {
        let controls = qubits.len() - base.n_qubits();
        if let Some(&kind) = ALL.iter().find(|kind| kind.is_gate() && kind.peeled() == (base, controls)) {
            return self.gate(kind, qubits, angles);
        }
        let mut args = vec![("gate", Value::Text(base.name())), ("controls", Value::Count(controls as u64))];
        if !angles.is_empty() {
            args.push(("params", Value::Angles(base.angle_names(), angles)));
        }
        self.node("mod", &args, qubits, None);
    }

    /// A gate that is no kind.
    pub fn lowered(&mut self, gate: &Lowered, qubits: &[u32], angles: &[f64]) {
        let args: Vec<_> = gate.angles.iter().zip(angles).map(|(&name, &angle)| (name, Value::Real(angle))).collect();
        self.node(gate.name, &args, qubits, None);
    }

    pub fn phase(&mut self, angle: f64) {
        self.node("gphase", &[("gamma", Value::Real(angle))], &[], None);
    }

    pub fn reset(&mut self, qubit: u32) {
        self.node("reset", &[], &[qubit], None);
    }

    /// A barrier on these qubits, each once; without any, on all.
    pub fn barrier(&mut self, qubits: &[u32]) {
        let mut seen = HashSet::new();
        let once: Vec<u32> = qubits.iter().copied().filter(|&qubit| seen.insert(qubit)).collect();
        self.node("barrier", &[], &once, None);
    }

    pub fn qubits(&self) -> usize {
        self.qubits.len()
    }

    fn node(&mut self, op: &str, args: &[(&str, Value)], qubits: &[u32], event: Option<u32>) {
        self.write(CORE, op, args, qubits, &[], event);
    }

    /// A node of the op `op` in a family, "core." or "noise.": what it reads and the event that it produces come last.
    pub fn write(
        &mut self,
        family: &str,
        op: &str,
        args: &[(&str, Value)],
        qubits: &[u32],
        inputs: &[u32],
        event: Option<u32>,
    ) {
        let out = &mut self.out;
        let guarded = !self.guard.is_empty();
        let allocates = op == ALLOC;
        let parts = [!args.is_empty(), !qubits.is_empty(), !inputs.is_empty(), event.is_some(), allocates, guarded];
        map(out, 2 + parts.iter().filter(|&&part| part).count());
        write_text(out, b"id");
        joined(out, b"n", self.count.to_string().as_bytes());
        write_text(out, b"op");
        joined(out, family.as_bytes(), op.as_bytes());
        if !args.is_empty() {
            write_text(out, b"args");
            map(out, args.len());
            for (name, value) in args {
                write_text(out, name.as_bytes());
                write_value(out, value);
            }
        }
        if !qubits.is_empty() {
            write_text(out, b"vqs");
            list(out, qubits.len());
            qubits.iter().for_each(|&qubit| write_text(out, self.qubits[qubit as usize].as_bytes()));
        }
        if !inputs.is_empty() {
            write_text(out, b"inputs");
            list(out, inputs.len());
            inputs.iter().for_each(|&event| write_text(out, self.events[event as usize].as_bytes()));
        }
        if let Some(event) = event {
            write_text(out, b"produces");
            list(out, 1);
            write_text(out, self.events[event as usize].as_bytes());
        }
        if allocates {
            write_text(out, b"caps");
            capabilities(out);
        }
        if guarded {
            write_text(out, b"guard");
            out.extend_from_slice(&self.guard);
        }
        self.count += 1;
        self.noisy |= family == NOISE;
    }

    // -- the end -----------------------------------------------------------------------------------------------------

    /// The graph, its qubits freed; its metadata are packed already.
    pub fn finish(mut self, outputs: &[Output], metadata: &[u8]) -> Vec<u8> {
        self.guard.clear();
        if !self.qubits.is_empty() {
            let every: Vec<u32> = (0..self.qubits.len() as u32).collect();
            self.node("free", &[], &every, None);
        } else if self.count == 0 {
            self.barrier(&[]); // a graph has at least one node; this one changes nothing
        }
        let mut out = Vec::with_capacity(self.out.len() + 16 * (self.qubits.len() + self.events.len()) + 256);
        map(&mut out, 7);
        write_text(&mut out, b"nodes");
        list(&mut out, self.count);
        out.extend_from_slice(&self.out);
        for (key, names) in [(&b"vqs"[..], &self.qubits), (b"events", &self.events)] {
            write_text(&mut out, key);
            list(&mut out, names.len());
            names.iter().for_each(|name| write_text(&mut out, name.as_bytes()));
        }
        write_text(&mut out, b"caps");
        if self.qubits.is_empty() {
            list(&mut out, 0);
        } else {
            capabilities(&mut out);
        }
        write_text(&mut out, b"families");
        list(&mut out, 1 + self.noisy as usize);
        write_text(&mut out, b"core");
        if self.noisy {
            write_text(&mut out, b"noise");
        }
        write_text(&mut out, b"outputs");
        list(&mut out, outputs.len());
        outputs.iter().for_each(|output| self.output(&mut out, output));
        write_text(&mut out, b"metadata");
        out.extend_from_slice(metadata);
        out
    }

    fn output(&self, out: &mut Vec<u8>, output: &Output) {
        map(out, 3);
        write_text(out, b"name");
        write_text(out, output.name.as_bytes());
        write_text(out, b"bits");
        list(out, output.bits.len());
        for bit in &output.bits {
            match bit {
                Some(event) => write_text(out, self.events[*event as usize].as_bytes()),
                None => out.push(NIL),
            }
        }
        write_text(out, b"descending");
        out.push(if output.descending { TRUE } else { FALSE });
    }
}

pub const CORE: &str = "core.";
pub const NOISE: &str = "noise.";
/// The op that allocates, in core.
const ALLOC: &str = "alloc";
const NIL: u8 = 0xC0;
const FALSE: u8 = 0xC2;
const TRUE: u8 = 0xC3;
const WIDE: u8 = 0xCF;
const REAL: u8 = 0xCB;

fn angle_args<'a>(kind: Kind, angles: &[f64]) -> Vec<(&'a str, Value<'a>)> {
    kind.angle_names().iter().zip(angles).map(|(&name, &angle)| (name, Value::Real(angle))).collect()
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Text(text) => write_text(out, text.as_bytes()),
        Value::Count(count) => number(out, *count),
        Value::Real(angle) => real(out, *angle),
        Value::Angles(names, angles) => {
            map(out, names.len());
            for (name, angle) in names.iter().zip(*angles) {
                write_text(out, name.as_bytes());
                real(out, *angle);
            }
        }
    }
}

pub fn real(out: &mut Vec<u8>, value: f64) {
    out.push(REAL);
    out.extend(value.to_be_bytes());
}

/// Two short texts as one.
fn joined(out: &mut Vec<u8>, first: &[u8], second: &[u8]) {
    let length = first.len() + second.len();
    debug_assert!(length < 32);
    out.push(0xA0 | length as u8);
    out.extend_from_slice(first);
    out.extend_from_slice(second);
}

fn capabilities(out: &mut Vec<u8>) {
    list(out, 1);
    write_text(out, b"CAP_ALLOC");
}

/// The metadata of a text of this dialect and version.
pub fn source(dialect: &str, version: &str) -> Vec<u8> {
    let mut out = vec![];
    map(&mut out, 1);
    write_text(&mut out, b"source");
    map(&mut out, 2);
    write_text(&mut out, b"format");
    write_text(&mut out, dialect.as_bytes());
    write_text(&mut out, b"version");
    write_text(&mut out, version.as_bytes());
    out
}

/// A length or number after the first tag that has room for it, of tags for 8, 16 and 32 bits.
fn sized(out: &mut Vec<u8>, size: usize, tags: [Option<u8>; 3]) {
    match (size, tags) {
        (0..=0xFF, [Some(tag), ..]) => out.extend([tag, size as u8]),
        (0..=0xFFFF, [_, Some(tag), _]) => {
            out.push(tag);
            out.extend((size as u16).to_be_bytes());
        }
        (_, [.., last]) => {
            out.extend(last);
            out.extend((size as u32).to_be_bytes());
        }
    }
}

pub fn list(out: &mut Vec<u8>, size: usize) {
    match size {
        0..=15 => out.push(0x90 | size as u8),
        _ => sized(out, size, [None, Some(0xDC), Some(0xDD)]),
    }
}

pub fn map(out: &mut Vec<u8>, size: usize) {
    match size {
        0..=15 => out.push(0x80 | size as u8),
        _ => sized(out, size, [None, Some(0xDE), Some(0xDF)]),
    }
}

fn number(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=0x7F => out.push(value as u8),
        0x80..=0xFFFF_FFFF => sized(out, value as usize, [Some(0xCC), Some(0xCD), Some(0xCE)]),
        _ => {
            out.push(WIDE);
            out.extend(value.to_be_bytes());
        }
    }
}

pub fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        0..=31 => out.push(0xA0 | text.len() as u8),
        size => sized(out, size, [Some(0xD9), Some(0xDA), Some(0xDB)]),
    }
    out.extend_from_slice(text);
}
