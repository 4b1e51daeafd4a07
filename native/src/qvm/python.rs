//! This room's functions for Python.

use std::collections::BTreeMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{look, read, Declined, Features, Ops, Place, Request};
use crate::circuit::python::PyCircuit;
use crate::qasm::python::declined;

fn refused(refusal: Declined) -> PyErr {
    let place = match refusal.place {
        Place::Byte(at) => format!("byte {at}"),
        Place::Node(number) => format!("node {number}"),
    };
    declined(place, refusal.why)
}

/// The circuit of a verified graph, packed (`qmk.qvm.graph.pack`). Raises `Declined`, a place and a
/// reason, for what is not one, and for what a circuit has no place for.
#[pyfunction]
fn read_qvm(py: Python<'_>, data: &[u8]) -> PyResult<PyCircuit> {
    PyCircuit::checked(py.detach(|| read(data)).map_err(refused)?)
}

/// The ops that graphs are made of, as they are declared.
#[pyclass(name = "Ops", module = "qmk_native", frozen)]
struct PyOps(Ops);

#[pymethods]
impl PyOps {
    /// Rows of name, class, bases and whether the Schmidt rank is two across any cut. Raises ValueError for an unknown
    /// class.
    #[new]
    fn new(rows: Vec<(String, String, String, bool)>) -> PyResult<PyOps> {
        let mut ops = Ops::default();
        for (op, class, bases, rank_two) in rows {
            if !ops.declare(op, &class, bases, rank_two) {
                return Err(PyValueError::new_err(format!("unknown class of op '{class}'")));
            }
        }
        Ok(PyOps(ops))
    }

    /// (features of a verified graph, packed; its circuit where that is wanted and there is one). `noise`: of each error
    /// channel on qubits, whether it joins nothing, correlates or entangles them. Raises `Declined` as `read_qvm` does.
    #[pyo3(signature = (data, noise, circuit=false, open=false))]
    fn look<'py>(
        &self,
        py: Python<'py>,
        data: &[u8],
        noise: &[u8],
        circuit: bool,
        open: bool,
    ) -> PyResult<(Bound<'py, PyDict>, Option<PyCircuit>)> {
        let request = Request { ops: &self.0, noise, open };
        let (found, circuit) = py.detach(|| look(data, request, circuit)).map_err(refused)?;
        Ok((as_dict(py, &found)?, circuit.map(PyCircuit::checked).transpose()?))
    }
}

fn as_dict<'py>(py: Python<'py>, found: &Features) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, count) in [
        ("qubits", found.qubits),
        ("gates", found.gates),
        ("two_qubit", found.two_qubit),
        ("multi_qubit", found.multi_qubit),
        ("non_clifford", found.non_clifford),
        ("depth", found.depth as usize),
        ("events", found.events),
        ("entangling_width", found.entangling_width as usize),
        ("branches", found.branches),
    ] {
        out.set_item(name, count)?;
    }
    for (name, value) in [("mid_circuit", found.mid_circuit), ("resets", found.resets), ("renamed", found.renamed)] {
        out.set_item(name, value)?;
    }
    out.set_item("feed_forward", found.feed_forward.name())?;
    out.set_item("ops", found.ops.iter().cloned().collect::<BTreeMap<_, _>>())?;
    out.set_item("bond", found.bond)?;
    out.set_item("tight_bond", found.tight_bond)?;
    out.set_item("open", &found.open)?;
    Ok(out)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyOps>()?;
    module.add_function(wrap_pyfunction!(read_qvm, module)?)
}
