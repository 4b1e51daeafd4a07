//! Work without Python's lock that Ctrl-C ends.

use std::sync::Mutex;

use pyo3::prelude::*;

/// Runs `work` without the lock. A signal makes what it is given say true, and is raised in place of `refused`.
pub fn interruptible<T: Send, E: Send>(
    py: Python<'_>,
    work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, E> + Send,
    refused: impl FnOnce(E) -> PyErr,
) -> PyResult<T> {
    let signal = Mutex::new(None);
    let stopped = || {
        Python::attach(|py| match py.check_signals() {
            Ok(()) => false,
            Err(error) => signal.lock().is_ok_and(|mut slot| slot.replace(error).is_none()),
        })
    };
    let found = py.detach(|| work(&stopped));
    found.map_err(|why| signal.into_inner().ok().flatten().unwrap_or_else(|| refused(why)))
}
