"""What is free on a map of many slots, and the work that launches have left: the same as a walk over all would say."""

from __future__ import annotations

from random import Random

import pytest

from qmk.kernel.capacity import Settings, Site
from qmk.kernel.scheduling import Task
from qmk.policy.schedule.ends import Ends
from qmk.policy.schedule.room import Room

SEEDS = range(20)


def task(rng: Random, number: int, regions: tuple[tuple[str, int], ...]) -> Task:
    wanted = rng.choice([name for name, _ in regions]) if rng.random() < 0.2 else ""
    needs = {"memory_bytes": 0, "qubits": rng.randrange(0, 12), "priority": 0, "wanted_region": wanted}
    return Task(job=f"j{number}", tenant="t", seq=number, cost_ns=1, **needs)


def walk(room: Room, task: Task) -> Site | None:
    """The first place, in the map's order, that the kernel's own check finds free."""
    if room.free_slots <= 0:
        return None
    wanted = room.wanted_region(task) if task.wanted_region else None
    for region in (wanted,) if wanted is not None else room.regions.values():
        for first in range(region.base, region.end):
            site = Site(region.name, first, task.qubits or 1)
            if room.holds(task, site):
                return site
    return None


@pytest.mark.parametrize("slots", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_place_is_the_first_one_that_is_free(slots: bool, seed: int) -> None:
    """Also in copies of copies, which share what they have not changed."""
    rng = Random(f"room {seed}")
    regions = tuple((f"r{number}", rng.choice((4, 8, 10))) for number in range(6))
    rooms = [Room(Settings(workers=6, regions=regions, slots=slots))]
    out: list[list[tuple[Task, Site]]] = [[]]
    for number in range(300):
        which = rng.randrange(len(rooms))
        room, held = rooms[which], out[which]
        before = [other.snapshot() for other in rooms]
        asked = task(rng, number, regions)
        site = room.fit(asked)
        assert site == walk(room, asked)
        widest = [
            width
            for width in range(1, 11)
            if walk(room, Task(job="x", tenant="t", seq=0, cost_ns=1, qubits=width)) is not None
        ]
        if room.free_slots:
            assert room.widest() == max(widest, default=0)
        if site is not None and rng.random() < 0.7:
            room.take(asked, site)
            held.append((asked, site))
        elif held:
            room.give(*held.pop(rng.randrange(len(held))))
        assert [other.snapshot() for k, other in enumerate(rooms) if k != which] == [
            each for k, each in enumerate(before) if k != which
        ]
        if len(rooms) < 4 and rng.random() < 0.05:
            rooms.append(room.copy())
            out.append(list(held))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_work_left_is_the_sum_over_all_launches(seed: int) -> None:
    rng = Random(f"ends {seed}")
    ends, due, now_ns = Ends(), list[int](), 0
    for _ in range(500):
        now_ns += rng.choice((0, 0, 1, 30))
        if due and rng.random() < 0.4:
            ends.drop(due.pop(rng.randrange(len(due))))
        else:
            due.append(now_ns + rng.randrange(-20, 60))
            ends.add(due[-1])
        if rng.random() < 0.3:
            assert ends.left_ns(now_ns) == sum(abs(each - now_ns) for each in due)
