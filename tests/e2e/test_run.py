"""``qmk run`` as a person and as a script meet it."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Qmk = Callable[..., subprocess.CompletedProcess[str]]

SLOW = """OPENQASM 3.0;
include "stdgates.inc";
qubit[24] q;
bit[24] c;
for int r in [0:200] {
  for int i in [0:22] { rx(0.1) q[i]; cx q[i], q[i + 1]; t q[i]; }
}
c = measure q;
"""


def answer(done: subprocess.CompletedProcess[str], code: int = 0) -> dict[str, Any]:
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def error(done: subprocess.CompletedProcess[str], code: int) -> dict[str, Any]:
    found = answer(done, code)
    assert set(found) == {"error"}
    assert set(found["error"]) == {"code", "message", "data"}
    assert {"name", "retryable", "blame"} <= set(found["error"]["data"])
    return found["error"]


def test_bell_pair_for_people(qmk: Qmk) -> None:
    done = qmk("run", "examples/bell.qasm", "--shots", "1000", "--seed", "7")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    head, register, *bars = done.stdout.splitlines()
    assert head.startswith("bell.qasm: 1000 shots on native")
    assert head.endswith("seed 7")
    assert register.strip() == "c[2]"
    assert [bar.split()[0] for bar in bars] == ["00", "11"]
    assert sum(int(bar.split()[2]) for bar in bars) == 1000


def test_a_program_that_measures_nothing_is_told_so(qmk: Qmk) -> None:
    done = qmk("run", "-", "--seed", "1", stdin='OPENQASM 3.0; include "stdgates.inc"; qubit q; h q;')
    assert (done.returncode, "the program measures nothing" in done.stdout) == (0, True)
    assert "measures nothing" not in qmk("run", "examples/bell.qasm", "--seed", "1").stdout


def test_bell_pair_for_scripts(qmk: Qmk) -> None:
    found = answer(qmk("run", "examples/bell.qasm", "--shots", "1000", "--seed", "7", "--json"))
    assert {"counts", "shots", "seed", "engine", "registers", "provenance", "usage"} <= set(found)
    assert set(found["counts"]) == {"00", "11"}
    assert sum(found["counts"].values()) == found["shots"] == 1000
    assert found["seed"] == 7
    assert found["engine"] == "native"
    assert found["registers"][0]["name"] == "c"
    again = answer(qmk("run", "examples/bell.qasm", "--shots", "1000", "--seed", "7", "--json"))
    assert again["counts"] == found["counts"]
    assert again["provenance"]["digest"] == found["provenance"]["digest"]


@pytest.mark.parametrize("file", ["bell.qasm", "ghz.qasm", "bell.qvm.json", "correction.qvm.asm"])
def test_every_example_runs(qmk: Qmk, file: str) -> None:
    counts = answer(qmk("run", f"examples/{file}", "--shots", "500", "--json"))["counts"]
    if file == "correction.qvm.asm":
        assert set(counts) == {"00", "10"}
    else:
        assert {len(set(bits)) for bits in counts} == {1}
        assert len(counts) == 2


def test_teleportation_delivers_the_state(qmk: Qmk) -> None:
    """``out`` is 1 with probability sin(0.6)^2; six standard deviations: a false failure in 2e-9 of runs."""
    shots = 8000
    counts = answer(qmk("run", "examples/teleport.qasm", "--shots", str(shots), "--json"))["counts"]
    ones = sum(count for bits, count in counts.items() if bits.split()[0] == "1")
    p = math.sin(0.6) ** 2
    assert abs(ones - shots * p) < 6 * math.sqrt(shots * p * (1 - p))
    for others in ("0 0", "0 1", "1 0", "1 1"):
        share = sum(count for bits, count in counts.items() if bits[2:] == others)
        assert abs(share - shots / 4) < 6 * math.sqrt(shots * 3 / 16)


@pytest.mark.parametrize(("theta", "ones"), [("0", 0), ("pi", 300), ("3.141592653589793", 300)])
def test_inputs(qmk: Qmk, theta: str, ones: int) -> None:
    done = qmk("run", "examples/rotation.qasm", "--param", f"theta={theta}", "-n", "300", "--json")
    assert answer(done)["counts"].get("1", 0) == ones


def test_standard_input_and_format_override(qmk: Qmk, folder: Path) -> None:
    text = (folder / "examples" / "bell.qasm").read_text()
    assert set(answer(qmk("run", "-", "--json", stdin=text))["counts"]) == {"00", "11"}
    assert set(answer(qmk("run", "-", "--format", "qasm2", "--json", stdin=text))["counts"]) == {"00", "11"}
    wrong = error(qmk("run", "-", "--format", "qvm-json", "--json", stdin=text), 1)
    assert wrong["data"]["name"] == "INVALID_GRAPH"


def test_the_programs_own_shots_are_the_default(qmk: Qmk) -> None:
    assert answer(qmk("run", "examples/bell.qasm", "--json"))["shots"] == 1000


def test_a_wrong_program_names_file_line_rule_and_fix(qmk: Qmk, folder: Path) -> None:
    (folder / "bad.qasm").write_text('OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nhh q[0];\nx q[5];\n')
    done = qmk("run", "bad.qasm")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "bad.qasm:4:" in done.stderr
    assert "hh" in done.stderr
    assert "  4 | hh q[0];" in done.stderr
    assert "fix:" in done.stderr
    assert "Traceback" not in done.stderr
    found = error(qmk("run", "bad.qasm", "--json"), 1)
    first = found["data"]["findings"][0]
    assert (first["file"], first["line"]) == ("bad.qasm", 4)
    assert first["rule"]
    assert first["help"]


@pytest.mark.parametrize(
    "text",
    ["", "hello world", "\0\1\2", "OPENQASM 9.9;", "{", '{"version": "7"}', "QVMB\xff", "OPENQASM 3; qubit"],
)
def test_no_program_at_all(qmk: Qmk, text: str) -> None:
    found = error(qmk("run", "-", "--json", stdin=text), 1)
    assert found["data"]["name"] == "INVALID_GRAPH"
    assert found["data"]["findings"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run",), "program"),
        (("run", "nowhere.qasm"), "no such file"),
        (("run", "examples"), "folder"),
        (("run", "examples/bell.qasm", "--shots", "0"), "shots"),
        (("run", "examples/bell.qasm", "--shots", "many"), "shots"),
        (("run", "examples/bell.qasm", "--seed", "-1"), "seed"),
        (("run", "examples/bell.qasm", "--engine", "nosuch"), "nosuch"),
        (("run", "examples/bell.qasm", "--format", "nosuch"), "qasm3"),
        (("run", "examples/bell.qasm", "--param", "theta"), "name=value"),
        (("run", "examples/bell.qasm", "--timeout", "soon"), "duration"),
        (("run", "examples/bell.qasm", "--nosuch"), "--nosuch"),
        (("run", "examples/bel.qasm"), "did you mean 'examples/bell.qasm'?"),
        (("run", "nosuch/bell.qasm"), "give the path of a program, or - for standard input"),
        (("rn", "examples/bell.qasm"), "did you mean 'qmk run'"),
        (("version",), "did you mean 'qmk --version'?"),
        (("examples/bell.qasm",), "qmk run examples/bell.qasm"),
    ],
)
def test_a_bad_call(qmk: Qmk, arguments: tuple[str, ...], words: str) -> None:
    done = qmk(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert words in done.stderr.lower()
    assert "Traceback" not in done.stderr
    found = error(qmk(*arguments, "--json"), 2)
    assert words in found["message"].lower() + found["data"].get("help", "")


def test_what_no_engine_can_do_is_refused_with_the_reasons(qmk: Qmk, folder: Path) -> None:
    (folder / "t.qasm").write_text('OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; creg c[1]; t q[0]; measure q -> c;')
    found = error(qmk("run", "t.qasm", "--engine", "stabilizer", "--json"), 3)
    assert found["data"]["name"] == "UNSUPPORTED"
    done = qmk("run", "t.qasm", "--engine", "stabilizer")
    assert done.returncode == 3
    assert "stabilizer" in done.stderr


def test_too_much_memory_is_refused_with_what_it_would_need(qmk: Qmk) -> None:
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', "qubit[60] q;", "bit[60] c;"]
    lines += [f"ry(0.3) q[{i}]; cx q[{i}], q[{(i + k) % 60}]; t q[{i}];" for k in range(1, 21) for i in range(60)]
    source = "\n".join([*lines, "c = measure q;"])
    found = error(qmk("run", "-", "--engine", "native:dense", "--json", stdin=source), 3)
    assert found["data"]["name"] == "RESOURCE_EXHAUSTED"
    assert "iB" in found["message"]


def test_a_time_limit_ends_the_run(qmk: Qmk) -> None:
    found = error(qmk("run", "-", "--engine", "aer", "--timeout", "1s", "--json", stdin=SLOW), 3)
    assert found["data"]["name"] == "TIMEOUT"


def processes_of(pid: int) -> list[int]:
    """A process and its children."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def has_loaded(pid: int, library: str) -> bool:
    try:
        return library in Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("where", [(), ("--timeout", "5m")], ids=["in this process", "in a worker"])
