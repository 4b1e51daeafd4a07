//! Gate definitions: compiled to templates, from the tree or, where every line has a common form, straight from the
//! text. A body with anything else in it (modifiers, loops, aliases) stays a tree.

use std::rc::Rc;

use super::fast::{keyword, simple_angle};
use super::known;
use super::lex::{name_end, skip, Tok};
use super::library::Standard;
use super::names::Sym;
use super::reader::{Gate, Reader, Slot};
use super::template::{function, Callee, Code, Line, Template, STACK};
use super::tree::{Binary, Body, Expr, ExprId, GateDef, List, Stmt, Unary};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// What the names in the head of a definition mean, by their numbers. A definition has a number too, so that nothing
/// need be cleared behind it.
#[derive(Default)]
pub struct Heads {
    turn: u32,
    entries: Vec<(u32, Head)>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Head {
    Param(u32),
    Qubit(u32),
}

impl Heads {
    /// The numbered names; None when one stands twice.
    fn begin(&mut self, params: &[Sym], qubits: &[Sym], names: usize) -> Option<()> {
        self.turn += 1;
        if self.entries.len() < names {
            self.entries.resize(names, (0, Head::Param(0)));
        }
        let params = params.iter().enumerate().map(|(k, &name)| (name, Head::Param(k as u32)));
        let qubits = qubits.iter().enumerate().map(|(k, &name)| (name, Head::Qubit(k as u32)));
        for (name, head) in params.chain(qubits) {
            let entry = &mut self.entries[name as usize];
            if entry.0 == self.turn {
                return None;
            }
            *entry = (self.turn, head);
        }
        Some(())
    }

    fn get(&self, name: Sym) -> Option<Head> {
        self.entries.get(name as usize).filter(|entry| entry.0 == self.turn).map(|entry| entry.1)
    }
}

impl Reader<'_> {
    /// A definition that the parser has read.
    pub fn gate_defined(&mut self, number: u32) -> Result<()> {
        let definition = &self.parser.tree.gates[number as usize];
        let (params, qubits) = (definition.params.clone(), definition.qubits.clone());
        if !self.is_global() || self.heads.begin(&params, &qubits, self.parser.names.len()).is_none() {
            return self.fail("a gate that cannot be defined here");
        }
        self.check_name(definition_name(self, number))?;
        let mut known = None;
        if let Body::Tree(body) = self.parser.tree.gates[number as usize].body {
            known = known::entry(&self.parser, number);
            let before = self.open_frame()?;
            let usual = !params.iter().chain(&qubits).any(|&name| self.constant(name).is_some());
            let compiled = if usual { self.compile(body) } else { None };
            self.close_frame(before);
            match compiled {
                Some(template) => {
                    self.check_template(&template, params.len())?;
                    self.parser.tree.gates[number as usize].body = Body::Compiled(Rc::new(template));
                }
                None => self.check_gate(number, params.len())?,
            }
        }
        let name = definition_name(self, number);
        self.set_gate(name, known.map_or(Gate::User(number), Gate::Known));
        self.forget_expansions();
        Ok(())
    }

    /// Whether a gate of this name may be defined here.
    fn check_name(&mut self, name: Sym) -> Result<()> {
        let reserved = matches!(self.parser.names.text(name), b"U" | b"CX" | b"gphase");
        let old = self.gate_named(name);
        if matches!(old, Gate::User(_))
            || (reserved && (!self.parser.two || old != Gate::Unknown))
            || self.global(name) != Slot::Free
        {
            return self.fail("a gate that cannot be defined here");
        }
        if self.bound.get(name as usize) == Some(&true) {
            return self.fail("a gate defined anew after a definition has used it");
        }
        Ok(())
    }

    /// Angles that have no value are found where the definition stands, though no call may ever need them.
    fn check_template(&mut self, template: &Template, params: usize) -> Result<()> {
        let values: Vec<f64> = (0..params).map(|k| 0.5 + k as f64 / 7.0).collect();
        let mut start = 0;
        for &end in &template.args {
            self.angle(&template.code[start..end as usize], &values)?;
            start = end as usize;
        }
        Ok(())
    }

    // -- from the tree -----------------------------------------------------------------------------------------------

