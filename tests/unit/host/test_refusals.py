"""Refused calls of one worker: each kind is logged once a launch, with whose it is, and a launch is told of its own."""

from __future__ import annotations

import logging

import pytest

from qmk.host.isolation.refusals import RefusedCalls
from qmk.kernel.effects import Launch
from qmk.rpc.metrics import Counters
from qmk.worker.jail import syscalls

SOCKET, PTRACE = (next(number for number in range(400) if syscalls.name_of(number) == name)
                  for name in ("socket", "ptrace"))  # fmt: skip


def launch(job: str, tenant: str) -> Launch:
    return Launch(job, 1, "stabilizer", "", "d", 10, 1, True, 0, tenant=tenant)


def test_a_call_of_a_worker_that_loads_names_its_engine_and_no_job(caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[str, dict[str, int]]] = []
    counters = Counters()
    calls = RefusedCalls("stabilizer", lambda launch, found: told.append((launch.job, found)), counters)
    with caplog.at_level(logging.WARNING, "qmk.pool"):
        calls.add(SOCKET, 3)
        calls.add(SOCKET, 2)
        calls.begin(launch("j1", "chem"))
        calls.add(PTRACE, 1)
        calls.begin(launch("j2", "chem"))
        calls.add(PTRACE, 4)
        calls.settle()
    assert caplog.messages == [
        "worker that was loading its engine stabilizer: call socket refused",
        "worker of engine stabilizer for chem, in j1: call ptrace refused",
        "worker of engine stabilizer for chem, in j2: call ptrace refused",
    ]
    assert told == [("j1", {"ptrace": 1}), ("j2", {"ptrace": 4})], "what it did as it loaded is no job's"
    assert counters.get("sandbox_denials_total", ("stabilizer", "")) == 5
    assert counters.get("sandbox_denials_total", ("stabilizer", "chem")) == 5
