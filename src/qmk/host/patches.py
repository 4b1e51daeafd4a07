"""Programs for machines of logical qubits, on their way to an engine: who writes them, and the port for that."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from qmk.abi.shapes import Footprint, Qec
from qmk.base.errors import QmkError
from qmk.qvm.graph import Graph, unpack


class Written(NamedTuple):
    """The program in the gates of the machine, also packed, and what it takes there."""

    graph: Graph
    packed: bytes
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
        from qmk.qvm.graph import pack

        try:
            found = placed(unpack(packed), qec.machine, qec.noise)
        except QmkError as error:
            then(None, error)
        else:
            then(Written(found.graph, pack(found.graph), found.footprint), None)
