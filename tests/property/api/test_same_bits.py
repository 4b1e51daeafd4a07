"""The same program, shots and seed give the same bits on every road, whatever is asked for beside the counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qmk
from qmk.api import plans
from qmk.api.source import verify
from qmk.base.seeds import substream
from qmk.client import Client
from qmk.formats.json_codec import encode
from qmk.qvm.graph import Graph
from qmk.request.physical import physical
from qmk.request.program import to_graph
from qmk.worker.runner import Runner

QUBITS = 4
NOISES = (None, "depolarizing=0.02", "depolarizing=0.01,readout=0.03", "loss=0.02", "depolarizing=0.01,loss=0.03")
ENGINES = (None, "native", "native:frame", "native:dense", "reference", "aer", "stabilizer")
SLOW = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
qubits = st.integers(0, QUBITS - 1)
angles = st.floats(-3.2, 3.2, allow_nan=False).map(lambda x: round(x, 4))


@st.composite
def statements(draw: Any, clifford: bool) -> str:
    a, b = draw(st.lists(qubits, min_size=2, max_size=2, unique=True))
    kinds = [f"h q[{a}];", f"s q[{a}];", f"x q[{a}];", f"cx q[{a}], q[{b}];", f"cz q[{a}], q[{b}];"]
    if not clifford:
        angle = draw(angles)
        kinds += [f"t q[{a}];", f"rx({angle}) q[{a}];", f"cp({angle}) q[{a}], q[{b}];", f"U({angle}, 0.1, 0.2) q[{a}];"]
    kinds += [f"reset q[{a}];", f"m[{a}] = measure q[{a}];", f"if (m[{b}] == 1) x q[{a}];"]
    return draw(st.sampled_from(kinds))


@st.composite
def texts(draw: Any, clifford: bool = False) -> str:
    lines = draw(st.lists(statements(clifford), min_size=1, max_size=14))
    head = f'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[{QUBITS}] q;\nbit[{QUBITS}] m;\nbit[{QUBITS}] c;\n'
    return head + "\n".join(lines) + "\nc = measure q;\n"


@st.composite
def stim_lines(draw: Any) -> str:
    a, b = draw(st.lists(qubits, min_size=2, max_size=2, unique=True))
    kinds = [f"H {a}", f"S_DAG {a}", f"CX {a} {b}", f"SQRT_XX {a} {b}", f"R {a}", f"M {a}", f"MXX {a} {b}"]
    kinds += [f"X_ERROR(0.03) {a}", f"DEPOLARIZE2(0.02) {a} {b}", f"M(0.02) {a}", f"MR {a}\nCZ rec[-1] {b}"]
    return draw(st.sampled_from(kinds))


stim_texts = st.lists(stim_lines(), min_size=1, max_size=14).map(lambda lines: "\n".join([*lines, "M 0 1 2 3", ""]))


def bits(result: Any) -> tuple[dict[str, int], list[str]]:
    return result.counts, list(result.rows())


@settings(max_examples=60, suppress_health_check=SLOW)
@given(text=texts(), noise=st.sampled_from(NOISES), shots=st.integers(1, 300), seed=st.integers(0, 2**40))
def test_run_and_sample_and_a_worker_give_the_same_bits(text: str, noise: str | None, shots: int, seed: int) -> None:
    plans.forget()
    wish: Any = {"shots": shots, "seed": seed, "noise": noise}
    ran = qmk.run(text, **wish)
    counts, rows = bits(ran)
    assert qmk.sample(text, **wish).counts == counts, "a plan that is kept"
    plans.forget()
    assert qmk.sample(text, **wish).counts == counts, "a plan that is made anew"
    graph = to_graph(text)
    assert bits(qmk.run(graph, **wish)) == (counts, rows), "a graph"
    noisy = verify(physical(graph, noise)[0])
    assert ran.engine == "native" or "loss" in str(noise)
    done = Runner(ran.engine).execute(noisy, ran.method, shots, seed)
    assert done.counts == counts, "an engine's worker"
    asked: Any = qmk.outputs(graph, expect=["Z" * QUBITS])[1] if pure(text, noise) else None
    if asked is not None:
        assert bits(qmk.run(graph, outputs=asked, **wish)) == (counts, rows), "values beside the counts"


@settings(max_examples=30, suppress_health_check=SLOW)
@given(text=texts(), noise=st.sampled_from(NOISES), shots=st.integers(1, 300), seed=st.integers(0, 2**40))
def test_qvm_json_gives_the_bits_of_the_text_that_it_was_made_of(
    text: str, noise: str | None, shots: int, seed: int
) -> None:
    wish: Any = {"shots": shots, "seed": seed, "noise": noise}
    document = encode(to_graph(text))
    here = bits(qmk.run(document.decode(), **wish))
    assert here == bits(qmk.run(text, **wish))
    assert qmk.sample(document.decode(), **wish).counts == here[0]


@settings(max_examples=30, suppress_health_check=SLOW)
@given(text=stim_texts, shots=st.integers(1, 300), seed=st.integers(0, 2**40))
def test_stim_text_gives_the_same_bits_by_every_road(text: str, shots: int, seed: int) -> None:
    wish: Any = {"shots": shots, "seed": seed}
    counts, rows = bits(qmk.run(text, **wish))
    plans.forget()
    assert qmk.sample(text, **wish).counts == counts
    graph = to_graph(text)
    assert bits(qmk.run(graph, **wish)) == (counts, rows), "a graph"
    assert Runner("native").execute(graph, "auto", shots, seed).counts == counts, "an engine's worker"


def pure(text: str, noise: str | None) -> bool:
    return noise is None and not any(word in text for word in ("reset", "if (", "m[0] = ", "m[1] = "))


@settings(max_examples=40, suppress_health_check=SLOW)
@given(text=texts(clifford=True), engine=st.sampled_from(ENGINES), seed=st.integers(0, 2**40))
def test_every_engine_gives_the_same_bits_by_run_and_by_sample(text: str, engine: str | None, seed: int) -> None:
    wish: Any = {"shots": 50, "seed": seed, "engine": engine}
    ran, sampled, of_graph = (outcome(way, **wish) for way in (by_run(text), by_sample(text), by_run(to_graph(text))))
    assert ran == sampled == of_graph


def by_run(program: Any) -> Callable[..., dict[str, int]]:
    return lambda **wish: qmk.run(program, **wish).counts


def by_sample(program: Any) -> Callable[..., dict[str, int]]:
    return lambda **wish: qmk.sample(program, **wish).counts


def outcome(way: Callable[..., dict[str, int]], **wish: Any) -> dict[str, int] | str:
    """The counts, or the name of the error."""
    try:
        return way(**wish)
    except qmk.QmkError as refused:
        return refused.kind.name


@pytest.fixture(scope="module")
def client(daemon: Any) -> Iterator[Client]:
    with Client(daemon.socket) as connected:
        yield connected


@pytest.fixture(scope="module")
def apart() -> Iterator[qmk.Embedded]:
    with qmk.Embedded(isolate=True) as embedded:
        yield embedded


@settings(max_examples=25, suppress_health_check=SLOW)
@given(text=texts(), noise=st.sampled_from(NOISES), shots=st.integers(1, 300), seed=st.integers(0, 2**40))
def test_a_daemon_gives_the_same_bits(
    client: Client, apart: qmk.Embedded, text: str, noise: str | None, shots: int, seed: int
) -> None:
    wish: Any = {"shots": shots, "seed": seed, "noise": noise}
    here = bits(qmk.run(text, **wish))
    assert bits(client.run(text, cache=False, **wish)) == here
    assert bits(apart.run(text, **wish)) == here


@settings(max_examples=15, suppress_health_check=SLOW)
@given(text=stim_texts, shots=st.integers(1, 300), seed=st.integers(0, 2**40))
def test_a_daemon_gives_the_same_bits_of_stim_text_and_of_qvm_json(
    client: Client, apart: qmk.Embedded, text: str, shots: int, seed: int
) -> None:
    wish: Any = {"shots": shots, "seed": seed}
    here = bits(qmk.run(text, **wish))
    for program in (text, encode(to_graph(text)).decode()):
        assert bits(client.run(program, cache=False, **wish)) == here
        assert bits(apart.run(program, **wish)) == here


def test_events_of_a_graph_without_registers_are_those_of_every_road() -> None:
    from qmk.sdk.kit.builder import Builder

    graph: Graph = Builder(3).op("h", 0).op("cnot", 0, 1).op("t", 1).op("h", 1).op("cnot", 1, 2).measure_all().graph()
    wish: Any = {"shots": 100, "seed": 5}
    result = qmk.run(graph, **wish)
    assert qmk.sample(graph, **wish).counts == result.counts
    tally: dict[str, int] = {}
    for row in result.rows():
        tally[row] = tally.get(row, 0) + 1
    assert tally == result.counts


@settings(max_examples=30, suppress_health_check=SLOW)
@given(
    programs=st.lists(texts(), min_size=1, max_size=4),
    noise=st.sampled_from(NOISES),
    shots=st.integers(1, 100),
    seed=st.integers(0, 2**40),
)
def test_an_entry_of_a_batch_has_the_bits_of_a_run_alone(
    programs: list[str], noise: str | None, shots: int, seed: int
) -> None:
    wish: Any = {"shots": shots, "noise": noise}
    batch = qmk.run(programs, seed=seed, **wish)
    sampled = qmk.sample(programs, seed=seed, **wish)
    for index, text in enumerate(programs):
        plans.forget()
        alone = qmk.run(text, seed=substream(seed, "batch", index), **wish)
        assert bits(batch[index]) == bits(alone)
        assert sampled.counts[index] == alone.counts


@settings(max_examples=30, suppress_health_check=SLOW)
@given(points=st.lists(angles, min_size=1, max_size=5), text=texts(), seed=st.integers(0, 2**40))
def test_a_point_of_a_batch_has_the_bits_of_a_run_alone(points: list[float], text: str, seed: int) -> None:
    turned = text.replace("c = measure q;", "rx(theta) q[0]; c = measure q;").replace(
        "qubit[", "input float theta; qubit[", 1
    )
    batch = qmk.run(turned, [{"theta": angle} for angle in points], shots=50, seed=seed)
    for index, angle in enumerate(points):
        alone = qmk.run(turned, params={"theta": angle}, shots=50, seed=substream(seed, "batch", index))
        assert bits(batch[index]) == bits(alone)
