//! A Clifford circuit with dice as steps for one shot after another.

use std::sync::Arc;

use super::tableau::Arm;
use super::write::Writer;
use crate::circuit::{Circuit, Kind};

/// All of `cbits` become 1, together, with probability `p`, before op `at` of the circuit (`ir.program.Toss`).
#[derive(Clone, Debug, PartialEq)]
pub struct Toss {
    pub at: u32,
    pub cbits: Box<[u32]>,
    pub p: f64,
}

/// When a step is taken, where none of its flags has fallen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// Where this condition of the circuit holds.
    Holds(u32),
}

#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub act: Act,
    pub when: When,
}

/// Two flags, cbits that nothing but dice writes; where one of them has fallen, a step is not taken. `n_cbits` is none.
pub type Guard = [u32; 2];

/// Columns are those of the tableau. `minus`: the Pauli of the circuit is minus that of the column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// A controlled Pauli, of signs `minus`.
    Couple {
        a: Arm,
        b: Arm,
        minus: [bool; 2],
    },
    /// The Pauli of a column.
    Flip {
        at: u16,
    },
    /// Takes X, Y, Z of a qubit to these letters, with these signs.
    Turn {
        qubit: u32,
        to: [(u8, bool); 3],
    },
    /// Into a cbit or NONE. Then the Pauli of column `back` undoes an outcome of 1: a reset. NO_COLUMN: it does not.
    Measure {
        at: u16,
        minus: bool,
        cbit: u32,
        back: u16,
    },
    /// A measurement that leaves the state as it is (`super::reads`).
    Read {
        at: u16,
        minus: bool,
        cbit: u32,
    },
    Logic {
        table: u32,
        cbit: u32,
    },
}

/// What a die does where it falls so.
#[derive(Clone, Copy, Debug)]
pub enum Strike {
    /// Sets a flag.
    Flag(u32),
    /// Those of `Plan::groups`, at this place.
    Flags(u32),
    /// The same, and cbits that ops write as well: the next one of `Plan::groups`.
    Cbits(u32),
    /// One of `Plan::errors`, at this place.
    Pauli(u32),
}

/// A die, thrown in every shot before step `at`.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    pub at: u32,
    pub strike: Strike,
}

/// Errors with their probabilities, added up: the columns of their Paulis, or NO_COLUMN.
pub type Errors = Box<[(f64, [u16; 2])]>;

/// Sites of equal probability, in order. Which of them are struck is drawn by the gaps between.
#[derive(Clone, Debug)]
pub struct Class {
    pub p: f64,
    pub sites: Vec<u32>,
}

pub struct Plan {
    pub circuit: Arc<Circuit>,
    /// Qubits of the circuit that a step acts on have numbers of their own, without gaps.
    pub n_qubits: usize,
    pub steps: Vec<Step>,
    /// Of each step.
    pub guards: Vec<Guard>,
    pub sites: Vec<Site>,
    pub groups: Vec<Box<[u32]>>,
    pub errors: Vec<Errors>,
    pub classes: Vec<Class>,
}

/// Most qubits, most cbits that tosses strike in all.
pub const MAX_QUBITS: usize = 2048;

/// No Pauli.
pub const NO_COLUMN: u16 = u16::MAX;

/// Words of the columns that there are.
pub const WORDS: [usize; 8] = [4, 8, 12, 16, 24, 32, 48, 64];

impl Plan {
    /// Refuses, with the reason, gates that are not Clifford, more qubits than `MAX_QUBITS`, and tosses out of place.
    pub fn new(circuit: Arc<Circuit>, tosses: Vec<Toss>) -> Result<Plan, String> {
        check(&circuit, &tosses)?;
        let mut writer = Writer::new(&circuit);
        let n_qubits = writer.n_qubits();
        if n_qubits > MAX_QUBITS {
            return Err(format!("{n_qubits} qubits are in use, at most {MAX_QUBITS} are allowed"));
        }
        let mut chances: Vec<f64> = Vec::new();
        let mut tosses = tosses.into_iter().peekable();
        for at in 0..=circuit.ops.len() {
            while let Some(toss) = tosses.next_if(|toss| toss.at as usize <= at) {
                writer.toss(&toss.cbits);
                chances.push(toss.p);
            }
            let Some(op) = circuit.ops.get(at) else { break };
            if matches!(op.kind, Kind::Noise | Kind::Noise2) {
                chances.extend(writer.pauli(op, circuit.angles(op)));
            } else if !writer.write(op) {
                return Err(format!("op {at} ({}) is no Clifford gate", op.kind.name()));
            }
        }
        writer.mark_reads();
        let Writer { steps, guards, sites, groups, errors, .. } = writer;
        let circuit = circuit.clone();
        Ok(Plan { circuit, n_qubits, steps, guards, sites, groups, errors, classes: classes(&chances) })
    }

