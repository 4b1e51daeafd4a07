//! Dense plans for Python.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyComplex};

use super::{Plan, Rates, Refused, RATES};
use crate::circuit::python::PyCircuit;
use crate::circuit::Circuit;
use crate::samples::python::PySamples;
use crate::signals;

enum Either {
    Single(Plan<f32>),
    Double(Plan<f64>),
}

/// A circuit compiled for the dense simulator.
#[pyclass(frozen, name = "DensePlan", module = "qmk_native")]
pub struct PyPlan {
    plan: Either,
    circuit: Arc<Circuit>,
}

/// Runs `$body` for the plan of either precision.
macro_rules! either {
    ($self:ident, $plan:ident => $body:expr) => {
        match &$self.plan {
            Either::Single($plan) => $body,
            Either::Double($plan) => $body,
        }
    };
}

pub(super) fn refused(why: Refused) -> PyErr {
    match why {
        Refused::Memory { needed: Some(needed), allowed } => {
            PyMemoryError::new_err(format!("the state takes {needed} bytes; {allowed} are allowed"))
        }
        Refused::Memory { needed: None, allowed } => {
            PyMemoryError::new_err(format!("the state has more than 62 qubits; {allowed} bytes are allowed"))
        }
        Refused::NotUnitary => PyValueError::new_err(
            "only circuits without earlier measurements, resets, noise and conditions have one final state",
        ),
        Refused::Stopped => PyValueError::new_err("stopped"),
        Refused::Malformed(text) => PyValueError::new_err(text),
    }
}

/// Bytes of memory that may be used where nobody says: half of what is free, or 4 GiB where that is unknown.
pub(super) fn free_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|n| n.parse::<u64>().ok());
    kib.map_or(4 << 30, |kib| kib * 1024 / 4 * 3)
}

/// Amplitudes between two looks at Python's signals.
const BETWEEN_SIGNALS: u64 = 100_000_000;

/// Runs `work` without the lock; a signal (Ctrl-C) stops it and raises.
pub(super) fn interruptible<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&dyn Fn(u64) -> bool) -> Result<T, Refused> + Send,
) -> PyResult<T> {
    let looking = |signalled: &dyn Fn() -> bool| {
        let done = Cell::new(0u64);
        work(&|n| {
            done.set(done.get() + n);
            done.get() >= BETWEEN_SIGNALS && {
                done.set(0);
                signalled()
            }
        })
    };
    signals::interruptible(py, looking, refused)
}

#[pymethods]
impl PyPlan {
    /// `precision`: "f32" or "f64"; `memory_limit`: bytes that states may take (default: three quarters of free
    /// memory); `threads` change no bit of a result. Raises MemoryError with the number if the memory is too little.
    #[new]
    #[pyo3(signature = (circuit, precision="f32", memory_limit=None, threads=1))]
    fn new(
        py: Python<'_>,
        circuit: &PyCircuit,
        precision: &str,
        memory_limit: Option<u64>,
        threads: usize,
    ) -> PyResult<PyPlan> {
        let allowed = memory_limit.unwrap_or_else(free_memory);
        let shared = circuit.0.clone();
        let plan = py.detach(|| match precision {
            "f32" => Plan::compile(&shared, allowed).map(|p| Either::Single(p.with_threads(threads))).map_err(refused),
            "f64" => Plan::compile(&shared, allowed).map(|p| Either::Double(p.with_threads(threads))).map_err(refused),
            other => Err(PyValueError::new_err(format!("precision '{other}' is neither 'f32' nor 'f64'"))),
        })?;
        Ok(PyPlan { plan, circuit: shared })
    }

    /// Most qubits in the state at a time.
    #[getter]
    fn width(&self) -> u32 {
        either!(self, plan => plan.width())
    }

    /// Most bytes that states take in a run of `shots`.
    fn memory_bytes(&self, shots: u64) -> u64 {
        either!(self, plan => plan.memory_bytes(shots))
    }

    /// Predicted seconds of `run(shots)`. `rates` replaces entries of `DENSE_RATES`, as a calibration found them.
    #[pyo3(signature = (shots, rates=None))]
    fn cost(&self, shots: u64, rates: Option<HashMap<String, f64>>) -> PyResult<f64> {
        let mut used = RATES;
        for (name, value) in rates.unwrap_or_default() {
            match entries(&mut used).into_iter().find(|(known, _)| *known == name) {
                Some((_, slot)) if value > 0.0 => *slot = value,
                _ => return Err(PyValueError::new_err(format!("rate '{name}' = {value} is unknown or not positive"))),
            }
        }
        Ok(either!(self, plan => plan.cost(shots, &used)))
    }

