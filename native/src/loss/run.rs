//! Shots of a plan, one after the other: the dice are thrown first, then the steps are taken that they leave.

use super::plan::{Class, Plan, Step, Strike, When};
use super::tableau::Tableau;
use crate::circuit::{Kind, NONE};
use crate::dice::Dice;
use crate::samples::Samples;

/// The caller wants no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// After how many shots the caller is asked whether to go on.
const TURN: usize = 256;

struct Shot<'a, const W: usize> {
    plan: &'a Plan,
    state: Tableau<W>,
    bits: Vec<u8>,
    dice: Dice,
}

pub fn run<const W: usize>(
    plan: &Plan,
    shots: usize,
    seed: u64,
    given: bool,
    stopped: &dyn Fn() -> bool,
) -> Result<Samples, Stopped> {
    let loses = |&site: &u32| matches!(plan.sites[site as usize].strike, Strike::Cbits(_));
    let given = given && plan.classes.iter().any(|class| class.sites.iter().any(loses));
    let fresh = Tableau::<W>::new(plan.n_qubits);
    let bits = vec![0u8; plan.circuit.n_cbits as usize];
    let mut shot = Shot { plan, state: fresh.clone(), bits, dice: Dice::new(seed, &[]) };
    let mut samples = Samples::zeros(shots, plan.circuit.n_cbits as usize);
    let mut struck = Vec::new();
    for number in 0..shots {
        if number % TURN == TURN - 1 && stopped() {
            return Err(Stopped);
        }
        shot.dice = Dice::new(seed, &[number as u64]);
        shot.state.set(&fresh);
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
fn one<const W: usize>(shot: &mut Shot<'_, W>, struck: &[u32]) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
        unsafe fn wide<const W: usize>(shot: &mut Shot<'_, W>, struck: &[u32]) {
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

impl<const W: usize> Shot<'_, W> {
    #[inline(always)]
    fn follow(&mut self, struck: &[u32]) {
        let plan = self.plan;
        let mut next = 0;
        for &site in struck {
            let site = &plan.sites[site as usize];
            for step in &plan.steps[next..site.at as usize] {
                self.take(step);
            }
            next = site.at as usize;
            self.strike(&site.strike);
        }
        for step in &plan.steps[next..] {
            self.take(step);
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
            self.act(step);
        }
    }

    #[inline(always)]
    fn act(&mut self, step: &Step) {
        let (state, a, b) = (&mut self.state, step.a as usize, step.b as usize);
        match step.kind {
            Kind::X => state.x(a),
            Kind::Y => state.y(a),
            Kind::Z => state.z(a),
            Kind::H => state.h(a),
            Kind::S => state.s(a),
            Kind::Sdg => state.sdg(a),
            Kind::Sx => state.sx(a),
            Kind::Sxdg => state.sxdg(a),
            Kind::Cnot => state.cnot(a, b),
            Kind::Cz => state.cz(a, b),
            Kind::Swap => state.swap(a, b),
            Kind::Cy => {
                state.sdg(b);
                state.cnot(a, b);
                state.s(b);
            }
            Kind::Iswap => {
                state.s(a);
                state.s(b);
                state.cz(a, b);
                state.swap(a, b);
            }
            Kind::Iswapdg => {
                state.sdg(a);
                state.sdg(b);
                state.cz(a, b);
                state.swap(a, b);
            }
            Kind::Measure => {
                let outcome = self.measure(a);
                if step.b != NONE {
                    self.bits[b] = u8::from(outcome);
                }
            }
            Kind::Reset => {
                if self.measure(a) {
                    self.state.x(a);
                }
            }
            Kind::Logic => {
                let table = &self.plan.circuit.tables[a];
                let read = |sum, (k, &cbit): (usize, &u32)| sum | usize::from(self.bits[cbit as usize]) << k;
                let row = table.inputs.iter().enumerate().fold(0, read);
                self.bits[b] = (table.bits[row / 64] >> (row % 64) & 1) as u8;
            }
            kind => unreachable!("no step is a {}", kind.name()),
        }
    }

    // Not inlined: two steps measure, and it is long.
    fn measure(&mut self, q: usize) -> bool {
        let dice = &mut self.dice;
        self.state.measure(q, || dice.bits() >> 63 != 0)
    }

    #[inline(always)]
    fn strike(&mut self, strike: &Strike) {
        match strike {
            Strike::Cbits(cbits) => cbits.iter().for_each(|&cbit| self.bits[cbit as usize] = 1),
            Strike::Pauli { qubits, errors } => {
                let place = self.dice.unit() * errors[errors.len() - 1].0;
                let fell = errors.iter().position(|&(end, _)| place < end).unwrap_or(errors.len() - 1);
                for (&qubit, letter) in qubits.iter().zip(errors[fell].1) {
                    if letter & 1 != 0 {
                        self.state.x(qubit as usize);
                    }
                    if letter & 2 != 0 {
                        self.state.z(qubit as usize);
                    }
                }
            }
        }
    }
}
