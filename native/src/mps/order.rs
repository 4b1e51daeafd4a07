//! Orders of the vertices of an interaction graph in which partners stand close.

/// Partners of each vertex, each once.
pub fn partners(n: usize, pairs: &[(u32, u32)]) -> Vec<Vec<u32>> {
    let mut partners: Vec<Vec<u32>> = vec![Vec::new(); n];
    for &(a, b) in pairs {
        partners[a as usize].push(b);
        partners[b as usize].push(a);
    }
    for list in &mut partners {
        list.sort_unstable();
        list.dedup();
    }
    partners
}

/// The order given, or reverse Cuthill-McKee from an end of the graph, whichever has the shorter sum of distances.
pub fn plain(n: usize, pairs: &[(u32, u32)]) -> Vec<u32> {
    let given: Vec<u32> = (0..n as u32).collect();
    let found = reverse_cuthill_mckee(&partners(n, pairs));
    let length = |order: &[u32]| {
        let site = sites(order);
        pairs.iter().map(|&(a, b)| site[a as usize].abs_diff(site[b as usize])).sum::<usize>()
    };
    if length(&found) < length(&given) {
        found
    } else {
        given
    }
}

/// Where each vertex stands.
pub fn sites(order: &[u32]) -> Vec<usize> {
    let mut site = vec![0; order.len()];
    order.iter().enumerate().for_each(|(k, &vertex)| site[vertex as usize] = k);
    site
}

fn reverse_cuthill_mckee(partners: &[Vec<u32>]) -> Vec<u32> {
    let n = partners.len();
    let mut seen = vec![false; n];
    let mut out: Vec<u32> = Vec::with_capacity(n);
    let mut starts: Vec<u32> = (0..n as u32).collect();
    starts.sort_by_key(|&q| partners[q as usize].len());
    for start in starts {
        if seen[start as usize] {
            continue;
        }
        let start = far_end(partners, start);
        seen[start as usize] = true;
        let mut at = out.len();
        out.push(start);
        while at < out.len() {
            let mut next: Vec<u32> = partners[out[at] as usize]
                .iter()
                .copied()
                .filter(|&q| !std::mem::replace(&mut seen[q as usize], true))
                .collect();
            next.sort_by_key(|&q| partners[q as usize].len());
            out.extend(next);
            at += 1;
        }
    }
    out.reverse();
    out
}

/// A vertex as far from `start` as any, of the smallest degree among those.
fn far_end(partners: &[Vec<u32>], start: u32) -> u32 {
    let mut distance = vec![u32::MAX; partners.len()];
    distance[start as usize] = 0;
    let mut queue = std::collections::VecDeque::from([start]);
    let mut last = start;
    while let Some(q) = queue.pop_front() {
        let farther = distance[q as usize] > distance[last as usize];
        if farther
            || partners[q as usize].len() < partners[last as usize].len()
                && distance[q as usize] == distance[last as usize]
        {
            last = q;
        }
        for &p in &partners[q as usize] {
            if distance[p as usize] == u32::MAX {
                distance[p as usize] = distance[q as usize] + 1;
                queue.push_back(p);
            }
        }
    }
    last
}

/// The sum of 2^cut over the cuts of an order, log2: a measure of the entanglement that it leads through its bonds.
pub fn spread(order: &[u32], pairs: &[(u32, u32)]) -> f64 {
    let site = sites(order);
    let mut change = vec![0i64; order.len() + 1];
    for &(a, b) in pairs {
        let (a, b) = (site[a as usize], site[b as usize]);
        change[a.min(b)] += 1;
        change[a.max(b)] -= 1;
    }
    let mut cut = 0;
    let sum = |change: &i64| {
        cut += change;
        weight(cut)
    };
    change.iter().map(sum).sum::<f64>().log2()
}

/// Vertices beyond which only cheap orders are looked for.
const MANY: usize = 512;
/// Steps of the iteration that finds the slowest vibration of the graph.
const STEPS: usize = 200;
/// Rounds of moves, and how far a vertex is moved in one.
const ROUNDS: usize = 6;
const REACH: usize = 12;

/// Orders worth a look, the first the one given: reverse Cuthill-McKee, the slowest vibration of the graph (Fiedler), and
/// each after moves of single vertices that lower the cuts.
pub fn candidates(n: usize, pairs: &[(u32, u32)]) -> Vec<Vec<u32>> {
    let partners = partners(n, pairs);
    let mut all = vec![(0..n as u32).collect(), reverse_cuthill_mckee(&partners)];
    if n <= MANY {
        all.push(spectral(&partners));
        let moved: Vec<Vec<u32>> = all.iter().map(|order| improved(order.clone(), &partners)).collect();
        all.extend(moved);
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|order| seen.insert(order.clone()));
    all
}

