//! What the router wants to know of a graph, in one pass forward and one back: the numbers of `qmk.router.features`,
//! which says what each means. Channels, and ops of families that are not read here, are declined.

use std::collections::{BTreeSet, HashMap};

use super::body::{Body, Guard, Shape};
use super::bond::{bases, Bonds};
use super::clifford::is_clifford;
use super::lower::{gate_of, place, Place};
use super::pack::Cursor;
use super::Declined;
use crate::circuit::{Kind, NONE};
use crate::rewrite::features::FeedForward;

type Result<T> = std::result::Result<T, Declined>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    pub qubits: usize,
    pub ops: usize,
    pub two_qubit: usize,
    /// Of the gates that are known here; `open` are the others.
    pub non_clifford: usize,
    pub depth: u32,
    pub measurements: usize,
    pub mid_circuit: bool,
    pub resets: bool,
    pub feed_forward: FeedForward,
    pub logic: bool,
    pub events: usize,
    /// Short names of the gates.
    pub gates: Vec<String>,
    pub entangling_width: u32,
    /// Bounds on log2 of the bond: a quick one, and the tighter one where that may matter.
    pub bond: f64,
    pub tight_bond: Option<f64>,
    pub branches: usize,
    pub fences: usize,
    /// Gates of which it is not known here whether they are Clifford: a node of each make, and how many there are.
    pub open: Vec<(usize, usize)>,
}

/// Up to this width a state vector always fits, and the quick bound on the bond will do.
const BOND_QUBITS: usize = 20;

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Unitary,
    Composite,
    Measure,
    Reset,
    Alloc,
    Free,
    Fence,
    Hint,
    Metadata,
    FeedForward,
    Logic,
}

/// What an op is, once for each shape.
struct Row<'a> {
    class: Class,
    short: &'a str,
    kind: Option<Kind>,
    bases: &'static [u8],
    /// Its Schmidt rank is two across any cut.
    rank_two: bool,
    pauli: bool,
}

fn row<'a>(op: &'a str) -> Option<Row<'a>> {
    let (family, short) = op.split_once('.')?;
    let class = match (family, short) {
        ("core", "alloc") => Class::Alloc,
        ("core", "free") => Class::Free,
        ("core", "fence") => Class::Fence,
        ("core", "barrier") => Class::Hint,
        ("core", "mz" | "mx" | "my" | "mangle" | "mbell" | "mpauli") => Class::Measure,
        ("core", "reset") => Class::Reset,
        ("core", "condpauli") => Class::FeedForward,
        ("core", "lut") => Class::Logic,
        ("core", "teleport_cnot") | ("magic", "inject_t") => Class::Composite,
        ("core", "gphase" | "paulirot" | "mod") => Class::Unitary,
        ("policy", "set") => Class::Metadata,
        _ => gate_of(op).map(|_| Class::Unitary)?,
    };
    let rank_two = matches!(
        short,
        "cnot"
            | "cy"
            | "cz"
            | "ch"
            | "cp"
            | "crx"
            | "cry"
            | "crz"
            | "rxx"
            | "ryy"
            | "rzz"
            | "toffoli"
            | "ccz"
            | "paulirot"
            | "mpauli"
            | "teleport_cnot"
    );
    let pauli = matches!(short, "id" | "x" | "y" | "z" | "condpauli");
    Some(Row { class, short, kind: gate_of(op), bases: bases(short), rank_two, pauli })
}

impl Row<'_> {
    /// Whether qubits are acted on.
    fn acts(&self) -> bool {
        use Class::*;
        matches!(self.class, Unitary | Composite | Measure | Reset | FeedForward)
    }

    /// Short names of the gates that it is made of.
    fn gates(&self) -> &[&str] {
        match (self.class, self.short) {
            (Class::FeedForward, _) => &["x", "y", "z"],
            (_, "teleport_cnot") => &["cnot"],
            (_, "inject_t") => &["h", "t"],
            (Class::Unitary, _) => std::slice::from_ref(&self.short),
            _ => &[],
        }
    }

    fn injects(&self) -> bool {
        self.short == "inject_t"
    }
}

