"""Where a job would go: the kernel's account of what is free, with questions that only a choice among jobs asks."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from copy import copy

from qmk.kernel.capacity import Capacity, Region, Settings, Site
from qmk.kernel.scheduling import Task


class Room(Capacity):
    """What is free. A copy answers what would be free if: it costs little, however many regions there are, because
    copies share the regions until one of them changes one. ``_own`` names those that no copy shares.

    ``_open``: the numbers of the regions that may take a job, in the map's order, where each holds one job only; so a
    place is found without a look at the slots that are taken. None where regions hold several."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._names = tuple(self.regions)
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._own = set(self._names)
        self._open: list[int] | None = list(range(len(self._names))) if settings.slots else None
        self._largest = self.widest_region.end - self.widest_region.base

    def copy(self) -> Room:
        other = copy(self)
        other.regions = self.regions.copy()
        self._own, other._own = set[str](), set[str]()
        other._open = None if self._open is None else self._open.copy()
        return other

    def take(self, task: Task, site: Site | None) -> None:
        if site is not None:
            if site.region not in self._own:
                self._take_over(site.region)
            if self._open is not None:
                del self._open[bisect_left(self._open, self._numbers[site.region])]
        Capacity.take(self, task, site)

    def give(self, task: Task, site: Site | None) -> None:
        if site is not None:
            if site.region not in self._own:
                self._take_over(site.region)
            if self._open is not None:
                insort(self._open, self._numbers[site.region])
        Capacity.give(self, task, site)

    def widest(self) -> int:
        """The widest job there is room for."""
        widest = 0
        for region in self._open_regions():
            widest = max(widest, _widest_gap(region))
            if widest == self._largest:
                break
        return widest

    def fit(self, task: Task) -> Site | None:
        """Where the job can be placed now: in the region it wants, else in the first with room, at its lowest free
        index."""
        if not self.has_room(task):
            return None
        width = task.qubits or 1
        if task.wanted_region and (wanted := self.wanted_region(task)) is not None:
            regions = (wanted,) if self.is_open(wanted) else ()
        else:
            regions = self._open_regions()
        for region in regions:
            first = _first_gap(region, width)
            if first is not None:
                return Site(region.name, first, width)
        return None

    def _open_regions(self) -> Iterable[Region]:
        """The regions that may take a job, in the map's order."""
        if self._open is None:
            return self.regions.values()
        return (self.regions[self._names[number]] for number in self._open)

    def _take_over(self, name: str) -> None:
        """Gives this room a region of its own, before it changes."""
        region = self.regions[name]
        self.regions[name] = Region(name, region.base, region.end, region.taken.copy())
        self._own.add(name)


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
