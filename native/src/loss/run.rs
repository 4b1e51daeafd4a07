//! Shots of a plan, one after the other: the dice are thrown first, then the steps are taken that they leave.

use super::plan::{Act, Class, Plan, Step, Strike, When, NO_COLUMN};
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

struct Shot<'a, const C: usize> {
    plan: &'a Plan,
    state: Tableau<C>,
    reads: Reads<C>,
    bits: Vec<u8>,
    dice: Dice,
}

pub fn run<const C: usize>(
    plan: &Plan,
    shots: usize,
    seed: u64,
    given: bool,
    stopped: &dyn Fn() -> bool,
) -> Result<Samples, Stopped> {
    let loses = |&site: &u32| matches!(plan.sites[site as usize].strike, Strike::Cbits(_));
    let given = given && plan.classes.iter().any(|class| class.sites.iter().any(loses));
    let fresh = Tableau::<C>::new(plan.n_qubits);
    let bits = vec![0u8; plan.circuit.n_cbits as usize];
    let mut shot = Shot { plan, state: fresh.clone(), reads: Reads::new(plan.n_qubits), bits, dice: Dice::new(seed, &[]) };
    let mut samples = Samples::zeros(shots, plan.circuit.n_cbits as usize);
    let mut struck = Vec::new();
    for number in 0..shots {
        if number % TURN == TURN - 1 && stopped() {
            return Err(Stopped);
        }
        shot.dice = Dice::new(seed, &[number as u64]);
        shot.state.set(&fresh);
        shot.reads.clear();
        shot.bits.fill(0);
        thrown(&plan.classes, &mut shot.dice, &mut struck);
        while given && !struck.iter().any(loses) {
            thrown(&plan.classes, &mut shot.dice, &mut struck);
        }
        one(&mut shot, &struck);
        for (cbit, _) in shot.bits.iter().enumerate().filter(|(_, &bit)| bit != 0) {
            samples.set(number, cbit as u32);
        }
    }
    Ok(samples)
}

/// The sites that are struck, in order: geometric gaps in each class of equal probability.
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
    if classes.len() > 1 {
        struck.sort_unstable();
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
    #[inline(always)]
    fn follow(&mut self, struck: &[u32]) {
        let plan = self.plan;
        let mut next = 0;
        for turn in 0..=struck.len() {
            let site = struck.get(turn).map(|&site| &plan.sites[site as usize]);
            let end = site.map_or(plan.steps.len(), |site| site.at as usize);
            for step in &plan.steps[next..end] {
                self.take(step);
            }
            next = end;
            if let Some(site) = site {
                self.strike(&site.strike);
            }
        }
    }

    #[inline(always)]
    fn take(&mut self, step: &Step) {
        let happens = match step.when {
            When::Always => true,
            When::Unless(a, b) => self.bits[a as usize] | self.bits[b as usize] == 0,
            When::Holds(cond) => self.plan.circuit.holds(cond, &|cbit| self.bits[cbit as usize] != 0),
        };
        if happens {
            self.act(&step.act);
        }
    }

    #[inline(always)]
    fn act(&mut self, act: &Act) {
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
                let read = |sum, (k, &cbit): (usize, &u32)| sum | usize::from(self.bits[cbit as usize]) << k;
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
    fn strike(&mut self, strike: &Strike) {
        match strike {
            Strike::Cbits(cbits) => cbits.iter().for_each(|&cbit| self.bits[cbit as usize] = 1),
            Strike::Pauli(errors) => {
                let place = self.dice.unit() * errors[errors.len() - 1].0;
                let fell = errors.iter().position(|&(end, _)| place < end).unwrap_or(errors.len() - 1);
                for at in errors[fell].1.into_iter().filter(|&at| at != NO_COLUMN) {
                    self.state.flip(at);
                }
            }
        }
    }
}
