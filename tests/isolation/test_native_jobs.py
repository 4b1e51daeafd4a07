"""Native scripts as jobs of a real daemon: what they can do, where they are refused, what the host believes of them,
and that nothing they run is run twice."""

from __future__ import annotations

import hashlib
import os
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

import qmk
from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.base.limits import LIMITS
from qmk.client import Client
from qmk.formats import json_codec
from qmk.gateway.app import make_app
from qmk.host import tasks
from qmk.host.isolation.policy import Isolation
from qmk.host.native_scripts import Checked
from qmk.host.routing import Routing
from qmk.host.workers import is_for_one_job
from qmk.kernel.effects import Launch
from qmk.qvm.graph import digest, pack
from qmk.request.scripts import ScriptOptions, script_program
from qmk.sdk import discovery
from qmk.worker.messages import Done, Failed, NotDone, Partial, RunProgress
from tests.isolation.conftest import require

Make = Callable[..., Any]
Eventually = Callable[[Callable[[], bool], str], None]
LEVELS = pytest.mark.parametrize("level", ["jail", pytest.param("gvisor", marks=pytest.mark.conformance)])
BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1]; bit[2] c = measure q;'
LOOP = f"""import numpy as np, qmk, random
def main(given):
    qmk.log("begins")
    counts = [qmk.run({BELL!r}, shots=random.randrange(100, 1000)) for _ in range(given)]
    return {{"norm": float(np.linalg.norm([3.0, 4.0])), "counts": counts}}
"""


@LEVELS
def test_a_native_script_is_a_job(make_daemon: Make, level: Level) -> None:
    require(level)
    daemon = make_daemon(workers=1, quotas={"running_jobs": 1})
    with Client(daemon.socket) as client:
        jobs = [qmk.submit_script(LOOP, input=2, seed=seed, isolation=level, client=client) for seed in (3, 3, 4)]
        first, same, other = (job.result().script for job in jobs)
        assert first.value == same.value != other.value
        assert first.value["norm"] == 5.0
        assert [set(counts) for counts in first.value["counts"]] == [{"00", "11"}] * 2
        assert (first.log, first.usage.runs) == (["begins"], 2)
        assert first.provenance["isolation"] == first.provenance["process"] == level
        usage = jobs[0].result().usage
        assert 0 < usage["engine_seconds"] == pytest.approx(first.usage.cpu_s)
        assert len(client.jobs(tags=[f"script:{jobs[0].job_id}"]).jobs) == 2


@LEVELS
@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("while True: pass", "TIMEOUT", "did not end within"),
        ("x = [bytes(1 << 24) for _ in range(64)]", "QUOTA_EXCEEDED", "script_memory_bytes"),
        ("import qmk\nwhile True: qmk.log('x' * 5000)", "QUOTA_EXCEEDED", "script_log_bytes"),
        ("result = 'x' * (1 << 21)", "QUOTA_EXCEEDED", "script_result_bytes"),
        ("import qmk\nfor _ in range(3): qmk.run('', shots=1)", "JOB_FAILED", "s.py:2"),
        ("import os\nos._exit(3)", "JOB_FAILED", "exited with status 3"),
        ("x = 1\nx / 0", "JOB_FAILED", "s.py:2: ZeroDivisionError"),
    ],
)
def test_a_native_script_ends_at_its_bounds(daemon: Any, level: Level, text: str, kind: str, words: str) -> None:
    require(level)
    with Client(daemon.socket) as client:
        job = client.submit_script(text, file="s.py", isolation=level, timeout_ms=4000 if kind == "TIMEOUT" else None)
        with pytest.raises(QmkError, match=words) as told:
            client.job(job.job_id).result()
        assert told.value.kind.name == kind


