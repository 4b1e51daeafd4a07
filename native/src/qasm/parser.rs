//! Tokens to trees: what both dialects share, and expressions by precedence climbing.

use super::lex::{Lexer, Tok};
use super::names::{Names, Sym};
use super::tree::{Binary, Expr, ExprId, List, Stmt, StmtId, Tree, TypeId, TypeNode, Unary, Word};
use super::{limits, Declined};

pub struct Parser<'a> {
    pub lex: Lexer<'a>,
    pub names: Names<'a>,
    pub tree: Tree,
    /// OpenQASM 2: `^` is the power, every number is real, no types.
    pub two: bool,
    depth: usize,
}

type Result<T> = std::result::Result<T, Declined>;

const UNARY: u8 = 11;
const POWER: u8 = 12;

impl<'a> Parser<'a> {
    pub fn new(text: &'a [u8], two: bool) -> Parser<'a> {
        Parser { lex: Lexer::new(text), names: Names::new(), tree: Tree::default(), two, depth: 0 }
    }

    pub fn fail<T>(&self, why: &'static str) -> Result<T> {
        Err(Declined::at(self.lex.start, why))
    }

    #[inline]
    pub fn is(&self, tok: Tok) -> bool {
        self.lex.tok == tok
    }

    pub fn is_word(&self, word: &[u8]) -> bool {
        self.lex.tok == Tok::Name && self.lex.word() == word
    }

    pub fn expect(&mut self, tok: Tok) -> Result<()> {
        if self.lex.tok != tok {
            return self.fail("the text does not follow the grammar here");
        }
        self.lex.advance()
    }

    pub fn take(&mut self, tok: Tok) -> Result<bool> {
        let found = self.lex.tok == tok;
        if found {
            self.lex.advance()?;
        }
        Ok(found)
    }

    pub fn take_word(&mut self, word: &[u8]) -> Result<bool> {
        let found = self.is_word(word);
        if found {
            self.lex.advance()?;
        }
        Ok(found)
    }

    pub fn name(&mut self) -> Result<Sym> {
        if self.lex.tok != Tok::Name {
            return self.fail("a name is missing here");
        }
        let name = self.names.intern(self.lex.word());
        self.lex.advance()?;
        Ok(name)
    }

    /// `a, b, c`
    pub fn names(&mut self) -> Result<Box<[Sym]>> {
        let mut found = vec![self.name()?];
        while self.take(Tok::Comma)? {
            found.push(self.name()?);
        }
        Ok(found.into())
    }

    /// One level deeper; pair with `leave`.
    pub fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > limits::PARSE_DEPTH {
            return self.fail("nested too deep");
        }
        Ok(())
    }

    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    fn room(&self) -> Result<()> {
        if self.tree.size() > limits::TREE_NODES {
            return self.fail("a statement too large to hold");
        }
        Ok(())
    }

    pub fn add(&mut self, expr: Expr, at: usize) -> Result<ExprId> {
        self.room()?;
        self.tree.exprs.push((expr, at as u32));
        Ok(self.tree.exprs.len() as u32 - 1)
    }

    pub fn add_stmt(&mut self, stmt: Stmt, at: usize) -> Result<StmtId> {
        self.room()?;
        self.tree.stmts.push((stmt, at as u32));
        Ok(self.tree.stmts.len() as u32 - 1)
    }

    // -- expressions -------------------------------------------------------------------------------------------------

    pub fn expression(&mut self) -> Result<ExprId> {
        self.expression_from(1)
    }

    fn expression_from(&mut self, least: u8) -> Result<ExprId> {
        self.enter()?;
        let left = self.unary()?;
        let found = self.operators(left, least)?;
        self.leave();
        Ok(found)
    }