    /// Estimated seconds of one thread for `shots` shots.
    pub fn cost(&self, shots: usize) -> f64 {
        let (words, n) = (words(self.n_qubits) as f64, self.n_qubits as f64);
        let count = |of: fn(&Act) -> bool| self.steps.iter().filter(|step| of(&step.act)).count() as f64;
        let looks = count(|act| matches!(act, Act::Measure { .. }));
        let reads = count(|act| matches!(act, Act::Read { .. }));
        let hits: f64 = self.classes.iter().map(|class| class.p * class.sites.len() as f64).sum();
        let gates = self.steps.len() as f64 * 1.2e-9 + self.expected() * (3e-9 + 0.5e-9 * words);
        let read = reads * (3e-8 + reads.min(n) * (1e-9 + 0.12e-9 * words));
        let shot = 2e-7 + gates + read + looks * n * (2e-9 + 0.15e-9 * words) + hits * 2e-8;
        2e-5 + shots as f64 * (shot + n * words * 0.3e-9 + self.circuit.n_cbits as f64 * 1e-9)
    }

    /// How many steps the flags of a shot leave, on average.
    fn expected(&self) -> f64 {
        let mut chances = vec![0.0; self.sites.len()];
        for class in &self.classes {
            class.sites.iter().for_each(|&site| chances[site as usize] = class.p);
        }
        let mut there = vec![1.0; self.circuit.n_cbits as usize + 1];
        let mut sites = self.sites.iter().zip(chances).peekable();
        let mut sum = 0.0;
        for (number, &[a, b]) in (0u32..).zip(&self.guards) {
            while let Some((site, p)) = sites.next_if(|(site, _)| site.at <= number) {
                let flags: &[u32] = match &site.strike {
                    Strike::Flag(flag) => std::slice::from_ref(flag),
                    Strike::Flags(group) | Strike::Cbits(group) => &self.groups[*group as usize],
                    Strike::Pauli(_) => &[],
                };
                flags.iter().for_each(|&flag| there[flag as usize] *= 1.0 - p);
            }
            sum += there[a as usize] * if a == b { 1.0 } else { there[b as usize] };
        }
        sum
    }
}

/// Words of a column of a tableau of so many qubits.
pub fn words(n_qubits: usize) -> usize {
    let needed = (2 * n_qubits).div_ceil(64);
    *WORDS.iter().find(|&&words| words >= needed).unwrap_or(&WORDS[WORDS.len() - 1])
}

fn check(circuit: &Circuit, tosses: &[Toss]) -> Result<(), String> {
    circuit.check().map_err(|why| why.0)?;
    for (k, toss) in tosses.iter().enumerate() {
        if toss.at as usize > circuit.ops.len() || k > 0 && toss.at < tosses[k - 1].at {
            return Err(format!("toss {k} is not at a place of {} ops, in order", circuit.ops.len()));
        }
        if !(0.0..=1.0).contains(&toss.p) {
            return Err(format!("toss {k} has probability {}, not 0 to 1", toss.p));
        }
        if let Some(cbit) = toss.cbits.iter().find(|&&cbit| cbit >= circuit.n_cbits) {
            return Err(format!("toss {k} strikes cbit {cbit} of {}", circuit.n_cbits));
        }
    }
    Ok(())
}

fn classes(chances: &[f64]) -> Vec<Class> {
    let mut out: Vec<Class> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for (site, &p) in chances.iter().enumerate().filter(|(_, &p)| p > 0.0) {
        let at = *known.entry(p.to_bits()).or_insert_with(|| {
            out.push(Class { p, sites: Vec::new() });
            out.len() - 1
        });
        out[at].sites.push(site as u32);
    }
    out
}