pub fn features(body: &Body) -> Result<Features> {
    let decline = |at: usize| Declined::node(at, "an op whose features are not taken here");
    let rows: Vec<Option<Row>> = body.shapes.iter().map(|shape| row(shape.op)).collect();
    let n_strings = body.strings.len();
    let allocated = |node| match &rows[body.nodes.get(node)] {
        Some(row) if row.class == Class::Alloc => body.shapes[body.nodes.get(node)].counts[0],
        _ => 0,
    };
    let lines: usize = (0..body.nodes.len).map(allocated).sum();
    let mut pass = Pass {
        body,
        line: vec![NONE; n_strings],
        freed: vec![false; n_strings],
        event_level: vec![NONE; n_strings],
        wide: vec![false; n_strings],
        guard_events: guard_events(body),
        open: HashMap::new(),
        found: Features::default(),
        used: vec![false; rows.len()],
        live: 0,
        levels: Vec::new(),
        measured: Vec::new(),
        root: Vec::new(),
        size: Vec::new(),
        change: Vec::new(),
        wide_enough: lines > BOND_QUBITS,
        bonds: Bonds::default(),
        bond_line: vec![NONE; n_strings],
        floor: 0,
        conditions: false,
        full: false,
        reuses: (false, false),
    };
    let (mut at, mut value, mut guarded) = (0, body.values, 0);
    for node in 0..body.nodes.len {
        let shape = &body.shapes[body.nodes.get(node)];
        let row = rows[body.nodes.get(node)].as_ref().ok_or_else(|| decline(node))?;
        let place = place(shape, at);
        at += shape.counts.iter().sum::<usize>();
        let args = value;
        shape.args.iter().try_for_each(|_| value.skip())?;
        let guard = shape.guard.then(|| body.guarded.get(guarded));
        guarded += shape.guard as usize;
        if shape.counts[1] > 0 {
            return Err(decline(node));
        }
        pass.used[body.nodes.get(node)] = true;
        pass.take(&Seen { node, shape, row, place, args, end: value.at, guard })?;
    }
    let idle = pass.idle(&rows);
    let (branches, resets) = pass.branches(&rows, &idle);
    pass.found.branches = branches;
    pass.found.resets = resets || pass.reuses.1;
    let used = rows.iter().zip(&pass.used).filter(|(_, &used)| used).filter_map(|(row, _)| row.as_ref());
    let gates: BTreeSet<&str> = used.flat_map(|row| row.gates()).copied().collect();
    pass.found.gates = gates.into_iter().map(str::to_owned).collect();
    Ok(pass.finish())
}

/// The events that each guard reads, as string numbers; an event no node writes has none.
fn guard_events(body: &Body) -> Vec<Vec<u32>> {
    if body.guards.is_empty() {
        return Vec::new(); // the numbers of all strings are not needed
    }
    let numbers: HashMap<&str, u32> = body.strings.iter().enumerate().map(|(k, &text)| (text, k as u32)).collect();
    let of = |guard: &Guard| {
        let (mut found, mut left) = (Vec::new(), vec![*guard]);
        while let Some(guard) = left.pop() {
            match guard {
                Guard::Equal(event, _) => found.extend(numbers.get(event)),
                Guard::Parts { first, len, .. } => left.extend(&body.guard_parts[first..first + len]),
            }
        }
        found
    };
    body.guards.iter().map(of).collect()
}

/// A node as it is passed.
struct Seen<'a, 'r> {
    node: usize,
    shape: &'r Shape<'a>,
    row: &'r Row<'a>,
    place: Place,
    args: Cursor<'a>,
    end: usize,
    guard: Option<usize>,
}

impl<'a> Seen<'a, '_> {
    fn argument(&self, name: &str) -> Result<Cursor<'a>> {
        let mut cursor = self.args;
        for &key in &self.shape.args {
            if key == name {
                return Ok(cursor);
            }
            cursor.skip()?;
        }
        Err(Declined::node(self.node, "a gate without an argument"))
    }

    fn angle(&self, name: &str) -> Result<f64> {
        self.argument(name)?.real()
    }

    fn text(&self, name: &str) -> Result<&'a str> {
        self.argument(name)?.name()
    }
}

