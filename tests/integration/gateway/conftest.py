"""A gateway in this process, on a daemon of its own, and the requests that real clients have sent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from qmk.client import Operator
from qmk.gateway.app import make_app
from tests.conftest import RunningDaemon
from tests.integration.gateway.tenants import Service, Tenants, serving_both

DATA = Path(__file__).resolve().parents[2] / "data" / "gateway"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def http(daemon: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Any]]:
    """A client of a gateway that asks for no token."""
    app = make_app(daemon.socket, tmp_path_factory.mktemp("gateway") / "gateway.db", needs_token=False)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def wire() -> Callable[[str], list[dict[str, Any]]]:
    """``wire("braket")``: the recorded requests."""
    return lambda name: json.loads((DATA / f"{name}.json").read_text())["requests"]


@pytest.fixture
def until() -> Callable[..., dict[str, Any]]:
    """Ask again until what is answered is as wanted."""

    def ask(read: Callable[[], Any], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            response = read()
            assert response.status_code == 200, response.text
            if wanted(found := response.json()):
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    return ask


@pytest.fixture(scope="module")
def tenant_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    running = RunningDaemon(tmp_path_factory.mktemp("daemon"), require_token=True).start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, tenant_daemon: RunningDaemon) -> Iterator[Tenants]:
    operator = Operator(tenant_daemon.folder / "state")
    app = make_app(tenant_daemon.socket, tmp_path_factory.mktemp("rest") / "gateway.db", needs_token=True)
    with TestClient(app, base_url="http://127.0.0.1") as http:
        yield Tenants(http, operator)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, tenant_daemon: RunningDaemon) -> Iterator[Service]:
    """A gateway that listens for HTTP and for gRPC."""
    with serving_both(tenant_daemon, tmp_path_factory.mktemp("service") / "gateway.db", needs_token=True) as found:
        yield Service(*found, operator=Operator(tenant_daemon.folder / "state"))
