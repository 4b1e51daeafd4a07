"""The commands that only look: verify, convert, draw, engines, explain, doctor."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Qmk = Callable[..., subprocess.CompletedProcess[str]]
OUTCOMES = {
    "bell.qasm": {"00", "11"},
    "ghz.qasm": {"0" * 16, "1" * 16},
    "teleport.qasm": {format(bits, "03b") for bits in range(8)},
    "bell.qvm.json": {"00", "11"},
    "correction.qvm.asm": {"00", "10"},
}
"""What each example can give, bits of all registers joined. 500 shots miss one in less than 1e-15 of runs."""
EXAMPLES = list(OUTCOMES)

TWO_ERRORS = {
    "version": "0.1",
    "program": {
        "nodes": [
            {"id": "a", "op": "ALLOC_LQ", "args": {"n": 1}, "vqs": ["q"], "caps": ["CAP_ALLOC"]},
            {"id": "f", "op": "FREE_LQ", "vqs": ["q"]},
            {"id": "h", "op": "APPLY_H", "vqs": ["q"]},
            {"id": "x", "op": "APPLY_X", "vqs": ["nowhere"]},
        ]
    },
    "resources": {"vqs": ["q"], "chs": [], "events": []},
    "caps": ["CAP_ALLOC"],
}


@pytest.mark.parametrize("file", EXAMPLES)
def test_examples_are_valid(qmk: Qmk, file: str) -> None:
    done = qmk("verify", f"examples/{file}")
    assert done.returncode == 0, done.stdout
    assert "valid (" in done.stdout


def test_verify_prints_every_finding(qmk: Qmk, folder: Path) -> None:
    (folder / "bad.qvm.json").write_text(json.dumps(TWO_ERRORS))
    done = qmk("verify", "bad.qvm.json")
    assert done.returncode == 1
    assert "node 'h'" in done.stdout
    assert "node 'x'" in done.stdout
    assert "fix:" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("invalid (qvm-json): ")
    found = json.loads(qmk("verify", "bad.qvm.json", "--json").stdout)
    assert found["ok"] is False
    assert {finding["node"] for finding in found["findings"]} >= {"h", "x"}
    assert all(finding["rule"] and finding["message"] for finding in found["findings"])


def test_verify_summarises_a_valid_program(qmk: Qmk) -> None:
    found = json.loads(qmk("verify", "examples/bell.qasm", "--json").stdout)
    assert found["ok"] is True
    assert found["summary"]["qubits_live_max"] == 2


@pytest.mark.parametrize("target", ["json", "asm", "binary", "qasm3"])
@pytest.mark.parametrize("file", EXAMPLES)
def test_convert_keeps_the_outcomes(qmk: Qmk, file: str, target: str) -> None:
    done = qmk("convert", f"examples/{file}", "--to", target, "-o", "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    found = json.loads(qmk("run", "out", "--shots", "500", "--json").stdout)
    assert {bits.replace(" ", "") for bits in found["counts"]} == OUTCOMES[file]


def test_convert_to_the_old_json(qmk: Qmk) -> None:
    """0.1 has no result registers: a program with some is refused, never stripped of them."""
    done = qmk("convert", "examples/bell.qvm.json", "--to", "json-0.1")
    assert json.loads(done.stdout)["version"] == "0.1"
    refused = qmk("convert", "examples/bell.qasm", "--to", "json-0.1")
    assert refused.returncode == 1
    assert "fix: " in refused.stderr
    assert {"APPLY_H", "APPLY_CNOT", "MEASURE_Z"} <= {
        node["op"] for node in json.loads(done.stdout)["program"]["nodes"]
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("examples/bell.qasm",), 2),
        (("examples/bell.qasm", "--to", "kirin"), 2),
        (("examples/bell.qasm", "--to", "asm", "-o", "no/such/folder"), 2),
        (("nowhere", "--to", "asm"), 2),
    ],
)
def test_convert_called_wrongly(qmk: Qmk, arguments: tuple[str, ...], code: int) -> None:
    done = qmk("convert", *arguments)
    assert done.returncode == code
    assert done.stdout == ""
    assert "error:" in done.stderr


def test_draw(qmk: Qmk) -> None:
    done = qmk("draw", "examples/teleport.qasm")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("⊕") == 2
    assert "[if " in done.stdout
    plain = qmk("draw", "examples/teleport.qasm", "--ascii", "--width", "60").stdout
    assert plain.isascii()
    assert max(len(line) for line in plain.splitlines()) <= 60


def test_engines(qmk: Qmk) -> None:
    done = qmk("engines")
    assert done.returncode == 0
    assert {"stabilizer", "aer", "reference"} <= {
        line.split()[0] for line in done.stdout.splitlines()[1:] if line[0] != " "
    }
    found = {row["engine"]: row for row in json.loads(qmk("engines", "--json").stdout)["engines"]}
    assert found["stabilizer"]["available"] is True
    assert found["stabilizer"]["version"]
    assert found["reference"]["methods"][0]["max_qubits"] == 12


def test_explain_chooses_without_running(qmk: Qmk, folder: Path) -> None:
    done = qmk("explain", "examples/ghz.qasm", "-o", "engines.svg")
    assert "chosen" in (folder / "engines.svg").read_text()
    assert "is an SVG or a PNG" in qmk("explain", "examples/ghz.qasm", "-o", "engines.pdf").stderr
    assert done.returncode == 0, done.stderr
    facts, shape, chosen, *others = done.stdout.splitlines()
    assert facts.startswith("16 qubits")
    assert shape.startswith("light cone of 16 qubits, 16 alive and 16 joined at a time")
    assert chosen.startswith("-> native")
    assert any("reference" in line and "no:" in line for line in others)
    found = json.loads(qmk("explain", "examples/ghz.qasm", "--json").stdout)
    assert found["features"]["n_qubits"] == 16
    assert found["shape"]["clifford_prefix"] == found["shape"]["ops"]
    assert found["decision"]["engine"] == "native"


def test_doctor(qmk: Qmk) -> None:
    done = qmk("doctor")
    assert done.returncode == 0, done.stdout
    for name in ("python", "sqlite", "memory", "cores", "engine stabilizer", "daemon"):
        assert name in done.stdout
    found = json.loads(qmk("doctor", "--json").stdout)
    assert found["ok"] is True
    assert {check["state"] for check in found["checks"]} <= {"ok", "warning"}


def test_help_for_every_command(qmk: Qmk) -> None:
    done = qmk("--help")
    assert done.returncode == 0
    for name in ("run", "serve", "submit", "status", "result", "cancel", "verify", "convert", "draw", "engines"):
        assert f"\n  {name} " in done.stdout
    assert qmk().returncode == 2
    assert qmk("--version").stdout.startswith("qmk ")
