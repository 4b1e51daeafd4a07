//! What running a plan will take.

use super::plan::{Code, Instr};
use super::run::PILOT;

/// Seconds; one table, so that a calibration can replace it.
pub struct Rates {
    /// One instruction, whatever it does.
    pub step: f64,
    /// One word of 64 shots of one symbol.
    pub word: f64,
    /// One amplitude of a state that many shots share.
    pub amplitude: f64,
    /// The same where the state is larger than a core's own cache.
    pub far_amplitude: f64,
    /// One state of a group of shots, beside its amplitudes.
    pub group: f64,
    /// One word of the mask of a group.
    pub mask: f64,
    /// One amplitude of one shot, where each has a state of its own.
    pub lane: f64,
    /// 64 such shots, beside their amplitudes.
    pub lane_word: f64,
}

/// Qubits of the first state that is larger than a core's own cache.
const FAR: u32 = 18;

/// A measurement in rotations: it looks, tosses, and writes two smaller states.
const READ: f64 = 4.0;

pub const RATES: Rates = Rates {
    step: 10e-9,
    word: 1e-9,
    amplitude: 0.25e-9,
    far_amplitude: 0.4e-9,
    group: 100e-9,
    mask: 2e-9,
    lane: 0.12e-9,
    lane_word: 30e-9,
};

/// The last bits of one shot, of one part.
const DRAW_S: f64 = 30e-9;

/// One word of a row that compiling turns, and one op for each word of its rows.
const TURN_S: f64 = 0.75e-9;
const OP_WORD_S: f64 = 50e-9;

/// Seconds that compiling takes, about: each outcome that is not certain turns every row.
pub fn compiling(qubits: f64, ops: f64, coins: f64) -> f64 {
    let words = ((qubits / 64.0).ceil().max(1.0) as u32).next_power_of_two();
    f64::from(words) * (ops * OP_WORD_S + coins * 2.0 * qubits * TURN_S)
}

/// What is known of a plan that nobody has made.
#[derive(Clone, Copy, Debug)]
pub struct Bulk {
    pub qubits: f64,
    pub rotations: f64,
    pub outcomes: f64,
    /// Outcomes, and errors, that tell shots apart on the way.
    pub splits: f64,
}

/// Most qubits of one state, and seconds at most, about, of a run: each rotation wakes one qubit, and goes over the
/// states that shots are in by then; the last measurements look at no more amplitudes than there are before them.
pub fn bound(bulk: &Bulk, shots: usize) -> (f64, f64) {
    let (width, shots) = (bulk.rotations.min(bulk.qubits), shots.max(1) as f64);
    let words = (shots / 64.0).ceil();
    let amplitude = if width < f64::from(FAR) { RATES.amplitude } else { RATES.far_amplitude };
    let (pass, group) = (width.exp2() * amplitude, RATES.group + words * RATES.mask);
    let states = shots.min(bulk.splits.exp2());
    let turns = (bulk.rotations + READ * bulk.splits.min(bulk.rotations)) * states * (pass + group);
    let reads = READ * width * (states * pass + shots.min(states * width.exp2()) * group);
    let bits = width.min(bulk.outcomes) * shots * DRAW_S;
    (width, turns + reads + bits + bulk.outcomes * (4.0 * RATES.step + 24.0 * words * RATES.word))
}

/// How many states `shots` shots share, of which a pilot had `few` and `all` in its two numbers of shots: as a power of
/// the shots.
fn grown([few, all]: [u32; 2], shots: f64) -> f64 {
    let [less, more] = PILOT.map(f64::from);
    let power = (f64::from(all) / f64::from(few)).ln() / (more / less).ln();
    (f64::from(all) * (shots / more).powf(power)).clamp(1.0, shots)
}

/// Seconds for `shots` shots: each part's states are shared until measurements and random signs tell shots apart, two
/// ways each time, or as a `pilot` has seen it.
pub fn seconds(code: &Code, shots: usize, pilot: &[[u32; 2]]) -> f64 {
    let words = shots.div_ceil(64) as f64;
    let mut parts = vec![(0u32, 1f64); code.n_parts as usize]; // qubits, states
    let mut total = 0.0;
    let most = shots.max(1) as f64;
    for (at, instr) in code.instrs.iter().enumerate() {
        total += RATES.step;
        let seen = pilot.get(at).filter(|seen| seen[0] > 0);
        let price = |(k, states): (u32, f64), passes: f64| {
            let size = 2f64.powi(k as i32);
            let amplitude = if k < FAR { RATES.amplitude } else { RATES.far_amplitude };
            let grouped = states * (RATES.group + words * RATES.mask + size * amplitude);
            let lanes = words * (RATES.lane_word + 64.0 * size * RATES.lane);
            passes * if states > 1.0 && k <= 16 { grouped.min(lanes) } else { grouped }
        };
        match *instr {
            Instr::Parity { from, .. } => total += words * RATES.word * (1 + from.len) as f64,
            Instr::Coin { .. } => total += words * RATES.word * 2.0,
            Instr::Noise { .. } => total += words * RATES.word * 8.0,
            Instr::Junction { from, .. } => total += words * RATES.word * from.len as f64,
            Instr::Lookup { from, .. } => total += words * RATES.word * (1u64 << from.len.min(6)) as f64,
            Instr::Open { part, under, .. } => {
                parts[part as usize] = (1, if under == crate::circuit::NONE { 1.0 } else { most.min(2.0) });
            }
            Instr::Join { part, other } => {
                let (a, b) = (parts[part as usize], parts[other as usize]);
                let joined = (a.0 + b.0, (a.1 * b.1).min(most));
                total += price(joined, 1.0);
                parts[part as usize] = joined;
            }
            Instr::Turn { part, sign, under, .. } => {
                let known = &mut parts[part as usize];
                if sign != crate::circuit::NONE || under != crate::circuit::NONE {
                    known.1 = (known.1 * 2.0).min(most);
                }
                total += price(*known, 1.0);
            }
            Instr::Swap { part, .. } => total += price(parts[part as usize], 1.0),
            Instr::Read { part, .. } => {
                let known = &mut parts[part as usize];
                total += price(*known, READ) + shots as f64 * 3e-9;
                *known = (known.0.saturating_sub(1), (known.1 * 2.0).min(most));
            }
            Instr::Look { part, .. } => {
                let known = &mut parts[part as usize];
                total += price(*known, READ) + shots as f64 * 3e-9;
                known.1 = (known.1 * 2.0).min(most);
            }
            Instr::Draw { part, .. } => total += price(parts[part as usize], 1.0) + shots as f64 * DRAW_S,
            Instr::Close { .. } => {}
        }
        if let (Some(part), Some(&seen)) = (instr.part(), seen) {
            parts[part as usize].1 = parts[part as usize].1.min(grown(seen, most));
        }
    }
    total
}
