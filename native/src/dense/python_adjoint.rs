//! Values, gradients and metrics at any angles, and states under any matrices, for Python.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::adjoint::{Adjoint, Unitary};
use super::operators::{of_zeros, Operator};
use super::python::{free_memory, interruptible, refused};
use super::{level, room_for};
use crate::circuit::python::PyCircuit;
use crate::complex::C64;

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

/// A matrix as (re, im) of each entry, row after row; its qubits, the first the highest bit of a row's number; controls.
type Step = (Vec<(f64, f64)>, Vec<u32>, Vec<u32>);

/// Matrices one after another, unitary or not, on `n_qubits` that begin in |0..0>: amplitudes as complex128, qubit 0 the
/// highest bit of an index. Raises ValueError for matrices that do not fit, MemoryError beyond `memory_limit` bytes
/// (default: three quarters of free memory).
#[pyfunction]
#[pyo3(signature = (n_qubits, steps, memory_limit=None))]
fn apply_matrices<'py>(
    py: Python<'py>,
    n_qubits: u32,
    steps: Vec<Step>,
    memory_limit: Option<u64>,
) -> PyResult<Bound<'py, PyBytes>> {
    if n_qubits > 40 {
        return Err(PyValueError::new_err(format!("{n_qubits} qubits; at most 40")));
    }
    let allowed = memory_limit.unwrap_or_else(free_memory);
    let found = py.detach(|| {
        room_for(allowed, 3 * AMPLITUDE, n_qubits)?;
        let steps: Vec<Operator> = steps
            .into_iter()
            .map(|(entries, qubits, controls)| {
                let matrix = entries.into_iter().map(|(re, im)| C64 { re, im }).collect();
                Operator { matrix, qubits, controls }
            })
            .collect();
        of_zeros(n_qubits, &steps, level())
    });
    let bytes: Vec<u8> = found.map_err(refused)?.into_iter().flat_map(f64::to_ne_bytes).collect();
    Ok(PyBytes::new(py, &bytes))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(metric_tensor, module)?)?;
    module.add_function(wrap_pyfunction!(apply_matrices, module)?)?;
    module.add_class::<PyAdjoint>()
}
