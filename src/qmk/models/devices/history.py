"""Calibrations of devices that were kept, in files of a folder: when each came, where from, and what changed since.

A device has a folder of its own, a calibration a file in it that is named by its digest, so that the same one twice is
kept once. Files are replaced as a whole. Bounded: of more than ``MOST_KEPT`` calibrations of a device the oldest go.
"""

from __future__ import annotations

import hashlib
import os
import statistics
from pathlib import Path

import msgspec

from qmk.base.errors import QmkError
from qmk.models import files
from qmk.models.arguments import show
from qmk.models.devices.age import age_s
from qmk.models.devices.drift import numbers
from qmk.models.devices.target import Target, wrong

MOST_KEPT = 400
MOST_DEVICES = 256
FOLDER = "calibrations"
"""Its place in the data folder."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """``digest``: SHA-256 of the calibration. ``kept_s``: when it was kept, in seconds since 1970. ``source``: the file
    or service it came from."""

    digest: str
    kept_s: float
    source: str
    target: Target

    @property
    def at_s(self) -> float:
        """When the device was calibrated, or where that is not said, when the calibration was kept."""
        return -age_s(self.target.date, 0.0) if self.target.date else self.kept_s


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One calibration in a history: the median of each kind of number, and by what factor it differs from the one
    before it at most, with the kind and the sites of that number."""

    digest: str
    at_s: float
    date: str
    source: str
    medians: dict[str, float]
    largest: tuple[float, str, tuple[int, ...]] | None


class History:
    """The calibrations in ``folder``, which is made when one is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, target: Target, source: str, now_s: float) -> Kept:
        """Keeps a calibration; one that is there already stays as it is. Raises INVALID_PARAMS for a target without
        numbers, and where the folder cannot be written or holds calibrations of too many devices."""
        if not numbers(target):
            raise wrong(f"'{target.name}' has no calibration", "give a target with errors or times")
        digest = hashlib.sha256(msgspec.json.encode(target, order="deterministic")).hexdigest()
        folder = self._of(target.name)
        if not folder.exists() and len(self._devices()) >= MOST_DEVICES:
            raise wrong(f"calibrations of {MOST_DEVICES} devices are kept", f"remove folders of {self._folder}")
        found = Kept(digest=digest, kept_s=now_s, source=source, target=target)
        path = folder / f"{digest}.json"
        if path.exists():
            return self._read(path)
        draft = folder / f"{digest}.{os.getpid()}"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.write_bytes(msgspec.json.encode(found))
            os.replace(draft, path)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise QmkError("INVALID_PARAMS", f"cannot write {show(str(path))}: {why}", path=str(path)) from error
        for old in self.of(target.name)[:-MOST_KEPT]:
            (folder / f"{old.digest}.json").unlink(missing_ok=True)
        return found

    def names(self) -> list[str]:
        """Devices that have calibrations here, in order."""
        first = (next(iter(sorted(folder.glob("*.json"))), None) for folder in self._devices())
        return sorted(self._read(path).target.name for path in first if path is not None)

    def of(self, name: str) -> list[Kept]:
        """The calibrations of a device, the oldest first; none where there are none."""
        found = [self._read(path) for path in self._of(name).glob("*.json")]
        return sorted(found, key=lambda row: (row.at_s, row.kept_s, row.digest))

    def moments(self, name: str) -> list[Moment]:
        """The history of a device, the oldest calibration first. Raises INVALID_PARAMS where there is none."""
        rows = self.of(name)
        if not rows:
            known = ", ".join(self.names()) or "none"
            raise wrong(
                f"no calibrations of {show(name)} are kept", f"qmk devices keep FILE; devices with some: {known}"
            )
        return [_moment(row, before) for row, before in zip(rows, [None, *rows], strict=False)]

    def _devices(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.is_dir()] if self._folder.is_dir() else []

    def _of(self, name: str) -> Path:
        """Names of devices are anybody's: the folder is called by their digest."""
        return self._folder / hashlib.sha256(name.encode()).hexdigest()[:32]

    def _read(self, path: Path) -> Kept:
        try:
            return msgspec.json.decode(files.read(path), type=Kept)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise wrong(f"'{path}' holds no calibration: {error}", "remove it") from error


def _moment(row: Kept, before: Kept | None) -> Moment:
    now, old = numbers(row.target), {} if before is None else numbers(before.target)
    medians: dict[str, float] = {}
    for kind in dict.fromkeys(kind for kind, _ in now):
        medians[kind] = statistics.median(value for (each, _), value in now.items() if each == kind)
    changed = [(max(now[k] / old[k], old[k] / now[k]), *k) for k in now if old.get(k, 0) > 0 and now[k] > 0]
    largest = max(changed, default=None)
    return Moment(
        digest=row.digest,
        at_s=row.at_s,
        date=row.target.date,
        source=row.source,
        medians=medians,
        largest=largest,
    )
