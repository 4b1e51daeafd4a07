//! Boolean functions of measured bits: what a classical bit holds while a program is read.
//!
//! A bit is a truth table over at most six events, or a conjunction of more than six literals, or the negation of one.
//! Tables are canonical (inputs sorted, none without effect) and each is kept once, so equal functions of up to six
//! events are equal numbers. Constants and single events need no table.

use std::collections::HashMap;
use std::rc::Rc;

use super::Declined;

/// Inputs of one table.
pub const WIDTH: usize = 6;
/// Most tables, and most literals of wide conjunctions, that one program may need.
const KEPT: usize = 2_000_000;
const KEPT_LITERALS: usize = 16_000_000;

/// Two low bits: 0 a constant, 1 a kept form, 2 an event, 3 a negated event; the number is above them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bit(u32);

pub const FALSE: Bit = Bit(0);
pub const TRUE: Bit = Bit(4);

/// (event, value)
pub type Literal = (u32, bool);

/// Bit k of `rows` is the value where `inputs[i]` is bit i of k.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    pub inputs: [u32; WIDTH],
    pub len: u8,
    pub rows: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Form {
    Table(Table),
    /// All of the literals (sorted) hold; negated: not all of them do.
    Cube(Rc<[Literal]>, bool),
}

impl Bit {
    pub fn constant(value: bool) -> Bit {
        if value {
            TRUE
        } else {
            FALSE
        }
    }

    pub fn event(event: u32) -> Bit {
        Bit(event << 2 | 2)
    }

    pub fn literal((event, value): Literal) -> Bit {
        Bit(event << 2 | 2 | !value as u32)
    }

    #[inline]
    pub fn known(self) -> Option<bool> {
        (self.0 & 3 == 0).then_some(self.0 != 0)
    }

    /// The event and value, when the bit is one literal.
    #[inline]
    pub fn as_literal(self) -> Option<Literal> {
        (self.0 & 2 != 0).then_some((self.0 >> 2, self.0 & 1 == 0))
    }

    /// The event that the bit is.
    pub fn as_event(self) -> Option<u32> {
        (self.0 & 3 == 2).then_some(self.0 >> 2)
    }
}

impl Table {
    pub fn inputs(&self) -> &[u32] {
        &self.inputs[..self.len as usize]
    }

    fn constant(value: bool) -> Table {
        Table { inputs: [0; WIDTH], len: 0, rows: value as u64 }
    }

    fn mask(len: usize) -> u64 {
        u64::MAX >> (64 - (1u32 << len))
    }

    fn negated(mut self) -> Table {
        self.rows ^= Table::mask(self.len as usize);
        self
    }

    /// The tables over the other inputs where input `place` is 0, and where it is 1.
    fn cofactors(&self, place: usize) -> [u64; 2] {
        let mut out = [0u64; 2];
        for k in 0..1usize << (self.len - 1) {
            let row = (k >> place << (place + 1)) | (k & ((1 << place) - 1));
            out[0] |= (self.rows >> row & 1) << k;
            out[1] |= (self.rows >> (row | 1 << place) & 1) << k;
        }
        out
    }

    fn without(&self, place: usize, rows: u64) -> Table {
        let mut out = Table { inputs: [0; WIDTH], len: self.len - 1, rows };
        let rest = self.inputs().iter().enumerate().filter(|(k, _)| *k != place);
        out.inputs.iter_mut().zip(rest).for_each(|(slot, (_, &event))| *slot = event);
        out
    }

    /// Without the inputs that have no effect.
    fn canonical(mut self) -> Table {
        let mut place = 0;
        while place < self.len as usize {
            let [low, high] = self.cofactors(place);
            if low == high {
                self = self.without(place, low);
            } else {
                place += 1;
            }
        }
        self
    }

    /// The rows over `inputs`, among which this table's own are.
    fn widened(&self, inputs: &[u32]) -> u64 {
        let mut places = [0usize; WIDTH];
        for (slot, event) in places.iter_mut().zip(self.inputs()) {
            *slot = inputs.iter().position(|e| e == event).expect("an input of the union");
        }
        let mut out = 0;
        for k in 0..1usize << inputs.len() {
            let row = places[..self.len as usize]
                .iter()
                .enumerate()
                .fold(0, |row, (own, place)| row | (k >> place & 1) << own);
            out |= (self.rows >> row & 1) << k;
        }
        out
    }

