"""Whoever interrupts a run cancels its task at the provider: Azure's and IQM's."""

from __future__ import annotations

from typing import Any

import pytest

import qmk
from qmk.cloud import task
from tests.cloud.azure import AzureServer
from tests.cloud.iqm import IqmServer
from tests.cloud.programs import lopsided


@pytest.mark.parametrize(("provider", "device"), [("azure", "rigetti.sim.qvm"), ("iqm", "garnet")])
def test_an_interrupt_cancels(
    provider: str, device: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: AzureServer | IqmServer = request.getfixturevalue(provider)
    server.looks = 1000

    def interrupt(_: float) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(task.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        qmk.run(lopsided(), engine=f"{provider}:{device}", shots=10, seed=1)
    assert [job["status"].lower() for job in server.jobs.values()] == ["cancelled"]
