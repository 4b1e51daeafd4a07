"""Counts how many jobs of a list have each state, name, tag, engine and priority, so as to narrow the filter."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from qmk.abi.calls import q_jobs
from qmk.base.limits import LIMITS
from qmk.gateway.callers import Caller
from qmk.gateway.service.operation import narrow

VALUES = 20
"""Values of a facet, the most frequent ones."""
LOOK = Annotated[int, Meta(description="newest jobs that are looked at", ge=1, le=10_000)]
CountJobs = narrow(q_jobs.Filter, "CountJobs", drop=("limit", "cursor"), look=(LOOK, 1000))


class Facet(Struct, frozen=True):
    """How often each value of one field comes, the most frequent first; ``others``: of values that are not listed."""

    name: str
    values: dict[str, int]
    others: int = 0


class Facets(Struct, frozen=True, kw_only=True):
    """Counts of the jobs that a filter leaves."""

    looked: Annotated[int, Meta(description="jobs that were counted")]
    more: Annotated[bool, Meta(description="there are older ones that were not looked at")]
    facets: list[Facet]

    def values_of(self, name: str) -> dict[str, int]:
        """The counts of one field."""
        return next((each.values for each in self.facets if each.name == name), dict[str, int]())


async def count_jobs(caller: Caller, asked: Any) -> Facets:
    """Counts by field of the newest jobs that fit."""
    wanted = msgspec.structs.asdict(asked)
    left = wanted.pop("look")
    counts = {name: Counter[str]() for name in ("state", "name", "tag", "engine", "priority")}
    looked = 0
    following: str | None = ""
    while following is not None and looked < left:
        page = await caller.ask(q_jobs.CALL, **wanted, limit=min(LIMITS.page_rows, left - looked), cursor=following)
        _count(counts, page.jobs)
        looked, following = looked + len(page.jobs), page.next
    facets = [_facet(name, found) for name, found in counts.items()]
    return Facets(looked=looked, more=following is not None, facets=facets)


def _count(counts: dict[str, Counter[str]], rows: list[q_jobs.JobRow]) -> None:
    for name in ("state", "name", "engine", "priority"):
        counts[name].update(filter(None, map(str, map(attrgetter(name), rows))))
    counts["tag"].update(chain.from_iterable(row.tags for row in rows))


def _facet(name: str, found: Counter[str]) -> Facet:
    values = dict(found.most_common(VALUES))
    return Facet(name, values, sum(found.values()) - sum(values.values()))
