//! What the router wants to know of a graph, in one pass forward and one back: the numbers of `qmk.router.features`,
//! which says what each means. Channels, and ops of families that are not read here, are declined.

use std::collections::{BTreeSet, HashMap};

use super::body::{Body, Guard, Shape};
use super::bond::Bonds;
use super::clifford::is_clifford;
use super::lower::{lowered_of, place, Place};
use super::pack::Cursor;
use super::rows::{row, Class, Row};
use super::Declined;
use crate::circuit::{Kind, Lowered, NONE};
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

pub fn features(body: &Body) -> Result<Features> {
    let decline = |at: usize| Declined::node(at, "an op whose features are not taken here");
    let rows: Vec<Option<Row>> = body.shapes.iter().map(|shape| row(shape.op)).collect();
    let mut pass = Pass::new(body, rows.len());
    let (mut at, mut value, mut guarded) = (0, body.values, 0);
    for node in 0..body.nodes.len() {
        let number = body.nodes.get(node);
        let shape = &body.shapes[number];
        let row = rows[number].as_ref().ok_or_else(|| decline(node))?;
        let place = place(shape, at);
        at += shape.counts.iter().sum::<usize>();
        let args = value;
        shape.args.iter().try_for_each(|_| value.skip())?;
        let guard = shape.guard.then(|| body.guarded.get(guarded));
        guarded += shape.guard as usize;
        if shape.counts[1] > 0 {
            return Err(decline(node));
        }
        pass.used[number] = true;
        pass.take(&Seen { node, shape, row, place, args, end: value.at, guard })?;
    }
    pass.branch(&rows);
    pass.found.resets |= pass.reuses.1;
    let used = rows.iter().zip(&pass.used).filter(|(_, &used)| used).filter_map(|(row, _)| row.as_ref());
    let gates: BTreeSet<&str> = used.flat_map(|row| row.gates()).copied().collect();
    pass.found.gates = gates.into_iter().map(str::to_owned).collect();
    Ok(pass.finish(&rows))
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

/// What is known of a qubit between its allocation and its release.
struct Line {
    level: u32,
    measured: bool,
    /// It is in the |0> of its allocation.
    fresh: bool,
}

/// Running counts. A qubit is known by its line, a number that each allocation hands out anew; events and names of
/// qubits by their strings' numbers.
struct Pass<'a, 'b> {
    body: &'b Body<'a>,
    line: Vec<u32>,
    event_level: Vec<u32>,
    wide: Vec<bool>,
    guard_events: Vec<Vec<u32>>,
    /// Undecided gates by their width and the bytes of their arguments: where they stand in `found.open`.
    open: HashMap<(usize, &'a [u8]), usize>,
    found: Features,
    /// Shapes that some node has.
    used: Vec<bool>,
    live: usize,
    lines: Vec<Line>,
    root: Vec<u32>,
    size: Vec<u32>,
    change: Vec<i64>,
    floor: u32,
    conditions: bool,
    full: bool,
    /// An allocation came after a release of the same name; of any.
    reuses: (bool, bool),
    /// Nodes that reset a qubit which nothing has touched, ascending.
    idle: Vec<usize>,
    /// Something is reset, or some event is read.
    splits: bool,
}

impl<'a, 'b> Pass<'a, 'b> {
    fn new(body: &'b Body<'a>, shapes: usize) -> Pass<'a, 'b> {
        let n_strings = body.strings.len();
        Pass {
            body,
            line: vec![NONE; n_strings],
            event_level: vec![NONE; n_strings],
            wide: vec![false; n_strings],
            guard_events: guard_events(body),
            open: HashMap::new(),
            found: Features::default(),
            used: vec![false; shapes],
            live: 0,
            lines: Vec::new(),
            root: Vec::new(),
            size: Vec::new(),
            change: Vec::new(),
            floor: 0,
            conditions: false,
            full: false,
            reuses: (false, false),
            idle: Vec::new(),
            splits: false,
        }
    }

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
        self.found.mid_circuit |= lines.iter().any(|&line| self.lines[line as usize].measured);
        self.splits |= !seen.place.inputs.is_empty() || seen.guard.is_some();
        self.touch(seen, lines);
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
        Ok(())
    }

    /// Notes a reset that does nothing, and that qubits are no longer as they were allocated.
    fn touch(&mut self, seen: &Seen, lines: &[u32]) {
        let row = seen.row;
        if !row.acts() {
            return;
        }
        let resets = row.class == Class::Reset || row.injects();
        self.splits |= resets;
        let idle = resets && lines.iter().all(|&line| self.lines[line as usize].fresh);
        if idle {
            self.idle.push(seen.node);
        }
        if !(idle && row.class == Class::Reset) {
            lines.iter().for_each(|&line| self.lines[line as usize].fresh = false);
        }
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
                self.reuses.0 = true;
                continue;
            }
            if self.line[name] != NONE {
                return Err(Declined::node(seen.node, "a qubit allocated twice"));
            }
            self.reuses.1 |= self.reuses.0;
            self.line[name] = self.lines.len() as u32;
            self.root.push(self.line[name]);
            self.size.push(1);
            self.lines.push(Line { level: 0, measured: false, fresh: true });
            self.change.push(0);
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
        let of_lines = lines.iter().map(|&line| self.lines[line as usize].level).max().unwrap_or(0);
        let reads = self.reads(seen.place.inputs.clone(), seen.guard);
        let of_events = reads.map(|event| self.event_level[event]).filter(|&level| level != NONE).max().unwrap_or(0);
        let level = self.floor.max(of_lines).max(of_events) + 1;
        lines.iter().for_each(|&line| self.lines[line as usize].level = level);
        for k in seen.place.produces.clone() {
            let event = self.name(k);
            self.found.events += (self.event_level[event] == NONE) as usize;
            self.event_level[event] = level;
        }
        self.found.depth = self.found.depth.max(level);
    }

    fn synchronise(&mut self, lines: &[u32]) {
        match lines.iter().map(|&line| self.lines[line as usize].level).max() {
            None => self.floor = self.found.depth,
            Some(level) => lines.iter().for_each(|&line| self.lines[line as usize].level = level),
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
            if let Some(gate) = lowered_of(seen.shape.op) {
                return self.clifford_steps(seen, gate);
            }
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

    /// Whether all steps of a lowered gate are Clifford; where they are not and it has several angles, which may make
    /// them cancel, its matrix has to be asked.
    fn clifford_steps(&self, seen: &Seen, gate: &Lowered) -> Result<Option<bool>> {
        let angles: Result<Vec<f64>> = gate.angles.iter().map(|name| seen.angle(name)).collect();
        let angles = angles?;
        let all = gate.steps.iter().all(|step| is_clifford(step.kind, &step.values(&angles)[..step.kind.n_params()]));
        Ok(if all || angles.len() < 2 { Some(all) } else { None })
    }

    fn measure(&mut self, seen: &Seen, lines: &[u32]) -> Result<()> {
        self.found.ops += 1;
        self.found.measurements += 1;
        lines.iter().for_each(|&line| self.lines[line as usize].measured = true);
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

    /// Measurements and resets before the last part of the program, in which qubits are only measured and no event is
    /// read; whether there is a reset at all. Most programs have that part only.
    fn branch(&mut self, rows: &[Option<Row>]) {
        if !self.splits && !self.found.mid_circuit {
            return;
        }
        let body = self.body;
        let mut touched = vec![false; body.strings.len()];
        let mut read = vec![false; body.strings.len()];
        let (mut count, mut resets) = (0, 0);
        let (mut at, mut guarded, mut idles) = (body.operands.len(), body.guarded.len(), self.idle.as_slice());
        for node in (0..body.nodes.len()).rev() {
            let shape = &body.shapes[body.nodes.get(node)];
            at -= shape.counts.iter().sum::<usize>();
            guarded -= shape.guard as usize;
            let place = place(shape, at);
            let Some(row) = &rows[body.nodes.get(node)] else { continue };
            let idle = idles.last() == Some(&node);
            idles = &idles[..idles.len() - idle as usize];
            if row.class == Class::Measure {
                let last = !shape.guard
                    && place.vqs.clone().all(|k| !touched[self.name(k)])
                    && place.produces.clone().all(|k| !read[self.name(k)]);
                count += !last as usize;
            } else if (row.class == Class::Reset || row.injects()) && !idle {
                resets += 1;
            }
            if row.acts() && !idle {
                place.vqs.clone().for_each(|k| touched[self.name(k)] = true);
            } else if row.class == Class::Alloc {
                place.vqs.clone().for_each(|k| touched[self.name(k)] = false);
            }
            let guard = shape.guard.then(|| body.guarded.get(guarded));
            self.reads(place.inputs.clone(), guard).for_each(|event| read[event] = true);
        }
        self.found.branches = count + resets;
        self.found.resets = resets > 0;
    }

    /// The tighter bound on the bond (`bond`).
    fn tight_bond(&self, rows: &[Option<Row>]) -> f64 {
        let (body, mut at) = (self.body, 0);
        let (mut bonds, mut line, mut own) = (Bonds::default(), vec![NONE; body.strings.len()], Vec::new());
        for node in 0..body.nodes.len() {
            let number = body.nodes.get(node);
            let place = place(&body.shapes[number], at);
            at += body.shapes[number].counts.iter().sum::<usize>();
            let Some(row) = &rows[number] else { continue };
            match row.class {
                Class::Alloc => place.vqs.for_each(|k| line[self.name(k)] = bonds.alloc()),
                Class::Free => place.vqs.for_each(|k| bonds.free(line[self.name(k)])),
                _ if row.acts() => {
                    own.clear();
                    own.extend(place.vqs.map(|k| line[self.name(k)]));
                    bonds.take(&own, row.bases, row.class != Class::FeedForward);
                    if !bonds.alive() {
                        break;
                    }
                }
                _ => {}
            }
        }
        bonds.peak()
    }

    fn finish(mut self, rows: &[Option<Row>]) -> Features {
        let lines = self.lines.len() as i64;
        let (mut crossing, mut bond) = (0, 0);
        for cut in 0..(lines - 1).max(0) {
            crossing += self.change[cut as usize];
            bond = bond.max(crossing.min(cut + 1).min(lines - 1 - cut));
        }
        let quick = (bond as f64).min(self.found.qubits as f64 / 2.0);
        let magic = self.found.non_clifford > 0 || !self.found.open.is_empty();
        if self.found.qubits > BOND_QUBITS && quick > 1.0 && magic {
            self.found.tight_bond = Some(self.tight_bond(rows));
        }
        let found = &mut self.found;
        found.bond = quick;
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
