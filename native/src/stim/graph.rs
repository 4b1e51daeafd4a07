//! The same program as a packed graph: the nodes, events, registers and coordinates that the front end gives it.
//!
//! Events are numbered as the cbits of the circuit are, which `write` makes at the same time.

use std::collections::HashMap;

use crate::circuit::{Kind, Register, NONE};
use crate::qasm::nodes::{list, map, real, write_text, Nodes, Output, Value, CORE, NOISE};

use super::names::{Basis, Name};

/// Arguments of `noise.pauli` and `noise.pauli2`, in Stim's order.
const ONE: [&str; 3] = ["px", "py", "pz"];
const TWO: [&str; 15] =
    ["pix", "piy", "piz", "pxi", "pxx", "pxy", "pxz", "pyi", "pyx", "pyy", "pyz", "pzi", "pzx", "pzy", "pzz"];

pub struct Graph {
    nodes: Nodes,
    /// The names of qubits in use, by number.
    names: Vec<String>,
    shift: Vec<f64>,
    coordinates: Vec<(u32, Vec<f64>)>,
    /// Where a qubit stands in `coordinates`.
    placed: HashMap<u32, usize>,
    detectors: Vec<Vec<f64>>,
    /// How many sums have a name of this letter.
    sums: HashMap<char, u32>,
}

impl Graph {
    /// The qubits with these numbers in Stim's text, allocated.
    pub fn new(used: &[u32]) -> Graph {
        let names: Vec<String> = used.iter().map(|qubit| format!("q{qubit}")).collect();
        let mut nodes = Nodes::default();
        nodes.allocate_all(names.clone());
        let (coordinates, detectors) = (vec![], vec![]);
        Graph { nodes, names, shift: vec![], coordinates, placed: HashMap::new(), detectors, sums: HashMap::new() }
    }

    pub fn gate(&mut self, kind: Kind, qubits: &[u32], angles: &[f64]) {
        self.nodes.gate(kind, qubits, angles);
    }

    pub fn reset(&mut self, qubit: u32) {
        self.nodes.reset(qubit);
    }

    /// A Pauli where the bit is 1.
    pub fn feed(&mut self, pauli: Kind, qubit: u32, bit: u32) {
        let letter = pauli.name().to_uppercase();
        self.nodes.write(CORE, "condpauli", &[("paulis", Value::Text(&letter))], &[qubit], &[bit], None);
    }

    pub fn tick(&mut self) {
        self.nodes.write(CORE, "barrier", &[("tag", Value::Text("TICK"))], &[], &[], None);
    }

    // -- events ------------------------------------------------------------------------------------------------------

    /// Measurement `number`: its bit, then inverted where asked, then read wrongly with the probability `chance`.
    pub fn measure(&mut self, basis: Basis, qubit: u32, number: usize, inverted: bool, chance: f64) {
        let misread = chance > 0.0;
        let raw = if inverted || misread { "raw" } else { "m" };
        let mut event = self.nodes.event(format!("{raw}{number}"));
        let op = ["mx", "my", "mz"][basis as usize];
        self.nodes.write(CORE, op, &[], &[qubit], &[], Some(event));
        if inverted {
            let name = if misread { format!("not_m{number}") } else { format!("m{number}") };
            event = self.table(0b01, &[event], name);
        }
        if misread {
            let read = self.nodes.event(format!("m{number}"));
            let args = [("p01", Value::Real(chance)), ("p10", Value::Real(chance))];
            self.nodes.write(NOISE, "readout", &args, &[], &[event], Some(read));
        }
    }

    /// The sum of bits, called by this letter and the next number.
    pub fn sum(&mut self, inputs: &[u32], table: u64, letter: char) {
        let number = self.sums.entry(letter).or_default();
        let name = format!("{letter}{number}");
        *number += 1;
        self.table(table, inputs, name);
    }

    fn table(&mut self, table: u64, inputs: &[u32], name: String) -> u32 {
        let made = self.nodes.event(name);
        self.nodes.write(CORE, "lut", &[("table", Value::Count(table))], &[], inputs, Some(made));
        made
    }

    // -- noise -------------------------------------------------------------------------------------------------------

    pub fn channel(&mut self, name: Name, args: &[f64], qubits: &[u32]) {
        let (op, names) = match name {
            Name::Error(basis) => ("pauli", &ONE[basis as usize..basis as usize + 1]),
            Name::Channel1 => ("pauli", &ONE[..]),
            Name::Channel2 => ("pauli2", &TWO[..]),
            _ => ("depolarize", &["p"][..]),
        };
        let args: Vec<_> = names.iter().zip(args).map(|(&name, &chance)| (name, Value::Real(chance))).collect();
        self.nodes.write(NOISE, op, &args, qubits, &[], None);
    }

    // -- coordinates -------------------------------------------------------------------------------------------------

    fn shifted(&self, args: &[f64]) -> Vec<f64> {
        args.iter().enumerate().map(|(k, value)| value + self.shift.get(k).unwrap_or(&0.0)).collect()
    }

    pub fn shift_by(&mut self, args: &[f64]) {
        self.shift.resize(self.shift.len().max(args.len()), 0.0);
        self.shift.iter_mut().zip(args).for_each(|(slot, value)| *slot += value);
    }

    pub fn place(&mut self, qubit: u32, args: &[f64]) {
        let there = self.shifted(args);
        match self.placed.get(&qubit) {
            Some(&at) => self.coordinates[at].1 = there,
            None => {
                self.placed.insert(qubit, self.coordinates.len());
                self.coordinates.push((qubit, there));
            }
        }
    }

    pub fn detector(&mut self, args: &[f64]) {
        let there = self.shifted(args);
        self.detectors.push(there);
    }

    // -- the end -----------------------------------------------------------------------------------------------------

    /// The packed graph with these registers, of numbers of events; NONE is a bit that is always 0.
    pub fn finish(self, registers: &[Register]) -> Vec<u8> {
        let metadata = self.metadata();
        let shown = |bits: &[u32]| bits.iter().map(|&bit| (bit != NONE).then_some(bit)).collect();
        let outputs: Vec<Output> = registers
            .iter()
            .map(|row| Output { name: &row.name, bits: shown(&row.cbits), descending: row.descending })
            .collect();
        self.nodes.finish(&outputs, &metadata)
    }

    fn metadata(&self) -> Vec<u8> {
        let placed = !self.coordinates.is_empty();
        let detected = self.detectors.iter().any(|there| !there.is_empty());
        let mut out = vec![];
        map(&mut out, 1 + placed as usize + detected as usize);
        write_text(&mut out, b"source");
        write_text(&mut out, b"stim");
        if placed {
            write_text(&mut out, b"qubit_coordinates");
            map(&mut out, self.coordinates.len());
            for (qubit, there) in &self.coordinates {
                write_text(&mut out, self.names[*qubit as usize].as_bytes());
                numbers(&mut out, there);
            }
        }
        if detected {
            write_text(&mut out, b"detectors");
            list(&mut out, self.detectors.len());
            self.detectors.iter().for_each(|there| numbers(&mut out, there));
        }
        out
    }
}

fn numbers(out: &mut Vec<u8>, values: &[f64]) {
    list(out, values.len());
    values.iter().for_each(|&value| real(out, value));
}
