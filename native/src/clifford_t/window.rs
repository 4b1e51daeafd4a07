//! Parts of a circuit on few wires, written anew where that takes fewer gates on two wires.
//!
//! A window is a run of gates on some wires, from which everything between on other wires can be moved to before or
//! after it. Windows go over the circuit from its start, narrow ones first and last the whole circuit, as far as it is
//! unitary.

use super::gadgets::Gadgets;
use super::groups::with_fewer;
use super::network::{written, Weights};
use super::word::WIRES;
use crate::circuit::{Circuit, Kind, Op, NONE};

/// Most wires of a circuit that is written anew as a whole, and wires of its parts if it has more: the time goes with the
/// third power of them.
const WHOLE: usize = 48;
const PART: usize = 12;

/// Operations that a window is looked for in, for each of its wires.
const SPAN: usize = 60;

/// What later rotations and rows of the Clifford operation count, tried in turn.
const WEIGHTS: [Weights; 4] = [
    Weights { decay: 0.7, rows: 0.0 },
    Weights { decay: 0.3, rows: 0.1 },
    Weights { decay: 0.9, rows: 0.03 },
    Weights { decay: 0.5, rows: 0.3 },
];

/// A window, as places of operations: those that go before it, its own, those that go after.
pub struct Window {
    pub wires: Vec<u32>,
    before: Vec<Op>,
    pub inside: Vec<Op>,
    after: Vec<Op>,
    end: usize,
}

/// Gates on two wires: a SWAP takes three.
pub fn cost(ops: &[Op]) -> usize {
    let one = |op: &Op| if op.kind == Kind::Swap { 3 } else { (op.kind.n_qubits() == 2) as usize };
    ops.iter().filter(|op| op.kind.is_gate()).map(one).sum()
}

/// What has to come after a window.
struct Later {
    wires: Vec<bool>,
    bits: Vec<bool>,
}

impl Later {
    fn has(&self, circuit: &Circuit, op: &Op) -> bool {
        let mut found = op.qubits().iter().any(|&q| self.wires[q as usize]);
        found |= op.cbit != NONE && self.bits[op.cbit as usize];
        circuit.cond_bits(op.cond, &mut |bit| found |= self.bits[bit as usize]);
        if op.kind == Kind::Logic {
            found |= circuit.tables[op.param as usize].inputs.iter().any(|&bit| self.bits[bit as usize]);
        }
        found
    }

    fn add(&mut self, op: &Op) {
        op.qubits().iter().for_each(|&q| self.wires[q as usize] = true);
        if op.cbit != NONE {
            self.bits[op.cbit as usize] = true;
        }
    }
}

/// The window of at most `width` wires that begins with operation `start`, a gate without a condition.
pub fn window(circuit: &Circuit, start: usize, width: usize) -> Window {
    let mut later =
        Later { wires: vec![false; circuit.n_qubits as usize], bits: vec![false; circuit.n_cbits as usize] };
    let mut found = Window { wires: Vec::new(), before: Vec::new(), inside: Vec::new(), after: Vec::new(), end: start };
    for op in circuit.ops[start..].iter().take(SPAN * width) {
        let is_late = later.has(circuit, op);
        let new = op.qubits().iter().filter(|q| !found.wires.contains(q)).count();
        let plain = op.cond == NONE && op.kind.is_gate();
        if plain && !is_late && found.wires.len() + new <= width {
            op.qubits().iter().for_each(|&q| {
                if !found.wires.contains(&q) {
                    found.wires.push(q);
                }
            });
            found.inside.push(*op);
        } else if is_late || new < op.qubits().len() || op.kind == Kind::Logic {
            later.add(op);
            found.after.push(*op);
        } else {
            found.before.push(*op);
        }
        found.end += 1;
        if found.wires.len() == width && found.wires.iter().all(|&q| later.wires[q as usize]) {
            break;
        }
    }
    found
}

impl Window {
    /// The gates with wires numbered from 0.
    fn ops(&self) -> Vec<Op> {
        let number = |q: u32| self.wires.iter().position(|&wire| wire == q).expect("a wire of the window") as u32;
        self.inside.iter().map(|op| renumbered(op, number)).collect()
    }

    pub fn gadgets(&self, circuit: &Circuit, tolerance: f64) -> Gadgets {
        Gadgets::of(self.wires.len(), circuit, &self.ops(), tolerance)
    }