def test_a_script_runs_no_more_programs_than_it_may(daemon: Any) -> None:
    text = f"import qmk\nfor _ in range(3): qmk.run({BELL!r}, shots=9)"
    with Client(daemon.socket) as client:
        job = client.submit_script(text, isolation="jail", runs=2, file="s.py").job_id
        with pytest.raises(QmkError, match=r"s\.py:2: QUOTA_EXCEEDED: the script has run its 2 programs"):
            client.job(job).result()
        assert len(client.jobs(tags=[f"script:{job}"]).jobs) == 2


@pytest.mark.parametrize("how", ["cancel", "time"])
def test_what_a_native_script_runs_ends_with_it(daemon: Any, eventually: Eventually, how: str) -> None:
    text = f"import qmk, time\nqmk.run({BELL!r}, shots=9)\nqmk.log('waits')\ntime.sleep(600)"
    with Client(daemon.socket) as client:
        job = client.submit_script(text, isolation="jail", timeout_ms=None if how == "cancel" else 2500).job_id
        eventually(lambda: len(client.jobs(tags=[f"script:{job}"]).jobs) == 1, "its run is a job")
        before = [pid for pid in daemon.children() if name_of(pid) == "qmk-python"]
        if how == "cancel":
            client.cancel(job)
        assert client.wait(job).state == ("CANCELLED" if how == "cancel" else "FAILED")
        eventually(lambda: not {*before} <= {*daemon.children()}, "its worker ends")


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@pytest.mark.parametrize("lost", ["the daemon", "the worker"])
def test_nothing_is_run_twice_whatever_is_killed(make_daemon: Make, eventually: Eventually, lost: str) -> None:
    require("jail")
    daemon = make_daemon(workers=1)
    with Client(daemon.socket, patience_s=30.0) as client:
        plain = client.job(client.submit_script(LOOP, input=40, seed=11, isolation="jail").job_id).result().script
        job = client.submit_script(LOOP, input=40, seed=11, isolation="jail").job_id
        tag = [f"script:{job}"]
        eventually(lambda: len(client.jobs(tags=tag).jobs) >= 5, "some runs are done")
        before = {row.job_id for row in client.jobs(tags=tag).jobs}
        if lost == "the daemon":
            daemon.kill()
            daemon.start()
        else:
            os.kill(max(pid for pid in daemon.children() if name_of(pid) == "qmk-python"), signal.SIGKILL)
        found = client.job(job).result().script
        rows = client.jobs(tags=tag).jobs
        assert len(rows) == 40 == len({row.idempotency_key for row in rows})
        assert before <= {row.job_id for row in rows}
        assert found.value == plain.value


def test_a_script_that_asks_for_another_run_the_second_time_is_told(make_daemon: Make, eventually: Eventually) -> None:
    require("jail")
    daemon = make_daemon(workers=1)
    text = f"import qmk, time\nqmk.run({BELL!r}, shots=1 + time.time_ns() % 100000)\nqmk.log('done')\ntime.sleep(600)"
    with Client(daemon.socket, patience_s=30.0) as client:
        job = client.submit_script(text, isolation="jail").job_id
        eventually(lambda: any(row.state == "COMPLETED" for row in client.jobs(tags=[f"script:{job}"]).jobs), "a run")
        daemon.kill()
        daemon.start()
        with pytest.raises(QmkError, match="was used for another request"):
            client.job(job).result()
        assert len(client.jobs(tags=[f"script:{job}"]).jobs) == 1


