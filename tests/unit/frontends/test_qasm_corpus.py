"""Public circuits against Qiskit: exact distributions of the small ones, samples of those that branch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from qiskit import QuantumCircuit, qasm2, qasm3
from qiskit.quantum_info import Statevector
from qiskit_aer import AerSimulator

from qmk.frontends import load, recognise
from qmk.qvm.verify import verify

GOLDEN = Path(__file__).parents[2] / "golden" / "circuits"
PATHS = sorted(GOLDEN.glob("*.qasm"))
EXACT = ["qb_adder_n10", "qb_grover_n2", "qb_qaoa_n6", "qb_dnn_n8", "mqt_hhl_9", "qb_sat_n11"]
SAMPLED = ["qb_ipea_n2", "qb_bb84_n8", "qb_shor_n5", "qb_error_correctiond3_n5", "oq3_inverseqft2", "oq3_teleport"]
SHOTS = 20_000


def text_of(name):
    return (GOLDEN / f"{name}.qasm").read_text()


def theirs(text: str) -> QuantumCircuit:
    if "stdgates" in text:  # Qiskit's reader knows conditions on bits only in this form
        return qasm3.loads(re.sub(r"if ?\((c\d) ?== ?1\)", r"if(\1)", text))
    return qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_parses_without_a_finding_of_the_verifier(path):
    data = path.read_bytes()
    assert recognise(data) == ("qasm3" if b"stdgates" in data else "qasm2")
    loaded = load(data, path=str(path))
    assert not verify(loaded.graph).findings


@pytest.mark.parametrize("name", EXACT)
def test_exact_distribution_equals_qiskits(name, distribution):
    circuit = theirs(text_of(name))
    measured = {item.clbits[0]: item.qubits[0] for item in circuit.data if item.operation.name == "measure"}
    circuit.remove_final_measurements(inplace=True)
    wires = [circuit.find_bit(measured[bit]).index if bit in measured else None for bit in theirs(text_of(name)).clbits]
    used = [w for w in wires if w is not None]
    chances = Statevector(circuit).probabilities_dict(used)
    registers = theirs(text_of(name)).cregs
    want: dict[str, float] = {}
    for key, chance in chances.items():
        bits = dict(zip(used, reversed(key), strict=True))
        flat = ["0" if w is None else bits[w] for w in wires]
        parts, at = [], 0
        for register in registers:
            parts.append("".join(reversed(flat[at : at + register.size])))
            at += register.size
        shown = " ".join(reversed(parts))
        want[shown] = want.get(shown, 0.0) + chance
    got = distribution(text_of(name))
    assert got == pytest.approx({k: v for k, v in want.items() if v > 1e-9 or k in got}, abs=1e-8)


@pytest.mark.parametrize("name", SAMPLED)
def test_samples_of_qiskit_fit_the_exact_distribution(name, distribution):
    """Total variation of N samples of K outcomes exceeds sqrt(K/N)/2 + t with chance exp(-2 N t^2), 1e-8 here."""
    want = distribution(text_of(name))
    engine = AerSimulator(method="statevector", seed_simulator=7)
    counts = engine.run(theirs(text_of(name)).decompose(reps=3), shots=SHOTS).result().get_counts()
    if "stdgates" in text_of(name):  # Qiskit prints bits that are in no register without spaces
        want = {key.replace(" ", ""): chance for key, chance in want.items()}
    assert set(counts) <= set(want), "an impossible outcome"
    distance = sum(abs(counts.get(key, 0) / SHOTS - chance) for key, chance in want.items()) / 2
    assert distance < (len(want) / SHOTS) ** 0.5 / 2 + 0.0215


def test_known_answers(distribution):
    """The ripple-carry adder adds 1 and 15; the repetition code corrects its error."""
    assert distribution(text_of("oq3_adder")) == pytest.approx({"10000": 1})
    assert distribution(text_of("oq3_qec")) == pytest.approx({"01 000": 1})
