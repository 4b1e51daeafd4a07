//! This room's functions for Python.

use std::collections::HashMap;

use pyo3::create_exception;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::matrix::Matrix;
use super::synthesis::{controlled, zyz, Step};
use super::{limits, read, read_graph, Declined as Refusal};
use crate::circuit::python::PyCircuit;
use crate::complex::c;

/// Qubits of the widest gate whose matrix is factored.
const MATRIX_QUBITS: usize = 8;

create_exception!(qmk_native, Declined, PyValueError, "What a reader leaves to the semantic front end: place and why.");

/// The exception of an input that is left to the semantic front end or codec.
pub fn declined(place: String, why: &str) -> PyErr {
    Declined::new_err((place, why.to_owned()))
}

pub fn in_text((line, column): (usize, usize), why: &str) -> PyErr {
    declined(format!("line {line}, column {column}"), why)
}

/// The text that a reader called `name` was given, as text or as bytes.
pub fn text_of<'t>(text: &'t Bound<'_, PyAny>, name: &str) -> PyResult<&'t str> {
    if let Ok(text) = text.cast::<PyString>() {
        text.to_str().map_err(|_| in_text((1, 1), "the text has characters that are no text"))
    } else if let Ok(bytes) = text.cast::<PyBytes>() {
        std::str::from_utf8(bytes.as_bytes()).map_err(|_| in_text((1, 1), "the file is not UTF-8 text"))
    } else {
        Err(PyTypeError::new_err(format!("{name} takes a text or bytes")))
    }
}

/// The circuit of a flat OpenQASM 2 or 3 program. Raises `Declined`, a place and a reason, for what the semantic front
/// end must read: all else of the language, every error, and what the front end would warn of. `inputs`: values of the
/// program's inputs by name.
#[pyfunction]
#[pyo3(signature = (text, inputs=None))]
fn read_qasm(py: Python<'_>, text: &Bound<'_, PyAny>, inputs: Option<HashMap<String, f64>>) -> PyResult<PyCircuit> {
    let source = text_of(text, "read_qasm")?;
    match py.detach(|| read(source, inputs.unwrap_or_default().into_iter().collect())) {
        Ok(circuit) => PyCircuit::checked(circuit),
        Err(refusal) => Err(in_text(Refusal::place(&refusal, source), refusal.why)),
    }
}

/// A matrix of Python, square and of a power of two rows.
fn matrix_of(rows: Vec<Vec<(f64, f64)>>) -> PyResult<Matrix> {
    let size = rows.len();
    if !size.is_power_of_two() || size > 1 << MATRIX_QUBITS || rows.iter().any(|row| row.len() != size) {
        return Err(PyValueError::new_err("a matrix is square, of 1, 2, 4, .. 256 rows"));
    }
    Ok(rows.into_iter().map(|row| row.into_iter().map(|(re, im)| c(re, im)).collect()).collect())
}

/// (gate, operands, angles by name)
type Row = (&'static str, Vec<u32>, Vec<(&'static str, f64)>);

/// Gates equal, up to a global phase, to a unitary under controls that must hold `values`: the controls are the first
/// operands. Entries of the matrix are (re, im). Raises ValueError for no matrix, or more than 256 controls.
#[pyfunction]
fn controlled_steps(matrix: Vec<Vec<(f64, f64)>>, values: Vec<bool>) -> PyResult<Vec<Row>> {
    if values.len() > limits::CONTROLS {
        return Err(PyValueError::new_err(format!("{} controls, at most {}", values.len(), limits::CONTROLS)));
    }
    let row = |step: &Step| {
        let (kind, names) = (step.kind, step.kind.angle_names());
        let args = names.iter().copied().zip(step.args).collect();
        (kind.name(), step.operands[..kind.n_qubits()].to_vec(), args)
    };
    Ok(controlled(matrix_of(matrix)?, &values).iter().map(row).collect())
}

/// (alpha, beta, gamma, delta) with `matrix = e^{i alpha} RZ(beta) RY(gamma) RZ(delta)`.
#[pyfunction]
#[pyo3(name = "zyz")]
fn py_zyz(matrix: [[(f64, f64); 2]; 2]) -> (f64, f64, f64, f64) {
    zyz(&matrix.map(|row| row.map(|(re, im)| c(re, im))))
}

/// The packed graph (`qmk.qvm.graph.pack`) of a flat program of OpenQASM 2 or 3, node for node that of the front end of
/// this `dialect`. Raises `Declined` as `read_qasm` does.
#[pyfunction]
#[pyo3(signature = (text, dialect, inputs=None))]
fn read_qasm_graph<'py>(
    py: Python<'py>,
    text: &Bound<'_, PyAny>,
    dialect: u8,
    inputs: Option<HashMap<String, f64>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let source = text_of(text, "read_qasm_graph")?;
    match py.detach(|| read_graph(source, inputs.unwrap_or_default().into_iter().collect(), dialect)) {
        Ok(packed) => Ok(PyBytes::new(py, &packed)),
        Err(refusal) => Err(in_text(Refusal::place(&refusal, source), refusal.why)),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("Declined", module.py().get_type::<Declined>())?;
    let bounds = PyDict::new(module.py());
    for (name, value) in limits::SHARED {
        bounds.set_item(name, value)?;
    }
    module.add("LIMITS", bounds)?;
    module.add_function(wrap_pyfunction!(controlled_steps, module)?)?;
    module.add_function(wrap_pyfunction!(py_zyz, module)?)?;
    module.add_function(wrap_pyfunction!(read_qasm, module)?)?;
    module.add_function(wrap_pyfunction!(read_qasm_graph, module)?)
}
