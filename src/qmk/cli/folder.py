"""``qmk doctor --data-dir``: what of a daemon's data folder is whole, and its repair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qmk.cli import output, terminal

if TYPE_CHECKING:
    from qmk.host.survey import Survey

DAMAGED = 1
SHOWN = 20
_LABEL = 9


def examine(data_dir: Path, as_json: bool) -> int:
    """Says what is whole and what is lost, and changes nothing."""
    from qmk.host.config import HostConfig
    from qmk.host.places import Lock
    from qmk.host.survey import require_journal, survey

    require_journal(data_dir)
    with Lock(HostConfig(data_dir=data_dir).lock_path):
        found = survey(data_dir)
    lines = _describe(found)
    if found.can_be_mended:
        lines.append(f"{'fix':<{_LABEL}}qmk doctor --repair --data-dir {data_dir}")
    elif found.is_damaged:
        lines.append(f"{'fix':<{_LABEL}}restore what is lost from a backup of the data folder")
    output.show(as_json, {"ok": not found.is_damaged, **_fields(found)}, lines)
    return DAMAGED if found.is_damaged else 0


def mend(data_dir: Path, as_json: bool) -> int:
    """Writes a fresh journal of what is whole; nothing where everything is."""
    from qmk.host.config import HostConfig
    from qmk.host.places import Lock
    from qmk.host.repair import repair
    from qmk.host.survey import require_journal, survey

    require_journal(data_dir)
    with Lock(HostConfig(data_dir=data_dir).lock_path):
        found = survey(data_dir)
        done = repair(data_dir) if found.can_be_mended else None
    if done is None:
        output.show(as_json, {"ok": True, "repaired": False, **_fields(found)}, _describe(found))
        return 0
    lines = [
        *_describe(found),
        f"{'repaired':<{_LABEL}}a fresh journal has everything that is whole; start the daemon again",
        f"{'kept':<{_LABEL}}the damaged files, in {done.kept}",
    ]
    if done.failed:
        jobs = "1 job" if len(done.failed) == 1 else f"{len(done.failed)} jobs"
        lines.append(f"{'failed':<{_LABEL}}{jobs}, with an error that says what was lost")
    output.show(
        as_json, {"ok": True, "repaired": True, "kept": done.kept, "failed": done.failed, **_fields(found)}, lines
    )
    return 0


def _fields(found: Survey) -> dict[str, object]:
    """The survey as JSON."""
    return {
        "path": found.path,
        "faults": found.faults,
        "losses": found.losses,
        "notes": found.notes,
        "jobs": found.jobs,
        "whole_jobs": found.whole_jobs,
        "tenants": found.tenants,
    }


def _describe(found: Survey) -> list[str]:
    state = (
        terminal.style(f"{'damaged':<{_LABEL}}", "red") if found.is_damaged else terminal.style("ok       ", "green")
    )
    lines = [f"{state}{found.path}"]
    lines += _block("fault", found.faults)
    lines += _block("lost", [loss.text for loss in found.losses])
    lines += _block("note", found.notes)
    jobs = f"{found.whole_jobs} of {found.jobs} jobs" if found.whole_jobs != found.jobs else f"all {found.jobs} jobs"
    tenants = "1 tenant" if found.tenants == 1 else f"{found.tenants} tenants"
    return [*lines, f"{'whole':<{_LABEL}}{jobs} of {tenants}"]


def _block(label: str, rows: Sequence[str]) -> list[str]:
    """Rows under a label, the first of them beside it."""
    shown = [*rows[:SHOWN], *([f"... and {len(rows) - SHOWN} more; --json lists all"] if len(rows) > SHOWN else [])]
    return [f"{label if not index else '':<{_LABEL}}{row}" for index, row in enumerate(shown)]
