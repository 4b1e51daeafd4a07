//! Gates on amplitudes that come from elsewhere: a state that another kind of simulator began, all of whose qubits are in
//! it from the start.

use super::cost::{blocks_at, Rates};
use super::fuse::{self, Item};
use super::isa::{level, Level};
use super::lanes::Real;
use super::passes::{passes, Pass};
use super::state::{State, Workspace};
use super::Refused;
use crate::circuit::{Circuit, NONE};

/// States of more bits are refused before anything is computed from their size.
const MOST_BITS: u32 = 40;

/// The gates of a circuit as passes over a state of all its qubits, qubit 0 the most significant bit of an index. The
/// phase of the whole state is left out.
pub struct Onward {
    bits: u32,
    passes: Vec<Pass<f64>>,
    level: Level,
}

impl Onward {
    /// Refuses what is not an unconditional gate.
    pub fn compile(circuit: &Circuit) -> Result<Onward, Refused> {
        let bits = circuit.n_qubits;
        if bits > MOST_BITS {
            return Err(Refused::Memory { needed: None, allowed: 16 << MOST_BITS });
        }
        let mut gates = Vec::with_capacity(circuit.ops.len());
        for op in &circuit.ops {
            if !op.kind.is_gate() || op.cond != NONE {
                return Err(Refused::NotUnitary);
            }
            let mut on = [fuse::NONE; 3];
            for (slot, &q) in on.iter_mut().zip(op.qubits().iter().rev()) {
                *slot = bits - 1 - q;
            }
            let given = circuit.angles(op);
            let mut angles = [0.0; 3];
            angles[..given.len()].copy_from_slice(given);
            if op.kind != crate::circuit::Kind::Id {
                gates.push(fuse::Gate { kind: op.kind, angles, on });
            }
        }
        let fused = fuse::fuse(&gates, false, bits);
        let mut items = fused.items;
        if !fused.tail.is_empty() {
            items.push(Item::Phases(fused.tail));
        }
        Ok(Onward { bits, passes: passes(items, bits, true), level: level() })
    }

    /// Reals of the amplitudes that it goes through: two for each.
    pub fn reals(&self) -> usize {
        2 << self.bits
    }

    /// Predicted seconds, with the conversion on the way in and out.
    pub fn seconds(&self, rates: &Rates) -> f64 {
        let bytes = 16.0 * (1u64 << self.bits) as f64;
        let trip = 2.0 * bytes / rates.bytes_per_second;
        let one = |pass: &Pass<f64>| pass.cycles / rates.cycles_per_second + trip;
        let convert = 2.0 * (trip + blocks_at(self.bits, false) * CONVERT_CYCLES / rates.cycles_per_second);
        self.passes.iter().map(one).sum::<f64>() + convert
    }

    /// Takes amplitudes, real and imaginary part in turn, through the gates. `stop` is told of amplitudes done now and
    /// then; true ends it, and the amplitudes are what they were.
    pub fn run(&self, amplitudes: &mut [f64], stop: &dyn Fn(u64) -> bool) -> Result<(), Refused> {
        if amplitudes.len() != self.reals() {
            return Err(Refused::Malformed(format!("{} reals, not {}", amplitudes.len(), self.reals())));
        }
        let mut work = Workspace::<f64>::new(1);
        let mut state = State::of(amplitudes, self.bits, self.level, &mut work);
        let stopped = std::cell::Cell::new(false);
        let watch = |n: u64| {
            stopped.set(stopped.get() || stop(n));
            stopped.get()
        };
        for pass in &self.passes {
            state.run(pass, &mut work, &watch);
            if stopped.get() {
                return Err(Refused::Stopped);
            }
        }
        state.write(amplitudes);
        Ok(())
    }
}

/// Cycles of a block to bring its amplitudes into the order of the kernels.
const CONVERT_CYCLES: f64 = 8.0 * f64::LANE_BITS as f64;