    /// The body of the definition whose heads are current; None when it holds more than plain calls and barriers.
    fn compile(&mut self, body: List) -> Option<Template> {
        let mut out = Template::default();
        for k in 0..body.len {
            let id = self.parser.tree.item(body, k);
            match self.parser.tree.stmts[id as usize].0 {
                Stmt::Gate { name, modifiers, args, operands } if modifiers.len == 0 => {
                    let first = out.args.len() as u32;
                    for k in 0..args.len {
                        self.compile_angle(self.parser.tree.item(args, k), &mut out)?;
                    }
                    let start = out.qubits.len();
                    for k in 0..operands.len {
                        let name = self.plain_name(self.parser.tree.item(operands, k))?;
                        self.push_qubit(name, start, &mut out)?;
                    }
                    self.push_line(name, first, start, &mut out)?;
                }
                Stmt::Barrier(operands) => {
                    for k in 0..operands.len {
                        let name = self.plain_name(self.parser.tree.item(operands, k))?;
                        matches!(self.heads.get(name), Some(Head::Qubit(_))).then_some(())?;
                    }
                    out.lines.push(Line { callee: Callee::Barrier, args: (0, 0), qubits: (0, 0) });
                }
                _ => return None,
            }
        }
        Some(out)
    }

    fn push_qubit(&self, name: Sym, start: usize, out: &mut Template) -> Option<()> {
        let Some(Head::Qubit(qubit)) = self.heads.get(name) else { return None };
        (!out.qubits[start..].contains(&qubit)).then(|| out.qubits.push(qubit))
    }

    /// A call of `name` with the angles from `first` on and the qubits from `start` on; None for a wrong number.
    fn push_line(&mut self, name: Sym, first: u32, start: usize, out: &mut Template) -> Option<()> {
        let (callee, params, qubits) = match self.gate_named(name) {
            Gate::Standard(entry) | Gate::Known(entry) => {
                let callee = match entry.standard {
                    Standard::Direct(kind) => Callee::Kind(kind),
                    _ => Callee::Entry(entry),
                };
                (callee, entry.params as usize, entry.qubits as usize)
            }
            Gate::User(number) => {
                let definition = &self.parser.tree.gates[number as usize];
                (Callee::User(number), definition.params.len(), definition.qubits.len())
            }
            _ => return None,
        };
        let (args, stop) = (out.args.len() as u32, out.qubits.len());
        if params != (args - first) as usize || qubits != stop - start {
            return None;
        }
        if self.bound.len() <= name as usize {
            self.bound.resize(self.parser.names.len(), false);
        }
        self.bound[name as usize] = true;
        out.lines.push(Line { callee, args: (first, args), qubits: (start as u32, stop as u32) });
        Some(())
    }

    /// Appends the program of an angle; None for what is not compiled.
    fn compile_angle(&mut self, id: ExprId, out: &mut Template) -> Option<()> {
        let start = out.code.len();
        self.compile_into(id, &mut out.code, 0)?;
        out.args.push(out.code.len() as u32);
        (depth_of(&out.code[start..]) <= STACK).then_some(())
    }

    fn compile_into(&mut self, id: ExprId, code: &mut Vec<Code>, depth: usize) -> Option<()> {
        if !self.names_a_param(id, depth)? {
            code.push(Code::Number(self.real(id).ok()?));
            return Some(());
        }
        match self.parser.tree.expr(id) {
            Expr::Name(name) => match self.heads.get(name)? {
                Head::Param(k) => code.push(Code::Param(k)),
                Head::Qubit(_) => return None,
            },
            Expr::Unary(Unary::Negate, operand) => {
                self.compile_into(operand, code, depth + 1)?;
                code.push(Code::Negate);
            }
            Expr::Binary(op, left, right) if is_arithmetic(op) => {
                self.compile_into(left, code, depth + 1)?;
                self.compile_into(right, code, depth + 1)?;
                code.push(Code::Operate(op));
            }
            Expr::Call(name, args) if args.len == 1 && !matches!(self.find(name), Ok(Slot::Def(_))) => {
                let function = function(self.parser.names.text(name), self.parser.two)?;
                self.compile_into(self.parser.tree.item(args, 0), code, depth + 1)?;
                code.push(Code::Call(function));
            }
            _ => return None,
        }
        Some(())
    }

    /// Whether an expression names a parameter; None for one of a kind that is not compiled, or of great depth.
    fn names_a_param(&self, id: ExprId, depth: usize) -> Option<bool> {
        if depth > 12 {
            return None;
        }
        match self.parser.tree.expr(id) {
            Expr::Int(_) | Expr::Float(_) => Some(false),
            Expr::Name(name) if self.constant(name).is_some() => Some(false),
            Expr::Name(name) => Some(self.heads.get(name).is_some()),
            Expr::Unary(_, operand) => self.names_a_param(operand, depth + 1),
            Expr::Binary(_, left, right) => {
                Some(self.names_a_param(left, depth + 1)? | self.names_a_param(right, depth + 1)?)
            }
            Expr::Call(_, args) if args.len == 1 => self.names_a_param(self.parser.tree.item(args, 0), depth + 1),
            _ => None,
        }
    }

    // -- straight from the text --------------------------------------------------------------------------------------