def make_wheel(folder: Path) -> Path:
    """A wheel with a module in Python, and with native code that another package has."""
    import markupsafe._speedups as native

    from tests.unit.scripts.test_wheels import MACHINE, OWN

    path = folder / f"mine-1-{OWN}-{OWN}-manylinux_2_17_{MACHINE}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("mine/__init__.py", "def twice(x):\n    return 2 * x\n")
        wheel.write(native.__file__, f"mine/{Path(native.__file__).name}")
        wheel.writestr("mine-1.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        wheel.writestr("mine-1.dist-info/RECORD", "")
    return path


USES = """import mine, mine._speedups, os
try:
    open(mine.__file__, "a")
except OSError as error:
    refused = type(error).__name__
result = [mine.twice(21), mine._speedups._escape_inner("<"), refused]
"""


@LEVELS
def test_a_job_imports_from_the_wheels_that_it_brings_and_another_does_not(
    make_daemon: Make, level: Level, tmp_path: Path
) -> None:
    require(level)
    path = make_wheel(tmp_path)
    with Client(make_daemon(workers=1).socket) as client:
        job = qmk.submit_script(USES, isolation=level, wheels=[path], client=client)
        found = job.result().script
        assert found.value == [42, "&lt;", "PermissionError"]
        assert found.provenance["wheels"] == f"{path.name} sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for other in ("import mine", "import os, sys\nresult = os.listdir(os.environ['TMPDIR'])"):
            after = qmk.submit_script(other, isolation=level, client=client)
            if other == "import mine":
                with pytest.raises(QmkError, match="No module named 'mine'"):
                    after.result()
            else:
                assert after.result().script.value == []


def test_wheels_that_are_none_end_the_job_with_the_reason(daemon: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine-1-py3-none-any.whl"
    path.write_text("no zip")
    with Client(daemon.socket) as client:
        job = client.submit_script("import mine", isolation="jail", wheels=path).job_id
        with pytest.raises(QmkError, match=r"wheel mine-1-py3-none-any\.whl is not a wheel") as told:
            client.job(job).result()
        assert told.value.kind.name == "INVALID_PARAMS"
        wasm = client.submit(script_program("result = 1", ScriptOptions(wheels=path)), shots=1, engine="script:wasm")
        with pytest.raises(QmkError, match="WebAssembly imports from no wheels"):
            client.job(wasm.job_id).result()


def test_below_the_floor_it_is_refused_with_the_reason(make_daemon: Make) -> None:
    daemon = make_daemon(workers=1)
    with (
        Client(daemon.socket) as client,
        pytest.raises(QmkError, match=r"below isolation level '\w+', and .*not") as told,
    ):
        client.submit_script("result = 1", isolation="microvm")
    assert told.value.kind.name == "UNSUPPORTED"
    assert told.value.fields["help"]


def test_a_submit_of_native_code_without_a_time_limit_is_refused(daemon: Any) -> None:
    """A call that is not made by ``submit_script``, which always gives one."""
    with Client(daemon.socket) as client:
        with pytest.raises(QmkError, match=r"no bound on its time but policy\.timeout_ms") as told:
            client.submit(script_program("while True: pass"), shots=1, engine="python:native", isolation="jail")
        assert told.value.kind.name == "INVALID_PARAMS"
        assert str(LIMITS.timeout_ms) in told.value.fields["help"]
        job = client.submit(script_program("result = 1"), shots=1, engine="python:native", timeout_ms=60_000).job_id
        assert client.job(job).result().script.value == 1


def test_no_process_without_a_jail_runs_native_code() -> None:
    with pytest.raises(QmkError, match="may not run below isolation level 'jail'"):
        Isolation().level_for("python", discovery.engine("python"))
    with pytest.raises(QmkError, match="process"):
        Client("/nowhere").submit_script("result = 1", isolation="process")
    with pytest.raises(QmkError, match="fuel"):
        Client("/nowhere").submit_script("result = 1", isolation="jail", fuel=7)


def test_native_code_runs_where_it_is_named_and_not_in_place_of_a_sandbox() -> None:
    program = script_program("result = 1")
    routing = Routing(1 << 30, 1, {})
    choice = routing.choose(program, digest(program), 1, None, None)
    assert (choice.engine, choice.alternatives) == ("script", ())


OWN = Launch("job_1", 1, "python", "native", "d", 10, 1, False, 0, script=True)
GRAPH = pack(script_program("result = 1", ScriptOptions(runs=2, file="s.py")))


def checked() -> Checked:
    worker = tasks.Worker("python", "jail")
    return Checked(worker, tasks.Task(OWN, GRAPH, None))


def done(**script: Any) -> Done:
    lies: Any = {"counts": {"1": 99}, "registers": [], "event_names": ["a"], "event_widths": [1], "event_bits": b"x"}
    took: Any = {"shots": 99, "prepare_s": -1.0, "run_s": -9.0, "cpu_s": -9.0, "peak_rss_bytes": -1}
    return Done(OWN.fence, **lies, **took, notes={"script": script, "engine": "a lie"})


def test_a_worker_in_the_hands_of_a_script_is_not_believed() -> None:
    assert is_for_one_job(OWN, "jail")
    told = checked().message(done(value=[1], log=["a"], usage={"runs": -5}, provenance={"isolation": "microvm"}))
    assert isinstance(told, Done)
    assert (told.counts, told.event_names, told.peak_rss_bytes) == ({"": OWN.shots}, [], 0)
    assert told.cpu_s >= 0 <= told.run_s
    assert told.notes["script"]["provenance"]["isolation"] == "jail"
    assert (told.notes["script"]["value"], told.notes["script"]["usage"]["runs"]) == ([1], 0)
    assert set(told.notes) == {"script"}
    assert checked().message(NotDone(OWN.fence, "", "")) is None


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (done(value="x" * LIMITS.script_result_bytes, log=[]), "QUOTA_EXCEEDED", "script_result_bytes"),
        (done(log=["x" * LIMITS.script_log_bytes]), "QUOTA_EXCEEDED", "script_log_bytes"),
        (done(log=[1]), "JOB_FAILED", "broke its interpreter"),
        (Failed(OWN.fence, "AUTH_FAILED", "x" * 9999, {"a": 1, "line": [1]}, missing_graph=True), "JOB_FAILED", "x"),
    ],
)
def test_what_no_script_may_say_is_an_end_in_our_words(said: Done | Failed, kind: str, words: str) -> None:
    told = checked().message(said)
    assert isinstance(told, Failed)
    assert (told.kind, told.missing_graph) == (kind, False)
    assert words in told.message
    assert len(told.message) < 3000
    assert not told.fields.keys() & {"a", "line"} - {"line" if kind != "JOB_FAILED" else ""}


