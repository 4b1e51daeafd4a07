//! One run through the circuit from a layout: nodes are done when their wires are coupled, exchanges bring wires together.

use super::copies::Copies;
use super::coupling::{Coupling, FAR};
use super::graph::{Graph, Node, Order};
use super::price::Price;
use crate::circuit::NONE;
use crate::dice::Dice;

/// A bijection of wires and sites: there are as many wires as sites, those beyond the circuit's are idle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub site: Vec<u32>,
    pub wire: Vec<u32>,
}

impl Layout {
    pub fn from_sites(site: Vec<u32>) -> Layout {
        let mut wire = vec![0; site.len()];
        site.iter().enumerate().for_each(|(w, &s)| wire[s as usize] = w as u32);
        Layout { site, wire }
    }

    #[inline]
    pub fn swap(&mut self, p: u32, q: u32) {
        let (a, b) = (self.wire[p as usize], self.wire[q as usize]);
        (self.wire[p as usize], self.wire[q as usize]) = (b, a);
        (self.site[a as usize], self.site[b as usize]) = (q, p);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Node(u32),
    /// A node with its wire of this number (0, 1) exchanged for another wire that always reads the same.
    Copied(u32, usize, u32),
    Swap(u32, u32),
}

impl Event {
    /// The wires that a node acts on.
    pub fn wires(&self, node: &Node) -> [u32; 2] {
        let mut wires = node.wires;
        if let Event::Copied(_, turn, copy) = *self {
            wires[turn] = copy;
        }
        wires
    }
}

/// How exchanges are chosen.
#[derive(Clone, Copy, Debug)]
pub struct Taste {
    /// Nodes to come that are looked at beside those in front, and what they weigh together.
    pub ahead: usize,
    pub weight: f32,
    /// How much each exchange of a site makes the next one there worse.
    pub decay: f32,
    /// What a two-qubit gate of the exchange itself weighs, in steps of distance of the front.
    pub price: f32,
    /// Whether a wire in |0> gets its site when it is first used, beside what uses it.
    pub late: bool,
}

pub struct Walk<'a> {
    graph: &'a Graph,
    coupling: &'a Coupling,
    taste: Taste,
    pub layout: Layout,
    pub price: Price,
    pub events: Vec<Event>,
    /// Exchanges that were scored.
    pub work: u64,
    waits: Vec<u32>,
    front: Vec<u32>,
    /// The other wire of the front's node on a wire, or NONE.
    partner: Vec<u32>,
    /// Wires that come next on each wire, with their weights; `touched` says which lists are not empty.
    ahead: Vec<Vec<(u32, f32)>>,
    touched: Vec<u32>,
    decay: Vec<f32>,
    seen: Vec<u32>,
    stamp: u32,
    queue: Vec<u32>,
    copies: Copies,
    back: bool,
}

