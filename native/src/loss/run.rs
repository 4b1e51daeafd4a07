//! Shots of a plan, one after the other: the dice are thrown first, then the steps are taken that they leave.

use super::plan::{Act, Class, Plan, Site, Strike, When, NO_COLUMN};
use super::reads::Reads;
use super::tableau::Tableau;
use crate::circuit::NONE;
use crate::dice::Dice;
use crate::samples::Samples;

/// The caller wants no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// After how many shots the caller is asked whether to go on.
const TURN: usize = 256;

/// Of a flag that does not fall.
const NEVER: u32 = u32::MAX;

struct Shot<'a, const C: usize> {
    plan: &'a Plan,
    state: Tableau<C>,
    reads: Reads<C>,
    /// By cbit, what ops wrote.
    bits: Vec<u8>,
    /// By cbit, the step before which dice set it.
    fell: Vec<u32>,
    /// Numbers of the steps whose flags do not fall before them.
    left: Vec<u32>,
    dice: Dice,
}

pub fn run<const C: usize>(
    plan: &Plan,
    shots: usize,
    seed: u64,
    given: bool,
    stopped: &dyn Fn() -> bool,
) -> Result<Samples, Stopped> {
    let loses = |&site: &u32| !matches!(plan.sites[site as usize].strike, Strike::Pauli(_));
    let given = given && plan.classes.iter().any(|class| class.sites.iter().any(loses));
    let fresh = Tableau::<C>::new(plan.n_qubits);
    let n_cbits = plan.circuit.n_cbits as usize;
    let mut shot = Shot {
        plan,
        state: fresh.clone(),
        reads: Reads::new(plan.n_qubits),
        bits: vec![0; n_cbits],
        fell: vec![NEVER; n_cbits + 1],
        left: vec![0; plan.steps.len()],
        dice: Dice::new(seed, &[]),
    };
    let mut samples = Samples::zeros(shots, n_cbits);
    let (mut block, mut struck) = (vec![0u64; n_cbits], Vec::new());
    for number in 0..shots {
        if number % TURN == TURN - 1 && stopped() {
            return Err(Stopped);
        }
        shot.dice = Dice::new(seed, &[number as u64]);
        shot.state.set(&fresh);
        shot.reads.clear();
        shot.bits.fill(0);
        shot.fell.fill(NEVER);
        thrown(&plan.classes, &mut shot.dice, &mut struck);
        while given && !struck.iter().any(loses) {
            thrown(&plan.classes, &mut shot.dice, &mut struck);
        }
        shot.strike_flags(&mut struck);
        one(&mut shot, &struck);
        for ((word, &bit), &fell) in block.iter_mut().zip(&shot.bits).zip(&shot.fell) {
            *word |= (u64::from(bit) | u64::from(fell != NEVER)) << (number % 64);
        }
        if number % 64 == 63 || number + 1 == shots {
            for (cbit, word) in block.iter_mut().enumerate() {
                samples.column_mut(cbit as u32)[number / 64] = std::mem::take(word);
            }
        }
    }
    Ok(samples)
}

/// The sites that are struck, in order for each class of equal probability, by geometric gaps.
fn thrown(classes: &[Class], dice: &mut Dice, struck: &mut Vec<u32>) {
    struck.clear();
    for class in classes {
        if class.p >= 1.0 {
            struck.extend_from_slice(&class.sites);
            continue;
        }
        let scale = 1.0 / (-class.p).ln_1p();
        let mut at = 0usize;
        loop {
            let gap = (1.0 - dice.unit()).ln() * scale;
            if gap >= (class.sites.len() - at) as f64 {
                break;
            }
            at += gap as usize;
            struck.push(class.sites[at]);
            at += 1;
            if at == class.sites.len() {
                break;
            }
        }
    }
}

/// One shot, compiled for the vector units that the machine has.
#[inline]
fn one<const C: usize>(shot: &mut Shot<'_, C>, struck: &[u32]) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
        unsafe fn wide<const C: usize>(shot: &mut Shot<'_, C>, struck: &[u32]) {
            shot.follow(struck);
        }
        use std::arch::is_x86_feature_detected as has;
        if has!("avx2") && has!("popcnt") && has!("bmi1") && has!("bmi2") {
            // SAFETY: the features that `wide` is compiled for are there.
            return unsafe { wide(shot, struck) };
        }
    }
    shot.follow(struck);
}

