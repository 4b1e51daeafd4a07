//! Against solutions in closed form, a dense exponential, and each other.

use super::*;
use crate::dense::available;

fn wave(times: &[f64], values: &[f64]) -> Wave {
    Wave { times: times.to_vec(), values: values.to_vec() }
}

fn level(value: f64, duration: f64) -> Wave {
    wave(&[0.0, duration], &[value, value])
}

fn solved(atoms: usize, evolution: &Evolution, scheme: Scheme) -> (Register, Report) {
    let mut register = Register::ground(atoms, 1 << 30).unwrap();
    let report = register.evolve(evolution, 1e-9, scheme, &|| false).unwrap();
    (register, report)
}

#[test]
fn one_atom_oscillates_as_rabi_said() {
    let (rabi, detuning, duration) = (7.0, 4.0, 1.3);
    let drive = Drive {
        amplitude: level(rabi, duration),
        phase: level(0.7, duration),
        detuning: level(detuning, duration),
        weights: vec![1.0],
    };
    let evolution = Evolution { pairs: vec![0.0], drives: vec![drive], duration };
    let total = f64::hypot(rabi, detuning);
    let wanted = (rabi / total * (0.5 * total * duration).sin()).powi(2);
    for scheme in [Scheme::Suzuki, Scheme::BlanesMoan] {
        let (register, report) = solved(1, &evolution, scheme);
        assert!((register.densities()[0] - wanted).abs() < 1e-8, "{scheme:?}");
        assert!(report.error <= 1e-9 && report.steps <= report.all_steps);
    }
}

#[test]
fn a_quarter_turn_leaves_the_phase_of_the_coupling_in_the_state() {
    let (duration, phase) = (0.5, 0.4);
    let drive = Drive {
        amplitude: level(std::f64::consts::FRAC_PI_2 / duration, duration),
        phase: level(phase, duration),
        weights: vec![1.0],
        ..Drive::default()
    };
    let (register, _) = solved(1, &Evolution { pairs: vec![0.0], drives: vec![drive], duration }, Scheme::BlanesMoan);
    // |r> gets -i e^{-ip} sin(1/2 area)
    let (half, (re, im)) = (0.5f64.sqrt(), register.amplitude(1));
    assert!((re + half * phase.sin()).abs() < 1e-8 && (im + half * phase.cos()).abs() < 1e-8);
    assert!((register.expectation(b"X") + phase.sin()).abs() < 1e-8);
    assert!((register.expectation(b"Y") + phase.cos()).abs() < 1e-8);
}

#[test]
fn two_blockaded_atoms_turn_faster_by_the_root_of_two() {
    let (rabi, duration) = (3.0, 0.9);
    let drive = Drive { amplitude: level(rabi, duration), weights: vec![1.0, 1.0], ..Drive::default() };
    let strong = 20_000.0;
    let evolution = Evolution { pairs: vec![0.0, strong, strong, 0.0], drives: vec![drive], duration };
    let (register, _) = solved(2, &evolution, Scheme::BlanesMoan);
    let wanted = (0.5 * rabi * 2f64.sqrt() * duration).sin().powi(2);
    assert!((register.probabilities(&[0, 1])[0] - (1.0 - wanted)).abs() < 1e-3);
    assert!(register.probabilities(&[0, 1])[3] < 1e-6);
}

/// Drives and interactions without any symmetry.
fn crooked(atoms: usize) -> Evolution {
    let weight = |k: usize| (0..atoms).map(|i| ((i * 7 + k * 3) % 5) as f64 / 4.0 - 0.3 * k as f64).collect::<Vec<_>>();
    let drives = vec![
        Drive {
            amplitude: wave(&[0.0, 0.2, 0.5, 0.6], &[0.0, 9.0, 6.0, 0.0]),
            phase: wave(&[0.0, 0.3, 0.6], &[0.0, 1.1, 1.1]),
            detuning: wave(&[0.0, 0.25, 0.25, 0.6], &[-8.0, 2.0, 5.0, 11.0]),
            weights: vec![1.0; atoms],
        },
        Drive { amplitude: level(2.5, 0.6), phase: level(-0.8, 0.6), weights: weight(1), ..Drive::default() },
        Drive { detuning: wave(&[0.0, 0.6], &[4.0, -3.0]), weights: weight(2), ..Drive::default() },
    ];
    let mut pairs = vec![0.0; atoms * atoms];
    for i in 0..atoms {
        for j in 0..i {
            let v = 30.0 / ((i - j) as f64).powi(6) + 0.1 * ((i * j) % 7) as f64;
            (pairs[i * atoms + j], pairs[j * atoms + i]) = (v, v);
        }
    }
    Evolution { pairs, drives, duration: 0.6 }
}

