//! Relay belief propagation: chained runs of min-sum with memory, for any sparse check matrix.
//!
//! Müller et al., arXiv:2506.01779. In iteration t mechanism j holds for its prior a mixture of its true prior and of
//! its last belief, (1 - g_j) prior_j + g_j belief_j. In the first leg all g are equal; in each later one they are drawn
//! from an interval that reaches below 0, and the leg starts from the beliefs that the last one ended with. Of the
//! solutions found, the lightest by sum of log((1 - p) / p) is kept. Randomness is the decoder's, not the shot's: a
//! syndrome always has the same answer.

use crate::dice::Dice;

#[cfg(feature = "python")]
pub mod python;

/// How long to search.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub first_iterations: usize,
    pub legs: usize,
    pub leg_iterations: usize,
    pub solutions: usize,
    pub first_memory: f32,
    /// what a check's answer is multiplied by; below 1 where checks are redundant
    pub scale: f32,
    pub memory: (f32, f32),
    pub seed: u64,
}

/// A check matrix by columns, with priors and what each mechanism flips.
pub struct Relay {
    checks: usize,
    /// edges of check i: `check_starts[i]..check_starts[i + 1]`, in order of checks
    check_starts: Vec<u32>,
    edge_mechanism: Vec<u32>,
    /// edges of mechanism j, by their numbers above
    mechanism_starts: Vec<u32>,
    mechanism_edges: Vec<u32>,
    priors: Vec<f32>,
    observables: Vec<u8>,
    width: usize,
    settings: Settings,
}

/// The arrays that decoding one shot after another uses.
pub struct Scratch {
    to_check: Vec<f32>,
    to_mechanism: Vec<f32>,
    beliefs: Vec<f32>,
    memories: Vec<f32>,
    hard: Vec<bool>,
    best: Vec<bool>,
}

impl Relay {
    /// `starts` and `rows`: checks of mechanism j are `rows[starts[j]..starts[j + 1]]`. `observables`: `width` bytes a
    /// mechanism. None where an index is out of bounds or a prior is not strictly between 0 and 1.
    pub fn new(
        checks: usize,
        starts: &[u32],
        rows: &[u32],
        chances: &[f64],
        observables: &[u8],
        width: usize,
        settings: Settings,
    ) -> Option<Relay> {
        let n = chances.len();
        let whole = starts.len() == n + 1
            && starts[0] == 0
            && starts[n] as usize == rows.len()
            && starts.windows(2).all(|pair| pair[0] <= pair[1])
            && rows.iter().all(|&row| (row as usize) < checks)
            && observables.len() == n * width
            && chances.iter().all(|&p| p > 0.0 && p < 1.0);
        if !whole {
            return None;
        }
        let mut check_starts = vec![0u32; checks + 1];
        for &row in rows {
            check_starts[row as usize + 1] += 1;
        }
        for i in 0..checks {
            check_starts[i + 1] += check_starts[i];
        }
        let mut next = check_starts.clone();
        let mut edge_mechanism = vec![0u32; rows.len()];
        let mut mechanism_edges = vec![0u32; rows.len()];
        for j in 0..n {
            for at in starts[j] as usize..starts[j + 1] as usize {
                let edge = next[rows[at] as usize];
                next[rows[at] as usize] += 1;
                edge_mechanism[edge as usize] = j as u32;
                mechanism_edges[at] = edge;
            }
        }
        Some(Relay {
            checks,
            check_starts,
            edge_mechanism,
            mechanism_starts: starts.to_vec(),
            mechanism_edges,
            priors: chances.iter().map(|&p| ((1.0 - p) / p).ln() as f32).collect(),
            observables: observables.to_vec(),
            width,
            settings,
        })
    }

