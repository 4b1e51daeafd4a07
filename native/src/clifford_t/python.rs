//! This room's functions for Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{rz, Counts, Options};
use crate::circuit::python::PyCircuit;

/// The circuit in Clifford and T gates within `epsilon`, and what was done.
#[pyfunction]
#[pyo3(name = "clifford_t", signature = (circuit, *, epsilon=1e-10, tolerance=1e-12, keep_unitary=false, ancillae=false, effort=1, by_depth=false))]
#[allow(clippy::too_many_arguments)]
fn py_clifford_t<'py>(
    py: Python<'py>,
    circuit: &PyCircuit,
    epsilon: f64,
    tolerance: f64,
    keep_unitary: bool,
    ancillae: bool,
    effort: u8,
    by_depth: bool,
) -> PyResult<(PyCircuit, Bound<'py, PyDict>)> {
    let options = Options { tolerance, keep_unitary, ancillae, effort, by_depth };
    let source = circuit.0.clone();
    let (made, report) = py
        .detach(move || super::clifford_t(&source, epsilon, &options))
        .map_err(|wrong| PyValueError::new_err(wrong.0))?;
    let out = PyDict::new(py);
    for (name, counts) in [("before", report.before), ("folded", report.folded), ("after", report.after)] {
        out.set_item(name, as_dict(py, &counts)?)?;
    }
    out.set_item("ancillae", report.ancillae)?;
    out.set_item("synthesized", report.replaced.rotations)?;
    out.set_item("distinct_angles", report.replaced.distinct)?;
    out.set_item("epsilon_each", report.replaced.share)?;
    out.set_item("error", report.replaced.error)?;
    Ok((PyCircuit::checked(made)?, out))
}

fn as_dict<'py>(py: Python<'py>, counts: &Counts) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, count) in [
        ("t", counts.t),
        ("rotations", counts.rotations),
        ("t_depth", counts.t_depth),
        ("two_qubit", counts.two_qubit),
        ("measurements", counts.measurements),
        ("ops", counts.ops),
    ] {
        out.set_item(name, count)?;
    }
    Ok(out)
}

/// RZ(angle) as names of gates in the order in which they act, and the operator norm of the error up to a global phase.
#[pyfunction]
#[pyo3(signature = (angle, epsilon=1e-10))]
fn synthesize_rz(py: Python<'_>, angle: f64, epsilon: f64) -> PyResult<(Vec<&'static str>, f64)> {
    if !angle.is_finite() {
        return Err(PyValueError::new_err(format!("angle must be a finite number of radians; got {angle}")));
    }
    if !(rz::LEAST..=rz::MOST).contains(&epsilon) {
        let bounds = format!("from {:e} to {}", rz::LEAST, rz::MOST);
        return Err(PyValueError::new_err(format!("epsilon must be {bounds}; got {epsilon:e}")));
    }
    let made = py
        .detach(move || rz::synthesize(angle, epsilon))
        .ok_or_else(|| PyValueError::new_err(format!("no gates within {epsilon:e} of RZ({angle}) were found")))?;
    Ok((made.gates.iter().map(|kind| kind.name()).collect(), made.error))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(py_clifford_t, module)?)?;
    module.add_function(wrap_pyfunction!(synthesize_rz, module)?)
}
