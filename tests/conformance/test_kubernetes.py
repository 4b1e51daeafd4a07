"""Slots that a server of the tests starts as Kubernetes starts pods keep the contract of the launch port."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmk.host.cluster import messages as ms
from qmk.host.cluster.launcher import ClusterPool
from qmk.host.cluster.opening import open_bridge
from qmk.host.launcher import Listener
from qmk.host.launcher_kit import CHECKS
from tests.kubernetes_server import Server
from tests.loopback import SETTINGS

pytestmark = pytest.mark.conformance


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path, runs=True)
    yield started
    started.stop()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_slots_of_kubernetes_keep_the_contract(check: Callable[..., Any], server: Server, tmp_path: Path) -> None:
    options = {"image": "qmk@sha256:0", "kubeconfig": str(server.config)}

    def make(listener: Listener) -> ClusterPool:
        join = ms.Join("kubernetes", str(tmp_path), uuid.uuid4().hex[:16], 2, SETTINGS, options=options)
        return ClusterPool("kubernetes", join, 0, listener, open_bridge)

    asyncio.run(check(make))
    assert server.objects == {"pods": {}, "jobs": {}, "secrets": {}}, "slots end with their launcher"
