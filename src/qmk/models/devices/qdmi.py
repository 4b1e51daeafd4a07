"""Targets from device libraries of QDMI, the interface of HPC centres between software and quantum devices.

The library runs in a process of its own (``qdmi_child``), and only where a user names it: a path that came over a
socket is never loaded.
"""

from __future__ import annotations

import datetime
import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from qmk.base.errors import QmkError
from qmk.models.arguments import show
from qmk.models.devices.qdmi_child import PARAMETERS
from qmk.models.devices.readers import short_gate_name
from qmk.models.devices.target import GATES, NativeGate, Pair, Site, Target, wrong
from qmk.qvm.families.gates import FIXED_SIZE

LIMIT_S = 60.0
SYMBOL = re.compile(rb"([A-Za-z0-9_]{1,64})_QDMI_device_initialize\0")
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "ps": 1e-12}
READINGS = ("measure", "measure_z", "mz", "m", "readout")


class _Operation(msgspec.Struct, frozen=True):
    name: str
    qubits: int
    facts: list[tuple[list[int], float | None, int | None]]


class _Device(msgspec.Struct, frozen=True):
    name: str
    version: str
    sites: int
    couplings: list[Pair] | None
    times: list[tuple[int | None, int | None]]
    unit: str
    scale: float | None
    operations: list[_Operation]


class _Said(msgspec.Struct, frozen=True):
    device: _Device | None = None
    error: str = ""


def find_prefix(library: Path) -> str:
    """The prefix of the functions of a library. Raises INVALID_PARAMS where it has none, or several."""
    try:
        found = sorted({match.decode() for match in SYMBOL.findall(b"\0" + library.read_bytes())})
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise QmkError("INVALID_PARAMS", f"cannot read {show(str(library))}: {why}", path=str(library)) from error
    found = [name.lstrip("_") for name in found]
    if len(found) != 1:
        text = f"{show(str(library))} has functions of {len(found)} QDMI devices: {', '.join(found) or 'none'}"
        raise wrong(text, "name a QDMI device library, and its prefix by --prefix")
    return found[0]


def read_library(library: Path, prefix: str = "", parameters: Mapping[str, str] | None = None) -> Target:
    """The device of a library, as it is now. ``parameters`` of the session: base-url, token, auth-file, auth-url,
    username, password, custom1 to custom5. Raises INVALID_PARAMS for any other file, and where the library
    crashes or takes more than a minute, which ends its process alone."""
    given = dict(parameters or {})
    strange = next((name for name in given if name not in PARAMETERS), None)
    if strange is not None:
        raise wrong(f"a QDMI session has no parameter {show(strange)}", f"there are {', '.join(PARAMETERS)}")
    path = library.absolute()
    asked = {"library": str(path), "prefix": prefix or find_prefix(path), "parameters": given}
    command = [sys.executable, "-m", "qmk.models.devices.qdmi_child"]
    try:
        text = json.dumps(asked).encode()
        done = subprocess.run(command, input=text, capture_output=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise wrong(f"{show(str(library))} said nothing within {LIMIT_S:g} s", "look at its service") from error
    if done.returncode:
        how = f"signal {signal.Signals(-done.returncode).name}" if done.returncode < 0 else f"exit {done.returncode}"
        raise wrong(f"{show(str(library))} ended its process by {how}", "its process alone ended; ask its maker")
    try:
        said = msgspec.json.decode(done.stdout, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong(f"{show(str(library))} describes no device: {error}", "ask its maker") from error
    if said.device is None:
        raise wrong(f"{show(str(library))}: {said.error}", "look at its session's parameters")
    return _target(said.device, str(library))


def _target(device: _Device, source: str) -> Target:
    tick = UNITS.get(device.unit, 1e-9) * (device.scale or 1.0)

    def seconds(value: int | None) -> float | None:
        return None if value is None else value * tick

    gates: list[str] = []
    facts: list[NativeGate] = []
    read: dict[int, tuple[float | None, float | None]] = {}
    for operation in device.operations:
        name = operation.name.lower()
        if name in READINGS:
            for sites, fidelity, duration in operation.facts:
                read[sites[0]] = None if fidelity is None else round(1 - fidelity, 12), seconds(duration)
            continue
        gate = short_gate_name(name)
        if gate is None or gate not in GATES or FIXED_SIZE[gate].vqs.low != operation.qubits:
            continue  # what has no name here, no program is compiled to
        gates.append(gate)
        for sites, fidelity, duration in operation.facts:
            error = None if fidelity is None else round(1 - fidelity, 12)
            if error is not None or duration is not None:
                facts.append(NativeGate(gate, tuple(sites), error, seconds(duration)))
    if not gates:
        raise wrong(
            f"{show(source)}: none of its operations is a gate that has a name here", "ask for a target by hand"
        )
    readings = [
        Site(t1_s=seconds(t1) or None, t2_s=seconds(t2) or None, readout_error=error, readout_s=duration)
        for number, (t1, t2) in enumerate(device.times)
        for error, duration in [read.get(number, (None, None))]
    ]
    couplings = None if device.couplings is None else tuple(sorted(set(device.couplings)))
    return Target(
        device.name or Path(source).stem,
        device.sites,
        couplings,
        directed=couplings is not None and any((b, a) not in couplings for a, b in couplings),
        gates=tuple(dict.fromkeys(gates)),
        facts=tuple(facts),
        readings=tuple(readings) if any(row != Site() for row in readings) else (),
        source=f"QDMI library {source}, version {device.version}",
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
