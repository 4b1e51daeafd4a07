//! Parts of a circuit that nothing connects, no gate and no classical bit: each can be sampled alone.
//!
//! A qubit that is reset is another one from then on, so qubits that serve twice connect nothing.

use super::slots::{self, Trace};
use crate::circuit::{Circuit, Cond, Kind, Op, Register, Table, NONE};

/// One part: a circuit of its own, and for each of its cbits the cbit of the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub circuit: Circuit,
    pub cbits: Vec<u32>,
}

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

/// The parts, each with its own numbers for qubits and cbits; registers show the cbits of the part, else a constant 0.
/// Every cbit that an instruction writes is in exactly one part.
pub fn split(circuit: &Circuit) -> Vec<Part> {
    let circuit = &lives(circuit);
    let (mut sets, bases) = connect(circuit);
    let n = circuit.n_qubits as usize + circuit.n_cbits as usize;
    let mut part_of_home = vec![NONE; n];
    let mut members: Vec<Vec<u32>> = Vec::new();
    for (at, op) in circuit.ops.iter().enumerate() {
        let home = home(&mut sets, &bases, op) as usize;
        if part_of_home[home] == NONE {
            part_of_home[home] = members.len() as u32;
            members.push(Vec::new());
        }
        members[part_of_home[home] as usize].push(at as u32);
    }
    let mut numbers = Numbers::new(circuit);
    members.iter().map(|ops| part(circuit, ops, &mut numbers)).collect()
}

/// New numbers of one part at a time; what a part used is forgotten after it.
struct Numbers {
    qubit: Vec<u32>,
    cbit: Vec<u32>,
    cond: Vec<u32>,
    table: Vec<u32>,
    touched: Vec<(u8, u32)>,
}

impl Numbers {
    fn new(circuit: &Circuit) -> Numbers {
        Numbers {
            qubit: vec![NONE; circuit.n_qubits as usize],
            cbit: vec![NONE; circuit.n_cbits as usize],
            cond: vec![NONE; circuit.conds.len()],
            table: vec![NONE; circuit.tables.len()],
            touched: Vec::new(),
        }
    }

    fn forget(&mut self) {
        for (which, at) in self.touched.drain(..) {
            let list = match which {
                0 => &mut self.qubit,
                1 => &mut self.cbit,
                2 => &mut self.cond,
                _ => &mut self.table,
            };
            list[at as usize] = NONE;
        }
    }

    fn of_qubit(&mut self, part: &mut Part, qubit: u32) -> u32 {
        if self.qubit[qubit as usize] == NONE {
            self.qubit[qubit as usize] = part.circuit.n_qubits;
            part.circuit.n_qubits += 1;
            self.touched.push((0, qubit));
        }
        self.qubit[qubit as usize]
    }

    fn of_cbit(&mut self, part: &mut Part, cbit: u32) -> u32 {
        if self.cbit[cbit as usize] == NONE {
            self.cbit[cbit as usize] = part.cbits.len() as u32;
            part.cbits.push(cbit);
            self.touched.push((1, cbit));
        }
        self.cbit[cbit as usize]
    }

    fn of_cond(&mut self, circuit: &Circuit, part: &mut Part, cond: u32) -> u32 {
        if self.cond[cond as usize] != NONE {
            return self.cond[cond as usize];
        }
        let mut all = |me: &mut Numbers, parts: &[u32]| parts.iter().map(|&a| me.of_cond(circuit, part, a)).collect();
        let made = match &circuit.conds[cond as usize] {
            Cond::And(parts) => Cond::And(all(self, parts)),
            Cond::Or(parts) => Cond::Or(all(self, parts)),
            Cond::Xor(parts) => Cond::Xor(all(self, parts)),
            Cond::Not(a) => Cond::Not(self.of_cond(circuit, part, *a)),
            Cond::Bit(c) => Cond::Bit(self.of_cbit(part, *c)),
        };
        self.cond[cond as usize] = part.circuit.push_cond(made);
        self.touched.push((2, cond));
        self.cond[cond as usize]
    }

    fn of_table(&mut self, circuit: &Circuit, part: &mut Part, table: u32) -> u32 {
        if self.table[table as usize] == NONE {
            let Table { inputs, bits } = &circuit.tables[table as usize];
            let inputs = inputs.iter().map(|&c| self.of_cbit(part, c)).collect();
            self.table[table as usize] = part.circuit.tables.len() as u32;
            part.circuit.tables.push(Table { inputs, bits: bits.clone() });
            self.touched.push((3, table));
        }
        self.table[table as usize]
    }
}

fn part(circuit: &Circuit, ops: &[u32], numbers: &mut Numbers) -> Part {
    let mut part = Part { circuit: Circuit::default(), cbits: Vec::new() };
    for &at in ops {
        let old = &circuit.ops[at as usize];
        let mut op = *old;
        for (slot, &q) in old.qubits().iter().enumerate() {
            op.q[slot] = numbers.of_qubit(&mut part, q);
        }
        if op.cond != NONE {
            op.cond = numbers.of_cond(circuit, &mut part, op.cond);
        }
        if op.cbit != NONE {
            op.cbit = numbers.of_cbit(&mut part, op.cbit);
        }
        if op.kind == Kind::Logic {
            op.param = numbers.of_table(circuit, &mut part, op.param);
        } else if op.kind.n_params() > 0 {
            op.param = part.circuit.params.len() as u32;
            part.circuit.params.extend_from_slice(circuit.angles(old));
        }
        part.circuit.ops.push(op);
    }
    part.circuit.n_cbits = part.cbits.len() as u32;
    let shown = |&c: &u32| if c == NONE { NONE } else { numbers.cbit[c as usize] };
    part.circuit.registers = circuit
        .registers
        .iter()
        .map(|r| Register { name: r.name.clone(), cbits: r.cbits.iter().map(shown).collect(), ..r.clone() })
        .collect();
    numbers.forget();
    let origin: Vec<u32> = (0..part.circuit.n_qubits).collect();
    let n = part.circuit.n_qubits;
    slots::assign(&mut part.circuit, &origin, n, Trace::Reuse);
    part
}
