"""Threads, forked processes and process pools: a run waits for nobody else's, and values travel between them whole."""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

import qmk
from qmk.api import execution, plans
from qmk.api.source import Source
from qmk.client.result import Result
from qmk.ir.lazy import lazy
from qmk.models.atoms import AtomNoise
from qmk.request.logical import Drift
from qmk.request.options import RunOptions
from qmk.rpc.forks import ForkedLock

BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'
TURNED = 'OPENQASM 3.0; include "stdgates.inc"; input float theta; qubit[2] q; ry(theta) q[0]; cx q[0], q[1];'
PATIENCE_S = 60.0


def run_bell(engine: str | None) -> dict[str, int]:
    return qmk.run(BELL, shots=20, seed=1, engine=engine).counts


def fail(kind: str) -> None:
    raise qmk.QmkError(kind, "it is over", field="timeout_ms")


def exit_of_fork(work: Callable[[], object]) -> int:
    """The exit status of a forked process that does the work: 0, 1 after an exception, 2 where it hangs."""
    pid = os.fork()
    if pid == 0:
        watch = threading.Timer(PATIENCE_S, os._exit, (2,))
        watch.daemon = True
        watch.start()
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def while_held(begin: Callable[[threading.Event, threading.Event], object], work: Callable[[], object]) -> int:
    """Forks while another thread is inside of ``begin``, which says so by the first event and ends after the second."""
    inside, leave = threading.Event(), threading.Event()
    other = threading.Thread(target=begin, args=(inside, leave))
    other.start()
    assert inside.wait(PATIENCE_S)
    try:
        return exit_of_fork(work)
    finally:
        leave.set()
        other.join()


class Slow:
    @lazy
    def value(self) -> int:
        """A number."""
        inside, leave = self.events
        inside.set()
        leave.wait(PATIENCE_S)
        return 7

    events = (threading.Event(), threading.Event())


def test_a_lazy_property_of_one_object_waits_for_none_of_another() -> None:
    slow, quick = Slow(), Slow()
    quick.events = (threading.Event(), threading.Event())
    quick.events[1].set()
    other = threading.Thread(target=lambda: slow.value)
    other.start()
    assert slow.events[0].wait(PATIENCE_S)
    assert quick.value == 7, "while the other is computed"
    assert exit_of_fork(lambda: quick.__dict__.pop("value") + quick.value) == 0
    slow.events[1].set()
    other.join()
    assert slow.__dict__["value"] == 7
    assert Slow.value.__doc__ == "A number."


@pytest.mark.parametrize("lock", [vars(plans._KEPT)["_lock"], ForkedLock()], ids=["plans", "any"])
def test_a_fork_does_not_inherit_a_lock_that_another_thread_holds(lock: ForkedLock) -> None:
    def hold(inside: threading.Event, leave: threading.Event) -> None:
        with lock:
            inside.set()
            leave.wait(PATIENCE_S)

    def use() -> None:
        with lock:
            run_bell(None)

    assert while_held(hold, use) == 0


