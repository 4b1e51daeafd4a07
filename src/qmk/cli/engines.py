"""``qmk engines``: the engines found, whether each can run here, and what it can do; environments of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import choices, options, output, terminal

if TYPE_CHECKING:
    from qmk.sdk.engine import Capabilities, Declaration


FEW_PACKAGES = 10
"""So many are listed before they are installed."""


@click.group(name="engines", invoke_without_command=True)
@options.engine_python_option
@options.json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the engines: what each can do, whether its libraries are installed, and where it lives if that is an
    environment of its own. The commands make and remove such environments."""
    if ctx.invoked_subcommand is None:
        _list(as_json)


@command.command(short_help="give an engine or a framework an environment of its own")
@click.argument("name", shell_complete=choices.installable)
@click.option(
    "--python",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PATH",
    help="The Python of the environment; that of QMK if not given, or a newer one where the library needs it.",
)
@click.option("--upgrade", is_flag=True, help="Bring an environment that is there up to date.")
@options.json_option
def install(name: str, python: Path | None, upgrade: bool, as_json: bool) -> None:
    """Install the library of engine NAME into an environment of its own, apart from QMK's packages and everybody
    else's. Later runs find it there by themselves. Or install a framework that quarrels with QMK's packages, with QMK
    beside it: its Python runs scripts that use both. What pip is set to (PIP_INDEX_URL, pip.conf) holds."""
    from qmk.sdk import discovery, environments
    from qmk.sdk.frameworks import FRAMEWORKS

    if name not in FRAMEWORKS:
        options.check_engine(name)
    declaration = environments.find(name)
    wanted = environments.requirements(declaration)
    what = ", ".join(wanted) if len(wanted) <= FEW_PACKAGES else f"{len(wanted)} packages"
    terminal.say(f"installing {what}; a large library takes minutes", err=True)
    made = environments.install(declaration, python, upgrade)
    if name in FRAMEWORKS:
        inside = made.path / "bin" / "python"
        shown = {"framework": name, "path": str(made.path), "python": str(inside)}
        output.show(as_json, shown, f"{name} is in {made.path}; run scripts with {inside}")
        return
    declaration = discovery.engine(name)
    state = discovery.available(declaration)
    shown = {"engine": name, "path": str(made.path), "available": state.ok, "version": state.version, "fix": state.hint}
    rows = [f"{name} {state.version} is in {made.path}" if state.ok else f"{name} cannot run yet: {state.hint}"]
    if state.ok and state.python != str(made.path / "bin" / "python"):
        rows.append(f"note: runs use {state.python}, which comes first")
    output.show(as_json, shown, rows)


@command.command(short_help="remove such an environment")
@click.argument("name", shell_complete=choices.removable)
@options.json_option
def remove(name: str, as_json: bool) -> None:
    """Remove the environment that 'qmk engines install' has made for engine or framework NAME."""
    from qmk.sdk import environments

    path = environments.remove(name)
    output.show(as_json, {"engine": name, "removed": str(path)}, f"removed {path}")


def _list(as_json: bool) -> None:
    from qmk.sdk.discovery import engines, problems

    found, broken = engines(), problems("engines")
    listed = [describe(found[name]) for name in sorted(found)]
    failed = [{"engine": name, "error": broken[name]} for name in sorted(broken)]
    rows = [row for name in sorted(found) for row in _rows(found[name])]
    rows += [(name, "-", "cannot be loaded", "", "", "", f"error: {broken[name]}") for name in sorted(broken)]
    head = ("engine", "method", "library", "qubits", "feed-forward", "gates", "what")
    apart = [f"  {row['engine']} runs with {row['python']}" for row in listed if row["python"]]
    shown = [*output.table(head, rows), *apart, *_environment_lines()]
    output.show(as_json, {"engines": listed, "broken": failed}, shown)


def _environment_lines() -> list[str]:
    """A line for each framework's environment, and for each whose installation was interrupted."""
    from qmk.sdk.environments import list_installed
    from qmk.sdk.frameworks import FRAMEWORKS

    there = list_installed()
    made = [item for item in there if item.record is not None and item.engine in FRAMEWORKS]
    left = [item for item in there if item.record is None]
    rows = [f"  {item.engine} with QMK: {item.path}/bin/python" for item in made]
    return [*rows, *(f"unfinished: {item.path}; 'qmk engines install {item.engine}' starts anew" for item in left)]


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
    methods = [{"method": name, **_capability_fields(caps)} for name, caps in declaration.shown_methods.items()]
    return {
        "engine": declaration.name,
        "doc": declaration.doc,
        "available": state.ok,
        "missing": state.missing,
        "fix": state.hint,
        "library": declaration.library,
        "version": state.version,
        "python": state.python,
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
    for method, caps in declaration.shown_methods.items():
        size = "by memory" if caps.max_qubits is None else f"up to {caps.max_qubits}"
        gates = f"{len(caps.gates)}{' Clifford' if caps.clifford else ''}{'' if caps.exact else ' approximate'}"
        if rows:
            rows.append(("", method, "", size, caps.feed_forward, gates, ""))
        else:
            what = declaration.doc if state.ok else f"fix: {state.hint}"
            first = (declaration.name, method or "-", library_text(declaration))
            rows.append((*first, size, caps.feed_forward, gates, what))
    return rows