/// Fourth-order Runge-Kutta on the Schroedinger equation, written from the Hamiltonian alone.
fn by_runge_kutta(atoms: usize, evolution: &Evolution, steps: usize) -> Vec<(f64, f64)> {
    let size = 1usize << atoms;
    let set = |x: usize, i: usize| x >> (atoms - 1 - i) & 1 == 1;
    let energy: Vec<f64> = (0..size)
        .map(|x| {
            let pair = |i: usize| (0..i).filter(move |&j| set(x, i) && set(x, j)).map(move |j| (i, j));
            (0..atoms).flat_map(pair).map(|(i, j)| evolution.pairs[i * atoms + j]).sum()
        })
        .collect();
    let mut psi = vec![(0.0, 0.0); size];
    psi[0] = (1.0, 0.0);
    for segment in fields::segments(&evolution.drives, evolution.duration) {
        let h = (segment.end - segment.start) / steps as f64;
        let slope = |t: f64, psi: &[(f64, f64)]| {
            let (mut couplings, mut detunings) = (vec![(0.0, 0.0); atoms], vec![0.0; atoms]);
            segment.couplings(&evolution.drives, t, &mut couplings);
            segment.detunings(&evolution.drives, t, &mut detunings);
            let row = |x: usize| {
                let own = energy[x] - (0..atoms).filter(|&i| set(x, i)).map(|i| detunings[i]).sum::<f64>();
                let mut sum = (own * psi[x].0, own * psi[x].1);
                for i in 0..atoms {
                    let other = psi[x ^ 1 << (atoms - 1 - i)];
                    // <g|H|r> = W e^{ip} / 2, and its conjugate the other way
                    let (re, im) = (0.5 * couplings[i].0, if set(x, i) { -0.5 } else { 0.5 } * couplings[i].1);
                    sum = (sum.0 + re * other.0 - im * other.1, sum.1 + re * other.1 + im * other.0);
                }
                (sum.1, -sum.0) // -i H psi
            };
            (0..size).map(row).collect::<Vec<_>>()
        };
        let add = |psi: &[(f64, f64)], k: &[(f64, f64)], h: f64| {
            psi.iter().zip(k).map(|(p, k)| (p.0 + h * k.0, p.1 + h * k.1)).collect::<Vec<_>>()
        };
        for step in 0..steps {
            let t = segment.start + step as f64 * h;
            let k1 = slope(t, &psi);
            let k2 = slope(t + 0.5 * h, &add(&psi, &k1, 0.5 * h));
            let k3 = slope(t + 0.5 * h, &add(&psi, &k2, 0.5 * h));
            let k4 = slope(t + h, &add(&psi, &k3, h));
            for (k, share) in [(k1, 1.0), (k2, 2.0), (k3, 2.0), (k4, 1.0)] {
                psi = add(&psi, &k, share * h / 6.0);
            }
        }
    }
    psi
}

/// Distance up to a phase of the whole state.
fn apart(register: &Register, wanted: &[(f64, f64)]) -> f64 {
    let mut overlap = (0.0, 0.0);
    for (x, w) in wanted.iter().enumerate() {
        let (re, im) = register.amplitude(x);
        overlap = (overlap.0 + re * w.0 + im * w.1, overlap.1 + re * w.1 - im * w.0);
    }
    let by = flow::unit(overlap.1.atan2(overlap.0));
    let one = |(x, w): (usize, &(f64, f64))| {
        let (re, im) = flow::times(register.amplitude(x), by);
        (re - w.0).powi(2) + (im - w.1).powi(2)
    };
    wanted.iter().enumerate().map(one).sum::<f64>().sqrt()
}

