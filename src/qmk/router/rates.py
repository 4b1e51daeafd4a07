"""Reads and writes the rates that ``qmk calibrate`` measured on this machine, which the router uses in place of the
declared ones.

A file of rates belongs to one processor model, and each engine's rates in it to one version of its library. What does
not match is left out, with a note that says so; predictions are then those that the engine declares.
"""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from qmk.base.errors import QmkError
from qmk.rpc import places
from qmk.sdk import discovery
from qmk.sdk.engine import Declaration

FORMAT = 1
NAME = "rates.json"
FILE_BYTES = 1 << 20
"""A larger file was not written by ``qmk calibrate``."""

_START_MAX_S = 3600.0
_FACTOR_MAX = 1e4
"""A rate is within this factor of the declared one, or it was not measured."""


class Rated(msgspec.Struct, frozen=True, kw_only=True):
    """One engine: the version it was measured with, its rates, the factor that each method's predictions are within,
    and the seconds from starting its worker to a first result."""

    version: str
    rates: dict[str, float]
    uncertainty: dict[str, float]
    start_s: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the file. ``made`` is Unix time in seconds."""

    format: int = FORMAT
    cpu: str
    made: float
    engines: dict[str, Rated]


class Rating(msgspec.Struct, frozen=True):
    """Declarations with the rates of this machine, and notes on what of the file could not be used."""

    declarations: Mapping[str, Declaration]
    notes: tuple[str, ...] = ()
    rated: tuple[str, ...] = ()
    """Engines that a calibration holds for."""


def default_path(data_dir: Path | None = None) -> Path:
    """``QMK_RATES``, else ``rates.json`` in the data folder (``rpc.places.state_dir``), which is the daemon's too."""
    if named := os.environ.get("QMK_RATES"):
        return Path(named)
    return (data_dir or places.state_dir()) / NAME


@functools.cache
def cpu_model() -> str:
    """The processor's name, as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def load(path: Path) -> Calibration | None:
    """Reads the file; None when there is none. Raises INVALID_PARAMS for one that is not a calibration, or that cannot
    be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise QmkError("INVALID_PARAMS", f"cannot read {path}: {why}", help="name another file in QMK_RATES") from error
    if not data:
        return None
    try:
        if len(data) > FILE_BYTES:
            raise msgspec.ValidationError(f"it has more than {FILE_BYTES} bytes")
        return msgspec.json.decode(data, type=Calibration)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise QmkError("INVALID_PARAMS", f"{path} holds no rates: {error}", help="run qmk calibrate") from error


def save(path: Path, calibration: Calibration) -> None:
    """Replaces the file as a whole. Raises INVALID_PARAMS when it cannot be written, or is not a regular file."""
    data = msgspec.json.format(msgspec.json.encode(calibration, order="deterministic"), indent=2) + b"\n"
    _write(path, data, replace=True)


def check_writable(path: Path) -> None:
    """Raises what ``save`` would raise, before anything is measured."""
    _write(path, b"", replace=False)


def _write(path: Path, data: bytes, replace: bool) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        if path.exists() and not path.is_file():
            raise QmkError("INVALID_PARAMS", f"{path} is not a file, so rates cannot be written there", path=str(path))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            draft.write_bytes(data)
            if replace:
                os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise QmkError("INVALID_PARAMS", f"cannot write {path}: {why}", path=str(path)) from error


def merge_calibration(path: Path, new: Calibration) -> Calibration:
    """Adds the other engines of the file to a new calibration, if the file is from the same processor."""
    try:
        old = load(path)
    except QmkError:
        old = None
    if old is None or old.format != FORMAT or old.cpu != new.cpu:
        return new
    return msgspec.structs.replace(new, engines={**old.engines, **new.engines})


def rate(declarations: Mapping[str, Declaration], path: Path | None = None) -> Rating:
    """Reads the file at ``path`` (default: ``default_path``), and applies it to the declarations."""
    where = path or default_path()
    try:
        calibration = load(where)
    except QmkError as error:
        return Rating(declarations, (f"{error.message}: declared rates are used",))
    return Rating(declarations) if calibration is None else apply_calibration(declarations, calibration, str(where))


def apply_calibration(
    declarations: Mapping[str, Declaration], calibration: Calibration, where: str = "the file"
) -> Rating:
    """Applies the part of the calibration that was measured on this machine with these engines."""
    if calibration.format != FORMAT:
        return Rating(declarations, (f"{where} has format {calibration.format}, this release reads {FORMAT}",))
    if calibration.cpu != cpu_model():
        note = f"{where} was measured on '{calibration.cpu}', and this is '{cpu_model()}': run qmk calibrate"
        return Rating(declarations, (note,))
    notes: list[str] = []
    found = dict(declarations)
    for name, rated in calibration.engines.items():
        declaration = declarations.get(name)
        if declaration is None:
            continue
        version = discovery.available(declaration).version
        if rated.version != version:
            notes.append(f"the rates of engine '{name}' are of version {rated.version}, not {version}: qmk calibrate")
        elif not _sensible(declaration, rated):
            notes.append(f"the rates of engine '{name}' in {where} are not those that it declares: qmk calibrate")
        else:
            found[name] = _with_rates(declaration, rated)
    return Rating(found, tuple(notes), tuple(name for name in found if found[name] is not declarations[name]))


def _sensible(declaration: Declaration, rated: Rated) -> bool:
    """Whether the rates are the declared ones by name, each positive and close to the declared one, with factors of
    uncertainty of at least 1."""
    if rated.rates.keys() != declaration.rates.keys():
        return False
    near = all(1 / _FACTOR_MAX <= rated.rates[name] / usual <= _FACTOR_MAX for name, usual in declaration.rates.items())
    return (
        near
        and 0 <= rated.start_s <= _START_MAX_S
        and all(1 <= factor <= _FACTOR_MAX for factor in rated.uncertainty.values())
    )


def _with_rates(declaration: Declaration, rated: Rated) -> Declaration:
    """Uses measured rates in a declaration. An engine for long runs is reserved for those that outlast the start of its
    worker."""
    beyond_s = max(declaration.beyond_s, rated.start_s) if declaration.beyond_s else 0.0
    return replace(declaration, rates=dict(rated.rates), uncertainty=dict(rated.uncertainty), beyond_s=beyond_s)


_LAST: list[tuple[Path, tuple[int, int] | None, int, Rating]] = []


def installed_rating() -> Rating:
    """The rates of every installed engine from the default file, which is read again only when it has changed."""
    path, known = default_path(), discovery.engines()
    try:
        state = path.stat()
        stamp = (state.st_mtime_ns, state.st_size)
    except OSError:
        stamp = None
    if not _LAST or _LAST[0][:3] != (path, stamp, id(known)):
        _LAST[:] = [(path, stamp, id(known), rate(known, path))]
    return _LAST[0][3]