    fn operators(&mut self, mut left: ExprId, least: u8) -> Result<ExprId> {
        let mut terms = 0;
        while let Some((level, op)) = self.operator() {
            if level < least {
                break;
            }
            let at = self.lex.start;
            self.lex.advance()?;
            let right = self.expression_from(if level == POWER { UNARY } else { level + 1 })?;
            left = self.add(Expr::Binary(op, left, right), at)?;
            terms += 1;
            if terms > limits::CHAIN_TERMS {
                return self.fail("too many operators in one chain");
            }
        }
        Ok(left)
    }

    fn operator(&self) -> Option<(u8, Binary)> {
        if self.two {
            return match self.lex.tok {
                Tok::Plus => Some((9, Binary::Add)),
                Tok::Minus => Some((9, Binary::Subtract)),
                Tok::Star => Some((10, Binary::Multiply)),
                Tok::Slash => Some((10, Binary::Divide)),
                Tok::Caret => Some((POWER, Binary::Power)),
                _ => None,
            };
        }
        Some(match self.lex.tok {
            Tok::OrElse => (1, Binary::OrElse),
            Tok::AndAlso => (2, Binary::AndAlso),
            Tok::Or => (3, Binary::Or),
            Tok::Caret => (4, Binary::Xor),
            Tok::And => (5, Binary::And),
            Tok::Same => (6, Binary::Same),
            Tok::Differs => (6, Binary::Differs),
            Tok::Less => (7, Binary::Less),
            Tok::AtMost => (7, Binary::AtMost),
            Tok::More => (7, Binary::More),
            Tok::AtLeast => (7, Binary::AtLeast),
            Tok::Left => (8, Binary::Left),
            Tok::Right => (8, Binary::Right),
            Tok::Plus => (9, Binary::Add),
            Tok::Minus => (9, Binary::Subtract),
            Tok::Star => (10, Binary::Multiply),
            Tok::Slash => (10, Binary::Divide),
            Tok::Percent => (10, Binary::Modulo),
            Tok::Power => (POWER, Binary::Power),
            _ => return None,
        })
    }

    fn unary(&mut self) -> Result<ExprId> {
        let op = match self.lex.tok {
            Tok::Plus => None,
            Tok::Minus => Some(Unary::Negate),
            Tok::Not => Some(Unary::Not),
            Tok::Tilde => Some(Unary::Complement),
            _ => {
                let base = self.primary()?;
                return self.postfix(base);
            }
        };
        let at = self.lex.start;
        self.lex.advance()?;
        let operand = self.expression_from(UNARY)?;
        op.map_or(Ok(operand), |op| self.add(Expr::Unary(op, operand), at))
    }

    pub fn postfix(&mut self, mut base: ExprId) -> Result<ExprId> {
        for _ in 0..limits::INDEXES {
            if !self.is(Tok::OpenSquare) {
                return Ok(base);
            }
            base = self.index(base)?;
        }
        self.fail("too many indexes in a row")
    }

    fn index(&mut self, base: ExprId) -> Result<ExprId> {
        let at = self.lex.start;
        self.expect(Tok::OpenSquare)?;
        if self.two {
            let item = self.plain_number()?;
            self.expect(Tok::CloseSquare)?;
            let items = self.tree.add_list(&[item]);
            return self.add(Expr::Index(base, items), at);
        }
        let mut items = Vec::new();
        if self.is(Tok::OpenBrace) {
            items.push(self.braces()?);
        } else {
            items.push(self.range_or_expression()?);
            while self.take(Tok::Comma)? {
                items.push(self.range_or_expression()?);
            }
        }
        self.expect(Tok::CloseSquare)?;
        let items = self.tree.add_list(&items);
        self.add(Expr::Index(base, items), at)
    }

    /// A whole number of OpenQASM 2: digits and nothing else.
    pub fn plain_number(&mut self) -> Result<ExprId> {
        let at = self.lex.start;
        let word = std::str::from_utf8(self.lex.word()).ok();
        let value = word.filter(|word| word.bytes().all(|c| c.is_ascii_digit())).and_then(|word| word.parse().ok());
        let Some(value) = value else { return self.fail("a plain number is missing here") };
        self.lex.advance()?;
        self.add(Expr::Int(value), at)
    }