    pub fn checks(&self) -> usize {
        self.checks
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn scratch(&self) -> Scratch {
        let (edges, n) = (self.edge_mechanism.len(), self.priors.len());
        Scratch {
            to_check: vec![0.0; edges],
            to_mechanism: vec![0.0; edges],
            beliefs: vec![0.0; n],
            memories: vec![0.0; n],
            hard: vec![false; n],
            best: vec![false; n],
        }
    }

    /// What the decoder holds for flipped, `width` bytes, given the checks that are violated.
    pub fn decode(&self, syndrome: &[bool], scratch: &mut Scratch, flips: &mut [u8]) {
        flips.fill(0);
        if !syndrome.contains(&true) {
            return;
        }
        scratch.beliefs.copy_from_slice(&self.priors);
        scratch.hard.fill(false);
        let mut lightest = f32::INFINITY;
        let mut found = 0;
        for leg in 0..=self.settings.legs {
            if self.leg(leg, syndrome, scratch) {
                found += 1;
                let weight = self.weight(&scratch.hard);
                if weight < lightest {
                    lightest = weight;
                    scratch.best.copy_from_slice(&scratch.hard);
                }
                if found == self.settings.solutions {
                    break;
                }
            }
        }
        let chosen = if found > 0 { &scratch.best } else { &scratch.hard };
        for (j, _) in chosen.iter().enumerate().filter(|(_, &on)| on) {
            for (flip, byte) in flips.iter_mut().zip(&self.observables[j * self.width..]) {
                *flip ^= byte;
            }
        }
    }

    fn weight(&self, hard: &[bool]) -> f32 {
        hard.iter().zip(&self.priors).filter(|(&on, _)| on).map(|(_, prior)| prior).sum()
    }

    /// One leg; whether it ended in errors that have this syndrome.
    fn leg(&self, leg: usize, syndrome: &[bool], scratch: &mut Scratch) -> bool {
        let first = leg == 0;
        let iterations = if first { self.settings.first_iterations } else { self.settings.leg_iterations };
        self.draw_memories(leg, &mut scratch.memories);
        for (message, &j) in scratch.to_check.iter_mut().zip(&self.edge_mechanism) {
            *message = self.priors[j as usize];
        }
        for _ in 0..iterations {
            self.answer_checks(syndrome, &scratch.to_check, &mut scratch.to_mechanism);
            for j in 0..self.priors.len() {
                let memory = scratch.memories[j];
                let edges =
                    &self.mechanism_edges[self.mechanism_starts[j] as usize..self.mechanism_starts[j + 1] as usize];
                let heard: f32 = edges.iter().map(|&edge| scratch.to_mechanism[edge as usize]).sum();
                let belief = (1.0 - memory) * self.priors[j] + memory * scratch.beliefs[j] + heard;
                for &edge in edges {
                    scratch.to_check[edge as usize] = belief - scratch.to_mechanism[edge as usize];
                }
                scratch.beliefs[j] = belief;
                scratch.hard[j] = belief <= 0.0;
            }
            if self.explains(syndrome, &scratch.hard) {
                return true;
            }
        }
        false
    }

    /// What mechanisms remember in this leg: drawn when it is run, as most shots need few legs.
    fn draw_memories(&self, leg: usize, memories: &mut [f32]) {
        if leg == 0 {
            memories.fill(self.settings.first_memory);
            return;
        }
        let (low, high) = self.settings.memory;
        let mut dice = Dice::new(self.settings.seed, &[leg as u64 - 1]);
        memories.fill_with(|| low + (high - low) * dice.unit() as f32);
    }

    /// Min-sum: a check tells a mechanism the least certain of the others, with the sign that the syndrome asks for.
    fn answer_checks(&self, syndrome: &[bool], to_check: &[f32], to_mechanism: &mut [f32]) {
        for (i, &violated) in syndrome.iter().enumerate() {
            let range = self.check_starts[i] as usize..self.check_starts[i + 1] as usize;
            let (heard, answers) = (&to_check[range.clone()], &mut to_mechanism[range]);
            let (mut least, mut second) = (f32::INFINITY, f32::INFINITY);
            let mut odd = violated;
            for &message in heard {
                let size = message.abs();
                odd ^= message < 0.0;
                second = second.min(least.max(size));
                least = least.min(size);
            }
            // a check of one mechanism knows it for certain; where two are least, the second is as small
            let to_others = (self.settings.scale * least).min(CERTAIN);
            let to_least = (self.settings.scale * second).min(CERTAIN);
            for (answer, &message) in answers.iter_mut().zip(heard) {
                let size = if message.abs() == least { to_least } else { to_others };
                *answer = if odd ^ (message < 0.0) { -size } else { size };
            }
        }
    }

    fn explains(&self, syndrome: &[bool], hard: &[bool]) -> bool {
        syndrome.iter().enumerate().all(|(i, &violated)| {
            let edges = &self.edge_mechanism[self.check_starts[i] as usize..self.check_starts[i + 1] as usize];
            !edges.iter().fold(violated, |odd, &j| odd ^ hard[j as usize])
        })
    }
}

const CERTAIN: f32 = 1e4;

#[cfg(test)]
mod tests {
    use super::*;

    fn repetition(n: usize) -> Relay {
        // mechanism j flips checks j - 1 and j; mechanism 0 flips the observable
        let mut starts = vec![0u32];
        let mut rows = Vec::new();
        for j in 0..n as u32 {
            rows.extend((j > 0).then(|| j - 1));
            rows.extend((j + 1 < n as u32).then_some(j));
            starts.push(rows.len() as u32);
        }
        let observables: Vec<u8> = (0..n).map(|j| u8::from(j == 0)).collect();
        let settings = Settings {
            first_iterations: 80,
            legs: 20,
            leg_iterations: 60,
            solutions: 3,
            first_memory: 0.125,
            scale: 1.0,
            memory: (-0.24, 0.66),
            seed: 1,
        };
        Relay::new(n - 1, &starts, &rows, &vec![0.05; n], &observables, 1, settings).expect("a repetition code")
    }

    #[test]
    fn fewer_errors_than_half_the_distance_are_decoded_right() {
        let code = repetition(7);
        let mut scratch = code.scratch();
        for errors in 0u32..128 {
            if errors.count_ones() > 3 {
                continue;
            }
            let syndrome: Vec<bool> = (0..6).map(|i| (errors >> i ^ errors >> (i + 1)) & 1 == 1).collect();
            let mut flips = [0u8];
            code.decode(&syndrome, &mut scratch, &mut flips);
            assert_eq!(u32::from(flips[0]), errors & 1, "errors {errors:07b}");
        }
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused() {
        let settings = repetition(3).settings;
        assert!(Relay::new(1, &[0, 1], &[1], &[0.1], &[0], 1, settings).is_none());
        assert!(Relay::new(1, &[0, 1], &[0], &[0.0], &[0], 1, settings).is_none());
        assert!(Relay::new(1, &[0, 2], &[0], &[0.1], &[0], 1, settings).is_none());
        assert!(Relay::new(1, &[0, 1], &[0], &[0.1], &[], 1, settings).is_none());
    }
}
