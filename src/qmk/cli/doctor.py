"""``qmk doctor``: what of this machine could stop QMK from working well, and how to mend it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from qmk.base.units import bytes_text
from qmk.cli import options, output, terminal

State = Literal["ok", "warning", "error"]
WAL_FIX_VERSION = (3, 51, 3)
"""First SQLite whose write-ahead log cannot lose commits when a reset races with a reader."""
LITTLE_MEMORY_BYTES = 2 << 30


class Check(msgspec.Struct, frozen=True):
    """One check of this machine. ``fix`` says what to do when ``state`` is not ok."""

    name: str
    state: State
    found: str
    fix: str = ""


@click.command()
@options.json_option
@options.socket_option
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="PATH",
    help="Check this data folder instead, whose daemon is stopped: every page, checksum and blob of it.",
)
@click.option(
    "--repair",
    "repairing",
    is_flag=True,
    help="Write a fresh journal of all that is whole in the data folder, and keep the damaged one beside it.",
)
def command(as_json: bool, socket_path: str | None, data_dir: Path | None, repairing: bool) -> int:
    """Check Python, SQLite, engines, memory, cores and the daemon, with a fix for whatever is wrong.

    With --data-dir, check the journal and the results of a stopped daemon: what is whole and what is lost, by job and
    tenant; the exit code is 1 if something is damaged.
    """
    if data_dir is not None or repairing:
        from qmk.cli import folder
        from qmk.rpc.places import state_dir

        return (folder.mend if repairing else folder.examine)(data_dir or state_dir(), as_json)
    checks = [
        *(check() for check in CHECKS),
        *isolation_checks(),
        *engine_checks(),
        *broken_plugin_checks(),
        daemon_check(socket_path),
    ]
    healthy = all(check.state != "error" for check in checks)
    output.show(as_json, {"ok": healthy, "checks": checks}, text(checks))
    return 0 if healthy else 3


def text(checks: list[Check]) -> list[str]:
    """Writes one line a check, with its fix under it."""
    colours = {"ok": "green", "warning": "yellow", "error": "red"}
    width = max(len(check.name) for check in checks)
    lines: list[str] = []
    for check in checks:
        state = terminal.style(f"{check.state:<8}", colours[check.state])
        lines.append(f"{state} {check.name:<{width}}  {check.found}")
        if check.fix and check.state != "ok":
            lines.append(f"{'':<8} {'':<{width}}  fix: {check.fix}")
    return lines


def python_check() -> Check:
    found = f"{platform.python_implementation()} {platform.python_version()}"
    supported = sys.version_info >= (3, 11) and sys.implementation.name == "cpython"
    return Check("python", "ok" if supported else "error", found, "install CPython 3.11 or newer")


def platform_check() -> Check:
    found = f"{platform.system()} {platform.machine()}"
    state = "ok" if platform.system() == "Linux" else "warning"
    return Check("platform", state, found, "the daemon is tested on Linux; qmk run works elsewhere too")


def sqlite_check() -> Check:
    """The SQLite the journal will use: the bundled one where the system's has the WAL-reset defect."""
    sources = {name: version for name, version in sqlite_versions().items() if version}
    found = ", ".join(f"{name} {'.'.join(map(str, version))}" for name, version in sources.items())
    state = "ok" if any(version >= WAL_FIX_VERSION for version in sources.values()) else "warning"
    fix = "the journal's write-ahead log can lose commits with SQLite before 3.51.3; pip install -U pysqlite3"
    return Check("sqlite", state, found or "none", fix)


def sqlite_versions() -> dict[str, tuple[int, ...] | None]:
    """Version of the bundled SQLite and of Python's own; None where the module is missing."""
    import importlib

    found: dict[str, tuple[int, ...] | None] = {}
    for label, module in (("bundled", "pysqlite3"), ("system", "sqlite3")):
        try:
            version: str = importlib.import_module(module).sqlite_version
        except ImportError:
            found[label] = None
        else:
            found[label] = tuple(int(part) for part in version.split("."))
    return found


