//! Fewer T gates among rotations that commute, by duplication over the symmetric 3-tensor (Heyfron and Campbell,
//! arXiv:1712.01557; in the form of Vandaele, arXiv:2407.08695).
//!
//! Rotations by odd multiples of pi/4 about products of commuting operators are columns of bits: which generators each is
//! made of. Up to Clifford operations, only the parities of the counts of columns that hold any three generators
//! matter. They stay when a vector z is added to the columns of a set y for which the matrix sum of c c^T over the
//! columns c of y is z w^T + w z^T for some w (and z itself is added to the columns, if y has an odd number of them). Two
//! columns that become equal, or one that becomes zero, are gone. So z is taken from the differences of columns.

/// Columns of at most 128 generators.
pub type Column = u128;

/// Vectors of bits, and the sums of columns that they are: bits of the matrix, then those of y.
type Row = Box<[u64]>;

fn add(row: &mut [u64], other: &[u64]) {
    row.iter_mut().zip(other).for_each(|(a, b)| *a ^= b);
}

fn has(row: &[u64], bit: usize) -> bool {
    row[bit / 64] >> (bit % 64) & 1 == 1
}

fn flip(row: &mut [u64], bit: usize) {
    row[bit / 64] ^= 1 << (bit % 64);
}

/// Rows reduced to distinct leading bits, among the first `words`.
struct Echelon {
    words: usize,
    rows: Vec<Row>,
    /// Of each leading bit, the number of its row, or `NO_ROW`.
    by_lead: Vec<u32>,
}

const NO_ROW: u32 = u32::MAX;

impl Echelon {
    fn new(words: usize) -> Echelon {
        Echelon { words, rows: Vec::new(), by_lead: vec![NO_ROW; 64 * words] }
    }

    /// Reduces a row, and gives the first bit that is left of the first words.
    fn reduce(&self, row: &mut [u64]) -> Option<usize> {
        let mut first = None;
        for word in 0..self.words {
            let mut left = row[word];
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                match self.by_lead[64 * word + bit] {
                    NO_ROW => first = first.or(Some(64 * word + bit)),
                    at => add(row, &self.rows[at as usize]),
                }
                left = row[word] & (u64::MAX << bit) & !(1 << bit);
            }
        }
        first
    }

    /// Adds a row; gives it back if the others make it.
    fn push(&mut self, mut row: Row) -> Option<Row> {
        match self.reduce(&mut row) {
            Some(bit) => {
                self.by_lead[bit] = self.rows.len() as u32;
                self.rows.push(row);
                None
            }
            None => Some(row),
        }
    }
}

struct Search {
    /// Generators.
    n: usize,
    /// In ascending order.
    columns: Vec<Column>,
    /// Words of a matrix, and of the whole of a row.
    matrix: usize,
    words: usize,
    /// For each cell of a matrix, what is left of the matrix that has only this cell, and the columns that make the rest.
    cells: Vec<Row>,
    /// Sets whose matrix is zero: any z will do.
    free: Vec<Row>,
}

impl Search {
    fn new(n: usize, columns: Vec<Column>) -> Search {
        let matrix = (n * (n + 1) / 2).div_ceil(64);
        let words = matrix + columns.len().div_ceil(64);
        let mut search = Search { n, columns, matrix, words, cells: Vec::new(), free: Vec::new() };
        let mut echelon = Echelon::new(matrix);
        for (at, &column) in search.columns.iter().enumerate() {
            let mut row = search.empty();
            for a in (0..n).filter(|a| column >> a & 1 == 1) {
                (a..n).filter(|b| column >> b & 1 == 1).for_each(|b| flip(&mut row, search.cell(a, b)));
            }
            flip(&mut row, matrix * 64 + at);
            search.free.extend(echelon.push(row));
        }
        for cell in 0..n * (n + 1) / 2 {
            let mut row = search.empty();
            flip(&mut row, cell);
            echelon.reduce(&mut row);
            search.cells.push(row);
        }
        search
    }

    fn empty(&self) -> Row {
        vec![0; self.words].into_boxed_slice()
    }

    fn cell(&self, a: usize, b: usize) -> usize {
        let (a, b) = (a.min(b), a.max(b));
        a * (2 * self.n + 1 - a) / 2 + b - a
    }

    /// Sets of columns that z may be added to.
    fn sets(&self, z: Column) -> Vec<Row> {
        let mut left = Echelon::new(self.matrix);
        let mut found = Vec::new();
        for w in 0..self.n {
            let mut row = self.empty();
            let others = (0..self.n).filter(|&a| a != w && z >> a & 1 == 1);
            others.for_each(|a| add(&mut row, &self.cells[self.cell(a, w)]));
            found.extend(left.push(row).filter(|row| row[self.matrix..].iter().any(|&word| word != 0)));
        }
        found.extend(self.free.iter().cloned());
        found
    }

    fn in_set(&self, set: &[u64], at: usize) -> bool {
        has(set, self.matrix * 64 + at)
    }

