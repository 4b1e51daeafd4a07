//! States that groups of shots share, and the instructions on them.

use super::kernels::{self, Amplitudes};
use super::{Batch, Failure, Limits};
use crate::circuit::NONE;
use crate::frame::plan::{Instr, Local};

/// A measurement outcome less probable than this is rounding.
pub const TINY: f64 = 1e-9;

/// Shots (as a mask over the batch) that have one state.
pub struct Group {
    pub mask: Vec<u64>,
    pub state: Amplitudes,
}

/// The states of a part; the masks cover all shots and do not meet.
#[derive(Default)]
pub struct Groups(pub Vec<Group>);

impl Groups {
    fn bytes(&self) -> u64 {
        self.0.iter().map(|g| 8 * g.state.re.len() as u64).sum()
    }
}

impl Batch<'_> {
    /// Instructions on parts.
    pub fn dense(&mut self, instr: &Instr, limits: &Limits) -> Result<u64, Failure> {
        let work = match *instr {
            Instr::Open { part, cos, sin, under } => self.open(part, cos, sin, under),
            Instr::Join { part, other } => self.join(part, other, limits)?,
            Instr::Turn { part, p, cos, sin, sign, under } => {
                if sign != NONE || under != NONE {
                    self.allow(2 * self.parts[part as usize].bytes(), limits)?;
                }
                self.turn(part, p, (cos, sin), sign, under)
            }
            Instr::Swap { part, p, pivot } => {
                for group in &mut self.parts[part as usize].0 {
                    kernels::swap(&mut group.state, &p, pivot);
                }
                self.parts[part as usize].bytes()
            }
            Instr::Read { part, p, pivot, out } => self.read(part, p, pivot, out),
            Instr::Look { part, p, out, under } => {
                self.allow(2 * self.parts[part as usize].bytes(), limits)?;
                self.look(part, p, out, under)
            }
            Instr::Draw { part, from } => {
                let outs = self.code.items(from).to_vec();
                self.draw(part, &outs)
            }
            _ => 0,
        };
        Ok(work)
    }

    fn allow(&self, more: u64, limits: &Limits) -> Result<(), Failure> {
        let needed = more + self.parts.iter().map(Groups::bytes).sum::<u64>();
        if needed > limits.memory {
            return Err(Failure::Memory { needed });
        }
        Ok(())
    }

    fn open(&mut self, part: u32, cos: f64, sin: f64, under: u32) -> u64 {
        let state = Amplitudes { re: vec![cos as f32, 0.0], im: vec![0.0, -sin as f32] };
        let zero = Amplitudes { re: vec![1.0, 0.0], im: vec![0.0, 0.0] };
        let all = Group { mask: self.valid.clone(), state: zero };
        let (on, off) = if under == NONE { (Some(all), None) } else { split(all, self.column(under)) };
        let mut groups: Vec<Group> = off.into_iter().collect();
        groups.extend(on.map(|group| Group { state, ..group }));
        self.parts[part as usize] = Groups(groups);
        2
    }

    fn join(&mut self, part: u32, other: u32, limits: &Limits) -> Result<u64, Failure> {
        let high = std::mem::take(&mut self.parts[other as usize]).0;
        let low = std::mem::take(&mut self.parts[part as usize]).0;
        let mut joined = Vec::new();
        let held: u64 = self.parts.iter().map(Groups::bytes).sum();
        let mut bytes = held;
        for a in &low {
            for b in &high {
                let mask: Vec<u64> = a.mask.iter().zip(&b.mask).map(|(x, y)| x & y).collect();
                if mask.iter().any(|&w| w != 0) {
                    bytes += 8 * (a.state.re.len() * b.state.re.len()) as u64;
                    if bytes > limits.memory {
                        return Err(Failure::Memory { needed: bytes });
                    }
                    joined.push(Group { mask, state: kernels::product(&a.state, &b.state) });
                }
            }
        }
        self.parts[part as usize] = Groups(joined);
        Ok(bytes - held)
    }

    fn turn(&mut self, part: u32, p: Local, (cos, sin): (f64, f64), sign: u32, under: u32) -> u64 {
        let groups = std::mem::take(&mut self.parts[part as usize]).0;
        let mut out = Vec::with_capacity(groups.len());
        for group in groups {
            let (on, off) = if under == NONE { (Some(group), None) } else { split(group, self.column(under)) };
            out.extend(off);
            let Some(group) = on else { continue };
            let (minus, plus) = if sign == NONE { (None, Some(group)) } else { split(group, self.column(sign)) };
            for (group, sin) in [(plus, sin), (minus, -sin)] {
                out.extend(group.map(|mut group| {
                    kernels::turn(&mut group.state, &p, cos, sin);
                    group
                }));
            }
        }
        self.parts[part as usize] = Groups(out);
        self.parts[part as usize].bytes()
    }

    fn read(&mut self, part: u32, p: Local, pivot: u32, out: u32) -> u64 {
        let groups = std::mem::take(&mut self.parts[part as usize]).0;
        let work = 2 * groups.iter().map(|g| g.state.re.len() as u64).sum::<u64>();
        let mut left = Vec::with_capacity(groups.len());
        for group in groups {
            let (zero, one) = self.toss(&group, &p, out);
            for (mask, outcome, chance) in [zero, one].into_iter().flatten() {
                left.push(Group { mask, state: kernels::project(&group.state, &p, pivot, outcome, chance) });
            }
        }
        self.parts[part as usize] = Groups(left);
        work
    }

    fn look(&mut self, part: u32, p: Local, out: u32, under: u32) -> u64 {
        let groups = std::mem::take(&mut self.parts[part as usize]).0;
        let mut left = Vec::with_capacity(groups.len());
        for group in groups {
            let (on, off) = split(group, self.column(under));
            left.extend(off);
            let Some(group) = on else { continue };
            let (zero, one) = self.toss(&group, &p, out);
            for (mask, outcome, chance) in [zero, one].into_iter().flatten() {
                left.push(Group { mask, state: kernels::keep(&group.state, &p, outcome, chance) });
            }
        }
        self.parts[part as usize] = Groups(left);
        2 * self.parts[part as usize].bytes()
    }

    /// Tosses the outcome of P for every shot of a group, into column `out`; the shots, outcome and chance of each.
    #[allow(clippy::type_complexity)]
    fn toss(&mut self, group: &Group, p: &Local, out: u32) -> (Option<Tossed>, Option<Tossed>) {
        let (zero, one) = kernels::chances(&group.state, p);
        let total = zero + one;
        let chance = one / total;
        let mut ones = vec![0; self.words];
        if chance > 1.0 - TINY {
            ones.copy_from_slice(&group.mask);
        } else if chance > TINY {
            for (word, &mask) in ones.iter_mut().zip(&group.mask) {
                let mut rest = mask;
                while rest != 0 {
                    let bit = rest & rest.wrapping_neg();
                    if self.dice.unit() < chance {
                        *word |= bit;
                    }
                    rest ^= bit;
                }
            }
        }
        self.column_mut(out).iter_mut().zip(&ones).for_each(|(c, o)| *c |= o);
        let zeros: Vec<u64> = group.mask.iter().zip(&ones).map(|(m, o)| m & !o).collect();
        let some = |mask: Vec<u64>, outcome, weight| mask.iter().any(|&w| w != 0).then_some((mask, outcome, weight));
        (some(zeros, false, zero), some(ones, true, one))
    }
}

type Tossed = (Vec<u64>, bool, f64);

/// The shots of a group where a column is 1, and where it is 0.
fn split(group: Group, column: &[u64]) -> (Option<Group>, Option<Group>) {
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
