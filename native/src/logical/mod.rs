//! The logical kernel: Clifford programs with Pauli channels, measurements and Pauli feedback, at a cost per op that
//! does not depend on how entangled the qubits are.
//!
//! `reference` runs the program once without errors, on a tableau; each shot then is a Pauli frame: how it differs from
//! that run (Rall, Liang, Cook and Kretschmer, 2019; Gidney, Stim, 2021). Pauli feedback strikes the frame where the
//! condition reads otherwise than in the reference, whatever function of the outcomes it is; what else depends on
//! outcomes is refused here and left to the frame simulator with active states (`crate::frame`).

#[cfg(feature = "python")]
pub mod python;
mod reference;
mod run;

use std::sync::Arc;

use crate::circuit::{Circuit, Kind, Op, NONE};
use crate::frame::{quarters, Failure, Limits};
use crate::samples::Samples;

/// Most qubits in use.
pub const MAX_QUBITS: usize = 16_384;

/// What a shot does to its frame. Gates are up to a Pauli: that one moves no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Move {
    /// X <-> Z.
    Swap,
    /// X -> Y.
    Phase,
    /// Z -> Y.
    Root,
    Cnot,
    Cz,
    Cy,
    Exchange,
    /// Exchange, then CZ and Phase on both.
    Iswap,
    /// Outcome of qubit `a` into cbit `b`; a coin in the reference, or certain there.
    Coin,
    Sure,
    Reset,
    /// A channel: operands and chances are those of op `b`.
    Noise,
    /// The Pauli of op `b`, under its condition.
    Feed,
    /// The table of op `b`.
    Logic,
}

#[derive(Clone, Copy, Debug)]
pub struct Instr {
    pub what: Move,
    pub a: u32,
    pub b: u32,
}

/// A program that is ready to run.
pub struct Plan {
    circuit: Arc<Circuit>,
    instrs: Vec<Instr>,
    /// Row of a qubit, NONE where nothing uses it.
    row: Vec<u32>,
    n: usize,
    /// What the reference run read: cbits, 64 a word.
    bits: Vec<u64>,
    /// Of op k, whether its condition holds in the reference run.
    held: Vec<bool>,
    /// Of op k, -ln(1 - p) for all its errors together.
    hazard: Vec<f64>,
    coins: usize,
}

impl Plan {
    /// The circuit must have passed `Circuit::check`. The text says what is refused and where.
    pub fn compile(circuit: &Arc<Circuit>) -> Result<Plan, String> {
        accepts(circuit)?;
        let (row, n) = crate::frame::used(circuit);
        if n > MAX_QUBITS {
            return Err(format!("{n} qubits in use, of at most {MAX_QUBITS}"));
        }
        let found = reference::run(circuit, &row, n);
        let mut plan = Plan {
            circuit: circuit.clone(),
            instrs: Vec::with_capacity(circuit.ops.len()),
            row,
            n,
            bits: found.bits,
            held: found.held,
            hazard: circuit.ops.iter().map(|op| hazard(circuit, op)).collect(),
            coins: 0,
        };
        for (at, op) in circuit.ops.iter().enumerate() {
            plan.push(at as u32, op, found.coins[at]);
        }
        Ok(plan)
    }

    fn push(&mut self, at: u32, op: &Op, coin: bool) {
        use Move::*;
        let [a, b, _] = op.q.map(|q| if q == NONE { NONE } else { self.row[q as usize] });
        let what = match op.kind {
            Kind::X | Kind::Y | Kind::Z if op.cond != NONE => return self.instrs.push(Instr { what: Feed, a, b: at }),
            Kind::Noise | Kind::Noise2 => return self.instrs.push(Instr { what: Noise, a, b: at }),
            Kind::Logic => return self.instrs.push(Instr { what: Logic, a, b: at }),
            Kind::Measure => {
                self.coins += coin as usize;
                let what = if coin { Coin } else { Sure };
                return self.instrs.push(Instr { what, a, b: op.cbit });
            }
            Kind::H => Swap,
            Kind::S | Kind::Sdg => Phase,
            Kind::Rz | Kind::P if turns(&self.circuit, op) & 1 == 1 => Phase,
            Kind::Sx | Kind::Sxdg => Root,
            Kind::Cnot => Cnot,
            Kind::Cz => Cz,
            Kind::Cy => Cy,
            Kind::Swap => Exchange,
            Kind::Iswap | Kind::Iswapdg => Iswap,
            Kind::Reset => Reset,
            _ => return,
        };
        self.instrs.push(Instr { what, a, b });
    }

    /// Measurements that are coins, whatever else happens.
    pub fn coins(&self) -> usize {
        self.coins
    }

    pub fn qubits(&self) -> usize {
        self.n
    }

    pub fn len(&self) -> usize {
        self.instrs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.instrs.is_empty()
    }

    /// Estimated seconds of one thread.
    pub fn cost(&self, shots: usize) -> f64 {
        running(self.instrs.len(), shots)
    }

    pub fn run(&self, shots: usize, seed: u64, limits: &Limits) -> Result<Samples, Failure> {
        run::run(self, shots, seed, limits)
    }
}

/// Seconds of one op on the tableau of the reference run, for each of its qubits, about.
const REFERENCE_S: f64 = 1e-9;

