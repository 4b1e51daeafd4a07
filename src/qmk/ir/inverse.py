"""The inverse of reversible nodes: what uncomputing a segment runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.qvm.families import OPS
from qmk.qvm.graph import Node
from qmk.qvm.op import Args, Op

SUFFIX = "_inv"


def inverse_args(op: Op, args: Args) -> dict[str, Any]:
    """The arguments of ``op.inverse`` that undo ``op`` with ``args``, by ``op.negated``: U(t, p, l) is undone by
    U(-t, -l, -p); a power by the negated power, also where it is absent and counts as 1."""
    out, defaults = dict(args), {param.name: param.default for param in op.params}
    for entry in op.negated:
        name, _, source = entry.partition("=")
        out[name] = -args.get(source or name, defaults[name])
    return out


def inverse_node(node: Node, suffix: str = SUFFIX) -> Node:
    """The node that undoes ``node``, its id with ``suffix``. A guard stays: it reads the same events. A barrier is
    its own inverse. Raises UNSUPPORTED for a node that cannot be undone."""
    op = OPS.get(node.op)
    if op is None or not op.reversible:
        raise QmkError("UNSUPPORTED", f"node '{node.id}' ({node.op}) cannot be undone", node=node.id, op=node.op)
    name = op.inverse or op.name
    return msgspec.structs.replace(node, id=node.id + suffix, op=name, args=inverse_args(op, node.args))


def inverse_nodes(nodes: Iterable[Node], suffix: str = SUFFIX) -> tuple[Node, ...]:
    """The nodes that undo ``nodes``: each undone, in reverse order."""
    return tuple(inverse_node(node, suffix) for node in reversed(tuple(nodes)))
