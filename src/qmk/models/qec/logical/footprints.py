"""A program that somebody else sends, on the machine that they name: what a host has written for a job.

Texts come from strangers: a noise model is a short form or a JSON object here, never the path of a file.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from qmk.abi.shapes import Footprint, Qec
from qmk.base.decoding import Decoding
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.models.noise import NoiseModel
from qmk.models.noise.calibration import Calibration
from qmk.models.noise.short import parse
from qmk.models.qec.logical.decoding import events_per_round
from qmk.models.qec.logical.machine import Machine, Report, lower_on_machine
from qmk.models.qec.logical.patches import Used
from qmk.qvm.graph import Graph

HASH_CHARS = 12
MOVE_CYCLES = 1
"""Cycles in which a patch moves to another place: it is extended over the free tiles of the way, in one cycle however
long that is, and shrunk from its other end, in none (Litinski, Quantum 3, 128 (2019), figure 1). Patches go one after
the other, as if the way were one tile wide."""
FIELDS = {"code": "qec.machine", "qec": "qec.machine", "noise": "qec.noise"}
"""The request's field of each error of the table and of the machine."""


class Placed(NamedTuple):
    """The graph in the gates of the machine, what it takes there, and, of one written anew, why it is so."""

    graph: Graph
    footprint: Footprint
    reason: str = ""


def place_program(graph: Graph, qec: Qec, now_s: float = 0.0, decoding: Decoding | None = None) -> Placed:
    """``now_s``: Unix time, at which a calibration is looked at. ``decoding``: what is to decode it; without it the
    footprint tells no load. Raises INVALID_PARAMS naming ``qec.machine``, ``qec.noise`` or ``qec.target``, and what
    ``lower_on_machine`` raises."""
    try:
        made = Machine.parse(qec.machine)
    except QmkError as error:
        raise _name_field("qec.machine", error) from error
    model, calibrated_s = noise_at(qec, now_s)
    try:
        written, report, used = lower_on_machine(made, model, graph)
    except QmkError as error:
        raise at_field(error) from error
    taken = with_decoder_load(footprint(made, report, used), made, model, decoding)
    return Placed(written, msgspec.structs.replace(taken, calibrated_s=calibrated_s))


def noise_at(qec: Qec, now_s: float) -> tuple[NoiseModel, float | None]:
    """The noise of this moment, and the second of the calibration that is in force, if there is one."""
    if (qec.began is None) != (qec.target is None):
        raise QmkError(
            "INVALID_PARAMS",
            "a calibration with one of 'began' and 'target'",
            field="qec.began" if qec.began is None else "qec.target",
            help="give both: when the calibration began, and how many logical errors a round are too many",
        )
    if qec.began is None:
        try:
            return noise_of(qec.noise), None
        except QmkError as error:
            raise _name_field("qec.noise", error) from error
    calibration = read_calibration(qec)
    calibrated_s = calibration.in_force(now_s - qec.began)
    return calibration.at(calibrated_s), calibrated_s


def read_calibration(qec: Qec) -> Calibration:
    """Raises INVALID_PARAMS for a noise that is not a calibration."""
    try:
        return Calibration.from_json(qec.noise)
    except QmkError as error:
        raise _name_field("qec.noise", error) from error


def noise_of(text: str) -> NoiseModel:
    """A short form such as ``p=1e-3``, or a model as JSON. Raises INVALID_PARAMS."""
    return NoiseModel.from_json(text) if text.lstrip().startswith("{") else parse(text)


def footprint(machine: Machine, report: Report, used: Used) -> Footprint:
    return Footprint(
        machine=machine.spec,
        noise=f"{report.noise[: LIMITS.name_chars]} [{report.noise_hash[:HASH_CHARS]}]",
        distance=machine.code.distance,
        physical_qubits=report.physical_qubits,
        patch_qubits=machine.code.physical_qubits,
        patches=report.patches,
        tiles=report.tiles,
        factory_qubits=report.factory_qubits,
        cycles=report.cycles,
        rounds=report.rounds,
        move_rounds=MOVE_CYCLES * report.patches * machine.code.distance,
        epoch_rounds=[cycles * machine.code.distance for cycles in used.epoch_cycles[: LIMITS.listed_epochs]],
    )


def with_decoder_load(
    footprint: Footprint, machine: Machine, model: NoiseModel, decoding: Decoding | None
) -> Footprint:
    """With what it asks of the decoder, if there is one."""
    if decoding is None:
        return footprint
    events = events_per_round(machine.code, footprint.physical_qubits, model)
    return msgspec.structs.replace(footprint, events_per_round=events, decoder_load=decoding.load(events))


def at_field(error: QmkError) -> QmkError:
    """An error of the table or of the machine, said of the request."""
    return _name_field(FIELDS.get(str(error.fields.get("field")), ""), error)


def _name_field(field: str, error: QmkError) -> QmkError:
    """The error, said of this field of the request; without one, as it is."""
    return QmkError(error.kind.name, error.message, **{**error.fields, "field": field}) if field else error
