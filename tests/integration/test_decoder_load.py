"""The load of the decoder on a real daemon: told by the site, counted by its translator, waited for by jobs.

The engine is the real one, held at its fences, so that a job is out for as long as the test wants.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.models.noise import NoiseModel
from qmk.models.qec import codes
from qmk.models.qec.logical.decoding import events_per_round
from qmk.qvm.graph import Graph, Node

EVENT_S, ROUND_S = 1.5e-7, 1e-6
CODE = "surface(d=5)"
TILES = 9


def program() -> Graph:
    return Graph(
        nodes=(
            Node("a", "core.alloc", vqs=("a", "b")),
            Node("h", "core.h", vqs=("a",)),
            Node("x", "core.cnot", vqs=("a", "b")),
            Node("f", "core.fence"),
            Node("ma", "core.mz", vqs=("a",), produces=("ma",)),
            Node("mb", "core.mz", vqs=("b",), produces=("mb",)),
        ),
        vqs=("a", "b"),
        events=("ma", "mb"),
    )


@pytest.fixture
def pace(tmp_path: Path) -> Path:
    file = tmp_path / "gated" / "pace"
    file.parent.mkdir()
    shutil.copy(Path(__file__).parents[1] / "engines" / "gated_engines.py", file.parent)
    file.write_text("0")
    return file


@pytest.fixture
def client(make_daemon: Callable[..., Any], pace: Path) -> Iterator[Client]:
    gated = {"gated_stabilizer": ("gated_engines:GATED_STABILIZER", str(pace.parent))}
    daemon = make_daemon(engines=gated, decoding=f"event={EVENT_S},round={ROUND_S}")
    with Client(daemon.socket) as opened:
        yield opened


def test_jobs_wait_for_the_decoder_and_one_beyond_it_is_refused(
    client: Client, pace: Path, eventually: Callable[..., None]
) -> None:
    code = codes.parse(CODE)
    events = events_per_round(code, TILES * code.physical_qubits, NoiseModel.circuit(1e-3))
    load = events * EVENT_S / ROUND_S
    assert 0.85 / 2 < load < 0.85
    wish: dict[str, Any] = {"engine": "gated_stabilizer", "shots": 100, "qec": CODE}
    first = client.submit(program(), noise="p=1e-3", seed=1, **wish).job_id
    eventually(lambda: client.status(first).state == "RUNNING", "the start of the first")
    alone = client.run(program(), engine="stabilizer", shots=100, seed=3)
    assert sum(alone.counts.values()) == 100, "a job without a machine asks nothing of the decoder"
    second = client.submit(program(), noise="p=1e-3", seed=2, **wish).job_id
    status = client.status(second)
    assert (status.state, status.decoder_load) == ("QUEUED", pytest.approx(load))

    with pytest.raises(QmkError) as caught:
        client.submit(program(), noise="p=2e-3", seed=4, **wish)
    assert (caught.value.kind.name, caught.value.fields["resource"]) == ("RESOURCE_EXHAUSTED", "decoder_load")
    assert 0.85 < caught.value.fields["asked"] < 3 * load

    told = client.estimate(program(), qec=CODE, noise="p=2e-3").footprint
    assert told is not None
    assert told.decoder_load == pytest.approx(caught.value.fields["asked"])

    pace.write_text("9")
    assert client.wait(second).state == "COMPLETED"
    footprint = client.result(second).provenance.footprint
    assert footprint is not None
    assert (footprint.events_per_round, footprint.decoder_load) == (pytest.approx(events), pytest.approx(load))
    started, ended = client.status(second).started, client.status(first).ended
    assert started is not None
    assert ended is not None
    assert ended <= started
