//! Samples for Python.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use super::Samples;
use crate::circuit::Circuit;

/// The bits of a run, with the circuit whose registers print them.
#[pyclass(frozen, name = "Samples", module = "qmk_native")]
pub struct PySamples {
    pub samples: Samples,
    pub circuit: Arc<Circuit>,
}

#[pymethods]
impl PySamples {
    #[getter]
    fn shots(&self) -> usize {
        self.samples.shots
    }

    /// Printed bitstrings to shots, in ascending order.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = py.detach(|| self.samples.counts(&self.circuit.registers));
        let out = PyDict::new(py);
        for (key, shots) in found {
            out.set_item(key, shots)?;
        }
        Ok(out)
    }

    /// The first `n_columns` cbits of shots `start` to `stop`, as `numpy.packbits` packs the row of each shot.
    fn packed<'py>(
        &self,
        py: Python<'py>,
        n_columns: usize,
        start: usize,
        stop: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        if n_columns > self.samples.n_cbits {
            return Err(PyValueError::new_err(format!("{n_columns} columns of {} cbits", self.samples.n_cbits)));
        }
        Ok(PyBytes::new(py, &py.detach(|| self.samples.packed(n_columns, start, stop))))
    }

    /// Row-major bytes of 0 and 1, shape (shots, n_cbits), for `numpy.frombuffer`.
    fn bits<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.samples.bytes()))
    }
}

/// The rows that `numpy.packbits` packed, `row_bytes` each, as texts of `width` digits 0 and 1.
#[pyfunction]
fn bit_rows<'py>(py: Python<'py>, packed: &[u8], row_bytes: usize, width: usize) -> PyResult<Bound<'py, PyList>> {
    if row_bytes == 0 || packed.len() % row_bytes != 0 || width > 8 * row_bytes {
        return Err(PyValueError::new_err(format!(
            "{} bytes are no rows of {width} bits in {row_bytes} bytes",
            packed.len()
        )));
    }
    let rows = PyList::empty(py);
    let mut text = vec![0u8; 8 * row_bytes];
    for row in packed.chunks_exact(row_bytes) {
        for (digits, octet) in text.chunks_exact_mut(8).zip(row) {
            for (at, digit) in digits.iter_mut().enumerate() {
                *digit = b'0' + (octet >> (7 - at) & 1);
            }
        }
        rows.append(PyString::new(py, std::str::from_utf8(&text[..width])?))?;
    }
    Ok(rows)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(bit_rows, module)?)?;
    module.add_class::<PySamples>()
}
