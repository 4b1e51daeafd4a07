"""IonQ's engine against its recorded server: what is sent, what comes back, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.cli.main import main
from qmk.engines import ionq as declared
from qmk.router import explain
from qmk.router.features import features
from qmk.sdk.kit.engine_kit import checks
from tests.cloud.ionq import IonqServer
from tests.cloud.recorded import Fault


def bell() -> qmk.Circuit:
    return qmk.Circuit(3, 2).h(2).cx(2, 0).measure([2, 0], [0, 1])


def refused(program: Any, engine: str = "ionq:simulator", **options: Any) -> QmkError:
    with pytest.raises(QmkError) as found:
        qmk.run(program, engine=engine, shots=20, **options)
    return found.value


def test_a_simulator_draws_from_its_probabilities(ionq: IonqServer) -> None:
    found = qmk.run(bell(), engine="ionq:simulator", shots=400, seed=5)
    assert set(found.counts) == {"00", "11"}
    assert sum(found.counts.values()) == 400
    assert found.counts == qmk.run(bell(), engine="ionq:simulator", shots=400, seed=5).counts
    assert len(ionq.asked("POST")) == 1, "the same seed is the same task"
    qmk.run(bell(), engine="ionq:simulator", shots=400, seed=6)
    assert len(ionq.asked("POST")) == 2


def test_a_device_gives_its_own_shots(ionq: IonqServer) -> None:
    circuit = qmk.Circuit(3, 3).ry(0.9, 0).x(1).cx(0, 2).measure([0, 1, 2], [2, 1, 0])
    found = qmk.run(circuit, engine="ionq:qpu.forte-1", shots=4000, seed=1)
    assert sum(found.counts.values()) == 4000
    assert set(found.counts) == {"010", "111"}
    assert found.counts["111"] / 4000 == pytest.approx(np.sin(0.45) ** 2, abs=0.05)  # 8 standard errors
    assert found.provenance.engine == "ionq"
    assert next(iter(ionq.jobs)) in str(found.to_json())


@pytest.mark.parametrize("check", checks(declared.DECLARATION, "simulator", programs=6), ids=lambda check: check.name)
def test_conformance(check: Any, ionq: IonqServer) -> None:
    if not check.skipped:
        assert not check.run()


def test_the_router_never_chooses_it(ionq: IonqServer) -> None:
    rows = explain(features(bell().graph), 10, memory_bytes=1 << 30)
    assert "ionq" not in {row.engine for row in rows}
    assert "none is named" in refused(bell(), "ionq").message
    (row,) = explain(features(bell().graph), 10, engine="ionq:qpu.forte-1", memory_bytes=1 << 30)
    assert (row.seconds, row.uncertainty) == (None, None)
    assert "price" in row.reason
    assert not ionq.requests


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (qmk.Circuit(1, 2).h(0).measure(0, 0).h(0).measure(0, 1), "a qubit is used after its measurement"),
        (qmk.Circuit(1, 1).h(0).reset(0).measure(0, 0), "a qubit is reset"),
    ],
)
def test_what_a_device_cannot_do_is_refused_before_anything_is_sent(
    program: qmk.Circuit, words: str, ionq: IonqServer
) -> None:
    error = refused(program)
    assert error.kind.name == "UNSUPPORTED"
    assert words in error.message
    assert not ionq.requests


def test_noise_is_refused(ionq: IonqServer) -> None:
    assert "random Pauli errors" in refused(bell(), noise="depolarizing=0.1").message
    assert not ionq.requests


def test_devices_are_looked_at_before_a_task_is_sent(ionq: IonqServer) -> None:
    assert "qpu.forte-1, simulator" in refused(bell(), "ionq:qpu.nowhere").fields["help"]
    assert refused(bell(), "ionq:qpu.aria-1").kind.name == "UNSUPPORTED"
    wide = qmk.Circuit(40).h(range(40)).measure_all()
    assert "40 qubits: device 'simulator' of engine 'ionq' has 29" in refused(wide).message
    ionq.backends = [{**row, "status": "unavailable"} for row in ionq.backends]
    error = refused(bell())
    assert error.fields["retryable"]
    assert "nothing was sent" in error.message
    assert not ionq.asked("POST")


def test_a_failed_task_says_why_and_is_sent_anew(ionq: IonqServer) -> None:
    ionq.failure = {"code": "QuotaExhaustedError", "message": "Monthly quota exhausted"}
    error = refused(bell(), seed=3)
    assert error.kind.name == "JOB_FAILED"
    assert "QuotaExhaustedError: Monthly quota exhausted" in error.message
    assert error.fields["task"] in ionq.jobs
    ionq.failure = None
    assert sum(qmk.run(bell(), engine="ionq:simulator", shots=20, seed=3).counts.values()) == 20
    assert len(ionq.jobs) == 2


def test_answers_that_are_not_documented_are_errors(ionq: IonqServer) -> None:
    for body in ([], {"jobs": 3}, {"jobs": [{"id": 4}]}, "x"):
        ionq.faults = [Fault("GET /v0.4/jobs", 200, body)]
        assert "not documented at /jobs" in refused(bell()).message
    ionq.faults = [Fault("GET /v0.4/jobs/", 200, {"id": "a", "status": "completed"})]
    ionq.faults += [Fault("GET /v0.4/jobs/", 200, {"id": "a", "status": "completed", "results": None})]
    ionq.faults += [Fault("GET /v0.4/jobs/", 200, {"-1": 1.0})]
    assert "not documented" in refused(bell()).message


def test_the_command_line_takes_a_device(
    ionq: IonqServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QMK_WORKER_ENV", "IONQ_API_KEY")
    program = tmp_path / "bell.qasm"
    program.write_text("OPENQASM 3.0; qubit q; bit c; c = measure q;")
    for word, more in (("run", ["--shots", "9"]), ("explain", [])):
        with pytest.raises(SystemExit) as ended:
            main([word, str(program), "--engine", "ionq:simulator", *more])
        assert not ended.value.code, capsys.readouterr()
    assert "nor its price is known here" in capsys.readouterr().out
    assert len(ionq.jobs) == 1
