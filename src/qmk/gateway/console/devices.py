"""Devices: those that are modelled, and those whose calibrations are kept, over time."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from litestar import Response

from qmk.client.document import Document
from qmk.gateway.accounts.roles import absent
from qmk.gateway.console.files import download, plot
from qmk.gateway.console.view import View, page
from qmk.gateway.service.calibrations import CalibrationRow

FIGURES = {
    "t1_s": ("T1", 1e6, "µs"),
    "t2_s": ("T2", 1e6, "µs"),
    "readout": ("Readout error", 100.0, "%"),
    "gate_1q": ("Error of one-qubit gates", 100.0, "%"),
    "gate_2q": ("Error of two-qubit gates", 100.0, "%"),
}
"""Each with its words, and the factor and unit in which it is shown."""
MATRIX, WORST = 24, 50
"""Most qubits of a heat map, and the pairs of a list in its place."""
SHADES = 5
SHOWN = 100
"""Calibrations on a page, the newest ones."""
_NAMED = re.compile(r"([A-Za-z0-9._:-]{1,64})#([0-9a-f]{16})")


class Heat(NamedTuple):
    """``rows``: by qubit and by the others, the value as it is shown and its shade, None where there is no gate."""

    names: list[str]
    rows: list[list[tuple[float, int] | None]]


def calibration_of(result: Document | None) -> tuple[str, str] | None:
    """The device and the id of the calibration whose noise a result has."""
    if result is None:
        return None
    footprint = result.provenance.footprint
    told = f"{result.provenance.notes.get('noise', '')} {footprint.noise if footprint else ''}"
    found = _NAMED.search(told)
    return None if found is None else (found[1], found[2])


def shade(value: float, low: float, high: float) -> int:
    """1 to ``SHADES``, even in the logarithm; where all are the same, 1."""
    if not 0 < low < high or value <= low:
        return 1
    return min(SHADES, 1 + int(SHADES * math.log(value / low) / math.log(high / low)))


def heat_of(row: CalibrationRow) -> Heat | None:
    """Errors of the pairs of a calibration, or None where there are none or too many qubits."""
    names = [each.qubit for each in row.qubits]
    if len(names) > MATRIX or not row.pairs:
        return None
    values = [each.gate_2q for each in row.pairs]
    low, high = min((v for v in values if v > 0), default=0.0), max(values)
    place = {name: at for at, name in enumerate(names)}
    rows: list[list[tuple[float, int] | None]] = [[None] * len(names) for _ in names]
    for each in row.pairs:
        found = (100 * each.gate_2q, shade(each.gate_2q, low, high))
        a, b = place[each.first], place[each.second]
        rows[a][b] = rows[b][a] = found
    return Heat(names, rows)


def find_row(rows: Sequence[CalibrationRow], id: str) -> CalibrationRow | None:
    """The calibration that an address names, else the latest."""
    return next((row for row in rows if row.id == id), rows[-1] if rows else None)


@page("/devices")
async def show_devices(view: View) -> Response[Any]:
    """The devices that are modelled, and those with calibrations."""
    devices, atoms = (await view.ask("engines.devices")).devices, (await view.ask("engines.atoms")).devices
    return view.page(
        "devices.html",
        devices=view.narrow(devices, families=lambda row: row.families),
        atoms=view.narrow(atoms, runs=lambda row: row.facts.get("runs", "")),
        calibrated=(await view.ask("calibrations.devices")).devices,
    )


@page("/devices/{device:str}")
async def show_device(view: View) -> Response[Any]:
    """A device: what bounds it, and its calibrations over time."""
    name = view.request.path_params["device"]
    model = next((row for row in (await view.ask("engines.atoms")).devices if row.name == name), None)
    found = await view.ask("calibrations.list", device=name, limit=SHOWN)
    if model is None and not found.calibrations:
        raise absent("device", name)
    row = find_row(found.calibrations, view.read("at"))
    worst = sorted(row.pairs, key=lambda each: -each.gate_2q)[:WORST] if row else []
    there = [key for key in FIGURES if any(_values(each, key) for each in found.calibrations)]
    return view.page(
        "device.html",
        name=name,
        model=model,
        found=found,
        row=row,
        heat=heat_of(row) if row else None,
        worst=worst,
        figures=[(key, *FIGURES[key]) for key in there],
    )


@page("/devices/{device:str}/history.svg")
async def draw_history(view: View) -> Response[Any]:
    """The figures of every qubit, and pair, over the calibrations."""
    name = view.request.path_params["device"]
    found = (await view.ask("calibrations.list", device=name, limit=SHOWN)).calibrations
    row = find_row(found, view.read("at"))
    if row is None:
        raise absent("device", name)
    panels = [_panel(found, key) for key in FIGURES if any(_values(each, key) for each in found)]
    return await plot(view, "history", times=[each.time for each in found], panels=panels, mark=row.time)


def _panel(found: Sequence[CalibrationRow], key: str) -> dict[str, Any]:
    words, factor, unit = FIGURES[key]
    columns = [_values(each, key) for each in found]
    names = list(dict.fromkeys(name for column in columns for name in column))
    values = {name: [factor * column[name] if name in column else None for column in columns] for name in names}
    log = unit == "%" and all(value > 0 for column in columns for value in column.values())
    return {"label": f"{words} ({unit})", "values": values, "log": log}


def _values(row: CalibrationRow, key: str) -> dict[str, float]:
    """A figure by qubit, or by pair."""
    if key == "gate_2q":
        return {f"{each.first} {each.second}": each.gate_2q for each in row.pairs}
    found = {each.qubit: getattr(each, key) for each in row.qubits}
    return {name: value for name, value in found.items() if value is not None}


@page("/devices/{device:str}/{calibration:str}/noise")
async def download_noise(view: View) -> Response[Any]:
    """The noise model of a calibration, for ``--noise``."""
    device, id = view.request.path_params["device"], view.request.path_params["calibration"]
    found = await view.ask("calibrations.noise", device=device, calibration=id)
    return download(found.noise.encode(), f"{device}-{id}.noise.json", "application/json")


HANDLERS = (show_devices, show_device, draw_history, download_noise)
