"""Which devices are simulated: the snapshots, the devices of atoms, and those that a file declares.

The setting ``QMK_CLOUD_SIMULATED_DEVICES`` is the path of a JSON file: ``{"devices": {NAME: {...}}}`` with the fields
of ``Declared``. Times are seconds since 1970.
"""

from __future__ import annotations

import functools
import os
import time

import msgspec

from qmk.base.errors import QmkError
from qmk.cloud import settings
from qmk.cloud.plan import no_device
from qmk.models import files
from qmk.models.atoms.profile import Profile, profiles
from qmk.models.devices import Target, target_named
from qmk.models.devices.age import age_s
from qmk.models.devices.drift import drift
from qmk.models.devices.names import snapshots
from qmk.models.devices.target import wrong

ENGINE = "simulated"


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``target``: a target with a calibration, by its name or file, or a device of atoms. Its numbers wander by
    ``drift_per_day`` (standard deviation of their logarithms in a day) under ``seed``; each ``calibrate_every_s`` they
    are back at the calibration, and wander anew. ``down``: spans (from, to) in which it takes no tasks; with
    ``down_every_s`` also the first ``down_for_s`` of each such span. ``clock_s``: the time that it always is, for runs
    that are to be repeated; None: the machine's clock."""

    target: str
    seed: int = 0
    drift_per_day: float = 0.0
    calibrate_every_s: float = 0.0
    down: tuple[tuple[float, float], ...] = ()
    down_every_s: float = 0.0
    down_for_s: float = 0.0
    clock_s: float | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    devices: dict[str, Declared]


class Device(msgspec.Struct, frozen=True):
    """A device as it is at ``now_s``: ``target`` with its numbers of then, or ``atoms``. ``calibrated_s``: when it was
    calibrated last; ``back_s``: when it will take tasks again, None where it does now."""

    name: str
    target: Target | None
    atoms: Profile | None
    now_s: float
    calibrated_s: float | None
    back_s: float | None


def known_devices() -> dict[str, Declared]:
    """Every device there is by its name. Raises INVALID_PARAMS for a file that cannot be read, naming the place."""
    own = [name for name, profile in profiles().items() if profile.geometry is not None]
    found = {name: Declared(name) for name in (*snapshots(), *own)}
    path = settings.setting(ENGINE, "DEVICES")
    return {**found, **_read(path)} if path else found


def _read(path: str) -> dict[str, Declared]:
    try:
        return msgspec.json.decode(files.read(path), type=_File).devices
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong(f"'{path}': {error}", 'give {"devices": {NAME: {"target": "fake_torino"}}}') from error


def device_named(name: str, now_s: float | None = None) -> Device:
    """The device as it is now, or at ``now_s``. Raises UNSUPPORTED where there is none of this name."""
    known = known_devices()
    if name not in known:
        raise no_device(ENGINE, name, known)
    row = known[name]
    now = now_s if now_s is not None else time.time() if row.clock_s is None else row.clock_s
    if row.target in profiles():
        return Device(name, None, profiles()[row.target], now, None, back_s(row, now))
    target = _target(row.target, _stamp(row.target))
    calibrated = now - age_s(target.date, now) if target.date else None
    start = calibrated if calibrated is not None and calibrated <= now else 0.0
    if row.calibrate_every_s > 0:
        start = now - (now - start) % row.calibrate_every_s
        calibrated = start
    if row.drift_per_day:
        seed = row.seed + (int(start) if row.calibrate_every_s > 0 else 0)
        target = drift(target, row.drift_per_day, seed, now - start)
    return Device(name, target, None, now, calibrated, back_s(row, now))


@functools.lru_cache(maxsize=8)
def _target(name: str, _stamp: tuple[int, int] | None) -> Target:
    return target_named(name)


def _stamp(name: str) -> tuple[int, int] | None:
    """When the file of this name changed last, and its size; None where the name is not that of a file. So a
    calibration that is written anew is read anew."""
    try:
        state = os.stat(name)
    except (OSError, ValueError):
        return None
    return state.st_mtime_ns, state.st_size


def back_s(row: Declared, now_s: float) -> float | None:
    """When a device that is down takes tasks again; None where it is not down."""
    ends = [end for start, end in row.down if start <= now_s < end]
    if row.down_every_s > 0 and now_s % row.down_every_s < row.down_for_s:
        ends.append(now_s - now_s % row.down_every_s + row.down_for_s)
    return max(ends, default=None)


def out_of_order(device: Device) -> QmkError:
    """The error for a device that is down."""
    assert device.back_s is not None
    wait = device.back_s - device.now_s
    text = f"device '{device.name}' of engine '{ENGINE}' is down for another {wait:.0f} s"
    return QmkError("JOB_FAILED", text, engine=ENGINE, retryable=True, help="try again then, or name another device")