def test_a_fork_while_programs_are_read_and_engines_loaded_in_threads() -> None:
    done = threading.Event()

    def run_again() -> None:
        while not done.is_set():
            for engine in ("reference", "stabilizer", None):
                plans.forget()
                run_bell(engine)

    here = [run_bell("reference"), run_bell(None)]
    threads = [threading.Thread(target=run_again) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(8):
            assert exit_of_fork(lambda: [run_bell("reference"), run_bell(None)].index(here[0])) == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_a_fork_waits_for_an_engine_that_another_thread_loads() -> None:
    loaded = threading.Event()

    def load(inside: threading.Event, leave: threading.Event) -> None:
        with vars(execution)["_LOADING"]:
            inside.set()
            leave.wait(0.05)
            loaded.set()

    def check() -> None:
        assert loaded.is_set()

    assert while_held(load, check) == 0


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_a_process_pool_runs_programs_and_hands_back_results_and_errors(method: str) -> None:
    here = qmk.run(BELL, shots=20, seed=1)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        there = pool.submit(qmk.run, BELL, shots=20, seed=1).result()
        assert (there.counts, list(there.rows()), there.provenance.digest) == (
            here.counts,
            list(here.rows()),
            here.provenance.digest,
        )
        with pytest.raises(qmk.QmkError, match="it is over") as caught:
            pool.submit(fail, "TIMEOUT").result()
        assert (caught.value.kind.name, caught.value.fields) == ("TIMEOUT", {"field": "timeout_ms"})
        assert pool.submit(run_bell, "stabilizer").result() == run_bell("stabilizer"), "the pool goes on"


def error_of(**keywords: Any) -> qmk.QmkError:
    with pytest.raises(qmk.QmkError) as caught:
        qmk.run(keywords.pop("program", BELL), **keywords)
    return caught.value


def of_values() -> Result:
    graph, outputs = qmk.outputs(TURNED, expect="ZZ", state=True, params={"theta": 0.3})
    return qmk.run(graph, outputs=outputs, shots=5, seed=1)


VALUES: dict[str, Callable[[], Any]] = {
    "result": lambda: qmk.run(BELL, shots=20, seed=1),
    "result of another engine": lambda: qmk.run(BELL, shots=20, seed=1, engine="reference"),
    "result with noise": lambda: qmk.run(BELL, shots=20, seed=1, noise="depolarizing=0.1"),
    "result without events": lambda: qmk.run(BELL, shots=20, seed=1, keep_events=False),
    "result with values": of_values,
    "sampled": lambda: qmk.sample(BELL, shots=20, seed=1),
    "expectation": lambda: qmk.expectation(TURNED, "ZZ", params={"theta": 0.3}),
    "probabilities": lambda: qmk.probabilities(TURNED, params={"theta": 0.3}),
    "gradient": lambda: qmk.gradient(TURNED, "ZZ", params={"theta": 0.3}),
    "objective": lambda: qmk.value_and_grad(TURNED, "ZZ"),
    "swept": lambda: qmk.sweep(TURNED, {"theta": [0.1, 0.2]}, "ZZ"),
    "estimate": lambda: qmk.estimate({"numQubits": 10, "tCount": 100}),
    "counts": lambda: qmk.LogicalCounts(3, 5),
    "noise": lambda: qmk.NoiseModel.si1000(0.01),
    "noise of atoms": lambda: AtomNoise(name="mine", evolution={"decay_per_us": 0.1}),
    "drift": lambda: Drift("calibration.json", 1e-6),
    "options": lambda: RunOptions(shots=3, noise=qmk.NoiseModel.si1000(0.01), params={"theta": 1}),
    "outputs": lambda: qmk.outputs(TURNED, expect="ZZ", params={"theta": 0.3}),
    "on a device": lambda: qmk.on_device(BELL, "zoned"),
    "rewriting": lambda: qmk.rewrite(BELL),
    "error of an option": lambda: error_of(shots=0),
    "error with findings": lambda: error_of(program="OPENQASM 3.0; foo;"),
    "error with numbers": lambda: error_of(shots=1 << 80),
}
WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def shown(value: Any) -> Any:
    """What a value says, in a form that can be compared."""
    if isinstance(value, Result):
        rows = list(value.rows()) if value.has_events else None
        return value.counts, value.registers, value.provenance, value.usage, rows, value.values
    if isinstance(value, qmk.QmkError):
        return type(value), value.kind, str(value), value.findings
    return value.to_dict() if hasattr(value, "to_dict") else repr(value)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", VALUES)
def test_values_are_pickled_and_copied(name: str, way: str) -> None:
    value = VALUES[name]()
    assert shown(WAYS[way](value)) == shown(value)


def test_a_copied_result_has_every_page_of_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    from qmk.host import results

    monkeypatch.setattr(results, "PAGE_BYTES", 16, raising=True)
    result = qmk.run(BELL, shots=300, seed=1)
    rows = list(result.rows())
    other = pickle.loads(pickle.dumps(result))
    assert list(other.rows()) == rows
    assert len(rows) == 300
    assert list(other.rows(250)) == rows[250:]


def test_runs_from_many_event_loops_and_inside_of_one() -> None:
    async def main() -> list[dict[str, int]]:
        inside = [run_bell("reference"), run_bell(None)]  # as in a cell of a notebook
        return inside + list(await asyncio.gather(*[asyncio.to_thread(run_bell, None) for _ in range(4)]))

    found: list[list[dict[str, int]]] = []
    threads = [threading.Thread(target=lambda: found.append(asyncio.run(main()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [found[0]] * 4
    assert len(found[0]) == 6


def test_source_reads_its_graph_without_a_lock() -> None:
    assert all(isinstance(vars(Source)[name], lazy) for name in ("circuit", "graph", "packed_graph", "digest"))
