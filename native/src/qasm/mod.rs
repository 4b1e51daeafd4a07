//! Flat OpenQASM 2 and 3 text to circuits, in one pass.
//!
//! Flat is what writers of circuits write: the version, the standard libraries, qubits and bits, standard gates and
//! definitions made of plain calls, angles of numbers, inputs and functions, broadcasts, measurements, resets, barriers,
//! and conditions on measured bits over gates. All else is declined at first sight: loops, subroutines, classical
//! variables, modifiers, and every error. The semantic front end (`qmk.frontends.openqasm`) holds the language; it reads
//! what is declined, or says what is wrong. What is read here means what it means there, and has the same qubits, bits
//! and registers. Input is never trusted: every loop and every list has a bound (`limits`).
//!
//! `recognise` finds the dialect, `reader` reads statement by statement with `declare`, `define`, `bits` and `angle`,
//! `writer` builds the circuit, and `nodes` the graph where that is wanted.

mod angle;
mod bits;
mod declare;
mod define;
mod known;
mod lex;
mod library;
pub mod limits;
mod matrix;
mod names;
pub(crate) mod nodes;
#[cfg(feature = "python")]
pub mod python;
mod reader;
mod recognise;
pub(crate) mod synthesis;
mod table;
mod writer;

use crate::circuit::Circuit;

/// Why a text is left to the semantic front end, and the byte where that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declined {
    pub at: usize,
    pub why: &'static str,
}

impl Declined {
    pub(crate) fn at(at: usize, why: &'static str) -> Declined {
        Declined { at, why }
    }

    /// Line and column (in characters), from 1, of where it was seen in `text`.
    pub fn place(&self, text: &str) -> (usize, usize) {
        let before = &text.as_bytes()[..self.at.min(text.len())];
        let line = before.iter().filter(|&&c| c == b'\n').count() + 1;
        let start = before.iter().rposition(|&c| c == b'\n').map_or(0, |k| k + 1);
        let column = before[start..].iter().filter(|&&c| c & 0xC0 != 0x80).count() + 1;
        (line, column)
    }
}

/// The circuit of a flat OpenQASM 2 or 3 program. `inputs`: names and values of its `input` declarations.
pub fn read(text: &str, inputs: Vec<(String, f64)>) -> Result<Circuit, Declined> {
    begun(text, inputs, None, |reader, head| reader.run(head.start))
}

/// The packed graph of such a program, as the front end of `dialect` reads it.
pub fn read_graph(text: &str, inputs: Vec<(String, f64)>, dialect: u8) -> Result<Vec<u8>, Declined> {
    begun(text, inputs, Some(nodes::Nodes::default()), |reader, head| {
        if head.two != (dialect == 2) {
            return Err(Declined::at(0, "the other version of OpenQASM"));
        }
        reader.run_to_graph(head.start, std::str::from_utf8(head.version).expect("digits"))
    })
}

/// What `run` makes of a text whose head has been read; places count from the text's own start.
fn begun<T>(
    text: &str,
    inputs: Vec<(String, f64)>,
    nodes: Option<nodes::Nodes>,
    run: impl FnOnce(reader::Reader, &recognise::Head) -> Result<T, Declined>,
) -> Result<T, Declined> {
    if text.len() > limits::SOURCE_BYTES {
        return Err(Declined::at(0, "a text too long"));
    }
    let bytes = text.as_bytes();
    let mark = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let shifted = |declined: Declined| Declined { at: declined.at + mark, ..declined };
    let bytes = &bytes[mark..];
    let head = recognise::head(bytes).map_err(shifted)?;
    if inputs.iter().any(|input| !input.1.is_finite()) {
        return Err(Declined::at(0, "an input that is not finite"));
    }
    let inputs = inputs.into_iter().map(|(name, value)| reader::Input { name, value, used: false }).collect();
    run(reader::Reader::new(bytes, head.two, inputs, nodes), &head).map_err(shifted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Kind, NONE};

    const HEAD: &str = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[2] q;\nbit[2] c;\n";

    fn body(text: &str) -> Circuit {
        let circuit = read(&format!("{HEAD}{text}"), vec![]).expect("a program");
        circuit.check().expect("a circuit");
        circuit
    }

    #[test]
    fn a_bell_pair_has_two_gates_two_measurements_and_one_register() {
        let circuit = body("h q[0]; cx q[0], q[1]; c = measure q;");
        let kinds: Vec<Kind> = circuit.ops.iter().map(|op| op.kind).collect();
        assert_eq!(kinds, [Kind::H, Kind::Cnot, Kind::Measure, Kind::Measure]);
        assert_eq!(circuit.registers.len(), 1);
        assert_eq!(*circuit.registers[0].cbits, [1, 0]);
    }

    #[test]
    fn a_bit_measured_twice_has_two_cbits_and_shows_the_last() {
        let circuit = body("c[0] = measure q[0]; if (c[0]) x q[1]; c[0] = measure q[1];");
        assert_eq!(circuit.n_cbits, 2);
        assert_ne!(circuit.ops[1].cond, NONE);
        assert_eq!(*circuit.registers[0].cbits, [NONE, 1]);
    }

    #[test]
    fn inputs_are_angles_that_the_caller_gives() {
        let text = format!("{HEAD}input float a; input float[64] b; rz(2 * a) q[0]; rx(b) q[1];");
        let given =
            |names: &[(&str, f64)]| read(&text, names.iter().map(|&(name, value)| (name.to_owned(), value)).collect());
        let circuit = given(&[("b", std::f64::consts::FRAC_PI_2), ("a", 0.25)]).expect("a program");
        assert_eq!(circuit.params, [0.5, std::f64::consts::FRAC_PI_2]);
        assert!(given(&[("a", 0.25)]).is_err(), "b has no value");
        assert!(given(&[("a", 0.25), ("b", 0.0), ("c", 0.0)]).is_err(), "there is no c");
        assert!(given(&[("a", f64::NAN), ("b", 0.0)]).is_err());
        assert!(read(&format!("{HEAD}input float a; a = 1;"), vec![("a".into(), 0.5)]).is_err());
    }

    #[test]
    fn what_is_declined_says_where() {
        let text = format!("{HEAD}h q[0];\n  h q[7];\n");
        let declined = read(&text, vec![]).expect_err("an index out of bounds");
        assert_eq!(declined.place(&text), (6, 3));
    }

    #[test]
    fn every_beginning_of_a_program_is_read_or_declined() {
        let text = format!(
            "{HEAD}gate g(t) a, b {{ cx a, b; rz(-t/2 + sin(t)) b; inv @ sx a; }} // note\n\
             g(pi/4) q[0], q[1]; /* two */ c[0] = measure q[0]; measure q -> c;\n\
             if (c[0]) {{ x q; }} else rz(2*(3+1.5)) q[0]; if (c == 2) reset q; barrier q, q[1];\n"
        );
        assert!(read(&text, vec![]).is_ok());
        for end in 0..text.len() {
            let _ = read(&text[..end], vec![]);
        }
    }
}
