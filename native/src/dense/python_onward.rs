//! Gates on amplitudes that Python holds.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::python::{interruptible, refused};
use super::{Onward, RATES};
use crate::circuit::python::PyCircuit;

/// Gates of a circuit on a state of all its qubits.
#[pyclass(frozen, name = "DenseGates", module = "qmk_native")]
pub struct PyOnward(Onward);

#[pymethods]
impl PyOnward {
    /// Raises ValueError for what is not an unconditional gate.
    #[new]
    fn new(py: Python<'_>, circuit: &PyCircuit) -> PyResult<PyOnward> {
        let shared = circuit.0.clone();
        py.detach(|| Onward::compile(&shared)).map(PyOnward).map_err(refused)
    }

    /// Predicted seconds.
    fn cost(&self) -> f64 {
        self.0.seconds(&RATES)
    }

    /// Takes writable complex128 amplitudes, qubit 0 the most significant bit, through the gates in place. Raises ValueError for a buffer that does not fit.
    fn apply(&self, py: Python<'_>, amplitudes: PyBuffer<f64>) -> PyResult<()> {
        let wrong = || PyValueError::new_err("amplitudes must be contiguous, writable, 2^(n + 1) doubles");
        let cells = amplitudes.as_mut_slice(py).ok_or_else(wrong)?;
        if cells.len() != self.0.reals() {
            return Err(wrong());
        }
        let mut reals: Vec<f64> = cells.iter().map(|cell| cell.get()).collect();
        interruptible(py, |stop| self.0.run(&mut reals, stop))?;
        let cells = amplitudes.as_mut_slice(py).ok_or_else(wrong)?;
        cells.iter().zip(&reals).for_each(|(cell, &x)| cell.set(x));
        Ok(())
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyOnward>()
}
