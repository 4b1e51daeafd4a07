//! A circuit as steps of a branch: runs of gates on positions of the state, and what measures, flips or computes.
//!
//! A qubit is in the state only while it must be: before its first branching gate and after its measurement it is a
//! classical bit, known now (`Known`) or in each branch (`Held`). A measurement that nothing later looks at and whose
//! qubit rests afterwards is left to the final read-out, where it costs no branch.

use super::fuse::{self, Gate, Item, Term};
use super::lanes::Real;
use super::matrix::{self, of_gate};
use super::passes::{passes, Pass};
use crate::circuit::{Circuit, Kind, Op, NONE};

/// What a branch does next.
pub enum Step<R: Real> {
    /// Gates, where `cond` holds; afterwards the state has `width` qubits.
    Gates {
        cond: u32,
        width: u32,
        passes: Vec<Pass<R>>,
    },
    /// Phases at the end of the program, which only its state shows.
    Tail {
        passes: Vec<Pass<R>>,
    },
    /// A held qubit enters the state, at position `at`, its new top.
    Enter {
        qubit: u32,
        at: u32,
    },
    /// Measures the bit at `at`. Unconditional: the qubit leaves the state and holds the outcome.
    Observe {
        at: u32,
        qubit: u32,
        cbit: u32,
        cond: u32,
        reset: bool,
    },
    /// A held qubit is measured.
    Read {
        qubit: u32,
        cbit: u32,
        cond: u32,
    },
    /// A held qubit is flipped, or set to a value.
    Flip {
        qubit: u32,
        cond: u32,
    },
    Set {
        qubit: u32,
        value: bool,
        cond: u32,
    },
    /// Pauli noise on the bits at `at`, or (NONE) on held qubits, of one qubit or two; chances of all but the identity.
    Noise {
        at: [u32; 2],
        qubits: [u32; 2],
        chances: Box<[f64]>,
    },
    Logic {
        op: u32,
    },
}

/// How the final read-out finds a cbit.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    At(u32),
    Held(u32),
    Known(bool),
}

pub struct Program<R: Real> {
    pub steps: Vec<Step<R>>,
    /// Most qubits in the state at a time.
    pub peak: u32,
    pub real: bool,
    /// Steps that may split a branch.
    pub splits: usize,
    pub reads: Vec<(u32, Source)>,
    /// Logic that only the read-out looks at, in order.
    pub late: Vec<u32>,
    /// Where each qubit is at the end.
    pub places: Vec<Source>,
    /// Phase of the whole state.
    pub phase: f64,
    /// Amplitude passes: the sum over steps of work, in cycles.
    pub work: f64,
}

/// Which ops are left to the end.
pub struct Deferral {
    /// By op: a measurement or logic for the read-out.
    pub late: Vec<bool>,
}

