//! What assignments write to: variables, bits of registers and of integers, slices of them.

use std::rc::Rc;

use super::bits::Bit;
use super::evaluate::Positions;
use super::reader::{Place, Reader, Slot, VarId};
use super::tree::{Expr, ExprId, Storage, Word};
use super::values::{bits_of, sized, Data, Type, Value, BIT};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// Something an assignment can write.
pub enum Target {
    Whole(VarId),
    /// Bits of variables; of a register, a slice or (`Type` without a size) a single one.
    Bits(Type, Rc<[Place]>),
    /// Bits of an int or uint.
    Of(VarId, Type, Vec<usize>),
}

impl Reader<'_> {
    /// Where an assignment to an expression writes.
    pub fn target(&mut self, id: ExprId) -> Result<Target> {
        match self.parser.tree.expr(id) {
            Expr::Name(name) => {
                let Slot::Variable(id) = self.find(name)? else { return self.fail("no classical variable") };
                let variable = &self.variables[id as usize];
                let fixed = matches!(variable.storage, Storage::Constant | Storage::Input);
                if fixed || variable.kind.word == Word::Qubit {
                    return self.fail("no variable that can be assigned");
                }
                if variable.kind.word == Word::Bit {
                    return Ok(Target::Bits(variable.kind, self.places(id)));
                }
                Ok(Target::Whole(id))
            }
            Expr::Index(base, items) if items.len == 1 => {
                let item = self.parser.tree.item(items, 0);
                if let Some(found) = self.element_target(base, item)? {
                    return Ok(found);
                }
                match self.target(base)? {
                    Target::Bits(kind, places) if kind.size.is_some() => match self.positions(item, places.len())? {
                        Positions::One(at) => Ok(Target::Bits(BIT, Rc::new([places[at]]))),
                        Positions::Many(chosen) => {
                            let kind = sized(Word::Bit, chosen.len() as u32);
                            Ok(Target::Bits(kind, chosen.iter().map(|&at| places[at]).collect()))
                        }
                    },
                    Target::Whole(id) if self.variables[id as usize].kind.is_integer() => {
                        let width = self.variables[id as usize].kind.width() as usize;
                        match self.positions(item, width)? {
                            Positions::One(at) => Ok(Target::Of(id, BIT, vec![at])),
                            Positions::Many(chosen) => {
                                Ok(Target::Of(id, sized(Word::Bit, chosen.len() as u32), chosen))
                            }
                        }
                    }
                    _ => self.fail("no element that can be assigned"),
                }
            }
            _ => self.fail("only variables and their elements can be assigned"),
        }
    }

    /// An element of a plain register, without a list of the whole.
    fn element_target(&mut self, base: ExprId, item: ExprId) -> Result<Option<Target>> {
        let Expr::Name(name) = self.parser.tree.expr(base) else { return Ok(None) };
        let Slot::Variable(id) = self.find(name)? else { return Ok(None) };
        let variable = &self.variables[id as usize];
        let Data::Bits(bits) = &variable.data else { return Ok(None) };
        if variable.storage == Storage::Constant || variable.kind.word != Word::Bit {
            return Ok(None);
        }
        Ok(Some(match self.positions(item, bits.len())? {
            Positions::One(at) => Target::Bits(BIT, Rc::new([(id, at as i32)])),
            Positions::Many(chosen) => {
                let kind = sized(Word::Bit, chosen.len() as u32);
                Target::Bits(kind, chosen.iter().map(|&at| (id, at as i32)).collect())
            }
        }))
    }

    /// What an assignment would overwrite.
    pub fn read_target(&mut self, target: &Target) -> Result<Value> {
        match target {
            Target::Whole(id) => self.read(*id),
            Target::Bits(kind, places) => {
                self.work(places.len())?;
                let bits: Vec<Bit> = places.iter().map(|&place| self.bit_at(place)).collect();
                let data = if kind.size.is_none() { Data::Bit(bits[0]) } else { Data::Bits(bits) };
                Ok(Value { kind: *kind, data })
            }
            Target::Of(id, kind, chosen) => {
                let whole = self.read(*id)?;
                let bits = bits_of(&whole, whole.kind.width());
                let chosen: Vec<Bit> = chosen.iter().map(|&at| bits[at]).collect();
                let data = if kind.size.is_none() { Data::Bit(chosen[0]) } else { Data::Bits(chosen) };
                Ok(Value { kind: *kind, data })
            }
        }
    }

    /// The bits behind a bit, register or alias.
    pub fn places(&self, id: VarId) -> Rc<[Place]> {
        let variable = &self.variables[id as usize];
        match (&variable.places, &variable.data) {
            (Some(places), _) => places.clone(),
            (None, Data::Bits(bits)) => (0..bits.len() as i32).map(|at| (id, at)).collect(),
            _ => Rc::new([(id, -1)]),
        }
    }
}
