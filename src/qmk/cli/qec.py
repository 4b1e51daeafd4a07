"""``qmk qec``: codes, and how well they remember under a noise model and a decoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qmk.cli import options, output, terminal
from qmk.cli.qec_plan import plan
from qmk.cli.qec_speed import speed

if TYPE_CHECKING:
    from qmk.models.qec.memories import Memory, Threshold

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(name="qec")
def command() -> None:
    """Error correction: list codes, measure logical error rates, find thresholds, compare codes and decoders, plan
    lattice surgery."""


command.add_command(plan)
command.add_command(speed)


def _run_options(command: Command) -> Command:
    for option in (
        click.option(
            "--workers", type=click.IntRange(1, 256), default=1, metavar="N", help="Processes; 1 if not given."
        ),
        click.option(
            "--seed",
            type=click.IntRange(0, 2**63 - 1),
            default=0,
            metavar="N",
            help="Same seed, same counts, on any number of workers; 0 if not given.",
        ),
        click.option(
            "--max-errors", type=click.IntRange(1), metavar="N", help="Stop a run once it has so many logical errors."
        ),
        click.option(
            "--shots", "-n", type=click.IntRange(1, 10**12), default=10_000, metavar="N", help="At most; 10000."
        ),
        click.option("--rounds", type=click.IntRange(1), metavar="N", help="Three times the distance if not given."),
        click.option(
            "--basis",
            type=click.Choice(("XZ", "X", "Z")),
            default="XZ",
            help="Memories to run; XZ runs both and adds their errors.",
        ),
    ):
        command = option(command)
    return command


def _decoder_option(command: Command) -> Command:
    return click.option(
        "--decoder",
        metavar="NAME",
        help="matching, correlated, bp_lsd, tesseract, ...; what suits the code if not given.",
    )(command)


@command.command(name="codes", short_help="list codes, or describe some")
@click.argument("names", metavar="[CODE]...", nargs=-1)
@options.json_option
def list_codes(names: tuple[str, ...], as_json: bool) -> None:
    """List the families of codes, or say what is known of each CODE, and check its operators."""
    from qmk.models.qec import codes

    if not names:
        rows = [(f.name, f.doc, f.distances, codes.make_code(f.name, {}).spec) for f in codes.FAMILIES.values()]
        named = [dict(zip(("family", "doc", "distances", "example"), row, strict=True)) for row in rows]
        output.show(as_json, named, output.table(("family", "what", "distances", "such as"), rows))
        return
    found = [_describe(name) for name in names]
    output.show(as_json, found, (line for row in found for line in _lines(row)))


def _lines(row: dict[str, Any]) -> Iterator[str]:
    yield f"{row['code']}: {row['name']} [[{row['n']},{row['k']},{row['distance']}]]"
    yield f"  {row['physical_qubits']} physical qubits: {row['n']} data, {row['ancillas']} ancillas"
    yield f"  a round of {len(row['cycle'])} layers: {' '.join(row['cycle'])}"
    if row["stabilisers"]:
        yield "  ranks over GF(2): stabilisers {X} + {Z}, gauge operators {gX} + {gZ}, {g} gauge qubits".format(
            **row["stabilisers"], **row["gauges"], g=row["gauge_qubits"]
        )
        yield f"  operators: {'; '.join(row['faults']) or 'as the parameters say'}"
    yield from (f"  note: {note}" for note in (row["note"], row["note_of_name"]) if note)


def _describe(name: str) -> dict[str, Any]:
    from qmk.models.qec import codes, gf2

    code = codes.parse(name)
    ranks: dict[str, dict[str, int]] = {"stabilisers": {}, "gauges": {}}
    if code.hx is not None and code.hz is not None and code.gx is not None and code.gz is not None:
        ranks["stabilisers"] = {"X": gf2.rank(code.hx), "Z": gf2.rank(code.hz)}
        ranks["gauges"] = {"gX": gf2.rank(code.gx), "gZ": gf2.rank(code.gz)}
    return {
        "code": code.spec,
        "name": code.name,
        "n": code.n,
        "k": code.k,
        "distance": code.distance,
        "physical_qubits": code.physical_qubits,
        "ancillas": code.ancillas,
        "gauge_qubits": code.gauge_qubits,
        "cycle": list(code.cycle),
        **ranks,
        "faults": code.faults(),
        "note": code.note,
        "note_of_name": codes.note_of(name),
    }


@command.command(short_help="measure a code's logical error rate")
@click.argument("code")
@click.option("--noise", default="circuit=1e-3", metavar="MODEL", help="circuit=1e-3 if not given; as for qmk run.")
@_decoder_option
@_run_options
@options.json_option
def memory(code: str, noise: str, as_json: bool, basis: str, **given: Any) -> None:
    """Measure the logical error rate of CODE, such as "surface(d=5)", as a memory."""
    from qmk.models.qec import codes, memories

    name_note = codes.note_of(code)
    found = memories.measure_memory(codes.parse(code), noise, bases=basis, **given)
    if as_json:
        output.json_object(found.as_dict())
        return
    label = f"{found.noise} [{found.noise_hash[:12]}]"
    terminal.say(
        f"{found.code.spec}: {found.rounds} round{'s' * (found.rounds != 1)} under {label}, {found.decoder} decoder"
    )
    output.lines(output.table(("basis", "shots", "errors", "per shot", "per round", "95 %"), _basis_rows(found)))
    if len(found.bases) > 1:
        low, high = found.bounds_per_round
        terminal.say(f"X and Z: {found.block_per_round:.3g} per round ({low:.3g} to {high:.3g})")
    if name_note:
        terminal.say(f"note: {name_note}")


def _basis_rows(found: Memory) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for basis, rate in found.bases.items():
        low, high = rate.interval_per_round(found.rounds)
        counts = (str(rate.shots), str(rate.errors_any), f"{rate.per_shot:.3g}")
        rows.append((basis, *counts, f"{rate.per_round(found.rounds):.3g}", f"{low:.3g} to {high:.3g}"))
    return rows


@command.command(short_help="find where the curves of distances cross")
@click.argument("family", metavar="CODE")
@click.option("--distances", default="3,5,7", metavar="D,...", help="3,5,7 if not given.")
@click.option("--p", "grid", default="1e-3:1e-2:6", metavar="LOW:HIGH:N", help="N values, evenly spaced in log p.")
@click.option("--noise", default="circuit", metavar="MODEL", help="A preset, or terms with P, such as biased=P:100.")
@_decoder_option
@click.option("--plot", type=click.Path(dir_okay=False), metavar="FILE", help="Draw the curves as SVG or PNG.")
@_run_options
@options.json_option
def threshold(
    family: str, distances: str, grid: str, noise: str, plot: str | None, as_json: bool, basis: str, **given: Any
) -> None:
    """Measure CODE, such as surface, at several distances and error rates, and say where its curves cross.

    Beside the crossings: the pseudo-threshold of each distance, where a round fails as often as the same number of bare
    qubits, and the best distance at each error rate, which for a code without threshold is not the largest.
    """
    from qmk.cli import plot_file
    from qmk.drawing.curves import error_rates
    from qmk.models.qec import codes, memories

    if plot:
        plot_file.check(plot)
    code = codes.parse(family)
    sizes = [code.with_distance(d) for d in _whole(distances)]
    points: list[memories.Memory] = []
    for size in sizes:
        for p in _grid(grid):
            made = memories.noise_at(noise, p)
            terminal.say(f"measuring {size.spec} at p = {p:.3g}", err=True)
            points.append(memories.measure_memory(size, made, bases=basis, p=p, **given))
    found = memories.threshold(points)
    if plot:
        plot_file.write(error_rates(found), plot)
    if as_json:
        output.json_object(_threshold_dict(found))
        return
    _show(found)
    if plot:
        terminal.say(f"written to {plot}")


def _show(found: Threshold) -> None:
    first = found.points[0]
    distances = sorted({point.code.distance for point in found.points})
    bases = " + ".join(first.bases)
    terminal.say(f"{first.code.name}, {first.decoder} decoder: error per round, {bases}")
    rows: list[tuple[str, ...]] = []
    for p, best in found.best.items():
        cells = [next(x for x in found.curve(d) if x.p == p) for d in distances]
        rows.append((f"{p:.3g}", *(f"{x.block_per_round:.3g}" for x in cells), str(best)))
    output.lines(output.table(("p", *(f"d={d}" for d in distances), "best d"), rows))
    for low, high, place in found.crossings:
        terminal.say(f"d = {low} and {high} cross at p = {place:.3g}")
    if not found.crossings:
        terminal.say("no two curves cross in this range")
    for distance, place in found.pseudo.items():
        terminal.say(f"pseudo-threshold of d = {distance}: p = {place:.3g}")


def _threshold_dict(found: Threshold) -> dict[str, Any]:
    crossings = [{"distances": [low, high], "p": place} for low, high, place in found.crossings]
    suppression = [{"p": p, "distances": [a, b], "factor": x} for p, a, b, x in found.suppression()]
    return {
        "points": [point.as_dict() for point in found.points],
        "crossings": crossings,
        "pseudo_thresholds": {str(distance): place for distance, place in found.pseudo.items()},
        "best_distance": [{"p": p, "distance": distance} for p, distance in found.best.items()],
        "suppression": suppression,
    }


@command.command(short_help="put codes and decoders side by side")
@click.argument("names", metavar="CODE...", nargs=-1, required=True)
@click.option("--noise", default="circuit=1e-3", metavar="MODEL", help="circuit=1e-3 if not given; as for qmk run.")
@click.option("--decoder", "decoders", metavar="NAME", multiple=True, help="May be given several times.")
@_run_options
@options.json_option
def compare(
    names: tuple[str, ...], noise: str, decoders: tuple[str, ...], as_json: bool, basis: str, **given: Any
) -> None:
    """Measure several CODEs, with several decoders, under the same noise, and put them side by side."""
    from qmk.models.qec import codes, memories
    from qmk.models.qec.rates import any_per_round

    found = [
        memories.measure_memory(codes.parse(name), noise, bases=basis, decoder=decoder, **given)
        for name in names
        for decoder in decoders or (None,)
    ]
    title = f"{found[0].noise} [{found[0].noise_hash[:12]}], per round, {' + '.join(found[0].bases)}"
    rows: list[tuple[str, ...]] = []
    for row in found:
        low, high = row.bounds_per_round
        size = (str(row.code.physical_qubits), str(row.code.k), f"{row.code.physical_qubits / row.code.k:.3g}")
        cpu_us = 1e6 * sum(r.cpu_s for r in row.bases.values()) / sum(r.shots for r in row.bases.values()) / row.rounds
        each = any_per_round(min(1.0, row.block_per_round), row.code.k)
        rates = (f"{row.block_per_round:.3g}", f"{low:.3g} to {high:.3g}", f"{each:.3g}", f"{cpu_us:.3g}")
        rows.append((row.code.spec, row.decoder, *size, *rates))
    head = ("code", "decoder", "qubits", "k", "qubits/k", "block", "95 %", "per logical qubit", "CPU us/round")
    output.show(as_json, [row.as_dict() for row in found], [title, *output.table(head, rows)])


@command.command(short_help="check a machine's profile")
@click.argument("file", type=click.Path(dir_okay=False))
@options.json_option
def profile(file: str, as_json: bool) -> None:
    """Check a profile of a machine (qec_scheme, error_budget, decoder; JSON or TOML) and say what it means."""
    import msgspec

    from qmk.models.qec.profile import Budget, Profile

    found = Profile.load(file)
    code, noise = found.code, found.noise
    told = {**msgspec.to_builtins(found), "physical_qubits": code.physical_qubits, "code": code.spec}
    budget = found.error_budget
    total = budget.total if isinstance(budget, Budget) else budget
    one = found.decoder.load(1)
    capacity = f": {one:.3g} of its capacity for each patch" if one is not None else ""
    qubits = f"{code.spec}: {code.physical_qubits} physical qubits, noise {noise.label if noise else 'not given'}"
    output.show(as_json, told, [qubits, f"error budget {total:g}", f"{found.decoder.name} decoder{capacity}"])


def _whole(text: str) -> list[int]:
    try:
        return sorted({int(part) for part in text.split(",")})
    except ValueError:
        why = f"'{text}' is not a list of distances; write such as 3,5,7"
        raise click.BadParameter(why, param_hint="'--distances'") from None


def _grid(text: str) -> list[float]:
    parts = text.split(":")
    try:
        low, high, count = float(parts[0]), float(parts[1]), int(parts[2])
        if len(parts) != 3 or not 0 < low < high < 1 or not 2 <= count <= 100:
            raise ValueError
    except (ValueError, IndexError):
        form = "write LOW:HIGH:N such as 1e-3:1e-2:6, with 0 < LOW < HIGH < 1 and N from 2 to 100"
        why = f"'{text}' is not a range; {form}"
        raise click.BadParameter(why, param_hint="'--p'") from None
    return [low * (high / low) ** (step / (count - 1)) for step in range(count)]
