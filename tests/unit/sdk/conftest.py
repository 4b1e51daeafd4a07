"""Timing by ratio, since absolute times depend on the machine."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


@pytest.fixture
def benchmark_ratio() -> Callable[[Callable[[], object], Callable[[], object]], float]:
    """CPU time of the first over that of the second, best of three each."""

    def best(run: Callable[[], object]) -> float:
        times = []
        for _ in range(3):
            started = time.process_time()
            run()
            times.append(time.process_time() - started)
        return min(times)

    return lambda first, second: best(first) / best(second)
