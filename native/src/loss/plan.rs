//! A Clifford circuit with dice as steps for one shot after another.

use std::sync::Arc;

use crate::circuit::{Circuit, Cond, Kind, NONE};

/// All of `cbits` become 1, together, with probability `p`, before op `at` of the circuit (`sdk.program.Toss`).
#[derive(Clone, Debug, PartialEq)]
pub struct Toss {
    pub at: u32,
    pub cbits: Box<[u32]>,
    pub p: f64,
}

/// When a step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// Where both cbits are 0: the flags of two atoms.
    Unless(u32, u32),
    /// Where this condition of the circuit holds.
    Holds(u32),
}

#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub kind: Kind,
    pub a: u32,
    /// Of a gate the second qubit, of a measurement the cbit or NONE, of logic the cbit.
    pub b: u32,
    pub when: When,
}

/// What a die does where it falls so.
#[derive(Clone, Debug)]
pub enum Strike {
    Cbits(Box<[u32]>),
    /// Errors with their probabilities, added up: Pauli letters of the qubits, X in bit 0 and Z in bit 1 of each pair.
    Pauli {
        qubits: [u32; 2],
        errors: Box<[(f64, [u8; 2])]>,
    },
}

/// A die, thrown in every shot before step `at`.
#[derive(Clone, Debug)]
pub struct Site {
    pub at: u32,
    pub strike: Strike,
}

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
    pub sites: Vec<Site>,
    pub classes: Vec<Class>,
}

/// Most qubits, most cbits that tosses strike in all.
pub const MAX_QUBITS: usize = 2048;

impl Plan {
    /// Refuses, with the reason, gates that are not Clifford, more qubits than `MAX_QUBITS`, and tosses out of place.
    pub fn new(circuit: Arc<Circuit>, tosses: Vec<Toss>) -> Result<Plan, String> {
        check(&circuit, &tosses)?;
        let numbers = numbers(&circuit);
        let n_qubits = numbers.iter().filter(|&&number| number != NONE).count();
        if n_qubits > MAX_QUBITS {
            return Err(format!("{n_qubits} qubits are in use, at most {MAX_QUBITS} are allowed"));
        }
        let mut plan = Plan { circuit, n_qubits, steps: Vec::new(), sites: Vec::new(), classes: Vec::new() };
        let mut chances: Vec<f64> = Vec::new();
        let mut tosses = tosses.into_iter().peekable();
        let circuit = plan.circuit.clone();
        for at in 0..=circuit.ops.len() {
            while let Some(toss) = tosses.next_if(|toss| toss.at as usize <= at) {
                plan.sites.push(Site { at: plan.steps.len() as u32, strike: Strike::Cbits(toss.cbits) });
                chances.push(toss.p);
            }
            let Some(op) = circuit.ops.get(at) else { break };
            let of = |k: usize| op.qubits().get(k).map_or(NONE, |&q| numbers[q as usize]);
            match op.kind {
                Kind::Id => {}
                Kind::Noise | Kind::Noise2 => {
                    let (total, strike) = pauli(op.kind, [of(0), of(1)], circuit.angles(op));
                    if total > 0.0 {
                        plan.sites.push(Site { at: plan.steps.len() as u32, strike });
                        chances.push(total);
                    }
                }
                kind if is_clifford(kind) => {
                    let b = match kind {
                        Kind::Measure | Kind::Logic => op.cbit,
                        _ => of(1),
                    };
                    let a = if kind == Kind::Logic { op.param } else { of(0) };
                    plan.steps.push(Step { kind, a, b, when: when(&circuit, op.cond) });
                }
                kind => return Err(format!("op {at} ({}) is no Clifford gate", kind.name())),
            }
        }
        plan.classes = classes(&chances);
        Ok(plan)
    }

    /// Estimated seconds of one thread for `shots` shots.
    pub fn cost(&self, shots: usize) -> f64 {
        let words = words(self.n_qubits) as f64;
        let looks = self.steps.iter().filter(|step| matches!(step.kind, Kind::Measure | Kind::Reset)).count() as f64;
        let hits: f64 = self.classes.iter().map(|class| class.p * class.sites.len() as f64).sum();
        let gates = self.steps.len() as f64 * (2e-9 + 0.3e-9 * words);
        let shot = 1e-7 + gates + looks * self.n_qubits as f64 * (2e-9 + 1e-9 * words) + hits * 6e-8;
        2e-5 + shots as f64 * (shot + self.circuit.n_cbits as f64 * 1e-9)
    }
}

/// Words of a column of a tableau of so many qubits.
pub fn words(n_qubits: usize) -> usize {
    (n_qubits.div_ceil(64) * 2).next_power_of_two().max(2)
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

/// Qubits in use in order of first use, NONE for the others.
fn numbers(circuit: &Circuit) -> Vec<u32> {
    let mut out = vec![NONE; circuit.n_qubits as usize];
    let mut next = 0;
    for op in &circuit.ops {
        for &qubit in op.qubits() {
            if out[qubit as usize] == NONE {
                out[qubit as usize] = next;
                next += 1;
            }
        }
    }
    out
}

fn is_clifford(kind: Kind) -> bool {
    use Kind::*;
    matches!(
        kind,
        X | Y | Z | H | S | Sdg | Sx | Sxdg | Cnot | Cy | Cz | Swap | Iswap | Iswapdg | Measure | Reset | Logic
    )
}

fn when(circuit: &Circuit, cond: u32) -> When {
    if cond == NONE {
        return When::Always;
    }
    let not_bit = |cond: u32| match circuit.conds[cond as usize] {
        Cond::Not(inner) => match circuit.conds[inner as usize] {
            Cond::Bit(cbit) => Some(cbit),
            _ => None,
        },
        _ => None,
    };
    if let Some(cbit) = not_bit(cond) {
        return When::Unless(cbit, cbit);
    }
    if let Cond::And(parts) = &circuit.conds[cond as usize] {
        if let [a, b] = parts[..] {
            if let (Some(a), Some(b)) = (not_bit(a), not_bit(b)) {
                return When::Unless(a, b);
            }
        }
    }
    When::Holds(cond)
}

fn pauli(kind: Kind, qubits: [u32; 2], params: &[f64]) -> (f64, Strike) {
    let letter = |k: usize| [0b00, 0b01, 0b11, 0b10][k];
    let mut total = 0.0;
    let mut errors = Vec::new();
    for (k, &p) in params.iter().enumerate().filter(|(_, &p)| p > 0.0) {
        total += p;
        let code = k + 1;
        let letters = if kind == Kind::Noise { [letter(code), 0] } else { [letter(code >> 2), letter(code & 3)] };
        errors.push((total, letters));
    }
    (total.min(1.0), Strike::Pauli { qubits, errors: errors.into() })
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
