"""``qmk engines``: the engines found, whether each can run here, and what it can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output

if TYPE_CHECKING:
    from qmk.sdk.engine import Capabilities, Declaration


@click.command()
@options.engine_python_option
@options.json_option
def command(as_json: bool) -> None:
    """List the engines: what each can do, and whether its libraries are installed."""
    from qmk.sdk.discovery import engines, problems

    found, broken = engines(), problems("engines")
    listed = [describe(found[name]) for name in sorted(found)]
    failed = [{"engine": name, "error": broken[name]} for name in sorted(broken)]
    rows = [row for name in sorted(found) for row in _rows(found[name])]
    rows += [(name, "-", "cannot be loaded", "", "", "", f"error: {broken[name]}") for name in sorted(broken)]
    head = ("engine", "method", "library", "qubits", "feed-forward", "gates", "what")
    output.show(as_json, {"engines": listed, "broken": failed}, output.table(head, rows))


def library_text(declaration: Declaration) -> str:
    """The library under the engine with its version, or that it is not installed."""
    from qmk.sdk.discovery import available

    state = available(declaration)
    if not state.ok:
        return "not installed"
    return f"{declaration.library} {state.version}" if state.version else "built in"


def describe(declaration: Declaration) -> dict[str, Any]:
    from qmk.sdk.discovery import available

    state = available(declaration)
    methods = [{"method": name, **_capability_fields(caps)} for name, caps in declaration.methods.items()]
    return {
        "engine": declaration.name,
        "doc": declaration.doc,
        "available": state.ok,
        "missing": state.missing,
        "fix": state.hint,
        "library": declaration.library,
        "version": state.version,
        "methods": methods,
    }


def _capability_fields(caps: Capabilities) -> dict[str, Any]:
    return {
        "gates": sorted(caps.gates),
        "clifford_only": caps.clifford,
        "mid_circuit": caps.mid_circuit,
        "reset": caps.reset,
        "feed_forward": caps.feed_forward,
        "max_qubits": caps.max_qubits,
        "exact": caps.exact,
        "outputs": sorted(caps.outputs),
    }


def _rows(declaration: Declaration) -> list[tuple[str, ...]]:
    from qmk.sdk.discovery import available

    state = available(declaration)
    rows: list[tuple[str, ...]] = []
    for method, caps in declaration.methods.items():
        size = "by memory" if caps.max_qubits is None else f"up to {caps.max_qubits}"
        gates = f"{len(caps.gates)}{' Clifford' if caps.clifford else ''}{'' if caps.exact else ' approximate'}"
        if rows:
            rows.append(("", method, "", size, caps.feed_forward, gates, ""))
        else:
            what = declaration.doc if state.ok else f"fix: {state.hint}"
            first = (declaration.name, method or "-", library_text(declaration))
            rows.append((*first, size, caps.feed_forward, gates, what))
    return rows
