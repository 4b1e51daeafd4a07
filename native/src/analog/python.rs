//! Registers of atoms for Python.

use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyComplex, PyDict};

use super::{Drive, Evolution, LevelRates, Levels, Rates, Refused, Register, Scheme, Transition, Wave};
use crate::signals::interruptible;

/// Amplitudes of neutral atoms that evolve under driving fields and their van der Waals interaction.
#[pyclass(name = "AtomRegister", module = "qmk_native")]
pub struct PyRegister {
    register: Register,
}

/// Amplitudes of neutral atoms of three levels.
#[pyclass(name = "LevelRegister", module = "qmk_native")]
pub struct PyLevels {
    register: Levels,
}

type Knots = (Vec<f64>, Vec<f64>);
type Light = (Knots, Knots, Knots, Vec<f64>);

type LevelLight = (Knots, Knots, Knots, Vec<f64>, Transition);

fn level_drives(drives: Vec<LevelLight>) -> Vec<(Transition, Drive)> {
    drives.into_iter().map(|(a, p, d, w, couples)| (couples, drive((a, p, d, w)))).collect()
}

fn drive((amplitude, phase, detuning, weights): Light) -> Drive {
    let wave = |(times, values): Knots| Wave { times, values };
    Drive { amplitude: wave(amplitude), phase: wave(phase), detuning: wave(detuning), weights }
}

/// Amplitudes from complex128 in the machine's byte order.
fn amplitudes(bytes: &[u8], count: usize) -> PyResult<Vec<(f64, f64)>> {
    if bytes.len() != 16 * count {
        return Err(PyValueError::new_err(format!("{} bytes for {count} amplitudes", bytes.len())));
    }
    let real = |part: &[u8]| f64::from_ne_bytes(part.try_into().expect("eight bytes"));
    let found: Vec<_> = bytes.chunks_exact(16).map(|z| (real(&z[..8]), real(&z[8..]))).collect();
    let norm: f64 = found.iter().map(|(re, im)| re * re + im * im).sum();
    if norm.is_nan() || (norm - 1.0).abs() >= 1e-6 {
        return Err(PyValueError::new_err(format!("the amplitudes have norm {norm}")));
    }
    Ok(found)
}

/// Complex128 in the machine's byte order.
fn complexes(py: Python<'_>, len: usize, amplitudes: impl Iterator<Item = (f64, f64)>) -> PyResult<Bound<'_, PyBytes>> {
    PyBytes::new_with(py, 16 * len, |out| {
        for ((re, im), to) in amplitudes.zip(out.chunks_exact_mut(16)) {
            to[..8].copy_from_slice(&re.to_ne_bytes());
            to[8..].copy_from_slice(&im.to_ne_bytes());
        }
        Ok(())
    })
}

/// Digits of indexes in this base, one byte an atom, the first the highest digit.
fn digits<'py, const BASE: u64>(py: Python<'py>, drawn: &[u64], atoms: usize) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = drawn.len().checked_mul(atoms).ok_or_else(|| PyMemoryError::new_err("too many shots"))?;
    PyBytes::new_with(py, bytes, |out| {
        for (row, x) in out.chunks_exact_mut(atoms.max(1)).zip(drawn) {
            let mut rest = *x;
            for digit in row.iter_mut().rev() {
                *digit = (rest % BASE) as u8;
                rest /= BASE;
            }
        }
        Ok(())
    })
}

fn refused(why: Refused) -> PyErr {
    match why {
        Refused::Memory { needed, allowed } => {
            PyMemoryError::new_err(format!("the states take {needed} bytes; {allowed} are allowed"))
        }
        Refused::Steps { steps, error } => PyRuntimeError::new_err(format!(
            "the tolerance would take {steps} steps or more; the error reached is {error:.1e}"
        )),
        Refused::Malformed(text) => PyValueError::new_err(text),
        Refused::Stopped => PyValueError::new_err("stopped"),
    }
}

#[pymethods]
impl PyRegister {
    /// All atoms in the ground state. MemoryError if an evolution takes more than `memory` bytes.
    #[new]
    fn new(atoms: usize, memory: u64) -> PyResult<PyRegister> {
        Ok(PyRegister { register: Register::ground(atoms, memory).map_err(refused)? })
    }