impl Deferral {
    /// Of all ops that can be; `eager`: only measurements after the last gate.
    pub fn of(circuit: &Circuit, eager: bool) -> Deferral {
        let n = circuit.ops.len();
        let mut late = vec![false; n];
        let mut early_logic = vec![false; n];
        let mut written = vec![false; circuit.n_cbits as usize];
        for (at, op) in circuit.ops.iter().enumerate() {
            if op.kind == Kind::Logic {
                let inputs = &circuit.tables[op.param as usize].inputs;
                early_logic[at] = inputs.iter().any(|&c| !written[c as usize]);
                circuit.cond_bits(op.cond, &mut |c| early_logic[at] |= !written[c as usize]);
            }
            if op.cbit != NONE {
                written[op.cbit as usize] = true;
            }
        }
        let mut needed = vec![false; circuit.n_cbits as usize];
        let mut touched = vec![false; circuit.n_qubits as usize];
        let mut gates_follow = false;
        for (at, op) in circuit.ops.iter().enumerate().rev() {
            match op.kind {
                Kind::Logic => {
                    late[at] = !early_logic[at] && !needed[op.cbit as usize];
                    if !late[at] {
                        circuit.tables[op.param as usize].inputs.iter().for_each(|&c| needed[c as usize] = true);
                        circuit.cond_bits(op.cond, &mut |c| needed[c as usize] = true);
                    }
                    continue;
                }
                Kind::Measure => {
                    let q = op.q[0] as usize;
                    let read = op.cbit != NONE && needed[op.cbit as usize];
                    let waits = touched[q] || read || (eager && gates_follow);
                    late[at] = op.cond == NONE && !waits;
                }
                _ => gates_follow = true,
            }
            op.qubits().iter().for_each(|&q| touched[q as usize] = true);
            circuit.cond_bits(op.cond, &mut |c| needed[c as usize] = true);
        }
        // A cbit that logic reads before its measurement reads 0 there: such measurements stay where they are.
        let mut seen = vec![false; circuit.n_cbits as usize];
        for (at, op) in circuit.ops.iter().enumerate() {
            if op.kind == Kind::Logic {
                circuit.tables[op.param as usize].inputs.iter().for_each(|&c| seen[c as usize] = true);
                circuit.cond_bits(op.cond, &mut |c| seen[c as usize] = true);
            } else if op.kind == Kind::Measure && op.cbit != NONE && seen[op.cbit as usize] {
                late[at] = false;
            }
        }
        Deferral { late }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Where {
    Known(bool),
    Held,
    At(u32),
}

struct Compiler<'a, R: Real> {
    circuit: &'a Circuit,
    place: Vec<Where>,
    width: u32,
    pending: Vec<Gate>,
    pending_cond: u32,
    /// Width of the state after the steps so far.
    state_width: u32,
    out: Program<R>,
}

/// `None`: the state would need more than 62 qubits.
pub fn compile<R: Real>(circuit: &Circuit, deferral: &Deferral) -> Option<Program<R>> {
    let real = circuit.ops.iter().all(|op| is_real(circuit, op));
    let out = Program {
        steps: vec![],
        peak: 0,
        real,
        splits: 0,
        reads: vec![],
        late: vec![],
        places: vec![],
        phase: 0.0,
        work: 0.0,
    };
    let mut c = Compiler {
        circuit,
        place: vec![Where::Known(false); circuit.n_qubits as usize],
        width: 0,
        pending: vec![],
        pending_cond: NONE,
        state_width: 0,
        out,
    };
    for (at, op) in circuit.ops.iter().enumerate() {
        if deferral.late[at] {
            match op.kind {
                Kind::Logic => c.out.late.push(at as u32),
                _ if op.cbit == NONE => {}
                _ => c.out.reads.push((op.cbit, Source::Held(op.q[0]))),
            }
        } else {
            c.op(at as u32, op);
        }
        if c.width > 62 {
            return None;
        }
    }
    c.finish();
    let source = |q: u32| match c.place[q as usize] {
        Where::Known(value) => Source::Known(value),
        Where::Held => Source::Held(q),
        Where::At(p) => Source::At(p),
    };
    for (_, read) in &mut c.out.reads {
        if let Source::Held(q) = *read {
            *read = source(q);
        }
    }
    c.out.places = (0..circuit.n_qubits).map(source).collect();
    Some(c.out)
}

/// Whether the op keeps real amplitudes real.
fn is_real(circuit: &Circuit, op: &Op) -> bool {
    matrix::is_real(op.kind, circuit.angles(op))
}

impl<R: Real> Compiler<'_, R> {
    fn op(&mut self, at: u32, op: &Op) {
        match op.kind {
            Kind::Logic => {
                self.flush();
                self.out.steps.push(Step::Logic { op: at });
            }
            Kind::Measure | Kind::Reset => self.observe(op),
            Kind::Noise | Kind::Noise2 => self.noise(op),
            _ => self.gate(op.kind, &op.q, self.circuit.angles(op), op.cond),
        }
    }

