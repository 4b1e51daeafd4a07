//! Circuits for Python: made from columns, read back as columns.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::kind::LOWERED;
use super::{Circuit, Cond, Kind, Op, Register, Table, ALL, NONE};

/// A circuit that passed `Circuit::check`. Immutable, so that plans and threads share it.
#[pyclass(frozen, name = "Circuit", module = "qmk_native")]
#[derive(Clone)]
pub struct PyCircuit(pub Arc<Circuit>);

impl PyCircuit {
    pub fn checked(circuit: Circuit) -> PyResult<PyCircuit> {
        circuit.check().map_err(|wrong| PyValueError::new_err(wrong.0))?;
        Ok(PyCircuit(Arc::new(circuit)))
    }
}

/// (kind, qubits, angles or probabilities, condition or -1, cbit or -1 (a Logic: also its table's number in angles))
type OpRow = (u8, Vec<u32>, Vec<f64>, i64, i64, i64);
/// ("bit"|"not"|"and"|"or"|"xor", operands)
type CondRow = (String, Vec<u32>);
/// (inputs, words of 64 rows)
type TableRow = (Vec<u32>, Vec<u64>);
/// (name, cbits with -1 for a constant 0, descending)
type RegisterRow = (String, Vec<i64>, bool);

fn index(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}

fn number(index: u32) -> i64 {
    if index == NONE {
        -1
    } else {
        index as i64
    }
}

#[pymethods]
impl PyCircuit {
    /// A circuit from rows; `Circuit.rows()` gives them back. An op is (kind number, qubits, params, condition, cbit,
    /// table), -1 where it has none.
    #[new]
    #[pyo3(signature = (n_qubits, n_cbits, ops, conds=vec![], tables=vec![], registers=vec![]))]
    fn new(
        n_qubits: u32,
        n_cbits: u32,
        ops: Vec<OpRow>,
        conds: Vec<CondRow>,
        tables: Vec<TableRow>,
        registers: Vec<RegisterRow>,
    ) -> PyResult<PyCircuit> {
        let mut made = Circuit { n_qubits, n_cbits, ..Circuit::default() };
        for (at, (kind, qubits, params, cond, cbit, table)) in ops.into_iter().enumerate() {
            let wrong = |what: &str| PyValueError::new_err(format!("op {at}: {what}"));
            let kind = Kind::from_number(kind).ok_or_else(|| wrong("unknown kind"))?;
            if qubits.len() != kind.n_qubits() || params.len() != kind.n_params() {
                return Err(wrong(&format!("'{}' with these operands", kind.name())));
            }
            let mut op = Op::gate(kind, &qubits, NONE);
            if kind == Kind::Logic {
                op.param = index(table);
            } else if !params.is_empty() {
                op.param = made.params.len() as u32;
            }
            made.params.extend(params);
            op.cond = index(cond);
            op.cbit = index(cbit);
            made.ops.push(op);
        }
        for (word, operands) in conds {
            made.conds.push(match (word.as_str(), operands.as_slice()) {
                ("bit", [cbit]) => Cond::Bit(*cbit),
                ("not", [a]) => Cond::Not(*a),
                ("and", _) => Cond::And(operands.into()),
                ("or", _) => Cond::Or(operands.into()),
                ("xor", _) => Cond::Xor(operands.into()),
                _ => return Err(PyValueError::new_err(format!("condition '{word}' with these operands"))),
            });
        }
        made.tables =
            tables.into_iter().map(|(inputs, bits)| Table { inputs: inputs.into(), bits: bits.into() }).collect();
        made.registers = registers
            .into_iter()
            .map(|(name, cbits, descending)| {
                let cbits = cbits.into_iter().map(index).collect();
                Register { name, cbits, descending }
            })
            .collect();
        PyCircuit::checked(made)
    }

    #[getter]
    fn n_qubits(&self) -> u32 {
        self.0.n_qubits
    }

    #[getter]
    fn n_cbits(&self) -> u32 {
        self.0.n_cbits
    }

    #[getter]
    fn registers(&self) -> Vec<RegisterRow> {
        let row = |r: &Register| (r.name.clone(), r.cbits.iter().map(|&c| number(c)).collect(), r.descending);
        self.0.registers.iter().map(row).collect()
    }

    /// All angles, in the order of the ops.
    #[getter]
    fn params(&self) -> Vec<f64> {
        self.0.params.clone()
    }

    /// Whether both are the same but for the values of angles (and of probabilities).
    fn same_but_angles(&self, other: &PyCircuit) -> bool {
        let (a, b) = (&*self.0, &*other.0);
        (a.n_qubits, a.n_cbits, a.params.len()) == (b.n_qubits, b.n_cbits, b.params.len())
            && a.ops == b.ops
            && a.conds == b.conds
            && a.tables == b.tables
            && a.registers == b.registers
    }

    fn __len__(&self) -> usize {
        self.0.ops.len()
    }

    fn __eq__(&self, other: &PyCircuit) -> bool {
        self.0 == other.0
    }

    /// (ops, conditions, tables), in the form that the constructor takes.
    fn rows(&self) -> (Vec<OpRow>, Vec<CondRow>, Vec<TableRow>) {
        let circuit = &*self.0;
        let ops = circuit.ops.iter().map(|op| {
            let table = if op.kind == Kind::Logic { number(op.param) } else { -1 };
            let params = circuit.angles(op).to_vec();
            (op.kind as u8, op.qubits().to_vec(), params, number(op.cond), number(op.cbit), table)
        });
        let conds = circuit.conds.iter().map(|cond| match cond {
            Cond::Bit(cbit) => ("bit".to_owned(), vec![*cbit]),
            Cond::Not(a) => ("not".to_owned(), vec![*a]),
            Cond::And(parts) => ("and".to_owned(), parts.to_vec()),
            Cond::Or(parts) => ("or".to_owned(), parts.to_vec()),
            Cond::Xor(parts) => ("xor".to_owned(), parts.to_vec()),
        });
        let tables = circuit.tables.iter().map(|table| (table.inputs.to_vec(), table.bits.to_vec()));
        (ops.collect(), conds.collect(), tables.collect())
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyCircuit>()?;
    module.add("LOWERED", LOWERED.iter().map(|gate| gate.name).collect::<Vec<_>>())?;
    module.add("KINDS", ALL.iter().map(|kind| (kind.name(), kind.n_qubits(), kind.n_params())).collect::<Vec<_>>())
}
