"""Programs written anew at a fence, when the noise has drifted: at another distance, or at the same under other rates.

What lies before the fence stays as it is, node for node, so that its bits do too. Which distance the rest has is said
by ``magic.choose`` from the table's rates under the calibration that is in force.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from qmk.abi.shapes import Footprint, Qec, Stage
from qmk.base.decoding import Decoding
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.models.noise import NoiseModel
from qmk.models.qec import codes
from qmk.models.qec.logical.decoding import Asked
from qmk.models.qec.logical.footprints import (
    Placed,
    at_field,
    footprint,
    place_program,
    read_calibration,
    with_decoder_load,
)
from qmk.models.qec.logical.machine import Machine, Report, as_dict, lower_on_machine
from qmk.models.qec.logical.patches import end_of_epoch
from qmk.models.qec.magic.distance import Decision, Measured, choose
from qmk.models.qec.tables import Channels, Table, channels, default, redrawn
from qmk.models.qec.tables.angles import probability, theta
from qmk.qvm.graph import Graph, Node
from qmk.worker.messages import Rewrite

LARGEST = 25
"""The largest distance that is looked at; tables end before it."""
DRAWS = 64
SIGMAS = 2.0
"""Half the width of an interval, in standard deviations of what the draws give."""


def on_request(
    graph: Graph, qec: Qec, now_s: float, rewrite: Rewrite | None = None, decoding: Decoding | None = None
) -> Placed:
    """What a host wants written at this moment (Unix time). Raises what ``place_program`` does."""
    if rewrite is None:
        return place_program(graph, qec, now_s, decoding)
    return rewritten(graph, qec, rewrite, decoding)


def rewritten(graph: Graph, qec: Qec, rewrite: Rewrite, decoding: Decoding | None = None) -> Placed:
    """``graph`` as it was written for a job, with its rest written anew. Raises what ``place_program`` does."""
    epoch, before = rewrite.epoch, rewrite.before
    made = Machine.parse(before.machine)
    model = read_calibration(qec).at(rewrite.calibrated_s)
    table = default()
    decision = Decision("keep", before.distance, "the distance that it has")
    try:
        if not rewrite.keep:
            asked = Asked(decoding, rewrite.others, before.tiles) if decoding is not None else None
            decision = decide(made, model, qec.target or 1.0, table, _has_t(graph), asked)
        if decision.d != before.distance:
            made = replace(made, code=codes.FAMILIES[made.code.family].at_distance(decision.d))
        written, report, used = lower_on_machine(made, model, graph, table, after=epoch, was=before.distance)
    except QmkError as error:
        raise at_field(error) from error
    stage = Stage(
        last_epoch=epoch,
        distance=before.distance,
        physical_qubits=before.physical_qubits,
        noise=before.noise,
        decoder_load=before.decoder_load,
    )
    rest = with_decoder_load(footprint(made, report, used), made, model, decoding)
    gone = before.epoch_rounds[:epoch]
    cycles = before.cycles - (before.rounds - sum(gone)) // before.distance
    taken = msgspec.structs.replace(
        rest,
        cycles=cycles + rest.cycles,
        rounds=sum(gone) + rest.rounds,
        epoch_rounds=[*gone, *rest.epoch_rounds][: LIMITS.listed_epochs],
        calibrated_s=rewrite.calibrated_s,
        stages=[*before.stages, stage],
    )
    told = graph.metadata.get("qec", {}).get("report", {})
    whole = _whole(report, taken, told, graph.nodes[: end_of_epoch(graph, epoch)])
    reason = f"{decision.action}: {decision.reason}"
    first = f"from epoch {epoch + 1} on {made.code.spec} under {taken.noise}: {reason}"
    label = {**written.metadata["qec"], "lines": [first, *whole.lines()], "report": as_dict(whole)}
    return Placed(msgspec.structs.replace(written, metadata={**written.metadata, "qec": label}), taken, reason)


def decide(
    machine: Machine, model: NoiseModel, target: float, table: Table, has_t: bool, asked: Asked | None = None
) -> Decision:
    """The distance to go on with. Without ``asked`` the load of the decoder counts as none."""
    now = machine.code.distance
    known: dict[int, Measured] = {}
    for d in sorted({now, *range(3, LARGEST + 1, 2)}):
        at = rates(machine, model, d, table, has_t and d != now, asked if d == now else None)
        if at is not None:
            known[d] = at
    decision = choose(known, now, target)
    if asked is not None and decision.action == "grow":  # the load of this distance matters, that of others does not
        at = rates(machine, model, decision.d, table, has_t, asked)
        assert at is not None
        decision = choose({**known, decision.d: at}, now, target)
    return decision


def rates(
    machine: Machine, model: NoiseModel, d: int, table: Table, has_t: bool, asked: Asked | None = None
) -> Measured | None:
    """Logical errors of a patch a round at this distance: two standard deviations of the table's counts and of its
    model to either side; and the load of the decoder. None where the table does not carry them, or where there are none
    of the T states that a program with ``has_t`` needs."""
    family = machine.code.family
    try:
        found = channels(table, family, d, model, machine.decoder)
        code = codes.FAMILIES[family].at_distance(d)
        states = replace(machine, code=code).states(found, model)
        if has_t and (states is None or (states.factories and states.rejection >= 1)):
            return None
        rows, dice = table.of(model, family, machine.decoder), np.random.default_rng(0)
        drawn = [_per_round(redrawn(rows, found, dice)) for _ in range(DRAWS)]
    except QmkError as error:
        if error.kind.name in ("UNSUPPORTED", "INVALID_PARAMS"):
            return None
        raise
    middle, spread = _per_round(found), float(np.std(drawn))
    factory_qubits = 0 if states is None else states.factory_qubits
    load = 0.0 if asked is None else asked.load(code, factory_qubits, model)
    return Measured(max(0.0, middle - SIGMAS * spread), middle + SIGMAS * spread, load)


def _per_round(found: Channels) -> float:
    return probability(max(0.0, found.cycle["X"] + found.cycle["Z"]) / found.d)


def _has_t(graph: Graph) -> bool:
    return any(node.op in ("core.t", "core.tdg") for node in graph.nodes)


def _whole(rest: Report, taken: Footprint, before: dict[str, Any], kept: Iterable[Node]) -> Report:
    """The report of both parts: ``rest``, and the nodes that are ``kept`` of the program of report ``before``. What
    states of T and their factories do is told of the rest."""
    flips = flips_of(kept)
    low, high = (-math.log1p(-min(bound, 1 - 1e-12)) for bound in rest.interval_per_shot)
    old_low, old_high = (
        _expected_flips(before.get("interval_per_shot", (0.0, 0.0))[k])
        / max(_expected_flips(before.get(_ERROR, 0.0)), 1e-300)
        for k in (0, 1)
    )
    return replace(
        rest,
        logical_error_per_shot=-math.expm1(-_expected_flips(rest.logical_error_per_shot) - flips),
        interval_per_shot=(-math.expm1(-low - flips * old_low), -math.expm1(-high - flips * old_high)),
        cycles=taken.cycles,
        rounds=taken.rounds,
        epochs=len(taken.epoch_rounds),
        longest_epoch_cycles=rest.longest_epoch_cycles,
        t_gates=int(before.get("t_gates", rest.t_gates)),
        stages=len(taken.stages) + 1,
    )


_ERROR = "logical_error_per_shot"


def _expected_flips(per_shot: float) -> float:
    """Flips of which one or more come with this chance."""
    return -math.log1p(-min(float(per_shot), 1 - 1e-12))


def flips_of(nodes: Iterable[Node]) -> float:
    """The expected number of flips, as ``Used.total`` counts them, read from the errors that were written."""
    total = 0.0
    for node in nodes:
        chances: dict[str, float] = node.args
        if node.op == "noise.pauli":
            px, py, pz = (chances.get(name, 0.0) for name in ("px", "py", "pz"))
            total += _theta_below(px + py) + _theta_below(pz + py)
        elif node.op == "noise.pauli2":
            both = chances.get("pyy", 0.0)
            total += sum(_theta_below(chance + both) for name, chance in chances.items() if name != "pyy")
    return total


def _theta_below(chance: float) -> float:
    """Of a flip that may have come to a coin, as after a very long wait."""
    return theta(min(chance, 0.5 - 1e-12))
