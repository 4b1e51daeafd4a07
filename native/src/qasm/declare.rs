//! Statements that bind names: libraries, registers, single qubits and bits, inputs.

use crate::circuit::NONE;

use super::names::Sym;
use super::reader::{Bits, Gate, Reader, Slot};
use super::{limits, Declined};

type Result<T> = std::result::Result<T, Declined>;

impl Reader<'_> {
    pub fn include(&mut self) -> Result<()> {
        let qelib1 = if self.take_mark(b"\"qelib1.inc\"")? {
            true
        } else if !self.two && self.take_mark(b"\"stdgates.inc\"")? {
            false
        } else {
            return self.fail("an include of another file");
        };
        self.expect(b';')?;
        if self.qelib1.is_some_and(|before| before != qelib1) {
            return self.fail("both libraries in one program");
        }
        self.qelib1 = Some(qelib1);
        for gate in &mut self.gates {
            if !matches!(gate, Gate::User(_) | Gate::Known(_)) {
                *gate = Gate::Unseen;
            }
        }
        Ok(())
    }

    /// `qreg q[2];` and `qubit[2] q;`
    pub fn qubits(&mut self, word: Sym) -> Result<()> {
        let (name, len) = self.declared(word, b"qreg")?;
        let text = self.text_of(name)?;
        let first = self.writer.allocate(text, len)?;
        self.declare(name, Slot::Qubits { first, len })
    }

    /// `creg c[2];` and `bit[2] c;`
    pub fn classical(&mut self, word: Sym) -> Result<()> {
        let (name, len) = self.declared(word, b"creg")?;
        let size = len.unwrap_or(1) as usize;
        self.declared_bits += size;
        if size > limits::EVENTS || self.declared_bits > limits::DECLARED_BITS {
            return self.fail("more classical bits than this reader takes");
        }
        self.declare(name, Slot::Bits(self.bits.len() as u32))?;
        self.bits.push(Bits { name, single: len.is_none(), events: vec![NONE; size] });
        Ok(())
    }

    /// Name and size of a declaration, its first word read; None for a single qubit or bit.
    fn declared(&mut self, word: Sym, old: &[u8]) -> Result<(Sym, Option<u32>)> {
        let found = if self.names.text(word) == old {
            let name = self.fresh_name()?;
            let Some(len) = self.index()? else { return self.fail("a register without a size") };
            (name, Some(len))
        } else if self.two {
            return self.fail("a statement of OpenQASM 3");
        } else {
            let len = self.index()?;
            (self.fresh_name()?, len)
        };
        self.expect(b';')?;
        if found.1.is_some_and(|len| len == 0) {
            return self.fail("a register of no size");
        }
        Ok(found)
    }

    /// `input float[64] a;`, its first word read. Only numbers are read here.
    pub fn input(&mut self) -> Result<()> {
        let word = self.name()?;
        let sized = match self.names.text(word) {
            b"float" => self.index()?,
            b"angle" => None,
            _ => return self.fail("an input not read here"),
        };
        if sized.is_some_and(|size| size != 64) {
            return self.fail("an input of another size");
        }
        let name = self.fresh_name()?;
        self.expect(b';')?;
        let text = self.names.text(name);
        let Some(given) = self.inputs.iter_mut().find(|given| given.name.as_bytes() == text) else {
            return self.fail("an input without a value");
        };
        given.used = true;
        let value = given.value;
        self.declare(name, Slot::Input(value))
    }
}
