//! The face of `json` towards Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// One value of MessagePack as JSON. Other threads go on meanwhile.
#[pyfunction]
fn json_of_msgpack<'py>(py: Python<'py>, packed: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    match py.detach(|| super::of_msgpack(packed)) {
        Ok(text) => Ok(PyBytes::new(py, &text)),
        Err(why) => Err(PyValueError::new_err(format!("no JSON of these bytes: {} at byte {}", why.what, why.at))),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(json_of_msgpack, module)?)
}
