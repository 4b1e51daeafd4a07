"""Exact distributions and engine runs of small programs, for tests of physics."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph


@pytest.fixture
def exact() -> Callable[[Graph], dict[str, float]]:
    """A graph's exact distribution, every branch followed."""
    return lambda graph: exact_distribution(lower(graph, ALL_GATES))


@pytest.fixture
def chance_of_one(exact: Callable[[Graph], dict[str, float]]) -> Callable[[Graph, int], float]:
    """Probability that the printed bit at a place is 1."""
    return lambda graph, place: sum(p for key, p in exact(graph).items() if key[place] == "1")
