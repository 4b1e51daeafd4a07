//! Parts of a circuit that nothing connects, no gate and no classical bit.
//!
//! A qubit that is reset is another one from then on, so qubits that serve twice connect nothing.

use crate::circuit::{Circuit, Cond, Kind, Op, NONE};

/// Disjoint sets with path halving.
pub struct Sets(Vec<u32>);

impl Sets {
    pub fn new(n: usize) -> Sets {
        Sets((0..n as u32).collect())
    }

    pub fn find(&mut self, mut x: u32) -> u32 {
        while self.0[x as usize] != x {
            let up = self.0[self.0[x as usize] as usize];
            self.0[x as usize] = up;
            x = up;
        }
        x
    }

    pub fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        let (low, high) = (a.min(b), a.max(b));
        self.0[high as usize] = low;
    }
}

/// Joins what instructions connect. Elements: qubits, then cbits, then conditions, then tables.
fn connect(circuit: &Circuit) -> (Sets, [u32; 3]) {
    let cbits = circuit.n_qubits;
    let conds = cbits + circuit.n_cbits;
    let tables = conds + circuit.conds.len() as u32;
    let mut sets = Sets::new(tables as usize + circuit.tables.len());
    for (at, cond) in circuit.conds.iter().enumerate() {
        let me = conds + at as u32;
        match cond {
            Cond::Bit(c) => sets.join(me, cbits + c),
            Cond::Not(a) => sets.join(me, conds + a),
            Cond::And(all) | Cond::Or(all) | Cond::Xor(all) => all.iter().for_each(|a| sets.join(me, conds + a)),
        }
    }
    for (at, table) in circuit.tables.iter().enumerate() {
        table.inputs.iter().for_each(|c| sets.join(tables + at as u32, cbits + c));
    }
    for op in &circuit.ops {
        let mut first = NONE;
        let mut see = |x: u32| {
            if first == NONE {
                first = x;
            } else {
                sets.join(first, x);
            }
        };
        op.qubits().iter().for_each(|&q| see(q));
        if op.cbit != NONE {
            see(cbits + op.cbit);
        }
        if op.cond != NONE {
            see(conds + op.cond);
        }
        if op.kind == Kind::Logic && !circuit.tables[op.param as usize].inputs.is_empty() {
            see(tables + op.param);
        }
    }
    (sets, [cbits, conds, tables])
}

/// The set that an instruction belongs to.
fn home(sets: &mut Sets, bases: &[u32; 3], op: &Op) -> u32 {
    let any = match op.qubits().first() {
        Some(&q) => q,
        None => bases[0] + op.cbit,
    };
    sets.find(any)
}

/// The circuit with a wire for each life of a qubit, from reset to reset.
fn lives(circuit: &Circuit) -> Circuit {
    let mut made = circuit.clone();
    let mut at: Vec<u32> = (0..circuit.n_qubits).collect();
    made.ops.retain_mut(|op| {
        if op.kind == Kind::Reset && op.cond == NONE {
            at[op.q[0] as usize] = made.n_qubits;
            made.n_qubits += 1;
            return false;
        }
        op.q = op.q.map(|q| if q == NONE { NONE } else { at[q as usize] });
        true
    });
    made
}

/// How many parts have a qubit with an instruction.
pub fn count(circuit: &Circuit) -> usize {
    let circuit = &lives(circuit);
    let (mut sets, bases) = connect(circuit);
    let mut seen = vec![false; circuit.n_qubits as usize + circuit.n_cbits as usize];
    let mut parts = 0;
    for op in circuit.ops.iter().filter(|op| !op.qubits().is_empty()) {
        let home = home(&mut sets, &bases, op) as usize;
        parts += !std::mem::replace(&mut seen[home], true) as usize;
    }
    parts
}
