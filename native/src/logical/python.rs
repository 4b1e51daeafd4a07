//! The logical kernel for Python.

use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyValueError};
use pyo3::prelude::*;

use super::Plan;
use crate::circuit::python::PyCircuit;
use crate::frame::{Failure, Limits};
use crate::samples::python::PySamples;
use crate::signals::interruptible;

/// A Clifford circuit with Pauli channels and Pauli feedback, compiled for Pauli frames.
#[pyclass(frozen, name = "LogicalPlan", module = "qmk_native")]
pub struct PyLogicalPlan {
    plan: Plan,
    circuit: PyCircuit,
}

#[pymethods]
impl PyLogicalPlan {
    /// ValueError naming the op that frames cannot follow.
    #[new]
    fn new(py: Python<'_>, circuit: PyCircuit) -> PyResult<PyLogicalPlan> {
        let plan = py.detach(|| Plan::compile(&circuit.0)).map_err(PyValueError::new_err)?;
        Ok(PyLogicalPlan { plan, circuit })
    }

    /// Measurements that are coins without errors.
    #[getter]
    fn coins(&self) -> usize {
        self.plan.coins()
    }

    /// Qubits in use.
    #[getter]
    fn qubits(&self) -> usize {
        self.plan.qubits()
    }

    /// Ops that move a frame.
    fn __len__(&self) -> usize {
        self.plan.len()
    }

    /// Estimated seconds of one thread.
    fn cost(&self, shots: usize) -> f64 {
        self.plan.cost(shots)
    }

    /// MemoryError where outcomes and frames need more than `memory` bytes.
    #[pyo3(signature = (shots, seed, memory=4 << 30))]
    fn run(&self, py: Python<'_>, shots: usize, seed: u64, memory: u64) -> PyResult<PySamples> {
        let refused = |why| match why {
            Failure::Memory { needed } => {
                PyMemoryError::new_err(format!("{needed} bytes of outcomes are needed, {memory} are allowed"))
            }
            Failure::Stopped => PyKeyboardInterrupt::new_err("stopped"),
        };
        let samples = interruptible(py, |stopped| self.plan.run(shots, seed, &Limits { memory, stopped }), refused)?;
        Ok(PySamples { samples, circuit: self.circuit.0.clone() })
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyLogicalPlan>()
}
