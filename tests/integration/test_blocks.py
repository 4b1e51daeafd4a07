"""Jobs that are divided over worker slots: the same bits on any number of them, and nothing lost or done twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.client import Client
from qmk.qvm.outputs import Outputs
from qmk.request.sweeps import points_of, sweep_of

Make = Callable[..., Any]
Eventually = Callable[[Callable[[], bool], str], None]

HEAD = 'OPENQASM 3.0; include "stdgates.inc"; '
TURNS = "".join(f"ry({0.1 + qubit / 7}) q[{qubit}]; cx q[{qubit}], q[{(qubit + 1) % 14}];" for qubit in range(14))
SLOW = (
    f"{HEAD} qubit[14] q; bit c; for int i in [0:29] "
    f"{{ {TURNS} c = measure q[0]; if (c) {{ rx(0.3) q[1]; }} reset q[2]; }} bit[14] d = measure q;"
)
"""Every shot is a run of its own."""
SHOTS, BLOCKS = 960, 12
BELL = f"{HEAD} qubit[2] q; h q[0]; cx q[0], q[1]; bit[2] c = measure q;"
TURN = f"{HEAD} input float a; input float b; qubit[3] q; ry(a) q[0]; cx q[0], q[1]; rx(b) q[2]; bit[3] c = measure q;"
POINTS = {"a": [0.01 * k for k in range(300)], "b": [0.5 - 0.01 * k for k in range(300)]}


@pytest.fixture(scope="module")
def here() -> Any:
    """The divided job in this process."""
    return qmk.run(SLOW, shots=SHOTS, seed=5, split=BLOCKS)


def blocks_of(client: Client, job: str) -> list[Any]:
    return client.jobs(tags=["qmk:block", f"script:{job}"]).jobs


def test_a_block_is_a_run_with_a_seed_by_its_number(here: Any) -> None:
    sizes = [SHOTS // BLOCKS] * BLOCKS
    parts = [
        qmk.run(SLOW, shots=size, seed=substream(5, "block", number), engine=f"{here.engine}:{here.method}")
        for number, size in enumerate(sizes)
    ]
    assert (here.packed_events() == np.concatenate([part.packed_events() for part in parts])).all()
    assert sum(here.counts.values()) == SHOTS


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_bits_are_those_of_this_process_on_any_number_of_slots(make_daemon: Make, here: Any, workers: int) -> None:
    daemon = make_daemon(workers=workers)
    with Client(daemon.socket) as client:
        found = client.run(SLOW, shots=SHOTS, seed=5, split=BLOCKS)
        assert found.counts == here.counts
        assert (found.packed_events() == here.packed_events()).all()
        rows = blocks_of(client, found.job_id)
        assert len(rows) == (0 if workers == 1 else BLOCKS), "one slot runs it as one launch"
        if rows:
            assert found.provenance.notes["blocks"]["count"] == BLOCKS
            assert {row.state for row in rows} == {"COMPLETED"}
        assert [row.job_id for row in client.jobs().jobs] == [found.job_id], "lists show one job"


def test_points_are_divided_where_they_take_long(make_daemon: Make) -> None:
    graph, sweep = sweep_of(TURN, points_of(POINTS))
    asked = Outputs(sweep=sweep)
    whole = qmk.run(graph, outputs=asked, shots=200_000, seed=7)
    daemon = make_daemon(workers=2)
    with Client(daemon.socket) as client:
        found = client.run(graph, outputs=asked, shots=200_000, seed=7)
        assert found.values == whole.values
        assert len(blocks_of(client, found.job_id)) > 1


def test_a_batch_of_points_is_one_job_with_results_by_index(daemon: Any) -> None:
    alone = qmk.run(TURN, POINTS, shots=50, seed=3)
    with Client(daemon.socket) as client:
        found = client.run_many(TURN, POINTS, shots=50, seed=3)
        assert len({one.job_id for one in found}) == len(client.jobs().jobs) == 1
        assert found.counts == alone.counts
        assert [one.seed for one in found] == [entry.seed for entry in found.entries]
        assert (found[7].packed_events() == alone[7].packed_events()).all()
        assert (found[9].bits() == alone[9].bits()).all()
        assert found[299].provenance.notes["point"] == {"number": 299, "of": 300}
        jobs = client.submit_many([(TURN, POINTS), BELL], shots=50, seed=3)
        assert len({job.job_id for job in jobs}) == 2
        assert [job.result().counts for job in jobs[:300]] == alone.counts
        assert jobs[4].cancel() is False


def test_points_that_change_more_than_angles_are_jobs_of_their_own(daemon: Any) -> None:
    loop = f"{HEAD} input int n; qubit q; for int i in [1:n] {{ x q; }} bit c = measure q;"
    with Client(daemon.socket) as client:
        found = client.run_many(loop, {"n": [1, 2, 3]}, shots=5, seed=1)
        assert [dict(one.counts) for one in found] == [{"1": 5}, {"0": 5}, {"1": 5}]
        assert len({one.job_id for one in found}) == 3


@pytest.mark.parametrize("lost", ["the daemon", "its worker", "a worker of a block"])
def test_nothing_is_lost_or_run_twice_whatever_is_killed(
    make_daemon: Make, eventually: Eventually, here: Any, lost: str
) -> None:
    daemon = make_daemon(workers=2)
    with Client(daemon.socket, patience_s=60.0) as client:
        job = client.submit(SLOW, shots=SHOTS, seed=5, split=BLOCKS).job_id
        eventually(lambda: any(row.state == "COMPLETED" for row in blocks_of(client, job)), "a block is done")
        before = {row.job_id for row in blocks_of(client, job)}
        if lost == "the daemon":
            daemon.kill()
            daemon.start()
        else:
            os.kill(_worker_of(daemon, of_blocks=lost == "a worker of a block"), signal.SIGKILL)
        found = client.job(job).result()
        rows = blocks_of(client, job)
        assert len(rows) == BLOCKS == len({row.idempotency_key for row in rows})
        assert before <= {row.job_id for row in rows}
        assert found.counts == here.counts
        assert (found.packed_events() == here.packed_events()).all()


def _worker_of(daemon: Any, *, of_blocks: bool) -> int:
    """A worker; of those that have run, the one that has its blocks run takes the least processor time."""
    took: dict[int, int] = {}
    for pid in daemon.children():
        if Path(f"/proc/{pid}/comm").read_text().strip() == "qmk-native":
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            took[pid] = int(fields[11]) + int(fields[12])
    return (max if of_blocks else min)(took, key=lambda pid: took[pid])


def test_blocks_end_with_their_job(make_daemon: Make, eventually: Eventually) -> None:
    daemon = make_daemon(workers=2)
    with Client(daemon.socket) as client:
        job = client.submit(SLOW, shots=100_000, split=BLOCKS).job_id
        eventually(lambda: any(row.state == "RUNNING" for row in blocks_of(client, job)), "a block runs")
        client.cancel(job)
        assert client.wait(job).state == "CANCELLED"
        assert {row.state for row in blocks_of(client, job)} == {"CANCELLED"}


def test_a_session_with_bounds_of_its_own_gets_the_same_bits_in_one_launch(make_daemon: Make, here: Any) -> None:
    daemon = make_daemon(workers=2)
    with Client(daemon.socket, quota={"shots_period": 2 * SHOTS}) as client:
        found = client.run(SLOW, shots=SHOTS, seed=5, split=BLOCKS)
        assert found.counts == here.counts
        assert not blocks_of(client, found.job_id)


def test_shots_are_charged_once(make_daemon: Make) -> None:
    daemon = make_daemon(workers=2, quotas={"shots_period": SHOTS + 5})
    with Client(daemon.socket) as client:
        assert client.run(SLOW, shots=SHOTS, seed=5, split=BLOCKS).shots == SHOTS
        with pytest.raises(QmkError, match="shots_period"):
            client.run(TURN, params={"a": 1, "b": 1}, shots=6)


def test_only_counts_are_divided_by_wish() -> None:
    graph, asked = qmk.outputs(TURN, expect="ZZZ", params={"a": 1, "b": 1}, counts=False)
    with pytest.raises(QmkError, match="divide counts alone"):
        qmk.run(graph, outputs=asked, split=2)
    with pytest.raises(QmkError, match="6 blocks of 5 shots"):
        qmk.run(TURN, params={"a": 1, "b": 1}, shots=5, split=6)
