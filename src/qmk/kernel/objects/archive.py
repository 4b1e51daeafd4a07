"""Archives: jobs that ended long ago, packed together. Each is one record of the journal, in place of all of its jobs'.

Of a job in an archive only the tags change, which then stand beside it; it can be read, and forgotten.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from qmk.kernel.events import Record
from qmk.kernel.objects.checkpoint import Checkpoint
from qmk.kernel.objects.job import Job, relabel

UNPACKED = 16
"""Archives whose jobs are at hand: whoever reads one job mostly reads those beside it, a page of 1,000 at most."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Job]).decode


class ArchivedJob(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a job without its archive being unpacked."""

    job: str
    state: str
    submitted_ns: int
    kept_bytes: int
    idempotency_key: str = ""


class Archived(Record, frozen=True):
    """Journal record: these ended jobs of the tenant stand here now, the oldest first, all of each in ``data``.
    ``checkpoints`` are those that they keep, ``seq`` is that of the newest job, ``oldest_ns`` the earliest end,
    ``labels`` are those of jobs that have any."""

    tenant: str
    number: int
    rows: tuple[ArchivedJob, ...]
    data: bytes
    seq: int
    oldest_ns: int
    checkpoints: tuple[Checkpoint, ...] = ()
    labels: dict[str, tuple[str, ...]] | None = None


class ArchiveForgotten(Record, frozen=True):
    """Journal record: all jobs of the archive are forgotten."""

    number: int


def pack(jobs: Sequence[Job]) -> bytes:
    return zlib.compress(_encode(jobs), 1)


class Archive:
    """``left``: the jobs that are not forgotten, with the bytes that each keeps; ``tags``: of those that got others."""

    __slots__ = ("data", "left", "number", "oldest_ns", "tags")

    def __init__(self, record: Archived) -> None:
        self.number = record.number
        self.data = record.data
        self.oldest_ns = record.oldest_ns
        self.left = {row.job: row.kept_bytes for row in record.rows}
        self.tags: dict[str, tuple[str, ...]] = {}

    def unpack(self) -> dict[str, Job]:
        jobs = {job.id: job for job in _decode(zlib.decompress(self.data))}
        for id, tags in self.tags.items():
            relabel(jobs[id], tags)
        return jobs


class Jobs(Mapping[str, Job]):
    """All jobs by id. ``live``: those that are in no archive, which alone may be changed."""

    def __init__(self) -> None:
        self.live: dict[str, Job] = {}
        self._archives: dict[str, Archive] = {}
        self._unpacked: OrderedDict[int, dict[str, Job]] = OrderedDict()

    def __getitem__(self, id: str) -> Job:
        job = self.live.get(id)
        return job if job is not None else self._read(self._archives[id])[id]

    def get(self, id: str, default: Any = None) -> Any:
        job = self.live.get(id)
        if job is not None:
            return job
        return self[id] if id in self._archives else default

    def __contains__(self, id: object) -> bool:
        return id in self.live or id in self._archives

    def __iter__(self) -> Iterator[str]:
        return chain(self._archives, self.live)

    def __len__(self) -> int:
        return len(self.live) + len(self._archives)

    def has_ended(self, id: str) -> bool:
        """Whether a job that is here has ended."""
        return id in self._archives or self.live[id].has_ended

    def kept_bytes(self, id: str) -> int:
        """What a job that has ended keeps in the store."""
        archive = self._archives.get(id)
        return archive.left[id] if archive is not None else self.live[id].kept_bytes

    def label(self, id: str, tags: tuple[str, ...]) -> None:
        """The tags of a job that is here are these now."""
        relabel(self[id], tags)
        if (archive := self._archives.get(id)) is not None:
            archive.tags[id] = tags

    def archive_of(self, id: str) -> Archive | None:
        return self._archives.get(id)

    def put_away(self, archive: Archive) -> None:
        """The jobs are in the archive from now on."""
        for id in archive.left:
            self.live.pop(id, None)
            self._archives[id] = archive

    def remove(self, id: str) -> None:
        archive = self._archives.pop(id, None)
        if archive is None:
            del self.live[id]
            return
        del archive.left[id]
        if not archive.left:
            self._unpacked.pop(archive.number, None)

    def _read(self, archive: Archive) -> dict[str, Job]:
        jobs = self._unpacked.get(archive.number)
        if jobs is None:
            jobs = self._unpacked[archive.number] = archive.unpack()
            if len(self._unpacked) > UNPACKED:
                self._unpacked.popitem(last=False)
        return jobs


class Ended(Collection[str]):
    """The ended jobs of one tenant, the oldest first: those in archives, then those in play (``fresh``)."""

    def __init__(self) -> None:
        self.archives: dict[int, Archive] = {}
        self.fresh: OrderedDict[str, None] = OrderedDict()
        self._archived = 0

    def __iter__(self) -> Iterator[str]:
        return chain(chain.from_iterable(archive.left for archive in self.archives.values()), self.fresh)

    def __len__(self) -> int:
        return self._archived + len(self.fresh)

    def __contains__(self, id: object) -> bool:
        return id in self.fresh or any(id in archive.left for archive in self.archives.values())

    def perhaps_before(self, time_ns: int) -> Iterator[str]:
        """The jobs, without those of archives in which none ended before that time."""
        old = (archive.left for archive in self.archives.values() if archive.oldest_ns < time_ns)
        return chain(chain.from_iterable(old), self.fresh)

    def put_away(self, archive: Archive) -> None:
        for id in archive.left:
            self.fresh.pop(id, None)
        self.archives[archive.number] = archive
        self._archived += len(archive.left)

    def remove(self, id: str, archive: Archive | None) -> None:
        """Call it before the job is taken out of its archive."""
        if archive is None:
            del self.fresh[id]
            return
        self._archived -= 1
        if len(archive.left) == 1:
            del self.archives[archive.number]