    fn literals(&self) -> Option<Vec<Literal>> {
        if !self.rows.is_power_of_two() {
            return None;
        }
        let row = self.rows.trailing_zeros();
        Some(self.inputs().iter().enumerate().map(|(place, &event)| (event, row >> place & 1 == 1)).collect())
    }
}

/// Makes, once each, the events that hold the values of tables.
pub trait Events {
    fn event(&mut self, table: Table) -> Result<u32, Declined>;
}

/// Every form in use.
#[derive(Default)]
pub struct Bits {
    forms: Vec<Form>,
    numbers: HashMap<Form, u32>,
    literals: usize,
}

impl Bits {
    fn keep(&mut self, form: Form) -> Result<Bit, Declined> {
        if let Some(&number) = self.numbers.get(&form) {
            return Ok(Bit(number << 2 | 1));
        }
        if let Form::Cube(literals, _) = &form {
            self.literals += literals.len();
        }
        if self.forms.len() >= KEPT || self.literals > KEPT_LITERALS {
            return Err(Declined::at(0, "more classical logic than this reader takes"));
        }
        let number = self.forms.len() as u32;
        self.forms.push(form.clone());
        self.numbers.insert(form, number);
        Ok(Bit(number << 2 | 1))
    }

    fn of_table(&mut self, table: Table) -> Result<Bit, Declined> {
        match (table.len, table.rows) {
            (0, rows) => Ok(Bit::constant(rows == 1)),
            (1, rows) => Ok(Bit::literal((table.inputs[0], rows == 0b10))),
            _ => self.keep(Form::Table(table)),
        }
    }

    /// A canonical table as a bit.
    pub fn keep_table(&mut self, table: Table) -> Result<Bit, Declined> {
        self.of_table(table)
    }

    /// The table of a bit that is no wide conjunction.
    fn table(&self, bit: Bit) -> Option<Table> {
        if let Some(value) = bit.known() {
            return Some(Table::constant(value));
        }
        if let Some((event, value)) = bit.as_literal() {
            let mut inputs = [0; WIDTH];
            inputs[0] = event;
            return Some(Table { inputs, len: 1, rows: if value { 0b10 } else { 0b01 } });
        }
        match &self.forms[(bit.0 >> 2) as usize] {
            Form::Table(table) => Some(*table),
            Form::Cube(..) => None,
        }
    }

    pub fn negate(&mut self, bit: Bit) -> Result<Bit, Declined> {
        match bit.0 & 3 {
            0 => Ok(Bit(bit.0 ^ 4)),
            1 => {
                let form = match &self.forms[(bit.0 >> 2) as usize] {
                    Form::Table(table) => Form::Table(table.negated()),
                    Form::Cube(literals, negated) => Form::Cube(literals.clone(), !negated),
                };
                self.keep(form)
            }
            _ => Ok(Bit(bit.0 ^ 1)),
        }
    }

    /// The literals, sorted, when `bit` is a conjunction of literals (TRUE: none of them).
    pub fn conjunction(&self, bit: Bit) -> Option<Vec<Literal>> {
        if let Some(literal) = bit.as_literal() {
            return Some(vec![literal]);
        }
        match self.table(bit) {
            Some(table) => table.literals(),
            None => match &self.forms[(bit.0 >> 2) as usize] {
                Form::Cube(literals, false) => Some(literals.to_vec()),
                _ => None,
            },
        }
    }

