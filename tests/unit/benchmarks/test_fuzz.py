"""A short fuzz of every target with the same documents each time, and every document that was a finding once."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.fuzz.__main__ import campaign, read
from benchmarks.fuzz.mutate import LARGEST, mutate
from benchmarks.fuzz.targets import CORPUS, FORMATS, Target, targets
from qmk.base.errors import QmkError
from qmk.sdk import discovery

DOCUMENTS = 60
FEWER = {"format-qir": 20, "format-qsharp": 6}
"""Documents of formats that are read in a process of their own, which takes longer."""
TARGETS = targets()
FOUND = sorted((CORPUS / "found").iterdir())


@pytest.fixture(autouse=True)
def keep_signal() -> Iterator[None]:
    before = signal.getsignal(signal.SIGPROF)
    yield
    signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("name", TARGETS)
def test_a_sample_of_documents_gives_no_finding(name: str) -> None:
    documents = FEWER.get(name, DOCUMENTS)
    run = campaign(TARGETS[name], seed=0, documents=documents, seconds=1e9)
    assert not run.found
    assert run.documents >= documents


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_was_a_finding_once_is_none_now(path: Path) -> None:
    name = max((name for name in TARGETS if path.name.startswith(name)), key=len)
    assert read(TARGETS[name], path.read_bytes()) == ""


def test_every_format_is_fuzzed() -> None:
    assert set(FORMATS) == set(discovery.own_plugins("frontends"))


def test_a_defect_of_a_target_is_found_and_a_refusal_is_not() -> None:
    def read_one(data: bytes) -> object:
        if data.startswith(b"bad"):
            return [][1]
        raise QmkError("INVALID_GRAPH", "refused")

    target = Target("one", lambda: [b"bad", b"good"], read_one)
    assert read(target, b"good") == ""
    assert read(target, b"bad").startswith("IndexError at ")
    assert set(campaign(target, 0, 50, 1e9).found) == {read(target, b"bad")}


def test_the_same_seed_gives_the_same_documents_within_the_bound() -> None:
    def documents(seed: int) -> list[bytes]:
        rng = random.Random(seed)
        return [mutate(rng, b'{"a": [1, 2, "x"]}\nh q[0];', [b"other"]) for _ in range(200)]

    assert documents(3) == documents(3)
    assert documents(3) != documents(4)
    assert all(len(data) <= LARGEST for data in documents(3))
