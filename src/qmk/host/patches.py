"""Programs for machines of logical qubits, on their way to an engine: who writes them, and the port for that."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from qmk.abi.shapes import Footprint, Qec
from qmk.base.errors import QmkError
from qmk.qvm.graph import Graph, digest, pack, unpack


class Written(NamedTuple):
    """The program in the gates of the machine, also packed, its digest, and what it takes there."""

    graph: Graph
    packed: bytes
    digest: str
    footprint: Footprint


Then = Callable[[Written | None, QmkError | None], None]
"""What hears of the outcome: a program, or an error."""


class Writing(Protocol):
    """Writes programs for machines. ``owner``: the tenant, so that nobody waits for all of another's programs."""

    def write(self, packed: bytes, qec: Qec, owner: str, then: Then) -> None:
        """``then`` is called once, now or later."""
        ...


class Here:
    """In this process and at once: for a kernel of one caller."""

    def write(self, packed: bytes, qec: Qec, owner: str, then: Then) -> None:
        from qmk.models.qec.logical import placed

        try:
            found = placed(unpack(packed), qec.machine, qec.noise)
        except QmkError as error:
            then(None, error)
        else:
            then(Written(found.graph, pack(found.graph), digest(found.graph), found.footprint), None)
