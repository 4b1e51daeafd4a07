"""Where a job would go: the kernel's account of what is free, with questions that only a choice among jobs asks."""

from __future__ import annotations

from qmk.kernel.capacity import Capacity, Region, Site, width_of
from qmk.kernel.scheduling import Task


class Room(Capacity):
    """What is free. A copy answers what would be free if."""

    def copy(self) -> Room:
        other = Room.__new__(Room)
        other.settings = self.settings
        other.free_slots, other.used_memory, other.jobs = self.free_slots, self.used_memory, self.jobs
        other.used_decoder, other.free_decoder = self.used_decoder, self.free_decoder
        other.regions = {
            name: Region(name, region.base, region.end, list(region.taken)) for name, region in self.regions.items()
        }
        return other

    def widest(self) -> int:
        """The widest job there is room for."""
        return max((_widest_gap(region) for region in self.regions.values() if self.is_open(region)), default=0)

    def fit(self, task: Task) -> Site | None:
        """Where the job can be placed now: in the region it wants, else in the first with room, at its lowest free
        index."""
        if not self.has_room(task):
            return None
        width = width_of(task)
        wanted = self.wanted_region(task) if task.wanted_region else None
        for region in (wanted,) if wanted is not None else self.regions.values():
            first = _first_gap(region, width) if self.is_open(region) else None
            if first is not None:
                return Site(region.name, first, width)
        return None


def _first_gap(region: Region, width: int) -> int | None:
    """The lowest index at which ``width`` qubits are free."""
    at = region.base
    for first, taken in region.taken:
        if first - at >= width:
            return at
        at = first + taken
    return at if region.end - at >= width else None


def _widest_gap(region: Region) -> int:
    at, widest = region.base, 0
    for first, taken in region.taken:
        widest = max(widest, first - at)
        at = first + taken
    return max(widest, region.end - at)