    /// Counts of the plan: width, real (1: all amplitudes are), passes over the state, kernels, splits.
    fn stats(&self) -> HashMap<&'static str, usize> {
        either!(self, plan => plan.stats()).into_iter().collect()
    }

    /// Samples of `shots` shots.
    fn run(&self, py: Python<'_>, shots: usize, seed: u64) -> PyResult<PySamples> {
        let samples = interruptible(py, |stop| either!(self, plan => plan.run(shots, seed, stop)))?;
        Ok(PySamples { samples, circuit: self.circuit.clone() })
    }

    /// The state before the final read-out: complex64 or complex128 amplitudes in the machine's byte order, qubit 0 the
    /// most significant bit of the index. Raises ValueError for circuits that have no single final state.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        match &self.plan {
            Either::Single(plan) => {
                let values = interruptible(py, |stop| plan.state(stop))?;
                filled(py, values.len() * 4, values.iter().map(|x| x.to_ne_bytes()))
            }
            Either::Double(plan) => {
                let values = interruptible(py, |stop| plan.state(stop))?;
                filled(py, values.len() * 8, values.iter().map(|x| x.to_ne_bytes()))
            }
        }
    }

    /// Amplitudes of bitstrings of one character a qubit, qubit 0 first.
    fn amplitudes<'py>(&self, py: Python<'py>, bitstrings: Vec<String>) -> PyResult<Vec<Bound<'py, PyComplex>>> {
        let found = interruptible(py, |stop| either!(self, plan => plan.amplitudes(&bitstrings, stop)))?;
        Ok(found.into_iter().map(|(re, im)| PyComplex::from_doubles(py, re, im)).collect())
    }

    /// Probabilities of the values of distinct qubits, the first the most significant bit.
    fn probabilities(&self, py: Python<'_>, qubits: Vec<u32>) -> PyResult<Vec<f64>> {
        interruptible(py, |stop| either!(self, plan => plan.probabilities(&qubits, stop)))
    }

    /// Expectation values of Pauli strings such as "XIZ": one letter a qubit, qubit 0 first.
    fn expectation(&self, py: Python<'_>, paulis: Vec<String>) -> PyResult<Vec<f64>> {
        interruptible(py, |stop| either!(self, plan => plan.expectation(&paulis, stop)))
    }

    /// (value, derivatives): the expectation value of a sum of Pauli strings, given as (string, coefficient), and its
    /// derivative by every parameter of the circuit in the order of its ops; computed in f64.
    fn gradient(&self, py: Python<'_>, observable: Vec<(String, f64)>) -> PyResult<(f64, Vec<f64>)> {
        interruptible(py, |stop| either!(self, plan => plan.gradient(&observable, stop)))
    }

    /// The circuit at many points of its parameters, each a list of all angles in the order of the ops. With `paulis`:
    /// expectation values, one list a point. Else: Samples of `shots` shots, one a point.
    #[pyo3(signature = (points, paulis=None, shots=0, seed=0))]
    fn sweep<'py>(
        &self,
        py: Python<'py>,
        points: Vec<Vec<f64>>,
        paulis: Option<Vec<String>>,
        shots: usize,
        seed: u64,
    ) -> PyResult<Bound<'py, PyAny>> {
        match paulis {
            Some(paulis) => {
                let found =
                    interruptible(py, |stop| either!(self, plan => plan.sweep_expectations(&points, &paulis, stop)))?;
                Ok(found.into_pyobject(py)?.into_any())
            }
            None => {
                let found =
                    interruptible(py, |stop| either!(self, plan => plan.sweep_samples(&points, shots, seed, stop)))?;
                let wrap = |samples| PySamples { samples, circuit: self.circuit.clone() };
                let found: Vec<PySamples> = found.into_iter().map(wrap).collect();
                Ok(found.into_pyobject(py)?.into_any())
            }
        }
    }
}

/// Bytes of that length from chunks.
fn filled<'py, const N: usize>(
    py: Python<'py>,
    len: usize,
    chunks: impl Iterator<Item = [u8; N]>,
) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, len, |out| {
        for (to, from) in out.chunks_exact_mut(N).zip(chunks) {
            to.copy_from_slice(&from);
        }
        Ok(())
    })
}

fn entries(rates: &mut Rates) -> [(&'static str, &mut f64); 5] {
    [
        ("cycles_per_second", &mut rates.cycles_per_second),
        ("bytes_per_second", &mut rates.bytes_per_second),
        ("seconds_per_shot", &mut rates.seconds_per_shot),
        ("seconds_per_split", &mut rates.seconds_per_split),
        ("seconds_per_run", &mut rates.seconds_per_run),
    ]
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let mut rates = RATES;
    module.add(
        "DENSE_RATES",
        entries(&mut rates).map(|(name, value)| (name, *value)).into_iter().collect::<HashMap<_, _>>(),
    )?;
    super::python_adjoint::register(module)?;
    super::python_onward::register(module)?;
    module.add_class::<PyPlan>()
}