    /// Puts gates on wires numbered from 0 in place of those inside, and gives the place of the first.
    pub fn replace(self, circuit: &mut Circuit, start: usize, made: &Circuit) -> usize {
        let shift = circuit.params.len() as u32;
        circuit.params.extend_from_slice(&made.params);
        let inside = made.ops.iter().map(|op| {
            let mut op = renumbered(op, |q| self.wires[q as usize]);
            if op.param != NONE {
                op.param += shift;
            }
            op
        });
        let first = start + self.before.len();
        let ops: Vec<Op> = self.before.into_iter().chain(inside).chain(self.after).collect();
        circuit.ops.splice(start..self.end, ops);
        first
    }
}

fn renumbered(op: &Op, number: impl Fn(u32) -> u32) -> Op {
    let mut op = *op;
    for slot in 0..op.kind.n_qubits() {
        op.q[slot] = number(op.q[slot]);
    }
    op
}

/// The gates in the opposite order, each its inverse.
fn inverse(circuit: &Circuit) -> Circuit {
    let mut out = Circuit { params: circuit.params.iter().map(|angle| -angle).collect(), ..circuit.clone() };
    out.ops = circuit.ops.iter().rev().map(|op| Op { kind: op.kind.inverse(), ..*op }).collect();
    out
}

/// The gates of a window with the fewest on two wires, None if they are as few already. `tries`: weights tried, each
/// forth and back.
fn shorter(window: &Window, circuit: &Circuit, tolerance: f64, tries: usize) -> Option<Circuit> {
    let own = Circuit {
        n_qubits: window.wires.len() as u32,
        ops: window.ops(),
        params: circuit.params.clone(),
        ..Circuit::default()
    };
    let mut most = cost(&own.ops);
    let mut best = None;
    for back in [false, true] {
        let source = if back { inverse(&own) } else { own.clone() };
        let gadgets = Gadgets::of(window.wires.len(), &source, &source.ops, tolerance);
        for weights in WEIGHTS.into_iter().take(tries) {
            let made = written(&gadgets, weights);
            if cost(&made.ops) < most {
                most = cost(&made.ops);
                best = Some(if back { inverse(&made) } else { made });
            }
        }
    }
    best
}

/// Vectors that the search for fewer T gates looks at, in a window.
const LOOKS: usize = 100_000;

/// The circuit (as `lower` leaves it) with fewer T gates among those of a part of it that commute.
pub fn with_fewer_t(circuit: &Circuit, tolerance: f64) -> Circuit {
    let mut made = circuit.clone();
    let mut at = 0;
    while at < made.ops.len() {
        let op = made.ops[at];
        if op.cond != NONE || !op.kind.is_gate() {
            at += 1;
            continue;
        }
        let found = window(&made, at, WIRES);
        let last = at + found.before.len() + found.inside.len();
        let Some(gadgets) = with_fewer(&found.gadgets(&made, tolerance), LOOKS) else {
            at = last;
            continue;
        };
        let all = WEIGHTS.map(|weights| written(&gadgets, weights));
        let best = all.into_iter().min_by_key(|made| cost(&made.ops)).expect("there are weights");
        at = found.replace(&mut made, at, &best) + best.ops.len();
    }
    made
}

/// The circuit (as `lower` leaves it) with as few gates on two wires as windows give. `effort`: 2, or 3 for more tries.
pub fn shortened(circuit: &Circuit, effort: u8, tolerance: f64) -> Circuit {
    let widths: &[usize] = if effort < 3 { &[3, 6, 0, 6, 4] } else { &[2, 3, 4, 6, 0, 6, 4, 10] };
    with_windows(circuit, widths, WEIGHTS.len(), tolerance)
}

/// Windows of these widths, 0 for all wires.
pub fn with_windows(circuit: &Circuit, widths: &[usize], tries: usize, tolerance: f64) -> Circuit {
    let mut made = circuit.clone();
    for &width in widths {
        let wide = if circuit.n_qubits as usize <= WHOLE { WHOLE } else { PART };
        let width = if width == 0 { wide } else { width };
        let mut at = 0;
        while at < made.ops.len() {
            let op = made.ops[at];
            if op.cond != NONE || !op.kind.is_gate() || op.kind.n_qubits() < 2 {
                at += 1;
                continue;
            }
            let found = window(&made, at, width);
            let all = found.inside.len();
            if cost(&found.inside) < 3 {
                at += 1;
            } else if let Some(shorter) = shorter(&found, &made, tolerance, tries) {
                at = found.replace(&mut made, at, &shorter);
            } else {
                at += if width > 8 { all.max(1) } else { 1 };
            }
        }
    }
    made
}
