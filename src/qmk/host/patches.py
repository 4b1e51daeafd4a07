"""The port through which programs for machines of logical qubits are written on their way to an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from qmk.abi.shapes import Footprint, Qec
from qmk.base.errors import QmkError
from qmk.host.translations import Wanted
from qmk.qvm.graph import Graph, digest, pack, unpack
from qmk.worker.messages import Rewrite


class Written(NamedTuple):
    """The program in the gates of the machine, also packed, its digest, and what it takes there; of one written anew
    also why it is so."""

    graph: Graph
    packed: bytes
    digest: str
    footprint: Footprint
    reason: str = ""


Then = Callable[[Written | None, QmkError | None], None]
"""The callback that gets the outcome: a program, or an error."""


class Wish(NamedTuple):
    """A packed program, and the machine that it is to be written for at Unix time ``now_s``; with ``rewrite``, the rest
    of one that was written before. ``owner``: the tenant, so that nobody waits for all of another's programs.
    ``wanted``: what will be asked of the program that comes out."""

    packed: bytes
    qec: Qec
    owner: str
    now_s: float
    rewrite: Rewrite | None = None
    wanted: Wanted = Wanted()


class Writing(Protocol):
    """Writes programs for machines."""

    def write(self, wish: Wish, then: Then) -> None:
        """``then`` is called once, now or later."""
        ...


class Here:
    """Writes programs in this process and at once, for a kernel with one caller."""

    def write(self, wish: Wish, then: Then) -> None:
        from qmk.models.qec.logical import on_request

        try:
            found = on_request(unpack(wish.packed), wish.qec, wish.now_s, wish.rewrite)
        except QmkError as error:
            then(None, error)
        else:
            then(Written(found.graph, pack(found.graph), digest(found.graph), found.footprint, found.reason), None)
