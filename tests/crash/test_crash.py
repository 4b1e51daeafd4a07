"""kill -9 of the daemon and of its workers at random moments, under load: nothing lost, doubled or wrong. The long form
is ``python -m benchmarks.crash``."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.crash import storm

pytestmark = pytest.mark.timeout(600)  # as long as it takes on a machine that does other work too


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_nothing_is_lost_doubled_or_wrong(tmp_path: Path, database_url: str):
    report = storm(tmp_path, database_url, kills=8, clients=8, seed=3, pause_s=0.2)
    assert report.sound, report.text()
    assert report.kills.total() == 8
    assert report.kills["daemon killed"] > 0
    assert report.kills["workers killed"] > 0
    assert report.jobs > 8
