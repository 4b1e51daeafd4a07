//! The native core of QMK: circuits as flat arrays, their readers, rewrites and simulators, for Python.
//!
//! Rooms: `circuit` is what all others speak; `qasm`, `stim` and `qvm` read text and bytes into it; `rewrite` turns a circuit
//! into a cheaper one with the same distribution, `clifford_t` into one of Clifford and T gates; `dense`, `frame`, `logical` and `mps` sample it, and `route` says which
//! of them; `pauli` takes observables back through it; `loss` samples Clifford circuits whose atoms can be lost; `relay` decodes; `analog` follows atoms under a
//! Hamiltonian; `json` writes answers.
//! Each room's `python` file is the only one that knows Python, and is left out without the feature of that name. Input
//! is never trusted: every index of a circuit is checked once, in `Circuit::check`.

pub mod analog;
pub mod circuit;
pub mod clifford_t;
pub mod complex;
pub mod cut;
pub mod dense;
pub mod dice;
pub mod frame;
pub mod json;
pub mod logical;
pub mod loss;
pub mod mps;
pub mod pauli;
pub mod place;
pub mod qasm;
pub mod qvm;
pub mod relay;
pub mod rewrite;
pub mod route;
pub mod samples;
#[cfg(feature = "python")]
mod signals;
pub mod stim;
pub mod synth;

#[cfg(feature = "python")]
use pyo3::prelude::*;

#[cfg(feature = "python")]
#[pymodule]
fn qmk_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    circuit::python::register(module)?;
    clifford_t::python::register(module)?;
    qasm::python::register(module)?;
    stim::python::register(module)?;
    synth::python::register(module)?;
    qvm::python::register(module)?;
    rewrite::python::register(module)?;
    samples::python::register(module)?;
    json::python::register(module)?;
    relay::python::register(module)?;
    dense::python::register(module)?;
    frame::python::register(module)?;
    logical::python::register(module)?;
    loss::python::register(module)?;
    mps::python::register(module)?;
    pauli::python::register(module)?;
    cut::python::register(module)?;
    place::python::register(module)?;
    route::python::register(module)?;
    analog::python::register(module)
}
