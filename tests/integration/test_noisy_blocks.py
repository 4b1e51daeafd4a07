"""Programs with noise that are divided into blocks: trajectories are shots, whose bits do not depend on the slots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import qmk
from qmk.client import Client

Make = Callable[..., Any]

HEAD = 'OPENQASM 3.0; include "stdgates.inc"; '
GATES = "".join(f"ry({0.2 + qubit / 5}) q[{qubit}]; cx q[{qubit}], q[{(qubit + 1) % 8}];" for qubit in range(8))
PROGRAM = f"{HEAD} qubit[8] q; for int i in [0:1] {{ {GATES} }} bit[8] c = measure q;"
BLOCKS = 8
ASKED: dict[str, Any] = {
    "shots": 2000,
    "seed": 21,
    "split": BLOCKS,
    "engine": "aer:statevector",
    "noise": "depolarizing=0.003,amplitude_damping=0.02,readout=0.01",
}


@pytest.fixture(scope="module")
def here() -> Any:
    """The divided program in this process."""
    found = qmk.run(PROGRAM, **ASKED)
    assert found.provenance.reasons[0]["reason"] == "2000 trajectories"
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_trajectories_are_the_same_on_any_number_of_slots(make_daemon: Make, here: Any, workers: int) -> None:
    daemon = make_daemon(workers=workers)
    with Client(daemon.socket) as client:
        found = client.run(PROGRAM, **ASKED)
        assert found.counts == here.counts
        assert (found.packed_events() == here.packed_events()).all()
        rows = client.jobs(tags=["qmk:block", f"script:{found.job_id}"]).jobs
        assert len(rows) == (0 if workers == 1 else BLOCKS)