    pub fn range_or_expression(&mut self) -> Result<ExprId> {
        let at = self.lex.start;
        let first = if self.is(Tok::Colon) { None } else { Some(self.expression()?) };
        if !self.is(Tok::Colon) {
            return first.map_or_else(|| self.fail("an expression is missing here"), Ok);
        }
        self.lex.advance()?;
        let open = matches!(self.lex.tok, Tok::CloseSquare | Tok::Comma | Tok::Colon);
        let mut stop = if open { None } else { Some(self.expression()?) };
        let mut step = None;
        if self.take(Tok::Colon)? {
            step = stop;
            let open = matches!(self.lex.tok, Tok::CloseSquare | Tok::Comma);
            stop = if open { None } else { Some(self.expression()?) };
        }
        self.add(Expr::Range(first, step, stop), at)
    }

    /// `{a, b, c}`
    pub fn braces(&mut self) -> Result<ExprId> {
        let at = self.lex.start;
        self.expect(Tok::OpenBrace)?;
        let mut items = Vec::new();
        while !self.is(Tok::CloseBrace) {
            items.push(self.expression()?);
            if !self.take(Tok::Comma)? {
                break;
            }
        }
        self.expect(Tok::CloseBrace)?;
        let items = self.tree.add_list(&items);
        self.add(Expr::Set(items), at)
    }

    /// The right side of a declaration, assignment or alias.
    pub fn value(&mut self) -> Result<ExprId> {
        if self.is(Tok::OpenBrace) {
            return self.fail("an array");
        }
        let at = self.lex.start;
        let first = self.expression()?;
        if !self.is(Tok::Join) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(Tok::Join)? {
            parts.push(self.expression()?);
        }
        let parts = self.tree.add_list(&parts);
        self.add(Expr::Join(parts), at)
    }

    fn primary(&mut self) -> Result<ExprId> {
        let at = self.lex.start;
        match self.lex.tok {
            Tok::Number => self.number(),
            Tok::Text if !self.two => self.bits(),
            Tok::Hardware if !self.two => self.hardware(),
            Tok::Name => self.word(at),
            Tok::Open => {
                self.lex.advance()?;
                let inner = self.expression()?;
                self.expect(Tok::Close)?;
                Ok(inner)
            }
            _ => self.fail("an expression is missing here"),
        }
    }

    fn hardware(&mut self) -> Result<ExprId> {
        let at = self.lex.start;
        let number = std::str::from_utf8(&self.lex.word()[1..]).ok().and_then(|digits| digits.parse().ok());
        let Some(number) = number else { return self.fail("a physical qubit of a large number") };
        self.lex.advance()?;
        self.add(Expr::Hardware(number), at)
    }

    fn word(&mut self, at: usize) -> Result<ExprId> {
        if !self.two {
            if type_word(self.lex.word()).is_some_and(|word| word != Word::Qubit) {
                let kind = self.kind()?;
                self.expect(Tok::Open)?;
                let operand = self.expression()?;
                self.expect(Tok::Close)?;
                return self.add(Expr::Cast(kind, operand), at);
            }
            match self.lex.word() {
                word @ (b"true" | b"false") => {
                    self.lex.advance()?;
                    return self.add(Expr::Bool(word == b"true"), at);
                }
                b"measure" => {
                    self.lex.advance()?;
                    let operand = self.operand()?;
                    return self.add(Expr::Measure(operand), at);
                }
                b"durationof" | b"complex" | b"duration" | b"stretch" | b"array" => {
                    return self.fail("a type not read here")
                }
                _ => {}
            }
        } else if matches!(self.lex.word(), b"true" | b"false" | b"measure" | b"durationof") {
            return self.fail("a word of OpenQASM 3");
        }
        let name = self.name()?;
        if self.is(Tok::Open) {
            let args = self.arguments()?;
            return self.add(Expr::Call(name, args), at);
        }
        self.add(Expr::Name(name), at)
    }

