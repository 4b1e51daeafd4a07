"""A circuit's items as a graph: the one that OpenQASM text of the same program gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from qmk.base.errors import QmkError
from qmk.circuit.items import Assign, Else, End, If, Item, ModifiedGate, Step
from qmk.frontends.openqasm.replay import PARAMS, BitRegister, QubitRegister, Replay
from qmk.frontends.openqasm.sources import Refusal
from qmk.qvm.graph import Graph

__all__ = ["PARAMS", "BitRegister", "QubitRegister", "build"]


def build(
    qubits: Sequence[QubitRegister],
    bits: Sequence[BitRegister],
    items: Iterable[Item],
    values: Mapping[str, Any],
    metadata: dict[str, Any],
    later: frozenset[int] = frozenset(),
) -> Graph:
    """The graph, not verified. Parameters that have no value in ``values`` stay expressions in its args. ``later``: the
    qubits that an item allocates; all others are allocated at the start."""
    replay = Replay(qubits, bits, dict(values), later)
    try:
        for item in items:
            _run(replay, item)
        return replay.finish(metadata)
    except Refusal as refusal:
        raise QmkError("INVALID_PARAMS", refusal.message, field="program", help=refusal.help) from None


def _run(replay: Replay, item: Item) -> None:
    branching = replay.branching
    if type(item) is tuple and not branching.skips:
        replay.gate(*cast("ModifiedGate", item))
    elif isinstance(item, If):
        branching.open(item.condition)
    elif isinstance(item, Else):
        branching.turn()
    elif isinstance(item, End):
        branching.close()
    elif branching.skips:
        return
    elif isinstance(item, Step):
        replay.step(*item)
    elif isinstance(item, Assign):
        branching.bits[item.bit] = branching.value(item.value)
