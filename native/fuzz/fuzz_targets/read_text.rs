//! OpenQASM and Stim text: what is read has no index out of place, and a graph that is written is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qmk_native::{qasm, qvm, stim};

fuzz_target!(|text: &str| {
    let inputs = || vec![("theta".to_string(), 0.5)];
    for circuit in [qasm::read(text, inputs()), stim::read(text)].into_iter().flatten() {
        circuit.check().expect("no index out of place");
    }
    let graphs = [qasm::read_graph(text, inputs(), 2), qasm::read_graph(text, inputs(), 3), stim::read_graph(text)];
    for graph in graphs.into_iter().flatten() {
        let _ = qvm::read(&graph);
    }
    if let Err(declined) = qasm::read(text, inputs()) {
        declined.place(text);
    }
});
