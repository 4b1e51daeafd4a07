//! This room's functions for Python.

use pyo3::prelude::*;

use pyo3::types::{PyBytes, PyDict};

use super::{binary, look, read, Declined, Features, Place};
use crate::circuit::python::PyCircuit;
use crate::qasm::python::declined;

fn refused(refusal: Declined) -> PyErr {
    let place = match refusal.place {
        Place::Byte(at) => format!("byte {at}"),
        Place::Node(number) => format!("node {number}"),
    };
    declined(place, refusal.why)
}

/// The circuit of a verified graph, in QVM binary or packed (`qmk.qvm.graph.pack`). Raises `Declined`, a place and a
/// reason, for what is not one, and for what a circuit has no place for.
#[pyfunction]
fn read_qvm(py: Python<'_>, data: &[u8]) -> PyResult<PyCircuit> {
    PyCircuit::checked(py.detach(|| read(data)).map_err(refused)?)
}

/// QVM binary of a packed graph: the bytes that `qmk.formats.binary.encode` gives.
#[pyfunction]
fn encode_qvm<'py>(py: Python<'py>, packed: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &py.detach(|| binary(packed)).map_err(refused)?))
}

/// (features of a verified graph, in QVM binary or packed; its circuit where that is wanted and there is one). Raises
/// `Declined` as `read_qvm` does.
#[pyfunction]
#[pyo3(signature = (data, circuit=false))]
fn look_qvm<'py>(py: Python<'py>, data: &[u8], circuit: bool) -> PyResult<(Bound<'py, PyDict>, Option<PyCircuit>)> {
    let (found, circuit) = py.detach(|| look(data, circuit)).map_err(refused)?;
    Ok((as_dict(py, &found)?, circuit.map(PyCircuit::checked).transpose()?))
}

fn as_dict<'py>(py: Python<'py>, found: &Features) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, count) in [
        ("n_qubits", found.qubits),
        ("n_ops", found.ops),
        ("n_two_qubit", found.two_qubit),
        ("n_non_clifford", found.non_clifford),
        ("depth", found.depth as usize),
        ("n_measure", found.measurements),
        ("n_events", found.events),
        ("entangling_width", found.entangling_width as usize),
        ("n_branch", found.branches),
        ("n_fences", found.fences),
    ] {
        out.set_item(name, count)?;
    }
    for (name, value) in [("mid_circuit", found.mid_circuit), ("has_reset", found.resets), ("has_logic", found.logic)] {
        out.set_item(name, value)?;
    }
    out.set_item("feed_forward", found.feed_forward.name())?;
    out.set_item("gates", &found.gates)?;
    out.set_item("bond", found.bond)?;
    out.set_item("tight_bond", found.tight_bond)?;
    out.set_item("open", &found.open)?;
    Ok(out)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(read_qvm, module)?)?;
    module.add_function(wrap_pyfunction!(encode_qvm, module)?)?;
    module.add_function(wrap_pyfunction!(look_qvm, module)?)
}
