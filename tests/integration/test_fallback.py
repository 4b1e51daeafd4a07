"""A daemon whose router was wrong: the job goes on with another engine, and says so everywhere."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qmk.api.embedded import Embedded
from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.host import ledger
from qmk.host.spawn import External
from qmk.host.store import JOURNAL_NAME
from qmk.qvm.graph import Graph, Output
from qmk.sdk.kit.builder import Builder

Make = Callable[..., Any]
PROGRAM: Graph = Builder(1).op("x", 0).measure_all().graph()


def mix(builder: Builder, qubits: Sequence[int], layers: int) -> Builder:
    """Entangle the qubits, with much magic."""
    rng = random.Random(5)
    for _ in range(layers):
        for qubit in qubits:
            builder.op("h", qubit).op("t", qubit)
        order = rng.sample(qubits, len(qubits))
        for a, b in zip(order[::2], order[1::2], strict=True):
            builder.op("cnot", a, b)
    return builder


def long() -> Graph:
    """A qubit in 1, which is all that is printed, beside a state that keeps the native core busy long enough for other
    engines to be looked at."""
    made = mix(Builder(21).op("x", 0), range(1, 21), 40).measure_all().graph()
    return msgspec.structs.replace(made, outputs=(Output("", (made.events[0],)),))


LONG = long()


@pytest.fixture
def odd(tmp_path: Path) -> Callable[..., dict[str, tuple[str, str]]]:
    folder = tmp_path / "odd"
    folder.mkdir()
    shutil.copy(Path(__file__).parents[1] / "engines" / "odd_engines.py", folder)

    def engines(*names: str) -> dict[str, tuple[str, str]]:
        return {name: (f"odd_engines:{name.upper()}", str(folder)) for name in names}

    return engines


def test_two_engines_fail_and_the_third_gives_the_result(make_daemon: Make, odd: Any, tmp_path: Path) -> None:
    daemon = make_daemon(engines=odd("hungry", "picky"))
    with Client(daemon.socket) as client:
        result = client.run(LONG, shots=10, seed=1)
        assert result.counts == {"1": 10}
        told = [(row.engine, row.why) for row in result.provenance.fallbacks]
        assert told == [("hungry", "memory"), ("picky", "refused")]
        assert result.engine not in ("hungry", "picky")
        again = client.wait(client.replay(result.job_id).job_id).result
        assert again is not None
        assert (again.counts, again.provenance.engine) == (result.counts, result.engine)
        assert again.provenance.fallbacks == []
    rows = [(row.engine, row.outcome, row.shots) for row in ledger.read(tmp_path / "d" / "state" / JOURNAL_NAME)]
    assert [row for row in rows if row[1] == "completed"] == [(result.engine, "completed", 10)] * 2
    assert [row[2] for row in rows if row[1] != "completed"] == [0, 0], "engines that gave nothing are charged no shots"


def test_an_engine_that_was_named_is_not_left(make_daemon: Make, odd: Any) -> None:
    daemon = make_daemon(engines=odd("hungry"))
    with Client(daemon.socket) as client, pytest.raises(QmkError, match="ran out of memory") as caught:
        client.run(LONG, shots=10, engine="hungry")
    assert caught.value.kind.name == "RESOURCE_EXHAUSTED"


def test_a_slow_engine_is_stopped_and_its_worker_ended(
    make_daemon: Make, odd: Any, tmp_path: Path, eventually: Any, alive: Any
) -> None:
    """It would wait for a file for ever, with the first shot done at once: what is left is never predicted short."""
    daemon = make_daemon(engines=odd("sluggish"))
    with Client(daemon.socket) as client:
        result = client.run(LONG, shots=100_000, seed=1)
    (left,) = result.provenance.fallbacks
    assert (left.engine, left.why) == ("sluggish", "slow")
    assert left.seconds > 9.9
    (pid,) = {int(line) for line in (tmp_path / "odd" / "slow.pids").read_text().split()}
    eventually(lambda: not alive(pid), "the end of the slow worker")


def test_a_job_that_fell_back_survives_a_crash(make_daemon: Make, odd: Any) -> None:
    daemon = make_daemon(engines=odd("hungry"))
    with Client(daemon.socket) as client:
        job = client.submit(LONG, shots=10, seed=1).job_id
        first = client.wait(job).result
    daemon.kill()
    daemon.start()
    with Client(daemon.socket) as client:
        after = client.result(job)
    assert first is not None
    assert (after.engine, after.counts) == (first.provenance.engine, first.counts)
    assert [row.engine for row in after.provenance.fallbacks] == ["hungry"]


@pytest.mark.parametrize("isolate", [False, True])
def test_a_script_falls_back_too(odd: Any, isolate: bool) -> None:
    engines = {name: External(*row) for name, row in odd("hungry", "picky").items()}
    with Embedded(isolate=isolate, engines=engines) as embedded:
        result = embedded.run(LONG, shots=10)
    assert result.counts == {"1": 10}
    assert [(row.engine, row.why) for row in result.provenance.fallbacks] == [
        ("hungry", "memory"),
        ("picky", "refused"),
    ]


def test_a_repeated_job_with_a_seed_is_answered_without_a_run(make_daemon: Make) -> None:
    daemon = make_daemon()
    with Client(daemon.socket) as client:
        first = client.run(PROGRAM, shots=50, seed=3)
        again = client.run(PROGRAM, shots=50, seed=3)
        assert again.provenance.cached_from == first.job_id
        assert (again.counts, list(again.rows())) == (first.counts, list(first.rows()))
        assert again.usage["engine_seconds"] == 0
        assert client.run(PROGRAM, shots=50, seed=3, cache=False).provenance.cached_from == ""
        assert client.run(PROGRAM, shots=50).provenance.cached_from == ""
    daemon.kill()
    daemon.start()
    with Client(daemon.socket) as client:
        assert client.result(again.job_id).counts == first.counts, "it has the result as its own"
        assert client.run(PROGRAM, shots=50, seed=3).provenance.cached_from


def test_a_daemon_without_room_for_results_runs_every_job(make_daemon: Make) -> None:
    daemon = make_daemon(cache_bytes=0)
    with Client(daemon.socket) as client:
        runs = [client.run(PROGRAM, shots=50, seed=3) for _ in range(2)]
    assert [run.provenance.cached_from for run in runs] == ["", ""]


def test_a_script_has_no_cache() -> None:
    with Embedded() as kernel:
        runs = [kernel.run(PROGRAM, shots=50, seed=3) for _ in range(2)]
    assert [run.provenance.cached_from for run in runs] == ["", ""]


def wide() -> Graph:
    """So many entangled qubits with magic that no simulator has room for them."""
    return mix(Builder(120), range(120), 60).measure_all().graph()


def test_the_second_engine_of_an_uncertain_run_gives_the_result_and_it_is_charged_once(
    make_daemon: Make, odd: Any, tmp_path: Path, eventually: Any, alive: Any
) -> None:
    """The first waits for a file for ever, the second is done at once."""
    daemon = make_daemon(engines=odd("plodding", "brisk"), workers=2)
    with Client(daemon.socket) as client:
        result = client.run(wide(), shots=100)
        assert result.counts == {"0" * 120: 100}
        assert result.engine == "brisk"
        assert [(row.engine, row.why) for row in result.provenance.fallbacks] == [("plodding", "hedged")]
    (pid,) = {int(line) for line in (tmp_path / "odd" / "slow.pids").read_text().split()}
    eventually(lambda: not alive(pid), "the end of the engine that was not done first")
    (row,) = ledger.read(tmp_path / "d" / "state" / JOURNAL_NAME)
    assert (row.engine, row.outcome, row.shots, row.attempt) == ("brisk", "completed", 100, 1)
