"""QMK as pytket's backend and as pyQuil's machine, on a daemon: what is there in this process, and handles by text."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
from pyquil import Program
from pytket import Circuit, Qubit
from pytket.backends.resulthandle import ResultHandle
from pytket.backends.status import StatusEnum
from pytket.pauli import Pauli, QubitPauliString
from pytket.utils.operators import QubitPauliOperator

from qmk.integrations.pyquil import get_qc
from qmk.integrations.pyquil.qam import Response
from qmk.integrations.pytket import QMKBackend

OTHER_PROCESS = """
import sys
from pytket.backends import ResultHandle
from qmk.integrations.pytket import QMKBackend
backend = QMKBackend(server=sys.argv[1])
shots, state = [backend.get_result(ResultHandle.from_str(text)) for text in sys.argv[2:]]
print(shots.get_shots().tolist(), abs(state.get_state()).round(3).tolist())
"""


def test_pytkets_backend_on_a_daemon_and_its_handles_in_another_process(daemon: Any) -> None:
    here, there = QMKBackend(), QMKBackend(server=daemon.socket)
    measured = Circuit(3, 3).H(0).CX(0, 1).X(2).measure_all()
    open_end = Circuit(3).H(0).CX(0, 1).Rx(0.3, 2).add_phase(0.25)
    asked = [measured, open_end, Circuit(1, 1).measure_all()]
    shots = [20, None, 20]
    handles = there.process_circuits(asked, shots, seed=5)
    found = there.get_results(handles)
    wanted = here.get_results(here.process_circuits(asked, shots, seed=5))
    for k in (0, 2):
        assert np.array_equal(found[k].get_shots(), wanted[k].get_shots())
    assert np.allclose(found[1].get_state(), open_end.get_statevector())
    assert there.circuit_status(handles[0]).status is StatusEnum.COMPLETED

    texts = [str(handle) for handle in handles[:2]]
    again = QMKBackend(server=daemon.socket)
    assert again.circuit_status(ResultHandle.from_str(texts[0])).status is StatusEnum.COMPLETED
    again.cancel(ResultHandle.from_str(texts[0]))
    other = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, str(daemon.socket), *texts], capture_output=True, text=True, check=True
    )
    printed = f"{found[0].get_shots().tolist()} {abs(found[1].get_state()).round(3).tolist()}"
    assert other.stdout.strip() == printed

    zz = QubitPauliString([Qubit(0), Qubit(2)], [Pauli.Z, Pauli.X])
    operator = QubitPauliOperator({QubitPauliString([Qubit(0), Qubit(1)], [Pauli.X, Pauli.X]): 0.5j, zz: 2.0})
    values = [backend.get_operator_expectation_value(open_end, operator) for backend in (here, there)]
    assert np.allclose(values, 0.5j)
    for backend in (again, there):
        backend.target.close()


def test_pyquils_machine_on_a_daemon(daemon: Any) -> None:
    turn = Program("DECLARE ro BIT[2]", "DECLARE t REAL[2]", "RX(t[0]) 0", "RX(t[1]) 1")
    turn += Program("MEASURE 0 ro[0]", "MEASURE 1 ro[1]")
    turn.wrap_in_numshots_loop(50)
    repeat = Program("DECLARE ro BIT", "DECLARE n INTEGER", "DECLARE more BIT", "LABEL @top", "X 0", "SUB n 1")
    repeat += Program("GT more n 0", "JUMP-WHEN @top more", "MEASURE 0 ro")  # only the value of n says what it does
    maps = [{"t": [0.0, np.pi]}, {"t": [1.0, 2.0]}]
    here, there = get_qc("2q-qvm", seed=3), get_qc("2q-qvm", seed=3, server=daemon.socket)
    bits = [
        [result.get_register_map()["ro"] for result in qc.run_with_memory_map_batch(qc.compile(turn), maps)]
        for qc in (here, there)
    ]
    assert np.array_equal(bits[0], bits[1])
    assert bits[0][0].tolist() == [[0, 1]] * 50
    response = there.qam.execute(turn, maps[1], seed=8)
    later = get_qc(2, server=daemon.socket).qam.get_result(Response(turn, job_id=response.job_id))
    assert np.array_equal(later.get_register_map()["ro"], here.qam.run(turn, maps[1], seed=8).get_register_map()["ro"])
    found = there.run_with_memory_map_batch(repeat, [{"n": [3]}, {"n": [4]}])
    assert [result.get_register_map()["ro"].tolist() for result in found] == [[[1]], [[0]]]
    there.qam.target.close()
