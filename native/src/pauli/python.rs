//! Pauli propagation for Python.

use std::sync::Arc;

use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::channel::{Channel, Rows};
use super::{Cut, Estimate, Limits, Outcome, Plan, Refused, Stopped, Term, WORK};
use crate::circuit::python::PyCircuit;
use crate::circuit::NONE;
use crate::signals::interruptible;

/// A circuit whose observables are taken back through it as sums of Pauli strings.
#[pyclass(frozen, name = "PauliPlan", module = "qmk_native")]
pub struct PyPauliPlan {
    plan: Arc<Plan>,
}

fn raised(why: Refused) -> PyErr {
    match why {
        Refused::Unsuitable(why) => PyValueError::new_err(why),
        Refused::Stopped(Stopped::Work { at }) => PyTimeoutError::new_err(format!(
            "more than {} Pauli strings were made in {} of {} groups of rotations",
            at.work, at.done, at.segments
        )),
        Refused::Stopped(Stopped::Memory { allowed, at }) => PyMemoryError::new_err(format!(
            "{allowed} bytes are too few for the Pauli strings after {} of {} groups of rotations",
            at.done, at.segments
        )),
        Refused::Stopped(Stopped::Interrupted) => PyKeyboardInterrupt::new_err("stopped"),
    }
}

fn fill(row: &Bound<'_, PyDict>, outcome: &Outcome) -> PyResult<()> {
    row.set_item("work", outcome.work)?;
    row.set_item("peak_terms", outcome.peak_terms)?;
    row.set_item("segments", outcome.segments)
}

#[pymethods]
impl PyPauliPlan {
    /// `channels`: general error channels, in order: the op that each one precedes, its qubits, and the number of its
    /// matrix. `matrices`: Pauli transfer matrices of one or two qubits, row by row, in the order II, IX, .. ZZ, first
    /// qubit first; each preserves the trace. Raises ValueError for what is none of these.
    #[new]
    #[pyo3(signature = (circuit, channels=vec![], matrices=vec![]))]
    fn new(
        py: Python<'_>,
        circuit: &PyCircuit,
        channels: Vec<(usize, Vec<u32>, usize)>,
        matrices: Vec<Vec<Vec<f64>>>,
    ) -> PyResult<PyPauliPlan> {
        let circuit = circuit.0.clone();
        let wrong = |at: usize, what: &str| PyValueError::new_err(format!("matrix {at}: {what}"));
        let read =
            |(at, matrix): (usize, &Vec<Vec<f64>>)| Rows::new(matrix).map(Arc::new).map_err(|why| wrong(at, &why));
        let rows = matrices.iter().enumerate().map(read).collect::<PyResult<Vec<_>>>()?;
        let placed = channels.into_iter().map(|(at, qubits, number)| {
            let q = match (qubits.as_slice(), matrices.get(number).map(Vec::len)) {
                (&[a], Some(4)) => [a, NONE],
                (&[a, b], Some(16)) => [a, b],
                _ => return Err(wrong(number, &format!("not one for the {} qubits of a channel", qubits.len()))),
            };
            Ok(Channel { at, q, rows: rows[number].clone() })
        });
        let placed = placed.collect::<PyResult<Vec<_>>>()?;
        Ok(PyPauliPlan { plan: Arc::new(py.detach(|| Plan::new(&circuit, placed)).map_err(raised)?) })
    }

    #[getter]
    fn n_qubits(&self) -> u32 {
        self.plan.circuit.n_qubits
    }

    /// Ops and channels.
    fn __len__(&self) -> usize {
        self.plan.start.steps.len()
    }

    /// The value of a sum of Pauli strings (one letter a qubit, qubit 0 first) before the final read-out: `value`,
    /// `bound` (the error is no larger), `work` (strings made), `peak_terms`, `segments`. Strings with a coefficient
    /// below `cut`, or on more than `weight` qubits, are left out.
    ///
    /// Raises ValueError where the observable depends on a gate under a condition, MemoryError beyond `memory` bytes,
    /// TimeoutError beyond `work` strings.
    #[pyo3(signature = (observable, cut=0.0, weight=None, memory=4 << 30, work=WORK))]
    fn value<'py>(
        &self,
        py: Python<'py>,
        observable: Vec<Term>,
        cut: f64,
        weight: Option<u32>,
        memory: u64,
        work: u64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let cut = Cut { weight: weight.unwrap_or(u32::MAX), ..Cut::below(cut) };
        let found =
            interruptible(py, |stopped| self.plan.value(&observable, cut, &Limits { memory, work, stopped }), raised)?;
        let row = PyDict::new(py);
        row.set_item("value", found.value)?;
        row.set_item("bound", found.bound)?;
        fill(&row, &found)?;
        Ok(row)
    }

    /// The value with an error of at most `error` where `work` suffices: `value`, `error`, `kind` ("exact", "bound", or
    /// "estimate" where only that is known), `cut`, and what `value` tells beside them. Raises what `value` raises.
    #[pyo3(signature = (observable, error, memory=4 << 30, work=WORK))]
    fn within<'py>(
        &self,
        py: Python<'py>,
        observable: Vec<Term>,
        error: f64,
        memory: u64,
        work: u64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let found: Estimate = interruptible(
            py,
            |stopped| self.plan.within(&observable, error, &Limits { memory, work, stopped }),
            raised,
        )?;
        let row = PyDict::new(py);
        row.set_item("value", found.value)?;
        row.set_item("error", found.error)?;
        row.set_item("kind", found.kind.name())?;
        row.set_item("cut", found.cut)?;
        fill(&row, &found.outcome)?;
        Ok(row)
    }

    /// What values of these observables will take, seen by trying for some milliseconds: `seconds`, `memory_bytes`,
    /// `may_fail` (a run may end without a value, or with a larger error), `cut` (strings will be left out), `note`.
    /// Raises ValueError as `value` does.
    fn predict<'py>(&self, py: Python<'py>, observables: Vec<Vec<Term>>, error: f64) -> PyResult<Bound<'py, PyDict>> {
        let found = py.detach(|| self.plan.predict(&observables, error)).map_err(raised)?;
        let row = PyDict::new(py);
        row.set_item("seconds", found.seconds)?;
        row.set_item("memory_bytes", found.memory_bytes)?;
        row.set_item("may_fail", found.may_fail)?;
        row.set_item("cut", found.cut)?;
        row.set_item("note", found.note)?;
        Ok(row)
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("PAULI_WORK", WORK)?;
    module.add_class::<PyPauliPlan>()
}
