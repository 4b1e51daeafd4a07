//! This room's functions for Python.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::features;
use super::{schedule, Options, Report};
use crate::circuit::python::PyCircuit;
use crate::circuit::ALL;

/// The circuit in a cheaper form with the same joint distribution of all cbits that registers show, and what was done.
/// Each option switches one rewrite off; `keep_cbits`: all cbits count as shown; `keep_state`: the final
/// state is kept too, up to phase; `narrow`: least width counts, not least cost; `explain`: the
/// report says widths and parts too; `shots`: how many will be run.
#[pyfunction]
#[pyo3(name = "rewrite", signature = (circuit, *, constants=true, peephole=true, relabel=true, dead=true, schedule=true,
    hoist=true, reuse=true, keep_cbits=false, keep_state=false, narrow=false, explain=false,
    shots=1000))]
#[allow(clippy::too_many_arguments)]
fn py_rewrite<'py>(
    py: Python<'py>,
    circuit: &PyCircuit,
    constants: bool,
    peephole: bool,
    relabel: bool,
    dead: bool,
    schedule: bool,
    hoist: bool,
    reuse: bool,
    keep_cbits: bool,
    keep_state: bool,
    narrow: bool,
    explain: bool,
    shots: u32,
) -> PyResult<(PyCircuit, Bound<'py, PyDict>)> {
    let options = Options {
        constants,
        peephole,
        relabel,
        dead,
        schedule,
        hoist,
        reuse,
        keep_cbits,
        keep_state,
        narrow,
        explain,
        shots,
    };
    let source = circuit.0.clone();
    let (made, report) = py.detach(move || self::schedule(&source, &options));
    Ok((PyCircuit::checked(made)?, as_dict(py, &report, explain)?))
}

pub fn as_dict<'py>(py: Python<'py>, report: &Report, explain: bool) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let fired = &report.fired;
    for (name, count) in [
        ("constants", fired.constants),
        ("cancelled", fired.cancelled),
        ("joined", fired.joined),
        ("resynthesized", fired.resynthesized),
        ("relabelled", fired.relabelled),
        ("controls_made_classical", fired.controls_made_classical),
        ("dead", report.dead),
        ("phases", report.phases),
        ("ops_before", report.ops_before),
        ("ops_after", report.ops_after),
    ] {
        out.set_item(name, count)?;
    }
    if explain {
        out.set_item("width_before", report.width_before)?;
        out.set_item("width_after", report.width_after)?;
        out.set_item("parts", report.parts)?;
    }
    out.set_item("order", report.order)?;
    out.set_item("cost_before", report.cost_before)?;
    out.set_item("cost_after", report.cost_after)?;
    out.set_item("seconds_simplify", report.seconds_simplify)?;
    out.set_item("seconds_schedule", report.seconds_schedule)?;
    Ok(out)
}

/// Whether rewriting is likely to save more time than it takes.
#[pyfunction]
fn promising(circuit: &PyCircuit) -> bool {
    features::promising(&circuit.0)
}

/// What a router wants to know of a circuit.
#[pyfunction]
#[pyo3(name = "features")]
fn py_features<'py>(py: Python<'py>, circuit: &PyCircuit) -> PyResult<Bound<'py, PyDict>> {
    let source = circuit.0.clone();
    let found = py.detach(move || features::features(&source));
    let out = PyDict::new(py);
    let by_kind = PyDict::new(py);
    for (kind, &count) in ALL.iter().zip(&found.by_kind).filter(|(_, &count)| count > 0) {
        by_kind.set_item(kind.name(), count)?;
    }
    out.set_item("by_kind", by_kind)?;
    for (name, count) in [
        ("qubits", found.qubits as usize),
        ("cbits", found.cbits as usize),
        ("ops", found.ops),
        ("depth", found.depth as usize),
        ("two_qubit", found.two_qubit),
        ("three_qubit", found.three_qubit),
        ("clifford_prefix", found.clifford_prefix),
        ("non_clifford", found.non_clifford),
        ("t_gates", found.t_gates),
        ("rotations", found.rotations),
        ("resets", found.resets),
        ("logic", found.logic),
        ("noise", found.noise),
        ("width", found.width as usize),
        ("cut", found.cut as usize),
        ("parts", found.parts),
        ("light_cone", found.light_cone as usize),
        ("joined", found.joined as usize),
    ] {
        out.set_item(name, count)?;
    }
    out.set_item("treewidth", found.treewidth)?;
    out.set_item("mid_circuit", found.mid_circuit)?;
    out.set_item("classical", found.classical)?;
    out.set_item("measured", found.measured)?;
    out.set_item("feed_forward", found.feed_forward.name())?;
    Ok(out)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(py_rewrite, module)?)?;
    module.add_function(wrap_pyfunction!(promising, module)?)?;
    module.add_function(wrap_pyfunction!(py_features, module)?)
}
