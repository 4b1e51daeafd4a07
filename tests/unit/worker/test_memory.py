"""The peak of one job is its own, not that of the largest job before it."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
from qmk.worker.memory import PEAK
def job(n):
    PEAK.reset()
    bytearray(n)
    return PEAK.bytes()
large, small = job(96 << 20), job(1 << 20)
print(PEAK.since_reset, large, small)
"""


def test_a_small_job_after_a_large_one_has_a_small_peak() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], env={"PYTHONPATH": "src"}, capture_output=True, text=True)
    anew, large, small = done.stdout.split()
    assert anew == "True", done.stderr
    assert int(large) > 96 << 20
    assert int(small) < int(large) - (64 << 20)


def test_where_it_cannot_begin_anew_the_whole_life_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    from qmk.worker import memory

    def refuse(*arguments: object, **keywords: object) -> int:
        raise PermissionError

    monkeypatch.setattr(memory.os, "open", refuse)
    peak = memory.Peak()
    peak.reset()
    assert not peak.since_reset
    assert peak.bytes() > 1 << 20
