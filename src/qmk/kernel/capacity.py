"""The machine's resources: worker slots, memory, the decoder's time, and the regions of the device's map.

All qubits of a job are placed together, contiguously in one region, or not at all.
"""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

import msgspec

from qmk.base.decoding import THROTTLE_LOAD
from qmk.base.limits import LIMITS
from qmk.kernel.scheduling import Task

DECODER_PPM = round(THROTTLE_LOAD * 1_000_000)
"""Load of the decoder that launches may put on it together, in millionths of its time."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """``workers`` launches at once, predicted to need ``memory_bytes`` together (0: no bound). ``regions``: name and
    qubits of each, in the order of the device's map; with ``slots``, each is a worker slot and holds one job."""

    workers: int = 1
    memory_bytes: int = 0
    regions: tuple[tuple[str, int], ...] = (("r0", LIMITS.region_qubits),)
    slots: bool = False
    epoch_ns: int = 100_000_000
    backfill: bool = True
    preempt: bool = True


class Site(NamedTuple):
    """Where a job's qubits are: in ``region``, at ``first`` to ``first + width - 1`` of the device."""

    region: str
    first: int
    width: int


class Region:
    """Qubits ``base`` to ``end - 1`` of the device. ``taken``: first qubit and width of each job in it, in order."""

    __slots__ = ("base", "end", "name", "taken")

    def __init__(self, name: str, base: int, end: int, taken: list[tuple[int, int]]) -> None:
        self.name = name
        self.base = base
        self.end = end
        self.taken = taken

    def free(self, first: int, width: int) -> bool:
        """Whether exactly these qubits are free."""
        end = first + width
        for other, taken in self.taken:
            if first < other + taken and other < end:
                return False
        return self.base <= first and end <= self.end


class Capacity:
    """Counts which resources are free."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.free_slots = settings.workers
        self.used_memory = 0
        self.used_decoder = 0
        self.free_decoder = DECODER_PPM
        self.free_scripts = LIMITS.running_scripts
        self.jobs = 0
        self.regions: dict[str, Region] = {}
        base = 0
        for name, width in settings.regions:
            self.regions[name] = Region(name, base, base + width, [])
            base += width
        self.widest_region = max(self.regions.values(), key=lambda region: region.end - region.base)

    @property
    def free_memory(self) -> int:
        """Bytes a further job may need. One that is alone may always try."""
        bound = self.settings.memory_bytes
        return bound - self.used_memory if bound and self.jobs else _UNBOUNDED

    def may_ever_hold(self, task: Task) -> bool:
        """Whether an empty machine has room for the job. Memory does not count: one that is alone may try,
        and tasks are told with no more load of the decoder than there is."""
        return self.widest_region.end - self.widest_region.base >= width_of(task)

    def wanted_region(self, task: Task) -> Region | None:
        """The region that the job must be placed in, None: any. A wish for a region that a restart with another map
        took away, or made too narrow, is void."""
        region = self.regions.get(task.wanted_region)
        return region if region is not None and region.end - region.base >= width_of(task) else None

    def has_room(self, task: Task) -> bool:
        """Whether a worker, the memory and the decoder are free for the job."""
        is_free = self.free_slots > 0 and task.decoder_ppm <= self.free_decoder
        return is_free and (not task.memory_bytes or task.memory_bytes <= self.free_memory)

    def holds(self, task: Task, site: Site) -> bool:
        """Whether the job fits exactly there. A script fits anywhere while there are not too many."""
        if task.script:
            return self.free_scripts > 0
        region = self.regions.get(site.region)
        return region is not None and self.has_room(task) and self.is_open(region) and region.free(*site[1:])

    def take(self, task: Task, site: Site | None) -> None:
        """``site`` None: a launch from before a restart, in a region that is no more."""
        if task.script:
            self.free_scripts -= 1
            return
        self.free_slots -= 1
        self.used_memory += task.memory_bytes
        if task.decoder_ppm:
            self._decode(task.decoder_ppm)
        self.jobs += 1
        if site is not None:
            insort(self.regions[site.region].taken, (site.first, site.width))

    def give(self, task: Task, site: Site | None) -> None:
        if task.script:
            self.free_scripts += 1
            return
        self.free_slots += 1
        self.used_memory -= task.memory_bytes
        if task.decoder_ppm:
            self._decode(-task.decoder_ppm)
        self.jobs -= 1
        if site is not None:
            self.regions[site.region].taken.remove((site.first, site.width))

    def site(self, task: Task, region: str, first_qubit: int) -> Site | None:
        """The place a journal tells of, if it is still there and free."""
        site = Site(region, first_qubit, width_of(task))
        found = self.regions.get(region)
        free = found is not None and self.is_open(found) and found.free(site.first, site.width)
        return site if free else None

    def snapshot(self) -> dict[str, list[tuple[int, int]]]:
        return {name: list(region.taken) for name, region in self.regions.items()}

    def _decode(self, more_ppm: int) -> None:
        self.used_decoder += more_ppm
        self.free_decoder = max(0, DECODER_PPM - self.used_decoder)

    def is_open(self, region: Region) -> bool:
        return not (self.settings.slots and region.taken)


_UNBOUNDED = 1 << 62


def width_of(task: Task) -> int:
    """Qubits of its place; a program without any takes one, so that it has a place."""
    return task.qubits or 1
