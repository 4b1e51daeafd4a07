"""``qmk engines``: the engines found, whether each can run here, and what it can do."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options

if TYPE_CHECKING:
    from qmk.sdk.engine import Capabilities, Declaration


@click.command()
@options.json_option
def command(as_json: bool) -> None:
    """List the engines: what each can do, and whether its libraries are installed."""
    from qmk.cli import output
    from qmk.sdk.discovery import engines

    found = engines()
    if as_json:
        output.json_object({"engines": [describe(found[name]) for name in sorted(found)]})
        return
    rows = [row for name in sorted(found) for row in _rows(found[name])]
    output.table(("engine", "method", "library", "qubits", "feed-forward", "gates", "what"), rows)


def availability(declaration: Declaration) -> tuple[bool, str]:
    """Whether the engine's libraries are here; if not, what to install."""
    missing = [name for name in declaration.requires if importlib.util.find_spec(name) is None]
    if not missing:
        return True, ""
    extra = f"pip install 'quantum-microkernel[{declaration.extra}]'" if declaration.extra else "install them"
    return False, f"needs {', '.join(missing)}: {extra}"


def versions(declaration: Declaration) -> dict[str, str]:
    """Version of each library under the engine that is installed."""
    distributions = importlib.metadata.packages_distributions()
    found: dict[str, str] = {}
    for module in declaration.requires:
        for distribution in distributions.get(module.partition(".")[0], ())[:1]:
            found[distribution] = importlib.metadata.version(distribution)
    return found


def describe(declaration: Declaration) -> dict[str, Any]:
    available, reason = availability(declaration)
    methods = [{"method": name, **_capability_fields(caps)} for name, caps in declaration.methods.items()]
    return {
        "engine": declaration.name,
        "doc": declaration.doc,
        "available": available,
        "reason": reason,
        "versions": versions(declaration),
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
    available, reason = availability(declaration)
    libraries = [f"{name} {version}" for name, version in versions(declaration).items()]
    library = (libraries or ["built in"])[0] if available else "not installed"
    rows: list[tuple[str, ...]] = []
    for number, (method, caps) in enumerate(declaration.methods.items()):
        first = number == 0
        rows.append(
            (
                declaration.name if first else "",
                method or "-",
                library if first else "",
                "by memory" if caps.max_qubits is None else f"up to {caps.max_qubits}",
                caps.feed_forward,
                f"{len(caps.gates)}{' Clifford' if caps.clifford else ''}",
                (declaration.doc if available else reason) if first else ("" if caps.exact else "approximate"),
            )
        )
    return rows