#[test]
fn drives_without_symmetry_agree_with_runge_kutta_in_every_amplitude() {
    for atoms in [1, 2, 3, 4, 6] {
        let evolution = crooked(atoms);
        let wanted = by_runge_kutta(atoms, &evolution, 3000);
        for scheme in [Scheme::Suzuki, Scheme::BlanesMoan] {
            let (register, report) = solved(atoms, &evolution, scheme);
            assert!(apart(&register, &wanted) < 1e-8, "{atoms} atoms, {scheme:?}: {}", apart(&register, &wanted));
            assert!(report.error <= 1e-9);
        }
    }
}

#[test]
fn evolutions_in_a_row_are_one() {
    let crooked = crooked(4);
    let constant = |duration: f64| {
        let of = |drive: &Drive| Drive {
            amplitude: level(6.0, duration),
            phase: level(0.9, duration),
            detuning: level(-3.0, duration),
            weights: drive.weights.clone(),
        };
        Evolution { pairs: crooked.pairs.clone(), drives: crooked.drives.iter().map(of).collect(), duration }
    };
    let mut register = Register::ground(4, 1 << 30).unwrap();
    for duration in [0.1, 0.35, 0.05] {
        register.evolve(&constant(duration), 1e-9, Scheme::BlanesMoan, &|| false).unwrap();
    }
    let (once, _) = solved(4, &constant(0.5), Scheme::BlanesMoan);
    let wanted: Vec<_> = (0..16).map(|x| once.amplitude(x)).collect();
    assert!(apart(&register, &wanted) < 1e-8);
}

#[test]
fn every_instruction_set_and_a_register_of_several_chunks_agree() {
    let atoms = 14;
    let evolution = Evolution { duration: 0.3, ..crooked(atoms) };
    let run = |level| {
        let mut register = Register::ground(atoms, 1 << 30).unwrap().with_level(level);
        register.evolve(&evolution, 1e-7, Scheme::BlanesMoan, &|| false).unwrap();
        register
    };
    let portable = run(crate::dense::Level::Portable);
    let wanted: Vec<_> = (0..1usize << atoms).map(|x| portable.amplitude(x)).collect();
    for level in available() {
        assert!(apart(&run(level), &wanted) < 1e-11, "{level:?}");
    }
    let small = by_runge_kutta(atoms, &evolution, 150);
    assert!(apart(&portable, &small) < 1e-5);
}

#[test]
fn samples_follow_the_weights_and_the_seed() {
    let (register, _) = solved(6, &crooked(6), Scheme::BlanesMoan);
    let shots = 200_000;
    let drawn = register.sample(shots, 3);
    assert_eq!(drawn, register.sample(shots, 3));
    assert_ne!(drawn, register.sample(shots, 4));
    let mut counts = [0.0; 64];
    drawn.iter().for_each(|&x| counts[x as usize] += 1.0);
    for (x, count) in counts.iter().enumerate() {
        let (re, im) = register.amplitude(x);
        let p = re * re + im * im;
        assert!((count - p * shots as f64).abs() < 6.5 * (p * shots as f64).sqrt() + 3.0, "{x}");
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    assert!(matches!(Register::ground(30, 1 << 20), Err(Refused::Memory { .. })));
    assert!(matches!(Register::ground(10_000, u64::MAX - 1), Err(Refused::Memory { .. })));
    let mut register = Register::ground(2, 1 << 20).unwrap();
    let evolution = crooked(2);
    let asked = |evolution: &Evolution, register: &mut Register, tolerance| {
        register.evolve(evolution, tolerance, Scheme::BlanesMoan, &|| false)
    };
    let short = Evolution { pairs: vec![0.0; 3], ..evolution.clone() };
    assert!(matches!(asked(&short, &mut register, 1e-6), Err(Refused::Malformed(_))));
    let far = Evolution { duration: 1e15, ..evolution.clone() };
    assert!(matches!(asked(&far, &mut register, 1e-6), Err(Refused::Steps { .. })));
    let stopped = register.evolve(&Evolution { duration: 1e6, ..evolution }, 1e-6, Scheme::BlanesMoan, &|| true);
    assert_eq!(stopped, Err(Refused::Stopped));
    assert_eq!(register.amplitude(0), (1.0, 0.0));
}