/// Running counts. A qubit is known by its line, a number that each allocation hands out anew; events and names of
/// qubits by their strings' numbers.
struct Pass<'a, 'b> {
    body: &'b Body<'a>,
    line: Vec<u32>,
    freed: Vec<bool>,
    event_level: Vec<u32>,
    wide: Vec<bool>,
    guard_events: Vec<Vec<u32>>,
    /// Undecided gates by their width and the bytes of their arguments: where they stand in `found.open`.
    open: HashMap<(usize, &'a [u8]), usize>,
    found: Features,
    /// Shapes that some node has.
    used: Vec<bool>,
    live: usize,
    levels: Vec<u32>,
    measured: Vec<bool>,
    root: Vec<u32>,
    size: Vec<u32>,
    change: Vec<i64>,
    /// Whether the tighter bound may be wanted.
    wide_enough: bool,
    bonds: Bonds,
    bond_line: Vec<u32>,
    floor: u32,
    conditions: bool,
    full: bool,
    /// An allocation came after a release of the same name; of any.
    reuses: (bool, bool),
}

impl<'a> Pass<'a, '_> {
    fn name(&self, k: usize) -> usize {
        self.body.operands.get(k)
    }

    fn take(&mut self, seen: &Seen<'a, '_>) -> Result<()> {
        use Class::*;
        let row = seen.row;
        match row.class {
            Alloc | Free => return self.lifecycle(seen),
            Metadata => return Ok(()),
            _ => {}
        }
        let mut lines: [u32; 3] = [0; 3];
        let long: Vec<u32>;
        let count = seen.place.vqs.len();
        for k in seen.place.vqs.clone() {
            if self.line[self.name(k)] == NONE {
                return Err(Declined::node(seen.node, "a qubit that is not allocated here"));
            }
        }
        let lines: &[u32] = if count <= 3 {
            for (slot, k) in lines.iter_mut().zip(seen.place.vqs.clone()) {
                *slot = self.line[self.name(k)];
            }
            &lines[..count]
        } else {
            long = seen.place.vqs.clone().map(|k| self.line[self.name(k)]).collect();
            &long
        };
        if let Fence | Hint = row.class {
            self.found.fences += (row.class == Fence) as usize;
            self.synchronise(if row.class == Hint { lines } else { &[] });
            return Ok(());
        }
        self.layer(seen, lines);
        self.conditions(seen);
        self.found.mid_circuit |= lines.iter().any(|&line| self.measured[line as usize]);
        match row.class {
            Unitary | Composite => self.gate(seen, count)?,
            Measure => self.measure(seen, lines)?,
            Reset => self.found.ops += 1,
            FeedForward => self.found.ops += 1,
            Logic => self.found.logic = true,
            _ => {}
        }
        if count > 1 && matches!(row.class, Unitary | Measure | Composite) {
            self.join(lines, if row.rank_two { 1 } else { 2 * (count as i64 / 2) });
        }
        if self.wide_enough && row.acts() && self.bonds.alive() {
            let mut own = [0u32; 3];
            let joint = row.class != FeedForward;
            if count <= 3 {
                for (slot, k) in own.iter_mut().zip(seen.place.vqs.clone()) {
                    *slot = self.bond_line[self.name(k)];
                }
                self.bonds.take(&own[..count], row.bases, joint);
            } else {
                let own: Vec<u32> = seen.place.vqs.clone().map(|k| self.bond_line[self.name(k)]).collect();
                self.bonds.take(&own, row.bases, joint);
            }
        }
        Ok(())
    }

    fn lifecycle(&mut self, seen: &Seen) -> Result<()> {
        for k in seen.place.vqs.clone() {
            let name = self.name(k);
            if seen.row.class == Class::Free {
                if self.line[name] == NONE {
                    return Err(Declined::node(seen.node, "a qubit that is not allocated here"));
                }
                self.line[name] = NONE;
                self.live -= 1;
                self.freed[name] = true;
                self.reuses.0 = true;
                self.bonds.free(self.bond_line[name]);
                continue;
            }
            if self.line[name] != NONE {
                return Err(Declined::node(seen.node, "a qubit allocated twice"));
            }
            self.reuses.1 |= self.reuses.0;
            self.line[name] = self.levels.len() as u32;
            self.root.push(self.line[name]);
            self.size.push(1);
            self.levels.push(0);
            self.measured.push(false);
            self.change.push(0);
            self.bond_line[name] = self.bonds.alloc();
            self.live += 1;
        }
        self.found.qubits = self.found.qubits.max(self.live);
        Ok(())
    }

