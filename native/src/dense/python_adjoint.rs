//! Values, gradients and metrics at any angles, for Python.

use std::sync::Arc;

use pyo3::prelude::*;

use super::adjoint::{Adjoint, Unitary};
use super::python::{free_memory, interruptible, refused};
use super::{level, room_for};
use crate::circuit::python::PyCircuit;

/// Bytes of a complex amplitude in f64.
const AMPLITUDE: u64 = 16;

/// The expectation value of a sum of Pauli strings in the final state of a circuit, and its derivatives, at any values
/// of the circuit's angles; in f64.
#[pyclass(frozen, name = "Adjoint", module = "qmk_native")]
pub struct PyAdjoint {
    adjoint: Adjoint,
}

#[pymethods]
impl PyAdjoint {
    /// `observable`: (Pauli string, coefficient) of every term; `wanted`: of each angle, whether a derivative by it is
    /// (all: None); `memory_limit`: bytes that states may take (default: three quarters of free memory).
    #[new]
    #[pyo3(signature = (circuit, observable, wanted=None, memory_limit=None))]
    fn new(
        py: Python<'_>,
        circuit: &PyCircuit,
        observable: Vec<(String, f64)>,
        wanted: Option<Vec<bool>>,
        memory_limit: Option<u64>,
    ) -> PyResult<PyAdjoint> {
        let (circuit, allowed) = (circuit.0.clone(), memory_limit.unwrap_or_else(free_memory));
        let made = py.detach(|| {
            room_for(allowed, 2 * AMPLITUDE, circuit.n_qubits)?;
            Adjoint::new(&circuit, &observable, wanted.as_deref(), level())
        });
        Ok(PyAdjoint { adjoint: made.map_err(refused)? })
    }

    /// The value at these angles, in the order of the circuit's ops.
    fn value(&self, py: Python<'_>, angles: Vec<f64>) -> PyResult<f64> {
        interruptible(py, |stop| self.adjoint.value(&angles, stop))
    }

    /// (value, derivative by every angle), 0 for those that are not wanted.
    fn gradient(&self, py: Python<'_>, angles: Vec<f64>) -> PyResult<(f64, Vec<f64>)> {
        interruptible(py, |stop| self.adjoint.gradient(&angles, stop))
    }
}

/// The Fubini-Study metric of a circuit's final state, row after row: Re <d_i|d_j> - <d_i|psi><psi|d_j> for parameters
/// on which the angles depend. `factors`: for each angle, (parameter, derivative of the angle by it).
#[pyfunction]
#[pyo3(signature = (circuit, angles, factors, n_parameters, memory_limit=None))]
fn metric_tensor(
    py: Python<'_>,
    circuit: &PyCircuit,
    angles: Vec<f64>,
    factors: Vec<Vec<(usize, f64)>>,
    n_parameters: usize,
    memory_limit: Option<u64>,
) -> PyResult<Vec<f64>> {
    let (circuit, allowed) = (Arc::clone(&circuit.0), memory_limit.unwrap_or_else(free_memory));
    interruptible(py, |stop| {
        room_for(allowed, (2 + n_parameters as u64) * AMPLITUDE, circuit.n_qubits)?;
        Unitary::new(&circuit, None, level())?.metric(&angles, &factors, n_parameters, stop)
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(metric_tensor, module)?)?;
    module.add_class::<PyAdjoint>()
}