def test_ctrl_c_ends_everything(
    start: Callable[..., subprocess.Popen[str]], folder: Path, where: tuple[str, ...]
) -> None:
    (folder / "slow.qasm").write_text(SLOW)
    process = start("run", "slow.qasm", "--engine", "aer", *where)
    deadline = time.monotonic() + 60
    while not any(has_loaded(pid, "qiskit_aer") for pid in processes_of(process.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    everybody = processes_of(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert err.strip() == "interrupted"
    while any(has_loaded(pid, "qiskit_aer") for pid in everybody):
        assert time.monotonic() < deadline, "the engine outlived the command"
        time.sleep(0.02)


def test_a_reader_that_leaves_ends_it_quietly(folder: Path, environment: dict[str, str]) -> None:
    import sys

    command = f"{sys.executable} -m qmk run examples/ghz.qasm --json | head -c 1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "{"
    assert done.stderr == ""


def test_a_closed_pipe_and_a_full_disk_have_codes_of_their_own(folder: Path, environment: dict[str, str]) -> None:
    import sys

    run = f"{sys.executable} -m qmk run examples/bell.qasm"
    shell = ["bash", "-c", f"{run} | true; echo ${{PIPESTATUS[0]}}; {run} > /dev/full; echo $?"]
    done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "141\n3\n"
    assert done.stderr == "error: cannot write the output: no space left on device\n"


def test_an_excerpt_shows_no_control_characters(qmk: Qmk) -> None:
    done = qmk("run", "-", stdin="OPENQASM 3.0;\nqubit q;\0\x07\n")
    assert done.returncode == 1
    assert "\0" not in done.stderr
    assert "\x07" not in done.stderr
    assert "qubit q;" in done.stderr


def test_warnings_of_the_reader_are_shown(qmk: Qmk) -> None:
    done = qmk("run", "-", "--shots", "10", stdin="OPENQASM 3;\n#pragma foo\nqubit q; bit c; c = measure q;")
    assert done.returncode == 0
    assert "<program>:2:1: warning" in done.stderr


def test_explain_says_why(qmk: Qmk) -> None:
    done = qmk("run", "examples/bell.qasm", "--explain", "--seed", "1")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("-> native")


TURNED = 'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float a;\nqubit[2] q;\nry(a) q[0];\ncx q[0], q[1];\n'


def test_values_for_people_and_for_scripts(qmk: Qmk, tmp_path: Path) -> None:
    program, points = tmp_path / "turned.qasm", tmp_path / "points.csv"
    program.write_text(TURNED)
    points.write_text("a\n0\n1.5707963267948966\n")
    asked = ["--expect", "0.5*ZZ + XX", "--state", "--amplitude", "11", "--probabilities", "0", "--gradient"]
    shown = qmk("run", str(program), "-p", "a=1.0", *asked, "--no-counts", "--seed", "1")
    assert shown.returncode == 0, shown.stderr
    assert "values: exact" in shown.stdout
    assert f"<0.5*ZZ + XX> = {0.5 + math.sin(1):.9g}" in shown.stdout
    assert f"d/d a = {math.cos(1):.9g}" in shown.stdout
    found = answer(qmk("run", str(program), "-p", "a=1.0", *asked, "--json"))["values"]
    (point,) = found["points"]
    assert abs(point["expectations"][0]["value"] - 0.5 - math.sin(1)) < 1e-9
    assert abs(point["probabilities"][0][1]["value"] - math.sin(0.5) ** 2) < 1e-9
    swept = answer(qmk("run", str(program), "--sweep", str(points), "--expect", "Z0", "--no-counts", "--json"))
    values = [point["expectations"][0]["value"] for point in swept["values"]["points"]]
    assert values[0] == 1
    assert abs(values[1]) < 1e-9
    assert swept["counts"] == {}


def test_values_that_do_not_fit_are_refused(qmk: Qmk, tmp_path: Path) -> None:
    program, points = tmp_path / "turned.qasm", tmp_path / "points.csv"
    program.write_text(TURNED)
    points.write_text("a\nx\n")
    assert "3 letters" in error(qmk("run", str(program), "-p", "a=1", "--expect", "ZZZ", "--json"), 2)["message"]
    assert "no qubits" in error(qmk("run", str(program), "-p", "a=1", "--probabilities", "x", "--json"), 2)["message"]
    assert "not one number" in error(qmk("run", str(program), "--sweep", str(points), "--json"), 2)["message"]
