//! Routed plans for Python.

use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::{predict, Candidate, Failure, Method, Options, Plan};
use crate::circuit::python::PyCircuit;
use crate::rewrite;
use crate::samples::python::PySamples;
use crate::samples::Samples;
use crate::signals::interruptible;

/// A circuit rewritten and prepared for whichever of our simulators is predicted to be fastest.
#[pyclass(frozen, name = "Plan", module = "qmk_native")]
pub struct PyPlan {
    plan: Plan,
}

fn rows<'py>(py: Python<'py>, candidates: &[Candidate]) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for candidate in candidates {
        let row = PyDict::new(py);
        row.set_item("method", candidate.method.name())?;
        row.set_item("rewritten", candidate.rewritten)?;
        row.set_item("width", candidate.width)?;
        row.set_item("seconds", candidate.seconds)?;
        row.set_item("memory_bytes", candidate.memory_bytes)?;
        row.set_item("note", &candidate.note)?;
        out.append(row)?;
    }
    Ok(out)
}

fn raised(failure: Failure) -> PyErr {
    match failure {
        Failure::Impossible(candidates) => {
            let why = candidates.iter().map(|c| format!("{}: {}", c.method.name(), c.note)).collect::<Vec<_>>();
            PyMemoryError::new_err(why.join("; "))
        }
        Failure::Memory(why) => PyMemoryError::new_err(why),
        Failure::Stopped => PyKeyboardInterrupt::new_err("stopped"),
    }
}

#[pymethods]
impl PyPlan {
    /// For about `shots` shots. `method` None: any. `memory`: bytes that one run may take. `keep_cbits`: every cbit of
    /// the circuit will be looked at, not only what its registers show. Raises MemoryError, with the reason of each
    /// method, when nothing can run the circuit.
    #[new]
    #[pyo3(signature = (circuit, shots, method=None, memory=4 << 30, rewrites=true, keep_cbits=false))]
    fn new(
        py: Python<'_>,
        circuit: &PyCircuit,
        shots: usize,
        method: Option<&str>,
        memory: u64,
        rewrites: bool,
        keep_cbits: bool,
    ) -> PyResult<PyPlan> {
        let only = match method {
            Some(name) => Some(Method::from_name(name).ok_or_else(|| {
                let known = Method::ALL.map(Method::name).join(", ");
                PyValueError::new_err(format!("no method '{name}'; there are {known}"))
            })?),
            None => None,
        };
        let rewrites = rewrites.then(|| rewrite::Options { keep_cbits, ..rewrite::Options::default() });
        let options = Options { only, rewrites, memory };
        let circuit = circuit.0.clone();
        let plan = py.detach(|| Plan::new(&circuit, shots, &options)).map_err(raised)?;
        Ok(PyPlan { plan })
    }

    #[getter]
    fn method(&self) -> &'static str {
        self.plan.method().name()
    }

    /// Predicted seconds.
    #[getter]
    fn seconds(&self) -> f64 {
        self.plan.seconds()
    }

    /// Predicted seconds of another number of shots, on the method and the rewrites chosen.
    fn cost(&self, shots: usize) -> f64 {
        self.plan.cost(shots)
    }

    /// Whether a run may end without an answer: its only way is an attempt.
    #[getter]
    fn may_fail(&self) -> bool {
        self.plan.may_fail()
    }

    /// Every way that was looked at, the fastest first.
    #[getter]
    fn candidates<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        rows(py, &self.plan.candidates)
    }

    /// What was rewritten, as `rewrite` with `explain` reports it; None where the circuit runs as it came.
    #[getter]
    fn rewrites<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        self.plan.rewrites().map(|report| rewrite::python::as_dict(py, &report, true)).transpose()
    }

    /// What runs.
    #[getter]
    fn circuit(&self) -> PyCircuit {
        PyCircuit(self.plan.circuit.clone())
    }

    /// (samples, the method that drew them). Where some shots are done before others, `show(shots_done)` is called, and
    /// if it gives true, `show(shots_done, samples)`. What it raises is raised at the end.
    #[pyo3(signature = (shots, seed, show=None))]
    fn run(
        &self,
        py: Python<'_>,
        shots: usize,
        seed: u64,
        show: Option<Py<PyAny>>,
    ) -> PyResult<(PySamples, &'static str)> {
        let failed = Mutex::new(None);
        let report = |done: usize, make: &dyn Fn() -> Samples| {
            let Some(show) = &show else { return };
            Python::attach(|py| {
                let tell = || -> PyResult<()> {
                    if show.call1(py, (done,))?.is_truthy(py)? {
                        let circuit = Arc::clone(&self.plan.circuit);
                        show.call1(py, (done, PySamples { samples: make(), circuit }))?;
                    }
                    Ok(())
                };
                if let (Err(error), Ok(mut slot)) = (tell(), failed.lock()) {
                    slot.get_or_insert(error);
                }
            });
        };
        let (samples, method) = interruptible(py, |stopped| self.plan.run(shots, seed, stopped, &report), raised)?;
        if let Some(error) = failed.into_inner().ok().flatten() {
            return Err(error);
        }
        let circuit = Arc::clone(&self.plan.circuit);
        Ok((PySamples { samples, circuit }, method.name()))
    }
}

/// What a circuit will take, without a plan: method, rewritten, width, memory_bytes, note, may_fail, upper_bound, and
/// `seconds` for each of `points`. It is the best way for `shots`. Raises MemoryError when nothing can run the circuit.
#[pyfunction]
#[pyo3(name = "predict", signature = (circuit, shots, points, memory=4 << 30, keep_cbits=false))]
fn py_predict<'py>(
    py: Python<'py>,
    circuit: &PyCircuit,
    shots: usize,
    points: Vec<usize>,
    memory: u64,
    keep_cbits: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let rewrites = Some(rewrite::Options { keep_cbits, ..rewrite::Options::default() });
    let options = Options { only: None, rewrites, memory };
    let circuit = circuit.0.clone();
    let found = py.detach(|| predict(&circuit, shots, &points, &options));
    let found = found.ok_or_else(|| PyMemoryError::new_err("no method has room for the circuit"))?;
    let out = PyDict::new(py);
    out.set_item("method", found.best.method.name())?;
    out.set_item("rewritten", found.best.rewritten)?;
    out.set_item("width", found.best.width)?;
    out.set_item("memory_bytes", found.best.memory_bytes)?;
    out.set_item("note", &found.best.note)?;
    out.set_item("may_fail", found.may_fail)?;
    out.set_item("upper_bound", found.upper_bound)?;
    out.set_item("seconds", found.seconds)?;
    Ok(out)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(py_predict, module)?)?;
    module.add_class::<PyPlan>()
}
