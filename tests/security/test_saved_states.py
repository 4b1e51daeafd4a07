"""Saved states come back from a store: whatever the bytes are, ``resume`` takes them as a state of the very program or
refuses them with ``Unsupported``. Nothing crashes, nothing is executed, nothing large is allocated first."""

from __future__ import annotations

import random
import tracemalloc
from typing import Any

import msgspec
import numpy as np
import pytest

from qmk.engines.aer.engine import AerEngine
from qmk.engines.reference.engine import ReferenceEngine
from qmk.engines.stabilizer.engine import StabilizerEngine
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Unsupported
from qmk.sdk.kit.builder import Builder, when

SHOTS, SEED = 90, 3
WAYS = ("reference", "tableaus", "frames", "aer")


def plan_of(way: str) -> Any:
    b = Builder(3).op("h", 0).op("cnot", 0, 1)
    event = b.measure(1)
    b.op("h" if way in ("tableaus", "aer") else "x", 2, guard=when(event)).op("fence").op("h", 0).op("fence")
    graph = b.measure_all().graph()
    if way == "aer":
        return AerEngine().prepare(lower(graph, frozenset({"h", "cnot", "x"}), digest="d"), "statevector")
    if way == "reference":
        return ReferenceEngine().prepare(lower(graph, ALL_GATES, digest="d"), "")
    return StabilizerEngine().prepare(lower(graph, frozenset({"h", "cnot", "x"}), clifford=True, digest="d"), "")


def state_of(plan: Any) -> bytes:
    execution = plan.start(SHOTS, SEED)
    execution.advance()
    return execution.save()


def ends(plan: Any, data: bytes) -> bool:
    """Whether ``resume`` takes the bytes, or refuses them without a word; a run that it gives must go on to its end."""
    try:
        execution = plan.resume(data)
    except Unsupported as why:
        return not str(why)
    while execution.advance():
        pass
    assert execution.samples().bits.max(initial=0) <= 1
    return True


@pytest.mark.parametrize("way", WAYS)
def test_flipped_cut_and_random_bytes(way: str) -> None:
    plan, dice = plan_of(way), random.Random(1)
    state = state_of(plan)
    assert ends(plan, state)
    for _ in range(300):
        data = bytearray(state)
        for _ in range(dice.choice((1, 1, 3, 30))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        ends(plan, bytes(data))
    for length in range(0, len(state), 7):
        assert not ends(plan, state[:length])
    assert not ends(plan, state + b"\0")
    assert not ends(plan, dice.randbytes(500))


def changed(state: bytes, path: tuple[Any, ...], value: Any) -> bytes:
    raw = msgspec.msgpack.decode(state)
    place = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value(place[path[-1]]) if callable(value) else value
    return msgspec.msgpack.encode(raw)


BOGUS: list[tuple[tuple[Any, ...], Any]] = [
    (("format",), 2),
    (("format",), "1"),
    (("head", "engine"), "other"),
    (("head", "method"), "other"),
    (("head", "version"), "0.0"),
    (("head", "digest"), ""),
    (("head", "program"), "0" * 64),
    (("shots",), -1),
    (("shots",), 1 << 62),
    (("shots",), SHOTS + 100),
    (("seed",), -1),
    (("seed",), (1 << 64) - 1),
    (("done",), 1),
    (("done",), SHOTS),
    (("done",), -SHOTS),
    (("samples",), b"\0"),
    (("epoch",), 0),
    (("epoch",), 3),
    (("epoch",), -1),
    (("body",), None),
    (("body", "dice"), b""),
    (("body", "dice"), b"\0" * 15),
    (("body", "states"), []),
    (("body", "states", 0), b""),
    (("body", "states", 0), lambda old: old + old[:8]),
    (("body", "states"), lambda old: [*old, old[0]]),
    (("body", "bits"), lambda old: old + b"\0"),
    (("body", "owners"), lambda old: old + b"\0\0\0\0"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("path", "value"), BOGUS, ids=lambda value: "made" if callable(value) else str(value)[:40])
def test_each_field_is_checked(way: str, path: tuple[Any, ...], value: Any) -> None:
    plan = plan_of(way)
    assert not ends(plan, changed(state_of(plan), path, value))


@pytest.mark.parametrize("way", ["reference", "aer"])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e300, 0.5, 0.0])
def test_amplitudes_must_be_a_state(way: str, number: float) -> None:
    plan = plan_of(way)
    amplitudes = np.full(8, number, dtype="<c16").tobytes()
    assert not ends(plan, changed(state_of(plan), ("body", "states", 0), amplitudes))


def test_tableaus_must_be_clifford_operations() -> None:
    plan = plan_of("tableaus")
    good = msgspec.msgpack.decode(state_of(plan))["body"]["states"][0]
    for data in (bytes(len(good)), b"\xff" * len(good), bytes([good[0] ^ 1]) + good[1:]):
        assert not ends(plan, changed(state_of(plan), ("body", "states", 0), data))


@pytest.mark.parametrize("owner", [b"\xff\xff\xff\xff" * SHOTS, b"\x00\x00\x00\x00" * SHOTS])
def test_owners_must_name_every_branch_and_no_other(owner: bytes) -> None:
    plan = plan_of("reference")
    assert not ends(plan, changed(state_of(plan), ("body", "owners"), owner))


def test_unknown_fields_are_refused() -> None:
    plan = plan_of("reference")
    raw = msgspec.msgpack.decode(state_of(plan))
    raw["code"] = "import os"
    assert not ends(plan, msgspec.msgpack.encode(raw))


def test_sizes_are_checked_before_memory_is_taken() -> None:
    plan = plan_of("reference")
    data = changed(state_of(plan), ("shots",), 100_000_000)
    tracemalloc.start()
    assert not ends(plan, data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