    /// The events that a node reads.
    fn reads(&self, seen_inputs: std::ops::Range<usize>, guard: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let guards = guard.map_or(&[][..], |guard| &self.guard_events[guard]);
        seen_inputs.map(|k| self.name(k)).chain(guards.iter().map(|&event| event as usize))
    }

    fn layer(&mut self, seen: &Seen, lines: &[u32]) {
        if lines.is_empty() && seen.place.produces.is_empty() {
            return;
        }
        let of_lines = lines.iter().map(|&line| self.levels[line as usize]).max().unwrap_or(0);
        let reads = self.reads(seen.place.inputs.clone(), seen.guard);
        let of_events = reads.map(|event| self.event_level[event]).filter(|&level| level != NONE).max().unwrap_or(0);
        let level = self.floor.max(of_lines).max(of_events) + 1;
        lines.iter().for_each(|&line| self.levels[line as usize] = level);
        for k in seen.place.produces.clone() {
            let event = self.name(k);
            self.found.events += (self.event_level[event] == NONE) as usize;
            self.event_level[event] = level;
        }
        self.found.depth = self.found.depth.max(level);
    }

    fn synchronise(&mut self, lines: &[u32]) {
        match lines.iter().map(|&line| self.levels[line as usize]).max() {
            None => self.floor = self.found.depth,
            Some(level) => lines.iter().for_each(|&line| self.levels[line as usize] = level),
        }
    }

    fn conditions(&mut self, seen: &Seen) {
        let feeds = seen.row.class == Class::FeedForward;
        if seen.guard.is_none() && !feeds {
            return;
        }
        self.conditions = true;
        let bit = |guard: usize| match self.body.guards[guard] {
            Guard::Equal(_, 1) => self.guard_events[guard].iter().all(|&event| !self.wide[event as usize]),
            _ => false,
        };
        let both = seen.guard.is_some() && feeds;
        self.full |= both || !seen.row.pauli || seen.guard.is_some_and(|guard| !bit(guard));
    }

    fn gate(&mut self, seen: &Seen<'a, '_>, count: usize) -> Result<()> {
        self.found.ops += 1;
        self.found.two_qubit += (count == 2) as usize + 3 * (count > 2) as usize;
        match self.clifford(seen)? {
            Some(clifford) => self.found.non_clifford += !clifford as usize,
            None => {
                let bytes = &seen.args.bytes[seen.args.at..seen.end];
                let next = self.found.open.len();
                let at = *self.open.entry((count, bytes)).or_insert(next);
                if at == next {
                    self.found.open.push((seen.node, 0));
                }
                self.found.open[at].1 += 1;
            }
        }
        Ok(())
    }

    /// Whether a gate is Clifford; None where that is not told here.
    fn clifford(&self, seen: &Seen) -> Result<Option<bool>> {
        let Some(kind) = seen.row.kind else {
            return Ok(match seen.row.short {
                "gphase" | "teleport_cnot" => Some(true),
                "inject_t" => Some(false),
                "paulirot" => {
                    let trivial = seen.text("paulis")?.bytes().all(|letter| letter == b'I');
                    Some(trivial || is_clifford(Kind::Rz, &[seen.angle("theta")?]))
                }
                _ => None,
            });
        };
        let mut angles = [0.0; 3];
        for (slot, name) in angles.iter_mut().zip(kind.angle_names()) {
            *slot = seen.angle(name)?;
        }
        Ok(Some(is_clifford(kind, &angles[..kind.n_params()])))
    }

    fn measure(&mut self, seen: &Seen, lines: &[u32]) -> Result<()> {
        self.found.ops += 1;
        self.found.measurements += 1;
        lines.iter().for_each(|&line| self.measured[line as usize] = true);
        if seen.row.short == "mangle" {
            self.found.non_clifford += !is_clifford(Kind::Rz, &[seen.angle("theta")?]) as usize;
        }
        if seen.row.short == "mbell" && seen.place.produces.len() == 1 {
            let event = self.name(seen.place.produces.start);
            self.wide[event] = true;
        }
        Ok(())
    }

    fn find(&mut self, line: u32) -> u32 {
        let mut at = line as usize;
        while self.root[at] as usize != at {
            self.root[at] = self.root[self.root[at] as usize];
            at = self.root[at] as usize;
        }
        at as u32
    }

