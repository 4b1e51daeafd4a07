"""``qmk estimate``: the physical resources of a program or of its logical counts."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, cast

import click

from qmk.base.errors import QmkError
from qmk.cli import options, output, terminal
from qmk.cli.failure import Console, call_error

if TYPE_CHECKING:
    from qmk.models.estimate.counts import LogicalCounts
    from qmk.models.estimate.estimate import Calibrated, Estimate

_BEFORE_JSON = b"\xef\xbb\xbf \t\r\n"


@click.command()
@options.program_options
@click.option("--params", "params_path", metavar="FILE", help="Parameters as JSON: an object, or a list for a batch.")
@click.option("--qubit", metavar="NAME", help="Physical qubits, such as qubit_gate_ns_e3.")
@click.option("--code", metavar="NAME", help="surface_code, floquet_code, or one of ours: qmk/surface, qmk/bicycle ...")
@click.option("--budget", type=float, metavar="X", help="How likely the program may fail; 1e-3 if not given.")
@click.option("--frontier", is_flag=True, help="Every best trade of qubits for time.")
@click.option("--compare", multiple=True, metavar="QUBIT[:CODE]", help="Another machine beside; 'all' for all qubits.")
@click.option("--calibrated/--plain", default=None, help="Add figures for measured error rates; where they exist.")
@click.option("--html", "html_path", metavar="FILE", help="Write a report with plots.")
@options.json_option
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: dict[str, Any],
    params_path: str | None,
    qubit: str | None,
    code: str | None,
    budget: float | None,
    frontier: bool,
    compare: tuple[str, ...],
    calibrated: bool | None,
    html_path: str | None,
    as_json: bool,
) -> None:
    """Estimate the physical qubits and the runtime of PROGRAM on an error-corrected machine.

    PROGRAM is a program in any format that QMK reads, or a JSON object of logical counts (numQubits, tCount, ...).
    """
    from qmk.cli import estimate_table
    from qmk.models.estimate import report, rows

    counts = _counts(program, format_name, params, console)
    asked = _parameters(params_path, qubit, code, budget, frontier)
    items = [*asked, *_comparisons(compare, asked[0])]
    found, failed = _estimates(counts, items, alone=len(items) == 1)
    beside, why_none = _calibrate_first(found, calibrated)
    named = [(rows.title(each), each) for each in found]
    if html_path is not None:
        output.write_file(html_path, report.html(named, program, beside))
    if as_json:
        output.json_object(_json(items, found, failed, beside))
        return
    estimate_table.show(named, beside)
    if why_none and len(named) == 1:
        terminal.say(f"note: {why_none}")
    for text in failed.values():
        terminal.say(f"not estimated: {text.message}", err=True)


def _counts(path: str, format_name: str | None, params: dict[str, Any], console: Console) -> LogicalCounts:
    """Reads a file or standard input: logical counts if it has an object of them, else a program."""
    from qmk.api.source import check_graph
    from qmk.cli import source
    from qmk.models.estimate import counting

    data = source.read(path, console)
    given = _counts_in(data, path) if format_name is None else None
    if given is None:
        graph = source.load_bytes(data, path, format_name, params).graph
        console.warn(check_graph(graph, console.strict), always=True)
        return counting.count(graph)
    if params:
        raise call_error("--param with logical counts, which have no parameters", help="leave it out")
    return given


def _counts_in(data: bytes, path: str) -> LogicalCounts | None:
    """The counts that these bytes are: a JSON object without a program, but with a key of counts, or nearly one."""
    from qmk.models import files
    from qmk.models.estimate import counts

    if not data.lstrip(_BEFORE_JSON).startswith(b"{") or b'"program"' in data or len(data) > files.MAX_BYTES:
        return None
    given: dict[str, Any] = files.parse_json(data, path)
    meant = any(difflib.get_close_matches(key[:40], counts.KEYS, 1) for key in given)
    return counts.parse(given) if meant else None


def _parameters(
    path: str | None, qubit: str | None, code: str | None, budget: float | None, frontier: bool
) -> list[dict[str, Any]]:
    """The parameter objects, overridden by the options."""
    from qmk.models import files

    given: object = {} if path is None else files.parse_json(files.read(path), path)
    items = cast("list[object]", given) if isinstance(given, list) else [given]
    objects = [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
    if not items or len(objects) < len(items):
        raise call_error(f"'{path}' holds no parameters", help="write an object, or a list of objects")
    over: dict[str, Any] = {}
    if qubit is not None:
        over["qubitParams"] = {"name": qubit}
    if code is not None:
        over["qecScheme"] = {"name": code}
    if budget is not None:
        over["errorBudget"] = budget
    if frontier:
        over["estimateType"] = "frontier"
    return [{**item, **over} for item in objects]


def _comparisons(names: tuple[str, ...], base: dict[str, Any]) -> list[dict[str, Any]]:
    from qmk.models.estimate.qubits import DEFAULT, NAMED
    from qmk.models.estimate.scheme import DEFAULT as USUAL_CODE
    from qmk.models.estimate.wrong import hint_at

    kept = {key: value for key, value in base.items() if key not in ("qubitParams", "qecScheme")}
    own = base.get("qubitParams", {"name": DEFAULT}), base.get("qecScheme", {"name": USUAL_CODE})
    found: list[dict[str, Any]] = []
    for name in names:
        asked, _, code = name.partition(":")
        if asked not in ("all", *NAMED):
            raise call_error(f"--compare: no qubits are named '{asked}'", help=hint_at(asked, NAMED, "names"))
        scheme = {"name": code or USUAL_CODE}
        machines = (({"name": qubit}, scheme) for qubit in (NAMED if asked == "all" else (asked,)))
        found += [
            {**kept, "qubitParams": qubit, "qecScheme": scheme} for qubit, scheme in machines if (qubit, scheme) != own
        ]
    return found


def _estimates(
    counts: LogicalCounts, items: list[dict[str, Any]], alone: bool
) -> tuple[list[Estimate], dict[int, QmkError]]:
    """A single estimate that fails is the command's error; of several the others are shown."""
    from qmk.models.estimate.estimate import Estimate
    from qmk.models.estimate.estimate import estimate as estimate_counts

    if alone:
        return [Estimate(counts, items[0])], {}
    results = estimate_counts(counts, items)
    assert isinstance(results, list)
    failed = {index: each for index, each in enumerate(results) if isinstance(each, QmkError)}
    found = [each for each in results if isinstance(each, Estimate)]
    if not found:
        raise next(iter(failed.values()))
    return found, failed


def _calibrate_first(found: list[Estimate], wanted: bool | None) -> tuple[Calibrated | None, str]:
    """The first estimate with measured rates, or why there is none; that is an error where it was asked for."""
    if len(found[0].points) > 1:
        if wanted:
            help = "leave one of the two out: calibrated figures stand beside a single point"
            raise call_error("--calibrated together with --frontier", help=help)
        return None, ""
    if wanted is False:
        return None, ""
    try:
        return found[0].estimate_calibrated(), ""
    except QmkError as error:
        if wanted:
            raise
        return None, f"no calibrated figures: {error.message}"


def _json(
    items: list[dict[str, Any]], found: list[Estimate], failed: dict[int, QmkError], beside: Calibrated | None
) -> Any:
    from qmk.models.estimate.output import failure

    groups = [each.to_dict() for each in found]
    if beside is not None:
        groups[0]["qmk"]["calibrated"] = beside.to_dict()
    if len(items) == 1:
        return groups[0]
    rest = iter(groups)
    return [failure(failed[index]) if index in failed else next(rest) for index in range(len(items))]
