"""Recorded servers of providers, with the settings that lead to them; nobody waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qmk.cloud import http, task
from tests.cloud import azure as azure_server
from tests.cloud import ionq as ionq_server
from tests.cloud import iqm as iqm_server
from tests.cloud import rigetti as rigetti_server
from tests.cloud.recorded import running


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(http, "LONGEST_PAUSE_S", 0.01)
    monkeypatch.setattr(task, "FIRST_LOOK_S", 0.001)


@pytest.fixture
def ionq(monkeypatch: pytest.MonkeyPatch) -> Iterator[ionq_server.IonqServer]:
    with running(ionq_server.IonqServer) as server:
        monkeypatch.setenv("QMK_CLOUD_IONQ_URL", f"{server.url}/v0.4")
        monkeypatch.setenv("IONQ_API_KEY", ionq_server.KEY)
        yield server


@pytest.fixture
def iqm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[iqm_server.IqmServer]:
    with running(iqm_server.IqmServer) as server:
        monkeypatch.setenv("QMK_CLOUD_IQM_URL", server.url)
        monkeypatch.setenv("IQM_TOKEN", iqm_server.KEY)
        monkeypatch.setenv("QMK_CLOUD_STATE", str(tmp_path))
        yield server


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[azure_server.AzureServer]:
    with running(azure_server.AzureServer) as server:
        monkeypatch.setenv("AZURE_QUANTUM_CONNECTION_STRING", server.connection)
        yield server


@pytest.fixture
def rigetti(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[rigetti_server.RigettiServer]:
    with running(rigetti_server.RigettiServer) as server:
        server.write_account(tmp_path)
        monkeypatch.setenv("QCS_SETTINGS_FILE_PATH", str(tmp_path / "settings.toml"))
        monkeypatch.setenv("QCS_SECRETS_FILE_PATH", str(tmp_path / "secrets.toml"))
        monkeypatch.setenv("QMK_CLOUD_STATE", str(tmp_path))
        yield server
