"""Calibrations of devices: what a device's operators or its API measured, kept by the gateway as it was at each time.

The daemon models no device with figures of its own. A tenant keeps those of the devices that it uses; the noise model
of a calibration is for simulating the device, and its name says in results which calibration that was.
"""

from __future__ import annotations

import hashlib
import time
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.base.errors import QmkError
from qmk.gateway.accounts.roles import absent
from qmk.gateway.callers import Caller
from qmk.gateway.records import Record, Records
from qmk.models.noise import NoiseModel
from qmk.models.noise.errors import Depolarize
from qmk.models.noise.model import GateRule, Readout, Relaxation

KIND = "calibration"
KEPT, KEPT_BYTES = 10_000, 256 << 20
"""Most calibrations, and bytes of them, that are kept of a tenant; the oldest go."""
ID_CHARS = 16
MOST_QUBITS, MOST_PAIRS = 2048, 16_384
DeviceName = Annotated[str, Meta(description="a name of letters, digits and ._:-", pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
QubitName = Annotated[str, Meta(description="its name in programs, such as q_0", min_length=1, max_length=64)]
Chance = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(gt=0, le=1e9)]


Moment = Annotated[float, Meta(description="when it was measured, Unix time; now if absent", ge=0, le=1e11)]
Durations = Annotated[
    dict[str, Annotated[float, Meta(ge=0, le=1e9)]],
    Meta(description="seconds of 1q, 2q, measure, reset: during which T1 and T2 act", max_length=64),
]


class QubitFigures(shapes.Request, frozen=True):
    """Figures of one qubit, those that are known."""

    qubit: QubitName
    t1_s: Annotated[Seconds | None, Meta(description="decay of |1>")] = None
    t2_s: Annotated[Seconds | None, Meta(description="loss of coherence")] = None
    readout: Annotated[Chance | None, Meta(description="chance that an outcome is wrong")] = None
    gate_1q: Annotated[Chance | None, Meta(description="error of a gate on it")] = None


class PairFigures(shapes.Request, frozen=True):
    """The error of the gate on two qubits."""

    first: QubitName
    second: QubitName
    gate_2q: Chance


Pairs = Annotated[list[PairFigures], Meta(max_length=MOST_PAIRS)]


class AddCalibration(shapes.Request, frozen=True, kw_only=True):
    device: DeviceName
    time: Moment | None = None
    qubits: Annotated[list[QubitFigures], Meta(min_length=1, max_length=MOST_QUBITS)]
    pairs: Pairs = msgspec.field(default_factory=list[PairFigures])
    durations: Durations = msgspec.field(default_factory=dict[str, float])


class CalibrationRow(Struct, frozen=True, kw_only=True):
    """The figures of a device at one time."""

    device: str
    id: Annotated[str, Meta(description="what it is known by in results")]
    time: Annotated[float, Meta(description="when it was measured, Unix time")]
    qubits: list[QubitFigures]
    pairs: list[PairFigures]
    durations: dict[str, float] = {}


class ListCalibrations(shapes.Request, frozen=True):
    device: DeviceName
    limit: Annotated[int, Meta(description="most of them, the newest", ge=1, le=500)] = 100


class OfCalibration(shapes.Request, frozen=True):
    device: DeviceName
    calibration: Annotated[str, Meta(description="its id", pattern=r"^[0-9a-f]{16}\Z")]


class Calibrations(Struct, frozen=True):
    calibrations: Annotated[list[CalibrationRow], Meta(description="by time, the earliest first")]
    total: int


class CalibratedDevice(Struct, frozen=True):
    device: str
    calibrations: int
    newest: Annotated[float, Meta(description="when the last one was added, Unix time")]


class CalibratedDevices(Struct, frozen=True):
    devices: list[CalibratedDevice]


class NoiseText(Struct, frozen=True):
    """A noise model, as `--noise` takes it."""

    noise: Annotated[str, Meta(description="the text of its file")]


def _records(caller: Caller) -> Records:
    if caller.accounts is None:
        raise QmkError("UNSUPPORTED", "this gateway keeps no records")
    return caller.accounts.records


async def add_calibration(caller: Caller, asked: AddCalibration) -> CalibrationRow:
    await caller.session_id()
    if "CAP_SUBMIT" not in caller.rights:
        raise QmkError("INSUFFICIENT_CAPS", "keeping a calibration needs CAP_SUBMIT", need="CAP_SUBMIT")
    names = [each.qubit for each in asked.qubits]
    unknown = {name for each in asked.pairs for name in (each.first, each.second)} - set(names)
    if len(set(names)) < len(names) or unknown:
        what = f"pairs of '{min(unknown)}', which is not among the qubits" if unknown else "a qubit that comes twice"
        raise QmkError("INVALID_PARAMS", f"a calibration with {what}", field="qubits", help="name each qubit once")
    now = time.time()
    body = msgspec.json.encode(msgspec.structs.replace(asked, time=now if asked.time is None else asked.time))
    id = hashlib.sha256(body).hexdigest()[:ID_CHARS]
    made = _row(Record(id, now, body))
    noise_of(made)  # what is no noise model is refused
    record = Record(id, now, body, (asked.device,))
    await _records(caller).put(KIND, caller.tenant, record, kept=KEPT, kept_bytes=KEPT_BYTES)
    return made


async def list_calibrations(caller: Caller, asked: ListCalibrations) -> Calibrations:
    await caller.session_id()
    found, total = await _records(caller).page(KIND, caller.tenant, asked.limit, member=asked.device)
    return Calibrations(sorted(map(_row, found), key=lambda row: row.time), total)


async def get_calibration(caller: Caller, asked: OfCalibration) -> CalibrationRow:
    await caller.session_id()
    record = await _records(caller).get(KIND, caller.tenant, asked.calibration)
    row = None if record is None else _row(record)
    if row is None or row.device != asked.device:
        raise absent("calibration", asked.calibration)
    return row


async def get_noise(caller: Caller, asked: OfCalibration) -> NoiseText:
    return NoiseText(noise_of(await get_calibration(caller, asked)).to_json().decode())


async def list_calibrated(caller: Caller, asked: Any) -> CalibratedDevices:
    await caller.session_id()
    query = (
        "SELECT member, count(*), max(created) FROM members JOIN records ON seq = record "
        "WHERE kind = ? AND tenant = ? GROUP BY member ORDER BY member"
    )
    rows = await _records(caller).run(lambda base: base.execute(query, (KIND, caller.tenant)).fetchall())
    return CalibratedDevices([CalibratedDevice(*row) for row in rows])


def _row(record: Record) -> CalibrationRow:
    asked = msgspec.json.decode(record.body, type=AddCalibration)
    return CalibrationRow(
        device=asked.device,
        id=record.id,
        time=asked.time or 0.0,
        qubits=asked.qubits,
        pairs=asked.pairs,
        durations=asked.durations,
    )


def noise_of(row: CalibrationRow) -> NoiseModel:
    """The noise model of a calibration, with rules by qubit. T1 and T2 are left out where durations are not known.
    Raises INVALID_PARAMS for figures that no device has."""
    pairs = [GateRule((Depolarize(each.gate_2q),), (), 2, (each.first, each.second)) for each in row.pairs]
    single = [GateRule((Depolarize(q.gate_1q),), (), 1, (q.qubit,)) for q in row.qubits if q.gate_1q is not None]
    decays = [Relaxation(q.t1_s, q.t2_s, qubits=(q.qubit,)) for q in row.qubits if q.t1_s or q.t2_s]
    has_time = any(row.durations.values())
    return NoiseModel(
        name=name_of(row),
        gates=(*pairs, *single),
        readout=tuple(Readout(q.readout, q.readout, (q.qubit,)) for q in row.qubits if q.readout is not None),
        relaxation=tuple(decays) if has_time else (),
        durations=row.durations if has_time else {},
    )


def name_of(row: CalibrationRow) -> str:
    """What results call it."""
    return f"{row.device}#{row.id}"