    /// The conjunction of `literals`; contradictory ones give FALSE.
    pub fn all_of(&mut self, mut literals: Vec<Literal>) -> Result<Bit, Declined> {
        literals.sort_unstable();
        literals.dedup();
        if literals.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Ok(FALSE);
        }
        if literals.len() > WIDTH {
            return self.keep(Form::Cube(literals.into(), false));
        }
        let mut table = Table { inputs: [0; WIDTH], len: literals.len() as u8, rows: 0 };
        let mut row = 0;
        for (place, (event, value)) in literals.into_iter().enumerate() {
            table.inputs[place] = event;
            row |= (value as u32) << place;
        }
        table.rows = 1 << row;
        self.of_table(table)
    }

    /// `bit` where the events in `facts` are known; the last fact of an event holds.
    pub fn restrict(&mut self, bit: Bit, facts: &[Literal]) -> Result<Bit, Declined> {
        if facts.is_empty() || bit.known().is_some() {
            return Ok(bit);
        }
        let fact = |event: u32| facts.iter().rev().find(|fact| fact.0 == event).map(|fact| fact.1);
        if let Some(mut table) = self.table(bit) {
            for &event in self.table(bit).iter().flat_map(|table| table.inputs()) {
                let place = table.inputs().iter().position(|&e| e == event);
                if let (Some(value), Some(place)) = (fact(event), place) {
                    let half = table.cofactors(place)[value as usize];
                    table = table.without(place, half).canonical();
                }
            }
            return self.of_table(table);
        }
        let Form::Cube(literals, negated) = self.forms[(bit.0 >> 2) as usize].clone() else { return Ok(bit) };
        if literals.iter().any(|&(event, value)| fact(event).is_some_and(|known| known != value)) {
            return Ok(Bit::constant(negated));
        }
        let rest = self.all_of(literals.iter().copied().filter(|literal| fact(literal.0).is_none()).collect())?;
        if negated {
            self.negate(rest)
        } else {
            Ok(rest)
        }
    }

    /// `bit` as a table: a wide conjunction is folded six literals at a time.
    pub fn small(&mut self, bit: Bit, events: &mut impl Events) -> Result<Table, Declined> {
        if let Some(table) = self.table(bit) {
            return Ok(table);
        }
        let Form::Cube(literals, negated) = self.forms[(bit.0 >> 2) as usize].clone() else {
            return Ok(Table::constant(false));
        };
        let mut literals = std::collections::VecDeque::from(literals.to_vec());
        while literals.len() > WIDTH {
            let first: Vec<Literal> = literals.drain(..WIDTH).collect();
            let folded = self.all_of(first)?;
            let folded = self.small(folded, events)?;
            literals.push_back((events.event(folded)?, true));
        }
        let folded = self.all_of(literals.into())?;
        let folded = if negated { self.negate(folded)? } else { folded };
        self.small(folded, events)
    }

    /// An event that holds `bit`.
    pub fn single(&mut self, bit: Bit, events: &mut impl Events) -> Result<u32, Declined> {
        if let Some(event) = bit.as_event() {
            return Ok(event);
        }
        let table = self.small(bit, events)?;
        match (table.len, table.rows) {
            (1, 0b10) => Ok(table.inputs[0]),
            _ => events.event(table),
        }
    }

    /// The bits as rows over one list of at most six inputs, the largest written to events where needed.
    fn together<const N: usize>(
        &mut self,
        bits: [Bit; N],
        events: &mut impl Events,
    ) -> Result<(Table, [u64; N]), Declined> {
        let mut tables = [Table::constant(false); N];
        for (slot, bit) in tables.iter_mut().zip(bits) {
            *slot = self.small(bit, events)?;
        }
        loop {
            let mut union: Vec<u32> = tables.iter().flat_map(|table| table.inputs().iter().copied()).collect();
            union.sort_unstable();
            union.dedup();
            if union.len() <= WIDTH {
                let mut whole = Table { inputs: [0; WIDTH], len: union.len() as u8, rows: 0 };
                whole.inputs[..union.len()].copy_from_slice(&union);
                return Ok((whole, tables.map(|table| table.widened(&union))));
            }
            let widest = (0..N).rev().max_by_key(|&k| tables[k].len).expect("some tables");
            let event = events.event(tables[widest])?;
            tables[widest] = self.table(Bit::event(event)).expect("an event has a table");
        }
    }

    pub fn both(&mut self, a: Bit, b: Bit, events: &mut impl Events) -> Result<Bit, Declined> {
        match (a.known(), b.known()) {
            (Some(value), _) => return Ok(if value { b } else { FALSE }),
            (_, Some(value)) => return Ok(if value { a } else { FALSE }),
            _ => {}
        }
        if let (Some(mut left), Some(right)) = (self.conjunction(a), self.conjunction(b)) {
            left.extend(right);
            return self.all_of(left);
        }
        let (mut whole, [x, y]) = self.together([a, b], events)?;
        whole.rows = x & y;
        self.of_table(whole.canonical())
    }

    pub fn either(&mut self, a: Bit, b: Bit, events: &mut impl Events) -> Result<Bit, Declined> {
        let (a, b) = (self.negate(a)?, self.negate(b)?);
        let neither = self.both(a, b, events)?;
        self.negate(neither)
    }

    pub fn differ(&mut self, a: Bit, b: Bit, events: &mut impl Events) -> Result<Bit, Declined> {
        match (a.known(), b.known()) {
            (Some(value), _) => return if value { self.negate(b) } else { Ok(b) },
            (_, Some(value)) => return if value { self.negate(a) } else { Ok(a) },
            _ => {}
        }
        let (mut whole, [x, y]) = self.together([a, b], events)?;
        whole.rows = x ^ y;
        self.of_table(whole.canonical())
    }

    /// The conjunction of `bits`.
    pub fn all(&mut self, bits: &[Bit], events: &mut impl Events) -> Result<Bit, Declined> {
        let mut found = Conjunction::default();
        for &bit in bits {
            found.push(bit, self, events)?;
        }
        found.end(self)
    }

    /// `when_true` where `chooser` holds, else `when_false`.
    pub fn select(
        &mut self,
        chooser: Bit,
        when_true: Bit,
        when_false: Bit,
        events: &mut impl Events,
    ) -> Result<Bit, Declined> {
        if let Some(value) = chooser.known() {
            return Ok(if value { when_true } else { when_false });
        }
        if when_true == when_false {
            return Ok(when_true);
        }
        if when_false == FALSE {
            return self.both(chooser, when_true, events);
        }
        if when_true == FALSE {
            let other = self.negate(chooser)?;
            return self.both(other, when_false, events);
        }
        let (mut whole, [c, t, f]) = self.together([chooser, when_true, when_false], events)?;
        whole.rows = c & t | !c & f & Table::mask(whole.len as usize);
        self.of_table(whole.canonical())
    }

    // -- numbers as lists of bits, least significant first -------------------------------------------------------------

    pub fn equal(&mut self, a: &[Bit], b: &[Bit], events: &mut impl Events) -> Result<Bit, Declined> {
        let mut found = Conjunction::default();
        for (&x, &y) in a.iter().zip(b) {
            let differs = self.differ(x, y, events)?;
            let same = self.negate(differs)?;
            found.push(same, self, events)?;
        }
        found.end(self)
    }

    /// a < b, both of one width.
    pub fn less(&mut self, a: &[Bit], b: &[Bit], signed: bool, events: &mut impl Events) -> Result<Bit, Declined> {
        let mut found = FALSE;
        for (k, (&x, &y)) in a.iter().zip(b).enumerate() {
            let (mut x, mut y) = (x, y);
            if signed && k + 1 == a.len() {
                (x, y) = (self.negate(x)?, self.negate(y)?);
            }
            let differs = self.differ(x, y, events)?;
            found = self.select(differs, y, found, events)?;
        }
        Ok(found)
    }

    /// a + b + carry, modulo two to the width.
    pub fn add(
        &mut self,
        a: &[Bit],
        b: &[Bit],
        mut carry: Bit,
        events: &mut impl Events,
    ) -> Result<Vec<Bit>, Declined> {
        let mut out = Vec::with_capacity(a.len());
        for (&x, &y) in a.iter().zip(b) {
            let half = self.differ(x, y, events)?;
            out.push(self.differ(half, carry, events)?);
            carry = self.select(half, carry, x, events)?;
        }
        Ok(out)
    }
}