    /// Bytes that evolving so many atoms takes.
    #[staticmethod]
    fn memory_bytes(atoms: usize) -> u64 {
        Register::bytes(atoms)
    }

    /// Evolves for `duration` us. `pairs`: n*n interactions, rad/us. A drive is (amplitude, phase, detuning, weights),
    /// the first three as (times, values), the last one number an atom. RuntimeError if the tolerance is out of reach.
    #[pyo3(signature = (pairs, drives, duration, tolerance, scheme="blanes-moan"))]
    fn evolve<'py>(
        &mut self,
        py: Python<'py>,
        pairs: Vec<f64>,
        drives: Vec<Light>,
        duration: f64,
        tolerance: f64,
        scheme: &str,
    ) -> PyResult<Bound<'py, PyDict>> {
        let scheme = match scheme {
            "blanes-moan" => Scheme::BlanesMoan,
            "suzuki" => Scheme::Suzuki,
            _ => return Err(PyValueError::new_err(format!("no scheme '{scheme}'"))),
        };
        let evolution = Evolution { pairs, drives: drives.into_iter().map(drive).collect(), duration };
        let register = &mut self.register;
        let report = interruptible(py, |stop| register.evolve(&evolution, tolerance, scheme, &|| stop()), refused)?;
        let out = PyDict::new(py);
        out.set_item("error", report.error)?;
        out.set_item("steps", report.steps)?;
        out.set_item("all_steps", report.all_steps)?;
        Ok(out)
    }

    /// One trajectory of about `steps` steps. `rates`: decay, loss, dephasing, 1/us. `lost`: atoms that take no part.
    /// Gives who is lost afterwards, and the number of jumps.
    #[allow(clippy::too_many_arguments)]
    fn wander(
        &mut self,
        py: Python<'_>,
        pairs: Vec<f64>,
        drives: Vec<Light>,
        duration: f64,
        steps: f64,
        rates: (f64, f64, f64),
        lost: Vec<bool>,
        seed: u64,
    ) -> PyResult<(Vec<bool>, u64)> {
        let evolution = Evolution { pairs, drives: drives.into_iter().map(drive).collect(), duration };
        let rates = Rates { decay: rates.0, loss: rates.1, dephasing: rates.2 };
        let (register, mut lost) = (&mut self.register, lost);
        let gone = &mut lost;
        let run = |stop: &dyn Fn() -> bool| register.wander(&evolution, steps, rates, gone, seed, &|| stop());
        let jumps = interruptible(py, run, refused)?;
        Ok((lost, jumps))
    }

    /// Looks whether an atom is in the Rydberg state, and leaves it in the ground state.
    fn take(&mut self, atom: usize, seed: u64) -> PyResult<bool> {
        if atom >= self.register.atoms() {
            return Err(PyValueError::new_err("no such atom"));
        }
        Ok(self.register.take(atom, seed))
    }

    /// All amplitudes, as `state` gives them.
    fn load(&mut self, state: &[u8]) -> PyResult<()> {
        self.register.load(&amplitudes(state, 1 << self.register.atoms())?);
        Ok(())
    }

    /// Probability of every atom to be in the Rydberg state.
    fn densities(&self, py: Python<'_>) -> Vec<f64> {
        py.detach(|| self.register.densities())
    }

    /// Of every value of distinct atoms, the first the highest bit.
    fn probabilities(&self, py: Python<'_>, atoms: Vec<usize>) -> PyResult<Vec<f64>> {
        let n = self.register.atoms();
        if atoms.iter().enumerate().any(|(k, atom)| *atom >= n || atoms[..k].contains(atom)) {
            return Err(PyValueError::new_err("atoms are distinct and exist"));
        }
        Ok(py.detach(|| self.register.probabilities(&atoms)))
    }

    /// Expectation value of a Pauli string, one letter an atom.
    fn expectation(&self, py: Python<'_>, paulis: &str) -> PyResult<f64> {
        if paulis.len() != self.register.atoms() || !paulis.bytes().all(|letter| b"IXYZ".contains(&letter)) {
            return Err(PyValueError::new_err(format!("'{paulis}' is not one letter I, X, Y, Z an atom")));
        }
        Ok(py.detach(|| self.register.expectation(paulis.as_bytes())))
    }

    /// The amplitude of an index, atom 0 its highest bit.
    fn amplitude<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyComplex>> {
        if index >> self.register.atoms() != 0 {
            return Err(PyValueError::new_err("an index beyond the state"));
        }
        let (re, im) = self.register.amplitude(index);
        Ok(PyComplex::from_doubles(py, re, im))
    }

    /// All amplitudes as complex128 in the machine's byte order.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let len = 1usize << self.register.atoms();
        complexes(py, len, (0..len).map(|x| self.register.amplitude(x)))
    }

    /// Measured atoms of `shots` shots: one byte an atom, 1 for Rydberg, shot after shot.
    fn sample<'py>(&self, py: Python<'py>, shots: usize, seed: u64) -> PyResult<Bound<'py, PyBytes>> {
        let drawn = py.detach(|| self.register.sample(shots, seed));
        digits::<2>(py, &drawn, self.register.atoms())
    }
}

