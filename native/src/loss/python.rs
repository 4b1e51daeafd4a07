//! Clifford circuits with losses for Python.

use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;

use super::{Plan, Stopped, Toss};
use crate::circuit::python::PyCircuit;
use crate::samples::python::PySamples;
use crate::signals::interruptible;

/// A Clifford circuit with dice, ready to run. `tosses`: (op that it is thrown before, cbits that it strikes, its
/// probability), in order.
#[pyclass(frozen, name = "LossPlan", module = "qmk_native")]
pub struct PyLossPlan {
    plan: Plan,
}

#[pymethods]
impl PyLossPlan {
    /// ValueError for what it cannot run.
    #[new]
    fn new(py: Python<'_>, circuit: PyCircuit, tosses: Vec<(u32, Vec<u32>, f64)>) -> PyResult<PyLossPlan> {
        let tosses = tosses.into_iter().map(|(at, cbits, p)| Toss { at, cbits: cbits.into(), p }).collect();
        let plan = py.detach(|| Plan::new(circuit.0.clone(), tosses));
        plan.map(|plan| PyLossPlan { plan }).map_err(PyValueError::new_err)
    }

    /// Estimated seconds of one thread.
    fn cost(&self, shots: usize) -> f64 {
        self.plan.cost(shots)
    }

    /// `given`: of the shots in which at least one toss falls.
    #[pyo3(signature = (shots, seed, given=false))]
    fn run(&self, py: Python<'_>, shots: usize, seed: u64, given: bool) -> PyResult<PySamples> {
        let refused = |_: Stopped| PyKeyboardInterrupt::new_err("stopped");
        let samples = interruptible(py, |stopped| self.plan.run(shots, seed, given, stopped), refused)?;
        Ok(PySamples { samples, circuit: self.plan.circuit.clone() })
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyLossPlan>()
}
