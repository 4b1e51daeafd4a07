//! Setting variables, and what a branch of a measured condition does to them: it remembers what it overwrote, and at its
//! end each variable holds a selection between the values of both sides.

use std::collections::HashMap;

use super::bits::{Bit, FALSE};
use super::places::Target;
use super::reader::{Place, Reader};
use super::values::{bits_of, Data, Type, Value, BIT};
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

/// What a branch has overwritten, in order: the place (-1: the whole variable) and the data before.
#[derive(Default)]
pub struct Journal {
    entries: Vec<(Place, Data)>,
    numbers: HashMap<Place, usize>,
}

impl Journal {
    fn first(&mut self, place: Place, data: impl FnOnce() -> Data) {
        let next = self.entries.len();
        if *self.numbers.entry(place).or_insert(next) == next {
            self.entries.push((place, data()));
        }
    }
}

impl Reader<'_> {
    /// Undoes what a branch has set; the journal then says what it was set to.
    pub fn undo(&mut self, mut journal: Journal) -> Journal {
        for (place, data) in &mut journal.entries {
            let written = self.data_at(*place);
            self.put(*place, std::mem::replace(data, written));
        }
        journal
    }

    /// Each variable that a side has set holds a selection between the values of both.
    pub fn merge_branches(&mut self, condition: Bit, new: Journal, old: Journal) -> Result<()> {
        let only_old = old.entries.iter().filter(|entry| !new.numbers.contains_key(&entry.0));
        let places: Vec<Place> = new.entries.iter().chain(only_old).map(|entry| entry.0).collect();
        for place in places {
            let of = |journal: &Journal| journal.numbers.get(&place).map(|&k| journal.entries[k].1.clone());
            let first = of(&new).unwrap_or_else(|| self.data_at(place));
            let second = of(&old).unwrap_or_else(|| self.data_at(place));
            let kind = if place.1 < 0 { self.variables[place.0 as usize].kind } else { BIT };
            let merged = self.merge_data(kind, condition, first, second)?;
            self.store_at(place, merged)?;
        }
        Ok(())
    }

    pub fn write(&mut self, target: Target, data: Data) -> Result<()> {
        match (target, data) {
            (Target::Whole(id), data) => self.store_at((id, -1), data),
            (Target::Bits(kind, places), Data::Bit(bit)) if kind.size.is_none() => {
                self.store_at(places[0], Data::Bit(bit))
            }
            (Target::Bits(_, places), Data::Bits(bits)) if places.len() == bits.len() => {
                self.work(bits.len())?;
                places.iter().zip(bits).try_for_each(|(&place, bit)| self.store_at(place, Data::Bit(bit)))
            }
            (Target::Of(id, _, places), data) => {
                let kind = self.variables[id as usize].kind;
                let whole = self.read(id)?;
                let mut bits = bits_of(&whole, kind.width());
                match data {
                    Data::Bit(bit) => bits[places[0]] = bit,
                    Data::Bits(new) => places.iter().zip(new).for_each(|(&at, bit)| bits[at] = bit),
                    _ => return self.fail("no bits"),
                }
                let data = self.number_of(bits, kind)?;
                self.store_at((id, -1), data)
            }
            _ => self.fail("a value of another size"),
        }
    }

    fn data_at(&self, (id, at): Place) -> Data {
        match &self.variables[id as usize].data {
            Data::Bits(bits) if at >= 0 => Data::Bit(bits[at as usize]),
            data => data.clone(),
        }
    }

    fn put(&mut self, (id, at): Place, data: Data) {
        match (&mut self.variables[id as usize].data, data) {
            (Data::Bits(bits), Data::Bit(bit)) if at >= 0 => bits[at as usize] = bit,
            (slot, data) => *slot = data,
        }
    }

    /// Sets a place; a branch of a measured condition remembers what it held before.
    #[inline]
    pub fn store_at(&mut self, place: Place, data: Data) -> Result<()> {
        if self.variables[place.0 as usize].depth < self.journals.len() {
            let before = self.data_at(place);
            if let Some(journal) = self.journals.last_mut() {
                journal.first(place, || before);
            }
        }
        self.put(place, data);
        Ok(())
    }

    /// Data that is `new` where `when` holds, else `old`; `Split` where no logic can say so. A number not set before
    /// reads 0 in the branch that does not set it.
    pub fn merge_data(&mut self, kind: Type, when: Bit, new: Data, old: Data) -> Result<Data> {
        if new == old {
            return Ok(new);
        }
        if matches!(new, Data::Split) || matches!(old, Data::Split) {
            return Ok(Data::Split);
        }
        if kind.is_integer() {
            let set = |data| if data == Data::Unset { Data::Int(0) } else { data };
            let [x, y] = [new, old].map(|data| bits_of(&Value { kind, data: set(data) }, kind.width()));
            let merged = self.merge_all(when, &x, &y)?;
            return self.number_of(merged, kind);
        }
        match (new, old) {
            (Data::Bits(x), Data::Bits(y)) if x.len() == y.len() => Ok(Data::Bits(self.merge_all(when, &x, &y)?)),
            (new @ (Data::Bit(_) | Data::Unset), old @ (Data::Bit(_) | Data::Unset)) => {
                let bit = |data| if let Data::Bit(bit) = data { bit } else { FALSE };
                Ok(Data::Bit(self.builder.merge(when, bit(new), bit(old))?))
            }
            _ => Ok(Data::Split),
        }
    }

    fn merge_all(&mut self, when: Bit, x: &[Bit], y: &[Bit]) -> Result<Vec<Bit>> {
        self.work(4 * x.len())?;
        x.iter().zip(y).map(|(&x, &y)| self.builder.merge(when, x, y)).collect()
    }
}
