"""An envelope of HUGR to a graph: its module is read, its entry point is followed, and what it reports becomes
registers."""

from __future__ import annotations

from typing import Any

from qmk.base.limits import LIMITS
from qmk.frontends.hugr import MAGIC
from qmk.frontends.hugr.calls import calls
from qmk.frontends.hugr.machine import Machine
from qmk.frontends.hugr.rules import FROM_QIR, HUGR_RULES
from qmk.frontends.hugr.tree import Node, Tree, read_tree
from qmk.frontends.hugr.values import Function, Sum, boolean
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.sources import report_limits
from qmk.frontends.qir import apart
from qmk.frontends.qir.reader import finish
from qmk.ir.parameter_values import read_values
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Inputs, Refused, Source, report_refused

_PLAIN = b"?"
"""The format of an envelope that is JSON."""
_PACKED = 1
"""The flag of an envelope that is compressed."""


def read(source: Source) -> Graph:
    """The graph. Raises INVALID_GRAPH with one finding, UNSUPPORTED where only the package ``hugr`` reads this and it
    is not installed."""
    read_values({}, source.params or {})
    with report_refused(HUGR_RULES, source), report_limits("HUGR-07"):
        tree = read_tree(_json(source.data))
        machine = Machine(tree, calls())
        try:
            return _graph(tree, machine)
        except Refused as refused:
            rule = FROM_QIR.get(refused.rule, refused.rule)
            place = f" ({machine.where})" if machine.where else ""
            raise Refused(rule, refused.message + place, refused.help) from None
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
            message = f"not as HUGR defines it: {type(error).__name__} {str(error)[:80]}"
            raise Refused("HUGR-01", f"{message} ({machine.where})") from None


def inputs(source: Source) -> Inputs:
    """None: a program in HUGR takes no values."""
    return Inputs({}, only_angles=True)


def _json(data: bytes) -> bytes:
    """The package of an envelope, in JSON."""
    head = data[: len(MAGIC) + 2]
    if not head.startswith(MAGIC) or len(head) < len(MAGIC) + 2:
        raise Refused("HUGR-01", f"an envelope begins with {MAGIC.decode()}, a format and flags")
    if head[-2:-1] == _PLAIN and not head[-1] & _PACKED:
        return data[len(head) :]
    return apart.read_hugr(data, LIMITS.source_bytes)


def _entry(tree: Tree) -> int:
    """The function or graph that runs. Raises Refused where none is clear."""
    found = tree.entrypoint
    if tree.nodes[found].op in ("FuncDefn", "DFG"):
        return found
    if tree.nodes[found].op != "Module":
        raise Refused(
            "HUGR-02", f"the entry point is a {tree.nodes[found].label}, which is neither a function nor a graph"
        )
    defined = [k for k in tree.children[found] if tree.nodes[k].op == "FuncDefn"]
    for chosen in (
        [k for k in defined if tree.nodes[k].name == "main"],
        [k for k in defined if tree.nodes[k].visibility == "Public"],
        defined,
    ):
        if len(chosen) == 1:
            return chosen[0]
    names = ", ".join(tree.nodes[k].name[:40] for k in defined[:5]) or "none"
    raise Refused("HUGR-02", f"which function runs is not clear; there are {names}")


def _graph(tree: Tree, machine: Machine) -> Graph:
    entry = _entry(tree)
    given = [_input(machine, each) for each in _types(tree, entry)]
    found = machine.call(Function(entry), given) if tree.nodes[entry].op == "FuncDefn" else machine.region(entry, given)
    returned = [bit for value in found if (bit := _bit(value)) is not None]
    if not machine.recorded and returned:
        machine.results = dict(enumerate(returned))
    return finish(machine, "hugr")


def _bit(value: Any) -> lg.Bit | None:
    """A bit that the program returns, None for another value."""
    is_bit = isinstance(value, Sum) and value.rows in (((), ()), ((), None), (None, ()))
    return value.conditions[1] if is_bit else None


def _types(tree: Tree, entry: int) -> list[Any]:
    first: list[Node] = [tree.nodes[k] for k in tree.children[entry] if tree.nodes[k].op == "Input"]
    return first[0].types if first else []


def _input(machine: Machine, kind: Any) -> Any:
    """A value that the program starts with."""
    if kind == {"t": "Q"}:
        return machine.allocate()
    if kind == {"t": "Sum", "s": "Unit", "size": 2}:
        return boolean(lg.FALSE)
    raise Refused("HUGR-02", f"the program takes a value that is neither a qubit nor a bit: {kind!s:.80}")
