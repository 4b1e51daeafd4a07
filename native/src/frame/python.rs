//! The frame simulator for Python.

use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Failure, Limits, Plan, MAX_DECLARED, MAX_QUBITS};
use crate::circuit::python::PyCircuit;
use crate::samples::python::PySamples;
use crate::signals::interruptible;

/// A circuit compiled for the frame simulator.
#[pyclass(frozen, name = "FramePlan", module = "qmk_native")]
pub struct PyFramePlan {
    plan: Plan,
    circuit: PyCircuit,
}

#[pymethods]
impl PyFramePlan {
    #[new]
    fn new(py: Python<'_>, circuit: PyCircuit) -> PyResult<PyFramePlan> {
        let plan = py.detach(|| Plan::compile(&circuit.0));
        let plan = plan.ok_or_else(|| {
            PyValueError::new_err(format!("more than {MAX_QUBITS} qubits in use, or {MAX_DECLARED} declared"))
        })?;
        Ok(PyFramePlan { plan, circuit })
    }

    /// Most qubits of one dense state.
    #[getter]
    fn width(&self) -> usize {
        self.plan.width()
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let code = self.plan.code();
        let out = PyDict::new(py);
        out.set_item("width", code.width)?;
        out.set_item("active", code.active)?;
        out.set_item("activations", code.activations)?;
        out.set_item("rotations", code.rotations)?;
        out.set_item("instructions", code.instrs.len())?;
        out.set_item("symbols", code.n_symbols)?;
        Ok(out)
    }

    /// Estimated seconds of one thread.
    fn cost(&self, shots: usize) -> f64 {
        self.plan.cost(shots)
    }

    /// MemoryError where more than `memory` bytes of states are needed.
    #[pyo3(signature = (shots, seed, memory=4 << 30))]
    fn run(&self, py: Python<'_>, shots: usize, seed: u64, memory: u64) -> PyResult<PySamples> {
        let refused = |why| match why {
            Failure::Memory { needed } => {
                PyMemoryError::new_err(format!("{needed} bytes of states are needed, {memory} are allowed"))
            }
            Failure::Stopped => PyKeyboardInterrupt::new_err("stopped"),
        };
        let samples = interruptible(py, |stopped| self.plan.run(shots, seed, &Limits { memory, stopped }), refused)?;
        Ok(PySamples { samples, circuit: self.circuit.0.clone() })
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyFramePlan>()
}
