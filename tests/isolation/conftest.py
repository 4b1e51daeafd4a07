from __future__ import annotations

from functools import cache

import pytest

from qmk.base.isolation import Level
from qmk.host.isolation.probe import probe_level

_found = cache(probe_level)


def require(level: Level) -> None:
    """The host has the level; else the test is skipped with what is missing."""
    found = _found(level)
    if not found.available:
        pytest.skip(f"{found.reason}; {found.fix}")


@pytest.fixture(autouse=True)
def jail() -> None:
    require("jail")