/// A conjunction that grows: literals are gathered, so that many of them cost linear time.
#[derive(Default)]
struct Conjunction {
    literals: Vec<Literal>,
    found: Option<Bit>,
}

impl Conjunction {
    fn push(&mut self, bit: Bit, bits: &mut Bits, events: &mut impl Events) -> Result<(), Declined> {
        if let (None, Some(literal)) = (self.found, bit.as_literal()) {
            self.literals.push(literal);
        } else if bit != TRUE {
            let so_far = match self.found {
                Some(found) => found,
                None => bits.all_of(std::mem::take(&mut self.literals))?,
            };
            self.found = Some(bits.both(so_far, bit, events)?);
        }
        Ok(())
    }

    fn end(self, bits: &mut Bits) -> Result<Bit, Declined> {
        self.found.map_or_else(|| bits.all_of(self.literals), Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives each table the next number from 100 on, and remembers it.
    #[derive(Default)]
    struct Written(Vec<Table>);

    impl Events for Written {
        fn event(&mut self, table: Table) -> Result<u32, Declined> {
            let at = self.0.iter().position(|known| *known == table).unwrap_or_else(|| {
                self.0.push(table);
                self.0.len() - 1
            });
            Ok(100 + at as u32)
        }
    }

    fn value(bits: &Bits, written: &Written, bit: Bit, events: u32) -> bool {
        let event = |number: u32| match number.checked_sub(100) {
            None => events >> number & 1 == 1,
            Some(at) => {
                let table = written.0[at as usize];
                let row = table.inputs().iter().enumerate().fold(0, |row, (k, &e)| row | (events >> e & 1) << k);
                table.rows >> row & 1 == 1
            }
        };
        match bits.table(bit) {
            Some(table) => {
                let row = table.inputs().iter().enumerate().fold(0, |row, (k, &e)| row | (event(e) as u32) << k);
                table.rows >> row & 1 == 1
            }
            None => match &bits.forms[(bit.0 >> 2) as usize] {
                Form::Cube(literals, negated) => literals.iter().all(|&(e, v)| event(e) == v) != *negated,
                Form::Table(_) => unreachable!("tables were looked at before"),
            },
        }
    }

    #[test]
    fn operations_agree_with_their_values_on_every_assignment() {
        let (mut bits, mut written) = (Bits::default(), Written::default());
        let mut pool: Vec<Bit> = (0..9).map(Bit::event).chain([FALSE, TRUE]).collect();
        let mut dice = crate::dice::Dice::new(7, &[]);
        for _ in 0..400 {
            let mut pick = || pool[dice.below(pool.len() as u64) as usize];
            let (a, b, c) = (pick(), pick(), pick());
            let both = bits.both(a, b, &mut written).unwrap();
            let differ = bits.differ(a, b, &mut written).unwrap();
            let chosen = bits.select(a, b, c, &mut written).unwrap();
            let not = bits.negate(a).unwrap();
            if written.0.iter().any(|table| table.inputs().iter().any(|&event| event >= 100)) {
                break; // events of events: the values below know one level
            }
            for events in 0..1 << 9 {
                let [x, y, z] = [a, b, c].map(|bit| value(&bits, &written, bit, events));
                assert_eq!(value(&bits, &written, both, events), x && y);
                assert_eq!(value(&bits, &written, differ, events), x != y);
                assert_eq!(value(&bits, &written, chosen, events), if x { y } else { z });
                assert_eq!(value(&bits, &written, not, events), !x);
            }
            pool.extend([both, differ, chosen, not]);
        }
    }

    #[test]
    fn equal_functions_of_few_events_are_equal_bits() {
        let (mut bits, mut written) = (Bits::default(), Written::default());
        let (a, b) = (Bit::event(3), Bit::event(1));
        let left = bits.both(a, b, &mut written).unwrap();
        let (x, y) = (bits.negate(a).unwrap(), bits.negate(b).unwrap());
        let neither = bits.either(x, y, &mut written).unwrap();
        assert_eq!(bits.negate(neither).unwrap(), left);
        assert_eq!(bits.differ(left, left, &mut written).unwrap(), FALSE);
        assert_eq!(bits.restrict(left, &[(1, true)]).unwrap(), a);
        assert_eq!(bits.restrict(left, &[(3, false)]).unwrap(), FALSE);
        assert!(written.0.is_empty());
    }
}
