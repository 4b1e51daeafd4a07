//! Matrix-product-state plans for Python.

use std::sync::Arc;

use pyo3::exceptions::{PyMemoryError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;

use super::{Bounds, Plan, Refused, State, Stopped};
use crate::circuit::python::PyCircuit;
use crate::circuit::Circuit;
use crate::samples::python::PySamples;
use crate::signals::interruptible;

/// A circuit prepared for the matrix-product-state simulator.
#[pyclass(frozen, name = "MpsPlan", module = "qmk_native")]
pub struct PyMpsPlan {
    plan: Plan,
    circuit: Arc<Circuit>,
}

#[pymethods]
impl PyMpsPlan {
    /// Raises ValueError for a circuit with conditions, resets, noise or measurements that are not final.
    #[new]
    fn new(circuit: &PyCircuit) -> PyResult<PyMpsPlan> {
        let plan = Plan::compile(&circuit.0).map_err(PyValueError::new_err)?;
        Ok(PyMpsPlan { plan, circuit: circuit.0.clone() })
    }

    /// The same with its qubits in the order that looks best for `shots`, at the cost of looking at a few.
    fn reordered(&self, shots: usize) -> PyResult<PyMpsPlan> {
        let plan = Plan::compile(&self.circuit).map_err(PyValueError::new_err)?.reordered(shots);
        Ok(PyMpsPlan { plan, circuit: self.circuit.clone() })
    }

    /// Number of gates after fusion.
    #[getter]
    fn steps(&self) -> usize {
        self.plan.steps()
    }

    /// (log2 of the largest bond, seconds): upper bounds, from the ranks of the gates.
    fn bounds(&self, shots: usize) -> (f64, f64) {
        self.plan.bounds(shots)
    }

    /// (samples, (largest bond, bound on 1 - fidelity)). Raises MemoryError when a bond outgrows `bond`, TimeoutError beyond `seconds` of gates, as predicted while they run.
    #[pyo3(signature = (shots, seed, bond=512, cut=1e-13, seconds=f64::INFINITY))]
    fn run(
        &self,
        py: Python<'_>,
        shots: usize,
        seed: u64,
        bond: usize,
        cut: f64,
        seconds: f64,
    ) -> PyResult<(PySamples, (usize, f64))> {
        let bounds = Bounds { bond, cut, seconds, ..Bounds::default() };
        let (samples, notes) = interruptible(py, |stop| self.plan.run(shots, seed, bounds, &mut || !stop()), raise)?;
        let samples = PySamples { samples, circuit: self.circuit.clone() };
        Ok((samples, (notes.peak_bond, notes.lost)))
    }

    /// The state before the read-out. Raises as `run` does.
    #[pyo3(signature = (bond=512, cut=1e-24, seconds=f64::INFINITY))]
    fn evolve(&self, py: Python<'_>, bond: usize, cut: f64, seconds: f64) -> PyResult<PyMpsState> {
        let bounds = Bounds { bond, cut, seconds, ..Bounds::default() };
        let state = interruptible(py, |stop| State::evolve(&self.plan, bounds, &mut || !stop()), raise)?;
        Ok(PyMpsState { state })
    }
}

/// A matrix product state that a circuit ended in.
#[pyclass(frozen, name = "MpsState", module = "qmk_native")]
pub struct PyMpsState {
    state: State,
}

#[pymethods]
impl PyMpsState {
    /// Largest bond on the way.
    #[getter]
    fn bond(&self) -> usize {
        self.state.notes().peak_bond
    }

    /// How far the value of a Pauli string may be off by what was cut off: twice the sine of the angle between two states, at most.
    #[getter]
    fn error(&self) -> f64 {
        2.0 * self.state.notes().lost.sqrt()
    }

    /// Expectation values of Pauli strings, one letter a qubit, qubit 0 first. Raises ValueError for one that does not fit.
    fn expectation(&self, py: Python<'_>, paulis: Vec<String>) -> PyResult<Vec<f64>> {
        let refuse = |why| match why {
            Refused::Malformed(text) => PyValueError::new_err(text),
            Refused::Interrupted => raise(Stopped::Interrupted),
        };
        interruptible(py, |stop| self.state.expectation(&paulis, &mut || !stop()), refuse)
    }
}

pub(super) fn raise(why: Stopped) -> PyErr {
    match why {
        Stopped::Bond { reached, allowed } => {
            PyMemoryError::new_err(format!("a bond reached dimension {reached}, {allowed} are allowed"))
        }
        Stopped::Memory { needed, allowed } => {
            PyMemoryError::new_err(format!("{needed} bytes of outcomes are needed, {allowed} are allowed"))
        }
        Stopped::Time { steps_done, steps } => {
            PyTimeoutError::new_err(format!("out of time after {steps_done} of {steps} steps"))
        }
        Stopped::Interrupted => PyTimeoutError::new_err("interrupted"), // in whose place the signal is raised
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::python_onward::register(module)?;
    module.add_class::<PyMpsPlan>()?;
    module.add_class::<PyMpsState>()
}