impl<const C: usize> Shot<'_, C> {
    /// Sets the flags that fall, each at its first place; leaves the sites that do more, in order.
    fn strike_flags(&mut self, struck: &mut Vec<u32>) {
        let (plan, fell) = (self.plan, &mut self.fell);
        let mut set = |cbit: u32, at: u32| fell[cbit as usize] = fell[cbit as usize].min(at);
        struck.retain(|&site| {
            let Site { at, strike } = plan.sites[site as usize];
            match strike {
                Strike::Flag(cbit) => set(cbit, at),
                Strike::Flags(group) | Strike::Cbits(group) => {
                    plan.groups[group as usize].iter().for_each(|&cbit| set(cbit, at));
                }
                Strike::Pauli(_) => {}
            }
            matches!(strike, Strike::Cbits(_) | Strike::Pauli(_))
        });
        if plan.classes.len() > 1 {
            struck.sort_unstable();
        }
    }

    #[inline(always)]
    fn follow(&mut self, struck: &[u32]) {
        let plan = self.plan;
        let (fell, left) = (&self.fell[..], &mut self.left[..]);
        let mut n_left = 0; // without a branch for each step: which are left is hard to predict
        for (number, &[a, b]) in (0u32..).zip(&plan.guards) {
            left[n_left] = number;
            n_left += usize::from(fell[a as usize].min(fell[b as usize]) > number);
        }
        let mut struck = struck.iter().map(|&site| plan.sites[site as usize]).peekable();
        for k in 0..n_left {
            let number = self.left[k];
            while let Some(site) = struck.next_if(|site| site.at <= number) {
                self.strike(site.strike);
            }
            let step = &plan.steps[number as usize];
            let happens = match step.when {
                When::Always => true,
                When::Holds(cond) => plan.circuit.holds(cond, &|cbit| self.bit(cbit, number)),
            };
            if happens {
                self.act(&step.act, number);
            }
        }
        struck.for_each(|site| self.strike(site.strike));
    }

    /// What a cbit is at a step.
    #[inline(always)]
    fn bit(&self, cbit: u32, number: u32) -> bool {
        self.bits[cbit as usize] != 0 || self.fell[cbit as usize] <= number
    }

    #[inline(always)]
    fn act(&mut self, act: &Act, number: u32) {
        match *act {
            Act::Couple { a, b, minus } => self.state.couple(a, b, minus),
            Act::Flip { at } => self.state.flip(at),
            Act::Turn { qubit, to } => self.state.turn(qubit, to),
            Act::Measure { at, minus, cbit, back } => {
                let dice = &mut self.dice;
                let outcome = self.state.measure(at, || (dice.bits() >> 63 != 0) ^ minus) ^ minus;
                self.keep(cbit, outcome);
                if outcome && back != NO_COLUMN {
                    self.state.flip(back);
                }
            }
            Act::Read { at, minus, cbit } => {
                let dice = &mut self.dice;
                let outcome = self.reads.read(&self.state, at, || (dice.bits() >> 63 != 0) ^ minus) ^ minus;
                self.keep(cbit, outcome);
            }
            Act::Logic { table, cbit } => {
                let table = &self.plan.circuit.tables[table as usize];
                let read = |sum, (k, &cbit): (usize, &u32)| sum | usize::from(self.bit(cbit, number)) << k;
                let row = table.inputs.iter().enumerate().fold(0, read);
                self.bits[cbit as usize] = (table.bits[row / 64] >> (row % 64) & 1) as u8;
            }
        }
    }

    #[inline(always)]
    fn keep(&mut self, cbit: u32, outcome: bool) {
        if cbit != NONE {
            self.bits[cbit as usize] = u8::from(outcome);
        }
    }

    #[inline(always)]
    fn strike(&mut self, strike: Strike) {
        match strike {
            Strike::Cbits(group) => {
                let cbits = &self.plan.groups[group as usize + 1];
                cbits.iter().for_each(|&cbit| self.bits[cbit as usize] = 1);
            }
            Strike::Pauli(errors) => {
                let errors = &self.plan.errors[errors as usize];
                let place = self.dice.unit() * errors[errors.len() - 1].0;
                let fell = errors.iter().position(|&(end, _)| place < end).unwrap_or(errors.len() - 1);
                for at in errors[fell].1.into_iter().filter(|&at| at != NO_COLUMN) {
                    self.state.flip(at);
                }
            }
            Strike::Flag(_) | Strike::Flags(_) => unreachable!("flags fall before the first step"),
        }
    }
}
