//! Many runs from seeded layouts; the best are kept.

use super::coupling::Coupling;
use super::embed::embed;
use super::emit::emit;
use super::graph::Graph;
use super::layouts::{complete, finish, rooms, Partners};
use super::walk::{Event, Layout, Taste, Walk};
use super::{Options, Placed};
use crate::circuit::{Invalid, NONE};
use crate::dice::Dice;

/// Layouts without exchanges among which the one with the fewest errors is chosen, where errors are known.
const LAYOUTS: usize = 2_000;

/// Runs forth and back of each trial before the one that counts.
const ROUNDS: usize = 2;

struct Best {
    score: f64,
    start: Layout,
    events: Vec<Event>,
}

pub fn search(graph: &Graph, coupling: &Coupling, options: &Options) -> Result<Vec<Placed>, Invalid> {
    let partners = Partners::new(graph);
    rooms_of_wires(graph, coupling)?;
    let most = if coupling.has_errors() { LAYOUTS } else { 1 };
    let found = embed(&partners, coupling, options.steps, most);
    if let Some(sites) = best_by_errors(graph, coupling, &found.whole) {
        let start = place_rest(sites, &partners, coupling);
        let mut walk = Walk::new(graph, coupling, TASTES[0], start.clone());
        walk.run(false, &mut Dice::new(options.seed, &[0]));
        return Ok(vec![emit(graph, coupling, &start, &walk.events)]);
    }
    let rooms = rooms(graph, &partners, coupling)?;
    let mut best: Vec<Best> = Vec::new();
    let idle = finish(vec![NONE; coupling.n() as usize], vec![false; coupling.n() as usize], &partners, coupling);
    let mut walk = Walk::new(graph, coupling, TASTES[0], idle);
    for trial in 0..options.trials.max(1) {
        if trial > 0 && walk.work > options.work {
            break;
        }
        let mut dice = Dice::new(options.seed, &[trial as u64]);
        let start = start(trial, &best, &found.partial, &partners, &rooms, coupling, &mut dice);
        // the last third places wires late
        let taste = Taste { late: 3 * trial >= 2 * options.trials.max(1), ..TASTES[trial as usize % TASTES.len()] };
        walk.restart(taste, start);
        run_trial(&mut walk, &mut best, options, &mut dice);
    }
    Ok(best.iter().map(|one| emit(graph, coupling, &one.start, &one.events)).collect())
}

const TASTES: [Taste; 4] = [
    Taste { ahead: 20, weight: 0.5, decay: 0.001, price: 0.1, late: false },
    Taste { ahead: 20, weight: 0.3, decay: 0.001, price: 0.2, late: false },
    Taste { ahead: 10, weight: 0.5, decay: 0.001, price: 0.3, late: false },
    Taste { ahead: 20, weight: 0.3, decay: 0.01, price: 0.15, late: false },
];

fn rooms_of_wires(graph: &Graph, coupling: &Coupling) -> Result<(), Invalid> {
    let total = (0..coupling.n()).filter(|&site| coupling.usable(site)).count();
    let used = graph.used.iter().filter(|&&used| used).count();
    if used > total || graph.circuit.n_qubits > coupling.n() {
        let n = used.max(graph.circuit.n_qubits as usize);
        return Err(Invalid(format!("{n} qubits: the device has {total} that can be used")));
    }
    Ok(())
}

fn place_rest(mut site: Vec<u32>, partners: &Partners, coupling: &Coupling) -> Layout {
    site.resize(coupling.n() as usize, NONE);
    let mut taken = vec![false; site.len()];
    site.iter().filter(|&&s| s != NONE).for_each(|&s| taken[s as usize] = true);
    finish(site, taken, partners, coupling)
}

/// Of layouts without exchanges, the one whose gates and readings fail least.
fn best_by_errors(graph: &Graph, coupling: &Coupling, layouts: &[Vec<u32>]) -> Option<Vec<u32>> {
    let loss = |sites: &Vec<u32>| {
        let pairs = graph.nodes.iter().filter(|node| node.pair).map(|node| {
            let [a, b] = node.wires.map(|wire| sites[wire as usize]);
            coupling.pair_loss(a, b) * node.cost as f64
        });
        let reads = (0..sites.len()).filter(|&wire| graph.read[wire] && sites[wire] != NONE);
        pairs.sum::<f64>() + reads.map(|wire| coupling.readout_loss(sites[wire])).sum::<f64>()
    };
    let scored = layouts.iter().map(|sites| (loss(sites), sites));
    scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, sites)| sites.clone())
}

fn start(
    trial: u32,
    best: &[Best],
    partial: &[u32],
    partners: &Partners,
    rooms: &[Vec<u32>],
    coupling: &Coupling,
    dice: &mut Dice,
) -> Layout {
    match trial % 4 {
        0 if trial < 8 => complete(partial.to_vec(), partners, rooms, coupling, 0.1 * trial as f32, dice),
        1 | 2 if trial >= 8 && !best.is_empty() => {
            // near the best so far: a few sites exchanged
            let mut layout = best[dice.below(best.len() as u64) as usize].start.clone();
            let wires: Vec<u32> = partners.parts.iter().flatten().copied().collect();
            for _ in 0..1 + dice.below(3) {
                let p = layout.site[wires[dice.below(wires.len() as u64) as usize] as usize];
                let near = coupling.near(p);
                if !near.is_empty() {
                    layout.swap(p, near[dice.below(near.len() as u64) as usize]);
                }
            }
            layout
        }
        kind => complete(vec![NONE; partners.of.len()], partners, rooms, coupling, 0.2 * kind as f32, dice),
    }
}

/// Runs forth and back from the walk's layout, and keeps the last run where it is among the best.
fn run_trial(walk: &mut Walk, best: &mut Vec<Best>, options: &Options, dice: &mut Dice) {
    for _ in 0..ROUNDS {
        walk.run(false, dice);
        keep(walk, best, options);
        walk.run(true, dice);
    }
    walk.run(false, dice);
    keep(walk, best, options);
}

fn keep(walk: &Walk, best: &mut Vec<Best>, options: &Options) {
    let score = options.score(walk.price.two, walk.price.depth());
    let most = options.keep.max(1);
    if best.len() == most && best[most - 1].score <= score {
        return;
    }
    if best.iter().any(|one| one.score == score && one.events == walk.events) {
        return;
    }
    let mut start = walk.layout.clone();
    for event in walk.events.iter().rev() {
        if let Event::Swap(p, q) = *event {
            start.swap(p, q);
        }
    }
    let at = best.partition_point(|one| one.score <= score);
    best.insert(at, Best { score, start, events: walk.events.clone() });
    best.truncate(most);
}
