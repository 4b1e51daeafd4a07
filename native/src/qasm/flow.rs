//! Branches, loops and jumps. What depends on a measurement becomes guards; the rest is decided and
//! unrolled now.
//!
//! A branch of a measured condition is read under that condition; afterwards every variable that it set holds a
//! selection between its two values. A jump under a measured condition does not stop the reading: what it would skip is
//! read under the condition that it was not taken.

use super::bits::{Bit, FALSE, TRUE};
use super::evaluate::Steps;
use super::lex::Tok;
use super::names::Sym;
use super::reader::Reader;
use super::store::Journal;
use super::tree::{Binary, Expr, ExprId, Jump, List, Stmt, StmtId, Storage, TypeId, Word};
use super::values::{Data, Type, Value, BIT, INT};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// One side of a branch.
type Side<'s, R> = &'s mut dyn FnMut(&mut R) -> Result<()>;

/// A loop or a subroutine call being read. `start`: measured branches open at its beginning; `left`: when it was left
/// for good; `skipped`: when the rest of this turn is skipped.
pub struct Frame {
    pub def: bool,
    pub start: usize,
    pub left: Bit,
    pub skipped: Bit,
    pub value: Option<Value>,
    pub result: Option<Type>,
}

impl Reader<'_> {
    // -- statements in order -----------------------------------------------------------------------------------------

    pub fn run_list(&mut self, body: List) -> Result<()> {
        for k in 0..body.len {
            if !self.run_one(self.parser.tree.item(body, k))? {
                break;
            }
        }
        Ok(())
    }

    pub fn run_body(&mut self, body: &[StmtId]) -> Result<()> {
        for &id in body {
            if !self.run_one(id)? {
                break;
            }
        }
        Ok(())
    }

    /// Runs a statement where no jump skips it; false when a jump certainly skips it and what follows.
    fn run_one(&mut self, id: StmtId) -> Result<bool> {
        if !self.jumped {
            return self.execute(id).map(|()| true);
        }
        let skipped = self.skipped()?;
        match skipped.known() {
            Some(true) => return Ok(false),
            Some(false) => self.execute(id)?,
            None => {
                let taken = self.builder.bits.negate(skipped)?;
                self.branch(taken, &mut |reader| reader.execute(id), None)?;
            }
        }
        Ok(true)
    }

    /// Where the current statement is skipped by a jump taken before.
    fn skipped(&mut self) -> Result<Bit> {
        let mut found = self.ended;
        for k in (0..self.frames.len()).rev() {
            let here = self.either(self.frames[k].left, self.frames[k].skipped)?;
            found = self.either(found, here)?;
            if self.frames[k].def {
                break;
            }
        }
        self.restricted(found)
    }

    fn restricted(&mut self, bit: Bit) -> Result<Bit> {
        self.work(self.builder.facts.len())?;
        self.builder.bits.restrict(bit, &self.builder.facts)
    }

    /// A block with a scope of its own.
    pub fn block(&mut self, body: List) -> Result<()> {
        self.deeper()?;
        let variables = self.variables.len();
        self.open_scope();
        self.run_list(body)?;
        self.close_scope(variables);
        self.back();
        Ok(())
    }

    // -- conditions --------------------------------------------------------------------------------------------------

    fn condition(&mut self, id: ExprId) -> Result<Bit> {
        let value = self.classical(id)?;
        let truth = self.truth(&value)?;
        self.restricted(truth)
    }

    pub fn conditional(&mut self, condition: ExprId, then: StmtId, otherwise: Option<StmtId>) -> Result<()> {
        let condition = self.condition(condition)?;
        let mut other = |reader: &mut Self| otherwise.map_or(Ok(()), |id| reader.execute(id));
        let other: Option<Side<'_, Self>> = otherwise.is_some().then_some(&mut other);
        self.branch(condition, &mut |reader| reader.execute(then), other)
    }

    /// An `if` outside of everything, its tokens not read yet: its sides are run as they are read, line by line.
    pub fn streamed_if(&mut self) -> Result<()> {
        self.step(self.parser.lex.start)?;
        let condition = if self.parser.two { self.parser.condition_of_two()? } else { self.parser.condition()? };
        let condition = self.condition(condition)?;
        let new = self.streamed_side(condition)?;
        let mut old = Journal::default();
        if !self.parser.two && self.parser.take_word(b"else")? {
            let other = self.builder.bits.negate(condition)?;
            old = self.streamed_side(other)?;
        }
        match condition.known() {
            None => self.merge_branches(condition, new, old),
            Some(_) => Ok(()),
        }
    }

    fn streamed_side(&mut self, condition: Bit) -> Result<Journal> {
        match condition.known() {
            None => self.under(condition, &mut |reader| reader.streamed_body()),
            Some(true) => self.streamed_body().map(|()| Journal::default()),
            Some(false) => {
                let two = self.parser.two;
                (if two { self.parser.statement().map(|_| ()) } else { self.parser.body().map(|_| ()) })?;
                Ok(Journal::default())
            }
        }
    }

    /// A block read and run line by line, or one statement.
    fn streamed_body(&mut self) -> Result<()> {
        if self.parser.two {
            return self.streamed_statement();
        }
        if !self.parser.is(Tok::OpenBrace) {
            let body = self.parser.body()?;
            return self.execute(body);
        }
        self.step(self.parser.lex.start)?;
        self.parser.enter()?;
        self.deeper()?;
        let variables = self.variables.len();
        self.open_scope();
        let mut at = self.parser.lex.end;
        loop {
            let Some(statement) = self.fast_lines(at)? else { return self.fail("the block is never closed") };
            self.parser.lex.seek(statement)?;
            if self.parser.is(Tok::CloseBrace) {
                break;
            }
            let mark = self.parser.tree.mark();
            if let Some(id) = self.parser.statement()? {
                self.run_one(id)?;
            }
            self.parser.tree.cut(mark);
            at = self.parser.lex.start;
        }
        self.parser.lex.advance()?;
        self.close_scope(variables);
        self.back();
        self.parser.leave();
        Ok(())
    }

    /// What an `if` of OpenQASM 2 stands before.
    fn streamed_statement(&mut self) -> Result<()> {
        let start = self.parser.lex.start;
        if self.parser.is(Tok::Name) {
            if let Some(next) = self.fast_line(start)? {
                return self.parser.lex.seek(next);
            }
        }
        match self.parser.statement()? {
            Some(id) => self.execute(id),
            None => self.fail("a gate, measure or reset is missing here"),
        }
    }

    /// Reads both sides of a measured condition, or the side that a known one takes.
    fn branch(&mut self, condition: Bit, then: Side<'_, Self>, otherwise: Option<Side<'_, Self>>) -> Result<()> {
        match condition.known() {
            Some(true) => return then(self),
            Some(false) => return otherwise.map_or(Ok(()), |run| run(self)),
            None => {}
        }
        if self.gate_body.is_some() {
            return self.fail("a gate that depends on a measurement");
        }
        let new = self.under(condition, then)?;
        let old = match otherwise {
            Some(run) => {
                let other = self.builder.bits.negate(condition)?;
                self.under(other, run)?
            }
            None => Journal::default(),
        };
        self.merge_branches(condition, new, old)
    }

    /// Reads under `condition`; undoes what was set and says what it was set to.
    fn under(&mut self, condition: Bit, run: Side<'_, Self>) -> Result<Journal> {
        self.journals.push(Journal::default());
        self.work(1 + self.builder.path.len() + self.builder.facts.len())?;
        self.builder.enter(condition)?;
        self.deeper_unchecked();
        run(self)?;
        self.back();
        self.builder.leave();
        let journal = self.journals.pop().unwrap_or_default();
        Ok(self.undo(journal))
    }

    pub fn switch(&mut self, target: ExprId, cases: List, default: Option<StmtId>) -> Result<()> {
        let target = self.classical(target)?;
        if target.kind.is_real() {
            return self.fail("switch takes an integer");
        }
        let mut seen = Vec::new();
        let mut chain = Vec::new();
        for k in 0..cases.len {
            let (labels, body) = self.parser.tree.cases[(cases.start + k) as usize];
            let mut hit = FALSE;
            for k in 0..labels.len {
                let number = self.integer(self.parser.tree.item(labels, k))?;
                if seen.contains(&number) {
                    return self.fail("a case given twice");
                }
                self.work(seen.len())?;
                seen.push(number);
                let same = self.compare(Binary::Same, &target, &Value::int(number))?;
                hit = self.either(hit, same)?;
            }
            chain.push((hit, body));
        }
        let mut rest = TRUE;
        for (hit, body) in chain {
            let other = self.builder.bits.negate(hit)?;
            rest = self.both(rest, other)?;
            let hit = self.restricted(hit)?;
            self.branch(hit, &mut |reader| reader.run_block(body), None)?;
        }
        if let Some(body) = default {
            let rest = self.restricted(rest)?;
            self.branch(rest, &mut |reader| reader.run_block(body), None)?;
        }
        Ok(())
    }

    fn run_block(&mut self, id: StmtId) -> Result<()> {
        match self.parser.tree.stmts[id as usize].0 {
            Stmt::Block(body) => self.block(body),
            _ => self.fail("no block"),
        }
    }

    // -- loops -------------------------------------------------------------------------------------------------------

    pub fn for_loop(&mut self, kind: Option<TypeId>, name: Sym, values: ExprId, body: StmtId) -> Result<()> {
        let kind = kind.map_or(Ok(INT), |kind| self.type_of(kind))?;
        match self.parser.tree.expr(values) {
            Expr::Range(..) => {
                let range = self.range(values, None)?;
                self.turns(kind, name, body, range.len, &mut |_, k| Ok(Value::int(Steps::get(&range, k))))
            }
            Expr::Set(items) => {
                let mut found = Vec::new();
                for k in 0..items.len {
                    found.push(self.classical(self.parser.tree.item(items, k))?);
                }
                self.turns(kind, name, body, found.len(), &mut |_, k| Ok(found[k].clone()))
            }
            _ => {
                let whole = self.classical(values)?;
                let (Word::Bit, Data::Bits(bits)) = (whole.kind.word, whole.data) else {
                    return self.fail("no range, set or register to loop over");
                };
                self.turns(kind, name, body, bits.len(), &mut |_, k| Ok(Value { kind: BIT, data: Data::Bit(bits[k]) }))
            }
        }
    }

    fn turns(
        &mut self,
        kind: Type,
        name: Sym,
        body: StmtId,
        turns: usize,
        value: &mut dyn FnMut(&mut Self, usize) -> Result<Value>,
    ) -> Result<()> {
        self.open_loop();
        self.deeper()?;
        for k in 0..turns {
            if !self.turn()? {
                break;
            }
            let variables = self.variables.len();
            self.open_scope();
            let found = value(self, k)?;
            let found = self.convert(found, kind)?;
            self.new_variable(name, kind, found.data, Storage::Variable)?;
            self.run_one(body)?;
            self.close_scope(variables);
        }
        self.frames.pop();
        self.back();
        Ok(())
    }

    fn open_loop(&mut self) {
        let start = self.builder.path.len();
        self.frames.push(Frame { def: false, start, left: FALSE, skipped: FALSE, value: None, result: None });
    }

    /// Begins a turn of a loop; false when the loop is certainly over.
    fn turn(&mut self) -> Result<bool> {
        self.step(self.builder.writer.at)?;
        if let Some(frame) = self.frames.last_mut() {
            frame.skipped = FALSE;
        }
        Ok(!self.jumped || self.skipped()? != TRUE)
    }

    pub fn while_loop(&mut self, condition: ExprId, body: StmtId) -> Result<()> {
        self.open_loop();
        while self.turn()? {
            match self.condition(condition)?.known() {
                None => return self.fail("a loop that ends by a measurement"),
                Some(false) => break,
                Some(true) => self.run_one(body)?,
            };
        }
        self.frames.pop();
        Ok(())
    }

    pub fn jump(&mut self, kind: Jump) -> Result<()> {
        if kind == Jump::End {
            let when = self.path_from(0)?;
            self.ended = self.either(self.ended, when)?;
            self.jumped = true;
            return Ok(());
        }
        let Some(frame) = self.frames.last().filter(|frame| !frame.def) else {
            return self.fail("a jump outside every loop");
        };
        let (start, left, skipped) = (frame.start, frame.left, frame.skipped);
        let when = self.path_from(start)?;
        let found = self.either(if kind == Jump::Break { left } else { skipped }, when)?;
        if let Some(frame) = self.frames.last_mut() {
            *(if kind == Jump::Break { &mut frame.left } else { &mut frame.skipped }) = found;
        }
        self.jumped = true;
        Ok(())
    }
}
