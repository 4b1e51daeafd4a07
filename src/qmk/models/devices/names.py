"""Targets by name: a shape with its size, such as ``grid:10x10``, or the path of a JSON file."""

from __future__ import annotations

import difflib
import functools
import os
import re
from importlib import resources

import msgspec

from qmk.base.errors import QmkError
from qmk.models import files
from qmk.models.arguments import show
from qmk.models.devices.target import MAX_SITES, Pair, Target, wrong


class _Map(msgspec.Struct, frozen=True):
    family: str
    source: str
    pairs: tuple[Pair, ...]


class _Maps(msgspec.Struct, frozen=True):
    about: str
    maps: dict[int, _Map]


@functools.cache
def _heavy_hex_maps() -> _Maps:
    data = (resources.files("qmk.models.devices") / "heavy_hex.json").read_bytes()
    return msgspec.json.decode(data, type=_Maps, strict=False)


def _line(name: str, size: str) -> Target:
    n = _number(name, size)
    return Target(name, n, tuple((k, k + 1) for k in range(n - 1)))


def _ring(name: str, size: str) -> Target:
    n = _number(name, size)
    if n < 3:
        raise wrong(f"target {show(name)}: a ring of {n} sites", "give 3 or more, such as ring:12")
    return Target(name, n, tuple((k, (k + 1) % n) for k in range(n)))


def _grid(name: str, size: str) -> Target:
    match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", size)
    if match is None:
        raise wrong(f"target {show(name)}: {show(size)} is not a size of a grid", "give rows and columns: grid:10x10")
    rows, columns = int(match[1]), int(match[2])
    n = _number(name, str(rows * columns))
    across = [(k, k + 1) for k in range(n) if (k + 1) % columns]
    down = [(k, k + columns) for k in range(n - columns)]
    return Target(name, n, tuple(sorted(across + down)))


def _heavy_hex(name: str, size: str) -> Target:
    n = _number(name, size)
    found = _heavy_hex_maps()
    if n not in found.maps:
        sizes = ", ".join(map(str, found.maps))
        raise wrong(
            f"target {show(name)}: no map of {n} qubits",
            f"there are maps of {sizes} qubits: heavy-hex:127 is IBM's Eagle",
        )
    row = found.maps[n]
    return Target(name, n, row.pairs, source=f"IBM {row.family}: {row.source}. {found.about}")


def _all(name: str, size: str) -> Target:
    return Target(name, _number(name, size))


SHAPES = {"line": _line, "ring": _ring, "grid": _grid, "heavy-hex": _heavy_hex, "all": _all}
EXAMPLES = "line:50, ring:12, grid:10x10, heavy-hex:127, all:20"


def _number(name: str, size: str) -> int:
    if not re.fullmatch(r"\d{1,9}", size, re.ASCII) or not 1 <= int(size) <= MAX_SITES:
        raise wrong(f"target {show(name)}: {show(size)} sites", f"give a number from 1 to {MAX_SITES}, such as line:50")
    return int(size)


@functools.cache
def snapshots() -> tuple[str, ...]:
    """Names of the devices that are here with a calibration, such as ``fake_torino``, in order."""
    folder = resources.files("qmk.models.devices") / "snapshots"
    return tuple(sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json")))


@functools.lru_cache(maxsize=8)
def _snapshot(name: str) -> Target:
    return Target.from_json((resources.files("qmk.models.devices") / "snapshots" / f"{name}.json").read_bytes())


def is_target(name: str) -> bool:
    """Whether ``target_named`` reads it: a snapshot, a shape, or a JSON file that has a number of ``sites``."""
    if name in snapshots() or (":" in name and name.partition(":")[0] in SHAPES):
        return True
    if not name.endswith(".json") or not os.path.exists(name):
        return False
    try:
        return msgspec.json.decode(files.read(name), type=_Sites).sites > 0
    except (QmkError, msgspec.DecodeError, UnicodeDecodeError):
        return False


class _Sites(msgspec.Struct, frozen=True):
    sites: int


def target_named(name: str) -> Target:
    """The target of this name: ``line:N``, ``ring:N``, ``grid:RxC`` (row by row), ``heavy-hex:N`` (the maps of IBM's
    processors) or ``all:N`` (all pairs coupled), with gates cz, rz, sx and x; a snapshot such as ``fake_torino``; or a
    path that ends in .json, which ``Target.load`` reads. Raises INVALID_PARAMS for others."""
    if name.endswith(".json"):
        return Target.load(name)
    if name in snapshots():
        return _snapshot(name)
    shape, colon, size = name.partition(":")
    if shape in SHAPES and colon:
        return SHAPES[shape](name, size)
    near = difflib.get_close_matches(shape, [*SHAPES, *snapshots()], 1)
    meant = f"{near[0]}:{size or 'N'}" if near and near[0] in SHAPES else near[0] if near else shape
    fix = f"did you mean {meant}? " if meant != shape else ""
    known = f"give a shape with its size ({EXAMPLES}), a snapshot ({', '.join(snapshots())}) or a .json file"
    raise wrong(f"there is no target {show(name)}", fix + known)
