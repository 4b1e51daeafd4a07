//! This room's functions for Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{metrics, synthesize, GateSet, Options, NAMES};
use crate::circuit::python::PyCircuit;

/// The circuit in the gates of these names, with few gates on two qubits, and where each qubit is at the end.
/// `exchange`: qubits may change places; `measured`: what the measurements at the end cannot see may go; `rounds` of
/// merging, 0 for none; `interactions`: written as RZZ and U; `one_way`: pairs whose CNOT or ECR gate has the first qubit first. Raises ValueError for names that are no gate set.
#[pyfunction]
#[pyo3(name = "synthesize", signature = (circuit, gates, *, exchange=false, measured=true, rounds=4, interactions=false,
    one_way=vec![]))]
#[allow(clippy::too_many_arguments)]
fn py_synthesize(
    py: Python<'_>,
    circuit: &PyCircuit,
    gates: Vec<String>,
    exchange: bool,
    measured: bool,
    rounds: usize,
    interactions: bool,
    one_way: Vec<(u32, u32)>,
) -> PyResult<(PyCircuit, Vec<u32>)> {
    let names: Vec<&str> = gates.iter().map(String::as_str).collect();
    let set = GateSet::named(&names).map_err(PyValueError::new_err)?;
    let source = circuit.0.clone();
    let made =
        py.detach(move || synthesize(&source, &set, Options { exchange, measured, rounds, interactions, one_way }));
    Ok((PyCircuit::checked(made.circuit)?, made.last))
}

/// What a circuit takes, by the names of a compiler's report.
#[pyfunction]
fn circuit_metrics<'py>(py: Python<'py>, circuit: &PyCircuit) -> PyResult<Bound<'py, PyDict>> {
    let found = metrics(&circuit.0);
    let out = PyDict::new(py);
    for (name, count) in [
        ("two_qubit_gates", found.two_qubit_gates),
        ("two_qubit_depth", found.two_qubit_depth),
        ("depth", found.depth),
        ("t_count", found.t_count),
        ("t_depth", found.t_depth),
        ("gates", found.gates),
        ("qubits", found.qubits),
        ("rotations", found.rotations),
        ("one_qubit_gates", found.one_qubit_gates),
        ("measurements", found.measurements),
    ] {
        out.set_item(name, count)?;
    }
    Ok(out)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("SYNTHESIS_GATES", NAMES.to_vec())?;
    module.add_function(wrap_pyfunction!(py_synthesize, module)?)?;
    module.add_function(wrap_pyfunction!(circuit_metrics, module)?)
}
