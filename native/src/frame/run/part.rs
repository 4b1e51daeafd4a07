//! The state of a part for all shots of a batch: groups of shots that share one, or a lane for each shot.

use super::kernels::Amplitudes;
use super::lanes::Lanes;
use crate::frame::cost::RATES;

/// Shots (as a mask over the batch) that have one state.
#[derive(Clone)]
pub struct Group {
    pub mask: Vec<u64>,
    pub state: Amplitudes,
}

#[derive(Clone)]
pub enum Part {
    /// The masks cover all shots and do not meet.
    Groups(Vec<Group>),
    Lanes(Lanes),
}

impl Default for Part {
    fn default() -> Part {
        Part::Groups(Vec::new())
    }
}

/// Most qubits of a part of which every shot has its own copy.
pub const LANE_QUBITS: u32 = 14;

impl Part {
    pub fn bytes(&self) -> u64 {
        match self {
            Part::Groups(groups) => groups.iter().map(|g| 8 * g.state.re.len() as u64).sum(),
            Part::Lanes(lanes) => lanes.bytes(),
        }
    }

    pub fn qubits(&self) -> u32 {
        match self {
            Part::Groups(groups) => groups.first().map_or(0, |g| g.state.re.len().trailing_zeros()),
            Part::Lanes(lanes) => lanes.qubits,
        }
    }

    pub fn is_lanes(&self) -> bool {
        matches!(self, Part::Lanes(_))
    }

    /// The groups; none where every shot has a lane.
    pub fn groups(&self) -> &[Group] {
        match self {
            Part::Groups(groups) => groups,
            Part::Lanes(_) => &[],
        }
    }

    /// Whether lanes are cheaper than so many groups.
    pub fn crowded(&self, words: usize) -> bool {
        let count = self.groups().len();
        let (qubits, words) = (self.qubits(), words as f64);
        count > 2 && qubits <= LANE_QUBITS && {
            let size = (1u64 << qubits) as f64;
            let grouped = count as f64 * (RATES.group + words * RATES.mask + size * RATES.amplitude);
            let apart = words * (RATES.lane_word + 64.0 * size * RATES.lane);
            // making them takes as long as many steps on them
            grouped > apart && (qubits < 3 || grouped > 4.0 * apart)
        }
    }

    /// Gives every shot a lane.
    pub fn scatter(&mut self, words: usize) {
        let Part::Groups(groups) = self else { return };
        let mut of_lane = vec![0u32; words * 64];
        for (at, group) in groups.iter().enumerate() {
            for (word, &mask) in group.mask.iter().enumerate() {
                let mut rest = mask;
                while rest != 0 {
                    of_lane[word * 64 + rest.trailing_zeros() as usize] = at as u32;
                    rest &= rest - 1;
                }
            }
        }
        let states: Vec<&Amplitudes> = groups.iter().map(|g| &g.state).collect();
        if !states.is_empty() {
            *self = Part::Lanes(Lanes::gather(&states, &of_lane));
        }
    }

    /// The states of words `from..to` of the batch, for the shots in `valid`.
    pub fn slice(&self, from: usize, to: usize, valid: &[u64]) -> Part {
        match self {
            Part::Lanes(lanes) => Part::Lanes(lanes.slice(from * 64, to * 64)),
            Part::Groups(groups) => Part::Groups(
                groups
                    .iter()
                    .filter_map(|group| {
                        let mask: Vec<u64> = group.mask[from..to].iter().zip(valid).map(|(m, v)| m & v).collect();
                        mask.iter().any(|&w| w != 0).then(|| Group { mask, state: group.state.clone() })
                    })
                    .collect(),
            ),
        }
    }
}

/// The shots of a group where a column is 1, and where it is 0.
pub fn split(group: Group, column: &[u64]) -> (Option<Group>, Option<Group>) {
    let on: Vec<u64> = group.mask.iter().zip(column).map(|(m, c)| m & c).collect();
    if on.iter().all(|&w| w == 0) {
        return (None, Some(group));
    }
    if on == group.mask {
        return (Some(group), None);
    }
    let off = group.mask.iter().zip(column).map(|(m, c)| m & !c).collect();
    (Some(Group { mask: on, state: group.state.clone() }), Some(Group { mask: off, state: group.state }))
}