def memory_check() -> Check:
    from qmk.host import machine

    available = machine.memory_bytes()
    state = "ok" if available >= LITTLE_MEMORY_BYTES else "warning"
    qubits = max(0, (available // 16).bit_length() - 1)
    found = f"{bytes_text(available)} available: a full state vector of {qubits} qubits"
    return Check("memory", state, found, "close other programs; large circuits are refused, small ones still run")


def cores_check() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check("cores", "ok", f"{cores} usable")


def state_directory_check() -> Check:
    from qmk.host.config import state_dir

    path = state_dir()
    place = next(parent for parent in (path, *path.parents) if parent.exists())
    if os.access(place, os.W_OK):
        return Check("state", "ok", f"{path} is writable")
    return Check("state", "error", f"{path} cannot be written", f"make {place} writable, or set QMK_STATE_DIR")


CHECKS: tuple[Callable[[], Check], ...] = (
    python_check,
    platform_check,
    sqlite_check,
    memory_check,
    cores_check,
    state_directory_check,
)


def isolation_checks() -> list[Check]:
    """One check a level of isolation. What is missing is a warning for the jail, which jobs get where it is there, and
    the level that they get is named."""
    from qmk.host.isolation.drivers import passthrough
    from qmk.host.isolation.policy import DEFAULT_LEVEL
    from qmk.host.isolation.probe import probe

    rows: list[Check] = []
    found_levels = probe()
    usual = DEFAULT_LEVEL if found_levels[DEFAULT_LEVEL].available else "process"
    for row in found_levels.values():
        cost = f", {row.cost_ms:.1f} ms for {row.cost_of}" if row.cost_ms else ""
        state = "ok" if row.available or row.level != "jail" else "warning"
        own = "; jobs run at it unless another is asked for" if row.level == usual else ""
        found = f"available{cost}{own}" if row.available else f"not available: {row.reason}"
        rows.append(Check(f"isolation {row.level}", state, found, row.fix))
    return [*rows, Check("isolation devices", "ok", passthrough.found_here())]


def engine_checks() -> list[Check]:
    """One check an engine; none found at all is an error, as nothing could run."""
    from qmk.cli.engines import library_text
    from qmk.sdk.discovery import available, engines

    found = engines()
    if not found:
        return [Check("engines", "error", "none found", "reinstall quantum-microkernel: its engines are missing")]
    checks: list[Check] = []
    for name, declaration in sorted(found.items()):
        state = available(declaration)
        checks.append(Check(f"engine {name}", "ok" if state.ok else "warning", library_text(declaration), state.hint))
    return checks


def broken_plugin_checks() -> list[Check]:
    """One warning for each plug-in that cannot be loaded, with its error."""
    from qmk.sdk.discovery import problems

    kinds = {"engines": "engine", "frontends": "front-end", "passes": "pass"}
    return [
        Check(f"{kind} {name}", "warning", "cannot be loaded", f"correct or uninstall it: {error}")
        for group, kind in kinds.items()
        for name, error in sorted(problems(group).items())
    ]


def daemon_check(socket_path: str | None) -> Check:
    """Whether a daemon answers. None running is fine: ``qmk run`` needs none."""
    from qmk.base.errors import QmkError
    from qmk.cli.session import connect

    try:
        with connect(socket_path) as client:
            found = client.query_resources().capacity.get("cluster")
    except QmkError as error:
        if error.kind.name == "CONNECTION_LOST" and not (socket_path or "server" in error.fields):
            return Check("daemon", "ok", "none running (only submit, status, result and cancel need one: qmk serve)")
        fix = error.fields.get("help") or error.fields.get("hint") or "start it with: qmk serve"
        return Check("daemon", "warning", error.message, str(fix))
    return cluster_check(found) if found else Check("daemon", "ok", "answers")


def cluster_check(found: dict[str, Any]) -> Check:
    """How many slots of the daemon's cluster are up, and where."""
    up = sum(found["nodes"].values())
    where = ", ".join(f"{count} on {node[:12]}" for node, count in sorted(found["nodes"].items()))
    text = f"answers; {up} of {found['slots']} slots are up on its {found['kind']} cluster{where and f' ({where})'}"
    if up == found["slots"]:
        return Check("daemon", "ok", text)
    fix = "slots wait for free processors of the cluster: add a node, or ask qmk serve for fewer --workers"
    return Check("daemon", "warning", text, fix)
