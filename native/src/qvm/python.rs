//! This room's functions for Python.

use pyo3::prelude::*;

use super::{read, Place};
use crate::circuit::python::PyCircuit;
use crate::qasm::python::declined;

/// The circuit of a verified graph in QVM binary. Raises `Declined`, a place and a reason, for what is not one, and for
/// what a circuit has no place for.
#[pyfunction]
fn read_qvm(py: Python<'_>, data: &[u8]) -> PyResult<PyCircuit> {
    match py.detach(|| read(data)) {
        Ok(circuit) => PyCircuit::checked(circuit),
        Err(refusal) => Err(declined(
            match refusal.place {
                Place::Byte(at) => format!("byte {at}"),
                Place::Node(number) => format!("node {number}"),
            },
            refusal.why,
        )),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(read_qvm, module)?)
}
