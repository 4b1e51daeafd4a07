//! Registers of atoms for Python.

use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyComplex, PyDict};

use super::{Drive, Evolution, Refused, Register, Scheme, Wave};
use crate::signals::interruptible;

/// Amplitudes of neutral atoms that evolve under driving fields and their van der Waals interaction.
#[pyclass(name = "AtomRegister", module = "qmk_native")]
pub struct PyRegister {
    register: Register,
}

type Knots = (Vec<f64>, Vec<f64>);

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
        drives: Vec<(Knots, Knots, Knots, Vec<f64>)>,
        duration: f64,
        tolerance: f64,
        scheme: &str,
    ) -> PyResult<Bound<'py, PyDict>> {
        let scheme = match scheme {
            "blanes-moan" => Scheme::BlanesMoan,
            "suzuki" => Scheme::Suzuki,
            _ => return Err(PyValueError::new_err(format!("no scheme '{scheme}'"))),
        };
        let wave = |(times, values): Knots| Wave { times, values };
        let drive = |(amplitude, phase, detuning, weights)| Drive {
            amplitude: wave(amplitude),
            phase: wave(phase),
            detuning: wave(detuning),
            weights,
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
        PyBytes::new_with(py, 16 << self.register.atoms(), |out| {
            for (x, to) in out.chunks_exact_mut(16).enumerate() {
                let (re, im) = self.register.amplitude(x);
                to[..8].copy_from_slice(&re.to_ne_bytes());
                to[8..].copy_from_slice(&im.to_ne_bytes());
            }
            Ok(())
        })
    }

    /// Measured atoms of `shots` shots: one byte an atom, 1 for Rydberg, shot after shot.
    fn sample<'py>(&self, py: Python<'py>, shots: usize, seed: u64) -> PyResult<Bound<'py, PyBytes>> {
        let n = self.register.atoms();
        let drawn = py.detach(|| self.register.sample(shots, seed));
        let bytes = shots.checked_mul(n).ok_or_else(|| PyMemoryError::new_err("too many shots"))?;
        PyBytes::new_with(py, bytes, |out| {
            for (row, x) in out.chunks_exact_mut(n.max(1)).zip(&drawn) {
                for (atom, bit) in row.iter_mut().enumerate() {
                    *bit = (x >> (n - 1 - atom) & 1) as u8;
                }
            }
            Ok(())
        })
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyRegister>()
}
