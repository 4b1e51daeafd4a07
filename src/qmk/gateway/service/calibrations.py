"""Calibrations of devices: what a device's operators or its API measured, kept by the gateway as it was at each time.

A record holds ``models.devices.history.Kept``, as the command line keeps it too; bounds and drift are those of that
module. Older records hold the request that made them.

The daemon models no device with figures of its own. A tenant keeps those of the devices that it uses; the noise model
of a calibration is for simulating the device, and its name says in results which calibration that was.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.base.errors import QmkError
from qmk.gateway.accounts.roles import absent
from qmk.gateway.callers import Caller
from qmk.gateway.records import Record, Records
from qmk.models.devices import NativeGate, Site, Target, history
from qmk.models.devices import noise as device_noise
from qmk.models.devices.history import MOST_BYTES, MOST_DEVICES, MOST_KEPT, Kept, make_kept, moments_of
from qmk.models.noise import NoiseModel
from qmk.models.noise.errors import Depolarize
from qmk.models.noise.model import GateRule, Readout, Relaxation

KIND = "calibration"
ANY_1Q, ANY_2Q = "u", "cz"
"""What stands in a target for the gates on one qubit, and on two, of figures that name no gates."""
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
TargetText = Annotated[str, Meta(description="the JSON of a target, in place of qubits and pairs", max_length=4 << 20)]


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
    qubits: Annotated[list[QubitFigures], Meta(max_length=MOST_QUBITS)] = msgspec.field(
        default_factory=list[QubitFigures]
    )
    pairs: Pairs = msgspec.field(default_factory=list[PairFigures])
    durations: Durations = msgspec.field(default_factory=dict[str, float])
    target: TargetText = ""


class ChangedFigure(Struct, frozen=True):
    """The figure that changed most since the calibration before."""

    figure: str
    qubits: list[str]
    factor: Annotated[float, Meta(description="by what it grew or shrank, 1 or more")]


class CalibrationRow(Struct, frozen=True, kw_only=True):
    """The figures of a device at one time."""

    device: str
    id: Annotated[str, Meta(description="what it is known by in results")]
    time: Annotated[float, Meta(description="when it was measured, Unix time")]
    qubits: list[QubitFigures]
    pairs: list[PairFigures]
    durations: dict[str, float] = {}
    source: Annotated[str, Meta(description="where it came from")] = ""
    medians: Annotated[dict[str, float], Meta(description="of each kind of figure; times in seconds")] = {}
    changed: ChangedFigure | None = None


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
    records, now = _records(caller), time.time()
    kept = keep(asked, now)
    id = kept.digest[:ID_CHARS]
    noise_of(kept)  # what is no noise model is refused
    known = [row.device for row in await _devices(caller)]
    if asked.device not in known and len(known) >= MOST_DEVICES:
        raise history.refuse_more_devices("those of devices that are not used any more")
    record = Record(id, now, msgspec.json.encode(kept), (asked.device,))
    most = MOST_DEVICES * MOST_KEPT
    await records.put(KIND, caller.tenant, record, kept=most, kept_bytes=MOST_BYTES)
    old, _ = await records.page(KIND, caller.tenant, 100, MOST_KEPT, member=asked.device)
    for row in old:
        await records.drop(KIND, caller.tenant, row.id)
    return _rows([record])[0]


async def list_calibrations(caller: Caller, asked: ListCalibrations) -> Calibrations:
    await caller.session_id()
    found, total = await _records(caller).page(KIND, caller.tenant, asked.limit, member=asked.device)
    return Calibrations(_rows(found), total)


async def get_calibration(caller: Caller, asked: OfCalibration) -> CalibrationRow:
    return _rows([await _record(caller, asked)])[0]


async def _record(caller: Caller, asked: OfCalibration) -> Record:
    await caller.session_id()
    record = await _records(caller).get(KIND, caller.tenant, asked.calibration)
    if record is None or read_kept(record).target.name != asked.device:
        raise absent("calibration", asked.calibration)
    return record


async def get_noise(caller: Caller, asked: OfCalibration) -> NoiseText:
    return NoiseText(noise_of(read_kept(await _record(caller, asked))).to_json().decode())


async def list_calibrated(caller: Caller, asked: Any) -> CalibratedDevices:
    await caller.session_id()
    return CalibratedDevices(await _devices(caller))


async def _devices(caller: Caller) -> list[CalibratedDevice]:
    query = (
        "SELECT member, count(*), max(created) FROM members JOIN records ON seq = record "
        "WHERE kind = ? AND tenant = ? GROUP BY member ORDER BY member"
    )
    rows = await _records(caller).run(lambda base: base.execute(query, (KIND, caller.tenant)).fetchall())
    return [CalibratedDevice(*row) for row in rows]


def keep(asked: AddCalibration, now_s: float) -> Kept:
    """What is kept of a request. Raises INVALID_PARAMS for figures that no device has."""
    at = datetime.datetime.fromtimestamp(now_s if asked.time is None else asked.time, datetime.UTC).isoformat()
    if asked.target:
        if asked.qubits or asked.pairs or asked.durations:
            text = "a calibration with a target and with figures"
            raise QmkError("INVALID_PARAMS", text, field="target", help="give the target alone, or figures alone")
        target = Target.from_json(asked.target)
        date = at if asked.time is not None or not target.date else target.date
        named = msgspec.structs.replace(target, name=asked.device, date=date)
        return make_kept(named, target.source or "a target", now_s)
    names = [each.qubit for each in asked.qubits]
    unknown = {name for each in asked.pairs for name in (each.first, each.second)} - set(names)
    if not names or len(set(names)) < len(names) or unknown:
        what = f"pairs of '{min(unknown)}', which is not among the qubits" if unknown else "a qubit that comes twice"
        what = what if names else "no qubits"
        raise QmkError("INVALID_PARAMS", f"a calibration with {what}", field="qubits", help="name each qubit once")
    site = {name: number for number, name in enumerate(names)}
    facts = [NativeGate(ANY_1Q, (site[q.qubit],), q.gate_1q) for q in asked.qubits if q.gate_1q is not None]
    facts += [NativeGate(ANY_2Q, (site[pair.first], site[pair.second]), pair.gate_2q) for pair in asked.pairs]
    target = Target(
        asked.device,
        len(names),
        tuple((site[pair.first], site[pair.second]) for pair in asked.pairs),
        gates=(ANY_1Q, ANY_2Q),
        facts=tuple(facts),
        readings=tuple(Site(q.t1_s, q.t2_s, q.readout) for q in asked.qubits),
        date=at,
    )
    return make_kept(target, "figures", now_s, tuple(names), asked.durations)


def read_kept(record: Record) -> Kept:
    """What a record holds; an older one holds the request."""
    try:
        return msgspec.json.decode(record.body, type=Kept)
    except msgspec.ValidationError:
        old = keep(msgspec.json.decode(record.body, type=AddCalibration), record.created)
        return msgspec.structs.replace(old, digest=record.id)


def _rows(records: Sequence[Record]) -> list[CalibrationRow]:
    """Rows of calibrations of one device, the earliest first, each with what changed since the one before."""
    found = sorted(map(read_kept, records), key=lambda kept: kept.at_s)
    return [_row(kept, moment) for kept, moment in zip(found, moments_of(found), strict=True)]


def _row(kept: Kept, moment: history.Moment) -> CalibrationRow:
    names, target = names_of(kept), kept.target
    single: dict[int, float] = {}
    double: dict[tuple[int, int], float] = {}
    for fact in target.facts:
        if fact.error is not None and len(fact.sites) == 1:
            single[fact.sites[0]] = max(single.get(fact.sites[0], 0.0), fact.error)
        elif fact.error is not None and len(fact.sites) == 2:
            pair = (fact.sites[0], fact.sites[1])
            double[pair] = min(double.get(pair, 1.0), fact.error)
    readings = target.readings or (Site(),) * target.sites
    words = {f"error of {ANY_1Q}": "error of one-qubit gates", f"error of {ANY_2Q}": "error of two-qubit gates"}
    words = words if kept.qubits else {}
    changed = moment.largest if moment.largest is not None and moment.largest[0] > 1 else None
    return CalibrationRow(
        device=target.name,
        id=kept.digest[:ID_CHARS],
        time=kept.at_s,
        qubits=[
            QubitFigures(name, row.t1_s, row.t2_s, readout_of(row), single.get(site))
            for site, (name, row) in enumerate(zip(names, readings, strict=True))
        ],
        pairs=[PairFigures(names[a], names[b], error) for (a, b), error in double.items()],
        durations=kept.durations,
        source=kept.source,
        medians={words.get(kind, kind): value for kind, value in moment.medians.items()},
        changed=None
        if changed is None
        else ChangedFigure(words.get(changed[1], changed[1]), [names[site] for site in changed[2]], changed[0]),
    )


def readout_of(site: Site) -> float | None:
    """The chance that an outcome is wrong, the mean of both where only those are known."""
    if site.readout_error is None and site.p01 is not None and site.p10 is not None:
        return (site.p01 + site.p10) / 2
    return site.readout_error


def names_of(kept: Kept) -> list[str]:
    """What its qubits are called in programs."""
    return list(kept.qubits) or [f"q_{site}" for site in range(kept.target.sites)]


def noise_of(kept: Kept) -> NoiseModel:
    """The noise model of a calibration. A target's is that of the device (``models.devices.noise``); figures without
    gates have rules by qubit, and T1 and T2 are left out where durations are not known. Raises INVALID_PARAMS for
    figures that no device has."""
    names, target = names_of(kept), kept.target
    if not kept.qubits:
        return msgspec.structs.replace(device_noise.noise_of(target, names), name=name_of(kept))
    errors = [(len(fact.sites), fact.error or 0.0, tuple(names[site] for site in fact.sites)) for fact in target.facts]
    rules = [
        GateRule((Depolarize(error),), (), size, operands)
        for size, error, operands in sorted(errors, key=lambda row: -row[0])
    ]
    sites = list(zip(names, target.readings, strict=True))
    has_time = any(kept.durations.values())
    read = [(name, site.readout_error) for name, site in sites]
    decays = [Relaxation(site.t1_s, site.t2_s, qubits=(name,)) for name, site in sites if site.t1_s or site.t2_s]
    return NoiseModel(
        name=name_of(kept),
        gates=tuple(rules),
        readout=tuple(Readout(error, error, (name,)) for name, error in read if error is not None),
        relaxation=tuple(decays) if has_time else (),
        durations=kept.durations if has_time else {},
    )


def name_of(kept: Kept) -> str:
    """What results call it."""
    return f"{kept.target.name}#{kept.digest[:ID_CHARS]}"
