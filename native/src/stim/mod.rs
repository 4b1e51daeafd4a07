//! Flat Stim text to circuits: Clifford gates, measurements and resets in all bases, Paulis under measured bits, Pauli
//! noise, wrong readings, detectors, observables, and REPEAT.
//!
//! The front end `qmk.frontends.stim` holds the language; what is read here has the qubits, cbits and registers that it
//! and `qmk.ir.lower` give. Tags, lost atoms, Pauli products, correlated and heralded errors, sweep bits and every error
//! are declined: the front end reads the text then, or says what is wrong. `parse` reads lines, `names` says what the
//! instructions are, `write` unrolls them, and `graph` has the nodes where a graph is wanted.

mod graph;
mod names;
mod parse;
#[cfg(feature = "python")]
pub mod python;
mod table;
mod write;

use crate::circuit::Circuit;
use crate::qasm::{limits, Declined};

/// The circuit of a flat Stim program.
pub fn read(text: &str) -> Result<Circuit, Declined> {
    write::circuit(&parsed(text)?)
}

/// The packed graph of such a program, as the front end reads it.
pub fn read_graph(text: &str) -> Result<Vec<u8>, Declined> {
    write::graph(&parsed(text)?)
}

fn parsed(text: &str) -> Result<parse::Text, Declined> {
    if text.len() > limits::SOURCE_BYTES {
        return Err(Declined::at(0, "a text too long"));
    }
    parse::parse(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Kind, NONE};

    #[test]
    fn qubits_are_numbered_by_those_in_use_and_a_wrong_reading_comes_last() {
        let circuit = read("H 3\nCX 3 7 # both\nM(0.25) 3 !7\nDETECTOR rec[-1] rec[-2]\n").expect("a circuit");
        circuit.check().expect("no index out of place");
        assert_eq!(circuit.n_qubits, 3, "one more for the die");
        let kinds: Vec<Kind> = circuit.ops.iter().map(|op| op.kind).collect();
        use Kind::*;
        assert_eq!(kinds[..5], [H, Cnot, Measure, Measure, Logic]);
        assert_eq!(kinds[5..], [Noise, Measure, Logic, Reset, Noise, Measure, Logic, Logic]);
        assert_eq!(*circuit.registers[0].cbits, [1, 4]);
        assert_eq!(*circuit.registers[1].cbits, [5]);
    }

    #[test]
    fn numbers_of_qubits_may_be_far_apart() {
        let circuit = read("X 9999999 1048576\nM 1048576 2 9999999\n").expect("a circuit");
        assert_eq!(circuit.n_qubits, 3);
        let qubits: Vec<u32> = circuit.ops.iter().map(|op| op.qubits()[0]).collect();
        assert_eq!(qubits, [2, 1, 1, 0, 2]);
    }

    #[test]
    fn blocks_are_unrolled_and_paulis_stand_under_bits() {
        let circuit = read("REPEAT 3 {\n  X 0\n  M 0\n  CX rec[-1] 1\n}\n").expect("a circuit");
        assert_eq!(circuit.ops.len(), 9);
        assert_ne!(circuit.ops[8].cond, NONE);
    }

    #[test]
    fn what_is_not_flat_is_declined() {
        for text in
            ["", "S[T] 0", "MPP X0*X1", "E(0.1) X0", "CX sweep[0] 1", "H 0 !1", "CX 0 0", "M rec[-1]", "X_ERROR(2) 0"]
        {
            assert!(read(text).is_err(), "{text}");
        }
        for text in ["REPEAT 2 {", "}", "REPEAT 0 {\n}", "CX 0", "DETECTOR rec[-1]", "M(0.1) 0\nCX rec[-1] 1", "HH 0"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