    fn observe(&mut self, op: &Op) {
        let q = op.q[0];
        let reset = op.kind == Kind::Reset;
        self.flush();
        match self.place[q as usize] {
            Where::Known(value) if reset && op.cond == NONE => self.place[q as usize] = Where::Known(value && !reset),
            Where::Known(value) => {
                self.out.steps.push(Step::Set { qubit: q, value, cond: NONE });
                self.place[q as usize] = Where::Held;
                self.held(op, q, reset);
            }
            Where::Held => self.held(op, q, reset),
            Where::At(at) => {
                self.out.splits += 1;
                self.out.steps.push(Step::Observe { at, qubit: q, cbit: op.cbit, cond: op.cond, reset });
                if op.cond == NONE {
                    self.leave(at);
                    self.place[q as usize] = if reset { Where::Known(false) } else { Where::Held };
                }
            }
        }
        if reset && op.cond == NONE {
            self.place[q as usize] = Where::Known(false);
        }
    }

    fn held(&mut self, op: &Op, qubit: u32, reset: bool) {
        self.out.steps.push(if reset {
            Step::Set { qubit, value: false, cond: op.cond }
        } else {
            Step::Read { qubit, cbit: op.cbit, cond: op.cond }
        });
    }

    fn leave(&mut self, at: u32) {
        for place in &mut self.place {
            if let Where::At(p) = place {
                *p -= (*p > at) as u32;
            }
        }
        self.width -= 1;
        self.state_width = self.width;
    }

    fn noise(&mut self, op: &Op) {
        self.flush();
        let (mut at, mut qubits) = ([NONE; 2], [NONE; 2]);
        for (slot, &q) in op.qubits().iter().enumerate() {
            qubits[slot] = q;
            match self.place[q as usize] {
                Where::At(place) => at[slot] = place,
                Where::Held => {}
                Where::Known(value) => {
                    self.out.steps.push(Step::Set { qubit: q, value, cond: NONE });
                    self.place[q as usize] = Where::Held;
                }
            }
        }
        self.out.splits += 1;
        self.out.steps.push(Step::Noise { at, qubits, chances: self.circuit.angles(op).into() });
    }

    fn gate(&mut self, kind: Kind, q: &[u32; 3], angles: &[f64], cond: u32) {
        if kind == Kind::Id || self.classically(kind, q, angles, cond) {
            return;
        }
        if cond != self.pending_cond {
            self.flush();
        }
        self.pending_cond = cond;
        let k = kind.n_qubits();
        let mut on = [fuse::NONE; 3];
        for (b, &qubit) in q[..k].iter().rev().enumerate() {
            on[b] = self.enter(qubit, cond);
        }
        self.pending_cond = cond; // a qubit that enters may have flushed the gates before, and their condition
        let mut three = [0.0; 3];
        three[..angles.len()].copy_from_slice(angles);
        self.pending.push(Gate { kind, angles: three, on });
    }

    /// Does what can be done without the state.
    fn classically(&mut self, kind: Kind, q: &[u32; 3], angles: &[f64], cond: u32) -> bool {
        use Kind::*;
        let known = |c: &Self, k: usize| match c.place[q[k] as usize] {
            Where::Known(value) => Some(value),
            _ => None,
        };
        if kind == X && self.place[q[0] as usize] == Where::Held
            || kind == X && cond != NONE && known(self, 0).is_some()
        {
            self.flush();
            if let Some(value) = known(self, 0) {
                self.out.steps.push(Step::Set { qubit: q[0], value, cond: NONE });
                self.place[q[0] as usize] = Where::Held;
            }
            self.out.steps.push(Step::Flip { qubit: q[0], cond });
            return true;
        }
        if cond != NONE {
            return false;
        }
        if kind == Swap {
            self.place.swap(q[0] as usize, q[1] as usize);
            return self.swapped(q[0], q[1]);
        }
        let phase = |c: &mut Self, x: usize| {
            let z = of_gate(kind, angles).at(x, x);
            c.out.phase += z.im.atan2(z.re);
            true
        };
        let inner = match kind {
            X => match known(self, 0) {
                Some(value) => {
                    self.place[q[0] as usize] = Where::Known(!value);
                    return true;
                }
                None => return false,
            },
            Z | S | Sdg | T | Tdg | Rz | P => return known(self, 0).is_some_and(|value| phase(self, value as usize)),
            Rzz => {
                return match (known(self, 0), known(self, 1)) {
                    (Some(a), Some(b)) => phase(self, (a as usize) << 1 | b as usize),
                    _ => false,
                }
            }
            Cnot => X,
            Cy => Y,
            Cz => Z,
            Ch => H,
            Cp => P,
            Crx => Rx,
            Cry => Ry,
            Crz => Rz,
            Toffoli => Cnot,
            Ccz => Cz,
            Cswap => Swap,
            _ => return false,
        };
        let symmetric = if matches!(kind, Cz | Cp | Toffoli) {
            2
        } else if kind == Ccz {
            3
        } else {
            1
        };
        for k in 0..symmetric {
            if let Some(value) = known(self, k) {
                let mut others = [NONE; 3];
                for (slot, &x) in others.iter_mut().zip(q[..kind.n_qubits()].iter().filter(|&&x| x != q[k])) {
                    *slot = x;
                }
                if value {
                    self.gate(inner, &others, angles, cond);
                }
                return true;
            }
        }
        false
    }