    fn is_odd(&self, set: &[u64]) -> bool {
        set[self.matrix..].iter().map(|word| word.count_ones()).sum::<u32>() % 2 == 1
    }

    fn place(&self, column: Column) -> Option<usize> {
        self.columns.binary_search(&column).ok()
    }

    /// Columns that go where z is added to those of a set. `pairs`: of columns that differ by z; `own`: the column z.
    fn gain(&self, set: &[u64], pairs: &[(usize, usize)], own: Option<usize>) -> i64 {
        let apart = pairs.iter().filter(|&&(i, j)| self.in_set(set, i) != self.in_set(set, j)).count() as i64;
        let odd = self.is_odd(set);
        2 * apart
            + match own {
                Some(k) => (self.in_set(set, k) != odd) as i64,
                None => -(odd as i64),
            }
    }

    /// The set that gains most for z, from the basis and from sums of two; None if all lose.
    fn best_set(&self, z: Column) -> Option<(i64, Row)> {
        let sets = self.sets(z);
        if sets.is_empty() {
            return None;
        }
        let partner = |(i, &column): (usize, &Column)| self.place(column ^ z).filter(|&j| i < j).map(|j| (i, j));
        let pairs: Vec<(usize, usize)> = self.columns.iter().enumerate().filter_map(partner).collect();
        let own = self.place(z);
        let mut best: Option<(i64, Row)> = None;
        let mut look = |set: Row| {
            let gain = self.gain(&set, &pairs, own);
            if gain >= 0 && best.as_ref().is_none_or(|(most, _)| gain > *most) {
                best = Some((gain, set));
            }
        };
        for (at, set) in sets.iter().enumerate() {
            look(set.clone());
            for other in sets[..at].iter().take(SUMS) {
                let mut sum = set.clone();
                add(&mut sum, other);
                look(sum);
            }
        }
        best
    }

    /// The columns with z added to those of a set, without those that are gone.
    fn after(&self, z: Column, set: &[u64]) -> Vec<Column> {
        let moved = |at: usize, column: Column| if self.in_set(set, at) { column ^ z } else { column };
        let mut all: Vec<Column> = self.columns.iter().enumerate().map(|(at, &column)| moved(at, column)).collect();
        if self.is_odd(set) {
            all.push(z);
        }
        distinct(all)
    }
}

/// Sums of a set with that many others are looked at.
const SUMS: usize = 8;

/// Words of all reduced cells: larger groups are left as they are.
const MOST_WORDS: usize = 1 << 20;

/// For each column, vectors that are looked at for one that gains, before one that neither gains nor loses is taken.
const PATIENCE: usize = 4;

/// Without zeros, without pairs of equal ones, in ascending order.
pub fn distinct(mut columns: Vec<Column>) -> Vec<Column> {
    columns.sort_unstable();
    let mut kept: Vec<Column> = Vec::new();
    for column in columns.into_iter().filter(|&column| column != 0) {
        if kept.last() == Some(&column) {
            kept.pop();
        } else {
            kept.push(column);
        }
    }
    kept
}

/// Fewer columns of the same signature. `looks`: vectors z that are tried, in all. Steps that neither gain nor lose are
/// taken where none that gains is found.
pub fn fewer(n: usize, columns: Vec<Column>, looks: usize) -> Vec<Column> {
    let columns = distinct(columns);
    if columns.len() < 2 || n * n * (n * n / 2 + columns.len()) / 128 > MOST_WORDS {
        return columns;
    }
    let mut best = columns.clone();
    let mut search = Search::new(n, columns);
    let mut left = looks;
    let mut random = Random(1);
    while let Some((z, set)) = next(&search, &mut left, &mut random) {
        search = Search::new(n, search.after(z, &set));
        if search.columns.len() < best.len() {
            best.clone_from(&search.columns);
        }
    }
    best
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % below
    }
}

/// A step: the first that gains two columns or more, of differences of random columns, or else the best; None where the
/// looks or the columns are at an end.
fn next(search: &Search, left: &mut usize, random: &mut Random) -> Option<(Column, Row)> {
    let columns = &search.columns;
    if columns.len() < 2 {
        return None;
    }
    let mut best: Option<(i64, Column, Row)> = None;
    let patience = PATIENCE * columns.len();
    for tried in 0.. {
        if *left == 0 || (tried >= patience && best.is_some()) || tried >= columns.len() * columns.len() {
            break;
        }
        *left -= 1;
        let z = columns[random.below(columns.len())] ^ columns[random.below(columns.len())];
        if z == 0 {
            continue;
        }
        if let Some((gain, set)) = search.best_set(z) {
            if gain >= 2 {
                return Some((z, set));
            }
            if best.as_ref().is_none_or(|(most, _, _)| gain > *most) {
                best = Some((gain, z, set));
            }
        }
    }
    if *left == 0 && best.as_ref().is_none_or(|(gain, _, _)| *gain <= 0) {
        return None;
    }
    best.map(|(_, z, set)| (z, set))
}
