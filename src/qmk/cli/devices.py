"""``qmk devices``: devices of coupled qubits, how old their calibrations are, and what changed between two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output

if TYPE_CHECKING:
    from qmk.models.devices.history import History


@click.group(name="devices")
def command() -> None:
    """Devices of coupled qubits: list those that come with QMK, show one with the age of its calibration, compare two
    calibrations, keep calibrations and show their history."""


@command.command(name="list", short_help="list the devices")
@options.json_option
def list_devices(as_json: bool) -> None:
    """List the snapshots that --device and --target take, with the age of each calibration."""
    from qmk.models.devices.age import age_note
    from qmk.models.devices.names import snapshots, target_named

    named: list[dict[str, Any]] = []
    for target in map(target_named, snapshots()):
        row = {"name": target.name, "sites": target.sites, "pairs": len(target.pairs()), "gates": list(target.gates)}
        named.append({**row, "date": target.date, "calibration": age_note(target.date)})
    rows = [
        (row["name"], str(row["sites"]), str(row["pairs"]), " ".join(row["gates"]), row["calibration"]) for row in named
    ]
    output.show(as_json, named, output.table(("device", "sites", "pairs", "gates", "calibration"), rows))


@command.command(short_help="show a device")
@click.argument("name")
@options.json_option
def show(name: str, as_json: bool) -> None:
    """Show the device NAME (a snapshot, a shape such as grid:3x3, or a JSON file): medians of its numbers, their age,
    and what its calibration does not say."""
    from qmk.models.devices.age import age_note
    from qmk.models.devices.drift import compare
    from qmk.models.devices.names import target_named
    from qmk.models.devices.noise import unknown

    target = target_named(name)
    lines = [f"{target.name}: {target.sites} sites, {len(target.pairs())} pairs, gates {' '.join(target.gates)}"]
    if target.date:
        lines.append(f"  {age_note(target.date)}")
    for kind, (count, median, _) in compare(target, target).medians.items():
        lines.append(f"  {kind}: median {median:.3g}{_unit(kind)} of {count}")
    lines += [f"  not known: {what}" for what in unknown(target)]
    if target.source:
        lines.append(f"  source: {target.source}")
    output.show(as_json, target, lines)


@command.command(short_help="compare two calibrations")
@click.argument("before", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--top", type=click.IntRange(0), default=10, show_default=True, metavar="N", help="Changes to list.")
@options.json_option
def drift(before: Path, after: Path, top: int, as_json: bool) -> None:
    """Say what changed from the calibration BEFORE to AFTER, JSON files of one device: medians, and the numbers that
    grew or shrank by a factor of two or more."""
    from qmk.models.devices import Target
    from qmk.models.devices.age import DAY_S
    from qmk.models.devices.drift import LARGE, compare

    found = compare(Target.load(before), Target.load(after))
    lines = [] if found.seconds is None else [f"{found.seconds / DAY_S:.1f} days apart"]
    for kind, (count, old, new) in found.medians.items():
        lines.append(f"{kind}: median {old:.3g}{_unit(kind)} -> {new:.3g}{_unit(kind)} of {count}")
    lines.append(f"{len(found.large)} numbers changed by a factor of {LARGE:g} or more")
    for row in found.large[:top]:
        sites = "-".join(map(str, row.sites))
        lines.append(f"  {row.kind} on {sites}: {row.before:.3g}{_unit(row.kind)} -> {row.after:.3g}{_unit(row.kind)}")
    lines.append(f"{found.gone} numbers are gone, {found.new} are new")
    output.show(as_json, found, lines)


@command.command(short_help="read a QDMI device library")
@click.argument("library", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", "path", type=click.Path(dir_okay=False, path_type=Path), help="JSON file to write.")
@click.option("--prefix", default="", help="Prefix of its functions, where it has those of several devices.")
@click.option("--session", multiple=True, metavar="NAME=TEXT", help="Parameter of the session, such as custom1=TEXT.")
@options.json_option
def read(library: Path, path: Path | None, prefix: str, session: tuple[str, ...], as_json: bool) -> None:
    """Read the device of a QDMI LIBRARY (1.x), in a process of its own, as a target that --target, --device and qmk
    devices keep take. The library is code, and runs with your rights: name one that you trust."""
    import msgspec

    from qmk.base.errors import QmkError
    from qmk.models.devices.qdmi import read_library

    if wrong := next((text for text in session if "=" not in text), None):
        raise QmkError("INVALID_PARAMS", f"--session {wrong} has no '='", help="write it as custom1=TEXT")
    target = read_library(library, prefix, dict(text.split("=", 1) for text in session))
    if path is not None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(target), indent=2) + b"\n")
    pairs = len(target.pairs())
    line = f"{target.name}: {target.sites} sites, {pairs} pairs, gates {' '.join(target.gates)}"
    output.show(as_json, target, [line, *([f"written to {path}"] if path is not None else [])])


@command.command(short_help="keep calibrations")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.json_option
def keep(files: tuple[Path, ...], as_json: bool) -> None:
    """Keep the calibrations in FILES, JSON of targets, in the data folder; the same one twice is kept once."""
    import time

    from qmk.models.devices import Target
    from qmk.models.devices.age import age_note

    history = _history()
    rows = [history.keep(Target.load(path), str(path), time.time()) for path in files]
    lines = [
        f"{row.target.name}: {row.digest[:12]}, {age_note(row.target.date) if row.target.date else 'without a date'}"
        for row in rows
    ]
    output.show(as_json, [{"name": row.target.name, "digest": row.digest, "source": row.source} for row in rows], lines)


@command.command(short_help="the calibrations that were kept")
@click.argument("name", required=False)
@options.json_option
def history(name: str | None, as_json: bool) -> None:
    """Show the calibrations of the device NAME that were kept (qmk devices keep), the oldest first: age, where each
    came from, medians, and the number that changed most since the one before. Without NAME: the devices that have
    some."""
    from qmk.models.devices.age import age_note

    kept = _history()
    if name is None:
        names = kept.names()
        output.show(as_json, names, names or ["no calibrations are kept: qmk devices keep FILE"])
        return
    moments = kept.moments(name)
    lines: list[str] = []
    for row in moments:
        lines.append(f"{row.digest[:12]}  {age_note(row.date) if row.date else 'without a date'}, from {row.source}")
        lines += [f"  {kind}: median {value:.3g}{_unit(kind)}" for kind, value in row.medians.items()]
        if row.largest is not None and row.largest[0] > 1:
            factor, kind, sites = row.largest
            lines.append(f"  changed most: {kind} on {'-'.join(map(str, sites))}, by a factor of {factor:.3g}")
    first, last = moments[0], moments[-1]
    if len(moments) > 1:
        lines.append(f"over {(last.at_s - first.at_s) / 86400:.1f} days, in {len(moments)} calibrations:")
        for kind, value in last.medians.items():
            if kind in first.medians:
                lines.append(f"  {kind}: median {first.medians[kind]:.3g} -> {value:.3g}{_unit(kind)}")
    output.show(as_json, moments, lines)


def _history() -> History:
    from qmk.models.devices.history import FOLDER, History
    from qmk.rpc import places

    return History(places.state_dir() / FOLDER)


def _unit(kind: str) -> str:
    return " s" if kind in ("T1", "T2") else ""
