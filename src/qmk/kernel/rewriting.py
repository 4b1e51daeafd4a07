"""Events of programs that are written anew at a fence, since their noise has drifted; see ``machines``."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from qmk.abi.shapes import Footprint
from qmk.kernel.events import Event, Record, Submitted
from qmk.qvm.graph import Graph


class Recalibrated(Event, frozen=True):
    """The host answered a ``Recalibrate`` effect: the program of the job from epoch ``epoch`` + 1 on written anew, what
    the job then takes, and why. Without a graph it could not be written."""

    job: str
    fence: int
    epoch: int
    calibrated_s: float
    reason: str
    graph: Graph | None = None
    footprint: Footprint | None = None


class Rewritten(Record, frozen=True):
    """Journal record: the job goes on with another program, whose first ``epoch`` epochs are those of the one before;
    its launch is over. ``digest``, ``graph``, ``graph_bytes``, ``nodes``, ``epoch_nodes`` and ``footprint`` take the
    place of those of ``Submitted``; ``change`` is what its result tells (``q_result.Change``)."""

    job: str
    fence: int
    epoch: int
    digest: str
    graph: bytes
    """Packed; a replay has none, they stay in the host's store."""
    graph_bytes: int
    nodes: int
    epoch_nodes: list[int]
    footprint: Footprint
    change: dict[str, Any]


class ChangeRefused(Record, frozen=True):
    """Journal record: a change that a calibration called for could not be made; ``change`` as in ``Rewritten``."""

    job: str
    fence: int
    change: dict[str, Any]


def apply(record: Submitted, change: Rewritten) -> Submitted:
    """The job's record as it is from then on, without the graph."""
    return structs.replace(
        record,
        digest=change.digest,
        graph_bytes=change.graph_bytes or len(change.graph),
        nodes=change.nodes,
        epoch_nodes=change.epoch_nodes,
        footprint=change.footprint,
    )