    /// The definition that begins at `start`, read and compiled; where it ends. None, with nothing done, when it is not
    /// of the common form.
    pub fn fast_definition(&mut self, start: usize) -> Result<Option<usize>> {
        let text = self.parser.lex.text;
        let word = name_end(text, start);
        let at = skip(text, word)?;
        let end = name_end(text, at);
        if &text[start..word] != b"gate" || end == at || known::has_name(&text[at..end]) {
            return Ok(None);
        }
        let name = self.parser.names.intern(&text[at..end]);
        let (mut at, mut params) = (skip(text, end)?, vec![]);
        if text.get(at) == Some(&b'(') {
            match self.name_list(at + 1)? {
                Some((found, next)) if text.get(next) == Some(&b')') => (params, at) = (found, next + 1),
                _ => return Ok(None),
            }
        }
        let Some((qubits, at)) = self.name_list(at)? else { return Ok(None) };
        let usual = !params.iter().chain(&qubits).any(|&name| self.constant(name).is_some());
        if text.get(at) != Some(&b'{')
            || !usual
            || self.heads.begin(&params, &qubits, self.parser.names.len()).is_none()
        {
            return Ok(None);
        }
        let mark = self.parser.tree.mark();
        let before = self.open_frame()?;
        let mut template = Template::default();
        self.parser.enter()?;
        let end = self.fast_body(at + 1, &mut template);
        self.parser.leave();
        self.close_frame(before);
        self.parser.tree.cut(mark);
        let Some(end) = end? else { return Ok(None) };
        self.step(start)?;
        self.check_name(name)?;
        self.check_template(&template, params.len())?;
        let body = Body::Compiled(Rc::new(template));
        self.parser.tree.gates.push(GateDef { name, params: params.into(), qubits: qubits.into(), body });
        self.set_gate(name, Gate::User(self.parser.tree.gates.len() as u32 - 1));
        self.forget_expansions();
        Ok(Some(end))
    }

    /// `a, b, c`, and where the next thing stands.
    fn name_list(&mut self, mut at: usize) -> Result<Option<(Vec<Sym>, usize)>> {
        let (text, mut found) = (self.parser.lex.text, Vec::new());
        loop {
            at = skip(text, at)?;
            let end = name_end(text, at);
            if end == at {
                return Ok(None);
            }
            found.push(self.parser.names.intern(&text[at..end]));
            at = skip(text, end)?;
            if text.get(at) != Some(&b',') {
                return Ok(Some((found, at)));
            }
            at += 1;
        }
    }

    /// Calls up to the closing brace; where the text goes on behind it.
    fn fast_body(&mut self, mut at: usize, out: &mut Template) -> Result<Option<usize>> {
        let text = self.parser.lex.text;
        loop {
            at = skip(text, at)?;
            if text.get(at) == Some(&b'}') {
                return Ok(Some(at + 1));
            }
            let end = name_end(text, at);
            if end == at || keyword(&text[at..end]) {
                return Ok(None);
            }
            let name = self.parser.names.intern(&text[at..end]);
            let first = out.args.len() as u32;
            at = skip(text, end)?;
            if text.get(at) == Some(&b'(') {
                match self.fast_angles(at + 1, out)? {
                    Some(next) => at = next,
                    None => return Ok(None),
                }
            }
            let start = out.qubits.len();
            loop {
                at = skip(text, at)?;
                let end = name_end(text, at);
                if end == at {
                    return Ok(None);
                }
                let name = self.parser.names.intern(&text[at..end]);
                if self.push_qubit(name, start, out).is_none() {
                    return Ok(None);
                }
                at = skip(text, end)?;
                match text.get(at) {
                    Some(b',') => at += 1,
                    Some(b';') => break,
                    _ => return Ok(None),
                }
            }
            if self.push_line(name, first, start, out).is_none() {
                return Ok(None);
            }
            at += 1;
        }
    }

    /// Angles up to the closing parenthesis; where the text goes on behind it.
    fn fast_angles(&mut self, mut at: usize, out: &mut Template) -> Result<Option<usize>> {
        let text = self.parser.lex.text;
        loop {
            if let Some((value, next)) = simple_angle(text, at, self.parser.two)? {
                out.code.push(Code::Number(value));
                out.args.push(out.code.len() as u32);
                at = next;
            } else {
                self.parser.lex.seek(at)?;
                let id = self.parser.expression()?;
                if self.compile_angle(id, out).is_none() || !matches!(self.parser.lex.tok, Tok::Comma | Tok::Close) {
                    return Ok(None);
                }
                at = self.parser.lex.start;
            }
            match text.get(at) {
                Some(b',') => at += 1,
                Some(b')') => return Ok(Some(at + 1)),
                _ => return Ok(None),
            }
        }
    }
}

fn definition_name(reader: &Reader, number: u32) -> Sym {
    reader.parser.tree.gates[number as usize].name
}

fn is_arithmetic(op: Binary) -> bool {
    matches!(op, Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo | Binary::Power)
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
