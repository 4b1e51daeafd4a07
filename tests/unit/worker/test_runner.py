"""Running in one process: plans kept, results printed, errors told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from msgspec.structs import replace

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.engines import reference, stabilizer
from qmk.qvm.graph import Graph, Output, digest
from qmk.sdk.engine import Progress, Samples
from qmk.sdk.kit.builder import Builder
from qmk.worker.runner import Runner, execute


def bell() -> Graph:
    return Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()


def test_bell_on_two_engines() -> None:
    for engine in (reference.DECLARATION, stabilizer.DECLARATION):
        done = execute(engine, bell(), "", 400, 5)
        assert set(done.counts) == {"00", "11"}
        assert sum(done.counts.values()) == done.shots == 400
        assert done.registers == [Output("", ("e0", "e1"))]
        assert done.event_names == ["e0", "e1"]
        assert len(done.event_bits) == 400
        assert done.peak_rss_bytes > 1 << 20


def test_engine_by_name_and_unknown_names() -> None:
    assert execute("reference", bell(), "", 10, 1).shots == 10
    with pytest.raises(
        QmkError, match=r"no engine 'nope'; there are aer, .*reference, .*rydberg, script, segments, sim.*stabilizer"
    ):
        execute("nope", bell(), "", 1, 1)
    with pytest.raises(QmkError, match="has no method 'fast'"):
        execute("reference", bell(), "fast", 1, 1)


def test_a_kept_plan_needs_no_graph_and_gives_the_same_bits() -> None:
    runner = Runner(stabilizer.DECLARATION, plans=2)
    graph = bell()
    name = digest(graph)
    first = runner.execute(graph, "", 100, 9, digest=name, fence=4)
    assert runner.holds(name, "")
    again = runner.execute(None, "", 100, 9, digest=name)
    assert (first.counts, first.event_bits, first.fence) == (again.counts, again.event_bits, 4)
    assert first.prepare_s > 0
    assert again.prepare_s == 0
    for k in range(2):
        b = Builder(2)
        b.op("x", k)
        runner.prepare(b.measure_all().graph(), "")
    assert not runner.holds(name, "")
    with pytest.raises(QmkError, match="not held here"):
        runner.execute(None, "", 100, 9, digest=name)


def test_registers_of_the_program_are_printed() -> None:
    b = Builder(2).op("x", 0).measure_all()
    outputs = (Output("c", ("e1", "e0"), descending=True), Output("d", (None, "e0")))
    done = execute("reference", b.graph(outputs), "", 7, 1)
    assert done.counts == {"01 01": 7}
    assert done.registers == list(outputs)


def test_a_two_bit_event_prints_phase_and_parity() -> None:
    b = Builder(2).op("x", 1).op("h", 0).op("cnot", 0, 1)
    b.measure(0, 1, basis="mbell", event="b")
    done = execute("reference", b.graph(), "", 5, 1)
    assert done.counts == {"01": 5}
    assert done.event_widths == [2]
    assert np.unpackbits(np.frombuffer(done.event_bits, dtype=np.uint8)).reshape(5, 8)[0, :2].tolist() == [0, 1]


def test_events_can_be_left_out_and_are_dropped_when_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    assert execute("reference", bell(), "", 50, 1, keep_events=False).event_bits == b""
    monkeypatch.setattr(LIMITS, "event_bytes", 49)
    done = execute("reference", bell(), "", 50, 1)
    assert done.event_bits == b""
    assert "event_bytes" in done.notes["events_dropped"]
    assert sum(done.counts.values()) == 50


def test_notes_reach_the_result() -> None:
    b = Builder(1).op("set", family="policy", priority=3).measure_all()
    assert execute("reference", b.graph(), "", 1, 1).notes["policy"] == {"priority": 3}


def test_progress_is_passed_on() -> None:
    seen: list[int] = []
    execute("stabilizer", bell(), "", 100, 1, progress=seen.append)
    assert seen[-1] == 100


def test_refusals_and_exhaustion_are_errors_as_data(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(QmkError, match="13 qubits") as wide:
        execute("reference", Builder(13).measure_all().graph(), "", 1, 1)
    assert wide.value.kind.name == "UNSUPPORTED"
    runner = Runner(reference.DECLARATION)
    plan = runner.prepare(bell(), "").plan
    monkeypatch.setattr(type(plan), "run", _starve)
    with pytest.raises(QmkError, match="ran out of memory") as full:
        runner.execute(bell(), "", 1, 1)
    assert full.value.kind.name == "RESOURCE_EXHAUSTED"


def _starve(_plan: object, shots: int, seed: int, progress: Progress | None = None) -> Samples:
    raise MemoryError


@pytest.mark.parametrize("missing", ["no_such_module", "no_such_package.inner"])
def test_absent_library_names_the_way_to_install_it(missing: str) -> None:
    absent = replace(reference.DECLARATION, requires=(missing,), extra="aer")
    with pytest.raises(QmkError, match=r"pip install 'quantum-microkernel\[aer\]'") as refused:
        execute(absent, bell(), "", 1, 1)
    assert refused.value.fields["missing"] == [missing]


def test_many_shots_are_counted_by_columns(calls: Callable[[Callable[[], object]], int]) -> None:
    """A thousand times the shots cost no more calls: bits are counted and packed by columns, not shot by shot."""
    runner = Runner(stabilizer.DECLARATION)
    runner.execute(bell(), "", 100, 1)
    few = calls(lambda: runner.execute(bell(), "", 1_000, 1))
    assert calls(lambda: runner.execute(bell(), "", 1_000_000, 1)) <= few + 100


def test_a_plan_is_kept_for_one_scope() -> None:
    runner = Runner(stabilizer.DECLARATION)
    graph = bell()
    first = runner.prepare(graph, "", scope="a")
    assert runner.prepare(graph, "", scope="a") is first
    assert runner.prepare(graph, "", scope="b") is not first
    assert runner.holds(digest(graph), "", "b")
    assert not runner.holds(digest(graph), "", "c")


def test_kept_plans_are_bounded_by_their_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = bell()
    monkeypatch.setattr("qmk.worker.runner.PLAN_NODES", 2 * len(graph.nodes))
    runner = Runner(stabilizer.DECLARATION)
    for scope in "abc":
        runner.prepare(graph, "", scope=scope)
    assert [runner.holds(digest(graph), "", scope) for scope in "abc"] == [False, True, True]
