"""Rows of raw counts, and tables of them as JSON.

A row is one calibration circuit under one noise model, sampled and decoded: which observables came out wrong, how
often. Nothing in a row is fitted or smoothed. Rows of different noise models (by hash) never answer for one another.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

import msgspec

from qmk.base.errors import QmkError
from qmk.models import files
from qmk.models.noise import NoiseLike, resolve
from qmk.models.qec.intervals import clopper_pearson

FORMAT = 1


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``errors``: shots by which observables were wrong, a 1 each, in the order of ``observables`` (each a sum of named
    outcomes); shots without any are left out. ``rounds`` are those of one shot; a cycle has ``rounds_per_cycle``."""

    kind: str
    family: str
    d: int
    basis: str
    noise: str
    noise_hash: str
    decoder: str
    rounds: int
    rounds_per_cycle: int
    observables: tuple[str, ...]
    shots: int
    errors: dict[str, int]
    seed: int
    versions: dict[str, str]

    def __post_init__(self) -> None:
        wide = len(self.observables)
        if any(len(key) != wide or set(key) - {"0", "1"} or "1" not in key for key in self.errors):
            raise wrong(f"row '{self.kind}' names errors that do not fit {wide} observables", "measure it again")
        whole = (self.d, self.rounds, self.rounds_per_cycle, self.shots, wide)
        if min(whole) < 1 or any(count < 0 for count in self.errors.values()):
            raise wrong(f"row '{self.kind}' counts nothing, or less than nothing", "measure it again")
        if sum(self.errors.values()) > self.shots:
            raise wrong(f"row '{self.kind}' has more errors than shots", "measure it again")

    @property
    def errors_any(self) -> int:
        return sum(self.errors.values())

    @property
    def any_per_shot(self) -> float:
        return self.errors_any / self.shots

    def interval_per_shot(self, confidence: float = 0.95) -> tuple[float, float]:
        """Bounds of ``any_per_shot`` (Clopper and Pearson)."""
        return clopper_pearson(self.errors_any, self.shots, confidence)

    @property
    def key(self) -> tuple[object, ...]:
        """Rows with equal keys count the same thing."""
        return (self.kind, self.family, self.d, self.noise_hash, self.decoder, self.rounds, self.basis)


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows, at most one for each key."""

    rows: tuple[Row, ...] = ()
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise wrong(f"a table of format {self.format}", f"this release reads format {FORMAT}")
        if len({row.key for row in self.rows}) != len(self.rows):
            raise wrong("two rows count the same thing", "add their counts up, or keep one")

    @property
    def digest(self) -> str:
        """SHA-256 of the rows, whatever their order; results name it."""
        return hashlib.sha256(_ENCODER.encode(sorted(self.rows, key=lambda row: str(row.key)))).hexdigest()

    @property
    def label(self) -> str:
        return f"{len(self.rows)} rows [{self.digest[:12]}]"

    def of(self, noise: NoiseLike, family: str, decoder: str) -> Table:
        """The rows that answer for this noise model, family and decoder. Raises UNSUPPORTED where there are none: a
        model with the same strength under another name is another model."""
        model = resolve(noise)
        found = tuple(
            row for row in self.rows if (row.noise_hash, row.family, row.decoder) == (model.hash, family, decoder)
        )
        if not found:
            known = sorted({row.noise for row in self.rows if (row.family, row.decoder) == (family, decoder)})
            raise QmkError(
                "UNSUPPORTED",
                f"the table has no rows of {family} codes under the noise model {model.label} with {decoder}",
                field="noise",
                help=f"its models: {', '.join(known) or 'none'}; 'tables.measure' makes rows of others",
            )
        return Table(found)

    def row(self, kind: str, d: int, basis: str) -> Row | None:
        """The row with the most shots."""
        found = [row for row in self.rows if (row.kind, row.d, row.basis) == (kind, d, basis)]
        return max(found, key=lambda row: row.shots, default=None)

    def distances(self, kind: str) -> list[int]:
        """Those of which this kind has rows in both bases."""
        both = {row.d for row in self.rows if row.kind == kind and row.basis == "X"}
        return sorted(both & {row.d for row in self.rows if row.kind == kind and row.basis == "Z"})

    def with_rows(self, rows: Iterable[Row]) -> Table:
        """These rows take the place of those with the same key."""
        made = {row.key: row for row in self.rows} | {row.key: row for row in rows}
        return Table(tuple(made.values()))

    def with_better(self, rows: Iterable[Row]) -> Table:
        """Of rows with the same key the one with the most shots; of as many, the one that was there before."""
        made = {row.key: row for row in self.rows}
        for row in rows:
            known = made.get(row.key)
            if known is None or row.shots > known.shots:
                made[row.key] = row
        return Table(tuple(made.values()))

    def to_json(self) -> bytes:
        return b"[\n" + b",\n".join(_ENCODER.encode(row) for row in self.rows) + b"\n]\n"

    @classmethod
    def from_json(cls, data: bytes | str) -> Table:
        """Raises INVALID_PARAMS naming the place of what does not fit."""
        try:
            return cls(msgspec.json.decode(data, type=tuple[Row, ...]))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise wrong(str(error), "the fields are in docs/howto/logical.md") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Table:
        """Raises INVALID_PARAMS for a file that cannot be read or is not a table."""
        return cls.from_json(files.read(path))


_ENCODER = msgspec.json.Encoder(order="sorted")


def wrong(message: str, help: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"table of logical errors: {message}", field="table", help=help)


def default() -> Table:
    """The table that is shipped: surface and Bacon-Shor codes under the noise ``p=P`` of Stim's generator, decoded by
    matching, and what this user's cache holds beyond it, which is also more shots of the same."""
    shipped = Table.from_json((resources.files("qmk.models.qec.tables") / "default.json").read_bytes())
    return shipped.with_better(cached_rows())


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/qmk/logical`` or ``~/.cache/qmk/logical``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qmk" / "logical"


def cached_rows() -> tuple[Row, ...]:
    """Every row of the cache whose file still has the content that its name says. Raises INVALID_PARAMS for one that
    is not a row of this release all the same."""
    found: list[Row] = []
    for path in sorted(cache_folder().glob("*.json")):
        data = path.read_bytes()
        if path.stem != hashlib.sha256(data).hexdigest():
            continue
        try:
            found.append(msgspec.json.decode(data, type=Row))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise wrong(f"'{path}' is not a row: {error}", "remove the file") from error
    return tuple(found)


def keep(row: Row) -> Path:
    """Put a row into the cache, under the hash of its content."""
    data = _ENCODER.encode(row)
    path = cache_folder() / f"{hashlib.sha256(data).hexdigest()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    fresh.write_bytes(data)
    fresh.replace(path)
    return path


def merge_counts(errors: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Counts of several runs, added up."""
    total: dict[str, int] = {}
    for counts in errors:
        for key, count in counts.items():
            total[key] = total.get(key, 0) + count
    return dict(sorted(total.items()))
