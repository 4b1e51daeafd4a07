//! Relay belief propagation for Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::{Relay, Settings};

/// A check matrix prepared for relay belief propagation.
#[pyclass(frozen, name = "RelayBp", module = "qmk_native")]
pub struct PyRelay {
    relay: Relay,
}

#[pymethods]
impl PyRelay {
    #[new]
    #[allow(clippy::too_many_arguments)]
    fn new(
        checks: usize,
        starts: Vec<u32>,
        rows: Vec<u32>,
        priors: Vec<f64>,
        observables: &[u8],
        width: usize,
        iterations: (usize, usize),
        legs: usize,
        solutions: usize,
        memory: (f32, f32, f32),
        scale: f32,
        seed: u64,
    ) -> PyResult<PyRelay> {
        let settings = Settings {
            first_iterations: iterations.0,
            legs,
            leg_iterations: iterations.1,
            solutions: solutions.max(1),
            first_memory: memory.0,
            scale,
            memory: (memory.1, memory.2),
            seed,
        };
        match Relay::new(checks, &starts, &rows, &priors, observables, width, settings) {
            Some(relay) => Ok(PyRelay { relay }),
            None => Err(PyValueError::new_err("arrays that do not fit each other")),
        }
    }

    /// Bit-packed rows of syndromes to bit-packed rows of observables.
    fn decode<'py>(&self, py: Python<'py>, dets: &[u8], shots: usize) -> PyResult<Bound<'py, PyBytes>> {
        let (bytes, width) = (self.relay.checks().div_ceil(8), self.relay.width());
        if dets.len() != shots * bytes {
            return Err(PyValueError::new_err(format!("{} bytes for {shots} rows of {bytes}", dets.len())));
        }
        let flips = py.detach(|| {
            let mut flips = vec![0u8; shots * width];
            let mut syndrome = vec![false; self.relay.checks()];
            let mut scratch = self.relay.scratch();
            for shot in 0..shots {
                let row = &dets[shot * bytes..(shot + 1) * bytes];
                for (i, bit) in syndrome.iter_mut().enumerate() {
                    *bit = row[i / 8] >> (i % 8) & 1 == 1;
                }
                self.relay.decode(&syndrome, &mut scratch, &mut flips[shot * width..(shot + 1) * width]);
            }
            flips
        });
        Ok(PyBytes::new(py, &flips))
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyRelay>()
}
