"""Recorded servers of providers; nobody waits."""

from __future__ import annotations

import pytest

from qmk.cloud import http, task
from tests.cloud.fixtures import azure, braket, ibm, ionq, iqm

__all__ = ["azure", "braket", "ibm", "ionq", "iqm"]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(http, "LONGEST_PAUSE_S", 0.01)
    monkeypatch.setattr(task, "FIRST_LOOK_S", 0.001)
