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

/// Orders worth a look, without repetition.
pub fn candidates(n: usize, pairs: &[(u32, u32)]) -> Vec<Vec<u32>> {
    let mut all = vec![(0..n as u32).collect(), reverse_cuthill_mckee(&partners(n, pairs))];
    all.dedup();
    all
}
