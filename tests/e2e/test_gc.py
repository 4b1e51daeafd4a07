"""``qmk gc`` beside and after a daemon."""

from __future__ import annotations

import json
from typing import Any


def test_gc_says_what_goes_and_what_stays_beside_a_daemon_and_after_it(qmk: Any, daemon: Any) -> None:
    qmk("submit", "examples/bell.qasm", "--wait")
    beside = qmk("gc")
    assert beside.stdout.splitlines()[:3] == [
        "0 files of 0 B that nothing needs deleted",
        "0 unfinished files of 0 B of a crash deleted",
        "kept: 0 jobs that have not ended, 1 that have (nothing was said of their age)",
    ], beside.stderr
    daemon.terminate()
    daemon.wait(30)
    young = json.loads(qmk("gc", "--older-than", "30d", "--json").stdout)
    assert (young["jobs"], young["kept_jobs"]) == (0, 1)
    dry = qmk("gc", "--older-than", "0s", "--dry-run")
    assert dry.stdout.startswith("1 ended job would be forgotten, with "), dry.stderr
    gone = qmk("gc", "--older-than", "0s")
    assert gone.stdout.startswith("1 ended job forgotten, with ")
    assert "kept: 0 jobs that have not ended, 0 that have" in gone.stdout


def test_gc_refuses_what_it_does_not_understand(qmk: Any) -> None:
    assert "is not an age" in qmk("gc", "--older-than", "soon").stderr
    assert "there is no data folder" in qmk("gc", "--data-dir", "nowhere").stderr


def test_serve_says_how_long_things_may_be_kept(qmk: Any) -> None:
    assert "less than a second" in qmk("serve", "--keep-results", "0.5s").stderr
    assert "--keep bounds one of jobs, job_bytes" in qmk("serve", "--keep", "beans=3").stderr
