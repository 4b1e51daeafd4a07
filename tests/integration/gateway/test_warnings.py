"""Every warning of a reader or of the verifier reaches whoever runs the program, at every face of QMK, and is an error
to a strict caller. The codes are those of the registries: a new one without a program here fails."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from generate_qvm import READERS
from litestar.testing import TestClient

import qmk
from qmk import QmkError
from qmk.abi.calls import q_estimate, q_submit
from qmk.abi.shapes import Program
from qmk.cli.main import main
from qmk.client.drive import drive
from qmk.frontends.openqasm.rules import RULES as QASM_RULES
from qmk.qvm.verify import RULES
from tests.integration.gateway.test_braket import gates

Http = TestClient[Any]


def graph(*nodes: dict[str, Any], leave_out: str = "", **more: Any) -> str:
    first = {"id": "a", "op": "ALLOC_LQ", "args": {"n": 1}, "vqs": ["q"], "caps": ["CAP_ALLOC"]}
    last = {"id": "m", "op": "MEASURE_Z", "vqs": ["q"], "produces": ["e"]}
    resources = {"vqs": ["q"], "events": ["e"]}
    whole = {"version": "0.1", "program": {"nodes": [first, *nodes, last]}, "resources": resources}
    whole |= {"caps": ["CAP_ALLOC"], **more}
    return json.dumps({name: part for name, part in whole.items() if name != leave_out})


OPEN = {"id": "o", "op": "OPEN_CHAN", "vqs": ["q", "r"], "chs": ["c"], "args": {"fidelity": 0.9}, "caps": ["CAP_LINK"]}
PAIR = {"id": "b", "op": "ALLOC_LQ", "args": {"n": 1}, "vqs": ["r"], "caps": ["CAP_ALLOC"]}
WITH_PAIR = {"vqs": ["q", "r"], "chs": ["c"], "events": ["e"]}

PROGRAMS: dict[str, str] = {
    "QVM-J13": graph(leave_out="version"),
    "QVM-J14": graph(leave_out="resources"),
    "QVM-J15": graph(leave_out="caps"),
    "QVM-J16": graph({"id": "x", "op": "APPLY_X", "vqs": ["q"], "colour": "red"}),
    "QVM-J17": graph(resources={"vqs": ["q"]}),
    "QVM-J21": graph(shots=7),
    "QVM-L11": graph(PAIR, resources={"vqs": ["q", "r"], "events": ["e"]}),
    "QVM-L13": graph(PAIR, OPEN, resources=WITH_PAIR, caps=["CAP_ALLOC", "CAP_LINK"]),
    "QVM-C03": graph(caps=["CAP_ALLOC", "CAP_TEA"]),
    "STIM-07": "H[mine] 0\nM 0\n",
}
"""A program that each of the codes is about, and that runs all the same; for OpenQASM those of its table of rules."""


class Case(NamedTuple):
    code: str
    text: str
    format: str


def cases() -> list[Case]:
    codes = [rule.id for rule in RULES.values() if rule.severity == "warning"]
    codes += [rule.id for *_, rules in READERS for rule in rules if rule.severity == "warning"]
    assert set(codes) == PROGRAMS.keys(), "a program for each code of a warning"
    found = [Case(code, PROGRAMS[code], "stim" if code.startswith("STIM") else "qvm-json") for code in codes]
    for rule in QASM_RULES:
        for dialect in rule.dialects if rule.severity == "warning" else "":
            head = f"OPENQASM {dialect}.0;\n"
            found.append(Case(f"QASM{dialect}-{rule.number:03d}", head + rule.example, f"qasm{dialect}"))
    return found


CASES = cases()
every_code = pytest.mark.parametrize("case", CASES, ids=[case.code for case in CASES])
pytestmark = pytest.mark.filterwarnings("ignore::qmk.ProgramWarning")


def codes_of(rows: Any) -> list[str]:
    return [row["rule"] if isinstance(row, dict) else row.rule for row in rows]


@pytest.fixture
def path(case: Case, tmp_path: Path) -> str:
    file = tmp_path / "program"
    file.write_text(case.text)
    return str(file)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(list(args))
        text = capsys.readouterr()
        return int(left.value.code or 0), text.out, text.err

    return call


RUN = ("--shots", "4", "--seed", "1")


@every_code
def test_the_command_line(case: Case, path: str, command: Any, daemon: Any) -> None:
    code, out, err = command("run", path, *RUN)
    assert code == 0, err
    assert err.count(f"[{case.code}]") == 1, "on standard error, once"
    assert case.code not in out
    code, out, err = command("run", path, *RUN, "--json")
    assert case.code in codes_of(json.loads(out)["warnings"])
    assert not err
    code, out, err = command("submit", path, *RUN, "--socket", str(daemon.socket), "--json")
    job = json.loads(out)
    assert case.code in codes_of(job["warnings"])
    code, out, err = command("status", job["job_id"], "--socket", str(daemon.socket))
    assert (code, err.count(f"[{case.code}]")) == (0, 1)
    code, out, err = command("result", job["job_id"], "--wait", "--socket", str(daemon.socket))
    assert (code, err.count(f"[{case.code}]")) == (0, 1)
    code, out, err = command("verify", path)
    assert (code, out.count(f"[{case.code}]")) == (0, 1)
    code, out, err = command("explain", path)
    assert err.count(f"[{case.code}]") == 1
    for asked in (("verify", path), ("run", path), ("submit", path, "--socket", str(daemon.socket)), ("explain", path)):
        code, out, err = command(*asked, "--strict")
        assert code == 1, asked
        assert f"[{case.code}]" in out + err


@every_code
def test_python(case: Case, path: str) -> None:
    for _ in range(2):  # the second run finds the program prepared
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            result = qmk.run(Path(path), shots=4, seed=1)
        assert case.code in codes_of(result.warnings)
        ours = [row for row in told if row.category is qmk.ProgramWarning]
        assert sum(f"[{case.code}]" in str(row.message) for row in ours) == 1
        assert {row.filename for row in ours} == {__file__}, "they stand where QMK was called"
    for run in (qmk.run, qmk.sample):
        with pytest.raises(QmkError) as refused:
            run(Path(path), shots=4, strict=True)
        assert (refused.value.kind.name, case.code in codes_of(refused.value.findings)) == ("INVALID_GRAPH", True)


@every_code
def test_python_values(case: Case, path: str) -> None:
    with pytest.warns(qmk.ProgramWarning, match=case.code):
        qmk.sample(Path(path), shots=4)
    with pytest.warns(qmk.ProgramWarning, match=case.code):
        qmk.probabilities(Path(path), shots=10)
    with pytest.raises(QmkError, match=r"\["):
        qmk.probabilities(Path(path), shots=10, strict=True)


@every_code
def test_the_daemon(case: Case, path: str, daemon: Any) -> None:
    """Text that the daemon reads, and a graph that the client has read."""
    program = Program(format=case.format, text=case.text)
    with qmk.Client(daemon.socket) as client:
        ask = client._core._ask
        job = drive(ask(q_submit.CALL, program=program, shots=4))
        assert case.code in codes_of(job.warnings)
        done = client.wait(job.job_id)
        assert case.code in codes_of(done.warnings)
        assert done.result is not None
        assert case.code in codes_of(done.result.warnings)
        assert case.code in codes_of(client.result(job.job_id).warnings)
        assert case.code in codes_of(drive(ask(q_estimate.CALL, program=program)).warnings)
        for call in (q_submit.CALL, q_estimate.CALL):
            with pytest.raises(QmkError) as refused:
                drive(ask(call, program=program, strict=True))
            assert case.code in codes_of(refused.value.findings)
        with pytest.warns(qmk.ProgramWarning, match=case.code):
            job = client.submit(Path(path), shots=4, idempotency_key=case.code)
        assert case.code in codes_of(job.warnings)
        assert case.code in codes_of(client.submit(Path(path), shots=4, idempotency_key=case.code).warnings)
        with pytest.warns(qmk.ProgramWarning, match=case.code):
            assert case.code in codes_of(client.run(Path(path), shots=4).warnings)
        with pytest.warns(qmk.ProgramWarning, match=case.code):
            assert case.code in codes_of(client.estimate(Path(path)).warnings)
        with pytest.raises(QmkError) as refused:
            client.run(Path(path), shots=4, strict=True)
        assert case.code in codes_of(refused.value.findings)


@pytest.mark.parametrize("case", [case for case in CASES if case.format == "qasm3"], ids=lambda case: case.code)
def test_the_gateway(case: Case, http: Http) -> None:
    made = http.post("/braket/quantum-task", json=gates(case.text))
    assert made.status_code == 201, made.text
    assert case.code in made.headers["qmk-warnings"]
    asked = http.get(f"/braket/quantum-task/{made.json()['quantumTaskArn']}")
    assert any(case.code in text for text in json.loads(asked.headers["qmk-warnings"]))