impl<'a> Walk<'a> {
    pub fn new(graph: &'a Graph, coupling: &'a Coupling, taste: Taste, layout: Layout) -> Walk<'a> {
        let n = coupling.n() as usize;
        Walk {
            graph,
            coupling,
            taste,
            layout,
            price: Price::new(coupling.n()),
            events: Vec::new(),
            work: 0,
            waits: Vec::new(),
            front: Vec::new(),
            partner: vec![NONE; n],
            ahead: vec![Vec::new(); n],
            touched: Vec::new(),
            decay: vec![1.0; n],
            seen: vec![0; graph.nodes.len()],
            stamp: 0,
            queue: Vec::new(),
            copies: Copies::new(coupling.n() as usize),
            back: false,
        }
    }

    /// A new start with another taste and layout.
    pub fn restart(&mut self, taste: Taste, layout: Layout) {
        self.taste = taste;
        self.layout = layout;
    }

    /// Runs through all nodes; `layout` is then where the wires end.
    pub fn run(&mut self, back: bool, dice: &mut Dice) {
        let graph = self.graph;
        let order = if back { &graph.back } else { &graph.forth };
        self.waits.clone_from(&order.waits);
        self.price.clear();
        self.events.clear();
        self.front.clear();
        self.partner.fill(NONE);
        self.decay.fill(1.0);
        self.copies.clear();
        self.back = back;
        let mut ready: Vec<u32> = (0..graph.nodes.len() as u32).filter(|&k| order.waits[k as usize] == 0).collect();
        self.advance(order, &mut ready);
        let (mut idle, mut since) = (0u32, self.events.len());
        self.look_ahead(order);
        while !self.front.is_empty() {
            let (p, q) = if idle > 3 * self.coupling.n() + 20 {
                self.undo(since);
                self.bring_nearest_together();
                (NONE, NONE)
            } else if self.place_late() {
                (NONE, NONE)
            } else {
                self.best_swap(dice)
            };
            if p != NONE {
                self.swap(p, q);
                self.decay[p as usize] += self.taste.decay;
                self.decay[q as usize] += self.taste.decay;
            }
            idle += 1;
            if self.release(order) {
                (idle, since) = (0, self.events.len());
                self.decay.fill(1.0);
                self.look_ahead(order);
            } else if idle % 5 == 0 {
                self.decay.fill(1.0);
            }
        }
    }

    /// How a node can be done where its wires are: as it is, or by a copy of one of them that has done less so far.
    fn way(&self, number: u32) -> Option<Event> {
        let node = &self.graph.nodes[number as usize];
        let [a, b] = node.wires;
        if !node.pair {
            return Some(Event::Node(number));
        }
        let depth = |wire: u32| self.price.depth_at(self.layout.site[wire as usize]);
        let own = self.are_coupled(a, b).then(|| (depth(a).max(depth(b)), Event::Node(number)));
        let turns = [(0, a, b), (1, b, a)].into_iter().filter(|&(turn, ..)| node.diagonal[turn] && !self.back);
        let copied = turns.flat_map(|(turn, wire, other)| {
            let copies = self.copies.of(wire).iter().copied();
            let beside = copies.filter(move |&copy| copy != wire && copy != other && self.are_coupled(copy, other));
            beside.map(move |copy| (depth(copy).max(depth(other)), Event::Copied(number, turn, copy)))
        });
        own.into_iter().chain(copied).min_by_key(|&(depth, _)| depth).map(|(_, event)| event)
    }

    fn are_coupled(&self, a: u32, b: u32) -> bool {
        self.coupling.coupled(self.layout.site[a as usize], self.layout.site[b as usize])
    }

    /// Does all nodes that can be done, and puts the others that are ready in front.
    fn advance(&mut self, order: &Order, ready: &mut Vec<u32>) {
        let graph = self.graph;
        while let Some(number) = ready.pop() {
            let node = &graph.nodes[number as usize];
            let Some(event) = self.way(number) else {
                self.front.push(number);
                continue;
            };
            let wires = event.wires(node);
            let at = wires.map(|wire| if wire == NONE { NONE } else { self.layout.site[wire as usize] });
            if !node.quiet {
                self.price.node(node, at[0], at[1]);
            }
            self.copies.node(node, wires);
            self.events.push(event);
            for &next in order.next(number) {
                self.waits[next as usize] -= 1;
                if self.waits[next as usize] == 0 {
                    ready.push(next);
                }
            }
        }
    }

    /// Does the nodes in front that can be done now; whether there were any.
    fn release(&mut self, order: &Order) -> bool {
        let mut ready = Vec::new();
        let front = std::mem::take(&mut self.front);
        let mut kept = Vec::with_capacity(front.len());
        for number in front {
            if self.way(number).is_some() {
                ready.push(number);
            } else {
                kept.push(number);
            }
        }
        self.front = kept;
        if ready.is_empty() {
            return false;
        }
        self.advance(order, &mut ready);
        true
    }

    /// Sets which wires come next on each wire.
    fn look_ahead(&mut self, order: &Order) {
        let graph = self.graph;
        for wire in self.touched.drain(..) {
            self.ahead[wire as usize].clear();
        }
        self.partner.fill(NONE);
        let near = |walk: &Self, number: u32| {
            let [a, b] = graph.nodes[number as usize].wires;
            walk.coupling.far(walk.layout.site[a as usize], walk.layout.site[b as usize])
        };
        // of the commuting nodes on a wire, the nearest pulls first
        let mut front = std::mem::take(&mut self.front);
        front.sort_by_key(|&number| (near(self, number), number));
        self.front = front;
        self.stamp += 1;
        self.queue.clear();
        let mut pairs: Vec<u32> = Vec::new();
        for k in 0..self.front.len() {
            let number = self.front[k];
            let [a, b] = graph.nodes[number as usize].wires;
            self.seen[number as usize] = self.stamp;
            self.queue.push(number);
            if self.partner[a as usize] == NONE && self.partner[b as usize] == NONE {
                (self.partner[a as usize], self.partner[b as usize]) = (b, a);
            } else {
                pairs.push(number);
            }
        }
        let mut at = 0;
        while at < self.queue.len() && pairs.len() < self.taste.ahead {
            let number = self.queue[at];
            at += 1;
            for &next in order.next(number) {
                if self.seen[next as usize] != self.stamp {
                    self.seen[next as usize] = self.stamp;
                    self.queue.push(next);
                    if graph.nodes[next as usize].pair {
                        pairs.push(next);
                    }
                }
            }
        }
        let weight = self.taste.weight / pairs.len().max(1) as f32;
        for number in pairs {
            let [a, b] = graph.nodes[number as usize].wires;
            self.ahead[a as usize].push((b, weight));
            self.ahead[b as usize].push((a, weight));
            self.touched.extend([a, b]);
        }
    }

    /// How much closer the front and what follows come by moving `wire` from `p` to `q`; negative is closer.
    #[inline]
    fn gain(&self, wire: u32, p: u32, q: u32, other: u32, scale: f32) -> f32 {
        let mut sum = 0.0;
        let step = |w: u32| {
            let site = self.layout.site[w as usize];
            self.coupling.far(q, site) as f32 - self.coupling.far(p, site) as f32
        };
        let partner = self.partner[wire as usize];
        if partner != NONE && partner != other {
            sum += step(partner) * scale;
        }
        for &(w, weight) in &self.ahead[wire as usize] {
            if w != other {
                sum += step(w) * weight;
            }
        }
        sum
    }

    fn best_swap(&mut self, dice: &mut Dice) -> (u32, u32) {
        let graph = self.graph;
        let (mut best, mut chosen, mut ties) = (f32::INFINITY, (NONE, NONE), 0u64);
        let active = self.front.iter().filter(|&&k| {
            let [a, b] = graph.nodes[k as usize].wires;
            self.partner[a as usize] == b
        });
        let scale = 1.0 / active.clone().count().max(1) as f32;
        let mut scored = 0;
        for &number in active {
            for wire in graph.nodes[number as usize].wires {
                let p = self.layout.site[wire as usize];
                for &q in self.coupling.near(p) {
                    let other = self.layout.wire[q as usize];
                    if self.partner[other as usize] != NONE && q < p {
                        continue; // the other one's turn
                    }
                    scored += 1;
                    let gain = self.gain(wire, p, q, other, scale) + self.gain(other, q, p, wire, scale);
                    let price = self.price.of_swap(p, q) as f32 * self.taste.price * scale;
                    let decay = self.decay[p as usize].max(self.decay[q as usize]) - 1.0;
                    let score = gain + price + decay * scale;
                    if score < best - 1e-6 {
                        (best, chosen, ties) = (score, (p, q), 1);
                    } else if score <= best + 1e-6 {
                        ties += 1;
                        if dice.below(ties) == 0 {
                            chosen = (p, q);
                        }
                    }
                }
            }
        }
        self.work += scored;
        chosen
    }

    /// Gives a wire of the front that nothing has used the free site beside its partner (or a copy of that) from which
    /// what follows is nearest; whether there was one. It had begun there, so that nothing has to be moved.
    fn place_late(&mut self) -> bool {
        if !self.taste.late || self.back {
            return false;
        }
        let graph = self.graph;
        for k in 0..self.front.len() {
            let node = &graph.nodes[self.front[k] as usize];
            let [a, b] = node.wires;
            for (turn, (wire, other)) in [(a, b), (b, a)].into_iter().enumerate() {
                let from = self.layout.site[other as usize];
                if !self.price.is_fresh(from) {
                    continue;
                }
                let more: &[u32] = if node.diagonal[turn] { self.copies.of(wire) } else { &[] };
                let hosts = std::iter::once(wire).chain(more.iter().copied());
                let sites = hosts.flat_map(|host| self.coupling.near(self.layout.site[host as usize]));
                let free = sites.copied().filter(|&site| self.price.is_fresh(site));
                let cost = |site: u32| {
                    let later = self.ahead[other as usize].iter().filter(|pull| pull.0 != wire);
                    let open = self.coupling.near(site).iter().filter(|&&near| self.price.is_fresh(near)).count();
                    later
                        .map(|&(w, weight)| weight * self.coupling.far(site, self.layout.site[w as usize]) as f32)
                        .sum::<f32>()
                        + 0.01 * open as f32
                };
                if let Some(to) = free.min_by(|&x, &y| cost(x).total_cmp(&cost(y)).then(x.cmp(&y))) {
                    self.layout.swap(from, to);
                    return true;
                }
            }
        }
        false
    }

    fn swap(&mut self, p: u32, q: u32) {
        self.price.swap(p, q);
        self.layout.swap(p, q);
        self.events.push(Event::Swap(p, q));
    }

    /// Takes back the exchanges since event `since`.
    fn undo(&mut self, since: usize) {
        while self.events.len() > since {
            if let Some(Event::Swap(p, q)) = self.events.pop() {
                self.layout.swap(p, q);
                self.price.swap(p, q);
            }
        }
    }

    /// Walks the closest two of the front towards each other along a shortest path: no search runs forever.
    fn bring_nearest_together(&mut self) {
        let graph = self.graph;
        let far = |walk: &Self, number: u32| {
            let [a, b] = graph.nodes[number as usize].wires;
            walk.coupling.far(walk.layout.site[a as usize], walk.layout.site[b as usize])
        };
        let Some(&nearest) = self.front.iter().min_by_key(|&&number| (far(self, number), number)) else { return };
        let [a, b] = graph.nodes[nearest as usize].wires;
        while far(self, nearest) > 1 && far(self, nearest) < FAR {
            let (p, goal) = (self.layout.site[a as usize], self.layout.site[b as usize]);
            let closer = |&&q: &&u32| self.coupling.far(q, goal) < self.coupling.far(p, goal);
            let Some(&q) = self.coupling.near(p).iter().find(closer) else { return };
            self.swap(p, q);
        }
    }
}
