//! Instructions on parts.

use super::kernels::{self, Amplitudes};
use super::lanes::{Factor, Lanes};
use super::part::{split, Group, Part};
use super::project;
use super::several::{self, Rotation};
use super::Batch;
use crate::circuit::NONE;
use crate::frame::plan::{Instr, Local};

/// A measurement outcome less probable than this is rounding.
pub const TINY: f64 = 1e-9;

/// Most rotations of one pass through memory: a request to stop should not wait for more.
const MOST_TOGETHER: usize = 64;

/// Some shots of a group, the outcome they had and its weight.
type Tossed = Option<(Vec<u64>, bool, f64)>;

impl Batch<'_> {
    /// Executes an instruction on a part; roughly how many bytes it touched.
    pub fn dense(&mut self, instr: &Instr) -> u64 {
        match *instr {
            Instr::Open { part, cos, sin, under } => self.open(part, cos, sin, under),
            Instr::Join { part, other } => self.join(part, other),
            Instr::Turn { part, p, cos, sin, sign, under } => self.turn(part, &p, (cos, sin), sign, under),
            Instr::Swap { part, p, pivot } => match &mut self.parts[part as usize] {
                Part::Lanes(lanes) => lanes.swap(&p, pivot),
                Part::Groups(groups) => groups.iter_mut().for_each(|g| project::swap(&mut g.state, &p, pivot)),
            },
            Instr::Read { part, p, pivot, out } => self.read(part, &p, pivot, out),
            Instr::Look { part, p, out, under } => self.look(part, &p, out, under),
            Instr::Draw { part, from } => self.draw(part, from),
            _ => {}
        }
        instr.part().map_or(0, |part| self.parts[part as usize].bytes())
    }

    fn open(&mut self, part: u32, cos: f64, sin: f64, under: u32) {
        let state = Amplitudes { re: vec![cos as f32, 0.0], im: vec![0.0, -sin as f32] };
        let zero = Amplitudes { re: vec![1.0, 0.0], im: vec![0.0, 0.0] };
        let all = Group { mask: self.valid.clone(), state: zero };
        let (on, off) = if under == NONE { (Some(all), None) } else { split(all, self.column(under)) };
        let mut groups: Vec<Group> = off.into_iter().collect();
        groups.extend(on.map(|group| Group { state, ..group }));
        self.parts[part as usize] = Part::Groups(groups);
    }

    fn join(&mut self, part: u32, other: u32) {
        let words = self.words;
        let mut high = std::mem::take(&mut self.parts[other as usize]);
        let mut low = std::mem::take(&mut self.parts[part as usize]);
        if let (Part::Lanes(lanes), Part::Groups(groups)) = (&mut low, &high) {
            if let [one] = groups.as_slice() {
                lanes.extend(&one.state);
                self.parts[part as usize] = low;
                return;
            }
        }
        if low.is_lanes() || high.is_lanes() {
            low.scatter(words);
            high.scatter(words);
        }
        self.parts[part as usize] = match (&low, &high) {
            (Part::Lanes(a), Part::Lanes(b)) => Part::Lanes(a.product(b)),
            _ => {
                let mut joined = Vec::new();
                for a in low.groups() {
                    for b in high.groups() {
                        let mask: Vec<u64> = a.mask.iter().zip(&b.mask).map(|(x, y)| x & y).collect();
                        if mask.iter().any(|&w| w != 0) {
                            joined.push(Group { mask, state: kernels::product(&a.state, &b.state) });
                        }
                    }
                }
                Part::Groups(joined)
            }
        };
    }

    fn turn(&mut self, part: u32, p: &Local, (cos, sin): (f64, f64), sign: u32, under: u32) {
        match std::mem::take(&mut self.parts[part as usize]) {
            Part::Lanes(mut lanes) => {
                self.turn_lanes(&mut lanes, p, (cos as f32, sin as f32), sign, under);
                self.parts[part as usize] = Part::Lanes(lanes);
            }
            Part::Groups(groups) => {
                let mut out = Vec::with_capacity(groups.len());
                for group in groups {
                    let (on, off) = if under == NONE { (Some(group), None) } else { split(group, self.column(under)) };
                    out.extend(off);
                    let Some(group) = on else { continue };
                    let (minus, plus) =
                        if sign == NONE { (None, Some(group)) } else { split(group, self.column(sign)) };
                    for (group, sin) in [(plus, sin), (minus, -sin)] {
                        out.extend(group.map(|mut group| {
                            kernels::turn(&mut group.state, p, cos, sin);
                            group
                        }));
                    }
                }
                self.parts[part as usize] = Part::Groups(out);
            }
        }
    }

    /// Takes the rotations of a large part from instruction `at` on that can go through memory together; how many.
    pub fn turn_several(&mut self, at: usize) -> usize {
        let Instr::Turn { part, .. } = self.code.instrs[at] else { return 0 };
        if self.parts[part as usize].is_lanes() || self.parts[part as usize].qubits() < several::LARGE {
            return 0;
        }
        let run = self.code.instrs[at..].iter().map_while(|instr| match *instr {
            Instr::Turn { part: same, p, cos, sin, sign: NONE, under: NONE } if same == part => {
                Some(Rotation { p, cos, sin })
            }
            _ => None,
        });
        let rotations: Vec<Rotation> = run.take(MOST_TOGETHER).collect();
        let count = several::together(&rotations);
        if count < 2 {
            return 0;
        }
        if let Part::Groups(groups) = &mut self.parts[part as usize] {
            groups.iter_mut().for_each(|group| several::turn(&mut group.state, &rotations[..count]));
        }
        count
    }

    fn turn_lanes(&self, lanes: &mut Lanes, p: &Local, (cos, sin): (f32, f32), sign: u32, under: u32) {
        if sign == NONE && under == NONE {
            return lanes.turn(p, Factor::All(cos), Factor::All(sin));
        }
        let bits = |symbol: u32, otherwise: f32| match symbol {
            NONE => vec![otherwise; lanes.lanes],
            symbol => unpack(self.column(symbol)),
        };
        let (minus, on) = (bits(sign, 0.0), bits(under, 1.0));
        let s: Vec<f32> = minus.iter().zip(&on).map(|(m, o)| sin * o * (1.0 - 2.0 * m)).collect();
        let c: Vec<f32> = on.iter().map(|o| 1.0 + o * (cos - 1.0)).collect();
        lanes.turn(p, Factor::Each(&c), Factor::Each(&s));
    }

    fn read(&mut self, part: u32, p: &Local, pivot: u32, out: u32) {
        match std::mem::take(&mut self.parts[part as usize]) {
            Part::Lanes(mut lanes) => {
                let (zero, one) = lanes.chances(p);
                let (ones, chance) = self.toss_lanes(&zero, &one, out, NONE);
                lanes.project(p, pivot, &ones, &chance);
                self.parts[part as usize] = Part::Lanes(lanes);
            }
            Part::Groups(groups) => {
                let mut left = Vec::with_capacity(groups.len());
                for group in groups {
                    for (mask, outcome, chance) in self.toss(&group, p, out).into_iter().flatten() {
                        left.push(Group { mask, state: project::project(&group.state, p, pivot, outcome, chance) });
                    }
                }
                self.parts[part as usize] = Part::Groups(left);
            }
        }
    }

    fn look(&mut self, part: u32, p: &Local, out: u32, under: u32) {
        match std::mem::take(&mut self.parts[part as usize]) {
            Part::Lanes(mut lanes) => {
                let (zero, one) = lanes.chances(p);
                let (ones, chance) = self.toss_lanes(&zero, &one, out, under);
                let on = unpack(self.column(under));
                let half: Vec<f32> = chance.iter().zip(&on).map(|(w, o)| o * 0.5 / w.sqrt()).collect();
                let kept: Vec<f32> = half.iter().zip(&on).map(|(h, o)| h + 1.0 - o).collect();
                let added: Vec<f32> = half.iter().zip(&ones).map(|(h, o)| h * (1.0 - 2.0 * o)).collect();
                lanes.blend(p, &kept, &added);
                self.parts[part as usize] = Part::Lanes(lanes);
            }
            Part::Groups(groups) => {
                let mut left = Vec::with_capacity(groups.len());
                for group in groups {
                    let (on, off) = split(group, self.column(under));
                    left.extend(off);
                    let Some(group) = on else { continue };
                    for (mask, outcome, chance) in self.toss(&group, p, out).into_iter().flatten() {
                        left.push(Group { mask, state: project::keep(&group.state, p, outcome, chance) });
                    }
                }
                self.parts[part as usize] = Part::Groups(left);
            }
        }
    }

    /// Tosses the outcome of P for every shot of a group, into column `out`.
    fn toss(&mut self, group: &Group, p: &Local, out: u32) -> [Tossed; 2] {
        let (zero, one) = project::chances(&group.state, p);
        let chance = one / (zero + one);
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
        [some(zeros, false, zero), some(ones, true, one)]
    }

    /// Tosses an outcome for every lane (0 where `under` does not hold): the outcomes, 1 or 0, and their weights.
    fn toss_lanes(&mut self, zero: &[f32], one: &[f32], out: u32, under: u32) -> (Vec<f32>, Vec<f32>) {
        let mut ones = vec![0f32; zero.len()];
        let mut chance = vec![0f32; zero.len()];
        for word in 0..self.words {
            let bits = self.lots.word();
            let at = word * 64;
            let (zero, one) = (&zero[at..at + 64], &one[at..at + 64]);
            let (ones, chance) = (&mut ones[at..at + 64], &mut chance[at..at + 64]);
            let mut fell = [0u8; 64];
            for l in 0..64 {
                let hit = unit(bits[l]) * (zero[l] + one[l]) < one[l];
                fell[l] = hit as u8;
                ones[l] = hit as u8 as f32;
                chance[l] = if hit { one[l] } else { zero[l] };
            }
            let mut packed = pack(&fell);
            if under != NONE {
                packed &= self.column(under)[word];
            }
            self.column_mut(out)[word] = packed;
        }
        (ones, chance)
    }
}

/// In (0, 1), odd multiples of 2^-24: neither end can be reached by rounding.
#[inline]
pub fn unit(bits: u32) -> f32 {
    (bits >> 8 | 1) as f32 * (1.0 / (1u32 << 24) as f32)
}

/// 64 bytes of 0 and 1 as the bits of a word.
#[inline]
fn pack(bytes: &[u8; 64]) -> u64 {
    let mut word = 0;
    for (at, eight) in bytes.chunks_exact(8).enumerate() {
        let eight = eight.iter().enumerate().fold(0u64, |all, (k, &b)| all | (b as u64) << (8 * k));
        word |= (eight.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * at);
    }
    word
}

/// The bits of words as 0 and 1.
pub fn unpack(words: &[u64]) -> Vec<f32> {
    let mut out = Vec::with_capacity(words.len() * 64);
    for &word in words {
        out.extend((0..64).map(|l| (word >> l & 1) as f32));
    }
    out
}
