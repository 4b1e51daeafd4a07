"""``qmk devices``: devices of coupled qubits, how old their calibrations are, and what changed between two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qmk.cli import options, output


@click.group(name="devices")
def command() -> None:
    """Devices of coupled qubits: list those that come with QMK, show one with the age of its calibration, compare two
    calibrations."""


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


def _unit(kind: str) -> str:
    return " s" if kind in ("T1", "T2") else ""
