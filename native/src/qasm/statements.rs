//! Tokens to trees: statements of both dialects. What the semantic front end warns of or refuses is declined.

use super::lex::Tok;
use super::parser::{type_word, Parser};
use super::tree::{
    Binary, Body, Def, Expr, ExprId, GateDef, Jump, List, Modifier, Stmt, StmtId, Storage, TypeNode, Word,
};
use super::{limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

impl Parser<'_> {
    /// The statement that begins at the current token; None for a lone ';'.
    pub fn statement(&mut self) -> Result<Option<StmtId>> {
        if self.tree.size() > limits::TREE_NODES {
            return self.fail("a statement too large to hold");
        }
        let at = self.lex.start;
        let stmt = match self.lex.tok {
            Tok::Semi => {
                self.lex.advance()?;
                return Ok(None);
            }
            Tok::OpenBrace if !self.two => return self.block().map(Some),
            Tok::Name if self.two => self.statement_of_two()?,
            Tok::Name => self.statement_of_three()?,
            _ => return self.fail("no statement begins like this"),
        };
        self.add_stmt(stmt, at).map(Some)
    }

    fn statement_of_two(&mut self) -> Result<Stmt> {
        match self.lex.word() {
            b"gate" | b"opaque" => self.gate_definition(),
            b"if" => self.conditional(),
            b"measure" => self.measurement(),
            b"reset" => self.reset(),
            b"barrier" => self.barrier(),
            b"qreg" | b"creg" => self.old_register(),
            b"OPENQASM" | b"include" => self.fail("a statement out of its place"),
            _ => self.gate_call(List::default()),
        }
    }

    fn statement_of_three(&mut self) -> Result<Stmt> {
        match self.lex.word() {
            b"qubit" => self.qubit(),
            b"qreg" | b"creg" => self.old_register(),
            b"const" | b"input" | b"output" => self.stored(),
            b"let" => self.alias(),
            b"gate" => self.gate_definition(),
            b"def" => self.subroutine(),
            b"if" => self.branch(),
            b"for" => self.for_loop(),
            b"while" => self.while_loop(),
            b"switch" => self.switch(),
            b"break" => self.jump(Jump::Break),
            b"continue" => self.jump(Jump::Continue),
            b"end" => self.jump(Jump::End),
            b"return" => self.give_back(),
            b"reset" => self.reset(),
            b"barrier" => self.barrier(),
            b"measure" => self.measurement(),
            b"ctrl" | b"negctrl" | b"inv" | b"pow" => self.modified_gate(),
            b"delay" | b"box" | b"pragma" | b"cal" | b"defcal" | b"defcalgrammar" | b"extern" | b"OPENQASM"
            | b"include" | b"else" | b"case" | b"default" | b"in" | b"array" | b"complex" | b"duration"
            | b"stretch" => self.fail("a statement not read here"),
            word if type_word(word).is_some() => self.declaration(Storage::Variable),
            _ => self.call_or_assignment(),
        }
    }

    /// `{ ... }`
    pub fn block(&mut self) -> Result<StmtId> {
        let at = self.lex.start;
        let body = self.body_list()?;
        self.add_stmt(Stmt::Block(body), at)
    }

    fn body_list(&mut self) -> Result<List> {
        self.enter()?;
        self.expect(Tok::OpenBrace)?;
        let mut body = Vec::new();
        while !self.is(Tok::CloseBrace) {
            body.extend(self.statement()?);
        }
        self.lex.advance()?;
        self.leave();
        Ok(self.tree.add_list(&body))
    }

    /// A block or a single statement, as if, for and while take it.
    pub fn body(&mut self) -> Result<StmtId> {
        if self.is(Tok::OpenBrace) {
            return self.block();
        }
        self.enter()?;
        let at = self.lex.start;
        let found = self.statement()?;
        self.leave();
        let body = self.tree.add_list(found.as_slice());
        self.add_stmt(Stmt::Block(body), at)
    }

    fn end(&mut self, stmt: Stmt) -> Result<Stmt> {
        self.expect(Tok::Semi)?;
        Ok(stmt)
    }

    // -- declarations ------------------------------------------------------------------------------------------------

    fn old_register(&mut self) -> Result<Stmt> {
        let quantum = self.lex.word() == b"qreg";
        self.lex.advance()?;
        let name = self.name()?;
        let mut size = None;
        if self.two || self.is(Tok::OpenSquare) {
            self.expect(Tok::OpenSquare)?;
            size = Some(if self.two { self.plain_number()? } else { self.expression()? });
            self.expect(Tok::CloseSquare)?;
        }
        if quantum {
            return self.end(Stmt::Qubits { name, size });
        }
        self.tree.types.push(TypeNode { word: Word::Bit, size });
        let kind = self.tree.types.len() as u32 - 1;
        self.end(Stmt::Declare { kind, name, value: None, storage: Storage::Variable })
    }

    fn qubit(&mut self) -> Result<Stmt> {
        let kind = self.kind()?;
        let size = self.tree.types[kind as usize].size;
        let name = self.name()?;
        self.end(Stmt::Qubits { name, size })
    }

    fn stored(&mut self) -> Result<Stmt> {
        let storage = match self.lex.word() {
            b"const" => Storage::Constant,
            b"input" => Storage::Input,
            _ => Storage::Output,
        };
        self.lex.advance()?;
        self.declaration(storage)
    }

    fn declaration(&mut self, storage: Storage) -> Result<Stmt> {
        let kind = self.kind()?;
        let word = self.tree.types[kind as usize].word;
        if word == Word::Qubit {
            return self.fail("a type is missing here");
        }
        let name = self.name()?;
        if storage == Storage::Input && self.is(Tok::Assign) {
            return self.fail("an input has no value of its own");
        }
        let value = if self.take(Tok::Assign)? { Some(self.value()?) } else { None };
        self.end(Stmt::Declare { kind, name, value, storage })
    }

    fn alias(&mut self) -> Result<Stmt> {
        self.lex.advance()?;
        let name = self.name()?;
        self.expect(Tok::Assign)?;
        let value = self.value()?;
        self.end(Stmt::Alias { name, value })
    }

    fn gate_definition(&mut self) -> Result<Stmt> {
        let opaque = self.lex.word() == b"opaque";
        self.lex.advance()?;
        let name = self.name()?;
        let mut params = Box::default();
        if self.take(Tok::Open)? && !self.take(Tok::Close)? {
            params = self.names()?;
            self.expect(Tok::Close)?;
        }
        let qubits = self.names()?;
        let body = if opaque {
            self.expect(Tok::Semi)?;
            Body::Opaque
        } else {
            Body::Tree(self.body_list()?)
        };
        self.tree.gates.push(GateDef { name, params, qubits, body });
        Ok(Stmt::Gatedef(self.tree.gates.len() as u32 - 1))
    }

    fn subroutine(&mut self) -> Result<Stmt> {
        self.lex.advance()?;
        let name = self.name()?;
        self.expect(Tok::Open)?;
        let mut params = Vec::new();
        while !self.is(Tok::Close) {
            if matches!(self.lex.word(), b"qreg" | b"creg" | b"readonly" | b"mutable" | b"const") {
                return self.fail("a parameter not read here");
            }
            let kind = self.kind()?;
            params.push((self.name()?, kind));
            if !self.take(Tok::Comma)? {
                break;
            }
        }
        self.expect(Tok::Close)?;
        let result = if self.take(Tok::Arrow)? { Some(self.kind()?) } else { None };
        if result.is_some_and(|kind| self.tree.types[kind as usize].word == Word::Qubit) {
            return self.fail("a subroutine gives back no qubit");
        }
        let body = self.body_list()?;
        self.tree.defs.push(Def { name, params: params.into(), result, body });
        Ok(Stmt::Def(self.tree.defs.len() as u32 - 1))
    }

    // -- flow --------------------------------------------------------------------------------------------------------

    /// `if (c == 3) statement` of OpenQASM 2.
    fn conditional(&mut self) -> Result<Stmt> {
        let condition = self.condition_of_two()?;
        match self.statement()? {
            Some(then) => Ok(Stmt::If { condition, then, otherwise: None }),
            None => self.fail("a gate, measure or reset is missing here"),
        }
    }

    /// `if (c == 3)`, and that what follows may follow.
    pub fn condition_of_two(&mut self) -> Result<ExprId> {
        self.lex.advance()?;
        self.expect(Tok::Open)?;
        let at = self.lex.start;
        let name = self.name()?;
        let register = self.add(Expr::Name(name), at)?;
        self.expect(Tok::Same)?;
        let value = self.plain_number()?;
        self.expect(Tok::Close)?;
        let word = self.lex.word();
        if matches!(word, b"if" | b"gate" | b"opaque" | b"qreg" | b"creg" | b"include" | b";") {
            return self.fail("a gate, measure or reset is missing here");
        }
        self.add(Expr::Binary(Binary::Same, register, value), at)
    }

    pub fn condition(&mut self) -> Result<ExprId> {
        self.lex.advance()?;
        self.expect(Tok::Open)?;
        let found = self.expression()?;
        self.expect(Tok::Close)?;
        Ok(found)
    }

    fn branch(&mut self) -> Result<Stmt> {
        let condition = self.condition()?;
        let then = self.body()?;
        let otherwise = if self.take_word(b"else")? { Some(self.body()?) } else { None };
        Ok(Stmt::If { condition, then, otherwise })
    }

    fn for_loop(&mut self) -> Result<Stmt> {
        self.lex.advance()?;
        let typed = type_word(self.lex.word()).is_some_and(|word| word != Word::Qubit);
        let kind = if typed { Some(self.kind()?) } else { None };
        let name = self.name()?;
        if !self.take_word(b"in")? {
            return self.fail("'in' is missing here");
        }
        let values = if self.is(Tok::OpenBrace) {
            self.braces()?
        } else if self.take(Tok::OpenSquare)? {
            let range = self.range_or_expression()?;
            self.expect(Tok::CloseSquare)?;
            range
        } else {
            self.expression()?
        };
        let body = self.body()?;
        Ok(Stmt::For { kind, name, values, body })
    }

    fn while_loop(&mut self) -> Result<Stmt> {
        let condition = self.condition()?;
        let body = self.body()?;
        Ok(Stmt::While { condition, body })
    }

    fn switch(&mut self) -> Result<Stmt> {
        let target = self.condition()?;
        self.expect(Tok::OpenBrace)?;
        let (mut cases, mut default) = (Vec::new(), None);
        while !self.take(Tok::CloseBrace)? {
            if self.take_word(b"case")? {
                let mut labels = vec![self.expression()?];
                while self.take(Tok::Comma)? {
                    labels.push(self.expression()?);
                }
                let labels = self.tree.add_list(&labels);
                cases.push((labels, self.block()?));
            } else if self.take_word(b"default")? {
                default = Some(self.block()?);
            } else {
                return self.fail("'case', 'default' or '}' is missing here");
            }
        }
        let start = self.tree.cases.len() as u32;
        let cases_list = List { start, len: cases.len() as u32 };
        self.tree.cases.extend(cases);
        Ok(Stmt::Switch { target, cases: cases_list, default })
    }

    fn jump(&mut self, kind: Jump) -> Result<Stmt> {
        self.lex.advance()?;
        self.end(Stmt::Jump(kind))
    }

    fn give_back(&mut self) -> Result<Stmt> {
        self.lex.advance()?;
        let value = if self.is(Tok::Semi) { None } else { Some(self.value()?) };
        self.end(Stmt::Return(value))
    }

    // -- operations --------------------------------------------------------------------------------------------------

    fn reset(&mut self) -> Result<Stmt> {
        let at = self.lex.start;
        self.lex.advance()?;
        let operands = self.operands()?;
        if operands.len == 1 {
            let operand = self.tree.item(operands, 0);
            return self.end(Stmt::Reset(operand));
        }
        let mut each = Vec::new();
        for k in 0..operands.len {
            let operand = self.tree.item(operands, k);
            each.push(self.add_stmt(Stmt::Reset(operand), at)?);
        }
        let body = self.tree.add_list(&each);
        self.end(Stmt::Block(body))
    }

    fn barrier(&mut self) -> Result<Stmt> {
        self.lex.advance()?;
        let operands = if self.is(Tok::Semi) { List::default() } else { self.operands()? };
        self.end(Stmt::Barrier(operands))
    }

    /// `measure q -> c;` and `measure q;`
    fn measurement(&mut self) -> Result<Stmt> {
        let at = self.lex.start;
        self.lex.advance()?;
        let operand = self.operand()?;
        let value = self.add(Expr::Measure(operand), at)?;
        if self.two || self.is(Tok::Arrow) {
            self.expect(Tok::Arrow)?;
            let target = self.operand()?;
            return self.end(Stmt::Assign { target, op: None, value });
        }
        self.end(Stmt::Call(value))
    }

    fn modified_gate(&mut self) -> Result<Stmt> {
        let mut found = Vec::new();
        while matches!(self.lex.word(), b"ctrl" | b"negctrl" | b"inv" | b"pow") {
            let word = self.lex.word();
            self.lex.advance()?;
            let mut argument = None;
            if self.take(Tok::Open)? {
                argument = Some(self.expression()?);
                self.expect(Tok::Close)?;
            }
            self.expect(Tok::At)?;
            found.push(match (word, argument) {
                (b"inv", None) => Modifier::Inv,
                (b"pow", Some(exponent)) => Modifier::Pow(exponent),
                (b"ctrl" | b"negctrl", count) => Modifier::Ctrl(word == b"ctrl", count),
                _ => return self.fail("a modifier with a wrong argument"),
            });
        }
        let start = self.tree.modifiers.len() as u32;
        let modifiers = List { start, len: found.len() as u32 };
        self.tree.modifiers.extend(found);
        self.gate_call(modifiers)
    }

    /// A gate's name and what follows it.
    fn gate_call(&mut self, modifiers: List) -> Result<Stmt> {
        let name = self.name()?;
        let args = if self.is(Tok::Open) { self.arguments()? } else { List::default() };
        self.gate_operands(name, modifiers, args)
    }

    fn gate_operands(&mut self, name: u32, modifiers: List, args: List) -> Result<Stmt> {
        let operands = if self.is(Tok::Semi) && !self.two { List::default() } else { self.operands()? };
        self.end(Stmt::Gate { name, modifiers, args, operands })
    }

    fn call_or_assignment(&mut self) -> Result<Stmt> {
        let at = self.lex.start;
        let name = self.name()?;
        let plain = List::default();
        if self.is(Tok::Open) {
            let args = self.arguments()?;
            if self.is(Tok::Semi) && !self.phase(name) {
                let call = self.add(Expr::Call(name, args), at)?;
                return self.end(Stmt::Call(call));
            }
            return self.gate_operands(name, plain, args);
        }
        let mut target = self.add(Expr::Name(name), at)?;
        target = self.postfix(target)?;
        let op = match self.lex.tok {
            Tok::Name | Tok::Hardware if matches!(self.tree.expr(target), Expr::Name(_)) => {
                return self.gate_operands(name, plain, plain)
            }
            Tok::Assign => None,
            Tok::Compound => match compound(self.lex.word()) {
                Some(op) => Some(op),
                None => return self.fail("an assignment not read here"),
            },
            _ => return self.fail("an assignment or operands are missing here"),
        };
        self.lex.advance()?;
        let value = self.value()?;
        self.end(Stmt::Assign { target, op, value })
    }

    fn phase(&self, name: u32) -> bool {
        self.names.text(name) == b"gphase"
    }
}

fn compound(word: &[u8]) -> Option<Binary> {
    Some(match word {
        b"+=" => Binary::Add,
        b"-=" => Binary::Subtract,
        b"*=" => Binary::Multiply,
        b"/=" => Binary::Divide,
        b"%=" => Binary::Modulo,
        b"&=" => Binary::And,
        b"|=" => Binary::Or,
        b"^=" => Binary::Xor,
        b"<<=" => Binary::Left,
        b">>=" => Binary::Right,
        b"**=" => Binary::Power,
        _ => return None,
    })
}
