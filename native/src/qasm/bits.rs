//! Classical bits: measurements into them, and conditions on them over gates.

use crate::circuit::NONE;

use super::lex::name_end;
use super::names::Sym;
use super::nodes::Target;
use super::reader::{Operand, Reader, Slot};
use super::writer::{Guard, Literal};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// Bits that are named: their place in `Reader::bits`, the first one's index, how many, and whether they are a whole
/// register.
type Named = (usize, usize, usize, bool);

impl Reader<'_> {
    fn bits_named(&mut self, name: Sym) -> Result<Named> {
        let Slot::Bits(number) = self.global(name) else { return self.fail("a name that is no bit") };
        let number = number as usize;
        let (single, len) = (self.bits[number].single, self.bits[number].events.len());
        match self.index()? {
            Some(k) if !single && (k as usize) < len => Ok((number, k as usize, 1, false)),
            None => Ok((number, 0, len, !single)),
            _ => self.fail("an index outside of its register"),
        }
    }

    /// `measure q -> c;` and `measure q;`, the first word read.
    pub fn measurement(&mut self) -> Result<()> {
        let source = self.operand()?;
        if !self.two && self.take(b';')? {
            return (0..source.len).try_for_each(|k| self.writer.measure(source.first + k, Target::NONE).map(|_| ()));
        }
        if !self.take_mark(b"->")? {
            return self.fail("a measurement not read here");
        }
        let name = self.name()?;
        let place = self.bits_named(name)?;
        self.measure_at(source, place)
    }

    /// `c = measure q;`, its name read.
    pub fn assignment(&mut self, name: Sym) -> Result<()> {
        let place = self.bits_named(name)?;
        self.expect(b'=')?;
        let word = self.name()?;
        if self.names.text(word) != b"measure" {
            return self.fail("an assignment not read here");
        }
        let source = self.operand()?;
        self.measure_at(source, place)
    }

    fn measure_at(&mut self, source: Operand, target: Named) -> Result<()> {
        self.expect(b';')?;
        let (number, start, len, whole) = target;
        if source.len as usize != len || (source.register && !whole) {
            return self.fail("measured qubits that do not fill their bits");
        }
        let (name, single) = (self.text_of(self.bits[number].name)?, self.bits[number].single);
        for k in 0..len {
            let target = Target { name, index: (!single).then_some(start + k) };
            let event = self.writer.measure(source.first + k as u32, target)?;
            self.bits[number].events[start + k] = event;
        }
        Ok(())
    }

    // -- conditions --------------------------------------------------------------------------------------------------

    /// `if (c == 3) statement`, the first word read.
    pub fn conditional(&mut self) -> Result<()> {
        self.expect(b'(')?;
        let negated = !self.two && self.take(b'!')?;
        let name = self.name()?;
        let (number, start, len, whole) = self.bits_named(name)?;
        if self.two && !whole {
            return self.fail("OpenQASM 2 compares whole registers only");
        }
        let mut value = !negated as u32;
        if !negated && self.take_mark(b"==")? {
            value = self.integer()?;
        } else if self.two || whole {
            return self.fail("a condition not read here");
        }
        self.expect(b')')?;
        if value.checked_shr(len as u32).is_some_and(|rest| rest != 0) {
            return self.fail("a comparison that never holds");
        }
        let mut literals = Vec::with_capacity(len);
        let mut never = false;
        for (k, &event) in self.bits[number].events[start..start + len].iter().enumerate() {
            let wanted = value.checked_shr(k as u32).unwrap_or(0) & 1 == 1;
            match event {
                NONE => never |= wanted,
                _ => literals.push((event, wanted)),
            }
        }
        self.work(len)?;
        literals.sort_unstable();
        let guard = if never { Guard::Never } else { self.writer.guard_of(&literals)? };
        self.branch(guard, &literals)?;
        if !self.two && self.take_word(b"else")? {
            match (guard, &literals[..]) {
                (Guard::Never, _) => self.branch(Guard::Always, &[])?,
                (Guard::Always, _) => self.branch(Guard::Never, &[])?,
                (_, &[(event, value)]) => {
                    let other = [(event, !value)];
                    let guard = self.writer.guard_of(&other)?;
                    self.branch(guard, &other)?;
                }
                _ => return self.fail("another way of a condition on several bits"),
            }
        }
        Ok(())
    }

    fn take_word(&mut self, word: &[u8]) -> Result<bool> {
        self.peek()?;
        let end = name_end(self.text, self.at);
        let found = &self.text[self.at..end] == word;
        self.at = if found { end } else { self.at };
        Ok(found)
    }

    /// One statement under a guard, or of OpenQASM 3 several in braces.
    fn branch(&mut self, guard: Guard, literals: &[Literal]) -> Result<()> {
        self.writer.set_guard(guard, literals);
        if !self.two && self.take(b'{')? {
            while !self.take(b'}')? {
                self.branch_statement()?;
            }
        } else {
            self.branch_statement()?;
        }
        self.writer.set_guard(Guard::Always, &[]);
        Ok(())
    }

    fn branch_statement(&mut self) -> Result<()> {
        self.step()?;
        let name = self.name()?;
        if self.two && self.names.text(name) == b"barrier" {
            return self.fail("a barrier under a condition");
        }
        self.operation(name)
    }
}
