"""Scripts as jobs of a real daemon: they wait for nobody that waits for them, and survive what jobs survive."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.formats import json_codec
from qmk.request.scripts import script_program

pytest.importorskip("wasmtime")
Make = Callable[..., Any]
Eventually = Callable[[Callable[[], bool], str], None]

BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1]; bit[2] c = measure q;'
LOOP = f"""import qmk, random
def main(given):
    qmk.log("begins")
    return [qmk.run({BELL!r}, shots=random.randrange(100, 1000)) for _ in range(given)]
"""
TURNS = "".join(f"ry({0.1 + qubit / 7}) q[{qubit}]; cx q[{qubit}], q[{(qubit + 1) % 16}];" for qubit in range(16))
SLOW = (
    'OPENQASM 3.0; include "stdgates.inc"; qubit[16] q; bit c; for int i in [0:9] '
    f"{{ {TURNS} c = measure q[0]; if (c) {{ rx(0.3) q[1]; }} reset q[2]; }} bit[16] d = measure q;"
)
"""Every shot is a run of its own."""
WAITS = f"import qmk\nqmk.log('begins')\nqmk.run({SLOW!r}, shots=1000000)"


def runs_of(client: Client, job: str) -> list[Any]:
    return client.jobs(tags=[f"script:{job}"]).jobs


def test_scripts_take_no_place_that_their_runs_need(make_daemon: Make) -> None:
    daemon = make_daemon(workers=1, quotas={"running_jobs": 1})
    with Client(daemon.socket) as client:
        jobs = [client.submit_script(LOOP, input=2, seed=seed).job_id for seed in range(12)]
        values = [client.job(job).result().script.value for job in jobs]
        assert len({str(value) for value in values}) > 1
        assert values[3] == qmk.run_script(LOOP, input=2, seed=3).value
        assert {len(runs_of(client, job)) for job in jobs} == {2}


def test_a_script_tells_its_sandbox_and_what_is_around_it(daemon: Any) -> None:
    with Client(daemon.socket) as client:
        result = qmk.submit_script(LOOP, input=1, seed=1, client=client).result()
        found = result.script
        assert (found.log, found.usage.runs, found.seed) == (["begins"], 1, 1)
        assert found.provenance["isolation"] == "wasm"
        assert found.provenance["process"] == result.provenance.isolation
        assert 0 < result.usage["engine_seconds"] == pytest.approx(found.usage.cpu_s)
        with pytest.raises(QmkError, match="the job is not a script"):
            _ = client.run(BELL, shots=10).script


@pytest.mark.parametrize("how", ["cancel", "time"])
def test_what_a_script_runs_ends_with_it(make_daemon: Make, eventually: Eventually, how: str) -> None:
    daemon = make_daemon(workers=1)
    with Client(daemon.socket) as client:
        client.job(client.submit_script("result = 1").job_id).result()  # the engine is loaded
        job = client.submit_script(WAITS, timeout_ms=None if how == "cancel" else 3000).job_id
        eventually(lambda: [row.state for row in runs_of(client, job)] == ["RUNNING"], "its run begins")
        if how == "cancel":
            client.cancel(job)
        ended = client.wait(job)
        assert ended.state == ("CANCELLED" if how == "cancel" else "FAILED")
        assert [row.state for row in runs_of(client, job)] == ["CANCELLED"]
        assert sum(client.run(BELL, shots=50).counts.values()) == 50  # the one worker slot is free


@pytest.mark.parametrize("lost", ["the daemon", "the worker"])
def test_nothing_is_run_twice_whatever_is_killed(make_daemon: Make, eventually: Eventually, lost: str) -> None:
    daemon = make_daemon(workers=1)
    with Client(daemon.socket, patience_s=30.0) as client:
        client.job(client.submit_script("result = 1").job_id).result()
        job = client.submit_script(LOOP, input=60, seed=11).job_id
        eventually(lambda: len(runs_of(client, job)) >= 5, "some runs are done")
        before = {row.job_id for row in runs_of(client, job)}
        if lost == "the daemon":
            daemon.kill()
            daemon.start()
        else:
            os.kill(_worker_of(daemon, "script"), signal.SIGKILL)
        found = client.job(job).result()
        rows = runs_of(client, job)
        assert len(rows) == 60 == len({row.idempotency_key for row in rows})
        assert before <= {row.job_id for row in rows}
        assert found.script.value == qmk.run_script(LOOP, input=60, seed=11).value
        assert found.usage["attempts"] == (1 if lost == "the daemon" else 2)


def _worker_of(daemon: Any, engine: str) -> int:
    names = {pid: Path(f"/proc/{pid}/comm").read_text().strip() for pid in daemon.children()}
    return max(pid for pid, name in names.items() if name == f"qmk-{engine}")


def test_a_script_runs_no_script(daemon: Any) -> None:
    inner = json_codec.encode(script_program("result = 1")).decode()
    text = f"import qmk\ntry:\n  qmk.run({inner!r})\nexcept qmk.QmkError as error:\n  result = [error.kind, str(error)]"
    with Client(daemon.socket) as client:
        kind, words = client.job(client.submit_script(text).job_id).result().script.value
    assert (kind, words) == ("UNSUPPORTED", "a script cannot run another script")


def test_a_session_with_bounds_of_its_own_submits_no_script(daemon: Any) -> None:
    with Client(daemon.socket, quota={"shots_period": 50}) as client:
        with pytest.raises(QmkError, match="has quotas of its own") as caught:
            client.submit_script("result = 1")
        assert caught.value.kind.name == "UNSUPPORTED"


def test_no_other_engine_and_no_process_without_a_daemon_runs_one() -> None:
    program = script_program(f"import qmk\nqmk.run({BELL!r})")
    with pytest.raises(QmkError, match=r"CONNECTION_LOST") as caught:
        qmk.run(program, isolate=True)
    assert caught.value.kind.name == "JOB_FAILED"
    with pytest.raises(QmkError, match=r"cannot write script\.python"):
        qmk.run(program, engine="reference")
