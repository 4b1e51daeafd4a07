//! Parities of symbols: what is known of a random bit while a circuit is compiled.
//!
//! A symbol is a packed column over shots (an outcome, a coin, an error, the value of a condition); a form is the
//! exclusive or of some of them. Forms are short: `Compiler::shorten` makes a new symbol of a long one.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Ascending, without repeats.
    pub symbols: Vec<u32>,
    pub flip: bool,
}

impl Form {
    pub fn of(symbol: u32) -> Form {
        Form { symbols: vec![symbol], flip: false }
    }

    pub fn constant(flip: bool) -> Form {
        Form { symbols: Vec::new(), flip }
    }

    pub fn is_constant(&self) -> bool {
        self.symbols.is_empty()
    }

    pub fn add(&mut self, other: &Form) {
        self.flip ^= other.flip;
        self.add_symbols(&other.symbols);
    }

    pub fn add_symbols(&mut self, other: &[u32]) {
        if other.is_empty() {
            return;
        }
        if self.symbols.is_empty() {
            self.symbols.extend_from_slice(other);
            return;
        }
        if let [one] = other {
            match self.symbols.binary_search(one) {
                Ok(at) => drop(self.symbols.remove(at)),
                Err(at) => self.symbols.insert(at, *one),
            }
            return;
        }
        let mine = std::mem::take(&mut self.symbols);
        let (mut a, mut b) = (mine.as_slice(), other);
        self.symbols.reserve(a.len() + b.len());
        while let (Some(&left), Some(&right)) = (a.first(), b.first()) {
            if left <= right {
                a = &a[1..];
            }
            if right <= left {
                b = &b[1..];
            }
            if left != right {
                self.symbols.push(left.min(right));
            }
        }
        self.symbols.extend_from_slice(a);
        self.symbols.extend_from_slice(b);
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn equal_symbols_cancel() {
        let mut form = Form { symbols: vec![1, 4, 9], flip: true };
        form.add(&Form { symbols: vec![0, 4, 7, 9], flip: true });
        assert_eq!(form, Form { symbols: vec![0, 1, 7], flip: false });
        form.add_symbols(&[7]);
        form.add_symbols(&[0, 1]);
        assert!(form.is_constant());
    }
}
