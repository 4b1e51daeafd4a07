//! Cut plans for Python.

use std::sync::Arc;

use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyComplex;

use super::{Plan, Refused};
use crate::circuit::python::PyCircuit;
use crate::circuit::Circuit;
use crate::samples::python::PySamples;
use crate::signals::interruptible;

/// A circuit cut into blocks of qubits.
#[pyclass(frozen, name = "CutPlan", module = "qmk_native")]
pub struct PyCutPlan {
    plan: Plan,
    circuit: Arc<Circuit>,
}

fn refused(why: Refused) -> PyErr {
    match why {
        Refused::Unfit(_) => PyValueError::new_err(why.to_string()),
        Refused::Memory { .. } => PyMemoryError::new_err(why.to_string()),
        Refused::Stopped => PyKeyboardInterrupt::new_err(why.to_string()),
    }
}

#[pymethods]
impl PyCutPlan {
    /// `blocks`: lists of qubits, None: those that look cheapest for `shots`. `memory`: bytes that a run may take.
    /// Raises ValueError for a circuit that is not gates and one read-out or has no cut that fits, MemoryError where
    /// given blocks do not.
    #[new]
    #[pyo3(signature = (circuit, memory=4 << 30, blocks=None, shots=1000))]
    fn new(
        py: Python<'_>,
        circuit: &PyCircuit,
        memory: u64,
        blocks: Option<Vec<Vec<u32>>>,
        shots: usize,
    ) -> PyResult<PyCutPlan> {
        let circuit = circuit.0.clone();
        let plan = py.detach(|| match &blocks {
            Some(blocks) => Plan::with_blocks(&circuit, blocks, memory),
            None => Plan::compile(&circuit, shots, memory),
        });
        Ok(PyCutPlan { plan: plan.map_err(refused)?, circuit })
    }

    /// The qubits of each block, by where they begin.
    #[getter]
    fn blocks(&self) -> Vec<Vec<u32>> {
        self.plan.blocks().map(<[u32]>::to_vec).collect()
    }

    /// log2 of the number of paths between neighbouring blocks.
    #[getter]
    fn paths(&self) -> Vec<usize> {
        self.plan.paths()
    }

    /// Predicted seconds of `shots` shots.
    fn cost(&self, shots: usize) -> f64 {
        self.plan.cost(shots)
    }

    /// Most bytes that a run of `shots` takes.
    fn memory_bytes(&self, shots: usize) -> u64 {
        self.plan.memory_bytes(shots)
    }

    /// Samples of `shots` shots.
    fn run(&self, py: Python<'_>, shots: usize, seed: u64) -> PyResult<PySamples> {
        let samples = interruptible(py, |stopped| self.plan.run(shots, seed, stopped), refused)?;
        Ok(PySamples { samples, circuit: self.circuit.clone() })
    }

    /// Amplitudes of bitstrings of one character a qubit, qubit 0 first.
    fn amplitudes<'py>(&self, py: Python<'py>, bitstrings: Vec<String>) -> PyResult<Vec<Bound<'py, PyComplex>>> {
        let found = interruptible(py, |stopped| self.plan.amplitudes(&bitstrings, stopped), refused)?;
        Ok(found.into_iter().map(|(re, im)| PyComplex::from_doubles(py, re, im)).collect())
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyCutPlan>()
}