#[pymethods]
impl PyLevels {
    /// All atoms in level 0. MemoryError if an evolution takes more than `memory` bytes.
    #[new]
    fn new(atoms: usize, memory: u64) -> PyResult<PyLevels> {
        Ok(PyLevels { register: Levels::ground(atoms, memory).map_err(refused)? })
    }

    /// Bytes that evolving so many atoms takes.
    #[staticmethod]
    fn memory_bytes(atoms: usize) -> u64 {
        Levels::bytes(atoms)
    }

    /// As for two levels; a drive has a fifth part, the levels that it couples, the lower first.
    fn evolve<'py>(
        &mut self,
        py: Python<'py>,
        pairs: Vec<f64>,
        drives: Vec<LevelLight>,
        duration: f64,
        tolerance: f64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let drives = level_drives(drives);
        let register = &mut self.register;
        let run = |stop: &dyn Fn() -> bool| register.evolve(&pairs, &drives, duration, tolerance, &|| stop());
        let report = interruptible(py, run, refused)?;
        let out = PyDict::new(py);
        out.set_item("error", report.error)?;
        out.set_item("steps", report.steps)?;
        out.set_item("all_steps", report.all_steps)?;
        Ok(out)
    }

    /// As for two levels. `rates`: decay to 0 and to 1, loss, dephasing, 1/us.
    #[allow(clippy::too_many_arguments)]
    fn wander(
        &mut self,
        py: Python<'_>,
        pairs: Vec<f64>,
        drives: Vec<LevelLight>,
        duration: f64,
        steps: f64,
        rates: (f64, f64, f64, f64),
        lost: Vec<bool>,
        seed: u64,
    ) -> PyResult<(Vec<bool>, u64)> {
        let drives = level_drives(drives);
        let rates = LevelRates { to_0: rates.0, to_1: rates.1, loss: rates.2, dephasing: rates.3 };
        let (register, mut lost) = (&mut self.register, lost);
        let gone = &mut lost;
        let run =
            |stop: &dyn Fn() -> bool| register.wander(&pairs, &drives, duration, steps, rates, gone, seed, &|| stop());
        let jumps = interruptible(py, run, refused)?;
        Ok((lost, jumps))
    }

    /// Looks whether an atom is in the Rydberg level; if so it is left in level 0.
    fn take(&mut self, atom: usize, seed: u64) -> PyResult<bool> {
        if atom >= self.register.atoms() {
            return Err(PyValueError::new_err("no such atom"));
        }
        Ok(self.register.take(atom, seed))
    }

    /// All amplitudes, as `state` gives them.
    fn load(&mut self, state: &[u8]) -> PyResult<()> {
        self.register.load(&amplitudes(state, 3usize.pow(self.register.atoms() as u32))?);
        Ok(())
    }

    /// All amplitudes as complex128 in the machine's byte order, atom 0 the highest digit of an index in base 3.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        complexes(py, 3usize.pow(self.register.atoms() as u32), self.register.amplitudes())
    }

    /// Measured levels of `shots` shots: one byte an atom, shot after shot.
    fn sample<'py>(&self, py: Python<'py>, shots: usize, seed: u64) -> PyResult<Bound<'py, PyBytes>> {
        let drawn = py.detach(|| self.register.sample(shots, seed));
        digits::<3>(py, &drawn, self.register.atoms())
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyRegister>()?;
    module.add_class::<PyLevels>()
}
