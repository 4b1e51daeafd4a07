"""Jobs with outputs over the daemon: values with the result, the same when run again, the same in process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.cli.replay import difference
from qmk.client import AsyncClient, Client
from qmk.models.noise import NoiseModel, apply

TEXT = """
OPENQASM 3.0;
include "stdgates.inc";
input float a;
qubit[2] q;
bit[2] c;
ry(a) q[0];
cx q[0], q[1];
c = measure q;
"""


def test_values_come_with_the_result_and_again_with_a_replay(daemon: Any) -> None:
    graph, wanted = qmk.outputs(
        TEXT, expect=["ZZ", "0.5*XX + YY"], state=True, amplitudes=["00"], probabilities=[[0]], gradient=True,
        params={"a": 0.3},
    )  # fmt: skip
    sampled = qmk.outputs(TEXT, expect="0.5*XX + YY", params={"a": 0.3}, sampled=True)
    with Client(daemon.socket) as client:
        first = client.run(graph, shots=100, seed=7, outputs=wanted)
        assert first.values is not None
        (point,) = first.values.points
        local = [qmk.expectation(TEXT, text, params={"a": 0.3}) for text in ("ZZ", "0.5*XX + YY")]
        assert [e.value for e in point.expectations] == pytest.approx([float(e) for e in local], abs=1e-9)
        assert first.values.parameters == ["a"]
        assert len(point.state) == 64
        assert sum(first.counts.values()) == 100
        again = client.wait(client.replay(first.job_id).job_id).result
        assert again is not None
        assert again.values == first.values
        drawn = client.run(sampled[0], shots=500, seed=7, outputs=sampled[1])
        assert drawn.values is not None
        assert not drawn.values.exact
        replay = client.replay(drawn.job_id).job_id
        client.wait(replay)
        repeated = client.result(replay)
    assert difference(drawn, repeated) is None
    here = qmk.run(sampled[0], shots=500, seed=7, outputs=sampled[1], engine=drawn.engine)
    assert here.values == drawn.values


def test_a_sweep_is_one_job(daemon: Any) -> None:
    points = [{"a": 0.1 * k} for k in range(20)]
    graph, wanted = qmk.outputs(TEXT, expect="XX", points=points, counts=False)
    with Client(daemon.socket) as client:
        found = client.run(graph, seed=1, outputs=wanted)
    assert found.values is not None
    assert found.counts == {}
    values = [point.expectations[0].value for point in found.values.points]
    assert values == pytest.approx(qmk.sweep(TEXT, points, "XX").values[:, 0].tolist(), abs=1e-9)


def test_what_no_engine_gives_is_refused_with_every_gap(daemon: Any) -> None:
    text = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit c; c = measure q[0]; if (c) x q[1];'
    graph, wanted = qmk.outputs(text, state=True)
    with Client(daemon.socket) as client, pytest.raises(QmkError, match="no single state") as refused:
        client.submit(graph, outputs=wanted)
    assert refused.value.kind.name == "UNSUPPORTED"
    assert any(gap["need"] == "outputs" for gap in refused.value.fields["gaps"])


def test_an_estimate_is_of_the_outputs_that_are_asked_for(daemon: Any) -> None:
    graph, wanted = qmk.outputs(TEXT, state=True, params={"a": 0.3}, counts=False)
    with Client(daemon.socket) as client:
        plain, found = client.estimate(graph), client.estimate(graph, outputs=wanted)
        job = client.submit(graph, outputs=wanted)
    assert found.chosen == job.engine
    assert {gap.engine for gap in found.gaps} > {gap.engine for gap in plain.gaps}
    assert any("no state" in gap.detail for gap in found.gaps)


def test_a_job_tells_its_noise_to_whoever_fetches_its_result(daemon: Any) -> None:
    """Not only to the caller that named the model; a job of values only tells it too."""
    model = NoiseModel.depolarizing(0.01)
    graph, wanted = qmk.outputs(apply(model, qmk.rewrite(TEXT, [], params={"a": 0.3}).graph), expect="ZZ", counts=False)
    with Client(daemon.socket) as client:
        jobs = [client.submit(graph, shots=10).job_id, client.submit(graph, shots=10, outputs=wanted).job_id]
        notes = [client.wait(job).result.provenance.notes for job in jobs]  # type: ignore[union-attr]
    assert [note["noise"] for note in notes] == [model.label] * 2


def test_a_job_tells_its_logical_qubits_to_whoever_fetches_its_result(daemon: Any) -> None:
    """The report of the machine, from both clients, in an estimate's graph too, and the same as in process."""
    wish: dict[str, Any] = {"qec": "surface(d=3)", "noise": "p=1e-3"}
    text = TEXT.replace("ry(a) q[0];", "h q[0]; t q[0];").replace("input float a;", "")
    local = qmk.run(text, shots=50, seed=3, **wish)

    async def awaited() -> Any:
        async with AsyncClient(daemon.socket) as client:
            return await client.run(text, shots=50, seed=3, **wish)

    with Client(daemon.socket) as client:
        job = client.submit(text, shots=50, seed=3, **wish).job_id
        fetched = client.wait(job).result
        ran = client.run(text, shots=50, seed=3, **wish)
        plain, coded = (client.estimate(text, shots=50, **more) for more in (dict[str, Any](), wish))
    assert fetched is not None
    for result in (fetched, ran, asyncio.run(awaited())):
        told = result.provenance.notes
        assert told["logical"] == local.provenance.notes["logical"]
        assert told["qec"] == local.provenance.notes["qec"]
        assert "noise" not in told
    assert {gap.engine for gap in coded.gaps} > {gap.engine for gap in plain.gaps}


def test_a_circuit_over_the_daemon_gives_the_bits_of_its_text(daemon: Any) -> None:
    a = qmk.Parameter("a")
    circuit = qmk.Circuit(2, 2).ry(a, 0).cx(0, 1).measure_all()
    with Client(daemon.socket) as client:
        told = client.run(circuit, shots=200, seed=5, params={a: 0.8})
        assert told.counts == client.run(TEXT, shots=200, seed=5, params={"a": 0.8}).counts
        assert client.estimate(circuit, shots=10, params={"a": 0.8}).digest == circuit.bind(a=0.8).digest
    assert told.counts == qmk.run(circuit, shots=200, seed=5, params={a: 0.8}, engine=told.engine).counts


def test_built_programs_and_observables_go_to_the_daemon_as_they_are(daemon: Any) -> None:
    program = qmk.Program(2).h(0).fence().cx(0, 1).measure_all()
    energy = 0.5 * qmk.X(0) @ qmk.X(1) + qmk.Z(0)
    graph, wanted = qmk.outputs(qmk.Program(2).h(0).cx(0, 1), expect=energy)
    with Client(daemon.socket) as client:
        done = client.run(program, shots=200, seed=7)
        assert done.counts == qmk.run(program, shots=200, seed=7).counts
        assert set(done.counts) == {"00", "11"}
        (job,) = client.submit_many([program], shots=50)
        assert job.result().provenance.digest == done.provenance.digest
        values = client.run(graph, outputs=wanted).values
        assert values is not None
        assert values.points[0].expectations[0].value == pytest.approx(0.5, abs=1e-9)