    /// `(a, b)`
    pub fn arguments(&mut self) -> Result<List> {
        self.expect(Tok::Open)?;
        let mut found = Vec::new();
        while !self.is(Tok::Close) {
            found.push(self.value()?);
            if !self.take(Tok::Comma)? {
                break;
            }
        }
        self.expect(Tok::Close)?;
        Ok(self.tree.add_list(&found))
    }

    /// A qubit, register, slice or physical qubit.
    pub fn operand(&mut self) -> Result<ExprId> {
        if self.is(Tok::Hardware) && !self.two {
            return self.hardware();
        }
        let at = self.lex.start;
        let name = self.name()?;
        let base = self.add(Expr::Name(name), at)?;
        if self.two && self.is(Tok::OpenSquare) {
            return self.index(base);
        }
        self.postfix(base)
    }

    pub fn operands(&mut self) -> Result<List> {
        let mut found = vec![self.operand()?];
        while self.take(Tok::Comma)? {
            found.push(self.operand()?);
        }
        Ok(self.tree.add_list(&found))
    }

    fn number(&mut self) -> Result<ExprId> {
        let at = self.lex.start;
        let word = self.lex.word();
        let Some(found) = number(word, self.two) else { return self.fail("a number not read here") };
        self.lex.advance()?;
        if self.is(Tok::Name) {
            return self.fail("a name follows a number");
        }
        self.add(found, at)
    }

    fn bits(&mut self) -> Result<ExprId> {
        let at = self.lex.start;
        let word = self.lex.word();
        let digits = &word[1..word.len() - 1];
        let plain = digits.iter().enumerate().all(|(k, &c)| match c {
            b'0' | b'1' => true,
            b'_' => k > 0 && digits[k - 1] != b'_' && k + 1 < digits.len(),
            _ => false,
        });
        if digits.is_empty() || !plain {
            return self.fail("a text that is no bit string");
        }
        let (start, end) = (self.lex.start as u32 + 1, self.lex.end as u32 - 1);
        self.lex.advance()?;
        self.add(Expr::Bits(start, end), at)
    }

    /// `bit[4]`, `float`
    pub fn kind(&mut self) -> Result<TypeId> {
        let Some(word) = type_word(self.lex.word()) else { return self.fail("a type not read here") };
        self.lex.advance()?;
        let mut size = None;
        if self.take(Tok::OpenSquare)? {
            size = Some(self.expression()?);
            self.expect(Tok::CloseSquare)?;
        }
        self.tree.types.push(TypeNode { word, size });
        Ok(self.tree.types.len() as u32 - 1)
    }
}

pub fn type_word(word: &[u8]) -> Option<Word> {
    Some(match word {
        b"bit" => Word::Bit,
        b"bool" => Word::Bool,
        b"int" => Word::Int,
        b"uint" => Word::Uint,
        b"float" => Word::Float,
        b"angle" => Word::Angle,
        b"qubit" => Word::Qubit,
        _ => return None,
    })
}

/// A number as written; None when it is too large for this reader or has no digits.
fn number(word: &[u8], real: bool) -> Option<Expr> {
    let digits: String = word.iter().filter(|&&c| c != b'_').map(|&c| c as char).collect();
    let radix = match digits.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ => 10,
    };
    if radix != 10 {
        let found = i64::from_str_radix(&digits[2..], radix).ok()?;
        return Some(if real { Expr::Float(found as f64) } else { Expr::Int(found) });
    }
    if real || digits.contains(['.', 'e', 'E']) {
        return digits.parse().ok().filter(|x: &f64| x.is_finite()).map(Expr::Float);
    }
    digits.parse().ok().map(Expr::Int)
}
