"""The pass protocol: a graph to a graph with the same meaning, proved on random programs by ``kit.pass_kit``.

Entry-point group ``qmk.passes``. Passes are user mode: the kernel verifies whatever they make, again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from qmk.qvm.graph import Graph


class Rewritten(msgspec.Struct, frozen=True):
    """``report``: what was done, as the pass counts it."""

    graph: Graph
    report: dict[str, Any] = {}


class Pass(msgspec.Struct, frozen=True):
    """``run`` takes a verified graph and keeps the joint distribution of everything that its outputs show.

    It raises ``QmkError`` UNSUPPORTED, naming the node, for a program that it would change the meaning of."""

    name: str
    doc: str
    run: Callable[[Graph], Rewritten]
