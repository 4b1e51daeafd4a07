"""``qmk.run_script`` with real runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.base.seeds import substream
from qmk.host.isolation import jail_host

pytest.importorskip("wasmtime")

BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1]; bit[2] c = measure q;'
LOOP = f"""import qmk
BELL = {BELL!r}
def main(given):
    qmk.log("bell", given["n"])
    zz = qmk.expectation(BELL.split(" bit[2]")[0], "ZZ")
    several = qmk.expectation(BELL.split(" bit[2]")[0], ["ZZ", "XX"], shots=100)
    return [qmk.run(BELL, shots=given["n"]), qmk.run(BELL), zz, several]
"""


def test_a_script_runs_programs_with_seeds_by_their_number() -> None:
    lines: list[str] = []
    found = qmk.run_script(LOOP, input={"n": 64}, seed=5, shots=32, log=lines.append)
    here = qmk.run(BELL, shots=64, seed=substream(5, "script", 2))
    first, second, zz, several = found.value
    assert (first, sum(second.values()), lines, found.log) == (dict(here.counts), 32, ["bell 64"], lines)
    assert zz == pytest.approx(1)
    assert several == pytest.approx([1, 1])
    assert found.provenance["isolation"] == "wasm"
    assert found.provenance["process"] == ("jail" if jail_host.probe().available else "process")
    assert (found.usage.runs, found.seed) == (4, 5)
    assert qmk.run_script(LOOP, input={"n": 64}, seed=5, shots=32).value == found.value


@pytest.mark.parametrize("program", ["/etc/passwd", 'OPENQASM 3.0; include "/etc/passwd"; qubit q;'])
def test_a_program_of_a_script_names_no_file(program: str) -> None:
    with pytest.raises(qmk.QmkError) as caught:
        qmk.run_script(f"import qmk\nqmk.run({program!r})", file="loop.py")
    assert caught.value.kind.name == "JOB_FAILED"
    assert caught.value.message.startswith("loop.py:2: ")
    assert "root:" not in caught.value.message


def test_errors_of_runs_can_be_caught_in_the_script() -> None:
    text = "import qmk\ntry:\n  qmk.run('OPENQASM 3.0; qubit q; nothing q;')\n"
    text += "except qmk.QmkError as error:\n  result = error.kind"
    assert qmk.run_script(text).value == "INVALID_GRAPH"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "TIMEOUT": ({"text": "while True: pass", "timeout_ms": 300}, "time limit of 300 ms"),
    "QUOTA_EXCEEDED": ({"text": "while True: pass", "fuel": 10_000_000}, "script_fuel"),
    "INVALID_PARAMS": ({"text": "", "input": {1j}}, "input is not JSON"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_script_is_refused_or_ended(kind: str) -> None:
    given, words = REFUSED[kind]
    with pytest.raises(qmk.QmkError, match=words) as caught:
        qmk.run_script(**given)
    assert caught.value.kind.name == kind


@pytest.mark.parametrize("given", [{"fuel": 10**15}, {"text": "#" * (1 << 20) + "#"}, {"runs": 10**6}])
def test_limits_are_the_most_that_can_be_asked_for(given: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"text": "", **given}
    with pytest.raises(qmk.QmkError, match="exceed the limit 'script_"):
        qmk.run_script(**asked)


@pytest.mark.skipif(not jail_host.probe().available, reason="no jail here: qmk doctor says what is missing")
def test_the_process_of_a_script_is_in_a_jail() -> None:
    seen: list[str] = []

    def look(_: str) -> None:
        seen.extend(Path(f"/proc/{pid}/status").read_text() for pid in below(os.getpid()))

    qmk.run_script("import qmk\nqmk.log('begins')\nfor _ in range(10**6): pass", log=look)
    jailed = [status for status in seen if "\nSeccomp:\t2\n" in status]
    assert jailed
    assert all(len(status.partition("NSpid:")[2].partition("\n")[0].split()) > 1 for status in jailed)


def below(pid: int) -> list[int]:
    """The processes that it has started, and those that they have."""
    found = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    own = [int(each) for row in found for each in row]
    return [*own, *(each for child in own for each in below(child))]
