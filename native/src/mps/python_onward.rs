//! Chains that Python takes apart and puts together.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::chain::Chain;
use super::onward::{chain_of, Site};
use super::python::raise;
use super::{Bounds, Plan};
use crate::circuit::python::PyCircuit;
use crate::signals::interruptible;

/// (left bond, right bond, real parts, imaginary parts, Schmidt values of the left bond), numbers as bytes of doubles.
type Tensor<'py> = (usize, usize, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

fn doubles(bytes: &Bound<'_, PyBytes>) -> Vec<f64> {
    bytes.as_bytes().chunks_exact(8).map(|b| f64::from_ne_bytes(b.try_into().expect("eight bytes"))).collect()
}

fn bytes<'py>(py: Python<'py>, numbers: &[f64]) -> Bound<'py, PyBytes> {
    let flat: Vec<u8> = numbers.iter().flat_map(|x| x.to_ne_bytes()).collect();
    PyBytes::new(py, &flat)
}

/// A matrix product state, site k for qubit k, in right-canonical form.
#[pyclass(frozen, name = "MpsChain", module = "qmk_native")]
pub struct PyChain(Chain);

#[pymethods]
impl PyChain {
    /// `lost`: a bound on 1 - fidelity from before. `cut`: largest weight that one gate may drop. Raises ValueError for tensors that do not fit.
    #[new]
    fn new(tensors: Vec<Tensor<'_>>, lost: f64, cut: f64) -> PyResult<PyChain> {
        let site = |(left, right, re, im, values): Tensor<'_>| Site {
            left,
            right,
            re: doubles(&re),
            im: doubles(&im),
            values: doubles(&values),
        };
        let sites = tensors.into_iter().map(site).collect();
        chain_of(sites, lost, cut).map(PyChain).map_err(PyValueError::new_err)
    }

    fn __len__(&self) -> usize {
        self.0.parts().count()
    }

    /// The tensor of a site, as it was given. Raises ValueError where there is none.
    fn tensor<'py>(&self, py: Python<'py>, site: usize) -> PyResult<Tensor<'py>> {
        let (tensor, values) = self.0.parts().nth(site).ok_or_else(|| PyValueError::new_err("no such site"))?;
        let (re, im) = (bytes(py, &tensor.re), bytes(py, &tensor.im));
        Ok((tensor.rows, tensor.columns / 2, re, im, bytes(py, values)))
    }

    /// The largest bond so far.
    #[getter]
    fn bond(&self) -> usize {
        self.0.peak
    }

    /// A bound on 1 - fidelity from what was cut off.
    #[getter]
    fn lost(&self) -> f64 {
        self.0.lost()
    }
}

/// Gates of a circuit on a matrix product state whose site k is qubit k, before them and after them.
#[pyclass(frozen, name = "MpsGates", module = "qmk_native")]
pub struct PyGates {
    plan: Plan,
    n_qubits: usize,
}

#[pymethods]
impl PyGates {
    /// Raises ValueError for what is not an unconditional gate.
    #[new]
    fn new(circuit: &PyCircuit) -> PyResult<PyGates> {
        let plan = Plan::compile(&circuit.0).map_err(PyValueError::new_err)?.in_place();
        Ok(PyGates { plan, n_qubits: circuit.0.n_qubits as usize })
    }

    /// From log2 of the bonds left of each site and of the last: upper bounds on what they become, and on the seconds.
    fn growth(&self, bonds: Vec<f64>) -> PyResult<(Vec<f64>, f64)> {
        if bonds.len() != self.n_qubits + 1 {
            return Err(PyValueError::new_err("one bond more than there are qubits is wanted"));
        }
        Ok(self.plan.growth(bonds))
    }

    /// The chain after the gates. Raises ValueError for one of another length, MemoryError when a bond outgrows `bond`.
    fn apply(&self, py: Python<'_>, chain: &PyChain, bond: usize) -> PyResult<PyChain> {
        if chain.__len__() != self.n_qubits {
            return Err(PyValueError::new_err("one site a qubit is wanted"));
        }
        let bounds = Bounds { bond, ..Bounds::default() };
        let start = chain.0.clone();
        let go = |stop: &dyn Fn() -> bool| self.plan.evolve_from(start, bounds, &mut || !stop()).map(|found| found.0);
        interruptible(py, go, raise).map(PyChain)
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyChain>()?;
    module.add_class::<PyGates>()
}