/// Estimated seconds of compiling `ops` ops on `n` qubits, most of it the reference run.
pub fn compiling(ops: usize, n: usize) -> f64 {
    ops as f64 * n as f64 * REFERENCE_S
}

/// Estimated seconds of one thread for `shots` shots of `ops` ops.
pub fn running(ops: usize, shots: usize) -> f64 {
    ops as f64 * (6e-9 + 0.6e-9 * shots.div_ceil(64) as f64)
}

fn hazard(circuit: &Circuit, op: &Op) -> f64 {
    match op.kind {
        Kind::Noise | Kind::Noise2 => -(-circuit.angles(op).iter().sum::<f64>().min(1.0)).ln_1p(),
        _ => 0.0,
    }
}

/// Quarter turns of an Rz or P.
fn turns(circuit: &Circuit, op: &Op) -> u32 {
    quarters(circuit.angles(op)[0]).unwrap_or(0)
}

/// Whether every op is one that frames can follow.
pub fn accepts(circuit: &Circuit) -> Result<(), String> {
    use Kind::*;
    for (at, op) in circuit.ops.iter().enumerate() {
        let fits = match op.kind {
            Id | X | Y | Z | Logic | Noise | Noise2 => true,
            H | S | Sdg | Sx | Sxdg | Cnot | Cy | Cz | Swap | Iswap | Iswapdg | Measure | Reset => op.cond == NONE,
            Rz | P => op.cond == NONE && quarters(circuit.angles(op)[0]).is_some(),
            _ => false,
        };
        if !fits {
            let under = if op.cond == NONE { "no Clifford gate" } else { "under a condition, and no Pauli" };
            return Err(format!("op {at} ({}) is {under}", op.kind.name()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: u64 = 1 << 30;

    fn run(circuit: Circuit, shots: usize, seed: u64) -> Samples {
        circuit.check().expect("sound");
        let plan = Plan::compile(&Arc::new(circuit)).expect("followed");
        plan.run(shots, seed, &Limits { memory: MEMORY, stopped: &|| false }).expect("room")
    }

    /// GHZ of three, an X on the last qubit in every shot.
    fn flipped_ghz() -> Circuit {
        let mut circuit = Circuit { n_qubits: 3, n_cbits: 3, ..Circuit::default() };
        circuit.push_gate(Kind::H, &[0], &[]);
        circuit.push_gate(Kind::Cnot, &[0, 1], &[]);
        circuit.push_gate(Kind::Cnot, &[1, 2], &[]);
        circuit.push_gate(Kind::Noise, &[2], &[1.0, 0.0, 0.0]);
        circuit.ops.extend((0..3).map(|q| Op::measure(q, q)));
        circuit
    }

    #[test]
    fn outcomes_agree_and_a_certain_error_shows_in_every_shot() {
        let samples = run(flipped_ghz(), 1000, 3);
        let ones = (0..1000).filter(|&shot| samples.get(shot, 0)).count();
        assert!((350..650).contains(&ones)); // 9.5 standard deviations
        for shot in 0..1000 {
            assert_eq!(samples.get(shot, 0), samples.get(shot, 1));
            assert_ne!(samples.get(shot, 0), samples.get(shot, 2));
        }
    }

    #[test]
    fn a_seed_names_its_shots() {
        assert_eq!(run(flipped_ghz(), 5000, 3), run(flipped_ghz(), 5000, 3));
        assert_ne!(run(flipped_ghz(), 5000, 3), run(flipped_ghz(), 5000, 4));
    }

    #[test]
    fn what_frames_cannot_follow_is_refused() {
        let mut circuit = flipped_ghz();
        let bit = circuit.push_cond(crate::circuit::Cond::Bit(0));
        circuit.ops.push(Op::gate(Kind::S, &[1], NONE).under(bit));
        let refused = Plan::compile(&Arc::new(circuit)).err();
        assert_eq!(refused.as_deref(), Some("op 7 (s) is under a condition, and no Pauli"));
    }

    #[test]
    fn outcomes_that_need_more_memory_than_allowed_are_refused() {
        let plan = Plan::compile(&Arc::new(flipped_ghz())).expect("followed");
        let refused = plan.run(1 << 20, 1, &Limits { memory: 1000, stopped: &|| false });
        assert!(matches!(refused, Err(Failure::Memory { needed }) if needed > 1000));
    }

    #[test]
    fn frames_take_the_memory_of_one_batch_however_many_shots_there_are() {
        let mut circuit = Circuit { n_qubits: 4096, n_cbits: 1, ..Circuit::default() };
        (0..4096).for_each(|q| circuit.push_gate(Kind::H, &[q], &[]));
        circuit.ops.push(Op::measure(0, 0));
        let plan = Plan::compile(&Arc::new(circuit)).expect("followed");
        let outcomes = (1 << 17) / 8;
        let frames = 16 * 8 * 2 * 4096;
        let run = |memory| plan.run(1 << 17, 1, &Limits { memory, stopped: &|| false });
        assert!(run(outcomes + frames).is_ok());
        assert!(matches!(run(outcomes + frames - 1), Err(Failure::Memory { .. })));
    }
}
