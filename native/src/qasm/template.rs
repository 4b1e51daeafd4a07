//! Gate definitions with parameters, compiled: their statements as callees, qubit numbers and short programs for the
//! angles, so that a call costs no walk over the tree. A body with anything else in it is expanded by `gates`.

use std::rc::Rc;

use crate::circuit::Kind;

use super::library::{Entry, Standard};
use super::names::Sym;
use super::reader::{Gate, Reader, Slot};
use super::tree::{Binary, Expr, ExprId, Stmt, Unary};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// One step of computing an angle on a stack.
#[derive(Clone, Copy)]
enum Code {
    Param(usize),
    Number(f64),
    Operate(Binary),
    Negate,
    Call(fn(f64) -> f64),
}

#[derive(Clone, Copy)]
enum Callee {
    Kind(Kind),
    Entry(Entry),
    User(u32),
    Barrier,
}

struct Line {
    callee: Callee,
    args: Vec<Vec<Code>>,
    qubits: Vec<usize>,
}

pub struct Template(Vec<Line>);

/// Deepest stack of an angle's program.
const STACK: usize = 16;

impl Reader<'_> {
    /// Definition `number` compiled, once; None when its body holds more than plain calls.
    pub fn template(&mut self, number: u32) -> Result<Option<Rc<Template>>> {
        if let Some(found) = self.templates.get(&number) {
            return Ok(found.clone());
        }
        let before = self.open_frame()?;
        let found = self.compile(number).map(Rc::new);
        self.close_frame(before);
        self.templates.insert(number, found.clone());
        Ok(found)
    }

    fn compile(&mut self, number: u32) -> Option<Template> {
        let definition = &self.parser.tree.gates[number as usize];
        let (body, params, qubits) = (definition.body?, definition.params.clone(), definition.qubits.clone());
        let mut lines = Vec::with_capacity(body.len as usize);
        for k in 0..body.len {
            let id = self.parser.tree.item(body, k);
            let (name, args, operands) = match self.parser.tree.stmts[id as usize].0 {
                Stmt::Gate { name, modifiers, args, operands } if modifiers.len == 0 => (name, args, operands),
                Stmt::Barrier(_) => {
                    lines.push(Line { callee: Callee::Barrier, args: vec![], qubits: vec![] });
                    continue;
                }
                _ => return None,
            };
            let (callee, sizes) = match self.gate_named(name) {
                Gate::Standard(entry) | Gate::Known(entry) => {
                    let sizes = (entry.params as usize, entry.qubits as usize);
                    match entry.standard {
                        Standard::Direct(kind) => (Callee::Kind(kind), sizes),
                        _ => (Callee::Entry(entry), sizes),
                    }
                }
                Gate::User(number) => {
                    let definition = &self.parser.tree.gates[number as usize];
                    (Callee::User(number), (definition.params.len(), definition.qubits.len()))
                }
                _ => return None,
            };
            if sizes != (args.len as usize, operands.len as usize) {
                return None; // the name meant another gate where the definition stands
            }
            let mut line = Line { callee, args: vec![], qubits: vec![] };
            for k in 0..args.len {
                let mut code = Vec::new();
                self.compile_angle(self.parser.tree.item(args, k), &params, &mut code)?;
                line.args.push(code);
            }
            for k in 0..operands.len {
                let name = self.plain_name(self.parser.tree.item(operands, k))?;
                let qubit = qubits.iter().position(|&qubit| qubit == name)?;
                if line.qubits.contains(&qubit) {
                    return None;
                }
                line.qubits.push(qubit);
            }
            lines.push(line);
        }
        Some(Template(lines))
    }

    fn compile_angle(&mut self, id: ExprId, params: &[Sym], code: &mut Vec<Code>) -> Option<()> {
        if !self.names_a_param(id, params, 0)? {
            let number = self.real(id).ok()?;
            code.push(Code::Number(number));
            return Some(());
        }
        match self.parser.tree.expr(id) {
            Expr::Name(name) => code.push(Code::Param(params.iter().position(|&param| param == name)?)),
            Expr::Unary(Unary::Negate, operand) => {
                self.compile_angle(operand, params, code)?;
                code.push(Code::Negate);
            }
            Expr::Binary(op, left, right) if is_arithmetic(op) => {
                self.compile_angle(left, params, code)?;
                self.compile_angle(right, params, code)?;
                code.push(Code::Operate(op));
            }
            Expr::Call(name, args) if args.len == 1 && !matches!(self.find(name), Ok(Slot::Def(_))) => {
                let function = function(self.parser.names.text(name), self.parser.two)?;
                self.compile_angle(self.parser.tree.item(args, 0), params, code)?;
                code.push(Code::Call(function));
            }
            _ => return None,
        }
        (depth_of(code) <= STACK).then_some(())
    }

    /// Whether an expression names a parameter; None for one of a kind that is not compiled, or of great depth.
    fn names_a_param(&self, id: ExprId, params: &[Sym], depth: usize) -> Option<bool> {
        if depth > 32 {
            return None;
        }
        match self.parser.tree.expr(id) {
            Expr::Int(_) | Expr::Float(_) => Some(false),
            Expr::Name(name) => Some(params.contains(&name)),
            Expr::Unary(_, operand) => self.names_a_param(operand, params, depth + 1),
            Expr::Binary(_, left, right) => {
                Some(self.names_a_param(left, params, depth + 1)? | self.names_a_param(right, params, depth + 1)?)
            }
            Expr::Call(_, args) if args.len == 1 => {
                self.names_a_param(self.parser.tree.item(args, 0), params, depth + 1)
            }
            _ => None,
        }
    }

    /// Writes a compiled definition with these parameters on the qubits `handles`.
    pub fn play(&mut self, template: &Template, values: &[f64], handles: &[u32]) -> Result<()> {
        self.deeper()?;
        for line in &template.0 {
            self.work(1)?;
            let mut args = [0.0; 4];
            if line.args.len() > args.len() {
                let many: Result<Vec<f64>> = line.args.iter().map(|code| self.angle(code, values)).collect();
                self.play_line(line, &many?, handles)?;
                continue;
            }
            for (slot, code) in args.iter_mut().zip(&line.args) {
                *slot = self.angle(code, values)?;
            }
            self.play_line(line, &args[..line.args.len()], handles)?;
        }
        self.back();
        Ok(())
    }

    fn play_line(&mut self, line: &Line, args: &[f64], handles: &[u32]) -> Result<()> {
        let mut few = [0u32; 8];
        let many: Vec<u32>;
        let qubits = if line.qubits.len() <= few.len() {
            few.iter_mut().zip(&line.qubits).for_each(|(slot, &k)| *slot = handles[k]);
            &few[..line.qubits.len()]
        } else {
            many = line.qubits.iter().map(|&k| handles[k]).collect();
            &many[..]
        };
        match line.callee {
            Callee::Kind(kind) => self.builder.writer.gate(kind, qubits, args),
            Callee::Entry(entry) => self.apply(&entry.make(args), qubits),
            Callee::Barrier => self.builder.writer.node(),
            Callee::User(number) => self.call_user(number, args, qubits),
        }
    }

    /// A call of a definition, outside of any other.
    pub fn call_user(&mut self, number: u32, args: &[f64], qubits: &[u32]) -> Result<()> {
        if !args.is_empty() {
            if let Some(template) = self.template(number)? {
                return self.play(&template, args, qubits);
            }
        }
        let unitary = self.expansion(number, args)?;
        self.apply(&unitary, qubits)
    }

    #[inline]
    fn angle(&self, code: &[Code], values: &[f64]) -> Result<f64> {
        if let [Code::Param(k)] = code {
            return Ok(values[*k]);
        }
        let (mut stack, mut top) = ([0.0; STACK], 0);
        for step in code {
            match *step {
                Code::Param(k) => (stack[top], top) = (values[k], top + 1),
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

fn is_arithmetic(op: Binary) -> bool {
    matches!(op, Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo | Binary::Power)
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

/// The most numbers that a program holds at once.
fn depth_of(code: &[Code]) -> usize {
    let (mut depth, mut most) = (0usize, 0);
    for step in code {
        match step {
            Code::Param(_) | Code::Number(_) => depth += 1,
            Code::Operate(_) => depth -= 1,
            Code::Negate | Code::Call(_) => {}
        }
        most = most.max(depth);
    }
    most
}
