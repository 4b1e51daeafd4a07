"""kill -9 of daemon, gateway and workers at random moments, under load: nothing lost, doubled or wrong. The long forms
are ``python -m benchmarks.crash`` and ``python -m benchmarks.service_crash``."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.crash import WORK, storm
from benchmarks.crash_victim import Victim
from benchmarks.service_crash import Service, ServiceApart

SEED = 12
"""Its first three faults are of the gateway, the daemon and a worker."""
pytestmark = pytest.mark.timeout(600)  # as long as it takes on a machine that does other work too


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_nothing_is_lost_doubled_or_wrong(tmp_path: Path, database_url: str):
    report = storm(tmp_path, database_url, kills=8, clients=8, seed=3, pause_s=0.2, work=1)
    assert report.sound, report.text()
    assert report.kills.total() == 8
    assert report.kills["daemon killed"] > 0
    assert report.kills["workers killed"] > 0
    assert report.jobs > 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        (Service, 3),
        pytest.param(Service, 40, marks=pytest.mark.conformance),
        pytest.param(ServiceApart, 40, marks=pytest.mark.conformance),
    ],
)
def test_clients_of_a_gateway_recover_by_themselves(tmp_path: Path, kind: type[Victim], kills: int):
    report = storm(tmp_path, "", kills, clients=6, seed=SEED, pause_s=0.1, kind=kind)
    assert report.sound, report.text()
    assert report.kills["gateway killed"] > 0
    assert report.kills["daemon killed"] > 0
    assert report.jobs >= WORK * kills // 2


@pytest.mark.conformance
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_clients_of_a_gateway_recover_by_themselves_on_postgresql(tmp_path: Path, database_url: str):
    report = storm(tmp_path, database_url, 20, 8, 1, kind=Service)
    assert report.sound, report.text()
