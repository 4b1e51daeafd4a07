//! Placing for Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{candidates, Coupling, Options, Placed};
use crate::circuit::python::PyCircuit;
use crate::circuit::Invalid;

/// A circuit, the sites of its qubits at the start and at the end, and facts.
type Row<'py> = (PyCircuit, Vec<u32>, Vec<u32>, Bound<'py, PyDict>);

fn refused(why: Invalid) -> PyErr {
    PyValueError::new_err(why.0)
}

/// Placements of a circuit on sites, best first.
#[pyfunction]
#[pyo3(signature = (circuit, n, pairs, *, seed=0, trials=60, keep=4, sites=None, errors=vec![], readout=vec![],
    depth_weight=0.05, commute=true))]
#[allow(clippy::too_many_arguments)]
fn place<'py>(
    py: Python<'py>,
    circuit: &PyCircuit,
    n: u32,
    pairs: Vec<(u32, u32)>,
    seed: u64,
    trials: u32,
    keep: usize,
    sites: Option<Vec<u32>>,
    errors: Vec<(u32, u32, f64)>,
    readout: Vec<f64>,
    depth_weight: f64,
    commute: bool,
) -> PyResult<Vec<Row<'py>>> {
    let source = circuit.0.clone();
    let found = py.detach(move || {
        let mut coupling = Coupling::new(n, &pairs)?.with_errors(&errors, &readout)?;
        if let Some(sites) = sites {
            coupling = coupling.on_sites(&sites)?;
        }
        let options = Options { seed, trials, keep, depth_weight, commute, ..Options::default() };
        candidates(&source, &coupling, &options)
    });
    let row = |one: Placed| {
        let facts = PyDict::new(py);
        facts.set_item("swaps", one.swaps)?;
        facts.set_item("two", one.two)?;
        facts.set_item("depth", one.depth)?;
        Ok((PyCircuit::checked(one.circuit)?, one.first, one.last, facts))
    };
    found.map_err(refused)?.into_iter().map(row).collect()
}

/// The circuit with gates on copies of a qubit, so that it is less deep where all pairs are coupled.
#[pyfunction]
fn spread(py: Python<'_>, circuit: &PyCircuit) -> PyResult<PyCircuit> {
    let source = circuit.0.clone();
    PyCircuit::checked(py.detach(move || super::spread(&source)))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(place, module)?)?;
    module.add_function(wrap_pyfunction!(spread, module)?)
}
