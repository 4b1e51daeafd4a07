"""Recorded servers of providers as fixtures, with the settings that lead to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud import azure as azure_server
from tests.cloud import braket as braket_server
from tests.cloud import ibm as ibm_server
from tests.cloud import ionq as ionq_server
from tests.cloud import iqm as iqm_server
from tests.cloud.recorded import running


@pytest.fixture
def ionq(monkeypatch: pytest.MonkeyPatch) -> Iterator[ionq_server.IonqServer]:
    with running(ionq_server.IonqServer) as server:
        monkeypatch.setenv("QMK_CLOUD_IONQ_URL", f"{server.url}/v0.4")
        monkeypatch.setenv("IONQ_API_KEY", ionq_server.KEY)
        yield server


@pytest.fixture
def braket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[braket_server.BraketServer]:
    with running(braket_server.BraketServer) as server:
        for name, value in {"URL": server.url, "S3_URL": server.url, "BUCKET": "results"}.items():
            monkeypatch.setenv(f"QMK_CLOUD_AMAZON_BRAKET_{name}", value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "known")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "braket-secret-4711")
        yield server


@pytest.fixture
def ibm(monkeypatch: pytest.MonkeyPatch) -> Iterator[ibm_server.IbmServer]:
    with running(ibm_server.IbmServer) as server:
        monkeypatch.setenv("QMK_CLOUD_IBM_URL", f"{server.url}/api/v1")
        monkeypatch.setenv("QMK_CLOUD_IBM_LOGIN_URL", server.url)
        monkeypatch.setenv("QMK_CLOUD_IBM_INSTANCE", ibm_server.CRN)
        monkeypatch.setenv("QISKIT_IBM_TOKEN", ibm_server.KEY)
        yield server


@pytest.fixture
def iqm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[iqm_server.IqmServer]:
    with running(iqm_server.IqmServer) as server:
        monkeypatch.setenv("QMK_CLOUD_IQM_URL", server.url)
        monkeypatch.setenv("IQM_TOKEN", iqm_server.KEY)
        monkeypatch.setenv("QMK_CLOUD_STATE", str(tmp_path / "sent"))
        yield server


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[azure_server.AzureServer]:
    with running(azure_server.AzureServer) as server:
        monkeypatch.setenv("AZURE_QUANTUM_CONNECTION_STRING", server.connection)
        yield server
