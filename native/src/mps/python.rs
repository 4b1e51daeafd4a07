//! Matrix-product-state plans for Python.

use std::sync::Arc;

use pyo3::exceptions::{PyMemoryError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;

use super::{Bounds, Plan, Stopped};
use crate::circuit::python::PyCircuit;
use crate::circuit::Circuit;
use crate::samples::python::PySamples;

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
        let mut pressed = None;
        let mut go_on = || match Python::attach(|py| py.check_signals()) {
            Ok(()) => true,
            Err(signal) => {
                pressed = Some(signal);
                false
            }
        };
        let found =
            py.detach(|| self.plan.run(shots, seed, Bounds { bond, cut, seconds, ..Bounds::default() }, &mut go_on));
        match found {
            Ok((samples, notes)) => {
                let samples = PySamples { samples, circuit: self.circuit.clone() };
                Ok((samples, (notes.peak_bond, notes.lost)))
            }
            Err(Stopped::Bond { reached, allowed }) => {
                Err(PyMemoryError::new_err(format!("a bond reached dimension {reached}, {allowed} are allowed")))
            }
            Err(Stopped::Memory { needed, allowed }) => {
                Err(PyMemoryError::new_err(format!("{needed} bytes of outcomes are needed, {allowed} are allowed")))
            }
            Err(Stopped::Time { steps_done, steps }) => {
                Err(PyTimeoutError::new_err(format!("out of time after {steps_done} of {steps} steps")))
            }
            Err(Stopped::Interrupted) => Err(pressed.expect("a signal interrupted the run")),
        }
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyMpsPlan>()
}