    fn join(&mut self, lines: &[u32], rank: i64) {
        let mut first = self.find(lines[0]);
        for &line in &lines[1..] {
            let mut other = self.find(line);
            if other == first {
                continue;
            }
            if self.size[other as usize] > self.size[first as usize] {
                std::mem::swap(&mut first, &mut other);
            }
            self.root[other as usize] = first;
            self.size[first as usize] += self.size[other as usize];
        }
        self.change[lines.iter().copied().min().unwrap_or(0) as usize] += rank;
        self.change[lines.iter().copied().max().unwrap_or(0) as usize] -= rank;
    }

    /// Which nodes reset a qubit that is still in the |0> of its allocation.
    fn idle(&self, rows: &[Option<Row>]) -> Vec<bool> {
        let mut fresh = vec![false; self.body.strings.len()];
        let mut idle = vec![false; self.body.nodes.len];
        let mut at = 0;
        for (node, idle) in idle.iter_mut().enumerate() {
            let number = self.body.nodes.get(node);
            let place = place(&self.body.shapes[number], at);
            at += self.body.shapes[number].counts.iter().sum::<usize>();
            let Some(row) = &rows[number] else { continue };
            let all = |fresh: &[bool]| place.vqs.clone().all(|k| fresh[self.name(k)]);
            let resets = row.class == Class::Reset || row.injects();
            *idle = resets && all(&fresh);
            if row.class == Class::Alloc || (row.acts() && !(row.class == Class::Reset && *idle)) {
                place.vqs.clone().for_each(|k| fresh[self.name(k)] = row.class == Class::Alloc);
            }
        }
        idle
    }

    /// Measurements and resets before the last part of the program, in which qubits are only measured and no event is
    /// read; whether there is a reset at all.
    fn branches(&self, rows: &[Option<Row>], idle: &[bool]) -> (usize, bool) {
        let body = self.body;
        let mut touched = vec![false; body.strings.len()];
        let mut read = vec![false; body.strings.len()];
        let (mut count, mut resets) = (0, 0);
        let (mut at, mut guarded) = (body.operands.len, body.guarded.len);
        for node in (0..body.nodes.len).rev() {
            let shape = &body.shapes[body.nodes.get(node)];
            at -= shape.counts.iter().sum::<usize>();
            guarded -= shape.guard as usize;
            let place = place(shape, at);
            let Some(row) = &rows[body.nodes.get(node)] else { continue };
            if row.class == Class::Measure {
                let last = !shape.guard
                    && place.vqs.clone().all(|k| !touched[self.name(k)])
                    && place.produces.clone().all(|k| !read[self.name(k)]);
                count += !last as usize;
            } else if (row.class == Class::Reset || row.injects()) && !idle[node] {
                resets += 1;
            }
            if row.acts() && !idle[node] {
                place.vqs.clone().for_each(|k| touched[self.name(k)] = true);
            } else if row.class == Class::Alloc {
                place.vqs.clone().for_each(|k| touched[self.name(k)] = false);
            }
            let guard = shape.guard.then(|| body.guarded.get(guarded));
            self.reads(place.inputs.clone(), guard).for_each(|event| read[event] = true);
        }
        (count + resets, resets > 0)
    }

    fn finish(mut self) -> Features {
        let lines = self.levels.len() as i64;
        let (mut crossing, mut bond) = (0, 0);
        for cut in 0..(lines - 1).max(0) {
            crossing += self.change[cut as usize];
            bond = bond.max(crossing.min(cut + 1).min(lines - 1 - cut));
        }
        let found = &mut self.found;
        found.bond = (bond as f64).min(found.qubits as f64 / 2.0);
        let magic = found.non_clifford > 0 || !found.open.is_empty();
        if found.qubits > BOND_QUBITS && found.bond > 1.0 && magic {
            found.tight_bond = Some(self.bonds.peak());
        }
        found.entangling_width = self.size.iter().copied().max().unwrap_or(0);
        found.mid_circuit |= self.conditions;
        found.feed_forward = match (self.full, self.conditions) {
            (true, _) => FeedForward::Full,
            (_, true) => FeedForward::Pauli,
            _ => FeedForward::None,
        };
        self.found
    }
}