/// By the second smallest eigenvector of the graph's Laplacian, component by component in the order of
/// `reverse_cuthill_mckee`; power iteration on c - L, without the constant vector.
fn spectral(partners: &[Vec<u32>]) -> Vec<u32> {
    let n = partners.len();
    let base = reverse_cuthill_mckee(partners);
    let component = components(partners);
    let mut size = vec![0.0f64; n];
    component.iter().for_each(|&home| size[home as usize] += 1.0);
    let most = partners.iter().map(Vec::len).max().unwrap_or(0) as f64;
    let mut x = vec![0.0; n];
    // Where the vertex stands in another order is close to what is looked for.
    base.iter().enumerate().for_each(|(k, &vertex)| x[vertex as usize] = k as f64);
    let mut sum = vec![0.0; n];
    for _ in 0..STEPS {
        sum.fill(0.0);
        (0..n).for_each(|v| sum[component[v] as usize] += x[v]);
        (0..n).for_each(|v| x[v] -= sum[component[v] as usize] / size[component[v] as usize]);
        let turned = |v: usize| {
            let around: f64 = partners[v].iter().map(|&p| x[p as usize]).sum();
            (2.0 * most - partners[v].len() as f64) * x[v] + around
        };
        let next: Vec<f64> = (0..n).map(turned).collect();
        let length = next.iter().map(|a| a * a).sum::<f64>().sqrt();
        if length == 0.0 {
            break;
        }
        x = next.into_iter().map(|a| a / length).collect();
    }
    let mut first = vec![usize::MAX; n];
    for (k, &vertex) in base.iter().enumerate() {
        let home = component[vertex as usize] as usize;
        first[home] = first[home].min(k);
    }
    let mut order = base;
    order.sort_by(|&a, &b| {
        let home = |v: u32| first[component[v as usize] as usize];
        home(a).cmp(&home(b)).then(x[a as usize].total_cmp(&x[b as usize]))
    });
    order
}

/// The smallest vertex of each vertex's component.
fn components(partners: &[Vec<u32>]) -> Vec<u32> {
    let mut home = vec![u32::MAX; partners.len()];
    for start in 0..partners.len() as u32 {
        if home[start as usize] != u32::MAX {
            continue;
        }
        let mut stack = vec![start];
        while let Some(vertex) = stack.pop() {
            if std::mem::replace(&mut home[vertex as usize], start) == u32::MAX {
                stack.extend(partners[vertex as usize].iter().filter(|&&p| home[p as usize] == u32::MAX));
            }
        }
    }
    home
}

/// Moves vertices to a place within reach while the sum of 2^cut over all cuts falls.
fn improved(order: Vec<u32>, partners: &[Vec<u32>]) -> Vec<u32> {
    let n = order.len();
    let mut line = Line { site: sites(&order), order, cuts: vec![0; n] };
    for k in 0..n {
        let vertex = line.order[k];
        let rises = line.rise(vertex, k, partners);
        line.cuts[k] = if k == 0 { rises } else { line.cuts[k - 1] + rises };
    }
    for _ in 0..ROUNDS {
        let mut changed = false;
        for vertex in 0..n as u32 {
            for forward in [true, false] {
                changed |= line.travel(vertex, forward, partners);
            }
        }
        if !changed {
            break;
        }
    }
    line.order
}

struct Line {
    order: Vec<u32>,
    site: Vec<usize>,
    /// Edges between the sites up to k and those beyond.
    cuts: Vec<i64>,
}

fn weight(cut: i64) -> f64 {
    (cut.min(900) as f64).exp2()
}

impl Line {
    /// How much higher the cut after `vertex` is than the one before it, were it at site `k`.
    fn rise(&self, vertex: u32, k: usize, partners: &[Vec<u32>]) -> i64 {
        let list = &partners[vertex as usize];
        let before = list.iter().filter(|&&p| self.site[p as usize] < k).count() as i64;
        list.len() as i64 - 2 * before
    }

    /// Exchanges the vertices at k and k + 1: only the cut between them changes.
    fn swap(&mut self, k: usize, partners: &[Vec<u32>]) {
        let (a, b) = (self.order[k], self.order[k + 1]);
        self.order.swap(k, k + 1);
        (self.site[a as usize], self.site[b as usize]) = (k + 1, k);
        let before = if k == 0 { 0 } else { self.cuts[k - 1] };
        self.cuts[k] = before + self.rise(b, k, partners);
    }

    /// Moves `vertex` in one direction as far as is best; whether it moved.
    fn travel(&mut self, vertex: u32, forward: bool, partners: &[Vec<u32>]) -> bool {
        let (mut sum, mut best, mut steps) = (0.0, (-1e-9, 0), 0);
        let mut moved = 0;
        while moved < REACH {
            let at = self.site[vertex as usize];
            if if forward { at + 1 == self.order.len() } else { at == 0 } {
                break;
            }
            let k = if forward { at } else { at - 1 };
            let old = self.cuts[k];
            self.swap(k, partners);
            sum += weight(self.cuts[k]) - weight(old);
            moved += 1;
            if sum < best.0 {
                best = (sum, moved);
                steps = moved;
            }
        }
        for _ in steps..moved {
            let at = self.site[vertex as usize];
            self.swap(if forward { at - 1 } else { at }, partners);
        }
        steps > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widest(order: &[u32], pairs: &[(u32, u32)]) -> usize {
        let site = sites(order);
        let crosses = |k: usize, &&(a, b): &&(u32, u32)| (site[a as usize] <= k) != (site[b as usize] <= k);
        (0..order.len()).map(|k| pairs.iter().filter(|pair| crosses(k, pair)).count()).max().unwrap_or(0)
    }

    #[test]
    fn a_hidden_ladder_and_a_tree_get_narrow_orders() {
        let n = 60u32;
        let hidden = |k: u32| k * 37 % n;
        let mut ladder: Vec<(u32, u32)> = (0..n / 2).map(|k| (hidden(2 * k), hidden(2 * k + 1))).collect();
        ladder.extend((0..n - 2).map(|k| (hidden(k), hidden(k + 2))));
        let tree: Vec<(u32, u32)> = (1..n).map(|k| (hidden(k), hidden((k - 1) / 2))).collect();
        for (pairs, most) in [(ladder, 3), (tree, 5)] {
            let all = candidates(n as usize, &pairs);
            for order in &all {
                let mut sorted = order.clone();
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq(0..n));
            }
            let best = all.iter().map(|order| widest(order, &pairs)).min().unwrap();
            assert!(best <= most, "{best}");
        }
    }
}
