//! Gate definitions compiled: their statements as callees, qubit numbers and short programs for the angles, so that a
//! call costs no walk over the tree. `define` makes them.

use crate::circuit::Kind;

use super::gates::shifted;
use super::library::Entry;
use super::reader::Reader;
use super::tree::{Binary, Body};
use super::unitary::{gate, Prim, Unitary};
use super::{limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

/// One step of computing an angle on a stack.
#[derive(Clone, Copy, Debug)]
pub enum Code {
    Param(u32),
    Number(f64),
    Operate(Binary),
    Negate,
    Call(fn(f64) -> f64),
}

#[derive(Clone, Copy, Debug)]
pub enum Callee {
    Kind(Kind),
    Entry(Entry),
    User(u32),
    Barrier,
}

/// A statement: its angles and qubits are ranges of `Template::args` and `Template::qubits`.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub callee: Callee,
    pub args: (u32, u32),
    pub qubits: (u32, u32),
}

#[derive(Debug, Default)]
pub struct Template {
    pub lines: Vec<Line>,
    /// Where the program of each angle ends in `code`; it begins where the one before ends.
    pub args: Vec<u32>,
    pub code: Vec<Code>,
    pub qubits: Vec<u32>,
}

/// Deepest stack of an angle's program.
pub const STACK: usize = 16;
/// Angles and qubits of a call that need no list of their own.
const FEW: usize = 8;

impl Template {
    fn program(&self, arg: u32) -> &[Code] {
        let start = arg.checked_sub(1).map_or(0, |before| self.args[before as usize]);
        &self.code[start as usize..self.args[arg as usize] as usize]
    }
}

impl Reader<'_> {
    /// A call of a definition, outside of any other.
    pub fn call_user(&mut self, number: u32, values: &[f64], handles: &[u32]) -> Result<()> {
        if let Body::Compiled(template) = &self.parser.tree.gates[number as usize].body {
            let template = template.clone();
            return self.play(&template, values, handles);
        }
        let unitary = self.expansion(number, values)?;
        self.apply(&unitary, handles)
    }

    /// Writes a compiled definition with these parameters on the qubits `handles`.
    fn play(&mut self, template: &Template, values: &[f64], handles: &[u32]) -> Result<()> {
        self.deeper()?;
        self.work(template.lines.len())?;
        let (mut few_args, mut few_qubits) = ([0.0; FEW], [0u32; FEW]);
        let (mut many_args, mut many_qubits) = (Vec::new(), Vec::new());
        for line in &template.lines {
            let args = few_or_many(&mut few_args, &mut many_args, (line.args.1 - line.args.0) as usize);
            for (slot, arg) in args.iter_mut().zip(line.args.0..) {
                *slot = self.angle(template.program(arg), values)?;
            }
            let wanted = &template.qubits[line.qubits.0 as usize..line.qubits.1 as usize];
            let qubits = few_or_many(&mut few_qubits, &mut many_qubits, wanted.len());
            qubits.iter_mut().zip(wanted).for_each(|(slot, &k)| *slot = handles[k as usize]);
            match line.callee {
                Callee::Kind(kind) => self.builder.writer.gate(kind, qubits, args)?,
                Callee::Entry(entry) => self.apply(&entry.make(args), qubits)?,
                Callee::Barrier => self.builder.writer.node()?,
                Callee::User(number) => self.call_user(number, args, qubits)?,
            }
        }
        self.back();
        Ok(())
    }

    /// A compiled definition as a list of operations, for what changes or controls it.
    pub fn instance(&mut self, template: &Template, values: &[f64]) -> Result<Unitary> {
        self.deeper()?;
        self.work(template.lines.len())?;
        let mut out = Unitary::default();
        for line in &template.lines {
            let mut args = Vec::new();
            for arg in line.args.0..line.args.1 {
                args.push(self.angle(template.program(arg), values)?);
            }
            let qubits = &template.qubits[line.qubits.0 as usize..line.qubits.1 as usize];
            let own = match line.callee {
                Callee::Kind(kind) => {
                    out.prims.push(gate(kind, qubits, &args));
                    continue;
                }
                Callee::Barrier => {
                    out.prims.push(Prim::Barrier);
                    continue;
                }
                Callee::Entry(entry) => entry.make(&args).into(),
                Callee::User(number) => self.expansion(number, &args)?,
            };
            self.work(own.weight())?;
            if out.prims.len() + own.prims.len() > limits::EXPANSION_NODES {
                return self.fail("the program expands to too many operations");
            }
            out.phase += own.phase;
            out.prims.extend(own.prims.iter().map(|prim| shifted(prim, qubits)));
        }
        self.back();
        Ok(out)
    }

    #[inline]
    pub fn angle(&self, code: &[Code], values: &[f64]) -> Result<f64> {
        match *code {
            [Code::Number(number)] => return Ok(number),
            [Code::Param(k)] => return Ok(values[k as usize]),
            _ => {}
        }
        let (mut stack, mut top) = ([0.0; STACK], 0);
        for step in code {
            match *step {
                Code::Param(k) => (stack[top], top) = (values[k as usize], top + 1),
                Code::Number(number) => (stack[top], top) = (number, top + 1),
                Code::Negate => stack[top - 1] = -stack[top - 1],
                Code::Call(function) => stack[top - 1] = self.finite(function(stack[top - 1]))?,
                Code::Operate(op) => {
                    top -= 1;
                    stack[top - 1] = self.real_operation(op, stack[top - 1], stack[top])?;
                }
            }
        }
        Ok(stack[0])
    }
}

fn few_or_many<'s, T: Clone + Default>(few: &'s mut [T; FEW], many: &'s mut Vec<T>, count: usize) -> &'s mut [T] {
    if count <= FEW {
        return &mut few[..count];
    }
    many.clear();
    many.resize(count, T::default());
    &mut many[..]
}

/// A function of one real, by its name.
pub fn function(name: &[u8], two: bool) -> Option<fn(f64) -> f64> {
    Some(match (name, two) {
        (b"sin", _) => f64::sin,
        (b"cos", _) => f64::cos,
        (b"tan", _) => f64::tan,
        (b"exp", _) => f64::exp,
        (b"sqrt", _) => f64::sqrt,
        (b"ln", true) | (b"log", false) => f64::ln,
        (b"asin", true) | (b"arcsin", false) => f64::asin,
        (b"acos", true) | (b"arccos", false) => f64::acos,
        (b"atan", true) | (b"arctan", false) => f64::atan,
        _ => return None,
    })
}
