//! Packed graphs, which come from other processes, verified or not: whatever is read, its check says whether it can run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qmk_native::{qvm, rewrite};

fuzz_target!(|data: &[u8]| {
    if let Ok(circuit) = qvm::read(data) {
        let sound = circuit.check().is_ok();
        if sound && circuit.ops.len() < 1000 {
            rewrite::simplify(&circuit, rewrite::Options::default()).0.check().expect("rewritten soundly");
        }
    }
});
