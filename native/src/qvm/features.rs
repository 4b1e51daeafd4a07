//! What the router wants to know of a graph, in one pass forward and one back: the numbers of `qmk.ir.summary` and
//! `qmk.router.features`, which say what each means.

use std::collections::HashMap;

use super::body::{Body, Guard, Shape};
use super::bond::Bonds;
use super::clifford::is_clifford;
use super::lower::{place, Place};
use super::pack::Cursor;
use super::rows::{Class, Ops, Row};
use super::Declined;
use crate::circuit::{Kind, Lowered, NONE};
use crate::rewrite::features::FeedForward;

type Result<T> = std::result::Result<T, Declined>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// Nodes by op.
    pub ops: Vec<(String, usize)>,
    pub qubits: usize,
    pub gates: usize,
    pub two_qubit: usize,
    pub multi_qubit: usize,
    /// Of the gates that are known here (`open` are the others), and measurements at an angle.
    pub non_clifford: usize,
    pub depth: u32,
    pub mid_circuit: bool,
    /// Something is reset in earnest; a name is allocated again.
    pub resets: bool,
    pub renamed: bool,
    pub feed_forward: FeedForward,
    pub events: usize,
    pub entangling_width: u32,
    /// Bounds on log2 of the bond: a quick one, and the tighter one where that may matter.
    pub bond: f64,
    pub tight_bond: Option<f64>,
    pub branches: usize,
    /// Gates of which it is not known here whether they are Clifford: a node of each make, and how many there are.
    pub open: Vec<(usize, usize)>,
}

/// What the caller knows of a graph, and wants of it.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    pub ops: &'r Ops,
    /// Of each error channel on qubits, in order: 0 where it joins nothing, 1 where it correlates its qubits, 2 where it
    /// entangles them.
    pub noise: &'r [u8],
    /// All gates are left open.
    pub open: bool,
}

/// Up to this width a state vector always fits, and the quick bound on the bond will do.
const BOND_QUBITS: usize = 20;
/// The error channels that entangle.
const ENTANGLES: u8 = 2;

