"""Each framework's objects to QMK and back: 500 random programs of each kind, of which its own tests take a
few. ``pytest -m conformance tests/conformance/test_round_trips.py -v`` lists them all; a failure names the seeds.

What "the same" means is said by each check: an equal matrix with its phase, an equal exact distribution with equal
names of registers, or the same bits shot by shot.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.adapters import (
    test_braket,
    test_braket_programs,
    test_cirq,
    test_pennylane,
    test_pyquil,
    test_pytket,
    test_qiskit,
    test_qoqo,
    test_stim,
)
from tests.unit.frontends import test_qir_emit, test_yao_json

COUNT = 500
CHECKS: dict[str, Callable[[int], object]] = {
    "braket, gates and measurements": test_braket.check_round_trip,
    "braket, noise": test_braket.check_noise,
    "braket, control flow in OpenQASM": test_braket_programs.check_program,
    "cirq, classical control": test_cirq.check_control,
    "cirq, gates": test_cirq.check_gates,
    "pennylane, conditions": test_pennylane.check_round_trip,
    "pyquil, gates": test_pyquil.check_gates,
    "pyquil, jumps": test_pyquil.there_and_back,
    "pytket, classical ops": test_pytket.check_classical,
    "pytket, gates": test_pytket.check_gates,
    "qir, branches": test_qir_emit.there_and_back,
    "qiskit, control flow": test_qiskit.check_round_trip,
    "qiskit, gates": test_qiskit.check_gates,
    "qoqo, conditions, loops and noise": test_qoqo.there_and_back,
    "qoqo, gates": test_qoqo.check_gates,
    "stim, feedback and noise": test_stim.check_round_trip,
    "yao, blocks": test_yao_json.check,
    "yao, measurements": test_yao_json.check_program,
}


@pytest.mark.conformance
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", CHECKS)
def test_five_hundred_random_programs_come_back(name: str) -> None:
    failures: dict[int, str] = {}
    for seed in range(COUNT):
        try:
            CHECKS[name](seed)
        except Exception as error:  # all of them are counted, whatever they fail with
            failures[seed] = f"{type(error).__name__}: {str(error)[:200]}"
    assert not failures, f"{COUNT - len(failures)} of {COUNT} came back; not {failures}"
