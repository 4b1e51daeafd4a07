//! This room's functions for Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::{cost, synthesize, GateSet, Options, NAMES};
use crate::circuit::python::PyCircuit;

/// The circuit in the gates of these names, with few gates on two qubits, and where each qubit is at the end.
/// `exchange`: qubits may change places; `measured`: what the measurements at the end cannot see may go; `rounds` of
/// merging, 0 for none. Raises ValueError for names that are no gate set.
#[pyfunction]
#[pyo3(name = "synthesize", signature = (circuit, gates, *, exchange=false, measured=true, rounds=4))]
fn py_synthesize(
    py: Python<'_>,
    circuit: &PyCircuit,
    gates: Vec<String>,
    exchange: bool,
    measured: bool,
    rounds: usize,
) -> PyResult<(PyCircuit, Vec<u32>)> {
    let names: Vec<&str> = gates.iter().map(String::as_str).collect();
    let set = GateSet::named(&names).map_err(PyValueError::new_err)?;
    let source = circuit.0.clone();
    let made = py.detach(move || synthesize(&source, &set, Options { exchange, measured, rounds }));
    Ok((PyCircuit::checked(made.circuit)?, made.last))
}

/// (gates on two qubits, their depth) of a circuit; a SWAP counts as three and a gate on three qubits as six.
#[pyfunction]
fn two_qubit_cost(circuit: &PyCircuit) -> (usize, usize) {
    cost(&circuit.0)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("SYNTHESIS_GATES", NAMES.to_vec())?;
    module.add_function(wrap_pyfunction!(py_synthesize, module)?)?;
    module.add_function(wrap_pyfunction!(two_qubit_cost, module)?)
}
