"""QMK inside Qiskit: backends, jobs that outlive their process, the sampler and the estimator, here and on a daemon."""

from __future__ import annotations

import math
import pickle
import time
from typing import Any, cast
from uuid import uuid4

import msgspec
import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Clbit, Parameter, ParameterVector
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2, StatevectorEstimator
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.result import Result

import qmk
from qmk.adapters.qiskit.read import read
from qmk.client import Client
from qmk.integrations.qiskit import Backend, EstimatorV2, Provider, SamplerV2, Session
from qmk.integrations.qiskit.results import pack_register
from qmk.models.devices import target_named
from qmk.models.devices.names import snapshots
from qmk.models.devices.on_target import misfit
from qmk.models.devices.readers import from_qiskit


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def dynamic() -> QuantumCircuit:
    circuit = QuantumCircuit(QuantumRegister(2, "q"), ClassicalRegister(1, "first bit"), ClassicalRegister(2, "c"))
    circuit.x(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(1, 2)
    return circuit


def ansatz() -> tuple[QuantumCircuit, ParameterVector, Parameter]:
    theta, odd = ParameterVector("θ", 3), Parameter("a b")
    circuit = QuantumCircuit(2)
    circuit.ry(theta[0], 0)
    circuit.ry(2 * theta[2] + odd, 1)
    circuit.cx(0, 1)
    circuit.sxdg(0)
    return circuit, theta, odd


@pytest.fixture(params=["here", "daemon"])
def where(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The options of a backend in this process, and of one on a daemon."""
    return {} if request.param == "here" else {"server": str(request.getfixturevalue("daemon").socket)}


def test_a_backend_runs_transpiled_and_dynamic_circuits(where: dict[str, Any]) -> None:
    backend = Backend(**where)
    circuits = [transpile(bell(), backend), transpile(dynamic(), backend)]
    job = backend.run(circuits, shots=50, memory=True, seed_simulator=3)
    result = job.result()
    assert isinstance(result, Result)
    assert job.status() == JobStatus.DONE
    assert set(result.get_counts(0)) == {"00", "11"}
    assert result.get_counts(1) == {"10 1": 50}
    assert result.get_memory(1) == ["10 1"] * 50
    assert sorted(result.get_memory(0)) == sorted(
        key for key, number in result.get_counts(0).items() for _ in range(number)
    )
    assert result.job_id == job.job_id()
    again = backend.run(circuits, shots=50, memory=True, seed_simulator=3).result()
    assert again.get_memory(0) == result.get_memory(0)
    assert result.results[0].seed == again.results[0].seed


def test_seeds_and_counts_are_those_of_qmk_run() -> None:
    found = Backend().run(bell(), shots=100, seed_simulator=11).result()
    assert qmk.run(bell(), shots=100, seed=found.results[0].seed).counts == found.get_counts()


def test_parameter_binds_give_a_result_each() -> None:
    theta = Parameter("theta")
    circuit = QuantumCircuit(1, 1)
    circuit.rx(theta, 0)
    circuit.measure(0, 0)
    found = Backend().run([circuit, bell()], parameter_binds=[{theta: [0.0, math.pi]}, {}], shots=10).result()
    assert [found.get_counts(0), found.get_counts(1)] == [{"0": 10}, {"1": 10}]
    assert len(found.results) == 3
    with pytest.raises(qmk.QmkError, match="1 mappings of parameters for 2 circuits"):
        Backend().run([circuit, bell()], parameter_binds=[{theta: [0.0]}])
    with pytest.raises(qmk.QmkError, match="no value is given for the parameter theta"):
        Backend().run(circuit).result()


def test_a_job_is_found_by_its_id_from_elsewhere(daemon: Any) -> None:
    server = str(daemon.socket)
    job = Backend(server=server).run([bell(), dynamic()], shots=20, memory=True, seed_simulator=1)
    wanted = job.result()
    provider = Provider(server=server)
    found = provider.retrieve_job(job.job_id())
    assert found.job_id() == job.job_id()
    result = found.result()
    assert result.get_counts(0) == wanted.get_counts(0)
    assert result.get_counts(1) == {"10 1": 20}
    assert result.get_memory(0) == wanted.get_memory(0)
    assert [row[0] for row in result.results[1].header["creg_sizes"]] == ["first bit", "c"]
    assert found.status() == JobStatus.DONE
    assert not found.cancel()
    with pytest.raises(qmk.QmkError, match="there is no job 'nothing'"):
        provider.job("nothing")
    with pytest.raises(qmk.QmkError, match="jobs of this process are not kept"):
        Provider().job(job.job_id())


def test_the_result_of_a_primitive_is_found_by_its_id_from_elsewhere(daemon: Any) -> None:
    server = str(daemon.socket)
    circuit, _, _ = ansatz()
    measured = circuit.measure_all(inplace=False)
    values = np.linspace(0, 2, 6).reshape(2, 3)
    pubs: list[Any] = [(measured, values), bell(), (measured, values[0])]
    sampled = SamplerV2(seed=3, server=server).run(pubs, shots=30)
    observables = [[SparsePauliOp("Z" * circuit.num_qubits)], [SparsePauliOp("X" * circuit.num_qubits)]]
    estimated = EstimatorV2(server=server).run([(circuit, observables, values)], precision=0.1)
    wanted, values_wanted = sampled.result(), estimated.result()[0].data

    found = SamplerV2(server=server).past_result(sampled.job_id(), pubs, shots=30)
    for given, first in zip(found, wanted, strict=True):
        assert given.data.keys() == first.data.keys()
        assert all(np.array_equal(given.data[name].array, first.data[name].array) for name in given.data)
    again = (
        EstimatorV2(server=server)
        .past_result(estimated.job_id(), [(circuit, observables, values)], precision=0.1)[0]
        .data
    )
    assert again.evs.shape == (2, 2)
    assert np.array_equal(again.evs, values_wanted.evs)
    assert np.array_equal(again.stds, values_wanted.stds)

    sampler, estimator = SamplerV2(server=server), EstimatorV2(server=server)
    other: list[tuple[Any, str]] = [
        (lambda: sampler.past_result(sampled.job_id(), pubs[:2], shots=30), "it has more programs"),
        (lambda: sampler.past_result(sampled.job_id(), [*pubs, bell()], shots=30), "it has fewer programs"),
        (lambda: sampler.past_result(sampled.job_id(), [pubs[1], *pubs[1:]], shots=30), "ran another program"),
        (lambda: sampler.past_result(sampled.job_id(), pubs), "drew 30 shots, not 1024"),
        (lambda: sampler.past_result(sampled.job_id(), [(measured, values[:1])], shots=30), "has 2 points, not 1"),
        (lambda: estimator.past_result(estimated.job_id(), [(circuit, observables[0], values)]), "has 2 values, not 1"),
        (lambda: Provider(server=server).job(sampled.job_id()).result(), "is a primitive's"),
    ]
    for ask, what in other:
        with pytest.raises(qmk.QmkError, match=what):
            ask()


def test_the_provider_lists_devices() -> None:
    names = [backend.name for backend in Provider().backends()]
    assert names[0] == "qmk"
    assert {"qmk_fake_torino", "qmk_zoned", "qmk_ideal_chain"} <= set(names)
    assert [backend.name for backend in Provider().backends("line:50")] == ["qmk_line:50"]
    assert Provider().backends("other") == []
    device = Provider().get_backend("qmk_zoned")
    assert device.num_qubits == 128
    assert set(device.target.operation_names) > {"u", "rz", "cz", "measure", "reset", "delay", "if_else"}
    counts = device.run(transpile(bell(), device), shots=20, seed_simulator=1).result().get_counts()
    assert sum(counts.values()) == 20
    with pytest.raises(qmk.QmkError, match="there is no backend 'other'"):
        Provider().get_backend("other")


@pytest.mark.parametrize("name", snapshots())
def test_a_calibrated_backend_says_what_the_device_does(name: str) -> None:
    """Qiskit's target, read back by the reader of other vendors' targets, is the device's own numbers."""
    ours, backend = target_named(name), Backend(name)
    back = from_qiskit(backend.target, name)
    assert (back.sites, set(back.couplings or ()), set(back.gates)) == (
        ours.sites,
        set(ours.couplings or ()),
        set(ours.gates),
    )
    coupled = set(ours.couplings or ())
    assert set(back.facts) == {fact for fact in ours.facts if len(fact.sites) < 2 or fact.sites in coupled}
    own = [msgspec.structs.replace(site, p01=None, p10=None) for site in ours.readings]
    assert (list(back.readings), back.timing) == (own, ours.timing)


@pytest.mark.parametrize("name", ["fake_manila", "fake_sherbrooke", "heavy-hex:127", "line:50", "grid:10x10", "all:20"])
def test_a_transpiled_circuit_is_written_for_its_device(name: str) -> None:
    backend = Backend(name)
    circuit = QuantumCircuit(4)
    circuit.h(0)
    for k in range(3):
        circuit.cx(0, k + 1)
    circuit.t(3)
    circuit.measure_all()
    written = transpile(circuit, backend, seed_transpiler=1)
    assert misfit(target_named(name), qmk.Circuit.from_object(written).graph) == ""
    counts = backend.run(written, shots=2000, seed_simulator=1).result().get_counts()
    noisy = name.startswith("fake")
    assert (set(counts) == {"0000", "1111"}) is not noisy
    assert counts["0000"] + counts["1111"] > 1600  # each gate and reading of these devices errs by 0.1 at most


def test_values_on_a_device_are_of_the_qubits_that_are_named() -> None:
    backend = Backend("fake_sherbrooke")
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.x(2)
    written = transpile(circuit, backend, seed_transpiler=2)
    observables = [SparsePauliOp(text).apply_layout(written.layout) for text in ("IZZ", "ZII", "IXX", "IIZ")]
    found = EstimatorV2(backend).run([(written, [observables])]).result()[0].data.evs[0]
    assert np.allclose(found, [1, -1, 1, 0], atol=0.05)
    assert found[1] > -1


def test_a_device_of_atoms_that_stay_couples_neighbours() -> None:
    chain = Backend("ideal_chain")
    circuit = QuantumCircuit(12)
    circuit.h(0)
    circuit.cx(0, 11)
    circuit.measure_all()
    counts = chain.run(transpile(circuit, chain, seed_transpiler=1), shots=50, seed_simulator=1).result().get_counts()
    assert set(counts) == {"0" * 12, "1" + "0" * 10 + "1"}
    far = Backend("noisy_square_array").target.build_coupling_map()
    assert far is not None
    assert {tuple(edge) for edge in far} >= {(0, 1), (1, 0), (0, 4)}
    assert (0, 15) not in {tuple(edge) for edge in far}


def test_qiskits_own_primitives_run_on_a_backend() -> None:
    found = BackendSamplerV2(backend=Backend()).run([bell()], shots=20).result()[0]
    assert set(found.data.meas.get_counts()) == {"00", "11"}
    value = BackendEstimatorV2(backend=Backend()).run([(bell().remove_final_measurements(False), "ZZ")]).result()[0]
    assert value.data.evs == pytest.approx(1.0)


def test_the_sampler_broadcasts_and_packs_every_register(where: dict[str, Any]) -> None:
    """The distance of 4,000 shots to the probabilities is beyond the bound with probability 1e-9 at most."""
    circuit, _, _ = ansatz()
    measured = circuit.copy()
    for register in (ClassicalRegister(1, "low"), ClassicalRegister(9, "wide")):
        measured.add_register(register)
    measured.measure([0, 1], [0, 9])
    rng = np.random.default_rng(1)
    values = rng.uniform(-2, 2, (2, 3, 3))
    sampler = SamplerV2(seed=5, **where)
    job = sampler.run([(measured, values), (bell(), None, 7)], shots=4000)
    swept, single = job.result()
    assert job.status() == JobStatus.DONE
    assert swept.data.shape == swept.data.low.shape == swept.data.wide.shape == (2, 3)
    assert (swept.data.low.num_bits, swept.data.wide.num_bits, swept.data.wide.num_shots) == (1, 9, 4000)
    assert single.data.meas.num_shots == 7
    bound = math.sqrt(2 * (4 * math.log(2) + 10 * math.log(10)) / 4000)
    for index in np.ndindex(2, 3):
        wanted = Statevector(circuit.assign_parameters(values[index])).probabilities()
        low = swept.data.low.array[index][:, 0]
        high = swept.data.wide.array[index][:, 0] & 1
        got = np.bincount(low + 2 * high, minlength=4) / 4000
        assert np.abs(got - wanted).sum() < bound
    again = sampler.run([(measured, values)], shots=4000).result()[0]
    assert np.array_equal(again.data.wide.array, swept.data.wide.array)


def test_all_sets_of_a_pub_are_one_job_of_the_daemon(daemon: Any) -> None:
    circuit, _, _ = ansatz()
    circuit.measure_all()
    server = str(daemon.socket)
    job = SamplerV2(seed=5, server=server).run([(circuit, np.zeros((50, 3)))], shots=10)
    assert job.result()[0].data.meas.shape == (50,)
    with qmk.Client(server) as client:
        assert len(client.group(job.job_id()).jobs()) == 1


def test_circuits_without_parameters_or_registers() -> None:
    found = SamplerV2(seed=1).run([(bell(), np.zeros((2, 0)))], shots=50).result()[0]
    assert found.data.meas.shape == (2,)
    assert not np.array_equal(found.data.meas.array[0], found.data.meas.array[1])
    with pytest.warns(UserWarning, match="no output classical registers"):
        empty = SamplerV2().run([QuantumCircuit(1)]).result()[0]
    assert not list(empty.data)
    shared = [Clbit(), Clbit()]
    aliased = QuantumCircuit(QuantumRegister(2), ClassicalRegister(bits=shared, name="a"))
    aliased.add_register(ClassicalRegister(bits=shared[::-1], name="b"))
    aliased.x(0)
    aliased.measure([0, 1], shared)
    both = SamplerV2().run([aliased], shots=3).result()[0].data
    assert both.a.get_counts() == {"01": 3}
    assert both.b.get_counts() == {"10": 3}


def test_programs_whose_angles_are_not_affine_are_drawn_too(where: dict[str, Any]) -> None:
    theta = Parameter("theta")
    circuit = QuantumCircuit(1)
    circuit.rx(theta**2, 0)
    circuit.measure_all()
    found = SamplerV2(**where).run([(circuit, [[0.0], [math.sqrt(math.pi)]])], shots=20).result()[0]
    assert [found.data.meas.get_counts(k) for k in range(2)] == [{"0": 20}, {"1": 20}]


def test_the_estimator_is_qiskits_reference(where: dict[str, Any]) -> None:
    circuit, _, _ = ansatz()
    rng = np.random.default_rng(2)
    values = rng.uniform(-2, 2, (4, 3))
    observables = [
        [SparsePauliOp(["ZI", "XY", "II"], [1.0, 0.5, -0.2])],
        [SparsePauliOp(["ZI", "XY", "II"], [1.0, 0.5, -0.2])],
        [{"XX": 0.5, "IZ": 0.25}],
    ]
    pubs = [(circuit, observables, values), (circuit, "ZZ", values[0])]
    ours, wanted = EstimatorV2(**where).run(pubs).result(), StatevectorEstimator().run(pubs).result()
    for got, reference in zip(ours, wanted, strict=True):
        assert got.data.evs.shape == reference.data.evs.shape
        assert np.allclose(got.data.evs, reference.data.evs, atol=1e-9)
        assert not np.any(got.data.stds)


def test_projectors_are_sums_of_paulis() -> None:
    circuit = QuantumCircuit(2)
    circuit.h(1)
    labels = ["+0", "-0", "+1", "r0", "l1", "+Z"]
    found = EstimatorV2().run([(circuit, [{label: 2.0} for label in labels])]).result()[0]
    assert np.allclose(found.data.evs, [2, 0, 0, 1, 0, 2])


def test_precision_draws_shots(where: dict[str, Any]) -> None:
    """Seven standard errors are passed with probability 3e-12."""
    circuit, _, _ = ansatz()
    values = np.full((2, 3), 0.4)
    found = EstimatorV2(seed=3, **where).run([(circuit, ["ZZ", "XI"], values)], precision=0.05).result()[0]
    exact = EstimatorV2().run([(circuit, ["ZZ", "XI"], values)]).result()[0]
    assert np.all(found.data.stds > 0)
    assert np.all(found.data.stds < 0.051)
    assert np.all(np.abs(found.data.evs - exact.data.evs) < 7 * 0.05)
    with pytest.raises(ValueError, match="precision"):
        EstimatorV2().run([(circuit, "ZZ", values)], precision=-1)


def test_more_observables_than_pauli_strings() -> None:
    circuit, _, _ = ansatz()
    observables = [SparsePauliOp(["ZI", "IX"], [k, 1.0]) for k in range(5)]
    found = EstimatorV2().run([(circuit, observables, np.full((5, 3), 0.3))]).result()[0]
    wanted = StatevectorEstimator().run([(circuit, observables, np.full((5, 3), 0.3))]).result()[0]
    assert np.allclose(found.data.evs, wanted.data.evs)


def test_a_keyword_that_no_run_has_is_refused_where_it_is_given() -> None:
    with pytest.raises(qmk.QmkError, match="no keyword 'nois'") as refused:
        Backend(nois="depolarizing=0.1")
    assert refused.value.fields["help"] == "did you mean 'noise'?"
    with pytest.raises(TypeError, match="give the backend as mode"):
        SamplerV2(backend=Backend())


def test_modes_and_options() -> None:
    backend = Backend(noise="depolarizing=0.1")
    with Session(backend) as session:
        assert session.backend() == "qmk"
        sampler = SamplerV2(mode=session, options={"default_shots": 5, "run_options": {"seed_simulator": 3}})
    assert (sampler.default_shots, sampler.seed, sampler.backend) == (5, 3, session.backend_object)
    assert EstimatorV2.from_backend(backend, default_precision=0.1).default_precision == 0.1
    noisy = EstimatorV2(backend).run([(QuantumCircuit(1), "Z")]).result()[0]
    assert noisy.data.evs == pytest.approx(1.0)
    with pytest.raises(TypeError, match="there is no option 'meas_level'"):
        SamplerV2(options={"meas_level": 1})
    with pytest.raises(TypeError, match="give a Backend or a Session"):
        SamplerV2(mode=cast("Any", "aer"))
    with pytest.raises(TypeError, match="noise is an option of the backend"):
        SamplerV2(mode=backend, noise="depolarizing=0.1")


def test_the_pubs_of_a_primitive_are_submitted_together_and_are_found_in_their_order(daemon: Any) -> None:
    server = str(daemon.socket)
    circuit, _, _ = ansatz()
    measured, values = circuit.measure_all(inplace=False), np.linspace(0, 2, 12).reshape(4, 3)
    pubs: list[Any] = [(measured, values), bell(), (bell(), np.zeros((3, 0)))]
    job = SamplerV2(seed=3, server=server).run(pubs, shots=30)
    with Client(server) as client:
        rows = client.group(job.job_id()).rows()  # all are there as soon as the job is
        assert [row.idempotency_key for row in rows] == [f"{job.job_id()}-{at}" for at in range(5)]
        wanted = [each.data.meas.array for each in job.result()]
        here = SamplerV2(seed=3).run(pubs, shots=30).result()
        assert all(
            np.array_equal(there, each.data.meas.array) for there, each in zip(wanted[1:], here[1:], strict=True)
        )

        kept = f"qiskit-{uuid4()}"  # as before jobs had keys
        first = client.submit(read(bell()), shots=30, seed=1, tags=[kept])
        client.submit(read(dynamic()), shots=30, seed=2, tags=[kept])
        found = SamplerV2(server=server).past_result(kept, [bell(), dynamic()], shots=30)
        assert found[0].data.meas.get_counts() == dict(client.job(first.job_id).result().counts)
        other = f"qiskit-{uuid4()}"  # accepted in another order than it has
        for at, each in ((1, dynamic()), (0, bell())):
            client.submit(read(each), shots=30, seed=1, tags=[other], idempotency_key=f"{other}-{at}")
        assert SamplerV2(server=server).past_result(other, [bell(), dynamic()], shots=30)[1].data.c.num_bits == 2
    assert pickle.loads(pickle.dumps(job)).result()[1].data.meas.get_counts() == here[1].data.meas.get_counts()
    assert not job.cancel(), "all have ended"


def test_a_job_of_a_primitive_is_cancelled_on_the_daemon(daemon: Any) -> None:
    server = str(daemon.socket)
    slow = QuantumCircuit(12, 1)
    for _ in range(60):
        slow.ry(0.3, range(12))
        slow.cx(range(11), range(1, 12))
        slow.measure(0, 0)
        with slow.if_test((slow.clbits[0], 1)):
            slow.rx(0.3, 1)
    job = SamplerV2(server=server).run([slow, slow], shots=200_000)
    assert job.cancel()
    with pytest.raises(qmk.QmkError, match="cancelled"):
        job.result()


def test_the_points_of_a_circuit_are_found_again_by_the_id_of_their_job(daemon: Any) -> None:
    theta = Parameter("t")
    circuit = QuantumCircuit(1, 1)
    circuit.rx(theta, 0)
    circuit.measure(0, 0)
    backend = Backend(server=str(daemon.socket))
    job = backend.run([circuit, bell()], parameter_binds=[{theta: [0.0, math.pi, 1.0]}, {}], shots=20)
    wanted = job.result()
    found = backend.retrieve_job(job.job_id()).result()
    assert [found.get_counts(at) for at in range(4)] == [wanted.get_counts(at) for at in range(4)]
    assert len({each.job_id for each in job.daemon_jobs()}) == 2, "the points are one job"


@pytest.mark.parametrize(("places", "width"), [([0, 1, 2], 3), ([2, 0], 3), (list(range(9)), 9), ([8], 9)])
def test_registers_are_packed_as_bit_arrays_are(places: list[int], width: int) -> None:
    bits = np.random.default_rng(1).integers(0, 2, (2, 5, width), dtype=np.uint8)
    packed = pack_register(bits, places)
    for index in np.ndindex(2, 5):
        number = int.from_bytes(packed[index].tobytes(), "big")
        assert [number >> k & 1 for k in range(len(places))] == [bits[index][width - 1 - place] for place in places]


def test_a_session_is_found_by_its_id_and_takes_no_jobs_once_it_is_closed(daemon: Any) -> None:
    server = str(daemon.socket)
    with Session(Backend(server=server), max_time="1h 30m") as session:
        sampled = SamplerV2(mode=session, seed=1).run([bell()], shots=10)
        wanted = sampled.result()[0].data.meas.get_counts()
        ran = session.backend_object.run(bell(), shots=30, seed_simulator=2)
        counts = ran.result().get_counts()
        assert session.status() == "In progress, accepting new jobs"
        assert session.details()["ends_at"] > time.time() + 5000
    assert session.status() == "Closed"
    for start in (
        lambda: SamplerV2(mode=session).run([bell()]),
        lambda: EstimatorV2(mode=session).run([(QuantumCircuit(1), "Z")]),
        lambda: session.backend_object.run(bell()),
    ):
        with pytest.raises(qmk.QmkError, match="is closed"):
            start()
    assert Backend(server=server).run(bell(), shots=3).result().success

    again = Session.from_id(session.session_id, Backend(server=server))  # as any other process
    assert [job.job_id() for job in again.jobs()] == [sampled.job_id(), ran.job_id()]
    assert again.details()["jobs"] == [sampled.job_id(), ran.job_id()]
    assert again.jobs()[1].result().get_counts() == counts
    found = SamplerV2(mode=again, seed=1).past_result(sampled.job_id(), [bell()], shots=10)
    assert found[0].data.meas.get_counts() == wanted
    again.cancel()
    assert again.details()["state"] == "closed"

    with pytest.raises(qmk.QmkError, match="there is no job"):
        Session.from_id("qiskit-session-0-" + 32 * "a", Backend(server=server))
    with pytest.raises(qmk.QmkError, match="is not a session"):
        Session.from_id(ran.job_id(), Backend(server=server))


def test_a_session_ends_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Backend(), max_time=60)
    later = time.time() + 61
    assert session.backend_object.run(bell(), shots=2).result().success
    monkeypatch.setattr(time, "time", lambda: later)
    assert session.status() == "Closed, not accepting new jobs"
    with pytest.raises(qmk.QmkError, match="its max_time has passed"):
        SamplerV2(mode=session).run([bell()])
    assert Session(Backend()).details()["ends_at"] is None
    for wrong in (0, -3, "2 hours", "", True):
        with pytest.raises(qmk.QmkError, match="max_time is"):
            Session(Backend(), max_time=wrong)
