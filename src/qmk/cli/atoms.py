"""``qmk atoms``: devices of neutral atoms, what they allow, and whether a program keeps it."""

from __future__ import annotations

from typing import Any

import click

from qmk.cli import choices, options, output
from qmk.cli.atom_memory import memory
from qmk.cli.failure import Console


@click.group(name="atoms")
def command() -> None:
    """Neutral atoms: list devices, show one, check a program or a device, list versions of instructions, measure how
    well a code remembers where atoms are lost."""


command.add_command(memory)


@command.command(short_help="list the devices")
@options.json_option
def devices(as_json: bool) -> None:
    """List the devices that --device takes."""
    from qmk.models.atoms import facts, profiles

    rows = [(row.name, facts.runs(row), facts.size(row), row.doc) for row in profiles().values()]
    named = [dict(zip(("name", "runs", "atoms", "doc"), row, strict=True)) for row in rows]
    output.show(as_json, named, output.table(("device", "runs", "atoms", "what"), rows))


@command.command(short_help="show a device")
@click.argument("name", shell_complete=choices.devices)
@options.json_option
def show(name: str, as_json: bool) -> None:
    """Show the device NAME (or NAME:CONFIGURATION, or a JSON file), and check that its parts fit each other."""
    from qmk.models.atoms.facts import facts
    from qmk.models.atoms.on_device import device
    from qmk.models.atoms.sound import require

    profile, configuration = device(name)
    require(profile)
    if profile.geometry is not None:
        profile.geometry.occupied_sites(configuration)
    lines = [f"  {word}: {text}" for word, text in facts(profile, configuration).items() if text]
    sources = [f"  source: {source}" for source in profile.sources]
    output.show(as_json, profile, [f"{profile.name}: {profile.doc}", *lines, *sources])


@command.command(short_help="check a program against a device")
@options.program_options
@options.device_option
@click.option(
    "--isa", default="", metavar="VERSION", help="Also against this version of the instructions, such as 1.1."
)
@click.option("--shots", "-n", type=click.IntRange(0), metavar="N", help="Shots that are to be run.")
@options.json_option
@click.pass_obj
def check(
    console: Console,
    program: str,
    format_name: str | None,
    params: dict[str, Any],
    device: str | None,
    isa: str,
    shots: int | None,
    as_json: bool,
) -> None:
    """Say every rule that PROGRAM breaks on --device, each with its code; or how long it takes there.

    A program with a timeline in its metadata has this checked too.
    """
    from qmk.base.errors import invalid_graph
    from qmk.cli import source
    from qmk.models.atoms import on_device
    from qmk.models.atoms.timeline import check_timeline, timeline_of

    if device is None:
        raise click.UsageError("name a device with --device; 'qmk atoms devices' lists them")
    loaded = source.load(program, format_name, params, console)
    profile, configuration = on_device.device(device)
    timed = timeline_of(loaded.graph) is not None and profile.geometry is not None
    found = check_timeline(loaded.graph, profile) if timed else []
    if found:
        raise invalid_graph(found)
    timeline = on_device.on_device(loaded.graph, profile, configuration, isa, shots).timeline
    counts = {word: sum(row.op == f"atoms.{word}" for row in timeline.timeline) for word in ("move", "wait")}
    known = f"{counts['move']} moves, {counts['wait']} waits"
    text = f"{profile.name} runs it in {timeline.duration_us:.6g} us: {len(timeline.timeline)} timed ops, {known}"
    output.show(as_json, timeline, text)


@command.command(short_help="list versions of the instructions")
@options.json_option
def isa(as_json: bool) -> None:
    """Say which version of the instructions has what."""
    from qmk.models.atoms.isa import FEATURES, VERSIONS, matrix

    found = matrix()
    rows = [(*("yes" if found[f.name][v] else "-" for v in VERSIONS), f.name, f.doc) for f in FEATURES]
    told = {"versions": VERSIONS, "features": found}
    output.show(as_json, told, output.table((*VERSIONS, "feature", "what"), rows))
