"""Native scripts of users: what they can do, what is denied to them, and what their own process may not say."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from qmk.api.scripting import run_script
from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host.isolation.drivers.held import FOR_SCRIPTS
from qmk.scripts.checked import Checked
from qmk.scripts.messages import Asked, Bounds, Ended, Logged, Script, Usage, Wish
from qmk.worker.messages import Ready
from tests.engines.attempts import ATTEMPTS
from tests.isolation.test_attempts import BOUND_OTHERWISE, ENGINES

BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1]; bit[2] c = measure q;'
LOOP = f"""
import numpy as np, qmk
print("begun")
counts = [qmk.run({BELL!r}, shots=200), qmk.run({BELL!r}, shots=200)]
result = {{"counts": counts, "norm": float(np.linalg.norm([3.0, 4.0])), "given": qmk.input}}
"""
MAKE_ATTEMPTS = """
def tried(action):
    try:
        action()
    except (OSError, ValueError, MemoryError, RuntimeError, subprocess.SubprocessError) as error:
        return f"refused: {error}"
    return "worked"
result = {name: tried(attempt.action) for name, attempt in ATTEMPTS.items()}
"""
SCRIPT = Script("", None, 0, "s.py", Bounds(fuel=1, memory_bytes=1 << 20, result_bytes=64, log_bytes=8, runs=2))
SANDBOXES = pytest.mark.parametrize("level", FOR_SCRIPTS)


def require(level: Level) -> None:
    found = FOR_SCRIPTS[level].probe()
    if not found.available:
        pytest.skip(f"{found.reason}; {found.fix}")


def test_the_process_of_a_script_is_not_believed() -> None:
    checked = Checked(SCRIPT)
    assert isinstance(checked.message(Ready("native", "0", 1)), Ready)
    for index in range(2):
        asked = checked.message(Asked(5, Wish("text")))
        assert isinstance(asked, Asked)
        assert asked.index == index
    with pytest.raises(QmkError, match="script_runs"):
        checked.message(Asked(0, Wish("text")))
    checked.message(Logged("abc"))
    with pytest.raises(QmkError, match="script_log_bytes"):
        checked.message(Logged("defgh"))
    with pytest.raises(QmkError, match="broke its interpreter"):
        checked.message(Ready("native", "0", 1))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Ended(Usage(), result='{"result": 1}', kind="NO_SUCH_KIND"), ""),
        (Ended(Usage(), result={"result": 1}), "JOB_FAILED"),
        (Ended(Usage(), result="no JSON"), "JOB_FAILED"),
        (Ended(Usage(), result='{"result": "' + "x" * 64 + '"}'), "QUOTA_EXCEEDED"),
        (Ended(Usage(), result='{"error": "E", "line": 3}'), "JOB_FAILED"),
    ],
)
def test_an_end_is_told_in_our_words(said: Ended, kind: str) -> None:
    ended = Checked(SCRIPT).message(said)
    assert isinstance(ended, Ended)
    assert ended.kind == kind


@pytest.mark.parametrize(("level", "fix"), [("process", "wasm"), ("microvm", "native Python"), ("bunker", "")])
def test_a_level_that_scripts_do_not_have_is_refused(level: str, fix: str) -> None:
    with pytest.raises(QmkError, match=level) as told:
        run_script("result = 1", isolation=level)
    assert fix in told.value.fields.get("help", "")


@pytest.mark.conformance
@SANDBOXES
def test_native_python_with_numpy_has_its_programs_run(level: Level) -> None:
    require(level)
    found = run_script(LOOP, input=[1], seed=7, isolation=level)
    assert found.value["norm"] == 5.0
    assert found.value["given"] == [1]
    assert [set(counts) for counts in found.value["counts"]] == [{"00", "11"}] * 2
    assert found.value == run_script(LOOP, input=[1], seed=7, isolation=level).value
    assert found.log == ["begun"]
    assert (found.usage.runs, found.provenance["isolation"]) == (2, level)


@pytest.mark.conformance
@SANDBOXES
def test_a_native_script_is_refused_what_works_outside(level: Level, tmp_path: Path) -> None:
    require(level)
    secret = tmp_path / "secret" / "key"
    secret.parent.mkdir()
    secret.write_text("precious")
    source = (ENGINES / "attempts.py").read_text().partition("class Engine:")[0]
    lines = [line for line in source.splitlines() if "qmk." not in line and "__future__" not in line]
    text = "\n".join(lines).replace("Path(__file__).parent", 'Path("/usr/lib")')
    text = text.replace('(HERE / "target.txt").read_text()', repr(str(secret))) + MAKE_ATTEMPTS
    assert next(iter(ATTEMPTS)) in text
    found: Any = run_script(text, isolation=level).value
    assert {name for name, came in found.items() if came == "worked"} <= BOUND_OTHERWISE.get(level, set())
    assert secret.read_text() == "precious"


@pytest.mark.conformance
@SANDBOXES
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("while True: pass", "TIMEOUT"),
        ("x = [bytes(1 << 24) for _ in range(64)]", "QUOTA_EXCEEDED"),
        ("import qmk\nwhile True: qmk.log('x' * 1000)", "QUOTA_EXCEEDED"),
        ("import os\nos._exit(3)", "INTERNAL_ERROR"),
        ("raise ValueError('no')", "JOB_FAILED"),
    ],
)
def test_a_native_script_ends_at_its_bounds(level: Level, text: str, kind: str) -> None:
    require(level)
    with pytest.raises(QmkError) as told:
        run_script(text, isolation=level, timeout_ms=4000)
    assert told.value.kind.name == kind


@pytest.mark.conformance
@SANDBOXES
def test_wheels_of_the_user_can_be_imported(level: Level, tmp_path: Path) -> None:
    require(level)
    about = "mine-1.dist-info"
    with zipfile.ZipFile(tmp_path / "mine-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("mine.py", "def twice(x):\n    return 2 * x\n")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    found = run_script("import mine\nresult = mine.twice(21)", isolation=level, wheels=tmp_path)
    assert found.value == 42
    with pytest.raises(QmkError, match="mine"):
        run_script("import mine", isolation=level)