pub fn features(body: &Body, request: Request) -> Result<Features> {
    let decline = |at: usize| Declined::node(at, "an op that is not declared");
    let rows: Vec<Option<Row>> = body.shapes.iter().map(|shape| request.ops.row(shape.op)).collect();
    let mut pass = Pass::new(body, request);
    let mut used = vec![0; rows.len()];
    let (mut at, mut value, mut guarded) = (0, body.values, 0);
    for node in 0..body.nodes.len() {
        let number = body.nodes.get(node);
        let shape = &body.shapes[number];
        let row = rows[number].as_ref().ok_or_else(|| decline(node))?;
        let (start, place) = (at, place(shape, at));
        at += shape.counts.iter().sum::<usize>();
        let args = value;
        shape.args.iter().try_for_each(|_| value.skip())?;
        let guard = shape.guard.then(|| body.guarded.get(guarded));
        guarded += shape.guard as usize;
        used[number] += 1;
        let channels = start + shape.counts[0]..start + shape.counts[0] + shape.counts[1];
        pass.take(&Seen { node, number, shape, row, place, channels, args, end: value.at, guard })?;
    }
    pass.branch(&rows);
    pass.found.resets |= pass.reuses.1;
    for (row, &count) in rows.iter().zip(&used) {
        let Some(row) = row.as_ref().filter(|_| count > 0) else { continue };
        match pass.found.ops.iter_mut().find(|known| known.0 == row.op) {
            Some(known) => known.1 += count,
            None => pass.found.ops.push((row.op.to_owned(), count)),
        }
    }
    pass.finish(&rows)
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
    /// Of its shape.
    number: usize,
    shape: &'r Shape<'a>,
    row: &'r Row<'r>,
    place: Place,
    channels: std::ops::Range<usize>,
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

/// Running counts. A qubit is known by its line, a number that each allocation hands out anew; events, channels and names
/// of qubits by their strings' numbers.
struct Pass<'a, 'b> {
    body: &'b Body<'a>,
    request: Request<'b>,
    line: Vec<u32>,
    /// Names of qubits that were freed.
    freed: Vec<bool>,
    event_level: Vec<u32>,
    wide: Vec<bool>,
    guard_events: Vec<Vec<u32>>,
    /// Lines of the ends of open channels.
    ends: HashMap<usize, Vec<u32>>,
    /// Undecided gates by their shape and the bytes of their arguments: where they stand in `found.open`.
    open: HashMap<(usize, &'a [u8]), usize>,
    found: Features,
    live: usize,
    lines: Vec<Line>,
    root: Vec<u32>,
    size: Vec<u32>,
    change: Vec<i64>,
    floor: u32,
    conditions: bool,
    full: bool,
    /// There was a release; an allocation came after it.
    reuses: (bool, bool),
    /// Nodes that reset a qubit which nothing has touched, ascending.
    idle: Vec<usize>,
    /// Something is reset, or some event is read.
    splits: bool,
    /// Error channels passed.
    noises: usize,
}

impl<'a, 'b> Pass<'a, 'b> {
    fn new(body: &'b Body<'a>, request: Request<'b>) -> Pass<'a, 'b> {
        let n_strings = body.strings.len();
        Pass {
            body,
            request,
            line: vec![NONE; n_strings],
            freed: vec![false; n_strings],
            event_level: vec![NONE; n_strings],
            wide: vec![false; n_strings],
            guard_events: guard_events(body),
            ends: HashMap::new(),
            open: HashMap::new(),
            found: Features::default(),
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
            noises: 0,
        }
    }

    fn name(&self, k: usize) -> usize {
        self.body.operands.get(k)
    }

    fn take(&mut self, seen: &Seen<'a, '_>) -> Result<()> {
        use Class::*;
        let row = seen.row;
        if let Alloc | Free = row.class {
            return self.lifecycle(seen);
        }
        let mut few: [u32; 3] = [0; 3];
        let many: Vec<u32>;
        let count = seen.place.vqs.len();
        for k in seen.place.vqs.clone() {
            if self.line[self.name(k)] == NONE {
                return Err(Declined::node(seen.node, "a qubit that is not allocated here"));
            }
        }
        let lines: &[u32] = if count <= 3 {
            for (slot, k) in few.iter_mut().zip(seen.place.vqs.clone()) {
                *slot = self.line[self.name(k)];
            }
            &few[..count]
        } else {
            many = seen.place.vqs.clone().map(|k| self.line[self.name(k)]).collect();
            &many
        };
        match row.class {
            Metadata | Close => {}
            Fence => self.synchronise(&[]),
            Hint => self.synchronise(lines),
            Open => seen.channels.clone().take(1).for_each(|k| {
                self.ends.insert(self.name(k), lines.to_vec());
            }),
            Use => self.channel(seen)?,
            Noise if count > 0 => self.noise(lines)?,
            _ => self.act(seen, lines)?,
        }
        Ok(())
    }

    /// Anything but allocation, channels, errors on qubits, and what has no effect on them.
    fn act(&mut self, seen: &Seen<'a, '_>, lines: &[u32]) -> Result<()> {
        use Class::*;
        let row = seen.row;
        self.layer(seen, lines);
        self.conditions(seen);
        self.found.mid_circuit |= !row.looks() && lines.iter().any(|&line| self.lines[line as usize].measured);
        self.splits |= !seen.place.inputs.is_empty() || seen.guard.is_some();
        self.touch(seen, lines);
        match row.class {
            Unitary | Composite | Evolution => self.gate(seen, lines.len())?,
            Measure => self.measure(seen, lines)?,
            _ => {}
        }
        if lines.len() > 1 && matches!(row.class, Unitary | Evolution | Measure | Composite) {
            self.join(lines, if row.rank_two { 1 } else { 2 * (lines.len() as i64 / 2) });
        }
        Ok(())
    }

    /// It takes no time of its own, and what it does to a measured qubit shows only when the qubit is used.
    fn noise(&mut self, lines: &[u32]) -> Result<()> {
        let Some(&joins) = self.request.noise.get(self.noises) else {
            return Err(Declined::byte(0, "more error channels than are told of"));
        };
        self.noises += 1;
        lines.iter().for_each(|&line| self.lines[line as usize].fresh = false);
        if lines.len() > 1 && joins > 0 {
            self.join(lines, if joins == ENTANGLES { 2 } else { 0 });
        }
        Ok(())
    }

    /// A use moves or exchanges the states of the channel's ends, and with them what they are entangled with.
    fn channel(&mut self, seen: &Seen) -> Result<()> {
        let ends = seen.channels.clone().next().and_then(|k| self.ends.get(&self.name(k))).cloned();
        let Some(ends) = ends.filter(|ends| ends.len() > 1) else {
            return Err(Declined::node(seen.node, "a channel that is not open"));
        };
        self.layer(seen, &ends);
        self.join(&ends, 2);
        Ok(())
    }

    /// Notes a reset that does nothing, and that qubits are no longer as they were allocated.
    fn touch(&mut self, seen: &Seen, lines: &[u32]) {
        if !seen.row.acts() {
            return;
        }
        let resets = seen.row.resets();
        self.splits |= resets;
        let idle = resets && lines.iter().all(|&line| self.lines[line as usize].fresh);
        if idle {
            self.idle.push(seen.node);
        }
        if !(idle && seen.row.class == Class::Reset) {
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
                self.freed[name] = true;
                self.live -= 1;
                self.reuses.0 = true;
                continue;
            }
            if self.line[name] != NONE {
                return Err(Declined::node(seen.node, "a qubit allocated twice"));
            }
            self.reuses.1 |= self.reuses.0;
            self.found.renamed |= self.freed[name];
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
            Guard::Equal(_, 0 | 1) => self.guard_events[guard].iter().all(|&event| !self.wide[event as usize]),
            _ => false,
        };
        let both = seen.guard.is_some() && feeds;
        self.full |= both || !seen.row.is_pauli() || seen.guard.is_some_and(|guard| !bit(guard));
    }

    fn gate(&mut self, seen: &Seen<'a, '_>, count: usize) -> Result<()> {
        self.found.gates += 1;
        self.found.two_qubit += (count == 2) as usize;
        self.found.multi_qubit += (count > 2) as usize;
        match if self.request.open { None } else { self.clifford(seen)? } {
            Some(clifford) => self.found.non_clifford += !clifford as usize,
            None => {
                let bytes = &seen.args.bytes[seen.args.at..seen.end];
                let next = self.found.open.len();
                let at = *self.open.entry((seen.number, bytes)).or_insert(next);
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
            if let Some(gate) = seen.row.lowered {
                return self.clifford_steps(seen, gate);
            }
            return Ok(match seen.row.op {
                "core.gphase" | "core.teleport_cnot" => Some(true),
                "magic.inject_t" => Some(false),
                "core.paulirot" => {
                    let trivial = seen.text("paulis")?.bytes().all(|letter| letter == b'I');
                    Some(trivial || is_clifford(Kind::Rz, &[seen.angle("theta")?]))
                }
                _ if seen.row.class == Class::Evolution => Some(false),
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
        if !seen.row.looks() {
            lines.iter().for_each(|&line| self.lines[line as usize].measured = true);
        }
        if seen.row.op == "core.mangle" {
            self.found.non_clifford += !is_clifford(Kind::Rz, &[seen.angle("theta")?]) as usize;
        }
        if seen.row.op == "core.mbell" && seen.place.produces.len() == 1 {
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
            } else if row.resets() && !idle {
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
        let (body, mut at, mut noises) = (self.body, 0, self.request.noise.iter());
        let (mut bonds, mut line, mut own) = (Bonds::default(), vec![NONE; body.strings.len()], Vec::new());
        let mut ends = HashMap::new();
        for node in 0..body.nodes.len() {
            let shape = &body.shapes[body.nodes.get(node)];
            let (place, channel) = (place(shape, at), at + shape.counts[0]);
            at += shape.counts.iter().sum::<usize>();
            let Some(row) = &rows[body.nodes.get(node)] else { continue };
            own.clear();
            own.extend(place.vqs.clone().map(|k| line[self.name(k)]));
            match row.class {
                Class::Alloc => place.vqs.for_each(|k| line[self.name(k)] = bonds.alloc()),
                Class::Free => place.vqs.for_each(|k| bonds.free(line[self.name(k)])),
                Class::Noise if !own.is_empty() && noises.next() == Some(&ENTANGLES) => bonds.take(&own, b"", true),
                Class::Open => drop(ends.insert(self.name(channel), own.clone())),
                Class::Use => ends.get(&self.name(channel)).into_iter().for_each(|ends| bonds.take(ends, b"", true)),
                _ if row.acts() => bonds.take(&own, row.bases, row.class != Class::FeedForward),
                _ => {}
            }
            if !bonds.alive() {
                break;
            }
        }
        bonds.peak()
    }

    fn finish(mut self, rows: &[Option<Row>]) -> Result<Features> {
        if self.noises != self.request.noise.len() {
            return Err(Declined::byte(0, "fewer error channels than are told of"));
        }
        let lines = self.lines.len() as i64;
        let (mut crossing, mut bond) = (0, 0);
        for cut in 0..(lines - 1).max(0) {
            crossing += self.change[cut as usize];
            bond = bond.max(crossing.min(cut + 1).min(lines - 1 - cut));
        }
        let magic = self.found.non_clifford > 0 || !self.found.open.is_empty();
        if self.found.qubits > BOND_QUBITS && bond > 1 && magic && !self.request.open {
            self.found.tight_bond = Some(self.tight_bond(rows));
        }
        let found = &mut self.found;
        found.bond = bond as f64;
        found.entangling_width = self.size.iter().copied().max().unwrap_or(0);
        found.mid_circuit |= self.conditions;
        found.feed_forward = match (self.full, self.conditions) {
            (true, _) => FeedForward::Full,
            (_, true) => FeedForward::Pauli,
            _ => FeedForward::None,
        };
        Ok(self.found)
    }
}
