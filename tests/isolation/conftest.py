from __future__ import annotations

import pytest

from qmk.host.isolation.probe import probe_level

JAIL = probe_level("jail")


@pytest.fixture(autouse=True)
def jail() -> None:
    """The host has jails; else the test is skipped with what is missing."""
    if not JAIL.available:
        pytest.skip(JAIL.reason)