    /// After the places of two qubits were exchanged: a held one must hold its own bit.
    fn swapped(&mut self, a: u32, b: u32) -> bool {
        let held = |c: &Self, q: u32| c.place[q as usize] == Where::Held;
        if !held(self, a) && !held(self, b) {
            return true;
        }
        self.place.swap(a as usize, b as usize);
        false
    }

    /// The position of `qubit`, which enters the state if it must.
    fn enter(&mut self, qubit: u32, cond: u32) -> u32 {
        let flip = match self.place[qubit as usize] {
            Where::At(at) => return at,
            Where::Held => {
                self.flush();
                self.out.steps.push(Step::Enter { qubit, at: self.width });
                self.state_width = self.width + 1;
                false
            }
            Where::Known(value) => value,
        };
        let at = self.width;
        self.width += 1;
        self.out.peak = self.out.peak.max(self.width);
        self.place[qubit as usize] = Where::At(at);
        if flip {
            let x = Gate { kind: Kind::X, angles: [0.0; 3], on: [at, fuse::NONE, fuse::NONE] };
            if cond == NONE {
                self.pending.push(x);
            } else {
                let kept = std::mem::take(&mut self.pending);
                let kept_cond = std::mem::replace(&mut self.pending_cond, NONE);
                self.pending = vec![x];
                self.flush();
                self.pending = kept;
                self.pending_cond = kept_cond;
            }
        }
        at
    }

    /// Turns the pending gates into a step.
    fn flush(&mut self) {
        let tail = self.gates();
        if !tail.is_empty() {
            let passes = passes(vec![Item::Phases(tail)], self.width, !self.out.real);
            match self.out.steps.last_mut() {
                Some(Step::Gates { passes: before, .. }) => before.extend(passes),
                _ => unreachable!("a tail follows its gates"),
            }
        }
    }

    /// The last pending gates: what only changes phases is set apart.
    fn finish(&mut self) {
        let tail = self.gates();
        if !tail.is_empty() {
            let passes = passes(vec![Item::Phases(tail)], self.width, !self.out.real);
            self.out.steps.push(Step::Tail { passes });
        }
    }

    /// A step of the pending gates, without the phases at their end.
    fn gates(&mut self) -> Vec<Term> {
        if self.pending.is_empty() {
            return vec![];
        }
        let fused = fuse::fuse(&self.pending, self.out.real, self.width);
        self.pending.clear();
        if self.pending_cond == NONE {
            self.out.phase += fused.phase;
        }
        let passes: Vec<Pass<R>> = passes(fused.items, self.state_width, !self.out.real);
        self.out.work += passes.iter().map(|pass| pass.cycles).sum::<f64>();
        self.out.steps.push(Step::Gates { cond: self.pending_cond, width: self.width, passes });
        self.state_width = self.width;
        self.pending_cond = NONE;
        fused.tail
    }
}