def test_logs_are_shown_now_and_then_and_with_nothing_else() -> None:
    own = checked()
    said = RunProgress(OWN.fence, 7, 3, Partial(5, {"1": 5}, notes={"script": {"log": ["a"]}, "more": 1}))
    told = own.message(said)
    assert told == RunProgress(OWN.fence, 0, partial=Partial(0, notes={"script": {"log": ["a"]}}))
    assert own.message(said) is None


def test_rest_takes_a_native_script(daemon: Any, tmp_path: Path) -> None:
    text = "import mine, numpy\nresult = mine.twice(int(numpy.prod([3, 7])))"
    graph = script_program(text, ScriptOptions(wheels=make_wheel(tmp_path)))
    program = {"text": json_codec.encode(graph).decode()}
    body = {"program": program, "shots": 1, "policy": {"engine": "python:native", "isolation": "jail"}}
    timely = body | {"policy": body["policy"] | {"timeout_ms": 60_000}}
    app = make_app(daemon.socket, tmp_path / "gateway.db", needs_token=False)
    with TestClient(app, base_url="http://127.0.0.1") as http:
        refused = http.post("/v1/jobs", json=body)
        job = http.post("/v1/jobs", json=timely).json()["job_id"]
        with Client(daemon.socket) as client:
            client.wait(job)
        found = http.get(f"/v1/jobs/{job}/result").json()
    assert (refused.status_code, refused.json()["field"]) == (400, "policy.timeout_ms")
    assert found["provenance"]["notes"]["script"]["value"] == 42
    assert found["provenance"]["isolation"] == "jail"
