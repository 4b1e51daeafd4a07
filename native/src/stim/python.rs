//! This room's functions for Python.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::circuit::python::PyCircuit;
use crate::qasm::python::{in_text, text_of};

/// The circuit of a flat Stim program. Raises `Declined`, a place and a reason, for what the front end must read.
#[pyfunction]
fn read_stim(py: Python<'_>, text: &Bound<'_, PyAny>) -> PyResult<PyCircuit> {
    let source = text_of(text, "read_stim")?;
    match py.detach(|| super::read(source)) {
        Ok(circuit) => PyCircuit::checked(circuit),
        Err(refusal) => Err(in_text(refusal.place(source), refusal.why)),
    }
}

/// The packed graph (`qmk.qvm.graph.pack`) of a flat Stim program, node for node that of the front end. Raises `Declined`
/// as `read_stim` does.
#[pyfunction]
fn read_stim_graph<'py>(py: Python<'py>, text: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let source = text_of(text, "read_stim_graph")?;
    match py.detach(|| super::read_graph(source)) {
        Ok(packed) => Ok(PyBytes::new(py, &packed)),
        Err(refusal) => Err(in_text(refusal.place(source), refusal.why)),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(read_stim, module)?)?;
    module.add_function(wrap_pyfunction!(read_stim_graph, module)?)
}
