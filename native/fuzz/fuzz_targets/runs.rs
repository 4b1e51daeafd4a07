//! Small programs are rewritten and run by each simulator: the first byte says which, the rest is text.
#![no_main]

use std::cell::Cell;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use qmk_native::route::{Method, Options, Plan};
use qmk_native::{qasm, rewrite, stim};

const OPS: usize = 300;
const QUBITS: u32 = 12;
const CBITS: u32 = 64;

fuzz_target!(|input: (u8, &str)| {
    let (choice, text) = input;
    let read = qasm::read(text, Vec::new()).or_else(|_| stim::read(text));
    let Ok(circuit) = read else { return };
    if circuit.ops.len() > OPS || circuit.n_qubits > QUBITS || circuit.n_cbits > CBITS {
        return;
    }
    let options = Options {
        only: Method::ALL.get(choice as usize % 6).copied(),
        rewrites: (choice & 64 == 0).then(rewrite::Options::default),
        memory: 64 << 20,
    };
    let shots = if choice & 128 == 0 { 3 } else { 200 };
    let Ok(plan) = Plan::new(&Arc::new(circuit), shots, &options) else { return };
    let looks = Cell::new(0);
    let stopped = || {
        looks.set(looks.get() + 1);
        looks.get() > 10_000
    };
    if let Ok((samples, _)) = plan.run(shots, 7, &stopped) {
        assert_eq!(samples.shots, shots);
    }
});
